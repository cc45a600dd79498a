#include "adapter/embedded/read.h"

#include "adapter/embedded/read_parts.h"

/* For who must not be kept waiting. */
#define USERS_AT_ONCE    16
#define MEMBERS_AT_ONCE  64
#define MESSAGES_AT_ONCE 128

static bool has_member(const struct tt_conversation *conversation, const tt_id *user)
{
    for (size_t i = 0; i < conversation->member_count; i++)
        if (tt_id_eq(&conversation->members[i], user))
            return true;
    return false;
}

/* What a device that is unlinked has acked is not known any more. */
static tt_err read_device_position(struct tt_reading *reading, struct tt_read_snapshot *snapshot,
                                   const struct tt_status_row *status)
{
    bool linked = false;
    tt_seq position = tt_read_position(status, &snapshot->device);
    if (position.n > 0)
        TT_TRY(tt_read_is_linked(reading, &snapshot->user, &snapshot->device, TT_TIME(0), &linked));
    snapshot->device_delivered = linked ? position : TT_SEQ(0);
    return TT_OK;
}

static tt_err read_snapshot(struct tt_reading *reading, struct tt_read_snapshot *snapshot)
{
    struct tt_conversation conversation;
    struct tt_head_row head;
    struct tt_status_row status;
    struct tt_member_cursor *members;
    TT_TRY(tt_read_conversation_row(reading, &snapshot->conversation, &conversation));
    if (!has_member(&conversation, &snapshot->user))
        return TT_FAIL(NOT_FOUND);
    if (reading->at_once && conversation.member_count > MEMBERS_AT_ONCE)
        return TT_FAIL(UNAVAILABLE);
    TT_TRY(tt_read_head_row(reading, &snapshot->conversation, &head));
    TT_TRY(tt_read_status_row(reading, &snapshot->conversation, &snapshot->user, &status));
    const struct tt_member_cursor mine = {snapshot->user, status.cursor};
    TT_TRY(tt_read_cursors(reading, &conversation, &mine, &members));
    TT_TRY(read_device_position(reading, snapshot, &status));
    snapshot->head = head.head;
    snapshot->members = members;
    snapshot->member_count = conversation.member_count;
    snapshot->my_cursor = status.cursor;
    snapshot->muted_until = status.muted_until;
    return snapshot->count_max == 0 ? TT_OK : tt_read_snapshot_messages(reading, snapshot);
}

static tt_err read_positions(struct tt_reading *reading, struct tt_positions *positions)
{
    struct tt_head_row head;
    struct tt_status_row status;
    struct tt_user_row user;
    struct tt_pending_values pending = {0};
    TT_TRY(tt_read_membership(reading, &positions->user, &positions->conversation));
    TT_TRY(tt_read_head_row(reading, &positions->conversation, &head));
    TT_TRY(tt_read_status_row(reading, &positions->conversation, &positions->user, &status));
    TT_TRY(tt_read_user_row(reading, &positions->user, &user));
    struct tt_key key = tt_key_of_two(TT_TABLE_PENDING, &positions->user, &positions->conversation);
    tt_err err = tt_read_row(reading, &key);
    if (tt_is_ok(err))
        err = tt_row_unpack_pending(reading->row, &pending);
    if (!tt_is_ok(err) && !tt_err_is(err, TT_ERR_NOT_FOUND))
        return err;
    struct tt_device_position *devices =
        tt_arena_array(reading->arena, user.device_count, sizeof(*devices));
    for (size_t i = 0; i < user.device_count; i++) {
        devices[i].device = user.devices[i].id;
        devices[i].delivered = tt_read_position(&status, &devices[i].device);
        devices[i].linked_at = user.devices[i].linked_at;
    }
    positions->head = head.head;
    positions->cursor = status.cursor;
    positions->devices = devices;
    positions->device_count = user.device_count;
    positions->muted_until = status.muted_until;
    positions->pushed = pending.pushed;
    return TT_OK;
}

