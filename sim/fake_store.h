/*
 * fake_store: the store port in memory, shared by all nodes of a simulated world. It is written
 * against port/store.h only, so that it and the real stores can be wrong in different ways only.
 *
 * An op takes effect at one instant between its submission and its completion; from then on the
 * change is "on stable storage". Faults make an op fail before that instant, fail after it (both
 * UNAVAILABLE), take effect long after its failure was reported, or wait for a stall to end; also
 * those of one process only. Where it keeps no order, an append takes effect in steps, see
 * store_steps.
 */
#ifndef TT_SIM_FAKE_STORE_H
#define TT_SIM_FAKE_STORE_H

#include "port/store.h"
#include "sim/agenda.h"
#include "sim/mutant.h"
#include "sim/prng.h"
#include "sim/sometimes.h"

struct tt_fake_store;

struct tt_fake_store_options {
    uint64_t seed;
    bool keeps_order;
    bool embedded; /* dies with its process: what has not taken effect by then never will */
    enum tt_mutant mutant;
    uint32_t latency_us;
    struct tt_sometimes *sometimes; /* may be NULL */
};

/* May be changed at any time; all zero: nothing goes wrong. */
struct tt_fake_store_faults {
    uint32_t before_per_mille; /* fails and has no effect */
    uint32_t after_per_mille;  /* takes effect and fails */
    uint32_t late_per_mille;   /* fails, and takes effect later (never where embedded) */
    uint32_t tail_per_mille;   /* takes tail_us longer */
    uint32_t tail_us;
    bool disk_low;
    uint64_t stalled_until_us;
};

/* What goes wrong on one process's way to the store only, for a while. */
struct tt_fake_store_way {
    uint64_t until_us;
    uint32_t before_per_mille; /* what it asks for does not arrive */
    uint32_t after_per_mille;  /* the answers do not */
    bool is_stalled;
};

/* Hears of every op that took effect, at that instant, and through which process it came; its
 * results stand in it. */
struct tt_fake_store_observer {
    void *context;
    void (*applied)(void *context, const struct tt_store_op *op, uint32_t process);
};

struct tt_fake_store *tt_fake_store_create(struct tt_agenda *agenda,
                                           const struct tt_fake_store_options *options);
void tt_fake_store_destroy(struct tt_fake_store **store);
void tt_fake_store_observe(struct tt_fake_store *store, struct tt_fake_store_observer observer);
struct tt_fake_store_faults *tt_fake_store_faults(struct tt_fake_store *store);

/* May be changed at any time, like the faults; all zero: nothing goes wrong on it. */
struct tt_fake_store_way *tt_fake_store_way(struct tt_fake_store *store, uint32_t process);

/* A port for one node of the process `process`. */
struct tt_store_port tt_fake_store_attach(struct tt_fake_store *store, uint32_t process,
                                          struct tt_store_sink sink);

/* The process has died: its ports complete nothing any more, and who was connected through them
 * is not; last seen is the last ALIVE of the process. */
void tt_fake_store_process_died(struct tt_fake_store *store, uint32_t process);

/* Carries an op out at once, without faults: to set a world up, and to look at its end. */
void tt_fake_store_apply(struct tt_fake_store *store, struct tt_store_op *op);

#endif
