/*
 * How rows get to disk. What was written last is in a memtable of our own; when that is full it is
 * frozen, and a thread writes it out, sorted, as one file, which RocksDB takes in as a whole. So
 * RocksDB is spared what it is slow at (one row after the other into its own memtable), a row that
 * changed a thousand times is written once, and as the position is one of the rows of each file,
 * what is on disk always says truly which records it reflects.
 *
 * There is one frozen table at a time. Who fills the next one before that is on disk waits.
 */
#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "adapter/embedded/index_parts.h"
#include "base/memory.h"

#define STALL_LOOK_NS 20000000 /* between looks at whether RocksDB has caught up */

void tt_index_put(struct tt_index *index, struct tt_slice key, struct tt_slice value)
{
    tt_memtable_stage(index->young, key, &value);
}

void tt_index_delete(struct tt_index *index, struct tt_slice key)
{
    tt_memtable_stage(index->young, key, NULL);
}

/* Under the mutex. */
static void drop_frozen(struct tt_index *index)
{
    if (index->frozen != NULL && index->is_frozen_on_disk)
        tt_memtable_release(&index->frozen);
}

/* Under the mutex. Whoever lets go of it last frees all of it, which takes a while: it should not
 * be a node, in the middle of its glance. */
static void drop_frozen_if_alone(struct tt_index *index)
{
    if (index->frozen != NULL && !tt_memtable_is_shared(index->frozen))
        drop_frozen(index);
}

/* Under the mutex: waits until there is no frozen table, or bringing it to disk has failed. */
static tt_err wait_for_frozen(struct tt_index *index)
{
    while (index->frozen != NULL && !index->is_frozen_on_disk && tt_is_ok(index->err))
        pthread_cond_wait(&index->changed, &index->mutex);
    drop_frozen(index);
    return index->err;
}

/* Under the mutex. */
static tt_err freeze(struct tt_index *index)
{
    TT_TRY(wait_for_frozen(index));
    index->frozen = index->young;
    index->is_frozen_on_disk = false;
    index->young = tt_memtable_create();
    atomic_fetch_add(&index->freezes, 1);
    pthread_cond_broadcast(&index->changed);
    return TT_OK;
}

tt_err tt_index_write(struct tt_index *index)
{
    uint64_t version = index->version + 1;
    tt_memtable_link(index->young, version);
    pthread_mutex_lock(&index->mutex);
    index->version = version;
    drop_frozen_if_alone(index);
    tt_err err = index->err;
    if (tt_is_ok(err) && tt_memtable_size(index->young) >= index->memtable_size)
        err = freeze(index);
    pthread_mutex_unlock(&index->mutex);
    return err;
}

tt_err tt_index_flush(struct tt_index *index, bool wait)
{
    TT_ASSERT(!tt_memtable_is_staged(index->young));
    pthread_mutex_lock(&index->mutex);
    drop_frozen_if_alone(index);
    tt_err err = index->err;
    bool is_free = index->frozen == NULL || index->is_frozen_on_disk;
    if (tt_is_ok(err) && (wait || is_free) && !tt_memtable_is_empty(index->young))
        err = freeze(index);
    if (tt_is_ok(err) && wait)
        err = wait_for_frozen(index);
    pthread_mutex_unlock(&index->mutex);
    return err;
}

uint64_t tt_index_unflushed(struct tt_index *index)
{
    pthread_mutex_lock(&index->mutex);
    drop_frozen_if_alone(index);
    uint64_t size = tt_memtable_is_empty(index->young) ? 0 : tt_memtable_size(index->young);
    if (index->frozen != NULL && !index->is_frozen_on_disk)
        size += tt_memtable_size(index->frozen);
    pthread_mutex_unlock(&index->mutex);
    return size;
}

struct writing {
    rocksdb_sstfilewriter_t *writer;
    char *error;
};

static bool write_row(void *context, const struct tt_memrow *row)
{
    struct writing *writing = context;
    struct tt_slice key = tt_memrow_key(row);
    struct tt_slice value = tt_memrow_value(row);
    if (row->is_deleted)
        rocksdb_sstfilewriter_delete(writing->writer, key.data, key.size, &writing->error);
    else
        rocksdb_sstfilewriter_put(writing->writer, key.data, key.size, value.data, value.size,
                                  &writing->error);
    return writing->error == NULL;
}

/* RocksDB takes a file in by giving it a second name, and then takes the first one away. Should
 * that fail, the first one still leads to a file that is in use, and must not be written to. */
static bool forget_file_before(const struct tt_index *index)
{
    return unlink(index->file_path) == 0 || errno == ENOENT;
}

static char *write_file(struct tt_index *index, struct tt_memtable *table)
{
    if (!forget_file_before(index))
        return strdup("IO error: the file before cannot be removed");
    struct writing writing = {.writer =
                                  rocksdb_sstfilewriter_create(index->env_options, index->options)};
    rocksdb_sstfilewriter_open(writing.writer, index->file_path, &writing.error);
    if (writing.error == NULL)
        tt_memtable_each(table, write_row, &writing);
    if (writing.error == NULL)
        rocksdb_sstfilewriter_finish(writing.writer, &writing.error);
    rocksdb_sstfilewriter_destroy(writing.writer);
    return writing.error;
}

static bool is_stalled(struct tt_index *index)
{
    uint64_t is_stopped = 0;
    (void)rocksdb_property_int(index->db, "rocksdb.is-write-stopped", &is_stopped);
    pthread_mutex_lock(&index->mutex);
    bool waits = is_stopped != 0 && index->compacts && !index->stopping;
    pthread_mutex_unlock(&index->mutex);
    return waits;
}

/* Too many files that are not merged yet would make every read slow. */
static void let_compaction_catch_up(struct tt_index *index)
{
    const struct timespec pause = {.tv_nsec = STALL_LOOK_NS};
    while (is_stalled(index))
        (void)nanosleep(&pause, NULL);
}

static char *bring_to_disk(struct tt_index *index, struct tt_memtable *table)
{
    let_compaction_catch_up(index);
    char *error = write_file(index, table);
    if (error != NULL)
        return error;
    const char *const files[] = {index->file_path};
    rocksdb_ingest_external_file(index->db, files, 1, index->ingest_options, &error);
    return error;
}

/* Under the mutex, which is let go meanwhile. */
static void run_once(struct tt_index *index)
{
    struct tt_memtable *table = index->frozen;
    pthread_mutex_unlock(&index->mutex);
    char *error = bring_to_disk(index, table);
    pthread_mutex_lock(&index->mutex);
    index->err = tt_index_take_error(error, index->complaint, sizeof(index->complaint));
    index->is_frozen_on_disk = tt_is_ok(index->err);
    pthread_cond_broadcast(&index->changed);
}

void *tt_index_run(void *context)
{
    struct tt_index *index = context;
    pthread_mutex_lock(&index->mutex);
    while (!index->stopping) {
        if (index->frozen != NULL && !index->is_frozen_on_disk && tt_is_ok(index->err))
            run_once(index);
        else
            pthread_cond_wait(&index->changed, &index->mutex);
    }
    pthread_mutex_unlock(&index->mutex);
    return NULL;
}
