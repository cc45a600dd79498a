#include <stdio.h>

#include "adapter/dynamodb/work.h"
#include "base/memory.h"

/* Ops that stand in the way of others about the same thing, the first one ahead. */
struct tt_ddb_lane {
    struct tt_ddb_ticket *first;
    struct tt_ddb_ticket *last;
    char key[2 * TT_ID_SIZE_MAX + 2];
    size_t key_size;
};

static struct tt_slice lane_key(const void *value)
{
    const struct tt_ddb_lane *lane = value;
    return tt_slice(lane->key, lane->key_size);
}

static void take_ticket(struct tt_ddb_work *work, struct tt_slice key, bool alone)
{
    struct tt_ddb_store *store = work->store;
    struct tt_ddb_lane *lane = tt_map_get(&store->lanes, key);
    if (lane == NULL) {
        lane = tt_alloc(sizeof(*lane));
        memcpy(lane->key, key.data, key.size);
        lane->key_size = key.size;
        tt_map_add(&store->lanes, lane);
    }
    TT_ASSERT(work->ticket_count < TT_DDB_TICKETS_MAX);
    struct tt_ddb_ticket *ticket = &work->tickets[work->ticket_count++];
    *ticket = (struct tt_ddb_ticket){.work = work, .lane = lane, .alone = alone};
    *(lane->last != NULL ? &lane->last->next : &lane->first) = ticket;
    lane->last = ticket;
}

static void take_conversation(struct tt_ddb_work *work, const tt_id *id, bool alone)
{
    take_ticket(work, tt_id_slice(id), alone);
}

/* "#bob" */
static void take_user(struct tt_ddb_work *work, const tt_id *user, bool alone)
{
    char key[TT_ID_SIZE_MAX + 1];
    key[0] = '#';
    memcpy(key + 1, user->bytes, user->size);
    take_ticket(work, tt_slice(key, (size_t)user->size + 1), alone);
}

/* "alice#bob" */
static void take_pair(struct tt_ddb_work *work, const struct tt_conversation *conversation)
{
    char key[2 * TT_ID_SIZE_MAX + 1];
    if (conversation->member_count != 2)
        return;
    const tt_id *a = &conversation->members[0];
    const tt_id *b = &conversation->members[1];
    memcpy(key, a->bytes, a->size);
    key[a->size] = '#';
    memcpy(key + a->size + 1, b->bytes, b->size);
    take_ticket(work, tt_slice(key, (size_t)a->size + 1 + b->size), true);
}

static void take_tickets(struct tt_ddb_work *work)
{
    struct tt_store_op *op = work->op;
    switch (op->kind) {
    case TT_STORE_LINK_DEVICE:
        take_user(work, &op->link_device.user, true);
        return;
    case TT_STORE_UNLINK_DEVICE:
        take_user(work, &op->unlink_device.user, true);
        return;
    case TT_STORE_DISCONNECT:
        take_user(work, &op->disconnect.user, true);
        return;
    case TT_STORE_PUT_USER:
        take_user(work, &op->put_user.user, true);
        return;
    case TT_STORE_CREATE_CONVERSATION:
        take_conversation(work, &op->create_conversation.conversation.id, true);
        take_pair(work, &op->create_conversation.conversation);
        return;
    case TT_STORE_APPEND:
        take_conversation(work, &op->append.conversation, true);
        take_user(work, &op->append.message.sender, false);
        return;
    case TT_STORE_ADVANCE:
        take_conversation(work, &op->advance.conversation, true);
        take_user(work, &op->advance.user, false);
        return;
    case TT_STORE_MUTE:
        take_conversation(work, &op->mute.conversation, true);
        return;
    case TT_STORE_PUT_PUSH_ADDRESS:
        take_user(work, &op->put_push_address.user, true);
        return;
    case TT_STORE_PUT_ACCOUNT:
        take_user(work, &op->put_account.user, true);
        return;
    case TT_STORE_LOG_IN:
        take_user(work, &op->log_in.user, true);
        return;
    case TT_STORE_DROP_PUSH_ADDRESS:
        take_user(work, &op->drop_push_address.user, true);
        return;
    case TT_STORE_LIST_DEVICES:
    case TT_STORE_ALIVE:
    case TT_STORE_GET_CONVERSATION:
    case TT_STORE_READ_MESSAGES:
    case TT_STORE_SNAPSHOT:
    case TT_STORE_POSITIONS:
    case TT_STORE_LIST_PENDING:
    case TT_STORE_MARK_PUSHED:
    case TT_STORE_LIST_CONVERSATIONS:
    case TT_STORE_GET_USERS:
    case TT_STORE_HISTORY:
    case TT_STORE_LIST_PUSH_ADDRESSES:
    case TT_STORE_RECORD_PUSH:
    case TT_STORE_LIST_UNRUNG:
    case TT_STORE_GET_ACCOUNT:
    case TT_STORE_LIST_ACCOUNTS:
    case TT_STORE_CHECK_LOGIN:
        return;
    }
}

