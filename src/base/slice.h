/*
 * slice: bytes that somebody else owns. Never terminated, never freed by who holds it.
 */
#ifndef TT_BASE_SLICE_H
#define TT_BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/assert.h"

struct tt_slice {
    const char *data;
    size_t size;
};

#define TT_SLICE_EMPTY        ((struct tt_slice){NULL, 0})
#define TT_SLICE_LITERAL(lit) ((struct tt_slice){"" lit, sizeof(lit) - 1})

static inline struct tt_slice tt_slice(const void *data, size_t size)
{
    return (struct tt_slice){(const char *)data, size};
}

static inline struct tt_slice tt_slice_text(const char *text)
{
    return (struct tt_slice){text, strlen(text)};
}

static inline bool tt_slice_eq(struct tt_slice a, struct tt_slice b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

/* Order by bytes, a prefix first. */
static inline int tt_slice_compare(struct tt_slice a, struct tt_slice b)
{
    size_t shorter = a.size < b.size ? a.size : b.size;
    int order = shorter == 0 ? 0 : memcmp(a.data, b.data, shorter);
    if (order != 0)
        return order;
    return a.size < b.size ? -1 : a.size > b.size;
}

/* What follows the first `start` bytes. */
static inline struct tt_slice tt_slice_from(struct tt_slice slice, size_t start)
{
    TT_ASSERT(start <= slice.size);
    return (struct tt_slice){slice.data + start, slice.size - start};
}

/* What stands before the first `mark`, which is taken off too; all of it where there is none. */
static inline struct tt_slice tt_slice_take_until(struct tt_slice *rest, char mark)
{
    if (rest->size == 0)
        return TT_SLICE_EMPTY;
    const char *data = rest->data;
    const char *at = (const char *)memchr(data, mark, rest->size);
    size_t size = at == NULL ? rest->size : (size_t)(at - data);
    *rest = tt_slice_from(*rest, at == NULL ? size : size + 1);
    return tt_slice(data, size);
}

#endif