static tt_err pending_row(struct tt_reading *reading, const struct tt_list_pending *list,
                          bool linked, const struct tt_walk *walk, struct tt_pending_row *row)
{
    struct tt_key_parts parts;
    struct tt_pending_values values;
    struct tt_head_row head;
    struct tt_status_row status;
    TT_TRY(tt_key_split(tt_walk_key(walk), &parts));
    TT_TRY(tt_row_unpack_pending(tt_walk_value(walk), &values));
    TT_TRY(tt_read_head_row(reading, &parts.second, &head));
    TT_TRY(tt_read_status_row(reading, &parts.second, &list->user, &status));
    *row = (struct tt_pending_row){
        .conversation = parts.second,
        .first_undelivered = values.first,
        .armed = values.armed.n == 0 ? head.head : values.armed,
        .pushed = values.pushed,
        .head = head.head,
    };
    if (linked)
        row->device_delivered = tt_read_position(&status, &list->device);
    return TT_OK;
}

static tt_err pending_rows(struct tt_reading *reading, struct tt_list_pending *list,
                           const struct tt_key *after, struct tt_walk *walk, struct tt_buffer *rows)
{
    bool linked;
    TT_TRY(tt_read_is_linked(reading, &list->user, &list->device, list->linked_at, &linked));
    list->unlinked = !linked;
    list->more = false;
    for (; tt_walk_valid(walk); tt_walk_next(walk)) {
        struct tt_pending_row row;
        if (tt_slice_eq(tt_walk_key(walk), tt_key_slice(after)))
            continue;
        list->more = rows->size / sizeof(row) == list->count_max;
        if (list->more)
            return TT_OK;
        TT_TRY(pending_row(reading, list, linked, walk, &row));
        tt_buffer_add(rows, tt_slice(&row, sizeof(row)));
    }
    return TT_OK;
}

static tt_err list_pending(struct tt_reading *reading, struct tt_list_pending *list)
{
    struct tt_key prefix = tt_key_prefix_of(TT_TABLE_PENDING, &list->user);
    struct tt_key after = tt_key_of_two(TT_TABLE_PENDING, &list->user, &list->after);
    struct tt_buffer rows = {0};
    struct tt_walk *walk = tt_walk_create(reading->view, tt_key_slice(&prefix));
    tt_walk_to(walk, tt_key_slice(&after));
    tt_err err = pending_rows(reading, list, &after, walk, &rows);
    tt_err ended = tt_walk_destroy(&walk);
    struct tt_pending_row *copy = tt_arena_alloc(reading->arena, rows.size);
    if (rows.size > 0)
        memcpy(copy, rows.data, rows.size);
    list->rows = copy;
    list->row_count = rows.size / sizeof(*copy);
    tt_buffer_deinit(&rows);
    return tt_is_ok(err) ? ended : err;
}

static tt_err list_devices(struct tt_reading *reading, struct tt_list_devices *list)
{
    struct tt_user_row row;
    TT_TRY(tt_read_user_row(reading, &list->user, &row));
    list->devices = row.devices;
    list->device_count = row.device_count;
    return TT_OK;
}

static tt_err get_users(struct tt_reading *reading, struct tt_get_users *get)
{
    struct tt_user *users = tt_arena_array(reading->arena, get->id_count, sizeof(*users));
    for (size_t i = 0; i < get->id_count; i++) {
        struct tt_user_row row;
        TT_TRY(tt_read_user_row(reading, &get->ids[i], &row));
        users[i].id = get->ids[i];
        users[i].settings = row.settings;
        users[i].last_seen = row.last_seen;
    }
    get->users = users;
    return TT_OK;
}

