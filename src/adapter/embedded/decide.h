/*
 * decide: what an op that changes something comes to, given what is in hand: a record to store, or
 * nothing to change and an answer. The rules are those of port/store.h.
 */
#ifndef TT_ADAPTER_EMBEDDED_DECIDE_H
#define TT_ADAPTER_EMBEDDED_DECIDE_H

#include <stdbool.h>

#include "adapter/embedded/record.h"
#include "adapter/embedded/working.h"
#include "base/err.h"
#include "model/store_op.h"

struct tt_decide_terms {
    bool disk_low;
    uint64_t next_epoch; /* for a LINK_DEVICE; used up if it comes to a record */
};

/* Whether the op is one of those that may change something. */
bool tt_decide_concerns(enum tt_store_op_kind kind);

/* OK and *changes: `record` says what is to be stored; it points into the op and what is in hand.
 * OK and not: all stays as it is. Otherwise the op's error: a refusal, or CORRUPT or IO. */
TT_MUST_CHECK tt_err tt_decide(struct tt_working *working, const struct tt_decide_terms *terms,
                               struct tt_store_op *op, struct tt_record *record, bool *changes);

/* Fills in the results of an op that is OK, after its record was applied if there was one. Some
 * have results with an error too. */
TT_MUST_CHECK tt_err tt_decide_answer(struct tt_working *working, struct tt_store_op *op,
                                      tt_err outcome);

/* In decide_push.c and decide_account.c, of decide.c's own. */
TT_MUST_CHECK tt_err tt_decide_put_address(struct tt_working *working, struct tt_store_op *op,
                                           struct tt_record *record, bool *changes);
TT_MUST_CHECK tt_err tt_decide_drop_address(struct tt_working *working, struct tt_store_op *op,
                                            struct tt_record *record, bool *changes);
TT_MUST_CHECK tt_err tt_decide_record_push(struct tt_working *working, struct tt_store_op *op,
                                           struct tt_record *record);
TT_MUST_CHECK tt_err tt_decide_put_account(struct tt_working *working, struct tt_store_op *op,
                                           struct tt_record *record, bool *changes);
TT_MUST_CHECK tt_err tt_decide_log_in(struct tt_working *working, struct tt_store_op *op,
                                      struct tt_record *record);

/* Whether the device that acked is linked, and by the link that acked. */
bool tt_decide_is_link(const struct tt_user_state *user, const struct tt_advance *advance);

/* OK if that login stands; 0 always does. */
TT_MUST_CHECK tt_err tt_decide_is_logged_in(const struct tt_user_state *user, const tt_id *device,
                                            uint64_t login);

/* Whether the device has any login, or a push address. */
TT_MUST_CHECK tt_err tt_decide_has_login(const struct tt_user_state *user, const tt_id *device,
                                         struct tt_arena *arena, bool *has);
TT_MUST_CHECK tt_err tt_decide_has_address(const struct tt_user_state *user, const tt_id *device,
                                           struct tt_arena *arena, bool *has);

#endif
