/*
 * limiter: token buckets for very many keys in constant memory: what somebody tries, by account and
 * by address.
 *
 * A key's bucket is found by its seeded hash alone, so that keys may share one. That is rare with
 * few keys, and nobody can choose keys that do without knowing the seed; what it costs is that
 * somebody waits who need not. Nothing here ever lets somebody through who must wait.
 */
#ifndef TT_BASE_LIMITER_H
#define TT_BASE_LIMITER_H

#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "base/time.h"

struct tt_limiter;

struct tt_limiter_rule {
    uint32_t burst;       /* so many at once; 0: no limit */
    uint32_t interval_ms; /* then one each */
};

struct tt_limiter *tt_limiter_create(size_t bucket_count, uint64_t seed);
void tt_limiter_destroy(struct tt_limiter **take_limiter);

/* 0, or after how many milliseconds the key may try again. Takes nothing. */
uint32_t tt_limiter_wait_ms(const struct tt_limiter *limiter, const struct tt_limiter_rule *rule,
                            struct tt_slice key, tt_mono now);

/* One try; wait_ms was 0. */
void tt_limiter_take(struct tt_limiter *limiter, const struct tt_limiter_rule *rule,
                     struct tt_slice key, tt_mono now);

/* It was a good one after all, and does not count. */
void tt_limiter_give_back(struct tt_limiter *limiter, const struct tt_limiter_rule *rule,
                          struct tt_slice key);

#endif
