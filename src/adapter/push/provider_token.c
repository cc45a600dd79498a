#include "adapter/push/provider_token.h"

#include "base/json_writer.h"

static tt_err make(struct tt_provider_token *token, tt_time wall)
{
    struct tt_buffer header = {0};
    struct tt_buffer claims = {0};
    struct tt_json_writer json = {.out = &header};
    tt_json_begin_object(&json, NULL);
    tt_json_put_text(&json, "alg", "ES256");
    tt_json_put_string(&json, "kid", token->key_id);
    tt_json_end_object(&json);
    json = (struct tt_json_writer){.out = &claims};
    tt_json_begin_object(&json, NULL);
    tt_json_put_string(&json, "iss", token->team_id);
    tt_json_put_u64(&json, "iat", (uint64_t)(wall.ms / 1000));
    tt_json_end_object(&json);

    token->text.size = 0;
    tt_buffer_add_text(&token->text, "bearer ");
    tt_err err = tt_push_key_sign_jwt(token->key, tt_buffer_slice(&header),
                                      tt_buffer_slice(&claims), &token->text);
    if (!tt_is_ok(err))
        token->text.size = 0;
    tt_buffer_deinit(&header);
    tt_buffer_deinit(&claims);
    return err;
}

static uint64_t age_of(const struct tt_provider_token *token, tt_mono now)
{
    return now.ms - token->made_at.ms + token->age_ms;
}

tt_err tt_provider_token_get(struct tt_provider_token *token, tt_mono now, tt_time wall,
                             struct tt_slice *text)
{
    if (token->text.size == 0 || age_of(token, now) >= token->lives_ms) {
        TT_TRY(make(token, wall));
        token->made_at = now;
        token->age_ms = 0;
        token->made_at_wall = wall;
        token->is_kept = false;
    }
    *text = tt_buffer_slice(&token->text);
    return TT_OK;
}

bool tt_provider_token_expired(struct tt_provider_token *token, tt_mono now)
{
    if (token->text.size == 0)
        return true;
    if (age_of(token, now) < token->lives_ms_min)
        return false;
    token->text.size = 0;
    return true;
}

void tt_provider_token_deinit(struct tt_provider_token *token)
{
    tt_buffer_deinit(&token->text);
}
