/*
 * command: what can be asked of the program on its command line.
 */
#ifndef TT_SIM_COMMAND_H
#define TT_SIM_COMMAND_H

#include "sim/run.h"

struct tt_sim_arguments {
    const char *program;
    uint64_t seed;
    uint64_t seeds;
    uint64_t from;
    uint64_t minutes; /* of one processor; 0: as many seeds as were asked for */
    uint64_t runs;    /* of the shrinker, at most */
    uint64_t draws;   /* 0: the seed's own */
    bool seeds_given;
    bool brief; /* only planted bugs that are found soon, and soon */
    bool trace;
    bool chart;
    bool help;
    const char *set;   /* values of knobs; NULL: as the seed draws them */
    const char *items; /* what happens; NULL: everything */
    enum tt_mutant mutant;
};

/* Each returns an exit code: 0 if nothing was found that should not be there. */
int tt_sim_one(const struct tt_sim_arguments *arguments);
int tt_sim_shrink(const struct tt_sim_arguments *arguments);
int tt_sim_run(const struct tt_sim_arguments *arguments);
int tt_sim_hunt(const struct tt_sim_arguments *arguments);
int tt_sim_repeat(const struct tt_sim_arguments *arguments);
int tt_sim_mutants(const struct tt_sim_arguments *arguments);

/* Plants it in the core of this process; false: this program was built without planted bugs. */
bool tt_sim_plant(enum tt_mutant mutant);

/* Makes a failing order small and prints what is left: its command line and its chart. */
void tt_sim_print_shrunk(const struct tt_run_order *order, const char *failure, uint32_t runs_max);

#endif
