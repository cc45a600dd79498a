/*
 * What waits for a device when its socket opens: the user's pending rows, a page at a time, each
 * read from the device's own cursor on; then `caught_up`. The same again, without the frame, when
 * something may have been missed. A row only says where to look, so one that lags is harmless.
 */
#include "core/state.h"

#include "base/memory.h"

static void forget_place(struct tt_session *session)
{
    if (session->busy->list_after == NULL)
        return;
    tt_free(session->own_busy->list_after);
    session->own_busy->list_after = NULL;
}

static void list(struct tt_core *core, struct tt_session *session)
{
    session->listing = true;
    session->list_evictions = session->evictions;
    struct tt_store_op *op = tt_store_op_create(TT_STORE_LIST_PENDING);
    op->list_pending.user = tt_session_user(session);
    op->list_pending.device = tt_session_device(session);
    op->list_pending.linked_at = session->linked_at;
    if (session->busy->list_after != NULL)
        op->list_pending.after = *session->busy->list_after;
    op->list_pending.count_max = core->options.pending_count;
    tt_emit_store(core, op, TT_FOR_PENDING, session->handle);
}

void tt_replay_start(struct tt_core *core, struct tt_session *session)
{
    if (session->listing || session->list_more) {
        session->list_again = true;
        return;
    }
    session->list_again = false;
    forget_place(session);
    list(core, session);
}

/* Everything of the rows so far was handed out: on to the next rows, or done. */
void tt_replay_reached(struct tt_core *core, struct tt_session *session)
{
    if (session->busy->replaying > 0 || session->listing)
        return;
    if (session->list_more) {
        session->list_more = false;
        list(core, session);
        return;
    }
    if (!session->caught_up) {
        session->caught_up = true;
        (void)tt_emit_frame(core, session, TT_SERVER_CAUGHT_UP, 0);
    }
    if (session->list_again)
        tt_replay_start(core, session);
}

static void take_row(struct tt_core *core, struct tt_session *session,
                     const struct tt_pending_row *row)
{
    if (row->head.n <= row->device_delivered.n)
        return;
    struct tt_stream *stream = tt_stream_of(core, session, &row->conversation);
    if (stream->positioned && stream->next.n > row->head.n)
        return;
    if (stream->replay_to.n == 0)
        session->own_busy->replaying++;
    stream->replay_to = tt_seq_max(stream->replay_to, row->head);
    /* Of a stream that was dropped since, the row may say less than was handed out and acked. */
    bool is_fresh = session->evictions == session->list_evictions || TT_IS_PLANTED(OLD_POSITION);
    if (!stream->positioned && is_fresh)
        tt_stream_position(core, session, stream, row->device_delivered);
    tt_stream_heard_of(core, session, stream, row->head);
}

void tt_replay_pending_done(struct tt_core *core, struct tt_store_op *op)
{
    struct tt_session *session = tt_session_find(core, op->tag.owner);
    if (session == NULL)
        return;
    const struct tt_list_pending *pending = &op->list_pending;
    if (!tt_is_ok(op->err)) {
        session->listing = false;
        session->list_again = true;
        tt_session_retry_soon(core, session);
        return;
    }
    if (pending->unlinked) { /* before it was registered, so that nobody could cut it */
        tt_session_close(core, session, TT_CLOSE_TOKEN_EXPIRED);
        return;
    }
    /* `listing` stays set while rows are taken, so that none of them ends the replay. */
    for (size_t i = 0; i < pending->row_count; i++)
        take_row(core, session, &pending->rows[i]);
    session->listing = false;
    session->list_more = pending->more;
    forget_place(session);
    if (pending->more && pending->row_count > 0) {
        tt_id *after = tt_alloc(sizeof(*after));
        *after = pending->rows[pending->row_count - 1].conversation;
        tt_session_busy(core, session)->list_after = after;
    }
    tt_replay_reached(core, session);
}
