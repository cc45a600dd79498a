/*
 * Telling people: first whoever is connected here, which needs nobody else, then whoever the
 * registry knows on other nodes. The only node there is need not ask it. What gets lost on the way
 * is found again by the push timers and by the next connect.
 */
#include "core/state.h"

struct fanout {
    struct tt_hint hint;
    bool none_rings;
    const struct tt_fanout_share *shares;
};

static struct tt_hint *hint_for(struct tt_core *core, const struct tt_hint *hint, const tt_id *user,
                                const struct tt_fanout_share *share)
{
    struct tt_hint *copy = tt_arena_alloc(&core->arena, sizeof(*copy));
    *copy = *hint;
    copy->user = *user;
    if (share != NULL) {
        copy->cursor = share->cursor;
        copy->moved_delivered = share->moved_delivered;
        copy->moved_read = share->moved_read;
    }
    return copy;
}

void tt_hint_to(struct tt_core *core, const struct tt_place *place, const struct tt_hint *hint)
{
    if (tt_place_eq(place, &core->options.place)) {
        tt_hint_heard(core, hint);
        return;
    }
    struct tt_effect *effect = tt_emit(core, TT_EFFECT_HINT);
    effect->hint.to = *place;
    effect->hint.hint = hint;
    core->counters.hints_sent++;
}

/* What is known of a user when the phones are to ring. */
struct seen {
    bool is_known;
    size_t device_count; /* connected ones to which the message is news */
    bool may_be_open;    /* the conversation, on one of them */
};

static void ask_registry(struct tt_core *core, const struct tt_hint *hint, const tt_id *users,
                         size_t count, const struct tt_fanout_share *shares, bool none_rings)
{
    struct tt_registry_op *op = tt_about_users(core, TT_REGISTRY_LOOKUP, users, count);
    struct fanout *fanout = tt_arena_alloc(&op->arena, sizeof(*fanout));
    fanout->hint = *hint;
    fanout->none_rings = none_rings;
    fanout->hint.message.content = tt_arena_copy(&op->arena, hint->message.content);
    if (shares != NULL) {
        struct tt_fanout_share *copy = tt_arena_array(&op->arena, count, sizeof(*copy));
        memcpy(copy, shares, count * sizeof(*copy));
        fanout->shares = copy;
    }
    op->tag.context = fanout;
    tt_emit_registry(core, op, TT_FOR_FANOUT, TT_HANDLE_NONE);
}

static bool is_repeated(const struct tt_registered_device *devices, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (tt_place_eq(&devices[i].place, &devices[at].place))
            return true;
    return false;
}

static void tell_elsewhere(struct tt_core *core, const struct tt_hint *hint,
                           const struct tt_whereabouts *found)
{
    for (size_t i = 0; i < found->device_count; i++)
        if (!tt_place_eq(&found->devices[i].place, &core->options.place) &&
            !is_repeated(found->devices, i))
            tt_hint_to(core, &found->devices[i].place, hint);
}

static bool is_about_a_message(const struct tt_hint *hint)
{
    return hint->kind == TT_HINT_MESSAGE || hint->kind == TT_HINT_NUDGE;
}

static bool has_open(const struct tt_session *session, const tt_id *conversation)
{
    return session->busy->open != NULL && tt_id_eq(&session->busy->open->is.id, conversation);
}

static bool is_open_here(struct tt_core *core, const tt_id *user, const tt_id *conversation)
{
    const struct tt_user_here *here = tt_user_find(core, user);
    const struct tt_session *session = here == NULL ? NULL : here->sessions;
    for (; session != NULL; session = session->next_of_user)
        if (has_open(session, conversation))
            return true;
    return false;
}

/* Who has the chat open watches the sender, so a node that does not watch him has it open on no
 * device. A node that does may have another chat with him open: then a phone rings a bit late. */
static bool may_be_open(struct tt_core *core, const struct tt_hint *hint, const tt_id *user,
                        const struct tt_whereabouts *found, const struct tt_whereabouts *sender)
{
    for (size_t i = 0; i < found->device_count; i++) {
        const struct tt_place *place = &found->devices[i].place;
        if (tt_place_eq(place, &core->options.place)) {
            if (is_open_here(core, user, &hint->conversation))
                return true;
            continue;
        }
        if (sender == NULL)
            return true;
        for (size_t j = 0; j < sender->watcher_count; j++)
            if (tt_place_eq(place, &sender->watchers[j]))
                return true;
    }
    return false;
}

/* Whether the message is news to the device: not to the one that sent it, but what came over HTTP
 * is news to its socket. */
static bool is_news_to(const struct tt_hint *hint, const tt_id *user, const tt_id *device)
{
    return hint->over_http || !tt_id_eq(user, &hint->message.sender) ||
           !tt_id_eq(device, &hint->message.sender_device);
}

