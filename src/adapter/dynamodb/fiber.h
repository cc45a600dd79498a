/*
 * fiber: a stack of its own for work that has to wait in the middle.
 *
 * An operation of the store is several requests that depend on each other, with retries and races
 * between them. On a stack of its own it is read from top to bottom, as the protocol is written
 * down; as callbacks it would be in pieces, and its proof too. All fibers of a pool belong to one
 * thread: exactly one runs at a time, and only tt_fiber_wait lets another one run.
 */
#ifndef TT_ADAPTER_DYNAMODB_FIBER_H
#define TT_ADAPTER_DYNAMODB_FIBER_H

#include <stddef.h>

#define TT_FIBER_STACK_SIZE ((size_t)128 * 1024)

struct tt_fiber;
struct tt_fiber_pool;

struct tt_fiber_pool *tt_fiber_pool_create(void);

/* Sets *pool to NULL. Fibers that wait are forgotten with their stacks: what they hold must be
 * known elsewhere. */
void tt_fiber_pool_destroy(struct tt_fiber_pool **pool);

/* Runs `run` until it waits or returns. Not from within a fiber. */
void tt_fiber_start(struct tt_fiber_pool *pool, void (*run)(void *context), void *context);

/* From within a fiber: the one that runs. */
struct tt_fiber *tt_fiber_self(struct tt_fiber_pool *pool);

/* From within a fiber: returns after somebody has called tt_fiber_resume. */
void tt_fiber_wait(struct tt_fiber_pool *pool);

/* Goes on with a fiber that waits, until it waits again or returns. Not from within a fiber. */
void tt_fiber_resume(struct tt_fiber *fiber);

#endif
