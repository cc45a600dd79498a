#include <stdint.h>

#include "adapter/dynamodb/parts.h"
#include "adapter/dynamodb/push_row.h"
#include "adapter/dynamodb/servers.h"
#include "adapter/dynamodb/steps.h"
#include "adapter/dynamodb/transfer_parts.h"

static const struct tt_ddb_value none = {.kind = TT_DDB_NONE};

#define ROWS_MAX     256
#define MESSAGES_MAX 200

/* What was read of one conversation: the answers to these, in this order, and then two for each
 * member: his pending row and his own row. */
enum { STATUS, STEPS, NEWEST, FIRST, PER_CONVERSATION };

struct happenings {
    struct tt_happening *list;
    size_t count;
    size_t room;
};

static void add(struct tt_ddb_work *work, struct happenings *happenings,
                const struct tt_happening *happening)
{
    if (happenings->count == happenings->room) {
        size_t room = happenings->room == 0 ? 16 : 2 * happenings->room;
        struct tt_happening *more = tt_arena_array(&work->arena, room, sizeof(*more));
        if (happenings->count > 0)
            memcpy(more, happenings->list, happenings->count * sizeof(*more));
        happenings->list = more;
        happenings->room = room;
    }
    happenings->list[happenings->count++] = *happening;
}

static bool is_push(const struct tt_happening *happening)
{
    return happening->kind == TT_HAPPENED_PUSH_ACCEPTED ||
           happening->kind == TT_HAPPENED_PUSH_FAILED;
}

/* Cursor steps into `steps`, pushes into `pushes`. */
static void add_steps(struct tt_ddb_work *work, struct tt_slice text, const tt_id *user,
                      struct tt_slice detail, struct happenings *steps, struct happenings *pushes)
{
    struct tt_happening step = {.user = *user};
    while (tt_ddb_steps_next(&text, &step)) {
        step.detail = is_push(&step) ? detail : TT_SLICE_EMPTY;
        add(work, is_push(&step) ? pushes : steps, &step);
    }
}

/* The scan of a table: its rows, and the key behind which the next page begins. */
static tt_err scan(struct tt_ddb_work *work, enum tt_ddb_table table, struct tt_slice hash,
                   struct tt_slice range, const struct tt_ddb_answer **page)
{
    struct tt_ddb_request *request = tt_ddb_new(work, TT_DDB_SCAN, table, none, none);
    request->query.limit = ROWS_MAX;
    if (hash.size > 0)
        request->key = (struct tt_ddb_key){tt_ddb_raw(hash), tt_ddb_raw(range)};
    *page = tt_ddb_ask(work, request);
    return tt_ddb_known(*page);
}

/* Texts without blanks: users/bob, addresses/bob/phone, conversations/conv_abc123. */
static struct tt_slice join(struct tt_ddb_work *work, const char *table, struct tt_slice hash,
                            struct tt_slice range)
{
    struct tt_buffer text = {0};
    tt_buffer_add_text(&text, table);
    tt_buffer_add_byte(&text, '/');
    tt_buffer_add(&text, hash);
    tt_buffer_add_byte(&text, '/');
    tt_buffer_add(&text, range);
    struct tt_slice copy = tt_arena_copy(&work->arena, tt_buffer_slice(&text));
    tt_buffer_deinit(&text);
    return copy;
}

/* Users of whom there is an address and no row, each once: the rows of one stand together. */
static tt_err list_addressed(struct tt_ddb_work *work, struct tt_slice hash, struct tt_slice range,
                             struct tt_transfer_page *out)
{
    const struct tt_ddb_answer *page;
    TT_TRY(scan(work, TT_DDB_PUSH_ADDRESSES, hash, range, &page));
    struct tt_ddb_requests requests = {.count = 0};
    tt_id *ids = tt_arena_array(&work->arena, page->item_count, sizeof(*ids));
    tt_id last = {0};
    if (hash.size > 0 && hash.data[0] != '#')
        TT_TRY(tt_id_parse(hash, &last));
    for (size_t i = 0; i < page->item_count; i++) {
        tt_id id = tt_ddb_get_id(page->items[i], "user_id");
        if (tt_id_is_none(&id) || tt_id_eq(&id, &last))
            continue;
        tt_id *kept = &ids[requests.count]; /* the request borrows it */
        *kept = last = id;
        tt_ddb_gather(work, &requests,
                      tt_ddb_new(work, TT_DDB_GET, TT_DDB_USERS, tt_ddb_id(kept), none));
    }
    const struct tt_ddb_answer *answers = tt_ddb_ask_all(work, requests.list, requests.count);
    out->ids = ids;
    for (size_t i = 0; i < requests.count; i++) {
        TT_TRY(tt_ddb_known(&answers[i]));
        if (answers[i].item_count == 0)
            ids[out->count++] = ids[i];
    }
    if (page->more)
        out->next = join(work, "addresses", page->behind_hash.text, page->behind.text);
    return TT_OK;
}