static tt_err answer(struct tt_reading *reading, struct tt_store_op *op)
{
    switch (op->kind) {
    case TT_STORE_LIST_DEVICES:
        return list_devices(reading, &op->list_devices);
    case TT_STORE_GET_CONVERSATION:
        return tt_read_conversation_row(reading, &op->get_conversation.id,
                                        &op->get_conversation.conversation);
    case TT_STORE_READ_MESSAGES:
        return tt_read_messages(reading, &op->read_messages);
    case TT_STORE_SNAPSHOT:
        return read_snapshot(reading, &op->snapshot);
    case TT_STORE_POSITIONS:
        return read_positions(reading, &op->positions);
    case TT_STORE_LIST_PENDING:
        return list_pending(reading, &op->list_pending);
    case TT_STORE_LIST_CONVERSATIONS:
        return tt_read_conversations(reading, &op->list_conversations);
    case TT_STORE_GET_USERS:
        return get_users(reading, &op->get_users);
    case TT_STORE_HISTORY:
        return tt_read_history(reading, &op->history);
    case TT_STORE_LIST_PUSH_ADDRESSES:
        return tt_read_addresses(reading, &op->list_push_addresses);
    case TT_STORE_LIST_UNRUNG:
        return tt_read_unrung(reading, &op->list_unrung);
    case TT_STORE_GET_ACCOUNT:
        return tt_read_account(reading, &op->get_account);
    case TT_STORE_LIST_ACCOUNTS:
        return tt_read_accounts(reading, &op->list_accounts);
    case TT_STORE_CHECK_LOGIN:
        return tt_read_login(reading, &op->check_login);
    case TT_STORE_LINK_DEVICE:
    case TT_STORE_UNLINK_DEVICE:
    case TT_STORE_DISCONNECT:
    case TT_STORE_ALIVE:
    case TT_STORE_CREATE_CONVERSATION:
    case TT_STORE_APPEND:
    case TT_STORE_ADVANCE:
    case TT_STORE_MARK_PUSHED:
    case TT_STORE_PUT_USER:
    case TT_STORE_MUTE:
    case TT_STORE_PUT_PUSH_ADDRESS:
    case TT_STORE_DROP_PUSH_ADDRESS:
    case TT_STORE_RECORD_PUSH:
    case TT_STORE_PUT_ACCOUNT:
    case TT_STORE_LOG_IN:
        break;
    }
    return TT_FAIL(INTERNAL);
}

/* What costs so little that a node may do it between two frames, and never walks over many rows. */
static bool is_small(const struct tt_store_op *op)
{
    if (op->kind == TT_STORE_GET_USERS)
        return op->get_users.id_count <= USERS_AT_ONCE;
    if (op->kind == TT_STORE_SNAPSHOT)
        return op->snapshot.count_max <= MESSAGES_AT_ONCE;
    if (op->kind == TT_STORE_READ_MESSAGES)
        return op->read_messages.count_max <= MESSAGES_AT_ONCE;
    return op->kind == TT_STORE_GET_CONVERSATION || op->kind == TT_STORE_LIST_DEVICES ||
           op->kind == TT_STORE_POSITIONS || op->kind == TT_STORE_CHECK_LOGIN;
}

static void read_all(struct tt_reading *reading, struct tt_store_op *op)
{
    op->err = answer(reading, op);
    tt_buffer_deinit(&reading->value);
}

bool tt_read_at_once(struct tt_view *glance, struct tt_store_op *op)
{
    struct tt_reading reading = {.view = glance, .arena = &op->arena, .at_once = true};
    if (!is_small(op) || !tt_glance_begin(glance))
        return false;
    read_all(&reading, op);
    bool is_known = tt_is_ok(op->err) || tt_err_is(op->err, TT_ERR_NOT_FOUND) ||
                    tt_err_is(op->err, TT_ERR_UNAUTHENTICATED);
    return tt_glance_end(glance) && is_known;
}

void tt_read_answer(const struct tt_view *view, struct tt_store_op *op)
{
    struct tt_reading reading = {.view = view, .arena = &op->arena};
    read_all(&reading, op);
}
