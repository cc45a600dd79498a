#include "sim/store_tables.h"

#include <stdlib.h>

#include "base/memory.h"

/* How many messages from `from` on fit; the first one always does. */
static size_t count_that_fit(const struct tt_conversation_row *row, uint64_t from,
                             uint32_t count_max, uint64_t bytes_max)
{
    size_t count = 0;
    uint64_t bytes = 0;
    while (count < count_max && from + count <= row->message_count) {
        bytes += row->messages[from + count - 1].content.size;
        if (count > 0 && bytes > bytes_max)
            break;
        count++;
    }
    return count;
}

static const struct tt_message *copy_messages(const struct tt_conversation_row *row,
                                              struct tt_arena *arena, uint64_t from, size_t count)
{
    struct tt_message *messages = tt_arena_array(arena, count, sizeof(messages[0]));
    for (size_t i = 0; i < count; i++)
        messages[i] = tt_store_tables_copy_message(arena, &row->messages[from + i - 1]);
    return messages;
}

void tt_store_tables_read_messages(struct tt_store_tables *tables, struct tt_store_op *op)
{
    struct tt_read_messages *read = &op->read_messages;
    const struct tt_conversation_row *row =
        tt_store_tables_conversation(tables, &read->conversation);
    if (row == NULL) {
        op->err = TT_FAIL(NOT_FOUND);
        return;
    }
    read->head = tt_store_tables_head(row);
    uint64_t from = read->from.n == 0 ? 1 : read->from.n;
    size_t count = count_that_fit(row, from, read->count_max, read->bytes_max);
    read->messages = copy_messages(row, &op->arena, from, count);
    read->message_count = count;
    if (tables->mutant == TT_MUTANT_REPLAY_ONE_PAGE && count > 0)
        read->head = TT_SEQ(from + count - 1);
}

void tt_store_tables_snapshot(struct tt_store_tables *tables, struct tt_store_op *op)
{
    struct tt_read_snapshot *snapshot = &op->snapshot;
    struct tt_conversation_row *row = tt_store_tables_conversation(tables, &snapshot->conversation);
    const struct tt_member_row *member = tt_store_tables_member(row, &snapshot->user);
    if (member == NULL) {
        op->err = TT_FAIL(NOT_FOUND);
        return;
    }
    snapshot->head = tt_store_tables_head(row);
    uint64_t from = member->cursor.read.n == 0 ? 1 : member->cursor.read.n;
    size_t count = count_that_fit(row, from, snapshot->count_max, snapshot->bytes_max);
    uint64_t bytes = 0;
    for (size_t i = 0; i < count; i++)
        bytes += row->messages[from + i - 1].content.size;
    while (count < snapshot->count_max && from > 1 && from + count > row->message_count) {
        bytes += row->messages[from - 2].content.size;
        if (count > 0 && bytes > snapshot->bytes_max)
            break;
        from--;
        count++;
    }
    if (tables->mutant == TT_MUTANT_SNAPSHOT_LATE && count > 0 && from + count > row->message_count)
        snapshot->head = TT_SEQ(from + --count - 1);
    snapshot->messages = copy_messages(row, &op->arena, from, count);
    snapshot->message_count = count;
    snapshot->members = tt_store_tables_cursors(row, &op->arena);
    snapshot->member_count = row->member_count;
    snapshot->my_cursor = member->cursor;
    snapshot->device_delivered = tt_store_tables_position(member, &snapshot->device);
    snapshot->muted_until = member->muted_until;
}

