#include "core/core.h"

#include "base/limits.h"
#include "base/memory.h"
#include "core/state.h"

#define NODE_GONE_MS 10000

struct tt_core_options tt_core_options_default(void)
{
    return (struct tt_core_options){
        .store_keeps_order = true,
        .push_delay_ms = TT_PUSH_DELAY_MS,
        .heartbeat_ms = TT_HEARTBEAT_MS,
        .pong_ms = TT_PONG_MS,
        .offline_grace_ms = TT_OFFLINE_GRACE_MS,
        .refresh_ms_min = TT_REFRESH_MS_MIN,
        .refresh_ms_max = TT_REFRESH_MS_MAX,
        .sends_per_s = TT_LIMIT_SENDS_PER_S,
        .frames_per_s = TT_LIMIT_FRAMES_PER_S,
        .members_max = TT_LIMIT_MEMBERS,
        .conversations_max = TT_LIMIT_CONVERSATIONS,
        .devices_max = TT_LIMIT_DEVICES,
        .device_silent_ms_max = TT_LIMIT_DEVICE_SILENT_S * 1000LL,
        .streams_kept = TT_LIMIT_STREAMS_KEPT,
        .conversations_kept = TT_LIMIT_CONVERSATIONS_KEPT,
        .replay_count = TT_REPLAY_COUNT,
        .replay_bytes = TT_REPLAY_BYTES,
        .pending_count = TT_PENDING_COUNT,
        .push_timers_max = TT_LIMIT_PUSH_TIMERS,
        .unrung_max = TT_LIMIT_UNRUNG,
        .undrained_bytes_max = TT_LIMIT_UNDRAINED_BYTES,
        .slow_bytes_max = TT_LIMIT_SLOW_BYTES,
    };
}

static struct tt_slice user_key(const void *value)
{
    return tt_user_name(value);
}

static struct tt_slice conv_key(const void *value)
{
    return tt_id_slice(&((const struct tt_conv *)value)->is.id);
}

static struct tt_slice watched_key(const void *value)
{
    return tt_id_slice(&((const struct tt_watched *)value)->user);
}

static struct tt_slice push_key(const void *value)
{
    const struct tt_push *push = value;
    return tt_slice(push->key, push->key_size);
}

static struct tt_slice clear_key(const void *value)
{
    const struct tt_clear *clear = value;
    return tt_slice(clear->key, clear->key_size);
}

static struct tt_slice bucket_key(const void *value)
{
    const struct tt_bucket *bucket = value;
    return tt_slice(bucket->key, bucket->key_size);
}

struct tt_core *tt_core_create(const struct tt_core_options *options)
{
    struct tt_core *core = tt_alloc(sizeof(*core));
    core->options = *options;
    tt_map_init(&core->users, user_key, options->hash_seed);
    tt_map_init(&core->conversations, conv_key, options->hash_seed + 1);
    tt_map_init(&core->watched, watched_key, options->hash_seed + 2);
    tt_map_init(&core->pushes, push_key, options->hash_seed + 3);
    tt_map_init(&core->clears, clear_key, options->hash_seed + 5);
    tt_map_init(&core->buckets, bucket_key, options->hash_seed + 4);
    core->alive.kind = TT_TIMER_ALIVE;
    core->unrung.kind = TT_TIMER_UNRUNG;
    if (options->reports_alive) {
        tt_timer_set(&core->timers, &core->alive, TT_MONO(1));
        tt_timer_set(&core->timers, &core->unrung, TT_MONO(1));
    }
    return core;
}

static void free_spent(struct tt_core *core)
{
    tt_spent_tasks_free(core);
    while (core->spent_store != NULL) {
        struct tt_store_op *op = core->spent_store;
        core->spent_store = op->next;
        tt_store_op_destroy(&op);
    }
    while (core->spent_registry != NULL) {
        struct tt_registry_op *op = core->spent_registry;
        core->spent_registry = op->next;
        tt_registry_op_destroy(&op);
    }
}

