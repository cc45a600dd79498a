/*
 * read: answers the ops that only look, on whichever thread, from one consistent view of the index,
 * which must be younger than the ops are.
 */
#ifndef TT_ADAPTER_EMBEDDED_READ_H
#define TT_ADAPTER_EMBEDDED_READ_H

#include "adapter/embedded/index.h"
#include "model/store_op.h"

/* Fills in the answer and op->err: OK, NOT_FOUND, BAD_QUERY, CORRUPT or IO. */
void tt_read_answer(const struct tt_view *view, struct tt_store_op *op);

#endif
