/*
 * bell: a notification on its way to a push service: the notifier's own copy, and where its outcome
 * is told. Whoever has it must end it, once.
 */
#ifndef TT_ADAPTER_PUSH_BELL_H
#define TT_ADAPTER_PUSH_BELL_H

#include <stdatomic.h>

#include "port/notifier.h"

/* What became of notifications, by enum tt_push_provider. From any thread. */
struct tt_push_counts {
    atomic_uint_fast64_t accepted;
    atomic_uint_fast64_t failed;
    atomic_uint_fast64_t gone;
    atomic_uint_fast64_t put_off;
    atomic_uint_fast64_t resent;      /* with an unknown outcome, or refused */
    atomic_uint_fast64_t connections; /* that were made */
};

struct tt_bell {
    struct tt_bell *next;
    struct tt_notification notification; /* its bytes lie at the end */
    struct tt_notifier_sink sink;
    struct tt_push_counts *counts; /* of its provider; borrowed */
    tt_mono queued_at;
    uint8_t refused;      /* times, not processed for sure */
    uint8_t unknown;      /* times with an unknown outcome */
    bool has_fresh_token; /* the service's own token was renewed for it */
    char bytes[];
};

struct tt_bell *tt_bell_create(const struct tt_notification *notification,
                               const struct tt_notifier_sink *sink);

/* Each tells the outcome (of a RING), counts it and frees the bell; `detail` is cut where it is
 * long and made plain. */
void tt_bell_accepted(struct tt_bell *bell, struct tt_slice id);
void tt_bell_failed(struct tt_bell *bell, struct tt_slice reason);
void tt_bell_gone(struct tt_bell *bell, struct tt_slice reason, tt_time dead_since);
void tt_bell_put_off(struct tt_bell *bell, struct tt_slice reason, uint32_t retry_after_ms);

/* Without an outcome: the process ends. */
void tt_bell_destroy(struct tt_bell *bell);

/* First in, first out, with a way back to the front. */
struct tt_bells {
    struct tt_bell *first;
    struct tt_bell *last;
    size_t count;
};

void tt_bells_add(struct tt_bells *bells, struct tt_bell *bell);
void tt_bells_add_front(struct tt_bells *bells, struct tt_bell *bell);
struct tt_bell *tt_bells_take(struct tt_bells *bells);

/* The value of a Retry-After field in seconds, as milliseconds; 0: none, or a date. */
uint32_t tt_retry_after_ms(struct tt_slice value);

#endif
