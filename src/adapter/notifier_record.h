/*
 * notifier_record: a notifier that rings nowhere: it remembers the latest notifications and counts
 * them all. What a server without push services runs on.
 */
#ifndef TT_ADAPTER_NOTIFIER_RECORD_H
#define TT_ADAPTER_NOTIFIER_RECORD_H

#include <stdint.h>

#include "base/log.h"
#include "port/notifier.h"

#define TT_NOTIFIER_RECORD_MAX 64

/* Without the content: that is nobody's business here. */
struct tt_notifier_record {
    const struct tt_log *log; /* NULL, or where each is told at level debug */
    struct tt_notification latest[TT_NOTIFIER_RECORD_MAX];
    uint64_t count; /* the n-th, from 0, is in latest[n % TT_NOTIFIER_RECORD_MAX] */
};

struct tt_notifier_port tt_notifier_record(struct tt_notifier_record *record);

#endif
