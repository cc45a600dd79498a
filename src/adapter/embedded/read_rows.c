#include "adapter/embedded/read_parts.h"

/* To look so many rows up takes no longer than to begin a walk. */
#define LOOKED_UP_MAX 6

tt_err tt_read_row(struct tt_reading *reading, const struct tt_key *key)
{
    return tt_view_get(reading->view, tt_key_slice(key), &reading->value);
}

/* A copy of the row that was read last, for what points into it. */
static struct tt_slice keep(struct tt_reading *reading)
{
    return tt_arena_copy(reading->arena, tt_buffer_slice(&reading->value));
}

tt_err tt_read_conversation_row(struct tt_reading *reading, const tt_id *id,
                                struct tt_conversation *conversation)
{
    struct tt_key key = tt_key_of(TT_TABLE_CONVERSATIONS, id);
    TT_TRY(tt_read_row(reading, &key));
    conversation->id = *id;
    return tt_row_unpack_conversation(keep(reading), reading->arena, conversation);
}

tt_err tt_read_head_row(struct tt_reading *reading, const tt_id *conversation,
                        struct tt_head_row *row)
{
    struct tt_key key = tt_key_of(TT_TABLE_HEADS, conversation);
    TT_TRY(tt_read_row(reading, &key));
    return tt_row_unpack_head(tt_buffer_slice(&reading->value), row);
}

tt_err tt_read_status_row(struct tt_reading *reading, const tt_id *conversation, const tt_id *user,
                          struct tt_status_row *row)
{
    struct tt_key key = tt_key_of_two(TT_TABLE_STATUS, conversation, user);
    *row = (struct tt_status_row){0};
    tt_err err = tt_read_row(reading, &key);
    if (tt_err_is(err, TT_ERR_NOT_FOUND))
        return TT_OK;
    TT_TRY(err);
    return tt_row_unpack_status(tt_buffer_slice(&reading->value), reading->arena, row);
}

tt_err tt_read_user_row(struct tt_reading *reading, const tt_id *user, struct tt_user_row *row)
{
    struct tt_key key = tt_key_of(TT_TABLE_USERS, user);
    *row = (struct tt_user_row){.settings = TT_USER_SETTINGS_DEFAULT};
    tt_err err = tt_read_row(reading, &key);
    if (tt_err_is(err, TT_ERR_NOT_FOUND))
        return TT_OK;
    TT_TRY(err);
    return tt_row_unpack_user(keep(reading), reading->arena, row);
}

tt_err tt_read_membership(struct tt_reading *reading, const tt_id *user, const tt_id *conversation)
{
    struct tt_key key = tt_key_of_two(TT_TABLE_LISTS, user, conversation);
    return tt_read_row(reading, &key);
}

/* Rows and members are in the same order, so one walk meets them all. */
static tt_err fill_cursors(struct tt_reading *reading, struct tt_walk *walk,
                           struct tt_member_cursor *members, size_t count)
{
    for (size_t next = 0; next < count && tt_walk_valid(walk); tt_walk_next(walk)) {
        struct tt_key_parts parts;
        struct tt_status_row row;
        TT_TRY(tt_key_split(tt_walk_key(walk), &parts));
        while (next < count && tt_id_compare(&members[next].user, &parts.second) < 0)
            next++;
        if (next == count || !tt_id_eq(&members[next].user, &parts.second))
            return TT_FAIL(CORRUPT);
        TT_TRY(tt_row_unpack_status(tt_walk_value(walk), reading->arena, &row));
        members[next++].cursor = row.cursor;
    }
    return TT_OK;
}

static tt_err walk_over_cursors(struct tt_reading *reading, const tt_id *conversation,
                                struct tt_member_cursor *members, size_t count)
{
    struct tt_key prefix = tt_key_prefix_of(TT_TABLE_STATUS, conversation);
    struct tt_walk *walk = tt_walk_create(reading->view, tt_key_slice(&prefix));
    tt_err err = fill_cursors(reading, walk, members, count);
    tt_err ended = tt_walk_destroy(&walk);
    return tt_is_ok(err) ? ended : err;
}

static tt_err look_up_cursors(struct tt_reading *reading, const tt_id *conversation,
                              const struct tt_member_cursor *known,
                              struct tt_member_cursor *members, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct tt_status_row row;
        if (known != NULL && tt_id_eq(&known->user, &members[i].user)) {
            members[i].cursor = known->cursor;
            continue;
        }
        TT_TRY(tt_read_status_row(reading, conversation, &members[i].user, &row));
        members[i].cursor = row.cursor;
    }
    return TT_OK;
}

tt_err tt_read_cursors(struct tt_reading *reading, const struct tt_conversation *conversation,
                       const struct tt_member_cursor *known, struct tt_member_cursor **members)
{
    size_t count = conversation->member_count;
    *members = tt_arena_array(reading->arena, count, sizeof(**members));
    for (size_t i = 0; i < count; i++)
        (*members)[i].user = conversation->members[i];
    if (count > LOOKED_UP_MAX)
        return walk_over_cursors(reading, &conversation->id, *members, count);
    return look_up_cursors(reading, &conversation->id, known, *members, count);
}

tt_err tt_read_message(struct tt_reading *reading, const tt_id *conversation, tt_seq seq,
                       struct tt_message *message)
{
    struct tt_key key = tt_key_of_number(TT_TABLE_MESSAGES, conversation, seq.n);
    TT_TRY(tt_read_row(reading, &key));
    TT_TRY(tt_row_unpack_message(keep(reading), message));
    message->seq = seq;
    return TT_OK;
}

tt_err tt_read_is_linked(struct tt_reading *reading, const tt_id *user, const tt_id *device,
                         tt_time linked_at, bool *linked)
{
    struct tt_user_row row;
    TT_TRY(tt_read_user_row(reading, user, &row));
    *linked = false;
    for (size_t i = 0; i < row.device_count; i++)
        *linked = *linked || (tt_id_eq(&row.devices[i].id, device) &&
                              (linked_at.ms == 0 || row.devices[i].linked_at.ms == linked_at.ms));
    return TT_OK;
}

tt_seq tt_read_position(const struct tt_status_row *row, const tt_id *device)
{
    for (size_t i = 0; i < row->device_count; i++)
        if (tt_id_eq(&row->devices[i].device, device))
            return row->devices[i].delivered;
    return TT_SEQ(0);
}
