/*
 * trust: whose tokens the server believes: its own secret's, or those of the operator's key file.
 */
#ifndef TT_APP_TRUST_H
#define TT_APP_TRUST_H

#include "app/config.h"
#include "app/jwks_source.h"
#include "app/secret.h"
#include "edge/auth.h"

struct tt_trust {
    struct tt_auth auth;
    struct tt_jwt_keys *keys; /* those of auth */
    struct tt_slice origins[TT_OPTION_LIST_MAX];
    struct tt_secret secret;       /* size 0: others sign */
    struct tt_jwks_source *source; /* NULL: nothing is fetched */
};

/* With --check-config it only looks: makes no secret and fetches nothing.
 *
 * False: `sentence` says what to do. The config and the trust must outlive what uses the auth. */
bool tt_trust_open(const struct tt_config *config, const struct tt_log *log, struct tt_trust *trust,
                   char sentence[TT_SECRET_SENTENCE]);
void tt_trust_close(struct tt_trust *trust);

#endif
