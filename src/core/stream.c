/*
 * One conversation on one socket. `next` is the only thing that decides what is handed out: a
 * message with exactly that seq goes out at once, a later one makes the stream read the range, an
 * earlier one is dropped. So a socket sees each seq at most once and in order, whatever the hints
 * do. The stream reads at the pace at which the socket drains: one page at a time.
 */
#include "core/state.h"

#include "base/limits.h"
#include "base/memory.h"

struct tt_stream *tt_stream_find(struct tt_session *session, const tt_id *conversation)
{
    return tt_map_get(&session->busy->streams, tt_id_slice(conversation));
}

static void unlink_by_use(struct tt_session *session, struct tt_stream *stream)
{
    *(stream->older != NULL ? &stream->older->newer : &session->own_busy->oldest) = stream->newer;
    *(stream->newer != NULL ? &stream->newer->older : &session->own_busy->newest) = stream->older;
    stream->older = NULL;
    stream->newer = NULL;
}

static void link_newest(struct tt_session *session, struct tt_stream *stream)
{
    stream->older = session->own_busy->newest;
    *(session->own_busy->newest != NULL ? &session->own_busy->newest->newer
                                        : &session->own_busy->oldest) = stream;
    session->own_busy->newest = stream;
}

static void free_stream(struct tt_stream *stream)
{
    tt_free(stream->sent_ahead);
    tt_free(stream->acks_waiting);
    tt_free(stream);
}

/* Nothing to hand out, nothing acked under way, nothing that the store does not know. */
static bool is_settled(const struct tt_stream *stream)
{
    return !stream->positioning && !stream->is_behind && !stream->reading && !stream->acking &&
           !stream->ack_unsure && stream->holds == 0 && stream->appends_under_way == 0 &&
           stream->sends_waiting == NULL && stream->ack_waiting_count == 0 &&
           stream->sent_ahead_count == 0 && stream->known_head.n < stream->next.n &&
           stream->cursor.n + 1 == stream->next.n && stream->ack_limit.n == stream->cursor.n &&
           stream->replay_to.n == 0 && stream->echo.n == 0;
}

/* Drops the streams that were not used for longest, of those that need not be remembered. Called
 * where nobody holds a stream. */
void tt_streams_trim(struct tt_core *core, struct tt_session *session)
{
    struct tt_stream *stream = session->busy->oldest;
    while (stream != NULL && session->busy->streams.count > core->options.streams_kept) {
        struct tt_stream *newer = stream->newer;
        bool is_open = session->busy->open != NULL &&
                       tt_id_eq(&session->busy->open->is.id, &stream->conversation);
        if (stream->positioned && is_settled(stream) && !is_open) {
            session->evictions++;
            unlink_by_use(session, stream);
            tt_map_remove(&session->own_busy->streams, tt_id_slice(&stream->conversation));
            free_stream(stream);
        }
        stream = newer;
    }
}

struct tt_stream *tt_stream_of(struct tt_core *core, struct tt_session *session,
                               const tt_id *conversation)
{
    struct tt_stream *stream = tt_stream_find(session, conversation);
    if (stream != NULL) {
        if (session->busy->newest != stream) {
            unlink_by_use(session, stream);
            link_newest(session, stream);
        }
        return stream;
    }
    if (session->busy->streams.count >= core->options.streams_kept)
        tt_streams_trim(core, session);
    stream = tt_alloc(sizeof(*stream));
    stream->conversation = *conversation;
    tt_map_add(&tt_session_busy(core, session)->streams, stream);
    link_newest(session, stream);
    return stream;
}

/* Drops a stream that turned out to be of no conversation of the user's. */
void tt_stream_release(struct tt_core *core, struct tt_session *session, struct tt_stream *stream)
{
    (void)core;
    if (stream->positioning || stream->is_behind || stream->reading || stream->acking ||
        stream->holds > 0 || stream->appends_under_way > 0 || stream->sends_waiting != NULL ||
        stream->replay_to.n > 0)
        return;
    unlink_by_use(session, stream);
    tt_map_remove(&session->own_busy->streams, tt_id_slice(&stream->conversation));
    free_stream(stream);
}

void tt_streams_deinit(struct tt_busy *busy)
{
    size_t at = 0;
    for (struct tt_stream *stream = tt_map_next(&busy->streams, &at); stream != NULL;
         stream = tt_map_next(&busy->streams, &at))
        free_stream(stream);
    tt_map_deinit(&busy->streams);
}

/* A snapshot of the conversation is asked for. What the socket is shown before it is answered must
 * still be known then, for the answer may be older. */
