/*
 * apply: what a record changes. Runs on each record exactly twice at most: when it was just decided
 * and, after a crash, when the journal is replayed to an index that had not yet reached it; so all
 * that it does follows from the record and the state alone.
 */
#ifndef TT_ADAPTER_EMBEDDED_APPLY_H
#define TT_ADAPTER_EMBEDDED_APPLY_H

#include "adapter/embedded/record.h"
#include "adapter/embedded/working.h"
#include "base/err.h"

/* STARTED needs all that came before it flushed (asserted). CORRUPT: the record does not fit the
 * state; IO. Either leaves a state that is of no more use. */
TT_MUST_CHECK tt_err tt_apply(struct tt_working *working, const struct tt_record *record);

/* In apply_push.c and apply_account.c, of apply.c's own. */
TT_MUST_CHECK tt_err tt_apply_addressed(struct tt_working *working, const struct tt_record *record);
TT_MUST_CHECK tt_err tt_apply_notified(struct tt_working *working, const struct tt_record *record);
TT_MUST_CHECK tt_err tt_apply_accounted(struct tt_working *working, const struct tt_record *record);
TT_MUST_CHECK tt_err tt_apply_no_login(struct tt_working *working, struct tt_user_state *user,
                                       const tt_id *device);
TT_MUST_CHECK tt_err tt_apply_no_address(struct tt_working *working, struct tt_user_state *user,
                                         const tt_id *device);

#endif
