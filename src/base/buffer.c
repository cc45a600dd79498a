#include "base/buffer.h"

#include "base/assert.h"
#include "base/memory.h"

#define CAPACITY_MIN 128

void tt_buffer_enlarge(struct tt_buffer *buffer, size_t size)
{
    size_t needed = buffer->size + size;
    TT_ASSERT(needed >= size);
    size_t capacity = buffer->capacity < CAPACITY_MIN ? CAPACITY_MIN : buffer->capacity * 2;
    if (capacity < needed)
        capacity = needed;
    buffer->data = tt_grow(buffer->data, capacity, 1);
    buffer->capacity = capacity;
}

void tt_buffer_consume(struct tt_buffer *buffer, size_t size)
{
    TT_ASSERT(size <= buffer->size);
    buffer->size -= size;
    if (buffer->size > 0 && size > 0)
        memmove(buffer->data, buffer->data + size, buffer->size);
}

void tt_buffer_deinit(struct tt_buffer *buffer)
{
    tt_free(buffer->data);
    *buffer = (struct tt_buffer){0};
}

char *tt_buffer_put_u64(char *at, uint64_t number)
{
    char digits[TT_U64_TEXT_MAX];
    size_t count = 0;
    do {
        digits[TT_U64_TEXT_MAX - ++count] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    memcpy(at, digits + TT_U64_TEXT_MAX - count, count);
    return at + count;
}

void tt_buffer_add_u64(struct tt_buffer *buffer, uint64_t number)
{
    const char *start = tt_buffer_reserve(buffer, TT_U64_TEXT_MAX);
    const char *after = tt_buffer_put_u64(buffer->data + buffer->size, number);
    tt_buffer_grow_by(buffer, (size_t)(after - start));
}
