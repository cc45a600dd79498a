/*
 * memtable_walk: rows in the order of their keys. Those of one group are sorted; groups are sorted
 * when somebody walks over more than one of them for the first time, and later walks only sort in
 * those that were made since: who reads through everybody's rows page by page must not sort them
 * all for each page.
 */
#include <stdlib.h>

#include "adapter/embedded/memtable_parts.h"
#include "base/memory.h"

static int compare_groups(const void *a, const void *b)
{
    const struct tt_memgroup *const *left = a;
    const struct tt_memgroup *const *right = b;
    return tt_slice_compare((*left)->key, (*right)->key);
}

static bool starts_with(struct tt_slice key, struct tt_slice prefix)
{
    return key.size >= prefix.size && tt_slice_eq(tt_slice(key.data, prefix.size), prefix);
}

/* Where the first of the groups from `key` on is, or would be. */
static size_t search(struct tt_memgroup *const *groups, size_t count, struct tt_slice key)
{
    size_t low = 0;
    while (low < count) {
        size_t middle = low + (count - low) / 2;
        if (tt_slice_compare(groups[middle]->key, key) < 0)
            low = middle + 1;
        else
            count = middle;
    }
    return low;
}

/* Adds the groups that were made since the last time behind the others. */
static void add_new(const struct tt_memtable *table, struct tt_memorder *order,
                    struct tt_slice prefix)
{
    struct tt_memgroup *group = order->seen == NULL ? table->made_first : order->seen->made_after;
    for (; group != NULL; group = group->made_after) {
        order->seen = group;
        if (!starts_with(group->key, prefix))
            continue;
        if (order->count == order->capacity) {
            order->capacity = order->capacity == 0 ? 64 : order->capacity * 2;
            order->groups = tt_grow(order->groups, order->capacity, sizeof(struct tt_memgroup *));
        }
        order->groups[order->count++] = group;
    }
}

/* The groups from `sorted` on are moved to where they belong, the last one first: each moves those
 * behind its place at once, and nothing is moved twice. */
static void sort_in(struct tt_memorder *order, size_t sorted)
{
    size_t added = order->count - sorted;
    if (added == 0)
        return;
    qsort(order->groups + sorted, added, sizeof(struct tt_memgroup *), compare_groups);
    if (sorted == 0)
        return;
    struct tt_memgroup **sorted_in = tt_grow(NULL, added, sizeof(struct tt_memgroup *));
    memcpy(sorted_in, order->groups + sorted, added * sizeof(struct tt_memgroup *));
    while (added > 0) {
        struct tt_memgroup *group = sorted_in[added - 1];
        size_t at = search(order->groups, sorted, group->key);
        memmove(order->groups + at + added, order->groups + at,
                (sorted - at) * sizeof(struct tt_memgroup *));
        order->groups[at + --added] = group;
        sorted = at;
    }
    tt_free(sorted_in);
}

/* Under both locks: the groups of a prefix, and possibly more, sorted. */
static const struct tt_memorder *order_of(struct tt_memtable *table, struct tt_slice prefix)
{
    struct tt_slice part = tt_slice(prefix.data, prefix.size > 0 ? 1 : 0);
    struct tt_memorder **order =
        &table->orders[part.size == 0 ? 0 : 1 + (unsigned char)part.data[0]];
    if (*order == NULL)
        *order = tt_alloc(sizeof(**order));
    size_t sorted = (*order)->count;
    add_new(table, *order, part);
    sort_in(*order, sorted);
    return *order;
}

void tt_memtable_free_orders(struct tt_memtable *table)
{
    for (size_t i = 0; i < TT_MEMORDERS; i++) {
        if (table->orders[i] == NULL)
            continue;
        tt_free(table->orders[i]->groups);
        tt_free(table->orders[i]);
    }
}

void tt_memtable_each(struct tt_memtable *table,
                      bool (*visit)(void *context, const struct tt_memrow *row), void *context)
{
    pthread_mutex_lock(&table->order_lock);
    const struct tt_memorder *order = order_of(table, TT_SLICE_EMPTY);
    pthread_mutex_unlock(&table->order_lock);
    bool goes_on = true;
    for (size_t i = 0; i < order->count && goes_on; i++) {
        const struct tt_memgroup *group = order->groups[i];
        for (size_t j = 0; j < group->run_count && goes_on; j++)
            for (size_t k = 0; k < group->runs[j].count && goes_on; k++)
                goes_on = visit(context, group->runs[j].rows[k]);
    }
}