void tt_stream_hold(struct tt_core *core, struct tt_session *session, struct tt_task *task)
{
    tt_stream_of(core, session, &task->conversation)->holds++;
    task->holds_stream = true;
}

void tt_stream_let_go(struct tt_core *core, struct tt_session *session, struct tt_task *task,
                      tt_err answer)
{
    if (session == NULL || !task->holds_stream)
        return;
    struct tt_stream *stream = tt_stream_find(session, &task->conversation);
    TT_ASSERT(stream != NULL && stream->holds > 0);
    stream->holds--;
    /* What a store that is away did not answer may yet be asked for: acks wait in there. */
    if (tt_err_who(answer) == TT_ERR_CLIENT && !stream->positioned)
        tt_stream_release(core, session, stream);
}

static void queue_behind(struct tt_session *session, struct tt_stream *stream)
{
    if (stream->is_behind || stream->reading || stream->held_back)
        return;
    stream->is_behind = true;
    stream->next_behind = NULL;
    struct tt_busy *busy = session->own_busy;
    *(busy->behind_last != NULL ? &busy->behind_last->next_behind : &busy->behind_first) = stream;
    busy->behind_last = stream;
}

static void check_behind(struct tt_session *session, struct tt_stream *stream)
{
    if (stream->positioned && stream->known_head.n >= stream->next.n)
        queue_behind(session, stream);
}

/* Own messages that were answered with `sent` count as handed out where their turn comes. */
static void pass_sent_ahead(struct tt_stream *stream)
{
    uint32_t passed = 0;
    while (passed < stream->sent_ahead_count && stream->sent_ahead[passed] <= stream->next.n) {
        if (stream->sent_ahead[passed] == stream->next.n)
            stream->next = tt_seq_next(stream->next);
        passed++;
    }
    if (passed == 0)
        return;
    stream->sent_ahead_count -= passed;
    memmove(stream->sent_ahead, stream->sent_ahead + passed,
            stream->sent_ahead_count * sizeof(stream->sent_ahead[0]));
}

/* `next` has moved: what follows from it. */
static void moved_on(struct tt_core *core, struct tt_session *session, struct tt_stream *stream)
{
    pass_sent_ahead(stream);
    if (stream->ack_limit.n + 1 < stream->next.n)
        stream->ack_limit = TT_SEQ(stream->next.n - 1);
    if (stream->replay_to.n > 0 && stream->next.n > stream->replay_to.n) {
        stream->replay_to = TT_SEQ(0);
        session->own_busy->replaying--;
        tt_replay_reached(core, session);
    }
}

void tt_stream_read_sync(struct tt_core *core, struct tt_session *session, struct tt_stream *stream)
{
    stream->owes_read_sync = false;
    struct tt_server_frame *frame = tt_emit_frame(core, session, TT_SERVER_READ_SYNC, 0);
    frame->conversation = stream->conversation;
    frame->status.read = stream->my_read;
}

void tt_stream_position(struct tt_core *core, struct tt_session *session, struct tt_stream *stream,
                        tt_seq device_delivered)
{
    if (stream->positioned)
        return;
    stream->positioned = true;
    stream->cursor = device_delivered;
    stream->next = tt_seq_next(device_delivered);
    if (stream->echo.n > 0)
        stream->next = tt_seq_min(stream->next, stream->echo);
    stream->ack_limit = device_delivered;
    if (stream->http_to.n > 0)
        tt_stream_handed_over_http(stream, stream->http_from, stream->http_to);
    if (stream->owes_read_sync)
        tt_stream_read_sync(core, session, stream);
    moved_on(core, session, stream);
    check_behind(session, stream);
    tt_ack_waiting(core, session, stream);
}

void tt_stream_need_position(struct tt_core *core, struct tt_session *session,
                             struct tt_stream *stream)
{
    if (stream->positioned || stream->positioning)
        return;
    stream->positioning = true;
    struct tt_store_op *op = tt_store_op_create(TT_STORE_POSITIONS);
    op->positions.conversation = stream->conversation;
    op->positions.user = tt_session_user(session);
    tt_emit_store(core, op, TT_FOR_POSITION, session->handle);
}

const struct tt_device_position *tt_position_of(const struct tt_positions *positions,
                                                const tt_id *device)
{
    for (size_t i = 0; i < positions->device_count; i++)
        if (tt_id_eq(&positions->devices[i].device, device))
            return &positions->devices[i];
    return NULL;
}

static bool is_of_session(const struct tt_device_position *position,
                          const struct tt_session *session)
{
    return position->linked_at.ms == 0 || session->linked_at.ms == 0 ||
           position->linked_at.ms == session->linked_at.ms;
}

