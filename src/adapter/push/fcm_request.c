#include "adapter/push/fcm_request.h"

#include "adapter/push/push_text.h"
#include "base/json.h"
#include "base/json_writer.h"

#define SCOPE       "https://www.googleapis.com/auth/firebase.messaging"
#define GRANT       "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion="
#define ASSERTION_S 3600

static struct tt_slice decoded(struct tt_json value, struct tt_arena *arena)
{
    if (value.kind != TT_JSON_STRING)
        return TT_SLICE_EMPTY;
    struct tt_buffer text = {0};
    tt_json_unescape(value.text, &text);
    struct tt_slice copy = tt_arena_copy(arena, tt_buffer_slice(&text));
    tt_buffer_deinit(&text);
    return copy;
}

tt_err tt_service_account_read(struct tt_slice json, struct tt_arena *arena,
                               struct tt_service_account *account, const char **problem)
{
    static const char *const keys[] = {"type",           "project_id", "client_email",
                                       "private_key_id", "token_uri",  "private_key"};
    struct tt_json values[6];
    *problem = "this is no service account's JSON; Google's console makes one under Project "
               "settings, Service accounts, Generate new private key";
    if (!tt_is_ok(tt_json_read_object(json, keys, 6, values)))
        return TT_FAIL(INVALID);
    if (values[0].kind != TT_JSON_STRING || !tt_json_string_is(values[0].text, "service_account"))
        return TT_FAIL(INVALID);
    account->project_id = decoded(values[1], arena);
    account->client_email = decoded(values[2], arena);
    account->key_id = decoded(values[3], arena);
    account->token_uri = decoded(values[4], arena);
    if (account->project_id.size == 0 || account->client_email.size == 0 ||
        account->token_uri.size == 0) {
        *problem = "the service account's JSON lacks project_id, client_email or token_uri";
        return TT_FAIL(INVALID);
    }
    return tt_push_key_read(decoded(values[5], arena), TT_PUSH_KEY_RSA, &account->key, problem);
}

static void write_claims(const struct tt_service_account *account, tt_time wall,
                         struct tt_buffer *claims)
{
    uint64_t now = (uint64_t)(wall.ms / 1000);
    struct tt_json_writer json = {.out = claims};
    tt_json_begin_object(&json, NULL);
    tt_json_put_string(&json, "iss", account->client_email);
    tt_json_put_text(&json, "scope", SCOPE);
    tt_json_put_string(&json, "aud", account->token_uri);
    tt_json_put_u64(&json, "iat", now);
    tt_json_put_u64(&json, "exp", now + ASSERTION_S);
    tt_json_end_object(&json);
}

tt_err tt_fcm_token_request(const struct tt_service_account *account, tt_time wall,
                            struct tt_buffer *body)
{
    struct tt_buffer header = {0};
    struct tt_buffer claims = {0};
    struct tt_json_writer json = {.out = &header};
    tt_json_begin_object(&json, NULL);
    tt_json_put_text(&json, "alg", "RS256");
    tt_json_put_text(&json, "typ", "JWT");
    if (account->key_id.size > 0)
        tt_json_put_string(&json, "kid", account->key_id);
    tt_json_end_object(&json);
    write_claims(account, wall, &claims);
    tt_buffer_add_text(body, GRANT);
    tt_err err = tt_push_key_sign_jwt(account->key, tt_buffer_slice(&header),
                                      tt_buffer_slice(&claims), body);
    tt_buffer_deinit(&header);
    tt_buffer_deinit(&claims);
    return err;
}

tt_err tt_fcm_token_answer(struct tt_slice body, struct tt_slice *access_token, uint64_t *lives_s)
{
    static const char *const keys[] = {"access_token", "expires_in"};
    struct tt_json values[2];
    TT_TRY(tt_json_read_object(body, keys, 2, values));
    if (values[0].kind != TT_JSON_STRING || values[0].text.size == 0)
        return TT_FAIL(INVALID);
    for (size_t i = 0; i < values[0].text.size; i++) /* it goes into a header field as it is */
        if (values[0].text.data[i] <= ' ' || values[0].text.data[i] == '\\' ||
            (unsigned char)values[0].text.data[i] >= 0x7f)
            return TT_FAIL(INVALID);
    TT_TRY(tt_json_get_u64(values[1], UINT32_MAX, lives_s));
    *access_token = values[0].text;
    return TT_OK;
}

bool tt_fcm_token_is_valid(struct tt_slice token)
{
    if (token.size == 0 || token.size > TT_FCM_TOKEN_SIZE_MAX)
        return false;
    for (size_t i = 0; i < token.size; i++) {
        char byte = token.data[i];
        bool letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
        if (!letter && !(byte >= '0' && byte <= '9') && byte != '-' && byte != '_' && byte != ':')
            return false;
    }
    return true;
}

/* `data` takes strings only. */
static void put_number(struct tt_json_writer *json, const char *key, uint64_t number)
{
    struct tt_buffer digits = {0};
    tt_buffer_add_u64(&digits, number);
    tt_json_put_string(json, key, tt_buffer_slice(&digits));
    tt_buffer_deinit(&digits);
}

