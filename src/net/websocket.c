#include "net/websocket.h"

#include "base/memory.h"
#include "base/utf8.h"

#define HEAD_SIZE_MAX 14
#define MASK_SIZE     4

#define CODE_PROTOCOL 1002
#define CODE_NO_CODE  1005
#define CODE_NOT_UTF8 1007
#define CODE_TOO_BIG  1009

enum opcode { CONTINUATION = 0, TEXT = 1, BINARY = 2, CLOSE = 8, PING = 9, PONG = 10 };

struct frame {
    uint64_t size; /* of the payload */
    uint8_t opcode;
    uint8_t reserved;
    uint8_t key[MASK_SIZE];
    bool fin;
    bool masked;
    bool minimal; /* the length stands in its shortest form */
};

/* What is unfinished: the head of a frame, a frame's payload, a message's further fragments, and
 * what was kept. It exists only while any of these does. */
struct tt_websocket_partial {
    struct tt_buffer kept;
    size_t kept_used;
    struct tt_buffer message;
    uint64_t payload_done; /* of the frame under way */
    uint32_t fragment_count;
    struct tt_utf8 utf8;
    uint8_t message_opcode; /* CONTINUATION: no message is under way */
    uint8_t head_size;
    bool in_frame;
    bool handed_on; /* the message was; it goes with the next call */
    struct frame frame;
    uint8_t head[HEAD_SIZE_MAX];
    char control[TT_WEBSOCKET_CONTROL_SIZE_MAX];
};

void tt_websocket_init(struct tt_websocket *ws, enum tt_websocket_role role,
                       const struct tt_websocket_limits *limits, uint64_t mask_seed)
{
    *ws = (struct tt_websocket){.limits = limits, .mask_state = mask_seed, .role = (uint8_t)role};
}

void tt_websocket_deinit(struct tt_websocket *ws)
{
    if (ws->partial == NULL)
        return;
    tt_buffer_deinit(&ws->partial->kept);
    tt_buffer_deinit(&ws->partial->message);
    tt_free(ws->partial);
    ws->partial = NULL;
}

static struct tt_websocket_partial *partial_of(struct tt_websocket *ws)
{
    if (ws->partial == NULL)
        ws->partial = tt_alloc(sizeof(*ws->partial));
    return ws->partial;
}

/* Frees what the last event lay in, and all when nothing is unfinished. */
static void release(struct tt_websocket *ws)
{
    struct tt_websocket_partial *partial = ws->partial;
    if (partial == NULL)
        return;
    if (partial->handed_on) {
        partial->handed_on = false;
        tt_buffer_deinit(&partial->message);
    }
    if (partial->kept_used == partial->kept.size) {
        partial->kept_used = 0;
        tt_buffer_deinit(&partial->kept);
    }
    if (ws->ended || (partial->kept.size == 0 && partial->head_size == 0 && !partial->in_frame &&
                      partial->message_opcode == CONTINUATION))
        tt_websocket_deinit(ws);
}

static bool broken(struct tt_websocket *ws, uint16_t code, const char *what,
                   struct tt_websocket_event *event)
{
    ws->ended = true;
    event->kind = TT_WEBSOCKET_BROKEN;
    event->code = code;
    event->bytes = tt_slice_text(what);
    return true;
}

static bool is_control(uint8_t opcode)
{
    return (opcode & 8) != 0;
}

static size_t head_size_of(const uint8_t *head)
{
    uint8_t length = head[1] & 0x7f;
    size_t extended = length == 126 ? 2 : length == 127 ? 8 : 0;
    return 2 + extended + ((head[1] & 0x80) != 0 ? MASK_SIZE : 0);
}

static void read_head(const uint8_t *head, struct frame *frame)
{
    *frame = (struct frame){.fin = (head[0] & 0x80) != 0,
                            .reserved = head[0] & 0x70,
                            .opcode = head[0] & 0x0f,
                            .masked = (head[1] & 0x80) != 0,
                            .minimal = true};
    uint8_t length = head[1] & 0x7f;
    size_t at = 2;
    frame->size = length;
    if (length >= 126) {
        size_t extended = length == 126 ? 2 : 8;
        frame->size = 0;
        for (; at < 2 + extended; at++)
            frame->size = frame->size << 8 | head[at];
        frame->minimal = frame->size > (length == 126 ? 125 : UINT16_MAX);
    }
    if (frame->masked)
        memcpy(frame->key, head + at, MASK_SIZE);
}

