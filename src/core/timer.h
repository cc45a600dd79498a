/*
 * timer: what a node waits for, in a binary heap. A timer lies inside what it belongs to, runs at
 * most once at a time, and costs nothing while it does not run. Equal times fire in the order in
 * which they were set, so a simulated run repeats exactly.
 */
#ifndef TT_CORE_TIMER_H
#define TT_CORE_TIMER_H

#include <stddef.h>

#include "base/time.h"

struct tt_timer {
    tt_mono due;
    uint32_t order;         /* of two, the one that was set first is less; wraps */
    uint32_t position : 28; /* in the heap, from 1; 0: not running */
    uint32_t kind : 4;      /* the owner's */
};

struct tt_timers {
    struct tt_timer **heap;
    uint32_t count;
    uint32_t capacity;
    uint32_t order;
};

/* Starts the timer, or moves it if it runs. */
void tt_timer_set(struct tt_timers *timers, struct tt_timer *timer, tt_mono due);

/* The same, but never later than it already is. */
void tt_timer_set_earlier(struct tt_timers *timers, struct tt_timer *timer, tt_mono due);

void tt_timer_stop(struct tt_timers *timers, struct tt_timer *timer);

/* Takes out the next timer that is due, or returns NULL. */
struct tt_timer *tt_timers_take_due(struct tt_timers *timers, tt_mono now);

/* When the next one is due; 0: none runs. */
tt_mono tt_timers_next(const struct tt_timers *timers);

void tt_timers_deinit(struct tt_timers *timers);

#endif
