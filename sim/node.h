/*
 * node: one loop of a simulated server. What happens to it waits in an inbox until its next turn;
 * a turn hands all of it to the driver and flushes. Only the files of the world include this.
 */
#ifndef TT_SIM_NODE_H
#define TT_SIM_NODE_H

#include "sim/world.h"

struct tt_slot {
    uint32_t generation;
    struct tt_link *link;
    struct tt_call *call;
};

struct tt_node_event {
    enum tt_event_kind kind;
    struct tt_link *link;
    struct tt_call *call;
    struct tt_store_op *store_op;
    struct tt_registry_op *registry_op;
    struct tt_buffer hint;
    struct tt_arena arena;
    struct tt_client_frame frame;
    struct tt_notified notified;
    struct tt_node_event *next;
};

struct tt_node {
    struct tt_world *world;
    struct tt_server *server;
    struct tt_node *next; /* of all */
    struct tt_place place;
    struct tt_driver *driver; /* NULL: dead */
    struct tt_bus_port bus;
    uint64_t mono_zero_us; /* of its monotonic clock */
    struct tt_node_event *inbox_first;
    struct tt_node_event *inbox_last;
    bool turn_is_due;
    unsigned asked;     /* effects of the step that it is in, for the trace */
    uint64_t refreshed; /* repairs by refreshes before that step, and those told since */
    tt_id snapshot_of;  /* the conversation that the step has read */
    uint64_t stepped_us;
    uint64_t wake_us; /* the earliest turn that a timer has asked for; 0: none */
    struct tt_slot *slots;
    uint32_t slot_count;
};

struct tt_node *tt_node_create(struct tt_world *world, struct tt_server *server, uint32_t number);
void tt_node_die(struct tt_node *node);
void tt_node_destroy(struct tt_node *node);

/* Puts an event into the inbox; it is given to the node. */
void tt_node_post(struct tt_node *node, struct tt_node_event *event);
void tt_node_tell(struct tt_node *node, enum tt_event_kind kind);

tt_handle tt_node_take_slot(struct tt_node *node, struct tt_link *link, struct tt_call *call);
void tt_node_free_slot(struct tt_node *node, tt_handle handle);
struct tt_slot *tt_node_slot(struct tt_node *node, tt_handle handle);

/* link.c: what the effects on connections and requests do. */
void tt_node_effect(void *context, const struct tt_effect *effect);
void tt_links_server_died(struct tt_world *world, struct tt_node *node);

#endif
