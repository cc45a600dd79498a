#include <stdlib.h>

#include "adapter/embedded/read_parts.h"
#include "base/memory.h"

#define UNREAD_MAX 1000
#define TIME_SIZE  8
#define HEX_MAX    (2 * (TIME_SIZE + TT_ID_SIZE_MAX))

/* A conversation's place in the list. */
struct place {
    tt_time active_at;
    tt_id id;
};

static int compare_places(const void *a, const void *b)
{
    const struct place *left = a;
    const struct place *right = b;
    if (left->active_at.ms != right->active_at.ms)
        return left->active_at.ms > right->active_at.ms ? -1 : 1;
    return tt_id_compare(&left->id, &right->id);
}

/* The place of the last entry of a page, in hexadecimal. */
static struct tt_slice cursor_of(struct tt_arena *arena, const struct place *place)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char bytes[TIME_SIZE + TT_ID_SIZE_MAX];
    for (size_t i = 0; i < TIME_SIZE; i++)
        bytes[i] = (unsigned char)((uint64_t)place->active_at.ms >> (8 * (TIME_SIZE - 1 - i)));
    memcpy(bytes + TIME_SIZE, place->id.bytes, place->id.size);
    size_t size = TIME_SIZE + place->id.size;
    char *text = tt_arena_alloc(arena, 2 * size);
    for (size_t i = 0; i < size; i++) {
        text[2 * i] = digits[bytes[i] >> 4];
        text[2 * i + 1] = digits[bytes[i] & 15];
    }
    return tt_slice(text, 2 * size);
}

static bool digit_value(char digit, unsigned *value)
{
    if (digit >= '0' && digit <= '9')
        *value = (unsigned)(digit - '0');
    else if (digit >= 'a' && digit <= 'f')
        *value = (unsigned)(digit - 'a') + 10;
    else
        return false;
    return true;
}

static tt_err parse_cursor(struct tt_slice text, struct place *place)
{
    char bytes[TIME_SIZE + TT_ID_SIZE_MAX] = {0};
    if (text.size > HEX_MAX || text.size <= 2 * TIME_SIZE || text.size % 2 != 0)
        return TT_FAIL(BAD_QUERY);
    for (size_t i = 0; i < text.size / 2; i++) {
        unsigned high;
        unsigned low;
        if (!digit_value(text.data[2 * i], &high) || !digit_value(text.data[2 * i + 1], &low))
            return TT_FAIL(BAD_QUERY);
        bytes[i] = (char)(high << 4 | low);
    }
    uint64_t time = 0;
    for (size_t i = 0; i < TIME_SIZE; i++)
        time = time << 8 | (unsigned char)bytes[i];
    place->active_at = TT_TIME((int64_t)time);
    struct tt_slice id = tt_slice(bytes + TIME_SIZE, text.size / 2 - TIME_SIZE);
    return tt_is_ok(tt_id_parse(id, &place->id)) ? TT_OK : TT_FAIL(BAD_QUERY);
}

/* Adds the conversation if it comes after the cursor and has changed. */
static tt_err add_place(struct tt_reading *reading, const struct tt_list_conversations *list,
                        const tt_id *id, const struct place *after, struct tt_buffer *places)
{
    struct tt_head_row head;
    tt_err err = tt_read_head_row(reading, id, &head);
    if (!tt_is_ok(err))
        return tt_err_is(err, TT_ERR_NOT_FOUND) ? TT_FAIL(CORRUPT) : err;
    struct place place = {head.active_at, *id};
    if (list->changed_since.ms != 0 && head.changed_at.ms < list->changed_since.ms)
        return TT_OK;
    if (after != NULL && compare_places(&place, after) <= 0)
        return TT_OK;
    tt_buffer_add(places, tt_slice(&place, sizeof(place)));
    return TT_OK;
}

static tt_err add_places(struct tt_reading *reading, const struct tt_list_conversations *list,
                         struct tt_walk *walk, const struct place *after, struct tt_buffer *places)
{
    for (; tt_walk_valid(walk); tt_walk_next(walk)) {
        struct tt_key_parts parts;
        TT_TRY(tt_key_split(tt_walk_key(walk), &parts));
        TT_TRY(add_place(reading, list, &parts.second, after, places));
    }
    return TT_OK;
}

static tt_err find_places(struct tt_reading *reading, const struct tt_list_conversations *list,
                          const struct place *after, struct tt_buffer *places)
{
    if (!tt_id_is_none(&list->only)) {
        tt_err err = tt_read_membership(reading, &list->user, &list->only);
        if (tt_err_is(err, TT_ERR_NOT_FOUND))
            return TT_OK;
        TT_TRY(err);
        return add_place(reading, list, &list->only, after, places);
    }
    struct tt_key prefix = tt_key_prefix_of(TT_TABLE_LISTS, &list->user);
    struct tt_walk *walk = tt_walk_create(reading->view, tt_key_slice(&prefix));
    tt_err err = add_places(reading, list, walk, after, places);
    tt_err ended = tt_walk_destroy(&walk);
    return tt_is_ok(err) ? ended : err;
}

