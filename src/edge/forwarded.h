/*
 * forwarded: for whom a proxy speaks. X-Forwarded-For and X-Forwarded-Proto are believed only from
 * a peer that the operator trusts, and only as far as trusted proxies wrote them: the list is read
 * from its end, and the first address that is no trusted proxy is the client. Whatever stands
 * before it the client may have made up.
 */
#ifndef TT_EDGE_FORWARDED_H
#define TT_EDGE_FORWARDED_H

#include <stdbool.h>

#include "net/http1.h"
#include "net/ip.h"

/* Who sent the request that `peer` handed over: `peer` itself where nothing else is to be believed.
 */
struct tt_ip tt_forwarded_client(const struct tt_networks *trusted, const struct tt_ip *peer,
                                 const struct tt_http1_request *request);

/* Whether a trusted proxy says that the client came over HTTPS. */
bool tt_forwarded_is_https(const struct tt_networks *trusted, const struct tt_ip *peer,
                           const struct tt_http1_request *request);

#endif
