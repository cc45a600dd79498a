/*
 * history: what happened to messages and when, for message info, the tick timeline and `why`.
 */
#ifndef TT_MODEL_HISTORY_H
#define TT_MODEL_HISTORY_H

#include <stddef.h>

#include "base/id.h"
#include "base/seq.h"
#include "base/slice.h"
#include "base/time.h"

enum tt_happening_kind {
    TT_HAPPENED_STORED,        /* user: the sender; from == to */
    TT_HAPPENED_DELIVERED,     /* the user's delivered cursor moved over from..to */
    TT_HAPPENED_READ,          /* the same for read */
    TT_HAPPENED_CONNECTED,     /* user and device; no seqs */
    TT_HAPPENED_DISCONNECTED,  /* user and device; no seqs */
    TT_HAPPENED_PUSH_ACCEPTED, /* user and device; from == to; detail: the service's id */
    TT_HAPPENED_PUSH_FAILED,   /* user and device; from == to; detail: the reason */
};

struct tt_happening {
    enum tt_happening_kind kind;
    tt_time at;
    tt_seq from;
    tt_seq to;
    tt_id user;
    tt_id device;           /* none where it does not matter or may not be shown */
    struct tt_slice detail; /* plain text */
};

#endif
