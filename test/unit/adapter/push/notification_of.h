/* notification_of: a notification to begin with. */
#ifndef TT_TEST_UNIT_ADAPTER_PUSH_NOTIFICATION_OF_H
#define TT_TEST_UNIT_ADAPTER_PUSH_NOTIFICATION_OF_H

#include "model/notification.h"

static inline struct tt_notification ring_of(const char *raw_content)
{
    return (struct tt_notification){
        .kind = TT_NOTIFY_RING,
        .user = tt_id_of("bob"),
        .device = tt_id_of("phone"),
        .conversation = tt_id_of("conv_abc123"),
        .seq = TT_SEQ(43),
        .address = {.provider = TT_PUSH_APNS, .token = TT_SLICE_LITERAL("aabb01")},
        .sender = tt_id_of("alice"),
        .sender_name = TT_SLICE_LITERAL("Alice \\\"A\\\""),
        .content = tt_slice_text(raw_content),
        .badge = 2,
    };
}

static inline struct tt_notification clear_of(void)
{
    struct tt_notification clear = ring_of("");
    clear.kind = TT_NOTIFY_CLEAR;
    return clear;
}

#endif