static tt_err list_rows(struct tt_ddb_work *work, enum tt_ddb_table table, struct tt_slice hash,
                        struct tt_transfer_page *out)
{
    const struct tt_ddb_answer *page;
    bool is_users = table == TT_DDB_USERS;
    TT_TRY(scan(work, table, hash, TT_SLICE_EMPTY, &page));
    out->ids = tt_arena_array(&work->arena, page->item_count, sizeof(tt_id));
    for (size_t i = 0; i < page->item_count; i++) {
        struct tt_json item = page->items[i];
        tt_id id = tt_ddb_get_id(item, is_users ? "user_id" : "conversation_id");
        if (!tt_id_is_none(&id) &&
            (is_users || tt_ddb_get(item, "ready", 'B').kind == TT_JSON_TRUE))
            out->ids[out->count++] = id;
    }
    if (page->more)
        out->next = join(work, is_users ? "users" : "conversations", page->behind_hash.text,
                         TT_SLICE_EMPTY);
    else if (is_users)
        out->next = TT_SLICE_LITERAL("addresses//");
    return TT_OK;
}

tt_err tt_ddb_transfer_list(struct tt_ddb_work *work, struct tt_transfer_call *call)
{
    struct tt_slice after = call->text;
    struct tt_slice table = tt_slice_take_until(&after, '/');
    struct tt_slice hash = tt_slice_take_until(&after, '/');
    *call->page = (struct tt_transfer_page){.count = 0};
    if (call->kind == TT_DOSSIER_CONVERSATIONS)
        return list_rows(work, TT_DDB_CONVERSATIONS, hash, call->page);
    if (tt_slice_eq(table, TT_SLICE_LITERAL("addresses")))
        return list_addressed(work, hash, tt_slice_take_until(&after, '/'), call->page);
    return list_rows(work, TT_DDB_USERS, hash, call->page);
}

/* "#bob" */
static struct tt_ddb_value owner_of(struct tt_ddb_work *work, const tt_id *user)
{
    char *text = tt_arena_alloc(&work->arena, (size_t)user->size + 1);
    text[0] = '#';
    memcpy(text + 1, user->bytes, user->size);
    return tt_ddb_text(tt_slice(text, (size_t)user->size + 1));
}

static bool is_leaving(const struct tt_ddb_user *user, const tt_id *device)
{
    const struct tt_ddb_device *one = tt_ddb_user_device(user, device);
    return one != NULL && one->state == TT_DDB_UNLINKING;
}

/* A device whose linking or unlinking was never finished is not linked. */
static void take_devices(struct tt_ddb_work *work, const struct tt_ddb_user *user,
                         struct tt_user_dossier *dossier)
{
    dossier->devices = tt_arena_array(&work->arena, user->device_count, sizeof(*dossier->devices));
    for (size_t i = 0; i < user->device_count; i++) {
        struct tt_device device = user->devices[i].is;
        device.connected = false;
        if (user->devices[i].state == TT_DDB_LINKED)
            dossier->devices[dossier->device_count++] = device;
    }
}

/* No server runs, so whoever is still connected to one of which nothing is known has left, too. */
static void leave_all(struct tt_user_dossier *dossier, const struct tt_ddb_user *user,
                      struct tt_ddb_work *work, struct happenings *connections)
{
    for (size_t i = 0; i < user->device_count; i++) {
        const struct tt_ddb_device *device = &user->devices[i];
        if (device->server.size == 0)
            continue;
        struct tt_happening left = {.kind = TT_HAPPENED_DISCONNECTED,
                                    .at = device->connected_at,
                                    .user = user->id,
                                    .device = device->is.id};
        add(work, connections, &left);
        dossier->last_seen = tt_time_max(dossier->last_seen, device->connected_at);
    }
}

