/*
 * why_text: why a tick is what it is, in sentences for a person.
 */
#ifndef TT_EDGE_WHY_TEXT_H
#define TT_EDGE_WHY_TEXT_H

#include "base/buffer.h"
#include "model/request.h"

/* What a push left behind, as the notifiers write it: "<provider> <its own words>". */
struct tt_push_detail {
    struct tt_slice provider; /* apns, fcm or webpush; empty if it is not named */
    struct tt_slice rest;
};

struct tt_push_detail tt_push_detail(struct tt_slice detail);

/* Appends the sentences for a reply to WHY: what the tick says, and of whom we wait for what. */
void tt_why_text(const struct tt_reply *reply, struct tt_buffer *out);

#endif
