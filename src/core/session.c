/*
 * A device's socket from its upgrade to its end. The order is what makes delivery lossless: the
 * store gives the connection its epoch, then the registry learns where the device is, and only then
 * is read what waits for it, so that a message is either seen by that read or its hint finds the
 * device here.
 */
#include "core/state.h"

#include "base/limits.h"
#include "base/memory.h"

#define RETRY_MS 500

const struct tt_busy tt_not_busy = {.reading = false};

struct tt_slice tt_user_name(const struct tt_user_here *user)
{
    return tt_slice(user->id, user->id_size);
}

static struct tt_slice device_name(const struct tt_session *session)
{
    return tt_slice(session->device, session->device_size);
}

static tt_id id_of(struct tt_slice name)
{
    tt_id id;
    memset(&id, 0, sizeof(id));
    id.size = (uint8_t)name.size;
    memcpy(id.bytes, name.data, name.size);
    return id;
}

tt_id tt_user_id(const struct tt_user_here *user)
{
    return id_of(tt_user_name(user));
}

tt_id tt_session_user(const struct tt_session *session)
{
    return tt_user_id(session->user);
}

tt_id tt_session_device(const struct tt_session *session)
{
    return id_of(device_name(session));
}

bool tt_session_is_user(const struct tt_session *session, const tt_id *user)
{
    return tt_slice_eq(tt_user_name(session->user), tt_id_slice(user));
}

bool tt_session_is_device(const struct tt_session *session, const tt_id *device)
{
    return tt_slice_eq(device_name(session), tt_id_slice(device));
}

struct tt_session *tt_session_find(struct tt_core *core, tt_handle handle)
{
    if (handle.index >= core->connection_capacity)
        return NULL;
    struct tt_session *session = core->sessions[handle.index];
    bool is_it =
        session != NULL && (tt_handle_eq(session->handle, handle) || TT_IS_PLANTED(NO_GENERATION));
    return is_it ? session : NULL;
}

struct tt_user_here *tt_user_find(struct tt_core *core, const tt_id *user)
{
    return tt_map_get(&core->users, tt_id_slice(user));
}

/* Of several sockets of one device the newest is the device. */
struct tt_session *tt_session_of_device(struct tt_core *core, const tt_id *user,
                                        const tt_id *device)
{
    struct tt_session *found = NULL;
    struct tt_user_here *here = tt_user_find(core, user);
    struct tt_session *session = here == NULL ? NULL : here->sessions;
    for (; session != NULL; session = session->next_of_user)
        if (session->state == TT_SESSION_LIVE && tt_session_is_device(session, device) &&
            (found == NULL || session->epoch > found->epoch))
            found = session;
    return found;
}

static struct tt_user_here *user_of(struct tt_core *core, const tt_id *id)
{
    struct tt_user_here *user = tt_user_find(core, id);
    if (user == NULL) {
        user = tt_alloc(sizeof(*user) + id->size);
        user->id_size = id->size;
        memcpy(user->id, id->bytes, id->size);
        user->shares = true;
        tt_map_add(&core->users, user);
    }
    return user;
}

void tt_user_release(struct tt_core *core, struct tt_user_here *user)
{
    if (user->sessions != NULL || user->grace != NULL)
        return;
    tt_map_remove(&core->users, tt_user_name(user));
    tt_free(user);
}

static struct tt_slice stream_key(const void *value)
{
    return tt_id_slice(&((const struct tt_stream *)value)->conversation);
}

struct tt_busy *tt_session_busy(struct tt_core *core, struct tt_session *session)
{
    if (session->busy == &tt_not_busy) {
        session->own_busy = tt_alloc(sizeof(*session->own_busy));
        tt_map_init(&session->own_busy->streams, stream_key, core->options.hash_seed);
    }
    return session->own_busy;
}

static bool is_at_rest(const struct tt_busy *busy, tt_mono now)
{
    return busy->streams.count == 0 && !busy->reading && !busy->draining &&
           busy->retry_at.ms == 0 && busy->list_after == NULL && busy->replaying == 0 &&
           busy->open == NULL && busy->opens_under_way == 0 && busy->sends_first == NULL &&
           tt_rate_is_at_rest(&busy->sends, now) && tt_rate_is_at_rest(&busy->frames, now);
}

