#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <rocksdb/c.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "adapter/embedded/table.h"
#include "contract/contract.h"
#include "contract/embedded_subject.h"

#define PATH_SIZE    (TT_EMBEDDED_DIR_SIZE + 64)
#define CHILD_SENDS  300
#define PROBLEMS_MAX 16

/* A case of the contract's kind, on a store that the test opens, damages and opens again. */
struct bench {
    char dir[TT_EMBEDDED_DIR_SIZE];
    struct tt_embedded_options options;
    struct tt_embedded_rig *rig;
    struct fixture f;
};

static void bench_submit(void *store, unsigned node, struct tt_store_op *const *ops, size_t count)
{
    const struct bench *bench = store;
    tt_embedded_rig_submit(bench->rig, node, ops, count);
}

static void bench_wait(void *store)
{
    const struct bench *bench = store;
    tt_embedded_rig_wait(bench->rig);
}

static const struct tt_store_subject bench_subject = {.submit = bench_submit, .wait = bench_wait};

static void set_up(struct bench *bench)
{
    *bench = (struct bench){.rig = NULL};
    tt_embedded_make_dir(bench->dir);
    bench->options = tt_embedded_subject_options(bench->dir);
    bench->f = (struct fixture){.subject = &bench_subject, .store = bench};
}

static void open_store(struct bench *bench)
{
    bench->rig = tt_embedded_rig_open(&bench->options);
}

static void close_store(struct bench *bench)
{
    tt_embedded_rig_close(&bench->rig);
}

static void tear_down(struct bench *bench)
{
    if (bench->rig != NULL)
        close_store(bench);
    for (size_t i = 0; i < bench->f.op_count; i++)
        tt_store_op_destroy(&bench->f.ops[i]);
    free(bench->f.ops);
    tt_embedded_remove_dir(bench->dir);
}

static void expect_refused(struct bench *bench, enum tt_err_code code, const char *part)
{
    struct tt_embedded_store *store = NULL;
    char sentence[TT_EMBEDDED_SENTENCE_SIZE];
    expect_err(tt_embedded_store_open(&bench->options, &store, sentence), code);
    if (strstr(sentence, part) == NULL)
        fail_msg("'%s' does not say '%s'", sentence, part);
}

struct problems {
    char sentences[PROBLEMS_MAX][TT_EMBEDDED_SENTENCE_SIZE];
    size_t count;
};

static void note(void *context, const char *sentence)
{
    struct problems *problems = context;
    if (problems->count < PROBLEMS_MAX)
        snprintf(problems->sentences[problems->count++], TT_EMBEDDED_SENTENCE_SIZE, "%s", sentence);
}

static struct tt_embedded_counts verify(struct bench *bench, struct problems *problems)
{
    struct tt_embedded_counts counts;
    char sentence[TT_EMBEDDED_SENTENCE_SIZE];
    problems->count = 0;
    const struct tt_embedded_findings findings = {.context = problems, .problem = note};
    tt_err err = tt_embedded_verify(&bench->options, &findings, &counts, sentence);
    if (!tt_is_ok(err))
        fail_msg("verify: %s", sentence);
    return counts;
}

static struct tt_embedded_counts expect_sound(struct bench *bench)
{
    struct problems problems;
    struct tt_embedded_counts counts = verify(bench, &problems);
    if (counts.problems > 0)
        fail_msg("%llu problems, the first: %s", (unsigned long long)counts.problems,
                 problems.sentences[0]);
    return counts;
}

static void path_in(const struct bench *bench, const char *name, char path[PATH_SIZE])
{
    snprintf(path, PATH_SIZE, "%s/%s", bench->dir, name);
}

