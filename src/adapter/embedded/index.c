#include "adapter/embedded/index.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adapter/embedded/index_mend.h"
#include "adapter/embedded/index_parts.h"
#include "base/memory.h"

#define OPEN_FILES_MAX    256
#define BLOOM_BITS        10.0
#define LEVEL0_FILES      8 /* are merged at once: fewer rewrite the level below too often */
#define LEVEL1_FILES      4
#define METADATA_BLOCK    4096
#define SYNC_EVERY        (1024 * 1024)
#define INFO_LOG_WARNINGS 2
#define FILE_NAME         "incoming.sst"

tt_err tt_index_take_error(char *error, char *sentence, size_t sentence_size)
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
    rocksdb_options_set_level0_file_num_compaction_trigger(options, LEVEL0_FILES);
    rocksdb_options_set_max_bytes_for_level_base(options, LEVEL1_FILES * memtable_size);
    rocksdb_options_set_target_file_size_base(options, memtable_size);
    rocksdb_options_set_max_compaction_bytes(options, LEVEL1_FILES * memtable_size);
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

static char *file_path(const char *folder)
{
    size_t size = strlen(folder) + sizeof("/" FILE_NAME);
    char *path = tt_alloc(size);
    snprintf(path, size, "%s/" FILE_NAME, folder);
    return path;
}

static bool ends_in(const char *name, const char *end)
{
    size_t size = strlen(name);
    return size > strlen(end) && strcmp(name + size - strlen(end), end) == 0;
}

static int compare_numbers(const char *a, const char *b)
{
    size_t sizes[2] = {strlen(a), strlen(b)};
    return sizes[0] == sizes[1] ? strcmp(a, b) : sizes[0] < sizes[1] ? -1 : 1;
}

static bool is_empty(int dir_fd, const char *name)
{
    struct stat status;
    return fstatat(dir_fd, name, &status, 0) == 0 && S_ISREG(status.st_mode) && status.st_size == 0;
}

/* Each open begins one of RocksDB's own logs of writes, which it keeps until something that was
 * written to it is flushed: nothing ever is. The newest is in use. */
static void remove_empty_logs(const char *folder)
{
    char newest[NAME_MAX + 1] = "";
    const struct dirent *entry;
    DIR *entries = opendir(folder);
    if (entries == NULL)
        return;
    while ((entry = readdir(entries)) != NULL)
        if (ends_in(entry->d_name, ".log") && compare_numbers(entry->d_name, newest) > 0)
            snprintf(newest, sizeof(newest), "%s", entry->d_name);
    rewinddir(entries);
    while ((entry = readdir(entries)) != NULL)
        if (ends_in(entry->d_name, ".log") && strcmp(entry->d_name, newest) != 0 &&
            is_empty(dirfd(entries), entry->d_name))
            (void)unlinkat(dirfd(entries), entry->d_name, 0);
    closedir(entries);
}

static void open_database(struct tt_index *index, const char *folder, char **error)
{
    index->db = rocksdb_open(index->options, folder, error);
    if (*error != NULL && tt_index_mend(folder, index->file_path, *error)) {
        rocksdb_free(*error);
        *error = NULL;
        index->db = rocksdb_open(index->options, folder, error);
    }
    if (*error != NULL)
        return;
    (void)unlink(index->file_path);
    remove_empty_logs(folder);
}

/* Whether another process has it open, as RocksDB marks it; `sentence` then says so. */
static bool is_held(const char *folder, char *sentence, size_t sentence_size)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    struct tt_buffer path = {0};
    tt_buffer_add_text(&path, folder);
    tt_buffer_add(&path, tt_slice("/LOCK", sizeof("/LOCK")));
    int fd = open(path.data, O_RDONLY | O_CLOEXEC);
    tt_buffer_deinit(&path);
    bool held = fd >= 0 && fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
    if (fd >= 0)
        close(fd);
    if (held && lock.l_pid > 0)
        snprintf(sentence, sentence_size, "process %ld", (long)lock.l_pid);
    else if (held)
        snprintf(sentence, sentence_size, "another process");
    return held;
}

/* Where there are rows, but CURRENT is gone, RocksDB would begin anew and remove them. */
static bool has_lost_current(const char *folder, char *sentence, size_t sentence_size)
{
    DIR *entries = opendir(folder);
    bool has_rows = false;
    bool has_current = entries == NULL;
    const struct dirent *entry;
    while (!has_current && (entry = readdir(entries)) != NULL) {
        has_current = strcmp(entry->d_name, "CURRENT") == 0;
        has_rows = has_rows || ends_in(entry->d_name, ".sst") || ends_in(entry->d_name, ".log");
    }
    if (entries != NULL)
        closedir(entries);
    bool lost = has_rows && !has_current;
    if (lost)
        snprintf(sentence, sentence_size, "its file CURRENT is missing");
    return lost;
}

