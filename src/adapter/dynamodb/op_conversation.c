#include "adapter/dynamodb/parts.h"

static const struct tt_ddb_value none = {.kind = TT_DDB_NONE};

/*
 * Creating a conversation is several writes, and whoever does them may die between any two:
 *   1. conversations(id), not ready yet: takes the id. Nobody sees it.
 *   2. conversations(alice#bob), of a direct one: the pair's only conversation. Who loses that race
 *      takes his id back and goes on with the winner's.
 *   3. the members' rows in memberships and message_status.
 *   4. ready.
 * Each is put only if absent, so whoever finds it half done does the rest again.
 */
struct creation {
    struct tt_ddb_work *work;
    struct tt_create_conversation *create;
    struct tt_conversation wanted;
    tt_id pair_id; /* the id that the pair's row names; none: there is no row */
};

static bool members_are_sorted(const struct tt_conversation *conversation)
{
    for (size_t i = 1; i < conversation->member_count; i++)
        if (tt_id_compare(&conversation->members[i - 1], &conversation->members[i]) >= 0)
            return false;
    return conversation->member_count > 0 &&
           (conversation->kind != TT_DIRECT || conversation->member_count == 2);
}

static bool is_same(const struct tt_conversation *a, const struct tt_conversation *b)
{
    if (a->kind != b->kind || a->member_count != b->member_count)
        return false;
    for (size_t i = 0; i < a->member_count; i++)
        if (!tt_id_eq(&a->members[i], &b->members[i]))
            return false;
    return true;
}

static struct tt_ddb_value pair_key(const struct creation *creation)
{
    const tt_id *members = creation->wanted.members;
    return tt_ddb_pair_key(&members[0], &members[1], &creation->work->arena);
}

static struct tt_ddb_request *get_row(struct tt_ddb_work *work, const tt_id *id)
{
    return tt_ddb_new(work, TT_DDB_GET, TT_DDB_CONVERSATIONS, tt_ddb_id(id), none);
}

static bool is_ready(struct tt_json item)
{
    return tt_ddb_get(item, "ready", 'B').kind == TT_JSON_TRUE;
}

/* The answer: what stands. */
static void tell(struct creation *creation, const struct tt_conversation *standing, bool created)
{
    struct tt_arena *arena = &creation->work->op->arena;
    tt_id *members = tt_arena_array(arena, standing->member_count, sizeof(*members));
    memcpy(members, standing->members, standing->member_count * sizeof(*members));
    creation->create->conversation = *standing;
    creation->create->conversation.members = members;
    creation->create->conversation.title = tt_arena_copy(arena, standing->title);
    creation->create->created = created;
    tt_ddb_pin(creation->work, tt_ddb_cache_add(creation->work->store->cache, standing));
}

static struct tt_ddb_request *put_row(struct creation *creation)
{
    const struct tt_conversation *wanted = &creation->wanted;
    struct tt_ddb_request *put =
        tt_ddb_new(creation->work, TT_DDB_PUT, TT_DDB_CONVERSATIONS, tt_ddb_id(&wanted->id), none);
    tt_ddb_conversation_write(creation->work, wanted, put);
    tt_ddb_only_if(put, TT_DDB_ABSENT, "members", none);
    return put;
}

/* Counts what the members have already; before anything is written. */
static tt_err check_room(struct creation *creation)
{
    size_t count = creation->wanted.member_count;
    struct tt_ddb_request **requests =
        tt_arena_array(&creation->work->arena, count, sizeof(struct tt_ddb_request *));
    for (size_t i = 0; i < count; i++) {
        requests[i] = tt_ddb_new(creation->work, TT_DDB_QUERY, TT_DDB_MEMBERSHIPS,
                                 tt_ddb_id(&creation->wanted.members[i]), none);
        requests[i]->query.only = "conversation_id";
    }
    struct tt_ddb_answer *answers = tt_ddb_ask_all(creation->work, requests, count);
    for (size_t i = 0; i < count; i++) {
        tt_ddb_follow_pages(creation->work, requests[i], &answers[i],
                            creation->create->conversation_count_max);
        TT_TRY(tt_ddb_known(&answers[i]));
        size_t others = 0;
        for (size_t j = 0; j < answers[i].item_count; j++) {
            tt_id id = tt_ddb_get_id(answers[i].items[j], "conversation_id");
            others += !tt_id_eq(&id, &creation->wanted.id);
        }
        if (others >= creation->create->conversation_count_max)
            return TT_FAIL(TOO_MANY_CONVERSATIONS);
    }
    return TT_OK;
}

static tt_err ask_about_all(struct creation *creation,
                            struct tt_ddb_request *(*make)(struct creation *creation,
                                                           const tt_id *member, void *context),
                            void *contexts, size_t context_size, struct tt_ddb_answer **answers)
{
    size_t count = creation->wanted.member_count;
    struct tt_ddb_request **requests =
        tt_arena_array(&creation->work->arena, count, sizeof(struct tt_ddb_request *));
    for (size_t i = 0; i < count; i++)
        requests[i] = make(creation, &creation->wanted.members[i],
                           contexts == NULL ? NULL : (char *)contexts + i * context_size);
    *answers = tt_ddb_ask_all(creation->work, requests, count);
    for (size_t i = 0; i < count; i++)
        TT_TRY(tt_ddb_known(&(*answers)[i]));
    return TT_OK;
}

