/*
 * shrink: makes a failing run small: first the world (faults off one by one, fewer servers, people
 * and minutes, shipped limits), then what is done in it. A smaller run counts if it fails in the
 * same way; where it does not with the same draws, some other draws are tried.
 */
#ifndef TT_SIM_SHRINK_H
#define TT_SIM_SHRINK_H

#include "sim/run.h"

struct tt_shrunk {
    struct tt_run_order order;
    struct tt_choices only;
    char failure[512];
    uint32_t runs;
    uint64_t steps; /* of the run that is left */
};

/* `order` fails with `failure`. At most `runs_max` runs are spent on it. */
void tt_shrink(const struct tt_run_order *order, const char *failure, uint32_t runs_max,
               struct tt_shrunk *shrunk);
void tt_shrunk_deinit(struct tt_shrunk *shrunk);

/* Whether two failures are of one kind: the same promise, broken in the same way. */
bool tt_failures_are_alike(const char *a, const char *b);

#endif
