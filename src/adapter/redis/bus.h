/*
 * bus: the bus port (port/bus.h) on the publish/subscribe of Redis. One per node, in its loop.
 *
 * A node is subscribed to one channel, bus:<its place>. What is sent to a node in one turn goes out
 * as one message when the turn ends: each hint behind its length (4 bytes, little-endian); a
 * message without a hint says that some were lost.
 *
 * Redis keeps nothing for who is not there. Whoever could not send tells the receivers so when it
 * can again; whoever was not subscribed tells its own node: `gap`, at once when it is subscribed
 * again, and every few seconds while it is not, since the store is then all there is. Hints to
 * other nodes of the same process go past Redis.
 */
#ifndef TT_ADAPTER_REDIS_BUS_H
#define TT_ADAPTER_REDIS_BUS_H

#include "adapter/redis/connection.h"
#include "port/bus.h"

struct tt_redis_bus;

struct tt_redis_bus_options {
    struct tt_redis_options redis;
    struct tt_place place;
    struct tt_redis *commands; /* to publish by; borrowed, is destroyed before the bus */
    struct tt_bus_port local;  /* to nodes of this server; send NULL: by Redis too */
    uint32_t gap_ms;           /* how often an absence is told */
};

#define TT_REDIS_GAP_MS 3000

struct tt_redis_bus *tt_redis_bus_create(struct tt_loop *loop,
                                         const struct tt_redis_bus_options *options,
                                         const struct tt_bus_sink *sink);

/* Sets *bus to NULL. */
void tt_redis_bus_destroy(struct tt_redis_bus **bus);

struct tt_bus_port tt_redis_bus_port(struct tt_redis_bus *bus);

/* Subscribed: hints to this node arrive. */
bool tt_redis_bus_is_up(const struct tt_redis_bus *bus);

#endif
