#include "app/chat_room.h"

#include "base/json_writer.h"

static void message_deinit(struct tt_chat_message *message)
{
    tt_buffer_deinit(&message->text);
    tt_buffer_deinit(&message->raw);
}

void tt_chat_room_deinit(struct tt_chat_room *room)
{
    for (size_t i = 0; i < room->count; i++)
        message_deinit(&room->messages[i]);
    room->count = 0;
}

/* What somebody else wrote must not move this terminal's cursor: control characters, also those of
 * two bytes (U+0080 to U+009F), become a dot. */
static void add_printable(struct tt_buffer *out, struct tt_slice text)
{
    for (size_t i = 0; i < text.size; i++) {
        unsigned char byte = (unsigned char)text.data[i];
        bool is_c1 = byte == 0xc2 && i + 1 < text.size && (unsigned char)text.data[i + 1] < 0xa0;
        if (is_c1)
            i++;
        if (is_c1 || byte < 0x20 || byte == 0x7f)
            tt_buffer_add_text(out, "\xc2\xb7");
        else
            tt_buffer_add_byte(out, (char)byte);
    }
}

/* Where a message of this seq stands or belongs: stored ones ascend, unsent ones follow. */
static size_t place_of(const struct tt_chat_room *room, tt_seq seq)
{
    size_t at = room->count;
    while (at > 0 && (room->messages[at - 1].seq.n == 0 || room->messages[at - 1].seq.n >= seq.n))
        at--;
    return at;
}

static bool make_room(struct tt_chat_room *room)
{
    if (room->count < TT_CHAT_MESSAGES_MAX)
        return true;
    if (room->messages[0].seq.n == 0)
        return false;
    message_deinit(&room->messages[0]);
    room->count--;
    memmove(room->messages, room->messages + 1, room->count * sizeof(room->messages[0]));
    return true;
}

static void remove_at(struct tt_chat_room *room, size_t at)
{
    message_deinit(&room->messages[at]);
    room->count--;
    memmove(room->messages + at, room->messages + at + 1,
            (room->count - at) * sizeof(room->messages[0]));
}

static void add_stored(struct tt_chat_room *room, tt_seq seq, const tt_id *sender,
                       struct tt_slice raw)
{
    size_t at = place_of(room, seq);
    if (at < room->count && room->messages[at].seq.n == seq.n)
        return;
    if (!make_room(room))
        return;
    at = place_of(room, seq);
    memmove(room->messages + at + 1, room->messages + at,
            (room->count - at) * sizeof(room->messages[0]));
    room->count++;
    struct tt_chat_message *message = &room->messages[at];
    *message = (struct tt_chat_message){.seq = seq, .sender = *sender};
    struct tt_buffer text = {0};
    tt_json_unescape(raw, &text);
    add_printable(&message->text, tt_buffer_slice(&text));
    tt_buffer_deinit(&text);
    room->held = tt_seq_max(room->held, seq);
}

bool tt_chat_room_add_own(struct tt_chat_room *room, const tt_id *client_id, struct tt_slice text)
{
    if (!make_room(room))
        return false;
    struct tt_chat_message *message = &room->messages[room->count++];
    *message = (struct tt_chat_message){.sender = room->me, .client_id = *client_id};
    add_printable(&message->text, text);
    struct tt_json_writer json = {.out = &message->raw};
    tt_json_put_string(&json, NULL, text);
    /* The raw text of a string is what stands between its quotes. */
    tt_buffer_consume(&message->raw, 1);
    message->raw.size--;
    return true;
}

static void take_sent(struct tt_chat_room *room, const struct tt_received *frame)
{
    for (size_t i = 0; i < room->count; i++) {
        struct tt_chat_message *message = &room->messages[i];
        if (message->seq.n != 0 || !tt_id_eq(&message->client_id, &frame->client_id))
            continue;
        struct tt_buffer raw = message->raw;
        message->raw = (struct tt_buffer){0};
        remove_at(room, i);
        add_stored(room, frame->seq, &room->me, tt_buffer_slice(&raw));
        tt_buffer_deinit(&raw);
        return;
    }
}

static struct tt_chat_peer *peer_of(struct tt_chat_room *room, const tt_id *user)
{
    for (size_t i = 0; i < room->peer_count; i++)
        if (tt_id_eq(&room->peers[i].user, user))
            return &room->peers[i];
    if (room->peer_count == TT_CHAT_PEERS_MAX)
        return NULL;
    struct tt_chat_peer *peer = &room->peers[room->peer_count++];
    *peer = (struct tt_chat_peer){.user = *user, .status = {.unknown = true}};
    return peer;
}

static void take_cursor(struct tt_chat_room *room, const struct tt_received *frame)
{
    if (frame->has_delivered)
        room->others.delivered = tt_seq_max(room->others.delivered, frame->cursor.delivered);
    if (frame->has_read)
        room->others.read = tt_seq_max(room->others.read, frame->cursor.read);
    room->others.delivered = tt_seq_max(room->others.delivered, room->others.read);
}

static void take_snapshot(struct tt_chat_room *room, const struct tt_received *frame)
{
    struct tt_message message;
    struct tt_json_items items = tt_json_items(frame->messages);
    while (frame->messages.kind == TT_JSON_ARRAY && tt_client_next_message(&items, &message))
        add_stored(room, message.seq, &message.sender, message.content);
    struct tt_member_view member;
    items = tt_json_items(frame->members);
    while (frame->members.kind == TT_JSON_ARRAY && tt_client_next_member(&items, &member)) {
        struct tt_chat_peer *peer = peer_of(room, &member.user);
        if (peer != NULL)
            peer->status = member.status;
    }
    take_cursor(room, frame);
}

bool tt_chat_room_take(struct tt_chat_room *room, const struct tt_received *frame, uint64_t now_ms)
{
    if (!frame->known || !tt_id_eq(&frame->conversation, &room->conversation))
        return false;
    struct tt_chat_peer *peer;
    switch (frame->kind) {
    case TT_SERVER_SENT:
        take_sent(room, frame);
        return true;
    case TT_SERVER_MESSAGE:
        add_stored(room, frame->seq, &frame->sender, frame->content);
        if (tt_id_eq(&room->typing, &frame->sender))
            room->typing_at = 0;
        return true;
    case TT_SERVER_STATUS_UPDATE:
        take_cursor(room, frame);
        return true;
    case TT_SERVER_PRESENCE:
        peer = peer_of(room, &frame->user);
        if (peer != NULL)
            peer->status = frame->status;
        return true;
    case TT_SERVER_TYPING:
        room->typing = frame->user;
        room->typing_at = now_ms;
        return true;
    case TT_SERVER_CONVERSATION:
        take_snapshot(room, frame);
        return true;
    case TT_SERVER_HELLO:
    case TT_SERVER_CAUGHT_UP:
    case TT_SERVER_READ_SYNC:
    case TT_SERVER_CONVERSATION_ADDED:
    case TT_SERVER_ERROR:
    case TT_SERVER_PONG:
        return false;
    }
    return false;
}

const struct tt_chat_message *tt_chat_room_unsent(const struct tt_chat_room *room, size_t number)
{
    for (size_t i = 0; i < room->count; i++)
        if (room->messages[i].seq.n == 0 && number-- == 0)
            return &room->messages[i];
    return NULL;
}
