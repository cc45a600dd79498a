/*
 * Chat-open: history, cursors, the others' whereabouts and their settings are looked up side by
 * side, and answered once. The device becomes a watcher of the others first, so that what changes
 * after the answer is told over the socket.
 *
 * What was answered counts as handed out, once the socket's node knows of it: at once over the
 * socket; after a GET the node is told, and the answer waits a moment for its word. With its word
 * comes the turn of the screen, and only a screen that is still at that turn is marked: whatever
 * the client does after the answer wins over a mark that is late.
 */
#include "core/state.h"

#include "base/limits.h"

#define SOON_MS 500

enum { PART_SNAPSHOT, PART_USERS };

static struct tt_session *session_of(struct tt_core *core, const struct tt_task *task)
{
    if (!task->over_http)
        return tt_session_find(core, task->owner);
    return tt_session_of_device(core, &task->user, &task->device);
}

static void set_refresh(struct tt_core *core, struct tt_session *session)
{
    uint64_t spread = core->options.refresh_ms_max - core->options.refresh_ms_min + 1;
    session->own_busy->refresh_at =
        tt_mono_after(core->now.mono, core->options.refresh_ms_min + tt_random(core) % spread);
    tt_session_set_timer(core, session);
}

void tt_refresh_soon(struct tt_core *core, struct tt_session *session)
{
    tt_mono soon = tt_mono_after(core->now.mono, SOON_MS);
    if (session->busy->open == NULL || session->busy->refresh_at.ms <= soon.ms)
        return;
    tt_session_busy(core, session)->refresh_at = soon;
    tt_session_set_timer(core, session);
}

static uint32_t wish_of(const struct tt_core *core, const tt_id *conversation)
{
    return (uint32_t)tt_hash(tt_id_slice(conversation), core->options.hash_seed);
}

/* From now on this conversation is to be on the session's screen. It will be, unless something else
 * is wished for or it is closed before its members are known. */
void tt_open_wish(struct tt_core *core, struct tt_session *session, struct tt_task *task)
{
    task->open_turn = ++session->open_turn;
    session->open_wish = wish_of(core, &task->conversation);
    session->screen_turn = ++core->screen_turns;
}

void tt_open_unwish(struct tt_core *core, struct tt_session *session, const tt_id *conversation)
{
    if (session->open_wish == wish_of(core, conversation))
        session->open_turn++;
    session->screen_turn = ++core->screen_turns;
    if (session->busy->open != NULL && tt_id_eq(&session->busy->open->is.id, conversation) &&
        !TT_IS_PLANTED(SCREEN_STAYS))
        tt_open_close(core, session);
}

static bool is_wished(const struct tt_session *session, const struct tt_task *task)
{
    return session != NULL && session->open_turn == task->open_turn;
}

static void put_on_screen(struct tt_core *core, struct tt_session *session,
                          const struct tt_task *task)
{
    struct tt_conv *conv = task->conv;
    struct tt_busy *busy = tt_session_busy(core, session);
    busy->opening = true;
    busy->opening_turn = task->open_turn;
    if (busy->open == conv)
        return;
    if (busy->open != NULL)
        tt_open_close(core, session);
    busy->open = conv;
    busy->opening = true;
    tt_conv_pin(conv);
    tt_presence_watch(core, session);
    set_refresh(core, session);
}

void tt_open_close(struct tt_core *core, struct tt_session *session)
{
    tt_presence_unwatch(core, session);
    struct tt_busy *busy = session->own_busy;
    tt_conv_unpin(core, busy->open);
    busy->open = NULL;
    busy->opening = false;
    busy->untold = false;
    busy->refresh_at = TT_MONO(0);
}

/* The others, then the caller: the order of GET_USERS, and of LOOKUP where the caller's own
 * devices are looked for too. */
static tt_id *people(struct tt_core *core, const struct tt_task *task, size_t *count)
{
    const struct tt_conversation *chat = &task->conv->is;
    tt_id *ids = tt_arena_array(&core->arena, chat->member_count, sizeof(*ids));
    *count = 0;
    for (size_t i = 0; i < chat->member_count; i++)
        if (!tt_id_eq(&chat->members[i], &task->user))
            ids[(*count)++] = chat->members[i];
    ids[(*count)++] = task->user;
    return ids;
}

