/*
 * What rings, and what becomes of it. After the positions have said that a device lacks something:
 * the user's addresses, then the messages, then the names and the badge; then one notification per
 * message and device. What a service puts off rings later, if it still matters then, and only for
 * the newest message: the older ones would have been replaced by it anyway.
 */
#include "core/state.h"

#include "base/limits.h"
#include "base/memory.h"

#define BACKOFF_MS     1000
#define BACKOFF_MS_MAX (5 * 60 * 1000)
#define LATE_COUNT     64 /* the newest that is not one's own is surely among so many */
#define GIVE_UP_MS     (24ULL * 3600 * 1000) /* a service that was away all that time is none */

enum {
    PART_POSITIONS,
    PART_ADDRESSES,
    PART_MESSAGES,
    PART_USERS,
    PART_LIST,
    PART_CONVERSATION,
};

/* Of the task: which answers it waits for. */
enum { STEP_ADDRESSES = 1, STEP_MESSAGES, STEP_NAMES };

bool tt_ring_has_socket(const struct tt_task *task, const tt_id *device)
{
    if (!tt_is_ok(task->registry->err))
        return true;
    const struct tt_whereabouts *found = &task->registry->about.found[0];
    for (size_t i = 0; i < found->device_count; i++)
        if (tt_id_eq(&found->devices[i].device, device))
            return true;
    return false;
}

static struct tt_rung *rung_find(const struct tt_push *push, const tt_id *device)
{
    for (uint32_t i = 0; i < push->rung_count; i++)
        if (tt_id_eq(&push->rung[i].device, device))
            return &push->rung[i];
    return NULL;
}

static struct tt_rung *rung_of(struct tt_push *push, const tt_id *device)
{
    struct tt_rung *rung = rung_find(push, device);
    if (rung != NULL)
        return rung;
    push->rung = tt_grow(push->rung, push->rung_count + 1, sizeof(push->rung[0]));
    rung = &push->rung[push->rung_count++];
    *rung = (struct tt_rung){.device = *device};
    return rung;
}

static tt_seq delivered_to(const struct tt_positions *at, const tt_id *device)
{
    const struct tt_device_position *position = tt_position_of(at, device);
    /* One that never connected starts at the user's cursor when it does. */
    return position != NULL ? position->delivered : at->cursor.delivered;
}

/* The messages above `above` and up to `limit` are to ring on this device. */
struct range {
    tt_seq above;
    tt_seq limit;
};

/* What is surely rung for, or somebody else's to ring for. A node that armed a message knows best
 * itself; of what it found in the rows the store knows. */
static tt_seq floor_of(const struct tt_push *push, const struct tt_positions *at)
{
    tt_seq oldest = tt_push_oldest_armed(push);
    tt_seq known = push->late || oldest.n == 0 ? at->pushed : TT_SEQ(oldest.n - 1);
    return tt_seq_max(at->cursor.read, known);
}

static struct range range_of(const struct tt_push *push, const struct tt_task *task,
                             const tt_id *device)
{
    const struct tt_positions *at = &tt_task_answer(task, PART_POSITIONS)->positions;
    const struct tt_rung *rung = rung_find(push, device);
    struct range range;
    range.limit = tt_ring_has_socket(task, device) ? task->push_late : task->push_early;
    range.above = tt_seq_max(delivered_to(at, device), floor_of(push, at));
    if (rung != NULL)
        range.above = tt_seq_max(range.above, rung->again ? range.limit : rung->seq);
    return range;
}

static bool is_due(struct range range)
{
    return range.above.n < range.limit.n;
}

bool tt_ring_is_due(const struct tt_push *push, const struct tt_task *task)
{
    const struct tt_positions *at = &tt_task_answer(task, PART_POSITIONS)->positions;
    tt_seq seen = tt_seq_max(at->cursor.delivered, floor_of(push, at));
    if (seen.n < task->push_early.n) /* for a device that has an address but never connected */
        return true;
    for (size_t i = 0; i < at->device_count; i++)
        if (is_due(range_of(push, task, &at->devices[i].device)))
            return true;
    return false;
}

void tt_ring_start(struct tt_core *core, struct tt_task *task, const struct tt_push *push)
{
    task->step = STEP_ADDRESSES;
    struct tt_store_op *op = tt_store_op_create(TT_STORE_LIST_PUSH_ADDRESSES);
    op->list_push_addresses.user = push->user;
    tt_task_ask_store(core, task, PART_ADDRESSES, op);
}