void tt_memcursor_init(struct tt_memcursor *cursor, struct tt_memtable *table, uint64_t version,
                       struct tt_slice prefix)
{
    *cursor = (struct tt_memcursor){.table = table, .version = version, .prefix = prefix};
    cursor->spans = prefix.size == 0 || memchr(prefix.data, '\0', prefix.size) == NULL;
    if (cursor->spans)
        return;
    pthread_rwlock_rdlock(&table->lock);
    cursor->group = tt_map_get(&table->groups, tt_memgroup_part(prefix));
    pthread_rwlock_unlock(&table->lock);
}

static struct tt_memplace next_place(const struct tt_memgroup *group, struct tt_memplace place)
{
    if (place.at + 1 < group->runs[place.run].count)
        return (struct tt_memplace){place.run, place.at + 1};
    return (struct tt_memplace){place.run + 1, 0};
}

/* False: it was the first. */
static bool step_back(const struct tt_memgroup *group, struct tt_memplace *place)
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

/* The first row of the group from `key` on, or beyond it, that was there; NULL: none. */
static const struct tt_memrow *first_from(const struct tt_memgroup *group, uint64_t version,
                                          struct tt_slice key, bool beyond)
{
    const struct tt_memrow *row = NULL;
    struct tt_memplace place = tt_memgroup_place(group, key);
    struct tt_memrow **found = tt_memgroup_row(group, place);
    if (beyond && found != NULL && tt_memrow_compare(*found, key) == 0)
        place = next_place(group, place);
    for (found = tt_memgroup_row(group, place); found != NULL && row == NULL;
         place = next_place(group, place), found = tt_memgroup_row(group, place))
        row = tt_memrow_as_of(*found, version);
    return row;
}

/* The last row of the group up to `key`, or before it, that was there; NULL: none. */
static const struct tt_memrow *last_up_to(const struct tt_memgroup *group, uint64_t version,
                                          struct tt_slice key, bool before)
{
    const struct tt_memrow *row = NULL;
    struct tt_memplace place = tt_memgroup_place(group, key);
    struct tt_memrow **found = tt_memgroup_row(group, place);
    bool is_there = found != NULL && tt_memrow_compare(*found, key) == 0 && !before;
    for (bool any = is_there || step_back(group, &place); any && row == NULL;
         any = step_back(group, &place))
        row = tt_memrow_as_of(*tt_memgroup_row(group, place), version);
    return row;
}

static void across_to(struct tt_memcursor *cursor, struct tt_slice key, bool beyond)
{
    pthread_mutex_lock(&cursor->table->order_lock);
    const struct tt_memorder *order = order_of(cursor->table, cursor->prefix);
    size_t first = search(order->groups, order->count, cursor->prefix);
    size_t at = search(order->groups, order->count, tt_memgroup_part(key));
    for (at = at < first ? first : at; at < order->count && cursor->row == NULL; at++) {
        if (!starts_with(order->groups[at]->key, cursor->prefix))
            break;
        cursor->row = first_from(order->groups[at], cursor->version, key, beyond);
    }
    pthread_mutex_unlock(&cursor->table->order_lock);
}

static void across_back_to(struct tt_memcursor *cursor, struct tt_slice key, bool before)
{
    pthread_mutex_lock(&cursor->table->order_lock);
    const struct tt_memorder *order = order_of(cursor->table, cursor->prefix);
    size_t first = search(order->groups, order->count, cursor->prefix);
    size_t end = search(order->groups, order->count, tt_memgroup_part(key));
    if (end < order->count && tt_slice_eq(order->groups[end]->key, tt_memgroup_part(key)))
        end++;
    for (; end > first && cursor->row == NULL; end--)
        if (starts_with(order->groups[end - 1]->key, cursor->prefix))
            cursor->row = last_up_to(order->groups[end - 1], cursor->version, key, before);
    pthread_mutex_unlock(&cursor->table->order_lock);
}

void tt_memcursor_to(struct tt_memcursor *cursor, struct tt_slice key, bool beyond)
{
    cursor->row = NULL;
    pthread_rwlock_rdlock(&cursor->table->lock);
    if (cursor->spans)
        across_to(cursor, key, beyond);
    else if (cursor->group != NULL)
        cursor->row = first_from(cursor->group, cursor->version, key, beyond);
    pthread_rwlock_unlock(&cursor->table->lock);
}

void tt_memcursor_back_to(struct tt_memcursor *cursor, struct tt_slice key, bool before)
{
    cursor->row = NULL;
    pthread_rwlock_rdlock(&cursor->table->lock);
    if (cursor->spans)
        across_back_to(cursor, key, before);
    else if (cursor->group != NULL)
        cursor->row = last_up_to(cursor->group, cursor->version, key, before);
    pthread_rwlock_unlock(&cursor->table->lock);
}
