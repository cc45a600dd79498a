/*
 * fake_notifier: the notifier port; it counts, and makes no phone ring.
 */
#ifndef TT_SIM_FAKE_NOTIFIER_H
#define TT_SIM_FAKE_NOTIFIER_H

#include "port/notifier.h"

struct tt_fake_notifier {
    uint64_t rung;
    uint64_t cleared;
    void *context;
    void (*heard)(void *context, const struct tt_notification *notification); /* may be NULL */
};

struct tt_notifier_port tt_fake_notifier_port(struct tt_fake_notifier *notifier);

#endif
