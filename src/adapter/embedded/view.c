/*
 * Looking at rows. A view holds the memtables that were there when it was made, the number of the
 * last write, and a snapshot of what RocksDB has; a row that is in both was brought to disk
 * meanwhile and is the same. A walk merges them: the youngest source that has a key decides. A
 * glance has no snapshot, and so is good only as long as no memtable freezes.
 */
#include <endian.h>
#include <string.h>

#include "adapter/embedded/index_parts.h"
#include "base/memory.h"

#define KEY_SIZE_MAX    224
#define ROWS_AT_ONCE    TT_RECENT_ROWS_MAX
#define READ_TIER_CACHE 1 /* rocksdb::kBlockCacheTier: fails where it would have to read a file */

struct tt_walk {
    const struct tt_view *view;
    rocksdb_readoptions_t *options;
    rocksdb_iterator_t *iterator;
    struct tt_memcursor cursors[2]; /* the younger first */
    size_t cursor_count;
    const struct tt_memrow *row; /* what it stands at; NULL: at the iterator's, or at the end */
    bool is_valid;
    bool backwards; /* the sources stand at or before the row, and not at or behind it */
    size_t prefix_size;
    char prefix[KEY_SIZE_MAX];
    char beyond[KEY_SIZE_MAX]; /* the least key that is larger than all with the prefix */
    size_t at_size;
    char at[KEY_SIZE_MAX]; /* a copy of the iterator's key, which goes away when it moves */
};

static void add_tables(struct tt_view *view)
{
    const struct tt_index *index = view->index;
    view->table_count = 0;
    view->tables[view->table_count++] = index->young;
    if (index->frozen != NULL)
        view->tables[view->table_count++] = index->frozen;
}

/* Under the mutex. */
static void hold_tables(struct tt_view *view)
{
    add_tables(view);
    for (size_t i = 0; i < view->table_count; i++)
        tt_memtable_hold(view->tables[i]);
}

static void release_tables(struct tt_view *view)
{
    for (size_t i = 0; i < view->table_count; i++)
        tt_memtable_release(&view->tables[i]);
}

struct tt_view *tt_view_create(struct tt_index *index)
{
    struct tt_view *view = tt_alloc(sizeof(*view));
    view->index = index;
    view->options = rocksdb_readoptions_create();
    pthread_mutex_lock(&index->mutex);
    hold_tables(view);
    view->version = index->version;
    view->snapshot = rocksdb_create_snapshot(index->db);
    pthread_mutex_unlock(&index->mutex);
    rocksdb_readoptions_set_snapshot(view->options, view->snapshot);
    return view;
}

void tt_view_destroy(struct tt_view **destroyed)
{
    struct tt_view *view = *destroyed;
    release_tables(view);
    rocksdb_readoptions_destroy(view->options);
    rocksdb_release_snapshot(view->index->db, view->snapshot);
    tt_free(view);
    *destroyed = NULL;
}

struct tt_view *tt_glance_create(struct tt_index *index)
{
    struct tt_view *glance = tt_alloc(sizeof(*glance));
    glance->index = index;
    glance->is_glance = true;
    glance->options = rocksdb_readoptions_create();
    rocksdb_readoptions_set_read_tier(glance->options, READ_TIER_CACHE);
    return glance;
}

void tt_glance_destroy(struct tt_view **glance)
{
    rocksdb_readoptions_destroy((*glance)->options);
    tt_free(*glance);
    *glance = NULL;
}

bool tt_glance_begin(struct tt_view *glance)
{
    struct tt_index *index = glance->index;
    if (pthread_mutex_trylock(&index->mutex) != 0)
        return false;
    hold_tables(glance);
    glance->version = index->version;
    glance->freezes = atomic_load(&index->freezes);
    pthread_mutex_unlock(&index->mutex);
    return true;
}

/* A glance has no snapshot of the files. While the youngest table is still the youngest one, all
 * that came into them since is in the older one, where it was looked for first. */
