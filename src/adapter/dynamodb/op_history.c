#include <stdint.h>
#include <stdlib.h>

#include "adapter/dynamodb/parts.h"
#include "adapter/dynamodb/push_row.h"
#include "adapter/dynamodb/servers.h"
#include "adapter/dynamodb/steps.h"
#include "base/memory.h"

struct telling {
    struct tt_ddb_work *work;
    struct tt_read_history *history;
    struct tt_ddb_conversation *conversation;
    uint64_t from;
    uint64_t to;
    tt_time connected_since; /* comings and goings count from here on */
    struct tt_happening *happenings;
    size_t count;
    size_t room;
};

static void add(struct telling *telling, const struct tt_happening *happening)
{
    const struct tt_read_history *history = telling->history;
    if (happening->at.ms < history->since.ms ||
        (history->until.ms != 0 && happening->at.ms > history->until.ms))
        return;
    if (telling->count == telling->room) {
        size_t room = telling->room == 0 ? 64 : telling->room * 2;
        struct tt_happening *more =
            tt_arena_array(&telling->work->arena, room, sizeof(*telling->happenings));
        if (telling->count > 0)
            memcpy(more, telling->happenings, telling->count * sizeof(*more));
        telling->happenings = more;
        telling->room = room;
    }
    telling->happenings[telling->count++] = *happening;
}

static struct tt_slice detail_of(struct telling *telling, struct tt_json item)
{
    return tt_ddb_unescape(tt_ddb_get_raw(item, "detail"), &telling->work->op->arena);
}

static void add_steps(struct telling *telling, struct tt_slice steps, const tt_id *user,
                      struct tt_slice detail)
{
    struct tt_happening step = {.user = *user, .detail = detail};
    while (tt_ddb_steps_next(&steps, &step)) {
        bool has_seqs = step.kind != TT_HAPPENED_CONNECTED && step.kind != TT_HAPPENED_DISCONNECTED;
        if (has_seqs && (step.to.n < telling->from || step.from.n > telling->to))
            continue;
        if (!has_seqs && step.at.ms < telling->connected_since.ms)
            continue;
        add(telling, &step);
    }
}

/* The newest messages of the range, as many as may be told. */
static tt_err add_messages(struct telling *telling)
{
    if (telling->to < telling->from)
        return TT_OK;
    struct tt_ddb_request *request = tt_ddb_new(telling->work, TT_DDB_QUERY, TT_DDB_MESSAGES,
                                                tt_ddb_id(&telling->history->conversation),
                                                (struct tt_ddb_value){.kind = TT_DDB_NONE});
    request->query.from = tt_ddb_number(telling->from);
    request->query.to = tt_ddb_number(telling->to);
    request->query.descending = true;
    request->query.limit = telling->history->count_max;
    const struct tt_ddb_answer *answer =
        tt_ddb_ask_pages(telling->work, request, telling->history->count_max);
    TT_TRY(tt_ddb_known(answer));
    for (size_t i = answer->item_count; i > 0; i--) {
        struct tt_message message;
        if (!tt_ddb_read_message(answer->items[i - 1], &message))
            continue;
        struct tt_happening stored = {.kind = TT_HAPPENED_STORED,
                                      .at = message.timestamp,
                                      .from = message.seq,
                                      .to = message.seq,
                                      .user = message.sender,
                                      .device = message.sender_device};
        add(telling, &stored);
    }
    return TT_OK;
}

static tt_err find_range(struct telling *telling)
{
    struct tt_read_history *history = telling->history;
    TT_TRY(tt_ddb_look_for_head(telling->work, telling->conversation));
    history->head = telling->conversation->head;
    telling->from = history->from.n == 0 ? 1 : history->from.n;
    telling->to = history->to.n == 0 ? history->head.n : history->to.n;
    telling->connected_since = history->since;
    if (history->since.ms != 0)
        return TT_OK;
    const struct tt_ddb_answer *first = tt_ddb_ask(
        telling->work, tt_ddb_new(telling->work, TT_DDB_GET, TT_DDB_MESSAGES,
                                  tt_ddb_id(&history->conversation), tt_ddb_number(telling->from)));
    TT_TRY(tt_ddb_known(first));
    telling->connected_since =
        first->item_count == 0 ? TT_TIME(INT64_MAX) : tt_ddb_get_time(first->items[0], "timestamp");
    return TT_OK;
}

static tt_err add_cursors(struct telling *telling)
{
    struct tt_ddb_work *work = telling->work;
    const tt_id *id = &telling->history->conversation;
    struct tt_ddb_request *requests[2] = {
        tt_ddb_all_status(work, id),
        tt_ddb_new(work, TT_DDB_QUERY, TT_DDB_HISTORY, tt_ddb_id(id),
                   (struct tt_ddb_value){.kind = TT_DDB_NONE}),
    };
    struct tt_ddb_answer *answers = tt_ddb_ask_all(work, requests, 2);
    for (size_t i = 0; i < 2; i++) {
        tt_ddb_follow_pages(work, requests[i], &answers[i], SIZE_MAX);
        TT_TRY(tt_ddb_known(&answers[i]));
    }
    for (size_t i = 2; i > 0; i--) /* what was spilled is older */
        for (size_t j = 0; j < answers[i - 1].item_count; j++) {
            struct tt_json item = answers[i - 1].items[j];
            tt_id user = tt_ddb_get_id(item, "user_id");
            add_steps(telling, tt_ddb_get_raw(item, "steps"), &user, detail_of(telling, item));
        }
    telling->history->members =
        tt_ddb_member_cursors(&answers[0], &telling->conversation->is, &work->op->arena);
    telling->history->member_count = telling->conversation->is.member_count;
    return TT_OK;
}

