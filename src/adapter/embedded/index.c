#include "adapter/embedded/index.h"

#include <rocksdb/c.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"

#define COMPLAINT_SIZE    256
#define OPEN_FILES_MAX    256
#define BLOOM_BITS        10.0
#define MEMTABLES_MAX     3
#define LEVEL0_FILES      4
#define METADATA_BLOCK    4096
#define PERSISTED_TIER    2 /* kPersistedTier of rocksdb/options.h */
#define SYNC_EVERY        (1024 * 1024)
#define INFO_LOG_WARNINGS 2
#define PREFIX_SIZE_MAX   208

struct tt_view {
    struct tt_index *index;
    rocksdb_readoptions_t *options;
    const rocksdb_snapshot_t *snapshot;
};

struct tt_index {
    rocksdb_t *db;
    rocksdb_options_t *options;
    rocksdb_cache_t *cache;
    rocksdb_writeoptions_t *write_options;
    rocksdb_flushoptions_t *flush_options;
    rocksdb_writebatch_t *batch;
    struct tt_view latest;
    struct tt_view persisted;
    char complaint[COMPLAINT_SIZE];
};

struct tt_walk {
    rocksdb_iterator_t *iterator;
    size_t prefix_size;
    char prefix[PREFIX_SIZE_MAX];
};

static tt_err take_error(char *error, char *sentence, size_t sentence_size)
{
    if (error == NULL)
        return TT_OK;
    bool corrupt = strncmp(error, "Corruption", strlen("Corruption")) == 0;
    if (sentence != NULL)
        snprintf(sentence, sentence_size, "%s", error);
    rocksdb_free(error);
    return corrupt ? TT_FAIL(CORRUPT) : TT_FAIL(IO);
}

static rocksdb_block_based_table_options_t *table_options(rocksdb_cache_t *cache)
{
    rocksdb_block_based_table_options_t *table = rocksdb_block_based_options_create();
    rocksdb_block_based_options_set_block_cache(table, cache);
    rocksdb_block_based_options_set_filter_policy(table,
                                                  rocksdb_filterpolicy_create_bloom(BLOOM_BITS));
    rocksdb_block_based_options_set_cache_index_and_filter_blocks(table, 1);
    rocksdb_block_based_options_set_cache_index_and_filter_blocks_with_high_priority(table, 1);
    rocksdb_block_based_options_set_pin_l0_filter_and_index_blocks_in_cache(table, 1);
    /* In pieces of a few KiB: one filter of a whole file is larger than what a shard of the cache
     * may hold, and would be read again, all of it, for every key that is asked for. */
    rocksdb_block_based_options_set_index_type(
        table, rocksdb_block_based_table_index_type_two_level_index_search);
    rocksdb_block_based_options_set_partition_filters(table, 1);
    rocksdb_block_based_options_set_metadata_block_size(table, METADATA_BLOCK);
    rocksdb_block_based_options_set_pin_top_level_index_and_filter(table, 1);
    return table;
}

/* Sizes follow from the memtable's, so that a small file system gets small files, and a compaction
 * fits into the room that the low watermark keeps free. */
static void set_sizes(rocksdb_options_t *options, uint64_t memtable_size)
{
    rocksdb_options_set_write_buffer_size(options, memtable_size);
    rocksdb_options_set_max_write_buffer_number(options, MEMTABLES_MAX);
    rocksdb_options_set_level0_file_num_compaction_trigger(options, LEVEL0_FILES);
    rocksdb_options_set_max_bytes_for_level_base(options, LEVEL0_FILES * memtable_size);
    rocksdb_options_set_target_file_size_base(options, memtable_size);
    rocksdb_options_set_max_compaction_bytes(options, LEVEL0_FILES * memtable_size);
    rocksdb_options_set_memtable_prefix_bloom_size_ratio(options, 0.05);
    rocksdb_options_set_memtable_whole_key_filtering(options, 1);
}

