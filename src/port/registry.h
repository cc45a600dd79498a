/*
 * registry: who is connected where, and who watches whom. Volatile: it may forget everything and
 * is then filled again by the nodes; the store remembers what must not be lost.
 *
 * Ops are completed exactly once through the sink, never from within `submit`. Ops of one node are
 * carried out in the order given. UNAVAILABLE: nobody knows.
 *
 * REGISTER: puts device -> (place, epoch), unless an entry with a larger epoch stands: FENCED. The
 *   answer tells the entry that it replaced, and the user's whereabouts read afterwards.
 * UNREGISTER: removes the entry only if its epoch is `epoch`. If no device of the user is left, the
 *   user's last seen becomes `at` (it never goes back). A new version each time a user comes or
 *   goes.
 * LOOKUP: whereabouts of each user, without entries of servers whose lease has ended; those count
 *   as gone at their server's last renewal.
 * WATCH: adds the node to each user's watchers, then looks them up. UNWATCH removes it.
 *
 * `node_gone`: a server's lease has ended. Whoever watches somebody looks them up again.
 * `forgotten`: the registry came back empty. Every node registers and watches again.
 */
#ifndef TT_PORT_REGISTRY_H
#define TT_PORT_REGISTRY_H

#include <stddef.h>

#include "model/registry_op.h"

struct tt_registry_sink {
    void *context;
    void (*done)(void *context, struct tt_registry_op *op); /* gives the op back */
    void (*node_gone)(void *context);
    void (*forgotten)(void *context);
};

struct tt_registry_port {
    void *self;
    void (*submit)(void *self, struct tt_registry_op *const *ops, size_t count); /* takes the ops */
};

#endif
