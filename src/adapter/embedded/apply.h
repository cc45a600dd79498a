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

#endif
