/*
 * Ringing, and looking again. For every message and recipient a timer runs; when it is due, the
 * positions of the recipient's devices decide: who has acked needs nothing, a connected device that
 * has not is told again where the conversation ends (its hint may be lost), and a phone rings. A
 * socket that merely looks open keeps nothing silent. One timer serves all messages of a
 * conversation and recipient; what was stored after it was set waits for the next round.
 */
#include "core/state.h"

#include "base/memory.h"

#define ATTEMPTS_MAX 6 /* 3 s, 6, 12, ... : then the next connect or an open chat finds it */

enum { PART_POSITIONS, PART_MESSAGES };

static uint8_t make_key(char *key, const tt_id *conversation, const tt_id *user)
{
    memcpy(key, conversation->bytes, conversation->size);
    key[conversation->size] = '\0';
    memcpy(key + conversation->size + 1, user->bytes, user->size);
    return (uint8_t)(conversation->size + 1 + user->size);
}

static struct tt_push *find(struct tt_core *core, const tt_id *conversation, const tt_id *user)
{
    char key[2 * TT_ID_SIZE_MAX + 1];
    uint8_t size = make_key(key, conversation, user);
    return tt_map_get(&core->pushes, tt_slice(key, size));
}

static void drop(struct tt_core *core, struct tt_push *push)
{
    tt_timer_stop(&core->timers, &push->timer);
    tt_map_remove(&core->pushes, tt_slice(push->key, push->key_size));
    core->counters.push_timers = core->pushes.count;
    tt_free(push);
}

void tt_push_arm(struct tt_core *core, const tt_id *conversation, const tt_id *user, tt_seq seq,
                 bool rings, bool at_once)
{
    tt_mono due = tt_mono_after(core->now.mono, at_once ? 0 : core->options.push_delay_ms);
    struct tt_push *push = find(core, conversation, user);
    if (push == NULL) {
        if (core->pushes.count >= core->options.push_timers_max)
            return;
        push = tt_alloc(sizeof(*push));
        push->conversation = *conversation;
        push->user = *user;
        push->key_size = make_key(push->key, conversation, user);
        push->timer.kind = TT_TIMER_PUSH;
        push->from = seq;
        push->due_to = seq;
        tt_map_add(&core->pushes, push);
        core->counters.push_timers = core->pushes.count;
    }
    push->look_again = push->look_again || (seq.n == TT_SEQ_MAX && push->to.n > 0);
    push->from = tt_seq_min(push->from, seq);
    push->to = tt_seq_max(push->to, seq);
    push->rings = push->rings || rings;
    push->attempts = 0;
    if (at_once) /* nobody is there who could ack */
        push->due_to = seq;
    if (!push->checking)
        tt_timer_set_earlier(&core->timers, &push->timer, due);
}

static void ask_messages(struct tt_core *core, struct tt_task *task, const struct tt_push *push)
{
    struct tt_store_op *op = tt_store_op_create(TT_STORE_READ_MESSAGES);
    op->read_messages.conversation = push->conversation;
    op->read_messages.from = push->from;
    op->read_messages.count_max = core->options.replay_count;
    op->read_messages.bytes_max = core->options.replay_bytes;
    tt_task_ask_store(core, task, PART_MESSAGES, op);
}

void tt_push_due(struct tt_core *core, struct tt_push *push)
{
    push->checking = true;
    struct tt_task *task = tt_task_create(core, TT_TASK_PUSH, TT_HANDLE_NONE);
    task->conversation = push->conversation;
    task->user = push->user;
    task->push_from = push->from;
    task->push_to = push->due_to;
    struct tt_store_op *op = tt_store_op_create(TT_STORE_POSITIONS);
    op->positions.conversation = push->conversation;
    op->positions.user = push->user;
    tt_task_ask_store(core, task, PART_POSITIONS, op);
    if (push->rings && push->from.n < TT_SEQ_MAX)
        ask_messages(core, task, push);
    tt_task_ask_registry(core, task, tt_about_users(core, TT_REGISTRY_LOOKUP, &push->user, 1));
}

static const struct tt_registered_device *registered(const struct tt_whereabouts *found,
                                                     const tt_id *device)
{
    for (size_t i = 0; i < found->device_count; i++)
        if (tt_id_eq(&found->devices[i].device, device))
            return &found->devices[i];
    return NULL;
}

static void nudge(struct tt_core *core, const struct tt_task *task, tt_seq to,
                  const struct tt_place *place)
{
    struct tt_hint *hint = tt_arena_alloc(&core->arena, sizeof(*hint));
    hint->kind = TT_HINT_NUDGE;
    hint->user = task->user;
    hint->conversation = task->conversation;
    hint->message.seq = to;
    tt_hint_to(core, place, hint);
}

