/*
 * reply_codec: the core's replies as HTTP statuses and JSON bodies.
 */
#ifndef TT_EDGE_REPLY_CODEC_H
#define TT_EDGE_REPLY_CODEC_H

#include "base/buffer.h"
#include "edge/request_codec.h"
#include "model/request.h"

/* Appends the body of the answer and returns its status. */
int tt_reply_write(const struct tt_reply *reply, const struct tt_caller *caller,
                   struct tt_buffer *body);

/* The body of the 409 for a user's device too many: it names the ones that are linked. */
void tt_write_too_many_devices(const struct tt_device *devices, size_t count,
                               struct tt_buffer *body);

#endif