static void write_file(const struct bench *bench, const char *name, const char *text)
{
    char path[PATH_SIZE];
    path_in(bench, name, path);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

/* A bit of everything, so that every table has rows. */
static void live(struct fixture *f)
{
    create_direct(f, "c", "alice", "bob");
    create_group(f, "g", "alice bob carol");
    uint64_t epoch = link_at(f, "bob", "phone", 0)->epoch;
    link_at(f, "bob", "tablet", 1);
    link_at(f, "alice", "desk", 2);
    for (uint64_t seq = 1; seq <= 5; seq++) {
        char client_id[16];
        snprintf(client_id, sizeof(client_id), "m%u", (unsigned)seq);
        send_text(f, "c", "alice", "desk", client_id, seq);
        send_text(f, "g", "bob", "phone", client_id, seq);
    }
    ack(f, "c", "bob", "phone", 4, 3);
    ack(f, "c", "bob", "tablet", 2, 0);
    ack(f, "g", "carol", "none", 5, 5);
    disconnect(f, "bob", "phone", epoch, 50);
}

static void a_closed_store_opens_again(void **unused)
{
    (void)unused;
    struct bench bench;
    set_up(&bench);
    open_store(&bench);
    live(&bench.f);
    close_store(&bench);
    struct tt_embedded_counts counts = expect_sound(&bench);
    assert_int_equal(counts.conversations, 2);
    assert_int_equal(counts.messages, 10);
    assert_int_equal(counts.users, 3);
    assert_int_equal(counts.pending_rows, 3);
    open_store(&bench);
    expect_cursor(positions(&bench.f, "c", "bob")->cursor, 4, 3);
    send_text(&bench.f, "c", "bob", "phone", "m1", 6);
    close_store(&bench);
    expect_sound(&bench);
    tear_down(&bench);
}

static void send_again(struct fixture *f, unsigned number, uint64_t seq)
{
    char client_id[32];
    snprintf(client_id, sizeof(client_id), "m%u", number);
    struct tt_store_op *op = new_send(f, "c", "alice", "desk", client_id);
    expect_ok(run(f, op)->err);
    assert_true(op->append.duplicate);
    assert_int_equal(op->append.message.seq.n, seq);
}

/* Whatever of it is in memory, in files, or read anew because the conversation is written to often:
 * nothing that is sent again is stored again. */
static void what_is_sent_again_is_known_again(void **unused)
{
    (void)unused;
    enum { SENT = 60, STARTS = 4 };
    struct bench bench;
    uint64_t seq = 0;
    set_up(&bench);
    open_store(&bench);
    create_direct(&bench.f, "c", "alice", "bob");
    for (unsigned start = 0; start < STARTS; start++) {
        for (unsigned i = 0; i < SENT; i++) {
            char client_id[32];
            snprintf(client_id, sizeof(client_id), "m%u", (unsigned)seq + 1);
            seq++;
            send_text(&bench.f, "c", "alice", "desk", client_id, seq);
            send_again(&bench.f, (unsigned)seq, seq);
            unsigned earlier = (unsigned)(seq * 7919 % (seq + 3) % seq) + 1;
            send_again(&bench.f, earlier, earlier);
        }
        for (unsigned i = 1; i <= seq; i++)
            send_again(&bench.f, i, i);
        close_store(&bench);
        open_store(&bench);
    }
    close_store(&bench);
    assert_int_equal(expect_sound(&bench).messages, SENT * STARTS);
    tear_down(&bench);
}

/* In one batch: of the same id only the first one counts, also where the ids sent before have not
 * been read yet. */
static void what_is_sent_twice_in_a_batch_counts_once(void **unused)
{
    (void)unused;
    enum { ROUNDS = 40, COPIES = 3 };
    struct bench bench;
    set_up(&bench);
    open_store(&bench);
    create_direct(&bench.f, "c", "alice", "bob");
    for (unsigned round = 0; round < ROUNDS; round++) {
        char client_id[32];
        struct tt_store_op *ops[2 * COPIES];
        if (round % 10 == 9) {
            close_store(&bench);
            open_store(&bench);
        }
        for (unsigned i = 0; i < 2 * COPIES; i++) {
            snprintf(client_id, sizeof(client_id), "%c%u", i % 2 == 0 ? 'a' : 'b', round);
            ops[i] = new_send(&bench.f, "c", "alice", "desk", client_id);
        }
        bench_submit(&bench, 0, ops, 2 * COPIES);
        bench_wait(&bench);
        for (unsigned i = 0; i < 2 * COPIES; i++) {
            expect_ok(ops[i]->err);
            assert_int_equal(ops[i]->append.duplicate, i >= 2);
            assert_int_equal(ops[i]->append.message.seq.n, 2 * round + 1 + i % 2);
        }
    }
    close_store(&bench);
    assert_int_equal(expect_sound(&bench).messages, 2 * ROUNDS);
    tear_down(&bench);
}

/* What the child process does: it says each message that was stored, and is killed. */
static int be_child(const char *dir)
{
    struct bench bench = {.rig = NULL};
    bench.options = tt_embedded_subject_options(dir);
    bench.f = (struct fixture){.subject = &bench_subject, .store = &bench};
    open_store(&bench);
    struct tt_list_conversations *listed = list(&bench.f, "alice", 1);
    if (listed->entry_count == 0)
        create_direct(&bench.f, "c", "alice", "bob");
    uint64_t head = listed->entry_count == 0 ? 0 : listed->entries[0].head.n;
    link_at(&bench.f, "bob", "phone", 0);
    for (uint64_t seq = head + 1; seq <= head + CHILD_SENDS; seq++) {
        char client_id[32];
        snprintf(client_id, sizeof(client_id), "m%llu", (unsigned long long)seq);
        send_text(&bench.f, "c", "alice", "desk", client_id, seq);
        if (seq % 7 == 0)
            ack(&bench.f, "c", "bob", "phone", seq, seq - 3);
    }
    kill(getpid(), SIGKILL);
    return 1;
}

static void run_child_until_killed(const struct bench *bench)
{
    char self[PATH_MAX]; /* valgrind starts nothing by the name of the link */
    char mode[] = "--child";
    char dir[TT_EMBEDDED_DIR_SIZE];
    snprintf(dir, sizeof(dir), "%s", bench->dir);
    ssize_t size = readlink("/proc/self/exe", self, sizeof(self) - 1);
    assert_true(size > 0);
    self[size] = '\0';
    char *argv[] = {self, mode, dir, NULL};
    pid_t child;
    int status;
    assert_int_equal(posix_spawn(&child, self, NULL, NULL, argv, environ), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGKILL);
}

static void a_killed_store_has_everything_acknowledged(void **unused)
{
    (void)unused;
    struct bench bench;
    set_up(&bench);
    for (uint64_t round = 1; round <= 3; round++) {
        run_child_until_killed(&bench);
        struct tt_embedded_counts counts = expect_sound(&bench);
        assert_int_equal(counts.messages, round * CHILD_SENDS);
    }
    open_store(&bench);
    uint64_t head = 3 * CHILD_SENDS;
    assert_int_equal(snapshot(&bench.f, "c", "bob", "phone", 0)->head.n, head);
    uint64_t acked = head / 7 * 7;
    expect_cursor(positions(&bench.f, "c", "bob")->cursor, acked, acked - 3);
    struct tt_store_op *retry = run(&bench.f, new_send(&bench.f, "c", "alice", "desk", "m1"));
    assert_true(retry->append.duplicate);
    assert_int_equal(retry->append.message.seq.n, 1);
    tear_down(&bench);
}

/* Nothing was flushed in the child, so this segment has it all. */
static void a_torn_tail_costs_only_what_was_not_acknowledged(void **unused)
{
    (void)unused;
    struct bench bench;
    set_up(&bench);
    run_child_until_killed(&bench);
    char path[PATH_SIZE];
    path_in(&bench, "store/journal/journal-0000000002", path);
    int fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    const char torn[] = "\xffT\xfeJ and then the power went";
    char byte = 1;
    off_t end = 0;
    for (off_t at = 0; pread(fd, &byte, 1, at) == 1; at++)
        if (byte != 0)
            end = at + 1;
    assert_int_equal(pwrite(fd, torn, sizeof(torn), (end + 7) / 8 * 8), sizeof(torn));
    close(fd);
    struct tt_embedded_counts counts = expect_sound(&bench);
    assert_int_equal(counts.messages, CHILD_SENDS);
    tear_down(&bench);
}

static void damage_is_refused_with_a_sentence(void **unused)
{
    (void)unused;
    struct bench bench;
    set_up(&bench);
    run_child_until_killed(&bench);
    char path[PATH_SIZE];
    path_in(&bench, "store/journal/journal-0000000002", path);
    int fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, "?", 1, 1000), 1);
    close(fd);
    expect_refused(&bench, TT_ERR_CORRUPT, "journal-0000000002 is damaged at byte");
    expect_refused(&bench, TT_ERR_CORRUPT, "backup");
    tear_down(&bench);
}

