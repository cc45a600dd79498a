#include "adapter/embedded/apply.h"

/* So many users at a time are told that the process before has died. */
#define ONLINE_CHUNK 10000

static tt_err required(tt_err err)
{
    return tt_err_is(err, TT_ERR_NOT_FOUND) ? TT_FAIL(CORRUPT) : err;
}

static tt_err find_member(struct tt_working *working, const struct tt_record *record,
                          struct tt_conversation_state **conversation,
                          struct tt_member_state **member)
{
    TT_TRY(required(tt_working_conversation(working, &record->conversation, conversation)));
    size_t index = tt_working_member_of(*conversation, &record->user);
    if (index == (*conversation)->info.member_count)
        return TT_FAIL(CORRUPT);
    return tt_working_member(working, *conversation, index, member);
}

static void arm(struct tt_member_state *member, tt_seq seq)
{
    if (member->has_pending && member->pending.armed.n == 0)
        return;
    if (!member->has_pending)
        member->pending = (struct tt_pending_values){.first = seq};
    member->has_pending = true;
    member->pending.armed = TT_SEQ(0);
    member->pending_changed = true;
}

/* A row that is armed with "the head" keeps what that was until now. */
static void leave_behind(struct tt_member_state *member, tt_seq head)
{
    if (!member->has_pending || member->pending.armed.n != 0)
        return;
    member->pending.armed = head;
    member->pending_changed = true;
}

/* Takes the pending row away if nobody waits for anything any more. */
static void settle(const struct tt_user_state *user, tt_seq head, struct tt_member_state *member)
{
    if (!member->has_pending)
        return;
    for (size_t i = 0; i < user->row.device_count; i++)
        if (tt_member_position(member, &user->row.devices[i].id).n < head.n)
            return;
    if (user->row.device_count == 0 && member->status.cursor.delivered.n < head.n)
        return;
    member->has_pending = false;
    member->pending_changed = true;
}

static void carry_own(const struct tt_user_state *sender, const tt_id *device, tt_seq seq,
                      struct tt_member_state *member)
{
    struct tt_cursor *cursor = &member->status.cursor;
    if (tt_user_device(sender, device) != NULL &&
        tt_member_position(member, device).n + 1 == seq.n) {
        tt_member_set_position(member, device, seq);
        cursor->delivered = tt_seq_max(cursor->delivered, seq);
    }
    if (cursor->read.n + 1 == seq.n) {
        cursor->read = seq;
        cursor->delivered = tt_seq_max(cursor->delivered, seq);
    }
    member->status.last_own = seq;
    member->status_changed = true;
}

static bool has_other_device(const struct tt_user_state *user, const tt_id *device)
{
    return user->row.device_count > (tt_user_device(user, device) == NULL ? 0u : 1u);
}

static tt_err arm_members(struct tt_working *working, struct tt_conversation_state *conversation,
                          const struct tt_user_state *sender, const tt_id *device, tt_seq seq)
{
    for (size_t i = 0; i < conversation->info.member_count; i++) {
        struct tt_member_state *member;
        TT_TRY(tt_working_member(working, conversation, i, &member));
        bool is_sender = tt_id_eq(&conversation->info.members[i], &sender->id);
        if (!is_sender || has_other_device(sender, device))
            arm(member, seq);
        else
            leave_behind(member, conversation->head.head);
    }
    return TT_OK;
}

static tt_err apply_appended(struct tt_working *working, const struct tt_record *record)
{
    const struct tt_message *message = &record->message;
    struct tt_conversation_state *conversation;
    struct tt_member_state *member;
    struct tt_user_state *sender;
    TT_TRY(find_member(working, record, &conversation, &member));
    TT_TRY(tt_working_user(working, &message->sender, &sender));
    if (message->seq.n != conversation->head.head.n + 1)
        return TT_FAIL(CORRUPT);
    TT_TRY(arm_members(working, conversation, sender, &message->sender_device, message->seq));
    struct tt_key key =
        tt_key_of_send(&record->conversation, &message->sender, &message->client_id);
    struct tt_send_row send = {message->seq, message->timestamp};
    tt_working_add_send(working, conversation, &key, &send);
    tt_working_add_message(working, &record->conversation, message);
    conversation->head.head = message->seq;
    conversation->head.active_at = message->timestamp;
    conversation->head.changed_at = tt_time_max(conversation->head.changed_at, message->timestamp);
    carry_own(sender, &message->sender_device, message->seq, member);
    tt_working_touch(working, conversation);
    return TT_OK;
}