static void ask_snapshot(struct tt_core *core, struct tt_task *task)
{
    struct tt_store_op *op = tt_store_op_create(TT_STORE_SNAPSHOT);
    op->snapshot.conversation = task->conversation;
    op->snapshot.user = task->user;
    op->snapshot.device = task->device;
    op->snapshot.count_max = task->request.limit;
    op->snapshot.bytes_max = UINT32_MAX;
    tt_task_ask_store(core, task, PART_SNAPSHOT, op);
}

static void ask_users(struct tt_core *core, struct tt_task *task, const tt_id *ids, size_t count)
{
    struct tt_store_op *op = tt_store_op_create(TT_STORE_GET_USERS);
    tt_id *copy = tt_arena_array(&op->arena, count, sizeof(*copy));
    memcpy(copy, ids, count * sizeof(*copy));
    op->get_users.ids = copy;
    op->get_users.id_count = count;
    task->asked_at = core->now.mono;
    tt_task_ask_store(core, task, PART_USERS, op);
}

static void start_mark(struct tt_core *core, struct tt_task *task)
{
    struct tt_session *session = tt_session_of_device(core, &task->user, &task->device);
    if (!is_wished(session, task)) {
        tt_task_destroy(core, task);
        return;
    }
    put_on_screen(core, session, task);
    bool untold = session->busy->untold;
    size_t count;
    tt_id *ids = people(core, task, &count);
    if (task->conv->is.kind == TT_DIRECT)
        tt_presence_update(core, &ids[0], task->peer_status, task->peer_version, TT_MONO(0));
    session->own_busy->opening = false;
    /* What the update says, the answer of the GET did, unless it showed nothing. */
    session->own_busy->untold = untold || task->peer_hidden;
    task->peer_unseen = task->peer_hidden && !untold;
    if (task->conv->is.kind == TT_DIRECT && !task->peer_hidden)
        tt_presence_marked(core, session, &ids[0], task->peer_status);
    ask_users(core, task, ids, count);
    tt_task_ask_registry(core, task, tt_about_users(core, TT_REGISTRY_WATCH, ids, count - 1));
}

void tt_open_start(struct tt_core *core, struct tt_task *task)
{
    if (task->kind == TT_TASK_MARK) {
        start_mark(core, task);
        return;
    }
    bool marks = !task->over_http || task->request.snapshot.mark_open;
    struct tt_session *session = marks ? session_of(core, task) : NULL;
    if (!task->over_http && session == NULL) {
        tt_task_destroy(core, task);
        return;
    }
    if (session != NULL && task->over_http) {
        task->evictions = session->evictions;
        tt_open_wish(core, session, task);
    } else if (session != NULL) {
        tt_stream_hold(core, session, task);
    }
    if (!is_wished(session, task))
        session = NULL;
    size_t count;
    tt_id *ids = people(core, task, &count);
    if (session != NULL)
        put_on_screen(core, session, task);
    ask_snapshot(core, task);
    ask_users(core, task, ids, count);
    enum tt_registry_op_kind kind = session != NULL ? TT_REGISTRY_WATCH : TT_REGISTRY_LOOKUP;
    tt_task_ask_registry(core, task,
                         tt_about_users(core, kind, ids, session != NULL ? count - 1 : count));
}

static const struct tt_member_cursor *cursor_of(const struct tt_read_snapshot *read,
                                                const tt_id *user)
{
    for (size_t i = 0; i < read->member_count; i++)
        if (tt_id_eq(&read->members[i].user, user))
            return &read->members[i];
    return NULL;
}

/* Whether somebody shares; a store that did not answer shares nothing. */
static bool shares(const struct tt_task *task, size_t index)
{
    const struct tt_store_op *op = tt_task_answer(task, PART_USERS);
    return tt_is_ok(op->err) && op->get_users.users[index].settings.share_last_seen;
}

static struct tt_status status_for(const struct tt_core *core, const struct tt_task *task,
                                   size_t index, bool viewer_shares)
{
    struct tt_status status = {.online = false};
    if (!viewer_shares || !shares(task, index))
        return status;
    if (!tt_is_ok(task->registry->err))
        return (struct tt_status){.unknown = true};
    status = tt_status_of(&task->registry->about.found[index],
                          tt_task_answer(task, PART_USERS)->get_users.users[index].last_seen);
    status.last_seen = tt_presence_no_later(core, status.last_seen);
    return status;
}

