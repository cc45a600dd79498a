/*
 * push_codec: a push address as a device registers it.
 */
#ifndef TT_EDGE_PUSH_CODEC_H
#define TT_EDGE_PUSH_CODEC_H

#include "base/arena.h"
#include "base/err.h"
#include "edge/problem.h"
#include "model/push_address.h"

/*
 * Reads the body of PUT /device/{id}/push:
 *
 *   {"provider":"apns", "token":HEX, "environment"?:"production"|"sandbox"}
 *   {"provider":"fcm", "token":TEXT}
 *   {"provider":"webpush", "endpoint":URL, "keys":{"p256dh":BASE64URL, "auth":BASE64URL}, ...}
 *
 * the latter being a browser's PushSubscription as JSON; it may also stand in "subscription".
 * What the address points at lies in the arena. On failure `problem` says more.
 */
TT_MUST_CHECK tt_err tt_push_address_read(struct tt_slice body, struct tt_arena *arena,
                                          struct tt_push_address *address,
                                          struct tt_problem *problem);

#endif
