#include "model/hint.h"

#include "base/assert.h"

/*
 * One layout for all kinds: kind, flags, then every field in turn; numbers as LEB128 varints, bytes
 * behind their length. A field that a kind does not use costs one byte.
 */
enum {
    MOVED_DELIVERED = 1,
    MOVED_READ = 2,
    OPENED = 4,
    HIDDEN = 8,
    ONLINE = 16,
    OVER_HTTP = 32,
    CHOSEN = 64
};

static void put_number(struct tt_buffer *out, uint64_t number)
{
    while (number >= 0x80) {
        tt_buffer_add_byte(out, (char)(0x80 | (number & 0x7f)));
        number >>= 7;
    }
    tt_buffer_add_byte(out, (char)number);
}

static void put_bytes(struct tt_buffer *out, struct tt_slice bytes)
{
    put_number(out, bytes.size);
    tt_buffer_add(out, bytes);
}

static void put_id(struct tt_buffer *out, const tt_id *id)
{
    put_bytes(out, tt_id_slice(id));
}

void tt_hint_encode(const struct tt_hint *hint, struct tt_buffer *out)
{
    int flags = (hint->moved_delivered ? MOVED_DELIVERED : 0) |
                (hint->moved_read ? MOVED_READ : 0) | (hint->opened ? OPENED : 0) |
                (hint->hidden ? HIDDEN : 0) | (hint->status.online ? ONLINE : 0) |
                (hint->over_http ? OVER_HTTP : 0) | (hint->chosen ? CHOSEN : 0);
    tt_buffer_add_byte(out, (char)hint->kind);
    tt_buffer_add_byte(out, (char)flags);
    put_id(out, &hint->user);
    put_id(out, &hint->device);
    put_id(out, &hint->conversation);
    put_id(out, &hint->about);
    put_number(out, hint->message.seq.n);
    put_number(out, (uint64_t)hint->message.timestamp.ms);
    put_id(out, &hint->message.sender);
    put_id(out, &hint->message.sender_device);
    put_id(out, &hint->message.client_id);
    put_bytes(out, hint->message.content);
    put_number(out, hint->cursor.delivered.n);
    put_number(out, hint->cursor.read.n);
    put_number(out, (uint64_t)hint->status.last_seen.ms);
    put_number(out, hint->version);
    put_id(out, &hint->reply_to.server);
    put_number(out, hint->reply_to.incarnation);
    put_number(out, hint->reply_to.node);
    put_number(out, hint->waiter.index);
    put_number(out, hint->waiter.generation);
}

struct reader {
    struct tt_slice rest;
    bool failed;
};

static uint8_t take_byte(struct reader *reader)
{
    if (reader->rest.size == 0) {
        reader->failed = true;
        return 0;
    }
    uint8_t byte = (uint8_t)reader->rest.data[0];
    reader->rest = tt_slice_from(reader->rest, 1);
    return byte;
}

static uint64_t take_number(struct reader *reader)
{
    uint64_t number = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t byte = take_byte(reader);
        number |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return number;
    }
    reader->failed = true;
    return 0;
}

static struct tt_slice take_bytes(struct reader *reader)
{
    uint64_t size = take_number(reader);
    if (size > reader->rest.size) {
        reader->failed = true;
        return TT_SLICE_EMPTY;
    }
    struct tt_slice bytes = tt_slice(reader->rest.data, (size_t)size);
    reader->rest = tt_slice_from(reader->rest, (size_t)size);
    return bytes;
}

static tt_id take_id(struct reader *reader)
{
    tt_id id = {0};
    struct tt_slice bytes = take_bytes(reader);
    if (bytes.size > 0 && !tt_is_ok(tt_id_parse(bytes, &id)))
        reader->failed = true;
    return id;
}

static void take_message(struct reader *reader, struct tt_message *message)
{
    message->seq = TT_SEQ(take_number(reader));
    message->timestamp = TT_TIME((int64_t)take_number(reader));
    message->sender = take_id(reader);
    message->sender_device = take_id(reader);
    message->client_id = take_id(reader);
    message->content = take_bytes(reader);
}

tt_err tt_hint_decode(struct tt_slice bytes, struct tt_hint *hint)
{
    struct reader reader = {.rest = bytes};
    *hint = (struct tt_hint){0};
    uint8_t kind = take_byte(&reader);
    uint8_t flags = take_byte(&reader);
    if (kind > TT_HINT_MARK)
        return TT_FAIL(CORRUPT);
    hint->kind = (enum tt_hint_kind)kind;
    hint->moved_delivered = flags & MOVED_DELIVERED;
    hint->moved_read = flags & MOVED_READ;
    hint->opened = flags & OPENED;
    hint->hidden = flags & HIDDEN;
    hint->status.online = flags & ONLINE;
    hint->over_http = flags & OVER_HTTP;
    hint->chosen = flags & CHOSEN;
    hint->user = take_id(&reader);
    hint->device = take_id(&reader);
    hint->conversation = take_id(&reader);
    hint->about = take_id(&reader);
    take_message(&reader, &hint->message);
    hint->cursor.delivered = TT_SEQ(take_number(&reader));
    hint->cursor.read = TT_SEQ(take_number(&reader));
    hint->status.last_seen = TT_TIME((int64_t)take_number(&reader));
    hint->version = take_number(&reader);
    hint->reply_to.server = take_id(&reader);
    hint->reply_to.incarnation = take_number(&reader);
    hint->reply_to.node = (uint32_t)take_number(&reader);
    hint->waiter.index = (uint32_t)take_number(&reader);
    hint->waiter.generation = (uint32_t)take_number(&reader);
    return reader.failed || reader.rest.size > 0 ? TT_FAIL(CORRUPT) : TT_OK;
}

const char *tt_hint_name(enum tt_hint_kind kind)
{
    static const char *const names[] = {
#define X(name) [TT_HINT_##name] = #name,
        TT_HINT_MAP(X)
#undef X
    };
    TT_ASSERT(kind < sizeof(names) / sizeof(names[0]));
    return names[kind];
}
