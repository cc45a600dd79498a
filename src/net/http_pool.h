/*
 * http_pool: HTTP/1.1 requests to one origin over a pool of kept connections, one request at a
 * time on each.
 *
 * A request is the bytes that go out; who sends it has made them. Each is answered exactly once,
 * never from within tt_http_pool_send. Nothing is ever sent twice: a caller that wants to try
 * again does so, knowing whether it may.
 */
#ifndef TT_NET_HTTP_POOL_H
#define TT_NET_HTTP_POOL_H

#include "base/buffer.h"
#include "base/time.h"
#include "net/outgoing.h"

struct tt_http_pool;

struct tt_http_pool_options {
    struct tt_remote remote;
    size_t connections_max; /* requests beyond wait in the order given */
    size_t body_size_max;
    uint32_t idle_ms_max; /* a connection that did nothing for longer is not used again */
};

enum tt_http_outcome {
    TT_HTTP_ANSWERED,
    TT_HTTP_NOT_SENT, /* no connection could be had; the origin has not seen it */
    TT_HTTP_LOST,     /* sent, and no whole answer came: nobody knows what the origin did */
};

struct tt_http_result {
    enum tt_http_outcome outcome;
    int status;
    struct tt_slice body;
    bool has_crc32; /* of the header x-amz-crc32 */
    uint32_t crc32;
    tt_time date; /* of the header Date; 0: none that could be read */
};

typedef void (*tt_http_answer)(void *context, const struct tt_http_result *result);

struct tt_http_pool_stats {
    uint64_t connects;
    uint64_t requests;
    uint64_t bytes_out;
    uint64_t bytes_in;
};

struct tt_http_pool *tt_http_pool_create(struct tt_loop *loop,
                                         const struct tt_http_pool_options *options);

/* Sets *client to NULL. Requests under way are not answered any more. Not from an answer. */
void tt_http_pool_destroy(struct tt_http_pool **client);

/* Takes the bytes out of `request` and leaves it empty. By `deadline` it is answered. */
void tt_http_pool_send(struct tt_http_pool *client, struct tt_buffer *request, tt_mono deadline,
                       tt_http_answer answer, void *context);

const struct tt_http_pool_stats *tt_http_pool_stats(const struct tt_http_pool *client);

/* HOST or HOST:PORT as the Host header wants it; terminated. */
void tt_http_pool_host(const struct tt_remote *remote, char text[TT_HOST_SIZE_MAX + 10]);

#endif