/* What the answers say of the others is news to the node as well. */
static void note_presence(struct tt_core *core, const struct tt_task *task, size_t other_count)
{
    const struct tt_store_op *users = tt_task_answer(task, PART_USERS);
    for (size_t i = 0; i < other_count; i++) {
        const tt_id *user = &task->registry->about.users[i];
        if (tt_is_ok(users->err))
            tt_presence_hide(core, user, !users->get_users.users[i].settings.share_last_seen,
                             task->asked_at);
        tt_time stored = tt_is_ok(users->err) && !TT_IS_PLANTED(SEEN_BLIND)
                             ? users->get_users.users[i].last_seen
                             : TT_TIME(0);
        if (tt_is_ok(task->registry->err)) {
            const struct tt_whereabouts *found = &task->registry->about.found[i];
            tt_presence_update(core, user, tt_status_of(found, stored), found->version,
                               task->asked_at);
        }
        tt_presence_seen(core, user, stored);
    }
}

/* A later hint may have overtaken the lookup, or the registry did not answer: the session is told
 * what the node knows now, for afterwards it hears only of changes. */
static struct tt_status newest_status(struct tt_core *core, const tt_id *user,
                                      struct tt_status looked_up)
{
    struct tt_watched *watched = tt_map_get(&core->watched, tt_id_slice(user));
    if (watched != NULL && watched->hidden) /* since it was asked, perhaps */
        return (struct tt_status){.online = false};
    if (watched == NULL || !watched->known)
        return looked_up;
    if (!watched->knows_sharing) { /* in doubt: it is being read, and told then */
        watched->held = true;
        return (struct tt_status){.unknown = true};
    }
    struct tt_status status = watched->status;
    status.last_seen = tt_presence_no_later(core, status.last_seen);
    return status;
}

static struct tt_snapshot *assemble(struct tt_core *core, struct tt_task *task,
                                    struct tt_session *session)
{
    const struct tt_read_snapshot *read = &tt_task_answer(task, PART_SNAPSHOT)->snapshot;
    size_t others = task->conv->is.member_count - 1;
    bool viewer_shares = shares(task, others) && (session == NULL || session->user->shares);
    struct tt_snapshot *snapshot = tt_arena_alloc(&task->arena, sizeof(*snapshot));
    struct tt_member_view *views = tt_arena_array(&task->arena, others, sizeof(*views));
    for (size_t i = 0; i < others; i++) {
        const tt_id *user = &task->registry->about.users[i];
        const struct tt_member_cursor *cursor = cursor_of(read, user);
        views[i].user = *user;
        views[i].status = status_for(core, task, i, viewer_shares);
        if (session != NULL && viewer_shares && shares(task, i))
            views[i].status = newest_status(core, user, views[i].status);
        if (cursor != NULL)
            views[i].cursor = cursor->cursor;
    }

    snapshot->conversation = task->conv->is;
    snapshot->head = read->head;
    snapshot->messages = read->messages;
    snapshot->message_count = read->message_count;
    snapshot->has_more_before = read->message_count > 0 && read->messages[0].seq.n > 1;
    snapshot->has_more_after =
        read->message_count > 0 && read->messages[read->message_count - 1].seq.n < read->head.n;
    snapshot->others = views;
    snapshot->other_count = others;
    snapshot->others_min = tt_others_min(read->members, read->member_count, &task->user);
    snapshot->my_read = read->my_cursor.read;
    snapshot->muted_until = read->muted_until;
    return snapshot;
}

void tt_open_handed_here(struct tt_core *core, struct tt_session *session,
                         const tt_id *conversation, tt_seq from, tt_seq to)
{
    if (from.n == 0)
        return;
    struct tt_stream *stream = tt_stream_of(core, session, conversation);
    tt_stream_handed_over_http(stream, from, to);
    tt_stream_need_position(core, session, stream);
}

static tt_seq last_seq(const struct tt_snapshot *snapshot)
{
    size_t count = snapshot->message_count;
    return count == 0 ? TT_SEQ(0) : snapshot->messages[count - 1].seq;
}