/* Nobody ahead of it, or only such as go side by side with it. */
static bool may_go(const struct tt_ddb_ticket *ticket)
{
    for (const struct tt_ddb_ticket *ahead = ticket->lane->first; ahead != ticket;
         ahead = ahead->next)
        if (ahead->alone || ticket->alone)
            return false;
    return true;
}

static bool may_start(const struct tt_ddb_work *work)
{
    for (size_t i = 0; i < work->ticket_count; i++)
        if (!may_go(&work->tickets[i]))
            return false;
    return true;
}

static void carry_out(struct tt_ddb_work *work)
{
    static void (*const runs[])(struct tt_ddb_work * work) = {
        [TT_STORE_LINK_DEVICE] = tt_ddb_link_device,
        [TT_STORE_UNLINK_DEVICE] = tt_ddb_unlink_device,
        [TT_STORE_LIST_DEVICES] = tt_ddb_list_devices,
        [TT_STORE_DISCONNECT] = tt_ddb_disconnect,
        [TT_STORE_ALIVE] = tt_ddb_alive,
        [TT_STORE_CREATE_CONVERSATION] = tt_ddb_create_conversation,
        [TT_STORE_GET_CONVERSATION] = tt_ddb_get_conversation,
        [TT_STORE_APPEND] = tt_ddb_append,
        [TT_STORE_ADVANCE] = tt_ddb_advance,
        [TT_STORE_READ_MESSAGES] = tt_ddb_read_messages,
        [TT_STORE_SNAPSHOT] = tt_ddb_snapshot,
        [TT_STORE_POSITIONS] = tt_ddb_positions,
        [TT_STORE_LIST_PENDING] = tt_ddb_list_pending,
        [TT_STORE_MARK_PUSHED] = tt_ddb_mark_pushed,
        [TT_STORE_LIST_CONVERSATIONS] = tt_ddb_list_conversations,
        [TT_STORE_GET_USERS] = tt_ddb_get_users,
        [TT_STORE_PUT_USER] = tt_ddb_put_user,
        [TT_STORE_MUTE] = tt_ddb_mute,
        [TT_STORE_HISTORY] = tt_ddb_history,
        [TT_STORE_PUT_PUSH_ADDRESS] = tt_ddb_put_push_address,
        [TT_STORE_DROP_PUSH_ADDRESS] = tt_ddb_drop_push_address,
        [TT_STORE_LIST_PUSH_ADDRESSES] = tt_ddb_list_push_addresses,
        [TT_STORE_RECORD_PUSH] = tt_ddb_record_push,
        [TT_STORE_LIST_UNRUNG] = tt_ddb_list_unrung,
        [TT_STORE_PUT_ACCOUNT] = tt_ddb_put_account,
        [TT_STORE_GET_ACCOUNT] = tt_ddb_get_account,
        [TT_STORE_LIST_ACCOUNTS] = tt_ddb_list_accounts,
        [TT_STORE_LOG_IN] = tt_ddb_log_in,
        [TT_STORE_CHECK_LOGIN] = tt_ddb_check_login,
    };
    runs[work->op->kind](work);
}