static void take_user(struct tt_ddb_work *work, const struct tt_ddb_user *user,
                      const struct tt_ddb_answer *history, struct tt_user_dossier *dossier)
{
    struct happenings connections = {.count = 0};
    dossier->settings = user->settings;
    dossier->last_seen = user->last_seen;
    dossier->epoch_floor = user->last_epoch;
    dossier->has_account = user->has_account;
    dossier->account = user->account;
    take_devices(work, user, dossier);
    for (size_t i = 0; i < history->item_count; i++)
        add_steps(work, tt_ddb_get_raw(history->items[i], "steps"), &user->id, TT_SLICE_EMPTY,
                  &connections, &connections);
    add_steps(work, user->steps, &user->id, TT_SLICE_EMPTY, &connections, &connections);
    leave_all(dossier, user, work, &connections);
    dossier->connections = connections.list;
    dossier->connection_count = connections.count;
    tt_user_dossier_settle(dossier);
}

/* Of the addresses, those whose token is theirs. */
static tt_err take_addresses(struct tt_ddb_work *work, const struct tt_ddb_user *user,
                             const struct tt_ddb_answer *rows, struct tt_user_dossier *dossier)
{
    struct tt_device_address *read = tt_arena_array(&work->arena, rows->item_count, sizeof(*read));
    struct tt_ddb_requests requests = {.count = 0};
    for (size_t i = 0; i < rows->item_count; i++)
        if (tt_ddb_push_read(rows->items[i], &work->arena, &read[requests.count]) &&
            !is_leaving(user, &read[requests.count].device))
            tt_ddb_gather(work, &requests, tt_ddb_token_get(work, &read[requests.count].address));
    const struct tt_ddb_answer *answers = tt_ddb_ask_all(work, requests.list, requests.count);
    dossier->addresses = read;
    for (size_t i = 0; i < requests.count; i++) {
        tt_id owner;
        tt_id device;
        TT_TRY(tt_ddb_known(&answers[i]));
        if (tt_ddb_token_has(&answers[i], &owner, &device) && tt_id_eq(&owner, &dossier->user) &&
            tt_id_eq(&device, &read[i].device))
            read[dossier->address_count++] = read[i];
    }
    return TT_OK;
}

static tt_err read_users(struct tt_ddb_work *work, struct tt_user_dossier *dossiers, size_t count)
{
    struct tt_ddb_requests requests = {.count = 0};
    for (size_t i = 0; i < count; i++) {
        const tt_id *id = &dossiers[i].user;
        tt_ddb_gather(work, &requests,
                      tt_ddb_new(work, TT_DDB_GET, TT_DDB_USERS, tt_ddb_id(id), none));
        tt_ddb_gather(work, &requests,
                      tt_ddb_new(work, TT_DDB_QUERY, TT_DDB_HISTORY, owner_of(work, id), none));
        tt_ddb_gather(work, &requests,
                      tt_ddb_new(work, TT_DDB_QUERY, TT_DDB_PUSH_ADDRESSES, tt_ddb_id(id), none));
    }
    struct tt_ddb_answer *answers = tt_ddb_ask_all(work, requests.list, requests.count);
    struct tt_ddb_user *users = tt_arena_array(&work->arena, count, sizeof(*users));
    for (size_t i = 0; i < count; i++) {
        struct tt_json nothing = {.kind = TT_JSON_ABSENT};
        struct tt_ddb_answer *row = &answers[3 * i];
        for (size_t j = 1; j <= 2; j++)
            tt_ddb_follow_pages(work, requests.list[3 * i + j], &answers[3 * i + j], SIZE_MAX);
        for (size_t j = 0; j <= 2; j++)
            TT_TRY(tt_ddb_known(&answers[3 * i + j]));
        users[i] = tt_ddb_user_read(row->item_count > 0 ? row->items[0] : nothing,
                                    &dossiers[i].user, &work->arena);
    }
    TT_TRY(tt_ddb_bury(work, users, count));
    for (size_t i = 0; i < count; i++) {
        take_user(work, &users[i], &answers[3 * i + 1], &dossiers[i]);
        TT_TRY(take_addresses(work, &users[i], &answers[3 * i + 2], &dossiers[i]));
    }
    return TT_OK;
}