/* What was shown of all the others holds for each of them, though it was read before. */
static void raise_others(struct tt_core *core, struct tt_snapshot *snapshot)
{
    struct tt_member_view *views =
        tt_arena_array(&core->arena, snapshot->other_count, sizeof(*views));
    for (size_t i = 0; i < snapshot->other_count; i++) {
        views[i] = snapshot->others[i];
        views[i].cursor.delivered =
            tt_seq_max(views[i].cursor.delivered, snapshot->others_min.delivered);
        views[i].cursor.read = tt_seq_max(views[i].cursor.read, snapshot->others_min.read);
    }
    snapshot->others = views;
}

/* The answer never shows a socket less than it was shown, and is from now on what it was shown. */
static void note_shown(struct tt_core *core, struct tt_session *session, const struct tt_task *task,
                       struct tt_snapshot *snapshot)
{
    const struct tt_read_snapshot *read = &tt_task_answer(task, PART_SNAPSHOT)->snapshot;
    struct tt_stream *stream = tt_stream_of(core, session, &task->conversation);
    struct tt_cursor *shown = &stream->shown;
    if (!task->over_http || task->evictions == session->evictions) {
        shown->delivered = tt_seq_max(shown->delivered, snapshot->others_min.delivered);
        shown->read = tt_seq_max(shown->read, snapshot->others_min.read);
        shown->delivered = tt_seq_max(shown->delivered, shown->read);
    }
    stream->my_read = tt_seq_max(stream->my_read, read->my_cursor.read);
    if (!task->over_http) {
        snapshot->others_min = stream->shown;
        raise_others(core, snapshot);
        snapshot->my_read = stream->my_read;
        snapshot->head = tt_seq_max(snapshot->head, stream->shown.delivered);
        snapshot->head = tt_seq_max(snapshot->head, stream->my_read);
        if (stream->positioned)
            snapshot->head = tt_seq_max(snapshot->head, TT_SEQ(stream->next.n - 1));
        snapshot->has_more_after =
            snapshot->message_count > 0 && last_seq(snapshot).n < snapshot->head.n;
    }
    stream->known_head = tt_seq_max(stream->known_head, read->head);
    if (task->over_http) /* it may have been read before the session began */
        tt_stream_need_position(core, session, stream);
    else
        tt_stream_position(core, session, stream, read->device_delivered);
    if (read->message_count > 0)
        tt_stream_handed_over_http(stream, read->messages[0].seq,
                                   read->messages[read->message_count - 1].seq);
    tt_stream_heard_of(core, session, stream, read->head);
}

static void answer_socket(struct tt_core *core, struct tt_task *task, struct tt_session *session)
{
    struct tt_snapshot *snapshot = assemble(core, task, session);
    size_t bytes = (snapshot->message_count + snapshot->other_count) * (size_t)TT_FRAME_BYTES;
    for (size_t i = 0; i < snapshot->message_count; i++)
        bytes += snapshot->messages[i].content.size;
    struct tt_server_frame *frame = tt_emit_frame(core, session, TT_SERVER_CONVERSATION, bytes);
    frame->conversation = task->conversation;
    frame->snapshot = snapshot;
    note_shown(core, session, task, snapshot);
    tt_task_destroy(core, task);
}

static void answer_http(struct tt_core *core, struct tt_task *task, struct tt_session *session)
{
    struct tt_snapshot *snapshot = assemble(core, task, session);
    if (session != NULL)
        note_shown(core, session, task, snapshot);
    struct tt_reply *reply = tt_arena_alloc(&task->arena, sizeof(*reply));
    reply->kind = TT_REQUEST_SNAPSHOT;
    reply->conversation = task->conversation;
    reply->snapshot = snapshot;
    task->reply = reply;
    if (session == NULL && tt_open_hand_off(core, task, task->request.snapshot.mark_open))
        return;
    tt_open_waited(core, task);
}

/* The answer of the GET said all of one other person, and of a group nothing that is known here. */
static void tell_marked(struct tt_core *core, const struct tt_task *task,
                        struct tt_session *session, bool knows_sharing)
{
    if (task->conv->is.kind == TT_GROUP)
        session->own_busy->untold = true;
    else if (task->peer_unseen && knows_sharing && !tt_presence_sees_any(core, session))
        session->own_busy->untold = false;
    tt_presence_unanswered(core, session, knows_sharing);
}

