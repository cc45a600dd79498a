/*
 * tls_client: one outgoing connection: the name is looked up, an address that is allowed is
 * connected to, TLS is agreed upon with the certificate checked against that name.
 *
 * What is written goes to the socket's output and leaves the process at the end of the turn; bytes
 * are read as they come. One deadline per connection serves connecting and whatever the owner
 * waits for later. Names are looked up by libuv's own threads.
 *
 * The owner has it until tls_client_destroy, which may be called from any callback; after `ended`,
 * too, it has to be.
 */
#ifndef TT_NET_TLS_CLIENT_H
#define TT_NET_TLS_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "net/address.h"
#include "net/input.h"
#include "net/loop.h"

/* Whose certificates are believed: the system's authorities, and those of a file. For any number of
 * connections on one thread. */
struct tt_tls_trust;

/* `extra_file`: a PEM file with more authorities, or NULL. Fails with INVALID; `*problem` says
 * why. */
TT_MUST_CHECK tt_err tt_tls_trust_create(const char *extra_file, struct tt_tls_trust **trust,
                                         const char **problem);
void tt_tls_trust_destroy(struct tt_tls_trust **take_trust);

enum tt_tls_end {
    TT_TLS_CLOSED,      /* the peer ended it */
    TT_TLS_UNREACHABLE, /* no address, nobody there, or the connection broke */
    TT_TLS_FORBIDDEN,   /* the name leads to no address that is allowed */
    TT_TLS_UNTRUSTED,   /* the certificate is not the one of that name, or TLS failed */
    TT_TLS_TOO_LATE,    /* the deadline passed */
};

struct tt_tls_events {
    void (*ready)(void *context);
    void (*read)(void *context, struct tt_input *input); /* what is left at the return is lost */
    /* No callback comes any more. `reason` is a short text that lives as long as the client. */
    void (*ended)(void *context, enum tt_tls_end end, const char *reason);
};

struct tt_tls_options {
    struct tt_tls_trust *trust; /* borrowed; NULL: without TLS */
    struct tt_slice host;       /* a name, or an address without brackets */
    uint16_t port;
    const char *alpn;                                     /* "h2"; NULL: none */
    bool (*is_allowed)(const struct tt_address *address); /* NULL: all are */
    uint32_t connect_ms;
};

struct tt_tls_client;

/* Begins to connect; the outcome is told later. `events` is borrowed. */
struct tt_tls_client *tt_tls_client_create(struct tt_loop *loop,
                                           const struct tt_tls_options *options,
                                           const struct tt_tls_events *events, void *context);

/* Only after `ready` and before `ended`. Large pieces cost less than many small ones. */
void tt_tls_client_write(struct tt_tls_client *client, struct tt_slice bytes);

/* How much is not with the kernel yet. */
size_t tt_tls_client_buffered(const struct tt_tls_client *client);

/* Ends with TOO_LATE then; 0: never. Connecting has one of its own, connect_ms. */
void tt_tls_client_set_deadline(struct tt_tls_client *client, tt_mono at);

/* Whether the peer has agreed on the protocol asked for. */
bool tt_tls_client_has_alpn(const struct tt_tls_client *client);

/* Closes it, politely if it stands. */
void tt_tls_client_destroy(struct tt_tls_client **take_client);

#endif
