#include "edge/why_text.h"

#include "base/json.h"

/* In a large group the first few say enough. */
#define NAMED_MAX 5

struct tt_push_detail tt_push_detail(struct tt_slice detail)
{
    static const char *const providers[] = {"apns", "fcm", "webpush"};
    const char *space = detail.size == 0 ? NULL : memchr(detail.data, ' ', detail.size);
    size_t size = space == NULL ? detail.size : (size_t)(space - detail.data);
    for (size_t i = 0; i < sizeof(providers) / sizeof(providers[0]); i++) {
        struct tt_slice word = tt_slice(detail.data, size);
        if (tt_slice_eq(word, tt_slice_text(providers[i])))
            return (struct tt_push_detail){word, space == NULL ? TT_SLICE_EMPTY
                                                               : tt_slice_from(detail, size + 1)};
    }
    return (struct tt_push_detail){TT_SLICE_EMPTY, detail};
}

/* "2024-01-15 09:42:00 UTC" */
static void add_time(struct tt_buffer *out, tt_time time)
{
    char text[TT_TIME_TEXT_SIZE];
    tt_time_format(time, text);
    tt_buffer_add(out, tt_slice(text, 10));
    tt_buffer_add_byte(out, ' ');
    tt_buffer_add(out, tt_slice(text + 11, 8));
    tt_buffer_add_text(out, " UTC");
}

/* The size of the character at `at` if a terminal obeys it (U+0000 to U+001F, U+007F to U+009F) or
 * if it turns what follows around, or ends that (U+202A to U+202E, U+2066 to U+2069). Else 0. */
static size_t power(struct tt_slice text, size_t at)
{
    const unsigned char *is = (const unsigned char *)text.data + at;
    size_t left = text.size - at;
    if (is[0] < 0x20 || is[0] == 0x7f)
        return 1;
    if (left >= 2 && is[0] == 0xc2 && is[1] < 0xa0)
        return 2;
    if (left < 3 || is[0] != 0xe2)
        return 0;
    bool turns = (is[1] == 0x80 && is[2] >= 0xaa && is[2] <= 0xae) ||
                 (is[1] == 0x81 && is[2] >= 0xa6 && is[2] <= 0xa9);
    return turns ? 3 : 0;
}

/* A name that somebody chose must not change the sentence around it. One that could stands between
 * U+2068 and U+2069, as in <bdi>, and without the characters that have a power of their own. */
static void add_chosen_name(struct tt_buffer *out, struct tt_slice name)
{
    bool plain = true;
    for (size_t i = 0; i < name.size; i++)
        plain = plain && (unsigned char)name.data[i] < 0x80;
    if (!plain)
        tt_buffer_add_text(out, "\xe2\x81\xa8");
    for (size_t i = 0; i < name.size; i++) {
        size_t size = power(name, i);
        if (size == 0)
            tt_buffer_add_byte(out, name.data[i]);
        else
            i += size - 1;
    }
    if (!plain)
        tt_buffer_add_text(out, "\xe2\x81\xa9");
}

static void add_name(struct tt_buffer *out, const struct tt_receipt *receipt)
{
    struct tt_buffer name = {0};
    if (receipt->display_name.size == 0) {
        tt_buffer_add(out, tt_id_slice(&receipt->user));
        return;
    }
    tt_json_unescape(receipt->display_name, &name);
    add_chosen_name(out, tt_buffer_slice(&name));
    tt_buffer_deinit(&name);
}

static void add_at(struct tt_buffer *out, const char *before, tt_time time)
{
    if (time.ms == 0)
        return;
    tt_buffer_add_text(out, before);
    add_time(out, time);
}