static bool ask_messages(struct tt_core *core, struct tt_task *task, const struct tt_push *push)
{
    const struct tt_list_push_addresses *list =
        &tt_task_answer(task, PART_ADDRESSES)->list_push_addresses;
    struct range all = {TT_SEQ(TT_SEQ_MAX), TT_SEQ(0)};
    for (size_t i = 0; i < list->address_count; i++) {
        struct range range = range_of(push, task, &list->addresses[i].device);
        if (!is_due(range))
            continue;
        all.above = tt_seq_min(all.above, range.above);
        all.limit = tt_seq_max(all.limit, range.limit);
    }
    if (all.limit.n == 0)
        return false;
    uint32_t count = core->options.replay_count;
    if (push->late && count < LATE_COUNT)
        count = LATE_COUNT;
    if (push->late && all.limit.n - all.above.n > count)
        all.above = TT_SEQ(all.limit.n - count);
    task->step = STEP_MESSAGES;
    struct tt_store_op *op = tt_store_op_create(TT_STORE_READ_MESSAGES);
    op->read_messages.conversation = push->conversation;
    op->read_messages.from = tt_seq_next(all.above);
    op->read_messages.count_max = count;
    op->read_messages.bytes_max = core->options.replay_bytes;
    tt_task_ask_store(core, task, PART_MESSAGES, op);
    return true;
}

static void ask_list(struct tt_core *core, struct tt_task *task, struct tt_slice cursor)
{
    struct tt_store_op *op = tt_store_op_create(TT_STORE_LIST_CONVERSATIONS);
    op->list_conversations.user = task->user;
    op->list_conversations.count_max = TT_LIMIT_PAGE;
    op->list_conversations.cursor = tt_arena_copy(&op->arena, cursor);
    tt_task_ask_store(core, task, PART_LIST, op);
}

/* The user himself, and each sender once. */
static void ask_names(struct tt_core *core, struct tt_task *task)
{
    const struct tt_read_messages *read = &tt_task_answer(task, PART_MESSAGES)->read_messages;
    struct tt_store_op *op = tt_store_op_create(TT_STORE_GET_USERS);
    tt_id *ids = tt_arena_array(&op->arena, read->message_count + 1, sizeof(*ids));
    size_t count = 0;
    ids[count++] = task->user;
    for (size_t i = 0; i < read->message_count; i++) {
        size_t at = 0;
        while (at < count && !tt_id_eq(&ids[at], &read->messages[i].sender))
            at++;
        if (at == count)
            ids[count++] = read->messages[i].sender;
    }
    op->get_users.ids = ids;
    op->get_users.id_count = count;
    task->step = STEP_NAMES;
    task->badge = 0;
    tt_task_ask_store(core, task, PART_USERS, op);
    ask_list(core, task, TT_SLICE_EMPTY);
    if (tt_conv_find(core, &task->conversation) != NULL)
        return;
    op = tt_store_op_create(TT_STORE_GET_CONVERSATION);
    op->get_conversation.id = task->conversation;
    tt_task_ask_store(core, task, PART_CONVERSATION, op);
}

/* A group's name; that it is not known keeps nothing from ringing. */
static struct tt_slice title_of(const struct tt_core *core, const struct tt_task *task)
{
    const struct tt_conv *conv = tt_conv_find(core, &task->conversation);
    const struct tt_store_op *op = task->store[PART_CONVERSATION];
    if (conv != NULL)
        return conv->is.title;
    if (op == NULL || !tt_is_ok(op->err))
        return TT_SLICE_EMPTY;
    return op->get_conversation.conversation.title;
}

/* Counts the page of conversations; whether another one has to be counted too. */
static bool count_badge(struct tt_core *core, struct tt_task *task)
{
    struct tt_store_op *op = tt_task_answer(task, PART_LIST);
    if (!tt_is_ok(op->err))
        return false;
    const struct tt_list_conversations *list = &op->list_conversations;
    for (size_t i = 0; i < list->entry_count && task->badge < TT_NOTIFICATION_BADGE_MAX; i++)
        task->badge += list->entries[i].unread > 0;
    if (list->next.size == 0 || task->badge == TT_NOTIFICATION_BADGE_MAX)
        return false;
    op->next = core->spent_store;
    core->spent_store = op;
    ask_list(core, task, list->next);
    return true;
}

static const struct tt_user *user_of(const struct tt_task *task, const tt_id *id)
{
    const struct tt_get_users *users = &tt_task_answer(task, PART_USERS)->get_users;
    for (size_t i = 0; i < users->id_count; i++)
        if (tt_id_eq(&users->ids[i], id))
            return &users->users[i];
    return NULL;
}

