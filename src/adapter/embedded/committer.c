#include "adapter/embedded/committer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "adapter/embedded/apply.h"
#include "adapter/embedded/decide.h"
#include "base/memory.h"

/* A batch is closed when its records have come to this, and a larger record has one to itself, so
 * that a batch fits into any segment. */
#define BATCH_SIZE_MAX (TT_JOURNAL_SEGMENT_MIN / 4)

/* The index is flushed in the background once the journal has so many segments, and waited for
 * when it has more than the second. */
#define SEGMENTS_TO_FLUSH 3
#define SEGMENTS_KEPT_MAX 5

#define OPS_AHEAD  12 /* from memory */
#define OPS_HASHED 9  /* from here on what they are about is loaded, too */

static void fail(struct tt_committer *committer, const char *what, const char *why)
{
    char sentence[TT_EMBEDDED_SENTENCE_SIZE];
    if (atomic_exchange(&committer->failed, true))
        return;
    snprintf(sentence, sizeof(sentence),
             "%s in %s/store failed (%s); nothing is acknowledged any more: make room or repair "
             "the disk and start again, everything acknowledged is there",
             what, committer->options.dir, why);
    if (committer->options.fatal != NULL) {
        committer->options.fatal(committer->options.fatal_context, sentence);
        return;
    }
    fprintf(stderr, "twoticks: %s\n", sentence);
    _exit(TT_EMBEDDED_EXIT_CODE);
}

void tt_committer_check_disk(struct tt_committer *committer)
{
    const struct tt_embedded_options *options = &committer->options;
    uint64_t free_bytes;
    uint64_t total_bytes;
    bool was_low = atomic_load(&committer->disk_low);
    if (!options->disk.space(options->disk.context, options->dir, &free_bytes, &total_bytes))
        return;
    atomic_store(&committer->free_bytes, free_bytes);
    uint64_t enough =
        was_low ? options->low_watermark + options->low_watermark / 8 : options->low_watermark;
    bool low = free_bytes < enough;
    if (low == was_low)
        return;
    atomic_store(&committer->disk_low, low);
    tt_index_allow_compaction(committer->index, !low);
}

static bool needs_room(enum tt_store_op_kind kind)
{
    return kind == TT_STORE_APPEND || kind == TT_STORE_CREATE_CONVERSATION;
}

/* Gives segments free that the index has got past, and sees that it does. */
static void keep_journal_short(struct tt_committer *committer)
{
    size_t count = tt_journal_segment_count(committer->journal);
    if (count == committer->segment_count)
        return;
    struct tt_position_row position = {0};
    struct tt_buffer value = {0};
    struct tt_key key = tt_key_of_position();
    tt_err err = TT_OK;
    if (count >= SEGMENTS_TO_FLUSH)
        err = tt_index_flush(committer->index, count > SEGMENTS_KEPT_MAX);
    if (!tt_is_ok(err)) {
        fail(committer, "writing the index", tt_index_complaint(committer->index));
        return;
    }
    err = tt_view_get(tt_index_persisted(committer->index), tt_key_slice(&key), &value);
    if (tt_is_ok(err))
        err = tt_row_unpack_position(tt_buffer_slice(&value), &position);
    tt_buffer_deinit(&value);
    if (tt_is_ok(err))
        tt_journal_release(committer->journal, position.applied);
    committer->segment_count = tt_journal_segment_count(committer->journal);
    atomic_store(&committer->journal_size, tt_journal_disk_size(committer->journal));
}

/* Makes what the batch changed durable and visible. */
static void commit(struct tt_committer *committer)
{
    uint32_t count = tt_journal_batch_count(committer->journal);
    if (count == 0 || atomic_load(&committer->failed))
        return;
    if (!tt_is_ok(tt_journal_commit(committer->journal))) {
        fail(committer, "writing the journal", strerror(errno));
        return;
    }
    uint64_t applied = tt_journal_next_record(committer->journal);
    if (!tt_is_ok(tt_working_flush(committer->working, applied))) {
        fail(committer, "writing the index", tt_index_complaint(committer->index));
        return;
    }
    atomic_fetch_add(&committer->batches, 1);
    atomic_fetch_add(&committer->records, count);
    keep_journal_short(committer);
}

