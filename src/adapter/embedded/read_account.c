#include "adapter/embedded/account.h"
#include "adapter/embedded/read_parts.h"

/* Rows of one answer to LIST_ACCOUNTS: not every user has an account. */
#define ROWS_LOOKED_AT_MAX 10000

static tt_err account_of(struct tt_reading *reading, const tt_id *user, struct tt_account *account)
{
    struct tt_user_row row;
    TT_TRY(tt_read_user_row(reading, user, &row));
    if (row.account.size == 0)
        return TT_FAIL(NOT_FOUND);
    return tt_account_unpack(row.account, reading->arena, account);
}

tt_err tt_read_account(struct tt_reading *reading, struct tt_get_account *get)
{
    return account_of(reading, &get->user, &get->account);
}

tt_err tt_read_login(struct tt_reading *reading, const struct tt_check_login *check)
{
    struct tt_account account;
    tt_err err = account_of(reading, &check->user, &account);
    if (!tt_is_ok(err) && !tt_err_is(err, TT_ERR_NOT_FOUND))
        return err;
    bool stands = tt_is_ok(err) && tt_account_has_login(&account, &check->device, check->login);
    return stands ? TT_OK : TT_FAIL(UNAUTHENTICATED);
}

static tt_err add_row(struct tt_reading *reading, const struct tt_walk *walk,
                      struct tt_list_accounts *list, struct tt_buffer *rows)
{
    struct tt_key_parts parts;
    struct tt_account_row row;
    TT_TRY(tt_key_split(tt_walk_key(walk), &parts));
    list->last = row.user = parts.first;
    tt_err err = account_of(reading, &row.user, &row.account);
    if (tt_err_is(err, TT_ERR_NOT_FOUND))
        return TT_OK;
    TT_TRY(err);
    row.account.password = TT_SLICE_EMPTY;
    tt_buffer_add(rows, tt_slice(&row, sizeof(row)));
    return TT_OK;
}

static tt_err walk_users(struct tt_reading *reading, struct tt_walk *walk,
                         const struct tt_key *after, struct tt_list_accounts *list,
                         struct tt_buffer *rows)
{
    size_t looked = 0;
    for (; tt_walk_valid(walk); tt_walk_next(walk)) {
        if (tt_slice_eq(tt_walk_key(walk), tt_key_slice(after)))
            continue;
        list->more = rows->size / sizeof(struct tt_account_row) == list->count_max ||
                     looked++ == ROWS_LOOKED_AT_MAX;
        if (list->more)
            return TT_OK;
        TT_TRY(add_row(reading, walk, list, rows));
    }
    list->more = false;
    return TT_OK;
}

tt_err tt_read_accounts(struct tt_reading *reading, struct tt_list_accounts *list)
{
    struct tt_key prefix = tt_key_prefix(TT_TABLE_USERS);
    struct tt_key after = prefix;
    struct tt_buffer rows = {0};
    if (!tt_id_is_none(&list->after))
        after = tt_key_of(TT_TABLE_USERS, &list->after);
    struct tt_walk *walk = tt_walk_create(reading->view, tt_key_slice(&prefix));
    tt_walk_to(walk, tt_key_slice(&after));
    tt_err err = walk_users(reading, walk, &after, list, &rows);
    tt_err ended = tt_walk_destroy(&walk);
    struct tt_account_row *copy = tt_arena_alloc(reading->arena, rows.size);
    if (rows.size > 0)
        memcpy(copy, rows.data, rows.size);
    list->rows = copy;
    list->row_count = rows.size / sizeof(*copy);
    tt_buffer_deinit(&rows);
    return tt_is_ok(err) ? ended : err;
}
