#include "edge/jwt.h"

#include <jansson.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/base64url.h"
#include "base/json_writer.h"
#include "base/limits.h"
#include "model/account.h"

#define LOGIN_CLAIM "twoticks_login"

/* The last second of the year 9999. */
#define SECONDS_MAX 253402300799LL

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

/* The JSON object in a part of a token; NULL if it is none. Jansson would take a NUL after it. */
static json_t *load(struct tt_slice part)
{
    unsigned char bytes[TT_BASE64URL_DECODED_MAX(TT_LIMIT_TOKEN_BYTES)];
    size_t size;
    if (!tt_base64url_decode(part, bytes, &size) || memchr(bytes, '\0', size) != NULL)
        return NULL;
    json_t *object = json_loadb((const char *)bytes, size, JSON_REJECT_DUPLICATES, NULL);
    if (json_is_object(object))
        return object;
    json_decref(object);
    return NULL;
}

static bool text_is(const json_t *value, struct tt_slice text)
{
    return json_is_string(value) &&
           tt_slice_eq(tt_slice(json_string_value(value), json_string_length(value)), text);
}

static struct tt_slice text_of(const json_t *value)
{
    return tt_slice(json_string_value(value), json_string_length(value));
}

/* How a token says that it was signed. */
struct header {
    struct tt_slice algorithm;
    struct tt_slice kid; /* empty: none is named */
    json_t *json;        /* what these lie in; NULL: in no memory that is to be freed */
};

static tt_err check_header(struct header *header, const char **reason)
{
    const json_t *algorithm = json_object_get(header->json, "alg");
    const json_t *kid = json_object_get(header->json, "kid");
    if (json_object_get(header->json, "crit") != NULL)
        return refuse(reason, "critical header fields are not supported");
    if (!json_is_string(algorithm))
        return refuse(reason, "no algorithm is named");
    if (kid != NULL && !json_is_string(kid))
        return refuse(reason, "the kid is no string");
    header->algorithm = text_of(algorithm);
    header->kid = kid == NULL ? TT_SLICE_EMPTY : text_of(kid);
    return TT_OK;
}

static tt_err read_header(struct tt_slice part, struct header *header, const char **reason)
{
    *header = (struct header){.algorithm = TT_SLICE_LITERAL("HS256")};
    if (tt_slice_eq(part, TT_SLICE_LITERAL(USUAL_HEADER)))
        return TT_OK;
    header->json = load(part);
    if (header->json == NULL)
        return refuse(reason, "the header is no JSON object, or repeats a name");
    return check_header(header, reason);
}

/* *any: there is a key that could have signed it. */
static bool is_signed(const struct tt_jwt_keys *keys, const struct header *header,
                      struct tt_slice bytes, struct tt_slice signature, bool *any)
{
    const struct tt_jwt_key *key;
    *any = false;
    for (size_t at = 0; (key = tt_jwt_keys_next(keys, header->kid, &at)) != NULL;) {
        const char *name = tt_jwt_algorithm_name(tt_jwt_key_algorithm(key));
        if (!tt_slice_eq(header->algorithm, tt_slice_text(name)))
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

/* Reads a time in seconds, of which a fraction may be given (RFC 7519, section 2): it is rounded to
 * where the token is good for less. 0 and *found false without it. */
static bool read_seconds(const json_t *claims, const char *name, bool up, bool *found,
                         int64_t *seconds)
{
    const json_t *value = json_object_get(claims, name);
    *found = value != NULL;
    *seconds = 0;
    if (value == NULL)
        return true;
    if (json_is_integer(value)) {
        *seconds = json_integer_value(value);
        return *seconds >= 0 && *seconds <= SECONDS_MAX;
    }
    double real = json_real_value(value);
    if (!json_is_real(value) || real < 0 || real > (double)SECONDS_MAX)
        return false;
    *seconds = (int64_t)real;
    if (up && (double)*seconds < real)
        *seconds += 1;
    return true;
}

static tt_err check_times(const json_t *payload, tt_time now, tt_time *expires, const char **reason)
{
    bool found;
    int64_t seconds;
    if (!read_seconds(payload, "exp", false, &found, &seconds))
        return refuse(reason, "exp is no number of seconds since 1970");
    if (!found)
        return refuse(reason, "exp is missing");
    *expires = TT_TIME(seconds * 1000);
    if (now.ms >= expires->ms)
        return refuse(reason, "expired");

    int64_t latest = now.ms / 1000 + TT_JWT_LEEWAY_S;
    if (!read_seconds(payload, "nbf", true, &found, &seconds) || seconds > latest)
        return refuse(reason, "not valid yet");
    if (!read_seconds(payload, "iat", true, &found, &seconds) || seconds > latest)
        return refuse(reason, "issued in the future");
    return TT_OK;
}

static bool has_audience(const json_t *audience, struct tt_slice wanted)
{
    if (!json_is_array(audience))
        return text_is(audience, wanted);
    for (size_t i = 0; i < json_array_size(audience); i++)
        if (text_is(json_array_get(audience, i), wanted))
            return true;
    return false;
}

static bool read_id(const json_t *value, tt_id *id)
{
    return json_is_string(value) &&
           tt_is_ok(tt_id_parse(tt_slice(json_string_value(value), json_string_length(value)), id));
}

static tt_err check_login(const json_t *value, uint64_t *login, const char **reason)
{
    *login = 0;
    if (value == NULL)
        return TT_OK;
    if (!json_is_integer(value) || json_integer_value(value) <= 0 ||
        (uint64_t)json_integer_value(value) > TT_LOGIN_MAX)
        return refuse(reason, "the login is no such number");
    *login = (uint64_t)json_integer_value(value);
    return TT_OK;
}

static tt_err check_claims(const json_t *payload, const struct tt_jwt_policy *policy, tt_time now,
                           struct tt_jwt_claims *claims, const char **reason)
{
    const json_t *device = json_object_get(payload, "device");
    TT_TRY(check_times(payload, now, &claims->expires, reason));
    if (policy->issuer.size > 0 && !text_is(json_object_get(payload, "iss"), policy->issuer))
        return refuse(reason, "from another issuer");
    if (policy->audience.size > 0 &&
        !has_audience(json_object_get(payload, "aud"), policy->audience))
        return refuse(reason, "for another audience");
    if (!read_id(json_object_get(payload, "sub"), &claims->user))
        return refuse(reason, "sub is no user id");
    if (device == NULL)
        claims->device = tt_id_of("default");
    else if (!read_id(device, &claims->device))
        return refuse(reason, "device is no device id");
    return check_login(json_object_get(payload, LOGIN_CLAIM), &claims->login, reason);
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
    tt_err err = read_header(parts.header, &header, reason);
    if (tt_is_ok(err))
        err = check_signature(keys, &header, &parts, reason);
    json_decref(header.json);
    TT_TRY(err);

    json_t *payload = load(parts.payload);
    if (payload == NULL)
        return refuse(reason, "the claims are no JSON object, or repeat a name");
    err = check_claims(payload, policy, now, claims, reason);
    json_decref(payload);
    return err;
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
