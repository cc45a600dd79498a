/*
 * swarm: the parameters of one run, drawn from its seed. Each fault is on in some seeds and off in
 * others, because a world in which everything goes wrong at once hides bugs that need calm.
 */
#ifndef TT_SIM_SWARM_H
#define TT_SIM_SWARM_H

#include "sim/device.h"

struct tt_swarm {
    struct tt_world_options world;
    struct tt_habits habits;
    struct tt_cast cast;
    uint32_t users;
    uint32_t devices[TT_ORACLE_USERS_MAX]; /* of each user */
    bool has_liar;                         /* the last user's devices lie */
    uint64_t chaos_us;                     /* how long things go wrong */
    uint64_t weather_us;                   /* how often it changes what goes wrong */
    struct tt_fake_store_faults store;     /* at their worst */
    struct tt_fake_registry_faults registry;
    struct tt_fake_bus_faults bus;
    bool crashes;
    bool pauses;
    bool drains;
    bool forgets;
    bool gaps;
    bool stalls;
    bool disk_low;
};

void tt_swarm_draw(struct tt_swarm *swarm, uint64_t seed, enum tt_mutant mutant);

/* One line of what was drawn. */
void tt_swarm_describe(const struct tt_swarm *swarm, struct tt_buffer *out);

#endif