/* Who chose while the registry was asked has told those who watched him by then: what was read
 * meanwhile may be of before. The registry of one process does as it is asked, at once. */
static void look_behind_watch(struct tt_core *core, const struct tt_task *task, size_t others)
{
    const struct tt_registry_op *op = task->registry;
    bool is_watched = op->kind == TT_REGISTRY_WATCH && tt_is_ok(op->err);
    bool is_read = tt_is_ok(tt_task_answer(task, PART_USERS)->err); /* else it will be */
    if (core->options.reassert_ms > 0 && others > 0 && is_watched && is_read)
        tt_presence_look_up(core, task->registry->about.users, others);
}

void tt_open_ready(struct tt_core *core, struct tt_task *task)
{
    bool marks = !task->over_http || task->request.snapshot.mark_open;
    struct tt_session *session = marks ? session_of(core, task) : NULL;
    if (task->holds_stream)
        tt_stream_let_go(core, session, task, tt_task_answer(task, PART_SNAPSHOT)->err);
    bool is_watching = session != NULL && session->busy->open == task->conv;
    bool knows_sharing = tt_is_ok(tt_task_answer(task, PART_USERS)->err);
    size_t others = task->conv->is.member_count - 1;
    if (session != NULL && knows_sharing)
        tt_presence_own(core, session->user, shares(task, others), task->asked_at);
    if (session != NULL) /* also if it shows another chat by now: others here may show this one */
        note_presence(core, task, others);
    if (session != NULL)
        look_behind_watch(core, task, others);
    if (session != NULL && session->busy->opening && session->busy->opening_turn == task->open_turn)
        session->own_busy->opening = false;
    bool is_settled = is_watching && !session->busy->opening;
    if (is_settled && !knows_sharing)
        session->own_busy->untold = true;
    if (task->kind == TT_TASK_MARK || (!task->over_http && session == NULL)) {
        if (is_settled)
            tell_marked(core, task, session, knows_sharing);
        tt_task_destroy(core, task);
        return;
    }
    tt_err err = tt_task_answer(task, PART_SNAPSHOT)->err;
    if (tt_is_ok(err)) /* who shares what is not known: offline would be a lie */
        err = tt_task_answer(task, PART_USERS)->err;
    if (!tt_is_ok(err)) {
        if (is_settled && !task->over_http)
            session->own_busy->untold = true;
        tt_task_fail(core, task, err);
        if (is_settled)
            tt_presence_unanswered(core, session, knows_sharing);
        return;
    }
    if (is_settled)
        session->own_busy->untold = false;
    if (task->over_http)
        answer_http(core, task, session);
    else
        answer_socket(core, task, session);
}

static void hand_off_here(struct tt_core *core, const struct tt_task *task)
{
    const struct tt_snapshot *page = task->reply->snapshot;
    struct tt_session *session = tt_session_of_device(core, &task->user, &task->device);
    if (session != NULL && page->message_count > 0)
        tt_open_handed_here(core, session, &task->conversation, page->messages[0].seq,
                            page->messages[page->message_count - 1].seq);
}

/* Tells the node that holds the caller's socket what a GET is about to hand out. False: there is
 * no such socket, or nothing to tell. */
bool tt_open_hand_off(struct tt_core *core, struct tt_task *task, bool opened)
{
    if (task->registry == NULL || !tt_is_ok(task->registry->err))
        return false;
    const struct tt_about_users *about = &task->registry->about;
    if (about->user_count == 0 || !tt_id_eq(&about->users[about->user_count - 1], &task->user))
        return false; /* there was a session here when it was asked, and the others were watched */
    const struct tt_whereabouts *own = &about->found[about->user_count - 1];
    const struct tt_snapshot *snapshot = task->reply->snapshot;
    for (size_t i = 0; i < own->device_count; i++) {
        const struct tt_registered_device *device = &own->devices[i];
        if (!tt_id_eq(&device->device, &task->device))
            continue;
        if (tt_place_eq(&device->place, &core->options.place)) {
            hand_off_here(core, task);
            return false;
        }
        struct tt_hint *hint = tt_arena_alloc(&core->arena, sizeof(*hint));
        hint->kind = TT_HINT_HANDED;
        hint->user = task->user;
        hint->device = task->device;
        hint->conversation = task->conversation;
        hint->opened = opened;
        if (snapshot->message_count > 0) {
            hint->cursor.read = snapshot->messages[0].seq;
            hint->cursor.delivered = snapshot->messages[snapshot->message_count - 1].seq;
        }
        hint->reply_to = core->options.place;
        hint->waiter = task->handle;
        tt_hint_to(core, &device->place, hint);
        tt_timer_set(&core->timers, &task->timer, tt_mono_after(core->now.mono, TT_OPEN_WAIT_MS));
        return true;
    }
    return false;
}

