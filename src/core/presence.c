/*
 * Who is online, told only to those who look: a session watches the other members of the chat that
 * it has open, the registry knows which nodes watch whom. Each piece of news carries the registry's
 * version, so that late news never overwrites newer.
 */
#include "core/state.h"

#include "base/memory.h"

#define LOOK_AGAIN_COUNT 100
#define CLOCKS_DIFFER_MS 60000

struct news {
    struct tt_hint hint;
    bool hidden;
};

struct tt_status tt_status_of(const struct tt_whereabouts *found, tt_time stored_last_seen)
{
    struct tt_status status = {.online = found->device_count > 0};
    if (!status.online)
        status.last_seen = tt_time_max(found->last_seen, stored_last_seen);
    return status;
}

/* A last seen as it may be shown: never in the future. A little ahead is another server's clock.
 * Far ahead is a clock that had jumped and is right again: when it was is not known, and "just now"
 * would be a lie for as long as the jump was. */
tt_time tt_presence_no_later(const struct tt_core *core, tt_time last_seen)
{
    if (last_seen.ms <= core->now.wall.ms)
        return last_seen;
    return last_seen.ms <= core->now.wall.ms + CLOCKS_DIFFER_MS ? core->now.wall : TT_TIME(0);
}

static struct tt_watched *watched_of(struct tt_core *core, const tt_id *user)
{
    return tt_map_get(&core->watched, tt_id_slice(user));
}

/* What is told of somebody, never in the future. */
static struct tt_status as_shown(const struct tt_core *core, const struct tt_watched *watched)
{
    struct tt_status status = watched->status;
    if (watched->hidden)
        return (struct tt_status){.online = false};
    if (!TT_IS_PLANTED(NO_CLAMP))
        status.last_seen = tt_presence_no_later(core, status.last_seen);
    return status;
}

static void tell(struct tt_core *core, const struct tt_watched *watched, struct tt_session *session)
{
    struct tt_server_frame *frame = tt_emit_frame(core, session, TT_SERVER_PRESENCE, 0);
    frame->conversation = session->busy->open->is.id;
    frame->user = watched->user;
    frame->presence.kind = session->busy->open->is.kind;
    if (session->user->shares)
        frame->presence.status = as_shown(core, watched);
    core->counters.presence_told++;
}

static void tell_sessions(struct tt_core *core, struct tt_watched *watched)
{
    for (uint32_t i = 0; i < watched->session_count; i++) {
        struct tt_session *session = watched->sessions[i];
        if (session->busy->opening)
            session->own_busy->untold = true;
        if (session->busy->untold || !session->user->shares)
            continue; /* it will be told all */
        if (watched->knows_sharing)
            tell(core, watched, session);
        else
            watched->held = true;
    }
}

/* Nothing is to be seen of who is hidden, nor by who shares nothing, whatever is known of him. The
 * device may believe something else, from an earlier look at the chat. */
static bool shows_nothing(const struct tt_watched *watched, const struct tt_session *session)
{
    return watched->hidden || !session->user->shares;
}

/* What the session may know of those in the chat on its screen. */
void tt_presence_tell_all(struct tt_core *core, struct tt_session *session)
{
    const struct tt_conversation *chat = &session->busy->open->is;
    for (size_t i = 0; i < chat->member_count; i++) {
        if (tt_session_is_user(session, &chat->members[i]))
            continue;
        struct tt_watched *watched = watched_of(core, &chat->members[i]);
        if (shows_nothing(watched, session) || (watched->known && watched->knows_sharing))
            tell(core, watched, session);
        else if (watched->known)
            watched->held = true;
    }
}

bool tt_presence_sees_any(struct tt_core *core, const struct tt_session *session)
{
    const struct tt_conversation *chat = &session->busy->open->is;
    for (size_t i = 0; i < chat->member_count; i++)
        if (!tt_session_is_user(session, &chat->members[i]) &&
            !shows_nothing(watched_of(core, &chat->members[i]), session))
            return true;
    return false;
}

/* The session has been told `told`, by an answer over HTTP; perhaps more is known here. */
void tt_presence_marked(struct tt_core *core, struct tt_session *session, const tt_id *user,
                        struct tt_status told)
{
    const struct tt_watched *watched = watched_of(core, user);
    bool is_other =
        watched->known && (watched->status.online != told.online ||
                           (!told.online && watched->status.last_seen.ms != told.last_seen.ms));
    if (shows_nothing(watched, session) || (is_other && watched->knows_sharing))
        tell(core, watched, session);
}

