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
    op->advance.user = tt_session_user(session);
    op->advance.device = tt_session_device(session);
    op->advance.linked_at = session->linked_at;
    op->advance.to = stream->wanted;
    op->advance.at = core->now.wall;
    op->advance.wants_members = stream->ack_unsure;
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
    for (struct tt_stream *stream = tt_map_next(&session->busy->streams, &at); stream != NULL;
         stream = tt_map_next(&session->busy->streams, &at)) {
        if (!stream->positioned)
            tt_stream_need_position(core, session, stream);
        else if (stream->ack_unsure)
            advance(core, session, stream);
    }
}

/* The two least of one cursor of all members: whoever has the least sees the second as the least
 * of the others, and everybody else sees the least. */
struct least {
    tt_seq first;
    tt_seq second;
    size_t of_first;
};

#define NO_LEAST ((struct least){TT_SEQ(UINT64_MAX), TT_SEQ(UINT64_MAX), SIZE_MAX})

static void lower(struct least *least, tt_seq seq, size_t index)
{
    if (seq.n < least->first.n) {
        least->second = least->first;
        least->first = seq;
        least->of_first = index;
    } else
        least->second = tt_seq_min(least->second, seq);
}

static tt_seq least_besides(const struct least *least, size_t index)
{
    return index == least->of_first ? least->second : least->first;
}

/* What each of the others was shown of everybody else before this ack, and is to be shown now. */
struct moved {
    struct least delivered_before;
    struct least delivered_after;
    struct least read_before;
    struct least read_after;
};

static struct moved what_moved(const struct tt_advance *done, bool unsure)
{
    struct moved moved = {NO_LEAST, NO_LEAST, NO_LEAST, NO_LEAST};
    struct tt_cursor earlier = unsure ? (struct tt_cursor){{0}, {0}} : done->before;
    for (size_t i = 0; i < done->member_count; i++) {
        const struct tt_member_cursor *member = &done->members[i];
        bool is_own = tt_id_eq(&member->user, &done->user);
        const struct tt_cursor *before = is_own ? &earlier : &member->cursor;
        lower(&moved.delivered_before, before->delivered, i);
        lower(&moved.read_before, before->read, i);
        lower(&moved.delivered_after, member->cursor.delivered, i);
        lower(&moved.read_after, member->cursor.read, i);
    }
    return moved;
}

static bool share_of(const struct moved *moved, size_t index, struct tt_fanout_share *share)
{
    struct tt_cursor before = {least_besides(&moved->delivered_before, index),
                               least_besides(&moved->read_before, index)};
    struct tt_cursor after = {least_besides(&moved->delivered_after, index),
                              least_besides(&moved->read_after, index)};
    *share = (struct tt_fanout_share){after, after.delivered.n > before.delivered.n,
                                      after.read.n > before.read.n};
    return share->moved_delivered || share->moved_read;
}

static bool is_same(const struct least *a, const struct least *b)
{
    return a->first.n == b->first.n && a->second.n == b->second.n && a->of_first == b->of_first;
}

/* In a large group most acks are shown to nobody: somebody else has less. */
static bool moves_nobody(const struct moved *moved)
{
    return is_same(&moved->delivered_before, &moved->delivered_after) &&
           is_same(&moved->read_before, &moved->read_after);
}

static void tell_others(struct tt_core *core, const struct tt_advance *done, bool unsure)
{
    struct moved moved = what_moved(done, unsure);
    if (moves_nobody(&moved))
        return;
    struct tt_hint *hint = tt_arena_alloc(&core->arena, sizeof(*hint));
    hint->kind = TT_HINT_STATUS;
    hint->conversation = done->conversation;
    hint->about = done->user;
    hint->message.seq = done->settled ? done->head : TT_SEQ(0);

    tt_id *users = tt_arena_array(&core->arena, done->member_count, sizeof(*users));
    struct tt_fanout_share *shares =
        tt_arena_array(&core->arena, done->member_count, sizeof(*shares));
    size_t count = 0;
    for (size_t i = 0; i < done->member_count; i++) {
        const tt_id *user = &done->members[i].user;
        if (tt_id_eq(user, &done->user) || !share_of(&moved, i, &shares[count]))
            continue;
        users[count++] = *user;
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
        stream->ack_unsure =
            !TT_IS_PLANTED(ACK_LEFT) && !(TT_IS_PLANTED(ACK_LEFT_LATER) && stream->ack_unsure);
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
