/*
 * driver: runs one core on ports. Server and simulator share it.
 *
 * The owner collects what happened in one loop turn and calls tt_driver_post for each event; each
 * is stepped at once, and its effects go to the ports or to the edge. What the store and the
 * registry are to do is gathered and handed over by tt_driver_flush, once at the end of the turn,
 * as one batch. Completions come back as events, posted by the owner on the node's thread
 * (tt_driver_store_done and friends). Nothing here blocks, and no port calls back from within.
 */
#ifndef TT_DRIVER_DRIVER_H
#define TT_DRIVER_DRIVER_H

#include "core/core.h"
#include "port/bus.h"
#include "port/clock.h"
#include "port/entropy.h"
#include "port/notifier.h"
#include "port/registry.h"
#include "port/store.h"

struct tt_driver;

/* Where effects on connections and requests go: ACCEPT, REJECT, FRAME, PING, WANT_DRAIN, CLOSE,
 * REPLY. The effect is borrowed for the call, which must not post events. */
struct tt_driver_edge {
    void *context;
    void (*effect)(void *context, const struct tt_effect *effect);
};

struct tt_driver_ports {
    struct tt_store_port store;
    struct tt_registry_port registry;
    struct tt_bus_port bus;
    struct tt_notifier_port notifier;
    struct tt_clock_port clock;
    struct tt_entropy_port entropy;
    struct tt_driver_edge edge;
};

/* Sees every event before, and every effect after it is carried out; for traces. May be NULL. */
typedef void (*tt_driver_trace)(void *context, const struct tt_event *event,
                                const struct tt_effect *effect);

struct tt_driver *tt_driver_create(const struct tt_core_options *options,
                                   const struct tt_driver_ports *ports);

/* Sets *driver to NULL. Ops that are gathered but not handed over are destroyed. */
void tt_driver_destroy(struct tt_driver **driver);

void tt_driver_set_trace(struct tt_driver *driver, tt_driver_trace trace, void *context);

/* Steps the core with the event. */
void tt_driver_post(struct tt_driver *driver, const struct tt_event *event);

/* The same for what ports bring back; the op is given to the driver. */
void tt_driver_store_done(struct tt_driver *driver, struct tt_store_op *op);
void tt_driver_registry_done(struct tt_driver *driver, struct tt_registry_op *op);
void tt_driver_notified(struct tt_driver *driver, const struct tt_notified *notified);
void tt_driver_hint(struct tt_driver *driver, struct tt_slice bytes);
void tt_driver_bus_gap(struct tt_driver *driver);
void tt_driver_node_gone(struct tt_driver *driver);
void tt_driver_registry_forgot(struct tt_driver *driver);

/* Steps what is due by now, then hands the gathered ops to the ports. Call at the end of a turn. */
void tt_driver_flush(struct tt_driver *driver);

/* When tt_driver_flush must be called again though nothing happens; 0: never. */
tt_mono tt_driver_deadline(const struct tt_driver *driver);

const struct tt_core *tt_driver_core(const struct tt_driver *driver);

#endif
