/*
 * What a socket is told of the others' cursors. Hints may be late or doubled, so each stream keeps
 * what was shown, and nothing smaller is ever shown on it.
 */
#include "core/state.h"

struct tt_cursor tt_others_min(const struct tt_member_cursor *members, size_t count,
                               const tt_id *except)
{
    struct tt_cursor min = {TT_SEQ(UINT64_MAX), TT_SEQ(UINT64_MAX)};
    bool any = false;
    for (size_t i = 0; i < count; i++) {
        if (tt_id_eq(&members[i].user, except))
            continue;
        any = true;
        min.delivered = tt_seq_min(min.delivered, members[i].cursor.delivered);
        min.read = tt_seq_min(min.read, members[i].cursor.read);
    }
    return any ? min : (struct tt_cursor){TT_SEQ(0), TT_SEQ(0)};
}

static void show(struct tt_core *core, struct tt_session *session, struct tt_stream *stream,
                 const tt_id *about, struct tt_cursor cursor)
{
    struct tt_cursor moved = {TT_SEQ(0), TT_SEQ(0)};
    if (cursor.delivered.n > stream->shown.delivered.n || TT_IS_PLANTED(TICK_GOES_BACK))
        moved.delivered = stream->shown.delivered = cursor.delivered;
    if (cursor.read.n > stream->shown.read.n)
        moved.read = stream->shown.read = cursor.read;
    if (moved.delivered.n == 0 && moved.read.n == 0)
        return;
    struct tt_server_frame *frame = tt_emit_frame(core, session, TT_SERVER_STATUS_UPDATE, 0);
    frame->conversation = stream->conversation;
    frame->user = *about;
    frame->status = moved;
    core->counters.status_updates++;
}

/* A cursor that this socket has not been told of may have been shown to the device on an earlier
 * one, and the hint may be a late one: only the store knows a value that is not less. */
static bool is_first(const struct tt_stream *stream, const struct tt_hint *hint)
{
    return (hint->moved_delivered && (stream == NULL || stream->shown.delivered.n == 0)) ||
           (hint->moved_read && (stream == NULL || stream->shown.read.n == 0));
}

/* What was not moved by this hint and was never shown here is left out: the client has it from its
 * last chat-open, or will have it from the next. */
void tt_status_show(struct tt_core *core, struct tt_session *session, const struct tt_hint *hint)
{
    struct tt_stream *stream = tt_stream_find(session, &hint->conversation);
    if (is_first(stream, hint)) {
        if (!TT_IS_PLANTED(NO_FIRST_STATUS))
            tt_refresh_conversation(core, session, hint);
        return;
    }
    if (stream == NULL)
        return;
    struct tt_cursor cursor = hint->cursor;
    if (!hint->moved_delivered && stream->shown.delivered.n == 0)
        cursor.delivered = TT_SEQ(0);
    if (!hint->moved_read && stream->shown.read.n == 0)
        cursor.read = TT_SEQ(0);
    show(core, session, stream, &hint->about, cursor);
    tt_stream_need_position(core, session, stream);
}

void tt_status_set(struct tt_core *core, struct tt_session *session, const tt_id *conversation,
                   const tt_id *about, struct tt_cursor cursor)
{
    struct tt_stream *stream = tt_stream_of(core, session, conversation);
    show(core, session, stream, about, cursor);
    tt_stream_need_position(core, session, stream);
}