static void take_member(struct tt_ddb_work *work, const struct tt_ddb_answer *pending,
                        const struct tt_ddb_answer *user_row, struct tt_ddb_status *status,
                        struct tt_member_dossier *member)
{
    struct tt_json nothing = {.kind = TT_JSON_ABSENT};
    struct tt_ddb_user user = tt_ddb_user_read(
        user_row->item_count > 0 ? user_row->items[0] : nothing, &member->user, &work->arena);
    member->cursor = status->cursor;
    member->muted_until = status->muted_until;
    member->positions = tt_arena_array(&work->arena, user.device_count, sizeof(*member->positions));
    for (size_t i = 0; i < user.device_count; i++) {
        const struct tt_device_position *position =
            tt_ddb_status_device(status, &user.devices[i].is.id);
        if (user.devices[i].state == TT_DDB_LINKED)
            member->positions[member->position_count++] = (struct tt_device_position){
                .device = user.devices[i].is.id,
                .delivered = position == NULL ? TT_SEQ(0) : position->delivered,
                .linked_at = user.devices[i].is.linked_at};
    }
    member->has_pending = pending->item_count > 0;
    if (!member->has_pending)
        return;
    struct tt_json row = pending->items[0];
    member->first_undelivered = TT_SEQ(tt_ddb_get_number(row, "first_undelivered_seq"));
    member->armed = TT_SEQ(tt_ddb_get_number(row, "armed_seq"));
    member->pushed = TT_SEQ(tt_ddb_get_number(row, "pushed_seq"));
}

static struct tt_member_dossier *member_of(struct tt_conversation_dossier *dossier,
                                           const tt_id *user)
{
    for (size_t i = 0; i < dossier->is.member_count; i++)
        if (tt_id_eq(&dossier->members[i].user, user))
            return &dossier->members[i];
    return NULL;
}

/* Rows of members that are none are nobody's. */
static void take_steps(struct tt_ddb_work *work, const struct tt_ddb_answer *answers,
                       struct tt_conversation_dossier *dossier)
{
    struct happenings pushes = {.count = 0};
    struct happenings *steps =
        tt_arena_array(&work->arena, dossier->is.member_count, sizeof(*steps));
    for (size_t which = STATUS; which <= STEPS; which++)
        for (size_t i = 0; i < answers[which].item_count; i++) {
            struct tt_json item = answers[which].items[i];
            tt_id user = tt_ddb_get_id(item, "user_id");
            const struct tt_member_dossier *member = member_of(dossier, &user);
            if (member != NULL)
                add_steps(work, tt_ddb_get_raw(item, "steps"), &user,
                          tt_ddb_unescape(tt_ddb_get_raw(item, "detail"), &work->arena),
                          &steps[member - dossier->members], &pushes);
        }
    for (size_t i = 0; i < dossier->is.member_count; i++) {
        dossier->members[i].steps = steps[i].list;
        dossier->members[i].step_count = steps[i].count;
    }
    dossier->pushes = pushes.list;
    dossier->push_count = pushes.count;
}

static void take_members(struct tt_ddb_work *work, const struct tt_ddb_answer *answers,
                         struct tt_conversation_dossier *dossier)
{
    struct tt_ddb_status *rows =
        tt_arena_array(&work->arena, dossier->is.member_count, sizeof(*rows));
    for (size_t i = 0; i < answers[STATUS].item_count; i++) {
        struct tt_json item = answers[STATUS].items[i];
        tt_id user = tt_ddb_get_id(item, "user_id");
        const struct tt_member_dossier *member = member_of(dossier, &user);
        if (member != NULL)
            rows[member - dossier->members] = tt_ddb_status_read(item, &work->arena);
    }
    for (size_t i = 0; i < dossier->is.member_count; i++)
        take_member(work, &answers[PER_CONVERSATION + 2 * i],
                    &answers[PER_CONVERSATION + 2 * i + 1], &rows[i], &dossier->members[i]);
}

static void take_messages(struct tt_ddb_work *work, const struct tt_ddb_answer *answer,
                          struct tt_message **messages, size_t *count)
{
    *messages = tt_arena_array(&work->arena, answer->item_count, sizeof(**messages));
    *count = 0;
    for (size_t i = 0; i < answer->item_count; i++)
        if (tt_ddb_read_message(answer->items[i], &(*messages)[*count]))
            (*count)++;
}

static struct tt_ddb_request *messages_from(struct tt_ddb_work *work, const tt_id *conversation,
                                            tt_seq from, uint32_t limit)
{
    struct tt_ddb_request *query =
        tt_ddb_new(work, TT_DDB_QUERY, TT_DDB_MESSAGES, tt_ddb_id(conversation), none);
    query->query.from = tt_ddb_number(from.n);
    query->query.limit = limit;
    return query;
}

