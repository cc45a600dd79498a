#include "adapter/dynamodb/parts.h"
#include "adapter/dynamodb/servers.h"

/*
 * Each pending row names the node that armed it last, and that node has the timer. What is listed
 * here is what nobody else will ring for: rows of this very node, and those of servers that have
 * died, which are taken over by a conditional write, so that of many survivors one rings.
 */
#define ROWS_LOOKED_AT_MAX 1000

struct found {
    struct tt_unrung row;
    struct tt_slice armed_by;
    bool ours;
    struct tt_ddb_request *take; /* NULL: nothing to take over */
};

static struct tt_ddb_request *take_over(struct tt_ddb_work *work, const struct found *found)
{
    struct tt_ddb_request *update =
        tt_ddb_new(work, TT_DDB_UPDATE, TT_DDB_PENDING, tt_ddb_id(&found->row.user),
                   tt_ddb_id(&found->row.conversation));
    tt_ddb_set(update, "armed_by", tt_ddb_text(tt_slice_text(work->store->node_text)));
    tt_ddb_only_if(update, TT_DDB_EQUAL, "armed_by", tt_ddb_text(found->armed_by));
    return update;
}

static size_t read_rows(struct tt_ddb_work *work, const struct tt_ddb_answer *page,
                        struct found *found)
{
    size_t count = 0;
    for (size_t i = 0; i < page->item_count; i++) {
        struct tt_json item = page->items[i];
        struct found one = {
            .row = {.user = tt_ddb_get_id(item, "user_id"),
                    .conversation = tt_ddb_get_id(item, "conversation_id"),
                    .armed = TT_SEQ(tt_ddb_get_number(item, "armed_seq")),
                    .pushed = TT_SEQ(tt_ddb_get_number(item, "pushed_seq"))},
            .armed_by = tt_ddb_get_raw(item, "armed_by"),
        };
        one.ours = tt_slice_eq(one.armed_by, tt_slice_text(work->store->node_text));
        if (one.row.pushed.n < one.row.armed.n)
            found[count++] = one;
    }
    return count;
}

/* Takes over what the dead have left; whoever is faster has it. */
static tt_err take_from_dead(struct tt_ddb_work *work, struct found *found, size_t count)
{
    struct tt_slice *nodes = tt_arena_array(&work->arena, count, sizeof(*nodes));
    bool *dead = tt_arena_array(&work->arena, count, sizeof(*dead));
    struct tt_ddb_request **requests =
        tt_arena_array(&work->arena, count, sizeof(struct tt_ddb_request *));
    size_t asked = 0;
    for (size_t i = 0; i < count; i++)
        nodes[i] = found[i].armed_by;
    TT_TRY(tt_ddb_find_dead(work, nodes, count, dead));
    for (size_t i = 0; i < count; i++)
        if (dead[i] && !found[i].ours)
            requests[asked++] = found[i].take = take_over(work, &found[i]);
    const struct tt_ddb_answer *answers = tt_ddb_ask_all(work, requests, asked);
    asked = 0;
    for (size_t i = 0; i < count; i++) {
        if (found[i].take == NULL)
            continue;
        TT_TRY(tt_ddb_known(&answers[asked]));
        found[i].ours = answers[asked].outcome == TT_DDB_DONE || answers[asked].retried;
        asked++;
    }
    return TT_OK;
}

/* A row may be armed for a message that was never stored: what is behind the head rings nobody, and
 * must not be kept as rung for, either. */
static tt_err end_at_heads(struct tt_ddb_work *work, struct found *found, size_t count)
{
    struct tt_ddb_request **requests =
        tt_arena_array(&work->arena, count, sizeof(struct tt_ddb_request *));
    for (size_t i = 0; i < count; i++) {
        requests[i] = tt_ddb_newest(work, &found[i].row.conversation, 1);
        requests[i]->query.only = "seq";
    }
    const struct tt_ddb_answer *answers = tt_ddb_ask_all(work, requests, count);
    for (size_t i = 0; i < count; i++) {
        TT_TRY(tt_ddb_known(&answers[i]));
        tt_seq head =
            TT_SEQ(answers[i].item_count == 0 ? 0 : tt_ddb_get_number(answers[i].items[0], "seq"));
        found[i].row.armed = tt_seq_min(found[i].row.armed, head);
    }
    return TT_OK;
}

static tt_err list_unrung(struct tt_ddb_work *work)
{
    struct tt_list_unrung *list = &work->op->list_unrung;
    struct tt_ddb_value none = {.kind = TT_DDB_NONE};
    struct tt_ddb_request *scan = tt_ddb_new(work, TT_DDB_SCAN, TT_DDB_PENDING, none, none);
    scan->query.limit = ROWS_LOOKED_AT_MAX;
    if (!tt_id_is_none(&list->after_user)) {
        scan->key.hash = tt_ddb_id(&list->after_user);
        scan->key.range = tt_ddb_id(&list->after_conversation);
    }
    const struct tt_ddb_answer *page = tt_ddb_ask(work, scan);
    TT_TRY(tt_ddb_known(page));
    struct found *found = tt_arena_array(&work->arena, page->item_count, sizeof(*found));
    size_t count = read_rows(work, page, found);
    list->more = page->more || count > list->count_max;
    if (page->more) {
        TT_TRY(tt_id_parse(page->behind_hash.text, &list->last_user));
        TT_TRY(tt_id_parse(page->behind.text, &list->last_conversation));
    }
    if (count > list->count_max) {
        count = list->count_max;
        list->last_user = found[count - 1].row.user;
        list->last_conversation = found[count - 1].row.conversation;
    }
    TT_TRY(take_from_dead(work, found, count));
    size_t ours = 0;
    for (size_t i = 0; i < count; i++)
        if (found[i].ours)
            found[ours++] = found[i];
    TT_TRY(end_at_heads(work, found, ours));
    struct tt_unrung *rows = tt_arena_array(&work->op->arena, ours, sizeof(*rows));
    for (size_t i = 0; i < ours; i++)
        if (found[i].row.pushed.n < found[i].row.armed.n)
            rows[list->row_count++] = found[i].row;
    list->rows = rows;
    return TT_OK;
}

void tt_ddb_list_unrung(struct tt_ddb_work *work)
{
    work->op->err = list_unrung(work);
}
