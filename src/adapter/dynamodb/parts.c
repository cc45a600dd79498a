#include "adapter/dynamodb/parts.h"

#include "adapter/dynamodb/push_row.h"
#include "adapter/dynamodb/steps.h"
#include "base/json_writer.h"
#include "base/memory.h"

static const struct tt_ddb_value none = {.kind = TT_DDB_NONE};

void tt_ddb_pin(struct tt_ddb_work *work, struct tt_ddb_conversation *conversation)
{
    work->pins = tt_grow(work->pins, work->pin_count + 1, sizeof(*work->pins));
    work->pins[work->pin_count++] = conversation;
}

bool tt_ddb_read_conversation(struct tt_json item, struct tt_arena *arena,
                              struct tt_conversation *conversation)
{
    struct tt_json list = tt_ddb_get(item, "members", 'L');
    if (list.kind != TT_JSON_ARRAY)
        return false;
    size_t count = 0;
    struct tt_json one;
    for (struct tt_json_items items = tt_json_items(list); tt_json_next(&items, NULL, &one);)
        count++;
    tt_id *members = tt_arena_array(arena, count, sizeof(*members));
    size_t at = 0;
    for (struct tt_json_items items = tt_json_items(list); tt_json_next(&items, NULL, &one); at++) {
        static const char *const types[] = {"S"};
        struct tt_json text;
        if (!tt_is_ok(tt_json_read_object(one.text, types, 1, &text)) ||
            !tt_is_ok(tt_json_get_id(text, &members[at])))
            return false;
    }
    *conversation = (struct tt_conversation){
        .id = tt_ddb_get_id(item, "conversation_id"),
        .kind = tt_json_string_is(tt_ddb_get_raw(item, "kind"), "group") ? TT_GROUP : TT_DIRECT,
        .title = tt_ddb_get_raw(item, "title"),
        .created_at = tt_ddb_get_time(item, "created_at"),
        .members = members,
        .member_count = count,
    };
    return true;
}

static struct tt_ddb_value members_value(struct tt_ddb_work *work,
                                         const struct tt_conversation *conversation)
{
    struct tt_buffer text = {0};
    struct tt_json_writer json = {.out = &text};
    tt_json_begin_object(&json, NULL);
    tt_json_begin_array(&json, "L");
    for (size_t i = 0; i < conversation->member_count; i++) {
        tt_json_begin_object(&json, NULL);
        tt_json_put_id(&json, "S", &conversation->members[i]);
        tt_json_end_object(&json);
    }
    tt_json_end_array(&json);
    tt_json_end_object(&json);
    struct tt_slice copy = tt_arena_copy(&work->arena, tt_buffer_slice(&text));
    tt_buffer_deinit(&text);
    return tt_ddb_json(copy);
}

void tt_ddb_conversation_write(struct tt_ddb_work *work, const struct tt_conversation *conversation,
                               struct tt_ddb_request *put)
{
    tt_ddb_set(put, "kind",
               tt_ddb_text(conversation->kind == TT_GROUP ? TT_SLICE_LITERAL("group")
                                                          : TT_SLICE_LITERAL("direct")));
    tt_ddb_set(put, "members", members_value(work, conversation));
    tt_ddb_set(put, "created_at", tt_ddb_time(work, conversation->created_at));
    if (conversation->title.size > 0)
        tt_ddb_set(put, "title", tt_ddb_raw(conversation->title));
}

/* Two ids with # between them, which is in no id. */
static struct tt_slice join(const tt_id *a, const tt_id *b, struct tt_arena *arena)
{
    size_t size = (size_t)a->size + 1 + b->size;
    char *text = tt_arena_alloc(arena, size);
    memcpy(text, a->bytes, a->size);
    text[a->size] = '#';
    memcpy(text + a->size + 1, b->bytes, b->size);
    return tt_slice(text, size);
}

struct tt_ddb_value tt_ddb_pair_key(const tt_id *a, const tt_id *b, struct tt_arena *arena)
{
    return tt_ddb_text(join(a, b, arena));
}

