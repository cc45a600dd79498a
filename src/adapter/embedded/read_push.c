#include "adapter/embedded/address.h"
#include "adapter/embedded/read_parts.h"

/* Rows of one answer to LIST_UNRUNG: a start must not keep a reader busy for seconds. */
#define ROWS_LOOKED_AT_MAX 10000

tt_err tt_read_addresses(struct tt_reading *reading, struct tt_list_push_addresses *list)
{
    struct tt_user_row row;
    struct tt_addresses addresses;
    TT_TRY(tt_read_user_row(reading, &list->user, &row));
    TT_TRY(tt_addresses_unpack(row.addresses, reading->arena, &addresses));
    list->addresses = addresses.list;
    list->address_count = addresses.count;
    return TT_OK;
}

static tt_err add_unrung(struct tt_reading *reading, const struct tt_walk *walk,
                         struct tt_list_unrung *list, struct tt_buffer *rows)
{
    struct tt_key_parts parts;
    struct tt_pending_values values;
    struct tt_head_row head;
    TT_TRY(tt_key_split(tt_walk_key(walk), &parts));
    TT_TRY(tt_row_unpack_pending(tt_walk_value(walk), &values));
    TT_TRY(tt_read_head_row(reading, &parts.second, &head));
    list->last_user = parts.first;
    list->last_conversation = parts.second;
    struct tt_unrung row = {.user = parts.first,
                            .conversation = parts.second,
                            .armed = values.armed.n == 0 ? head.head : values.armed,
                            .pushed = values.pushed};
    if (row.pushed.n < row.armed.n)
        tt_buffer_add(rows, tt_slice(&row, sizeof(row)));
    return TT_OK;
}

static tt_err walk_pending(struct tt_reading *reading, struct tt_walk *walk,
                           const struct tt_key *after, struct tt_list_unrung *list,
                           struct tt_buffer *rows)
{
    size_t looked = 0;
    list->more = false;
    for (; tt_walk_valid(walk); tt_walk_next(walk)) {
        if (tt_slice_eq(tt_walk_key(walk), tt_key_slice(after)))
            continue;
        list->more = rows->size / sizeof(struct tt_unrung) == list->count_max ||
                     looked++ == ROWS_LOOKED_AT_MAX;
        if (list->more)
            return TT_OK;
        TT_TRY(add_unrung(reading, walk, list, rows));
    }
    return TT_OK;
}

tt_err tt_read_unrung(struct tt_reading *reading, struct tt_list_unrung *list)
{
    struct tt_key prefix = tt_key_prefix(TT_TABLE_PENDING);
    struct tt_key after = prefix;
    struct tt_buffer rows = {0};
    if (!tt_id_is_none(&list->after_user))
        after = tt_key_of_two(TT_TABLE_PENDING, &list->after_user, &list->after_conversation);
    struct tt_walk *walk = tt_walk_create(reading->view, tt_key_slice(&prefix));
    tt_walk_to(walk, tt_key_slice(&after));
    tt_err err = walk_pending(reading, walk, &after, list, &rows);
    tt_err ended = tt_walk_destroy(&walk);
    struct tt_unrung *copy = tt_arena_alloc(reading->arena, rows.size);
    if (rows.size > 0)
        memcpy(copy, rows.data, rows.size);
    list->rows = copy;
    list->row_count = rows.size / sizeof(*copy);
    tt_buffer_deinit(&rows);
    return tt_is_ok(err) ? ended : err;
}
