/*
 * memory: the C library's allocator, without its failures. A server that cannot get memory cannot
 * keep its promises either, so it stops here with a clear line; everything acknowledged is on disk.
 * What grows has a bound of its own long before (base/limits.h).
 */
#ifndef TT_BASE_MEMORY_H
#define TT_BASE_MEMORY_H

#include <stddef.h>

/* Zeroed memory; never NULL. */
void *tt_alloc(size_t size);

/* Room for `count` elements of `size` bytes; the new part is not zeroed. Never NULL. */
void *tt_grow(void *old, size_t count, size_t size);

void tt_free(void *memory);

/* Starts to load so many bytes, for whoever looks at them soon after; there need be no memory. */
static inline void tt_expect(const void *memory, size_t size)
{
    const char *at = memory;
    for (size_t i = 0; at != NULL && i < size; i += 64)
        __builtin_prefetch(at + i);
}

#endif
