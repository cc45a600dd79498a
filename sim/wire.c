#include "sim/wire.h"

#include "base/limits.h"
#include "edge/client_codec.h"
#include "edge/frame_codec.h"
#include "sim/copy.h"

bool tt_wire_client_frame(struct tt_arena *arena, const struct tt_client_frame *from,
                          struct tt_client_frame *to)
{
    const struct tt_frame_limits limits = {.content_size_max = TT_LIMIT_CONTENT_BYTES};
    struct tt_buffer text = {0};
    struct tt_client_frame parsed;
    const char *key;
    tt_client_write_frame(from, &text);
    bool is_good = tt_is_ok(tt_frame_parse(tt_buffer_slice(&text), &limits, &parsed, &key));
    if (is_good)
        tt_copy_client_frame(arena, &parsed, to);
    tt_buffer_deinit(&text);
    return is_good;
}

static bool has_same_message(const struct tt_server_frame *frame,
                             const struct tt_received *received)
{
    const struct tt_message *message = &frame->message;
    if (received->seq.n != message->seq.n || received->timestamp.ms != message->timestamp.ms)
        return false;
    if (frame->kind == TT_SERVER_SENT)
        return tt_id_eq(&received->client_id, &frame->client_id);
    return tt_id_eq(&received->sender, &message->sender) &&
           tt_slice_eq(received->content, message->content);
}

static bool has_same_cursor(struct tt_cursor meant, const struct tt_received *received)
{
    return received->has_delivered == (meant.delivered.n > 0) &&
           received->has_read == (meant.read.n > 0) &&
           (!received->has_delivered || received->cursor.delivered.n == meant.delivered.n) &&
           (!received->has_read || received->cursor.read.n == meant.read.n);
}

static bool has_same_snapshot(const struct tt_snapshot *snapshot,
                              const struct tt_received *received)
{
    struct tt_json_items items = tt_json_items(received->messages);
    struct tt_message message;
    size_t count = 0;
    for (; tt_client_next_message(&items, &message); count++)
        if (count >= snapshot->message_count || message.seq.n != snapshot->messages[count].seq.n ||
            !tt_slice_eq(message.content, snapshot->messages[count].content))
            return false;
    return count == snapshot->message_count && received->head.n == snapshot->head.n &&
           received->cursor.delivered.n == snapshot->others_min.delivered.n &&
           received->cursor.read.n == snapshot->others_min.read.n;
}

static bool has_same_status(const struct tt_status *status, const struct tt_received *received)
{
    return received->has_status && received->status.online == status->online &&
           (status->online || received->status.last_seen.ms == status->last_seen.ms);
}

static bool is_same(const struct tt_server_frame *frame, const struct tt_received *received)
{
    switch (frame->kind) {
    case TT_SERVER_HELLO:
        return tt_id_eq(&received->device, &frame->hello.device) &&
               received->resumed == frame->hello.resumed &&
               received->linked_at.ms == frame->hello.linked_at.ms;
    case TT_SERVER_SENT:
    case TT_SERVER_MESSAGE:
        return has_same_message(frame, received);
    case TT_SERVER_STATUS_UPDATE:
        return has_same_cursor(frame->status, received) && tt_id_eq(&received->user, &frame->user);
    case TT_SERVER_READ_SYNC:
        return received->cursor.read.n == frame->status.read.n;
    case TT_SERVER_PRESENCE:
        return tt_id_eq(&received->user, &frame->user) &&
               has_same_status(&frame->presence.status, received);
    case TT_SERVER_CONVERSATION:
        return has_same_snapshot(frame->snapshot, received);
    case TT_SERVER_ERROR:
        return tt_slice_eq(received->code, tt_slice_text(tt_err_wire(frame->error.err)));
    case TT_SERVER_CAUGHT_UP:
    case TT_SERVER_TYPING:
    case TT_SERVER_CONVERSATION_ADDED:
    case TT_SERVER_PONG:
        return true;
    }
    return false;
}

bool tt_wire_server_frame_is_true(const struct tt_server_frame *frame)
{
    struct tt_buffer text = {0};
    struct tt_received received = {0};
    tt_frame_write(frame, &text);
    bool is_true = tt_is_ok(tt_client_read_frame(tt_buffer_slice(&text), &received)) &&
                   received.known && received.kind == frame->kind &&
                   (frame->kind == TT_SERVER_CONVERSATION_ADDED || /* it stands deeper there */
                    tt_id_eq(&received.conversation, &frame->conversation)) &&
                   is_same(frame, &received);
    tt_buffer_deinit(&text);
    return is_true;
}
