/*
 * scale: the scale-out mode of one node: its store on the DynamoDB API, its registry and its bus on
 * Redis. All in the node's own loop.
 */
#ifndef TT_APP_SCALE_H
#define TT_APP_SCALE_H

#include "adapter/dynamodb/store.h"
#include "adapter/dynamodb/transfer.h"
#include "adapter/redis/bus.h"
#include "adapter/redis/registry.h"
#include "app/aws.h"
#include "app/config.h"
#include "base/log.h"

struct tt_scale;

/* What all nodes share, read once at the start. */
struct tt_scale_config {
    struct tt_remote dynamodb;
    char region[32];
    struct tt_redis_options redis;
    bool has_redis; /* else: --registry local */
};

struct tt_scale_sinks {
    struct tt_store_sink store;
    struct tt_registry_sink registry;
    struct tt_bus_sink bus;
};

struct tt_scale_report {
    struct tt_ddb_client_stats requests;
    size_t ops_under_way;
    bool registry_is_up;
};

static inline bool tt_scale_is_wanted(const struct tt_config *config)
{
    return strcmp(config->store, "dynamodb") == 0;
}

/* Reads the options and the environment. False: `sentence` says what is wrong. */
bool tt_scale_read(const struct tt_config *config, struct tt_scale_config *scale,
                   char sentence[TT_AWS_SENTENCE]);

/* Whether the tables are there and may be served from, and Redis answers; blocks for some seconds
 * at most. From then on this server counts as alive. */
bool tt_scale_check(const struct tt_config *config, const struct tt_scale_config *scale,
                    uint64_t incarnation, char sentence[TT_AWS_SENTENCE]);

/* `local` is the bus to nodes of the same process. All is borrowed. */
struct tt_scale *tt_scale_create(struct tt_loop *loop, const struct tt_config *config,
                                 const struct tt_scale_config *shared, const struct tt_place *place,
                                 const struct tt_log *log, struct tt_bus_port local,
                                 const struct tt_scale_sinks *sinks);

/* Sets *scale to NULL. Ops under way come back by the sinks. */
void tt_scale_destroy(struct tt_scale **scale);

struct tt_store_port tt_scale_store(struct tt_scale *scale);
/* A store of its own over the same tables, for whoever is no node; submit in the node's loop. */
struct tt_store_port tt_scale_guest(struct tt_scale *scale, struct tt_loop *loop,
                                    const struct tt_place *place, struct tt_store_sink sink);

/* The loop has ended: what the guest still waits for comes back as UNAVAILABLE. */
void tt_scale_end_guest(struct tt_scale *scale);

struct tt_registry_port tt_scale_registry(struct tt_scale *scale); /* submit NULL: local */
struct tt_bus_port tt_scale_bus(struct tt_scale *scale);           /* send NULL: local */

/* This process is a ghost: a later one of the same name has taken its place. */
bool tt_scale_is_superseded(const struct tt_scale *scale);

struct tt_scale_report tt_scale_report(const struct tt_scale *scale);

/* The tables for `twoticks move`, in a loop of their own. NULL: `sentence` says what is wrong. */
struct tt_scale_tables;
struct tt_scale_tables *tt_scale_open_tables(const struct tt_config *config,
                                             const struct tt_scale_config *scale,
                                             char sentence[TT_AWS_SENTENCE]);

/* Sets *tables to NULL. */
void tt_scale_close_tables(struct tt_scale_tables **tables);

struct tt_ddb_transfer *tt_scale_transfer(struct tt_scale_tables *tables);

/* What the service said when it last refused a request; empty: it refused none. */
const char *tt_scale_complaint(const struct tt_scale_tables *tables);

/* Makes the tables (or, dry, says which); for `twoticks store init`. */
bool tt_scale_init(const struct tt_config *config, const struct tt_scale_config *scale,
                   bool keep_backups, void (*say)(void *context, struct tt_slice line));

#endif
