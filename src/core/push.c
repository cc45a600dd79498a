/*
 * Ringing, and looking again. Each device decides for itself:
 *
 *   without a socket   it rings at once, unless another device of the user may have this chat open;
 *                      then after the delay
 *   with a socket      it rings after the delay, if it has not acked: a socket that merely looks
 *                      open keeps nothing silent
 *   neither            where that device has acked, where the user has read, for one's own
 *                      messages, and while the conversation is muted
 *
 * One entry serves all messages of a conversation to a user. When something is due the positions of
 * his devices are read; what they say decides, and what was thought when it was armed does not.
 * Connected devices that are behind are told again where the conversation ends, since their hint
 * may have been lost. An entry ends when everything was rung for and the notifier has answered;
 * only then is it kept as rung for (pushed_seq), so a crash before rings once more and never less.
 */
#include "core/state.h"

#include "base/memory.h"

/* Who is behind is told again after 3 s, 6, 12, 24, 48, 48, ... for eight minutes: so long, servers
 * may not have reached each other. Then the next connect or an open chat finds it. (3 s is the
 * delay.) */
#define TOLD_FOR_MS   (8 * 60 * 1000)
#define LOOK_MS_MAX   48000
#define DOUBLINGS_MAX 16 /* of the shortest delay that may be set */
#define ARMED_BITS    64

/* 3 s, 6, 12, 12, ... between two questions to a store that does not answer. */
#define UNANSWERED_MAX 2

/* The last one half a minute after an append of unknown outcome. */
#define UNKNOWN_LOOKS_MAX 4
#define STEP_PART         4 /* messages within a quarter of the delay share a step */

enum { PART_POSITIONS };

#define STEP_LOOK 0 /* of the task; the other ones are the ring's */

static uint8_t make_key(char *key, const tt_id *conversation, const tt_id *user)
{
    memcpy(key, conversation->bytes, conversation->size);
    key[conversation->size] = '\0';
    memcpy(key + conversation->size + 1, user->bytes, user->size);
    return (uint8_t)(conversation->size + 1 + user->size);
}

struct tt_push *tt_push_find(struct tt_core *core, const tt_id *conversation, const tt_id *user)
{
    char key[2 * TT_ID_SIZE_MAX + 1];
    uint8_t size = make_key(key, conversation, user);
    return tt_map_get(&core->pushes, tt_slice(key, size));
}

void tt_push_free(struct tt_push *push)
{
    tt_free(push->rung);
    tt_free(push);
}

static void drop(struct tt_core *core, struct tt_push *push)
{
    tt_timer_stop(&core->timers, &push->timer);
    tt_map_remove(&core->pushes, tt_slice(push->key, push->key_size));
    core->counters.push_timers = core->pushes.count;
    tt_unrung_done(core, push);
    tt_push_free(push);
}

/* What was looked at there, and passed over, was not what rings now. */
static void look_anew(struct tt_push *push, tt_seq above)
{
    push->checked = tt_seq_min(push->checked, above);
    for (uint32_t i = 0; i < push->rung_count; i++)
        push->rung[i].seq = tt_seq_min(push->rung[i].seq, above);
}

/* NULL if there is no room; what cannot be armed now is found again in the pending rows. */
static struct tt_push *push_of(struct tt_core *core, const tt_id *conversation, const tt_id *user,
                               bool rings)
{
    struct tt_push *push = tt_push_find(core, conversation, user);
    if (push == NULL) {
        if (core->pushes.count >= core->options.push_timers_max) {
            core->unrung_again = core->unrung_again || rings;
            return NULL;
        }
        push = tt_alloc(sizeof(*push));
        push->conversation = *conversation;
        push->user = *user;
        push->key_size = make_key(push->key, conversation, user);
        push->timer.kind = TT_TIMER_PUSH;
        tt_map_add(&core->pushes, push);
        core->counters.push_timers = core->pushes.count;
    }
    push->rings = push->rings || rings;
    push->looks = 0;
    push->told_for_ms = 0;
    return push;
}

static void add_step(struct tt_core *core, struct tt_push *push)
{
    tt_mono now = core->now.mono;
    struct tt_push_step *last = push->step_count == 0 ? NULL : &push->steps[push->step_count - 1];
    bool is_close =
        last != NULL && now.ms - last->made_at.ms < core->options.push_delay_ms / STEP_PART;
    if (!is_close && push->step_count < TT_PUSH_STEPS_MAX) {
        last = &push->steps[push->step_count++];
        *last = (struct tt_push_step){.made_at = now};
    }
    last->to = push->to;
    last->due = tt_mono_after(now, core->options.push_delay_ms);
}

