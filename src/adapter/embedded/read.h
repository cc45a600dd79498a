/*
 * read: answers the ops that only look, on whichever thread, from one consistent view of the index.
 */
#ifndef TT_ADAPTER_EMBEDDED_READ_H
#define TT_ADAPTER_EMBEDDED_READ_H

#include "adapter/embedded/index.h"
#include "model/store_op.h"

/* Fills in the answer and op->err: OK, NOT_FOUND, BAD_QUERY, CORRUPT or IO. */
void tt_read_answer(struct tt_index *index, struct tt_store_op *op);

#endif
