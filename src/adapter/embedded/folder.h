/*
 * folder: where the store keeps its files, and who may.
 *
 *   DIR/store.lock      locked (flock) by the one process that has the store open
 *   DIR/store/FORMAT    what this is, in two lines
 *   DIR/store/journal/  journal.h
 *   DIR/store/index/    RocksDB's
 *
 *   DIR/moved           there while the store is being moved away, or was (transfer.h)
 *
 * A new store is made as DIR/store.new and renamed when it is whole, so DIR/store is never half
 * of one; one that is moved in is made as DIR/store.moving, and goes on where it was.
 */
#ifndef TT_ADAPTER_EMBEDDED_FOLDER_H
#define TT_ADAPTER_EMBEDDED_FOLDER_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define TT_FOLDER_MOVED  "moved"
#define TT_FOLDER_MOVING "store.moving"

struct tt_folder {
    const char *dir; /* borrowed */
    int lock_fd;
    int journal_fd;
    bool is_new;         /* not yet DIR/store: tt_folder_finish makes it that */
    const char *made_as; /* "store.new" */
    char index_path[PATH_MAX];
};

/* Locks the folder and finds the store, or begins a new one if `may_create`; otherwise nothing is
 * made, no lock file either. CONFLICT, INVALID or IO, with a sentence. */
TT_MUST_CHECK tt_err tt_folder_open(const char *dir, bool may_create, struct tt_folder *folder,
                                    char *sentence, size_t sentence_size);

/* Locks the folder, which must hold no store, and makes or finds DIR/store.moving. CONFLICT: there
 * is a store; else as tt_folder_open. */
TT_MUST_CHECK tt_err tt_folder_begin_moving(const char *dir, struct tt_folder *folder,
                                            char *sentence, size_t sentence_size);

/* Removes all segments of the journal. IO. */
TT_MUST_CHECK tt_err tt_folder_clear_journal(struct tt_folder *folder, char *sentence,
                                             size_t sentence_size);

/* Whether the folder may be served from: not while it is being moved, nor after it was. INVALID,
 * with a sentence. */
TT_MUST_CHECK tt_err tt_folder_check_moved(const struct tt_folder *folder, char *sentence,
                                           size_t sentence_size);

/* Brings the names in the folder to stable storage. */
bool tt_folder_sync_entries(const char *dir);

/* Makes a new store, whose journal has begun, the store. IO. */
TT_MUST_CHECK tt_err tt_folder_finish(struct tt_folder *folder, char *sentence,
                                      size_t sentence_size);

void tt_folder_close(struct tt_folder *folder);

/* Free (to this process) and total bytes of the file system of `dir`; `context` is not used. */
bool tt_folder_space(void *context, const char *dir, uint64_t *free_bytes, uint64_t *total_bytes);

/* fdatasync, likewise. */
int tt_folder_sync(void *context, int fd);

#endif