static tt_mono sooner(tt_mono a, tt_mono b)
{
    if (a.ms == 0 || b.ms == 0)
        return a.ms == 0 ? b : a;
    return a.ms < b.ms ? a : b;
}

/* When the entry needs a look; 0: never. */
static tt_mono next_look(const struct tt_core *core, const struct tt_push *push)
{
    tt_mono next = TT_MONO(0);
    if (push->early.n > 0)
        next = core->now.mono;
    if (push->step_count > 0)
        next = sooner(next, push->steps[0].due);
    next = sooner(sooner(next, push->unknown_at), push->ask_at);
    return sooner(next, sooner(push->look_at, push->retry_at));
}

static bool is_ringing(const struct tt_push *push)
{
    for (uint32_t i = 0; i < push->rung_count; i++)
        if (push->rung[i].under_way > 0 || push->rung[i].again)
            return true;
    return false;
}

static uint64_t shifted(uint64_t bits, uint64_t by, bool up)
{
    if (by >= ARMED_BITS)
        return 0;
    return up ? bits << by : bits >> by;
}

static void note_far(struct tt_push *push, tt_seq from, tt_seq to)
{
    push->far_from = push->far_to.n == 0 ? from : tt_seq_min(push->far_from, from);
    push->far_to = tt_seq_max(push->far_to, to);
}

/* An older message than all so far: the bits make room, unless one of them would fall off. */
static void note_earlier(struct tt_push *push, tt_seq seq)
{
    uint64_t by = push->from.n - seq.n;
    bool falls_off = by >= ARMED_BITS ? push->armed != 0 : push->armed >> (ARMED_BITS - by) != 0;
    if (falls_off) {
        note_far(push, seq, seq);
        return;
    }
    push->armed = shifted(push->armed, by, true) | 1;
    push->from = seq;
}

static void note_armed(struct tt_push *push, tt_seq seq)
{
    if (push->armed == 0 && push->far_to.n == 0)
        push->from = seq;
    if (seq.n < push->from.n) {
        note_earlier(push, seq);
        return;
    }
    uint64_t distance = seq.n - push->from.n;
    if (distance >= ARMED_BITS)
        note_far(push, seq, seq);
    push->armed |= shifted(1, distance, true);
}

/* The oldest of them; 0: none. */
tt_seq tt_push_oldest_armed(const struct tt_push *push)
{
    return push->far_to.n > 0 ? tt_seq_min(push->from, push->far_from) : push->from;
}

/* All messages of a conversation may have been stored by different nodes, and each of them rings
 * for those that it stored. What is too far off to be known counts: better twice than never. */
static bool is_armed_here(const struct tt_push *push, tt_seq seq)
{
    if (push->far_from.n <= seq.n && seq.n <= push->far_to.n)
        return true;
    if (push->armed == 0 || seq.n < push->from.n)
        return false;
    uint64_t distance = seq.n - push->from.n;
    return distance < ARMED_BITS && (push->armed >> distance & 1) != 0;
}

bool tt_push_is_armed(const struct tt_push *push, tt_seq seq)
{
    return (push->late && seq.n <= push->late_to.n) || is_armed_here(push, seq);
}

/* Everything up to there has rung, or need not. */
static void forget_armed(struct tt_push *push, tt_seq done)
{
    if (push->far_to.n <= done.n)
        push->far_to = TT_SEQ(0);
    push->far_from = tt_seq_max(push->far_from, tt_seq_next(done));
    if (done.n < push->from.n)
        return;
    push->armed = shifted(push->armed, done.n + 1 - push->from.n, false);
    push->from = tt_seq_next(done);
}

/* Not what came after it and rings for nobody, as one's own messages do not: before those may be
 * one that another node was about to ring for when it died. */
static tt_seq rung_for(const struct tt_push *push)
{
    return tt_seq_min(push->checked, push->ring_to);
}

static void mark_pushed(struct tt_core *core, struct tt_push *push)
{
    push->marked = rung_for(push);
    forget_armed(push, push->marked);
    struct tt_store_op *op = tt_store_op_create(TT_STORE_MARK_PUSHED);
    op->mark_pushed.user = push->user;
    op->mark_pushed.conversation = push->conversation;
    op->mark_pushed.seq = push->marked;
    tt_emit_store(core, op, TT_FOR_MARKED, TT_HANDLE_NONE);
    push->marking++;
}

