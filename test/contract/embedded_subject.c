#include "contract/embedded_subject.h"

#include <ftw.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "contract/contract.h"

#define NODES     2
#define SMALL     (1024ULL * 1024)
#define ROOMY     (1ULL << 40)
#define WATERMARK (64 * SMALL)

struct tt_embedded_rig {
    struct tt_embedded_store *store;
    struct tt_store_port ports[NODES];
    pthread_mutex_t mutex;
    pthread_cond_t came_back;
    size_t under_way;
};

struct tt_embedded_subject {
    size_t *answered; /* NULL: all ops are submitted */
    char dir[TT_EMBEDDED_DIR_SIZE];
    struct tt_embedded_rig *rig;
    _Atomic bool disk_low;
};

void tt_embedded_make_dir(char dir[TT_EMBEDDED_DIR_SIZE])
{
    const char *parent = getenv("TMPDIR");
    snprintf(dir, TT_EMBEDDED_DIR_SIZE, "%s/twoticks-store-XXXXXX",
             parent == NULL ? "/tmp" : parent);
    assert_non_null(mkdtemp(dir));
}

static int remove_entry(const char *path, const struct stat *stat, int type, struct FTW *where)
{
    (void)stat;
    (void)type;
    (void)where;
    return remove(path);
}

void tt_embedded_remove_dir(const char *dir)
{
    assert_int_equal(nftw(dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS), 0);
}

struct tt_embedded_options tt_embedded_subject_options(const char *dir)
{
    return (struct tt_embedded_options){
        .dir = dir,
        .segment_size = SMALL,
        .memtable_size = SMALL,
        .cache_size = SMALL,
    };
}

static void done(void *context, struct tt_store_op *op)
{
    struct tt_embedded_rig *rig = context;
    (void)op;
    pthread_mutex_lock(&rig->mutex);
    rig->under_way--;
    pthread_cond_signal(&rig->came_back);
    pthread_mutex_unlock(&rig->mutex);
}

struct tt_embedded_rig *tt_embedded_rig_open(const struct tt_embedded_options *options)
{
    char sentence[TT_EMBEDDED_SENTENCE_SIZE];
    struct tt_embedded_rig *rig = tt_alloc(sizeof(*rig));
    tt_err err = tt_embedded_store_open(options, &rig->store, sentence);
    if (!tt_is_ok(err))
        fail_msg("the store does not open: %s", sentence);
    pthread_mutex_init(&rig->mutex, NULL);
    pthread_cond_init(&rig->came_back, NULL);
    for (size_t i = 0; i < NODES; i++)
        rig->ports[i] = tt_embedded_store_attach(rig->store, (struct tt_store_sink){rig, done});
    return rig;
}

void tt_embedded_rig_close(struct tt_embedded_rig **rig)
{
    tt_embedded_store_close(&(*rig)->store);
    pthread_cond_destroy(&(*rig)->came_back);
    pthread_mutex_destroy(&(*rig)->mutex);
    tt_free(*rig);
    *rig = NULL;
}

void tt_embedded_rig_submit(struct tt_embedded_rig *rig, unsigned node,
                            struct tt_store_op *const *ops, size_t count)
{
    pthread_mutex_lock(&rig->mutex);
    rig->under_way += count;
    pthread_mutex_unlock(&rig->mutex);
    rig->ports[node].submit(rig->ports[node].self, ops, count);
}

bool tt_embedded_rig_answer(struct tt_embedded_rig *rig, unsigned node, struct tt_store_op *op)
{
    return rig->ports[node].answer(rig->ports[node].self, op);
}

void tt_embedded_rig_wait(struct tt_embedded_rig *rig)
{
    pthread_mutex_lock(&rig->mutex);
    while (rig->under_way > 0)
        pthread_cond_wait(&rig->came_back, &rig->mutex);
    pthread_mutex_unlock(&rig->mutex);
}

struct tt_embedded_store *tt_embedded_rig_store(struct tt_embedded_rig *rig)
{
    return rig->store;
}

static bool space(void *context, const char *dir, uint64_t *free_bytes, uint64_t *total_bytes)
{
    const struct tt_embedded_subject *subject = context;
    (void)dir;
    *free_bytes = atomic_load(&subject->disk_low) ? WATERMARK - 1 : ROOMY;
    *total_bytes = ROOMY;
    return true;
}

static void open_rig(struct tt_embedded_subject *subject)
{
    struct tt_embedded_options options = tt_embedded_subject_options(subject->dir);
    options.low_watermark = WATERMARK;
    options.disk.context = subject;
    options.disk.space = space;
    subject->rig = tt_embedded_rig_open(&options);
}

/* `context` is NULL, or counts what was answered at once. */
static void *create(void *context)
{
    struct tt_embedded_subject *subject = tt_alloc(sizeof(*subject));
    subject->answered = context;
    tt_embedded_make_dir(subject->dir);
    open_rig(subject);
    return subject;
}

static void destroy(void *store)
{
    struct tt_embedded_subject *subject = store;
    tt_embedded_rig_close(&subject->rig);
    tt_embedded_remove_dir(subject->dir);
    tt_free(subject);
}

static void submit(void *store, unsigned node, struct tt_store_op *const *ops, size_t count)
{
    struct tt_embedded_subject *subject = store;
    for (size_t i = 0; i < count; i++) {
        if (subject->answered != NULL && tt_embedded_rig_answer(subject->rig, node, ops[i]))
            (*subject->answered)++;
        else
            tt_embedded_rig_submit(subject->rig, node, &ops[i], 1);
    }
}

static void wait_for_all(void *store)
{
    struct tt_embedded_subject *subject = store;
    tt_embedded_rig_wait(subject->rig);
}

static void reopen(void *store)
{
    struct tt_embedded_subject *subject = store;
    tt_embedded_rig_close(&subject->rig);
    open_rig(subject);
}

static void set_disk_low(void *store, bool low)
{
    struct tt_embedded_subject *subject = store;
    atomic_store(&subject->disk_low, low);
}

const char *tt_embedded_subject_dir(const struct tt_embedded_subject *store)
{
    return store->dir;
}

const struct tt_store_subject tt_embedded_subject = {
    .name = "store contract: embedded",
    .knows_settled = true,
    .create = create,
    .destroy = destroy,
    .submit = submit,
    .wait = wait_for_all,
    .reopen = reopen,
    .set_disk_low = set_disk_low,
};
