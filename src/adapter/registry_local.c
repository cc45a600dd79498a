#include "adapter/registry_local.h"

#include <pthread.h>

#include "base/map.h"
#include "base/memory.h"

/* Names take as many bytes as they have, most of them few; and entries hold the number of a place
 * instead of the place: there are few places, and many users with mostly one device. */
struct entry {
    struct entry *next;
    uint64_t epoch;
    uint32_t place;
    uint8_t device_size;
    char device[];
};

struct user {
    uint64_t version;
    tt_time last_seen;
    union {
        struct {
            struct entry *devices;
            uint32_t *watchers; /* numbers of places */
        };
        struct { /* in the list of the gone, who have neither */
            struct user *older;
            struct user *newer;
        };
    };
    uint32_t watcher_count;
    bool is_gone;
    uint8_t id_size;
    char id[];
};

struct tt_registry_local {
    pthread_mutex_t lock;
    struct tt_map users;
    struct tt_place *places;
    uint32_t place_count;
    uint64_t version;        /* the last one given */
    uint64_t version_forgot; /* the largest of the users that were forgotten */
    struct user *gone_newest;
    struct user *gone_oldest;
    size_t gone_count;
};

struct tt_registry_local_node {
    struct tt_registry_local *registry;
    struct tt_registry_sink sink;
    struct tt_registry_op *first;
    struct tt_registry_op *last;
};

static struct tt_slice key_of(const void *value)
{
    const struct user *user = value;
    return tt_slice(user->id, user->id_size);
}

struct tt_registry_local *tt_registry_local_create(uint64_t hash_seed)
{
    struct tt_registry_local *registry = tt_alloc(sizeof(*registry));
    int failed = pthread_mutex_init(&registry->lock, NULL);
    TT_ASSERT(failed == 0);
    tt_map_init(&registry->users, key_of, hash_seed);
    return registry;
}

static void user_destroy(struct user *user)
{
    while (!user->is_gone && user->devices != NULL) {
        struct entry *next = user->devices->next;
        tt_free(user->devices);
        user->devices = next;
    }
    if (!user->is_gone)
        tt_free(user->watchers);
    tt_free(user);
}

void tt_registry_local_destroy(struct tt_registry_local **registry)
{
    struct tt_registry_local *dying = *registry;
    size_t at = 0;
    for (struct user *user; (user = tt_map_next(&dying->users, &at)) != NULL;)
        user_destroy(user);
    tt_map_deinit(&dying->users);
    tt_free(dying->places);
    pthread_mutex_destroy(&dying->lock);
    tt_free(dying);
    *registry = NULL;
}

struct tt_registry_local_node *tt_registry_local_attach(struct tt_registry_local *registry,
                                                        const struct tt_registry_sink *sink)
{
    struct tt_registry_local_node *node = tt_alloc(sizeof(*node));
    node->registry = registry;
    node->sink = *sink;
    return node;
}

void tt_registry_local_detach(struct tt_registry_local_node **node)
{
    struct tt_registry_op *op = (*node)->first;
    while (op != NULL) {
        struct tt_registry_op *next = op->next;
        tt_registry_op_destroy(&op);
        op = next;
    }
    tt_free(*node);
    *node = NULL;
}

static uint32_t place_number(struct tt_registry_local *registry, const struct tt_place *place)
{
    for (uint32_t i = 0; i < registry->place_count; i++)
        if (tt_place_eq(&registry->places[i], place))
            return i;
    registry->places =
        tt_grow(registry->places, registry->place_count + 1, sizeof(registry->places[0]));
    registry->places[registry->place_count] = *place;
    return registry->place_count++;
}

static void leave_gone(struct tt_registry_local *registry, struct user *user)
{
    if (!user->is_gone)
        return;
    TT_ASSERT(user->watcher_count == 0);
    *(user->older != NULL ? &user->older->newer : &registry->gone_oldest) = user->newer;
    *(user->newer != NULL ? &user->newer->older : &registry->gone_newest) = user->older;
    user->devices = NULL;
    user->watchers = NULL;
    user->is_gone = false;
    registry->gone_count--;
}

static void forget(struct tt_registry_local *registry, struct user *user)
{
    leave_gone(registry, user);
    if (user->version > registry->version_forgot)
        registry->version_forgot = user->version;
    tt_map_remove(&registry->users, key_of(user));
    user_destroy(user);
}

