#include "adapter/embedded/store.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "adapter/embedded/access.h"
#include "adapter/embedded/apply.h"
#include "adapter/embedded/backup.h"
#include "adapter/embedded/base.h"
#include "adapter/embedded/committer.h"
#include "adapter/embedded/decide.h"
#include "adapter/embedded/read.h"
#include "base/memory.h"

/* A reader's: more would wait too long behind one that takes its time. */
#define READS_AT_ONCE 16

struct attachment {
    struct tt_embedded_store *store;
    struct tt_store_sink sink;
    struct tt_view *glance;
};

struct tt_embedded_store {
    struct tt_embedded_base base;
    struct tt_journal *journal;
    struct tt_committer committer;
    struct tt_jobs reads;
    pthread_t committing;
    pthread_t *reading;
    struct attachment nodes[TT_EMBEDDED_NODES_MAX];
    size_t node_count;
};

static void answer_reads(struct tt_embedded_store *store, struct tt_job *jobs, size_t count)
{
    struct tt_view *view = tt_view_create(store->base.index);
    for (size_t i = 0; i < count; i++) {
        if (atomic_load(&store->committer.failed))
            jobs[i].op->err = TT_FAIL(UNAVAILABLE);
        else
            tt_read_answer(view, jobs[i].op);
        tt_job_finish(&jobs[i]);
    }
    tt_view_destroy(&view);
}

/* Those that wait together share a view. */
static void *run_reads(void *context)
{
    struct tt_embedded_store *store = context;
    struct tt_job jobs[READS_AT_ONCE];
    size_t count;
    while ((count = tt_jobs_take_some(&store->reads, jobs, READS_AT_ONCE)) > 0)
        answer_reads(store, jobs, count);
    return NULL;
}

/* One more start: whoever was connected when the process before died is connected no more. */
static tt_err note_start(struct tt_embedded_store *store)
{
    struct tt_working *working = store->base.working;
    struct tt_record record = {
        .kind = TT_RECORD_STARTED,
        .start = tt_working_position(working)->start + 1,
    };
    tt_journal_add(store->journal, &record);
    TT_TRY(tt_journal_commit(store->journal));
    TT_TRY(tt_apply(working, &record));
    return tt_working_flush(working, tt_journal_next_record(store->journal));
}

/* What is on disk for good needs no journal any more. */
static tt_err flush_index(struct tt_embedded_store *store)
{
    uint64_t applied = tt_working_position(store->base.working)->applied;
    TT_TRY(tt_index_flush(store->base.index, true));
    tt_journal_release(store->journal, applied);
    return TT_OK;
}

static tt_err begin(struct tt_embedded_store *store, char *sentence)
{
    struct tt_embedded_base *base = &store->base;
    bool behind = base->map.segment_count > 1;
    if (base->options.offline)
        return TT_OK;
    tt_err err = tt_embedded_base_begin(base, &store->journal);
    if (tt_is_ok(err))
        err = note_start(store);
    if (tt_is_ok(err) && behind)
        err = flush_index(store);
    if (tt_is_ok(err))
        return TT_OK;
    const char *why = strerror(errno);
    if (!tt_access_explain(base->options.dir, false, sentence, TT_EMBEDDED_SENTENCE_SIZE))
        snprintf(sentence, TT_EMBEDDED_SENTENCE_SIZE,
                 "writing to %s/store failed: %s; make room or check the disk and start again",
                 base->options.dir, why);
    return err;
}

static void set_up_committer(struct tt_embedded_store *store)
{
    struct tt_committer *committer = &store->committer;
    uint64_t start = tt_working_position(store->base.working)->start;
    committer->index = store->base.index;
    committer->working = store->base.working;
    committer->journal = store->journal;
    committer->options = store->base.options;
    committer->epoch_base = start << TT_EPOCH_SHIFT;
    committer->segment_count = tt_journal_segment_count(store->journal);
    atomic_store(&committer->journal_size, tt_journal_disk_size(store->journal));
    tt_jobs_init(&committer->jobs);
    pthread_mutex_init(&committer->errand_lock, NULL);
    pthread_cond_init(&committer->errand_done, NULL);
    tt_committer_check_disk(committer);
}

static void start_threads(struct tt_embedded_store *store)
{
    size_t count = store->base.options.reader_threads;
    tt_jobs_init(&store->reads);
    store->reading = tt_alloc(count * sizeof(*store->reading));
    for (size_t i = 0; i < count; i++)
        TT_ASSERT(pthread_create(&store->reading[i], NULL, run_reads, store) == 0);
    if (store->journal == NULL)
        return;
    set_up_committer(store);
    TT_ASSERT(pthread_create(&store->committing, NULL, tt_committer_run, &store->committer) == 0);
}

