/*
 * snapshot: DIR/snapshot-N, a data folder of links that a running server makes for `twoticks
 * backup`, which copies it and takes it away. Who copies holds its lock; what nobody holds any more
 * goes with a later snapshot or the next start.
 */
#ifndef TT_APP_SNAPSHOT_H
#define TT_APP_SNAPSHOT_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "adapter/embedded/store.h"

#define TT_SNAPSHOT_SENTENCE TT_EMBEDDED_SENTENCE_SIZE

/* From any thread but the store's own, one at a time. False: `sentence`. */
bool tt_snapshot_make(struct tt_embedded_store *store, const char *dir, char path[PATH_MAX],
                      char sentence[TT_SNAPSHOT_SENTENCE]);

/* Removes those that nobody holds and that are older than that: who asked for one needs a moment to
 * take hold of it. */
void tt_snapshot_sweep(const char *dir, int64_t older_than_ms);

/* Holds the snapshot or data folder until the descriptor is closed; -1: somebody else does, or
 * there is none. */
int tt_snapshot_hold(const char *path);

#endif