static void finish(struct tt_ddb_work *work);

/* What a fiber runs: one op, and then whatever of those behind it may go now is started outside,
 * by the turn in which it is handed back. */
static void run(void *context)
{
    struct tt_ddb_work *work = context;
    work->fiber = tt_fiber_self(work->store->fibers);
    work->op->err = TT_OK;
    carry_out(work);
    work->store->running--;
    finish(work);
}

static void finish(struct tt_ddb_work *work)
{
    struct tt_ddb_store *store = work->store;
    work->next = NULL;
    *(store->finished_last != NULL ? &store->finished_last->next : &store->finished) = work;
    store->finished_last = work;
}

static tt_mono op_end(const struct tt_ddb_store *store)
{
    return TT_MONO(store->options.clock.mono(store->options.clock.self).ms +
                   store->options.op_ms_max);
}

static void start_now(struct tt_ddb_work *work)
{
    struct tt_ddb_store *store = work->store;
    store->running++;
    work->deadline = op_end(store);
    tt_fiber_start(store->fibers, run, work);
}

/* What says that this server lives waits for nobody: else a storm would make it look dead. */
static void start(struct tt_ddb_work *work)
{
    struct tt_ddb_store *store = work->store;
    bool has_room = store->running < TT_DDB_RUNNING_MAX && store->roomless == NULL;
    work->started = true;
    if (has_room || work->op->kind == TT_STORE_ALIVE) {
        start_now(work);
        return;
    }
    work->room_until = op_end(store);
    work->next = NULL;
    *(store->roomless_last != NULL ? &store->roomless_last->next : &store->roomless) = work;
    store->roomless_last = work;
}

/* Whoever has waited for too long is not begun: he is not waited for any more, and what is done
 * for him would make the others late, too. */
static void start_roomless(struct tt_ddb_store *store)
{
    while (store->roomless != NULL && store->running < TT_DDB_RUNNING_MAX) {
        struct tt_ddb_work *work = store->roomless;
        store->roomless = work->next;
        if (store->roomless == NULL)
            store->roomless_last = NULL;
        if (store->options.clock.mono(store->options.clock.self).ms <= work->room_until.ms) {
            start_now(work);
            continue;
        }
        work->op->err = TT_FAIL(UNAVAILABLE);
        finish(work);
    }
}

static void leave_lane(struct tt_ddb_store *store, struct tt_ddb_ticket *ticket)
{
    struct tt_ddb_lane *lane = ticket->lane;
    struct tt_ddb_ticket **at = &lane->first;
    struct tt_ddb_ticket *before = NULL;
    while (*at != ticket) {
        before = *at;
        at = &before->next;
    }
    *at = ticket->next;
    if (lane->last == ticket)
        lane->last = before;
    if (lane->first == NULL) {
        tt_map_remove(&store->lanes, lane_key(lane));
        tt_free(lane);
        return;
    }
    for (struct tt_ddb_ticket *one = lane->first; one != NULL;) {
        struct tt_ddb_ticket *next = one->next;
        if (!one->work->started && may_start(one->work))
            start(one->work);
        if (one->alone)
            break;
        one = next;
    }
}

static void work_destroy(struct tt_ddb_work *work)
{
    struct tt_ddb_store *store = work->store;
    for (size_t i = 0; i < work->pin_count; i++)
        tt_ddb_cache_unpin(store->cache, work->pins[i]);
    tt_free(work->pins);
    *(work->newer != NULL ? &work->newer->older : &store->newest) = work->older;
    if (work->older != NULL)
        work->older->newer = work->newer;
    store->under_way--;
    tt_arena_deinit(&work->arena);
    tt_free(work);
}

