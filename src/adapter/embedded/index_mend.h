/*
 * index_mend: two states in which a crash may leave the index's folder, and RocksDB does not open
 * it.
 *
 * A file without its name. When the list of files (MANIFEST) cannot be synced after a file was
 * taken in, RocksDB takes that file's name away again, though the list, as far as anybody can see,
 * has it. The file is still there under its first name, and gets the other one back. RocksDB knows
 * each file's size and identity, so another one would be refused.
 *
 * A list with a torn end. What was appended to it and not synced when the power went may be there
 * in part. RocksDB syncs the list before it removes what an entry makes obsolete, and before it
 * says that a file was taken in; so an entry at the very end that
 * does not check is cut off, and kept in a file `torn-end`. Should
 * it have been a good one that was damaged later, then files or records are missing, which is
 * noticed: the position is one of the rows, and the journal goes on from there or is refused.
 */
#ifndef TT_ADAPTER_EMBEDDED_INDEX_MEND_H
#define TT_ADAPTER_EMBEDDED_INDEX_MEND_H

#include <stdbool.h>

/* `error` is what RocksDB said when it could not open `folder`; `incoming` is the first name of
 * files that it takes in. True: something was mended, so that another try may succeed. */
bool tt_index_mend(const char *folder, const char *incoming, const char *error);

#endif