static void a_lost_journal_is_refused(void **unused)
{
    (void)unused;
    struct bench bench;
    char path[PATH_SIZE];
    set_up(&bench);
    open_store(&bench);
    live(&bench.f);
    close_store(&bench);
    path_in(&bench, "store/journal/journal-0000000002", path);
    assert_int_equal(unlink(path), 0);
    expect_refused(&bench, TT_ERR_CORRUPT, "is missing");
    tear_down(&bench);
}

/* Whoever copies a folder back without its index gets it from the journal, or is told. */
static void a_lost_index_is_rebuilt_or_refused(void **unused)
{
    (void)unused;
    struct bench bench;
    char path[PATH_SIZE];
    set_up(&bench);
    run_child_until_killed(&bench);
    path_in(&bench, "store/index", path);
    tt_embedded_remove_dir(path);
    assert_int_equal(expect_sound(&bench).messages, CHILD_SENDS);
    open_store(&bench);
    close_store(&bench);
    tt_embedded_remove_dir(path);
    expect_refused(&bench, TT_ERR_CORRUPT, "is missing");
    tear_down(&bench);
}

static void a_second_open_is_refused(void **unused)
{
    (void)unused;
    struct bench bench;
    set_up(&bench);
    open_store(&bench);
    expect_refused(&bench, TT_ERR_CONFLICT, "another twoticks has");
    close_store(&bench);
    open_store(&bench);
    tear_down(&bench);
}