static void step(struct tt_working *working, const struct tt_record *record, enum tt_step kind,
                 tt_seq *cursor, tt_seq to)
{
    if (to.n <= cursor->n)
        return;
    struct tt_key key = tt_key_of_step(&record->conversation, &record->user, kind, to);
    struct tt_step_row row = {tt_seq_next(*cursor), record->at, record->device};
    tt_working_add_step(working, &key, &row);
    *cursor = to;
}

static tt_err apply_advanced(struct tt_working *working, const struct tt_record *record)
{
    struct tt_conversation_state *conversation;
    struct tt_member_state *member;
    struct tt_user_state *user;
    TT_TRY(find_member(working, record, &conversation, &member));
    TT_TRY(tt_working_user(working, &record->user, &user));
    tt_seq delivered = tt_seq_max(record->to.delivered, record->to.read);
    if (delivered.n > conversation->head.head.n)
        return TT_FAIL(CORRUPT);
    struct tt_cursor *cursor = &member->status.cursor;
    step(working, record, TT_STEP_DELIVERED, &cursor->delivered, delivered);
    step(working, record, TT_STEP_READ, &cursor->read, record->to.read);
    if (tt_user_device(user, &record->device) != NULL &&
        tt_member_position(member, &record->device).n < delivered.n)
        tt_member_set_position(member, &record->device, delivered);
    member->status_changed = true;
    settle(user, conversation->head.head, member);
    conversation->head.changed_at = tt_time_max(conversation->head.changed_at, record->at);
    tt_working_touch(working, conversation);
    return TT_OK;
}

static tt_err apply_created(struct tt_working *working, const struct tt_record *record)
{
    const struct tt_conversation *created = &record->created;
    struct tt_conversation_state *conversation;
    tt_err err = tt_working_conversation(working, &created->id, &conversation);
    if (!tt_err_is(err, TT_ERR_NOT_FOUND))
        return tt_is_ok(err) ? TT_FAIL(CORRUPT) : err;
    tt_working_add_conversation(working, created);
    for (size_t i = 0; i < created->member_count; i++) {
        struct tt_user_state *user;
        TT_TRY(tt_working_user(working, &created->members[i], &user));
        user->row.conversation_count++;
        tt_working_add_list_row(working, user, &created->id);
    }
    if (created->kind == TT_DIRECT)
        tt_working_add_pair(working, &created->members[0], &created->members[1], &created->id);
    return TT_OK;
}

/* What a change of the user's devices means in one of the user's conversations. */
typedef void (*in_conversation)(const struct tt_user_state *user, const tt_id *device, tt_seq head,
                                struct tt_member_state *member);

static tt_err in_each_conversation(struct tt_working *working, const struct tt_user_state *user,
                                   const tt_id *device, in_conversation change)
{
    struct tt_arena arena = {0};
    tt_id *ids = NULL;
    size_t count = 0;
    tt_err err = tt_working_list(working, user, &arena, &ids, &count);
    for (size_t i = 0; i < count && tt_is_ok(err); i++) {
        struct tt_record look = {.conversation = ids[i], .user = user->id};
        struct tt_conversation_state *conversation;
        struct tt_member_state *member;
        err = find_member(working, &look, &conversation, &member);
        if (!tt_is_ok(err))
            break;
        change(user, device, conversation->head.head, member);
        if (member->status_changed || member->pending_changed)
            tt_working_touch(working, conversation);
    }
    tt_arena_deinit(&arena);
    return err;
}

