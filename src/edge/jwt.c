#include "edge/jwt.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/base64url.h"
#include "base/json_writer.h"
#include "edge/jwt_object.h"
#include "model/account.h"

#define LOGIN_CLAIM "twoticks_login"

/* What a token that is signed with a secret begins with, ours and those of most libraries: the
 * header {"alg":"HS256","typ":"JWT"}, which then need not be read. */
#define USUAL_HEADER "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9"

struct parts {
    struct tt_slice header;
    struct tt_slice payload;
    struct tt_slice signature;
    struct tt_slice signed_bytes;
};

static tt_err refuse(const char **reason, const char *words)
{
    *reason = words;
    return TT_FAIL(UNAUTHENTICATED);
}

static bool split(struct tt_slice token, struct parts *parts)
{
    const char *end = token.data + token.size;
    const char *first = memchr(token.data, '.', token.size);
    if (first == NULL)
        return false;
    const char *second = memchr(first + 1, '.', (size_t)(end - first - 1));
    if (second == NULL || memchr(second + 1, '.', (size_t)(end - second - 1)) != NULL)
        return false;
    parts->header = tt_slice(token.data, (size_t)(first - token.data));
    parts->payload = tt_slice(first + 1, (size_t)(second - first - 1));
    parts->signature = tt_slice(second + 1, (size_t)(end - second - 1));
    parts->signed_bytes = tt_slice(token.data, (size_t)(second - token.data));
    return true;
}

enum { HEADER_ALGORITHM, HEADER_KID, HEADER_CRITICAL, HEADER_COUNT };
static const char *const header_names[HEADER_COUNT] = {"alg", "kid", "crit"};

enum {
    CLAIM_USER,
    CLAIM_DEVICE,
    CLAIM_ISSUED_AT,
    CLAIM_EXPIRES,
    CLAIM_NOT_BEFORE,
    CLAIM_ISSUER,
    CLAIM_AUDIENCE,
    CLAIM_LOGIN,
    CLAIM_COUNT
};
static const char *const claim_names[CLAIM_COUNT] = {
    [CLAIM_USER] = "sub",     [CLAIM_DEVICE] = "device",   [CLAIM_ISSUED_AT] = "iat",
    [CLAIM_EXPIRES] = "exp",  [CLAIM_NOT_BEFORE] = "nbf",  [CLAIM_ISSUER] = "iss",
    [CLAIM_AUDIENCE] = "aud", [CLAIM_LOGIN] = LOGIN_CLAIM,
};

/* How a token says that it was signed. */
struct header {
    struct tt_json algorithm;
    struct tt_slice kid; /* empty: none is named */
    struct tt_buffer kid_bytes;
};

static tt_err read_header(struct tt_slice part, struct tt_jwt_bytes *bytes, struct header *header,
                          const char **reason)
{
    struct tt_json values[HEADER_COUNT];
    *header = (struct header){.algorithm = {TT_JSON_STRING, TT_SLICE_LITERAL("HS256")}};
    if (tt_slice_eq(part, TT_SLICE_LITERAL(USUAL_HEADER)))
        return TT_OK;
    if (!tt_jwt_object_read(part, bytes, header_names, HEADER_COUNT, values))
        return refuse(reason, "the header is no JSON object, or repeats a name");
    if (values[HEADER_CRITICAL].kind != TT_JSON_ABSENT)
        return refuse(reason, "critical header fields are not supported");
    if (values[HEADER_ALGORITHM].kind != TT_JSON_STRING)
        return refuse(reason, "no algorithm is named");
    header->algorithm = values[HEADER_ALGORITHM];
    if (values[HEADER_KID].kind == TT_JSON_ABSENT)
        return TT_OK;
    if (!tt_jwt_text(values[HEADER_KID], &header->kid_bytes))
        return refuse(reason, "the kid is no string");
    header->kid = tt_buffer_slice(&header->kid_bytes);
    return TT_OK;
}

/* *any: there is a key that could have signed it. */
static bool is_signed(const struct tt_jwt_keys *keys, const struct header *header,
                      struct tt_slice bytes, struct tt_slice signature, bool *any)
{
    const struct tt_jwt_key *key;
    *any = false;
    for (size_t at = 0; (key = tt_jwt_keys_next(keys, header->kid, &at)) != NULL;) {
        const char *name = tt_jwt_algorithm_name(tt_jwt_key_algorithm(key));
        if (!tt_jwt_text_is(header->algorithm, tt_slice_text(name)))
            continue;
        *any = true;
        if (tt_jwt_key_verify(key, bytes, signature))
            return true;
    }
    return false;
}

static tt_err check_signature(const struct tt_jwt_keys *keys, const struct header *header,
                              const struct parts *parts, const char **reason)
{
    unsigned char bytes[TT_BASE64URL_DECODED_MAX(TT_LIMIT_TOKEN_BYTES)];
    size_t size;
    if (!tt_base64url_decode(parts->signature, bytes, &size))
        return refuse(reason, "the signature is no base64url");

    bool any;
    tt_jwt_keys_hold(keys);
    bool good = is_signed(keys, header, parts->signed_bytes, tt_slice(bytes, size), &any);
    tt_jwt_keys_let_go(keys);
    if (good)
        return TT_OK;
    if (!any)
        tt_jwt_keys_miss(keys);
    return refuse(reason, any ? "the signature is wrong" : "no key of that kid and algorithm");
}

