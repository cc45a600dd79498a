#include "adapter/embedded/working.h"

#include "adapter/embedded/working_parts.h"
#include "base/memory.h"

/* Connections and disconnections that are kept of one user. */
#define CONNECTIONS_KEPT 1000

struct tt_device *tt_user_device(const struct tt_user_state *user, const tt_id *device)
{
    for (size_t i = 0; i < user->row.device_count; i++)
        if (tt_id_eq(&user->row.devices[i].id, device))
            return &user->row.devices[i];
    return NULL;
}

struct tt_device *tt_user_add_device(struct tt_user_state *user, const tt_id *device)
{
    struct tt_user_row *row = &user->row;
    row->devices = tt_grow(row->devices, row->device_count + 1, sizeof(*row->devices));
    size_t at = row->device_count++;
    for (; at > 0 && tt_id_compare(&row->devices[at - 1].id, device) > 0; at--)
        row->devices[at] = row->devices[at - 1];
    row->devices[at] = (struct tt_device){.id = *device};
    return &row->devices[at];
}

void tt_user_remove_device(struct tt_user_state *user, const tt_id *device)
{
    struct tt_device *removed = tt_user_device(user, device);
    if (removed == NULL)
        return;
    size_t at = (size_t)(removed - user->row.devices);
    user->row.device_count--;
    memmove(removed, removed + 1, (user->row.device_count - at) * sizeof(*removed));
}

/* A copy of the text, instead of the one that is owned there. */
static void replace_text(struct tt_slice *owned, struct tt_slice text)
{
    union {
        const char *borrowed;
        char *owned;
    } old = {owned->data};
    char *copy = NULL;
    if (text.size > 0) {
        copy = tt_alloc(text.size);
        memcpy(copy, text.data, text.size);
    }
    tt_free(old.owned);
    *owned = tt_slice(copy, text.size);
}

void tt_user_set_display_name(struct tt_user_state *user, struct tt_slice name)
{
    replace_text(&user->row.settings.display_name, name);
}

void tt_user_set_addresses(struct tt_user_state *user, struct tt_slice packed)
{
    replace_text(&user->row.addresses, packed);
}

void tt_user_set_account(struct tt_user_state *user, struct tt_slice packed)
{
    replace_text(&user->row.account, packed);
}

static void put(struct tt_working *working, const struct tt_key *key)
{
    tt_index_put(working->index, tt_key_slice(key), tt_buffer_slice(&working->packed));
    working->packed.size = 0;
    working->has_rows = true;
}

static void add_fresh(struct tt_working *working, const struct tt_key *key)
{
    struct tt_fresh_row *row = tt_arena_alloc(&working->fresh_arena, sizeof(*row));
    row->key = tt_arena_copy(&working->fresh_arena, tt_key_slice(key));
    row->value = tt_arena_copy(&working->fresh_arena, tt_buffer_slice(&working->packed));
    tt_map_add(&working->fresh, row);
    put(working, key);
}

/* The row as this batch or the index has it; valid until the next one is looked up. */
static tt_err find_fresh(struct tt_working *working, const struct tt_key *key,
                         struct tt_slice *value)
{
    const struct tt_fresh_row *row = tt_map_get(&working->fresh, tt_key_slice(key));
    if (row != NULL) {
        *value = row->value;
        return TT_OK;
    }
    TT_TRY(tt_view_get(tt_index_latest(working->index), tt_key_slice(key), &working->value));
    *value = tt_buffer_slice(&working->value);
    return TT_OK;
}

/* What was sent in this batch is in no index yet: then the rows are read another time. */
static tt_err know_sent(struct tt_working *working, struct tt_conversation_state *conversation)
{
    struct tt_key prefix = tt_key_prefix_of(TT_TABLE_SENDS, &conversation->info.id);
    if (conversation->changed ||
        !tt_sent_is_worth_reading(&conversation->sent, conversation->head.head.n))
        return TT_OK;
    TT_TRY(
        tt_sent_read(&conversation->sent, tt_index_latest(working->index), tt_key_slice(&prefix)));
    tt_working_count_sent(working, conversation);
    return TT_OK;
}

tt_err tt_working_send(struct tt_working *working, struct tt_conversation_state *conversation,
                       const struct tt_key *key, struct tt_send_row *row)
{
    struct tt_slice value;
    TT_TRY(know_sent(working, conversation));
    if (tt_sent_has_not(&conversation->sent, tt_key_slice(key)))
        return TT_FAIL(NOT_FOUND);
    TT_TRY(find_fresh(working, key, &value));
    return tt_row_unpack_send(value, row);
}