bool tt_glance_end(struct tt_view *glance)
{
    release_tables(glance);
    return atomic_load(&glance->index->freezes) == glance->freezes;
}

const struct tt_view *tt_index_latest(struct tt_index *index)
{
    index->latest.version = TT_VERSION_LATEST;
    add_tables(&index->latest);
    return &index->latest;
}

const struct tt_view *tt_index_persisted(const struct tt_index *index)
{
    return &index->persisted;
}

static tt_err get_from_files(const struct tt_view *view, struct tt_slice key,
                             struct tt_buffer *value)
{
    char *error = NULL;
    rocksdb_pinnableslice_t *pinned =
        rocksdb_get_pinned(view->index->db, view->options, key.data, key.size, &error);
    tt_err err = tt_index_take_error(error, NULL, 0);
    if (!tt_is_ok(err))
        return view->is_glance ? TT_FAIL(UNAVAILABLE) : err;
    if (pinned == NULL)
        return TT_FAIL(NOT_FOUND);
    size_t size = 0;
    const char *data = rocksdb_pinnableslice_value(pinned, &size);
    tt_buffer_add(value, tt_slice(data, size));
    rocksdb_pinnableslice_destroy(pinned);
    /* A file that is not open "may have" any row, without its bytes; no row of ours is empty. */
    return view->is_glance && size == 0 ? TT_FAIL(UNAVAILABLE) : TT_OK;
}

/* The newest row of that key in memory, or NULL. Only a glance can fail, with UNAVAILABLE. */
static tt_err find_in_memory(const struct tt_view *view, struct tt_slice key,
                             const struct tt_memrow **row)
{
    *row = NULL;
    for (size_t i = 0; i < view->table_count && *row == NULL; i++) {
        if (!view->is_glance)
            *row = tt_memtable_find(view->tables[i], key, view->version);
        else if (!tt_memtable_try_find(view->tables[i], key, view->version, row))
            return TT_FAIL(UNAVAILABLE);
    }
    return TT_OK;
}

tt_err tt_view_find(const struct tt_view *view, struct tt_slice key, struct tt_buffer *copy,
                    struct tt_slice *row)
{
    const struct tt_memrow *found;
    TT_TRY(find_in_memory(view, key, &found));
    if (found == NULL) {
        copy->size = 0;
        TT_TRY(get_from_files(view, key, copy));
        *row = tt_buffer_slice(copy);
        return TT_OK;
    }
    *row = tt_memrow_value(found);
    return found->is_deleted ? TT_FAIL(NOT_FOUND) : TT_OK;
}

tt_err tt_view_get(const struct tt_view *view, struct tt_slice key, struct tt_buffer *value)
{
    struct tt_slice row;
    TT_TRY(tt_view_find(view, key, value, &row));
    if (row.data != value->data) {
        value->size = 0;
        tt_buffer_add(value, row);
    }
    return TT_OK;
}

/* Whether the one key is the other, with a number at its end that is larger by `steps`. */
static bool follows(struct tt_slice key, struct tt_slice first, uint64_t steps)
{
    uint64_t numbers[2];
    if (key.size != first.size || key.size < sizeof(numbers[0]))
        return false;
    size_t size = key.size - sizeof(numbers[0]);
    memcpy(&numbers[0], key.data + size, sizeof(numbers[0]));
    memcpy(&numbers[1], first.data + size, sizeof(numbers[1]));
    return be64toh(numbers[0]) == be64toh(numbers[1]) + steps &&
           memcmp(key.data, first.data, size) == 0;
}

size_t tt_view_find_recent(const struct tt_view *view, struct tt_slice key, struct tt_slice *rows,
                           size_t max)
{
    const struct tt_memrow *found[ROWS_AT_ONCE];
    size_t count = 0;
    if (max > ROWS_AT_ONCE)
        max = ROWS_AT_ONCE;
    for (size_t i = 0; i < view->table_count && count == 0; i++) {
        size_t there;
        if (!tt_memtable_find_from(view->tables[i], key, view->version, found, max,
                                   !view->is_glance, &there))
            return 0;
        while (count < there && !found[count]->is_deleted &&
               follows(tt_memrow_key(found[count]), key, count)) {
            rows[count] = tt_memrow_value(found[count]);
            count++;
        }
    }
    return count;
}