/* Answers may overtake each other, so what was asked earlier than something that is known already
 * may hide somebody, but never show him; then he is looked up, for it may be old. Returns
 * whether it counts, and notes when it was asked. */
static bool may_change(bool hides, tt_mono asked_at, tt_mono *known_at)
{
    bool counts = hides || asked_at.ms >= known_at->ms;
    if (known_at->ms < asked_at.ms)
        *known_at = asked_at;
    return counts;
}

/* Who shares nothing is shown nothing: what his screens show goes with his sharing, and comes back
 * with it. */
void tt_presence_own(struct tt_core *core, struct tt_user_here *user, bool shares, tt_mono asked_at)
{
    bool is_old = asked_at.ms < user->shares_at.ms;
    if (!may_change(!shares, asked_at, &user->shares_at) || user->shares == shares)
        return;
    user->shares = shares;
    for (struct tt_session *session = user->sessions; session != NULL;
         session = session->next_of_user) {
        if (session->busy->opening)
            session->own_busy->untold = true;
        if (session->busy->open != NULL && !session->busy->opening)
            tt_presence_tell_all(core, session);
    }
    if (is_old) {
        const tt_id id = tt_user_id(user);
        tt_presence_look_up(core, &id, 1);
    }
}

/* What the session knows may be shown to it, now that it is known who shares. */
void tt_presence_tell_untold(struct tt_core *core, struct tt_session *session)
{
    if (!session->busy->untold || session->busy->opening)
        return;
    tt_presence_tell_all(core, session);
    session->own_busy->untold = false;
}

/* The snapshot that would have said what is true will not come. Who has opened the chat over his
 * socket may not have believed what he was told before: the answer of a GET, for one, that was on
 * its way meanwhile. So he is told all of it, once it is known who shares. */
void tt_presence_unanswered(struct tt_core *core, struct tt_session *session, bool knows_sharing)
{
    if (knows_sharing)
        tt_presence_tell_untold(core, session);
    else if (session->busy->untold)
        tt_refresh_soon(core, session);
}

static void add_watcher(struct tt_core *core, const tt_id *user, struct tt_session *session)
{
    struct tt_watched *watched = watched_of(core, user);
    if (watched == NULL) {
        watched = tt_alloc(sizeof(*watched));
        watched->user = *user;
        tt_map_add(&core->watched, watched);
    }
    if (watched->session_count == watched->session_capacity) {
        watched->session_capacity =
            watched->session_capacity == 0 ? 2 : watched->session_capacity * 2;
        watched->sessions =
            tt_grow(watched->sessions, watched->session_capacity, sizeof(watched->sessions[0]));
    }
    watched->sessions[watched->session_count++] = session;
}

void tt_presence_watch(struct tt_core *core, struct tt_session *session)
{
    const struct tt_conversation *chat = &session->busy->open->is;
    for (size_t i = 0; i < chat->member_count; i++)
        if (!tt_session_is_user(session, &chat->members[i]))
            add_watcher(core, &chat->members[i], session);
}

/* Whether nobody here watches the user any more. */
static bool remove_watcher(struct tt_core *core, const tt_id *user, struct tt_session *session)
{
    struct tt_watched *watched = watched_of(core, user);
    TT_ASSERT(watched != NULL);
    uint32_t at = 0;
    while (watched->sessions[at] != session)
        at++;
    watched->sessions[at] = watched->sessions[--watched->session_count];
    if (watched->session_count > 0)
        return false;
    tt_map_remove(&core->watched, tt_id_slice(user));
    tt_free(watched->sessions);
    tt_free(watched);
    return true;
}

void tt_presence_unwatch(struct tt_core *core, struct tt_session *session)
{
    const struct tt_conversation *chat = &session->busy->open->is;
    tt_id *left = tt_arena_array(&core->arena, chat->member_count, sizeof(*left));
    size_t count = 0;
    for (size_t i = 0; i < chat->member_count; i++)
        if (!tt_session_is_user(session, &chat->members[i]) &&
            remove_watcher(core, &chat->members[i], session))
            left[count++] = chat->members[i];
    if (count > 0 && !TT_IS_PLANTED(WATCHER_LEFT))
        tt_emit_registry(core, tt_about_users(core, TT_REGISTRY_UNWATCH, left, count),
                         TT_FOR_NOTHING, TT_HANDLE_NONE);
}

