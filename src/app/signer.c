#include "app/signer.h"

#include <stdio.h>

#include "adapter/clock_os.h"
#include "edge/jwt.h"

#define DAY_MS (24 * 3600 * 1000ULL)

void tt_signer_sign(const struct tt_secret *secret, const tt_id *user, const tt_id *device,
                    uint64_t ttl_ms, const struct tt_jwt_policy *policy, struct tt_buffer *token)
{
    tt_time now = tt_clock_os_wall();
    struct tt_jwt_claims claims = {
        .user = *user, .device = *device, .expires = TT_TIME(now.ms + (int64_t)ttl_ms)};
    tt_jwt_sign(tt_secret_slice(secret), policy, &claims, now, token);
}

static bool parse(const char *what, const char *text, tt_id *id, char *sentence)
{
    tt_err err = tt_id_parse(tt_slice_text(text), id);
    if (!tt_is_ok(err))
        snprintf(sentence, TT_SECRET_SENTENCE, "the %s is \"%.200s\": %s", what, text,
                 tt_err_text(err));
    return tt_is_ok(err);
}

bool tt_signer_sign_for(const char *data, const char *user, const char *device,
                        struct tt_buffer *token, char sentence[TT_SECRET_SENTENCE])
{
    tt_id user_id;
    tt_id device_id;
    struct tt_secret secret;
    if (!parse("user", user, &user_id, sentence) ||
        !parse("device", device, &device_id, sentence) || !tt_secret_read(data, &secret, sentence))
        return false;
    tt_signer_sign(&secret, &user_id, &device_id, DAY_MS,
                   &(struct tt_jwt_policy){{NULL, 0}, {NULL, 0}}, token);
    return true;
}
