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

/* The same at once, on the thread whose glance it is: false where that would take long, or would
 * have to wait, and then the answer, if any, counts for nothing. */
bool tt_read_at_once(struct tt_view *glance, struct tt_store_op *op);

#endif
