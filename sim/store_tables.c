#include "sim/store_tables.h"

#include "base/memory.h"

#define KEY_SIZE_MAX ((size_t)3 * (TT_ID_SIZE_MAX + 1))

/* A row of `sends` (conversation, sender, client_id) or of `directs` (two users). */
struct keyed_row {
    char key[KEY_SIZE_MAX];
    size_t key_size;
    tt_seq seq;
    tt_id conversation;
};

static struct tt_slice conversation_key(const void *value)
{
    return tt_id_slice(&((const struct tt_conversation_row *)value)->id);
}

static struct tt_slice user_key(const void *value)
{
    return tt_id_slice(&((const struct tt_user_row *)value)->id);
}

static struct tt_slice keyed_row_key(const void *value)
{
    const struct keyed_row *row = value;
    return tt_slice(row->key, row->key_size);
}

static void key_add(struct keyed_row *row, const tt_id *id)
{
    row->key[row->key_size++] = (char)id->size;
    memcpy(row->key + row->key_size, id->bytes, id->size);
    row->key_size += id->size;
}

void tt_store_tables_init(struct tt_store_tables *tables, enum tt_mutant mutant)
{
    *tables = (struct tt_store_tables){.mutant = mutant};
    tt_map_init(&tables->conversations, conversation_key, 1);
    tt_map_init(&tables->users, user_key, 2);
    tt_map_init(&tables->sends, keyed_row_key, 3);
    tt_map_init(&tables->directs, keyed_row_key, 4);
}

struct tt_slice tt_store_tables_own(struct tt_slice bytes)
{
    if (bytes.size == 0)
        return TT_SLICE_EMPTY;
    char *copy = tt_alloc(bytes.size);
    memcpy(copy, bytes.data, bytes.size);
    return tt_slice(copy, bytes.size);
}

static void disown(struct tt_slice bytes)
{
    tt_free((void *)(uintptr_t)bytes.data);
}

static void conversation_destroy(struct tt_conversation_row *row)
{
    for (size_t i = 0; i < row->member_count; i++)
        tt_free(row->members[i].positions);
    for (size_t i = 0; i < row->message_count; i++)
        disown(row->messages[i].content);
    disown(row->title);
    tt_free(row->members);
    tt_free(row->messages);
    tt_free(row->steps);
    tt_store_tables_free_pushes(row);
    tt_free(row);
}

void tt_store_tables_deinit(struct tt_store_tables *tables)
{
    void *row;
    for (size_t at = 0; (row = tt_map_next(&tables->conversations, &at)) != NULL;)
        conversation_destroy(row);
    for (size_t at = 0; (row = tt_map_next(&tables->users, &at)) != NULL;) {
        struct tt_user_row *user = row;
        disown(user->settings.display_name);
        while (user->address_count > 0)
            tt_store_tables_remove_address(user, &user->addresses[0].device);
        tt_free(user->addresses);
        tt_store_tables_free_account(user);
        tt_free(user->devices);
        tt_free(user->visits);
        tt_free(user);
    }
    for (size_t at = 0; (row = tt_map_next(&tables->sends, &at)) != NULL;)
        tt_free(row);
    for (size_t at = 0; (row = tt_map_next(&tables->directs, &at)) != NULL;)
        tt_free(row);
    tt_map_deinit(&tables->conversations);
    tt_map_deinit(&tables->users);
    tt_map_deinit(&tables->sends);
    tt_map_deinit(&tables->directs);
}

struct tt_conversation_row *tt_store_tables_conversation(struct tt_store_tables *tables,
                                                         const tt_id *id)
{
    return tt_map_get(&tables->conversations, tt_id_slice(id));
}

struct tt_user_row *tt_store_tables_user(struct tt_store_tables *tables, const tt_id *id)
{
    struct tt_user_row *user = tt_map_get(&tables->users, tt_id_slice(id));
    if (user == NULL) {
        user = tt_alloc(sizeof(*user));
        user->id = *id;
        user->settings = TT_USER_SETTINGS_DEFAULT;
        tt_map_add(&tables->users, user);
    }
    return user;
}

struct tt_member_row *tt_store_tables_member(struct tt_conversation_row *conversation,
                                             const tt_id *user)
{
    for (size_t i = 0; conversation != NULL && i < conversation->member_count; i++)
        if (tt_id_eq(&conversation->members[i].user, user))
            return &conversation->members[i];
    return NULL;
}

tt_seq tt_store_tables_position(const struct tt_member_row *member, const tt_id *device)
{
    for (size_t i = 0; i < member->position_count; i++)
        if (tt_id_eq(&member->positions[i].device, device))
            return member->positions[i].delivered;
    return TT_SEQ(0);
}

