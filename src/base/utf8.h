/*
 * utf8: is this UTF-8? As RFC 3629 has it: no overlong forms, no surrogates, nothing above
 * U+10FFFF.
 *
 * A zeroed struct tt_utf8 stands at the start of a text; the text may come in any pieces, and what
 * cannot become UTF-8 any more is found at its first such byte.
 */
#ifndef TT_BASE_UTF8_H
#define TT_BASE_UTF8_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

struct tt_utf8 {
    uint8_t state;
};

/* Reads the next piece. False from the first byte on that no continuation could make right. */
bool tt_utf8_feed(struct tt_utf8 *utf8, struct tt_slice bytes);

/* Whether the text may end here, that is, not inside of a character. */
bool tt_utf8_complete(const struct tt_utf8 *utf8);

/* Whether the slice is a whole valid text; the empty one is. */
bool tt_utf8_valid(struct tt_slice text);

#endif