/* After a failure nobody knows what is stored of the batch. */
static void give_back(struct tt_committer *committer, const struct tt_job *jobs, size_t count)
{
    bool failed = atomic_load(&committer->failed);
    for (size_t i = 0; i < count; i++) {
        if (failed)
            jobs[i].op->err = TT_FAIL(UNAVAILABLE);
        tt_job_finish(&jobs[i]);
    }
}

static tt_err store_record(struct tt_committer *committer, const struct tt_record *record)
{
    if (record->kind == TT_RECORD_LINKED)
        committer->epochs++;
    tt_journal_add(committer->journal, record);
    return tt_apply(committer->working, record);
}

/* About what the record's bytes come to; only the large parts matter. */
static size_t rough_size(const struct tt_record *record)
{
    switch (record->kind) {
    case TT_RECORD_APPENDED:
        return record->message.content.size;
    case TT_RECORD_CREATED:
        return record->created.title.size + record->created.member_count * sizeof(tt_id);
    case TT_RECORD_CHOSEN:
        return record->settings.display_name.size;
    case TT_RECORD_ADDRESSED:
        return record->address.token.size;
    case TT_RECORD_NOTIFIED:
        return record->notified.detail.size;
    case TT_RECORD_ACCOUNTED:
        return record->account.size;
    case TT_RECORD_STARTED:
    case TT_RECORD_ALIVE:
    case TT_RECORD_ADVANCED:
    case TT_RECORD_LINKED:
    case TT_RECORD_UNLINKED:
    case TT_RECORD_DISCONNECTED:
    case TT_RECORD_PUSHED:
    case TT_RECORD_MUTED:
        return 0;
    }
    return 0;
}

static bool fits(const struct tt_committer *committer, const struct tt_record *record)
{
    struct tt_buffer bytes = {0};
    tt_record_encode(record, &bytes);
    bool small_enough = tt_journal_fits(committer->journal, bytes.size);
    tt_buffer_deinit(&bytes);
    return small_enough;
}

/* Changes what is in hand, and notes the record. *first is where the jobs of the open batch begin:
 * before a record that needs a batch of its own they are committed and given back. */
static void run_op(struct tt_committer *committer, const struct tt_job *jobs, size_t at,
                   size_t *first)
{
    struct tt_store_op *op = jobs[at].op;
    struct tt_decide_terms terms = {
        .disk_low = atomic_load(&committer->disk_low),
        .next_epoch = committer->epoch_base + committer->epochs + 1,
    };
    struct tt_record record;
    bool changes = false;
    op->err = tt_decide(committer->working, &terms, op, &record, &changes);
    changes = changes && tt_is_ok(op->err);
    bool large = changes && rough_size(&record) > BATCH_SIZE_MAX;
    if (large && !fits(committer, &record)) {
        op->err = TT_FAIL(TOO_BIG);
        return;
    }
    if (large) {
        commit(committer);
        give_back(committer, jobs + *first, at - *first);
        *first = at;
    }
    if (changes && !tt_is_ok(store_record(committer, &record))) {
        fail(committer, "changing the index", "it is damaged; run twoticks verify");
        return;
    }
    if (!tt_is_ok(tt_decide_answer(committer->working, op, op->err)))
        op->err = TT_FAIL(UNAVAILABLE);
}

/* What the op is about; false: nothing that is loaded ahead. */
static bool is_about(const struct tt_store_op *op, const tt_id **conversation, const tt_id **user)
{
    if (op->kind == TT_STORE_APPEND) {
        *conversation = &op->append.conversation;
        *user = &op->append.message.sender;
        return true;
    }
    *conversation = &op->advance.conversation;
    *user = &op->advance.user;
    return op->kind == TT_STORE_ADVANCE;
}

/* What is known of the ops ahead, each at its number, modulo their count. */
struct ahead {
    struct tt_working_hashes hashes[OPS_HASHED + 1];
    bool are_known[OPS_HASHED + 1];
};

