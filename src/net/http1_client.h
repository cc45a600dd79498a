/*
 * http1_client: one outgoing connection that asks over HTTP/1.1, one request at a time, and is kept
 * open between them if the server likes. It follows no redirects and takes no answer that is larger
 * or later than said.
 */
#ifndef TT_NET_HTTP1_CLIENT_H
#define TT_NET_HTTP1_CLIENT_H

#include "net/http1_response.h"
#include "net/tls_client.h"

struct tt_http1_client;

struct tt_http1_client_events {
    /* The connection is idle again, unless response->keep_alive is false: then it is of no more
     * use. The response is borrowed for the call, in which the next request may be sent. */
    void (*answered)(void *context, const struct tt_http1_response *response);
    /* It is of no more use. `was_sent`: a request was under way, and nobody knows what became of
     * it. No callback comes any more. */
    void (*ended)(void *context, enum tt_tls_end end, bool was_sent, const char *reason);
};

struct tt_http1_request_out {
    const char *method;
    struct tt_slice authority; /* the Host field */
    struct tt_slice target;
    struct tt_slice fields; /* by tt_http1_add_field */
    struct tt_slice body;
    uint32_t answer_ms; /* for the whole answer to come */
};

/* Begins to connect. `events` is borrowed. Answers larger than size_max end the connection. */
struct tt_http1_client *
tt_http1_client_create(struct tt_loop *loop, const struct tt_tls_options *options, size_t size_max,
                       const struct tt_http1_client_events *events, void *context);

/* Only when it is idle (or still connecting and nothing was sent); everything is copied. */
void tt_http1_client_send(struct tt_http1_client *client,
                          const struct tt_http1_request_out *request);

bool tt_http1_client_is_idle(const struct tt_http1_client *client);

/* From any callback too. */
void tt_http1_client_destroy(struct tt_http1_client **take_client);

#endif
