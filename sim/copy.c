#include "sim/copy.h"

void tt_copy_client_frame(struct tt_arena *arena, const struct tt_client_frame *from,
                          struct tt_client_frame *to)
{
    *to = *from;
    to->content = tt_arena_copy(arena, from->content);
    to->token = tt_arena_copy(arena, from->token);
}

static void copy_conversation(struct tt_arena *arena, const struct tt_conversation *from,
                              struct tt_conversation *to)
{
    tt_id *members = tt_arena_array(arena, from->member_count, sizeof(members[0]));
    *to = *from;
    to->title = tt_arena_copy(arena, from->title);
    to->members = members;
    for (size_t i = 0; i < from->member_count; i++)
        members[i] = from->members[i];
}

static void copy_entry(struct tt_arena *arena, const struct tt_conversation_entry *from,
                       struct tt_conversation_entry *to)
{
    *to = *from;
    copy_conversation(arena, &from->conversation, &to->conversation);
    to->last_message.content = tt_arena_copy(arena, from->last_message.content);
}

static const struct tt_snapshot *copy_snapshot(struct tt_arena *arena,
                                               const struct tt_snapshot *from)
{
    struct tt_snapshot *to = tt_arena_alloc(arena, sizeof(*to));
    struct tt_message *messages = tt_arena_array(arena, from->message_count, sizeof(messages[0]));
    struct tt_member_view *others = tt_arena_array(arena, from->other_count, sizeof(others[0]));
    *to = *from;
    copy_conversation(arena, &from->conversation, &to->conversation);
    for (size_t i = 0; i < from->message_count; i++) {
        messages[i] = from->messages[i];
        messages[i].content = tt_arena_copy(arena, from->messages[i].content);
    }
    for (size_t i = 0; i < from->other_count; i++)
        others[i] = from->others[i];
    to->messages = messages;
    to->others = others;
    return to;
}

void tt_copy_server_frame(struct tt_arena *arena, const struct tt_server_frame *from,
                          struct tt_server_frame *to)
{
    *to = *from;
    if (from->kind == TT_SERVER_MESSAGE || from->kind == TT_SERVER_SENT)
        to->message.content = tt_arena_copy(arena, from->message.content);
    if (from->kind == TT_SERVER_CONVERSATION)
        to->snapshot = copy_snapshot(arena, from->snapshot);
    if (from->kind == TT_SERVER_CONVERSATION_ADDED) {
        struct tt_conversation_entry *entry = tt_arena_alloc(arena, sizeof(*entry));
        copy_entry(arena, from->entry, entry);
        to->entry = entry;
    }
}

void tt_copy_request(struct tt_arena *arena, const struct tt_request *from, struct tt_request *to)
{
    *to = *from;
    if (from->kind == TT_REQUEST_SEND)
        to->send.content = tt_arena_copy(arena, from->send.content);
    if (from->kind == TT_REQUEST_LIST)
        to->list.cursor = tt_arena_copy(arena, from->list.cursor);
    if (from->kind == TT_REQUEST_PUT_PUSH) {
        to->push.address.token = tt_arena_copy(arena, from->push.address.token);
        to->push.address.p256dh = tt_arena_copy(arena, from->push.address.p256dh);
        to->push.address.auth = tt_arena_copy(arena, from->push.address.auth);
    }
    if (from->kind == TT_REQUEST_CREATE) {
        tt_id *members = tt_arena_array(arena, from->create.member_count, sizeof(members[0]));
        for (size_t i = 0; i < from->create.member_count; i++)
            members[i] = from->create.members[i];
        to->create.members = members;
        to->create.title = tt_arena_copy(arena, from->create.title);
    }
}

static void copy_list(struct tt_arena *arena, const struct tt_reply *from, struct tt_reply *to)
{
    struct tt_conversation_entry *entries =
        tt_arena_array(arena, from->list.entry_count, sizeof(entries[0]));
    for (size_t i = 0; i < from->list.entry_count; i++)
        copy_entry(arena, &from->list.entries[i], &entries[i]);
    to->list.entries = entries;
    to->list.entry_count = from->list.entry_count;
    to->list.next = tt_arena_copy(arena, from->list.next);
}

void tt_copy_reply(struct tt_arena *arena, const struct tt_reply *from, struct tt_reply *to)
{
    *to = (struct tt_reply){
        .kind = from->kind,
        .err = from->err,
        .retry_after_ms = from->retry_after_ms,
        .created = from->created,
        .conversation = from->conversation,
    };
    if (!tt_is_ok(from->err))
        return;
    if (from->kind == TT_REQUEST_SNAPSHOT || from->kind == TT_REQUEST_PAGE) {
        to->snapshot = copy_snapshot(arena, from->snapshot);
    } else if (from->kind == TT_REQUEST_LIST) {
        copy_list(arena, from, to);
    } else if (from->kind == TT_REQUEST_CREATE) {
        struct tt_conversation_entry *entry = tt_arena_alloc(arena, sizeof(*entry));
        copy_entry(arena, from->entry, entry);
        to->entry = entry;
    } else if (from->kind == TT_REQUEST_SEND) {
        to->sent = from->sent;
    }
}
