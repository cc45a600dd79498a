#include "edge/cookie.h"

#include "edge/auth.h"

void tt_cookie_set(struct tt_buffer *fields, struct tt_slice token, int64_t max_age_s, bool secure)
{
    struct tt_buffer value = {0};
    tt_buffer_add_text(&value, TT_AUTH_COOKIE "=");
    tt_buffer_add(&value, token);
    tt_buffer_add_text(&value, "; Path=/; HttpOnly; SameSite=Strict; Max-Age=");
    tt_buffer_add_u64(&value, max_age_s > 0 ? (uint64_t)max_age_s : 0);
    if (secure)
        tt_buffer_add_text(&value, "; Secure");
    tt_http1_add_field(fields, "Set-Cookie", tt_buffer_slice(&value));
    tt_buffer_deinit(&value);
}

void tt_cookie_clear(struct tt_buffer *fields, bool secure)
{
    tt_cookie_set(fields, TT_SLICE_EMPTY, 0, secure);
}
