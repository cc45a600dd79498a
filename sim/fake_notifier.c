#include "sim/fake_notifier.h"

static void notify(void *self, const struct tt_notification *notification)
{
    struct tt_fake_notifier *notifier = self;
    notifier->rung += notification->kind == TT_NOTIFY_RING;
    notifier->cleared += notification->kind == TT_NOTIFY_CLEAR;
    if (notifier->heard != NULL)
        notifier->heard(notifier->context, notification);
}

struct tt_notifier_port tt_fake_notifier_port(struct tt_fake_notifier *notifier)
{
    return (struct tt_notifier_port){notifier, notify};
}
