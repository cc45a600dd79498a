/*
 * notifier: tries to make a phone ring. It never delivers, and no tick waits for it.
 *
 * Rules that hold for every adapter: each RING is answered exactly once through the sink, never
 * from within `notify`, unless the process ends first. What the service has not taken for sure is
 * LATER: the core asks again if it still matters then, so nothing has to be kept for long here. A
 * CLEAR is not answered. A ring may come twice; the conversation's collapse id hides that.
 */
#ifndef TT_PORT_NOTIFIER_H
#define TT_PORT_NOTIFIER_H

#include "model/notification.h"

struct tt_notifier_sink {
    void *context;
    void (*notified)(void *context, const struct tt_notified *notified); /* borrowed; any thread */
};

struct tt_notifier_port {
    void *self;
    void (*notify)(void *self, const struct tt_notification *notification); /* borrowed */
};

#endif
