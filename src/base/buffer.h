/*
 * buffer: bytes that grow at the end. A zeroed buffer is empty and owns nothing, so that an idle
 * connection costs no memory; tt_buffer_deinit makes it so again.
 */
#ifndef TT_BASE_BUFFER_H
#define TT_BASE_BUFFER_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/slice.h"

struct tt_buffer {
    char *data;
    size_t size;
    size_t capacity;
};

/* Enlarges the room at the end to at least `size` bytes. */
void tt_buffer_enlarge(struct tt_buffer *buffer, size_t size);

/* Room for `size` more bytes at data + size; they count only after tt_buffer_grow_by. */
static inline char *tt_buffer_reserve(struct tt_buffer *buffer, size_t size)
{
    if (size > buffer->capacity - buffer->size)
        tt_buffer_enlarge(buffer, size);
    return buffer->data + buffer->size;
}

/* Counts `size` bytes that were written into reserved room. */
static inline void tt_buffer_grow_by(struct tt_buffer *buffer, size_t size)
{
    TT_ASSERT(size <= buffer->capacity - buffer->size);
    buffer->size += size;
}

/* Drops the first `size` bytes and moves the rest to the front. */
void tt_buffer_consume(struct tt_buffer *buffer, size_t size);

void tt_buffer_deinit(struct tt_buffer *buffer);

static inline void tt_buffer_add(struct tt_buffer *buffer, struct tt_slice bytes)
{
    if (bytes.size == 0)
        return;
    memcpy(tt_buffer_reserve(buffer, bytes.size), bytes.data, bytes.size);
    buffer->size += bytes.size;
}

static inline void tt_buffer_add_text(struct tt_buffer *buffer, const char *text)
{
    tt_buffer_add(buffer, tt_slice_text(text));
}

static inline void tt_buffer_add_byte(struct tt_buffer *buffer, char byte)
{
    *tt_buffer_reserve(buffer, 1) = byte;
    buffer->size++;
}

/* Decimal, without leading zeros. */
#define TT_U64_TEXT_MAX 20
void tt_buffer_add_u64(struct tt_buffer *buffer, uint64_t number);

/* The same at a place with room for TT_U64_TEXT_MAX bytes; returns where it ends. */
char *tt_buffer_put_u64(char *at, uint64_t number);

static inline struct tt_slice tt_buffer_slice(const struct tt_buffer *buffer)
{
    return tt_slice(buffer->data, buffer->size);
}

#endif
