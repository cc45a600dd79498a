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
    uint32_t devices_max;                  /* of any; what is more is not there */
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
    bool splits;     /* a server cannot reach the registry for a while */
    bool falls_back; /* the registry fails over to an older state of itself */
    bool leases;     /* a lease ends though its server lives */
    bool clocks;     /* wall clocks jump, hours forward and back */
    bool skewed;     /* the servers' clocks differ, and run at different speeds */
    bool cuts;       /* a server's hints do not reach another one for a while */
    bool strands;    /* a server cannot reach the store for a while, the others can */
};

void tt_swarm_draw(struct tt_swarm *swarm, uint64_t seed, enum tt_mutant mutant);

/* Makes it fit together again after single values were changed: who is no user is no member. */
void tt_swarm_fit(struct tt_swarm *swarm);

/* "u3": the names of users and conversations. */
tt_id tt_id_numbered(char kind, uint32_t number);

/* One line of what was drawn. */
void tt_swarm_describe(const struct tt_swarm *swarm, struct tt_buffer *out);

#endif
