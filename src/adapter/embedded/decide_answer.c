#include "adapter/embedded/decide.h"

#include "adapter/embedded/address.h"

/* Of a larger group it takes longer to say who rings than to ask. */
#define MEMBERS_LOOKED_AT 16

static struct tt_user_settings copy_settings(struct tt_arena *arena,
                                             const struct tt_user_settings *settings)
{
    struct tt_user_settings copy = *settings;
    copy.display_name = tt_arena_copy(arena, settings->display_name);
    return copy;
}

static tt_err answer_link(struct tt_working *working, struct tt_store_op *op, tt_err outcome)
{
    struct tt_link_device *link = &op->link_device;
    struct tt_user_state *user;
    TT_TRY(tt_working_user(working, &link->user, &user));
    size_t count = user->row.device_count;
    struct tt_device *devices = tt_arena_array(&op->arena, count, sizeof(*devices));
    if (count > 0)
        memcpy(devices, user->row.devices, count * sizeof(*devices));
    link->devices = devices;
    link->device_count = count;
    if (!tt_is_ok(outcome))
        return TT_OK;
    link->epoch = tt_user_device(user, &link->device)->epoch;
    link->settings = copy_settings(&op->arena, &user->row.settings);
    return TT_OK;
}

static tt_err answer_disconnect(struct tt_working *working, struct tt_store_op *op)
{
    struct tt_disconnect *disconnect = &op->disconnect;
    struct tt_user_state *user;
    TT_TRY(tt_working_user(working, &disconnect->user, &user));
    disconnect->was_last = disconnect->was_current;
    for (size_t i = 0; i < user->row.device_count; i++)
        if (user->row.devices[i].connected)
            disconnect->was_last = false;
    disconnect->last_seen = user->row.last_seen;
    return TT_OK;
}

static tt_err answer_create(struct tt_working *working, struct tt_store_op *op)
{
    struct tt_create_conversation *create = &op->create_conversation;
    struct tt_conversation_state *standing;
    if (create->created)
        return TT_OK;
    TT_TRY(tt_working_conversation(working, &create->conversation.id, &standing));
    const struct tt_conversation *info = &standing->info;
    tt_id *members = tt_arena_array(&op->arena, info->member_count, sizeof(*members));
    memcpy(members, info->members, info->member_count * sizeof(*members));
    create->conversation = *info;
    create->conversation.members = members;
    create->conversation.title = tt_arena_copy(&op->arena, info->title);
    return TT_OK;
}

static tt_err find_member(struct tt_working *working, const tt_id *id, const tt_id *user,
                          struct tt_conversation_state **conversation,
                          struct tt_member_state **member)
{
    TT_TRY(tt_working_conversation(working, id, conversation));
    size_t index = tt_working_member_of(*conversation, user);
    TT_ASSERT(index < (*conversation)->info.member_count);
    return tt_working_member(working, *conversation, index, member);
}

static tt_err device_delivered(struct tt_working *working, const struct tt_member_state *member,
                               const tt_id *user_id, const tt_id *device, tt_seq *delivered)
{
    struct tt_user_state *user;
    TT_TRY(tt_working_user(working, user_id, &user));
    bool linked = tt_user_device(user, device) != NULL;
    *delivered = linked ? tt_member_position(member, device) : TT_SEQ(0);
    return TT_OK;
}

/* Whether every device of the user that has a push address is connected. */
static tt_err is_reached(struct tt_working *working, const tt_id *id, struct tt_arena *arena,
                         bool *reached)
{
    struct tt_user_state *user;
    struct tt_addresses addresses;
    *reached = true;
    TT_TRY(tt_working_user(working, id, &user));
    if (user->row.addresses.size == 0)
        return TT_OK;
    TT_TRY(tt_addresses_unpack(user->row.addresses, arena, &addresses));
    for (size_t i = 0; i < addresses.count && *reached; i++) {
        const struct tt_device *device = tt_user_device(user, &addresses.list[i].device);
        *reached = device != NULL && device->connected;
    }
    return TT_OK;
}

static tt_err none_rings(struct tt_working *working, const struct tt_conversation *info,
                         struct tt_store_op *op)
{
    struct tt_append *append = &op->append;
    append->none_rings = info->member_count <= MEMBERS_LOOKED_AT;
    for (size_t i = 0; i < info->member_count && append->none_rings; i++)
        if (!tt_id_eq(&info->members[i], &append->message.sender))
            TT_TRY(is_reached(working, &info->members[i], &op->arena, &append->none_rings));
    return TT_OK;
}

static tt_err answer_append(struct tt_working *working, struct tt_store_op *op)
{
    struct tt_append *append = &op->append;
    struct tt_conversation_state *conversation;
    struct tt_member_state *member;
    const tt_id *sender = &append->message.sender;
    TT_TRY(find_member(working, &append->conversation, sender, &conversation, &member));
    append->sender_cursor = member->status.cursor;
    TT_TRY(none_rings(working, &conversation->info, op));
    return device_delivered(working, member, sender, &append->message.sender_device,
                            &append->device_delivered);
}

/* An ack is shown to nobody when two of the others stand no further than its user stood before:
 * each who looks sees at least one of these two, and so the same least as before. That takes no
 * look at the rest, of whom there may be a thousand. */
