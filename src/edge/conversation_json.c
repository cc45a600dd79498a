#include "edge/conversation_json.h"

static void put_title(struct tt_json_writer *json, const char *key, struct tt_slice title)
{
    if (title.size == 0)
        tt_json_put_null(json, key);
    else
        tt_json_put_raw(json, key, title);
}

void tt_put_message(struct tt_json_writer *json, const char *key, const struct tt_message *message)
{
    tt_json_begin_object(json, key);
    tt_json_put_seq(json, "seq", message->seq);
    tt_json_put_raw(json, "content", message->content);
    tt_json_put_id(json, "sender", &message->sender);
    tt_json_put_time(json, "timestamp", message->timestamp);
    tt_json_end_object(json);
}

void tt_put_status(struct tt_json_writer *json, const char *key, const struct tt_status *status)
{
    tt_json_begin_object(json, key);
    if (!status->unknown) {
        tt_json_put_bool(json, "online", status->online);
        if (!status->online)
            tt_json_put_time(json, "last_seen", status->last_seen);
    }
    tt_json_end_object(json);
}

void tt_put_peer_status(struct tt_json_writer *json, const tt_id *user,
                        const struct tt_status *status)
{
    tt_json_put_key(json, tt_id_slice(user), "_status");
    tt_put_status(json, NULL, status);
}

const char *tt_conversation_kind_name(enum tt_conversation_kind kind)
{
    return kind == TT_DIRECT ? "direct" : "group";
}

static void put_cursor_keys(struct tt_json_writer *json, const struct tt_cursor *cursor)
{
    tt_json_put_seq(json, "last_delivered_seq", cursor->delivered);
    tt_json_put_seq(json, "last_read_seq", cursor->read);
}

static void put_member(struct tt_json_writer *json, const struct tt_member_view *member)
{
    tt_json_begin_object(json, NULL);
    tt_json_put_id(json, "user_id", &member->user);
    tt_put_status(json, "status", &member->status);
    put_cursor_keys(json, &member->cursor);
    tt_json_end_object(json);
}

void tt_put_page_keys(struct tt_json_writer *json, const struct tt_snapshot *snapshot)
{
    tt_json_put_id(json, "conversation_id", &snapshot->conversation.id);
    tt_json_put_seq(json, "head_seq", snapshot->head);
    tt_json_begin_array(json, "messages");
    for (size_t i = 0; i < snapshot->message_count; i++)
        tt_put_message(json, NULL, &snapshot->messages[i]);
    tt_json_end_array(json);
    tt_json_put_bool(json, "has_more_before", snapshot->has_more_before);
    tt_json_put_bool(json, "has_more_after", snapshot->has_more_after);
}

void tt_put_snapshot_keys(struct tt_json_writer *json, const struct tt_snapshot *snapshot)
{
    tt_put_page_keys(json, snapshot);
    tt_json_put_text(json, "kind", tt_conversation_kind_name(snapshot->conversation.kind));
    put_title(json, "title", snapshot->conversation.title);
    if (snapshot->conversation.kind == TT_DIRECT && snapshot->other_count > 0)
        tt_put_peer_status(json, &snapshot->others[0].user, &snapshot->others[0].status);
    tt_json_begin_array(json, "members");
    for (size_t i = 0; i < snapshot->other_count; i++)
        put_member(json, &snapshot->others[i]);
    tt_json_end_array(json);
    put_cursor_keys(json, &snapshot->others_min);
    tt_json_put_seq(json, "my_last_read_seq", snapshot->my_read);
    tt_json_put_time(json, "muted_until", snapshot->muted_until);
}

static void put_entry_peer(struct tt_json_writer *json, const struct tt_conversation_entry *entry,
                           const tt_id *caller)
{
    const struct tt_conversation *conversation = &entry->conversation;
    if (conversation->kind != TT_DIRECT || tt_id_is_none(caller))
        return;
    for (size_t i = 0; i < conversation->member_count; i++)
        if (!tt_id_eq(&conversation->members[i], caller))
            tt_put_peer_status(json, &conversation->members[i], &entry->peer);
}

void tt_put_entry_keys(struct tt_json_writer *json, const struct tt_conversation_entry *entry,
                       const tt_id *caller)
{
    const struct tt_conversation *conversation = &entry->conversation;
    tt_json_put_id(json, "conversation_id", &conversation->id);
    tt_json_put_text(json, "kind", tt_conversation_kind_name(conversation->kind));
    put_title(json, "title", conversation->title);
    tt_json_begin_array(json, "members");
    for (size_t i = 0; i < conversation->member_count; i++)
        tt_json_put_id(json, NULL, &conversation->members[i]);
    tt_json_end_array(json);
    tt_json_put_seq(json, "head_seq", entry->head);
    if (entry->last_message.seq.n == 0)
        tt_json_put_null(json, "last_message");
    else
        tt_put_message(json, "last_message", &entry->last_message);
    tt_json_put_u64(json, "unread", entry->unread);
    tt_json_put_seq(json, "my_last_read_seq", entry->my_read);
    put_cursor_keys(json, &entry->others);
    put_entry_peer(json, entry, caller);
    tt_json_put_time(json, "active_at", entry->active_at);
    tt_json_put_time(json, "muted_until", entry->muted_until);
}

void tt_put_entry(struct tt_json_writer *json, const char *key,
                  const struct tt_conversation_entry *entry, const tt_id *caller)
{
    tt_json_begin_object(json, key);
    tt_put_entry_keys(json, entry, caller);
    tt_json_end_object(json);
}
