/*
 * http1_answer: how an HTTP/1.1 answer is written.
 */
#ifndef TT_NET_HTTP1_ANSWER_H
#define TT_NET_HTTP1_ANSWER_H

#include <stdbool.h>

#include "base/buffer.h"
#include "base/slice.h"
#include "net/http1.h"

struct tt_http1_answer {
    int status;
    const char *content_type; /* NULL when there is no body */
    struct tt_slice fields;   /* more header fields, by tt_http1_add_field; may be empty */
    struct tt_slice body;
    bool close; /* the connection ends after this answer */
};

/*
 * Writes the whole answer: status line, fields, Content-Length, Connection where it is needed, and
 * the body, which a HEAD request, a 1xx, a 204 and a 304 do not get. The connection is to be
 * finished afterwards if this returns false (the request, or `close`, wants it so). Without a
 * request (NULL), because none came yet, it always is.
 */
bool tt_http1_write_answer(const struct tt_http1_request *request,
                           const struct tt_http1_answer *answer, struct tt_buffer *output);

/* "HTTP/1.1 100 Continue" */
void tt_http1_write_continue(struct tt_buffer *output);

/* "Not Found" for 404. Never NULL. */
const char *tt_http1_reason(int status);

#endif
