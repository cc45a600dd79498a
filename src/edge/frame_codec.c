#include "edge/frame_codec.h"

#include "base/json.h"
#include "base/json_writer.h"
#include "edge/content.h"
#include "edge/conversation_json.h"
#include "edge/frame_names.h"
#include "edge/problem.h"

enum { KEY_TYPE, KEY_CONVERSATION, KEY_CLIENT_ID, KEY_CONTENT, KEY_SEQ, KEY_TOKEN, KEY_COUNT };

static const char *const keys[KEY_COUNT] = {
    "type", "conversation_id", "client_id", "content", "seq", "token",
};

static tt_err read_kind(struct tt_json type, enum tt_client_frame_kind *kind)
{
    if (type.kind == TT_JSON_ABSENT)
        return TT_FAIL(KEY_MISSING);
    if (type.kind != TT_JSON_STRING)
        return TT_FAIL(BAD_TYPE);
    return tt_client_frame_find(type.text, kind) ? TT_OK : TT_FAIL(UNKNOWN_FRAME);
}

static tt_err read_token(struct tt_json value, struct tt_slice *token)
{
    if (value.kind == TT_JSON_ABSENT)
        return TT_FAIL(KEY_MISSING);
    if (value.kind != TT_JSON_STRING)
        return TT_FAIL(BAD_TYPE);
    *token = value.text;
    return TT_OK;
}

/* What the answer to a refused frame names, although its kind has no use for it. */
static void read_id_too(struct tt_json value, tt_id *id)
{
    if (tt_id_is_none(id) && value.kind == TT_JSON_STRING && !tt_is_ok(tt_json_get_id(value, id)))
        *id = (tt_id){0};
}

static tt_err read_keys(const struct tt_json *values, const struct tt_frame_limits *limits,
                        struct tt_client_frame *frame, const char **key)
{
    *key = keys[KEY_TYPE];
    TT_TRY(read_kind(values[KEY_TYPE], &frame->kind));
    const struct tt_client_frame_shape *shape = tt_client_frame_shape(frame->kind);
    if (shape->conversation) {
        *key = keys[KEY_CONVERSATION];
        TT_TRY(tt_json_get_id(values[KEY_CONVERSATION], &frame->conversation));
    }
    if (shape->message) {
        *key = keys[KEY_CLIENT_ID];
        TT_TRY(tt_json_get_id(values[KEY_CLIENT_ID], &frame->client_id));
        *key = keys[KEY_CONTENT];
        TT_TRY(tt_content_check(values[KEY_CONTENT], limits->content_size_max, &frame->content));
    }
    if (shape->seq) {
        *key = keys[KEY_SEQ];
        TT_TRY(tt_json_get_seq(values[KEY_SEQ], &frame->seq));
    }
    if (shape->token) {
        *key = keys[KEY_TOKEN];
        TT_TRY(read_token(values[KEY_TOKEN], &frame->token));
    }
    *key = NULL;
    return TT_OK;
}

tt_err tt_frame_parse(struct tt_slice text, const struct tt_frame_limits *limits,
                      struct tt_client_frame *frame, const char **key)
{
    struct tt_json values[KEY_COUNT];
    memset(frame, 0, sizeof(*frame));
    *key = NULL;
    TT_TRY(tt_json_read_object(text, keys, KEY_COUNT, values));
    tt_err err = read_keys(values, limits, frame, key);
    read_id_too(values[KEY_CONVERSATION], &frame->conversation);
    read_id_too(values[KEY_CLIENT_ID], &frame->client_id);
    return err;
}

static void put_conversation(struct tt_json_writer *json, const struct tt_server_frame *frame)
{
    tt_json_put_id(json, "conversation_id", &frame->conversation);
}

static void put_hello(struct tt_json_writer *json, const struct tt_hello *hello)
{
    tt_json_put_id(json, "user_id", &hello->user);
    tt_json_put_id(json, "device_id", &hello->device);
    tt_json_put_id(json, "session_id", &hello->session);
    tt_json_put_id(json, "server_id", &hello->server);
    tt_json_put_time(json, "server_time", hello->server_time);
    tt_json_put_u64(json, "heartbeat_seconds", hello->heartbeat_seconds);
    tt_json_put_bool(json, "resumed", hello->resumed);
    tt_json_put_time(json, "linked_at", hello->linked_at);
}

