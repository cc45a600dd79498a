#include <stdlib.h>

#include "adapter/embedded/read_parts.h"
#include "base/memory.h"

/* The newest happenings so far: a heap with the oldest of them at its root, which goes first. */
struct newest {
    struct tt_happening *heap;
    size_t count;
    size_t count_max;
    size_t room;
};

struct question {
    struct tt_reading *reading;
    const struct tt_read_history *history;
    tt_seq from;
    tt_seq to;
    tt_time since; /* for connections, which belong to no message */
    struct newest *newest;
};

/* What happens at the same time is told in the order in which it makes sense. */
static int rank(enum tt_happening_kind kind)
{
    switch (kind) {
    case TT_HAPPENED_CONNECTED:
        return 0;
    case TT_HAPPENED_STORED:
        return 1;
    case TT_HAPPENED_PUSH_ACCEPTED:
    case TT_HAPPENED_PUSH_FAILED:
        return 2;
    case TT_HAPPENED_DELIVERED:
        return 3;
    case TT_HAPPENED_READ:
        return 4;
    case TT_HAPPENED_DISCONNECTED:
        return 5;
    }
    return 6;
}

static int compare(const void *a, const void *b)
{
    const struct tt_happening *left = a;
    const struct tt_happening *right = b;
    if (left->at.ms != right->at.ms)
        return left->at.ms < right->at.ms ? -1 : 1;
    if (rank(left->kind) != rank(right->kind))
        return rank(left->kind) < rank(right->kind) ? -1 : 1;
    if (left->from.n != right->from.n)
        return left->from.n < right->from.n ? -1 : 1;
    return tt_id_compare(&left->user, &right->user);
}

static void swap(struct tt_happening *a, struct tt_happening *b)
{
    struct tt_happening kept = *a;
    *a = *b;
    *b = kept;
}

