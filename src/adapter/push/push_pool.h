/*
 * push_pool: a few connections over HTTP/1.1 to whatever hosts are asked, kept open between
 * requests. One request at a time on each; who finds none free waits for his turn himself.
 */
#ifndef TT_ADAPTER_PUSH_PUSH_POOL_H
#define TT_ADAPTER_PUSH_PUSH_POOL_H

#include "net/http1_client.h"

struct tt_push_pool;

struct tt_push_pool_options {
    struct tt_loop *loop;
    struct tt_tls_trust *trust; /* NULL: without TLS */
    bool (*is_allowed)(const struct tt_address *address);
    size_t connections_max;
    size_t per_host_max;
    uint32_t connect_ms;
    uint32_t idle_ms; /* then a connection is closed */
};

/* Why there is no response. `was_sent`: it may have been carried out. */
struct tt_push_failure {
    enum tt_tls_end end;
    bool was_sent;
    const char *reason;
};

/* Either a response or, if that is NULL, a failure. */
typedef void (*tt_push_answered)(void *context, void *request,
                                 const struct tt_http1_response *response,
                                 const struct tt_push_failure *failure);

/* The options' pointers are borrowed. */
struct tt_push_pool *tt_push_pool_create(const struct tt_push_pool_options *options,
                                         tt_push_answered answered, void *context);

/* Open requests are handed to `forget`. */
void tt_push_pool_destroy(struct tt_push_pool **take_pool,
                          void (*forget)(void *context, void *request), void *context);

/* False: no connection is free. Otherwise `answered` is called once, later, with `request`. */
bool tt_push_pool_ask(struct tt_push_pool *pool, struct tt_slice host, uint16_t port,
                      const struct tt_http1_request_out *out, void *request);

/* Closes what has been idle for long. */
void tt_push_pool_turn(struct tt_push_pool *pool);

size_t tt_push_pool_under_way(const struct tt_push_pool *pool);

/* Connections that were made. */
uint64_t tt_push_pool_connections(const struct tt_push_pool *pool);

#endif
