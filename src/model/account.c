#include "model/account.h"

#include <string.h>

tt_err tt_account_apply(const struct tt_account *before, const struct tt_account_change *change,
                        struct tt_account *after)
{
    if (before == NULL && !change->creates)
        return TT_FAIL(NOT_FOUND);
    if (before != NULL && change->creates) {
        *after = *before;
        return tt_slice_eq(before->password, change->password) ? TT_OK : TT_FAIL(CONFLICT);
    }
    *after = before != NULL ? *before : (struct tt_account){.created_at = change->at};
    bool is_new_password = change->set_password && !tt_slice_eq(after->password, change->password);
    if (change->set_password)
        after->password = change->password;
    if (change->set_disabled)
        after->disabled = change->disabled;
    if (is_new_password || after->disabled) {
        after->logins = NULL;
        after->login_count = 0;
    }
    return TT_OK;
}

bool tt_account_has_login(const struct tt_account *account, const tt_id *device, uint64_t number)
{
    for (size_t i = 0; i < account->login_count; i++)
        if (tt_id_eq(&account->logins[i].device, device))
            return account->logins[i].number == number;
    return false;
}

static size_t oldest_of(const struct tt_login *logins, size_t count, const tt_id *but)
{
    size_t oldest = count;
    for (size_t i = 0; i < count; i++)
        if (!tt_id_eq(&logins[i].device, but) &&
            (oldest == count || logins[i].at.ms < logins[oldest].at.ms))
            oldest = i;
    return oldest;
}

void tt_account_log_in(struct tt_account *account, const struct tt_login *login, size_t count_max,
                       struct tt_arena *arena)
{
    struct tt_login *list = tt_arena_array(arena, account->login_count + 1, sizeof(*list));
    size_t count = 0;
    size_t at = 0;
    for (; at < account->login_count &&
           tt_id_compare(&account->logins[at].device, &login->device) < 0;
         at++)
        list[count++] = account->logins[at];
    list[count++] = *login;
    for (; at < account->login_count; at++)
        if (!tt_id_eq(&account->logins[at].device, &login->device))
            list[count++] = account->logins[at];
    while (count > count_max && count > 1) {
        size_t oldest = oldest_of(list, count, &login->device);
        count--;
        memmove(&list[oldest], &list[oldest + 1], (count - oldest) * sizeof(*list));
    }
    account->logins = list;
    account->login_count = count;
}

bool tt_account_log_out(struct tt_account *account, const tt_id *device, struct tt_arena *arena)
{
    struct tt_login *list = tt_arena_array(arena, account->login_count, sizeof(*list));
    size_t count = 0;
    for (size_t i = 0; i < account->login_count; i++)
        if (!tt_id_eq(&account->logins[i].device, device))
            list[count++] = account->logins[i];
    bool had = count < account->login_count;
    account->logins = list;
    account->login_count = count;
    return had;
}
