#include "sim/store_tables.h"

#include <stdlib.h>

#include "base/memory.h"

static void get_conversation(struct tt_store_tables *tables, struct tt_store_op *op)
{
    const struct tt_conversation_row *row =
        tt_store_tables_conversation(tables, &op->get_conversation.id);
    if (row == NULL)
        op->err = TT_FAIL(NOT_FOUND);
    else
        tt_store_tables_describe(row, &op->arena, &op->get_conversation.conversation);
}

static void positions(struct tt_store_tables *tables, struct tt_store_op *op)
{
    struct tt_positions *answer = &op->positions;
    struct tt_conversation_row *row = tt_store_tables_conversation(tables, &answer->conversation);
    const struct tt_member_row *member = tt_store_tables_member(row, &answer->user);
    if (member == NULL) {
        op->err = TT_FAIL(NOT_FOUND);
        return;
    }
    const struct tt_user_row *user = tt_store_tables_user(tables, &answer->user);
    struct tt_device_position *devices =
        tt_arena_array(&op->arena, user->device_count, sizeof(devices[0]));
    for (size_t i = 0; i < user->device_count; i++) {
        const tt_id *device = &user->devices[i].device.id;
        devices[i] = (struct tt_device_position){
            .device = *device,
            .delivered = tt_store_tables_position(member, device),
            .linked_at = user->devices[i].device.linked_at,
        };
    }
    answer->head = tt_store_tables_head(row);
    answer->cursor = member->cursor;
    answer->devices = devices;
    answer->device_count = user->device_count;
    answer->muted_until = member->muted_until;
    answer->pushed = member->pushed;
}

static int pending_order(const void *a, const void *b)
{
    const struct tt_pending_row *left = a;
    const struct tt_pending_row *right = b;
    return tt_id_compare(&left->conversation, &right->conversation);
}

static void list_pending(struct tt_store_tables *tables, struct tt_store_op *op)
{
    struct tt_list_pending *list = &op->list_pending;
    struct tt_pending_row *rows =
        tt_arena_array(&op->arena, tables->conversations.count, sizeof(rows[0]));
    size_t count = 0;
    struct tt_conversation_row *row;
    for (size_t at = 0; (row = tt_map_next(&tables->conversations, &at)) != NULL;) {
        const struct tt_member_row *member = tt_store_tables_member(row, &list->user);
        if (member == NULL || !member->is_pending)
            continue;
        if (!tt_id_is_none(&list->after) && tt_id_compare(&row->id, &list->after) <= 0)
            continue;
        rows[count++] = (struct tt_pending_row){
            .conversation = row->id,
            .first_undelivered = member->first_undelivered,
            .armed = member->armed,
            .pushed = member->pushed,
            .device_delivered = tt_store_tables_position(member, &list->device),
            .head = tt_store_tables_head(row),
        };
    }
    if (count > 1)
        qsort(rows, count, sizeof(rows[0]), pending_order);
    list->unlinked = !tt_store_tables_is_linked(tt_store_tables_user(tables, &list->user),
                                                &list->device, list->linked_at);
    list->rows = rows;
    list->row_count = count < list->count_max ? count : list->count_max;
    list->more = count > list->row_count && tables->mutant != TT_MUTANT_REPLAY_ONE_PAGE;
}

static void mark_pushed(struct tt_store_tables *tables, struct tt_store_op *op)
{
    struct tt_mark_pushed *mark = &op->mark_pushed;
    struct tt_member_row *member = tt_store_tables_member(
        tt_store_tables_conversation(tables, &mark->conversation), &mark->user);
    if (member != NULL && member->is_pending)
        member->pushed = tt_seq_max(member->pushed, mark->seq);
    if (member != NULL && tables->mutant == TT_MUTANT_PUSHED_IS_DELIVERED)
        member->is_pending = false;
}

static struct tt_user_settings copy_settings(const struct tt_user_settings *settings,
                                             struct tt_arena *arena)
{
    struct tt_user_settings copy = *settings;
    copy.display_name = tt_arena_copy(arena, settings->display_name);
    return copy;
}

static void get_users(struct tt_store_tables *tables, struct tt_store_op *op)
{
    struct tt_get_users *get = &op->get_users;
    struct tt_user *users = tt_arena_array(&op->arena, get->id_count, sizeof(users[0]));
    for (size_t i = 0; i < get->id_count; i++) {
        const struct tt_user_row *row = tt_store_tables_user(tables, &get->ids[i]);
        users[i] = (struct tt_user){
            .id = get->ids[i],
            .settings = copy_settings(&row->settings, &op->arena),
            .last_seen = row->last_seen,
        };
    }
    get->users = users;
}

