/*
 * account_row: a built-in account within the row of its user, so that linking a device, logging in
 * and a new password are conditional writes of one item, and one of two that race is refused.
 */
#ifndef TT_ADAPTER_DYNAMODB_ACCOUNT_ROW_H
#define TT_ADAPTER_DYNAMODB_ACCOUNT_ROW_H

#include "adapter/dynamodb/table.h"
#include "model/account.h"

/* False: the user has none. Lives as long as the arena. */
bool tt_ddb_account_read(struct tt_json item, struct tt_arena *arena, struct tt_account *account);

/* Adds it to a PUT of the user's row. */
void tt_ddb_account_write(const struct tt_account *account, struct tt_arena *arena,
                          struct tt_ddb_request *request);

#endif
