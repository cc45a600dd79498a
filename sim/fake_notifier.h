/*
 * fake_notifier: the notifier port, with a push service behind it that keeps the newest push of
 * each device and conversation. It may put things off, refuse them, take them without being able to
 * say so, be slow, or lose its answer with the node that asked.
 */
#ifndef TT_SIM_FAKE_NOTIFIER_H
#define TT_SIM_FAKE_NOTIFIER_H

#include "base/map.h"
#include "port/notifier.h"
#include "sim/agenda.h"
#include "sim/mutant.h"
#include "sim/prng.h"

struct tt_fake_notifier_faults {
    uint32_t later_per_mille;   /* it wants less, or is away */
    uint32_t unknown_per_mille; /* it takes it, and the answer is lost: to be asked for again */
    uint32_t fail_per_mille;    /* it will never take this one */
    uint32_t stall_per_mille;   /* it answers late */
    uint32_t stall_us;
    uint32_t retry_ms_max; /* what it asks for where it puts something off */
};

/* Who knows more about the phones; each function may be NULL. */
struct tt_fake_notifier_watch {
    void *context;
    /* Whether the address is dead, and since when (0: it never was one). */
    bool (*is_dead)(void *context, const struct tt_notification *notification, tt_time *since);
    void (*asked)(void *context, const struct tt_notification *notification,
                  enum tt_notify_outcome outcome, bool taken);
};

struct tt_fake_notifier {
    struct tt_agenda *agenda;
    struct tt_fake_notifier_faults faults;
    struct tt_fake_notifier_watch watch;
    enum tt_mutant mutant;
    struct tt_prng prng;
    struct tt_prng fate;     /* what goes wrong */
    struct tt_map accepted;  /* by user, device and conversation: the newest push */
    bool is_away;            /* it puts everything off */
    uint32_t retry_after_ms; /* what it asks for then; 0: it does not say */
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
