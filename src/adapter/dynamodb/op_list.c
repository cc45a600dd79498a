#include <stdint.h>
#include <stdlib.h>

#include "adapter/dynamodb/parts.h"
#include "adapter/dynamodb/steps.h"

/*
 * The list is sorted by the newest activity, which is the time of the last message. The rows of
 * memberships know it to within TT_DDB_NOTE_MS (writing it for every member and message would
 * double the price of a message), and never later than it is. So whoever reads the conversations in
 * the order of the rows, and one minute beyond the last one that he needs, has the exact order.
 */
#define READ_ABREAST 8
#define UNREAD_MAX   1000
#define CURSOR_MARK  'c'
#define TIME_DIGITS  16

struct candidate {
    tt_id id;
    tt_time noted;
};

struct listing {
    struct tt_ddb_work *work;
    struct tt_list_conversations *list;
    struct candidate *candidates;
    size_t candidate_count;
    struct tt_conversation_entry *entries; /* all that was read and belongs on this page or later */
    size_t entry_count;
    bool has_cursor;
    tt_time cursor_at;
    tt_id cursor_id;
};

static int by_noted(const void *left, const void *right)
{
    const struct candidate *a = left;
    const struct candidate *b = right;
    if (a->noted.ms != b->noted.ms)
        return a->noted.ms > b->noted.ms ? -1 : 1;
    return tt_id_compare(&a->id, &b->id);
}

static int order(tt_time at, const tt_id *id, tt_time other_at, const tt_id *other_id)
{
    if (at.ms != other_at.ms)
        return at.ms > other_at.ms ? -1 : 1;
    return tt_id_compare(id, other_id);
}

static int by_activity(const void *left, const void *right)
{
    const struct tt_conversation_entry *a = left;
    const struct tt_conversation_entry *b = right;
    return order(a->active_at, &a->conversation.id, b->active_at, &b->conversation.id);
}

static const char hex_digits[] = "0123456789abcdef";

/* 'c', the time, and the id, byte by byte in hexadecimal. */
static struct tt_slice write_cursor(const struct tt_conversation_entry *last,
                                    struct tt_arena *arena)
{
    char *text = tt_arena_alloc(arena, 1 + TIME_DIGITS + 2 * TT_ID_SIZE_MAX);
    size_t size = 0;
    uint64_t ms = (uint64_t)last->active_at.ms;
    text[size++] = CURSOR_MARK;
    for (int shift = 4 * (TIME_DIGITS - 1); shift >= 0; shift -= 4)
        text[size++] = hex_digits[(ms >> shift) & 15];
    for (size_t i = 0; i < last->conversation.id.size; i++) {
        unsigned char byte = (unsigned char)last->conversation.id.bytes[i];
        text[size++] = hex_digits[byte >> 4];
        text[size++] = hex_digits[byte & 15];
    }
    return tt_slice(text, size);
}

static bool read_hex(struct tt_slice text, uint64_t *number)
{
    *number = 0;
    for (size_t i = 0; i < text.size; i++) {
        const char *digit = text.data[i] == '\0' ? NULL : strchr(hex_digits, text.data[i]);
        if (digit == NULL)
            return false;
        *number = *number << 4 | (uint64_t)(digit - hex_digits);
    }
    return true;
}

static bool read_cursor(struct listing *listing)
{
    struct tt_slice text = listing->list->cursor;
    if (text.size == 0)
        return true;
    char id[TT_ID_SIZE_MAX];
    uint64_t number;
    if (text.size < 1 + TIME_DIGITS + 2 || text.data[0] != CURSOR_MARK || text.size % 2 == 0 ||
        text.size > 1 + TIME_DIGITS + 2 * TT_ID_SIZE_MAX ||
        !read_hex(tt_slice(text.data + 1, TIME_DIGITS), &number))
        return false;
    listing->cursor_at = TT_TIME((int64_t)number);
    struct tt_slice bytes = tt_slice_from(text, 1 + TIME_DIGITS);
    for (size_t i = 0; i < bytes.size / 2; i++) {
        if (!read_hex(tt_slice(bytes.data + 2 * i, 2), &number))
            return false;
        id[i] = (char)number;
    }
    listing->has_cursor = true;
    return tt_is_ok(tt_id_parse(tt_slice(id, bytes.size / 2), &listing->cursor_id));
}

