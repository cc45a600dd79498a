#include <stdint.h>

#include "adapter/dynamodb/parts.h"

/* Copies messages into the op until their content is too much; the first one comes anyway. */
static size_t take_messages(struct tt_ddb_work *work, const struct tt_json *items, size_t count,
                            bool descending, uint32_t bytes_max, struct tt_message *out)
{
    size_t taken = 0;
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++) {
        struct tt_message message;
        if (!tt_ddb_read_message(items[descending ? count - 1 - i : i], &message))
            break;
        bytes += message.content.size;
        if (taken > 0 && bytes > bytes_max)
            break;
        out[taken++] = tt_ddb_copy_message(&message, &work->op->arena);
    }
    return taken;
}

static struct tt_ddb_request *range(struct tt_ddb_work *work, const tt_id *conversation,
                                    uint64_t from, uint64_t to, uint32_t limit)
{
    struct tt_ddb_request *request =
        tt_ddb_new(work, TT_DDB_QUERY, TT_DDB_MESSAGES, tt_ddb_id(conversation),
                   (struct tt_ddb_value){.kind = TT_DDB_NONE});
    request->query.from = tt_ddb_number(from);
    if (to > 0)
        request->query.to = tt_ddb_number(to);
    request->query.limit = limit;
    return request;
}

static size_t content_size(const struct tt_ddb_answer *answer)
{
    size_t size = 0;
    for (size_t i = 0; i < answer->item_count; i++)
        size += tt_ddb_get_raw(answer->items[i], "content").size;
    return size;
}

/* The head is what stands at the end of the range, if the end was reached; else it is looked for.
 */
static tt_err read_messages(struct tt_ddb_work *work)
{
    struct tt_read_messages *read = &work->op->read_messages;
    struct tt_ddb_conversation *conversation;
    TT_TRY(tt_ddb_find(work, &read->conversation, &conversation));
    if (read->count_max > 0) {
        struct tt_ddb_request *request = range(
            work, &read->conversation, read->from.n == 0 ? 1 : read->from.n, 0, read->count_max);
        struct tt_ddb_answer *answer = tt_ddb_ask(work, request);
        while (answer->more && answer->item_count < read->count_max &&
               content_size(answer) < read->bytes_max)
            tt_ddb_follow_pages(work, request, answer, answer->item_count + 1);
        TT_TRY(tt_ddb_known(answer));
        size_t count = answer->item_count < read->count_max ? answer->item_count : read->count_max;
        struct tt_message *messages = tt_arena_array(&work->op->arena, count, sizeof(*messages));
        read->message_count =
            take_messages(work, answer->items, count, false, read->bytes_max, messages);
        read->messages = messages;
        if (answer->item_count > 0)
            tt_ddb_saw_head(conversation, TT_SEQ(tt_ddb_get_number(
                                              answer->items[answer->item_count - 1], "seq")));
        if (answer->item_count > 0 && !answer->more && answer->item_count < read->count_max) {
            read->head = conversation->head;
            return TT_OK;
        }
    }
    TT_TRY(tt_ddb_look_for_head(work, conversation));
    read->head = conversation->head;
    return TT_OK;
}

void tt_ddb_read_messages(struct tt_ddb_work *work)
{
    work->op->err = read_messages(work);
}

static const struct tt_json *row_of(const struct tt_ddb_answer *rows, const tt_id *user)
{
    for (size_t i = 0; i < rows->item_count; i++) {
        tt_id id = tt_ddb_get_id(rows->items[i], "user_id");
        if (tt_id_eq(&id, user))
            return &rows->items[i];
    }
    return NULL;
}

/* From the read cursor on, filled from the front: the newest page usually has it all. */
static tt_err take_page(struct tt_ddb_work *work, const struct tt_ddb_answer *newest)
{
    struct tt_read_snapshot *snapshot = &work->op->snapshot;
    uint64_t head = snapshot->head.n;
    uint64_t from = snapshot->my_cursor.read.n == 0 ? 1 : snapshot->my_cursor.read.n;
    if (head + 1 - from < snapshot->count_max)
        from = head >= snapshot->count_max ? head - snapshot->count_max + 1 : 1;
    uint64_t to = from + snapshot->count_max - 1 < head ? from + snapshot->count_max - 1 : head;
    uint64_t oldest = head + 1 - newest->item_count;
    struct tt_message *messages =
        tt_arena_array(&work->op->arena, snapshot->count_max, sizeof(*messages));
    snapshot->messages = messages;
    if (from >= oldest) { /* items stand newest first */
        const struct tt_json *items = newest->items + (head - to);
        snapshot->message_count = take_messages(work, items, (size_t)(to + 1 - from), true,
                                                snapshot->bytes_max, messages);
        return TT_OK;
    }
    struct tt_ddb_request *request =
        range(work, &snapshot->conversation, from, to, (uint32_t)(to + 1 - from));
    struct tt_ddb_answer *answer = tt_ddb_ask_pages(work, request, (size_t)(to + 1 - from));
    TT_TRY(tt_ddb_known(answer));
    size_t count =
        answer->item_count < to + 1 - from ? answer->item_count : (size_t)(to + 1 - from);
    snapshot->message_count =
        take_messages(work, answer->items, count, false, snapshot->bytes_max, messages);
    return TT_OK;
}

