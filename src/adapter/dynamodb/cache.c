#include "adapter/dynamodb/cache.h"

#include "base/map.h"
#include "base/memory.h"

#define KEY_SIZE_MAX (2 * TT_ID_SIZE_MAX + 1)

/* Conversations under their id, rows of message_status under "conversation#user". */
struct entry {
    struct entry *newer;
    struct entry *older;
    uint32_t pins;
    char key[KEY_SIZE_MAX];
    size_t key_size;
    struct tt_arena arena;
    union {
        struct tt_ddb_conversation conversation;
        struct tt_ddb_status status;
    };
};

struct tt_ddb_cache {
    struct tt_map entries;
    struct entry *newest;
    struct entry *oldest;
    size_t entries_max;
};

static struct tt_slice key_of(const void *value)
{
    const struct entry *entry = value;
    return tt_slice(entry->key, entry->key_size);
}

struct tt_ddb_cache *tt_ddb_cache_create(size_t entries_max, uint64_t hash_seed)
{
    struct tt_ddb_cache *cache = tt_alloc(sizeof(*cache));
    tt_map_init(&cache->entries, key_of, hash_seed);
    cache->entries_max = 2 * entries_max;
    return cache;
}

static void unlink_entry(struct tt_ddb_cache *cache, struct entry *entry)
{
    *(entry->newer != NULL ? &entry->newer->older : &cache->newest) = entry->older;
    *(entry->older != NULL ? &entry->older->newer : &cache->oldest) = entry->newer;
    entry->newer = entry->older = NULL;
}

static void link_newest(struct tt_ddb_cache *cache, struct entry *entry)
{
    entry->older = cache->newest;
    *(cache->newest != NULL ? &cache->newest->newer : &cache->oldest) = entry;
    cache->newest = entry;
}

static void drop(struct tt_ddb_cache *cache, struct entry *entry)
{
    unlink_entry(cache, entry);
    tt_map_remove(&cache->entries, key_of(entry));
    tt_arena_deinit(&entry->arena);
    tt_free(entry);
}

void tt_ddb_cache_destroy(struct tt_ddb_cache **cache)
{
    while ((*cache)->newest != NULL)
        drop(*cache, (*cache)->newest);
    tt_map_deinit(&(*cache)->entries);
    tt_free(*cache);
    *cache = NULL;
}

static struct entry *find(struct tt_ddb_cache *cache, struct tt_slice key)
{
    struct entry *entry = tt_map_get(&cache->entries, key);
    if (entry == NULL)
        return NULL;
    unlink_entry(cache, entry);
    link_newest(cache, entry);
    return entry;
}

static struct entry *add(struct tt_ddb_cache *cache, struct tt_slice key)
{
    struct entry *oldest = cache->oldest;
    while (cache->entries.count >= cache->entries_max && oldest != NULL) {
        struct entry *newer = oldest->newer;
        if (oldest->pins == 0)
            drop(cache, oldest);
        oldest = newer;
    }
    struct entry *entry = tt_alloc(sizeof(*entry));
    memcpy(entry->key, key.data, key.size);
    entry->key_size = key.size;
    tt_map_add(&cache->entries, entry);
    link_newest(cache, entry);
    return entry;
}

struct tt_ddb_conversation *tt_ddb_cache_conversation(struct tt_ddb_cache *cache, const tt_id *id)
{
    struct entry *entry = find(cache, tt_id_slice(id));
    if (entry == NULL)
        return NULL;
    entry->pins++;
    return &entry->conversation;
}

struct tt_ddb_conversation *tt_ddb_cache_add(struct tt_ddb_cache *cache,
                                             const struct tt_conversation *conversation)
{
    struct tt_ddb_conversation *standing = tt_ddb_cache_conversation(cache, &conversation->id);
    if (standing != NULL)
        return standing;
    struct entry *entry = add(cache, tt_id_slice(&conversation->id));
    tt_id *members = tt_arena_array(&entry->arena, conversation->member_count, sizeof(*members));
    memcpy(members, conversation->members, conversation->member_count * sizeof(*members));
    entry->conversation.is = *conversation;
    entry->conversation.is.members = members;
    entry->conversation.is.title = tt_arena_copy(&entry->arena, conversation->title);
    entry->pins = 1;
    return &entry->conversation;
}

void tt_ddb_cache_unpin(struct tt_ddb_cache *cache, struct tt_ddb_conversation *conversation)
{
    struct entry *entry = tt_map_get(&cache->entries, tt_id_slice(&conversation->is.id));
    TT_ASSERT(entry != NULL && entry->pins > 0);
    entry->pins--;
}

static struct tt_slice status_key(const tt_id *conversation, const tt_id *user,
                                  char text[KEY_SIZE_MAX])
{
    memcpy(text, conversation->bytes, conversation->size);
    text[conversation->size] = '#';
    memcpy(text + conversation->size + 1, user->bytes, user->size);
    return tt_slice(text, (size_t)conversation->size + 1 + user->size);
}

bool tt_ddb_cache_status(struct tt_ddb_cache *cache, const tt_id *conversation, const tt_id *user,
                         struct tt_arena *arena, struct tt_ddb_status *row)
{
    char text[KEY_SIZE_MAX];
    struct entry *entry = find(cache, status_key(conversation, user, text));
    if (entry == NULL)
        return false;
    *row = tt_ddb_status_copy(&entry->status, arena);
    return true;
}

void tt_ddb_cache_put_status(struct tt_ddb_cache *cache, const tt_id *conversation,
                             const struct tt_ddb_status *row)
{
    char text[KEY_SIZE_MAX];
    struct tt_slice key = status_key(conversation, &row->user, text);
    struct entry *entry = find(cache, key);
    if (entry != NULL && entry->status.version >= row->version)
        return;
    if (entry == NULL)
        entry = add(cache, key);
    tt_arena_reset(&entry->arena);
    entry->status = tt_ddb_status_copy(row, &entry->arena);
}

void tt_ddb_cache_drop_status(struct tt_ddb_cache *cache, const tt_id *conversation,
                              const tt_id *user)
{
    char text[KEY_SIZE_MAX];
    struct entry *entry = find(cache, status_key(conversation, user, text));
    if (entry != NULL)
        drop(cache, entry);
}
