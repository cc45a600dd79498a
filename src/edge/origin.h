/*
 * origin: which web pages may act for a user: those of this server itself, and those of origins
 * that the operator has allowed, compared as a whole (RFC 6454). Also what tells a browser so
 * (CORS).
 */
#ifndef TT_EDGE_ORIGIN_H
#define TT_EDGE_ORIGIN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "net/http1.h"

/* "https://app.example.com", exactly as browsers write them. */
struct tt_origins {
    const struct tt_slice *allowed;
    size_t count;
};

/* Whether a browser may write that into `Origin` (RFC 6454, section 6.2): scheme://host, or
 * scheme://host:port where the port is not the scheme's own, in lower case. "null" is none: every
 * page that hides where it is from writes it. */
bool tt_origin_is_one(struct tt_slice text);

/* Whether the request names exactly one Origin, and it is the server's own (its Host) or an allowed
 * one. `https`: it is known to have come over TLS, and then the http:// page of that name, which
 * whoever sits on the line can write, is another one. Otherwise both count, since an unnamed proxy
 * may end TLS. */
bool tt_origin_is_allowed(const struct tt_origins *origins, const struct tt_http1_request *request,
                          bool https);

/* The fields by which a page of an allowed origin may read the answer; none for others. */
void tt_origin_add_fields(const struct tt_origins *origins, const struct tt_http1_request *request,
                          struct tt_buffer *fields);

/* The same for the answer to a preflight; `methods` is the path's Allow value. */
void tt_origin_add_preflight_fields(const struct tt_origins *origins,
                                    const struct tt_http1_request *request, struct tt_slice methods,
                                    struct tt_buffer *fields);

#endif
