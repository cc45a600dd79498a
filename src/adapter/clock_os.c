#include "adapter/clock_os.h"

#include <stddef.h>
#include <time.h>

#include "base/assert.h"

static struct timespec read_clock(clockid_t id)
{
    struct timespec now;
    int failed = clock_gettime(id, &now);
    TT_ASSERT(failed == 0);
    return now;
}

tt_time tt_clock_os_wall(void)
{
    struct timespec now = read_clock(CLOCK_REALTIME);
    return TT_TIME((int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000);
}

uint64_t tt_clock_os_nanoseconds(void)
{
    struct timespec now = read_clock(CLOCK_MONOTONIC);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

static tt_time wall(void *self)
{
    (void)self;
    return tt_clock_os_wall();
}

/* One more, since 0 means "never". */
static tt_mono mono(void *self)
{
    (void)self;
    return TT_MONO(tt_clock_os_nanoseconds() / 1000000U + 1);
}

struct tt_clock_port tt_clock_os(void)
{
    return (struct tt_clock_port){.self = NULL, .wall = wall, .mono = mono};
}
