/*
 * steps: what happened to a cursor or a connection and when, as a text inside of the row that
 * changed, so that keeping it costs no request of its own:
 *
 *     d1-3@1705312800050;r1-2@1705312800060;      delivered 1 to 3, then read 1 to 2
 *     c@1705312800002=phone;x@1705312800004=phone;  connected, disconnected
 *
 * When the text has grown to TT_DDB_STEPS_SIZE_MAX, its older half moves into one row of `history`.
 */
#ifndef TT_ADAPTER_DYNAMODB_STEPS_H
#define TT_ADAPTER_DYNAMODB_STEPS_H

#include "base/arena.h"
#include "base/buffer.h"
#include "model/history.h"

#define TT_DDB_STEPS_SIZE_MAX 768

/* The text with one more step; user, and detail are not kept. */
struct tt_slice tt_ddb_steps_add(struct tt_slice steps, const struct tt_happening *step,
                                 struct tt_arena *arena);

/* The next step; false at the end. `user` is left as it is. */
bool tt_ddb_steps_next(struct tt_slice *rest, struct tt_happening *step);

/* Where to cut a text that is too long: the older part up to there moves away; 0: not yet. */
size_t tt_ddb_steps_cut(struct tt_slice steps);

/* How many steps there are. */
size_t tt_ddb_steps_count(struct tt_slice steps);

#endif
