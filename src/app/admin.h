/*
 * admin: the operator's side door on a thread of its own: /healthz, /readyz and /metrics. It is
 * there before the store is open, so that a long start can be watched.
 */
#ifndef TT_APP_ADMIN_H
#define TT_APP_ADMIN_H

#include "app/node.h"

struct tt_admin;

/* NULL: `*problem` is a sentence. */
struct tt_admin *tt_admin_create(const struct tt_address *address, const struct tt_log *log,
                                 const char **problem);

/* Stops the thread. */
void tt_admin_destroy(struct tt_admin **admin);

const struct tt_address *tt_admin_address(const struct tt_admin *admin);

/* From now on there is something to show. Both are borrowed until tt_admin_hide or destroy. */
void tt_admin_show(struct tt_admin *admin, struct tt_node *const *nodes, size_t node_count,
                   struct tt_embedded_store *store, struct tt_registry_local *registry);

/* Not ready any more: the process drains. */
void tt_admin_set_draining(struct tt_admin *admin);

/* Waits until nobody looks any more; the nodes may then go away. */
void tt_admin_hide(struct tt_admin *admin);

#endif
