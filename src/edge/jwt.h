/*
 * jwt: tokens that say who is calling (RFC 7519 in the compact form of RFC 7515): checking them,
 * and signing them with the server's own secret.
 *
 * The claims: `sub` is the user, `device` the device ("default" when absent). `exp` is required and
 * exact; `nbf` and `iat` may be TT_JWT_LEEWAY_S in the future. Refused are, before anything is
 * believed: tokens over TT_LIMIT_TOKEN_BYTES, `crit`, names that are read and there twice, and
 * every algorithm but the one of the key.
 */
#ifndef TT_EDGE_JWT_H
#define TT_EDGE_JWT_H

#include "base/buffer.h"
#include "base/err.h"
#include "base/id.h"
#include "base/time.h"
#include "edge/jwt_key.h"

#define TT_JWT_LEEWAY_S 60

/* What a token must say beside its signature; empty: not checked. */
struct tt_jwt_policy {
    struct tt_slice audience; /* `aud` is it, or an array that holds it */
    struct tt_slice issuer;   /* `iss` is it */
};

struct tt_jwt_claims {
    tt_id user;
    tt_id device;
    tt_time expires;
    uint64_t login; /* claim twoticks_login: the token ends with this login; 0: it names none */
};

/* Fails with UNAUTHENTICATED; `*reason` is then a few static words for the log, never anything of
 * the token itself. */
TT_MUST_CHECK tt_err tt_jwt_verify(const struct tt_jwt_keys *keys,
                                   const struct tt_jwt_policy *policy, struct tt_slice token,
                                   tt_time now, struct tt_jwt_claims *claims, const char **reason);

/* Appends a token signed with HS256. Audience and issuer are those of the policy. */
void tt_jwt_sign(struct tt_slice secret, const struct tt_jwt_policy *policy,
                 const struct tt_jwt_claims *claims, tt_time now, struct tt_buffer *token);

#endif