static void stop_threads(struct tt_embedded_store *store)
{
    if (store->journal != NULL) {
        tt_jobs_stop(&store->committer.jobs);
        pthread_join(store->committing, NULL);
        tt_jobs_deinit(&store->committer.jobs);
        pthread_mutex_destroy(&store->committer.errand_lock);
        pthread_cond_destroy(&store->committer.errand_done);
    }
    tt_jobs_stop(&store->reads);
    for (size_t i = 0; i < store->base.options.reader_threads; i++)
        pthread_join(store->reading[i], NULL);
    tt_jobs_deinit(&store->reads);
    tt_free(store->reading);
}

tt_err tt_embedded_store_open(const struct tt_embedded_options *options,
                              struct tt_embedded_store **opened,
                              char sentence[TT_EMBEDDED_SENTENCE_SIZE])
{
    struct tt_embedded_store *store = tt_alloc(sizeof(*store));
    tt_err err = tt_embedded_base_open(options, &store->base, sentence);
    if (!tt_is_ok(err)) {
        tt_free(store);
        return err;
    }
    err = begin(store, sentence);
    if (!tt_is_ok(err)) {
        if (store->journal != NULL)
            tt_journal_destroy(&store->journal);
        tt_embedded_base_close(&store->base);
        tt_free(store);
        return err;
    }
    start_threads(store);
    *opened = store;
    return TT_OK;
}

static bool only_looks(enum tt_store_op_kind kind)
{
    return !tt_decide_concerns(kind);
}

/* An offline store has nobody who changes anything, so its changes go to who refuses them. */
static bool is_any(enum tt_store_op_kind kind)
{
    (void)kind;
    return true;
}

static void submit(void *self, struct tt_store_op *const *ops, size_t count)
{
    struct attachment *node = self;
    struct tt_embedded_store *store = node->store;
    if (store->journal == NULL) {
        tt_jobs_add(&store->reads, &node->sink, ops, count, is_any);
        return;
    }
    size_t change_count = 0;
    for (size_t i = 0; i < count; i++)
        change_count += tt_decide_concerns(ops[i]->kind) ? 1 : 0;
    if (change_count < count)
        tt_jobs_add(&store->reads, &node->sink, ops, count, only_looks);
    if (change_count > 0)
        tt_jobs_add(&store->committer.jobs, &node->sink, ops, count, tt_decide_concerns);
}

/* On the node's own thread. */
static bool answer(void *self, struct tt_store_op *op)
{
    struct attachment *node = self;
    return only_looks(op->kind) && !atomic_load(&node->store->committer.failed) &&
           tt_read_at_once(node->glance, op);
}

struct tt_store_port tt_embedded_store_attach(struct tt_embedded_store *store,
                                              struct tt_store_sink sink)
{
    TT_ASSERT(store->node_count < TT_EMBEDDED_NODES_MAX);
    struct attachment *node = &store->nodes[store->node_count++];
    *node = (struct attachment){store, sink, tt_glance_create(store->base.index)};
    return (struct tt_store_port){
        .self = node, .keeps_order = true, .submit = submit, .answer = answer};
}

struct backup {
    const char *dir;
    char *sentence;
    tt_err err;
};

static void back_up(struct tt_committer *committer, void *context)
{
    struct backup *backup = context;
    backup->err = tt_backup_write(committer, backup->dir, backup->sentence);
}

tt_err tt_embedded_store_backup(struct tt_embedded_store *store, const char *dir,
                                char sentence[TT_EMBEDDED_SENTENCE_SIZE])
{
    struct backup backup = {.dir = dir, .sentence = sentence};
    struct tt_errand errand = {.run = back_up, .context = &backup};
    TT_ASSERT(store->journal != NULL);
    tt_committer_send(&store->committer, &errand);
    return backup.err;
}

struct tt_embedded_stats tt_embedded_store_stats(struct tt_embedded_store *store)
{
    const struct tt_committer *committer = &store->committer;
    return (struct tt_embedded_stats){
        .batches = atomic_load(&committer->batches),
        .records = atomic_load(&committer->records),
        .journal_size = atomic_load(&committer->journal_size),
        .free_bytes = atomic_load(&committer->free_bytes),
        .disk_low = atomic_load(&committer->disk_low),
    };
}

void tt_embedded_store_close(struct tt_embedded_store **closed)
{
    struct tt_embedded_store *store = *closed;
    stop_threads(store);
    for (size_t i = 0; i < store->node_count; i++)
        tt_glance_destroy(&store->nodes[i].glance);
    /* Failing costs the next start a longer replay, and nothing else. */
    if (store->journal != NULL) {
        if (!atomic_load(&store->committer.failed))
            (void)tt_is_ok(flush_index(store));
        tt_journal_destroy(&store->journal);
    }
    tt_embedded_base_close(&store->base);
    tt_free(store);
    *closed = NULL;
}
