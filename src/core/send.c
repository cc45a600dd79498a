/*
 * Sending: membership from the cache, then the store, which gives the seq and answers only when the
 * message is on stable storage; then `sent`, and only then is anybody else told. An append of
 * unknown outcome is never reported as failed for good: `unavailable`, and the timers look whether
 * there is something to hand out after all.
 */
#include "core/state.h"

#include "base/limits.h"

static struct tt_store_op *append_op(struct tt_core *core, const struct tt_task *task,
                                     struct tt_slice content)
{
    struct tt_store_op *op = tt_store_op_create(TT_STORE_APPEND);
    op->append.conversation = task->conversation;
    op->append.message.sender = task->user;
    op->append.message.sender_device = task->device;
    op->append.message.client_id = task->request.send.client_id;
    op->append.message.timestamp = core->now.wall;
    op->append.message.content = tt_arena_copy(&op->arena, content);
    return op;
}

static void start(struct tt_core *core, struct tt_task *task)
{
    if (tt_conv_need(core, task) != NULL)
        tt_task_resume(core, task);
}

static void wait_for_turn(struct tt_stream *stream, struct tt_task *task)
{
    struct tt_task **link = &stream->sends_waiting;
    while (*link != NULL)
        link = &(*link)->next;
    *link = task;
}

void tt_send_from_session(struct tt_core *core, struct tt_session *session,
                          const struct tt_client_frame *frame)
{
    struct tt_stream *stream = tt_stream_of(core, session, &frame->conversation);
    if (session->busy->send_count >= TT_LIMIT_SENDS_QUEUED ||
        stream->sent_ahead_count >= TT_LIMIT_SENT_AHEAD) {
        tt_emit_error(core, session, TT_FAIL(RATE_LIMITED), &frame->conversation,
                      &frame->client_id);
        return;
    }
    struct tt_task *task = tt_task_create(core, TT_TASK_SEND, session->handle);
    task->user = tt_session_user(session);
    task->device = tt_session_device(session);
    task->conversation = frame->conversation;
    task->request.send.client_id = frame->client_id;
    task->store[0] = append_op(core, task, frame->content);
    task->next_send = session->busy->sends_first;
    session->own_busy->sends_first = task;
    session->own_busy->send_count++;

    if (!core->options.store_keeps_order && stream->appends_under_way > 0) {
        wait_for_turn(stream, task);
        return;
    }
    stream->appends_under_way++;
    start(core, task);
}

void tt_send_from_request(struct tt_core *core, struct tt_task *task)
{
    task->kind = TT_TASK_SEND;
    task->store[0] = append_op(core, task, task->request.send.content);
    start(core, task);
}

void tt_send_ready(struct tt_core *core, struct tt_task *task)
{
    if (tt_is_ok(task->err)) {
        tt_task_ask_store(core, task, 0, task->store[0]);
        return;
    }
    task->store[0]->err = task->err;
    tt_send_done(core, task);
}

static void take_from_session(struct tt_session *session, struct tt_task *task)
{
    struct tt_task **link = &session->own_busy->sends_first;
    while (*link != task)
        link = &(*link)->next_send;
    *link = task->next_send;
    session->own_busy->send_count--;
}

static void next_turn(struct tt_core *core, struct tt_stream *stream)
{
    struct tt_task *next = stream->sends_waiting;
    stream->sends_waiting = next->next;
    next->next = NULL;
    stream->appends_under_way++;
    start(core, next);
}

/* The device stands nowhere: it has acked nothing yet, or it is not linked any more and the word of
 * that was lost. */
static bool may_be_unlinked(const struct tt_append *append)
{
    return !append->duplicate && append->device_delivered.n == 0;
}

