/*
 * committer: the one thread that changes the store. Takes whatever waits, decides and applies each
 * op in what is in hand (working.h), syncs all their records as one batch of the journal, writes
 * the rows to the index, and only then gives the ops back.
 */
#ifndef TT_ADAPTER_EMBEDDED_COMMITTER_H
#define TT_ADAPTER_EMBEDDED_COMMITTER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "adapter/embedded/index.h"
#include "adapter/embedded/jobs.h"
#include "adapter/embedded/journal.h"
#include "adapter/embedded/store.h"
#include "adapter/embedded/working.h"

struct tt_committer;

/* Something to be done between two batches, on the committing thread. */
struct tt_errand {
    void (*run)(struct tt_committer *committer, void *context);
    void *context;
    bool done;
};

struct tt_committer {
    /* Set by whoever makes it; borrowed. */
    struct tt_index *index;
    struct tt_working *working;
    struct tt_journal *journal;
    struct tt_embedded_options options; /* all filled in */
    uint64_t epoch_base;                /* the start number, shifted up */

    struct tt_jobs jobs;
    pthread_mutex_t errand_lock; /* guards the errand */
    pthread_cond_t errand_done;
    struct tt_errand *errand; /* NULL: none */
    uint64_t epochs;          /* given out since the start */
    size_t segment_count;
    _Atomic bool failed; /* nothing is acknowledged any more */
    _Atomic bool disk_low;
    _Atomic uint64_t free_bytes;
    _Atomic uint64_t batches;
    _Atomic uint64_t records;
    _Atomic uint64_t journal_size;
};

/* Runs until the jobs are stopped and none are left. `context` is the committer. */
void *tt_committer_run(void *context);

/* From another thread: has the errand run, and returns when it is done. */
void tt_committer_send(struct tt_committer *committer, struct tt_errand *errand);

/* Looks at the disk now. */
void tt_committer_check_disk(struct tt_committer *committer);

#endif
