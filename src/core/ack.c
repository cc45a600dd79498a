/*
 * Acks: refused beyond what this socket was handed without a gap, else stored, then shown. Acks
 * that come while one is being stored merge into the next one. Nobody is shown a cursor before it
 * is on stable storage.
 */
#include "core/state.h"

#include "base/memory.h"

static bool has_more(const struct tt_stream *stream)
{
    return stream->wanted.delivered.n > stream->cursor.n ||
           stream->wanted.read.n > stream->my_read.n;
}

static void advance(struct tt_core *core, struct tt_session *session, struct tt_stream *stream)
{
    if (stream->acking || !(has_more(stream) || stream->ack_unsure))
        return;
    stream->acking = true;
    struct tt_store_op *op = tt_store_op_create(TT_STORE_ADVANCE);
    op->advance.conversation = stream->conversation;
    op->advance.user = session->user->id;
    op->advance.device = session->device;
    op->advance.to = stream->wanted;
    op->advance.at = core->now.wall;
    if (stream->ack_unsure)
        op->tag.context = tt_arena_alloc(&op->arena, 1);
    tt_emit_store(core, op, TT_FOR_ACK, session->handle);
}

static void ack_positioned(struct tt_core *core, struct tt_session *session,
                           struct tt_stream *stream, bool is_read, tt_seq seq)
{
    if (seq.n > stream->ack_limit.n && !TT_IS_PLANTED(NO_ACK_LIMIT)) {
        core->counters.acks_ahead++;
        struct tt_server_frame *frame = tt_emit_frame(core, session, TT_SERVER_ERROR, 0);
        frame->error.err = TT_FAIL(ACK_AHEAD);
        frame->error.limit = stream->ack_limit;
        frame->conversation = stream->conversation;
        core->counters.errors_sent++;
        return;
    }
    stream->wanted.delivered = tt_seq_max(stream->wanted.delivered, seq);
    if (is_read)
        stream->wanted.read = tt_seq_max(stream->wanted.read, seq);
    advance(core, session, stream);
}

void tt_ack(struct tt_core *core, struct tt_session *session, const tt_id *conversation,
            bool is_read, tt_seq seq)
{
    core->counters.acks++;
    struct tt_stream *stream = tt_stream_of(core, session, conversation);
    if (stream->positioned) {
        ack_positioned(core, session, stream, is_read, seq);
        return;
    }
    if (stream->ack_waiting_count == TT_ACKS_WAITING_MAX) {
        tt_emit_error(core, session, TT_FAIL(RATE_LIMITED), conversation, NULL);
        return;
    }
    if (stream->ack_waiting_count == stream->ack_waiting_capacity) {
        stream->ack_waiting_capacity = stream->ack_waiting_capacity * 2 + 4;
        stream->acks_waiting = tt_grow(stream->acks_waiting, stream->ack_waiting_capacity,
                                       sizeof(stream->acks_waiting[0]));
    }
    stream->acks_waiting[stream->ack_waiting_count++] =
        (struct tt_ack_waiting){.is_read = is_read, .seq = seq};
    tt_stream_need_position(core, session, stream);
}

void tt_ack_waiting(struct tt_core *core, struct tt_session *session, struct tt_stream *stream)
{
    uint32_t count = stream->ack_waiting_count;
    stream->ack_waiting_count = 0;
    for (uint32_t i = 0; i < count; i++)
        ack_positioned(core, session, stream, stream->acks_waiting[i].is_read,
                       stream->acks_waiting[i].seq);
    tt_free(stream->acks_waiting);
    stream->acks_waiting = NULL;
    stream->ack_waiting_capacity = 0;
}

/* What an unanswered store left over: positions that were not read, acks of unknown outcome. */
void tt_ack_retry(struct tt_core *core, struct tt_session *session)
{
    size_t at = 0;
    for (struct tt_stream *stream = tt_map_next(&session->streams, &at); stream != NULL;
         stream = tt_map_next(&session->streams, &at)) {
        if (!stream->positioned)
            tt_stream_need_position(core, session, stream);
        else if (stream->ack_unsure)
            advance(core, session, stream);
    }
}

