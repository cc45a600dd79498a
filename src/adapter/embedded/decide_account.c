#include "adapter/embedded/account.h"
#include "adapter/embedded/decide.h"

/* NOT_FOUND: the user has none. */
static tt_err account_of(const struct tt_user_state *user, struct tt_arena *arena,
                         struct tt_account *account)
{
    if (user->row.account.size == 0)
        return TT_FAIL(NOT_FOUND);
    return tt_account_unpack(user->row.account, arena, account);
}

static void keep(const tt_id *user, const struct tt_account *account, struct tt_arena *arena,
                 struct tt_record *record)
{
    struct tt_buffer packed = {0};
    tt_account_pack(account, &packed);
    *record = (struct tt_record){.kind = TT_RECORD_ACCOUNTED, .user = *user};
    record->account = tt_arena_copy(arena, tt_buffer_slice(&packed));
    tt_buffer_deinit(&packed);
}

tt_err tt_decide_put_account(struct tt_working *working, struct tt_store_op *op,
                             struct tt_record *record, bool *changes)
{
    const struct tt_put_account *put = &op->put_account;
    struct tt_user_state *user;
    struct tt_account before;
    struct tt_account after;
    TT_TRY(tt_working_user(working, &put->user, &user));
    tt_err err = account_of(user, &op->arena, &before);
    bool stands = tt_is_ok(err);
    if (!stands && !tt_err_is(err, TT_ERR_NOT_FOUND))
        return err;
    if (!stands && put->by_stranger && user->row.connection_count > 0)
        return TT_FAIL(CONFLICT);
    TT_TRY(tt_account_apply(stands ? &before : NULL, &put->change, &after));
    keep(&put->user, &after, &op->arena, record);
    *changes = !tt_slice_eq(record->account, user->row.account);
    return TT_OK;
}

tt_err tt_decide_log_in(struct tt_working *working, struct tt_store_op *op,
                        struct tt_record *record)
{
    const struct tt_log_in *log_in = &op->log_in;
    struct tt_user_state *user;
    struct tt_account account;
    TT_TRY(tt_working_user(working, &log_in->user, &user));
    TT_TRY(account_of(user, &op->arena, &account));
    if (account.disabled || !tt_slice_eq(account.password, log_in->password))
        return TT_FAIL(NOT_FOUND);
    tt_account_log_in(&account, &log_in->login, log_in->login_count_max, &op->arena);
    keep(&log_in->user, &account, &op->arena, record);
    return TT_OK;
}

tt_err tt_decide_is_logged_in(const struct tt_user_state *user, const tt_id *device, uint64_t login)
{
    struct tt_arena arena = {0};
    struct tt_account account;
    if (login == 0)
        return TT_OK;
    tt_err err = account_of(user, &arena, &account);
    bool stands = tt_is_ok(err) && tt_account_has_login(&account, device, login);
    tt_arena_deinit(&arena);
    if (!tt_is_ok(err) && !tt_err_is(err, TT_ERR_NOT_FOUND))
        return err;
    return stands ? TT_OK : TT_FAIL(UNAUTHENTICATED);
}

tt_err tt_decide_has_login(const struct tt_user_state *user, const tt_id *device,
                           struct tt_arena *arena, bool *has)
{
    struct tt_account account;
    tt_err err = account_of(user, arena, &account);
    *has = tt_is_ok(err) && tt_account_log_out(&account, device, arena);
    return tt_err_is(err, TT_ERR_NOT_FOUND) ? TT_OK : err;
}
