/*
 * load: a few bytes of a text as one number, in the byte order of the machine. What is not longer
 * than sixteen bytes is two of these, which overlap where they must.
 */
#ifndef TT_BASE_LOAD_H
#define TT_BASE_LOAD_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t tt_load8(const char *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof(word));
    return word;
}

static inline uint64_t tt_load4(const char *at)
{
    uint32_t word;
    memcpy(&word, at, sizeof(word));
    return word;
}

/* Of one to three bytes, all of them. */
static inline uint64_t tt_load_few(const char *at, size_t count)
{
    return (uint64_t)(unsigned char)at[0] << 16 | (uint64_t)(unsigned char)at[count / 2] << 8 |
           (unsigned char)at[count - 1];
}

#endif