static tt_err read_snapshot(struct tt_ddb_work *work)
{
    struct tt_read_snapshot *snapshot = &work->op->snapshot;
    struct tt_ddb_conversation *conversation;
    TT_TRY(tt_ddb_find_for(work, &snapshot->conversation, &snapshot->user, &conversation));
    struct tt_ddb_request *requests[2] = {
        tt_ddb_newest(work, &snapshot->conversation,
                      snapshot->count_max == 0 ? 1 : snapshot->count_max),
        tt_ddb_all_status(work, &snapshot->conversation),
    };
    if (snapshot->count_max == 0)
        requests[0]->query.only = "seq";
    struct tt_ddb_answer *answers = tt_ddb_ask_all(work, requests, 2);
    tt_ddb_follow_pages(work, requests[1], &answers[1], SIZE_MAX);
    TT_TRY(tt_ddb_known(&answers[0]));
    TT_TRY(tt_ddb_known(&answers[1]));
    snapshot->head =
        TT_SEQ(answers[0].item_count == 0 ? 0 : tt_ddb_get_number(answers[0].items[0], "seq"));
    tt_ddb_saw_head(conversation, snapshot->head);
    snapshot->members = tt_ddb_member_cursors(&answers[1], &conversation->is, &work->op->arena);
    snapshot->member_count = conversation->is.member_count;
    const struct tt_json *mine = row_of(&answers[1], &snapshot->user);
    if (mine != NULL) {
        struct tt_ddb_status row = tt_ddb_status_read(*mine, &work->arena);
        const struct tt_device_position *position = tt_ddb_status_device(&row, &snapshot->device);
        tt_ddb_cache_put_status(work->store->cache, &snapshot->conversation, &row);
        snapshot->my_cursor = row.cursor;
        snapshot->muted_until = row.muted_until;
        snapshot->device_delivered = position == NULL ? TT_SEQ(0) : position->delivered;
    }
    if (snapshot->count_max == 0 || snapshot->head.n == 0)
        return TT_OK;
    return take_page(work, &answers[0]);
}

void tt_ddb_snapshot(struct tt_ddb_work *work)
{
    work->op->err = read_snapshot(work);
}

static tt_err read_positions(struct tt_ddb_work *work)
{
    struct tt_positions *positions = &work->op->positions;
    struct tt_ddb_conversation *conversation;
    TT_TRY(tt_ddb_find_for(work, &positions->conversation, &positions->user, &conversation));
    struct tt_ddb_request *requests[3] = {
        tt_ddb_newest(work, &positions->conversation, 1),
        tt_ddb_new(work, TT_DDB_GET, TT_DDB_MESSAGE_STATUS, tt_ddb_id(&positions->conversation),
                   tt_ddb_id(&positions->user)),
        tt_ddb_new(work, TT_DDB_GET, TT_DDB_PENDING, tt_ddb_id(&positions->user),
                   tt_ddb_id(&positions->conversation)),
    };
    requests[0]->query.only = "seq";
    const struct tt_ddb_answer *answers = tt_ddb_ask_all(work, requests, 3);
    for (size_t i = 0; i < 3; i++)
        TT_TRY(tt_ddb_known(&answers[i]));
    if (answers[0].item_count > 0)
        positions->head = TT_SEQ(tt_ddb_get_number(answers[0].items[0], "seq"));
    tt_ddb_saw_head(conversation, positions->head);
    if (answers[1].item_count > 0) {
        struct tt_ddb_status row = tt_ddb_status_read(answers[1].items[0], &work->op->arena);
        positions->cursor = row.cursor;
        positions->devices = row.devices;
        positions->device_count = row.device_count;
        positions->muted_until = row.muted_until;
    }
    if (answers[2].item_count > 0)
        positions->pushed = TT_SEQ(tt_ddb_get_number(answers[2].items[0], "pushed_seq"));
    return TT_OK;
}

void tt_ddb_positions(struct tt_ddb_work *work)
{
    work->op->err = read_positions(work);
}

/* Rows from before links were told apart have none. */
static bool is_of_another_link(const struct tt_list_pending *list, tt_time linked_at)
{
    return list->linked_at.ms != 0 && linked_at.ms != 0 && list->linked_at.ms != linked_at.ms;
}

