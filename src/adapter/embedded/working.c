#include "adapter/embedded/working.h"

#include "adapter/embedded/working_parts.h"
#include "base/memory.h"

/* What an entry costs beyond its own bytes: its part of the map, and the allocator's. */
#define ENTRY_OVERHEAD 64

/* The hashes of client ids take at most this part of size_max, beside the rest. */
#define SENT_PART 4

static struct tt_slice conversation_key(const void *value)
{
    const struct tt_conversation_state *conversation = value;
    return tt_id_slice(&conversation->info.id);
}

static struct tt_slice user_key(const void *value)
{
    const struct tt_user_state *user = value;
    return tt_id_slice(&user->id);
}

static struct tt_slice fresh_key(const void *value)
{
    const struct tt_fresh_row *row = value;
    return row->key;
}

static tt_err get(struct tt_working *working, const struct tt_key *key)
{
    return tt_view_get(tt_index_latest(working->index), tt_key_slice(key), &working->value);
}

static tt_err load_position(struct tt_working *working)
{
    struct tt_key key = tt_key_of_position();
    tt_err err = get(working, &key);
    if (tt_err_is(err, TT_ERR_NOT_FOUND))
        return TT_OK;
    TT_TRY(err);
    return tt_row_unpack_position(tt_buffer_slice(&working->value), &working->position);
}

tt_err tt_working_create(struct tt_index *index, uint64_t size_max, struct tt_working **created)
{
    struct tt_working *working = tt_alloc(sizeof(*working));
    working->index = index;
    working->size_max = size_max;
    tt_map_init(&working->conversations, conversation_key, 1);
    tt_map_init(&working->users, user_key, 2);
    tt_map_init(&working->fresh, fresh_key, 3);
    *created = working;
    tt_err err = load_position(working);
    if (!tt_is_ok(err))
        tt_working_destroy(created);
    return err;
}

static void free_conversation(struct tt_conversation_state *conversation)
{
    for (size_t i = 0; i < conversation->info.member_count; i++)
        tt_free(conversation->members[i].status.devices);
    tt_free(conversation->members);
    tt_sent_deinit(&conversation->sent);
    tt_arena_deinit(&conversation->arena);
    tt_free(conversation);
}

static void free_text(struct tt_slice text)
{
    union {
        const char *borrowed;
        char *owned;
    } bytes = {text.data};
    tt_free(bytes.owned);
}

static void free_user(struct tt_user_state *user)
{
    tt_free(user->row.devices);
    tt_buffer_deinit(&user->new_lists);
    free_text(user->row.settings.display_name);
    free_text(user->row.addresses);
    free_text(user->row.account);
    tt_free(user);
}

void tt_working_destroy(struct tt_working **destroyed)
{
    struct tt_working *working = *destroyed;
    size_t at = 0;
    for (void *item = tt_map_next(&working->conversations, &at); item != NULL;
         item = tt_map_next(&working->conversations, &at))
        free_conversation(item);
    at = 0;
    for (void *item = tt_map_next(&working->users, &at); item != NULL;
         item = tt_map_next(&working->users, &at))
        free_user(item);
    tt_map_deinit(&working->conversations);
    tt_map_deinit(&working->users);
    tt_map_deinit(&working->fresh);
    tt_arena_deinit(&working->fresh_arena);
    tt_free(working->changed_conversations);
    tt_free(working->changed_users);
    tt_buffer_deinit(&working->value);
    tt_buffer_deinit(&working->packed);
    tt_free(working);
    *destroyed = NULL;
}

struct tt_position_row *tt_working_position(struct tt_working *working)
{
    return &working->position;
}

/* Devices are few and counted by guess: what matters is that a group costs what it is. */
static size_t size_of_conversation(const struct tt_conversation_state *conversation)
{
    size_t member =
        sizeof(tt_id) + sizeof(struct tt_member_state) + 2 * sizeof(struct tt_device_position);
    return sizeof(*conversation) + ENTRY_OVERHEAD + conversation->info.title.size +
           conversation->info.member_count * member;
}

void tt_working_count_sent(struct tt_working *working, struct tt_conversation_state *conversation)
{
    working->sent_size -= conversation->sent_size;
    if (working->sent_size + tt_sent_size(&conversation->sent) > working->size_max / SENT_PART)
        tt_sent_give_up(&conversation->sent);
    conversation->sent_size = tt_sent_size(&conversation->sent);
    working->sent_size += conversation->sent_size;
}

