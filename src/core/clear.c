/*
 * Who has read on one device need not be rung for on the others: what they show goes away. Devices
 * with a socket are told over it (read_sync); the rest get a silent notification, best effort, one
 * for all that was read within a moment.
 */
#include "core/state.h"

#include "base/memory.h"

#define CLEAR_DELAY_MS 2000

enum { PART_ADDRESSES };

void tt_clear_arm(struct tt_core *core, const tt_id *conversation, const tt_id *user,
                  const tt_id *device, tt_seq read)
{
    struct tt_clear *clear = tt_alloc(sizeof(*clear));
    memcpy(clear->key, conversation->bytes, conversation->size);
    memcpy(clear->key + conversation->size + 1, user->bytes, user->size);
    clear->key_size = (uint8_t)(conversation->size + 1 + user->size);
    struct tt_clear *standing = tt_map_get(&core->clears, tt_slice(clear->key, clear->key_size));
    if (standing != NULL || core->clears.count >= core->options.push_timers_max) {
        tt_free(clear);
        if (standing == NULL)
            return;
        standing->device = *device;
        standing->read = tt_seq_max(standing->read, read);
        return;
    }
    clear->conversation = *conversation;
    clear->user = *user;
    clear->device = *device;
    clear->read = read;
    clear->timer.kind = TT_TIMER_CLEAR;
    tt_map_add(&core->clears, clear);
    tt_timer_set(&core->timers, &clear->timer, tt_mono_after(core->now.mono, CLEAR_DELAY_MS));
}

void tt_clear_due(struct tt_core *core, struct tt_clear *clear)
{
    struct tt_task *task = tt_task_create(core, TT_TASK_CLEAR, TT_HANDLE_NONE);
    task->conversation = clear->conversation;
    task->user = clear->user;
    task->device = clear->device;
    task->push_late = clear->read;
    struct tt_store_op *op = tt_store_op_create(TT_STORE_LIST_PUSH_ADDRESSES);
    op->list_push_addresses.user = clear->user;
    tt_task_ask_store(core, task, PART_ADDRESSES, op);
    tt_task_ask_registry(core, task, tt_about_users(core, TT_REGISTRY_LOOKUP, &clear->user, 1));
    tt_map_remove(&core->clears, tt_slice(clear->key, clear->key_size));
    tt_free(clear);
}

static bool is_for(const struct tt_task *task, const struct tt_device_address *target)
{
    if (target->address.provider == TT_PUSH_WEBPUSH) /* it closes them when it next runs */
        return false;
    if (tt_id_eq(&target->device, &task->device))
        return false;
    return !tt_is_ok(task->registry->err) || !tt_ring_has_socket(task, &target->device);
}

void tt_clear_ready(struct tt_core *core, struct tt_task *task)
{
    const struct tt_store_op *op = tt_task_answer(task, PART_ADDRESSES);
    size_t count = tt_is_ok(op->err) ? op->list_push_addresses.address_count : 0;
    for (size_t i = 0; i < count; i++) {
        const struct tt_device_address *target = &op->list_push_addresses.addresses[i];
        if (!is_for(task, target))
            continue;
        struct tt_notification *clear = tt_arena_alloc(&core->arena, sizeof(*clear));
        clear->kind = TT_NOTIFY_CLEAR;
        clear->user = task->user;
        clear->device = target->device;
        clear->address = target->address;
        clear->conversation = task->conversation;
        clear->seq = task->push_late;
        tt_emit(core, TT_EFFECT_NOTIFY)->notification = clear;
        core->counters.notifications_cleared++;
    }
    tt_task_destroy(core, task);
}