static void free_busy(struct tt_session *session)
{
    if (session->busy == &tt_not_busy)
        return;
    tt_streams_deinit(session->own_busy);
    tt_free(session->own_busy->list_after);
    tt_free(session->own_busy);
    session->busy = &tt_not_busy;
}

void tt_session_free(struct tt_session *session)
{
    free_busy(session);
    tt_free(session);
}

void tt_session_open(struct tt_core *core, const struct tt_event *event)
{
    TT_ASSERT(core->sessions[event->handle.index] == NULL);
    if (core->draining) {
        struct tt_effect *effect = tt_emit(core, TT_EFFECT_REJECT);
        effect->handle = event->handle;
        effect->reject.err = TT_FAIL(DRAINING);
        return;
    }

    const tt_id *device = &event->open.device;
    struct tt_session *session = tt_alloc(sizeof(*session) + device->size);
    session->handle = event->handle;
    session->busy = &tt_not_busy;
    session->device_size = device->size;
    memcpy(session->device, device->bytes, device->size);
    session->user = user_of(core, &event->open.user);
    session->next_of_user = session->user->sessions;
    session->user->sessions = session;
    session->timer.kind = TT_TIMER_SESSION;
    session->quiet_since = core->now.mono;
    session->opened_at = core->now.mono;
    session->screen_turn = ++core->screen_turns;
    int64_t life_ms = event->open.token_expires.ms - core->now.wall.ms;
    session->expires_at = tt_mono_after(core->now.mono, life_ms > 0 ? (uint64_t)life_ms : 0);
    core->sessions[event->handle.index] = session;
    core->counters.sessions++;

    struct tt_store_op *op = tt_store_op_create(TT_STORE_LINK_DEVICE);
    op->link_device.user = event->open.user;
    op->link_device.device = event->open.device;
    op->link_device.at = core->now.wall;
    op->link_device.device_count_max = core->options.devices_max;
    op->link_device.silent_ms_max = core->options.device_silent_ms_max;
    op->link_device.login = event->open.login;
    tt_emit_store(core, op, TT_FOR_LINK, session->handle);
}

static void take_from_user(struct tt_session *session)
{
    struct tt_session **link = &session->user->sessions;
    while (*link != session)
        link = &(*link)->next_of_user;
    *link = session->next_of_user;
}

/* Takes the session out of everything; what it held in store and registry is the caller's. */
static void forget(struct tt_core *core, struct tt_session *session)
{
    if (session->busy->open != NULL)
        tt_open_close(core, session);
    tt_sends_orphan(core, session);
    tt_timer_stop(&core->timers, &session->timer);
    take_from_user(session);
    core->sessions[session->handle.index] = NULL;
    core->counters.sessions--;
    if (session->state == TT_SESSION_LIVE)
        core->counters.sessions_closed++;
    tt_user_release(core, session->user);
    tt_session_free(session);
}

static void disconnect(struct tt_core *core, const tt_id *user, const tt_id *device, uint64_t epoch)
{
    struct tt_store_op *op = tt_store_op_create(TT_STORE_DISCONNECT);
    op->disconnect.user = *user;
    op->disconnect.device = *device;
    op->disconnect.epoch = epoch;
    op->disconnect.at = core->now.wall;
    tt_emit_store(core, op, TT_FOR_DISCONNECT, TT_HANDLE_NONE);
}

/* Who leaves the registry. */
struct leaving {
    tt_time at;
    tt_mono grace_over_at;
    struct tt_registered_device displaced; /* without a device: nothing was */
};

static struct leaving leaving_now(const struct tt_core *core)
{
    return (struct leaving){
        .at = core->now.wall,
        .grace_over_at = tt_mono_after(core->now.mono, core->options.offline_grace_ms),
    };
}