void tt_store_tables_set_position(struct tt_member_row *member, const tt_id *device, tt_seq seq)
{
    for (size_t i = 0; i < member->position_count; i++) {
        if (tt_id_eq(&member->positions[i].device, device)) {
            member->positions[i].delivered = seq;
            return;
        }
    }
    if (member->position_count == member->position_capacity) {
        member->position_capacity = member->position_capacity * 2 + 4;
        member->positions =
            tt_grow(member->positions, member->position_capacity, sizeof(member->positions[0]));
    }
    member->positions[member->position_count++] = (struct tt_position_row){*device, seq};
}

bool tt_store_tables_is_linked(const struct tt_user_row *user, const tt_id *device,
                               tt_time linked_at)
{
    for (size_t i = 0; i < user->device_count; i++)
        if (tt_id_eq(&user->devices[i].device.id, device))
            return linked_at.ms == 0 || user->devices[i].device.linked_at.ms == linked_at.ms;
    return false;
}

tt_seq tt_store_tables_head(const struct tt_conversation_row *conversation)
{
    return TT_SEQ(conversation->message_count);
}

static struct keyed_row send_key(struct tt_store_tables *tables, const tt_id *conversation,
                                 const tt_id *sender, const tt_id *client_id)
{
    struct keyed_row row = {0};
    if (tables->mutant != TT_MUTANT_DEDUPE_NO_CHAT)
        key_add(&row, conversation);
    if (tables->mutant != TT_MUTANT_DEDUPE_NO_SENDER)
        key_add(&row, sender);
    key_add(&row, client_id);
    return row;
}

bool tt_store_tables_find_send(struct tt_store_tables *tables, const tt_id *conversation,
                               const tt_id *sender, const tt_id *client_id, tt_seq *seq)
{
    struct keyed_row wanted = send_key(tables, conversation, sender, client_id);
    const struct keyed_row *row = tt_map_get(&tables->sends, keyed_row_key(&wanted));
    if (row == NULL || tables->mutant == TT_MUTANT_NO_DEDUPE)
        return false;
    *seq = row->seq;
    return true;
}

void tt_store_tables_add_send(struct tt_store_tables *tables, const tt_id *conversation,
                              const tt_id *sender, const tt_id *client_id, tt_seq seq)
{
    struct keyed_row *row = tt_alloc(sizeof(*row));
    *row = send_key(tables, conversation, sender, client_id);
    row->seq = seq;
    if (tt_map_get(&tables->sends, keyed_row_key(row)) == NULL)
        tt_map_add(&tables->sends, row);
    else
        tt_free(row);
}

/* The row goes when nothing is left to hand out to any device, or to the user where none is. */
void tt_store_tables_settle_pending(struct tt_store_tables *tables,
                                    struct tt_conversation_row *conversation,
                                    struct tt_member_row *member)
{
    const struct tt_user_row *user = tt_store_tables_user(tables, &member->user);
    tt_seq head = tt_store_tables_head(conversation);
    if (user->device_count == 0 && member->cursor.delivered.n < head.n)
        return;
    for (size_t i = 0; i < user->device_count; i++) {
        tt_seq position = tt_store_tables_position(member, &user->devices[i].device.id);
        if (position.n < head.n)
            return;
    }
    member->is_pending = false;
    member->first_undelivered = member->armed = member->pushed = TT_SEQ(0);
}

void tt_store_tables_add_step(struct tt_conversation_row *conversation,
                              const struct tt_happening *step)
{
    if (conversation->step_count == conversation->step_capacity) {
        conversation->step_capacity = conversation->step_capacity * 2 + 16;
        conversation->steps = tt_grow(conversation->steps, conversation->step_capacity,
                                      sizeof(conversation->steps[0]));
    }
    conversation->steps[conversation->step_count++] = *step;
    conversation->changed_at = tt_time_max(conversation->changed_at, step->at);
}

void tt_store_tables_add_visit(struct tt_user_row *user, enum tt_happening_kind kind,
                               const tt_id *device, tt_time at)
{
    if (user->visit_count == user->visit_capacity) {
        user->visit_capacity = user->visit_capacity * 2 + 16;
        user->visits = tt_grow(user->visits, user->visit_capacity, sizeof(user->visits[0]));
    }
    user->visits[user->visit_count++] =
        (struct tt_happening){.kind = kind, .at = at, .user = user->id, .device = *device};
}

struct tt_message tt_store_tables_copy_message(struct tt_arena *arena,
                                               const struct tt_message *message)
{
    struct tt_message copy = *message;
    copy.content = tt_arena_copy(arena, message->content);
    return copy;
}

const struct tt_member_cursor *tt_store_tables_cursors(const struct tt_conversation_row *row,
                                                       struct tt_arena *arena)
{
    struct tt_member_cursor *cursors = tt_arena_array(arena, row->member_count, sizeof(cursors[0]));
    for (size_t i = 0; i < row->member_count; i++)
        cursors[i] = (struct tt_member_cursor){row->members[i].user, row->members[i].cursor};
    return cursors;
}

