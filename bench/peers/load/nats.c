/*
 * nats: the NATS client protocol with JetStream. One stream stores what is published to `u.NAME`; a
 * publish with a reply subject is answered when the stream has it: `stored`. Receipts go into the
 * stream as well. Who is connected is handed both by a plain subscription; who was away would read
 * the stream from where he was. (A durable consumer per person, which would do that by itself, is
 * slower by far with 2000 people: each delivery has to be acked, and kept in a file, one by one.)
 */
#include "load.h"

#include <stdio.h>
#include <string.h>

static void add_pub(struct tt_buffer *output, const char *subject, const char *reply,
                    struct tt_slice payload)
{
    load_add(output, "PUB %s %s %zu\r\n", subject, reply, payload.size);
    tt_buffer_add(output, payload);
    tt_buffer_add_text(output, "\r\n");
}

static void request(struct load_end *end, const char *subject, const char *body)
{
    char reply[2 * LOAD_NAME_SIZE];
    snprintf(reply, sizeof(reply), "i.%s", end->name);
    add_pub(&end->output, subject, reply, tt_slice_text(body));
    load_expect(end, "MSG i.");
    while (load_find(tt_buffer_slice(&end->input), "}\r\n") == NULL)
        load_read(end);
    if (load_find(tt_buffer_slice(&end->input), "\"error\"") != NULL)
        load_die("%s: %.*s", subject, (int)end->input.size, end->input.data);
    load_expect(end, "}\r\n");
}

static void log_in(struct load_end *end)
{
    load_add(&end->output,
             "CONNECT {\"verbose\":false,\"pedantic\":false}\r\n"
             "SUB u.%s 1\r\nSUB i.%s 2\r\nPING\r\n",
             end->name, end->name);
    load_expect(end, "PONG\r\n");
    if (strcmp(end->name, "a0") == 0)
        request(end, "$JS.API.STREAM.CREATE.chat",
                "{\"name\":\"chat\",\"subjects\":[\"u.>\"],\"storage\":\"file\","
                "\"retention\":\"limits\",\"discard\":\"old\",\"num_replicas\":1}");
}

/* One line up to CR LF; false: it is not all there. */
static bool read_line(struct tt_slice input, struct tt_slice *line)
{
    const char *end = load_find(input, "\r\n");
    if (end != NULL)
        *line = tt_slice(input.data, (size_t)(end - input.data));
    return end != NULL;
}

/* The words of "MSG subject sid [reply] size". */
static size_t split(struct tt_slice line, struct tt_slice *words, size_t max)
{
    size_t count = 0;
    while (line.size > 0 && count < max) {
        const char *space = memchr(line.data, ' ', line.size);
        size_t size = space == NULL ? line.size : (size_t)(space - line.data);
        words[count++] = tt_slice(line.data, size);
        line = tt_slice_from(line, space == NULL ? size : size + 1);
    }
    return count;
}

static size_t number_of(struct tt_slice word)
{
    size_t number = 0;
    for (size_t i = 0; i < word.size && i < 9; i++)
        number = number * 10 + (size_t)(word.data[i] - '0');
    return number;
}

static enum load_event look_at(struct load_end *end, struct tt_slice subject,
                               struct tt_slice payload, char mark[LOAD_MARK_SIZE])
{
    if (subject.data[0] == 'i') {
        if (load_find(payload, "\"error\"") != NULL)
            load_die("%s: %.*s", end->name, (int)payload.size, payload.data);
        return LOAD_STORED;
    }
    const char *filling = payload.size == 0 ? NULL : memchr(payload.data, 'x', payload.size);
    load_copy_mark(
        mark,
        tt_slice(payload.data, filling == NULL ? payload.size : (size_t)(filling - payload.data)));
    return end->is_alice ? LOAD_RECEIPT : LOAD_MESSAGE;
}

static enum load_event next(struct load_end *end, struct tt_slice input, size_t *used,
                            char mark[LOAD_MARK_SIZE])
{
    struct tt_slice line;
    struct tt_slice words[5];
    if (!read_line(input, &line))
        return LOAD_NOTHING;
    size_t head = line.size + 2;
    if (line.size >= 4 && memcmp(line.data, "PING", 4) == 0)
        tt_buffer_add_text(&end->output, "PONG\r\n");
    else if (line.size >= 4 && memcmp(line.data, "-ERR", 4) == 0)
        load_die("%s: %.*s", end->name, (int)line.size, line.data);
    if (line.size < 4 || memcmp(line.data, "MSG ", 4) != 0) {
        *used = head;
        return LOAD_OTHER;
    }
    size_t count = split(line, words, 5);
    if (count < 4)
        load_die("%s: %.*s", end->name, (int)line.size, line.data);
    size_t size = number_of(words[count - 1]);
    if (input.size < head + size + 2)
        return LOAD_NOTHING;
    *used = head + size + 2;
    return look_at(end, words[1], tt_slice(input.data + head, size), mark);
}

static void publish(struct load_end *end, const char *mark, struct tt_slice content)
{
    size_t mark_size = strlen(mark);
    size_t filled = content.size > mark_size ? content.size - mark_size : 0;
    load_add(&end->output, "PUB u.%s i.%s %zu\r\n%s", end->peer, end->name, mark_size + filled,
             mark);
    tt_buffer_add(&end->output, tt_slice(content.data, filled));
    tt_buffer_add_text(&end->output, "\r\n");
}

static void add_message(struct load_end *alice, const char *mark, struct tt_slice content)
{
    publish(alice, mark, content);
}

static void add_receipt(struct load_end *bob, const char *mark)
{
    publish(bob, mark, TT_SLICE_EMPTY);
}

const struct load_protocol load_nats = {
    .name = "nats",
    .has_stored = true,
    .log_in = log_in,
    .next = next,
    .add_message = add_message,
    .add_receipt = add_receipt,
};
