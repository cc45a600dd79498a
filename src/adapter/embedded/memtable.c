#include "adapter/embedded/memtable.h"

#include <stdalign.h>

#include "adapter/embedded/memtable_parts.h"
#include "base/memory.h"

#define BLOCK_SIZE     ((size_t)256 * 1024)
#define LINKED_AT_ONCE 16

struct tt_memblock {
    struct tt_memblock *next;
    alignas(max_align_t) char bytes[];
};

static char *add_block(struct tt_memtable *table, size_t size)
{
    struct tt_memblock *block = tt_grow(NULL, sizeof(*block) + size, 1);
    block->next = table->blocks;
    table->blocks = block;
    table->size += size;
    return block->bytes;
}

static void *take(struct tt_memtable *table, size_t size)
{
    size_t rounded = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    if (rounded > BLOCK_SIZE / 4)
        return add_block(table, rounded);
    if (table->free_size < rounded) {
        table->free = add_block(table, BLOCK_SIZE);
        table->free_size = BLOCK_SIZE;
    }
    void *piece = table->free;
    table->free += rounded;
    table->free_size -= rounded;
    return piece;
}

static struct tt_slice group_key(const void *value)
{
    const struct tt_memgroup *group = value;
    return group->key;
}

struct tt_memtable *tt_memtable_create(void)
{
    struct tt_memtable *table = tt_alloc(sizeof(*table));
    pthread_rwlockattr_t attributes;
    pthread_rwlockattr_init(&attributes);
    pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(&table->lock, &attributes);
    pthread_rwlockattr_destroy(&attributes);
    pthread_mutex_init(&table->order_lock, NULL);
    tt_map_init(&table->groups, group_key, 1);
    atomic_store(&table->holders, 1);
    return table;
}

void tt_memtable_hold(struct tt_memtable *table)
{
    atomic_fetch_add(&table->holders, 1);
}

bool tt_memtable_is_shared(const struct tt_memtable *table)
{
    return atomic_load(&table->holders) > 1;
}

static void free_groups(struct tt_map *groups)
{
    size_t at = 0;
    for (struct tt_memgroup *group = tt_map_next(groups, &at); group != NULL;
         group = tt_map_next(groups, &at)) {
        for (size_t i = 0; i < group->run_count; i++)
            tt_free(group->runs[i].rows);
        tt_free(group->runs);
    }
    tt_map_deinit(groups);
}

void tt_memtable_release(struct tt_memtable **released)
{
    struct tt_memtable *table = *released;
    *released = NULL;
    if (atomic_fetch_sub(&table->holders, 1) > 1)
        return;
    tt_memtable_free_orders(table);
    free_groups(&table->groups);
    while (table->blocks != NULL) {
        struct tt_memblock *next = table->blocks->next;
        tt_free(table->blocks);
        table->blocks = next;
    }
    pthread_mutex_destroy(&table->order_lock);
    pthread_rwlock_destroy(&table->lock);
    tt_free(table);
}

void tt_memtable_stage(struct tt_memtable *table, struct tt_slice key, const struct tt_slice *value)
{
    size_t value_size = value == NULL ? 0 : value->size;
    struct tt_memrow *row = take(table, sizeof(*row) + key.size + value_size);
    *row = (struct tt_memrow){
        .key_size = (uint32_t)key.size,
        .value_size = (uint32_t)value_size,
        .is_deleted = value == NULL,
    };
    memcpy(row->bytes, key.data, key.size);
    if (value_size > 0)
        memcpy(row->bytes + key.size, value->data, value_size);
    *(table->staged_last != NULL ? &table->staged_last->older : &table->staged_first) = row;
    table->staged_last = row;
}

bool tt_memtable_is_staged(const struct tt_memtable *table)
{
    return table->staged_first != NULL;
}

