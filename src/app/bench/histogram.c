#include "app/bench/histogram.h"

#include <stddef.h>

#define HALF 32 /* buckets between a power of two and the next */

/* 0 to 63 exactly; above that 32 buckets to each power of two. */
static size_t bucket_of(uint64_t value)
{
    if (value < 2 * HALF)
        return (size_t)value;
    unsigned shift = 0;
    while (value >> shift >= 2 * HALF)
        shift++;
    return (size_t)shift * HALF + (size_t)(value >> shift);
}

static uint64_t end_of(size_t bucket)
{
    if (bucket < 2 * HALF)
        return bucket;
    size_t shift = bucket / HALF - 1;
    return ((bucket - shift * HALF + 1) << shift) - 1;
}

void tt_histogram_add(struct tt_histogram *histogram, uint64_t nanoseconds)
{
    size_t bucket = bucket_of(nanoseconds);
    histogram->counts[bucket < TT_HISTOGRAM_BUCKETS ? bucket : TT_HISTOGRAM_BUCKETS - 1]++;
    histogram->count++;
    if (nanoseconds > histogram->largest_ns)
        histogram->largest_ns = nanoseconds;
}

double tt_histogram_ms(const struct tt_histogram *histogram, double part)
{
    uint64_t wanted = (uint64_t)(part * (double)histogram->count);
    uint64_t seen = 0;
    for (size_t i = 0; i < TT_HISTOGRAM_BUCKETS; i++) {
        seen += histogram->counts[i];
        if (histogram->counts[i] == 0 || seen < wanted)
            continue;
        uint64_t end = end_of(i) < histogram->largest_ns ? end_of(i) : histogram->largest_ns;
        return (double)end / 1e6;
    }
    return 0;
}
