/*
 * http1: the requests of an HTTP/1.1 connection (RFC 9112), one at a time, without any I/O.
 *
 * Everything is refused that two servers could read differently (request smuggling): bare CR or LF,
 * folded lines, NUL, both Content-Length and Transfer-Encoding or two of either, codings other than
 * chunked, chunks that are not exactly as in the RFC, no or two Host fields. Who sent it is
 * answered and cut off.
 *
 * A connection between two requests, or one that has become a WebSocket, holds no memory here.
 *
 *     for (;;) switch (tt_http1_next(http, &input, now)) {
 *     case TT_HTTP1_MORE:     return;                  // wait for `read`
 *     case TT_HTTP1_CONTINUE: tt_http1_write_continue(output); break;
 *     case TT_HTTP1_REQUEST:  answer it, tt_http1_done, go on; or, to answer later,
 *                             tt_http1_keep, pause reading, return; then done and go on from here
 *     case TT_HTTP1_REFUSED:  answer request->status, close after the flush; return;
 *     }
 */
#ifndef TT_NET_HTTP1_H
#define TT_NET_HTTP1_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/slice.h"
#include "base/time.h"
#include "net/http1_field.h"
#include "net/input.h"

#define TT_HTTP1_HEADER_COUNT_MAX 64

struct tt_http1_limits {
    size_t head_size_max; /* request line and header fields; at most 65535; past it 431 */
    size_t body_size_max; /* past it 413, from Content-Length alone where there is one */
};

enum tt_http1_method {
    TT_HTTP1_GET,
    TT_HTTP1_HEAD,
    TT_HTTP1_POST,
    TT_HTTP1_PUT,
    TT_HTTP1_DELETE,
    TT_HTTP1_OPTIONS,
    TT_HTTP1_OTHER, /* CONNECT, TRACE or PATCH: answer 405 */
};

/* Valid until tt_http1_done. */
struct tt_http1_request {
    enum tt_http1_method method;
    struct tt_slice path;  /* as it came, percent-encoded; starts with / (or is "*") */
    struct tt_slice query; /* what follows ?, without it; empty if there is none */
    struct tt_slice body;
    size_t field_count;
    uint16_t status;     /* of a refused one: 400, 413, 417, 431, 501 or 505 */
    const char *problem; /* of a refused one: what was wrong */
    uint8_t minor;       /* of HTTP/1.minor: 0 or 1 */
    bool keep_alive;     /* false: close after the answer */
    struct tt_http1_field fields[TT_HTTP1_HEADER_COUNT_MAX]; /* the first field_count are set */
};

enum tt_http1_result { TT_HTTP1_MORE, TT_HTTP1_CONTINUE, TT_HTTP1_REQUEST, TT_HTTP1_REFUSED };

/* Where a connection stands: what its owner's timers go by. */
enum tt_http1_phase {
    TT_HTTP1_IDLE, /* between requests */
    TT_HTTP1_HEAD_COMING,
    TT_HTTP1_BODY_COMING,
    TT_HTTP1_ANSWERING, /* from REQUEST or REFUSED to tt_http1_done */
};

struct tt_http1_progress;

/* Small, to lie inside of a connection; its fields are private. */
struct tt_http1 {
    const struct tt_http1_limits *limits;
    struct tt_http1_progress *progress; /* NULL between requests */
    bool over;                          /* nothing more is read */
};

void tt_http1_init(struct tt_http1 *http, const struct tt_http1_limits *limits);
void tt_http1_deinit(struct tt_http1 *http);

/* Reads on until something is to be done, or all of the input is taken. `now` becomes the start of
 * a request that begins here. While ANSWERING it is a bug to call it. After REFUSED nothing more
 * is read from this connection. */
enum tt_http1_result tt_http1_next(struct tt_http1 *http, struct tt_input *input, tt_mono now);

/* The request of REQUEST or REFUSED; of the latter all slices but `status` and `problem` may be
 * empty. Valid until tt_http1_done. */
const struct tt_http1_request *tt_http1_request(const struct tt_http1 *http);

/* Keeps a copy of what follows the request, or comes before the next one's turn, for a later
 * tt_http1_next, or for tt_http1_take_kept when it becomes a WebSocket. */
void tt_http1_keep(struct tt_http1 *http, struct tt_input *input);

/* The answer is written; the request is forgotten. */
void tt_http1_done(struct tt_http1 *http);

/* Moves what was kept into `kept`, an empty buffer, and ends the use of `http`: for the upgrade,
 * after which the bytes belong to the WebSocket. Also does tt_http1_done. */
void tt_http1_take_kept(struct tt_http1 *http, struct tt_buffer *kept);

enum tt_http1_phase tt_http1_phase(const struct tt_http1 *http);

/* When the request in progress began (its first byte); 0 between requests. */
tt_mono tt_http1_started_at(const struct tt_http1 *http);

/* The first field of this name (in lower case); empty if there is none. */
struct tt_slice tt_http1_header(const struct tt_http1_request *request, const char *name);
size_t tt_http1_header_count(const struct tt_http1_request *request, const char *name);

#endif
