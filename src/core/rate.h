/*
 * rate: a token bucket that holds five seconds' worth, and how long somebody has gone on past it.
 */
#ifndef TT_CORE_RATE_H
#define TT_CORE_RATE_H

#include <stdbool.h>

#include "base/time.h"

#define TT_RATE_BURST 5 /* times the rate */

struct tt_rate {
    uint64_t
        used_until_ms;     /* monotonic time at which the bucket will be full again, in 1/1024 ms */
    tt_mono refused_since; /* 0: not refusing */
    tt_mono refused_at;
};

/* Takes one token. 0: taken; else after how many milliseconds there will be one. A rate of 0 is no
 * limit. */
uint32_t tt_rate_take(struct tt_rate *rate, uint32_t per_s, tt_mono now);

/* Whether it is as if nothing had ever been taken. */
bool tt_rate_is_at_rest(const struct tt_rate *rate, tt_mono now);

/* Whether the refusals have gone on for so long that it is abuse. */
bool tt_rate_is_abused(const struct tt_rate *rate, tt_mono now);

#endif
