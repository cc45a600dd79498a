#include "adapter/notifier_record.h"

static void notify(void *self, const struct tt_notification *notification)
{
    struct tt_notifier_record *record = self;
    struct tt_notification *slot = &record->latest[record->count++ % TT_NOTIFIER_RECORD_MAX];
    *slot = *notification;
    slot->content = TT_SLICE_EMPTY;
    if (record->log == NULL)
        return;
    const char *event =
        notification->kind == TT_NOTIFY_RING ? "push would ring" : "push would clear";
    TT_LOG(record->log, DEBUG, event, tt_log_slice("user", tt_id_slice(&notification->user)),
           tt_log_slice("device", tt_id_slice(&notification->device)),
           tt_log_slice("conversation", tt_id_slice(&notification->conversation)),
           tt_log_number("seq", notification->seq.n));
}

struct tt_notifier_port tt_notifier_record(struct tt_notifier_record *record)
{
    return (struct tt_notifier_port){.self = record, .notify = notify};
}