struct tt_slice tt_ddb_send_key(const struct tt_message *message, struct tt_arena *arena)
{
    return join(&message->sender, &message->client_id, arena);
}

struct tt_ddb_value tt_ddb_accounts_key(void)
{
    return tt_ddb_text(TT_SLICE_LITERAL("#accounts"));
}

struct tt_ddb_request *tt_ddb_put_message(struct tt_ddb_work *work, const tt_id *conversation,
                                          tt_seq seq, const struct tt_message *message)
{
    struct tt_ddb_request *put = tt_ddb_new(work, TT_DDB_PUT, TT_DDB_MESSAGES,
                                            tt_ddb_id(conversation), tt_ddb_number(seq.n));
    tt_ddb_set(put, "sender", tt_ddb_id(&message->sender));
    tt_ddb_set(put, "content", tt_ddb_raw(message->content));
    tt_ddb_set(put, "timestamp", tt_ddb_time(work, message->timestamp));
    tt_ddb_set(put, "client_id", tt_ddb_id(&message->client_id));
    if (!tt_id_is_none(&message->sender_device))
        tt_ddb_set(put, "device_id", tt_ddb_id(&message->sender_device));
    return put;
}

struct tt_ddb_request *tt_ddb_push_record(struct tt_ddb_work *work, const tt_id *conversation,
                                          const struct tt_happening *happening)
{
    struct tt_slice steps = tt_ddb_steps_add(TT_SLICE_EMPTY, happening, &work->arena);
    struct tt_ddb_request *put =
        tt_ddb_new(work, TT_DDB_PUT, TT_DDB_HISTORY, tt_ddb_id(conversation),
                   tt_ddb_history_entry(work, &happening->user, happening->at, steps));
    tt_ddb_set(put, "user_id", tt_ddb_id(&happening->user));
    tt_ddb_set(put, "steps", tt_ddb_raw(steps));
    if (happening->detail.size > 0)
        tt_ddb_set(put, "detail", tt_ddb_raw(tt_ddb_escape(work, happening->detail)));
    return put;
}

tt_err tt_ddb_find(struct tt_ddb_work *work, const tt_id *id,
                   struct tt_ddb_conversation **conversation)
{
    struct tt_ddb_cache *cache = work->store->cache;
    *conversation = tt_ddb_cache_conversation(cache, id);
    if (*conversation == NULL) {
        const struct tt_ddb_answer *answer = tt_ddb_ask(
            work, tt_ddb_new(work, TT_DDB_GET, TT_DDB_CONVERSATIONS, tt_ddb_id(id), none));
        TT_TRY(tt_ddb_known(answer));
        struct tt_conversation found;
        if (answer->item_count == 0 ||
            tt_ddb_get(answer->items[0], "ready", 'B').kind != TT_JSON_TRUE ||
            !tt_ddb_read_conversation(answer->items[0], &work->arena, &found))
            return TT_FAIL(NOT_FOUND);
        *conversation = tt_ddb_cache_add(cache, &found);
    }
    tt_ddb_pin(work, *conversation);
    return TT_OK;
}