static void put_user(struct tt_store_tables *tables, struct tt_store_op *op)
{
    struct tt_put_user *put = &op->put_user;
    struct tt_user_settings *stored = &tt_store_tables_user(tables, &put->user)->settings;
    if (put->set_display_name) {
        tt_free((void *)(uintptr_t)stored->display_name.data);
        stored->display_name = tt_store_tables_own(put->settings.display_name);
    }
    if (put->set_share_last_seen)
        stored->share_last_seen = put->settings.share_last_seen;
    if (put->set_push_preview)
        stored->push_preview = put->settings.push_preview;
    put->settings = copy_settings(stored, &op->arena);
}

static void mute(struct tt_store_tables *tables, struct tt_store_op *op)
{
    struct tt_member_row *member = tt_store_tables_member(
        tt_store_tables_conversation(tables, &op->mute.conversation), &op->mute.user);
    if (member == NULL)
        op->err = TT_FAIL(NOT_FOUND);
    else
        member->muted_until = op->mute.until;
}

static void about_devices(struct tt_store_tables *tables, struct tt_store_op *op, uint32_t process)
{
    if (op->kind == TT_STORE_LINK_DEVICE)
        tt_store_tables_link(tables, op, process);
    else if (op->kind == TT_STORE_UNLINK_DEVICE)
        tt_store_tables_unlink(tables, op);
    else
        tt_store_tables_list_devices(tables, op);
}

static void push_or_account(struct tt_store_tables *tables, struct tt_store_op *op)
{
    if (op->kind >= TT_STORE_PUT_ACCOUNT)
        tt_store_tables_account(tables, op);
    else
        tt_store_tables_push(tables, op);
}

static void get_or_put_users(struct tt_store_tables *tables, struct tt_store_op *op)
{
    if (op->kind == TT_STORE_GET_USERS)
        get_users(tables, op);
    else
        put_user(tables, op);
}

void tt_store_tables_apply(struct tt_store_tables *tables, struct tt_store_op *op, uint32_t process,
                           bool disk_low)
{
    op->err = TT_OK;
    switch (op->kind) {
    case TT_STORE_LINK_DEVICE:
    case TT_STORE_UNLINK_DEVICE:
    case TT_STORE_LIST_DEVICES:
        about_devices(tables, op, process);
        return;
    case TT_STORE_DISCONNECT:
        tt_store_tables_disconnect(tables, op);
        return;
    case TT_STORE_ALIVE:
        tables->alive[process] = tt_time_max(tables->alive[process], op->alive.at);
        return;
    case TT_STORE_CREATE_CONVERSATION:
        tt_store_tables_create_conversation(tables, op, disk_low);
        return;
    case TT_STORE_GET_CONVERSATION:
        get_conversation(tables, op);
        return;
    case TT_STORE_APPEND:
        tt_store_tables_append(tables, op, disk_low);
        return;
    case TT_STORE_ADVANCE:
        tt_store_tables_advance(tables, op);
        return;
    case TT_STORE_READ_MESSAGES:
        tt_store_tables_read_messages(tables, op);
        return;
    case TT_STORE_SNAPSHOT:
        tt_store_tables_snapshot(tables, op);
        return;
    case TT_STORE_POSITIONS:
        positions(tables, op);
        return;
    case TT_STORE_LIST_PENDING:
        list_pending(tables, op);
        return;
    case TT_STORE_MARK_PUSHED:
        mark_pushed(tables, op);
        return;
    case TT_STORE_LIST_CONVERSATIONS:
        tt_store_tables_list_conversations(tables, op);
        return;
    case TT_STORE_GET_USERS:
    case TT_STORE_PUT_USER:
        get_or_put_users(tables, op);
        return;
    case TT_STORE_MUTE:
        mute(tables, op);
        return;
    case TT_STORE_HISTORY:
        tt_store_tables_history(tables, op);
        return;
    case TT_STORE_PUT_PUSH_ADDRESS:
    case TT_STORE_DROP_PUSH_ADDRESS:
    case TT_STORE_LIST_PUSH_ADDRESSES:
    case TT_STORE_RECORD_PUSH:
    case TT_STORE_LIST_UNRUNG:
    case TT_STORE_PUT_ACCOUNT:
    case TT_STORE_GET_ACCOUNT:
    case TT_STORE_LIST_ACCOUNTS:
    case TT_STORE_LOG_IN:
    case TT_STORE_CHECK_LOGIN:
        push_or_account(tables, op);
        return;
    }
}
