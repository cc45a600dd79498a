/*
 * A push to try things out: it rings on each of the caller's devices that has an address, and the
 * reply says what became of it. It belongs to no conversation; the name that it bears instead is
 * none that a conversation can have.
 */
#include "core/state.h"

#define WAIT_MS 20000

enum { PART_ADDRESSES };

static tt_id test_id(void)
{
    return (tt_id){.size = 9, .bytes = "push/test"};
}

bool tt_push_test_is_about(const struct tt_notified *notified)
{
    tt_id id = test_id();
    return tt_id_eq(&notified->conversation, &id);
}

static void finish(struct tt_core *core, struct tt_task *task)
{
    struct tt_task **at = &core->push_tests;
    while (*at != NULL && *at != task)
        at = &(*at)->next;
    if (*at != NULL) /* one without any address never waited */
        *at = task->next;
    struct tt_reply *reply = tt_reply(core, task, TT_OK);
    reply->push_test.results = task->push_results;
    reply->push_test.result_count = task->push_result_count;
    tt_task_destroy(core, task);
}

static void ring(struct tt_core *core, struct tt_task *task, const struct tt_device_address *target)
{
    struct tt_notification *bell = tt_arena_alloc(&core->arena, sizeof(*bell));
    bell->kind = TT_NOTIFY_RING;
    bell->user = task->user;
    bell->device = target->device;
    bell->address = target->address;
    bell->conversation = test_id();
    bell->seq = TT_SEQ(1);
    bell->sender = task->user;
    bell->content = TT_SLICE_LITERAL("This is a test.");
    bell->badge = 1;
    tt_emit(core, TT_EFFECT_NOTIFY)->notification = bell;
}

void tt_push_test(struct tt_core *core, struct tt_task *task)
{
    if (task->step++ == 0) {
        struct tt_store_op *op = tt_store_op_create(TT_STORE_LIST_PUSH_ADDRESSES);
        op->list_push_addresses.user = task->user;
        tt_task_ask_store(core, task, PART_ADDRESSES, op);
        return;
    }
    const struct tt_store_op *op = tt_task_answer(task, PART_ADDRESSES);
    if (!tt_is_ok(op->err)) {
        (void)tt_reply(core, task, op->err);
        tt_task_destroy(core, task);
        return;
    }
    const struct tt_list_push_addresses *list = &op->list_push_addresses;
    task->push_results =
        tt_arena_array(&task->arena, list->address_count, sizeof(task->push_results[0]));
    task->push_result_count = list->address_count;
    for (size_t i = 0; i < list->address_count; i++) {
        task->push_results[i].device = list->addresses[i].device;
        task->push_results[i].provider = list->addresses[i].address.provider;
        task->push_results[i].detail = TT_SLICE_LITERAL("no answer yet");
        ring(core, task, &list->addresses[i]);
    }
    if (list->address_count == 0) {
        finish(core, task);
        return;
    }
    task->next = core->push_tests;
    core->push_tests = task;
    task->timer.kind = TT_TIMER_PUSH_TEST;
    tt_timer_set(&core->timers, &task->timer, tt_mono_after(core->now.mono, WAIT_MS));
}

void tt_push_test_waited(struct tt_core *core, struct tt_task *task)
{
    finish(core, task);
}

static struct tt_push_result *unanswered(const struct tt_task *task, const tt_id *device)
{
    for (size_t i = 0; i < task->push_result_count; i++)
        if (!task->push_results[i].answered && tt_id_eq(&task->push_results[i].device, device))
            return &task->push_results[i];
    return NULL;
}

void tt_push_test_notified(struct tt_core *core, const struct tt_notified *notified)
{
    struct tt_task *task = core->push_tests;
    struct tt_push_result *result = NULL;
    for (; task != NULL; task = task->next) {
        result =
            tt_id_eq(&task->user, &notified->user) ? unanswered(task, &notified->device) : NULL;
        if (result != NULL)
            break;
    }
    if (result == NULL)
        return;
    result->answered = true;
    result->outcome = notified->outcome;
    result->detail = tt_arena_copy(&task->arena, notified->detail);
    for (size_t i = 0; i < task->push_result_count; i++)
        if (!task->push_results[i].answered)
            return;
    finish(core, task);
}
