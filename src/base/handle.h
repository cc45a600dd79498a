/*
 * handle: a reference to something that may be gone by the time it is used. The index finds the
 * slot, the generation (never 0) says whether it is still the same tenant.
 */
#ifndef TT_BASE_HANDLE_H
#define TT_BASE_HANDLE_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    uint32_t index;
    uint32_t generation;
} tt_handle;

#define TT_HANDLE_NONE ((tt_handle){0, 0})

static inline bool tt_handle_eq(tt_handle a, tt_handle b)
{
    return a.index == b.index && a.generation == b.generation;
}

static inline bool tt_handle_is_none(tt_handle handle)
{
    return handle.generation == 0;
}

#endif
