/*
 * account: built-in accounts as stored bytes, a text in the user's row:
 *
 *   password (text), 1 if disabled, created at, count, then that many logins, sorted by device:
 *   device (id), number, at
 */
#ifndef TT_ADAPTER_EMBEDDED_ACCOUNT_H
#define TT_ADAPTER_EMBEDDED_ACCOUNT_H

#include "adapter/embedded/pack.h"
#include "model/account.h"

void tt_account_pack(const struct tt_account *account, struct tt_buffer *out);

/* The password points into `packed`, the logins live in the arena. CORRUPT. */
TT_MUST_CHECK tt_err tt_account_unpack(struct tt_slice packed, struct tt_arena *arena,
                                       struct tt_account *account);

#endif