void tt_store_tables_describe(const struct tt_conversation_row *row, struct tt_arena *arena,
                              struct tt_conversation *conversation)
{
    tt_id *members = tt_arena_array(arena, row->member_count, sizeof(members[0]));
    for (size_t i = 0; i < row->member_count; i++)
        members[i] = row->members[i].user;
    *conversation = (struct tt_conversation){
        .id = row->id,
        .kind = row->kind,
        .title = tt_arena_copy(arena, row->title),
        .created_at = row->created_at,
        .members = members,
        .member_count = row->member_count,
    };
}

static struct keyed_row direct_key(const struct tt_conversation *conversation)
{
    struct keyed_row row = {0};
    key_add(&row, &conversation->members[0]);
    key_add(&row, &conversation->members[1]);
    return row;
}

static struct tt_conversation_row *standing_one(struct tt_store_tables *tables,
                                                const struct tt_create_conversation *create)
{
    const struct tt_conversation *wanted = &create->conversation;
    if (wanted->kind == TT_DIRECT) {
        struct keyed_row key = direct_key(wanted);
        const struct keyed_row *row = tt_map_get(&tables->directs, keyed_row_key(&key));
        if (row != NULL)
            return tt_store_tables_conversation(tables, &row->conversation);
    }
    return tt_store_tables_conversation(tables, &wanted->id);
}

static bool is_same(struct tt_conversation_row *row, const struct tt_create_conversation *create)
{
    const struct tt_conversation *wanted = &create->conversation;
    if (row->kind != wanted->kind || row->member_count != wanted->member_count)
        return false;
    for (size_t i = 0; i < row->member_count; i++)
        if (tt_store_tables_member(row, &wanted->members[i]) == NULL)
            return false;
    return tt_store_tables_member(row, &create->creator) != NULL;
}

static size_t conversation_count(struct tt_store_tables *tables, const tt_id *user)
{
    size_t count = 0;
    void *row;
    for (size_t at = 0; (row = tt_map_next(&tables->conversations, &at)) != NULL;)
        count += tt_store_tables_member(row, user) != NULL;
    return count;
}

static struct tt_conversation_row *add_conversation(struct tt_store_tables *tables,
                                                    const struct tt_conversation *wanted)
{
    struct tt_conversation_row *row = tt_alloc(sizeof(*row));
    row->id = wanted->id;
    row->kind = wanted->kind;
    row->title = tt_store_tables_own(wanted->title);
    row->created_at = row->active_at = row->changed_at = wanted->created_at;
    row->member_count = wanted->member_count;
    row->members = tt_alloc(row->member_count * sizeof(row->members[0]));
    for (size_t i = 0; i < row->member_count; i++)
        row->members[i].user = wanted->members[i];
    tt_map_add(&tables->conversations, row);
    if (wanted->kind == TT_DIRECT) {
        struct keyed_row *key = tt_alloc(sizeof(*key));
        *key = direct_key(wanted);
        key->conversation = wanted->id;
        tt_map_add(&tables->directs, key);
    }
    return row;
}

static bool has_good_members(const struct tt_conversation *wanted)
{
    for (size_t i = 1; i < wanted->member_count; i++)
        if (tt_id_compare(&wanted->members[i - 1], &wanted->members[i]) >= 0)
            return false;
    return wanted->kind != TT_DIRECT || wanted->member_count == 2;
}

static bool somebody_is_full(struct tt_store_tables *tables,
                             const struct tt_create_conversation *create)
{
    for (size_t i = 0; i < create->conversation.member_count; i++) {
        const tt_id *member = &create->conversation.members[i];
        if (conversation_count(tables, member) >= create->conversation_count_max)
            return true;
    }
    return false;
}

void tt_store_tables_create_conversation(struct tt_store_tables *tables, struct tt_store_op *op,
                                         bool disk_low)
{
    struct tt_create_conversation *create = &op->create_conversation;
    if (!has_good_members(&create->conversation)) {
        op->err = TT_FAIL(BAD_MEMBERS);
        return;
    }
    struct tt_conversation_row *row = standing_one(tables, create);
    if (row != NULL && !is_same(row, create)) {
        op->err = TT_FAIL(CONFLICT);
        return;
    }
    create->created = row == NULL;
    if (create->created && somebody_is_full(tables, create))
        op->err = TT_FAIL(TOO_MANY_CONVERSATIONS);
    else if (create->created && disk_low)
        op->err = TT_FAIL(DISK_LOW);
    if (!tt_is_ok(op->err))
        return;
    if (create->created)
        row = add_conversation(tables, &create->conversation);
    tt_store_tables_describe(row, &op->arena, &create->conversation);
}