struct witnesses {
    unsigned of_delivered;
    unsigned of_read;
};

/* Counts one of the others; true: there are enough. */
static bool is_witnessed(struct witnesses *witnesses, struct tt_cursor other,
                         struct tt_cursor before)
{
    witnesses->of_delivered += other.delivered.n <= before.delivered.n;
    witnesses->of_read += other.read.n <= before.read.n;
    return witnesses->of_delivered >= 2 && witnesses->of_read >= 2;
}

static tt_err is_shown(struct tt_working *working, struct tt_conversation_state *conversation,
                       const struct tt_advance *advance, bool *shown)
{
    struct witnesses witnesses = {0, 0};
    size_t own = tt_working_member_of(conversation, &advance->user);
    *shown = advance->before.delivered.n < advance->after.delivered.n ||
             advance->before.read.n < advance->after.read.n;
    for (size_t i = 0; i < conversation->info.member_count && *shown; i++) {
        struct tt_member_state *other;
        if (i == own)
            continue;
        TT_TRY(tt_working_member(working, conversation, i, &other));
        *shown = !is_witnessed(&witnesses, other->status.cursor, advance->before);
    }
    return TT_OK;
}

static tt_err answer_members(struct tt_working *working, struct tt_conversation_state *conversation,
                             struct tt_arena *arena, struct tt_advance *advance)
{
    size_t count = conversation->info.member_count;
    struct tt_member_cursor *members = tt_arena_array(arena, count, sizeof(*members));
    for (size_t i = 0; i < count; i++) {
        struct tt_member_state *other;
        TT_TRY(tt_working_member(working, conversation, i, &other));
        members[i].user = conversation->info.members[i];
        members[i].cursor = other->status.cursor;
    }
    advance->members = members;
    advance->member_count = count;
    return TT_OK;
}

static tt_err answer_advance(struct tt_working *working, struct tt_store_op *op)
{
    struct tt_advance *advance = &op->advance;
    struct tt_conversation_state *conversation;
    struct tt_member_state *member;
    bool shown;
    TT_TRY(find_member(working, &advance->conversation, &advance->user, &conversation, &member));
    advance->after = member->status.cursor;
    advance->head = conversation->head.head;
    advance->settled = !member->has_pending;
    TT_TRY(is_shown(working, conversation, advance, &shown));
    if (shown || advance->wants_members)
        TT_TRY(answer_members(working, conversation, &op->arena, advance));
    struct tt_user_state *user;
    TT_TRY(tt_working_user(working, &advance->user, &user));
    if (tt_decide_is_link(user, advance))
        advance->device_delivered = tt_member_position(member, &advance->device);
    return TT_OK;
}

static tt_err answer_put_user(struct tt_working *working, struct tt_store_op *op)
{
    struct tt_user_state *user;
    TT_TRY(tt_working_user(working, &op->put_user.user, &user));
    op->put_user.settings = copy_settings(&op->arena, &user->row.settings);
    return TT_OK;
}

tt_err tt_decide_answer(struct tt_working *working, struct tt_store_op *op, tt_err outcome)
{
    if (op->kind == TT_STORE_LINK_DEVICE &&
        (tt_is_ok(outcome) || tt_err_is(outcome, TT_ERR_TOO_MANY_DEVICES)))
        return answer_link(working, op, outcome);
    if (!tt_is_ok(outcome))
        return TT_OK;
    switch (op->kind) {
    case TT_STORE_DISCONNECT:
        return answer_disconnect(working, op);
    case TT_STORE_CREATE_CONVERSATION:
        return answer_create(working, op);
    case TT_STORE_APPEND:
        return answer_append(working, op);
    case TT_STORE_ADVANCE:
        return answer_advance(working, op);
    case TT_STORE_PUT_USER:
        return answer_put_user(working, op);
    case TT_STORE_LINK_DEVICE:
    case TT_STORE_UNLINK_DEVICE:
    case TT_STORE_ALIVE:
    case TT_STORE_MARK_PUSHED:
    case TT_STORE_MUTE:
    case TT_STORE_LIST_DEVICES:
    case TT_STORE_GET_CONVERSATION:
    case TT_STORE_READ_MESSAGES:
    case TT_STORE_SNAPSHOT:
    case TT_STORE_POSITIONS:
    case TT_STORE_LIST_PENDING:
    case TT_STORE_LIST_CONVERSATIONS:
    case TT_STORE_GET_USERS:
    case TT_STORE_HISTORY:
    case TT_STORE_PUT_PUSH_ADDRESS:
    case TT_STORE_DROP_PUSH_ADDRESS:
    case TT_STORE_RECORD_PUSH:
    case TT_STORE_LIST_PUSH_ADDRESSES:
    case TT_STORE_LIST_UNRUNG:
    case TT_STORE_PUT_ACCOUNT:
    case TT_STORE_GET_ACCOUNT:
    case TT_STORE_LIST_ACCOUNTS:
    case TT_STORE_LOG_IN:
    case TT_STORE_CHECK_LOGIN:
        return TT_OK;
    }
    return TT_OK;
}
