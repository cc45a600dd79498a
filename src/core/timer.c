#include "core/timer.h"

#include <stdbool.h>

#include "base/assert.h"
#include "base/memory.h"

#define POSITION_MAX ((1U << 28) - 1)

static bool is_before(const struct tt_timer *a, const struct tt_timer *b)
{
    return a->due.ms != b->due.ms ? a->due.ms < b->due.ms : a->order - b->order > INT32_MAX;
}

static void place(struct tt_timers *timers, struct tt_timer *timer, uint32_t position)
{
    timers->heap[position - 1] = timer;
    timer->position = position & POSITION_MAX;
}

static void sift_up(struct tt_timers *timers, struct tt_timer *timer)
{
    uint32_t position = timer->position;
    while (position > 1 && is_before(timer, timers->heap[position / 2 - 1])) {
        place(timers, timers->heap[position / 2 - 1], position);
        position /= 2;
    }
    place(timers, timer, position);
}

static void sift_down(struct tt_timers *timers, struct tt_timer *timer)
{
    uint32_t position = timer->position;
    for (;;) {
        uint32_t child = position * 2;
        if (child > timers->count)
            break;
        if (child < timers->count && is_before(timers->heap[child], timers->heap[child - 1]))
            child++;
        if (!is_before(timers->heap[child - 1], timer))
            break;
        place(timers, timers->heap[child - 1], position);
        position = child;
    }
    place(timers, timer, position);
}

void tt_timer_set(struct tt_timers *timers, struct tt_timer *timer, tt_mono due)
{
    TT_ASSERT(due.ms > 0);
    timer->due = due;
    timer->order = ++timers->order;
    if (timer->position == 0) {
        TT_ASSERT(timers->count < POSITION_MAX);
        if (timers->count == timers->capacity) {
            timers->capacity = timers->capacity == 0 ? 64 : timers->capacity * 2;
            timers->heap = tt_grow(timers->heap, timers->capacity, sizeof(timers->heap[0]));
        }
        place(timers, timer, ++timers->count);
    }
    sift_up(timers, timer);
    sift_down(timers, timer);
}

void tt_timer_set_earlier(struct tt_timers *timers, struct tt_timer *timer, tt_mono due)
{
    if (timer->position == 0 || due.ms < timer->due.ms)
        tt_timer_set(timers, timer, due);
}

void tt_timer_stop(struct tt_timers *timers, struct tt_timer *timer)
{
    if (timer->position == 0)
        return;
    struct tt_timer *last = timers->heap[--timers->count];
    if (last != timer) {
        place(timers, last, timer->position);
        sift_up(timers, last);
        sift_down(timers, last);
    }
    timer->position = 0;
}

struct tt_timer *tt_timers_take_due(struct tt_timers *timers, tt_mono now)
{
    if (timers->count == 0 || timers->heap[0]->due.ms > now.ms)
        return NULL;
    struct tt_timer *timer = timers->heap[0];
    tt_timer_stop(timers, timer);
    return timer;
}

tt_mono tt_timers_next(const struct tt_timers *timers)
{
    return timers->count == 0 ? TT_MONO(0) : timers->heap[0]->due;
}

void tt_timers_deinit(struct tt_timers *timers)
{
    tt_free(timers->heap);
    *timers = (struct tt_timers){0};
}
