/*
 * http2_client: one outgoing connection that asks over HTTP/2, many requests at a time, on
 * libnghttp2. It never has more streams open than the server allows, and before the server has said
 * how many, one. It sends no PRIORITY and takes no pushes.
 *
 * Every request ends in exactly one of `answered` and `failed`, the latter with what is known: a
 * stream that the server refused, or that GOAWAY's last stream id leaves out, was not processed and
 * may be sent again; of one that was cut off nobody knows.
 */
#ifndef TT_NET_HTTP2_CLIENT_H
#define TT_NET_HTTP2_CLIENT_H

#include "net/tls_client.h"

struct tt_http2_client;

struct tt_http2_field {
    struct tt_slice name; /* in lower case */
    struct tt_slice value;
    bool is_unique; /* not worth an entry of the header table, as a path with a token is not */
};

#define TT_HTTP2_ANSWER_BODY_MAX 4096 /* the rest is dropped */
#define TT_HTTP2_FIELDS_MAX      16

struct tt_http2_answer {
    int status;
    struct tt_slice body;
    struct tt_http2_field fields[TT_HTTP2_FIELDS_MAX];
    size_t field_count;
};

/* The first field of this name; empty if there is none. */
struct tt_slice tt_http2_answer_field(const struct tt_http2_answer *answer, const char *name);

struct tt_http2_client_events {
    /* The connection stands, or has room again, or the server has changed what it allows. */
    void (*room)(void *context);
    void (*answered)(void *context, void *request, const struct tt_http2_answer *answer);
    void (*failed)(void *context, void *request, bool may_be_done, const char *reason);
    /* GOAWAY: what was sent goes on, nothing more may be sent. `debug` is what the server said. */
    void (*going_away)(void *context, uint32_t error, struct tt_slice debug);
    /* After each open request has failed. No callback comes any more. */
    void (*ended)(void *context, enum tt_tls_end end, const char *reason);
};

/* Begins to connect; options->alpn must be "h2". `events` is borrowed. */
struct tt_http2_client *tt_http2_client_create(struct tt_loop *loop,
                                               const struct tt_tls_options *options,
                                               const struct tt_http2_client_events *events,
                                               void *context);

/* How many more requests may be sent now. */
size_t tt_http2_client_room(const struct tt_http2_client *client);
size_t tt_http2_client_open(const struct tt_http2_client *client);

/* Whether the connection stands, and no GOAWAY has come. */
bool tt_http2_client_is_usable(const struct tt_http2_client *client);

/* Only while there is room. Everything is copied; `request` comes back in the events. It leaves
 * with the next flush. */
void tt_http2_client_send(struct tt_http2_client *client, const struct tt_http2_field *fields,
                          size_t field_count, struct tt_slice body, void *request);

void tt_http2_client_ping(struct tt_http2_client *client);

/* The connection ends with TOO_LATE if the server says nothing until then. Whatever it says clears
 * this; while it is set it stays as it is. */
void tt_http2_client_expect_by(struct tt_http2_client *client, tt_mono until);

/* To be called at the end of each turn. */
void tt_http2_client_flush(struct tt_http2_client *client);

/* Calls `each` for the open requests, which are forgotten. Before it is destroyed, for their
 * owner. */
void tt_http2_client_forget(struct tt_http2_client *client,
                            void (*each)(void *context, void *request), void *context);

/* From any callback too. Open requests are forgotten without an event. */
void tt_http2_client_destroy(struct tt_http2_client **take_client);

#endif
