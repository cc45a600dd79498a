/*
 * histogram: times in buckets whose width grows with the time, so that every percentile is right to
 * 3 % whatever its size, in 16 KiB. (As Gil Tene's HdrHistogram does it.)
 */
#ifndef TT_APP_BENCH_HISTOGRAM_H
#define TT_APP_BENCH_HISTOGRAM_H

#include <stdint.h>

#define TT_HISTOGRAM_BUCKETS 2048

struct tt_histogram {
    uint64_t counts[TT_HISTOGRAM_BUCKETS];
    uint64_t count;
    uint64_t largest_ns;
};

void tt_histogram_add(struct tt_histogram *histogram, uint64_t nanoseconds);

/* The time, in milliseconds, that this part (0 to 1) of all took at most; 0 if there are none. */
double tt_histogram_ms(const struct tt_histogram *histogram, double part);

#endif
