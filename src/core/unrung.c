/*
 * Nothing is forgotten: what was armed but not kept as rung for is found in the pending rows, after
 * a start, after another server has died, and when there was no room to arm something. Each row
 * becomes an entry that re-reads the positions when it is due, so what was acked meanwhile stays
 * silent. Devices get the usual delay to connect again first.
 */
#include "core/state.h"

#define PAGE     100
#define RETRY_MS 5000
#define SOON_MS  100

void tt_unrung_look(struct tt_core *core, uint64_t in_ms)
{
    if (core->unrung_under_way) {
        core->unrung_again = true;
        return;
    }
    tt_timer_set_earlier(&core->timers, &core->unrung, tt_mono_after(core->now.mono, in_ms));
}

static void ask(struct tt_core *core, const struct tt_list_unrung *before)
{
    struct tt_store_op *op = tt_store_op_create(TT_STORE_LIST_UNRUNG);
    op->list_unrung.count_max = PAGE;
    if (before != NULL) {
        op->list_unrung.after_user = before->last_user;
        op->list_unrung.after_conversation = before->last_conversation;
    }
    core->unrung_under_way = true;
    tt_emit_store(core, op, TT_FOR_UNRUNG, TT_HANDLE_NONE);
}

void tt_unrung_due(struct tt_core *core)
{
    core->unrung_again = false;
    ask(core, NULL);
}

void tt_unrung_found(struct tt_core *core, struct tt_store_op *op)
{
    core->unrung_under_way = false;
    if (!tt_is_ok(op->err)) {
        tt_unrung_look(core, RETRY_MS);
        return;
    }
    const struct tt_list_unrung *list = &op->list_unrung;
    for (size_t i = 0; i < list->row_count; i++)
        tt_push_arm_late(core, &list->rows[i].conversation, &list->rows[i].user,
                         list->rows[i].armed);
    if (!list->more) {
        if (core->unrung_again)
            tt_unrung_look(core, RETRY_MS);
        return;
    }
    /* However many there are after a start: who is connected must hardly notice. */
    bool is_enough = core->unrung_count >= core->options.unrung_max;
    if (is_enough || core->pushes.count > core->options.push_timers_max / 2)
        core->unrung_again = true; /* goes on when there is room */
    else
        ask(core, list);
}

void tt_unrung_done(struct tt_core *core, struct tt_push *push)
{
    core->unrung_count -= push->found ? 1 : 0;
    push->found = false;
    if (core->unrung_again && core->unrung_count <= core->options.unrung_max / 2 &&
        core->pushes.count <= core->options.push_timers_max / 2)
        tt_unrung_look(core, SOON_MS);
}