/* A device starts where its user is. What lies beyond may not be pending for anybody yet: the
 * user's own messages, sent when there was no other device to hand them to. */
static void start_position(const struct tt_user_state *user, const tt_id *device, tt_seq head,
                           struct tt_member_state *member)
{
    (void)user;
    tt_seq delivered = member->status.cursor.delivered;
    if (delivered.n > 0)
        tt_member_set_position(member, device, delivered);
    if (delivered.n < head.n && !member->has_pending)
        arm(member, tt_seq_next(delivered));
}

static void end_position(const struct tt_user_state *user, const tt_id *device, tt_seq head,
                         struct tt_member_state *member)
{
    tt_member_remove_position(member, device);
    settle(user, head, member);
}

static void note_connection(struct tt_working *working, struct tt_user_state *user,
                            const tt_id *device, bool connected, tt_time at)
{
    struct tt_connection_row row = {.at = at, .connected = connected, .device = *device};
    tt_working_add_connection(working, user, &row);
}

static bool is_connected(const struct tt_user_state *user)
{
    for (size_t i = 0; i < user->row.device_count; i++)
        if (user->row.devices[i].connected)
            return true;
    return false;
}

static void disconnect(struct tt_working *working, struct tt_user_state *user,
                       struct tt_device *device, tt_time at)
{
    device->connected = false;
    device->active_at = tt_time_max(device->active_at, at);
    note_connection(working, user, &device->id, false, at);
    if (!is_connected(user))
        user->row.last_seen = tt_time_max(user->row.last_seen, at);
    tt_working_touch_user(working, user);
}

static tt_err unlink_device(struct tt_working *working, struct tt_user_state *user, const tt_id *id,
                            tt_time at)
{
    struct tt_device *device = tt_user_device(user, id);
    if (device == NULL)
        return TT_FAIL(CORRUPT);
    if (device->connected)
        disconnect(working, user, device, at);
    tt_user_remove_device(user, id);
    TT_TRY(tt_apply_no_address(working, user, id));
    tt_working_touch_user(working, user);
    return in_each_conversation(working, user, id, end_position);
}

static tt_err apply_unlinked(struct tt_working *working, const struct tt_record *record)
{
    struct tt_user_state *user;
    TT_TRY(tt_working_user(working, &record->user, &user));
    TT_TRY(tt_apply_no_login(working, user, &record->device));
    if (tt_user_device(user, &record->device) == NULL) /* it had a login or an address */
        return tt_apply_no_address(working, user, &record->device);
    return unlink_device(working, user, &record->device, record->at);
}

static tt_err apply_linked(struct tt_working *working, const struct tt_record *record)
{
    struct tt_user_state *user;
    TT_TRY(tt_working_user(working, &record->user, &user));
    for (size_t i = 0; i < record->linked.unlinked_count; i++)
        TT_TRY(unlink_device(working, user, &record->linked.unlinked[i], record->at));
    if (tt_user_device(user, &record->device) == NULL) {
        tt_user_add_device(user, &record->device)->linked_at = record->at;
        TT_TRY(in_each_conversation(working, user, &record->device, start_position));
    }
    struct tt_device *device = tt_user_device(user, &record->device);
    device->epoch = record->linked.epoch;
    device->connected = true;
    device->active_at = tt_time_max(device->active_at, record->at);
    note_connection(working, user, &record->device, true, record->at);
    tt_working_touch_user(working, user);
    return TT_OK;
}

static tt_err apply_disconnected(struct tt_working *working, const struct tt_record *record)
{
    struct tt_user_state *user;
    TT_TRY(tt_working_user(working, &record->user, &user));
    struct tt_device *device = tt_user_device(user, &record->device);
    if (device == NULL || device->epoch != record->epoch || !device->connected)
        return TT_FAIL(CORRUPT);
    disconnect(working, user, device, record->at);
    return TT_OK;
}