/* The first row from the key on. */
struct tt_memplace tt_memgroup_place(const struct tt_memgroup *group, struct tt_slice key)
{
    size_t low = 0;
    size_t high = group->run_count;
    while (low < high) { /* the first run that ends at the key or behind it */
        size_t middle = low + (high - low) / 2;
        const struct tt_memrun *run = &group->runs[middle];
        if (tt_memrow_compare(run->rows[run->count - 1], key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    struct tt_memplace place = {low, 0};
    if (low == group->run_count)
        return place;
    const struct tt_memrun *run = &group->runs[low];
    size_t end = run->count;
    while (place.at < end) {
        size_t middle = place.at + (end - place.at) / 2;
        if (tt_memrow_compare(run->rows[middle], key) < 0)
            place.at = middle + 1;
        else
            end = middle;
    }
    return place;
}

static void add_run(struct tt_memgroup *group, size_t at)
{
    if (group->run_count == group->run_capacity) {
        group->run_capacity = group->run_capacity == 0 ? 1 : group->run_capacity * 2;
        group->runs = tt_grow(group->runs, group->run_capacity, sizeof(*group->runs));
    }
    memmove(group->runs + at + 1, group->runs + at, (group->run_count - at) * sizeof(*group->runs));
    group->run_count++;
    group->runs[at] = (struct tt_memrun){0};
}

static void insert(struct tt_memrun *run, size_t at, struct tt_memrow *row)
{
    if (run->count == run->capacity) {
        run->capacity = run->capacity == 0 ? 1 : run->capacity * 2;
        run->rows = tt_grow(run->rows, run->capacity, sizeof(*run->rows));
    }
    TT_ASSERT(run->rows != NULL);
    memmove(run->rows + at + 1, run->rows + at, (run->count - at) * sizeof(*run->rows));
    run->rows[at] = row;
    run->count++;
}

/* The upper half becomes a run of its own; of one that only grows at its end, nothing does. */
static void split(struct tt_memgroup *group, size_t at, bool grows_at_end)
{
    add_run(group, at + 1);
    struct tt_memrun *full = &group->runs[at];
    struct tt_memrun *next = &group->runs[at + 1];
    uint32_t kept = grows_at_end ? full->count : full->count / 2;
    next->capacity = TT_MEMRUN_LENGTH_MAX;
    next->rows = tt_grow(NULL, next->capacity, sizeof(*next->rows));
    next->count = full->count - kept;
    memcpy(next->rows, full->rows + kept, next->count * sizeof(*next->rows));
    full->count = kept;
}

static void add_row(struct tt_memgroup *group, struct tt_memplace place, struct tt_memrow *row)
{
    bool at_end = place.run == group->run_count;
    if (group->run_count == 0)
        add_run(group, 0);
    if (at_end)
        place = (struct tt_memplace){group->run_count - 1, group->runs[group->run_count - 1].count};
    if (group->runs[place.run].count == TT_MEMRUN_LENGTH_MAX) {
        split(group, place.run, at_end);
        uint32_t kept = group->runs[place.run].count;
        if (place.at > kept || at_end)
            place = (struct tt_memplace){place.run + 1, place.at - kept};
    }
    insert(&group->runs[place.run], place.at, row);
}

/* The group of that part of a key; `guess`, or NULL, is probably it. */
static struct tt_memgroup *group_of(struct tt_memtable *table, struct tt_slice part,
                                    struct tt_memgroup *guess)
{
    if (guess != NULL && tt_slice_eq(guess->key, part))
        return guess;
    struct tt_memgroup *group = tt_map_get(&table->groups, part);
    if (group != NULL)
        return group;
    group = take(table, sizeof(*group));
    *group = (struct tt_memgroup){.key = part};
    *(table->made_last != NULL ? &table->made_last->made_after : &table->made_first) = group;
    table->made_last = group;
    tt_map_add(&table->groups, group);
    return group;
}

static void link_row(struct tt_memgroup *group, struct tt_memrow *row)
{
    struct tt_slice key = tt_memrow_key(row);
    struct tt_memplace place = tt_memgroup_place(group, key);
    struct tt_memrow **found = tt_memgroup_row(group, place);
    if (found != NULL && tt_memrow_compare(*found, key) == 0) {
        row->older = *found;
        *found = row;
        return;
    }
    row->older = NULL;
    add_row(group, place, row);
}

/* Loads what linking the rows will look at: each step needs what the one before has loaded, and
 * memory is waited for once a step instead of once a row. `groups` are guesses, or NULL. */
static void expect_places(const struct tt_memtable *table, struct tt_memrow *const *rows,
                          size_t count, struct tt_memgroup **groups)
{
    uint64_t hashes[LINKED_AT_ONCE];
    const struct tt_memrun *lasts[LINKED_AT_ONCE];
    for (size_t i = 0; i < count; i++) {
        hashes[i] = tt_map_hash(&table->groups, tt_memgroup_part(tt_memrow_key(rows[i])));
        tt_map_expect(&table->groups, hashes[i]);
    }
    for (size_t i = 0; i < count; i++) {
        groups[i] = tt_map_guess(&table->groups, hashes[i]);
        tt_expect(groups[i], sizeof(*groups[i]));
    }
    for (size_t i = 0; i < count; i++) {
        lasts[i] = groups[i] == NULL ? NULL : &groups[i]->runs[groups[i]->run_count - 1];
        tt_expect(lasts[i], sizeof(*lasts[i]));
        if (groups[i] != NULL)
            tt_expect(groups[i]->key.data, groups[i]->key.size);
    }
    for (size_t i = 0; i < count; i++)
        if (lasts[i] != NULL)
            tt_expect(&lasts[i]->rows[lasts[i]->count - 1], 1);
    for (size_t i = 0; i < count; i++)
        if (lasts[i] != NULL)
            tt_expect(lasts[i]->rows[lasts[i]->count - 1], sizeof(struct tt_memrow) + 64);
}

void tt_memtable_link(struct tt_memtable *table, uint64_t version)
{
    struct tt_memrow *rows[LINKED_AT_ONCE];
    struct tt_memgroup *groups[LINKED_AT_ONCE];
    struct tt_memrow *next = table->staged_first;
    table->staged_first = table->staged_last = NULL;
    pthread_rwlock_wrlock(&table->lock);
    while (next != NULL) {
        size_t count = 0;
        for (; next != NULL && count < LINKED_AT_ONCE; next = next->older)
            rows[count++] = next;
        expect_places(table, rows, count, groups);
        for (size_t i = 0; i < count; i++) {
            rows[i]->version = version;
            link_row(group_of(table, tt_memgroup_part(tt_memrow_key(rows[i])), groups[i]), rows[i]);
        }
    }
    pthread_rwlock_unlock(&table->lock);
}

size_t tt_memtable_size(const struct tt_memtable *table)
{
    return table->size + table->groups.capacity * sizeof(*table->groups.slots);
}

bool tt_memtable_is_empty(const struct tt_memtable *table)
{
    return table->groups.count == 0;
}

/* Under the lock. */
static const struct tt_memrow *look_up(const struct tt_memtable *table, struct tt_slice key,
                                       uint64_t version)
{
    const struct tt_memgroup *group = tt_map_get(&table->groups, tt_memgroup_part(key));
    if (group == NULL)
        return NULL;
    struct tt_memrow **found = tt_memgroup_row(group, tt_memgroup_place(group, key));
    if (found == NULL || tt_memrow_compare(*found, key) != 0)
        return NULL;
    return tt_memrow_as_of(*found, version);
}

const struct tt_memrow *tt_memtable_find(struct tt_memtable *table, struct tt_slice key,
                                         uint64_t version)
{
    pthread_rwlock_rdlock(&table->lock);
    const struct tt_memrow *row = look_up(table, key, version);
    pthread_rwlock_unlock(&table->lock);
    return row;
}

/* Under the lock. */
static size_t look_up_from(const struct tt_memtable *table, struct tt_slice key, uint64_t version,
                           const struct tt_memrow **rows, size_t max)
{
    const struct tt_memgroup *group = tt_map_get(&table->groups, tt_memgroup_part(key));
    size_t count = 0;
    if (group == NULL)
        return 0;
    struct tt_memplace place = tt_memgroup_place(group, key);
    for (; count < max && place.run < group->run_count; place.run++, place.at = 0) {
        const struct tt_memrun *run = &group->runs[place.run];
        for (; count < max && place.at < run->count; place.at++) {
            rows[count] = tt_memrow_as_of(run->rows[place.at], version);
            count += rows[count] != NULL ? 1 : 0;
        }
    }
    return count;
}

bool tt_memtable_find_from(struct tt_memtable *table, struct tt_slice key, uint64_t version,
                           const struct tt_memrow **rows, size_t max, bool waits, size_t *count)
{
    *count = 0;
    if (waits)
        pthread_rwlock_rdlock(&table->lock);
    else if (pthread_rwlock_tryrdlock(&table->lock) != 0)
        return false;
    *count = look_up_from(table, key, version, rows, max);
    pthread_rwlock_unlock(&table->lock);
    return true;
}

bool tt_memtable_try_find(struct tt_memtable *table, struct tt_slice key, uint64_t version,
                          const struct tt_memrow **row)
{
    if (pthread_rwlock_tryrdlock(&table->lock) != 0)
        return false;
    *row = look_up(table, key, version);
    pthread_rwlock_unlock(&table->lock);
    return true;
}
