/*
 * id: the name of a user, a device, a conversation or a client's message: 1 to 64 bytes of
 * A-Z a-z 0-9 _ - . : @ (PROTOCOL, "Values"). A value: copied, compared and hashed as a whole; a
 * zeroed one is "none". Only tt_id_parse makes one from outside bytes, so a tt_id is always valid.
 */
#ifndef TT_BASE_ID_H
#define TT_BASE_ID_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/err.h"
#include "base/slice.h"

#define TT_ID_SIZE_MAX 64

typedef struct {
    uint8_t size;
    char bytes[TT_ID_SIZE_MAX];
} tt_id;

/* Fails with BAD_ID. */
TT_MUST_CHECK tt_err tt_id_parse(struct tt_slice text, tt_id *id);

/* For names that the program itself chose; asserts that they are valid. */
tt_id tt_id_of(const char *text);

static inline struct tt_slice tt_id_slice(const tt_id *id)
{
    return tt_slice(id->bytes, id->size);
}

static inline bool tt_id_eq(const tt_id *a, const tt_id *b)
{
    return a->size == b->size && memcmp(a->bytes, b->bytes, a->size) == 0;
}

static inline bool tt_id_is_none(const tt_id *id)
{
    return id->size == 0;
}

static inline int tt_id_compare(const tt_id *a, const tt_id *b)
{
    return tt_slice_compare(tt_id_slice(a), tt_id_slice(b));
}

#endif
