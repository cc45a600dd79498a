/*
 * invite: a code by which one name may be registered, once: for there is each name only once. It is
 * made with the server's secret and kept nowhere; no token, and of no use as one.
 *
 *   code = expires "." base64url(HMAC-SHA256(secret, "twoticks invite" 0 user 0 expires))
 */
#ifndef TT_EDGE_INVITE_H
#define TT_EDGE_INVITE_H

#include <stdbool.h>

#include "base/buffer.h"
#include "base/id.h"
#include "base/time.h"

void tt_invite_make(struct tt_slice secret, const tt_id *user, tt_time expires,
                    struct tt_buffer *code);
bool tt_invite_is_good(struct tt_slice secret, const tt_id *user, struct tt_slice code,
                       tt_time now);

#endif
