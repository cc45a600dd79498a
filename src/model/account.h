/*
 * account: a built-in account: a name with a password, and the logins that it stands for. A login
 * is one device's right to its tokens, which ends before they do: by logging out, unlinking the
 * device, a new password, or switching the account off.
 */
#ifndef TT_MODEL_ACCOUNT_H
#define TT_MODEL_ACCOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/id.h"
#include "base/slice.h"
#include "base/time.h"

/* What a token can name: a JSON number that every reader takes exactly. */
#define TT_LOGIN_MAX ((1ULL << 53) - 1)

/* Never 0. */
struct tt_login {
    tt_id device;
    uint64_t number;
    tt_time at;
};

struct tt_account {
    struct tt_slice password; /* its hash, as text */
    bool disabled;
    tt_time created_at;
    const struct tt_login *logins; /* sorted by device, one of each */
    size_t login_count;
};

/* What is to become of an account. */
struct tt_account_change {
    bool creates; /* else it must be there */
    bool set_password;
    bool set_disabled;
    bool disabled;
    struct tt_slice password; /* the hash */
    tt_time at;
};

/*
 * The account after the change; `before` is NULL where there was none. A new password or switching
 * off ends all logins. Fails with NOT_FOUND, or CONFLICT where there is one already, unless it was
 * made with this very hash. Slices and logins still point into what they came from.
 */
TT_MUST_CHECK tt_err tt_account_apply(const struct tt_account *before,
                                      const struct tt_account_change *change,
                                      struct tt_account *after);

/* Whether the device's login is this one. */
bool tt_account_has_login(const struct tt_account *account, const tt_id *device, uint64_t number);

/* Adds the login, in place of the device's former one; past `count_max` the oldest ends. The list
 * moves to the arena. */
void tt_account_log_in(struct tt_account *account, const struct tt_login *login, size_t count_max,
                       struct tt_arena *arena);

/* False: it had none. */
bool tt_account_log_out(struct tt_account *account, const tt_id *device, struct tt_arena *arena);

#endif
