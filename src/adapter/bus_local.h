/*
 * bus_local: hints between the nodes of one process, over a queue per receiver.
 *
 * What a node sends in one turn is gathered in a chunk per target and handed over by flush under
 * one lock, and the target is woken once, when its queue was empty: that costs a tenth of waking it
 * for each hint. A queue that holds TT_LIMIT_HINT_QUEUE_BYTES takes no more: the chunk is dropped
 * and the receiver hears a gap.
 */
#ifndef TT_ADAPTER_BUS_LOCAL_H
#define TT_ADAPTER_BUS_LOCAL_H

#include "port/bus.h"

struct tt_bus_local;
struct tt_bus_local_node;

/* A bus between nodes 0..node_count-1 of one server; queue_bytes_max bounds each queue. */
struct tt_bus_local *tt_bus_local_create(uint32_t node_count, size_t queue_bytes_max);

/* Sets *bus to NULL. No node may use it any more. */
void tt_bus_local_destroy(struct tt_bus_local **bus);

/* The access of the node place->node, on whose thread alone it is used. `wake` is called from any
 * thread when there is something to receive. Owned by the bus. All nodes are attached before any
 * of them sends. */
struct tt_bus_local_node *tt_bus_local_attach(struct tt_bus_local *bus,
                                              const struct tt_place *place,
                                              const struct tt_bus_sink *sink,
                                              void (*wake)(void *context));

struct tt_bus_port tt_bus_local_port(struct tt_bus_local_node *node);

/* Hands all that is queued to the sink. Returns how many hints and gaps those were. */
size_t tt_bus_local_receive(struct tt_bus_local_node *node);

#endif
