#include "adapter/dynamodb/parts.h"

/* In the list before it is there: what is listed and has no account is passed over. */
static tt_err put_account(struct tt_ddb_work *work)
{
    const struct tt_put_account *put = &work->op->put_account;
    bool listed = false;
    for (bool stands = false; !stands;) {
        struct tt_ddb_user user;
        struct tt_account after;
        TT_TRY(tt_ddb_user_of(work, &put->user, &user));
        if (!user.has_account && put->by_stranger && user.last_epoch > 0)
            return TT_FAIL(CONFLICT);
        TT_TRY(tt_account_apply(user.has_account ? &user.account : NULL, &put->change, &after));
        if (!user.has_account && !listed)
            TT_TRY(tt_ddb_known(
                tt_ddb_ask(work, tt_ddb_new(work, TT_DDB_PUT, TT_DDB_MEMBERSHIPS,
                                            tt_ddb_accounts_key(), tt_ddb_id(&put->user)))));
        listed = true;
        user.account = after;
        user.has_account = true;
        TT_TRY(tt_ddb_swap_user(work, &user, &stands));
    }
    return TT_OK;
}

void tt_ddb_put_account(struct tt_ddb_work *work)
{
    work->op->err = put_account(work);
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

static tt_err get_account(struct tt_ddb_work *work)
{
    struct tt_get_account *get = &work->op->get_account;
    struct tt_ddb_user user;
    TT_TRY(tt_ddb_user_of(work, &get->user, &user));
    if (!user.has_account)
        return TT_FAIL(NOT_FOUND);
    get->account = copy_account(&user.account, &work->op->arena);
    return TT_OK;
}

void tt_ddb_get_account(struct tt_ddb_work *work)
{
    work->op->err = get_account(work);
}

static tt_err list_accounts(struct tt_ddb_work *work)
{
    struct tt_list_accounts *list = &work->op->list_accounts;
    struct tt_ddb_value none = {.kind = TT_DDB_NONE};
    struct tt_ddb_request *query =
        tt_ddb_new(work, TT_DDB_QUERY, TT_DDB_MEMBERSHIPS, tt_ddb_accounts_key(), none);
    query->query.limit = list->count_max;
    if (!tt_id_is_none(&list->after))
        query->query.after = tt_ddb_id(&list->after);
    const struct tt_ddb_answer *page = tt_ddb_ask(work, query);
    TT_TRY(tt_ddb_known(page));
    struct tt_ddb_request **requests =
        tt_arena_array(&work->arena, page->item_count, sizeof(struct tt_ddb_request *));
    tt_id *users = tt_arena_array(&work->arena, page->item_count, sizeof(*users));
    for (size_t i = 0; i < page->item_count; i++) {
        users[i] = tt_ddb_get_id(page->items[i], "conversation_id");
        requests[i] = tt_ddb_new(work, TT_DDB_GET, TT_DDB_USERS, tt_ddb_id(&users[i]), none);
    }
    const struct tt_ddb_answer *answers = tt_ddb_ask_all(work, requests, page->item_count);
    struct tt_account_row *rows = tt_arena_array(&work->op->arena, page->item_count, sizeof(*rows));
    list->rows = rows;
    list->more = page->more;
    for (size_t i = 0; i < page->item_count; i++) {
        TT_TRY(tt_ddb_known(&answers[i]));
        list->last = users[i];
        if (answers[i].item_count == 0)
            continue;
        struct tt_ddb_user user = tt_ddb_user_read(answers[i].items[0], &users[i], &work->arena);
        if (!user.has_account)
            continue;
        user.account.password = TT_SLICE_EMPTY;
        rows[list->row_count++] =
            (struct tt_account_row){users[i], copy_account(&user.account, &work->op->arena)};
    }
    return TT_OK;
}

void tt_ddb_list_accounts(struct tt_ddb_work *work)
{
    work->op->err = list_accounts(work);
}

static tt_err log_in(struct tt_ddb_work *work)
{
    const struct tt_log_in *log_in = &work->op->log_in;
    for (bool stands = false; !stands;) {
        struct tt_ddb_user user;
        TT_TRY(tt_ddb_user_of(work, &log_in->user, &user));
        if (!user.has_account || user.account.disabled ||
            !tt_slice_eq(user.account.password, log_in->password))
            return TT_FAIL(NOT_FOUND);
        tt_account_log_in(&user.account, &log_in->login, log_in->login_count_max, &work->arena);
        TT_TRY(tt_ddb_swap_user(work, &user, &stands));
    }
    return TT_OK;
}

void tt_ddb_log_in(struct tt_ddb_work *work)
{
    work->op->err = log_in(work);
}

static tt_err check_login(struct tt_ddb_work *work)
{
    const struct tt_check_login *check = &work->op->check_login;
    struct tt_ddb_user user;
    TT_TRY(tt_ddb_user_of(work, &check->user, &user));
    bool stands =
        user.has_account && tt_account_has_login(&user.account, &check->device, check->login);
    return stands ? TT_OK : TT_FAIL(UNAUTHENTICATED);
}

void tt_ddb_check_login(struct tt_ddb_work *work)
{
    work->op->err = check_login(work);
}
