/*
 * http1_response: a client's side of HTTP/1.1, for this program's own commands: a request writer
 * and a response reader over http_parser, without any I/O.
 */
#ifndef TT_NET_HTTP1_RESPONSE_H
#define TT_NET_HTTP1_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "base/err.h"
#include "base/slice.h"
#include "net/http1.h"
#include "net/input.h"

/* Valid until the next response begins. */
struct tt_http1_response {
    int status;
    struct tt_slice body; /* empty for a 101: what follows it is not HTTP and stays in the input */
    struct tt_http1_field fields[TT_HTTP1_HEADER_COUNT_MAX];
    size_t field_count;
    bool keep_alive;
};

struct tt_http1_response_reader;

/* Responses larger than `size_max` (head and body) are INVALID. */
struct tt_http1_response_reader *tt_http1_response_reader_create(size_t size_max);
void tt_http1_response_reader_destroy(struct tt_http1_response_reader **take_reader);

/*
 * Reads on. `*response` is set when a whole response is there, else NULL; call again while there is
 * input. 100 Continue is passed over. `head` says that the request was a HEAD. Fails with INVALID:
 * the server does not speak HTTP/1.1.
 */
TT_MUST_CHECK tt_err tt_http1_response_next(struct tt_http1_response_reader *reader,
                                            struct tt_input *input, bool head,
                                            const struct tt_http1_response **response);

/* The peer closed: completes a response whose body goes on to the end of the connection. */
TT_MUST_CHECK tt_err tt_http1_response_end(struct tt_http1_response_reader *reader,
                                           const struct tt_http1_response **response);

/* The first field of this name (in lower case); empty if there is none. */
struct tt_slice tt_http1_response_header(const struct tt_http1_response *response,
                                         const char *name);

/* Writes a request with its body; Content-Length is added if there is a body or it is a POST or a
 * PUT. `method` is "GET" and the like. */
void tt_http1_write_request(const char *method, struct tt_slice host, struct tt_slice target,
                            struct tt_slice fields, struct tt_slice body, struct tt_buffer *output);

#endif