static tt_err check_times(const struct tt_json *payload, tt_time now, tt_time *expires,
                          const char **reason)
{
    int64_t seconds;
    if (!tt_jwt_seconds(payload[CLAIM_EXPIRES], false, &seconds))
        return refuse(reason, "exp is no number of seconds since 1970");
    if (payload[CLAIM_EXPIRES].kind == TT_JSON_ABSENT)
        return refuse(reason, "exp is missing");
    *expires = TT_TIME(seconds * 1000);
    if (now.ms >= expires->ms)
        return refuse(reason, "expired");

    int64_t latest = now.ms / 1000 + TT_JWT_LEEWAY_S;
    if (!tt_jwt_seconds(payload[CLAIM_NOT_BEFORE], true, &seconds) || seconds > latest)
        return refuse(reason, "not valid yet");
    if (!tt_jwt_seconds(payload[CLAIM_ISSUED_AT], true, &seconds) || seconds > latest)
        return refuse(reason, "issued in the future");
    return TT_OK;
}

static bool has_audience(struct tt_json audience, struct tt_slice wanted)
{
    if (audience.kind != TT_JSON_ARRAY)
        return tt_jwt_text_is(audience, wanted);
    struct tt_json one;
    struct tt_json_items items = tt_json_items(audience);
    while (tt_json_next(&items, NULL, &one))
        if (tt_jwt_text_is(one, wanted))
            return true;
    return false;
}

static tt_err check_login(struct tt_json value, uint64_t *login, const char **reason)
{
    *login = 0;
    if (value.kind == TT_JSON_ABSENT)
        return TT_OK;
    if (!tt_is_ok(tt_json_get_u64(value, TT_LOGIN_MAX, login)) || *login == 0)
        return refuse(reason, "the login is no such number");
    return TT_OK;
}

static tt_err check_claims(const struct tt_json *payload, const struct tt_jwt_policy *policy,
                           tt_time now, struct tt_jwt_claims *claims, const char **reason)
{
    TT_TRY(check_times(payload, now, &claims->expires, reason));
    if (policy->issuer.size > 0 && !tt_jwt_text_is(payload[CLAIM_ISSUER], policy->issuer))
        return refuse(reason, "from another issuer");
    if (policy->audience.size > 0 && !has_audience(payload[CLAIM_AUDIENCE], policy->audience))
        return refuse(reason, "for another audience");
    if (!tt_is_ok(tt_json_get_id(payload[CLAIM_USER], &claims->user)))
        return refuse(reason, "sub is no user id");
    if (payload[CLAIM_DEVICE].kind == TT_JSON_ABSENT)
        claims->device = tt_id_of("default");
    else if (!tt_is_ok(tt_json_get_id(payload[CLAIM_DEVICE], &claims->device)))
        return refuse(reason, "device is no device id");
    return check_login(payload[CLAIM_LOGIN], &claims->login, reason);
}

tt_err tt_jwt_verify(const struct tt_jwt_keys *keys, const struct tt_jwt_policy *policy,
                     struct tt_slice token, tt_time now, struct tt_jwt_claims *claims,
                     const char **reason)
{
    struct parts parts;
    if (token.size == 0)
        return refuse(reason, "no token");
    if (token.size > (size_t)TT_LIMIT_TOKEN_BYTES)
        return refuse(reason, "too long");
    if (!split(token, &parts))
        return refuse(reason, "not three parts");

    struct header header;
    struct tt_jwt_bytes bytes;
    tt_err err = read_header(parts.header, &bytes, &header, reason);
    if (tt_is_ok(err))
        err = check_signature(keys, &header, &parts, reason);
    tt_buffer_deinit(&header.kid_bytes);
    TT_TRY(err);

    struct tt_json payload[CLAIM_COUNT];
    if (!tt_jwt_object_read(parts.payload, &bytes, claim_names, CLAIM_COUNT, payload))
        return refuse(reason, "the claims are no JSON object, or repeat a name");
    return check_claims(payload, policy, now, claims, reason);
}

static void put_claims(struct tt_buffer *out, const struct tt_jwt_policy *policy,
                       const struct tt_jwt_claims *claims, tt_time now)
{
    struct tt_json_writer json = {.out = out};
    tt_json_begin_object(&json, NULL);
    tt_json_put_id(&json, "sub", &claims->user);
    tt_json_put_id(&json, "device", &claims->device);
    tt_json_put_u64(&json, "iat", (uint64_t)(now.ms / 1000));
    tt_json_put_u64(&json, "exp", (uint64_t)(claims->expires.ms / 1000));
    if (claims->login != 0)
        tt_json_put_u64(&json, LOGIN_CLAIM, claims->login);
    if (policy->audience.size > 0)
        tt_json_put_string(&json, "aud", policy->audience);
    if (policy->issuer.size > 0)
        tt_json_put_string(&json, "iss", policy->issuer);
    tt_json_end_object(&json);
}

void tt_jwt_sign(struct tt_slice secret, const struct tt_jwt_policy *policy,
                 const struct tt_jwt_claims *claims, tt_time now, struct tt_buffer *token)
{
    size_t start = token->size;
    struct tt_buffer payload = {0};
    put_claims(&payload, policy, claims, now);
    tt_buffer_add_text(token, USUAL_HEADER ".");
    tt_base64url_encode(tt_buffer_slice(&payload), token);
    tt_buffer_deinit(&payload);

    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    const unsigned char *made =
        HMAC(EVP_sha256(), secret.data, (int)secret.size,
             (const unsigned char *)token->data + start, token->size - start, mac, &size);
    TT_ASSERT(made != NULL);
    tt_buffer_add_byte(token, '.');
    tt_base64url_encode(tt_slice(mac, size), token);
}
