/*
 * What a node holds on to. Whoever has gone leaves nothing behind: when all have, and nothing is
 * under way, all of this is zero, and the simulator looks.
 */
#include "core/state.h"

static uint64_t count_tasks(const struct tt_core *core)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i < core->task_capacity; i++)
        count += core->tasks[i] != NULL;
    return count;
}

static uint64_t count_pins(const struct tt_core *core)
{
    uint64_t count = 0;
    for (const struct tt_conv *conv = core->conv_oldest; conv != NULL; conv = conv->newer)
        count += conv->pins;
    return count;
}

struct tt_core_held tt_core_held(const struct tt_core *core)
{
    uint64_t own_timers = 0;
    own_timers += core->alive.position != 0;
    own_timers += core->unrung.position != 0;
    return (struct tt_core_held){
        .sessions = core->counters.sessions,
        .requests = core->counters.requests,
        .ops = core->ops_under_way,
        .tasks = count_tasks(core),
        .users = core->users.count,
        .watched = core->watched.count,
        .pushes = core->pushes.count,
        .clears = core->clears.count,
        .pins = count_pins(core),
        .timers = core->timers.count - own_timers,
    };
}