/* Until it is kept the entry stays, so that nobody finds it and rings again. */
void tt_push_marked(struct tt_core *core, struct tt_store_op *op)
{
    struct tt_push *push = tt_push_find(core, &op->mark_pushed.conversation, &op->mark_pushed.user);
    if (push == NULL || push->marking == 0)
        return;
    if (tt_err_is(op->err, TT_ERR_UNAVAILABLE)) {
        core->spent_store = op->next;
        tt_retry_store(core, op);
        return;
    }
    push->marking--;
    tt_push_settle(core, push);
}

/* What was found not to be kept as rung for. Late, only the newest rings, so each of what was armed
 * here rings before that. */
static void ring_missed(struct tt_core *core, struct tt_push *push)
{
    tt_seq seq = push->missed;
    bool is_looked_at = push->checked.n >= push->ring_to.n && push->undone.n == 0;
    if (!push->late && (is_ringing(push) || !is_looked_at))
        return;
    push->missed = TT_SEQ(0);
    if (push->ring_to.n >= seq.n) /* that, or what came after it, rings or has rung */
        return;
    look_anew(push, push->ring_to);
    core->unrung_count += push->found ? 0 : 1;
    push->found = true;
    push->late = true;
    push->late_to = tt_seq_max(push->late_to, seq);
    push->ring_to = seq;
    push->to = tt_seq_max(push->to, seq);
    add_step(core, push);
}

/* After anything changed: keeps what is done with, and waits for the next thing or ends. */
void tt_push_settle(struct tt_core *core, struct tt_push *push)
{
    if (push->checking)
        return;
    if (push->missed.n > 0)
        ring_missed(core, push);
    bool ringing = is_ringing(push);
    if (push->rings && push->is_behind && !ringing && push->marking == 0 && push->undone.n == 0 &&
        rung_for(push).n > push->marked.n)
        mark_pushed(core, push);
    if (push->found && !push->late && !ringing)
        tt_unrung_done(core, push);
    tt_mono next = next_look(core, push);
    if (next.ms != 0)
        tt_timer_set(&core->timers, &push->timer, next);
    else if (!ringing && push->marking == 0)
        drop(core, push);
}

void tt_push_arm(struct tt_core *core, const tt_id *conversation, const tt_id *user, tt_seq seq,
                 bool rings, bool at_once)
{
    struct tt_push *push = push_of(core, conversation, user, rings);
    if (push == NULL)
        return;
    note_armed(push, seq);
    push->to = tt_seq_max(push->to, seq);
    if (rings && push->ring_to.n < seq.n) {
        look_anew(push, TT_SEQ(seq.n - 1));
        push->ring_to = seq;
    }
    if (at_once)
        push->early = tt_seq_max(push->early, seq);
    add_step(core, push);
    tt_push_settle(core, push);
}

void tt_push_arm_unknown(struct tt_core *core, const tt_id *conversation, const tt_id *user,
                         bool rings)
{
    struct tt_push *push = push_of(core, conversation, user, rings);
    if (push == NULL)
        return;
    push->unknown_looks = 0;
    push->unknown_at = tt_mono_after(core->now.mono, core->options.push_delay_ms);
    tt_push_settle(core, push);
}

void tt_push_arm_late(struct tt_core *core, const tt_id *conversation, const tt_id *user,
                      tt_seq seq)
{
    struct tt_push *push = push_of(core, conversation, user, true);
    if (push == NULL)
        return;
    push->missed = tt_seq_max(push->missed, seq);
    tt_push_settle(core, push);
}

/* All devices of the user have everything up to there, so nothing is left to look for: what most
 * messages come to, long before their timer. */
void tt_push_acked(struct tt_core *core, const tt_id *conversation, const tt_id *user, tt_seq seq)
{
    struct tt_push *push = seq.n == 0 ? NULL : tt_push_find(core, conversation, user);
    if (push == NULL || push->to.n > seq.n || push->missed.n > seq.n || push->checking ||
        push->marking > 0 || push->unknown_at.ms != 0 || is_ringing(push))
        return;
    drop(core, push);
}

static void pop_due_steps(struct tt_core *core, struct tt_push *push)
{
    uint8_t count = 0;
    while (count < push->step_count && push->steps[count].due.ms <= core->now.mono.ms)
        push->checked = tt_seq_max(push->checked, push->steps[count++].to);
    push->step_count = (uint8_t)(push->step_count - count);
    memmove(push->steps, push->steps + count, push->step_count * sizeof(push->steps[0]));
}