static void unregister(struct tt_core *core, const tt_id *user, const tt_id *device, uint64_t epoch,
                       const struct leaving *leaving)
{
    struct tt_registry_op *op = tt_registry_op_create(TT_REGISTRY_UNREGISTER);
    op->unreg.user = *user;
    op->unreg.device = *device;
    op->unreg.epoch = epoch;
    op->unreg.at = leaving->at;
    struct leaving *copy = tt_arena_alloc(&op->arena, sizeof(*copy));
    *copy = *leaving;
    op->tag.context = copy;
    tt_emit_registry(core, op, TT_FOR_UNREGISTER, TT_HANDLE_NONE);
}

void tt_session_unregister(struct tt_core *core, const tt_id *user, const tt_id *device,
                           uint64_t epoch, const struct tt_registered_device *displaced)
{
    struct leaving leaving = leaving_now(core);
    if (displaced != NULL)
        leaving.displaced = *displaced;
    unregister(core, user, device, epoch, &leaving);
}

static void kick(struct tt_core *core, const tt_id *user, const tt_id *device, uint64_t epoch,
                 const struct tt_place *place)
{
    struct tt_hint *hint = tt_arena_alloc(&core->arena, sizeof(*hint));
    hint->kind = TT_HINT_KICK;
    hint->user = *user;
    hint->device = *device;
    hint->version = epoch;
    tt_hint_to(core, place, hint);
}

/* A connection that came to nothing may have stood in the place of an older one, which the device
 * goes on using: that one is told to look whether it is registered. And if the registry was away
 * for longer than the grace, then who looked at its end where the user is may have found him still
 * there. */
void tt_session_unregistered(struct tt_core *core, const struct tt_registry_op *op)
{
    const struct leaving *leaving = op->tag.context;
    const struct tt_registered_device *displaced = &leaving->displaced;
    if (!tt_is_ok(op->err))
        return;
    if (core->now.mono.ms >= leaving->grace_over_at.ms &&
        tt_user_find(core, &op->unreg.user) == NULL)
        tt_presence_tell(core, &op->unreg.user_now, true);
    if (!tt_id_is_none(&displaced->device))
        kick(core, &op->unreg.user, &op->unreg.device, displaced->epoch, &displaced->place);
}

/* Who goes before he could be registered may have replaced a socket that was: nobody else would
 * ever take that one's entry out of the registry. */
struct ghosts {
    tt_id device;
    struct leaving leaving;
};

static void look_for_ghosts(struct tt_core *core, const tt_id *user, const tt_id *device)
{
    struct tt_registry_op *op = tt_about_users(core, TT_REGISTRY_LOOKUP, user, 1);
    struct ghosts *ghosts = tt_arena_alloc(&op->arena, sizeof(*ghosts));
    *ghosts = (struct ghosts){*device, leaving_now(core)};
    op->tag.context = ghosts;
    tt_emit_registry(core, op, TT_FOR_GHOSTS, TT_HANDLE_NONE);
}

static bool is_here(struct tt_core *core, const tt_id *user,
                    const struct tt_registered_device *registered)
{
    const struct tt_user_here *here = tt_user_find(core, user);
    const struct tt_session *session = here == NULL ? NULL : here->sessions;
    for (; session != NULL; session = session->next_of_user)
        if (session->epoch == registered->epoch &&
            tt_session_is_device(session, &registered->device))
            return true;
    return false;
}

void tt_session_ghosts_found(struct tt_core *core, struct tt_registry_op *op)
{
    const struct ghosts *ghosts = op->tag.context;
    if (!tt_is_ok(op->err)) {
        core->spent_registry = op->next;
        tt_retry_registry(core, op);
        return;
    }
    const struct tt_whereabouts *found = &op->about.found[0];
    for (size_t i = 0; i < found->device_count; i++) {
        const struct tt_registered_device *one = &found->devices[i];
        if (tt_id_eq(&one->device, &ghosts->device) &&
            tt_place_eq(&one->place, &core->options.place) && !is_here(core, &found->user, one))
            unregister(core, &found->user, &one->device, one->epoch, &ghosts->leaving);
    }
}