static struct tt_ddb_request *put_membership(struct creation *creation, const tt_id *member,
                                             void *context)
{
    (void)context;
    struct tt_ddb_request *put = tt_ddb_new(creation->work, TT_DDB_PUT, TT_DDB_MEMBERSHIPS,
                                            tt_ddb_id(member), tt_ddb_id(&creation->wanted.id));
    struct tt_ddb_value at = tt_ddb_time(creation->work, creation->wanted.created_at);
    tt_ddb_set(put, "active_at", at);
    tt_ddb_set(put, "changed_at", at);
    tt_ddb_only_if(put, TT_DDB_ABSENT, "active_at", none);
    return put;
}

static struct tt_ddb_request *get_user(struct creation *creation, const tt_id *member,
                                       void *context)
{
    (void)context;
    return tt_ddb_new(creation->work, TT_DDB_GET, TT_DDB_USERS, tt_ddb_id(member), none);
}

static struct tt_ddb_request *put_status(struct creation *creation, const tt_id *member,
                                         void *context)
{
    struct tt_ddb_status *row = context;
    row->user = *member;
    struct tt_ddb_request *put = tt_ddb_new(creation->work, TT_DDB_PUT, TT_DDB_MESSAGE_STATUS,
                                            tt_ddb_id(&creation->wanted.id), tt_ddb_id(member));
    tt_ddb_status_write(row, tt_ddb_new_mark(creation->work->store), &creation->work->arena, put);
    return put;
}

/* The devices are read after the memberships were written: a device that is linked at the same time
 * is seen here, or sees the membership and adds itself. */
static tt_err put_members(struct creation *creation)
{
    struct tt_ddb_answer *answers;
    size_t count = creation->wanted.member_count;
    TT_TRY(ask_about_all(creation, put_membership, NULL, 0, &answers));
    TT_TRY(ask_about_all(creation, get_user, NULL, 0, &answers));
    struct tt_ddb_status *rows =
        tt_arena_array(&creation->work->arena, count, sizeof(struct tt_ddb_status));
    for (size_t i = 0; i < count; i++) {
        if (answers[i].item_count == 0)
            continue;
        struct tt_ddb_user user = tt_ddb_user_read(
            answers[i].items[0], &creation->wanted.members[i], &creation->work->arena);
        rows[i].devices = tt_arena_array(&creation->work->arena, user.device_count + 1,
                                         sizeof(struct tt_device_position));
        for (size_t j = 0; j < user.device_count; j++)
            if (user.devices[j].state != TT_DDB_UNLINKING)
                tt_ddb_status_add_device(&rows[i], &user.devices[j].is.id, TT_SEQ(0),
                                         user.devices[j].is.linked_at);
    }
    TT_TRY(ask_about_all(creation, put_status, rows, sizeof(*rows), &answers));
    struct tt_ddb_request *update = tt_ddb_new(creation->work, TT_DDB_UPDATE, TT_DDB_CONVERSATIONS,
                                               tt_ddb_id(&creation->wanted.id), none);
    tt_ddb_set(update, "ready", tt_ddb_json(TT_SLICE_LITERAL("{\"BOOL\":true}")));
    tt_ddb_only_if(update, TT_DDB_PRESENT, "members", none);
    const struct tt_ddb_answer *ready = tt_ddb_ask(creation->work, update);
    TT_TRY(tt_ddb_known(ready));
    return ready->outcome == TT_DDB_DONE ? TT_OK : TT_FAIL(UNAVAILABLE);
}

/* Takes the id; `*standing` is what has it, ours or not. */
static tt_err take_id(struct creation *creation, struct tt_json *standing)
{
    const struct tt_ddb_answer *put = tt_ddb_ask(creation->work, put_row(creation));
    TT_TRY(tt_ddb_known(put));
    const struct tt_ddb_answer *got =
        tt_ddb_ask(creation->work, get_row(creation->work, &creation->wanted.id));
    TT_TRY(tt_ddb_known(got));
    if (got->item_count == 0)
        return TT_FAIL(UNAVAILABLE); /* given back by who lost the race for the pair: try again */
    *standing = got->items[0];
    return TT_OK;
}

static tt_err give_id_back(struct creation *creation)
{
    struct tt_ddb_request *request = tt_ddb_new(creation->work, TT_DDB_DELETE, TT_DDB_CONVERSATIONS,
                                                tt_ddb_id(&creation->wanted.id), none);
    tt_ddb_only_if(request, TT_DDB_ABSENT, "ready", none);
    return tt_ddb_known(tt_ddb_ask(creation->work, request));
}

