/*
 * index_look: opens the index's files to read them, and changes none.
 *
 * RocksDB's read-only mode writes nothing but a log of its own, which it does without where that
 * cannot be. Two states of the folder keep it from opening at all:
 *
 * What a crash left and the next start mends (index_mend.h) is mended in a shadow: a folder in
 * TMPDIR with links to the tables and copies of the small files, which goes with the look.
 *
 * An index that is not there, and that the next start makes anew, is an empty one in memory.
 */
#ifndef TT_ADAPTER_EMBEDDED_INDEX_LOOK_H
#define TT_ADAPTER_EMBEDDED_INDEX_LOOK_H

#include <rocksdb/c.h>
#include <stdbool.h>

struct tt_index_look {
    rocksdb_env_t *env; /* NULL, or of an index in memory */
    char *shadow;       /* NULL, or the folder's path */
    const char *due;    /* what the next start mends, as a sentence; NULL: nothing */
};

/* `incoming` is the name, in the folder, of files that RocksDB takes in. NULL: *error, which is the
 * caller's. Only whoever reads may use the database; it is closed before the look. */
rocksdb_t *tt_index_look_open(struct tt_index_look *look, rocksdb_options_t *options,
                              const char *folder, const char *incoming, char **error);

/* Also where nothing was opened. */
void tt_index_look_close(struct tt_index_look *look);

#endif