void tt_spent_tasks_free(struct tt_core *core)
{
    while (core->spent_tasks != NULL) {
        struct tt_task *task = core->spent_tasks;
        core->spent_tasks = task->next_spent;
        tt_arena_deinit(&task->arena);
        tt_free(task);
    }
}

static void free_retries(struct tt_core *core)
{
    for (uint32_t i = 0; i < core->timers.count; i++) {
        struct tt_timer *timer = core->timers.heap[i];
        if (timer->kind != TT_TIMER_RETRY)
            continue;
        struct tt_retry *waiting =
            (struct tt_retry *)((char *)timer - offsetof(struct tt_retry, timer));
        if (waiting->store_op != NULL)
            tt_store_op_destroy(&waiting->store_op);
        if (waiting->registry_op != NULL)
            tt_registry_op_destroy(&waiting->registry_op);
        tt_free(waiting);
    }
}

static void free_map(struct tt_map *map)
{
    size_t at = 0;
    for (void *value = tt_map_next(map, &at); value != NULL; value = tt_map_next(map, &at))
        tt_free(value);
    tt_map_deinit(map);
}

static void free_pushes(struct tt_core *core)
{
    size_t at = 0;
    for (struct tt_push *push = tt_map_next(&core->pushes, &at); push != NULL;
         push = tt_map_next(&core->pushes, &at))
        tt_push_free(push);
    tt_map_deinit(&core->pushes);
}

static void free_users(struct tt_core *core)
{
    size_t at = 0;
    for (struct tt_user_here *user = tt_map_next(&core->users, &at); user != NULL;
         user = tt_map_next(&core->users, &at))
        tt_free(user->grace);
    free_map(&core->users);
}

static void free_watched(struct tt_core *core)
{
    size_t at = 0;
    for (struct tt_watched *watched = tt_map_next(&core->watched, &at); watched != NULL;
         watched = tt_map_next(&core->watched, &at))
        tt_free(watched->sessions);
    free_map(&core->watched);
}

void tt_core_destroy(struct tt_core **pointer)
{
    struct tt_core *core = *pointer;
    core->effect_count = 0;
    free_spent(core);
    free_retries(core);
    for (uint32_t i = 0; i < core->task_capacity; i++)
        if (core->tasks[i] != NULL)
            tt_task_destroy(core, core->tasks[i]);
    free_spent(core);
    for (uint32_t i = 0; i < core->connection_capacity; i++)
        if (core->sessions[i] != NULL)
            tt_session_free(core->sessions[i]);
    free_watched(core);
    tt_conv_deinit_all(core);
    free_users(core);
    free_pushes(core);
    free_map(&core->clears);
    free_map(&core->buckets);
    tt_timers_deinit(&core->timers);
    tt_free(core->sessions);
    tt_free(core->requests);
    tt_free(core->tasks);
    tt_free(core->task_generations);
    tt_free(core->effects);
    tt_arena_deinit(&core->arena);
    tt_free(core);
    *pointer = NULL;
}

static void grow_connections(struct tt_core *core, uint32_t index)
{
    uint32_t capacity = core->connection_capacity == 0 ? 64 : core->connection_capacity;
    while (capacity <= index)
        capacity += capacity / 4;
    if (capacity == core->connection_capacity)
        return;
    core->sessions = tt_grow(core->sessions, capacity, sizeof(core->sessions[0]));
    core->requests = tt_grow(core->requests, capacity, sizeof(core->requests[0]));
    size_t added = capacity - core->connection_capacity;
    memset(core->sessions + core->connection_capacity, 0, added * sizeof(core->sessions[0]));
    memset(core->requests + core->connection_capacity, 0, added * sizeof(core->requests[0]));
    core->connection_capacity = capacity;
}

static void alive_due(struct tt_core *core)
{
    struct tt_store_op *op = tt_store_op_create(TT_STORE_ALIVE);
    op->alive.at = core->now.wall;
    tt_emit_store(core, op, TT_FOR_NOTHING, TT_HANDLE_NONE);
    tt_timer_set(&core->timers, &core->alive, tt_mono_after(core->now.mono, TT_ALIVE_MS));
}

