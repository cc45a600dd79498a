/*
 * index: the sorted rows behind the journal. What was written last is in memory only, and what it
 * loses in a crash the journal gives back; the rest is in files that RocksDB looks after.
 *
 * One thread writes, any may read. Puts and deletes gather in one batch that is written as a
 * whole, and batches reach the disk whole and in order, so the rows on disk are always those after
 * some batch.
 */
#ifndef TT_ADAPTER_EMBEDDED_INDEX_H
#define TT_ADAPTER_EMBEDDED_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/err.h"
#include "base/slice.h"

struct tt_index;

struct tt_index_options {
    const char *path;
    uint64_t memtable_size;
    uint64_t block_cache_size;
    bool only_reads; /* changes nothing on disk; what is written stays in memory */
};

/* CORRUPT or IO: `sentence` is what RocksDB said. CONFLICT: it is who has the index open. */
TT_MUST_CHECK tt_err tt_index_open(const struct tt_index_options *options, struct tt_index **index,
                                   char *sentence, size_t sentence_size);

/* Without a flush. */
void tt_index_close(struct tt_index **closed);

/* What the last failure of a write or flush was, in RocksDB's words. */
const char *tt_index_complaint(const struct tt_index *index);

/* What the next start will mend, as a sentence, of one that only reads; NULL: nothing. */
const char *tt_index_due(const struct tt_index *index);

void tt_index_put(struct tt_index *index, struct tt_slice key, struct tt_slice value);
void tt_index_delete(struct tt_index *index, struct tt_slice key);

/* Writes the batch as a whole, into memory. Waits when memory is full and the rows before are not
 * on disk yet. CORRUPT or IO: some earlier ones could not be brought to disk. */
TT_MUST_CHECK tt_err tt_index_write(struct tt_index *index);

/* Starts to bring everything written so far to disk, if that is not under way, or waits for it. As
 * tt_index_write. */
TT_MUST_CHECK tt_err tt_index_flush(struct tt_index *index, bool wait);

/* At most so many bytes a flush would write now. For the thread that writes. */
uint64_t tt_index_unflushed(struct tt_index *index);

/* Makes `path`, which must not be there and is on the same file system, an index with the rows that
 * are on disk, by links to its files. IO. */
TT_MUST_CHECK tt_err tt_index_link(struct tt_index *index, const char *path, char *sentence,
                                   size_t sentence_size);

/* Compaction needs room; on a disk that is nearly full it has to wait. */
void tt_index_allow_compaction(struct tt_index *index, bool allowed);

/* A consistent look at the rows: all reads through one see the same state. */
struct tt_view;

struct tt_view *tt_view_create(struct tt_index *index);
void tt_view_destroy(struct tt_view **destroyed);

/* A view that is there for a moment, again and again, and through which nobody waits: neither for
 * the disk nor for who writes. What it would have to wait for ends in UNAVAILABLE, and a walk
 * always does. For one thread. */
struct tt_view *tt_glance_create(struct tt_index *index);
void tt_glance_destroy(struct tt_view **glance);

/* Looks at what is newest. False: not now. */
bool tt_glance_begin(struct tt_view *glance);

/* False: what was seen since may not belong together, and is to be forgotten. */
bool tt_glance_end(struct tt_view *glance);

/* Looks at whatever is newest, and needs no destroying. For the thread that writes. */
const struct tt_view *tt_index_latest(struct tt_index *index);

/* Only what is on disk for good. */
const struct tt_view *tt_index_persisted(const struct tt_index *index);

/* Fills `value` with the row, or fails with NOT_FOUND, CORRUPT or IO; a glance with UNAVAILABLE. */
TT_MUST_CHECK tt_err tt_view_get(const struct tt_view *view, struct tt_slice key,
                                 struct tt_buffer *value);

/* The same without a copy where the row lies in memory, valid as long as the view; else it is
 * copied into `copy`. */
TT_MUST_CHECK tt_err tt_view_find(const struct tt_view *view, struct tt_slice key,
                                  struct tt_buffer *copy, struct tt_slice *row);

/* The rows of that key and of those that follow it, each larger by one as a number of 64 bits at
 * its end, as far as they were written so recently that they lie in memory: up to `max`, valid as
 * long as the view. For rows that never change. That there is none says nothing. */
size_t tt_view_find_recent(const struct tt_view *view, struct tt_slice key, struct tt_slice *rows,
                           size_t max);

/* Rows in memory, of one id in one table, from `key` on: of the youngest source (0), or of the one
 * before it (1). A row of the younger one is what counts; one that is in neither may be in a file.
 * Valid as long as the view; up to `max` (TT_RECENT_ROWS_MAX at most), and fewer are the last ones.
 * Only a glance fails, with UNAVAILABLE. */
#define TT_VIEW_SOURCES    2
#define TT_RECENT_ROWS_MAX 64
struct tt_recent_row {
    struct tt_slice key;
    struct tt_slice value;
    bool is_deleted;
};
TT_MUST_CHECK tt_err tt_view_look_through(const struct tt_view *view, unsigned source,
                                          struct tt_slice key, struct tt_recent_row *rows,
                                          size_t max, size_t *count);

/* Walks over rows in the order of their keys; all rows that start with `prefix` are in reach. */
struct tt_walk;

struct tt_walk *tt_walk_create(const struct tt_view *view, struct tt_slice prefix);

/* CORRUPT or IO if the walk ended early; UNAVAILABLE through a glance. */
TT_MUST_CHECK tt_err tt_walk_destroy(struct tt_walk **walk);

void tt_walk_to(struct tt_walk *walk, struct tt_slice key);      /* the first row from there on */
void tt_walk_back_to(struct tt_walk *walk, struct tt_slice key); /* the last row up to there */
bool tt_walk_valid(const struct tt_walk *walk);
void tt_walk_next(struct tt_walk *walk);
void tt_walk_prev(struct tt_walk *walk);

/* Valid until the walk moves. */
struct tt_slice tt_walk_key(const struct tt_walk *walk);
struct tt_slice tt_walk_value(const struct tt_walk *walk);

#endif
