/*
 * Tasks: what waits for answers. A task asks for up to TT_TASK_PARTS + 1 things side by side and
 * goes on when all of them are back. It is never destroyed while something waits on its behalf.
 */
#include "core/state.h"

#include "base/memory.h"

static uint32_t free_slot(struct tt_core *core)
{
    for (uint32_t i = 0; i < core->task_capacity; i++) {
        uint32_t index = (core->task_hint + i) % core->task_capacity;
        if (core->tasks[index] == NULL) {
            core->task_hint = index + 1;
            return index;
        }
    }
    uint32_t old = core->task_capacity;
    core->task_capacity = old == 0 ? 64 : old * 2;
    core->tasks = tt_grow(core->tasks, core->task_capacity, sizeof(core->tasks[0]));
    core->task_generations =
        tt_grow(core->task_generations, core->task_capacity, sizeof(core->task_generations[0]));
    memset(core->tasks + old, 0, (core->task_capacity - old) * sizeof(core->tasks[0]));
    memset(core->task_generations + old, 0,
           (core->task_capacity - old) * sizeof(core->task_generations[0]));
    core->task_hint = old + 1;
    return old;
}

struct tt_task *tt_task_create(struct tt_core *core, enum tt_task_kind kind, tt_handle owner)
{
    struct tt_task *task = tt_alloc(sizeof(*task));
    uint32_t index = free_slot(core);
    core->task_generations[index]++;
    task->handle = (tt_handle){index, core->task_generations[index]};
    task->kind = kind;
    task->owner = owner;
    task->timer.kind = TT_TIMER_TASK;
    core->tasks[index] = task;
    return task;
}

struct tt_task *tt_task_find(struct tt_core *core, tt_handle handle)
{
    if (handle.index >= core->task_capacity)
        return NULL;
    struct tt_task *task = core->tasks[handle.index];
    return task != NULL && tt_handle_eq(task->handle, handle) ? task : NULL;
}

static void spend_answers(struct tt_core *core, struct tt_task *task)
{
    for (int i = 0; i < TT_TASK_PARTS; i++) {
        if (task->store[i] == NULL)
            continue;
        task->store[i]->next = core->spent_store;
        core->spent_store = task->store[i];
        task->store[i] = NULL;
    }
    if (task->registry != NULL) {
        task->registry->next = core->spent_registry;
        core->spent_registry = task->registry;
        task->registry = NULL;
    }
}

/* What its effects point at lives on until the next step. */
void tt_task_destroy(struct tt_core *core, struct tt_task *task)
{
    tt_timer_stop(&core->timers, &task->timer);
    if (task->kind == TT_TASK_OPEN && !task->over_http) {
        struct tt_session *session = tt_session_find(core, task->owner);
        if (session != NULL && session->busy->opens_under_way > 0)
            session->own_busy->opens_under_way--;
    }
    if (task->conv != NULL)
        tt_conv_unpin(core, task->conv);
    spend_answers(core, task);
    core->tasks[task->handle.index] = NULL;
    task->next_spent = core->spent_tasks;
    core->spent_tasks = task;
}

void tt_task_ask_store(struct tt_core *core, struct tt_task *task, int part, struct tt_store_op *op)
{
    task->store[part] = NULL;
    task->waiting++;
    tt_emit_store(core, op, TT_FOR_TASK + (uint32_t)part, task->handle);
}

/* What came back for a part that was asked for. */
struct tt_store_op *tt_task_answer(const struct tt_task *task, int part)
{
    TT_ASSERT(task->store[part] != NULL);
    return task->store[part];
}

void tt_task_ask_registry(struct tt_core *core, struct tt_task *task, struct tt_registry_op *op)
{
    TT_ASSERT(task->registry == NULL);
    task->waiting++;
    tt_emit_registry(core, op, TT_FOR_TASK, task->handle);
}

