#include "base/memory.h"

#include <stdlib.h>

#include "base/assert.h"

void *tt_alloc(size_t size)
{
    void *memory = calloc(1, size);
    TT_ASSERT(memory != NULL);
    return memory;
}

void *tt_grow(void *old, size_t count, size_t size)
{
    void *memory = reallocarray(old, count, size);
    TT_ASSERT(memory != NULL);
    return memory;
}

void tt_free(void *memory)
{
    free(memory);
}