static void foreign_and_newer_folders_are_refused(void **unused)
{
    (void)unused;
    struct bench bench;
    char path[PATH_SIZE];
    set_up(&bench);
    path_in(&bench, "store", path);
    assert_int_equal(mkdir(path, 0700), 0);
    write_file(&bench, "store/holiday.jpg", "not ours");
    expect_refused(&bench, TT_ERR_INVALID, "is no twoticks store");
    write_file(&bench, "store/FORMAT", "something else\n");
    expect_refused(&bench, TT_ERR_INVALID, "is no twoticks store");
    write_file(&bench, "store/FORMAT", "twoticks embedded store\nversion 2\n");
    expect_refused(&bench, TT_ERR_INVALID, "run the newer twoticks");
    tear_down(&bench);
}

static void an_unfinished_store_is_made_again(void **unused)
{
    (void)unused;
    struct bench bench;
    char path[PATH_SIZE];
    set_up(&bench);
    path_in(&bench, "store.new", path);
    assert_int_equal(mkdir(path, 0700), 0);
    write_file(&bench, "store.new/FORMAT", "half");
    open_store(&bench);
    live(&bench.f);
    tear_down(&bench);
}

static void looking_needs_a_store(void **unused)
{
    (void)unused;
    struct bench bench;
    set_up(&bench);
    bench.options.offline = true;
    expect_refused(&bench, TT_ERR_INVALID, "there is no store in");
    bench.options.dir = "/nowhere/at/all";
    expect_refused(&bench, TT_ERR_IO, "No such file");
    tear_down(&bench);
}

static void looking_changes_nothing(void **unused)
{
    (void)unused;
    struct bench bench;
    set_up(&bench);
    open_store(&bench);
    create_direct(&bench.f, "c", "alice", "bob");
    link_at(&bench.f, "bob", "phone", 5);
    close_store(&bench);
    bench.options.offline = true;
    open_store(&bench);
    assert_true(devices(&bench.f, "bob")->devices[0].connected);
    expect_err(run(&bench.f, new_send(&bench.f, "c", "alice", "a", "m1"))->err, TT_ERR_INTERNAL);
    close_store(&bench);
    bench.options.offline = false;
    open_store(&bench);
    assert_false(devices(&bench.f, "bob")->devices[0].connected);
    assert_int_equal(last_seen(&bench.f, "bob").ms, at(5).ms);
    tear_down(&bench);
}

