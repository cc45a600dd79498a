#include "adapter/push/webpush_request.h"

#include <openssl/sha.h>

#include "adapter/push/push_text.h"
#include "base/base64url.h"
#include "base/json_writer.h"

#define SCHEME     "https://"
#define HTTPS_PORT 443
#define HOST_MAX   253

static bool is_plain(struct tt_slice url)
{
    for (size_t i = 0; i < url.size; i++) {
        unsigned char byte = (unsigned char)url.data[i];
        if (byte <= ' ' || byte >= 0x7f || byte == '#' || byte == '\\' || byte == '"')
            return false;
    }
    return true;
}

static bool is_host(struct tt_slice host, bool in_brackets)
{
    if (host.size == 0 || host.size > HOST_MAX)
        return false;
    for (size_t i = 0; i < host.size; i++) {
        char byte = host.data[i];
        bool hex = (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'f') ||
                   (byte >= 'A' && byte <= 'F');
        bool letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
        if (in_brackets ? !hex && byte != ':' && byte != '.'
                        : !hex && !letter && byte != '-' && byte != '.' && byte != '_')
            return false;
    }
    return true;
}

static bool read_port(struct tt_slice text, uint16_t *port)
{
    uint32_t number = 0;
    if (text.size == 0 || text.size > 5)
        return false;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        number = number * 10 + (uint32_t)(text.data[i] - '0');
    }
    *port = (uint16_t)number;
    return number > 0 && number <= UINT16_MAX;
}

static size_t find(struct tt_slice text, char byte)
{
    const char *at = text.size == 0 ? NULL : memchr(text.data, byte, text.size);
    return at == NULL ? text.size : (size_t)(at - text.data);
}

static bool read_authority(struct tt_slice authority, struct tt_webpush_endpoint *endpoint)
{
    bool brackets = authority.size > 0 && authority.data[0] == '[';
    size_t end = find(authority, brackets ? ']' : ':');
    if (brackets && end == authority.size)
        return false;
    endpoint->host =
        brackets ? tt_slice(authority.data + 1, end - 1) : tt_slice(authority.data, end);
    struct tt_slice rest = tt_slice_from(authority, brackets ? end + 1 : end);
    endpoint->port = HTTPS_PORT;
    if (rest.size > 0 &&
        (rest.data[0] != ':' || !read_port(tt_slice_from(rest, 1), &endpoint->port)))
        return false;
    return is_host(endpoint->host, brackets);
}

tt_err tt_webpush_endpoint(struct tt_slice url, struct tt_webpush_endpoint *endpoint)
{
    size_t scheme = sizeof(SCHEME) - 1;
    if (url.size <= scheme || url.size > TT_PUSH_TOKEN_SIZE_MAX ||
        memcmp(url.data, SCHEME, scheme) != 0 || !is_plain(url))
        return TT_FAIL(INVALID);
    struct tt_slice rest = tt_slice_from(url, scheme);
    size_t slash = find(rest, '/');
    struct tt_slice authority = tt_slice(rest.data, slash);
    if (find(authority, '?') < authority.size || !read_authority(authority, endpoint))
        return TT_FAIL(INVALID);
    endpoint->authority = authority;
    endpoint->origin = tt_slice(url.data, scheme + authority.size);
    endpoint->target = slash < rest.size ? tt_slice_from(rest, slash) : TT_SLICE_LITERAL("/");
    return TT_OK;
}

static void write_text(const struct tt_notification *notification, struct tt_slice title,
                       struct tt_slice body, struct tt_buffer *text)
{
    struct tt_json_writer json = {.out = text};
    tt_json_begin_object(&json, NULL);
    tt_json_put_text(&json, "type", "message");
    tt_json_put_string(&json, "conversation_id", tt_id_slice(&notification->conversation));
    tt_json_put_seq(&json, "seq", notification->seq);
    tt_json_put_string(&json, "title", title);
    tt_json_put_string(&json, "body", body);
    tt_json_put_u64(&json, "badge", notification->badge);
    tt_json_end_object(&json);
}

void tt_webpush_text(const struct tt_notification *notification, struct tt_buffer *text)
{
    struct tt_buffer title = {0};
    struct tt_buffer body = {0};
    size_t start = text->size;
    tt_push_text_title(notification, &title);
    tt_push_text_body(notification, &body);
    write_text(notification, tt_buffer_slice(&title), TT_SLICE_EMPTY, text);
    size_t around = text->size - start;
    text->size = start;
    tt_push_text_cut(&body, TT_WEBPUSH_TEXT_SIZE_MAX - around);
    write_text(notification, tt_buffer_slice(&title), tt_buffer_slice(&body), text);
    TT_ASSERT(text->size - start <= TT_WEBPUSH_TEXT_SIZE_MAX);
    tt_buffer_deinit(&title);
    tt_buffer_deinit(&body);
}

tt_err tt_webpush_topic(const tt_id *conversation, struct tt_buffer *topic)
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    if (SHA256((const unsigned char *)conversation->bytes, conversation->size, digest) == NULL)
        return TT_FAIL(INTERNAL);
    tt_base64url_encode(tt_slice(digest, TT_WEBPUSH_TOPIC_SIZE / 4 * 3), topic);
    return TT_OK;
}

static void write_claims(struct tt_slice origin, struct tt_slice subject, tt_time wall,
                         struct tt_buffer *claims)
{
    struct tt_json_writer json = {.out = claims};
    tt_json_begin_object(&json, NULL);
    tt_json_put_string(&json, "aud", origin);
    tt_json_put_u64(&json, "exp", (uint64_t)(wall.ms / 1000) + TT_VAPID_S);
    tt_json_put_string(&json, "sub", subject);
    tt_json_end_object(&json);
}

tt_err tt_vapid_authorization(const struct tt_push_key *key, struct tt_slice origin,
                              struct tt_slice subject, tt_time wall, struct tt_buffer *value)
{
    unsigned char point[TT_P256_POINT_SIZE];
    struct tt_buffer claims = {0};
    TT_TRY(tt_push_key_point(key, point));
    write_claims(origin, subject, wall, &claims);
    tt_buffer_add_text(value, "vapid t=");
    tt_err err = tt_push_key_sign_jwt(key, TT_SLICE_LITERAL("{\"typ\":\"JWT\",\"alg\":\"ES256\"}"),
                                      tt_buffer_slice(&claims), value);
    tt_buffer_deinit(&claims);
    tt_buffer_add_text(value, ", k=");
    tt_base64url_encode(tt_slice(point, sizeof(point)), value);
    return err;
}