void tt_stream_positions_done(struct tt_core *core, struct tt_store_op *op)
{
    struct tt_session *session = tt_session_find(core, op->tag.owner);
    if (session == NULL)
        return;
    const struct tt_positions *positions = &op->positions;
    struct tt_stream *stream = tt_stream_find(session, &positions->conversation);
    if (stream == NULL || !stream->positioning)
        return;
    stream->positioning = false;
    if (tt_err_who(op->err) == TT_ERR_CLIENT) {
        for (uint32_t i = 0; i < stream->ack_waiting_count; i++)
            tt_emit_error(core, session, op->err, &stream->conversation, NULL);
        stream->ack_waiting_count = 0;
        tt_stream_release(core, session, stream);
        return;
    }
    if (!tt_is_ok(op->err)) {
        tt_session_retry_soon(core, session);
        return;
    }
    const tt_id device = tt_session_device(session);
    const struct tt_device_position *position = tt_position_of(positions, &device);
    if (position == NULL || !is_of_session(position, session)) { /* unlinked, or linked anew */
        tt_session_close(core, session, TT_CLOSE_TOKEN_EXPIRED);
        return;
    }
    stream->known_head = tt_seq_max(stream->known_head, positions->head);
    stream->my_read = tt_seq_max(stream->my_read, positions->cursor.read);
    tt_stream_position(core, session, stream, position->delivered);
    tt_streams_pump(core, session);
}

/* What the device itself sent over HTTP goes to its socket too, though its position may have been
 * carried over it. The stream is kept from then on, so that a second hint finds it handed out. */
void tt_stream_echo(struct tt_stream *stream, tt_seq seq)
{
    if (stream->echo.n == 0 || (!stream->positioned && seq.n < stream->echo.n))
        stream->echo = seq;
}

static void hand_out(struct tt_core *core, struct tt_session *session, struct tt_stream *stream,
                     const struct tt_message *message)
{
    TT_ASSERT(message->seq.n == stream->next.n);
    struct tt_server_frame *frame =
        tt_emit_frame(core, session, TT_SERVER_MESSAGE, message->content.size);
    frame->conversation = stream->conversation;
    frame->message = *message;
    frame->message.content = tt_arena_copy(&core->arena, message->content);
    if (!tt_session_is_user(session, &message->sender))
        frame->message.client_id = (tt_id){0};
    if (tt_session_is_user(session, &message->sender) &&
        tt_session_is_device(session, &message->sender_device))
        tt_stream_echo(stream, message->seq);
    core->counters.messages_handed_out++;
    stream->next = tt_seq_next(stream->next);
    moved_on(core, session, stream);
    if (TT_IS_PLANTED(DELIVERED_ON_WRITE))
        tt_ack(core, session, &stream->conversation, false, message->seq);
}

/* One of this socket's own messages whose append is not answered yet: `sent` or an error decides
 * how it is told. */
static bool must_wait(const struct tt_session *session, const struct tt_stream *stream,
                      const struct tt_message *message)
{
    return session->busy->send_count > 0 && tt_session_is_user(session, &message->sender) &&
           tt_session_is_device(session, &message->sender_device) &&
           tt_send_is_under_way(session, &stream->conversation, &message->client_id);
}

void tt_stream_message(struct tt_core *core, struct tt_session *session, struct tt_stream *stream,
                       const struct tt_message *message)
{
    stream->known_head = tt_seq_max(stream->known_head, message->seq);
    if (!stream->positioned) {
        tt_stream_need_position(core, session, stream);
        return;
    }
    if (message->seq.n < stream->next.n) {
        core->counters.hints_stale++;
        return;
    }
    if (TT_IS_PLANTED(STREAM_JUMPS) && !stream->reading && !stream->is_behind)
        stream->next = message->seq;
    bool is_its_turn = message->seq.n == stream->next.n && !stream->is_behind && !stream->reading &&
                       !stream->held_back && !session->busy->draining;
    if (is_its_turn && !must_wait(session, stream, message)) {
        hand_out(core, session, stream, message);
        return;
    }
    if (message->seq.n > stream->next.n)
        core->counters.gaps_filled++;
    check_behind(session, stream);
    tt_streams_pump(core, session);
}

void tt_stream_heard_of(struct tt_core *core, struct tt_session *session, struct tt_stream *stream,
                        tt_seq head)
{
    stream->known_head = tt_seq_max(stream->known_head, head);
    if (!stream->positioned) {
        tt_stream_need_position(core, session, stream);
        return;
    }
    check_behind(session, stream);
    tt_streams_pump(core, session);
}