static tt_err count_others(const tt_id *user, tt_seq to, struct tt_walk *walk, uint64_t *count)
{
    for (; tt_walk_valid(walk) && *count < UNREAD_MAX; tt_walk_next(walk)) {
        struct tt_key_parts parts;
        struct tt_message message;
        TT_TRY(tt_key_split(tt_walk_key(walk), &parts));
        if (parts.number > to.n)
            break;
        TT_TRY(tt_row_unpack_message(tt_walk_value(walk), &message));
        if (!tt_id_eq(&message.sender, user))
            (*count)++;
    }
    return TT_OK;
}

/* Only where the user has sent something above the read cursor is there anything to look at. */
static tt_err count_unread(struct tt_reading *reading, const tt_id *conversation, const tt_id *user,
                           const struct tt_status_row *status, tt_seq head, uint32_t *unread)
{
    uint64_t count = head.n - status->cursor.read.n;
    if (status->last_own.n > status->cursor.read.n) {
        count = head.n - status->last_own.n;
        struct tt_key prefix = tt_key_prefix_of(TT_TABLE_MESSAGES, conversation);
        struct tt_key from =
            tt_key_of_number(TT_TABLE_MESSAGES, conversation, status->cursor.read.n + 1);
        struct tt_walk *walk = tt_walk_create(reading->view, tt_key_slice(&prefix));
        tt_walk_to(walk, tt_key_slice(&from));
        tt_err err = count_others(user, status->last_own, walk, &count);
        TT_TRY(tt_walk_destroy(&walk));
        TT_TRY(err);
    }
    *unread = count < UNREAD_MAX ? (uint32_t)count : UNREAD_MAX;
    return TT_OK;
}

static struct tt_cursor min_of_others(const struct tt_member_cursor *members, size_t count,
                                      const tt_id *user)
{
    struct tt_cursor min = {0};
    bool first = true;
    for (size_t i = 0; i < count; i++) {
        if (tt_id_eq(&members[i].user, user))
            continue;
        const struct tt_cursor *cursor = &members[i].cursor;
        min.delivered = first ? cursor->delivered : tt_seq_min(min.delivered, cursor->delivered);
        min.read = first ? cursor->read : tt_seq_min(min.read, cursor->read);
        first = false;
    }
    return min;
}

static tt_err fill_entry(struct tt_reading *reading, const tt_id *user, const struct place *place,
                         struct tt_conversation_entry *entry)
{
    struct tt_head_row head;
    struct tt_status_row status;
    struct tt_member_cursor *members;
    TT_TRY(tt_read_conversation_row(reading, &place->id, &entry->conversation));
    TT_TRY(tt_read_head_row(reading, &place->id, &head));
    TT_TRY(tt_read_status_row(reading, &place->id, user, &status));
    const struct tt_member_cursor mine = {*user, status.cursor};
    TT_TRY(tt_read_cursors(reading, &entry->conversation, &mine, &members));
    entry->head = head.head;
    entry->active_at = head.active_at;
    entry->my_read = status.cursor.read;
    entry->muted_until = status.muted_until;
    entry->others = min_of_others(members, entry->conversation.member_count, user);
    TT_TRY(count_unread(reading, &place->id, user, &status, head.head, &entry->unread));
    if (head.head.n == 0)
        return TT_OK;
    return tt_read_message(reading, &place->id, head.head, &entry->last_message);
}

static tt_err fill_page(struct tt_reading *reading, struct tt_list_conversations *list,
                        struct tt_buffer *places)
{
    size_t count = places->size / sizeof(struct place);
    if (count == 0 || list->count_max == 0)
        return TT_OK;
    struct place *sorted = tt_grow(NULL, count, sizeof(*sorted));
    memcpy(sorted, places->data, places->size);
    qsort(sorted, count, sizeof(*sorted), compare_places);
    size_t taken = count < list->count_max ? count : list->count_max;
    list->entries = tt_arena_array(reading->arena, taken, sizeof(*list->entries));
    list->entry_count = taken;
    tt_err err = TT_OK;
    for (size_t i = 0; i < taken && tt_is_ok(err); i++)
        err = fill_entry(reading, &list->user, &sorted[i], &list->entries[i]);
    if (taken < count)
        list->next = cursor_of(reading->arena, &sorted[taken - 1]);
    tt_free(sorted);
    return err;
}

tt_err tt_read_conversations(struct tt_reading *reading, struct tt_list_conversations *list)
{
    struct place after;
    struct tt_buffer places = {0};
    list->entries = NULL;
    list->entry_count = 0;
    list->next = TT_SLICE_EMPTY;
    if (list->cursor.size > 0)
        TT_TRY(parse_cursor(list->cursor, &after));
    tt_err err = find_places(reading, list, list->cursor.size > 0 ? &after : NULL, &places);
    if (tt_is_ok(err))
        err = fill_page(reading, list, &places);
    tt_buffer_deinit(&places);
    return err;
}
