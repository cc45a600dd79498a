/*
 * input: bytes that were just read, taken from the front by whoever understands them.
 *
 * They lie in the scratch buffer that all sockets of a loop share, so they are gone when the read
 * callback returns; a decoder that needs them later has a `_keep`. They may be changed in place
 * (WebSocket payloads are unmasked there).
 */
#ifndef TT_NET_INPUT_H
#define TT_NET_INPUT_H

#include <stddef.h>

#include "base/slice.h"

struct tt_input {
    char *data;
    size_t size;
};

static inline void tt_input_take(struct tt_input *input, size_t size)
{
    TT_ASSERT(size <= input->size);
    if (size == 0)
        return; /* data may be NULL */
    input->data += size;
    input->size -= size;
}

#endif