void tt_session_gone(struct tt_core *core, struct tt_session *session)
{
    if (session->epoch != 0) {
        const tt_id user = tt_session_user(session);
        const tt_id device = tt_session_device(session);
        tt_session_unregister(core, &user, &device, session->epoch, NULL);
        if (session->state == TT_SESSION_LIVE && !session->registered)
            look_for_ghosts(core, &user, &device);
        disconnect(core, &user, &device, session->epoch);
        tt_presence_gone(core, session->user);
    }
    forget(core, session);
}

void tt_session_close(struct tt_core *core, struct tt_session *session, enum tt_close_code code)
{
    struct tt_effect *effect = tt_emit(core, TT_EFFECT_CLOSE);
    effect->handle = session->handle;
    effect->close_code = code;
    if (code == TT_CLOSE_REPLACED) {
        core->counters.replaced++;
        forget(core, session); /* the newer socket owns what is registered and stored */
        return;
    }
    tt_session_gone(core, session);
}

static void reject(struct tt_core *core, struct tt_session *session, const struct tt_store_op *op)
{
    struct tt_effect *effect = tt_emit(core, TT_EFFECT_REJECT);
    effect->handle = session->handle;
    effect->reject.err = op->err;
    if (tt_err_is(op->err, TT_ERR_TOO_MANY_DEVICES)) {
        effect->reject.devices = op->link_device.devices;
        effect->reject.device_count = op->link_device.device_count;
    }
    forget(core, session);
}

static void register_device(struct tt_core *core, struct tt_session *session)
{
    struct tt_registry_op *op = tt_registry_op_create(TT_REGISTRY_REGISTER);
    op->reg.user = tt_session_user(session);
    op->reg.device.device = tt_session_device(session);
    op->reg.device.epoch = session->epoch;
    op->reg.device.place = core->options.place;
    tt_emit_registry(core, op, TT_FOR_REGISTER, session->handle);
}

static tt_id session_id(struct tt_core *core)
{
    static const char digits[] = "0123456789abcdef";
    char text[18] = {'s', '-'};
    uint64_t bits = tt_random(core);
    for (size_t i = 0; i < 16; i++)
        text[2 + i] = digits[(bits >> (4 * i)) & 15];
    tt_id id;
    tt_err err = tt_id_parse(tt_slice(text, sizeof(text)), &id);
    TT_ASSERT(tt_is_ok(err));
    return id;
}

static void hello(struct tt_core *core, struct tt_session *session)
{
    tt_emit(core, TT_EFFECT_ACCEPT)->handle = session->handle;
    struct tt_server_frame *frame = tt_emit_frame(core, session, TT_SERVER_HELLO, 0);
    frame->hello = (struct tt_hello){
        .user = tt_session_user(session),
        .device = tt_session_device(session),
        .session = session_id(core),
        .server = core->options.place.server,
        .server_time = core->now.wall,
        .heartbeat_seconds = core->options.heartbeat_ms / 1000,
        .resumed = session->resumed,
        .linked_at = TT_IS_PLANTED(NO_LINKED_AT) ? TT_TIME(1) : session->linked_at,
    };
}

/* Closes the device's older sockets on this node, and asks another node to close its one. */
static void replace_older(struct tt_core *core, struct tt_session *session,
                          const struct tt_registered_device *previous)
{
    const tt_id device = tt_session_device(session);
    struct tt_session *other = session->user->sessions;
    while (other != NULL) {
        struct tt_session *next = other->next_of_user;
        if (other != session && other->state == TT_SESSION_LIVE && other->epoch < session->epoch &&
            tt_session_is_device(other, &device))
            tt_session_close(core, other, TT_CLOSE_REPLACED);
        other = next;
    }
    if (previous == NULL || tt_id_is_none(&previous->device) ||
        tt_place_eq(&previous->place, &core->options.place))
        return;
    const tt_id user = tt_session_user(session);
    kick(core, &user, &device, session->epoch, &previous->place);
}

static bool is_replaced_here(struct tt_core *core, const struct tt_session *session)
{
    const tt_id user = tt_session_user(session);
    const tt_id device = tt_session_device(session);
    const struct tt_session *newest = tt_session_of_device(core, &user, &device);
    return newest != NULL && newest->epoch > session->epoch;
}

