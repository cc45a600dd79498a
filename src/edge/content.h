/*
 * content: the rules for texts that people wrote. They stay raw (see base/json.h) all the way from
 * the sender's frame to the receiver's.
 */
#ifndef TT_EDGE_CONTENT_H
#define TT_EDGE_CONTENT_H

#include "base/json.h"

/* A message's content: 1 to `size_max` bytes when decoded. Fails with KEY_MISSING, BAD_CONTENT or
 * TOO_BIG. */
TT_MUST_CHECK tt_err tt_content_check(struct tt_json value, size_t size_max,
                                      struct tt_slice *content);

/* A title or a display name: none, or at most TT_LIMIT_TITLE_BYTES of raw text. Fails with
 * BAD_TYPE, BAD_CONTENT or TOO_BIG. */
TT_MUST_CHECK tt_err tt_title_check(struct tt_json value, struct tt_slice *title);

#endif