static void keep_conversation(struct tt_working *working,
                              struct tt_conversation_state *conversation)
{
    conversation->members =
        tt_alloc(conversation->info.member_count * sizeof(*conversation->members));
    conversation->size = size_of_conversation(conversation);
    working->conversation_size += conversation->size;
    tt_map_add(&working->conversations, conversation);
    tt_recent_add(&working->recent_conversations, &conversation->recent);
}

static tt_err load_conversation(struct tt_working *working, const tt_id *id,
                                struct tt_conversation_state *conversation)
{
    struct tt_key key = tt_key_of(TT_TABLE_CONVERSATIONS, id);
    TT_TRY(get(working, &key));
    struct tt_slice value = tt_arena_copy(&conversation->arena, tt_buffer_slice(&working->value));
    TT_TRY(tt_row_unpack_conversation(value, &conversation->arena, &conversation->info));
    conversation->info.id = *id;
    key = tt_key_of(TT_TABLE_HEADS, id);
    tt_err err = get(working, &key);
    if (!tt_is_ok(err))
        return tt_err_is(err, TT_ERR_NOT_FOUND) ? TT_FAIL(CORRUPT) : err;
    return tt_row_unpack_head(tt_buffer_slice(&working->value), &conversation->head);
}

#define MEMBERS_EXPECTED 2

static void expect_parts(const struct tt_conversation_state *conversation,
                         const struct tt_user_state *user)
{
    if (user != NULL)
        tt_expect(user->row.devices, sizeof(*user->row.devices));
    if (conversation == NULL)
        return;
    tt_expect(conversation->members, MEMBERS_EXPECTED * sizeof(*conversation->members));
    tt_expect(conversation->info.members, MEMBERS_EXPECTED * sizeof(tt_id));
}

static void expect_devices(const struct tt_conversation_state *conversation)
{
    for (size_t i = 0; i < MEMBERS_EXPECTED && i < conversation->info.member_count; i++)
        tt_expect(conversation->members[i].status.devices, sizeof(struct tt_device_position));
}

struct tt_working_hashes tt_working_expect(const struct tt_working *working,
                                           const tt_id *conversation, const tt_id *user)
{
    struct tt_working_hashes hashes = {
        .conversation = tt_map_hash(&working->conversations, tt_id_slice(conversation)),
        .user = tt_map_hash(&working->users, tt_id_slice(user)),
    };
    tt_map_expect(&working->conversations, hashes.conversation);
    tt_map_expect(&working->users, hashes.user);
    return hashes;
}

void tt_working_expect_more(const struct tt_working *working, enum tt_working_step step,
                            const struct tt_working_hashes *hashes)
{
    const struct tt_conversation_state *conversation =
        tt_map_guess(&working->conversations, hashes->conversation);
    const struct tt_user_state *user = tt_map_guess(&working->users, hashes->user);
    if (step == TT_EXPECT_PARTS)
        expect_parts(conversation, user);
    else if (step == TT_EXPECT_DEVICES && conversation != NULL)
        expect_devices(conversation);
    else if (step == TT_EXPECT_STATES) {
        tt_expect(conversation, sizeof(*conversation));
        tt_expect(user, sizeof(*user));
    }
}

/* What an op looks up it mostly looks up several times. */
static struct tt_conversation_state *find_conversation(const struct tt_working *working,
                                                       const tt_id *id)
{
    struct tt_conversation_state *newest =
        (struct tt_conversation_state *)working->recent_conversations.newest;
    if (newest != NULL && tt_id_eq(&newest->info.id, id))
        return newest;
    return tt_map_get(&working->conversations, tt_id_slice(id));
}

static struct tt_user_state *find_user(const struct tt_working *working, const tt_id *id)
{
    struct tt_user_state *newest = (struct tt_user_state *)working->recent_users.newest;
    if (newest != NULL && tt_id_eq(&newest->id, id))
        return newest;
    return tt_map_get(&working->users, tt_id_slice(id));
}

tt_err tt_working_conversation(struct tt_working *working, const tt_id *id,
                               struct tt_conversation_state **found)
{
    struct tt_conversation_state *conversation = find_conversation(working, id);
    if (conversation != NULL) {
        tt_recent_use(&working->recent_conversations, &conversation->recent);
        *found = conversation;
        return TT_OK;
    }
    conversation = tt_alloc(sizeof(*conversation));
    tt_err err = load_conversation(working, id, conversation);
    if (!tt_is_ok(err)) {
        tt_arena_deinit(&conversation->arena);
        tt_free(conversation);
        return err;
    }
    keep_conversation(working, conversation);
    *found = conversation;
    return TT_OK;
}