bool tt_ddb_is_member(const struct tt_conversation *conversation, const tt_id *user)
{
    size_t low = 0;
    size_t high = conversation->member_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = tt_id_compare(&conversation->members[middle], user);
        if (order == 0)
            return true;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

tt_err tt_ddb_find_for(struct tt_ddb_work *work, const tt_id *id, const tt_id *user,
                       struct tt_ddb_conversation **conversation)
{
    TT_TRY(tt_ddb_find(work, id, conversation));
    return tt_ddb_is_member(&(*conversation)->is, user) ? TT_OK : TT_FAIL(NOT_FOUND);
}

struct tt_ddb_request *tt_ddb_newest(struct tt_ddb_work *work, const tt_id *conversation,
                                     uint32_t limit)
{
    struct tt_ddb_request *request =
        tt_ddb_new(work, TT_DDB_QUERY, TT_DDB_MESSAGES, tt_ddb_id(conversation), none);
    request->query.descending = true;
    request->query.limit = limit;
    return request;
}

void tt_ddb_saw_head(struct tt_ddb_conversation *conversation, tt_seq seq)
{
    conversation->head = tt_seq_max(conversation->head, seq);
    conversation->head_known = true;
}

tt_err tt_ddb_look_for_head(struct tt_ddb_work *work, struct tt_ddb_conversation *conversation)
{
    struct tt_ddb_request *request = tt_ddb_newest(work, &conversation->is.id, 1);
    request->query.only = "seq";
    const struct tt_ddb_answer *answer = tt_ddb_ask(work, request);
    TT_TRY(tt_ddb_known(answer));
    tt_ddb_saw_head(
        conversation,
        TT_SEQ(answer->item_count == 0 ? 0 : tt_ddb_get_number(answer->items[0], "seq")));
    return TT_OK;
}

bool tt_ddb_read_message(struct tt_json item, struct tt_message *message)
{
    *message = (struct tt_message){
        .seq = TT_SEQ(tt_ddb_get_number(item, "seq")),
        .timestamp = tt_ddb_get_time(item, "timestamp"),
        .sender = tt_ddb_get_id(item, "sender"),
        .sender_device = tt_ddb_get_id(item, "device_id"),
        .client_id = tt_ddb_get_id(item, "client_id"),
        .content = tt_ddb_get_raw(item, "content"),
    };
    return message->seq.n != 0 && !tt_id_is_none(&message->sender);
}

struct tt_message tt_ddb_copy_message(const struct tt_message *message, struct tt_arena *arena)
{
    struct tt_message copy = *message;
    copy.content = tt_arena_copy(arena, message->content);
    return copy;
}

static struct tt_ddb_request *get_status(struct tt_ddb_work *work, const tt_id *conversation,
                                         const tt_id *user)
{
    return tt_ddb_new(work, TT_DDB_GET, TT_DDB_MESSAGE_STATUS, tt_ddb_id(conversation),
                      tt_ddb_id(user));
}

tt_err tt_ddb_status_of(struct tt_ddb_work *work, const tt_id *conversation, const tt_id *user,
                        bool fresh, struct tt_ddb_status *row)
{
    struct tt_ddb_cache *cache = work->store->cache;
    if (!fresh && tt_ddb_cache_status(cache, conversation, user, &work->arena, row))
        return TT_OK;
    const struct tt_ddb_answer *answer = tt_ddb_ask(work, get_status(work, conversation, user));
    TT_TRY(tt_ddb_known(answer));
    *row = (struct tt_ddb_status){.user = *user};
    if (answer->item_count > 0)
        *row = tt_ddb_status_read(answer->items[0], &work->arena);
    row->user = *user;
    tt_ddb_cache_put_status(cache, conversation, row);
    return TT_OK;
}

struct tt_ddb_request *tt_ddb_swap_status(struct tt_ddb_work *work, const tt_id *conversation,
                                          const struct tt_ddb_status *row, uint64_t mark)
{
    struct tt_ddb_request *request = tt_ddb_new(work, TT_DDB_PUT, TT_DDB_MESSAGE_STATUS,
                                                tt_ddb_id(conversation), tt_ddb_id(&row->user));
    tt_ddb_status_write(row, mark, &work->arena, request);
    return request;
}

tt_err tt_ddb_swapped_status(struct tt_ddb_work *work, const tt_id *conversation,
                             const struct tt_ddb_status *row, uint64_t mark,
                             const struct tt_ddb_answer *answer, bool *stands,
                             struct tt_ddb_status *fresh)
{
    if (answer->outcome != TT_DDB_DONE)
        tt_ddb_cache_drop_status(work->store->cache, conversation, &row->user);
    TT_TRY(tt_ddb_known(answer));
    if (answer->outcome == TT_DDB_DONE) {
        *fresh = *row;
        fresh->version++;
        fresh->mark = mark;
        *stands = true;
        tt_ddb_cache_put_status(work->store->cache, conversation, fresh);
        return TT_OK;
    }
    TT_TRY(tt_ddb_status_of(work, conversation, &row->user, true, fresh));
    *stands = fresh->mark == mark;
    return TT_OK;
}

struct tt_ddb_request *tt_ddb_all_status(struct tt_ddb_work *work, const tt_id *conversation)
{
    return tt_ddb_new(work, TT_DDB_QUERY, TT_DDB_MESSAGE_STATUS, tt_ddb_id(conversation), none);
}

/* Both are sorted by the bytes of the user's id. */
struct tt_member_cursor *tt_ddb_member_cursors(const struct tt_ddb_answer *answer,
                                               const struct tt_conversation *conversation,
                                               struct tt_arena *arena)
{
    size_t count = conversation->member_count;
    struct tt_member_cursor *members = tt_arena_array(arena, count, sizeof(*members));
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        members[i].user = conversation->members[i];
        while (at < answer->item_count) {
            tt_id user = tt_ddb_get_id(answer->items[at], "user_id");
            int order = tt_id_compare(&user, &members[i].user);
            if (order > 0)
                break;
            if (order == 0)
                members[i].cursor = (struct tt_cursor){
                    TT_SEQ(tt_ddb_get_number(answer->items[at], "last_delivered_seq")),
                    TT_SEQ(tt_ddb_get_number(answer->items[at], "last_read_seq"))};
            at++;
        }
    }
    return members;
}