static void fill_entry(const struct tt_conversation_row *row, const struct tt_member_row *me,
                       enum tt_mutant mutant, struct tt_arena *arena,
                       struct tt_conversation_entry *entry)
{
    tt_store_tables_describe(row, arena, &entry->conversation);
    entry->head = tt_store_tables_head(row);
    if (mutant == TT_MUTANT_LIST_LATE && entry->head.n > me->cursor.read.n)
        entry->head.n--;
    uint64_t last = entry->head.n;
    if (mutant == TT_MUTANT_LIST_STALE && last > 1)
        last--;
    if (last > 0)
        entry->last_message = tt_store_tables_copy_message(arena, &row->messages[last - 1]);
    for (uint64_t seq = me->cursor.read.n + 1; seq <= entry->head.n && entry->unread < 1000; seq++)
        entry->unread +=
            !tt_id_eq(&row->messages[seq - 1].sender, &me->user) || mutant == TT_MUTANT_UNREAD_OWN;
    entry->my_read = me->cursor.read;
    entry->others = (struct tt_cursor){TT_SEQ(UINT64_MAX), TT_SEQ(UINT64_MAX)};
    for (size_t i = 0; i < row->member_count; i++) {
        const struct tt_member_row *member = &row->members[i];
        if (member == me)
            continue;
        entry->others.delivered = tt_seq_min(entry->others.delivered, member->cursor.delivered);
        entry->others.read = tt_seq_min(entry->others.read, member->cursor.read);
    }
    if (mutant == TT_MUTANT_LIST_TICKS && entry->others.delivered.n > entry->others.read.n)
        entry->others.delivered.n--;
    if (row->member_count == 1)
        entry->others = (struct tt_cursor){TT_SEQ(0), TT_SEQ(0)};
    entry->active_at = row->active_at;
    entry->muted_until = me->muted_until;
}

/* Newest activity first, then by id. */
static int order(const void *a, const void *b)
{
    const struct tt_conversation_row *left = *(struct tt_conversation_row *const *)a;
    const struct tt_conversation_row *right = *(struct tt_conversation_row *const *)b;
    if (left->active_at.ms != right->active_at.ms)
        return left->active_at.ms > right->active_at.ms ? -1 : 1;
    return tt_id_compare(&left->id, &right->id);
}

/* A cursor names the last conversation of its page: "c" and the id in hexadecimal. */
static struct tt_slice make_cursor(struct tt_arena *arena, const tt_id *id)
{
    static const char digits[] = "0123456789abcdef";
    char *text = tt_arena_alloc(arena, (size_t)id->size * 2 + 1);
    text[0] = 'c';
    for (size_t i = 0; i < id->size; i++) {
        text[1 + i * 2] = digits[(uint8_t)id->bytes[i] >> 4];
        text[2 + i * 2] = digits[(uint8_t)id->bytes[i] & 15];
    }
    return tt_slice(text, (size_t)id->size * 2 + 1);
}

static int hex_value(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

static bool parse_cursor(struct tt_slice text, tt_id *id)
{
    char bytes[TT_ID_SIZE_MAX];
    size_t size = text.size / 2;
    if (text.size % 2 == 0 || text.data[0] != 'c' || size > TT_ID_SIZE_MAX)
        return false;
    for (size_t i = 0; i < size; i++) {
        int high = hex_value(text.data[1 + i * 2]);
        int low = hex_value(text.data[2 + i * 2]);
        if (high < 0 || low < 0)
            return false;
        bytes[i] = (char)(high * 16 + low);
    }
    return tt_is_ok(tt_id_parse(tt_slice(bytes, size), id));
}

static size_t gather(struct tt_store_tables *tables, const struct tt_list_conversations *list,
                     struct tt_conversation_row **rows)
{
    size_t count = 0;
    struct tt_conversation_row *row;
    for (size_t at = 0; (row = tt_map_next(&tables->conversations, &at)) != NULL;) {
        if (tt_store_tables_member(row, &list->user) == NULL)
            continue;
        if (!tt_id_is_none(&list->only) && !tt_id_eq(&list->only, &row->id))
            continue;
        if (list->changed_since.ms == 0 || row->changed_at.ms >= list->changed_since.ms)
            rows[count++] = row;
    }
    if (count > 1)
        qsort(rows, count, sizeof(rows[0]), order);
    return count;
}

void tt_store_tables_list_conversations(struct tt_store_tables *tables, struct tt_store_op *op)
{
    struct tt_list_conversations *list = &op->list_conversations;
    tt_id after = {0};
    if (list->cursor.size > 0 && !parse_cursor(list->cursor, &after)) {
        op->err = TT_FAIL(BAD_QUERY);
        return;
    }
    struct tt_conversation_row **rows =
        tt_alloc((tables->conversations.count + 1) * sizeof(rows[0]));
    size_t count = gather(tables, list, rows);
    size_t from = 0;
    while (!tt_id_is_none(&after) && from < count && !tt_id_eq(&rows[from]->id, &after))
        from++;
    from += !tt_id_is_none(&after) && from < count;
    size_t page = count - from < list->count_max ? count - from : list->count_max;
    if (tables->mutant == TT_MUTANT_LIST_SHORT && page > 1)
        count = from + --page;
    list->entries = tt_arena_array(&op->arena, page, sizeof(list->entries[0]));
    list->entry_count = page;
    for (size_t i = 0; i < page; i++)
        fill_entry(rows[from + i], tt_store_tables_member(rows[from + i], &list->user),
                   tables->mutant, &op->arena, &list->entries[i]);
    list->next = TT_SLICE_EMPTY;
    if (from + page < count && page > 0)
        list->next = make_cursor(&op->arena, &rows[from + page - 1]->id);
    tt_free(rows);
}

struct history {
    struct tt_happening *found;
    size_t count;
    const struct tt_read_history *wanted;
    struct tt_arena *arena;
};

static void add_happening(struct history *history, const struct tt_happening *happening)
{
    tt_time since = history->wanted->since;
    tt_time until = history->wanted->until;
    if (happening->at.ms < since.ms || (until.ms != 0 && happening->at.ms > until.ms))
        return;
    history->found[history->count] = *happening;
    history->found[history->count++].detail = tt_arena_copy(history->arena, happening->detail);
}

static void add_visits(struct history *history, struct tt_store_tables *tables,
                       const struct tt_conversation_row *row, tt_time since)
{
    for (size_t i = 0; i < row->member_count; i++) {
        const struct tt_user_row *user = tt_store_tables_user(tables, &row->members[i].user);
        for (size_t v = 0; v < user->visit_count; v++)
            if (user->visits[v].at.ms >= since.ms)
                add_happening(history, &user->visits[v]);
    }
}

/* Insertion keeps what happened at one instant in the order in which it was found. */
static void sort_by_time(struct tt_happening *found, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        struct tt_happening moving = found[i];
        size_t at = i;
        for (; at > 0 && found[at - 1].at.ms > moving.at.ms; at--)
            found[at] = found[at - 1];
        found[at] = moving;
    }
}