static void tell_others(struct tt_core *core, const struct tt_advance *done, bool unsure)
{
    struct tt_hint *hint = tt_arena_alloc(&core->arena, sizeof(*hint));
    hint->kind = TT_HINT_STATUS;
    hint->conversation = done->conversation;
    hint->about = done->user;
    hint->message.seq = done->settled ? done->head : TT_SEQ(0);

    tt_id *users = tt_arena_array(&core->arena, done->member_count, sizeof(*users));
    struct tt_fanout_share *shares =
        tt_arena_array(&core->arena, done->member_count, sizeof(*shares));
    struct tt_member_cursor *earlier =
        tt_arena_array(&core->arena, done->member_count, sizeof(*earlier));
    if (done->member_count > 0)
        memcpy(earlier, done->members, done->member_count * sizeof(*earlier));
    for (size_t i = 0; i < done->member_count; i++)
        if (tt_id_eq(&earlier[i].user, &done->user))
            earlier[i].cursor = unsure ? (struct tt_cursor){{0}, {0}} : done->before;

    size_t count = 0;
    for (size_t i = 0; i < done->member_count; i++) {
        const tt_id *user = &done->members[i].user;
        if (tt_id_eq(user, &done->user))
            continue;
        struct tt_cursor before = tt_others_min(earlier, done->member_count, user);
        struct tt_cursor after = tt_others_min(done->members, done->member_count, user);
        bool moved_delivered = after.delivered.n > before.delivered.n;
        bool moved_read = after.read.n > before.read.n;
        if (!moved_delivered && !moved_read)
            continue;
        users[count] = *user;
        shares[count++] = (struct tt_fanout_share){after, moved_delivered, moved_read};
    }
    if (count > 0)
        tt_fanout(core, hint, users, count, shares);
}

static void tell_own_devices(struct tt_core *core, const struct tt_advance *done)
{
    struct tt_hint *hint = tt_arena_alloc(&core->arena, sizeof(*hint));
    hint->kind = TT_HINT_READ_SYNC;
    hint->user = done->user;
    hint->conversation = done->conversation;
    hint->cursor.read = done->after.read;
    tt_fanout(core, hint, &done->user, 1, NULL);

    tt_clear_arm(core, &done->conversation, &done->user, &done->device, done->after.read);
}

static void note(struct tt_core *core, struct tt_session *session, const struct tt_store_op *op)
{
    const struct tt_advance *done = &op->advance;
    struct tt_stream *stream = tt_stream_find(session, &done->conversation);
    TT_ASSERT(stream != NULL && stream->acking);
    stream->acking = false;
    if (tt_err_who(op->err) == TT_ERR_CLIENT) {
        stream->ack_unsure = false;
        stream->wanted = (struct tt_cursor){stream->cursor, stream->my_read};
        tt_emit_error(core, session, op->err, &done->conversation, NULL);
        return;
    }
    if (!tt_is_ok(op->err)) {
        stream->ack_unsure = !TT_IS_PLANTED(ACK_LEFT);
        tt_session_retry_soon(core, session);
        return;
    }
    stream->ack_unsure = false;
    stream->cursor = tt_seq_max(stream->cursor, done->device_delivered);
    stream->my_read = tt_seq_max(stream->my_read, done->after.read);
    if (done->device_delivered.n < done->to.delivered.n) { /* the device is not linked any more */
        tt_session_close(core, session, TT_CLOSE_TOKEN_EXPIRED);
        return;
    }
    advance(core, session, stream);
}

void tt_ack_done(struct tt_core *core, struct tt_store_op *op)
{
    const struct tt_advance *done = &op->advance;
    bool unsure = op->tag.context != NULL;
    struct tt_session *session = tt_session_find(core, op->tag.owner);
    if (session != NULL)
        note(core, session, op);
    if (!tt_is_ok(op->err))
        return;
    if (done->settled)
        tt_push_acked(core, &done->conversation, &done->user, done->head);
    bool moved_delivered = done->after.delivered.n > done->before.delivered.n;
    bool moved_read = done->after.read.n > done->before.read.n;
    if (moved_delivered || moved_read)
        core->counters.acks_moved++;
    if (moved_delivered || moved_read || unsure)
        tell_others(core, done, unsure);
    if (moved_read || unsure)
        tell_own_devices(core, done);
}
