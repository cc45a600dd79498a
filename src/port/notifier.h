/*
 * notifier: tries to make a phone ring. It never delivers, and nothing waits for it.
 */
#ifndef TT_PORT_NOTIFIER_H
#define TT_PORT_NOTIFIER_H

#include "model/notification.h"

struct tt_notifier_port {
    void *self;
    void (*notify)(void *self, const struct tt_notification *notification); /* borrowed */
};

#endif