void tt_store_tables_history(struct tt_store_tables *tables, struct tt_store_op *op)
{
    struct tt_read_history *read = &op->history;
    const struct tt_conversation_row *row =
        tt_store_tables_conversation(tables, &read->conversation);
    if (row == NULL) {
        op->err = TT_FAIL(NOT_FOUND);
        return;
    }
    read->head = tt_store_tables_head(row);
    uint64_t from = read->from.n == 0 ? 1 : read->from.n;
    uint64_t to = read->to.n == 0 || read->to.n > read->head.n ? read->head.n : read->to.n;
    size_t most = row->message_count + row->step_count + row->push_count;
    for (size_t i = 0; i < row->member_count; i++)
        most += tt_store_tables_user(tables, &row->members[i].user)->visit_count;
    struct history history = {
        .found = tt_arena_array(&op->arena, most, sizeof(history.found[0])),
        .wanted = read,
        .arena = &op->arena,
    };
    for (uint64_t seq = from; seq <= to; seq++) {
        const struct tt_message *message = &row->messages[seq - 1];
        struct tt_happening stored = {
            .kind = TT_HAPPENED_STORED,
            .at = message->timestamp,
            .from = message->seq,
            .to = message->seq,
            .user = message->sender,
            .device = message->sender_device,
        };
        add_happening(&history, &stored);
    }
    for (size_t i = 0; i < row->step_count; i++)
        if (row->steps[i].from.n <= to && row->steps[i].to.n >= from)
            add_happening(&history, &row->steps[i]);
    for (size_t i = 0; i < row->push_count; i++)
        if (row->pushes[i].from.n <= to && row->pushes[i].to.n >= from)
            add_happening(&history, &row->pushes[i]);
    tt_time first = from <= to ? row->messages[from - 1].timestamp : TT_TIME(0);
    if (!read->messages_only && (from <= to || read->since.ms != 0))
        add_visits(&history, tables, row, read->since.ms != 0 ? read->since : first);
    sort_by_time(history.found, history.count);
    size_t skipped = history.count > read->count_max ? history.count - read->count_max : 0;
    if (tables->mutant == TT_MUTANT_HISTORY_SHORT && history.count > 1 && !read->messages_only)
        skipped++;
    read->happenings = history.found + skipped;
    read->happening_count = history.count - skipped;
    read->members = tt_store_tables_cursors(row, &op->arena);
    read->member_count = row->member_count;
}