struct sick_disk {
    _Atomic bool sync_fails;
    _Atomic int failures;
    _Atomic uint64_t free_bytes;
};

static int sync_maybe(void *context, int fd)
{
    const struct sick_disk *disk = context;
    errno = EIO;
    return atomic_load(&disk->sync_fails) ? -1 : fdatasync(fd);
}

/* It takes nothing forward that a power cut could leave ahead of the journal. */
static void looking_needs_no_sync(void **unused)
{
    (void)unused;
    struct bench bench;
    struct sick_disk disk = {.sync_fails = true};
    set_up(&bench);
    open_store(&bench);
    close_store(&bench);
    bench.options.offline = true;
    bench.options.disk = (struct tt_embedded_disk){&disk, NULL, sync_maybe};
    open_store(&bench);
    close_store(&bench);
    bench.options.offline = false;
    expect_refused(&bench, TT_ERR_IO, "syncing the journal");
    tear_down(&bench);
}

static bool space(void *context, const char *dir, uint64_t *free_bytes, uint64_t *total_bytes)
{
    const struct sick_disk *disk = context;
    (void)dir;
    *free_bytes = atomic_load(&disk->free_bytes);
    *total_bytes = 40ULL << 20;
    return true;
}

static void note_failure(void *context, const char *sentence)
{
    struct sick_disk *disk = context;
    if (strstr(sentence, "nothing is acknowledged any more") != NULL)
        atomic_fetch_add(&disk->failures, 1);
}

static void after_a_failed_sync_nothing_is_acknowledged(void **unused)
{
    (void)unused;
    struct bench bench;
    struct sick_disk disk = {.free_bytes = 30ULL << 20};
    set_up(&bench);
    bench.options.disk = (struct tt_embedded_disk){&disk, NULL, sync_maybe};
    bench.options.fatal = note_failure;
    bench.options.fatal_context = &disk;
    open_store(&bench);
    create_direct(&bench.f, "c", "alice", "bob");
    send_text(&bench.f, "c", "alice", "a", "m1", 1);
    atomic_store(&disk.sync_fails, true);
    expect_err(run(&bench.f, new_send(&bench.f, "c", "alice", "a", "m2"))->err, TT_ERR_UNAVAILABLE);
    atomic_store(&disk.sync_fails, false);
    expect_err(run(&bench.f, new_send(&bench.f, "c", "alice", "a", "m3"))->err, TT_ERR_UNAVAILABLE);
    struct tt_store_op *read = new_op(&bench.f, TT_STORE_LIST_DEVICES);
    read->list_devices.user = tt_id_of("bob");
    expect_err(run(&bench.f, read)->err, TT_ERR_UNAVAILABLE);
    assert_int_equal(atomic_load(&disk.failures), 1);
    close_store(&bench);
    expect_sound(&bench);
    open_store(&bench);
    struct tt_store_op *first = run(&bench.f, new_send(&bench.f, "c", "alice", "a", "m1"));
    assert_true(first->append.duplicate);
    expect_ok(run(&bench.f, new_send(&bench.f, "c", "alice", "a", "m3"))->err);
    tear_down(&bench);
}

static void a_full_disk_is_refused_at_the_start(void **unused)
{
    (void)unused;
    struct bench bench;
    struct sick_disk disk = {.free_bytes = 1 << 20};
    set_up(&bench);
    bench.options.disk = (struct tt_embedded_disk){&disk, space, NULL};
    expect_refused(&bench, TT_ERR_DISK_LOW, "make room and start again");
    atomic_store(&disk.free_bytes, 30ULL << 20);
    open_store(&bench);
    assert_false(tt_embedded_store_stats(tt_embedded_rig_store(bench.rig)).disk_low);
    tear_down(&bench);
}

