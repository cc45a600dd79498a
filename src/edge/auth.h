/*
 * auth: who is calling. A token comes, in this order of preference, from
 *
 *   1. Authorization: Bearer <token>
 *   2. the cookie twoticks_session; browsers send it by themselves, so an upgrade and whatever
 *      changes something must then come from an allowed Origin
 *   3. for an upgrade, the subprotocol list `twoticks.v1, bearer.<token>`
 *
 * and never from a URL. The first that is there is the one that counts, good or bad.
 */
#ifndef TT_EDGE_AUTH_H
#define TT_EDGE_AUTH_H

#include <stdbool.h>

#include "base/err.h"
#include "base/time.h"
#include "edge/jwt_seen.h"
#include "edge/origin.h"
#include "net/http1.h"

#define TT_AUTH_COOKIE       "twoticks_session"
#define TT_AUTH_SUBPROTOCOL  "twoticks.v1"
#define TT_AUTH_TOKEN_PREFIX "bearer."

struct tt_auth {
    const struct tt_jwt_keys *keys;
    struct tt_jwt_policy policy;
    struct tt_origins origins;
    struct tt_jwt_seen *seen; /* NULL: each token is verified each time */
};

/* Whether the token that counts is the cookie's. */
bool tt_auth_came_by_cookie(const struct tt_http1_request *request);

/* What a request wants to do. */
enum tt_auth_act { TT_AUTH_READS, TT_AUTH_CHANGES, TT_AUTH_UPGRADES };

/* `https`: the client came over TLS. Fails with UNAUTHENTICATED or ORIGIN; `*reason` is then a few
 * static words for the log. */
TT_MUST_CHECK tt_err tt_auth_check(const struct tt_auth *auth,
                                   const struct tt_http1_request *request, bool https,
                                   enum tt_auth_act act, tt_time now, struct tt_jwt_claims *claims,
                                   const char **reason);

#endif