void tt_working_add_send(struct tt_working *working, struct tt_conversation_state *conversation,
                         const struct tt_key *key, const struct tt_send_row *row)
{
    tt_row_pack_send(row, &working->packed);
    add_fresh(working, key);
    tt_sent_add(&conversation->sent, tt_key_slice(key));
    tt_working_count_sent(working, conversation);
}

static struct tt_key pair_key(const tt_id *a, const tt_id *b)
{
    bool in_order = tt_id_compare(a, b) < 0;
    return tt_key_of_two(TT_TABLE_PAIRS, in_order ? a : b, in_order ? b : a);
}

tt_err tt_working_pair(struct tt_working *working, const tt_id *a, const tt_id *b,
                       tt_id *conversation)
{
    struct tt_slice value;
    struct tt_key key = pair_key(a, b);
    TT_TRY(find_fresh(working, &key, &value));
    return tt_row_unpack_pair(value, conversation);
}

void tt_working_add_pair(struct tt_working *working, const tt_id *a, const tt_id *b,
                         const tt_id *conversation)
{
    struct tt_key key = pair_key(a, b);
    tt_row_pack_pair(conversation, &working->packed);
    add_fresh(working, &key);
}

tt_err tt_working_token(struct tt_working *working, const tt_id *digest, tt_id *user, tt_id *device)
{
    struct tt_slice value;
    struct tt_key key = tt_key_of(TT_TABLE_TOKENS, digest);
    TT_TRY(find_fresh(working, &key, &value));
    return tt_row_unpack_token(value, user, device);
}

/* Other than the rows above, it may be put twice in one batch. */
void tt_working_set_token(struct tt_working *working, const tt_id *digest, const tt_id *user,
                          const tt_id *device)
{
    struct tt_key key = tt_key_of(TT_TABLE_TOKENS, digest);
    struct tt_fresh_row *row = tt_map_get(&working->fresh, tt_key_slice(&key));
    tt_row_pack_token(user, device, &working->packed);
    if (row == NULL) {
        add_fresh(working, &key);
        return;
    }
    row->value = tt_arena_copy(&working->fresh_arena, tt_buffer_slice(&working->packed));
    put(working, &key);
}

void tt_working_add_push(struct tt_working *working, const struct tt_key *key,
                         const struct tt_push_row *row)
{
    tt_row_pack_push(row, &working->packed);
    put(working, key);
}

void tt_working_add_list_row(struct tt_working *working, struct tt_user_state *user,
                             const tt_id *conversation)
{
    struct tt_key key = tt_key_of_two(TT_TABLE_LISTS, &user->id, conversation);
    tt_row_pack_nothing(&working->packed);
    put(working, &key);
    tt_buffer_add(&user->new_lists, tt_slice(conversation, sizeof(*conversation)));
    tt_working_touch_user(working, user);
}

void tt_working_add_message(struct tt_working *working, const tt_id *conversation,
                            const struct tt_message *message)
{
    struct tt_key key = tt_key_of_number(TT_TABLE_MESSAGES, conversation, message->seq.n);
    tt_row_pack_message(message, &working->packed);
    put(working, &key);
}

void tt_working_add_step(struct tt_working *working, const struct tt_key *key,
                         const struct tt_step_row *row)
{
    tt_row_pack_step(row, &working->packed);
    put(working, key);
}

void tt_working_add_connection(struct tt_working *working, struct tt_user_state *user,
                               const struct tt_connection_row *row)
{
    uint64_t number = user->row.connection_count++;
    struct tt_key key = tt_key_of_number(TT_TABLE_CONNECTIONS, &user->id, number);
    tt_row_pack_connection(row, &working->packed);
    put(working, &key);
    if (number >= CONNECTIONS_KEPT) {
        key = tt_key_of_number(TT_TABLE_CONNECTIONS, &user->id, number - CONNECTIONS_KEPT);
        tt_index_delete(working->index, tt_key_slice(&key));
    }
    tt_working_touch_user(working, user);
}

static tt_err collect(struct tt_walk *walk, size_t max, bool second, struct tt_buffer *found)
{
    for (; tt_walk_valid(walk) && found->size / sizeof(tt_id) < max; tt_walk_next(walk)) {
        struct tt_key_parts parts;
        TT_TRY(tt_key_split(tt_walk_key(walk), &parts));
        const tt_id *id = second ? &parts.second : &parts.first;
        tt_buffer_add(found, tt_slice(id, sizeof(*id)));
    }
    return TT_OK;
}

/* The second or the only id of all keys with that prefix. */
static tt_err ids_of(struct tt_working *working, const struct tt_key *prefix, size_t max,
                     bool second, struct tt_buffer *found)
{
    struct tt_walk *walk = tt_walk_create(tt_index_latest(working->index), tt_key_slice(prefix));
    tt_err err = collect(walk, max, second, found);
    tt_err ended = tt_walk_destroy(&walk);
    return tt_is_ok(err) ? ended : err;
}

