/*
 * notification: a wish that a phone rings, or that a shown notification goes away again, and what
 * became of it. It is never a delivery: no tick depends on it.
 */
#ifndef TT_MODEL_NOTIFICATION_H
#define TT_MODEL_NOTIFICATION_H

#include "base/id.h"
#include "base/seq.h"
#include "base/slice.h"
#include "model/push_address.h"

/* An app's badge never says more. */
#define TT_NOTIFICATION_BADGE_MAX 99

enum tt_notification_kind { TT_NOTIFY_RING, TT_NOTIFY_CLEAR };

struct tt_notification {
    enum tt_notification_kind kind;
    tt_id user;
    tt_id device;
    tt_id conversation;
    tt_seq seq; /* RING: of the message; CLEAR: read up to here */
    struct tt_push_address address;

    tt_id sender;                /* these are RING's */
    struct tt_slice sender_name; /* text of a JSON string; empty: none chosen */
    struct tt_slice title;       /* of the group, as sender_name; empty: none */
    struct tt_slice content;     /* see model/message.h; empty: not to be shown */
    uint32_t badge;              /* conversations with something unread */
};

enum tt_notify_outcome {
    TT_NOTIFY_ACCEPTED, /* the service has taken it */
    TT_NOTIFY_FAILED,   /* it never will be */
    TT_NOTIFY_GONE,     /* nor will anything else: the address is dead */
    TT_NOTIFY_LATER,    /* the service is away or wants less: worth asking again, if it still
                           matters */
};

/* What became of a RING; a CLEAR is best effort and nobody is told. */
struct tt_notified {
    enum tt_notify_outcome outcome;
    enum tt_push_provider provider;
    tt_id user;
    tt_id device;
    tt_id conversation;
    tt_seq seq;
    struct tt_slice detail;  /* plain text. ACCEPTED: the service's id; else the reason */
    struct tt_slice token;   /* GONE: of the dead address */
    tt_time dead_since;      /* GONE: an address registered later is alive; 0: it is dead */
    uint32_t retry_after_ms; /* LATER: the service asks for it; 0: it did not say */
};

#endif