/* The answer goes out: nobody had to be told, the node has answered, or the time is up. */
void tt_open_waited(struct tt_core *core, struct tt_task *task)
{
    struct tt_reply *reply = tt_reply(core, task, TT_OK);
    tt_err err = reply->err;
    *reply = *task->reply;
    reply->err = err;
    tt_task_destroy(core, task);
}

/* The device's node knows what is handed out; before the answer goes out it is told to put the chat
 * on the screen. */
static void mark_there(struct tt_core *core, const struct tt_task *task, const struct tt_hint *ok)
{
    struct tt_hint *hint = tt_arena_alloc(&core->arena, sizeof(*hint));
    hint->kind = TT_HINT_MARK;
    hint->user = task->user;
    hint->device = task->device;
    hint->conversation = task->conversation;
    hint->message.seq = ok->message.seq;
    if (task->reply->snapshot->other_count == 1) {
        /* What is, not what this caller may see of it: others look there too. */
        const struct tt_whereabouts *found = &task->registry->about.found[0];
        hint->status =
            tt_status_of(found, tt_task_answer(task, PART_USERS)->get_users.users[0].last_seen);
        hint->version = found->version;
        hint->hidden = !shares(task, 0) || !shares(task, 1);
    }
    tt_hint_to(core, &ok->reply_to, hint);
}

void tt_open_handed_ok(struct tt_core *core, const struct tt_hint *hint)
{
    struct tt_task *task = tt_task_find(core, hint->waiter);
    if (task == NULL || task->reply == NULL || task->timer.position == 0)
        return;
    if (hint->message.seq.n > 0)
        mark_there(core, task, hint);
    tt_open_waited(core, task);
}

/* Another node answers a GET of a device that has its socket here. */
void tt_open_handed(struct tt_core *core, const struct tt_hint *hint)
{
    struct tt_session *session = tt_session_of_device(core, &hint->user, &hint->device);
    struct tt_hint *answer = tt_arena_alloc(&core->arena, sizeof(*answer));
    answer->kind = TT_HINT_HANDED_OK;
    answer->waiter = hint->waiter;
    answer->reply_to = core->options.place;
    if (session != NULL) {
        tt_open_handed_here(core, session, &hint->conversation, hint->cursor.read,
                            hint->cursor.delivered);
        if (hint->opened)
            answer->message.seq = TT_SEQ(session->screen_turn);
    }
    tt_hint_to(core, &hint->reply_to, answer);
}

void tt_open_marked(struct tt_core *core, const struct tt_hint *hint)
{
    struct tt_session *session = tt_session_of_device(core, &hint->user, &hint->device);
    if (session == NULL ||
        (hint->message.seq.n != session->screen_turn && !TT_IS_PLANTED(LATE_MARK)))
        return;
    struct tt_task *task = tt_task_create(core, TT_TASK_MARK, session->handle);
    task->user = hint->user;
    task->device = hint->device;
    task->conversation = hint->conversation;
    task->peer_status = hint->status;
    task->peer_version = hint->version;
    task->peer_hidden = hint->hidden;
    tt_open_wish(core, session, task);
    if (tt_conv_need(core, task) != NULL)
        tt_task_resume(core, task);
}

static void refresh(struct tt_core *core, struct tt_session *session, struct tt_task *task,
                    const tt_id *conversation, const tt_id *about)
{
    task->user = tt_session_user(session);
    task->device = tt_session_device(session);
    task->conversation = *conversation;
    task->about = *about;
    tt_stream_hold(core, session, task);
}

