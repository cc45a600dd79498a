#include "adapter/embedded/account.h"

#define LOGINS_MAX     65536
#define LOGIN_SIZE_MIN 4

void tt_account_pack(const struct tt_account *account, struct tt_buffer *out)
{
    tt_pack_text(out, account->password);
    tt_pack_number(out, account->disabled ? 1 : 0);
    tt_pack_time(out, account->created_at);
    tt_pack_number(out, account->login_count);
    for (size_t i = 0; i < account->login_count; i++) {
        tt_pack_id(out, &account->logins[i].device);
        tt_pack_number(out, account->logins[i].number);
        tt_pack_time(out, account->logins[i].at);
    }
}

tt_err tt_account_unpack(struct tt_slice packed, struct tt_arena *arena, struct tt_account *account)
{
    struct tt_unpack in = {.rest = packed};
    account->password = tt_unpack_text(&in);
    account->disabled = tt_unpack_count(&in, 1) == 1;
    account->created_at = tt_unpack_time(&in);
    size_t count = tt_unpack_count(&in, LOGINS_MAX);
    if (in.failed || count > in.rest.size / LOGIN_SIZE_MIN)
        return TT_FAIL(CORRUPT);
    struct tt_login *logins = tt_arena_array(arena, count, sizeof(*logins));
    for (size_t i = 0; i < count; i++) {
        logins[i].device = tt_unpack_id(&in, false);
        logins[i].number = tt_unpack_number(&in);
        logins[i].at = tt_unpack_time(&in);
        if (i > 0 && tt_id_compare(&logins[i - 1].device, &logins[i].device) >= 0)
            in.failed = true;
    }
    account->logins = logins;
    account->login_count = count;
    return tt_unpack_end(&in);
}
