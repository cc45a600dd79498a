#include "edge/auth.h"

#include "net/websocket_handshake.h"

static struct tt_slice trim(struct tt_slice text)
{
    while (text.size > 0 && (text.data[0] == ' ' || text.data[0] == '\t'))
        text = tt_slice_from(text, 1);
    while (text.size > 0 && (text.data[text.size - 1] == ' ' || text.data[text.size - 1] == '\t'))
        text.size--;
    return text;
}

/* "Bearer <token>", the scheme in any letter case; empty for another scheme. */
static struct tt_slice bearer_token(struct tt_slice value)
{
    const struct tt_slice scheme = TT_SLICE_LITERAL("bearer");
    if (value.size <= scheme.size || value.data[scheme.size] != ' ' ||
        !tt_http1_is(tt_slice(value.data, scheme.size), "bearer"))
        return TT_SLICE_EMPTY;
    return trim(tt_slice_from(value, scheme.size));
}

/* How many cookies of our name the Cookie fields hold; the last one's value. */
static size_t find_cookie(const struct tt_http1_request *request, struct tt_slice *value)
{
    const struct tt_slice name = TT_SLICE_LITERAL(TT_AUTH_COOKIE "=");
    size_t count = 0;
    for (size_t i = 0; i < request->field_count; i++) {
        if (!tt_http1_is(request->fields[i].name, "cookie"))
            continue;
        struct tt_slice rest = request->fields[i].value;
        while (rest.size > 0) {
            const char *end = memchr(rest.data, ';', rest.size);
            size_t size = end == NULL ? rest.size : (size_t)(end - rest.data);
            struct tt_slice pair = trim(tt_slice(rest.data, size));
            rest = tt_slice_from(rest, end == NULL ? size : size + 1);
            if (pair.size < name.size || !tt_slice_eq(tt_slice(pair.data, name.size), name))
                continue;
            *value = tt_slice_from(pair, name.size);
            count++;
        }
    }
    return count;
}

bool tt_auth_came_by_cookie(const struct tt_http1_request *request)
{
    struct tt_slice token;
    return tt_http1_header_count(request, "authorization") == 0 &&
           find_cookie(request, &token) == 1;
}

static tt_err refuse(const char **reason, const char *words)
{
    *reason = words;
    return TT_FAIL(UNAUTHENTICATED);
}

static tt_err find_token(const struct tt_auth *auth, const struct tt_http1_request *request,
                         bool https, enum tt_auth_act act, struct tt_slice *token,
                         const char **reason)
{
    size_t headers = tt_http1_header_count(request, "authorization");
    if (headers > 1)
        return refuse(reason, "more than one Authorization field");
    if (headers == 1) {
        *token = bearer_token(tt_http1_header(request, "authorization"));
        return token->size > 0 ? TT_OK : refuse(reason, "Authorization is no Bearer token");
    }
    size_t cookies = find_cookie(request, token);
    if (cookies > 1)
        return refuse(reason, "more than one session cookie");
    if (cookies == 1) {
        if (act == TT_AUTH_READS || tt_origin_is_allowed(&auth->origins, request, https))
            return TT_OK;
        *reason = "a cookie from an Origin that is not allowed";
        return TT_FAIL(ORIGIN);
    }
    *token = act == TT_AUTH_UPGRADES
                 ? tt_websocket_offer_after(request, TT_SLICE_LITERAL(TT_AUTH_TOKEN_PREFIX))
                 : TT_SLICE_EMPTY;
    return token->size > 0 ? TT_OK : refuse(reason, "no token");
}

tt_err tt_auth_check(const struct tt_auth *auth, const struct tt_http1_request *request, bool https,
                     enum tt_auth_act act, tt_time now, struct tt_jwt_claims *claims,
                     const char **reason)
{
    struct tt_slice token = TT_SLICE_EMPTY;
    TT_TRY(find_token(auth, request, https, act, &token, reason));
    return tt_jwt_seen_verify(auth->seen, auth->keys, &auth->policy, token, now, claims, reason);
}
