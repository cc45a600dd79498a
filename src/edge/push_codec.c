#include "edge/push_codec.h"

#include "base/base64url.h"
#include "base/json.h"

#define HTTPS        "https://"
#define HEX_SIZE_MAX 200
#define ENCODED_MAX  128
#define POINT_BEGIN  4 /* of an uncompressed one */

enum { PROVIDER, TOKEN, ENVIRONMENT, ENDPOINT, SUBKEYS, SUBSCRIPTION, COUNT };

static const char *const keys[COUNT] = {"provider", "token", "environment",
                                        "endpoint", "keys",  "subscription"};

static tt_err refuse(struct tt_problem *problem, const char *key, const char *text)
{
    *problem = (struct tt_problem){key, text};
    return TT_FAIL(INVALID);
}

/* A short text without escapes that mean something else, decoded. */
static tt_err read_text(struct tt_json value, const char *key, struct tt_arena *arena,
                        struct tt_slice *text, struct tt_problem *problem)
{
    problem->key = key;
    if (value.kind == TT_JSON_ABSENT)
        return TT_FAIL(KEY_MISSING);
    if (value.kind != TT_JSON_STRING)
        return TT_FAIL(BAD_TYPE);
    struct tt_buffer decoded = {0};
    tt_json_unescape(value.text, &decoded);
    *text = tt_arena_copy(arena, tt_buffer_slice(&decoded));
    tt_buffer_deinit(&decoded);
    if (text->size == 0 || text->size > TT_PUSH_TOKEN_SIZE_MAX)
        return refuse(problem, key, "this is 1 to 2048 bytes of text");
    problem->key = NULL;
    return TT_OK;
}

static bool is_hex(struct tt_slice text)
{
    for (size_t i = 0; i < text.size; i++) {
        char byte = text.data[i];
        if (!(byte >= '0' && byte <= '9') && !(byte >= 'a' && byte <= 'f') &&
            !(byte >= 'A' && byte <= 'F'))
            return false;
    }
    return text.size % 2 == 0 && text.size <= HEX_SIZE_MAX;
}

/* The same token in another letter case is the same token. */
static struct tt_slice lower(struct tt_slice text, struct tt_arena *arena)
{
    char *copy = tt_arena_alloc(arena, text.size);
    for (size_t i = 0; i < text.size; i++) {
        char byte = text.data[i];
        copy[i] = byte >= 'A' && byte <= 'F' ? (char)(byte - 'A' + 'a') : byte;
    }
    return tt_slice(copy, text.size);
}

static tt_err read_apns(const struct tt_json *values, struct tt_arena *arena,
                        struct tt_push_address *address, struct tt_problem *problem)
{
    struct tt_json environment = values[ENVIRONMENT];
    address->provider = TT_PUSH_APNS;
    TT_TRY(read_text(values[TOKEN], keys[TOKEN], arena, &address->token, problem));
    if (!is_hex(address->token))
        return refuse(problem, keys[TOKEN], "an APNs token is the device token in hexadecimal");
    address->token = lower(address->token, arena);
    if (environment.kind == TT_JSON_ABSENT || environment.kind == TT_JSON_NULL)
        return TT_OK;
    address->sandbox =
        environment.kind == TT_JSON_STRING && tt_json_string_is(environment.text, "sandbox");
    if (!address->sandbox &&
        (environment.kind != TT_JSON_STRING || !tt_json_string_is(environment.text, "production")))
        return refuse(problem, keys[ENVIRONMENT], "this is \"production\" or \"sandbox\"");
    return TT_OK;
}

static tt_err read_fcm(const struct tt_json *values, struct tt_arena *arena,
                       struct tt_push_address *address, struct tt_problem *problem)
{
    address->provider = TT_PUSH_FCM;
    TT_TRY(read_text(values[TOKEN], keys[TOKEN], arena, &address->token, problem));
    for (size_t i = 0; i < address->token.size; i++) {
        char byte = address->token.data[i];
        bool letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
        if (!letter && !(byte >= '0' && byte <= '9') && byte != '-' && byte != '_' && byte != ':')
            return refuse(problem, keys[TOKEN],
                          "an FCM token is letters, digits, -, _ and : as the SDK gives it");
    }
    return TT_OK;
}