static void ring(struct tt_core *core, const struct tt_task *task, const tt_id *device,
                 tt_seq above)
{
    const struct tt_read_messages *read = &task->store[PART_MESSAGES]->read_messages;
    for (size_t i = 0; i < read->message_count; i++) {
        const struct tt_message *message = &read->messages[i];
        if (message->seq.n <= above.n || message->seq.n > task->push_to.n ||
            tt_id_eq(&message->sender, &task->user))
            continue;
        struct tt_notification *bell = tt_arena_alloc(&core->arena, sizeof(*bell));
        bell->kind = TT_NOTIFY_RING;
        bell->user = task->user;
        bell->device = *device;
        bell->conversation = task->conversation;
        bell->seq = message->seq;
        bell->sender = message->sender;
        bell->content = message->content;
        tt_emit(core, TT_EFFECT_NOTIFY)->notification = bell;
        core->counters.notifications++;
    }
}

static void mark_pushed(struct tt_core *core, const struct tt_task *task, tt_seq seq)
{
    struct tt_store_op *op = tt_store_op_create(TT_STORE_MARK_PUSHED);
    op->mark_pushed.user = task->user;
    op->mark_pushed.conversation = task->conversation;
    op->mark_pushed.seq = seq;
    tt_emit_store(core, op, TT_FOR_NOTHING, TT_HANDLE_NONE);
}

static bool was_read(const struct tt_task *task, int part)
{
    return task->store[part] != NULL && tt_is_ok(task->store[part]->err);
}

/* Whether a connected device is still behind. */
static bool attend_to_devices(struct tt_core *core, const struct tt_task *task)
{
    const struct tt_positions *at = &task->store[PART_POSITIONS]->positions;
    const struct tt_whereabouts *found = &task->registry->about.found[0];
    bool may_ring = was_read(task, PART_MESSAGES) && at->muted_until.ms <= core->now.wall.ms;
    tt_seq to = tt_seq_min(task->push_to, at->head);
    bool is_behind = false;
    for (size_t i = 0; i < at->device_count; i++) {
        const struct tt_device_position *device = &at->devices[i];
        if (device->delivered.n >= to.n)
            continue;
        const struct tt_registered_device *live = registered(found, &device->device);
        if (live != NULL) {
            is_behind = true;
            nudge(core, task, to, &live->place);
        }
        if (may_ring) {
            tt_seq above = tt_seq_max(tt_seq_max(device->delivered, at->cursor.read), at->pushed);
            ring(core, task, &device->device, above);
        }
    }
    if (may_ring && at->device_count > 0 && to.n > at->pushed.n)
        mark_pushed(core, task, to);
    return is_behind;
}

/* After an append of unknown outcome: what is there that some device of the user does not have? */
static void find_range(struct tt_core *core, struct tt_push *push,
                       const struct tt_positions *positions)
{
    tt_seq least = positions->cursor.delivered;
    for (size_t i = 0; i < positions->device_count; i++)
        least = tt_seq_min(least, positions->devices[i].delivered);
    if (least.n == positions->head.n) {
        drop(core, push);
        return;
    }
    push->from = tt_seq_min(tt_seq_next(positions->cursor.delivered), positions->head);
    push->to = positions->head;
    push->due_to = positions->head;
    tt_timer_set(&core->timers, &push->timer, core->now.mono);
}

void tt_push_ready(struct tt_core *core, struct tt_task *task)
{
    struct tt_push *push = find(core, &task->conversation, &task->user);
    TT_ASSERT(push != NULL && push->checking);
    push->checking = false;
    bool is_known = was_read(task, PART_POSITIONS) && tt_is_ok(task->registry->err);
    bool again = true;
    bool is_next = push->to.n > task->push_to.n || push->look_again;
    push->look_again = false;
    if (is_known && push->from.n == TT_SEQ_MAX && !is_next) {
        find_range(core, push, &task->store[PART_POSITIONS]->positions);
        tt_task_destroy(core, task);
        return;
    }
    if (is_known) {
        tt_seq to = tt_seq_min(task->push_to, task->store[PART_POSITIONS]->positions.head);
        again = attend_to_devices(core, task);
        if (push->rings && !was_read(task, PART_MESSAGES))
            again = true; /* nothing could be rung for */
        else if (push->from.n <= to.n)
            push->from = tt_seq_next(to);
    } else if (tt_err_is(task->store[PART_POSITIONS]->err, TT_ERR_NOT_FOUND)) {
        again = false;
    }
    push->due_to = push->to;
    if (is_next)
        tt_timer_set(&core->timers, &push->timer,
                     tt_mono_after(core->now.mono, core->options.push_delay_ms));
    else if (again && push->attempts++ < ATTEMPTS_MAX)
        tt_timer_set(
            &core->timers, &push->timer,
            tt_mono_after(core->now.mono, (uint64_t)core->options.push_delay_ms << push->attempts));
    else
        drop(core, push);
    tt_task_destroy(core, task);
}
