/*
 * Reading messages. The rows of the newest ones lie in memory, one for every seq, so they are
 * looked up, several at once; a walk, which has to look into the files as well and costs as much as
 * many look-ups, begins where the first one is missing.
 */
#include "adapter/embedded/read_parts.h"

#define BEGUN_WITH   8 /* messages have room at first */
#define ROWS_AT_ONCE 16

/* Messages that gather, up to a count and a number of bytes. */
struct gathering {
    struct tt_reading *reading;
    const tt_id *conversation;
    struct tt_walk *walk;      /* NULL: nothing had to be looked for in the files */
    struct tt_buffer messages; /* of struct tt_message */
    size_t count_max;
    uint64_t bytes_left;
};

static size_t gathered(const struct gathering *gathering)
{
    return gathering->messages.size / sizeof(struct tt_message);
}

/* Takes the message if there is room; *full: there was none. The first one is taken whatever its
 * size. */
static tt_err gather(struct gathering *gathering, tt_seq seq, struct tt_slice row, bool *full)
{
    struct tt_message message;
    *full = gathered(gathering) == gathering->count_max;
    if (*full)
        return TT_OK;
    TT_TRY(tt_row_unpack_message(row, &message));
    *full = gathered(gathering) > 0 && message.content.size > gathering->bytes_left;
    if (*full)
        return TT_OK;
    message.seq = seq;
    message.content = tt_arena_copy(gathering->reading->arena, message.content);
    gathering->bytes_left -=
        message.content.size < gathering->bytes_left ? message.content.size : gathering->bytes_left;
    if (gathered(gathering) == 0)
        (void)tt_buffer_reserve(&gathering->messages, BEGUN_WITH * sizeof(message));
    tt_buffer_add(&gathering->messages, tt_slice(&message, sizeof(message)));
    return TT_OK;
}

/* The message that the walk stands at; *full as well if it is none of those up to `to`. */
static tt_err gather_there(struct gathering *gathering, tt_seq to, bool *full)
{
    struct tt_key_parts parts;
    TT_TRY(tt_key_split(tt_walk_key(gathering->walk), &parts));
    *full = parts.number > to.n;
    if (*full)
        return TT_OK;
    return gather(gathering, TT_SEQ(parts.number), tt_walk_value(gathering->walk), full);
}

/* How many of the messages from `seq` on lie in memory, as far as they are looked for at once. */
static size_t recent(const struct gathering *gathering, tt_seq seq, tt_seq to,
                     struct tt_slice rows[ROWS_AT_ONCE])
{
    struct tt_key key = tt_key_of_number(TT_TABLE_MESSAGES, gathering->conversation, seq.n);
    uint64_t wanted = to.n - seq.n + 1;
    return tt_view_find_recent(gathering->reading->view, tt_key_slice(&key), rows,
                               wanted < ROWS_AT_ONCE ? (size_t)wanted : ROWS_AT_ONCE);
}

static struct tt_key begin_walk(struct gathering *gathering, tt_seq seq)
{
    struct tt_key prefix = tt_key_prefix_of(TT_TABLE_MESSAGES, gathering->conversation);
    if (gathering->walk == NULL)
        gathering->walk = tt_walk_create(gathering->reading->view, tt_key_slice(&prefix));
    return tt_key_of_number(TT_TABLE_MESSAGES, gathering->conversation, seq.n);
}

static tt_err gather_forward(struct gathering *gathering, tt_seq from, tt_seq to, bool *full)
{
    struct tt_slice rows[ROWS_AT_ONCE];
    size_t count = 1;
    *full = false;
    while (from.n <= to.n && count > 0) {
        count = recent(gathering, from, to, rows);
        for (size_t i = 0; i < count && !*full; i++, from = tt_seq_next(from))
            TT_TRY(gather(gathering, from, rows[i], full));
        if (*full)
            return TT_OK;
    }
    if (from.n > to.n)
        return TT_OK;
    struct tt_key key = begin_walk(gathering, from);
    for (tt_walk_to(gathering->walk, tt_key_slice(&key)); tt_walk_valid(gathering->walk) && !*full;
         tt_walk_next(gathering->walk))
        TT_TRY(gather_there(gathering, to, full));
    return TT_OK;
}

static tt_err gather_back(struct gathering *gathering, tt_seq from)
{
    struct tt_slice rows[ROWS_AT_ONCE];
    bool full = false;
    for (; from.n > 0 && recent(gathering, from, from, rows) > 0; from = TT_SEQ(from.n - 1)) {
        TT_TRY(gather(gathering, from, rows[0], &full));
        if (full)
            return TT_OK;
    }
    if (from.n == 0)
        return TT_OK;
    struct tt_key key = begin_walk(gathering, from);
    for (tt_walk_back_to(gathering->walk, tt_key_slice(&key));
         tt_walk_valid(gathering->walk) && !full; tt_walk_prev(gathering->walk))
        TT_TRY(gather_there(gathering, from, &full));
    return TT_OK;
}

/* What was gathered, in the op's arena: the last `back` ones stand before the others, turned
 * round. */
static const struct tt_message *arrange(const struct gathering *gathering, size_t back)
{
    size_t count = gathered(gathering);
    struct tt_message *messages =
        tt_arena_array(gathering->reading->arena, count, sizeof(*messages));
    const char *bytes = gathering->messages.data;
    for (size_t i = 0; i < count; i++) {
        size_t from = i < back ? count - 1 - i : i - back;
        memcpy(&messages[i], bytes + from * sizeof(*messages), sizeof(*messages));
    }
    return messages;
}

static tt_err end(struct gathering *gathering, tt_err err)
{
    tt_err ended = gathering->walk == NULL ? TT_OK : tt_walk_destroy(&gathering->walk);
    tt_buffer_deinit(&gathering->messages);
    return tt_is_ok(err) ? ended : err;
}

tt_err tt_read_messages(struct tt_reading *reading, struct tt_read_messages *read)
{
    struct tt_head_row head;
    struct gathering gathering = {.reading = reading,
                                  .conversation = &read->conversation,
                                  .count_max = read->count_max,
                                  .bytes_left = read->bytes_max};
    bool full;
    TT_TRY(tt_read_head_row(reading, &read->conversation, &head));
    read->head = head.head;
    tt_err err = gather_forward(&gathering, tt_seq_max(TT_SEQ(1), read->from), head.head, &full);
    read->messages = arrange(&gathering, 0);
    read->message_count = gathered(&gathering);
    return end(&gathering, err);
}

static tt_err both_ways(struct gathering *gathering, const struct tt_read_snapshot *snapshot,
                        size_t *back)
{
    tt_seq start = tt_seq_max(TT_SEQ(1), snapshot->my_cursor.read);
    bool full;
    *back = 0;
    TT_TRY(gather_forward(gathering, start, snapshot->head, &full));
    size_t forward = gathered(gathering);
    if (full)
        return TT_OK;
    TT_TRY(gather_back(gathering, TT_SEQ(start.n - 1)));
    *back = gathered(gathering) - forward;
    return TT_OK;
}

tt_err tt_read_snapshot_messages(struct tt_reading *reading, struct tt_read_snapshot *snapshot)
{
    struct gathering gathering = {.reading = reading,
                                  .conversation = &snapshot->conversation,
                                  .count_max = snapshot->count_max,
                                  .bytes_left = snapshot->bytes_max};
    size_t back;
    tt_err err = both_ways(&gathering, snapshot, &back);
    if (tt_is_ok(err)) {
        snapshot->messages = arrange(&gathering, back);
        snapshot->message_count = gathered(&gathering);
    }
    return end(&gathering, err);
}