/* A backup that found out by failing would end the server. */
static void a_backup_is_refused_where_there_is_no_room_for_it(void **unused)
{
    (void)unused;
    struct bench bench;
    struct sick_disk disk = {.free_bytes = 30ULL << 20};
    char path[PATH_SIZE];
    char sentence[TT_EMBEDDED_SENTENCE_SIZE];
    set_up(&bench);
    bench.options.disk = (struct tt_embedded_disk){&disk, space, NULL};
    open_store(&bench);
    live(&bench.f);
    struct tt_embedded_store *store = tt_embedded_rig_store(bench.rig);
    path_in(&bench, "copy", path);
    assert_int_equal(mkdir(path, 0700), 0);
    atomic_store(&disk.free_bytes, 1 << 20);
    expect_err(tt_embedded_store_backup(store, path, sentence), TT_ERR_DISK_LOW);
    assert_non_null(strstr(sentence, "make room and try again"));
    assert_int_equal(rmdir(path), 0); /* nothing was written */
    assert_true(tt_embedded_store_stats(store).disk_low);
    atomic_store(&disk.free_bytes, 30ULL << 20);
    expect_ok(tt_embedded_store_backup(store, path, sentence));
    ack(&bench.f, "c", "bob", "phone", 5, 5);
    tear_down(&bench);
}

/* Enough for many segments of 1 MiB, with the index flushed behind them. */
static void segments_roll_and_the_journal_stays_short(void **unused)
{
    (void)unused;
    struct bench bench;
    set_up(&bench);
    open_store(&bench);
    create_direct(&bench.f, "c", "alice", "bob");
    link_at(&bench.f, "bob", "phone", 0);
    for (uint64_t seq = 1; seq <= 300; seq++) {
        char client_id[32];
        snprintf(client_id, sizeof(client_id), "m%llu", (unsigned long long)seq);
        struct tt_store_op *op = new_send(&bench.f, "c", "alice", "a", client_id);
        char *content = tt_arena_alloc(&op->arena, 60000);
        memset(content, 'a' + (int)(seq % 26), 60000);
        op->append.message.content = tt_slice(content, 60000);
        expect_ok(run(&bench.f, op)->err);
    }
    struct tt_embedded_stats stats = tt_embedded_store_stats(tt_embedded_rig_store(bench.rig));
    assert_true(stats.records >= 302);
    assert_true(stats.journal_size <= 7 << 20);
    close_store(&bench);
    assert_int_equal(expect_sound(&bench).messages, 300);
    open_store(&bench);
    ack(&bench.f, "c", "bob", "phone", 300, 300);
    tear_down(&bench);
}

static void a_message_larger_than_a_segment_is_refused(void **unused)
{
    (void)unused;
    struct bench bench;
    set_up(&bench);
    open_store(&bench);
    create_direct(&bench.f, "c", "alice", "bob");
    const size_t sizes[] = {(1 << 20) - 1024, 1 << 20, 300000, 10};
    for (size_t i = 0; i < 4; i++) {
        char client_id[16];
        snprintf(client_id, sizeof(client_id), "m%zu", i);
        struct tt_store_op *op = new_send(&bench.f, "c", "alice", "a", client_id);
        char *content = tt_arena_alloc(&op->arena, sizes[i]);
        memset(content, 'x', sizes[i]);
        op->append.message.content = tt_slice(content, sizes[i]);
        expect_err(run(&bench.f, op)->err, i == 1 ? TT_ERR_TOO_BIG : TT_ERR_OK);
    }
    assert_int_equal(snapshot(&bench.f, "c", "alice", "a", 0)->head.n, 3);
    close_store(&bench);
    expect_sound(&bench);
    tear_down(&bench);
}

/* What verify is to find: a row of the index, planted where the store itself never would. */
struct damage {
    struct tt_key key;
    const char *value; /* NULL: the row is deleted */
    size_t size;
    const char *told;
};

static void plant(const struct bench *bench, const struct damage *damage)
{
    char path[PATH_SIZE];
    char *error = NULL;
    path_in(bench, "store/index", path);
    rocksdb_options_t *options = rocksdb_options_create();
    rocksdb_writeoptions_t *write_options = rocksdb_writeoptions_create();
    rocksdb_t *db = rocksdb_open(options, path, &error);
    assert_null(error);
    if (damage->value == NULL)
        rocksdb_delete(db, write_options, damage->key.bytes, damage->key.size, &error);
    else
        rocksdb_put(db, write_options, damage->key.bytes, damage->key.size, damage->value,
                    damage->size, &error);
    assert_null(error);
    rocksdb_close(db);
    rocksdb_writeoptions_destroy(write_options);
    rocksdb_options_destroy(options);
}