/* An op leaves its lanes before it is handed back: who gets it may at once submit the next one. */
static void hand_back(struct tt_ddb_work *work)
{
    struct tt_ddb_store *store = work->store;
    struct tt_store_op *op = work->op;
    for (size_t i = 0; i < work->ticket_count; i++)
        leave_lane(store, &work->tickets[i]);
    work_destroy(work);
    store->sink.done(store->sink.context, op);
}

void tt_ddb_store_turn(struct tt_ddb_store *store)
{
    start_roomless(store);
    while (store->finished != NULL) {
        struct tt_ddb_work *work = store->finished;
        store->finished = work->next;
        if (store->finished == NULL)
            store->finished_last = NULL;
        hand_back(work);
        start_roomless(store);
    }
}

static void on_alarm(void *context)
{
    tt_ddb_store_turn(context);
}

static void submit(void *self, struct tt_store_op *const *ops, size_t count)
{
    struct tt_ddb_store *store = self;
    for (size_t i = 0; i < count; i++) {
        struct tt_ddb_work *work = tt_alloc(sizeof(*work));
        work->store = store;
        work->op = ops[i];
        work->older = store->newest;
        if (store->newest != NULL)
            store->newest->newer = work;
        store->newest = work;
        store->under_way++;
        take_tickets(work);
        if (may_start(work))
            start(work);
    }
    if (store->finished != NULL && store->alarm != NULL)
        tt_alarm_set(store->alarm, tt_loop_now(store->loop));
}

struct tt_ddb_store *tt_ddb_store_create(struct tt_loop *loop,
                                         const struct tt_ddb_store_options *options,
                                         struct tt_store_sink sink)
{
    struct tt_ddb_store *store = tt_alloc(sizeof(*store));
    store->options = *options;
    store->loop = loop;
    store->sink = sink;
    store->fibers = tt_fiber_pool_create();
    uint64_t seed = options->entropy.next(options->entropy.self);
    store->cache = tt_ddb_cache_create(options->cache_entries, seed);
    tt_map_init(&store->lanes, lane_key, seed);
    store->marks = options->entropy.next(options->entropy.self) >> 12;
    if (loop != NULL)
        store->alarm = tt_alarm_create(loop, on_alarm, store);
    snprintf(store->server_text, sizeof(store->server_text), "%.*s.%llu",
             (int)options->place.server.size, options->place.server.bytes,
             (unsigned long long)options->place.incarnation);
    snprintf(store->node_text, sizeof(store->node_text), "%s.%u", store->server_text,
             (unsigned)options->place.node);
    return store;
}

void tt_ddb_store_destroy(struct tt_ddb_store **take_store)
{
    struct tt_ddb_store *store = *take_store;
    *take_store = NULL;
    while (store->newest != NULL) {
        struct tt_ddb_work *work = store->newest;
        struct tt_store_op *op = work->op;
        bool is_finished = false;
        for (struct tt_ddb_work *one = store->finished; one != NULL; one = one->next)
            is_finished = is_finished || one == work;
        if (!is_finished)
            op->err = TT_FAIL(UNAVAILABLE);
        work_destroy(work);
        store->sink.done(store->sink.context, op);
    }
    size_t at = 0;
    for (struct tt_ddb_lane *lane; (lane = tt_map_next(&store->lanes, &at)) != NULL;)
        tt_free(lane);
    tt_map_deinit(&store->lanes);
    tt_fiber_pool_destroy(&store->fibers);
    tt_ddb_cache_destroy(&store->cache);
    if (store->alarm != NULL)
        tt_alarm_destroy(&store->alarm);
    tt_free(store);
}

struct tt_store_port tt_ddb_store_port(struct tt_ddb_store *store)
{
    return (struct tt_store_port){.self = store, .keeps_order = false, .submit = submit};
}

size_t tt_ddb_store_under_way(const struct tt_ddb_store *store)
{
    return store->under_way;
}

