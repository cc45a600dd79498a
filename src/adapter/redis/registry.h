/*
 * registry: the registry port (port/registry.h) on Redis or Valkey. One per node, in its loop.
 *
 *   ws:bob            hash: device -> ws_server_3.<incarnation>.<node>
 *   ws_epochs:bob     hash: device -> epoch of its entry; "" -> version of the user
 *   last_seen:bob     RFC 3339
 *   watchers:bob      set of places
 *   server:ws_server_3            "<incarnation> <last renewal>", with a time to live: the lease
 *   server_last:ws_server_3.17    the last renewal, kept when the lease has ended
 *   servers           set of the servers that have had a lease
 *   registry_marker   a random text: if it is another one than before, everything was forgotten
 *
 * Each op is one script, so it is atomic, and it cleans up what it meets: an entry of a server
 * without a lease does not count, and whoever meets it removes it and writes last seen first. All
 * keys must be on one master (Sentinel, not Cluster): a script touches those of a user and those of
 * his servers.
 *
 * While Redis is away every op ends as UNAVAILABLE; when it is back, empty or not, `forgotten` is
 * told, and the node registers and watches again what it knows itself.
 */
#ifndef TT_ADAPTER_REDIS_REGISTRY_H
#define TT_ADAPTER_REDIS_REGISTRY_H

#include "adapter/redis/connection.h"
#include "port/clock.h"
#include "port/registry.h"

struct tt_redis_registry;

struct tt_redis_registry_options {
    struct tt_redis_options redis;
    struct tt_place place;
    struct tt_clock_port clock;
    uint32_t lease_ms;
    uint32_t renew_ms;
    uint32_t poll_ms;
};

#define TT_REDIS_LEASE_MS 10000
#define TT_REDIS_RENEW_MS 3000
#define TT_REDIS_POLL_MS  1000

struct tt_redis_registry *tt_redis_registry_create(struct tt_loop *loop,
                                                   const struct tt_redis_registry_options *options,
                                                   const struct tt_registry_sink *sink);

/* Sets *registry to NULL. Ops under way come back as UNAVAILABLE.
 */
void tt_redis_registry_destroy(struct tt_redis_registry **registry);

struct tt_registry_port tt_redis_registry_port(struct tt_redis_registry *registry);

/* Redis answers. For readiness, and before the first connection is taken. */
bool tt_redis_registry_is_up(const struct tt_redis_registry *registry);

/* A later incarnation of this server has the lease: this process is a ghost and must end. */
bool tt_redis_registry_is_superseded(const struct tt_redis_registry *registry);

/* The connection, for others who give commands; borrowed. */
struct tt_redis *tt_redis_registry_commands(struct tt_redis_registry *registry);

#endif