static tt_err end_connections(struct tt_working *working, const tt_id *id)
{
    struct tt_user_state *user;
    tt_time alive_at = tt_working_position(working)->alive_at;
    TT_TRY(tt_working_user(working, id, &user));
    if (!is_connected(user))
        return TT_FAIL(CORRUPT);
    tt_time last = user->row.last_seen;
    for (size_t i = 0; i < user->row.device_count; i++) {
        struct tt_device *device = &user->row.devices[i];
        if (!device->connected)
            continue;
        tt_time left = tt_time_max(alive_at, device->active_at);
        last = tt_time_max(last, left);
        disconnect(working, user, device, left);
    }
    user->row.last_seen = last;
    return TT_OK;
}

/* In pieces, each flushed under the old position: a crash in between repeats the rest. */
static tt_err apply_started(struct tt_working *working, const struct tt_record *record)
{
    struct tt_position_row *position = tt_working_position(working);
    struct tt_arena arena = {0};
    tt_err err = TT_OK;
    TT_ASSERT(!tt_working_has_changes(working));
    for (size_t count = 1; count > 0 && tt_is_ok(err);) {
        tt_id *ids = NULL;
        err = tt_working_online(working, &arena, ONLINE_CHUNK, &ids, &count);
        for (size_t i = 0; i < count && tt_is_ok(err); i++)
            err = end_connections(working, &ids[i]);
        if (count > 0 && tt_is_ok(err))
            err = tt_working_flush(working, position->applied);
        tt_arena_reset(&arena);
    }
    tt_arena_deinit(&arena);
    position->start = record->start;
    return err;
}

static tt_err apply_pushed(struct tt_working *working, const struct tt_record *record)
{
    struct tt_conversation_state *conversation;
    struct tt_member_state *member;
    TT_TRY(find_member(working, record, &conversation, &member));
    member->pending.pushed = tt_seq_max(member->pending.pushed, record->pushed);
    member->pending_changed = true;
    tt_working_touch(working, conversation);
    return TT_OK;
}

static tt_err apply_chosen(struct tt_working *working, const struct tt_record *record)
{
    struct tt_user_state *user;
    TT_TRY(tt_working_user(working, &record->user, &user));
    user->row.settings.share_last_seen = record->settings.share_last_seen;
    user->row.settings.push_preview = record->settings.push_preview;
    tt_user_set_display_name(user, record->settings.display_name);
    tt_working_touch_user(working, user);
    return TT_OK;
}

static tt_err apply_muted(struct tt_working *working, const struct tt_record *record)
{
    struct tt_conversation_state *conversation;
    struct tt_member_state *member;
    TT_TRY(find_member(working, record, &conversation, &member));
    member->status.muted_until = record->at;
    member->status_changed = true;
    tt_working_touch(working, conversation);
    return TT_OK;
}

tt_err tt_apply(struct tt_working *working, const struct tt_record *record)
{
    switch (record->kind) {
    case TT_RECORD_STARTED:
        return apply_started(working, record);
    case TT_RECORD_ALIVE:
        tt_working_position(working)->alive_at = record->at;
        return TT_OK;
    case TT_RECORD_CREATED:
        return apply_created(working, record);
    case TT_RECORD_APPENDED:
        return apply_appended(working, record);
    case TT_RECORD_ADVANCED:
        return apply_advanced(working, record);
    case TT_RECORD_LINKED:
        return apply_linked(working, record);
    case TT_RECORD_UNLINKED:
        return apply_unlinked(working, record);
    case TT_RECORD_DISCONNECTED:
        return apply_disconnected(working, record);
    case TT_RECORD_PUSHED:
        return apply_pushed(working, record);
    case TT_RECORD_CHOSEN:
        return apply_chosen(working, record);
    case TT_RECORD_MUTED:
        return apply_muted(working, record);
    case TT_RECORD_ADDRESSED:
        return tt_apply_addressed(working, record);
    case TT_RECORD_NOTIFIED:
        return tt_apply_notified(working, record);
    case TT_RECORD_ACCOUNTED:
        return tt_apply_accounted(working, record);
    }
    return TT_FAIL(CORRUPT);
}
