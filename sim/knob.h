/*
 * knob: the parameters of a swarm by name, so that a failing run can be made simpler one by one,
 * and be given again on the command line.
 */
#ifndef TT_SIM_KNOB_H
#define TT_SIM_KNOB_H

#include "sim/swarm.h"

size_t tt_knob_count(void);
const char *tt_knob_name(size_t knob);
int64_t tt_knob_get(const struct tt_swarm *swarm, size_t knob);
void tt_knob_set(struct tt_swarm *swarm, size_t knob, int64_t value);

/* The value of the simplest world. */
int64_t tt_knob_plain(size_t knob);

/* Whether a value between the two is worth a try. */
bool tt_knob_is_number(size_t knob);

/* "name=value,name=value"; false: there is no such name, or no number. */
bool tt_knobs_parse(struct tt_swarm *swarm, const char *text);

/* What is different from `from`, in the same form. */
void tt_knobs_describe(const struct tt_swarm *swarm, const struct tt_swarm *from,
                       struct tt_buffer *out);

#endif