static struct tt_slice owner_of(struct tt_ddb_work *work, const tt_id *user)
{
    char *text = tt_arena_alloc(&work->arena, (size_t)user->size + 1);
    text[0] = '#';
    memcpy(text + 1, user->bytes, user->size);
    return tt_slice(text, (size_t)user->size + 1);
}

/* Of each member the row, and what was spilled of it. */
static tt_err add_connections(struct telling *telling)
{
    struct tt_ddb_work *work = telling->work;
    const struct tt_conversation *is = &telling->conversation->is;
    struct tt_ddb_value none = {.kind = TT_DDB_NONE};
    struct tt_ddb_request **requests =
        tt_arena_array(&work->arena, 2 * is->member_count, sizeof(struct tt_ddb_request *));
    struct tt_ddb_user *users = tt_arena_array(&work->arena, is->member_count, sizeof(*users));
    for (size_t i = 0; i < is->member_count; i++) {
        requests[2 * i] =
            tt_ddb_new(work, TT_DDB_GET, TT_DDB_USERS, tt_ddb_id(&is->members[i]), none);
        requests[2 * i + 1] = tt_ddb_new(work, TT_DDB_QUERY, TT_DDB_HISTORY,
                                         tt_ddb_text(owner_of(work, &is->members[i])), none);
    }
    struct tt_ddb_answer *answers = tt_ddb_ask_all(work, requests, 2 * is->member_count);
    for (size_t i = 0; i < is->member_count; i++) {
        struct tt_json nothing = {.kind = TT_JSON_ABSENT};
        const struct tt_ddb_answer *row = &answers[2 * i];
        struct tt_ddb_answer *spilled = &answers[2 * i + 1];
        tt_ddb_follow_pages(work, requests[2 * i + 1], spilled, SIZE_MAX);
        TT_TRY(tt_ddb_known(row));
        TT_TRY(tt_ddb_known(spilled));
        users[i] = tt_ddb_user_read(row->item_count > 0 ? row->items[0] : nothing, &is->members[i],
                                    &work->arena);
        for (size_t j = 0; j < spilled->item_count; j++)
            add_steps(telling, tt_ddb_get_raw(spilled->items[j], "steps"), &is->members[i],
                      TT_SLICE_EMPTY);
    }
    TT_TRY(tt_ddb_bury(work, users, is->member_count));
    for (size_t i = 0; i < is->member_count; i++)
        add_steps(telling, users[i].steps, &is->members[i], TT_SLICE_EMPTY);
    return TT_OK;
}

/* What happens at the same time is told in the order in which it makes sense. */
static int rank(enum tt_happening_kind kind)
{
    static const int ranks[] = {
        [TT_HAPPENED_CONNECTED] = 0,     [TT_HAPPENED_STORED] = 1,
        [TT_HAPPENED_PUSH_ACCEPTED] = 2, [TT_HAPPENED_PUSH_FAILED] = 2,
        [TT_HAPPENED_DELIVERED] = 3,     [TT_HAPPENED_READ] = 4,
        [TT_HAPPENED_DISCONNECTED] = 5,
    };
    return ranks[kind];
}

static int by_time(const void *left, const void *right)
{
    const struct tt_happening *const *a = left;
    const struct tt_happening *const *b = right;
    if ((*a)->at.ms != (*b)->at.ms)
        return (*a)->at.ms < (*b)->at.ms ? -1 : 1;
    if (rank((*a)->kind) != rank((*b)->kind))
        return rank((*a)->kind) < rank((*b)->kind) ? -1 : 1;
    return *a < *b ? -1 : *a > *b; /* as they were found */
}

static void tell(struct telling *telling)
{
    struct tt_read_history *history = telling->history;
    const struct tt_happening **sorted =
        tt_arena_array(&telling->work->arena, telling->count, sizeof(struct tt_happening *));
    for (size_t i = 0; i < telling->count; i++)
        sorted[i] = &telling->happenings[i];
    if (telling->count > 0)
        qsort(sorted, telling->count, sizeof(struct tt_happening *), by_time);
    size_t skipped = telling->count > history->count_max ? telling->count - history->count_max : 0;
    struct tt_happening *happenings =
        tt_arena_array(&telling->work->op->arena, telling->count - skipped, sizeof(*happenings));
    for (size_t i = skipped; i < telling->count; i++)
        happenings[i - skipped] = *sorted[i];
    history->happenings = happenings;
    history->happening_count = telling->count - skipped;
}

static tt_err read_history(struct telling *telling)
{
    TT_TRY(tt_ddb_find(telling->work, &telling->history->conversation, &telling->conversation));
    TT_TRY(find_range(telling));
    TT_TRY(add_messages(telling));
    TT_TRY(add_cursors(telling));
    if (!telling->history->messages_only)
        TT_TRY(add_connections(telling));
    tell(telling);
    return TT_OK;
}

void tt_ddb_history(struct tt_ddb_work *work)
{
    struct telling telling = {.work = work, .history = &work->op->history};
    work->op->err = read_history(&telling);
}