static void tell_sender(struct tt_core *core, struct tt_task *task, struct tt_session *session)
{
    const struct tt_store_op *op = task->store[0];
    take_from_session(session, task);
    struct tt_stream *stream = tt_stream_find(session, &task->conversation);
    TT_ASSERT(stream != NULL && stream->appends_under_way > 0);
    if (tt_is_ok(op->err)) {
        struct tt_server_frame *frame = tt_emit_frame(core, session, TT_SERVER_SENT, 0);
        frame->conversation = task->conversation;
        frame->client_id = task->request.send.client_id;
        frame->message.seq = op->append.message.seq;
        frame->message.timestamp = op->append.message.timestamp;
        stream->my_read = tt_seq_max(stream->my_read, op->append.sender_cursor.read);
        tt_stream_position(core, session, stream, op->append.device_delivered);
        stream->cursor = tt_seq_max(stream->cursor, op->append.device_delivered);
        stream->ack_limit = tt_seq_max(stream->ack_limit, stream->cursor);
        tt_stream_sent(core, session, stream, op->append.message.seq);
    } else {
        tt_emit_error(core, session, op->err, &task->conversation, &task->request.send.client_id);
        stream->held_back = false;
        if (stream->positioned)
            tt_stream_heard_of(core, session, stream, stream->known_head);
    }
    stream->appends_under_way--;
    if (stream->sends_waiting != NULL)
        next_turn(core, stream);
    else if (tt_err_is(op->err, TT_ERR_NOT_FOUND) && !stream->positioned)
        tt_stream_release(core, session, stream);
    if (tt_is_ok(op->err) && may_be_unlinked(&op->append))
        tt_cut_session(core, session);
}

static void tell_everybody(struct tt_core *core, const struct tt_task *task)
{
    const struct tt_append *append = &task->store[0]->append;
    struct tt_hint *hint = tt_arena_alloc(&core->arena, sizeof(*hint));
    bool is_new = !append->duplicate || TT_IS_PLANTED(RESENT_AS_NEW);
    hint->kind = is_new ? TT_HINT_MESSAGE : TT_HINT_NUDGE;
    hint->conversation = task->conversation;
    hint->message = append->message;
    hint->over_http = task->over_http;
    tt_fanout_message(core, hint, &task->conv->is, append->none_rings && !append->duplicate);
}

static void look_later(struct tt_core *core, const struct tt_task *task)
{
    for (size_t i = 0; i < task->conv->is.member_count && !TT_IS_PLANTED(UNKNOWN_LEFT); i++) {
        const tt_id *user = &task->conv->is.members[i];
        tt_push_arm_unknown(core, &task->conversation, user, !tt_id_eq(user, &task->user));
    }
}

void tt_send_done(struct tt_core *core, struct tt_task *task)
{
    const struct tt_store_op *op = task->store[0];
    if (task->over_http) {
        struct tt_reply *reply = tt_reply(core, task, op->err);
        reply->created = !op->append.duplicate || TT_IS_PLANTED(CREATED_AGAIN);
        reply->sent.seq = op->append.message.seq;
        reply->sent.timestamp = op->append.message.timestamp;
    } else {
        struct tt_session *session = tt_session_find(core, task->owner);
        if (session != NULL && !task->session_is_gone)
            tell_sender(core, task, session);
    }

    if (tt_is_ok(op->err)) {
        core->counters.messages_stored += op->append.duplicate ? 0 : 1;
        core->counters.messages_duplicate += op->append.duplicate ? 1 : 0;
        tell_everybody(core, task);
    } else if (tt_err_is(op->err, TT_ERR_UNAVAILABLE) && task->conv != NULL) {
        look_later(core, task);
    }
    tt_task_destroy(core, task);
}

bool tt_send_is_under_way(const struct tt_session *session, const tt_id *conversation,
                          const tt_id *client_id)
{
    for (const struct tt_task *task = session->busy->sends_first; task != NULL;
         task = task->next_send)
        if (tt_id_eq(&task->conversation, conversation) &&
            tt_id_eq(&task->request.send.client_id, client_id))
            return true;
    return false;
}

/* The session ends: what has not been given to the store is dropped (its sender was told nothing),
 * what has been goes on without it. */
void tt_sends_orphan(struct tt_core *core, struct tt_session *session)
{
    size_t at = 0;
    for (struct tt_stream *stream = tt_map_next(&session->busy->streams, &at); stream != NULL;
         stream = tt_map_next(&session->busy->streams, &at)) {
        while (stream->sends_waiting != NULL) {
            struct tt_task *task = stream->sends_waiting;
            stream->sends_waiting = task->next;
            take_from_session(session, task);
            tt_task_destroy(core, task);
        }
    }
    for (struct tt_task *task = session->busy->sends_first; task != NULL; task = task->next_send)
        task->session_is_gone = true;
    if (session->busy->sends_first == NULL)
        return;
    session->own_busy->sends_first = NULL;
    session->own_busy->send_count = 0;
}