static bool is_unlinked(struct tt_ddb_work *work, const struct tt_ddb_answer *row)
{
    const struct tt_list_pending *list = &work->op->list_pending;
    if (row->item_count == 0)
        return true;
    struct tt_ddb_user user = tt_ddb_user_read(row->items[0], &list->user, &work->arena);
    const struct tt_ddb_device *device = tt_ddb_user_device(&user, &list->device);
    return device == NULL || device->state == TT_DDB_UNLINKING ||
           is_of_another_link(list, device->is.linked_at);
}

/* The rows of one user, and per row, side by side, where the asking device and the head stand. */
static tt_err list_pending(struct tt_ddb_work *work)
{
    struct tt_list_pending *list = &work->op->list_pending;
    struct tt_ddb_request *query =
        tt_ddb_new(work, TT_DDB_QUERY, TT_DDB_PENDING, tt_ddb_id(&list->user),
                   (struct tt_ddb_value){.kind = TT_DDB_NONE});
    query->query.limit = list->count_max + 1;
    if (!tt_id_is_none(&list->after))
        query->query.after = tt_ddb_id(&list->after);
    struct tt_ddb_request *first[2] = {
        query, tt_ddb_new(work, TT_DDB_GET, TT_DDB_USERS, tt_ddb_id(&list->user),
                          (struct tt_ddb_value){.kind = TT_DDB_NONE})};
    struct tt_ddb_answer *found = tt_ddb_ask_all(work, first, 2);
    tt_ddb_follow_pages(work, query, &found[0], (size_t)list->count_max + 1);
    TT_TRY(tt_ddb_known(&found[0]));
    TT_TRY(tt_ddb_known(&found[1]));
    list->unlinked = is_unlinked(work, &found[1]);
    size_t count = found->item_count < list->count_max ? found->item_count : list->count_max;
    list->more = found->item_count > list->count_max;
    struct tt_pending_row *rows = tt_arena_array(&work->op->arena, count, sizeof(*rows));
    struct tt_ddb_request **requests =
        tt_arena_array(&work->arena, 2 * count, sizeof(struct tt_ddb_request *));
    for (size_t i = 0; i < count; i++) {
        struct tt_json item = found->items[i];
        rows[i].conversation = tt_ddb_get_id(item, "conversation_id");
        rows[i].first_undelivered = TT_SEQ(tt_ddb_get_number(item, "first_undelivered_seq"));
        rows[i].armed = TT_SEQ(tt_ddb_get_number(item, "armed_seq"));
        rows[i].pushed = TT_SEQ(tt_ddb_get_number(item, "pushed_seq"));
        requests[2 * i] = tt_ddb_newest(work, &rows[i].conversation, 1);
        requests[2 * i]->query.only = "seq";
        requests[2 * i + 1] = tt_ddb_new(work, TT_DDB_GET, TT_DDB_MESSAGE_STATUS,
                                         tt_ddb_id(&rows[i].conversation), tt_ddb_id(&list->user));
    }
    const struct tt_ddb_answer *answers = tt_ddb_ask_all(work, requests, 2 * count);
    for (size_t i = 0; i < count; i++) {
        const struct tt_ddb_answer *head = &answers[2 * i];
        const struct tt_ddb_answer *status = &answers[2 * i + 1];
        TT_TRY(tt_ddb_known(head));
        TT_TRY(tt_ddb_known(status));
        if (head->item_count > 0)
            rows[i].head = TT_SEQ(tt_ddb_get_number(head->items[0], "seq"));
        if (status->item_count == 0)
            continue;
        struct tt_ddb_status row = tt_ddb_status_read(status->items[0], &work->arena);
        const struct tt_device_position *position = tt_ddb_status_device(&row, &list->device);
        tt_ddb_cache_put_status(work->store->cache, &rows[i].conversation, &row);
        rows[i].device_delivered = position == NULL ? TT_SEQ(0) : position->delivered;
        if (position != NULL && is_of_another_link(list, position->linked_at))
            list->unlinked = true;
    }
    list->rows = rows;
    list->row_count = count;
    return TT_OK;
}

void tt_ddb_list_pending(struct tt_ddb_work *work)
{
    work->op->err = list_pending(work);
}

void tt_ddb_mark_pushed(struct tt_ddb_work *work)
{
    const struct tt_mark_pushed *mark = &work->op->mark_pushed;
    struct tt_ddb_request *update =
        tt_ddb_new(work, TT_DDB_UPDATE, TT_DDB_PENDING, tt_ddb_id(&mark->user),
                   tt_ddb_id(&mark->conversation));
    tt_ddb_set(update, "pushed_seq", tt_ddb_number(mark->seq.n));
    tt_ddb_only_if(update, TT_DDB_PRESENT, "armed_seq", tt_ddb_number(0));
    tt_ddb_only_if(update, TT_DDB_ABSENT_OR_SMALLER, "pushed_seq", tt_ddb_number(mark->seq.n));
    work->op->err = tt_ddb_known(tt_ddb_ask(work, update));
}
