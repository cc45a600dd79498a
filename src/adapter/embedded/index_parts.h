/*
 * index_parts: what the index's own files share: index.c opens it, index_write.c takes rows in and
 * brings them to disk, view.c looks at them.
 */
#ifndef TT_ADAPTER_EMBEDDED_INDEX_PARTS_H
#define TT_ADAPTER_EMBEDDED_INDEX_PARTS_H

#include <pthread.h>
#include <rocksdb/c.h>
#include <stdatomic.h>

#include "adapter/embedded/index.h"
#include "adapter/embedded/index_look.h"
#include "adapter/embedded/memtable.h"

#define TT_COMPLAINT_SIZE 256

struct tt_view {
    struct tt_index *index;
    rocksdb_readoptions_t *options;
    const rocksdb_snapshot_t *snapshot;
    struct tt_memtable *tables[2]; /* the younger first; of a lasting view none */
    size_t table_count;
    uint64_t version;
    bool is_glance;
    uint64_t freezes; /* of a glance: when it began */
};

struct tt_index {
    rocksdb_t *db;
    rocksdb_options_t *options;
    rocksdb_cache_t *cache;
    rocksdb_envoptions_t *env_options;
    rocksdb_ingestexternalfileoptions_t *ingest_options;
    uint64_t memtable_size;
    char *file_path;           /* of the file that is being written */
    struct tt_index_look look; /* of one that only reads */
    struct tt_view latest;
    struct tt_view persisted;
    _Atomic uint64_t freezes; /* of memtables, so far */

    pthread_mutex_t mutex; /* over what follows */
    pthread_cond_t changed;
    pthread_t writing;
    struct tt_memtable *young;  /* only the writer changes which these two are */
    struct tt_memtable *frozen; /* NULL, or what is being brought to disk, or has been */
    uint64_t version;           /* of the last write */
    bool is_frozen_on_disk;
    bool stopping;
    bool compacts;
    tt_err err; /* of bringing rows to disk: it is not tried again */
    char complaint[TT_COMPLAINT_SIZE];
};

/* OK without an error; otherwise the error is freed, and its text put into the sentence. */
tt_err tt_index_take_error(char *error, char *sentence, size_t sentence_size);

/* The thread that brings frozen rows to disk. `context` is the index. */
void *tt_index_run(void *context);

#endif
