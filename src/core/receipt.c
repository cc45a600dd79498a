/*
 * Message info, `why` and the tick timeline: what the store remembers of what happened, and of the
 * people whom the caller may see.
 */
#include "core/state.h"

#include "base/limits.h"

#define HAPPENINGS_OF_ONE 8192

enum { PART_HISTORY, PART_USERS };

void tt_receipt_start(struct tt_core *core, struct tt_task *task)
{
    const struct tt_request *request = &task->request;
    const struct tt_conversation *chat = &task->conv->is;
    struct tt_store_op *op = tt_store_op_create(TT_STORE_HISTORY);
    op->history.conversation = task->conversation;
    op->history.count_max = HAPPENINGS_OF_ONE;
    if (request->kind == TT_REQUEST_TIMELINE) {
        op->history.from = request->timeline.from;
        op->history.to = request->timeline.to;
        op->history.since = request->timeline.since;
        op->history.until = request->timeline.until;
        op->history.count_max = TT_LIMIT_HAPPENINGS;
    } else {
        op->history.from = request->about.seq;
        op->history.to = request->about.seq;
        op->history.messages_only = true;
    }
    tt_task_ask_store(core, task, PART_HISTORY, op);

    struct tt_store_op *users = tt_store_op_create(TT_STORE_GET_USERS);
    tt_id *ids = tt_arena_array(&users->arena, chat->member_count, sizeof(*ids));
    memcpy(ids, chat->members, chat->member_count * sizeof(*ids));
    users->get_users.ids = ids;
    users->get_users.id_count = chat->member_count;
    tt_task_ask_store(core, task, PART_USERS, users);
    tt_task_ask_registry(
        core, task, tt_about_users(core, TT_REGISTRY_LOOKUP, chat->members, chat->member_count));
}

static const struct tt_user *user_of(const struct tt_task *task, const tt_id *id)
{
    const struct tt_get_users *users = &tt_task_answer(task, PART_USERS)->get_users;
    for (size_t i = 0; i < users->id_count; i++)
        if (tt_id_eq(&users->ids[i], id))
            return &users->users[i];
    return NULL;
}

/* Whether the caller may see when somebody was connected. */
static bool may_see(const struct tt_task *task, const tt_id *id)
{
    if (tt_id_eq(id, &task->user))
        return true;
    const struct tt_user *user = user_of(task, id);
    const struct tt_user *caller = user_of(task, &task->user);
    return user != NULL && caller != NULL && user->settings.share_last_seen &&
           caller->settings.share_last_seen;
}

static bool covers(const struct tt_happening *happening, tt_seq seq)
{
    return happening->from.n <= seq.n && seq.n <= happening->to.n;
}

static void note(struct tt_receipt *receipt, const struct tt_happening *happening)
{
    switch (happening->kind) {
    case TT_HAPPENED_DELIVERED:
        if (receipt->delivered_at.ms == 0)
            receipt->delivered_at = happening->at;
        return;
    case TT_HAPPENED_READ:
        if (receipt->read_at.ms == 0)
            receipt->read_at = happening->at;
        return;
    case TT_HAPPENED_PUSH_ACCEPTED:
    case TT_HAPPENED_PUSH_FAILED:
        receipt->push = *happening;
        return;
    case TT_HAPPENED_STORED:
    case TT_HAPPENED_CONNECTED:
    case TT_HAPPENED_DISCONNECTED:
        return;
    }
}

static void look_at_connection(const struct tt_core *core, const struct tt_task *task, size_t index,
                               struct tt_receipt *receipt)
{
    bool is_visible = may_see(task, &receipt->user) && tt_is_ok(task->registry->err);
    const struct tt_user *user = user_of(task, &receipt->user);
    bool is_offline = is_visible && task->registry->about.found[index].device_count == 0;
    if (is_offline)
        receipt->offline_since = tt_presence_no_later(
            core, tt_status_of(&task->registry->about.found[index], user->last_seen).last_seen);
    if (receipt->delivered_at.ms == 0)
        receipt->waiting_for =
            is_offline ? TT_WAITING_FOR_CONNECTION : TT_WAITING_FOR_DELIVERED_ACK;
    else if (receipt->read_at.ms == 0)
        receipt->waiting_for = TT_WAITING_FOR_READ_ACK;
}

