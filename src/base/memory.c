#include "base/memory.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/assert.h"

static void *given(void *memory)
{
    bool out_of_memory = memory == NULL;
    TT_ASSERT(!out_of_memory);
    return memory;
}

void *tt_alloc(size_t size)
{
    return given(calloc(1, size));
}

void *tt_grow(void *old, size_t count, size_t size)
{
    return given(reallocarray(old, count, size));
}

void tt_free(void *memory)
{
    free(memory);
}