struct tt_conversation_state *tt_working_add_conversation(struct tt_working *working,
                                                          const struct tt_conversation *info)
{
    struct tt_conversation_state *conversation = tt_alloc(sizeof(*conversation));
    tt_id *members = tt_arena_array(&conversation->arena, info->member_count, sizeof(*members));
    memcpy(members, info->members, info->member_count * sizeof(*members));
    conversation->info = *info;
    conversation->info.members = members;
    conversation->info.title = tt_arena_copy(&conversation->arena, info->title);
    conversation->head =
        (struct tt_head_row){.active_at = info->created_at, .changed_at = info->created_at};
    conversation->is_new = true;
    tt_sent_begin(&conversation->sent);
    keep_conversation(working, conversation);
    for (size_t i = 0; i < info->member_count; i++)
        conversation->members[i].loaded = true;
    tt_working_touch(working, conversation);
    return conversation;
}

void tt_working_touch(struct tt_working *working, struct tt_conversation_state *conversation)
{
    if (conversation->changed)
        return;
    conversation->changed = true;
    size_t count = working->changed_conversation_count + 1;
    working->changed_conversations =
        tt_grow(working->changed_conversations, count, sizeof(*working->changed_conversations));
    working->changed_conversations[count - 1] = conversation;
    working->changed_conversation_count = count;
}

size_t tt_working_member_of(const struct tt_conversation_state *conversation, const tt_id *user)
{
    size_t low = 0;
    size_t high = conversation->info.member_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = tt_id_compare(&conversation->info.members[middle], user);
        if (order == 0)
            return middle;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return conversation->info.member_count;
}

static tt_err load_status(struct tt_working *working, const struct tt_key *key,
                          struct tt_member_state *member)
{
    struct tt_arena arena = {0};
    tt_err err = get(working, key);
    if (tt_err_is(err, TT_ERR_NOT_FOUND))
        return TT_OK;
    if (tt_is_ok(err))
        err = tt_row_unpack_status(tt_buffer_slice(&working->value), &arena, &member->status);
    const struct tt_device_position *devices = member->status.devices;
    size_t count = tt_is_ok(err) ? member->status.device_count : 0;
    member->status.devices = NULL;
    if (count > 0) {
        member->status.devices = tt_grow(NULL, count, sizeof(*devices));
        memcpy(member->status.devices, devices, count * sizeof(*devices));
    }
    tt_arena_deinit(&arena);
    return err;
}

static tt_err load_pending(struct tt_working *working, const struct tt_key *key,
                           struct tt_member_state *member)
{
    tt_err err = get(working, key);
    if (tt_err_is(err, TT_ERR_NOT_FOUND))
        return TT_OK;
    TT_TRY(err);
    TT_TRY(tt_row_unpack_pending(tt_buffer_slice(&working->value), &member->pending));
    member->has_pending = member->had_pending = true;
    return TT_OK;
}

tt_err tt_working_member(struct tt_working *working, struct tt_conversation_state *conversation,
                         size_t index, struct tt_member_state **state)
{
    struct tt_member_state *member = &conversation->members[index];
    const tt_id *user = &conversation->info.members[index];
    *state = member;
    if (member->loaded)
        return TT_OK;
    struct tt_key key = tt_key_of_two(TT_TABLE_STATUS, &conversation->info.id, user);
    TT_TRY(load_status(working, &key, member));
    key = tt_key_of_two(TT_TABLE_PENDING, user, &conversation->info.id);
    TT_TRY(load_pending(working, &key, member));
    member->loaded = true;
    return TT_OK;
}

static struct tt_device_position *position_of(const struct tt_member_state *member,
                                              const tt_id *device)
{
    for (size_t i = 0; i < member->status.device_count; i++)
        if (tt_id_eq(&member->status.devices[i].device, device))
            return &member->status.devices[i];
    return NULL;
}

tt_seq tt_member_position(const struct tt_member_state *member, const tt_id *device)
{
    const struct tt_device_position *position = position_of(member, device);
    return position == NULL ? TT_SEQ(0) : position->delivered;
}

