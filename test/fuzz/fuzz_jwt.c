#include "fuzz.h"

#include "edge/jwt.h"

/* No bytes are a token of a key that did not sign them. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct tt_jwt_keys *keys;
    if (keys == NULL) {
        struct tt_slice secret = TT_SLICE_LITERAL("0123456789abcdef0123456789abcdef");
        const char *problem;
        keys = tt_jwt_keys_create();
        tt_err err = tt_jwt_keys_add_secret(keys, TT_SLICE_EMPTY, secret, &problem);
        TT_ASSERT(tt_is_ok(err));
    }
    struct tt_jwt_policy policy = {TT_SLICE_EMPTY, TT_SLICE_EMPTY};
    struct tt_jwt_claims claims;
    const char *reason;
    tt_err err = tt_jwt_verify(keys, &policy, tt_slice(data, size), TT_TIME(1700000000000), &claims,
                               &reason);
    TT_ASSERT(!tt_is_ok(err) || claims.user.size > 0);
    return 0;
}