static void add_candidate(struct listing *listing, struct tt_json item)
{
    tt_time active = tt_ddb_get_time(item, "active_at");
    tt_time changed = tt_time_max(active, tt_ddb_get_time(item, "changed_at"));
    if (listing->list->changed_since.ms != 0 &&
        changed.ms + TT_DDB_NOTE_MS < listing->list->changed_since.ms)
        return;
    listing->candidates[listing->candidate_count++] =
        (struct candidate){.id = tt_ddb_get_id(item, "conversation_id"), .noted = active};
}

static tt_err find_candidates(struct listing *listing)
{
    struct tt_ddb_work *work = listing->work;
    const struct tt_list_conversations *list = listing->list;
    struct tt_ddb_value none = {.kind = TT_DDB_NONE};
    struct tt_ddb_answer *found;
    if (tt_id_is_none(&list->only))
        found = tt_ddb_ask_pages(
            work, tt_ddb_new(work, TT_DDB_QUERY, TT_DDB_MEMBERSHIPS, tt_ddb_id(&list->user), none),
            SIZE_MAX);
    else
        found = tt_ddb_ask(work, tt_ddb_new(work, TT_DDB_GET, TT_DDB_MEMBERSHIPS,
                                            tt_ddb_id(&list->user), tt_ddb_id(&list->only)));
    TT_TRY(tt_ddb_known(found));
    listing->candidates =
        tt_arena_array(&work->arena, found->item_count, sizeof(*listing->candidates));
    for (size_t i = 0; i < found->item_count; i++)
        add_candidate(listing, found->items[i]);
    qsort(listing->candidates, listing->candidate_count, sizeof(*listing->candidates), by_noted);
    listing->entries = tt_arena_array(&work->op->arena, listing->candidate_count,
                                      sizeof(struct tt_conversation_entry));
    return TT_OK;
}

static bool stepped_since(const struct tt_ddb_answer *rows, tt_time since)
{
    for (size_t i = 0; i < rows->item_count; i++) {
        struct tt_slice steps = tt_ddb_get_raw(rows->items[i], "steps");
        struct tt_happening step = {0};
        while (tt_ddb_steps_next(&steps, &step))
            if (step.at.ms >= since.ms)
                return true;
    }
    return false;
}

static void take_cursors(struct listing *listing, const struct tt_ddb_answer *rows,
                         struct tt_conversation_entry *entry)
{
    struct tt_arena *arena = &listing->work->arena;
    struct tt_member_cursor *members = tt_ddb_member_cursors(rows, &entry->conversation, arena);
    entry->others = (struct tt_cursor){TT_SEQ(UINT64_MAX), TT_SEQ(UINT64_MAX)};
    for (size_t i = 0; i < entry->conversation.member_count; i++) {
        if (tt_id_eq(&members[i].user, &listing->list->user)) {
            entry->my_read = members[i].cursor.read;
            continue;
        }
        entry->others.delivered = tt_seq_min(entry->others.delivered, members[i].cursor.delivered);
        entry->others.read = tt_seq_min(entry->others.read, members[i].cursor.read);
    }
    if (entry->conversation.member_count == 1)
        entry->others = (struct tt_cursor){TT_SEQ(0), TT_SEQ(0)};
    for (size_t i = 0; i < rows->item_count; i++) {
        tt_id user = tt_ddb_get_id(rows->items[i], "user_id");
        if (tt_id_eq(&user, &listing->list->user))
            entry->muted_until = tt_ddb_get_time(rows->items[i], "muted_until");
    }
}

/* Adds the conversation if it belongs on this page or a later one. */
static void take_entry(struct listing *listing, struct tt_ddb_conversation *conversation,
                       const struct tt_ddb_answer *newest, const struct tt_ddb_answer *rows)
{
    struct tt_arena *arena = &listing->work->op->arena;
    struct tt_conversation_entry entry = {.conversation = conversation->is};
    struct tt_message message;
    entry.active_at = entry.conversation.created_at;
    if (newest->item_count > 0 && tt_ddb_read_message(newest->items[0], &message)) {
        entry.last_message = tt_ddb_copy_message(&message, arena);
        entry.head = message.seq;
        entry.active_at = message.timestamp;
        tt_ddb_saw_head(conversation, message.seq);
    }
    tt_time since = listing->list->changed_since;
    if (since.ms != 0 && entry.active_at.ms < since.ms &&
        entry.conversation.created_at.ms < since.ms && !stepped_since(rows, since))
        return;
    if (listing->has_cursor && order(entry.active_at, &entry.conversation.id, listing->cursor_at,
                                     &listing->cursor_id) <= 0)
        return;
    take_cursors(listing, rows, &entry);
    tt_id *members = tt_arena_array(arena, entry.conversation.member_count, sizeof(*members));
    memcpy(members, entry.conversation.members, entry.conversation.member_count * sizeof(*members));
    entry.conversation.members = members;
    entry.conversation.title = tt_arena_copy(arena, entry.conversation.title);
    listing->entries[listing->entry_count++] = entry;
}

