#include "adapter/embedded/memtable.h"

#include <pthread.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/memory.h"

#define BLOCK_SIZE     ((size_t)256 * 1024)
#define RUN_LENGTH_MAX 128
#define LINKED_AT_ONCE 16

/* Up to RUN_LENGTH_MAX rows, sorted: one insertion moves no more than these. */
struct run {
    struct tt_memrow **rows; /* the newest of each key */
    uint32_t count;
    uint32_t capacity;
};

struct tt_memgroup {
    struct tt_slice key; /* lies in its first row */
    struct run *runs;    /* sorted, none is empty */
    size_t run_count;
    size_t run_capacity;
};

struct block {
    struct block *next;
    alignas(max_align_t) char bytes[];
};

struct tt_memtable {
    pthread_rwlock_t lock; /* over the groups: whoever looks shares it, the writer takes it alone */
    struct tt_map groups;
    struct block *blocks;
    char *free;
    size_t free_size;
    size_t size;
    struct tt_memrow *staged_first;
    struct tt_memrow *staged_last;
    _Atomic uint32_t holders;
};

/* A place in a group; at the end: run == run_count. */
struct place {
    size_t run;
    size_t at;
};

static char *add_block(struct tt_memtable *table, size_t size)
{
    struct block *block = tt_grow(NULL, sizeof(*block) + size, 1);
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

/* Up to the first zero byte, or all of it. */
static struct tt_slice group_part(struct tt_slice key)
{
    const char *zero = key.size == 0 ? NULL : memchr(key.data, '\0', key.size);
    return zero == NULL ? key : tt_slice(key.data, (size_t)(zero - key.data) + 1);
}

struct tt_memtable *tt_memtable_create(void)
{
    struct tt_memtable *table = tt_alloc(sizeof(*table));
    pthread_rwlockattr_t attributes;
    pthread_rwlockattr_init(&attributes);
    pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(&table->lock, &attributes);
    pthread_rwlockattr_destroy(&attributes);
    tt_map_init(&table->groups, group_key, 1);
    atomic_store(&table->holders, 1);
    return table;
}

void tt_memtable_hold(struct tt_memtable *table)
{
    atomic_fetch_add(&table->holders, 1);
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
    free_groups(&table->groups);
    while (table->blocks != NULL) {
        struct block *next = table->blocks->next;
        tt_free(table->blocks);
        table->blocks = next;
    }
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

static int compare(const struct tt_memrow *row, struct tt_slice key)
{
    return tt_slice_compare(tt_memrow_key(row), key);
}

/* The first row from the key on. */
static struct place place_of(const struct tt_memgroup *group, struct tt_slice key)
{
    size_t low = 0;
    size_t high = group->run_count;
    while (low < high) { /* the first run that ends at the key or behind it */
        size_t middle = low + (high - low) / 2;
        const struct run *run = &group->runs[middle];
        if (compare(run->rows[run->count - 1], key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    struct place place = {low, 0};
    if (low == group->run_count)
        return place;
    const struct run *run = &group->runs[low];
    size_t end = run->count;
    while (place.at < end) {
        size_t middle = place.at + (end - place.at) / 2;
        if (compare(run->rows[middle], key) < 0)
            place.at = middle + 1;
        else
            end = middle;
    }
    return place;
}

static struct tt_memrow **row_at(const struct tt_memgroup *group, struct place place)
{
    return place.run == group->run_count ? NULL : &group->runs[place.run].rows[place.at];
}

static void add_run(struct tt_memgroup *group, size_t at)
{
    if (group->run_count == group->run_capacity) {
        group->run_capacity = group->run_capacity == 0 ? 1 : group->run_capacity * 2;
        group->runs = tt_grow(group->runs, group->run_capacity, sizeof(*group->runs));
    }
    memmove(group->runs + at + 1, group->runs + at, (group->run_count - at) * sizeof(*group->runs));
    group->run_count++;
    group->runs[at] = (struct run){0};
}

static void insert(struct run *run, size_t at, struct tt_memrow *row)
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
    struct run *full = &group->runs[at];
    struct run *next = &group->runs[at + 1];
    uint32_t kept = grows_at_end ? full->count : full->count / 2;
    next->capacity = RUN_LENGTH_MAX;
    next->rows = tt_grow(NULL, next->capacity, sizeof(*next->rows));
    next->count = full->count - kept;
    memcpy(next->rows, full->rows + kept, next->count * sizeof(*next->rows));
    full->count = kept;
}

static void add_row(struct tt_memgroup *group, struct place place, struct tt_memrow *row)
{
    bool at_end = place.run == group->run_count;
    if (group->run_count == 0)
        add_run(group, 0);
    if (at_end)
        place = (struct place){group->run_count - 1, group->runs[group->run_count - 1].count};
    if (group->runs[place.run].count == RUN_LENGTH_MAX) {
        split(group, place.run, at_end);
        uint32_t kept = group->runs[place.run].count;
        if (place.at > kept || at_end)
            place = (struct place){place.run + 1, place.at - kept};
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
    tt_map_add(&table->groups, group);
    return group;
}

static void link_row(struct tt_memgroup *group, struct tt_memrow *row)
{
    struct tt_slice key = tt_memrow_key(row);
    struct place place = place_of(group, key);
    struct tt_memrow **found = row_at(group, place);
    if (found != NULL && compare(*found, key) == 0) {
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
    const struct run *lasts[LINKED_AT_ONCE];
    for (size_t i = 0; i < count; i++) {
        hashes[i] = tt_map_hash(&table->groups, group_part(tt_memrow_key(rows[i])));
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
            link_row(group_of(table, group_part(tt_memrow_key(rows[i])), groups[i]), rows[i]);
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

static const struct tt_memrow *as_of(const struct tt_memrow *row, uint64_t version)
{
    while (row != NULL && row->version > version)
        row = row->older;
    return row;
}

const struct tt_memrow *tt_memtable_find(struct tt_memtable *table, struct tt_slice key,
                                         uint64_t version)
{
    const struct tt_memrow *row = NULL;
    pthread_rwlock_rdlock(&table->lock);
    const struct tt_memgroup *group = tt_map_get(&table->groups, group_part(key));
    if (group != NULL) {
        struct tt_memrow **found = row_at(group, place_of(group, key));
        if (found != NULL && compare(*found, key) == 0)
            row = as_of(*found, version);
    }
    pthread_rwlock_unlock(&table->lock);
    return row;
}

static int compare_groups(const void *a, const void *b)
{
    const struct tt_memgroup *const *left = a;
    const struct tt_memgroup *const *right = b;
    return tt_slice_compare((*left)->key, (*right)->key);
}

/* The groups whose keys start with the prefix, sorted; to be freed. */
static struct tt_memgroup **groups_of(const struct tt_memtable *table, struct tt_slice prefix,
                                      size_t *count)
{
    struct tt_memgroup **groups =
        tt_grow(NULL, table->groups.count + 1, sizeof(struct tt_memgroup *));
    *count = 0;
    size_t at = 0;
    for (struct tt_memgroup *group = tt_map_next(&table->groups, &at); group != NULL;
         group = tt_map_next(&table->groups, &at))
        if (group->key.size >= prefix.size &&
            tt_slice_eq(tt_slice(group->key.data, prefix.size), prefix))
            groups[(*count)++] = group;
    if (*count > 0)
        qsort(groups, *count, sizeof(struct tt_memgroup *), compare_groups);
    return groups;
}

void tt_memtable_each(struct tt_memtable *table,
                      bool (*visit)(void *context, const struct tt_memrow *row), void *context)
{
    size_t count;
    struct tt_memgroup **groups = groups_of(table, TT_SLICE_EMPTY, &count);
    bool goes_on = true;
    for (size_t i = 0; i < count && goes_on; i++)
        for (size_t j = 0; j < groups[i]->run_count && goes_on; j++)
            for (size_t k = 0; k < groups[i]->runs[j].count && goes_on; k++)
                goes_on = visit(context, groups[i]->runs[j].rows[k]);
    tt_free(groups);
}

/* One group of all rows that start with the prefix, for a walk over a whole table. */
static struct tt_memgroup *gather(const struct tt_memtable *table, struct tt_slice prefix)
{
    struct tt_memgroup *all = tt_alloc(sizeof(*all));
    size_t count;
    struct tt_memgroup **groups = groups_of(table, prefix, &count);
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < groups[i]->run_count; j++) {
            const struct run *run = &groups[i]->runs[j];
            struct run copy = {tt_grow(NULL, run->count, sizeof(*run->rows)), run->count,
                               run->count};
            memcpy(copy.rows, run->rows, run->count * sizeof(*run->rows));
            add_run(all, all->run_count);
            all->runs[all->run_count - 1] = copy;
        }
    }
    tt_free(groups);
    return all;
}

void tt_memcursor_init(struct tt_memcursor *cursor, struct tt_memtable *table, uint64_t version,
                       struct tt_slice prefix)
{
    *cursor = (struct tt_memcursor){.table = table, .version = version};
    bool in_one = prefix.size > 0 && memchr(prefix.data, '\0', prefix.size) != NULL;
    pthread_rwlock_rdlock(&table->lock);
    if (in_one)
        cursor->group = tt_map_get(&table->groups, group_part(prefix));
    else
        cursor->group = cursor->own = gather(table, prefix);
    pthread_rwlock_unlock(&table->lock);
}

void tt_memcursor_deinit(struct tt_memcursor *cursor)
{
    if (cursor->own == NULL)
        return;
    for (size_t i = 0; i < cursor->own->run_count; i++)
        tt_free(cursor->own->runs[i].rows);
    tt_free(cursor->own->runs);
    tt_free(cursor->own);
}

static struct place next_place(const struct tt_memgroup *group, struct place place)
{
    if (place.at + 1 < group->runs[place.run].count)
        return (struct place){place.run, place.at + 1};
    return (struct place){place.run + 1, 0};
}

/* False: it was the first. */
static bool step_back(const struct tt_memgroup *group, struct place *place)
{
    if (place->run < group->run_count && place->at > 0) {
        place->at--;
        return true;
    }
    if (place->run == 0)
        return false;
    place->run--;
    place->at = group->runs[place->run].count - 1;
    return true;
}

void tt_memcursor_to(struct tt_memcursor *cursor, struct tt_slice key, bool beyond)
{
    const struct tt_memgroup *group = cursor->group;
    cursor->row = NULL;
    if (group == NULL)
        return;
    pthread_rwlock_rdlock(&cursor->table->lock);
    struct place place = place_of(group, key);
    struct tt_memrow **found = row_at(group, place);
    if (beyond && found != NULL && compare(*found, key) == 0)
        place = next_place(group, place);
    for (found = row_at(group, place); found != NULL && cursor->row == NULL;
         place = next_place(group, place), found = row_at(group, place))
        cursor->row = as_of(*found, cursor->version);
    pthread_rwlock_unlock(&cursor->table->lock);
}

void tt_memcursor_back_to(struct tt_memcursor *cursor, struct tt_slice key, bool before)
{
    const struct tt_memgroup *group = cursor->group;
    cursor->row = NULL;
    if (group == NULL)
        return;
    pthread_rwlock_rdlock(&cursor->table->lock);
    struct place place = place_of(group, key);
    struct tt_memrow **found = row_at(group, place);
    bool is_there = found != NULL && compare(*found, key) == 0 && !before;
    for (bool any = is_there || step_back(group, &place); any && cursor->row == NULL;
         any = step_back(group, &place))
        cursor->row = as_of(*row_at(group, place), cursor->version);
    pthread_rwlock_unlock(&cursor->table->lock);
}