/* The phone rings for the others; of the sender's own devices only a lost hint is made good. */
static void arm(struct tt_core *core, const struct tt_hint *hint, const tt_id *user,
                const struct seen *seen, bool none_rings)
{
    bool is_sender = tt_id_eq(user, &hint->message.sender);
    if (is_sender && seen->is_known && seen->device_count == 0)
        return;
    if (!is_sender && hint->kind == TT_HINT_NUDGE) { /* sent again: it may have rung long ago */
        tt_push_arm_late(core, &hint->conversation, user, hint->message.seq);
        return;
    }
    /* The store hears last that a socket is gone: what it says of somebody without any is old. */
    none_rings = none_rings && seen->is_known && seen->device_count > 0;
    bool at_once = !is_sender && !none_rings && seen->is_known && !seen->may_be_open;
    tt_push_arm(core, &hint->conversation, user, hint->message.seq, !is_sender, at_once);
}

/* What the registry would say, where all who are connected are connected here. */
static struct seen seen_here(struct tt_core *core, const struct tt_hint *hint, const tt_id *user)
{
    const struct tt_user_here *here = tt_user_find(core, user);
    const struct tt_session *session = here == NULL ? NULL : here->sessions;
    struct seen seen = {.is_known = true};
    for (; session != NULL; session = session->next_of_user) {
        const tt_id device = tt_session_device(session);
        seen.device_count +=
            session->state == TT_SESSION_LIVE && is_news_to(hint, user, &device) ? 1 : 0;
        seen.may_be_open = seen.may_be_open || has_open(session, &hint->conversation);
    }
    return seen;
}

static void arm_here(struct tt_core *core, const struct tt_hint *hint, const tt_id *users,
                     size_t count, bool none_rings)
{
    for (size_t i = 0; i < count; i++) {
        struct seen seen = seen_here(core, hint, &users[i]);
        arm(core, hint, &users[i], &seen, none_rings);
    }
}

static void spread(struct tt_core *core, const struct tt_hint *hint, const tt_id *users,
                   size_t count, const struct tt_fanout_share *shares, bool none_rings)
{
    for (size_t i = 0; i < count; i++)
        if (tt_user_find(core, &users[i]) != NULL)
            tt_hint_heard(core, hint_for(core, hint, &users[i], shares ? &shares[i] : NULL));
    if (!core->options.is_only_node)
        ask_registry(core, hint, users, count, shares, none_rings);
    else if (is_about_a_message(hint))
        arm_here(core, hint, users, count, none_rings);
}

void tt_fanout(struct tt_core *core, const struct tt_hint *hint, const tt_id *users, size_t count,
               const struct tt_fanout_share *shares)
{
    spread(core, hint, users, count, shares, false);
}

void tt_fanout_message(struct tt_core *core, const struct tt_hint *hint,
                       const struct tt_conversation *to, bool none_rings)
{
    spread(core, hint, to->members, to->member_count, NULL, none_rings);
}

static const struct tt_whereabouts *found_of(const struct tt_registry_op *op, const tt_id *user)
{
    for (size_t i = 0; i < op->about.user_count && tt_is_ok(op->err); i++)
        if (tt_id_eq(&op->about.users[i], user))
            return &op->about.found[i];
    return NULL;
}

/* What the registry says; NULL: it did not answer. */
static struct seen seen_anywhere(struct tt_core *core, const struct tt_hint *hint,
                                 const tt_id *user, const struct tt_whereabouts *found,
                                 const struct tt_whereabouts *sender)
{
    struct seen seen = {.is_known = found != NULL};
    if (found == NULL)
        return seen;
    for (size_t i = 0; i < found->device_count; i++)
        seen.device_count += is_news_to(hint, user, &found->devices[i].device) ? 1 : 0;
    seen.may_be_open = may_be_open(core, hint, user, found, sender);
    return seen;
}

/* Nothing else would ever close the socket of an unlinked device, nor hide soon who hides. That a
 * choice is told late does no harm: whoever hears of one reads what holds now. */
static bool must_be_told(const struct tt_core *core, const struct tt_hint *hint)
{
    return hint->kind == TT_HINT_CUT || (hint->kind == TT_HINT_SETTINGS && !tt_retry_is_full(core));
}

void tt_fanout_found(struct tt_core *core, struct tt_registry_op *op)
{
    const struct fanout *fanout = op->tag.context;
    bool is_found = tt_is_ok(op->err);
    if (!is_found && must_be_told(core, &fanout->hint)) {
        TT_ASSERT(core->spent_registry == op);
        core->spent_registry = op->next;
        tt_retry_registry(core, op);
        return;
    }
    const struct tt_whereabouts *sender = found_of(op, &fanout->hint.message.sender);
    for (size_t i = 0; i < op->about.user_count; i++) {
        const tt_id *user = &op->about.users[i];
        const struct tt_whereabouts *found = is_found ? &op->about.found[i] : NULL;
        if (found != NULL && found->device_count > 0)
            tell_elsewhere(
                core,
                hint_for(core, &fanout->hint, user, fanout->shares ? &fanout->shares[i] : NULL),
                found);
        if (found != NULL && fanout->hint.kind == TT_HINT_CUT)
            tt_cut_entries(core, found, &fanout->hint.device);
        if (!is_about_a_message(&fanout->hint))
            continue;
        struct seen seen = seen_anywhere(core, &fanout->hint, user, found, sender);
        arm(core, &fanout->hint, user, &seen, fanout->none_rings);
    }
}

