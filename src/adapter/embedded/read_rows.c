#include "adapter/embedded/read_parts.h"

/* To look so many rows up takes no longer than to begin a walk. */
#define LOOKED_UP_MAX 6

tt_err tt_read_row(struct tt_reading *reading, const struct tt_key *key)
{
    return tt_view_find(reading->view, tt_key_slice(key), &reading->value, &reading->row);
}

/* A copy of the row that was read last, for what points into it. */
static struct tt_slice keep(struct tt_reading *reading)
{
    return tt_arena_copy(reading->arena, reading->row);
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
    return tt_row_unpack_head(reading->row, row);
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
    return tt_row_unpack_status(reading->row, reading->arena, row);
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
    TT_TRY(tt_read_row(reading, &key));
    return tt_row_unpack_nothing(reading->row);
}

/* Rows and members are in the same order, so one walk meets them all. */
static tt_err fill_cursors(struct tt_walk *walk, struct tt_member_cursor *members, size_t count)
{
    for (size_t next = 0; next < count && tt_walk_valid(walk); tt_walk_next(walk)) {
        struct tt_key_parts parts;
        TT_TRY(tt_key_split(tt_walk_key(walk), &parts));
        while (next < count && tt_id_compare(&members[next].user, &parts.second) < 0)
            next++;
        if (next == count || !tt_id_eq(&members[next].user, &parts.second))
            return TT_FAIL(CORRUPT);
        TT_TRY(tt_row_unpack_cursor(tt_walk_value(walk), &members[next].cursor));
        next++;
    }
    return TT_OK;
}

static tt_err walk_over_cursors(struct tt_reading *reading, const tt_id *conversation,
                                struct tt_member_cursor *members, size_t count)
{
    struct tt_key prefix = tt_key_prefix_of(TT_TABLE_STATUS, conversation);
    struct tt_walk *walk = tt_walk_create(reading->view, tt_key_slice(&prefix));
    tt_err err = fill_cursors(walk, members, count);
    tt_err ended = tt_walk_destroy(&walk);
    return tt_is_ok(err) ? ended : err;
}

/* Whose cursors are known by now. */
struct known {
    struct tt_member_cursor *members;
    size_t count;
    bool *are;
    size_t left; /* that are not */
};

static void is_known(struct known *known, size_t i, struct tt_cursor cursor)
{
    if (known->are[i])
        return;
    known->are[i] = true;
    known->left--;
    known->members[i].cursor = cursor;
}

/* The part of a status row's key that names the user. */
static struct tt_slice user_in(struct tt_slice key, const struct tt_key *prefix)
{
    return tt_slice_from(key, prefix->size < key.size ? prefix->size : key.size);
}

/* Rows and members are in the same order: *next is the member where those of these rows begin. */
static tt_err take_recent(struct known *known, const struct tt_key *prefix,
                          const struct tt_recent_row *rows, size_t count, size_t *next)
{
    for (size_t i = 0; i < count; i++) {
        struct tt_slice user = user_in(rows[i].key, prefix);
        struct tt_cursor cursor = {TT_SEQ(0), TT_SEQ(0)};
        while (*next < known->count &&
               tt_slice_compare(tt_id_slice(&known->members[*next].user), user) < 0)
            (*next)++;
        if (*next == known->count || !tt_slice_eq(tt_id_slice(&known->members[*next].user), user))
            return TT_FAIL(CORRUPT);
        if (!rows[i].is_deleted)
            TT_TRY(tt_row_unpack_cursor(rows[i].value, &cursor));
        is_known(known, *next, cursor);
    }
    return TT_OK;
}

/* Those that lie in memory, which costs a fraction of a walk. */
static tt_err look_through_recent(struct tt_reading *reading, const tt_id *conversation,
                                  struct known *known)
{
    struct tt_recent_row rows[TT_RECENT_ROWS_MAX];
    struct tt_key prefix = tt_key_prefix_of(TT_TABLE_STATUS, conversation);
    for (unsigned source = 0; source < TT_VIEW_SOURCES; source++) {
        struct tt_slice from = tt_key_slice(&prefix);
        size_t count = TT_RECENT_ROWS_MAX;
        size_t next = 0;
        while (count == TT_RECENT_ROWS_MAX && known->left > 0) {
            TT_TRY(tt_view_look_through(reading->view, source, from, rows, TT_RECENT_ROWS_MAX,
                                        &count));
            TT_TRY(take_recent(known, &prefix, rows, count, &next));
            if (count > 0)
                from = rows[count - 1].key;
        }
    }
    return TT_OK;
}

static tt_err look_up_the_rest(struct tt_reading *reading, const tt_id *conversation,
                               struct known *known)
{
    for (size_t i = 0; i < known->count; i++) {
        struct tt_status_row row;
        if (known->are[i])
            continue;
        TT_TRY(tt_read_status_row(reading, conversation, &known->members[i].user, &row));
        is_known(known, i, row.cursor);
    }
    return TT_OK;
}

tt_err tt_read_cursors(struct tt_reading *reading, const struct tt_conversation *conversation,
                       const struct tt_member_cursor *one, struct tt_member_cursor **members)
{
    size_t count = conversation->member_count;
    *members = tt_arena_array(reading->arena, count, sizeof(**members));
    struct known known = {.members = *members, .count = count, .left = count};
    known.are = tt_arena_array(reading->arena, count, sizeof(*known.are));
    for (size_t i = 0; i < count; i++) {
        (*members)[i].user = conversation->members[i];
        if (one != NULL && tt_id_eq(&one->user, &conversation->members[i]))
            is_known(&known, i, one->cursor);
    }
    if (count > LOOKED_UP_MAX)
        TT_TRY(look_through_recent(reading, &conversation->id, &known));
    if (known.left > LOOKED_UP_MAX)
        return walk_over_cursors(reading, &conversation->id, *members, count);
    return look_up_the_rest(reading, &conversation->id, &known);
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