static void put_sent(struct tt_json_writer *json, const struct tt_server_frame *frame)
{
    tt_json_put_id(json, "client_id", &frame->client_id);
    put_conversation(json, frame);
    tt_json_put_seq(json, "seq", frame->message.seq);
    tt_json_put_time(json, "timestamp", frame->message.timestamp);
}

static void put_message(struct tt_json_writer *json, const struct tt_server_frame *frame)
{
    const struct tt_message *message = &frame->message;
    put_conversation(json, frame);
    tt_json_put_seq(json, "seq", message->seq);
    tt_json_put_id(json, "sender", &message->sender);
    tt_json_put_raw(json, "content", message->content);
    tt_json_put_time(json, "timestamp", message->timestamp);
    if (!tt_id_is_none(&message->client_id))
        tt_json_put_id(json, "client_id", &message->client_id);
}

static void put_status_update(struct tt_json_writer *json, const struct tt_server_frame *frame)
{
    put_conversation(json, frame);
    tt_json_put_id(json, "user_id", &frame->user);
    if (frame->status.delivered.n > 0)
        tt_json_put_seq(json, "last_delivered_seq", frame->status.delivered);
    if (frame->status.read.n > 0)
        tt_json_put_seq(json, "last_read_seq", frame->status.read);
}

static void put_presence(struct tt_json_writer *json, const struct tt_server_frame *frame)
{
    put_conversation(json, frame);
    tt_json_put_id(json, "user_id", &frame->user);
    if (frame->presence.kind == TT_DIRECT)
        tt_put_peer_status(json, &frame->user, &frame->presence.status);
    else
        tt_put_status(json, "status", &frame->presence.status);
}

static void put_error(struct tt_json_writer *json, const struct tt_server_frame *frame)
{
    const struct tt_problem problem = {.key = frame->error.key};
    tt_put_error_keys(json, frame->error.err, &problem);
    if (!tt_id_is_none(&frame->client_id))
        tt_json_put_id(json, "client_id", &frame->client_id);
    if (!tt_id_is_none(&frame->conversation))
        put_conversation(json, frame);
    if (tt_err_is(frame->error.err, TT_ERR_ACK_AHEAD))
        tt_json_put_seq(json, "limit", frame->error.limit);
    if (tt_err_is(frame->error.err, TT_ERR_RATE_LIMITED))
        tt_json_put_u64(json, "retry_after_ms", frame->error.retry_after_ms);
}

static void put_keys(struct tt_json_writer *json, const struct tt_server_frame *frame)
{
    switch (frame->kind) {
    case TT_SERVER_HELLO:
        put_hello(json, &frame->hello);
        break;
    case TT_SERVER_SENT:
        put_sent(json, frame);
        break;
    case TT_SERVER_MESSAGE:
        put_message(json, frame);
        break;
    case TT_SERVER_STATUS_UPDATE:
        put_status_update(json, frame);
        break;
    case TT_SERVER_READ_SYNC:
        put_conversation(json, frame);
        tt_json_put_seq(json, "last_read_seq", frame->status.read);
        break;
    case TT_SERVER_PRESENCE:
        put_presence(json, frame);
        break;
    case TT_SERVER_TYPING:
        put_conversation(json, frame);
        tt_json_put_id(json, "user_id", &frame->user);
        break;
    case TT_SERVER_CONVERSATION:
        tt_put_snapshot_keys(json, frame->snapshot);
        break;
    case TT_SERVER_CONVERSATION_ADDED:
        tt_put_entry(json, "conversation", frame->entry, &frame->user);
        break;
    case TT_SERVER_ERROR:
        put_error(json, frame);
        break;
    case TT_SERVER_CAUGHT_UP:
    case TT_SERVER_PONG:
        break;
    }
}

void tt_frame_write(const struct tt_server_frame *frame, struct tt_buffer *out)
{
    struct tt_json_writer json = {.out = out};
    tt_json_begin_object(&json, NULL);
    tt_json_put_text(&json, "type", tt_server_frame_type(frame->kind));
    put_keys(&json, frame);
    tt_json_end_object(&json);
}