#define OWNER(type, timer_pointer) ((type *)((char *)(timer_pointer)-offsetof(type, timer)))

static void timers_due(struct tt_core *core)
{
    struct tt_timer *timer;
    while ((timer = tt_timers_take_due(&core->timers, core->now.mono)) != NULL) {
        switch ((enum tt_timer_kind)timer->kind) {
        case TT_TIMER_SESSION:
            tt_session_due(core, OWNER(struct tt_session, timer));
            break;
        case TT_TIMER_USER:
            tt_presence_grace_over(core, OWNER(struct tt_grace, timer));
            break;
        case TT_TIMER_TASK:
            tt_open_waited(core, OWNER(struct tt_task, timer));
            break;
        case TT_TIMER_PUSH:
            tt_push_due(core, OWNER(struct tt_push, timer));
            break;
        case TT_TIMER_CLEAR:
            tt_clear_due(core, OWNER(struct tt_clear, timer));
            break;
        case TT_TIMER_UNRUNG:
            tt_unrung_due(core);
            break;
        case TT_TIMER_PUSH_TEST:
            tt_push_test_waited(core, OWNER(struct tt_task, timer));
            break;
        case TT_TIMER_ALIVE:
            alive_due(core);
            break;
        case TT_TIMER_RETRY:
            tt_retry_due(core, timer);
            break;
        }
    }
}

static void store_done(struct tt_core *core, struct tt_store_op *op)
{
    core->ops_under_way--;
    if (!tt_is_ok(op->err) && tt_err_who(op->err) != TT_ERR_CLIENT)
        core->counters.store_errors++;
    uint32_t purpose = op->tag.purpose;
    if (purpose >= TT_FOR_TASK) {
        tt_task_store_done(core, op);
        return;
    }

    op->next = core->spent_store;
    core->spent_store = op;
    if (purpose == TT_FOR_LINK)
        tt_session_linked(core, op);
    else if (purpose == TT_FOR_PENDING)
        tt_replay_pending_done(core, op);
    else if (purpose == TT_FOR_POSITION)
        tt_stream_positions_done(core, op);
    else if (purpose == TT_FOR_READ)
        tt_stream_read_done(core, op);
    else if (purpose == TT_FOR_ACK)
        tt_ack_done(core, op);
    else if (purpose == TT_FOR_CONVERSATION)
        tt_conv_loaded(core, op);
    else if (purpose == TT_FOR_MARKED)
        tt_push_marked(core, op);
    else if (purpose == TT_FOR_UNRUNG)
        tt_unrung_found(core, op);
    else if (purpose == TT_FOR_SHARING)
        tt_presence_looked_up(core, op);
    else if (purpose == TT_FOR_CUT)
        tt_cut_sockets_looked(core, op);
    else if (purpose == TT_FOR_UNLINKED)
        tt_cut_entries_looked(core, op);
    else if (purpose == TT_FOR_DISCONNECT && tt_err_is(op->err, TT_ERR_UNAVAILABLE)) {
        core->spent_store = op->next;
        tt_retry_store(core, op);
    }
}

static void registry_done(struct tt_core *core, struct tt_registry_op *op)
{
    core->ops_under_way--;
    uint32_t purpose = op->tag.purpose;
    if (purpose >= TT_FOR_TASK) {
        tt_task_registry_done(core, op);
        return;
    }

    op->next = core->spent_registry;
    core->spent_registry = op;
    if (purpose == TT_FOR_REGISTER)
        tt_session_registered(core, op);
    else if (purpose == TT_FOR_FANOUT)
        tt_fanout_found(core, op);
    else if (purpose == TT_FOR_GRACE)
        tt_presence_grace_looked(core, op);
    else if (purpose == TT_FOR_WATCHED)
        tt_presence_looked(core, op);
    else if (purpose == TT_FOR_WATCHERS)
        tt_presence_watchers_found(core, op);
    else if (purpose == TT_FOR_REASSERT)
        tt_session_reasserted(core, op);
    else if (purpose == TT_FOR_GHOSTS)
        tt_session_ghosts_found(core, op);
    else if (purpose == TT_FOR_UNREGISTER && tt_err_is(op->err, TT_ERR_UNAVAILABLE)) {
        core->spent_registry = op->next;
        tt_retry_registry(core, op);
    } else if (purpose == TT_FOR_UNREGISTER) {
        tt_session_unregistered(core, op);
    }
}

