/*
 * registry_op: one request to the registry and its answer; travels as a store_op does.
 *
 * The contract of each op is in port/registry.h.
 */
#ifndef TT_MODEL_REGISTRY_OP_H
#define TT_MODEL_REGISTRY_OP_H

#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/handle.h"
#include "base/id.h"
#include "base/time.h"
#include "model/place.h"
#include "model/store_op.h"

#define TT_REGISTRY_OP_MAP(X)                                                                      \
    X(REGISTER)                                                                                    \
    X(UNREGISTER)                                                                                  \
    X(LOOKUP)                                                                                      \
    X(WATCH)                                                                                       \
    X(UNWATCH)

enum tt_registry_op_kind {
#define X(name) TT_REGISTRY_##name,
    TT_REGISTRY_OP_MAP(X)
#undef X
};

struct tt_registered_device {
    tt_id device;
    uint64_t epoch;
    struct tt_place place;
};

/* What the registry knows of a user. An entry under a dead server does not count. */
struct tt_whereabouts {
    tt_id user;
    const struct tt_registered_device *devices;
    size_t device_count;
    tt_time last_seen; /* 0: the registry knows none */
    uint64_t version;  /* of online and last seen: a smaller one never overwrites a larger one */
    const struct tt_place *watchers; /* nodes with a device that has a chat with the user open */
    size_t watcher_count;
};

struct tt_register {
    tt_id user;
    struct tt_registered_device device;

    struct tt_registered_device previous; /* device none: nothing was overwritten */
    struct tt_whereabouts user_now;       /* after registering; watchers read after it */
};

struct tt_unregister {
    tt_id user;
    tt_id device;
    uint64_t epoch;
    tt_time at; /* last seen, if no device of the user is left */

    bool removed; /* false: the entry was of another epoch, nothing changed */
    struct tt_whereabouts user_now;
};

/* LOOKUP, WATCH and UNWATCH. */
struct tt_about_users {
    const tt_id *users;
    size_t user_count;
    struct tt_place watcher; /* WATCH and UNWATCH */

    const struct tt_whereabouts *found; /* LOOKUP and WATCH (read after watching), same order */
};

struct tt_registry_op {
    enum tt_registry_op_kind kind;
    tt_err err;
    struct tt_op_tag tag;
    struct tt_arena arena;
    struct tt_registry_op *next;
    void *asked; /* the adapter's own, in the arena; kept where an op is asked again */
    union {
        struct tt_register reg;
        struct tt_unregister unreg;
        struct tt_about_users about;
    };
};

struct tt_registry_op *tt_registry_op_create(enum tt_registry_op_kind kind);

/* Sets *op to NULL. */
void tt_registry_op_destroy(struct tt_registry_op **op);

const char *tt_registry_op_name(enum tt_registry_op_kind kind);

#endif