/* An open chat looks again from time to time, because the last hint may have been lost. */
void tt_refresh_start(struct tt_core *core, struct tt_session *session)
{
    struct tt_task *task = tt_task_create(core, TT_TASK_REFRESH, session->handle);
    task->conv = session->busy->open;
    task->user = tt_session_user(session);
    tt_conv_pin(task->conv);
    size_t count;
    tt_id *ids = people(core, task, &count);
    refresh(core, session, task, &session->busy->open->is.id, &ids[0]);
    ask_snapshot(core, task);
    ask_users(core, task, ids, count);
    tt_task_ask_registry(core, task, tt_about_users(core, TT_REGISTRY_WATCH, ids, count - 1));
    set_refresh(core, session);
}

/* One read that begins after the hint answers for everybody who heard it in the same step. */
static void share_snapshot(struct tt_core *core, struct tt_task *task)
{
    struct tt_task *asking = core->refreshing;
    if (asking == NULL || !tt_id_eq(&asking->conversation, &task->conversation)) {
        ask_snapshot(core, task);
        core->refreshing = task;
        return;
    }
    task->next_sharer = asking->sharers;
    asking->sharers = task;
}

/* A hint about a cursor of which it is not known what the device was shown. */
void tt_refresh_conversation(struct tt_core *core, struct tt_session *session,
                             const struct tt_hint *hint)
{
    struct tt_task *task = tt_task_create(core, TT_TASK_REFRESH, session->handle);
    task->moved_delivered = hint->moved_delivered;
    task->moved_read = hint->moved_read;
    refresh(core, session, task, &hint->conversation, &hint->about);
    share_snapshot(core, task);
}

static void refresh_presence(struct tt_core *core, const struct tt_task *task,
                             struct tt_session *session)
{
    const struct tt_about_users *about = &task->registry->about;
    const struct tt_store_op *users = tt_task_answer(task, PART_USERS);
    uint64_t told = core->counters.presence_told;
    if (session != NULL && tt_is_ok(users->err))
        tt_presence_own(core, session->user,
                        users->get_users.users[about->user_count].settings.share_last_seen,
                        task->asked_at);
    note_presence(core, task, about->user_count);
    core->counters.repairs_refresh += core->counters.presence_told - told;
    if (session != NULL && session->busy->open == task->conv)
        tt_presence_unanswered(core, session, tt_is_ok(users->err));
}

/* What to show: for an open chat all of it, else what has moved or was shown before. */
static struct tt_cursor refreshed(const struct tt_task *task, const struct tt_stream *stream,
                                  const struct tt_read_snapshot *read)
{
    struct tt_cursor cursor = tt_others_min(read->members, read->member_count, &task->user);
    if (task->conv == NULL && !task->moved_delivered && stream->shown.delivered.n == 0)
        cursor.delivered = TT_SEQ(0);
    if (task->conv == NULL && !task->moved_read && stream->shown.read.n == 0)
        cursor.read = TT_SEQ(0);
    return cursor;
}

static void take_snapshot(struct tt_core *core, struct tt_task *task, const struct tt_store_op *op)
{
    struct tt_session *session = tt_session_find(core, task->owner);
    tt_stream_let_go(core, session, task, op->err);
    if (session == NULL || !tt_is_ok(op->err))
        return;
    uint64_t updates = core->counters.status_updates;
    struct tt_stream *stream = tt_stream_of(core, session, &task->conversation);
    tt_status_set(core, session, &task->conversation, &task->about,
                  refreshed(task, stream, &op->snapshot));
    bool is_news = stream->positioned && stream->known_head.n < op->snapshot.head.n;
    tt_stream_heard_of(core, session, stream, op->snapshot.head);
    if (task->conv != NULL)
        core->counters.repairs_refresh +=
            (core->counters.status_updates - updates) + (is_news ? 1 : 0);
}

void tt_refresh_ready(struct tt_core *core, struct tt_task *task)
{
    const struct tt_store_op *op = tt_task_answer(task, PART_SNAPSHOT);
    take_snapshot(core, task, op);
    while (task->sharers != NULL) {
        struct tt_task *sharer = task->sharers;
        task->sharers = sharer->next_sharer;
        take_snapshot(core, sharer, op);
        tt_task_destroy(core, sharer);
    }
    if (task->registry != NULL)
        refresh_presence(core, task, tt_session_find(core, task->owner));
    tt_task_destroy(core, task);
}