static void add_push(struct tt_buffer *out, const struct tt_happening *push)
{
    if (push->at.ms == 0)
        return;
    struct tt_push_detail detail = tt_push_detail(push->detail);
    bool accepted = push->kind == TT_HAPPENED_PUSH_ACCEPTED;
    tt_buffer_add_text(out, accepted ? " A notification was accepted" : " A notification failed");
    if (accepted && detail.provider.size > 0) {
        tt_buffer_add_text(out, " by ");
        tt_buffer_add(out, detail.provider);
    }
    add_at(out, " at ", push->at);
    if (!accepted && detail.rest.size > 0) {
        tt_buffer_add_text(out, " (");
        tt_buffer_add(out, detail.rest);
        tt_buffer_add_byte(out, ')');
    }
    tt_buffer_add_text(out, accepted ? "; it may ring the phone, but it delivers nothing."
                                     : "; so the phone may not have rung.");
}

static void add_receipt(struct tt_buffer *out, const struct tt_receipt *receipt)
{
    tt_buffer_add_byte(out, ' ');
    switch (receipt->waiting_for) {
    case TT_WAITING_FOR_NOTHING:
        add_name(out, receipt);
        tt_buffer_add_text(out, " has read it");
        add_at(out, ", at ", receipt->read_at);
        tt_buffer_add_byte(out, '.');
        break;
    case TT_WAITING_FOR_CONNECTION:
        add_name(out, receipt);
        tt_buffer_add_text(out, " is not connected");
        add_at(out, "; the last connection ended at ", receipt->offline_since);
        tt_buffer_add_text(out, ". The message is handed over as soon as a device connects.");
        add_push(out, &receipt->push);
        break;
    case TT_WAITING_FOR_DELIVERED_ACK:
        tt_buffer_add_text(out, "No device of ");
        add_name(out, receipt);
        tt_buffer_add_text(out, " has confirmed yet that it holds the message.");
        add_push(out, &receipt->push);
        break;
    case TT_WAITING_FOR_READ_ACK:
        tt_buffer_add_text(out, "A device of ");
        add_name(out, receipt);
        tt_buffer_add_text(out, " holds it");
        add_at(out, " since ", receipt->delivered_at);
        tt_buffer_add_text(out, ", but it has not been read yet.");
        break;
    }
}

static void add_tick(struct tt_buffer *out, enum tt_tick tick, bool alone)
{
    switch (tick) {
    case TT_TICK_ONE:
        tt_buffer_add_text(out, alone ? "One tick: the message is safely stored, but not "
                                        "delivered."
                                      : "One tick: the message is safely stored, but not "
                                        "delivered to everyone.");
        break;
    case TT_TICK_TWO:
        tt_buffer_add_text(out, alone ? "Two ticks: the message is delivered, but not read."
                                      : "Two ticks: the message is delivered to everyone, but "
                                        "not read by everyone.");
        break;
    case TT_TICK_BLUE:
        tt_buffer_add_text(out, alone ? "Two blue ticks: the message is read."
                                      : "Two blue ticks: the message is read by everyone.");
        break;
    }
}

/* Whether this person is a reason why the tick is not one further. */
static bool holds_up(const struct tt_receipt *receipt, enum tt_tick tick)
{
    switch (tick) {
    case TT_TICK_ONE:
        return receipt->waiting_for == TT_WAITING_FOR_CONNECTION ||
               receipt->waiting_for == TT_WAITING_FOR_DELIVERED_ACK;
    case TT_TICK_TWO:
        return receipt->waiting_for == TT_WAITING_FOR_READ_ACK;
    case TT_TICK_BLUE:
        return true;
    }
    return true;
}

void tt_why_text(const struct tt_reply *reply, struct tt_buffer *out)
{
    bool alone = reply->about.receipt_count == 1;
    size_t named = 0;
    size_t unnamed = 0;
    add_tick(out, reply->about.tick, alone);
    for (size_t i = 0; i < reply->about.receipt_count; i++) {
        const struct tt_receipt *receipt = &reply->about.receipts[i];
        if (!holds_up(receipt, reply->about.tick))
            continue;
        if (named < NAMED_MAX) {
            add_receipt(out, receipt);
            named++;
        } else {
            unnamed++;
        }
    }
    if (unnamed == 0)
        return;
    tt_buffer_add_byte(out, ' ');
    tt_buffer_add_u64(out, unnamed);
    tt_buffer_add_text(out, reply->about.tick == TT_TICK_BLUE ? " more have read it, too."
                                                              : " more not yet, either.");
}
