#include "sim/store_tables.h"

#include "base/memory.h"

static void disown(const void *bytes)
{
    tt_free((void *)(uintptr_t)bytes);
}

void tt_store_tables_free_account(struct tt_user_row *user)
{
    disown(user->account.password.data);
    disown(user->account.logins);
    user->account = (struct tt_account){0};
    user->has_account = false;
}

/* `account` may point into the one that it replaces. */
static void keep(struct tt_user_row *user, const struct tt_account *account)
{
    struct tt_account copy = *account;
    struct tt_login *logins = NULL;
    copy.password = tt_store_tables_own(account->password);
    if (account->login_count > 0) {
        logins = tt_grow(NULL, account->login_count, sizeof(*logins));
        memcpy(logins, account->logins, account->login_count * sizeof(*logins));
    }
    copy.logins = logins;
    tt_store_tables_free_account(user);
    user->account = copy;
    user->has_account = true;
}

static void put_account(struct tt_store_tables *tables, struct tt_store_op *op)
{
    struct tt_user_row *user = tt_store_tables_user(tables, &op->put_account.user);
    struct tt_account after;
    if (!user->has_account && op->put_account.by_stranger && user->visit_count > 0) {
        op->err = TT_FAIL(CONFLICT);
        return;
    }
    op->err = tt_account_apply(user->has_account ? &user->account : NULL, &op->put_account.change,
                               &after);
    if (tt_is_ok(op->err))
        keep(user, &after);
}

static struct tt_account copy_account(const struct tt_account *account, struct tt_arena *arena)
{
    struct tt_account copy = *account;
    struct tt_login *logins = tt_arena_array(arena, account->login_count, sizeof(*logins));
    copy.password = tt_arena_copy(arena, account->password);
    if (account->login_count > 0)
        memcpy(logins, account->logins, account->login_count * sizeof(*logins));
    copy.logins = logins;
    return copy;
}

static void get_account(struct tt_store_tables *tables, struct tt_store_op *op)
{
    const struct tt_user_row *user = tt_store_tables_user(tables, &op->get_account.user);
    if (user->has_account)
        op->get_account.account = copy_account(&user->account, &op->arena);
    else
        op->err = TT_FAIL(NOT_FOUND);
}

static void list_accounts(struct tt_store_tables *tables, struct tt_store_op *op)
{
    struct tt_list_accounts *list = &op->list_accounts;
    struct tt_account_row *rows = tt_arena_array(&op->arena, tables->users.count, sizeof(*rows));
    const struct tt_user_row *user;
    size_t count = 0;
    for (size_t at = 0; (user = tt_map_next(&tables->users, &at)) != NULL;) {
        if (!user->has_account || tt_id_compare(&user->id, &list->after) <= 0)
            continue;
        size_t place = count++;
        for (; place > 0 && tt_id_compare(&rows[place - 1].user, &user->id) > 0; place--)
            rows[place] = rows[place - 1];
        rows[place] = (struct tt_account_row){user->id, copy_account(&user->account, &op->arena)};
        rows[place].account.password = TT_SLICE_EMPTY;
    }
    list->more = count > list->count_max;
    list->row_count = list->more ? list->count_max : count;
    list->rows = rows;
    if (list->row_count > 0)
        list->last = rows[list->row_count - 1].user;
}

static void log_in(struct tt_store_tables *tables, struct tt_store_op *op)
{
    const struct tt_log_in *wanted = &op->log_in;
    struct tt_user_row *user = tt_store_tables_user(tables, &wanted->user);
    if (!user->has_account || user->account.disabled ||
        !tt_slice_eq(user->account.password, wanted->password)) {
        op->err = TT_FAIL(NOT_FOUND);
        return;
    }
    struct tt_account after = user->account;
    tt_account_log_in(&after, &wanted->login, wanted->login_count_max, &op->arena);
    keep(user, &after);
}

tt_err tt_store_tables_check_login(const struct tt_user_row *user, const tt_id *device,
                                   uint64_t login)
{
    bool stands = user->has_account && tt_account_has_login(&user->account, device, login);
    return stands ? TT_OK : TT_FAIL(UNAUTHENTICATED);
}

bool tt_store_tables_log_out(struct tt_user_row *user, const tt_id *device)
{
    struct tt_arena arena = {0};
    struct tt_account after = user->account;
    bool had = user->has_account && tt_account_log_out(&after, device, &arena);
    if (had)
        keep(user, &after);
    tt_arena_deinit(&arena);
    return had;
}

void tt_store_tables_account(struct tt_store_tables *tables, struct tt_store_op *op)
{
    if (op->kind == TT_STORE_PUT_ACCOUNT) {
        put_account(tables, op);
    } else if (op->kind == TT_STORE_GET_ACCOUNT) {
        get_account(tables, op);
    } else if (op->kind == TT_STORE_LIST_ACCOUNTS) {
        list_accounts(tables, op);
    } else if (op->kind == TT_STORE_LOG_IN) {
        log_in(tables, op);
    } else {
        const struct tt_check_login *check = &op->check_login;
        const struct tt_user_row *user = tt_store_tables_user(tables, &check->user);
        op->err = tt_store_tables_check_login(user, &check->device, check->login);
    }
}
