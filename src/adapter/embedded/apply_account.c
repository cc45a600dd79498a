#include "adapter/embedded/account.h"
#include "adapter/embedded/apply.h"

tt_err tt_apply_accounted(struct tt_working *working, const struct tt_record *record)
{
    struct tt_user_state *user;
    TT_TRY(tt_working_user(working, &record->user, &user));
    tt_user_set_account(user, record->account);
    tt_working_touch_user(working, user);
    return TT_OK;
}

tt_err tt_apply_no_login(struct tt_working *working, struct tt_user_state *user,
                         const tt_id *device)
{
    struct tt_arena arena = {0};
    struct tt_buffer packed = {0};
    struct tt_account account;
    if (user->row.account.size == 0)
        return TT_OK;
    tt_err err = tt_account_unpack(user->row.account, &arena, &account);
    if (tt_is_ok(err) && tt_account_log_out(&account, device, &arena)) {
        tt_account_pack(&account, &packed);
        tt_user_set_account(user, tt_buffer_slice(&packed));
        tt_working_touch_user(working, user);
    }
    tt_buffer_deinit(&packed);
    tt_arena_deinit(&arena);
    return err;
}