static void insert_sent_ahead(struct tt_stream *stream, tt_seq seq)
{
    uint32_t at = stream->sent_ahead_count;
    while (at > 0 && stream->sent_ahead[at - 1] > seq.n)
        at--;
    if (at > 0 && stream->sent_ahead[at - 1] == seq.n)
        return;
    stream->sent_ahead =
        tt_grow(stream->sent_ahead, stream->sent_ahead_count + 1, sizeof(stream->sent_ahead[0]));
    memmove(stream->sent_ahead + at + 1, stream->sent_ahead + at,
            (stream->sent_ahead_count - at) * sizeof(stream->sent_ahead[0]));
    stream->sent_ahead[at] = seq.n;
    stream->sent_ahead_count++;
}

void tt_stream_sent(struct tt_core *core, struct tt_session *session, struct tt_stream *stream,
                    tt_seq seq)
{
    TT_ASSERT(stream->positioned);
    if (seq.n >= stream->next.n && !TT_IS_PLANTED(SENT_AHEAD)) {
        insert_sent_ahead(stream, seq);
        stream->known_head = tt_seq_max(stream->known_head, seq);
        moved_on(core, session, stream);
    }
    stream->held_back = false;
    check_behind(session, stream);
    tt_streams_pump(core, session);
}

void tt_stream_handed_over_http(struct tt_stream *stream, tt_seq from, tt_seq to)
{
    if (!stream->positioned) {
        stream->http_from = from;
        stream->http_to = to;
        return;
    }
    if (from.n <= stream->ack_limit.n + 1)
        stream->ack_limit = tt_seq_max(stream->ack_limit, to);
}

static struct tt_stream *take_behind(struct tt_session *session)
{
    while (session->busy->behind_first != NULL) {
        struct tt_stream *stream = session->busy->behind_first;
        session->own_busy->behind_first = stream->next_behind;
        if (session->busy->behind_first == NULL)
            session->own_busy->behind_last = NULL;
        stream->next_behind = NULL;
        stream->is_behind = false;
        if (stream->known_head.n >= stream->next.n && !stream->held_back)
            return stream;
    }
    return NULL;
}

void tt_streams_pump(struct tt_core *core, struct tt_session *session)
{
    if (session->busy->reading || session->busy->draining || session->busy->stalled)
        return;
    struct tt_stream *stream = take_behind(session);
    if (stream == NULL)
        return;
    session->own_busy->reading = true;
    stream->reading = true;
    core->counters.replay_pages++;
    struct tt_store_op *op = tt_store_op_create(TT_STORE_READ_MESSAGES);
    op->read_messages.conversation = stream->conversation;
    op->read_messages.from = stream->next;
    op->read_messages.count_max = core->options.replay_count;
    op->read_messages.bytes_max = core->options.replay_bytes;
    tt_emit_store(core, op, TT_FOR_READ, session->handle);
}

static void hand_out_page(struct tt_core *core, struct tt_session *session,
                          struct tt_stream *stream, const struct tt_read_messages *page)
{
    for (size_t i = 0; i < page->message_count; i++) {
        const struct tt_message *message = &page->messages[i];
        if (message->seq.n < stream->next.n)
            continue;
        if (must_wait(session, stream, message)) {
            stream->held_back = true;
            return;
        }
        hand_out(core, session, stream, message);
    }
}

void tt_stream_read_done(struct tt_core *core, struct tt_store_op *op)
{
    struct tt_session *session = tt_session_find(core, op->tag.owner);
    if (session == NULL)
        return;
    const struct tt_read_messages *page = &op->read_messages;
    struct tt_stream *stream = tt_stream_find(session, &page->conversation);
    TT_ASSERT(stream != NULL && stream->reading && session->busy->reading);
    stream->reading = false;
    session->own_busy->reading = false;
    if (!tt_is_ok(op->err)) {
        queue_behind(session, stream);
        session->own_busy->stalled = true;
        tt_session_retry_soon(core, session);
        return;
    }
    hand_out_page(core, session, stream, page);
    stream->known_head = tt_seq_max(stream->known_head, page->head);
    check_behind(session, stream);
    if (page->message_count > 0 && session->busy->behind_first != NULL)
        tt_want_drain(core, session);
    tt_streams_pump(core, session);
}

/* What was sent since it was asked may still wait, and goes on counting. */
void tt_streams_drained(struct tt_core *core, struct tt_session *session)
{
    if (!session->busy->draining)
        return;
    session->own_busy->draining = false;
    session->undrained = session->busy->since_asked;
    if (session->undrained > core->options.undrained_bytes_max) {
        tt_want_drain(core, session);
        session->own_busy->too_slow_at = core->options.slow_bytes_max;
    }
    tt_streams_pump(core, session);
}
