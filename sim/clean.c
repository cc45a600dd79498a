#include "sim/run.h"

/* The bounds on time come with part 2 of the plan (docs/simulator.md); here the phase only lives. */
void tt_clean_begin(struct tt_run *run)
{
    run->is_clean = true;
    run->before_clean = tt_world_counters(run->world);
}

void tt_clean_end(struct tt_run *run)
{
    run->is_clean = false;
}