static tt_err read_some(struct listing *listing, size_t start, size_t count)
{
    struct tt_ddb_work *work = listing->work;
    struct tt_ddb_conversation *conversations[READ_ABREAST];
    struct tt_ddb_request *requests[2 * READ_ABREAST] = {NULL};
    size_t known = 0;
    for (size_t i = 0; i < count; i++) {
        const tt_id *id = &listing->candidates[start + i].id;
        tt_err err = tt_ddb_find(work, id, &conversations[known]);
        if (tt_err_is(err, TT_ERR_NOT_FOUND))
            continue; /* is just being created */
        TT_TRY(err);
        requests[2 * known] = tt_ddb_newest(work, id, 1);
        requests[2 * known + 1] = tt_ddb_all_status(work, id);
        known++;
    }
    struct tt_ddb_answer *answers = tt_ddb_ask_all(work, requests, 2 * known);
    for (size_t i = 0; i < known; i++) {
        tt_ddb_follow_pages(work, requests[2 * i + 1], &answers[2 * i + 1], SIZE_MAX);
        TT_TRY(tt_ddb_known(&answers[2 * i]));
        TT_TRY(tt_ddb_known(&answers[2 * i + 1]));
        take_entry(listing, conversations[i], &answers[2 * i], &answers[2 * i + 1]);
    }
    return TT_OK;
}

/* Whether no conversation that is still unread can come before the end of the page. */
static bool page_is_certain(struct listing *listing, size_t next)
{
    if (next >= listing->candidate_count)
        return true;
    if (listing->entry_count <= listing->list->count_max)
        return false;
    qsort(listing->entries, listing->entry_count, sizeof(*listing->entries), by_activity);
    return listing->entries[listing->list->count_max].active_at.ms >
           listing->candidates[next].noted.ms + TT_DDB_NOTE_MS;
}

static tt_err count_unread(struct listing *listing, struct tt_conversation_entry *entry)
{
    if (entry->head.n <= entry->my_read.n)
        return TT_OK;
    struct tt_ddb_request *request =
        tt_ddb_new(listing->work, TT_DDB_QUERY, TT_DDB_MESSAGES, tt_ddb_id(&entry->conversation.id),
                   (struct tt_ddb_value){.kind = TT_DDB_NONE});
    request->query.from = tt_ddb_number(entry->my_read.n + 1);
    request->query.to = tt_ddb_number(entry->head.n);
    request->query.only = "sender";
    struct tt_ddb_answer *answer = tt_ddb_ask(listing->work, request);
    size_t counted = 0;
    for (;;) {
        TT_TRY(tt_ddb_known(answer));
        for (; counted < answer->item_count && entry->unread < UNREAD_MAX; counted++) {
            tt_id sender = tt_ddb_get_id(answer->items[counted], "sender");
            entry->unread += !tt_id_eq(&sender, &listing->list->user);
        }
        if (entry->unread >= UNREAD_MAX || !answer->more)
            return TT_OK;
        tt_ddb_follow_pages(listing->work, request, answer, answer->item_count + 1);
    }
}

static tt_err list_conversations(struct listing *listing)
{
    struct tt_list_conversations *list = listing->list;
    if (!read_cursor(listing))
        return TT_FAIL(BAD_QUERY);
    TT_TRY(find_candidates(listing));
    size_t next = 0;
    while (!page_is_certain(listing, next)) {
        size_t count = listing->candidate_count - next;
        if (count > READ_ABREAST)
            count = READ_ABREAST;
        TT_TRY(read_some(listing, next, count));
        next += count;
    }
    if (listing->entry_count > 0)
        qsort(listing->entries, listing->entry_count, sizeof(*listing->entries), by_activity);
    list->entries = listing->entries;
    list->entry_count =
        listing->entry_count < list->count_max ? listing->entry_count : list->count_max;
    list->next = TT_SLICE_EMPTY;
    if (listing->entry_count > list->count_max && list->count_max > 0)
        list->next = write_cursor(&list->entries[list->count_max - 1], &listing->work->op->arena);
    for (size_t i = 0; i < list->entry_count; i++)
        TT_TRY(count_unread(listing, &list->entries[i]));
    return TT_OK;
}

void tt_ddb_list_conversations(struct tt_ddb_work *work)
{
    struct listing listing = {.work = work, .list = &work->op->list_conversations};
    work->op->err = list_conversations(&listing);
}
