/*
 * folder: where the store keeps its files, and who may.
 *
 *   DIR/store.lock      locked (flock) by the one process that has the store open
 *   DIR/store/FORMAT    what this is, in two lines
 *   DIR/store/journal/  journal.h
 *   DIR/store/index/    RocksDB's
 *
 * A new store is made as DIR/store.new and renamed when it is whole, so DIR/store is never half
 * of one.
 */
#ifndef TT_ADAPTER_EMBEDDED_FOLDER_H
#define TT_ADAPTER_EMBEDDED_FOLDER_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct tt_folder {
    const char *dir; /* borrowed */
    int lock_fd;
    int journal_fd;
    bool is_new; /* still DIR/store.new: tt_folder_finish makes it the store */
    char index_path[PATH_MAX];
};

/* Locks the folder and finds the store, or begins a new one if `may_create`. CONFLICT, INVALID or
 * IO, with a sentence. */
TT_MUST_CHECK tt_err tt_folder_open(const char *dir, bool may_create, struct tt_folder *folder,
                                    char *sentence, size_t sentence_size);

/* Makes a new store, whose journal has begun, the store. IO. */
TT_MUST_CHECK tt_err tt_folder_finish(struct tt_folder *folder, char *sentence,
                                      size_t sentence_size);

void tt_folder_close(struct tt_folder *folder);

/* Free (to this process) and total bytes of the file system of `dir`; `context` is not used. */
bool tt_folder_space(void *context, const char *dir, uint64_t *free_bytes, uint64_t *total_bytes);

/* fdatasync, likewise. */
int tt_folder_sync(void *context, int fd);

#endif
