/*
 * wait: a condition between threads with a bound on the wait, on the monotonic clock.
 */
#ifndef TT_APP_WAIT_H
#define TT_APP_WAIT_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

void tt_wait_init(pthread_cond_t *condition);

/* When a wait of so long that begins now must end; in nanoseconds. */
uint64_t tt_wait_until(uint32_t wait_ms);

/* As pthread_cond_timedwait; false: the time is over. */
bool tt_wait(pthread_cond_t *condition, pthread_mutex_t *lock, uint64_t until);

#endif