/* What a frame's head alone breaks; NULL if nothing. */
static const char *broken_rule(const struct tt_websocket *ws, const struct frame *frame,
                               bool in_message)
{
    if (frame->reserved != 0)
        return "a reserved bit is set, and no extension was agreed on";
    if (frame->opcode > PONG || (frame->opcode > BINARY && frame->opcode < CLOSE))
        return "unknown opcode";
    if (frame->masked != (ws->role == TT_WEBSOCKET_SERVER))
        return frame->masked ? "a server's frame is masked" : "a client's frame is not masked";
    if (!frame->minimal)
        return "a length is not in its shortest form";
    if (frame->size >> 63 != 0)
        return "a length has its highest bit set";
    if (is_control(frame->opcode)) {
        if (!frame->fin)
            return "a control frame is fragmented";
        if (frame->size > TT_WEBSOCKET_CONTROL_SIZE_MAX)
            return "a control frame is longer than 125 bytes";
        return NULL;
    }
    if (in_message == (frame->opcode == CONTINUATION))
        return NULL;
    return in_message ? "a new message inside of a fragmented one"
                      : "a continuation without a message";
}

/* The close code, or 0 when the frame may come. */
static uint16_t check_head(const struct tt_websocket *ws, const struct frame *frame,
                           const char **what)
{
    const struct tt_websocket_partial *partial = ws->partial;
    bool in_message = partial != NULL && partial->message_opcode != CONTINUATION;
    uint64_t so_far = in_message ? partial->message.size : 0;
    uint32_t fragments = in_message ? partial->fragment_count : 0;
    *what = broken_rule(ws, frame, in_message);
    if (*what != NULL)
        return CODE_PROTOCOL;
    if (is_control(frame->opcode))
        return 0;
    if (frame->size > ws->limits->message_size_max - so_far)
        *what = "the message is too long";
    else if (fragments >= ws->limits->fragment_count_max)
        *what = "the message has too many fragments";
    return *what != NULL ? CODE_TOO_BIG : 0;
}

/* `done` bytes of the payload came before these. */
static void apply_mask(char *data, size_t size, const uint8_t key[MASK_SIZE], uint64_t done)
{
    uint8_t turned[sizeof(uint64_t)];
    for (size_t i = 0; i < sizeof(turned); i++)
        turned[i] = key[(done + i) % MASK_SIZE];
    uint64_t mask;
    uint64_t word;
    size_t at = 0;
    memcpy(&mask, turned, sizeof(mask));
    for (; size - at >= sizeof(word); at += sizeof(word)) {
        memcpy(&word, data + at, sizeof(word));
        word ^= mask;
        memcpy(data + at, &word, sizeof(word));
    }
    for (size_t i = 0; at < size; i++, at++)
        data[at] = (char)((uint8_t)data[at] ^ turned[i]);
}

static bool is_close_code(unsigned code)
{
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1011) ||
           (code >= 3000 && code <= 4999);
}

static bool close_event(struct tt_websocket *ws, struct tt_slice payload,
                        struct tt_websocket_event *event)
{
    event->kind = TT_WEBSOCKET_CLOSED;
    event->code = CODE_NO_CODE;
    event->bytes = TT_SLICE_EMPTY;
    if (payload.size == 1)
        return broken(ws, CODE_PROTOCOL, "a close code has two bytes", event);
    if (payload.size > 0) {
        unsigned code = (unsigned)(uint8_t)payload.data[0] << 8 | (uint8_t)payload.data[1];
        if (!is_close_code(code))
            return broken(ws, CODE_PROTOCOL, "this close code may not be sent", event);
        event->code = (uint16_t)code;
        event->bytes = tt_slice_from(payload, 2);
        if (!tt_utf8_valid(event->bytes))
            return broken(ws, CODE_NOT_UTF8, "the close reason is not UTF-8", event);
    }
    ws->ended = true;
    return true;
}

/* A whole message or control frame, unmasked; text was checked. */
static bool whole(struct tt_websocket *ws, uint8_t opcode, struct tt_slice payload,
                  struct tt_websocket_event *event)
{
    if (opcode == CLOSE)
        return close_event(ws, payload, event);
    event->kind = opcode == TEXT     ? TT_WEBSOCKET_TEXT
                  : opcode == BINARY ? TT_WEBSOCKET_BINARY
                  : opcode == PING   ? TT_WEBSOCKET_PING
                                     : TT_WEBSOCKET_PONG;
    event->code = 0;
    event->bytes = payload;
    return true;
}

static bool not_utf8(struct tt_websocket *ws, struct tt_websocket_event *event)
{
    return broken(ws, CODE_NOT_UTF8, "the text is not UTF-8", event);
}

/* The frame and its message lie whole in the input: nothing is copied. */
static bool take_in_place(struct tt_websocket *ws, const struct frame *frame,
                          struct tt_input *input, struct tt_websocket_event *event)
{
    struct tt_slice payload = tt_slice(input->data, (size_t)frame->size);
    if (frame->masked)
        apply_mask(input->data, payload.size, frame->key, 0);
    tt_input_take(input, payload.size);
    if (frame->opcode == TEXT && !tt_utf8_valid(payload))
        return not_utf8(ws, event);
    return whole(ws, frame->opcode, payload, event);
}