struct tt_ddb_request *tt_ddb_arm(struct tt_ddb_work *work, const tt_id *user,
                                  const tt_id *conversation, tt_seq first, tt_seq seq)
{
    struct tt_ddb_request *request =
        tt_ddb_new(work, TT_DDB_UPDATE, TT_DDB_PENDING, tt_ddb_id(user), tt_ddb_id(conversation));
    tt_ddb_set(request, "armed_seq", tt_ddb_number(seq.n));
    tt_ddb_set(request, "armed_by", tt_ddb_text(tt_slice_text(work->store->node_text)));
    tt_ddb_set_if_absent(request, "first_undelivered_seq", tt_ddb_number(first.n));
    tt_ddb_only_if(request, TT_DDB_ABSENT_OR_SMALLER, "armed_seq", tt_ddb_number(seq.n));
    return request;
}

struct tt_ddb_request *tt_ddb_disarm(struct tt_ddb_work *work, const tt_id *user,
                                     const tt_id *conversation, tt_seq reached)
{
    struct tt_ddb_request *request =
        tt_ddb_new(work, TT_DDB_DELETE, TT_DDB_PENDING, tt_ddb_id(user), tt_ddb_id(conversation));
    tt_ddb_only_if(request, TT_DDB_AT_MOST, "armed_seq", tt_ddb_number(reached.n));
    return request;
}

struct tt_ddb_value tt_ddb_time(struct tt_ddb_work *work, tt_time time)
{
    char *text = tt_arena_alloc(&work->arena, TT_TIME_TEXT_SIZE);
    tt_time_format(time, text);
    return tt_ddb_text(tt_slice(text, TT_TIME_TEXT_SIZE));
}

size_t tt_ddb_note(struct tt_ddb_work *work, struct tt_ddb_conversation *conversation, tt_time at,
                   bool is_message, struct tt_ddb_request **requests)
{
    tt_time *noted = is_message ? &conversation->active_noted : &conversation->changed_noted;
    if (noted->ms == 0)
        *noted = conversation->is.created_at;
    if (at.ms - noted->ms < TT_DDB_NOTE_MS)
        return 0;
    *noted = at;
    conversation->changed_noted = tt_time_max(conversation->changed_noted, at);
    const char *attribute = is_message ? "active_at" : "changed_at";
    struct tt_ddb_value when = tt_ddb_time(work, at);
    for (size_t i = 0; i < conversation->is.member_count; i++) {
        struct tt_ddb_request *request =
            tt_ddb_new(work, TT_DDB_UPDATE, TT_DDB_MEMBERSHIPS,
                       tt_ddb_id(&conversation->is.members[i]), tt_ddb_id(&conversation->is.id));
        tt_ddb_set(request, attribute, when);
        tt_ddb_only_if(request, TT_DDB_ABSENT_OR_SMALLER, attribute, when);
        requests[i] = request;
    }
    return conversation->is.member_count;
}