static void go_live(struct tt_core *core, struct tt_session *session,
                    const struct tt_registered_device *previous)
{
    session->state = TT_SESSION_LIVE;
    core->counters.sessions_opened++;
    hello(core, session);
    if (core->draining) {
        tt_session_close(core, session, TT_CLOSE_GOING_AWAY);
        return;
    }
    if (is_replaced_here(core, session)) {
        tt_session_close(core, session, TT_CLOSE_REPLACED);
        return;
    }
    replace_older(core, session, previous);
    session->quiet_since = core->now.mono;
    if (core->options.reassert_ms > 0)
        session->reassert_at =
            tt_mono_after(core->now.mono, core->options.reassert_ms / 2 +
                                              tt_random(core) % core->options.reassert_ms);
    if (!session->registered)
        tt_session_retry_soon(core, session);
    tt_session_set_timer(core, session);
    tt_replay_start(core, session);
}

const struct tt_device *tt_device_find(const struct tt_device *devices, size_t count,
                                       const tt_id *device)
{
    for (size_t i = 0; i < count; i++)
        if (tt_id_eq(&devices[i].id, device))
            return &devices[i];
    return NULL;
}

static tt_time linked_at(const struct tt_link_device *linked)
{
    const struct tt_device *own =
        tt_device_find(linked->devices, linked->device_count, &linked->device);
    TT_ASSERT(own != NULL);
    return own->linked_at;
}

void tt_session_linked(struct tt_core *core, struct tt_store_op *op)
{
    const struct tt_link_device *linked = &op->link_device;
    struct tt_session *session = tt_session_find(core, op->tag.owner);
    if (session == NULL) {
        if (tt_is_ok(op->err))
            disconnect(core, &linked->user, &linked->device, linked->epoch);
        return;
    }
    if (!tt_is_ok(op->err)) {
        reject(core, session, op);
        return;
    }
    session->epoch = linked->epoch;
    session->resumed = linked->resumed;
    tt_presence_own(core, session->user, linked->settings.share_last_seen, session->opened_at);
    session->linked_at = linked_at(linked);
    session->state = TT_SESSION_REGISTERING;
    if (TT_IS_PLANTED(REGISTER_LAST))
        go_live(core, session, NULL);
    else
        register_device(core, session);
}

static void registered_late(struct tt_core *core, struct tt_session *session,
                            const struct tt_registry_op *op)
{
    session->registering = false;
    if (tt_is_ok(op->err))
        replace_older(core, session, &op->reg.previous);
    else
        tt_session_retry_soon(core, session);
    /* While other nodes cannot find it, a session polls the store, as often as it tries again. */
    if (TT_IS_PLANTED(LATE_REGISTER))
        return;
    if (TT_IS_PLANTED(REGISTER_LAST))
        return;
    tt_replay_start(core, session);
}

void tt_session_registered(struct tt_core *core, struct tt_registry_op *op)
{
    const struct tt_register *reg = &op->reg;
    struct tt_session *session = tt_session_find(core, op->tag.owner);
    if (session == NULL) {
        /* It went while it was being registered; whatever became of it, it is no longer here. */
        tt_session_unregister(core, &reg->user, &reg->device.device, reg->device.epoch,
                              &reg->previous);
        return;
    }
    if (tt_err_is(op->err, TT_ERR_FENCED)) {
        core->counters.fenced++;
        if (session->state != TT_SESSION_LIVE)
            hello(core, session);
        tt_session_close(core, session, TT_CLOSE_REPLACED);
        return;
    }
    session->registered = tt_is_ok(op->err);
    if (session->registered) {
        tt_presence_grace_end(core, session->user);
        tt_presence_tell(core, &reg->user_now, !session->user->shares);
    }
    if (session->state == TT_SESSION_LIVE)
        registered_late(core, session, op);
    else
        go_live(core, session, session->registered ? &reg->previous : NULL);
}

void tt_session_register_again(struct tt_core *core, struct tt_session *session)
{
    session->registered = false;
    if (session->registering)
        return;
    session->registering = true;
    register_device(core, session);
}