/* RocksDB would look at its lock only to write, and only after it has put the other's log aside. */
static tt_err open_files(struct tt_index *index, const struct tt_index_options *options,
                         char *sentence, size_t sentence_size)
{
    char *error = NULL;
    if (is_held(options->path, sentence, sentence_size))
        return TT_FAIL(CONFLICT);
    if (has_lost_current(options->path, sentence, sentence_size))
        return TT_FAIL(CORRUPT);
    if (options->only_reads)
        index->db =
            tt_index_look_open(&index->look, index->options, options->path, FILE_NAME, &error);
    else
        open_database(index, options->path, &error);
    return tt_index_take_error(error, sentence, sentence_size);
}

static void start(struct tt_index *index)
{
    index->young = tt_memtable_create();
    index->compacts = true;
    TT_ASSERT(pthread_create(&index->writing, NULL, tt_index_run, index) == 0);
}

tt_err tt_index_open(const struct tt_index_options *options, struct tt_index **opened,
                     char *sentence, size_t sentence_size)
{
    struct tt_index *index = tt_alloc(sizeof(*index));
    index->memtable_size = options->only_reads ? UINT64_MAX : options->memtable_size;
    index->file_path = file_path(options->path);
    index->cache = rocksdb_cache_create_lru(options->block_cache_size);
    index->options = make_options(options, index->cache);
    index->env_options = rocksdb_envoptions_create();
    index->ingest_options = rocksdb_ingestexternalfileoptions_create();
    rocksdb_ingestexternalfileoptions_set_move_files(index->ingest_options, 1);
    index->latest = (struct tt_view){.index = index, .options = rocksdb_readoptions_create()};
    index->persisted = (struct tt_view){.index = index, .options = rocksdb_readoptions_create()};
    pthread_mutex_init(&index->mutex, NULL);
    pthread_cond_init(&index->changed, NULL);
    tt_err err = open_files(index, options, sentence, sentence_size);
    if (!tt_is_ok(err)) {
        tt_index_close(&index);
        return err;
    }
    start(index);
    *opened = index;
    return TT_OK;
}

static void stop(struct tt_index *index)
{
    pthread_mutex_lock(&index->mutex);
    index->stopping = true;
    pthread_cond_broadcast(&index->changed);
    pthread_mutex_unlock(&index->mutex);
    pthread_join(index->writing, NULL);
    tt_memtable_release(&index->young);
    if (index->frozen != NULL)
        tt_memtable_release(&index->frozen);
    rocksdb_cancel_all_background_work(index->db, 1);
    rocksdb_close(index->db);
}

void tt_index_close(struct tt_index **closed)
{
    struct tt_index *index = *closed;
    if (index->db != NULL)
        stop(index);
    pthread_cond_destroy(&index->changed);
    pthread_mutex_destroy(&index->mutex);
    rocksdb_readoptions_destroy(index->latest.options);
    rocksdb_readoptions_destroy(index->persisted.options);
    rocksdb_ingestexternalfileoptions_destroy(index->ingest_options);
    rocksdb_envoptions_destroy(index->env_options);
    rocksdb_options_destroy(index->options);
    tt_index_look_close(&index->look);
    rocksdb_cache_destroy(index->cache);
    tt_free(index->file_path);
    tt_free(index);
    *closed = NULL;
}

const char *tt_index_complaint(const struct tt_index *index)
{
    return index->complaint;
}

const char *tt_index_due(const struct tt_index *index)
{
    return index->look.due;
}

void tt_index_allow_compaction(struct tt_index *index, bool allowed)
{
    const char *const keys[] = {"disable_auto_compactions"};
    const char *const values[] = {allowed ? "false" : "true"};
    char *error = NULL;
    pthread_mutex_lock(&index->mutex);
    index->compacts = allowed;
    pthread_mutex_unlock(&index->mutex);
    rocksdb_set_options(index->db, 1, keys, values, &error);
    if (error != NULL)
        rocksdb_free(error);
}

tt_err tt_index_link(struct tt_index *index, const char *path, char *sentence, size_t sentence_size)
{
    char *error = NULL;
    rocksdb_checkpoint_t *checkpoint = rocksdb_checkpoint_object_create(index->db, &error);
    TT_TRY(tt_index_take_error(error, sentence, sentence_size));
    rocksdb_checkpoint_create(checkpoint, path, 0, &error);
    rocksdb_checkpoint_object_destroy(checkpoint);
    return tt_index_take_error(error, sentence, sentence_size);
}