static struct tt_receipt receipt_of(const struct tt_core *core, const struct tt_task *task,
                                    size_t index, tt_seq seq)
{
    const struct tt_read_history *history = &tt_task_answer(task, PART_HISTORY)->history;
    struct tt_receipt receipt = {.user = task->conv->is.members[index]};
    const struct tt_user *user = user_of(task, &receipt.user);
    if (user != NULL)
        receipt.display_name = user->settings.display_name;
    for (size_t i = 0; i < history->happening_count; i++)
        if (covers(&history->happenings[i], seq) &&
            (tt_id_eq(&history->happenings[i].user, &receipt.user) ||
             TT_IS_PLANTED(RECEIPT_MIXED_UP)))
            note(&receipt, &history->happenings[i]);
    if (receipt.delivered_at.ms == 0)
        receipt.delivered_at = receipt.read_at;
    if (!tt_id_eq(&receipt.user, &task->user)) {
        receipt.push.device = (tt_id){0};
        receipt.push.detail = TT_SLICE_EMPTY;
    }
    look_at_connection(core, task, index, &receipt);
    return receipt;
}

static const struct tt_happening *stored(const struct tt_read_history *history, tt_seq seq)
{
    for (size_t i = 0; i < history->happening_count; i++)
        if (history->happenings[i].kind == TT_HAPPENED_STORED &&
            covers(&history->happenings[i], seq))
            return &history->happenings[i];
    return NULL;
}

static void about_one(struct tt_core *core, struct tt_task *task)
{
    tt_seq seq = task->request.about.seq;
    const struct tt_happening *message = stored(&tt_task_answer(task, PART_HISTORY)->history, seq);
    if (message == NULL) {
        (void)tt_reply(core, task, TT_FAIL(NOT_FOUND));
        return;
    }
    size_t member_count = task->conv->is.member_count;
    struct tt_receipt *receipts = tt_arena_array(&core->arena, member_count, sizeof(*receipts));
    size_t count = 0;
    enum tt_tick tick = TT_TICK_BLUE;
    for (size_t i = 0; i < member_count; i++) {
        if (tt_id_eq(&task->conv->is.members[i], &message->user))
            continue;
        struct tt_receipt *receipt = &receipts[count++];
        *receipt = receipt_of(core, task, i, seq);
        if (receipt->delivered_at.ms == 0)
            tick = TT_TICK_ONE;
        else if (receipt->read_at.ms == 0 && tick == TT_TICK_BLUE)
            tick = TT_TICK_TWO;
    }
    struct tt_reply *reply = tt_reply(core, task, TT_OK);
    reply->about.seq = seq;
    reply->about.sender = message->user;
    reply->about.timestamp = message->at;
    reply->about.tick = count == 0 ? TT_TICK_ONE : tick;
    reply->about.receipts = receipts;
    reply->about.receipt_count = count;
}

static bool is_connection(const struct tt_happening *happening)
{
    return happening->kind == TT_HAPPENED_CONNECTED || happening->kind == TT_HAPPENED_DISCONNECTED;
}

static bool is_push(const struct tt_happening *happening)
{
    return happening->kind == TT_HAPPENED_PUSH_ACCEPTED ||
           happening->kind == TT_HAPPENED_PUSH_FAILED;
}

static void timeline(struct tt_core *core, struct tt_task *task)
{
    const struct tt_read_history *history = &tt_task_answer(task, PART_HISTORY)->history;
    struct tt_happening *shown =
        tt_arena_array(&core->arena, history->happening_count, sizeof(*shown));
    size_t count = 0;
    for (size_t i = 0; i < history->happening_count; i++) {
        const struct tt_happening *happening = &history->happenings[i];
        bool is_own = tt_id_eq(&happening->user, &task->user);
        if (is_connection(happening) && !may_see(task, &happening->user) &&
            !TT_IS_PLANTED(TIMELINE_LEAKS))
            continue;
        shown[count] = *happening;
        if (!is_own)
            shown[count].device = (tt_id){0};
        if (!is_own && is_push(happening))
            shown[count].detail = TT_SLICE_EMPTY;
        count++;
    }
    struct tt_reply *reply = tt_reply(core, task, TT_OK);
    reply->timeline.happenings = shown;
    reply->timeline.happening_count = count;
}

void tt_receipt_ready(struct tt_core *core, struct tt_task *task)
{
    tt_err err = tt_task_answer(task, PART_HISTORY)->err;
    if (tt_is_ok(err))
        err = tt_task_answer(task, PART_USERS)->err;
    if (!tt_is_ok(err))
        (void)tt_reply(core, task, err);
    else if (task->request.kind == TT_REQUEST_TIMELINE)
        timeline(core, task);
    else
        about_one(core, task);
    tt_task_destroy(core, task);
}
