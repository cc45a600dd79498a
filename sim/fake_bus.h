/*
 * fake_bus: the bus port: hints between the nodes of the world, which may get lost (quietly, or
 * with a gap told), doubled, late, and so out of order; and none of one server may reach another
 * one for a while, of which neither hears.
 */
#ifndef TT_SIM_FAKE_BUS_H
#define TT_SIM_FAKE_BUS_H

#include "port/bus.h"
#include "sim/agenda.h"
#include "sim/mutant.h"
#include "sim/prng.h"
#include "sim/sometimes.h"

struct tt_fake_bus;

struct tt_fake_bus_options {
    uint64_t seed;
    enum tt_mutant mutant;
    uint32_t latency_us;
    struct tt_sometimes *sometimes; /* may be NULL */
};

struct tt_fake_bus_faults {
    uint32_t lose_per_mille;
    uint32_t double_per_mille;
    uint32_t gap_per_mille; /* lost, and the receiver hears of it */
    uint32_t tail_per_mille;
    uint32_t tail_us;
};

struct tt_fake_bus *tt_fake_bus_create(struct tt_agenda *agenda,
                                       const struct tt_fake_bus_options *options);
void tt_fake_bus_destroy(struct tt_fake_bus **bus);
struct tt_fake_bus_faults *tt_fake_bus_faults(struct tt_fake_bus *bus);

/* A port for one node, until its process dies. */
struct tt_bus_port tt_fake_bus_attach(struct tt_fake_bus *bus, const struct tt_place *place,
                                      struct tt_bus_sink sink);
void tt_fake_bus_died(struct tt_fake_bus *bus, const struct tt_place *process);

/* Until then nothing that a node of the one server sends reaches a node of the other. What is on
 * its way arrives. */
void tt_fake_bus_cut(struct tt_fake_bus *bus, const tt_id *from, const tt_id *to,
                     uint64_t until_us);

/* Every server reaches every other one. */
void tt_fake_bus_heal(struct tt_fake_bus *bus);

/* Every node hears that something for it was lost. */
void tt_fake_bus_gap_everywhere(struct tt_fake_bus *bus);

#endif