void tt_session_reassert(struct tt_core *core, struct tt_session *session)
{
    const tt_id user = tt_session_user(session);
    struct tt_registry_op *op = tt_about_users(core, TT_REGISTRY_LOOKUP, &user, 1);
    tt_emit_registry(core, op, TT_FOR_REASSERT, session->handle);
}

void tt_session_reasserted(struct tt_core *core, struct tt_registry_op *op)
{
    struct tt_session *session = tt_session_find(core, op->tag.owner);
    if (session == NULL || !tt_is_ok(op->err))
        return;
    const struct tt_whereabouts *found = &op->about.found[0];
    for (size_t i = 0; i < found->device_count; i++) {
        const struct tt_registered_device *device = &found->devices[i];
        if (!tt_session_is_device(session, &device->device))
            continue;
        if (device->epoch < session->epoch)
            break;
        if (device->epoch > session->epoch)
            tt_session_close(core, session, TT_CLOSE_REPLACED);
        return;
    }
    tt_session_register_again(core, session);
}

static void earlier(tt_mono *due, tt_mono other)
{
    if (other.ms != 0 && other.ms < due->ms)
        *due = other;
}

static tt_mono heartbeat_due(const struct tt_core *core, const struct tt_session *session)
{
    return tt_mono_after(session->quiet_since,
                         session->pinged ? core->options.pong_ms : core->options.heartbeat_ms);
}

/* It takes nothing in, and what it was sent has reached the limit. */
static bool is_too_slow(const struct tt_session *session)
{
    return session->busy->draining && session->undrained > session->busy->too_slow_at &&
           !TT_IS_PLANTED(NO_SLOW_CLOSE);
}

void tt_session_set_timer(struct tt_core *core, struct tt_session *session)
{
    tt_mono due = heartbeat_due(core, session);
    if (is_too_slow(session))
        due = core->now.mono;
    earlier(&due, session->expires_at);
    earlier(&due, session->busy->refresh_at);
    earlier(&due, session->busy->retry_at);
    earlier(&due, session->reassert_at);
    tt_timer_set(&core->timers, &session->timer, due);
}

void tt_session_retry_soon(struct tt_core *core, struct tt_session *session)
{
    if (session->busy->retry_at.ms == 0)
        tt_session_busy(core, session)->retry_at =
            tt_mono_after(core->now.mono, RETRY_MS + tt_random(core) % RETRY_MS);
    tt_timer_set_earlier(&core->timers, &session->timer, session->busy->retry_at);
}

static bool is_due(const struct tt_core *core, tt_mono at)
{
    return at.ms != 0 && at.ms <= core->now.mono.ms;
}

static void try_again(struct tt_core *core, struct tt_session *session)
{
    session->own_busy->retry_at = TT_MONO(0);
    if (!session->registered)
        tt_session_register_again(core, session);
    if (session->list_again && !session->listing)
        tt_replay_start(core, session);
    tt_ack_retry(core, session);
    session->own_busy->stalled = false;
    tt_streams_pump(core, session);
}

/* Whether the session is still there. */
static bool check_heartbeat(struct tt_core *core, struct tt_session *session)
{
    if (heartbeat_due(core, session).ms > core->now.mono.ms)
        return true;
    if (session->pinged) {
        core->counters.heartbeats_missed++;
        tt_session_close(core, session, TT_CLOSE_NO_HEARTBEAT);
        return false;
    }
    session->quiet_since = core->now.mono;
    session->pinged = true;
    tt_emit(core, TT_EFFECT_PING)->handle = session->handle;
    return true;
}

static void reassert(struct tt_core *core, struct tt_session *session)
{
    session->reassert_at = tt_mono_after(core->now.mono, core->options.reassert_ms);
    if (!TT_IS_PLANTED(NO_REASSERT))
        tt_session_reassert(core, session);
}

void tt_session_due(struct tt_core *core, struct tt_session *session)
{
    TT_ASSERT(session->state == TT_SESSION_LIVE);
    if (is_too_slow(session)) {
        core->counters.slow_consumers++;
        tt_session_close(core, session, TT_CLOSE_SLOW);
        return;
    }
    if (session->expires_at.ms <= core->now.mono.ms) {
        tt_session_close(core, session, TT_CLOSE_TOKEN_EXPIRED);
        return;
    }
    if (!check_heartbeat(core, session))
        return;
    if (is_due(core, session->busy->refresh_at))
        tt_refresh_start(core, session);
    if (is_due(core, session->reassert_at))
        reassert(core, session);
    if (is_due(core, session->busy->retry_at))
        try_again(core, session);
    if (is_at_rest(session->busy, core->now.mono))
        free_busy(session);
    tt_session_set_timer(core, session);
}