/* A user whom nobody holds any more goes to the end of the list of those to be forgotten. */
static void settle(struct tt_registry_local *registry, struct user *user)
{
    leave_gone(registry, user);
    if (user->devices != NULL || user->watcher_count > 0)
        return;
    if (user->last_seen.ms == 0) {
        forget(registry, user);
        return;
    }
    user->newer = NULL;
    user->older = registry->gone_newest;
    *(user->older != NULL ? &user->older->newer : &registry->gone_oldest) = user;
    registry->gone_newest = user;
    user->is_gone = true;
    registry->gone_count++;
    if (registry->gone_count > TT_REGISTRY_LOCAL_GONE_MAX)
        forget(registry, registry->gone_oldest);
}

static struct user *find(struct tt_registry_local *registry, const tt_id *id)
{
    return tt_map_get(&registry->users, tt_id_slice(id));
}

static struct user *find_or_add(struct tt_registry_local *registry, const tt_id *id)
{
    struct user *user = find(registry, id);
    if (user != NULL)
        return user;
    user = tt_alloc(sizeof(*user) + id->size);
    user->id_size = id->size;
    memcpy(user->id, id->bytes, id->size);
    user->version = registry->version_forgot;
    tt_map_add(&registry->users, user);
    return user;
}

static struct tt_registered_device outward(const struct tt_registry_local *registry,
                                           const struct entry *entry)
{
    struct tt_registered_device device = {
        .device.size = entry->device_size,
        .epoch = entry->epoch,
        .place = registry->places[entry->place],
    };
    memcpy(device.device.bytes, entry->device, entry->device_size);
    return device;
}

/* What is known of a user, copied into the arena. A user who was forgotten has the version of the
 * last one forgotten: newer than all that was ever told of him. */
static struct tt_whereabouts look(const struct tt_registry_local *registry, const tt_id *id,
                                  const struct user *user, struct tt_arena *arena)
{
    struct tt_whereabouts found = {.user = *id, .version = registry->version_forgot};
    if (user == NULL)
        return found;
    found.version = user->version;
    found.last_seen = user->last_seen;
    if (user->is_gone)
        return found;
    for (const struct entry *entry = user->devices; entry != NULL; entry = entry->next)
        found.device_count++;
    if (found.device_count > 0) {
        struct tt_registered_device *devices =
            tt_arena_array(arena, found.device_count, sizeof(*devices));
        size_t at = 0;
        for (const struct entry *entry = user->devices; entry != NULL; entry = entry->next)
            devices[at++] = outward(registry, entry);
        found.devices = devices;
    }
    if (user->watcher_count > 0) {
        struct tt_place *watchers = tt_arena_array(arena, user->watcher_count, sizeof(*watchers));
        for (uint32_t i = 0; i < user->watcher_count; i++)
            watchers[i] = registry->places[user->watchers[i]];
        found.watchers = watchers;
        found.watcher_count = user->watcher_count;
    }
    return found;
}

/* Where the entry hangs, or where one would be added. */
static struct entry **link_of(struct user *user, const tt_id *device)
{
    struct entry **link = &user->devices;
    while (*link != NULL &&
           !tt_slice_eq(tt_slice((*link)->device, (*link)->device_size), tt_id_slice(device)))
        link = &(*link)->next;
    return link;
}

static struct entry *add_entry(struct entry **link, const tt_id *device)
{
    struct entry *entry = tt_alloc(sizeof(*entry) + device->size);
    entry->device_size = device->size;
    memcpy(entry->device, device->bytes, device->size);
    *link = entry;
    return entry;
}

static void do_register(struct tt_registry_local *registry, struct tt_registry_op *op)
{
    struct tt_register *reg = &op->reg;
    struct user *user = find_or_add(registry, &reg->user);
    leave_gone(registry, user);
    struct entry **link = link_of(user, &reg->device.device);
    struct entry *entry = *link;
    reg->previous = (struct tt_registered_device){0};
    if (entry != NULL && entry->epoch > reg->device.epoch) {
        op->err = TT_FAIL(FENCED);
        return;
    }
    if (entry != NULL)
        reg->previous = outward(registry, entry);
    else
        entry = add_entry(link, &reg->device.device);
    entry->epoch = reg->device.epoch;
    entry->place = place_number(registry, &reg->device.place);
    user->version = ++registry->version;
    reg->user_now = look(registry, &reg->user, user, &op->arena);
}

