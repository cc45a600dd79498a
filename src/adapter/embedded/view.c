/*
 * Looking at rows. A view holds the memtables that were there when it was made, the number of the
 * last write, and a snapshot of what RocksDB has; a row that is in both was brought to disk
 * meanwhile and is the same. A walk merges them: the youngest source that has a key decides.
 */
#include <string.h>

#include "adapter/embedded/index_parts.h"
#include "base/memory.h"

#define KEY_SIZE_MAX 224

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

struct tt_view *tt_view_create(struct tt_index *index)
{
    struct tt_view *view = tt_alloc(sizeof(*view));
    view->index = index;
    view->options = rocksdb_readoptions_create();
    pthread_mutex_lock(&index->mutex);
    add_tables(view);
    for (size_t i = 0; i < view->table_count; i++)
        tt_memtable_hold(view->tables[i]);
    view->version = index->version;
    view->snapshot = rocksdb_create_snapshot(index->db);
    pthread_mutex_unlock(&index->mutex);
    rocksdb_readoptions_set_snapshot(view->options, view->snapshot);
    return view;
}

void tt_view_destroy(struct tt_view **destroyed)
{
    struct tt_view *view = *destroyed;
    for (size_t i = 0; i < view->table_count; i++)
        tt_memtable_release(&view->tables[i]);
    rocksdb_readoptions_destroy(view->options);
    rocksdb_release_snapshot(view->index->db, view->snapshot);
    tt_free(view);
    *destroyed = NULL;
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
    TT_TRY(tt_index_take_error(error, NULL, 0));
    if (pinned == NULL)
        return TT_FAIL(NOT_FOUND);
    size_t size = 0;
    const char *data = rocksdb_pinnableslice_value(pinned, &size);
    tt_buffer_add(value, tt_slice(data, size));
    rocksdb_pinnableslice_destroy(pinned);
    return TT_OK;
}

tt_err tt_view_get(const struct tt_view *view, struct tt_slice key, struct tt_buffer *value)
{
    value->size = 0;
    for (size_t i = 0; i < view->table_count; i++) {
        const struct tt_memrow *row = tt_memtable_find(view->tables[i], key, view->version);
        if (row == NULL)
            continue;
        if (row->is_deleted)
            return TT_FAIL(NOT_FOUND);
        tt_buffer_add(value, tt_memrow_value(row));
        return TT_OK;
    }
    return get_from_files(view, key, value);
}

bool tt_view_find_recent(const struct tt_view *view, struct tt_slice key, struct tt_slice *value)
{
    const struct tt_memrow *row = NULL;
    for (size_t i = 0; i < view->table_count && row == NULL; i++)
        row = tt_memtable_find(view->tables[i], key, view->version);
    if (row == NULL || row->is_deleted)
        return false;
    *value = tt_memrow_value(row);
    return true;
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
    rocksdb_iter_get_error((*walk)->iterator, &error);
    rocksdb_iter_destroy((*walk)->iterator);
    rocksdb_readoptions_destroy((*walk)->options);
    tt_free(*walk);
    *walk = NULL;
    return tt_index_take_error(error, NULL, 0);
}

void tt_walk_to(struct tt_walk *walk, struct tt_slice key)
{
    walk->backwards = false;
    for (size_t i = 0; i < walk->cursor_count; i++)
        tt_memcursor_to(&walk->cursors[i], key, false);
    rocksdb_iter_seek(walk->iterator, key.data, key.size);
    settle(walk);
}

void tt_walk_back_to(struct tt_walk *walk, struct tt_slice key)
{
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
