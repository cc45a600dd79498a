#include "edge/client_codec.h"

#include "base/json_writer.h"
#include "edge/frame_names.h"

#define STATUS_SUFFIX "_status"

/* What comes with every message first: each is looked for from the first one on. */
enum {
    KEY_TYPE,
    KEY_CONVERSATION,
    KEY_CLIENT_ID,
    KEY_SEQ,
    KEY_TIMESTAMP,
    KEY_SENDER,
    KEY_CONTENT,
    KEY_USER,
    KEY_DELIVERED,
    KEY_READ,
    KEY_STATUS,
    KEY_DEVICE,
    KEY_SESSION,
    KEY_SERVER,
    KEY_SERVER_TIME,
    KEY_HEARTBEAT,
    KEY_RESUMED,
    KEY_LINKED_AT,
    KEY_CODE,
    KEY_ERROR_TEXT,
    KEY_LIMIT,
    KEY_RETRY,
    KEY_HEAD,
    KEY_MY_READ,
    KEY_MORE_BEFORE,
    KEY_MORE_AFTER,
    KEY_MESSAGES,
    KEY_MEMBERS,
    KEY_KIND,
    KEY_TITLE,
    KEY_UNREAD,
    KEY_ADDED,
    KEY_COUNT
};

static const char *const keys[KEY_COUNT] = {
    [KEY_TYPE] = "type",
    [KEY_CONVERSATION] = "conversation_id",
    [KEY_CLIENT_ID] = "client_id",
    [KEY_SEQ] = "seq",
    [KEY_TIMESTAMP] = "timestamp",
    [KEY_SENDER] = "sender",
    [KEY_CONTENT] = "content",
    [KEY_USER] = "user_id",
    [KEY_DELIVERED] = "last_delivered_seq",
    [KEY_READ] = "last_read_seq",
    [KEY_STATUS] = "status",
    [KEY_DEVICE] = "device_id",
    [KEY_SESSION] = "session_id",
    [KEY_SERVER] = "server_id",
    [KEY_SERVER_TIME] = "server_time",
    [KEY_HEARTBEAT] = "heartbeat_seconds",
    [KEY_RESUMED] = "resumed",
    [KEY_LINKED_AT] = "linked_at",
    [KEY_CODE] = "code",
    [KEY_ERROR_TEXT] = "message",
    [KEY_LIMIT] = "limit",
    [KEY_RETRY] = "retry_after_ms",
    [KEY_HEAD] = "head_seq",
    [KEY_MY_READ] = "my_last_read_seq",
    [KEY_MORE_BEFORE] = "has_more_before",
    [KEY_MORE_AFTER] = "has_more_after",
    [KEY_MESSAGES] = "messages",
    [KEY_MEMBERS] = "members",
    [KEY_KIND] = "kind",
    [KEY_TITLE] = "title",
    [KEY_UNREAD] = "unread",
    [KEY_ADDED] = "conversation",
};

void tt_client_write_frame(const struct tt_client_frame *frame, struct tt_buffer *out)
{
    const struct tt_client_frame_shape *shape = tt_client_frame_shape(frame->kind);
    struct tt_json_writer json = {.out = out};
    tt_json_begin_object(&json, NULL);
    tt_json_put_text(&json, "type", shape->type);
    if (shape->message)
        tt_json_put_id(&json, keys[KEY_CLIENT_ID], &frame->client_id);
    if (shape->conversation)
        tt_json_put_id(&json, keys[KEY_CONVERSATION], &frame->conversation);
    if (shape->message)
        tt_json_put_raw(&json, keys[KEY_CONTENT], frame->content);
    if (shape->seq)
        tt_json_put_seq(&json, keys[KEY_SEQ], frame->seq);
    if (shape->token)
        tt_json_put_string(&json, "token", frame->token);
    tt_json_end_object(&json);
}

/* Reads optional values one after the other; the first failure stays. */
struct fields {
    const struct tt_json *values;
    tt_err err;
};

/* Whether a value is there and all before it were right. */
static bool has(const struct fields *fields, size_t key)
{
    enum tt_json_kind kind = fields->values[key].kind;
    return tt_is_ok(fields->err) && kind != TT_JSON_ABSENT && kind != TT_JSON_NULL;
}

static void read_id(struct fields *fields, size_t key, tt_id *id)
{
    if (has(fields, key))
        fields->err = tt_json_get_id(fields->values[key], id);
}

/* A seq, or 0: a cursor before the first message. */
static void read_position(struct fields *fields, size_t key, tt_seq *seq)
{
    if (has(fields, key))
        fields->err = tt_json_get_u64(fields->values[key], TT_SEQ_MAX, &seq->n);
}

