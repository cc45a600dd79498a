/*
 * store_steps: an append in steps, as a store without transactions has to do it: the pending rows
 * are armed in a write of their own, before the message is there and for a seq that another message
 * may get; where the append then fails they stay armed for nothing.
 */
#ifndef TT_SIM_STORE_STEPS_H
#define TT_SIM_STORE_STEPS_H

#include "sim/store_tables.h"

/* What the first step needs to know of an append. */
struct tt_store_step {
    tt_id conversation;
    tt_id sender;
};

struct tt_store_step tt_store_step_of(const struct tt_append *append);

/* Arms the rows of the other members for the seq that would be next now. */
void tt_store_step_arm(struct tt_store_tables *tables, const struct tt_store_step *step);

#endif