static rocksdb_options_t *make_options(const struct tt_index_options *wanted,
                                       rocksdb_cache_t *cache)
{
    rocksdb_options_t *options = rocksdb_options_create();
    rocksdb_block_based_table_options_t *table = table_options(cache);
    rocksdb_options_set_block_based_table_factory(options, table);
    rocksdb_block_based_options_destroy(table);
    rocksdb_options_set_create_if_missing(options, 1);
    rocksdb_options_set_max_open_files(options, OPEN_FILES_MAX);
    rocksdb_options_set_max_background_jobs(options, 2);
    rocksdb_options_set_compression(options, rocksdb_lz4_compression);
    rocksdb_options_set_bytes_per_sync(options, SYNC_EVERY);
    rocksdb_options_set_info_log_level(options, INFO_LOG_WARNINGS);
    rocksdb_options_set_keep_log_file_num(options, 4);
    rocksdb_options_set_max_log_file_size(options, SYNC_EVERY);
    rocksdb_options_set_stats_dump_period_sec(options, 0);
    rocksdb_options_set_stats_persist_period_sec(options, 0);
    set_sizes(options, wanted->memtable_size);
    return options;
}

tt_err tt_index_open(const struct tt_index_options *options, struct tt_index **opened,
                     char *sentence, size_t sentence_size)
{
    struct tt_index *index = tt_alloc(sizeof(*index));
    char *error = NULL;
    index->cache = rocksdb_cache_create_lru(options->block_cache_size);
    index->options = make_options(options, index->cache);
    index->write_options = rocksdb_writeoptions_create();
    rocksdb_writeoptions_disable_WAL(index->write_options, 1);
    index->flush_options = rocksdb_flushoptions_create();
    index->batch = rocksdb_writebatch_create();
    index->latest = (struct tt_view){index, rocksdb_readoptions_create(), NULL};
    index->persisted = (struct tt_view){index, rocksdb_readoptions_create(), NULL};
    rocksdb_readoptions_set_read_tier(index->persisted.options, PERSISTED_TIER);
    index->db = rocksdb_open(index->options, options->path, &error);
    tt_err err = take_error(error, sentence, sentence_size);
    if (!tt_is_ok(err)) {
        tt_index_close(&index);
        return err;
    }
    *opened = index;
    return TT_OK;
}

void tt_index_close(struct tt_index **closed)
{
    struct tt_index *index = *closed;
    if (index->db != NULL) {
        rocksdb_cancel_all_background_work(index->db, 1);
        rocksdb_close(index->db);
    }
    rocksdb_readoptions_destroy(index->latest.options);
    rocksdb_readoptions_destroy(index->persisted.options);
    rocksdb_writebatch_destroy(index->batch);
    rocksdb_flushoptions_destroy(index->flush_options);
    rocksdb_writeoptions_destroy(index->write_options);
    rocksdb_options_destroy(index->options);
    rocksdb_cache_destroy(index->cache);
    tt_free(index);
    *closed = NULL;
}

const char *tt_index_complaint(const struct tt_index *index)
{
    return index->complaint;
}

void tt_index_put(struct tt_index *index, struct tt_slice key, struct tt_slice value)
{
    rocksdb_writebatch_put(index->batch, key.data, key.size, value.data, value.size);
}

void tt_index_delete(struct tt_index *index, struct tt_slice key)
{
    rocksdb_writebatch_delete(index->batch, key.data, key.size);
}

tt_err tt_index_write(struct tt_index *index)
{
    char *error = NULL;
    rocksdb_write(index->db, index->write_options, index->batch, &error);
    rocksdb_writebatch_clear(index->batch);
    return take_error(error, index->complaint, sizeof(index->complaint));
}

tt_err tt_index_flush(struct tt_index *index, bool wait)
{
    char *error = NULL;
    rocksdb_flushoptions_set_wait(index->flush_options, wait);
    rocksdb_flush(index->db, index->flush_options, &error);
    return take_error(error, index->complaint, sizeof(index->complaint));
}