static void ask_about(struct tt_ddb_work *work, struct tt_ddb_requests *requests,
                      const struct tt_conversation *is)
{
    tt_ddb_gather(work, requests, tt_ddb_all_status(work, &is->id));
    tt_ddb_gather(work, requests,
                  tt_ddb_new(work, TT_DDB_QUERY, TT_DDB_HISTORY, tt_ddb_id(&is->id), none));
    tt_ddb_gather(work, requests, tt_ddb_newest(work, &is->id, 1));
    tt_ddb_gather(work, requests, messages_from(work, &is->id, TT_SEQ(1), TT_DOSSIER_MESSAGES_MAX));
    for (size_t i = 0; i < is->member_count; i++) {
        tt_ddb_gather(work, requests,
                      tt_ddb_new(work, TT_DDB_GET, TT_DDB_PENDING, tt_ddb_id(&is->members[i]),
                                 tt_ddb_id(&is->id)));
        tt_ddb_gather(work, requests,
                      tt_ddb_new(work, TT_DDB_GET, TT_DDB_USERS, tt_ddb_id(&is->members[i]), none));
    }
}

static tt_err take_conversation(struct tt_ddb_work *work, struct tt_ddb_request *const *requests,
                                struct tt_ddb_answer *answers,
                                struct tt_conversation_dossier *dossier)
{
    struct tt_message newest;
    tt_ddb_follow_pages(work, requests[STATUS], &answers[STATUS], SIZE_MAX);
    tt_ddb_follow_pages(work, requests[STEPS], &answers[STEPS], SIZE_MAX);
    for (size_t i = 0; i < PER_CONVERSATION + 2 * dossier->is.member_count; i++)
        TT_TRY(tt_ddb_known(&answers[i]));
    dossier->members =
        tt_arena_array(&work->arena, dossier->is.member_count, sizeof(*dossier->members));
    for (size_t i = 0; i < dossier->is.member_count; i++)
        dossier->members[i].user = dossier->is.members[i];
    dossier->active_at = dossier->is.created_at;
    if (answers[NEWEST].item_count > 0 && tt_ddb_read_message(answers[NEWEST].items[0], &newest)) {
        dossier->head = newest.seq;
        dossier->active_at = newest.timestamp;
    }
    take_members(work, answers, dossier);
    take_steps(work, answers, dossier);
    take_messages(work, &answers[FIRST], &dossier->messages, &dossier->message_count);
    tt_conversation_dossier_settle(dossier);
    return TT_OK;
}

static tt_err read_conversations(struct tt_ddb_work *work, struct tt_conversation_dossier *dossiers,
                                 size_t count)
{
    struct tt_ddb_requests rows = {.count = 0};
    struct tt_ddb_requests requests = {.count = 0};
    for (size_t i = 0; i < count; i++)
        tt_ddb_gather(work, &rows,
                      tt_ddb_new(work, TT_DDB_GET, TT_DDB_CONVERSATIONS,
                                 tt_ddb_id(&dossiers[i].is.id), none));
    struct tt_ddb_answer *found = tt_ddb_ask_all(work, rows.list, rows.count);
    for (size_t i = 0; i < count; i++) {
        TT_TRY(tt_ddb_known(&found[i]));
        if (found[i].item_count == 0 ||
            !tt_ddb_read_conversation(found[i].items[0], &work->arena, &dossiers[i].is))
            return TT_FAIL(NOT_FOUND);
        ask_about(work, &requests, &dossiers[i].is);
    }
    struct tt_ddb_answer *answers = tt_ddb_ask_all(work, requests.list, requests.count);
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        TT_TRY(take_conversation(work, requests.list + at, answers + at, &dossiers[i]));
        at += PER_CONVERSATION + 2 * dossiers[i].is.member_count;
    }
    return TT_OK;
}

tt_err tt_ddb_transfer_read(struct tt_ddb_work *work, struct tt_transfer_call *call)
{
    TT_TRY(read_users(work, call->dossiers->users, call->dossiers->user_count));
    return read_conversations(work, call->dossiers->conversations,
                              call->dossiers->conversation_count);
}

tt_err tt_ddb_transfer_read_messages(struct tt_ddb_work *work, struct tt_transfer_call *call)
{
    const struct tt_ddb_answer *answer =
        tt_ddb_ask(work, messages_from(work, call->conversation, call->from, MESSAGES_MAX));
    TT_TRY(tt_ddb_known(answer));
    take_messages(work, answer, &call->messages, &call->message_count);
    return TT_OK;
}