/* Late news has a lower version. So has what a registry says that failed over to an older state of
 * itself; but what was asked after the last news came is newer than it, whatever its version. */
static bool is_late(const struct tt_watched *watched, uint64_t version, tt_mono asked_at)
{
    return watched->known && version < watched->version && asked_at.ms <= watched->updated_at.ms;
}

/* `asked_at`: 0 for a hint. */
void tt_presence_update(struct tt_core *core, const tt_id *user, struct tt_status status,
                        uint64_t version, tt_mono asked_at)
{
    struct tt_watched *watched = watched_of(core, user);
    if (watched == NULL || is_late(watched, version, asked_at))
        return;
    if (!status.online && !TT_IS_PLANTED(SEEN_BACK))
        status.last_seen = tt_time_max(status.last_seen, watched->status.last_seen);
    bool changed = !watched->known || watched->status.online != status.online ||
                   (!status.online && watched->status.last_seen.ms != status.last_seen.ms);
    watched->known = true;
    watched->version = version;
    watched->updated_at = core->now.mono;
    tt_time last_seen = watched->status.last_seen;
    watched->status = status;
    if (status.online)
        watched->status.last_seen = last_seen;
    if (changed && !watched->hidden)
        tell_sessions(core, watched);
}

/* As the store keeps it. The registry may have forgotten it, not have answered, or say it in an
 * answer that is late. */
void tt_presence_seen(struct tt_core *core, const tt_id *user, tt_time last_seen)
{
    struct tt_watched *watched = watched_of(core, user);
    if (watched == NULL || last_seen.ms <= watched->status.last_seen.ms)
        return;
    watched->status.last_seen = last_seen;
    if (watched->known && !watched->status.online && !watched->hidden)
        tell_sessions(core, watched);
}

void tt_presence_hide(struct tt_core *core, const tt_id *user, bool hidden, tt_mono asked_at)
{
    struct tt_watched *watched = watched_of(core, user);
    if (watched == NULL)
        return;
    bool is_old = asked_at.ms < watched->hidden_at.ms;
    if (!may_change(hidden, asked_at, &watched->hidden_at))
        return;
    bool is_news = watched->knows_sharing ? watched->hidden != hidden : watched->held || hidden;
    watched->knows_sharing = true;
    watched->held = false;
    watched->hidden = hidden;
    if (is_news && (watched->known || hidden))
        tell_sessions(core, watched);
    if (is_news && is_old)
        tt_presence_look_up(core, user, 1);
}

/* Somebody has chosen whether he shares, or is said to be hidden. The hints of that may come in
 * another order, so they hide at once what is hidden, and what holds now is read. */
void tt_presence_look_up(struct tt_core *core, const tt_id *users, size_t count)
{
    struct tt_store_op *op = tt_store_op_create(TT_STORE_GET_USERS);
    tt_id *ids = tt_arena_array(&op->arena, count, sizeof(*ids));
    memcpy(ids, users, count * sizeof(*ids));
    op->get_users.ids = ids;
    op->get_users.id_count = count;
    tt_mono *asked_at = tt_arena_alloc(&op->arena, sizeof(*asked_at));
    *asked_at = tt_mono_after(core->now.mono, 1);
    op->tag.context = asked_at;
    tt_emit_store(core, op, TT_FOR_SHARING, TT_HANDLE_NONE);
}

static bool is_known_here(struct tt_core *core, const tt_id *user)
{
    return tt_user_find(core, user) != NULL || watched_of(core, user) != NULL;
}

static bool any_is_known_here(struct tt_core *core, const tt_id *users, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (is_known_here(core, &users[i]))
            return true;
    return false;
}

void tt_presence_looked_up(struct tt_core *core, struct tt_store_op *op)
{
    const struct tt_get_users *users = &op->get_users;
    if (!any_is_known_here(core, users->ids, users->id_count))
        return;
    if (tt_err_is(op->err, TT_ERR_UNAVAILABLE)) {
        TT_ASSERT(core->spent_store == op);
        core->spent_store = op->next;
        tt_retry_store(core, op);
        return;
    }
    const tt_mono *asked_at = op->tag.context;
    for (size_t i = 0; i < users->id_count && tt_is_ok(op->err); i++) {
        bool shares = users->users[i].settings.share_last_seen;
        struct tt_user_here *here = tt_user_find(core, &users->ids[i]);
        tt_presence_hide(core, &users->ids[i], !shares, *asked_at);
        if (here != NULL)
            tt_presence_own(core, here, shares, *asked_at);
    }
}

