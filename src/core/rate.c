#include "core/rate.h"

#include "base/limits.h"

#define FINE 1024 /* parts of a millisecond, so that 1,000 tokens a second are exact enough */

/* Who was not refused for so long has stopped. */
#define QUIET_MS 2000

/*
 * The generic cell rate algorithm (ITU-T I.371): instead of a level that must be refilled, one time
 * is kept, that at which the bucket would be full again if nothing more were taken.
 */
uint32_t tt_rate_take(struct tt_rate *rate, uint32_t per_s, tt_mono now)
{
    if (per_s == 0)
        return 0;
    uint64_t now_fine = now.ms * FINE;
    uint64_t cost = 1000ULL * FINE / per_s;
    uint64_t depth = cost * per_s * TT_RATE_BURST;
    uint64_t full_at = rate->used_until_ms > now_fine ? rate->used_until_ms : now_fine;
    if (full_at + cost <= now_fine + depth) {
        rate->used_until_ms = full_at + cost;
        return 0;
    }
    if (rate->refused_since.ms == 0 || now.ms > rate->refused_at.ms + QUIET_MS)
        rate->refused_since = now;
    rate->refused_at = now;
    return (uint32_t)((full_at + cost - depth - now_fine) / FINE + 1);
}

bool tt_rate_is_at_rest(const struct tt_rate *rate, tt_mono now)
{
    return rate->used_until_ms <= now.ms * FINE &&
           (rate->refused_since.ms == 0 || now.ms > rate->refused_at.ms + QUIET_MS);
}

bool tt_rate_is_abused(const struct tt_rate *rate, tt_mono now)
{
    return rate->refused_since.ms != 0 && now.ms == rate->refused_at.ms &&
           now.ms - rate->refused_since.ms >= TT_LIMIT_ABUSE_MS;
}