static void each_session(struct tt_core *core, void (*call)(struct tt_core *, struct tt_session *))
{
    for (uint32_t i = 0; i < core->connection_capacity; i++)
        if (core->sessions[i] != NULL && core->sessions[i]->state == TT_SESSION_LIVE)
            call(core, core->sessions[i]);
}

static void resync(struct tt_core *core, struct tt_session *session)
{
    tt_replay_start(core, session);
    if (session->busy->open != NULL && !session->busy->opening)
        tt_refresh_start(core, session);
    if (core->options.reassert_ms == 0)
        tt_session_reassert(core, session);
}

static void going_away(struct tt_core *core, struct tt_session *session)
{
    tt_session_close(core, session, TT_CLOSE_GOING_AWAY);
}

static void refuse_frame(struct tt_core *core, struct tt_session *session, tt_err err,
                         const char *key, const tt_id *conversation, const tt_id *client_id)
{
    if (session->state != TT_SESSION_LIVE ||
        !tt_session_take_frame_token(core, session, conversation, client_id))
        return;
    struct tt_server_frame *frame = tt_emit_frame(core, session, TT_SERVER_ERROR, 0);
    frame->conversation = *conversation;
    frame->client_id = *client_id;
    frame->error.err = err;
    frame->error.key = key;
    core->counters.errors_sent++;
}

/* A fresh token must be of the same user and device. */
static void take_token(struct tt_core *core, struct tt_session *session,
                       const struct tt_event *event)
{
    const tt_id none = {0};
    if (session->state != TT_SESSION_LIVE)
        return;
    if (!tt_session_is_user(session, &event->token.user) ||
        !tt_session_is_device(session, &event->token.device)) {
        refuse_frame(core, session, TT_FAIL(PERMISSION_DENIED), "token", &none, &none);
        return;
    }
    int64_t life_ms = event->token.expires.ms - core->now.wall.ms;
    session->expires_at = tt_mono_after(core->now.mono, life_ms > 0 ? (uint64_t)life_ms : 0);
    tt_session_set_timer(core, session);
}

/* One refusal is enough to hear of. The session may be gone then. */
static void heard_control(struct tt_core *core, struct tt_session *session, uint32_t count)
{
    const tt_id none = {0};
    if (session->state != TT_SESSION_LIVE)
        return;
    for (uint32_t i = 0; i < count; i++)
        if (!tt_session_take_frame_token(core, session, &none, &none))
            return;
}

static void session_event(struct tt_core *core, const struct tt_event *event)
{
    struct tt_session *session = tt_session_find(core, event->handle);
    bool answers = false; /* to our ping: that costs nothing */
    if (session == NULL)
        return;
    if (event->kind != TT_EVENT_DRAINED) { /* that is the kernel's word, not the phone's */
        answers = session->pinged;
        session->quiet_since = core->now.mono;
        session->pinged = false;
    }
    switch (event->kind) {
    case TT_EVENT_SESSION_CLOSED:
        tt_session_gone(core, session);
        break;
    case TT_EVENT_FRAME:
        tt_session_frame(core, session, event->frame);
        break;
    case TT_EVENT_BAD_FRAME:
        refuse_frame(core, session, event->bad_frame.err, event->bad_frame.key,
                     &event->bad_frame.conversation, &event->bad_frame.client_id);
        break;
    case TT_EVENT_TOKEN:
        take_token(core, session, event);
        break;
    case TT_EVENT_DRAINED:
        tt_streams_drained(core, session);
        break;
    case TT_EVENT_HEARD:
        heard_control(core, session,
                      event->control_frames - (event->control_frames > 0 && answers));
        break;
    case TT_EVENT_SESSION_OPEN:
    case TT_EVENT_REQUEST:
    case TT_EVENT_REQUEST_GONE:
    case TT_EVENT_STORE_DONE:
    case TT_EVENT_REGISTRY_DONE:
    case TT_EVENT_NOTIFIED:
    case TT_EVENT_HINT:
    case TT_EVENT_BUS_GAP:
    case TT_EVENT_NODE_GONE:
    case TT_EVENT_REGISTRY_FORGOT:
    case TT_EVENT_TICK:
    case TT_EVENT_CUT:
    case TT_EVENT_DRAIN:
        break;
    }
}

