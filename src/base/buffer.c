#include "base/buffer.h"

#include "base/assert.h"
#include "base/memory.h"

#define CAPACITY_MIN 128

char *tt_buffer_reserve(struct tt_buffer *buffer, size_t size)
{
    size_t needed = buffer->size + size;
    TT_ASSERT(needed >= size);
    if (needed > buffer->capacity) {
        size_t capacity = buffer->capacity < CAPACITY_MIN ? CAPACITY_MIN : buffer->capacity * 2;
        if (capacity < needed)
            capacity = needed;
        buffer->data = tt_grow(buffer->data, capacity, 1);
        buffer->capacity = capacity;
    }
    return buffer->data + buffer->size;
}

void tt_buffer_grow_by(struct tt_buffer *buffer, size_t size)
{
    TT_ASSERT(size <= buffer->capacity - buffer->size);
    buffer->size += size;
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

void tt_buffer_add_u64(struct tt_buffer *buffer, uint64_t number)
{
    char digits[20];
    size_t count = 0;
    do {
        digits[sizeof(digits) - ++count] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    tt_buffer_add(buffer, tt_slice(digits + sizeof(digits) - count, count));
}