struct tt_ddb_request *tt_ddb_new(struct tt_ddb_work *work, enum tt_ddb_verb verb,
                                  enum tt_ddb_table table, struct tt_ddb_value hash,
                                  struct tt_ddb_value range)
{
    struct tt_ddb_request *request = tt_arena_alloc(&work->arena, sizeof(*request));
    request->verb = verb;
    request->table = table;
    request->key = (struct tt_ddb_key){hash, range};
    return request;
}

static void on_answer(void *context)
{
    struct tt_ddb_work *work = context;
    struct tt_ddb_store *store = work->store;
    work->unanswered--;
    if (work->waiting) {
        work->waiting = false;
        tt_fiber_resume(work->fiber);
    }
    tt_ddb_store_turn(store);
}

static void wait_until(struct tt_ddb_work *work, size_t unanswered_max)
{
    while (work->unanswered > unanswered_max) {
        work->waiting = true;
        tt_fiber_wait(work->store->fibers);
    }
}

struct tt_ddb_answer *tt_ddb_ask_all(struct tt_ddb_work *work,
                                     struct tt_ddb_request *const *requests, size_t count)
{
    const struct tt_ddb_tables *tables = &work->store->options.tables;
    struct tt_ddb_answer *answers = tt_arena_array(&work->arena, count, sizeof(*answers));
    for (size_t i = 0; i < count; i++) {
        wait_until(work, TT_DDB_ABREAST - 1);
        work->unanswered++;
        tables->send(tables->self, requests[i], work->deadline, &work->arena, &answers[i],
                     on_answer, work);
    }
    wait_until(work, 0);
    return answers;
}

struct tt_ddb_answer *tt_ddb_ask(struct tt_ddb_work *work, const struct tt_ddb_request *request)
{
    const struct tt_ddb_tables *tables = &work->store->options.tables;
    struct tt_ddb_answer *answer = tt_arena_alloc(&work->arena, sizeof(*answer));
    work->unanswered++;
    tables->send(tables->self, request, work->deadline, &work->arena, answer, on_answer, work);
    wait_until(work, 0);
    return answer;
}

void tt_ddb_follow_pages(struct tt_ddb_work *work, struct tt_ddb_request *request,
                         struct tt_ddb_answer *all, size_t count_max)
{
    /* An empty page with more behind it is a page too. */
    while (all->outcome == TT_DDB_DONE && all->more && all->item_count < count_max) {
        request->query.after = all->behind;
        const struct tt_ddb_answer *page = tt_ddb_ask(work, request);
        struct tt_json *items =
            tt_arena_array(&work->arena, all->item_count + page->item_count, sizeof(*items));
        if (all->item_count > 0)
            memcpy(items, all->items, all->item_count * sizeof(*items));
        if (page->item_count > 0)
            memcpy(items + all->item_count, page->items, page->item_count * sizeof(*items));
        all->items = items;
        all->item_count += page->item_count;
        all->outcome = page->outcome;
        all->more = page->more;
        all->behind = page->behind;
    }
}

struct tt_ddb_answer *tt_ddb_ask_pages(struct tt_ddb_work *work, struct tt_ddb_request *request,
                                       size_t count_max)
{
    struct tt_ddb_answer *all = tt_ddb_ask(work, request);
    tt_ddb_follow_pages(work, request, all, count_max);
    return all;
}

tt_err tt_ddb_known(const struct tt_ddb_answer *answer)
{
    return answer->outcome == TT_DDB_UNKNOWN ? TT_FAIL(UNAVAILABLE) : TT_OK;
}

/* Below 2^53, so that every reader of the table sees it exactly. */
uint64_t tt_ddb_new_mark(struct tt_ddb_store *store)
{
    store->marks++;
    uint64_t drawn = store->options.entropy.next(store->options.entropy.self);
    return (drawn ^ store->marks) >> 11;
}

tt_time tt_ddb_wall(const struct tt_ddb_store *store)
{
    return store->options.clock.wall(store->options.clock.self);
}
