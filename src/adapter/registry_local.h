/*
 * registry_local: the registry of a single process, one table that all its nodes share.
 *
 * Ops are carried out within submit, under one lock; their completions wait in the node's own list
 * until that node calls tt_registry_local_complete at the end of its turn, so a port never calls
 * back from within, and no thread is woken for a lookup. There are no leases: the table dies with
 * the process, and the store knows who was connected.
 *
 * Bounded: a user stays in the table while a device is registered or a node watches; of the users
 * who left, the last TT_REGISTRY_LOCAL_GONE_MAX are remembered with their last seen.
 */
#ifndef TT_ADAPTER_REGISTRY_LOCAL_H
#define TT_ADAPTER_REGISTRY_LOCAL_H

#include "port/registry.h"

#define TT_REGISTRY_LOCAL_GONE_MAX 65536

struct tt_registry_local;
struct tt_registry_local_node;

struct tt_registry_local *tt_registry_local_create(uint64_t hash_seed);

/* Sets *registry to NULL. All nodes must be detached. */
void tt_registry_local_destroy(struct tt_registry_local **registry);

/* A node's own access; used on that node's thread only. */
struct tt_registry_local_node *tt_registry_local_attach(struct tt_registry_local *registry,
                                                        const struct tt_registry_sink *sink);

/* Sets *node to NULL; completions that wait are destroyed. */
void tt_registry_local_detach(struct tt_registry_local_node **node);

struct tt_registry_port tt_registry_local_port(struct tt_registry_local_node *node);

/* Hands what is done to the sink; returns how many ops. */
size_t tt_registry_local_complete(struct tt_registry_local_node *node);

/* For metrics: users in the table. */
size_t tt_registry_local_users(struct tt_registry_local *registry);

#endif
