#include "adapter/push/apns_request.h"

#include "adapter/push/push_text.h"
#include "base/json.h"
#include "base/json_writer.h"

bool tt_apns_token_is_valid(struct tt_slice token)
{
    if (token.size == 0 || token.size % 2 != 0 || token.size > TT_APNS_TOKEN_HEX_MAX)
        return false;
    for (size_t i = 0; i < token.size; i++) {
        char byte = token.data[i];
        if (!(byte >= '0' && byte <= '9') && !(byte >= 'a' && byte <= 'f') &&
            !(byte >= 'A' && byte <= 'F'))
            return false;
    }
    return true;
}

static void write_alert(const struct tt_notification *notification, struct tt_slice title,
                        struct tt_slice body, struct tt_buffer *payload)
{
    struct tt_json_writer json = {.out = payload};
    struct tt_slice conversation = tt_id_slice(&notification->conversation);
    tt_json_begin_object(&json, NULL);
    tt_json_begin_object(&json, "aps");
    tt_json_begin_object(&json, "alert");
    tt_json_put_string(&json, "title", title);
    tt_json_put_string(&json, "body", body);
    tt_json_end_object(&json);
    tt_json_put_text(&json, "sound", "default");
    tt_json_put_u64(&json, "badge", notification->badge);
    tt_json_put_string(&json, "thread-id", conversation);
    tt_json_put_u64(&json, "mutable-content", 1);
    tt_json_end_object(&json);
    tt_json_put_string(&json, "conversation_id", conversation);
    tt_json_put_seq(&json, "seq", notification->seq);
    tt_json_end_object(&json);
}

static void write_clear(const struct tt_notification *notification, struct tt_buffer *payload)
{
    struct tt_json_writer json = {.out = payload};
    tt_json_begin_object(&json, NULL);
    tt_json_begin_object(&json, "aps");
    tt_json_put_u64(&json, "content-available", 1);
    tt_json_end_object(&json);
    tt_json_put_text(&json, "type", "read_sync");
    tt_json_put_string(&json, "conversation_id", tt_id_slice(&notification->conversation));
    tt_json_put_seq(&json, "last_read_seq", notification->seq);
    tt_json_end_object(&json);
}

void tt_apns_payload(const struct tt_notification *notification, struct tt_buffer *payload)
{
    if (notification->kind == TT_NOTIFY_CLEAR) {
        write_clear(notification, payload);
        return;
    }
    struct tt_buffer title = {0};
    struct tt_buffer body = {0};
    tt_push_text_title(notification, &title);
    tt_push_text_body(notification, &body);
    size_t start = payload->size;
    write_alert(notification, tt_buffer_slice(&title), TT_SLICE_EMPTY, payload);
    size_t around = payload->size - start;
    payload->size = start;
    tt_push_text_cut(&body, TT_APNS_PAYLOAD_SIZE_MAX - around);
    write_alert(notification, tt_buffer_slice(&title), tt_buffer_slice(&body), payload);
    TT_ASSERT(payload->size - start <= TT_APNS_PAYLOAD_SIZE_MAX);
    tt_buffer_deinit(&title);
    tt_buffer_deinit(&body);
}

static const struct {
    const char *reason;
    enum tt_apns_verdict verdict;
} reasons[] = {
    {"BadDeviceToken", TT_APNS_DEAD},
    {"DeviceTokenNotForTopic", TT_APNS_DEAD},
    {"Unregistered", TT_APNS_DEAD},
    {"ExpiredToken", TT_APNS_DEAD},
    {"ExpiredProviderToken", TT_APNS_TOKEN_EXPIRED},
    {"BadCertificate", TT_APNS_CONFIGURATION},
    {"BadCertificateEnvironment", TT_APNS_CONFIGURATION},
    {"InvalidProviderToken", TT_APNS_CONFIGURATION},
    {"MissingProviderToken", TT_APNS_CONFIGURATION},
    {"BadEnvironmentKeyInToken", TT_APNS_CONFIGURATION},
    {"BadTopic", TT_APNS_CONFIGURATION},
    {"MissingTopic", TT_APNS_CONFIGURATION},
    {"TopicDisallowed", TT_APNS_CONFIGURATION},
    {"Forbidden", TT_APNS_CONFIGURATION},
    {"TooManyRequests", TT_APNS_LATER},
    {"TooManyProviderTokenUpdates", TT_APNS_LATER},
    {"IdleTimeout", TT_APNS_LATER},
    {"InternalServerError", TT_APNS_LATER},
    {"ServiceUnavailable", TT_APNS_LATER},
    {"Shutdown", TT_APNS_LATER},
};

static enum tt_apns_verdict by_status(int status)
{
    if (status == 410)
        return TT_APNS_DEAD;
    if (status == 403)
        return TT_APNS_CONFIGURATION;
    return status == 429 || status >= 500 ? TT_APNS_LATER : TT_APNS_DROP;
}

struct tt_apns_answer tt_apns_understand(int status, struct tt_slice body)
{
    static const char *const keys[] = {"reason", "timestamp"};
    struct tt_json values[2] = {{TT_JSON_ABSENT, TT_SLICE_EMPTY}, {TT_JSON_ABSENT, TT_SLICE_EMPTY}};
    if (status == 200)
        return (struct tt_apns_answer){TT_APNS_ACCEPTED, TT_SLICE_EMPTY, TT_TIME(0)};
    struct tt_apns_answer answer = {by_status(status), TT_SLICE_LITERAL("no reason given"),
                                    TT_TIME(0)};
    if (!tt_is_ok(tt_json_read_object(body, keys, 2, values)))
        return answer;
    uint64_t since;
    if (status == 410 && tt_is_ok(tt_json_get_u64(values[1], INT64_MAX, &since)))
        answer.dead_since = TT_TIME((int64_t)since);
    if (values[0].kind != TT_JSON_STRING || values[0].text.size == 0)
        return answer;
    answer.reason = values[0].text;
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
        if (tt_json_string_is(values[0].text, reasons[i].reason))
            answer.verdict = reasons[i].verdict;
    return answer;
}