static void refuse_for_now(struct tt_core *core, struct tt_session *session, uint32_t wait_ms,
                           const tt_id *conversation, const tt_id *client_id)
{
    struct tt_server_frame *frame = tt_emit_frame(core, session, TT_SERVER_ERROR, 0);
    frame->error.err = TT_FAIL(RATE_LIMITED);
    frame->error.retry_after_ms = wait_ms;
    frame->conversation = *conversation;
    frame->client_id = *client_id;
    core->counters.rate_limited++;
    core->counters.errors_sent++;
}

/* Whether the frame may go on; if not, it was answered. */
static bool take_token(struct tt_core *core, struct tt_session *session, struct tt_rate *rate,
                       uint32_t per_s, const tt_id *conversation, const tt_id *client_id)
{
    uint32_t wait_ms = tt_rate_take(rate, per_s, core->now.mono);
    if (wait_ms == 0)
        return true;
    if (tt_rate_is_abused(rate, core->now.mono)) {
        core->counters.rate_limited++;
        tt_session_close(core, session, TT_CLOSE_TOO_FAST);
    } else {
        refuse_for_now(core, session, wait_ms, conversation, client_id);
    }
    return false;
}

bool tt_session_take_frame_token(struct tt_core *core, struct tt_session *session,
                                 const tt_id *conversation, const tt_id *client_id)
{
    return take_token(core, session, &tt_session_busy(core, session)->frames,
                      core->options.frames_per_s, conversation, client_id);
}

static void start_task(struct tt_core *core, struct tt_session *session, enum tt_task_kind kind,
                       const tt_id *conversation)
{
    struct tt_task *task = tt_task_create(core, kind, session->handle);
    task->user = tt_session_user(session);
    task->device = tt_session_device(session);
    task->conversation = *conversation;
    task->request.limit = TT_PAGE_DEFAULT;
    if (kind == TT_TASK_OPEN) {
        session->own_busy->opens_under_way++; /* until the task is destroyed */
        tt_open_wish(core, session, task);
    }
    if (tt_conv_need(core, task) != NULL)
        tt_task_resume(core, task);
}

void tt_session_frame(struct tt_core *core, struct tt_session *session,
                      const struct tt_client_frame *frame)
{
    if (session->state != TT_SESSION_LIVE ||
        !tt_session_take_frame_token(core, session, &frame->conversation, &frame->client_id))
        return;
    switch (frame->kind) {
    case TT_CLIENT_SEND:
        if (take_token(core, session, &session->own_busy->sends, core->options.sends_per_s,
                       &frame->conversation, &frame->client_id))
            tt_send_from_session(core, session, frame);
        return;
    case TT_CLIENT_DELIVERED:
    case TT_CLIENT_READ:
        tt_ack(core, session, &frame->conversation, frame->kind == TT_CLIENT_READ, frame->seq);
        return;
    case TT_CLIENT_OPEN: /* an answer may have megabytes, and a frame fits in a packet */
        if (session->busy->opens_under_way >= TT_LIMIT_OPENS)
            refuse_for_now(core, session, TT_OPENS_PAUSE_MS, &frame->conversation,
                           &frame->client_id);
        else
            start_task(core, session, TT_TASK_OPEN, &frame->conversation);
        return;
    case TT_CLIENT_CLOSE:
        tt_open_unwish(core, session, &frame->conversation);
        return;
    case TT_CLIENT_TYPING:
        start_task(core, session, TT_TASK_TYPING, &frame->conversation);
        return;
    case TT_CLIENT_PING:
        (void)tt_emit_frame(core, session, TT_SERVER_PONG, 0);
        return;
    case TT_CLIENT_TOKEN:
        return;
    }
}
