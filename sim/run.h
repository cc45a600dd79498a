/*
 * run: one seed from its first event to its verdict.
 *
 *   chaos   the world lives, and everything that the swarm chose goes wrong
 *   dusk    nothing goes wrong any more; who is away stays away, and his phone rings (phone.c)
 *   heal    all come back, nobody says anything new; then all must have converged
 *   clean   normal life without faults, with bounds on time: a repair that comes after a minute
 *           would hide what was lost (clean.c)
 *   loss    a server of several dies for good, and the others are to know soon that who was there
 *           is gone
 *   rest    nobody says anything new; then all must have converged again
 *   left    all go, and nothing may be left over of them (left.c)
 */
#ifndef TT_SIM_RUN_H
#define TT_SIM_RUN_H

#include "sim/swarm.h"

#define TT_RUN_DEVICES_MAX TT_ORACLE_DEVICES_MAX

enum tt_seen { TT_SEEN_UNKNOWN, TT_SEEN_ONLINE, TT_SEEN_OFFLINE };

struct tt_seen_user {
    tt_id user;
    enum tt_seen truth;
    uint64_t since_us;
};
struct tt_phones;

struct tt_run {
    struct tt_swarm swarm;
    struct tt_habits habits; /* the ones in force */
    struct tt_world *world;
    struct tt_oracle *oracle;
    struct tt_phones *phones;
    struct tt_sim_device *devices[TT_RUN_DEVICES_MAX];
    uint32_t device_count;
    struct tt_prng crash;
    uint32_t weathers; /* changes of it, so far */
    uint64_t chaos_end_us;
    bool chaos_is_over;
    bool is_clean;
    bool is_seeing;
    uint64_t seen_within_us;
    struct tt_seen_user seen[TT_ORACLE_USERS_MAX];
    struct tt_core_counters before_clean;
    uint64_t stored_us[TT_ORACLE_CONVERSATIONS_MAX]; /* the last message, in the clean phase */
    uint64_t moved_us[TT_ORACLE_CONVERSATIONS_MAX];  /* the last cursor */
    bool had_ghost;
};

struct tt_run_result {
    char failure[512]; /* empty: nothing was found */
    uint64_t hash;
    uint64_t steps;
    uint64_t simulated_us;
    struct tt_core_counters counters;
    struct tt_sometimes sometimes;
    uint64_t rung;
};

/* What to run. */
struct tt_run_order {
    struct tt_swarm swarm;
    struct tt_choice choice;
    struct tt_buffer *trace; /* NULL: none; see tt_run_seed */
    size_t trace_bytes;
};

void tt_run(const struct tt_run_order *order, struct tt_run_result *result);

/* Runs a seed. With `trace`, the lines of what happened are left there (the last trace_bytes of
 * them, or all of them if that is 0). */
void tt_run_seed(uint64_t seed, enum tt_mutant mutant, struct tt_buffer *trace, size_t trace_bytes,
                 struct tt_run_result *result);

/* clean.c: the bounds on time. */
void tt_clean_begin(struct tt_run *run);
void tt_clean_end(struct tt_run *run);

/* seen.c: who looks at somebody sees him as he is, within so long. */
void tt_seen_begin(struct tt_run *run, uint64_t within_us);
void tt_seen_end(struct tt_run *run);

/* settled.c: what must be true when all has been quiet for a while. */
void tt_settled_check(struct tt_run *run);

/* left.c: all go, and leave nothing behind. */
void tt_left_check(struct tt_run *run);

/* Runs what happens until then, or until something is found. */
void tt_run_until(struct tt_run *run, uint64_t at_us);

#endif
