/*
 * node: one thread of the server: a loop with its connections, the edge that understands them, the
 * driver with its core, and the ways in which other threads reach it.
 *
 * Other threads only leave something (a finished store op, a hint, a question) and wake the loop;
 * everything is posted to the driver on the node's own thread, at the end of a turn: first what
 * came from elsewhere, then the driver's flush, then the loop flushes the sockets.
 */
#ifndef TT_APP_NODE_H
#define TT_APP_NODE_H

#include "adapter/account/pool.h"
#include "adapter/bus_local.h"
#include "adapter/embedded/store.h"
#include "adapter/push/notifier_push.h"
#include "adapter/registry_local.h"
#include "app/config.h"
#include "app/scale.h"
#include "base/log.h"
#include "edge/edge.h"
#include "net/listener.h"

struct tt_node;

/* What all nodes of the process share; borrowed. */
struct tt_node_shared {
    const struct tt_config *config;
    const struct tt_log *log;
    const struct tt_auth *auth;
    struct tt_tls_server *tls;           /* NULL: plain HTTP */
    struct tt_slice secret;              /* to sign with; empty: this server signs nothing */
    struct tt_embedded_store *store;     /* NULL: the scale-out mode */
    const struct tt_scale_config *scale; /* NULL: embedded */
    struct tt_registry_local *registry;
    struct tt_bus_local *bus;
    struct tt_notifier_push *push;
    uint64_t incarnation;
    uint64_t hash_seed;
    struct tt_crowd *crowd;
    uint32_t node_count;
    struct tt_account_pool *accounts; /* NULL: nobody logs in here */
    int *bound_fds;             /* one per node, taken before; NULL: none. What was used is -1 */
    struct tt_store_sink guest; /* scale-out: of tt_node_visit */
    int connection_fd_end;      /* descriptors from here on are not for connections */
};

/* What /metrics shows of a node. */
struct tt_node_report {
    struct tt_core_counters core;
    struct tt_edge_counters edge;
    struct tt_loop_stats loop;
    struct tt_scale_report scale; /* of the scale-out mode */
};

/* `first` is the node whose port this one shares; NULL: this is the first, and opens it. NULL:
 * `*problem` is a sentence. */
struct tt_node *tt_node_create(const struct tt_node_shared *shared, uint32_t number,
                               const struct tt_node *first, const char **problem);

/* After it has ended. Waits until the store has given back all ops. */
void tt_node_destroy(struct tt_node **node);

/* Scale-out: ops of somebody who has no loop; any thread. They come back by `guest`, in the end as
 * UNAVAILABLE. */
void tt_node_visit(struct tt_node *node, struct tt_store_op *const *ops, size_t count);

/* Where clients connect. */
const struct tt_address *tt_node_address(const struct tt_node *node);

/* Serves until it is drained, on the calling thread. */
void tt_node_run(struct tt_node *node);

/* Node 0 only, before it runs: called on its thread for each SIGTERM, SIGINT and SIGHUP. */
TT_MUST_CHECK tt_err tt_node_watch_signals(struct tt_node *node,
                                           void (*caught)(void *context, int number),
                                           void *context);

/* From any thread: take no more connections, close what there is, and end the run. */
void tt_node_drain(struct tt_node *node);

/* From any thread: gives back an ask of whichever node. */
void tt_node_asked(struct tt_account_ask *ask);

/* From any thread: the device, or with none each of the user's, was unlinked, or may have been;
 * then its sockets end on every node. */
void tt_node_cut(struct tt_node *node, const tt_id *user, const tt_id *device);

/* From any other thread: asks the node how it is. False: it did not answer within wait_ms. */
bool tt_node_ask(struct tt_node *node, uint32_t wait_ms, struct tt_node_report *report);

#endif
