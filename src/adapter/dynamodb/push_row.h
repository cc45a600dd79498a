/*
 * push_row: the rows of push_addresses: where the devices of a user ring, and who has a token.
 *
 * The row of a token is the truth: an address counts only while its token's row names that device.
 * So of two who put the same token at once one has it, whoever dies between two requests.
 */
#ifndef TT_ADAPTER_DYNAMODB_PUSH_ROW_H
#define TT_ADAPTER_DYNAMODB_PUSH_ROW_H

#include "adapter/dynamodb/work.h"
#include "model/push_address.h"

/* Reads a row; false if there is no address in it. Lives as long as the arena. */
bool tt_ddb_push_read(struct tt_json item, struct tt_arena *arena,
                      struct tt_device_address *address);

/* A PUT of the address, and a PUT of its token's row. */
struct tt_ddb_request *tt_ddb_push_put(struct tt_ddb_work *work, const tt_id *user,
                                       const tt_id *device, const struct tt_push_address *address);
struct tt_ddb_request *tt_ddb_token_put(struct tt_ddb_work *work, const tt_id *user,
                                        const tt_id *device, const struct tt_push_address *address);

/* A GET of the token's row, and who it says has it; false: nobody. */
struct tt_ddb_request *tt_ddb_token_get(struct tt_ddb_work *work,
                                        const struct tt_push_address *address);
bool tt_ddb_token_has(const struct tt_ddb_answer *answer, tt_id *user, tt_id *device);

/* A DELETE of the address if that is its token, and of the token's row if that device has it. */
struct tt_ddb_request *tt_ddb_push_delete(struct tt_ddb_work *work, const tt_id *user,
                                          const tt_id *device, struct tt_slice token);
struct tt_ddb_request *tt_ddb_token_delete(struct tt_ddb_work *work, const tt_id *user,
                                           const tt_id *device,
                                           const struct tt_push_address *address);

/* Removes what a device has; whether it had anything. */
TT_MUST_CHECK tt_err tt_ddb_push_forget(struct tt_ddb_work *work, const tt_id *user,
                                        const tt_id *device, bool *was_there);

/* The raw text of a JSON string for bytes that are UTF-8; in the work's arena. */
struct tt_slice tt_ddb_escape(struct tt_ddb_work *work, struct tt_slice text);

/* And back, into `arena`. */
struct tt_slice tt_ddb_unescape(struct tt_slice raw, struct tt_arena *arena);

#endif