static void ring(struct tt_core *core, const struct tt_task *task,
                 const struct tt_device_address *target, const struct tt_message *message)
{
    const struct tt_user *user = user_of(task, &task->user);
    const struct tt_user *sender = user_of(task, &message->sender);
    struct tt_notification *bell = tt_arena_alloc(&core->arena, sizeof(*bell));
    bell->kind = TT_NOTIFY_RING;
    bell->user = task->user;
    bell->device = target->device;
    bell->address = target->address;
    bell->conversation = task->conversation;
    bell->seq = message->seq;
    bell->sender = message->sender;
    bell->sender_name = sender->settings.display_name;
    bell->title = title_of(core, task);
    if (user->settings.push_preview && !core->options.hides_previews)
        bell->content = message->content;
    bell->badge = task->badge == 0 ? 1 : task->badge;
    tt_emit(core, TT_EFFECT_NOTIFY)->notification = bell;
    core->counters.notifications++;
}

/* Which of the messages ring there: the others', and of late ones only the newest. */
static bool rings_for(const struct tt_task *task, const struct tt_push *push, struct range range,
                      const struct tt_message *message)
{
    return message->seq.n > range.above.n && message->seq.n <= range.limit.n &&
           !tt_id_eq(&message->sender, &task->user) && tt_push_is_armed(push, message->seq);
}

static void ring_device(struct tt_core *core, struct tt_task *task, struct tt_push *push,
                        const struct tt_device_address *target)
{
    const struct tt_read_messages *read = &tt_task_answer(task, PART_MESSAGES)->read_messages;
    struct range range = range_of(push, task, &target->device);
    if (!is_due(range))
        return;
    struct tt_rung *rung = rung_of(push, &target->device);
    const struct tt_message *newest = NULL;
    for (size_t i = 0; i < read->message_count; i++) {
        const struct tt_message *message = &read->messages[i];
        if (!rings_for(task, push, range, message))
            continue;
        newest = message;
        if (push->late)
            continue;
        ring(core, task, target, message);
        rung->under_way++;
    }
    if (push->late && newest != NULL) {
        ring(core, task, target, newest);
        rung->under_way++;
    }
    tt_seq last =
        read->message_count == 0 ? range.limit : read->messages[read->message_count - 1].seq;
    rung->seq = tt_seq_max(rung->seq, tt_seq_min(last, range.limit));
    if (last.n < range.limit.n && last.n < read->head.n) { /* the rest comes with the next look */
        push->early = tt_seq_max(push->early, task->push_early);
        push->undone = push->early;
        return;
    }
    rung->seq = tt_seq_max(rung->seq, range.limit);
}

static bool any_rings_again(const struct tt_push *push)
{
    for (uint32_t i = 0; i < push->rung_count; i++)
        if (push->rung[i].again)
            return true;
    return false;
}

void tt_ring_looked(const struct tt_task *task, struct tt_push *push)
{
    tt_seq looked_at = tt_seq_max(task->push_late, task->push_early);
    bool has_more = push->early.n > 0 || push->late_to.n > looked_at.n;
    push->late = push->late && (has_more || any_rings_again(push));
}

static bool ring_all(struct tt_core *core, struct tt_task *task, struct tt_push *push)
{
    const struct tt_list_push_addresses *list =
        &tt_task_answer(task, PART_ADDRESSES)->list_push_addresses;
    for (size_t i = 0; i < list->address_count; i++)
        ring_device(core, task, push, &list->addresses[i]);
    tt_ring_looked(task, push);
    return true;
}

static tt_err outcome(const struct tt_task *task)
{
    switch (task->step) {
    case STEP_ADDRESSES:
        return tt_task_answer(task, PART_ADDRESSES)->err;
    case STEP_MESSAGES:
        return tt_task_answer(task, PART_MESSAGES)->err;
    default:
        return tt_task_answer(task, PART_USERS)->err;
    }
}

bool tt_ring_next(struct tt_core *core, struct tt_task *task, struct tt_push *push)
{
    if (!tt_is_ok(outcome(task))) {
        push->undone = tt_seq_max(push->undone, task->push_early);
        push->ask_at = tt_mono_after(core->now.mono, BACKOFF_MS);
        return true;
    }
    switch (task->step) {
    case STEP_ADDRESSES:
        if (ask_messages(core, task, push))
            return false;
        tt_ring_looked(task, push);
        return true;
    case STEP_MESSAGES:
        ask_names(core, task);
        return false;
    default:
        if (count_badge(core, task))
            return false;
        return ring_all(core, task, push);
    }
}

