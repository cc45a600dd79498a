/*
 * fake_registry: the registry port in memory: entries, watchers, leases of processes.
 *
 * A process renews its lease by itself while it is up. When it dies, the lease runs out; from then
 * on its entries do not count, and everybody's sink hears node_gone at the next poll.
 */
#ifndef TT_SIM_FAKE_REGISTRY_H
#define TT_SIM_FAKE_REGISTRY_H

#include "port/registry.h"
#include "sim/agenda.h"
#include "sim/mutant.h"
#include "sim/prng.h"
#include "sim/sometimes.h"

#define TT_REGISTRY_LEASE_US (10 * TT_US_PER_S)
#define TT_REGISTRY_RENEW_US (3 * TT_US_PER_S)
#define TT_REGISTRY_POLL_US  (2 * TT_US_PER_S)

struct tt_fake_registry;

struct tt_fake_registry_options {
    uint64_t seed;
    enum tt_mutant mutant;
    uint32_t latency_us;
    tt_time epoch_wall;             /* wall time at virtual time 0 */
    struct tt_sometimes *sometimes; /* may be NULL */
};

struct tt_fake_registry_faults {
    uint32_t before_per_mille;
    uint32_t after_per_mille;
    uint32_t tail_per_mille;
    uint32_t tail_us;
};

struct tt_fake_registry *tt_fake_registry_create(struct tt_agenda *agenda,
                                                 const struct tt_fake_registry_options *options);
void tt_fake_registry_destroy(struct tt_fake_registry **registry);
struct tt_fake_registry_faults *tt_fake_registry_faults(struct tt_fake_registry *registry);

/* A port for one node of a process that is up. */
struct tt_registry_port tt_fake_registry_attach(struct tt_fake_registry *registry,
                                                const struct tt_place *place,
                                                struct tt_registry_sink sink);

/* The process has started, or has died: its ports complete nothing any more. */
void tt_fake_registry_up(struct tt_fake_registry *registry, const struct tt_place *process);
void tt_fake_registry_died(struct tt_fake_registry *registry, const struct tt_place *process);

/* Until then the process does not renew its lease, and with `cut` none of its ops arrives; when it
 * was cut, it hears `forgotten` afterwards, as it cannot know what it missed. */
void tt_fake_registry_silence(struct tt_fake_registry *registry, const struct tt_place *process,
                              uint64_t until_us, bool cut);

/* How many entries of devices there are, and of watchers. */
size_t tt_fake_registry_count(struct tt_fake_registry *registry, size_t *watchers);

/* Keeps what there is now, for a failover to come. */
void tt_fake_registry_keep(struct tt_fake_registry *registry);

/* A replica that is behind takes over: entries and watchers are again what they were when they
 * were kept. Who is up hears `forgotten`. */
void tt_fake_registry_fall_back(struct tt_fake_registry *registry);

/* All entries, watchers and last seens are gone; leases and versions are not. Who is up hears. */
void tt_fake_registry_forget(struct tt_fake_registry *registry);

#endif