static void expect_found(const struct damage *damage)
{
    struct bench bench;
    struct problems problems;
    set_up(&bench);
    open_store(&bench);
    live(&bench.f);
    close_store(&bench);
    expect_sound(&bench);
    plant(&bench, damage);
    struct tt_embedded_counts counts = verify(&bench, &problems);
    bool told = false;
    for (size_t i = 0; i < problems.count; i++)
        told = told || strstr(problems.sentences[i], damage->told) != NULL;
    if (!told)
        fail_msg("nobody said '%s'; %llu problems, the first: %s", damage->told,
                 (unsigned long long)counts.problems,
                 problems.count == 0 ? "none" : problems.sentences[0]);
    tear_down(&bench);
}

#define VALUE(literal) (literal), sizeof(literal) - 1

static void verify_finds_what_is_planted(void **unused)
{
    (void)unused;
    tt_id c = tt_id_of("c");
    tt_id g = tt_id_of("g");
    tt_id alice = tt_id_of("alice");
    tt_id bob = tt_id_of("bob");
    tt_id carol = tt_id_of("carol");
    tt_id dave = tt_id_of("dave");
    tt_id m1 = tt_id_of("m1");
    tt_id m9 = tt_id_of("m9");
    const struct damage damages[] = {
        {tt_key_of_number(TT_TABLE_MESSAGES, &c, 3), NULL, 0, "messages 3 to 3 of c are missing"},
        {tt_key_of_number(TT_TABLE_MESSAGES, &c, 5), NULL, 0, "messages 5 to 5 of c are missing"},
        {tt_key_of_number(TT_TABLE_MESSAGES, &c, 6), VALUE("\1\5alice\0\2m6\1\1x"),
         "message 6 of c is outside of 1 to 5"},
        {tt_key_of_number(TT_TABLE_MESSAGES, &c, 2), VALUE("\1\5alice\4desk\2m1\1\1x"),
         "have the same sender and client_id"},
        {tt_key_of_number(TT_TABLE_MESSAGES, &c, 2), VALUE("\1\4dave\0\2m2\1\1x"),
         "is from dave, who is no member"},
        {tt_key_of_number(TT_TABLE_MESSAGES, &c, 2), VALUE("garbage"), "cannot be read"},
        {tt_key_of_number(TT_TABLE_MESSAGES, &dave, 1), VALUE("\1\5alice\0\2m1\1\1x"),
         "the conversation of the messages of dave is missing"},
        {tt_key_of_send(&c, &alice, &m1), NULL, 0, "message 1 of c has no readable sends row"},
        {tt_key_of_send(&c, &alice, &m9), VALUE("\1\1\1"), "names another message"},
        {tt_key_of_send(&c, &alice, &m9), VALUE("\1\7\1"), "the message of a sends row"},
        {tt_key_of_two(TT_TABLE_STATUS, &c, &bob), VALUE("\1\6\3\0\0\0"), "out of order"},
        {tt_key_of_two(TT_TABLE_STATUS, &c, &bob), VALUE("\1\3\4\0\0\0"), "out of order"},
        {tt_key_of_two(TT_TABLE_STATUS, &c, &bob), VALUE("\1\4\3\0\0\1\5phone\5"),
         "is ahead of its user"},
        {tt_key_of_two(TT_TABLE_STATUS, &c, &bob), VALUE("\1\4\3\0\0\1\4fake\2"),
         "which is not linked"},
        {tt_key_of_two(TT_TABLE_STATUS, &c, &bob), VALUE("\1\4\3\2\0\0"),
         "the last message of bob in c is 0, not 2"},
        {tt_key_of_two(TT_TABLE_STATUS, &c, &dave), VALUE("\1\0\0\0\0\0"), "who is no member"},
        {tt_key_of_two(TT_TABLE_PENDING, &bob, &c), NULL, 0,
         "device phone of bob is behind in c, and no pending row says so"},
        {tt_key_of_two(TT_TABLE_PENDING, &bob, &c), VALUE("\1\1\7\0"), "is out of order"},
        {tt_key_of_two(TT_TABLE_PENDING, &dave, &c), VALUE("\1\1\1\0"), "who is no member"},
        {tt_key_of_two(TT_TABLE_LISTS, &carol, &g), NULL, 0, "the list row of carol g is missing"},
        {tt_key_of_two(TT_TABLE_LISTS, &carol, &c), VALUE("\1"), "who is no member"},
        {tt_key_of_two(TT_TABLE_PAIRS, &alice, &bob), NULL, 0, "the pair row of c is missing"},
        {tt_key_of_two(TT_TABLE_PAIRS, &alice, &bob), VALUE("\1\1g"), "two direct conversations"},
        {tt_key_of_two(TT_TABLE_PAIRS, &alice, &carol), VALUE("\1\1c"),
         "is not the direct conversation of"},
        {tt_key_of(TT_TABLE_HEADS, &c), NULL, 0, "the head row of c is missing"},
        {tt_key_of(TT_TABLE_HEADS, &c), VALUE("\2\5\0\0"), "the head row of c cannot be read"},
        {tt_key_of(TT_TABLE_CONVERSATIONS, &c), VALUE("\1\1\0\0\1\5alice"), "cannot be read"},
        {tt_key_of(TT_TABLE_ONLINE, &carol), VALUE("\1"), "online without a connected device"},
        {tt_key_of(TT_TABLE_ONLINE, &bob), NULL, 0, "but the online table says otherwise"},
        {tt_key_of(TT_TABLE_USERS, &carol), NULL, 0, "the user row of carol is missing"},
        {tt_key_of(TT_TABLE_USERS, &carol), VALUE("\1\3\0\7\0\0\0\0"),
         "has 1 conversations in the list and 7 by count"},
        {tt_key_of_step(&c, &bob, TT_STEP_READ, TT_SEQ(5)), VALUE("\1\4\1\0"), "cannot be"},
        {tt_key_of_step(&c, &bob, TT_STEP_DELIVERED, TT_SEQ(2)), VALUE("\1\1\1\0"), "cannot be"},
        {tt_key_of_number(TT_TABLE_CONNECTIONS, &bob, 99), VALUE("\1\1\1\5phone"),
         "was never counted"},
        {tt_key_prefix_of(TT_TABLE_PENDING, &bob), VALUE("\1"), "has a key that is none"},
    };
    for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++)
        expect_found(&damages[i]);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_closed_store_opens_again),
        cmocka_unit_test(what_is_sent_again_is_known_again),
        cmocka_unit_test(what_is_sent_twice_in_a_batch_counts_once),
        cmocka_unit_test(a_killed_store_has_everything_acknowledged),
        cmocka_unit_test(a_torn_tail_costs_only_what_was_not_acknowledged),
        cmocka_unit_test(damage_is_refused_with_a_sentence),
        cmocka_unit_test(a_lost_journal_is_refused),
        cmocka_unit_test(a_lost_index_is_rebuilt_or_refused),
        cmocka_unit_test(a_second_open_is_refused),
        cmocka_unit_test(foreign_and_newer_folders_are_refused),
        cmocka_unit_test(an_unfinished_store_is_made_again),
        cmocka_unit_test(looking_needs_a_store),
        cmocka_unit_test(looking_changes_nothing),
        cmocka_unit_test(looking_needs_no_sync),
        cmocka_unit_test(after_a_failed_sync_nothing_is_acknowledged),
        cmocka_unit_test(a_full_disk_is_refused_at_the_start),
        cmocka_unit_test(a_backup_is_refused_where_there_is_no_room_for_it),
        cmocka_unit_test(segments_roll_and_the_journal_stays_short),
        cmocka_unit_test(a_message_larger_than_a_segment_is_refused),
        cmocka_unit_test(verify_finds_what_is_planted),
    };
    if (argc == 3 && strcmp(argv[1], "--child") == 0)
        return be_child(argv[2]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
