/*
 * mqtt: MQTT 3.1.1 with QoS 1 on every hop and sessions that outlive their connections. PUBACK to
 * Alice is `stored`. MQTT tells the sender nothing of the receiver, so the receipt is a message of
 * Bob's, of QoS 1 as well: Alice would get it too if she were away.
 */
#include "load.h"

#include <string.h>

enum { CONNECT = 0x10, CONNACK = 0x20, PUBLISH_QOS1 = 0x32, PUBACK = 0x40, SUBSCRIBE = 0x82 };
enum { SUBACK = 0x90, KIND = 0xf0, PUBLISH = 0x30 };

#define LENGTH_BYTES_MAX 4

static void add_u16(struct tt_buffer *buffer, size_t number)
{
    tt_buffer_add_byte(buffer, (char)(number >> 8 & 0xff));
    tt_buffer_add_byte(buffer, (char)(number & 0xff));
}

static void add_string(struct tt_buffer *buffer, struct tt_slice text)
{
    add_u16(buffer, text.size);
    tt_buffer_add(buffer, text);
}

/* The remaining length: 7 bits a byte, lowest first (section 2.2.3). */
static void add_header(struct tt_buffer *buffer, int kind, size_t size)
{
    tt_buffer_add_byte(buffer, (char)kind);
    for (; size > 0x7f; size >>= 7)
        tt_buffer_add_byte(buffer, (char)(0x80 | (size & 0x7f)));
    tt_buffer_add_byte(buffer, (char)size);
}

/* A whole packet; false: it is not all there. */
static bool read_packet(struct tt_slice input, unsigned char *kind, struct tt_slice *body,
                        size_t *used)
{
    size_t size = 0;
    for (size_t i = 1; i < input.size && i <= LENGTH_BYTES_MAX; i++) {
        unsigned char byte = (unsigned char)input.data[i];
        size |= (size_t)(byte & 0x7f) << (7 * (i - 1));
        if (byte & 0x80)
            continue;
        if (input.size < i + 1 + size)
            return false;
        *kind = (unsigned char)input.data[0];
        *body = tt_slice(input.data + i + 1, size);
        *used = i + 1 + size;
        return true;
    }
    return false;
}

/* Acks it, too. */
static void read_publish(struct load_end *end, struct tt_slice body, char mark[LOAD_MARK_SIZE])
{
    size_t topic = body.size < 2
                       ? SIZE_MAX
                       : (size_t)((unsigned char)body.data[0] << 8 | (unsigned char)body.data[1]);
    if (topic > body.size || body.size - topic < 4)
        load_die("%s: a broken PUBLISH", end->name);
    add_header(&end->output, PUBACK, 2);
    tt_buffer_add(&end->output, tt_slice(body.data + 2 + topic, 2));
    struct tt_slice text = tt_slice_from(body, 4 + topic);
    const char *filling = memchr(text.data, 'x', text.size);
    load_copy_mark(
        mark, tt_slice(text.data, filling == NULL ? text.size : (size_t)(filling - text.data)));
}

/* What an earlier run has left in the session may come first. */
static void expect(struct load_end *end, unsigned char wanted, char last)
{
    unsigned char kind = PUBLISH;
    while ((kind & KIND) == PUBLISH) {
        char mark[LOAD_MARK_SIZE];
        struct tt_slice body = TT_SLICE_EMPTY;
        size_t used = 0;
        load_flush(end);
        while (!read_packet(tt_buffer_slice(&end->input), &kind, &body, &used))
            load_read(end);
        if ((kind & KIND) == PUBLISH)
            read_publish(end, body, mark);
        else if (kind != wanted || body.size == 0 || body.data[body.size - 1] != last)
            load_die("%s: the broker answered 0x%02x where 0x%02x was due", end->name, kind,
                     wanted);
        tt_buffer_consume(&end->input, used);
    }
}

static void log_in(struct load_end *end)
{
    struct tt_slice name = tt_slice_text(end->name);
    add_header(&end->output, CONNECT, 10 + 2 + name.size);
    add_string(&end->output, TT_SLICE_LITERAL("MQTT"));
    tt_buffer_add_byte(&end->output, 4); /* 3.1.1 */
    tt_buffer_add_byte(&end->output, 0); /* the session stays */
    add_u16(&end->output, 0);            /* no keep-alive: there is always traffic */
    add_string(&end->output, name);
    expect(end, CONNACK, 0);

    add_header(&end->output, SUBSCRIBE, 2 + 2 + name.size + 1);
    add_u16(&end->output, 1);
    add_string(&end->output, name);
    tt_buffer_add_byte(&end->output, 1);
    expect(end, SUBACK, 1);
}

/* Every packet of ours is answered before the next one goes out, so its id can be any. */
static void add_publish(struct load_end *end, const char *mark, struct tt_slice content)
{
    struct tt_slice topic = tt_slice_text(end->peer);
    size_t mark_size = strlen(mark);
    size_t filled = content.size > mark_size ? content.size - mark_size : 0;
    add_header(&end->output, PUBLISH_QOS1, 2 + topic.size + 2 + mark_size + filled);
    add_string(&end->output, topic);
    add_u16(&end->output, 1 + end->number % 0xffff);
    tt_buffer_add_text(&end->output, mark);
    tt_buffer_add(&end->output, tt_slice(content.data, filled));
}

static enum load_event next(struct load_end *end, struct tt_slice input, size_t *used,
                            char mark[LOAD_MARK_SIZE])
{
    unsigned char kind;
    struct tt_slice body;
    if (!read_packet(input, &kind, &body, used))
        return LOAD_NOTHING;
    if ((kind & KIND) == PUBACK)
        return LOAD_STORED;
    if ((kind & KIND) != PUBLISH)
        return LOAD_OTHER;
    read_publish(end, body, mark);
    return end->is_alice ? LOAD_RECEIPT : LOAD_MESSAGE;
}

static void add_message(struct load_end *alice, const char *mark, struct tt_slice content)
{
    add_publish(alice, mark, content);
}

static void add_receipt(struct load_end *bob, const char *mark)
{
    bob->number++;
    add_publish(bob, mark, TT_SLICE_EMPTY);
}

const struct load_protocol load_mqtt = {
    .name = "mqtt",
    .has_stored = true,
    .log_in = log_in,
    .next = next,
    .add_message = add_message,
    .add_receipt = add_receipt,
};
