/*
 * url: paths and queries, decoded strictly (RFC 3986): a % without two hex digits is an error, and
 * a + is a plus, so that an unescaped time with an offset is understood.
 */
#ifndef TT_EDGE_URL_H
#define TT_EDGE_URL_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/slice.h"

/* Takes the next segment off the front of "/a/b": first "a". False when nothing is left. */
bool tt_url_next_segment(struct tt_slice *path, struct tt_slice *segment);

/* Decodes into `bytes`. False if it is not well-formed or does not fit. */
bool tt_url_decode(struct tt_slice text, char *bytes, size_t capacity, size_t *size);

/* The value of a query's parameter, decoded; *found is false without it, and the value empty.
 * Fails with BAD_QUERY if it is there twice or is not well-formed. */
TT_MUST_CHECK tt_err tt_url_parameter(struct tt_slice query, const char *name,
                                      struct tt_arena *arena, bool *found, struct tt_slice *value);

#endif