/* Nothing more of him is told until it is read whether he shares. What is shown stays as it is:
 * whoever made this necessary may not know himself. */
static void doubt(struct tt_core *core, const tt_id *user)
{
    struct tt_watched *watched = watched_of(core, user);
    if (watched == NULL || watched->hidden)
        return;
    watched->knows_sharing = false;
    watched->hidden_at = tt_mono_after(core->now.mono, 1);
}

void tt_presence_heard(struct tt_core *core, const struct tt_hint *hint)
{
    if (hint->chosen && hint->hidden)
        tt_presence_hide(core, &hint->user, true, tt_mono_after(core->now.mono, 1));
    else if (hint->chosen)
        doubt(core, &hint->user);
    if (hint->chosen && watched_of(core, &hint->user) != NULL)
        tt_presence_look_up(core, &hint->user, 1);
    tt_presence_update(core, &hint->user, hint->status, hint->version, TT_MONO(0));
}

/* That he is hidden may be old news here, so where he is watched it is read. */
void tt_presence_tell(struct tt_core *core, const struct tt_whereabouts *now, bool hidden)
{
    struct tt_hint *hint = tt_arena_alloc(&core->arena, sizeof(*hint));
    hint->kind = TT_HINT_PRESENCE;
    hint->user = now->user;
    hint->status = tt_status_of(now, TT_TIME(0));
    hint->version = now->version;
    if (TT_IS_PLANTED(GONE_SOMETIME))
        hint->status.last_seen = TT_TIME(0);
    hint->chosen = hidden;
    for (size_t i = 0; i < now->watcher_count; i++)
        tt_hint_to(core, &now->watchers[i], hint);
}

/* A session of the user has ended; a reconnect within the grace is never told. */
void tt_presence_gone(struct tt_core *core, struct tt_user_here *user)
{
    if (user->grace == NULL) {
        user->grace = tt_alloc(sizeof(*user->grace));
        user->grace->user = user;
        user->grace->timer.kind = TT_TIMER_USER;
    }
    tt_timer_set(&core->timers, &user->grace->timer,
                 tt_mono_after(core->now.mono, core->options.offline_grace_ms));
}

void tt_presence_grace_end(struct tt_core *core, struct tt_user_here *user)
{
    if (user->grace == NULL)
        return;
    tt_timer_stop(&core->timers, &user->grace->timer);
    tt_free(user->grace);
    user->grace = NULL;
}

void tt_presence_grace_over(struct tt_core *core, struct tt_grace *grace)
{
    struct tt_user_here *user = grace->user;
    const tt_id id = tt_user_id(user);
    struct tt_registry_op *op = tt_about_users(core, TT_REGISTRY_LOOKUP, &id, 1);
    struct news *news = tt_arena_alloc(&op->arena, sizeof(*news));
    news->hidden = !user->shares;
    op->tag.context = news;
    tt_emit_registry(core, op, TT_FOR_GRACE, TT_HANDLE_NONE);
    tt_presence_grace_end(core, user);
    tt_user_release(core, user);
}

void tt_presence_grace_looked(struct tt_core *core, struct tt_registry_op *op)
{
    if (!tt_is_ok(op->err)) {
        TT_ASSERT(core->spent_registry == op);
        core->spent_registry = op->next;
        tt_retry_registry(core, op);
        return;
    }
    const struct news *news = op->tag.context;
    struct tt_whereabouts now = op->about.found[0];
    if (TT_IS_PLANTED(LEAVES_OFFLINE))
        now.device_count = 0;
    tt_presence_tell(core, &now, news->hidden);
}

static void ask_again(struct tt_core *core, enum tt_registry_op_kind kind, const tt_id *users,
                      size_t count)
{
    struct tt_registry_op *op = tt_about_users(core, kind, users, count);
    tt_mono *asked_at = tt_arena_alloc(&op->arena, sizeof(*asked_at));
    *asked_at = core->now.mono;
    op->tag.context = asked_at;
    tt_emit_registry(core, op, TT_FOR_WATCHED, TT_HANDLE_NONE);
}

