#include "base/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <string.h>

#include "base/memory.h"

/* Most arenas belong to one op and hold a few names and a text, so they begin small. */
#define BLOCK_SIZE_FIRST 512
#define BLOCK_SIZE       4096

struct tt_arena_block {
    struct tt_arena_block *next;
    size_t size;
    alignas(max_align_t) char bytes[];
};

static void add_block(struct tt_arena *arena, size_t size_min)
{
    size_t size = (arena->blocks == NULL ? BLOCK_SIZE_FIRST : BLOCK_SIZE) - sizeof(*arena->blocks);
    if (size_min > size)
        size = size_min;
    struct tt_arena_block *block = tt_grow(NULL, 1, sizeof(*block) + size);
    block->size = size;
    block->next = arena->blocks;
    arena->blocks = block;
    arena->used = 0;
}

static void *take(struct tt_arena *arena, size_t size)
{
    size_t rounded = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    TT_ASSERT(rounded >= size);
    if (arena->blocks == NULL || arena->blocks->size - arena->used < rounded)
        add_block(arena, rounded);
    void *piece = arena->blocks->bytes + arena->used;
    arena->used += rounded;
    return piece;
}

void *tt_arena_alloc(struct tt_arena *arena, size_t size)
{
    void *piece = take(arena, size);
    memset(piece, 0, size);
    return piece;
}

void *tt_arena_array(struct tt_arena *arena, size_t count, size_t size)
{
    TT_ASSERT(count == 0 || size <= SIZE_MAX / count);
    return tt_arena_alloc(arena, count * size);
}

struct tt_slice tt_arena_copy(struct tt_arena *arena, struct tt_slice bytes)
{
    if (bytes.size == 0)
        return TT_SLICE_EMPTY;
    char *copy = take(arena, bytes.size);
    memcpy(copy, bytes.data, bytes.size);
    return tt_slice(copy, bytes.size);
}

static void free_blocks(struct tt_arena_block *block)
{
    while (block != NULL) {
        struct tt_arena_block *next = block->next;
        tt_free(block);
        block = next;
    }
}

void tt_arena_reset(struct tt_arena *arena)
{
    struct tt_arena_block *kept = arena->blocks;
    if (kept == NULL)
        return;
    if (kept->size > BLOCK_SIZE * 16) {
        tt_arena_deinit(arena);
        return;
    }
    free_blocks(kept->next);
    kept->next = NULL;
    arena->used = 0;
}

void tt_arena_deinit(struct tt_arena *arena)
{
    free_blocks(arena->blocks);
    *arena = (struct tt_arena){0};
}