static void message_heard(struct tt_core *core, struct tt_session *session,
                          const struct tt_hint *hint)
{
    if (TT_IS_PLANTED(OWN_LEFT_OUT) && tt_session_is_user(session, &hint->message.sender))
        return;
    struct tt_stream *stream = tt_stream_of(core, session, &hint->conversation);
    if (hint->over_http && session->evictions == 0 &&
        tt_session_is_user(session, &hint->message.sender) &&
        tt_session_is_device(session, &hint->message.sender_device))
        tt_stream_echo(stream, hint->message.seq);
    tt_stream_message(core, session, stream, &hint->message);
}

static void nudge_heard(struct tt_core *core, struct tt_session *session,
                        const struct tt_hint *hint)
{
    struct tt_stream *stream = tt_stream_of(core, session, &hint->conversation);
    bool forgets = session->evictions > 0;                 /* what it was told before */
    bool is_repair = tt_id_is_none(&hint->message.sender); /* else it was sent again */
    if (is_repair && session->caught_up && stream->positioned &&
        stream->known_head.n < hint->message.seq.n && stream->next.n <= hint->message.seq.n &&
        !forgets)
        core->counters.repairs_push_timer++;
    tt_stream_heard_of(core, session, stream, hint->message.seq);
}

/* A late hint goes not back: what is told is what is known, and asked for where nothing is. */
static void read_sync_heard(struct tt_core *core, struct tt_session *session,
                            const struct tt_hint *hint)
{
    struct tt_stream *stream = tt_stream_of(core, session, &hint->conversation);
    stream->my_read = tt_seq_max(stream->my_read, hint->cursor.read);
    if (stream->positioned) {
        tt_stream_read_sync(core, session, stream);
        return;
    }
    stream->owes_read_sync = true;
    tt_stream_need_position(core, session, stream);
}

static void kick_heard(struct tt_core *core, struct tt_session *session, const struct tt_hint *hint)
{
    bool is_older = session->epoch < hint->version || TT_IS_PLANTED(KICK_ANY);
    if (!tt_session_is_device(session, &hint->device))
        return;
    if (is_older)
        tt_session_close(core, session, TT_CLOSE_REPLACED);
    else if (session->epoch == hint->version)
        tt_session_reassert(core, session);
}

static void each_of_user(struct tt_core *core, const struct tt_hint *hint,
                         void (*call)(struct tt_core *, struct tt_session *,
                                      const struct tt_hint *))
{
    struct tt_user_here *user = tt_user_find(core, &hint->user);
    struct tt_session *session = user == NULL ? NULL : user->sessions;
    while (session != NULL) {
        struct tt_session *next = session->next_of_user;
        if (session->state == TT_SESSION_LIVE)
            call(core, session, hint);
        session = next;
    }
}

static void settings_heard(struct tt_core *core, const struct tt_hint *hint)
{
    struct tt_user_here *user = tt_user_find(core, &hint->user);
    if (user == NULL)
        return;
    if (hint->hidden)
        tt_presence_own(core, user, false, tt_mono_after(core->now.mono, 1));
    tt_presence_look_up(core, &hint->user, 1);
}

void tt_hint_heard(struct tt_core *core, const struct tt_hint *hint)
{
    switch (hint->kind) {
    case TT_HINT_MESSAGE:
        each_of_user(core, hint, message_heard);
        return;
    case TT_HINT_NUDGE:
        each_of_user(core, hint, nudge_heard);
        return;
    case TT_HINT_STATUS:
        tt_push_acked(core, &hint->conversation, &hint->about, hint->message.seq);
        each_of_user(core, hint, tt_status_show);
        return;
    case TT_HINT_READ_SYNC:
        each_of_user(core, hint, read_sync_heard);
        return;
    case TT_HINT_ADDED:
        if (tt_user_find(core, &hint->user) != NULL)
            tt_added_start(core, &hint->user, &hint->conversation);
        return;
    case TT_HINT_SETTINGS:
        settings_heard(core, hint);
        return;
    case TT_HINT_PRESENCE:
        tt_presence_heard(core, hint);
        return;
    case TT_HINT_TYPING:
        tt_presence_typing_heard(core, hint);
        return;
    case TT_HINT_KICK:
        each_of_user(core, hint, kick_heard);
        return;
    case TT_HINT_CUT:
        tt_cut_sockets(core, &hint->user, &hint->device);
        return;
    case TT_HINT_HANDED:
        tt_open_handed(core, hint);
        return;
    case TT_HINT_HANDED_OK:
        tt_open_handed_ok(core, hint);
        return;
    case TT_HINT_MARK:
        tt_open_marked(core, hint);
        return;
    }
}
