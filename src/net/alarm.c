#include "net/alarm.h"

#include <uv.h>

#include "base/memory.h"

struct tt_alarm {
    uv_timer_t timer;
    void (*ring)(void *context);
    void *context;
    tt_mono at;
};

static void on_timer(uv_timer_t *timer)
{
    struct tt_alarm *alarm = timer->data;
    alarm->at = TT_MONO(0);
    alarm->ring(alarm->context);
}

static void on_closed(uv_handle_t *handle)
{
    tt_free(handle->data);
}

struct tt_alarm *tt_alarm_create(struct tt_loop *loop, void (*ring)(void *context), void *context)
{
    struct tt_alarm *alarm = tt_alloc(sizeof(*alarm));
    alarm->ring = ring;
    alarm->context = context;
    uv_timer_init(tt_loop_uv(loop), &alarm->timer);
    alarm->timer.data = alarm;
    return alarm;
}

void tt_alarm_set(struct tt_alarm *alarm, tt_mono at)
{
    if (at.ms == alarm->at.ms)
        return;
    alarm->at = at;
    if (at.ms == 0) {
        uv_timer_stop(&alarm->timer);
        return;
    }
    uint64_t now = uv_now(alarm->timer.loop);
    uv_timer_start(&alarm->timer, on_timer, at.ms > now ? at.ms - now : 0, 0);
}

tt_mono tt_alarm_at(const struct tt_alarm *alarm)
{
    return alarm->at;
}

void tt_alarm_destroy(struct tt_alarm **alarm)
{
    uv_close((uv_handle_t *)&(*alarm)->timer, on_closed);
    *alarm = NULL;
}
