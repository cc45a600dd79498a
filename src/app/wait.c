#include "app/wait.h"

#include <errno.h>
#include <time.h>

#include "adapter/clock_os.h"
#include "base/assert.h"

void tt_wait_init(pthread_cond_t *condition)
{
    pthread_condattr_t attributes;
    int failed = pthread_condattr_init(&attributes);
    failed |= pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    failed |= pthread_cond_init(condition, &attributes);
    TT_ASSERT(failed == 0);
    pthread_condattr_destroy(&attributes);
}

uint64_t tt_wait_until(uint32_t wait_ms)
{
    return tt_clock_os_nanoseconds() + wait_ms * 1000000ULL;
}

bool tt_wait(pthread_cond_t *condition, pthread_mutex_t *lock, uint64_t until)
{
    struct timespec at = {.tv_sec = (time_t)(until / 1000000000U),
                          .tv_nsec = (long)(until % 1000000000U)};
    return pthread_cond_timedwait(condition, lock, &at) != ETIMEDOUT;
}