static void begin_in_pieces(struct tt_websocket *ws, const struct frame *frame)
{
    struct tt_websocket_partial *partial = partial_of(ws);
    partial->frame = *frame;
    partial->in_frame = true;
    partial->payload_done = 0;
    if (is_control(frame->opcode))
        return;
    if (frame->opcode != CONTINUATION) {
        partial->message_opcode = frame->opcode;
        partial->fragment_count = 0;
        partial->utf8 = (struct tt_utf8){0};
    }
    partial->fragment_count++;
}

static bool end_frame(struct tt_websocket *ws, struct tt_websocket_event *event)
{
    struct tt_websocket_partial *partial = ws->partial;
    partial->in_frame = false;
    if (is_control(partial->frame.opcode))
        return whole(ws, partial->frame.opcode,
                     tt_slice(partial->control, (size_t)partial->frame.size), event);
    if (!partial->frame.fin)
        return false;
    uint8_t opcode = partial->message_opcode;
    partial->message_opcode = CONTINUATION;
    partial->handed_on = true;
    if (opcode == TEXT && !tt_utf8_complete(&partial->utf8))
        return not_utf8(ws, event);
    return whole(ws, opcode, tt_buffer_slice(&partial->message), event);
}

/* The next piece of a payload, whose length may be 0. True: an event. */
static bool take_piece(struct tt_websocket *ws, struct tt_input *input,
                       struct tt_websocket_event *event)
{
    struct tt_websocket_partial *partial = ws->partial;
    const struct frame *frame = &partial->frame;
    uint64_t missing = frame->size - partial->payload_done;
    struct tt_slice piece =
        tt_slice(input->data, missing < input->size ? (size_t)missing : input->size);
    if (frame->masked)
        apply_mask(input->data, piece.size, frame->key, partial->payload_done);
    tt_input_take(input, piece.size);
    if (is_control(frame->opcode)) {
        if (piece.size > 0)
            memcpy(partial->control + partial->payload_done, piece.data, piece.size);
    } else {
        if (partial->message_opcode == TEXT && !tt_utf8_feed(&partial->utf8, piece))
            return not_utf8(ws, event);
        tt_buffer_add(&partial->message, piece);
    }
    partial->payload_done += piece.size;
    return partial->payload_done == frame->size && end_frame(ws, event);
}

/* Reads a frame's head, if it is all there, from the input or from what came of it before. */
static bool take_head(struct tt_websocket *ws, struct tt_input *input, struct frame *frame)
{
    size_t before = ws->partial != NULL ? ws->partial->head_size : 0;
    if (before == 0 && input->size >= 2) {
        size_t needed = head_size_of((const uint8_t *)input->data);
        if (input->size >= needed) {
            read_head((const uint8_t *)input->data, frame);
            tt_input_take(input, needed);
            return true;
        }
    }
    struct tt_websocket_partial *partial = partial_of(ws);
    while (input->size > 0) {
        partial->head[partial->head_size++] = (uint8_t)input->data[0];
        tt_input_take(input, 1);
        if (partial->head_size >= 2 && partial->head_size == head_size_of(partial->head)) {
            read_head(partial->head, frame);
            partial->head_size = 0;
            return true;
        }
    }
    return false;
}

/* Reads on until there is an event or the input is used up. */
static bool step(struct tt_websocket *ws, struct tt_input *input, struct tt_websocket_event *event)
{
    while (input->size > 0) {
        if (ws->partial == NULL || !ws->partial->in_frame) {
            struct frame frame;
            const char *what;
            if (!take_head(ws, input, &frame))
                return false;
            uint16_t code = check_head(ws, &frame, &what);
            if (code != 0)
                return broken(ws, code, what, event);
            bool alone = is_control(frame.opcode) || (frame.fin && frame.opcode != CONTINUATION);
            if (alone && frame.size <= input->size)
                return take_in_place(ws, &frame, input, event);
            begin_in_pieces(ws, &frame);
        }
        if (take_piece(ws, input, event))
            return true;
    }
    return false;
}

bool tt_websocket_next(struct tt_websocket *ws, struct tt_input *input,
                       struct tt_websocket_event *event)
{
    release(ws);
    if (ws->ended) {
        tt_input_take(input, input->size);
        return false;
    }
    if (ws->partial != NULL && ws->partial->kept.size > 0) {
        struct tt_websocket_partial *partial = ws->partial;
        struct tt_input kept = {partial->kept.data + partial->kept_used,
                                partial->kept.size - partial->kept_used};
        bool found = step(ws, &kept, event);
        partial->kept_used = partial->kept.size - kept.size;
        if (found)
            return true;
    }
    bool found = step(ws, input, event);
    if (!found)
        release(ws);
    return found;
}