static bool remove_entry(struct user *user, const struct tt_unregister *unreg)
{
    struct entry **link = link_of(user, &unreg->device);
    struct entry *entry = *link;
    if (entry == NULL || entry->epoch != unreg->epoch)
        return false;
    *link = entry->next;
    tt_free(entry);
    return true;
}

static void do_unregister(struct tt_registry_local *registry, struct tt_registry_op *op)
{
    struct tt_unregister *unreg = &op->unreg;
    struct user *user = find(registry, &unreg->user);
    unreg->removed = user != NULL && !user->is_gone && remove_entry(user, unreg);
    if (unreg->removed) {
        if (user->devices == NULL)
            user->last_seen = tt_time_max(user->last_seen, unreg->at);
        user->version = ++registry->version;
    }
    unreg->user_now = look(registry, &unreg->user, user, &op->arena);
    if (user != NULL)
        settle(registry, user);
}

static void add_watcher(struct tt_registry_local *registry, const tt_id *id, uint32_t place)
{
    struct user *user = find_or_add(registry, id);
    leave_gone(registry, user);
    for (uint32_t i = 0; i < user->watcher_count; i++)
        if (user->watchers[i] == place)
            return;
    user->watchers = tt_grow(user->watchers, user->watcher_count + 1, sizeof(user->watchers[0]));
    user->watchers[user->watcher_count++] = place;
}

static void remove_watcher(struct tt_registry_local *registry, const tt_id *id, uint32_t place)
{
    struct user *user = find(registry, id);
    if (user == NULL || user->is_gone)
        return;
    for (uint32_t i = 0; i < user->watcher_count; i++) {
        if (user->watchers[i] != place)
            continue;
        user->watchers[i] = user->watchers[--user->watcher_count];
        if (user->watcher_count == 0) {
            tt_free(user->watchers);
            user->watchers = NULL;
        }
        settle(registry, user);
        return;
    }
}

static void do_about(struct tt_registry_local *registry, struct tt_registry_op *op)
{
    struct tt_about_users *about = &op->about;
    if (op->kind != TT_REGISTRY_LOOKUP) {
        uint32_t place = place_number(registry, &about->watcher);
        for (size_t i = 0; i < about->user_count; i++)
            if (op->kind == TT_REGISTRY_WATCH)
                add_watcher(registry, &about->users[i], place);
            else
                remove_watcher(registry, &about->users[i], place);
    }
    if (op->kind == TT_REGISTRY_UNWATCH || about->user_count == 0)
        return;
    struct tt_whereabouts *found = tt_arena_array(&op->arena, about->user_count, sizeof(*found));
    for (size_t i = 0; i < about->user_count; i++)
        found[i] = look(registry, &about->users[i], find(registry, &about->users[i]), &op->arena);
    about->found = found;
}

static void carry_out(struct tt_registry_local *registry, struct tt_registry_op *op)
{
    op->err = TT_OK;
    switch (op->kind) {
    case TT_REGISTRY_REGISTER:
        do_register(registry, op);
        return;
    case TT_REGISTRY_UNREGISTER:
        do_unregister(registry, op);
        return;
    case TT_REGISTRY_LOOKUP:
    case TT_REGISTRY_WATCH:
    case TT_REGISTRY_UNWATCH:
        do_about(registry, op);
        return;
    }
}

static void submit(void *self, struct tt_registry_op *const *ops, size_t count)
{
    struct tt_registry_local_node *node = self;
    pthread_mutex_lock(&node->registry->lock);
    for (size_t i = 0; i < count; i++) {
        carry_out(node->registry, ops[i]);
        ops[i]->next = NULL;
        *(node->last != NULL ? &node->last->next : &node->first) = ops[i];
        node->last = ops[i];
    }
    pthread_mutex_unlock(&node->registry->lock);
}

struct tt_registry_port tt_registry_local_port(struct tt_registry_local_node *node)
{
    return (struct tt_registry_port){.self = node, .submit = submit};
}

size_t tt_registry_local_complete(struct tt_registry_local_node *node)
{
    struct tt_registry_op *op = node->first;
    node->first = node->last = NULL;
    size_t count = 0;
    while (op != NULL) {
        struct tt_registry_op *next = op->next;
        op->next = NULL;
        node->sink.done(node->sink.context, op);
        op = next;
        count++;
    }
    return count;
}

size_t tt_registry_local_users(struct tt_registry_local *registry)
{
    pthread_mutex_lock(&registry->lock);
    size_t count = registry->users.count;
    pthread_mutex_unlock(&registry->lock);
    return count;
}