static void sift_up(struct newest *newest)
{
    size_t at = newest->count - 1;
    while (at > 0 && compare(&newest->heap[at], &newest->heap[(at - 1) / 2]) < 0) {
        swap(&newest->heap[at], &newest->heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
}

static void sift_down(struct newest *newest)
{
    size_t at = 0;
    for (;;) {
        size_t least = at;
        for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < newest->count; child++)
            if (compare(&newest->heap[child], &newest->heap[least]) < 0)
                least = child;
        if (least == at)
            return;
        swap(&newest->heap[at], &newest->heap[least]);
        at = least;
    }
}

/* false: it is older than all that are kept, and so will be what its source tells next. */
static bool keep(struct newest *newest, const struct tt_happening *happening)
{
    if (newest->count_max == 0)
        return false;
    if (newest->count < newest->count_max) {
        if (newest->count == newest->room) {
            newest->room = newest->room == 0 ? 64 : newest->room * 2;
            newest->heap = tt_grow(newest->heap, newest->room, sizeof(*newest->heap));
        }
        newest->heap[newest->count++] = *happening;
        sift_up(newest);
        return true;
    }
    if (compare(happening, &newest->heap[0]) <= 0)
        return false;
    newest->heap[0] = *happening;
    sift_down(newest);
    return true;
}

static bool is_asked_for(const struct question *question, tt_time at)
{
    const struct tt_read_history *history = question->history;
    return (history->since.ms == 0 || at.ms >= history->since.ms) &&
           (history->until.ms == 0 || at.ms <= history->until.ms);
}

static tt_err tell_stored(const struct question *question, struct tt_walk *walk)
{
    for (; tt_walk_valid(walk); tt_walk_prev(walk)) {
        struct tt_key_parts parts;
        struct tt_message message;
        TT_TRY(tt_key_split(tt_walk_key(walk), &parts));
        if (parts.number < question->from.n)
            break;
        TT_TRY(tt_row_unpack_message(tt_walk_value(walk), &message));
        struct tt_happening happening = {
            .kind = TT_HAPPENED_STORED,
            .at = message.timestamp,
            .from = TT_SEQ(parts.number),
            .to = TT_SEQ(parts.number),
            .user = message.sender,
            .device = message.sender_device,
        };
        if (is_asked_for(question, happening.at) && !keep(question->newest, &happening))
            break;
    }
    return TT_OK;
}

static tt_err add_stored(const struct question *question)
{
    const tt_id *conversation = &question->history->conversation;
    struct tt_key prefix = tt_key_prefix_of(TT_TABLE_MESSAGES, conversation);
    struct tt_key last = tt_key_of_number(TT_TABLE_MESSAGES, conversation, question->to.n);
    struct tt_walk *walk = tt_walk_create(question->reading->view, tt_key_slice(&prefix));
    tt_walk_back_to(walk, tt_key_slice(&last));
    tt_err err = tell_stored(question, walk);
    tt_err ended = tt_walk_destroy(&walk);
    return tt_is_ok(err) ? ended : err;
}

static tt_err tell_steps(const struct question *question, struct tt_walk *walk)
{
    for (; tt_walk_valid(walk); tt_walk_prev(walk)) {
        struct tt_key_parts parts;
        struct tt_step_row row;
        TT_TRY(tt_key_split(tt_walk_key(walk), &parts));
        if (parts.number < question->from.n)
            break;
        TT_TRY(tt_row_unpack_step(tt_walk_value(walk), &row));
        struct tt_happening happening = {
            .kind = parts.step == TT_STEP_READ ? TT_HAPPENED_READ : TT_HAPPENED_DELIVERED,
            .at = row.at,
            .from = row.from,
            .to = TT_SEQ(parts.number),
            .user = parts.second,
            .device = row.device,
        };
        if (row.from.n > question->to.n || !is_asked_for(question, happening.at))
            continue;
        if (!keep(question->newest, &happening))
            break;
    }
    return TT_OK;
}

/* From the step that passes over the last message asked about, or the last one before it, back. */
static tt_err add_steps(const struct question *question, const tt_id *user, enum tt_step kind)
{
    struct tt_key last = tt_key_of_step(&question->history->conversation, user, kind, question->to);
    struct tt_slice prefix = tt_slice(last.bytes, last.size - sizeof(uint64_t));
    struct tt_walk *walk = tt_walk_create(question->reading->view, prefix);
    tt_walk_to(walk, tt_key_slice(&last));
    if (!tt_walk_valid(walk))
        tt_walk_back_to(walk, tt_key_slice(&last));
    tt_err err = tell_steps(question, walk);
    tt_err ended = tt_walk_destroy(&walk);
    return tt_is_ok(err) ? ended : err;
}

static tt_err tell_connections(const struct question *question, struct tt_walk *walk)
{
    for (; tt_walk_valid(walk); tt_walk_prev(walk)) {
        struct tt_key_parts parts;
        struct tt_connection_row row;
        TT_TRY(tt_key_split(tt_walk_key(walk), &parts));
        TT_TRY(tt_row_unpack_connection(tt_walk_value(walk), &row));
        struct tt_happening happening = {
            .kind = row.connected ? TT_HAPPENED_CONNECTED : TT_HAPPENED_DISCONNECTED,
            .at = row.at,
            .user = parts.first,
            .device = row.device,
        };
        if (row.at.ms < question->since.ms || !is_asked_for(question, row.at))
            continue;
        if (!keep(question->newest, &happening))
            break;
    }
    return TT_OK;
}

static tt_err add_connections(const struct question *question, const tt_id *user)
{
    struct tt_key prefix = tt_key_prefix_of(TT_TABLE_CONNECTIONS, user);
    struct tt_key last = tt_key_of_number(TT_TABLE_CONNECTIONS, user, UINT64_MAX);
    struct tt_walk *walk = tt_walk_create(question->reading->view, tt_key_slice(&prefix));
    tt_walk_back_to(walk, tt_key_slice(&last));
    tt_err err = tell_connections(question, walk);
    tt_err ended = tt_walk_destroy(&walk);
    return tt_is_ok(err) ? ended : err;
}

static tt_err tell_pushes(const struct question *question, struct tt_walk *walk)
{
    for (; tt_walk_valid(walk); tt_walk_next(walk)) {
        struct tt_key_parts parts;
        struct tt_push_row row;
        TT_TRY(tt_key_split(tt_walk_key(walk), &parts));
        if (parts.number > question->to.n)
            break;
        TT_TRY(tt_row_unpack_push(tt_walk_value(walk), &row));
        struct tt_happening happening = {
            .kind = row.accepted ? TT_HAPPENED_PUSH_ACCEPTED : TT_HAPPENED_PUSH_FAILED,
            .at = parts.at,
            .from = TT_SEQ(parts.number),
            .to = TT_SEQ(parts.number),
            .user = parts.second,
            .device = parts.client,
            .detail = tt_arena_copy(question->reading->arena, row.detail),
        };
        if (is_asked_for(question, happening.at))
            (void)keep(question->newest, &happening);
    }
    return TT_OK;
}

static tt_err add_pushes(const struct question *question)
{
    const tt_id *conversation = &question->history->conversation;
    struct tt_key prefix = tt_key_prefix_of(TT_TABLE_PUSHES, conversation);
    struct tt_key first = tt_key_of_number(TT_TABLE_PUSHES, conversation, question->from.n);
    struct tt_walk *walk = tt_walk_create(question->reading->view, tt_key_slice(&prefix));
    tt_walk_to(walk, tt_key_slice(&first));
    tt_err err = tell_pushes(question, walk);
    tt_err ended = tt_walk_destroy(&walk);
    return tt_is_ok(err) ? ended : err;
}

static tt_err add_all(const struct question *question, const struct tt_conversation *conversation)
{
    TT_TRY(add_stored(question));
    TT_TRY(add_pushes(question));
    for (size_t i = 0; i < conversation->member_count; i++) {
        const tt_id *user = &conversation->members[i];
        TT_TRY(add_steps(question, user, TT_STEP_DELIVERED));
        TT_TRY(add_steps(question, user, TT_STEP_READ));
        if (!question->history->messages_only)
            TT_TRY(add_connections(question, user));
    }
    return TT_OK;
}

/* Connections count from `since`, else from the first of the messages, else from the creation. */
static tt_err connections_since(struct question *question,
                                const struct tt_conversation *conversation)
{
    struct tt_message first;
    question->since = conversation->created_at;
    if (question->history->since.ms != 0)
        question->since = question->history->since;
    else if (question->from.n <= question->history->head.n) {
        TT_TRY(tt_read_message(question->reading, &conversation->id, question->from, &first));
        question->since = first.timestamp;
    }
    return TT_OK;
}

tt_err tt_read_history(struct tt_reading *reading, struct tt_read_history *history)
{
    struct tt_conversation conversation;
    struct tt_head_row head;
    struct tt_member_cursor *members;
    struct newest newest = {.count_max = history->count_max};
    TT_TRY(tt_read_conversation_row(reading, &history->conversation, &conversation));
    TT_TRY(tt_read_head_row(reading, &history->conversation, &head));
    TT_TRY(tt_read_cursors(reading, &conversation, NULL, &members));
    history->head = head.head;
    history->members = members;
    history->member_count = conversation.member_count;
    struct question question = {
        .reading = reading,
        .history = history,
        .from = tt_seq_max(TT_SEQ(1), history->from),
        .to = history->to.n == 0 ? head.head : tt_seq_min(history->to, head.head),
        .newest = &newest,
    };
    TT_TRY(connections_since(&question, &conversation));
    tt_err err = add_all(&question, &conversation);
    if (newest.count > 0)
        qsort(newest.heap, newest.count, sizeof(*newest.heap), compare);
    struct tt_happening *copy = tt_arena_array(reading->arena, newest.count, sizeof(*copy));
    if (newest.count > 0)
        memcpy(copy, newest.heap, newest.count * sizeof(*copy));
    tt_free(newest.heap);
    history->happenings = copy;
    history->happening_count = newest.count;
    return err;
}