/* FNV-1a, 64 bits (draft-eastlake-fnv). It is part of a key that is stored, so it never changes. */
static uint64_t hash_of(struct tt_slice bytes)
{
    uint64_t hash = 0xcbf29ce484222325ULL;
    for (size_t i = 0; i < bytes.size; i++)
        hash = (hash ^ (uint8_t)bytes.data[i]) * 0x100000001b3ULL;
    return hash;
}

struct tt_ddb_value tt_ddb_history_entry(struct tt_ddb_work *work, const tt_id *user, tt_time at,
                                         struct tt_slice steps)
{
    struct tt_buffer entry = {0};
    tt_buffer_add(&entry, tt_id_slice(user));
    tt_buffer_add_byte(&entry, '#');
    tt_buffer_add(&entry, tt_ddb_time(work, at).text);
    tt_buffer_add_byte(&entry, '#');
    tt_buffer_add_u64(&entry, hash_of(steps));
    struct tt_slice key = tt_arena_copy(&work->arena, tt_buffer_slice(&entry));
    tt_buffer_deinit(&entry);
    return tt_ddb_text(key);
}

tt_err tt_ddb_spill(struct tt_ddb_work *work, struct tt_slice owner, const tt_id *user,
                    struct tt_slice *steps)
{
    size_t cut = tt_ddb_steps_cut(*steps);
    if (cut == 0)
        return TT_OK;
    struct tt_slice older = tt_slice(steps->data, cut);
    struct tt_slice rest = older;
    struct tt_happening first = {0};
    (void)tt_ddb_steps_next(&rest, &first);
    struct tt_ddb_request *request =
        tt_ddb_new(work, TT_DDB_PUT, TT_DDB_HISTORY, tt_ddb_text(owner),
                   tt_ddb_history_entry(work, user, first.at, older));
    tt_ddb_set(request, "user_id", tt_ddb_id(user));
    tt_ddb_set(request, "steps", tt_ddb_raw(older));
    TT_TRY(tt_ddb_known(tt_ddb_ask(work, request)));
    *steps = tt_slice_from(*steps, cut);
    return TT_OK;
}

tt_err tt_ddb_user_of(struct tt_ddb_work *work, const tt_id *id, struct tt_ddb_user *user)
{
    const struct tt_ddb_answer *answer =
        tt_ddb_ask(work, tt_ddb_new(work, TT_DDB_GET, TT_DDB_USERS, tt_ddb_id(id), none));
    TT_TRY(tt_ddb_known(answer));
    struct tt_json nothing = {.kind = TT_JSON_ABSENT};
    *user = tt_ddb_user_read(answer->item_count > 0 ? answer->items[0] : nothing, id, &work->arena);
    return TT_OK;
}

tt_err tt_ddb_swap_user(struct tt_ddb_work *work, const struct tt_ddb_user *user, bool *stands)
{
    uint64_t mark = tt_ddb_new_mark(work->store);
    struct tt_ddb_request *request =
        tt_ddb_new(work, TT_DDB_PUT, TT_DDB_USERS, tt_ddb_id(&user->id), none);
    tt_ddb_user_write(user, mark, &work->arena, request);
    const struct tt_ddb_answer *answer = tt_ddb_ask(work, request);
    TT_TRY(tt_ddb_known(answer));
    *stands = answer->outcome == TT_DDB_DONE;
    if (!*stands && answer->retried) {
        struct tt_ddb_user now;
        TT_TRY(tt_ddb_user_of(work, &user->id, &now));
        *stands = now.mark == mark;
    }
    return TT_OK;
}