static tt_err take_pair(struct creation *creation)
{
    struct tt_ddb_request *put =
        tt_ddb_new(creation->work, TT_DDB_PUT, TT_DDB_CONVERSATIONS, pair_key(creation), none);
    tt_ddb_set(put, "direct_id", tt_ddb_id(&creation->wanted.id));
    tt_ddb_only_if(put, TT_DDB_ABSENT, "direct_id", none);
    const struct tt_ddb_answer *answer = tt_ddb_ask(creation->work, put);
    TT_TRY(tt_ddb_known(answer));
    if (answer->outcome == TT_DDB_DONE)
        return TT_OK;
    answer = tt_ddb_ask(creation->work, tt_ddb_new(creation->work, TT_DDB_GET, TT_DDB_CONVERSATIONS,
                                                   pair_key(creation), none));
    TT_TRY(tt_ddb_known(answer));
    if (answer->item_count == 0)
        return TT_FAIL(UNAVAILABLE);
    creation->pair_id = tt_ddb_get_id(answer->items[0], "direct_id");
    return TT_OK;
}

/* Whether the pair has one already, and which. */
static tt_err look_for_pair(struct creation *creation)
{
    creation->pair_id = (tt_id){0};
    if (creation->wanted.kind != TT_DIRECT)
        return TT_OK;
    const struct tt_ddb_answer *answer =
        tt_ddb_ask(creation->work, tt_ddb_new(creation->work, TT_DDB_GET, TT_DDB_CONVERSATIONS,
                                              pair_key(creation), none));
    TT_TRY(tt_ddb_known(answer));
    if (answer->item_count > 0)
        creation->pair_id = tt_ddb_get_id(answer->items[0], "direct_id");
    return TT_OK;
}

static tt_err create(struct creation *creation)
{
    struct tt_json row;
    struct tt_conversation standing;
    TT_TRY(look_for_pair(creation));
    if (!tt_id_is_none(&creation->pair_id))
        creation->wanted.id = creation->pair_id;
    const struct tt_ddb_answer *got =
        tt_ddb_ask(creation->work, get_row(creation->work, &creation->wanted.id));
    TT_TRY(tt_ddb_known(got));
    if (got->item_count == 0) {
        TT_TRY(check_room(creation));
        TT_TRY(take_id(creation, &row));
    } else {
        row = got->items[0];
    }
    if (!tt_ddb_read_conversation(row, &creation->work->arena, &standing))
        return TT_FAIL(CORRUPT);
    if (!is_same(&standing, &creation->wanted) ||
        !tt_ddb_is_member(&standing, &creation->create->creator))
        return TT_FAIL(CONFLICT);
    if (is_ready(row)) {
        tell(creation, &standing, false);
        return TT_OK;
    }
    creation->wanted = standing;
    if (standing.kind == TT_DIRECT && tt_id_is_none(&creation->pair_id)) {
        TT_TRY(take_pair(creation));
        if (!tt_id_is_none(&creation->pair_id) &&
            !tt_id_eq(&creation->pair_id, &creation->wanted.id)) {
            TT_TRY(give_id_back(creation));
            return TT_FAIL(FENCED); /* once more, with the pair's own id */
        }
    }
    TT_TRY(put_members(creation));
    tell(creation, &standing, true);
    return TT_OK;
}

void tt_ddb_create_conversation(struct tt_ddb_work *work)
{
    struct creation creation = {.work = work, .create = &work->op->create_conversation};
    struct tt_conversation asked = creation.create->conversation;
    if (!members_are_sorted(&asked)) {
        work->op->err = TT_FAIL(BAD_MEMBERS);
        return;
    }
    do {
        creation.wanted = asked;
        work->op->err = create(&creation);
    } while (tt_err_is(work->op->err, TT_ERR_FENCED));
}

void tt_ddb_get_conversation(struct tt_ddb_work *work)
{
    struct tt_get_conversation *get = &work->op->get_conversation;
    struct tt_ddb_conversation *found;
    work->op->err = tt_ddb_find(work, &get->id, &found);
    if (!tt_is_ok(work->op->err))
        return;
    tt_id *members = tt_arena_array(&work->op->arena, found->is.member_count, sizeof(*members));
    memcpy(members, found->is.members, found->is.member_count * sizeof(*members));
    get->conversation = found->is;
    get->conversation.members = members;
    get->conversation.title = tt_arena_copy(&work->op->arena, found->is.title);
}

static tt_err mute(struct tt_ddb_work *work)
{
    const struct tt_mute *asked = &work->op->mute;
    struct tt_ddb_conversation *conversation;
    struct tt_ddb_status stand;
    TT_TRY(tt_ddb_find_for(work, &asked->conversation, &asked->user, &conversation));
    TT_TRY(tt_ddb_status_of(work, &asked->conversation, &asked->user, false, &stand));
    for (bool stands = false; !stands;) {
        struct tt_ddb_status row = tt_ddb_status_copy(&stand, &work->arena);
        row.muted_until = asked->until;
        uint64_t mark = tt_ddb_new_mark(work->store);
        const struct tt_ddb_answer *answer =
            tt_ddb_ask(work, tt_ddb_swap_status(work, &asked->conversation, &row, mark));
        TT_TRY(
            tt_ddb_swapped_status(work, &asked->conversation, &row, mark, answer, &stands, &stand));
    }
    return TT_OK;
}

void tt_ddb_mute(struct tt_ddb_work *work)
{
    work->op->err = mute(work);
}
