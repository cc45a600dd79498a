/*
 * fake_notifier: the notifier port, with a push service behind it that keeps the newest push of
 * each device and conversation. It may put things off, or lose its answer with the node that asked.
 */
#ifndef TT_SIM_FAKE_NOTIFIER_H
#define TT_SIM_FAKE_NOTIFIER_H

#include "base/map.h"
#include "port/notifier.h"
#include "sim/agenda.h"
#include "sim/prng.h"

struct tt_fake_notifier {
    struct tt_agenda *agenda;
    struct tt_prng prng;
    struct tt_map accepted; /* by user, device and conversation: the newest push */
    bool is_away;           /* it puts everything off */
    uint64_t rung;
    uint64_t cleared;
};

void tt_fake_notifier_init(struct tt_fake_notifier *notifier, struct tt_agenda *agenda,
                           uint64_t seed);
void tt_fake_notifier_deinit(struct tt_fake_notifier *notifier);

/* Takes a notification; the outcome is told to the sink, later. */
void tt_fake_notifier_ring(struct tt_fake_notifier *notifier,
                           const struct tt_notification *notification,
                           struct tt_notifier_sink sink);

/* The seq of the newest push that was accepted; 0: none was. */
tt_seq tt_fake_notifier_accepted(const struct tt_fake_notifier *notifier, const tt_id *user,
                                 const tt_id *device, const tt_id *conversation);

#endif
