/*
 * cookie: the session cookie (RFC 6265bis): for this server's own pages, out of reach of their
 * scripts, and never sent along by another site's.
 */
#ifndef TT_EDGE_COOKIE_H
#define TT_EDGE_COOKIE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"

/* Adds the Set-Cookie field; `secure`: for HTTPS only. */
void tt_cookie_set(struct tt_buffer *fields, struct tt_slice token, int64_t max_age_s, bool secure);

/* Makes the browser forget it. */
void tt_cookie_clear(struct tt_buffer *fields, bool secure);

#endif