tt_err tt_view_look_through(const struct tt_view *view, unsigned source, struct tt_slice key,
                            struct tt_recent_row *rows, size_t max, size_t *count)
{
    const struct tt_memrow *found[ROWS_AT_ONCE];
    *count = 0;
    if (source >= view->table_count)
        return TT_OK;
    TT_ASSERT(max <= ROWS_AT_ONCE);
    if (!tt_memtable_find_from(view->tables[source], key, view->version, found, max,
                               !view->is_glance, count))
        return TT_FAIL(UNAVAILABLE);
    for (size_t i = 0; i < *count; i++)
        rows[i] = (struct tt_recent_row){.key = tt_memrow_key(found[i]),
                                         .value = tt_memrow_value(found[i]),
                                         .is_deleted = found[i]->is_deleted};
    return TT_OK;
}

static struct tt_slice iterator_key(const struct tt_walk *walk)
{
    size_t size = 0;
    const char *data = rocksdb_iter_key(walk->iterator, &size);
    return tt_slice(data, size);
}

/* Whether `a` comes before `b` the way the walk goes. */
static bool is_sooner(const struct tt_walk *walk, struct tt_slice a, struct tt_slice b)
{
    int order = tt_slice_compare(a, b);
    return walk->backwards ? order > 0 : order < 0;
}

/* Chooses among the sources; the younger one where they stand at the same key. */
static void choose(struct tt_walk *walk)
{
    walk->row = NULL;
    for (size_t i = 0; i < walk->cursor_count; i++) {
        const struct tt_memrow *row = walk->cursors[i].row;
        if (row != NULL &&
            (walk->row == NULL || is_sooner(walk, tt_memrow_key(row), tt_memrow_key(walk->row))))
            walk->row = row;
    }
    bool in_files = rocksdb_iter_valid(walk->iterator) != 0;
    walk->is_valid = in_files || walk->row != NULL;
    if (in_files && walk->row != NULL &&
        is_sooner(walk, iterator_key(walk), tt_memrow_key(walk->row)))
        walk->row = NULL;
}

/* Moves every source that stands at the key by one. */
static void leave(struct tt_walk *walk, struct tt_slice key)
{
    for (size_t i = 0; i < walk->cursor_count; i++) {
        struct tt_memcursor *cursor = &walk->cursors[i];
        if (cursor->row == NULL || !tt_slice_eq(tt_memrow_key(cursor->row), key))
            continue;
        if (walk->backwards)
            tt_memcursor_back_to(cursor, key, true);
        else
            tt_memcursor_to(cursor, key, true);
    }
    if (!rocksdb_iter_valid(walk->iterator) || !tt_slice_eq(iterator_key(walk), key))
        return;
    if (walk->backwards)
        rocksdb_iter_prev(walk->iterator);
    else
        rocksdb_iter_next(walk->iterator);
}

/* On from deleted rows. */
static void settle(struct tt_walk *walk)
{
    choose(walk);
    while (walk->row != NULL && walk->row->is_deleted) {
        leave(walk, tt_memrow_key(walk->row));
        choose(walk);
    }
}

/* Without bounds RocksDB would look on behind the last row of the prefix for one that is not
 * deleted, which may be very far. */
static void set_bounds(struct tt_walk *walk)
{
    size_t size = walk->prefix_size;
    while (size > 0 && (unsigned char)walk->prefix[size - 1] == 0xff)
        size--;
    if (size == 0)
        return;
    memcpy(walk->beyond, walk->prefix, size);
    walk->beyond[size - 1]++;
    rocksdb_readoptions_set_iterate_upper_bound(walk->options, walk->beyond, size);
    rocksdb_readoptions_set_iterate_lower_bound(walk->options, walk->prefix, walk->prefix_size);
}