void tt_websocket_keep(struct tt_websocket *ws, struct tt_input *input)
{
    if (input->size > 0 && !ws->ended) {
        struct tt_websocket_partial *partial = partial_of(ws);
        tt_buffer_consume(&partial->kept, partial->kept_used);
        partial->kept_used = 0;
        tt_buffer_add(&partial->kept, tt_slice(input->data, input->size));
    }
    tt_input_take(input, input->size);
}

/* SplitMix64. A mask keeps a hostile script from choosing the bytes that proxies see; this
 * program's own client runs no scripts, so this is all the unpredictability that is needed. */
static void draw_key(struct tt_websocket *ws, uint8_t key[MASK_SIZE])
{
    ws->mask_state += 0x9e3779b97f4a7c15u;
    uint64_t mixed = ws->mask_state;
    mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9u;
    mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111ebu;
    mixed ^= mixed >> 31;
    memcpy(key, &mixed, MASK_SIZE);
}

static size_t write_head(uint8_t *head, uint8_t opcode, uint64_t size)
{
    size_t extended = size <= 125 ? 0 : size <= UINT16_MAX ? 2 : 8;
    head[0] = 0x80 | opcode;
    head[1] = extended == 0 ? (uint8_t)size : extended == 2 ? 126 : 127;
    for (size_t i = 0; i < extended; i++)
        head[2 + i] = (uint8_t)(size >> 8 * (extended - 1 - i));
    return 2 + extended;
}

static void write_frame(struct tt_websocket *ws, uint8_t opcode, struct tt_slice payload,
                        struct tt_buffer *output)
{
    uint8_t head[HEAD_SIZE_MAX];
    uint8_t key[MASK_SIZE] = {0};
    if (ws->close_sent)
        return;
    size_t head_size = write_head(head, opcode, payload.size);
    if (ws->role == TT_WEBSOCKET_CLIENT) {
        draw_key(ws, key);
        head[1] |= 0x80;
        memcpy(head + head_size, key, MASK_SIZE);
        head_size += MASK_SIZE;
    }
    char *at = tt_buffer_reserve(output, head_size + payload.size);
    memcpy(at, head, head_size);
    if (payload.size > 0)
        memcpy(at + head_size, payload.data, payload.size);
    if (ws->role == TT_WEBSOCKET_CLIENT)
        apply_mask(at + head_size, payload.size, key, 0);
    tt_buffer_grow_by(output, head_size + payload.size);
}

void tt_websocket_write_text(struct tt_websocket *ws, struct tt_slice text,
                             struct tt_buffer *output)
{
    write_frame(ws, TEXT, text, output);
}

void tt_websocket_write_binary(struct tt_websocket *ws, struct tt_slice bytes,
                               struct tt_buffer *output)
{
    write_frame(ws, BINARY, bytes, output);
}

void tt_websocket_write_ping(struct tt_websocket *ws, struct tt_slice bytes,
                             struct tt_buffer *output)
{
    TT_ASSERT(bytes.size <= TT_WEBSOCKET_CONTROL_SIZE_MAX);
    write_frame(ws, PING, bytes, output);
}

void tt_websocket_close(struct tt_websocket *ws, uint16_t code, struct tt_slice reason,
                        struct tt_buffer *output)
{
    char payload[TT_WEBSOCKET_CONTROL_SIZE_MAX] = {(char)(code >> 8), (char)(code & 0xff)};
    size_t size = reason.size;
    if (size > sizeof(payload) - 2) {
        size = sizeof(payload) - 2;
        while (size > 0 && ((uint8_t)reason.data[size] & 0xc0) == 0x80)
            size--;
    }
    if (size > 0)
        memcpy(payload + 2, reason.data, size);
    write_frame(ws, CLOSE, tt_slice(payload, code == CODE_NO_CODE ? 0 : 2 + size), output);
    ws->close_sent = true;
}

void tt_websocket_answer(struct tt_websocket *ws, const struct tt_websocket_event *event,
                         struct tt_buffer *output)
{
    switch (event->kind) {
    case TT_WEBSOCKET_PING:
        write_frame(ws, PONG, event->bytes, output);
        break;
    case TT_WEBSOCKET_CLOSED:
        tt_websocket_close(ws, event->code, TT_SLICE_EMPTY, output);
        break;
    case TT_WEBSOCKET_BROKEN:
        tt_websocket_close(ws, event->code, event->bytes, output);
        break;
    case TT_WEBSOCKET_TEXT:
    case TT_WEBSOCKET_BINARY:
    case TT_WEBSOCKET_PONG:
        break;
    }
}