static void write_data(const struct tt_notification *notification, struct tt_json_writer *json)
{
    bool rings = notification->kind == TT_NOTIFY_RING;
    tt_json_begin_object(json, "data");
    tt_json_put_text(json, "type", rings ? "message" : "read_sync");
    tt_json_put_string(json, "conversation_id", tt_id_slice(&notification->conversation));
    put_number(json, rings ? "seq" : "last_read_seq", notification->seq.n);
    if (rings)
        put_number(json, "badge", notification->badge);
    tt_json_end_object(json);
}

static void write_android(const struct tt_notification *notification, struct tt_json_writer *json)
{
    bool rings = notification->kind == TT_NOTIFY_RING;
    struct tt_slice conversation = tt_id_slice(&notification->conversation);
    tt_json_begin_object(json, "android");
    tt_json_put_text(json, "priority", rings ? "HIGH" : "NORMAL");
    tt_json_put_text(json, "ttl", "2419200s");
    tt_json_put_string(json, "collapse_key", conversation);
    if (rings) {
        tt_json_begin_object(json, "notification");
        tt_json_put_string(json, "tag", conversation);
        tt_json_put_u64(json, "notification_count", notification->badge);
        tt_json_put_text(json, "sound", "default");
        tt_json_end_object(json);
    }
    tt_json_end_object(json);
}

static void write_message(const struct tt_notification *notification, struct tt_slice title,
                          struct tt_slice body, struct tt_buffer *message)
{
    struct tt_json_writer json = {.out = message};
    tt_json_begin_object(&json, NULL);
    tt_json_begin_object(&json, "message");
    tt_json_put_string(&json, "token", notification->address.token);
    if (notification->kind == TT_NOTIFY_RING) {
        tt_json_begin_object(&json, "notification");
        tt_json_put_string(&json, "title", title);
        tt_json_put_string(&json, "body", body);
        tt_json_end_object(&json);
    }
    write_data(notification, &json);
    write_android(notification, &json);
    tt_json_end_object(&json);
    tt_json_end_object(&json);
}

void tt_fcm_message(const struct tt_notification *notification, struct tt_buffer *message)
{
    struct tt_buffer title = {0};
    struct tt_buffer body = {0};
    size_t start = message->size;
    tt_push_text_title(notification, &title);
    tt_push_text_body(notification, &body);
    write_message(notification, tt_buffer_slice(&title), TT_SLICE_EMPTY, message);
    size_t around = message->size - start;
    message->size = start;
    tt_push_text_cut(&body, TT_FCM_MESSAGE_SIZE_MAX - around);
    write_message(notification, tt_buffer_slice(&title), tt_buffer_slice(&body), message);
    TT_ASSERT(message->size - start <= TT_FCM_MESSAGE_SIZE_MAX);
    tt_buffer_deinit(&title);
    tt_buffer_deinit(&body);
}

/* The error's own code (in details, of FcmError), or else its status. */
static struct tt_slice error_code(struct tt_slice body)
{
    static const char *const top[] = {"error"};
    static const char *const keys[] = {"status", "details"};
    static const char *const detail_keys[] = {"errorCode"};
    struct tt_json error;
    struct tt_json values[2];
    if (!tt_is_ok(tt_json_read_object(body, top, 1, &error)) || error.kind != TT_JSON_OBJECT ||
        !tt_is_ok(tt_json_read_object(error.text, keys, 2, values)))
        return TT_SLICE_LITERAL("no reason given");
    struct tt_slice code = values[0].kind == TT_JSON_STRING && values[0].text.size > 0
                               ? values[0].text
                               : TT_SLICE_LITERAL("no reason given");
    if (values[1].kind != TT_JSON_ARRAY)
        return code;
    struct tt_json item;
    struct tt_json inner;
    for (struct tt_json_items items = tt_json_items(values[1]); tt_json_next(&items, NULL, &item);)
        if (item.kind == TT_JSON_OBJECT &&
            tt_is_ok(tt_json_read_object(item.text, detail_keys, 1, &inner)) &&
            inner.kind == TT_JSON_STRING && inner.text.size > 0)
            code = inner.text;
    return code;
}

static struct tt_slice message_name(struct tt_slice body)
{
    static const char *const keys[] = {"name"};
    struct tt_json name;
    if (tt_is_ok(tt_json_read_object(body, keys, 1, &name)) && name.kind == TT_JSON_STRING)
        return name.text;
    return TT_SLICE_EMPTY;
}

/* Whether no message can ever reach the token. An INVALID_ARGUMENT may be about it, or about
 * something that we got wrong. */
static bool is_dead(struct tt_slice code, struct tt_slice body)
{
    if (tt_json_string_is(code, "UNREGISTERED") || tt_json_string_is(code, "SENDER_ID_MISMATCH"))
        return true;
    if (!tt_json_string_is(code, "INVALID_ARGUMENT"))
        return false;
    return memmem(body.data, body.size, "message.token", 13) != NULL ||
           memmem(body.data, body.size, "registration token", 18) != NULL;
}

struct tt_fcm_answer tt_fcm_understand(int status, struct tt_slice body)
{
    if (status == 200)
        return (struct tt_fcm_answer){TT_FCM_ACCEPTED, message_name(body)};
    struct tt_fcm_answer answer = {TT_FCM_DROP, error_code(body)};
    if (status == 401)
        answer.verdict = TT_FCM_UNAUTHORIZED;
    else if (status == 429 || status >= 500)
        answer.verdict = TT_FCM_LATER;
    else if (is_dead(answer.detail, body))
        answer.verdict = TT_FCM_DEAD;
    return answer;
}