/* What it was about to ring for. Not all survivors look at once: one will do. */
static void ring_for_dead_node(struct tt_core *core)
{
    if (core->options.reports_alive)
        tt_unrung_look(core, core->options.push_delay_ms + tt_random(core) % NODE_GONE_MS);
}

static void dispatch(struct tt_core *core, const struct tt_event *event)
{
    switch (event->kind) {
    case TT_EVENT_SESSION_OPEN:
        grow_connections(core, event->handle.index);
        tt_session_open(core, event);
        return;
    case TT_EVENT_SESSION_CLOSED:
    case TT_EVENT_FRAME:
    case TT_EVENT_BAD_FRAME:
    case TT_EVENT_TOKEN:
    case TT_EVENT_HEARD:
    case TT_EVENT_DRAINED:
        session_event(core, event);
        return;
    case TT_EVENT_REQUEST:
        grow_connections(core, event->handle.index);
        tt_request_start(core, event->handle, event->request);
        return;
    case TT_EVENT_REQUEST_GONE:
        tt_request_gone(core, event->handle);
        return;
    case TT_EVENT_STORE_DONE:
        store_done(core, event->store_op);
        return;
    case TT_EVENT_REGISTRY_DONE:
        registry_done(core, event->registry_op);
        return;
    case TT_EVENT_NOTIFIED:
        if (tt_push_test_is_about(event->notified))
            tt_push_test_notified(core, event->notified);
        else
            tt_ring_notified(core, event->notified);
        return;
    case TT_EVENT_HINT:
        core->counters.hints_heard++;
        tt_hint_heard(core, event->hint);
        return;
    case TT_EVENT_BUS_GAP:
    case TT_EVENT_NODE_GONE: /* it may have stored something and told nobody */
        if (event->kind == TT_EVENT_NODE_GONE && TT_IS_PLANTED(NO_NODE_GONE))
            return;
        each_session(core, resync);
        tt_presence_look_again(core);
        if (event->kind == TT_EVENT_NODE_GONE)
            ring_for_dead_node(core);
        return;
    case TT_EVENT_REGISTRY_FORGOT:
        if (TT_IS_PLANTED(NO_FORGOTTEN))
            return;
        each_session(core, tt_session_register_again);
        tt_presence_watch_again(core);
        return;
    case TT_EVENT_TICK:
        timers_due(core);
        return;
    case TT_EVENT_CUT:
        tt_request_cut(core, &event->cut.user, &event->cut.device);
        return;
    case TT_EVENT_DRAIN:
        core->draining = true;
        each_session(core, going_away);
        return;
    }
}

void tt_core_step(struct tt_core *core, const struct tt_now *now, const struct tt_event *event)
{
    free_spent(core);
    tt_arena_reset(&core->arena);
    core->effect_count = 0;
    core->refreshing = NULL;
    core->now = *now;
    core->random = now->entropy;
    if (core->alive.position != 0 && core->alive.due.ms == 1)
        tt_timer_set(&core->timers, &core->alive, tt_mono_after(now->mono, TT_ALIVE_MS));
    dispatch(core, event);
}

const struct tt_effect *tt_core_effects(const struct tt_core *core, size_t *count)
{
    *count = core->effect_count;
    return core->effects;
}

tt_mono tt_core_deadline(const struct tt_core *core)
{
    return tt_timers_next(&core->timers);
}

bool tt_core_is_idle(const struct tt_core *core)
{
    return core->counters.sessions == 0 && core->counters.requests == 0 && core->ops_under_way == 0;
}

const struct tt_core_counters *tt_core_counters(const struct tt_core *core)
{
    return &core->counters;
}
