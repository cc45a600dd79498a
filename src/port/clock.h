/*
 * clock: wall time to store and show, monotonic time to wait by. Never the one for the other.
 */
#ifndef TT_PORT_CLOCK_H
#define TT_PORT_CLOCK_H

#include "base/time.h"

struct tt_clock_port {
    void *self;
    tt_time (*wall)(void *self);
    tt_mono (*mono)(void *self);
};

#endif
