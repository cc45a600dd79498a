/*
 * outgoing: a connection to a named host that this program opened, plain or TLS, with the events
 * of a socket. The name is looked up anew for each connection, so that a service may move.
 *
 * The owner gives it away by tt_outgoing_destroy, from any callback too; after `ended` as well.
 */
#ifndef TT_NET_OUTGOING_H
#define TT_NET_OUTGOING_H

#include <stdbool.h>
#include <stdint.h>

#include "net/socket.h"

#define TT_HOST_SIZE_MAX 255

struct tt_outgoing;
struct tt_tls_trust;

/* Where to connect to. */
struct tt_remote {
    char host[TT_HOST_SIZE_MAX + 1]; /* a name or an IP address, without brackets; terminated */
    uint16_t port;
    bool tls;
    struct tt_tls_trust *trust; /* of TLS: whose certificates are believed; borrowed. NULL:
                                   nobody's, and no connection stands */
};

/* Never fails at once: what goes wrong is told by `ended`, never from within. What is written
 * before `connected` is sent then. `events` and `remote` are borrowed as long as it lives. */
struct tt_outgoing *tt_outgoing_connect(struct tt_loop *loop, const struct tt_remote *remote,
                                        const struct tt_socket_events *events, void *context);

/* As tt_socket_output. */
struct tt_buffer *tt_outgoing_output(struct tt_outgoing *outgoing);

/* What is written and not with the kernel yet. */
size_t tt_outgoing_buffered(const struct tt_outgoing *outgoing);

/* Sets *outgoing to NULL; what was not sent is lost. */
void tt_outgoing_destroy(struct tt_outgoing **outgoing);

#endif