static void begin_to_expect(const struct tt_committer *committer, struct ahead *ahead,
                            const struct tt_job *jobs, size_t at)
{
    const tt_id *conversation;
    const tt_id *user;
    size_t slot = at % (OPS_HASHED + 1);
    ahead->are_known[slot] = is_about(jobs[at].op, &conversation, &user);
    if (ahead->are_known[slot])
        ahead->hashes[slot] = tt_working_expect(committer->working, conversation, user);
}

/* An op was written by another core, and what it is about was not looked at for long: nearly all
 * the time of a batch would be waiting for memory. */
static void look_ahead(const struct tt_committer *committer, struct ahead *ahead,
                       const struct tt_job *jobs, size_t at, size_t count)
{
    static const size_t distances[] = {
        [TT_EXPECT_STATES] = 6, [TT_EXPECT_PARTS] = 4, [TT_EXPECT_DEVICES] = 2};
    if (at + OPS_AHEAD < count)
        tt_expect(jobs[at + OPS_AHEAD].op, sizeof(*jobs->op));
    if (at + OPS_HASHED < count)
        begin_to_expect(committer, ahead, jobs, at + OPS_HASHED);
    for (unsigned step = TT_EXPECT_STATES; step <= TT_EXPECT_DEVICES; step++) {
        size_t slot = (at + distances[step]) % (OPS_HASHED + 1);
        if (at + distances[step] < count && ahead->are_known[slot])
            tt_working_expect_more(committer->working, (enum tt_working_step)step,
                                   &ahead->hashes[slot]);
    }
}

static void run_jobs(struct tt_committer *committer, const struct tt_job *jobs, size_t count)
{
    size_t first = 0;
    bool checked = false;
    struct ahead ahead;
    for (size_t i = 0; i < count && i < OPS_HASHED; i++)
        begin_to_expect(committer, &ahead, jobs, i);
    for (size_t i = 0; i < count && !atomic_load(&committer->failed); i++) {
        if (needs_room(jobs[i].op->kind) && !checked) {
            tt_committer_check_disk(committer);
            checked = true;
        }
        look_ahead(committer, &ahead, jobs, i, count);
        run_op(committer, jobs, i, &first);
        if (tt_journal_batch_size(committer->journal) < BATCH_SIZE_MAX)
            continue;
        commit(committer);
        give_back(committer, jobs + first, i + 1 - first);
        first = i + 1;
    }
    commit(committer);
    give_back(committer, jobs + first, count - first);
}

static void run_errand(struct tt_committer *committer)
{
    pthread_mutex_lock(&committer->errand_lock);
    struct tt_errand *errand = committer->errand;
    pthread_mutex_unlock(&committer->errand_lock);
    if (errand == NULL)
        return;
    errand->run(committer, errand->context);
    pthread_mutex_lock(&committer->errand_lock);
    committer->errand = NULL;
    errand->done = true;
    pthread_cond_broadcast(&committer->errand_done);
    pthread_mutex_unlock(&committer->errand_lock);
}

void tt_committer_send(struct tt_committer *committer, struct tt_errand *errand)
{
    errand->done = false;
    pthread_mutex_lock(&committer->errand_lock);
    while (committer->errand != NULL) /* somebody else's */
        pthread_cond_wait(&committer->errand_done, &committer->errand_lock);
    committer->errand = errand;
    tt_jobs_nudge(&committer->jobs);
    while (!errand->done)
        pthread_cond_wait(&committer->errand_done, &committer->errand_lock);
    pthread_mutex_unlock(&committer->errand_lock);
}

void *tt_committer_run(void *context)
{
    struct tt_committer *committer = context;
    struct tt_job_list list = {0};
    while (tt_jobs_take_all(&committer->jobs, &list)) {
        if (list.count > 0) /* else it was woken for an errand */
            run_jobs(committer, list.jobs, list.count);
        run_errand(committer);
    }
    tt_free(list.jobs);
    return NULL;
}