/* "apns 1234-...": the provider is the first word of what is kept. */
static struct tt_slice with_provider(struct tt_arena *arena, const struct tt_notified *notified)
{
    struct tt_slice name = tt_slice_text(tt_push_provider_name(notified->provider));
    size_t size = name.size + (notified->detail.size > 0 ? 1 + notified->detail.size : 0);
    char *text = tt_arena_alloc(arena, size + 1);
    memcpy(text, name.data, name.size);
    text[name.size] = ' ';
    if (notified->detail.size > 0)
        memcpy(text + name.size + 1, notified->detail.data, notified->detail.size);
    return tt_slice(text, size);
}

static void record(struct tt_core *core, const struct tt_notified *notified)
{
    struct tt_store_op *op = tt_store_op_create(TT_STORE_RECORD_PUSH);
    op->record_push.conversation = notified->conversation;
    op->record_push.happening = (struct tt_happening){
        .kind = notified->outcome == TT_NOTIFY_ACCEPTED ? TT_HAPPENED_PUSH_ACCEPTED
                                                        : TT_HAPPENED_PUSH_FAILED,
        .at = core->now.wall,
        .from = notified->seq,
        .to = notified->seq,
        .user = notified->user,
        .device = notified->device,
        .detail = with_provider(&op->arena, notified),
    };
    tt_emit_store(core, op, TT_FOR_NOTHING, TT_HANDLE_NONE);
}

static void forget_address(struct tt_core *core, const struct tt_notified *notified)
{
    struct tt_store_op *op = tt_store_op_create(TT_STORE_DROP_PUSH_ADDRESS);
    op->drop_push_address.user = notified->user;
    op->drop_push_address.device = notified->device;
    op->drop_push_address.token = tt_arena_copy(&op->arena, notified->token);
    op->drop_push_address.dead_since = notified->dead_since;
    tt_emit_store(core, op, TT_FOR_NOTHING, TT_HANDLE_NONE);
}

/* Between half and all of what the failures so far ask for, so that not all come back at once. */
static uint64_t backoff_ms(struct tt_core *core, const struct tt_push *push, uint32_t asked_ms)
{
    uint64_t ms = BACKOFF_MS;
    for (uint8_t i = 1; i < push->failures && ms < BACKOFF_MS_MAX; i++)
        ms *= 2;
    if (ms > BACKOFF_MS_MAX)
        ms = BACKOFF_MS_MAX;
    ms = ms / 2 + tt_random(core) % (ms / 2 + 1);
    return ms > asked_ms ? ms : asked_ms + tt_random(core) % BACKOFF_MS;
}

/* An endpoint that nobody has been reached at for a day may never be there again. */
static bool gives_up(const struct tt_core *core, struct tt_rung *rung)
{
    if (rung->since.ms == 0)
        rung->since = core->now.mono;
    return core->now.mono.ms - rung->since.ms >= GIVE_UP_MS;
}

static void put_off(struct tt_core *core, struct tt_push *push, struct tt_rung *rung,
                    const struct tt_notified *notified)
{
    if (push->retry_at.ms == 0) { /* the others of the same burst are the same failure */
        if (push->failures < UINT8_MAX)
            push->failures++;
        if (push->failures == 1)
            record(core, notified);
        push->retry_at =
            tt_mono_after(core->now.mono, backoff_ms(core, push, notified->retry_after_ms));
    }
    tt_unrung_done(core, push);
    push->late = true;
    push->late_to = tt_seq_max(push->late_to, notified->seq);
    rung->again = true;
    rung->seq = tt_seq_min(rung->seq, TT_SEQ(notified->seq.n - 1));
}

void tt_ring_notified(struct tt_core *core, const struct tt_notified *notified)
{
    struct tt_push *push = tt_push_find(core, &notified->conversation, &notified->user);
    struct tt_rung *rung = push == NULL ? NULL : rung_find(push, &notified->device);
    if (notified->outcome != TT_NOTIFY_LATER)
        record(core, notified);
    switch (notified->outcome) {
    case TT_NOTIFY_ACCEPTED:
        core->counters.notifications_accepted++;
        break;
    case TT_NOTIFY_GONE:
        forget_address(core, notified);
        core->counters.notifications_failed++;
        break;
    case TT_NOTIFY_FAILED:
        core->counters.notifications_failed++;
        break;
    case TT_NOTIFY_LATER:
        core->counters.notifications_put_off++;
        break;
    }
    if (rung == NULL)
        return;
    rung->under_way -= rung->under_way > 0;
    if (notified->outcome == TT_NOTIFY_LATER && !gives_up(core, rung)) {
        put_off(core, push, rung, notified);
    } else {
        if (notified->outcome == TT_NOTIFY_LATER)
            record(core, notified);
        rung->since = TT_MONO(0);
        push->failures = 0;
    }
    tt_push_settle(core, push);
}