/* Somebody's server is gone, or hints were lost: look again at everybody who is watched here. */
static void look(struct tt_core *core, enum tt_registry_op_kind kind)
{
    tt_id *users = tt_arena_array(&core->arena, LOOK_AGAIN_COUNT, sizeof(*users));
    size_t count = 0;
    size_t at = 0;
    for (struct tt_watched *watched = tt_map_next(&core->watched, &at); watched != NULL;
         watched = tt_map_next(&core->watched, &at)) {
        users[count++] = watched->user;
        if (count == LOOK_AGAIN_COUNT) {
            ask_again(core, kind, users, count);
            count = 0;
        }
    }
    if (count > 0)
        ask_again(core, kind, users, count);
}

void tt_presence_look_again(struct tt_core *core)
{
    look(core, TT_REGISTRY_LOOKUP);
}

void tt_presence_watch_again(struct tt_core *core)
{
    look(core, TT_REGISTRY_WATCH);
}

void tt_presence_looked(struct tt_core *core, struct tt_registry_op *op)
{
    if (!tt_is_ok(op->err)) {
        TT_ASSERT(core->spent_registry == op);
        core->spent_registry = op->next;
        tt_retry_registry(core, op);
        return;
    }
    const tt_mono *asked_at = op->tag.context;
    for (size_t i = 0; i < op->about.user_count; i++)
        tt_presence_update(core, &op->about.users[i], tt_status_of(&op->about.found[i], TT_TIME(0)),
                           op->about.found[i].version, *asked_at);
    if (op->kind == TT_REGISTRY_WATCH)
        tt_presence_look_up(core, op->about.users, op->about.user_count);
}

/* Sends the hint, about hint->user, to every node that watches the user. */
void tt_presence_tell_watchers(struct tt_core *core, const struct tt_hint *hint)
{
    struct tt_registry_op *op = tt_about_users(core, TT_REGISTRY_LOOKUP, &hint->user, 1);
    struct news *news = tt_arena_alloc(&op->arena, sizeof(*news));
    news->hint = *hint;
    op->tag.context = news;
    tt_emit_registry(core, op, TT_FOR_WATCHERS, TT_HANDLE_NONE);
}

void tt_presence_watchers_found(struct tt_core *core, struct tt_registry_op *op)
{
    const struct news *news = op->tag.context;
    if (!tt_is_ok(op->err)) {
        /* It is over by then; or else the next refresh of those who look tells them. */
        if (news->hint.kind == TT_HINT_TYPING || tt_retry_is_full(core))
            return;
        TT_ASSERT(core->spent_registry == op);
        core->spent_registry = op->next;
        tt_retry_registry(core, op);
        return;
    }
    const struct tt_whereabouts *found = &op->about.found[0];
    struct tt_hint *hint = tt_arena_alloc(&core->arena, sizeof(*hint));
    *hint = news->hint;
    if (hint->kind == TT_HINT_PRESENCE) {
        hint->status = tt_status_of(found, TT_TIME(0));
        hint->version = found->version;
    }
    for (size_t i = 0; i < found->watcher_count; i++)
        tt_hint_to(core, &found->watchers[i], hint);
}

void tt_presence_typing(struct tt_core *core, struct tt_task *task)
{
    struct tt_hint *hint = tt_arena_alloc(&core->arena, sizeof(*hint));
    hint->kind = TT_HINT_TYPING;
    hint->user = task->user;
    hint->conversation = task->conversation;
    tt_presence_tell_watchers(core, hint);
    if (!TT_IS_PLANTED(TASK_LEFT))
        tt_task_destroy(core, task);
}

void tt_presence_typing_heard(struct tt_core *core, const struct tt_hint *hint)
{
    const struct tt_watched *watched = watched_of(core, &hint->user);
    if (watched == NULL)
        return;
    for (uint32_t i = 0; i < watched->session_count; i++) {
        struct tt_session *session = watched->sessions[i];
        if (!tt_id_eq(&session->busy->open->is.id, &hint->conversation))
            continue;
        struct tt_server_frame *frame = tt_emit_frame(core, session, TT_SERVER_TYPING, 0);
        frame->conversation = hint->conversation;
        frame->user = hint->user;
    }
}
