/*
 * http1_head: the request line and the header fields of a request, and how its body is framed (RFC
 * 9112). Stricter than it must be: what two servers could understand differently is refused
 * (decision 33).
 */
#ifndef TT_NET_HTTP1_HEAD_H
#define TT_NET_HTTP1_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "net/http1.h"

/* Zeroed before the first byte of a head. */
struct tt_http1_scan {
    char last;         /* the last byte that was looked at by itself, as a CR is */
    uint8_t line_size; /* 0 until the line has begun */
    bool complete;     /* the empty line came */
    const char *problem;
};

struct tt_http1_framing {
    uint64_t body_size; /* unless chunked */
    bool chunked;
    bool expects_continue;
};

/* Reads up to the end of the head, or to what may not be in a head (then `problem` is set).
 * Returns how many bytes that took. */
size_t tt_http1_scan(struct tt_http1_scan *scan, struct tt_slice bytes);

/* Reads a complete head into the request, whose slices then point into it. False: the request is
 * refused by its `status` and `problem`. */
bool tt_http1_read_head(struct tt_slice head, struct tt_http1_request *request,
                        struct tt_http1_framing *framing);

/* Always false, for the caller to return. */
bool tt_http1_refuse(struct tt_http1_request *request, int status, const char *problem);

#endif
