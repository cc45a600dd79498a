/*
 * alarm: one moment at which somebody wants to be called, in one loop. The loop's own deadline is
 * the node's; whoever else waits for something has an alarm.
 */
#ifndef TT_NET_ALARM_H
#define TT_NET_ALARM_H

#include "net/loop.h"

struct tt_alarm;

struct tt_alarm *tt_alarm_create(struct tt_loop *loop, void (*ring)(void *context), void *context);

/* Rings once at that time (in the past: in the next turn); 0: never. Replaces what was set. */
void tt_alarm_set(struct tt_alarm *alarm, tt_mono at);

/* When it will ring; 0: never. */
tt_mono tt_alarm_at(const struct tt_alarm *alarm);

/* Sets *alarm to NULL; it does not ring any more. May be called from `ring`. */
void tt_alarm_destroy(struct tt_alarm **alarm);

#endif
