/*
 * memtable_parts: what the files of the memtable share, and nobody else.
 */
#ifndef TT_ADAPTER_EMBEDDED_MEMTABLE_PARTS_H
#define TT_ADAPTER_EMBEDDED_MEMTABLE_PARTS_H

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "adapter/embedded/memtable.h"
#include "base/map.h"

#define TT_MEMRUN_LENGTH_MAX 128

/* One for all groups, and one for those of each first byte. */
#define TT_MEMORDERS (1 + 256)

/* Up to TT_MEMRUN_LENGTH_MAX rows, sorted: one insertion moves no more than these. */
struct tt_memrun {
    struct tt_memrow **rows; /* the newest of each key */
    uint32_t count;
    uint32_t capacity;
};

struct tt_memgroup {
    struct tt_slice key;            /* lies in its first row */
    struct tt_memgroup *made_after; /* the next one that was made */
    struct tt_memrun *runs;         /* sorted, none is empty */
    size_t run_count;
    size_t run_capacity;
};

/* Groups by their keys, as many as there were when somebody last walked over them. */
struct tt_memorder {
    struct tt_memgroup **groups;
    size_t count;
    size_t capacity;
    struct tt_memgroup *seen; /* the last that was made until then; NULL: none */
};

struct tt_memblock;

struct tt_memtable {
    pthread_rwlock_t lock; /* over the groups: whoever looks shares it, the writer takes it alone */
    struct tt_map groups;
    struct tt_memgroup *made_first;
    struct tt_memgroup *made_last;
    pthread_mutex_t order_lock; /* taken while the lock above is shared */
    struct tt_memorder *orders[TT_MEMORDERS];
    struct tt_memblock *blocks;
    char *free;
    size_t free_size;
    size_t size;
    struct tt_memrow *staged_first;
    struct tt_memrow *staged_last;
    _Atomic uint32_t holders;
};

/* A place in a group; at the end: run == run_count. */
struct tt_memplace {
    size_t run;
    size_t at;
};

/* Up to the first zero byte, or all of it. */
static inline struct tt_slice tt_memgroup_part(struct tt_slice key)
{
    const char *zero = key.size == 0 ? NULL : memchr(key.data, '\0', key.size);
    return zero == NULL ? key : tt_slice(key.data, (size_t)(zero - key.data) + 1);
}

static inline int tt_memrow_compare(const struct tt_memrow *row, struct tt_slice key)
{
    return tt_slice_compare(tt_memrow_key(row), key);
}

/* The first row from the key on. */
struct tt_memplace tt_memgroup_place(const struct tt_memgroup *group, struct tt_slice key);

/* NULL at the end. */
static inline struct tt_memrow **tt_memgroup_row(const struct tt_memgroup *group,
                                                 struct tt_memplace place)
{
    return place.run == group->run_count ? NULL : &group->runs[place.run].rows[place.at];
}

/* The row as it was then; NULL: there was none. */
static inline const struct tt_memrow *tt_memrow_as_of(const struct tt_memrow *row, uint64_t version)
{
    while (row != NULL && row->version > version)
        row = row->older;
    return row;
}

/* When nobody holds the table any more. */
void tt_memtable_free_orders(struct tt_memtable *table);

#endif
