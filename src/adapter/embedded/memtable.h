/*
 * memtable: the rows that were written last, in memory, until a file of the index holds them.
 *
 * A row never changes once it is in: a newer one of the same key goes before it, with the number of
 * the write that brought it, so that who looks at an earlier state still finds it. The rows of one
 * id in a table (their keys agree up to the first zero byte) form a group, sorted; a group is found
 * by its hash. So a row costs one look-up, however much is in here, and a message that is written
 * to a hundred thousand conversations never compares their keys.
 *
 * One thread writes, any may read. Rows are never taken out; all of them go together, when the last
 * who holds the table lets go.
 */
#ifndef TT_ADAPTER_EMBEDDED_MEMTABLE_H
#define TT_ADAPTER_EMBEDDED_MEMTABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

/* Of the newest version of everything. */
#define TT_VERSION_LATEST UINT64_MAX

struct tt_memrow {
    struct tt_memrow *older; /* of the same key; before it is linked: the next to be linked */
    uint64_t version;        /* of the write that brought it */
    uint32_t key_size;
    uint32_t value_size;
    bool is_deleted;
    char bytes[]; /* the key, then the value */
};

static inline struct tt_slice tt_memrow_key(const struct tt_memrow *row)
{
    return tt_slice(row->bytes, row->key_size);
}

static inline struct tt_slice tt_memrow_value(const struct tt_memrow *row)
{
    return tt_slice(row->bytes + row->key_size, row->value_size);
}

struct tt_memtable;

/* Held once by who made it. */
struct tt_memtable *tt_memtable_create(void);
void tt_memtable_hold(struct tt_memtable *table);
void tt_memtable_release(struct tt_memtable **released);

/* Whether anybody else holds it, too. */
bool tt_memtable_is_shared(const struct tt_memtable *table);

/* For the writer only: adds a row to those of the next write, which nobody sees yet. `value` NULL:
 * the key is deleted. */
void tt_memtable_stage(struct tt_memtable *table, struct tt_slice key,
                       const struct tt_slice *value);
bool tt_memtable_is_staged(const struct tt_memtable *table);

/* For the writer only: all staged rows appear, as this version, which is larger than those before.
 */
void tt_memtable_link(struct tt_memtable *table, uint64_t version);

/* For the writer only: bytes of memory, and whether there is any row. */
size_t tt_memtable_size(const struct tt_memtable *table);
bool tt_memtable_is_empty(const struct tt_memtable *table);

/* The row of that key as of that version, which may be a deleted one; NULL if there is none. */
const struct tt_memrow *tt_memtable_find(struct tt_memtable *table, struct tt_slice key,
                                         uint64_t version);

/* The same without waiting for the writer: false if that is under way, and nothing is known. */
bool tt_memtable_try_find(struct tt_memtable *table, struct tt_slice key, uint64_t version,
                          const struct tt_memrow **row);

/* The first rows of one group from `key` on, as of that version, without those that came later: up
 * to `max`; fewer are the last ones. False only without `waits`: the writer is under way. */
bool tt_memtable_find_from(struct tt_memtable *table, struct tt_slice key, uint64_t version,
                           const struct tt_memrow **rows, size_t max, bool waits, size_t *count);

/* Calls `visit` for the newest row of every key, in the order of the keys, until it returns false.
 * Only when nothing is written any more. */
void tt_memtable_each(struct tt_memtable *table,
                      bool (*visit)(void *context, const struct tt_memrow *row), void *context);

/* A place among the rows of one version, the deleted ones too. */
struct tt_memcursor {
    struct tt_memtable *table;
    uint64_t version;
    struct tt_slice prefix;
    bool spans;                  /* several groups */
    struct tt_memgroup *group;   /* of the prefix; NULL: there is none, or it spans several */
    const struct tt_memrow *row; /* NULL: at the end */
};

/* Over the rows whose keys start with `prefix`; if that has a zero byte, neighbours of the same
 * group are in reach as well. At the end until it is sent somewhere. The table must be held, and
 * the prefix must stay where it is. */
void tt_memcursor_init(struct tt_memcursor *cursor, struct tt_memtable *table, uint64_t version,
                       struct tt_slice prefix);

/* To the first row from `key` on, or beyond it; to the last row up to `key`, or before it. */
void tt_memcursor_to(struct tt_memcursor *cursor, struct tt_slice key, bool beyond);
void tt_memcursor_back_to(struct tt_memcursor *cursor, struct tt_slice key, bool before);

#endif