/* Browsers give base64url without padding; some libraries pad it. */
static tt_err read_bytes(struct tt_json value, const char *key, size_t size, struct tt_arena *arena,
                         struct tt_slice *bytes, struct tt_problem *problem)
{
    struct tt_slice text;
    size_t decoded = 0;
    TT_TRY(read_text(value, key, arena, &text, problem));
    while (text.size > 0 && text.data[text.size - 1] == '=')
        text.size--;
    if (text.size > ENCODED_MAX)
        return refuse(problem, key, "this is too long; give what the browser's toJSON() gives");
    unsigned char *room = tt_arena_alloc(arena, TT_BASE64URL_DECODED_MAX(text.size));
    if (!tt_base64url_decode(text, room, &decoded) || decoded != size)
        return refuse(problem, key,
                      "this is no such key in base64url; give what the browser's toJSON() gives");
    *bytes = tt_slice(room, decoded);
    return TT_OK;
}

static bool is_https(struct tt_slice url)
{
    if (url.size <= sizeof(HTTPS) - 1 || memcmp(url.data, HTTPS, sizeof(HTTPS) - 1) != 0)
        return false;
    for (size_t i = 0; i < url.size; i++)
        if ((unsigned char)url.data[i] <= ' ' || (unsigned char)url.data[i] >= 0x7f)
            return false;
    return true;
}

static tt_err read_webpush(const struct tt_json *given, struct tt_arena *arena,
                           struct tt_push_address *address, struct tt_problem *problem)
{
    static const char *const subkeys[] = {"p256dh", "auth"};
    struct tt_json values[COUNT];
    struct tt_json inner[2];
    memcpy(values, given, sizeof(values));
    if (values[SUBSCRIPTION].kind == TT_JSON_OBJECT)
        TT_TRY(tt_json_read_object(values[SUBSCRIPTION].text, keys, COUNT, values));
    address->provider = TT_PUSH_WEBPUSH;
    TT_TRY(read_text(values[ENDPOINT], keys[ENDPOINT], arena, &address->token, problem));
    if (!is_https(address->token))
        return refuse(problem, keys[ENDPOINT], "an endpoint is an https:// URL");
    if (values[SUBKEYS].kind != TT_JSON_OBJECT)
        return refuse(problem, keys[SUBKEYS], "this is an object with p256dh and auth");
    TT_TRY(tt_json_read_object(values[SUBKEYS].text, subkeys, 2, inner));
    TT_TRY(read_bytes(inner[0], subkeys[0], TT_PUSH_P256DH_SIZE, arena, &address->p256dh, problem));
    TT_TRY(read_bytes(inner[1], subkeys[1], TT_PUSH_AUTH_SIZE, arena, &address->auth, problem));
    if (address->p256dh.data[0] != POINT_BEGIN)
        return refuse(problem, subkeys[0], "this is no uncompressed point of P-256");
    return TT_OK;
}

tt_err tt_push_address_read(struct tt_slice body, struct tt_arena *arena,
                            struct tt_push_address *address, struct tt_problem *problem)
{
    struct tt_json values[COUNT];
    *problem = (struct tt_problem){NULL, NULL};
    *address = (struct tt_push_address){.provider = TT_PUSH_NONE};
    if (body.size == 0) {
        problem->text = "this request needs a body: one JSON object";
        return TT_FAIL(NOT_JSON);
    }
    TT_TRY(tt_json_read_object(body, keys, COUNT, values));
    if (values[PROVIDER].kind == TT_JSON_STRING) {
        if (tt_json_string_is(values[PROVIDER].text, "apns"))
            return read_apns(values, arena, address, problem);
        if (tt_json_string_is(values[PROVIDER].text, "fcm"))
            return read_fcm(values, arena, address, problem);
        if (tt_json_string_is(values[PROVIDER].text, "webpush"))
            return read_webpush(values, arena, address, problem);
    }
    return refuse(problem, keys[PROVIDER], "this is \"apns\", \"fcm\" or \"webpush\"");
}