static void keep_ids(struct tt_arena *arena, struct tt_buffer *found, tt_id **ids, size_t *count)
{
    *count = found->size / sizeof(tt_id);
    *ids = tt_arena_array(arena, *count, sizeof(tt_id));
    if (*count > 0)
        memcpy(*ids, found->data, found->size);
    tt_buffer_deinit(found);
}

tt_err tt_working_list(struct tt_working *working, const struct tt_user_state *user,
                       struct tt_arena *arena, tt_id **ids, size_t *count)
{
    struct tt_buffer found = {0};
    struct tt_key prefix = tt_key_prefix_of(TT_TABLE_LISTS, &user->id);
    tt_err err = ids_of(working, &prefix, SIZE_MAX, true, &found);
    tt_buffer_add(&found, tt_buffer_slice(&user->new_lists));
    keep_ids(arena, &found, ids, count);
    return err;
}

tt_err tt_working_online(struct tt_working *working, struct tt_arena *arena, size_t max,
                         tt_id **ids, size_t *count)
{
    struct tt_buffer found = {0};
    struct tt_key prefix = tt_key_prefix(TT_TABLE_ONLINE);
    tt_err err = ids_of(working, &prefix, max, false, &found);
    keep_ids(arena, &found, ids, count);
    return err;
}

bool tt_working_has_changes(const struct tt_working *working)
{
    return working->has_rows || working->changed_conversation_count > 0 ||
           working->changed_user_count > 0;
}

static void flush_pending(struct tt_working *working, const tt_id *conversation, const tt_id *user,
                          struct tt_member_state *member)
{
    struct tt_key key = tt_key_of_two(TT_TABLE_PENDING, user, conversation);
    if (member->has_pending) {
        tt_row_pack_pending(&member->pending, &working->packed);
        put(working, &key);
    } else if (member->had_pending) {
        tt_index_delete(working->index, tt_key_slice(&key));
    }
    member->had_pending = member->has_pending;
    member->pending_changed = false;
}

static void flush_conversation(struct tt_working *working,
                               struct tt_conversation_state *conversation)
{
    const struct tt_conversation *info = &conversation->info;
    struct tt_key key = tt_key_of(TT_TABLE_HEADS, &info->id);
    tt_row_pack_head(&conversation->head, &working->packed);
    put(working, &key);
    if (conversation->is_new) {
        key = tt_key_of(TT_TABLE_CONVERSATIONS, &info->id);
        tt_row_pack_conversation(info, &working->packed);
        put(working, &key);
    }
    for (size_t i = 0; i < info->member_count; i++) {
        struct tt_member_state *member = &conversation->members[i];
        if (member->status_changed) {
            key = tt_key_of_two(TT_TABLE_STATUS, &info->id, &info->members[i]);
            tt_row_pack_status(&member->status, &working->packed);
            put(working, &key);
            member->status_changed = false;
        }
        if (member->pending_changed)
            flush_pending(working, &info->id, &info->members[i], member);
    }
    conversation->is_new = false;
    conversation->changed = false;
}

static void flush_user(struct tt_working *working, struct tt_user_state *user)
{
    bool online = false;
    for (size_t i = 0; i < user->row.device_count; i++)
        online = online || user->row.devices[i].connected;
    struct tt_key key = tt_key_of(TT_TABLE_USERS, &user->id);
    tt_row_pack_user(&user->row, &working->packed);
    put(working, &key);
    key = tt_key_of(TT_TABLE_ONLINE, &user->id);
    if (online && !user->was_online) {
        tt_row_pack_nothing(&working->packed);
        put(working, &key);
    } else if (!online && user->was_online) {
        tt_index_delete(working->index, tt_key_slice(&key));
    }
    tt_buffer_deinit(&user->new_lists);
    user->was_online = online;
    user->changed = false;
}

tt_err tt_working_flush(struct tt_working *working, uint64_t applied)
{
    for (size_t i = 0; i < working->changed_conversation_count; i++)
        flush_conversation(working, working->changed_conversations[i]);
    for (size_t i = 0; i < working->changed_user_count; i++)
        flush_user(working, working->changed_users[i]);
    working->changed_conversation_count = 0;
    working->changed_user_count = 0;
    working->position.applied = applied;
    struct tt_key key = tt_key_of_position();
    tt_row_pack_position(&working->position, &working->packed);
    put(working, &key);
    TT_TRY(tt_index_write(working->index));
    tt_map_clear(&working->fresh);
    tt_arena_reset(&working->fresh_arena);
    working->has_rows = false;
    tt_working_trim(working);
    return TT_OK;
}