void tt_member_set_position(struct tt_member_state *member, const tt_id *device, tt_seq delivered)
{
    struct tt_device_position *position = position_of(member, device);
    if (position == NULL) {
        struct tt_status_row *status = &member->status;
        status->devices =
            tt_grow(status->devices, status->device_count + 1, sizeof(*status->devices));
        position = &status->devices[status->device_count++];
        position->device = *device;
    }
    position->delivered = delivered;
    member->status_changed = true;
}

void tt_member_remove_position(struct tt_member_state *member, const tt_id *device)
{
    struct tt_device_position *position = position_of(member, device);
    if (position == NULL)
        return;
    *position = member->status.devices[--member->status.device_count];
    member->status_changed = true;
}

static tt_err load_user(struct tt_working *working, struct tt_user_state *user)
{
    struct tt_arena arena = {0};
    struct tt_key key = tt_key_of(TT_TABLE_USERS, &user->id);
    tt_err err = get(working, &key);
    if (tt_err_is(err, TT_ERR_NOT_FOUND))
        return TT_OK;
    struct tt_user_row row = {0};
    if (tt_is_ok(err))
        err = tt_row_unpack_user(tt_buffer_slice(&working->value), &arena, &row);
    if (tt_is_ok(err)) {
        struct tt_slice name = row.settings.display_name;
        const struct tt_device *devices = row.devices;
        user->row = row;
        user->row.settings.display_name = TT_SLICE_EMPTY;
        user->row.addresses = TT_SLICE_EMPTY;
        user->row.account = TT_SLICE_EMPTY;
        user->row.devices = NULL;
        if (row.device_count > 0) {
            user->row.devices = tt_grow(NULL, row.device_count, sizeof(*devices));
            memcpy(user->row.devices, devices, row.device_count * sizeof(*devices));
        }
        tt_user_set_display_name(user, name);
        tt_user_set_addresses(user, row.addresses);
        tt_user_set_account(user, row.account);
        for (size_t i = 0; i < row.device_count; i++)
            user->was_online = user->was_online || user->row.devices[i].connected;
    }
    tt_arena_deinit(&arena);
    return err;
}

tt_err tt_working_user(struct tt_working *working, const tt_id *id, struct tt_user_state **found)
{
    struct tt_user_state *user = find_user(working, id);
    if (user != NULL) {
        tt_recent_use(&working->recent_users, &user->recent);
        *found = user;
        return TT_OK;
    }
    user = tt_alloc(sizeof(*user));
    user->id = *id;
    user->row.settings = TT_USER_SETTINGS_DEFAULT;
    tt_err err = load_user(working, user);
    if (!tt_is_ok(err)) {
        free_user(user);
        return err;
    }
    user->size = sizeof(*user) + ENTRY_OVERHEAD + 2 * sizeof(struct tt_device);
    working->user_size += user->size;
    tt_map_add(&working->users, user);
    tt_recent_add(&working->recent_users, &user->recent);
    *found = user;
    return TT_OK;
}

void tt_working_touch_user(struct tt_working *working, struct tt_user_state *user)
{
    if (user->changed)
        return;
    user->changed = true;
    size_t count = working->changed_user_count + 1;
    working->changed_users =
        tt_grow(working->changed_users, count, sizeof(*working->changed_users));
    working->changed_users[count - 1] = user;
    working->changed_user_count = count;
}

/* Everything recently used may be changed, and then it stays; so this is for after a flush. */
void tt_working_trim(struct tt_working *working)
{
    while (working->conversation_size > working->size_max / 2 &&
           working->recent_conversations.oldest != NULL) {
        struct tt_recent *oldest = working->recent_conversations.oldest;
        struct tt_conversation_state *conversation = (struct tt_conversation_state *)oldest;
        TT_ASSERT(!conversation->changed);
        tt_recent_remove(&working->recent_conversations, oldest);
        tt_map_remove(&working->conversations, tt_id_slice(&conversation->info.id));
        working->conversation_size -= conversation->size;
        working->sent_size -= conversation->sent_size;
        free_conversation(conversation);
    }
    while (working->user_size > working->size_max / 2 && working->recent_users.oldest != NULL) {
        struct tt_recent *oldest = working->recent_users.oldest;
        struct tt_user_state *user = (struct tt_user_state *)oldest;
        TT_ASSERT(!user->changed);
        tt_recent_remove(&working->recent_users, oldest);
        tt_map_remove(&working->users, tt_id_slice(&user->id));
        working->user_size -= user->size;
        free_user(user);
    }
}