static bool is_over(const struct tt_core *core, tt_mono at)
{
    return at.ms != 0 && at.ms <= core->now.mono.ms;
}

static void ring_again(struct tt_push *push)
{
    push->retry_at = TT_MONO(0);
    for (uint32_t i = 0; i < push->rung_count; i++)
        push->rung[i].again = false;
}

void tt_push_due(struct tt_core *core, struct tt_push *push)
{
    tt_seq early = tt_seq_max(push->early, push->undone);
    pop_due_steps(core, push);
    push->checking = true;
    push->early = TT_SEQ(0);
    push->ask_at = TT_MONO(0);
    if (is_over(core, push->look_at))
        push->look_at = TT_MONO(0);
    struct tt_task *task = tt_task_create(core, TT_TASK_PUSH, TT_HANDLE_NONE);
    task->conversation = push->conversation;
    task->user = push->user;
    task->push_late = push->checked;
    task->push_early = tt_seq_max(early, push->checked);
    task->finds = is_over(core, push->unknown_at);
    if (task->finds)
        push->unknown_at = TT_MONO(0);
    struct tt_store_op *op = tt_store_op_create(TT_STORE_POSITIONS);
    op->positions.conversation = push->conversation;
    op->positions.user = push->user;
    tt_task_ask_store(core, task, PART_POSITIONS, op);
    tt_task_ask_registry(core, task, tt_about_users(core, TT_REGISTRY_LOOKUP, &push->user, 1));
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

/* Tells the connected devices that are behind again; whether there is one. */
static bool nudge_all(struct tt_core *core, const struct tt_task *task)
{
    const struct tt_positions *at = &tt_task_answer(task, PART_POSITIONS)->positions;
    if (!tt_is_ok(task->registry->err))
        return true;
    const struct tt_whereabouts *found = &task->registry->about.found[0];
    tt_seq to = tt_seq_min(task->push_late, at->head);
    bool is_behind = false;
    for (size_t i = 0; i < at->device_count; i++) {
        if (at->devices[i].delivered.n >= to.n)
            continue;
        for (size_t j = 0; j < found->device_count; j++) {
            if (!tt_id_eq(&found->devices[j].device, &at->devices[i].device))
                continue;
            is_behind = true;
            if (!TT_IS_PLANTED(NO_PUSH_REPAIR))
                nudge(core, task, to, &found->devices[j].place);
        }
    }
    return is_behind;
}

/* A device that has a socket and is linked no more: the word of that was lost. */
static void cut_unlinked(struct tt_core *core, const struct tt_task *task)
{
    const struct tt_positions *at = &tt_task_answer(task, PART_POSITIONS)->positions;
    if (!tt_is_ok(task->registry->err))
        return;
    const struct tt_whereabouts *found = &task->registry->about.found[0];
    for (size_t i = 0; i < found->device_count; i++) {
        if (tt_position_of(at, &found->devices[i].device) != NULL)
            continue;
        struct tt_hint *hint = tt_arena_alloc(&core->arena, sizeof(*hint));
        hint->kind = TT_HINT_CUT;
        hint->user = task->user;
        hint->device = found->devices[i].device;
        tt_hint_to(core, &found->devices[i].place, hint);
    }
}

/* Somebody is behind, who was told again. Where something else was the reason to look, the look
 * that is waited for takes place all the same. */
static void look_again(struct tt_core *core, struct tt_push *push)
{
    uint64_t delay = core->options.push_delay_ms;
    uint64_t most = delay > LOOK_MS_MAX ? delay : LOOK_MS_MAX;
    bool is_over = push->told_for_ms >= TOLD_FOR_MS || TT_IS_PLANTED(TOLD_TWICE);
    if (push->looks > 0 && (is_over || push->look_at.ms != 0))
        return;
    if (push->looks < DOUBLINGS_MAX)
        push->looks++;
    delay <<= push->looks;
    if (delay > most)
        delay = most;
    push->told_for_ms += (uint32_t)delay;
    push->look_at = sooner(push->look_at, tt_mono_after(core->now.mono, delay));
}

/* What has to ring is not put off for longer by how often somebody else was told again. */
static void ask_again(struct tt_core *core, struct tt_push *push)
{
    if (!push->rings) {
        look_again(core, push);
        return;
    }
    uint64_t delay = (uint64_t)core->options.push_delay_ms << push->unanswered;
    push->ask_at = tt_mono_after(core->now.mono, delay);
    if (push->unanswered < UNANSWERED_MAX)
        push->unanswered++;
}

/* The store did not say where the devices are. */
static void not_known(struct tt_core *core, struct tt_task *task, struct tt_push *push, tt_err err)
{
    tt_mono again_at = tt_mono_after(core->now.mono, core->options.push_delay_ms);
    if (task->finds)
        push->unknown_at = again_at;
    if (is_over(core, push->retry_at))
        push->retry_at = again_at;
    push->undone = tt_seq_max(push->undone, task->push_early);
    tt_task_destroy(core, task);
    push->checking = false;
    if (tt_err_is(err, TT_ERR_NOT_FOUND)) {
        drop(core, push);
        return;
    }
    ask_again(core, push);
    tt_push_settle(core, push);
}

static bool any_has_socket(const struct tt_task *task, const struct tt_positions *at)
{
    for (size_t i = 0; i < at->device_count; i++)
        if (tt_ring_has_socket(task, &at->devices[i].device))
            return true;
    return false;
}

static bool any_is_behind(const struct tt_positions *at, tt_seq seq)
{
    if (at->cursor.delivered.n < seq.n)
        return true;
    for (size_t i = 0; i < at->device_count; i++)
        if (at->devices[i].delivered.n < seq.n)
            return true;
    return false;
}

/* What has rung so far are messages that were armed here, or were there at the last such look. One
 * that is neither, and that nobody has kept as rung for, may be the message that is looked for: it
 * was stored late, before those. */
static void lower_rung(struct tt_push *push, const struct tt_positions *at)
{
    tt_seq known = tt_seq_max(at->pushed, tt_seq_max(push->marked, push->found_to));
    for (uint32_t i = 0; i < push->rung_count; i++) {
        tt_seq seq = known;
        while (seq.n < push->rung[i].seq.n && is_armed_here(push, tt_seq_next(seq)))
            seq = tt_seq_next(seq);
        push->rung[i].seq = tt_seq_min(push->rung[i].seq, seq);
    }
    push->found_to = at->head;
}

/* The positions are there: what is due, and does anything have to ring? */
static void looked(struct tt_core *core, struct tt_task *task, struct tt_push *push)
{
    const struct tt_positions *at = &tt_task_answer(task, PART_POSITIONS)->positions;
    if (task->finds) {
        lower_rung(push, at);
        push->late = true;
        push->late_to = push->to = tt_seq_max(push->to, at->head);
        if (push->rings)
            push->ring_to = push->to;
        push->checked = tt_seq_max(push->checked, at->head);
        task->push_late = push->checked;
        task->push_early = tt_seq_max(task->push_early, push->checked);
        if (++push->unknown_looks < UNKNOWN_LOOKS_MAX)
            push->unknown_at = tt_mono_after(core->now.mono, (uint64_t)core->options.push_delay_ms
                                                                 << push->unknown_looks);
    }
    push->undone = TT_SEQ(0);
    push->unanswered = 0;
    cut_unlinked(core, task);
    if (is_over(core, push->retry_at))
        ring_again(push);
    bool is_late_look = task->push_late.n > 0;
    if (is_late_look && nudge_all(core, task))
        look_again(core, push);
    if (!any_has_socket(task, at)) { /* nobody has to be waited for */
        push->checked = tt_seq_max(push->checked, task->push_early);
        while (push->step_count > 0 && push->steps[push->step_count - 1].to.n <= push->checked.n)
            push->step_count--;
    }
    push->is_behind = any_is_behind(at, task->push_early);
    bool is_muted = at->muted_until.ms > core->now.wall.ms;
    if (push->rings && !is_muted && tt_ring_is_due(push, task)) {
        tt_ring_start(core, task, push);
        return;
    }
    tt_ring_looked(task, push);
    tt_task_destroy(core, task);
    push->checking = false;
    tt_push_settle(core, push);
}

void tt_push_ready(struct tt_core *core, struct tt_task *task)
{
    struct tt_push *push = tt_push_find(core, &task->conversation, &task->user);
    TT_ASSERT(push != NULL && push->checking);
    if (task->step == STEP_LOOK) {
        tt_err err = tt_task_answer(task, PART_POSITIONS)->err;
        if (tt_is_ok(err))
            looked(core, task, push);
        else
            not_known(core, task, push, err);
        return;
    }
    if (!tt_ring_next(core, task, push))
        return;
    tt_task_destroy(core, task);
    push->checking = false;
    tt_push_settle(core, push);
}
