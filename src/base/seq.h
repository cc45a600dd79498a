/*
 * seq: the position of a message in its conversation: 1, 2, 3, ... without gaps; 0 is "before the
 * first". A struct, so that it cannot be confused with a time, a user id or a count.
 */
#ifndef TT_BASE_SEQ_H
#define TT_BASE_SEQ_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    uint64_t n;
} tt_seq;

#define TT_SEQ(number) ((tt_seq){(number)})

/* The largest integer that every JSON reader keeps exactly (RFC 8259, section 6). */
#define TT_SEQ_MAX 9007199254740991ULL

static inline tt_seq tt_seq_max(tt_seq a, tt_seq b)
{
    return a.n > b.n ? a : b;
}

static inline tt_seq tt_seq_min(tt_seq a, tt_seq b)
{
    return a.n < b.n ? a : b;
}

static inline tt_seq tt_seq_next(tt_seq seq)
{
    return TT_SEQ(seq.n + 1);
}

#endif