static void read_number(struct fields *fields, size_t key, uint32_t *number)
{
    uint64_t wide = 0;
    if (!has(fields, key))
        return;
    fields->err = tt_json_get_u64(fields->values[key], UINT32_MAX, &wide);
    *number = (uint32_t)wide;
}

static void read_time(struct fields *fields, size_t key, tt_time *time)
{
    if (has(fields, key))
        fields->err = tt_json_get_time(fields->values[key], time);
}

static void read_bool(struct fields *fields, size_t key, bool *truth)
{
    if (has(fields, key))
        fields->err = tt_json_get_bool(fields->values[key], truth);
}

static void read_string(struct fields *fields, size_t key, struct tt_slice *raw)
{
    if (!has(fields, key))
        return;
    if (fields->values[key].kind == TT_JSON_STRING)
        *raw = fields->values[key].text;
    else
        fields->err = TT_FAIL(BAD_TYPE);
}

static void read_container(struct fields *fields, size_t key, enum tt_json_kind kind,
                           struct tt_json *container)
{
    if (!has(fields, key))
        return;
    *container = fields->values[key];
    if (container->kind != kind)
        fields->err = TT_FAIL(BAD_TYPE);
}

static tt_err read_status(struct tt_json value, struct tt_status *status)
{
    static const char *const names[] = {"online", "last_seen"};
    struct tt_json values[2];
    TT_TRY(tt_json_read_object(value.text, names, 2, values));
    struct fields fields = {values, TT_OK};
    *status = (struct tt_status){.unknown = values[0].kind == TT_JSON_ABSENT};
    read_bool(&fields, 0, &status->online);
    read_time(&fields, 1, &status->last_seen);
    return fields.err;
}

/* The key that names a person: bob_status. */
static tt_err read_peer_status(struct tt_slice text, struct tt_received *received)
{
    const size_t suffix_size = sizeof(STATUS_SUFFIX) - 1;
    struct tt_json object;
    struct tt_json value;
    struct tt_slice key;
    TT_TRY(tt_json_read(text, &object));
    struct tt_json_items items = tt_json_items(object);
    while (tt_json_next(&items, &key, &value)) {
        if (key.size <= suffix_size || value.kind != TT_JSON_OBJECT)
            continue;
        struct tt_slice name = tt_slice(key.data, key.size - suffix_size);
        if (!tt_slice_eq(tt_slice_from(key, name.size), TT_SLICE_LITERAL(STATUS_SUFFIX)))
            continue;
        TT_TRY(tt_id_parse(name, &received->status_of));
        TT_TRY(read_status(value, &received->status));
        received->has_status = true;
    }
    return TT_OK;
}

static void read_message_keys(struct fields *fields, struct tt_received *received)
{
    read_id(fields, KEY_CONVERSATION, &received->conversation);
    read_id(fields, KEY_USER, &received->user);
    read_id(fields, KEY_CLIENT_ID, &received->client_id);
    read_id(fields, KEY_SENDER, &received->sender);
    read_position(fields, KEY_SEQ, &received->seq);
    read_time(fields, KEY_TIMESTAMP, &received->timestamp);
    read_string(fields, KEY_CONTENT, &received->content);
    received->has_delivered = has(fields, KEY_DELIVERED);
    read_position(fields, KEY_DELIVERED, &received->cursor.delivered);
    received->has_read = has(fields, KEY_READ);
    read_position(fields, KEY_READ, &received->cursor.read);
}

static void read_session_keys(struct fields *fields, struct tt_received *received)
{
    read_id(fields, KEY_DEVICE, &received->device);
    read_id(fields, KEY_SESSION, &received->session);
    read_id(fields, KEY_SERVER, &received->server);
    read_time(fields, KEY_SERVER_TIME, &received->server_time);
    read_number(fields, KEY_HEARTBEAT, &received->heartbeat_seconds);
    read_bool(fields, KEY_RESUMED, &received->resumed);
    read_time(fields, KEY_LINKED_AT, &received->linked_at);
    read_string(fields, KEY_CODE, &received->code);
    read_string(fields, KEY_ERROR_TEXT, &received->error);
    received->has_limit = has(fields, KEY_LIMIT);
    read_position(fields, KEY_LIMIT, &received->limit);
    read_number(fields, KEY_RETRY, &received->retry_after_ms);
}

static void read_conversation_kind(struct fields *fields, struct tt_received *received)
{
    struct tt_slice name = TT_SLICE_EMPTY;
    read_string(fields, KEY_KIND, &name);
    if (tt_json_string_is(name, "direct"))
        received->conversation_kind = TT_DIRECT;
    else if (tt_json_string_is(name, "group"))
        received->conversation_kind = TT_GROUP;
}