struct tt_walk *tt_walk_create(const struct tt_view *view, struct tt_slice prefix)
{
    struct tt_walk *walk = tt_alloc(sizeof(*walk));
    TT_ASSERT(prefix.size <= sizeof(walk->prefix));
    walk->view = view;
    walk->prefix_size = prefix.size;
    if (prefix.size > 0)
        memcpy(walk->prefix, prefix.data, prefix.size);
    if (view->is_glance)
        return walk;
    for (size_t i = 0; i < view->table_count; i++)
        tt_memcursor_init(&walk->cursors[walk->cursor_count++], view->tables[i], view->version,
                          tt_slice(walk->prefix, walk->prefix_size));
    walk->options = rocksdb_readoptions_create();
    if (view->snapshot != NULL)
        rocksdb_readoptions_set_snapshot(walk->options, view->snapshot);
    set_bounds(walk);
    walk->iterator = rocksdb_create_iterator(view->index->db, walk->options);
    tt_walk_to(walk, tt_slice(walk->prefix, walk->prefix_size));
    return walk;
}

tt_err tt_walk_destroy(struct tt_walk **walk)
{
    char *error = NULL;
    struct tt_walk *ended = *walk;
    *walk = NULL;
    if (ended->iterator == NULL) {
        tt_free(ended);
        return TT_FAIL(UNAVAILABLE);
    }
    rocksdb_iter_get_error(ended->iterator, &error);
    rocksdb_iter_destroy(ended->iterator);
    rocksdb_readoptions_destroy(ended->options);
    tt_free(ended);
    return tt_index_take_error(error, NULL, 0);
}

void tt_walk_to(struct tt_walk *walk, struct tt_slice key)
{
    if (walk->iterator == NULL)
        return;
    walk->backwards = false;
    for (size_t i = 0; i < walk->cursor_count; i++)
        tt_memcursor_to(&walk->cursors[i], key, false);
    rocksdb_iter_seek(walk->iterator, key.data, key.size);
    settle(walk);
}

void tt_walk_back_to(struct tt_walk *walk, struct tt_slice key)
{
    if (walk->iterator == NULL)
        return;
    walk->backwards = true;
    for (size_t i = 0; i < walk->cursor_count; i++)
        tt_memcursor_back_to(&walk->cursors[i], key, false);
    rocksdb_iter_seek_for_prev(walk->iterator, key.data, key.size);
    settle(walk);
}

bool tt_walk_valid(const struct tt_walk *walk)
{
    if (!walk->is_valid)
        return false;
    struct tt_slice key = tt_walk_key(walk);
    return key.size >= walk->prefix_size && memcmp(key.data, walk->prefix, walk->prefix_size) == 0;
}

/* The key that it stands at, which stays when the sources move. */
static struct tt_slice keep_key(struct tt_walk *walk)
{
    struct tt_slice key = tt_walk_key(walk);
    if (walk->row != NULL)
        return key;
    TT_ASSERT(key.size <= sizeof(walk->at));
    walk->at_size = key.size;
    memcpy(walk->at, key.data, key.size);
    return tt_slice(walk->at, walk->at_size);
}

void tt_walk_next(struct tt_walk *walk)
{
    struct tt_slice key = keep_key(walk);
    if (walk->backwards)
        tt_walk_to(walk, key);
    leave(walk, key);
    settle(walk);
}

void tt_walk_prev(struct tt_walk *walk)
{
    struct tt_slice key = keep_key(walk);
    if (!walk->backwards)
        tt_walk_back_to(walk, key);
    leave(walk, key);
    settle(walk);
}

struct tt_slice tt_walk_key(const struct tt_walk *walk)
{
    return walk->row != NULL ? tt_memrow_key(walk->row) : iterator_key(walk);
}

struct tt_slice tt_walk_value(const struct tt_walk *walk)
{
    if (walk->row != NULL)
        return tt_memrow_value(walk->row);
    size_t size = 0;
    const char *data = rocksdb_iter_value(walk->iterator, &size);
    return tt_slice(data, size);
}
