#include "base/limiter.h"

#include "base/map.h"
#include "base/memory.h"

/* The generic cell rate algorithm (ITU-T I.371): of each bucket only the time is kept at which it
 * would be full again. */
struct tt_limiter {
    uint64_t seed;
    size_t count;
    uint64_t full_at_ms[];
};

struct tt_limiter *tt_limiter_create(size_t bucket_count, uint64_t seed)
{
    struct tt_limiter *limiter =
        tt_alloc(sizeof(*limiter) + bucket_count * sizeof(limiter->full_at_ms[0]));
    limiter->seed = seed;
    limiter->count = bucket_count;
    return limiter;
}

void tt_limiter_destroy(struct tt_limiter **take_limiter)
{
    tt_free(*take_limiter);
    *take_limiter = NULL;
}

static size_t bucket_of(const struct tt_limiter *limiter, struct tt_slice key)
{
    return tt_hash(key, limiter->seed) % limiter->count;
}

uint32_t tt_limiter_wait_ms(const struct tt_limiter *limiter, const struct tt_limiter_rule *rule,
                            struct tt_slice key, tt_mono now)
{
    uint64_t full_at = limiter->full_at_ms[bucket_of(limiter, key)];
    uint64_t depth = (uint64_t)rule->burst * rule->interval_ms;
    if (rule->burst == 0 || full_at + rule->interval_ms <= now.ms + depth)
        return 0;
    uint64_t wait = full_at + rule->interval_ms - depth - now.ms;
    return wait < UINT32_MAX ? (uint32_t)wait : UINT32_MAX;
}

void tt_limiter_take(struct tt_limiter *limiter, const struct tt_limiter_rule *rule,
                     struct tt_slice key, tt_mono now)
{
    uint64_t *full_at = &limiter->full_at_ms[bucket_of(limiter, key)];
    if (*full_at < now.ms)
        *full_at = now.ms;
    *full_at += rule->interval_ms;
}

void tt_limiter_give_back(struct tt_limiter *limiter, const struct tt_limiter_rule *rule,
                          struct tt_slice key)
{
    uint64_t *full_at = &limiter->full_at_ms[bucket_of(limiter, key)];
    *full_at -= *full_at < rule->interval_ms ? *full_at : rule->interval_ms;
}