static void read_conversation_keys(struct fields *fields, struct tt_received *received)
{
    read_position(fields, KEY_HEAD, &received->head);
    read_position(fields, KEY_MY_READ, &received->my_read);
    read_bool(fields, KEY_MORE_BEFORE, &received->has_more_before);
    read_bool(fields, KEY_MORE_AFTER, &received->has_more_after);
    read_container(fields, KEY_MESSAGES, TT_JSON_ARRAY, &received->messages);
    read_container(fields, KEY_MEMBERS, TT_JSON_ARRAY, &received->members);
    read_container(fields, KEY_ADDED, TT_JSON_OBJECT, &received->added);
    read_conversation_kind(fields, received);
    read_string(fields, KEY_TITLE, &received->title);
    if (has(fields, KEY_UNREAD))
        fields->err = tt_json_get_u64(fields->values[KEY_UNREAD], TT_SEQ_MAX, &received->unread);
}

static tt_err read_values(struct tt_slice text, const struct tt_json *values,
                          struct tt_received *received)
{
    struct fields fields = {values, TT_OK};
    received->known = true;
    read_message_keys(&fields, received);
    read_session_keys(&fields, received);
    read_conversation_keys(&fields, received);
    TT_TRY(fields.err);
    if (received->kind != TT_SERVER_PRESENCE && received->kind != TT_SERVER_CONVERSATION)
        return TT_OK;
    if (values[KEY_STATUS].kind != TT_JSON_OBJECT)
        return read_peer_status(text, received);
    received->has_status = true;
    return read_status(values[KEY_STATUS], &received->status);
}

tt_err tt_client_read_frame(struct tt_slice text, struct tt_received *received)
{
    struct tt_json values[KEY_COUNT];
    memset(received, 0, sizeof(*received));
    TT_TRY(tt_json_read_object(text, keys, KEY_COUNT, values));
    if (values[KEY_TYPE].kind == TT_JSON_ABSENT)
        return TT_FAIL(KEY_MISSING);
    if (values[KEY_TYPE].kind != TT_JSON_STRING)
        return TT_FAIL(BAD_TYPE);
    if (!tt_server_frame_find(values[KEY_TYPE].text, &received->kind))
        return TT_OK;
    return read_values(text, values, received);
}

tt_err tt_client_read_conversation(struct tt_slice text, struct tt_received *received)
{
    struct tt_json values[KEY_COUNT];
    memset(received, 0, sizeof(*received));
    TT_TRY(tt_json_read_object(text, keys, KEY_COUNT, values));
    received->kind = TT_SERVER_CONVERSATION;
    return read_values(text, values, received);
}

tt_err tt_client_read_http_error(struct tt_slice text, struct tt_received *received)
{
    static const char *const outer[] = {"error"};
    static const char *const inner[] = {"code", "message"};
    struct tt_json error;
    struct tt_json values[2];
    memset(received, 0, sizeof(*received));
    TT_TRY(tt_json_read_object(text, outer, 1, &error));
    if (error.kind != TT_JSON_OBJECT)
        return TT_FAIL(KEY_MISSING);
    TT_TRY(tt_json_read_object(error.text, inner, 2, values));
    struct fields fields = {values, TT_OK};
    received->known = true;
    received->kind = TT_SERVER_ERROR;
    read_string(&fields, 0, &received->code);
    read_string(&fields, 1, &received->error);
    return fields.err;
}

bool tt_client_next_message(struct tt_json_items *items, struct tt_message *message)
{
    static const char *const names[] = {"seq", "timestamp", "sender", "client_id", "content"};
    struct tt_json value;
    struct tt_json values[5];
    if (!tt_json_next(items, NULL, &value) ||
        !tt_is_ok(tt_json_read_object(value.text, names, 5, values)))
        return false;
    struct fields fields = {values, TT_OK};
    memset(message, 0, sizeof(*message));
    read_position(&fields, 0, &message->seq);
    read_time(&fields, 1, &message->timestamp);
    read_id(&fields, 2, &message->sender);
    read_id(&fields, 3, &message->client_id);
    read_string(&fields, 4, &message->content);
    return tt_is_ok(fields.err);
}

bool tt_client_next_member(struct tt_json_items *items, struct tt_member_view *member)
{
    static const char *const names[] = {"user_id", "last_delivered_seq", "last_read_seq", "status"};
    struct tt_json value;
    struct tt_json values[4];
    if (!tt_json_next(items, NULL, &value) ||
        !tt_is_ok(tt_json_read_object(value.text, names, 4, values)))
        return false;
    struct fields fields = {values, TT_OK};
    memset(member, 0, sizeof(*member));
    read_id(&fields, 0, &member->user);
    read_position(&fields, 1, &member->cursor.delivered);
    read_position(&fields, 2, &member->cursor.read);
    if (has(&fields, 3))
        fields.err = read_status(values[3], &member->status);
    return tt_is_ok(fields.err);
}