void tt_index_allow_compaction(struct tt_index *index, bool allowed)
{
    const char *const keys[] = {"disable_auto_compactions"};
    const char *const values[] = {allowed ? "false" : "true"};
    char *error = NULL;
    rocksdb_set_options(index->db, 1, keys, values, &error);
    if (error != NULL)
        rocksdb_free(error);
}

struct tt_view *tt_view_create(struct tt_index *index)
{
    struct tt_view *view = tt_alloc(sizeof(*view));
    view->index = index;
    view->options = rocksdb_readoptions_create();
    view->snapshot = rocksdb_create_snapshot(index->db);
    rocksdb_readoptions_set_snapshot(view->options, view->snapshot);
    return view;
}

void tt_view_destroy(struct tt_view **view)
{
    rocksdb_readoptions_destroy((*view)->options);
    rocksdb_release_snapshot((*view)->index->db, (*view)->snapshot);
    tt_free(*view);
    *view = NULL;
}

const struct tt_view *tt_index_latest(const struct tt_index *index)
{
    return &index->latest;
}

const struct tt_view *tt_index_persisted(const struct tt_index *index)
{
    return &index->persisted;
}

tt_err tt_view_get(const struct tt_view *view, struct tt_slice key, struct tt_buffer *value)
{
    char *error = NULL;
    rocksdb_pinnableslice_t *pinned =
        rocksdb_get_pinned(view->index->db, view->options, key.data, key.size, &error);
    TT_TRY(take_error(error, NULL, 0));
    if (pinned == NULL)
        return TT_FAIL(NOT_FOUND);
    size_t size = 0;
    const char *data = rocksdb_pinnableslice_value(pinned, &size);
    value->size = 0;
    tt_buffer_add(value, tt_slice(data, size));
    rocksdb_pinnableslice_destroy(pinned);
    return TT_OK;
}

struct tt_walk *tt_walk_create(const struct tt_view *view, struct tt_slice prefix)
{
    struct tt_walk *walk = tt_alloc(sizeof(*walk));
    TT_ASSERT(prefix.size <= PREFIX_SIZE_MAX);
    walk->prefix_size = prefix.size;
    if (prefix.size > 0)
        memcpy(walk->prefix, prefix.data, prefix.size);
    walk->iterator = rocksdb_create_iterator(view->index->db, view->options);
    rocksdb_iter_seek(walk->iterator, walk->prefix, walk->prefix_size);
    return walk;
}

tt_err tt_walk_destroy(struct tt_walk **walk)
{
    char *error = NULL;
    rocksdb_iter_get_error((*walk)->iterator, &error);
    rocksdb_iter_destroy((*walk)->iterator);
    tt_free(*walk);
    *walk = NULL;
    return take_error(error, NULL, 0);
}

void tt_walk_to(struct tt_walk *walk, struct tt_slice key)
{
    rocksdb_iter_seek(walk->iterator, key.data, key.size);
}

void tt_walk_back_to(struct tt_walk *walk, struct tt_slice key)
{
    rocksdb_iter_seek_for_prev(walk->iterator, key.data, key.size);
}

bool tt_walk_valid(const struct tt_walk *walk)
{
    if (!rocksdb_iter_valid(walk->iterator))
        return false;
    struct tt_slice key = tt_walk_key(walk);
    return key.size >= walk->prefix_size && memcmp(key.data, walk->prefix, walk->prefix_size) == 0;
}

void tt_walk_next(struct tt_walk *walk)
{
    rocksdb_iter_next(walk->iterator);
}

void tt_walk_prev(struct tt_walk *walk)
{
    rocksdb_iter_prev(walk->iterator);
}

struct tt_slice tt_walk_key(const struct tt_walk *walk)
{
    size_t size = 0;
    const char *data = rocksdb_iter_key(walk->iterator, &size);
    return tt_slice(data, size);
}

struct tt_slice tt_walk_value(const struct tt_walk *walk)
{
    size_t size = 0;
    const char *data = rocksdb_iter_value(walk->iterator, &size);
    return tt_slice(data, size);
}
