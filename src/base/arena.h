/*
 * arena: memory that is taken piece by piece and given back all at once. A piece never moves.
 * A zeroed arena is ready for use.
 */
#ifndef TT_BASE_ARENA_H
#define TT_BASE_ARENA_H

#include <stddef.h>

#include "base/slice.h"

struct tt_arena_block;

struct tt_arena {
    struct tt_arena_block *blocks; /* the newest first */
    size_t used;                   /* of the newest block */
};

/* Zeroed memory, aligned for any type, that lives until the arena is reset. */
void *tt_arena_alloc(struct tt_arena *arena, size_t size);

/* The same, for an array. */
void *tt_arena_array(struct tt_arena *arena, size_t count, size_t size);

/* A copy of the bytes that lives as long as the arena. */
struct tt_slice tt_arena_copy(struct tt_arena *arena, struct tt_slice bytes);

/* Gives everything back but one block, which the next pieces come from. */
void tt_arena_reset(struct tt_arena *arena);

/* Gives everything back. The arena is ready for use again. */
void tt_arena_deinit(struct tt_arena *arena);

#endif