static void ready(struct tt_core *core, struct tt_task *task)
{
    if (task->is_stranger) { /* an error of the store is one for those who are none, too */
        tt_err err = tt_task_answer(task, TT_TASK_PARTS - 1)->err;
        task->err = tt_is_ok(err) ? TT_FAIL(NOT_FOUND) : err;
        tt_task_resume(core, task);
        return;
    }
    if (task->checks_login) {
        tt_request_checked(core, task);
        return;
    }
    switch (task->kind) {
    case TT_TASK_SEND:
        tt_send_done(core, task);
        return;
    case TT_TASK_OPEN:
    case TT_TASK_MARK:
        tt_open_ready(core, task);
        return;
    case TT_TASK_REFRESH:
        tt_refresh_ready(core, task);
        return;
    case TT_TASK_PUSH:
        tt_push_ready(core, task);
        return;
    case TT_TASK_CLEAR:
        tt_clear_ready(core, task);
        return;
    case TT_TASK_REQUEST:
        tt_request_resume(core, task);
        return;
    case TT_TASK_ADDED:
        tt_added_ready(core, task);
        return;
    case TT_TASK_TYPING:
        TT_ASSERT(false && "typing waits for nothing");
    }
}

static void answered(struct tt_core *core, struct tt_task *task)
{
    TT_ASSERT(task->waiting > 0);
    if (--task->waiting == 0)
        ready(core, task);
}

void tt_task_store_done(struct tt_core *core, struct tt_store_op *op)
{
    struct tt_task *task = tt_task_find(core, op->tag.owner);
    TT_ASSERT(task != NULL);
    task->store[op->tag.purpose - TT_FOR_TASK] = op;
    answered(core, task);
}

void tt_task_registry_done(struct tt_core *core, struct tt_registry_op *op)
{
    struct tt_task *task = tt_task_find(core, op->tag.owner);
    TT_ASSERT(task != NULL);
    task->registry = op;
    answered(core, task);
}

static bool may_know(const struct tt_task *task)
{
    bool is_receipt = task->kind == TT_TASK_REQUEST && task->request.kind != TT_REQUEST_PAGE;
    return tt_conv_has(task->conv, &task->user) || TT_IS_PLANTED(NO_MEMBERSHIP) ||
           (TT_IS_PLANTED(INFO_LEAKS) && is_receipt);
}

/* The conversation is known, or could not be read (task->err). */
void tt_task_resume(struct tt_core *core, struct tt_task *task)
{
    tt_err err = task->err;
    if (tt_is_ok(err) && !may_know(task))
        err = TT_IS_PLANTED(STRANGER_TOLD) ? TT_FAIL(PERMISSION_DENIED) : TT_FAIL(NOT_FOUND);
    if (!tt_is_ok(err) && task->kind != TT_TASK_SEND) {
        tt_task_fail(core, task, err);
        return;
    }
    switch (task->kind) {
    case TT_TASK_SEND:
        task->err = err;
        tt_send_ready(core, task);
        return;
    case TT_TASK_OPEN:
    case TT_TASK_MARK:
        tt_open_start(core, task);
        return;
    case TT_TASK_TYPING:
        tt_presence_typing(core, task);
        return;
    case TT_TASK_REQUEST:
        tt_request_resume(core, task);
        return;
    case TT_TASK_REFRESH:
    case TT_TASK_PUSH:
    case TT_TASK_CLEAR:
    case TT_TASK_ADDED:
        TT_ASSERT(false && "this kind needs no conversation");
    }
}

void tt_task_fail(struct tt_core *core, struct tt_task *task, tt_err err)
{
    if (task->over_http) {
        (void)tt_reply(core, task, err);
    } else {
        struct tt_session *session = tt_session_find(core, task->owner);
        if (session != NULL && task->kind != TT_TASK_MARK && task->kind != TT_TASK_REFRESH)
            tt_emit_error(core, session, err, &task->conversation, NULL);
    }
    tt_task_destroy(core, task);
}
