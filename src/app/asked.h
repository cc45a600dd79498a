/*
 * asked: what a node has asked its store: what the store answers at once, on the node's own thread,
 * and what goes to the store's threads and comes back from them.
 */
#ifndef TT_APP_ASKED_H
#define TT_APP_ASKED_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "port/store.h"

struct tt_asked {
    struct tt_store_port store;
    void (*came_back)(void *context); /* from any thread: there is something to take */
    void *context;

    struct tt_store_op *at_once; /* answered, oldest first; the rest, too, is the node's thread's */
    struct tt_store_op *at_once_last;
    struct tt_store_op **rest; /* of one submit: what the store could not answer at once */
    size_t rest_capacity;

    pthread_mutex_t lock;      /* guards what follows */
    pthread_cond_t changed;    /* something came back */
    struct tt_store_op *first; /* that came back from other threads */
    struct tt_store_op *last;
    size_t under_way; /* ops that the store has, or that wait here */
};

/* `store` may be set later, but before anything is asked. It calls tt_asked_done. */
void tt_asked_init(struct tt_asked *asked, void (*came_back)(void *context), void *context);

/* Waits for what the store still has; nothing of it is given to anybody. */
void tt_asked_deinit(struct tt_asked *asked);

/* As `submit` and `done` of a store port and its sink; `self` and `context` are a tt_asked. */
void tt_asked_submit(void *self, struct tt_store_op *const *ops, size_t count);
void tt_asked_done(void *context, struct tt_store_op *op);

/* What was answered, oldest first: at once, or by other threads. They are linked by `next`. */
struct tt_store_op *tt_asked_take_at_once(struct tt_asked *asked);
struct tt_store_op *tt_asked_take(struct tt_asked *asked);

#endif
