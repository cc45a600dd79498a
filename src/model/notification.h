/*
 * notification: a wish that a phone rings, or that a shown notification goes away again. It is
 * never a delivery: no tick depends on it.
 */
#ifndef TT_MODEL_NOTIFICATION_H
#define TT_MODEL_NOTIFICATION_H

#include "base/id.h"
#include "base/seq.h"
#include "base/slice.h"

enum tt_notification_kind { TT_NOTIFY_RING, TT_NOTIFY_CLEAR };

struct tt_notification {
    enum tt_notification_kind kind;
    tt_id user;
    tt_id device;
    tt_id conversation;
    tt_seq seq; /* RING: of the message; CLEAR: read up to here */
    tt_id sender;
    struct tt_slice content; /* RING: see model/message.h */
};

#endif
