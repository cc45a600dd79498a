/*
 * time: two clocks that must never be mixed up.
 *
 * tt_time is wall time, milliseconds since 1970 in UTC: it is stored and shown, and decides
 * nothing. tt_mono is monotonic time in milliseconds: it drives every timer, and means nothing
 * outside of the process. 0 means "never" or "not set" in both.
 */
#ifndef TT_BASE_TIME_H
#define TT_BASE_TIME_H

#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"

typedef struct {
    int64_t ms;
} tt_time;

typedef struct {
    uint64_t ms;
} tt_mono;

#define TT_TIME(number) ((tt_time){(number)})
#define TT_MONO(number) ((tt_mono){(number)})

static inline tt_time tt_time_max(tt_time a, tt_time b)
{
    return a.ms > b.ms ? a : b;
}

static inline tt_mono tt_mono_after(tt_mono now, uint64_t ms)
{
    return TT_MONO(now.ms + ms);
}

/* "2024-01-15T09:42:00.000Z" and its end. */
#define TT_TIME_TEXT_SIZE 24

/* Writes RFC 3339 (section 5.6) in UTC with milliseconds, always TT_TIME_TEXT_SIZE bytes, without
 * a terminator. Times before year 0 or after 9999 are shown as the nearest that has this form. */
void tt_time_format(tt_time time, char text[TT_TIME_TEXT_SIZE]);

/* Reads any RFC 3339 date-time (offset or Z, any number of decimals; what is finer than a
 * millisecond is cut off). Fails with BAD_TIME. */
TT_MUST_CHECK tt_err tt_time_parse(struct tt_slice text, tt_time *time);

#endif
