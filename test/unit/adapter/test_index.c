/*
 * The index against a model: random writes, flushes, and looks at earlier and later states, by key
 * and by walks in both directions.
 */
#include "index_bench.h"

#include <dirent.h>
#include <fcntl.h>
#include <rocksdb/c.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "base/memory.h"

#define VIEWS  4
#define ROUNDS 1500

/* The nearest row from `number` on, forwards or backwards, that is of the prefix; KEYS: none. */
static size_t nearest(const struct state *state, size_t number, bool forwards, size_t first,
                      size_t end)
{
    for (size_t i = number; i >= first && i < end; i += forwards ? 1 : (size_t)-1)
        if (state->values[i] != 0)
            return i;
    return KEYS;
}

/* A walk over one id (or, at times, a table or everything) that turns round at random. */
static void expect_walk(struct bench *bench, const struct tt_view *view, const struct state *state)
{
    size_t first = draw(bench, KEYS / 20) * 20;
    size_t end = first + 20;
    char prefix[16];
    size_t prefix_size = strlen(key_of(first, prefix).data) + 1;
    uint32_t scope = draw(bench, 8);
    if (scope < 2) {
        prefix_size = scope;
        first = scope == 0 ? 0 : first / (KEYS / 2) * (KEYS / 2);
        end = scope == 0 ? KEYS : first + KEYS / 2;
    }
    struct tt_walk *walk = tt_walk_create(view, tt_slice(prefix, prefix_size));
    size_t at = nearest(state, first, true, first, end);
    for (size_t i = 0; i < 40; i++) {
        assert_int_equal(tt_walk_valid(walk), at != KEYS);
        if (at != KEYS)
            expect_row(tt_walk_key(walk), tt_walk_value(walk), at, state);
        size_t to = first + draw(bench, (uint32_t)(end - first));
        char key[16];
        uint32_t step = draw(bench, 10);
        if (at == KEYS || step == 0) {
            tt_walk_to(walk, key_of(to, key));
            at = nearest(state, to, true, first, end);
        } else if (step == 1) {
            tt_walk_back_to(walk, key_of(to, key));
            at = nearest(state, to, false, first, end);
        } else if (step < 7) {
            tt_walk_next(walk);
            at = nearest(state, at + 1, true, first, end);
        } else {
            tt_walk_prev(walk);
            at = nearest(state, at - 1, false, first, end);
        }
    }
    expect_ok(tt_walk_destroy(&walk));
}

static void it_is_as_the_model_says(void **unused)
{
    (void)unused;
    struct bench bench;
    struct tt_view *views[VIEWS] = {0};
    struct state seen[VIEWS];
    set_up(&bench, 7);
    for (size_t i = 0; i < ROUNDS; i++) {
        write_some(&bench);
        size_t at = draw(&bench, VIEWS);
        if (views[at] != NULL)
            tt_view_destroy(&views[at]);
        views[at] = tt_view_create(bench.index);
        seen[at] = bench.now;
        if (draw(&bench, 100) == 0)
            expect_ok(tt_index_flush(bench.index, draw(&bench, 2) == 0));
        at = draw(&bench, VIEWS);
        if (views[at] == NULL)
            continue;
        if (draw(&bench, 10) == 0)
            expect_keys(views[at], &seen[at]);
        expect_walk(&bench, views[at], &seen[at]);
        expect_walk(&bench, tt_index_latest(bench.index), &bench.now);
    }
    for (size_t i = 0; i < VIEWS; i++)
        if (views[i] != NULL)
            tt_view_destroy(&views[i]);
    tear_down(&bench);
}

/* What is on disk after a close is what was written before some flush, whole. */
static void what_was_flushed_is_there_again(void **unused)
{
    (void)unused;
    struct bench bench;
    set_up(&bench, 11);
    for (size_t i = 0; i < 300; i++)
        write_some(&bench);
    struct state flushed = bench.now;
    expect_ok(tt_index_flush(bench.index, true));
    expect_keys(tt_index_persisted(bench.index), &flushed);
    write_some(&bench);
    expect_keys(tt_index_persisted(bench.index), &flushed);
    tt_index_close(&bench.index);
    open_index(&bench);
    expect_keys(tt_index_latest(bench.index), &flushed);
    tear_down(&bench);
}

/* More than two memtables: whoever writes waits for the disk, and loses nothing. */
static void it_holds_more_than_fits_into_memory(void **unused)
{
    (void)unused;
    enum { ROWS = 20000, SIZE = 400 };
    struct bench bench;
    char value[SIZE] = {0};
    struct tt_buffer found = {0};
    set_up(&bench, 13);
    for (uint32_t i = 0; i < ROWS; i++) {
        char key[24];
        memcpy(value, &i, sizeof(i));
        struct tt_slice name = tt_slice(key, (size_t)snprintf(key, sizeof(key), "u%u", i % 9000));
        tt_index_put(bench.index, name, tt_slice(value, SIZE));
        expect_ok(tt_index_write(bench.index));
    }
    for (uint32_t i = ROWS - 9000; i < ROWS; i++) {
        char key[24];
        struct tt_slice name = tt_slice(key, (size_t)snprintf(key, sizeof(key), "u%u", i % 9000));
        expect_ok(tt_view_get(tt_index_latest(bench.index), name, &found));
        assert_int_equal(found.size, SIZE);
        assert_memory_equal(found.data, &i, sizeof(i));
    }
    tt_buffer_deinit(&found);
    tear_down(&bench);
}

/* The newest of RocksDB's own files, as it is called in the index's folder. */
static void find_file(const struct bench *bench, char name[64])
{
    char path[TT_EMBEDDED_DIR_SIZE + 32];
    snprintf(path, sizeof(path), "%s/index", bench->dir);
    DIR *dir = opendir(path);
    name[0] = '\0';
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir))
        if (strstr(entry->d_name, ".sst") != NULL && strcmp(entry->d_name, name) > 0)
            snprintf(name, 64, "%.60s", entry->d_name);
    closedir(dir);
    assert_true(name[0] != '\0');
}

static uint32_t crc_of_file(int dir_fd, const char *name)
{
    static char bytes[1 << 20];
    int fd = openat(dir_fd, name, O_RDONLY);
    ssize_t size = read(fd, bytes, sizeof(bytes));
    close(fd);
    assert_true(size >= 0 && size < (ssize_t)sizeof(bytes));
    return tt_crc32c(0, tt_slice(bytes, (size_t)size));
}

/* What is in the folder: the sum over all files, in whatever order they are found. */
static uint64_t look_of_folder(const struct bench *bench)
{
    char path[TT_EMBEDDED_DIR_SIZE + 8];
    uint64_t look = 0;
    snprintf(path, sizeof(path), "%s/index", bench->dir);
    DIR *dir = opendir(path);
    if (dir == NULL)
        return 0;
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        struct stat stat;
        assert_int_equal(fstatat(dirfd(dir), entry->d_name, &stat, 0), 0);
        uint64_t file = tt_crc32c(0, tt_slice(entry->d_name, strlen(entry->d_name)));
        file =
            file * 31 + (uint64_t)stat.st_mtim.tv_sec * 1000000007 + (uint64_t)stat.st_mtim.tv_nsec;
        look += file * 31 + (S_ISREG(stat.st_mode) ? crc_of_file(dirfd(dir), entry->d_name) : 0);
    }
    closedir(dir);
    return look;
}

/* The rows are there, more can be written in memory, and the folder is as it was; `due`: what is to
 * be mended, in part. */
static void expect_only_read(struct bench *bench, const char *due)
{
    struct state on_disk = bench->now;
    uint64_t before = look_of_folder(bench);
    open_as(bench, true);
    expect_keys(tt_index_latest(bench->index), &bench->now);
    expect_walk(bench, tt_index_latest(bench->index), &bench->now);
    for (size_t i = 0; i < 300; i++)
        write_some(bench);
    struct tt_view *view = tt_view_create(bench->index);
    expect_keys(view, &bench->now);
    tt_view_destroy(&view);
    if (due == NULL)
        assert_null(tt_index_due(bench->index));
    else
        assert_non_null(strstr(tt_index_due(bench->index), due));
    tt_index_close(&bench->index);
    assert_true(look_of_folder(bench) == before);
    bench->now = on_disk;
}

static void who_only_reads_changes_nothing(void **unused)
{
    (void)unused;
    struct bench bench;
    set_up(&bench, 17);
    tt_index_close(&bench.index);
    expect_only_read(&bench, NULL);
    open_index(&bench);
    for (size_t i = 0; i < 300; i++)
        write_some(&bench);
    expect_ok(tt_index_flush(bench.index, true));
    tt_index_close(&bench.index);
    expect_only_read(&bench, NULL);
    open_index(&bench);
    expect_keys(tt_index_latest(bench.index), &bench.now);
    tear_down(&bench);
}

static size_t count_logs(const struct bench *bench)
{
    char path[TT_EMBEDDED_DIR_SIZE + 8];
    size_t count = 0;
    snprintf(path, sizeof(path), "%s/index", bench->dir);
    DIR *dir = opendir(path);
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir))
        count += strstr(entry->d_name, ".log") != NULL ? 1 : 0;
    closedir(dir);
    return count;
}

/* But for the one that is in use; what is in one that holds something is not lost either. */
static void empty_logs_of_earlier_opens_are_removed(void **unused)
{
    (void)unused;
    struct bench bench;
    char path[TT_EMBEDDED_DIR_SIZE + 32];
    char *error = NULL;
    struct tt_buffer value = {0};
    set_up(&bench, 19);
    for (size_t i = 0; i < 5; i++) {
        write_some(&bench);
        expect_ok(tt_index_flush(bench.index, true));
        tt_index_close(&bench.index);
        open_index(&bench);
        expect_keys(tt_index_latest(bench.index), &bench.now);
        assert_int_equal(count_logs(&bench), 1);
        snprintf(path, sizeof(path), "%s/checkpoint", bench.dir);
        expect_ok(tt_index_link(bench.index, path, NULL, 0));
        tt_embedded_remove_dir(path);
    }
    tt_index_close(&bench.index);
    snprintf(path, sizeof(path), "%s/index", bench.dir);
    rocksdb_options_t *options = rocksdb_options_create();
    rocksdb_writeoptions_t *logged = rocksdb_writeoptions_create();
    rocksdb_t *db = rocksdb_open(options, path, &error);
    rocksdb_put(db, logged, "zz", 2, "kept", 4, &error);
    assert_null(error);
    rocksdb_close(db);
    rocksdb_writeoptions_destroy(logged);
    rocksdb_options_destroy(options);
    for (size_t i = 0; i < 2; i++) {
        open_index(&bench);
        expect_ok(tt_view_get(tt_index_latest(bench.index), TT_SLICE_LITERAL("zz"), &value));
        tt_index_close(&bench.index);
    }
    open_index(&bench);
    assert_int_equal(count_logs(&bench), 1);
    tt_buffer_deinit(&value);
    tear_down(&bench);
}

static void an_index_that_is_not_there_is_an_empty_one(void **unused)
{
    (void)unused;
    struct bench bench;
    char path[TT_EMBEDDED_DIR_SIZE + 8];
    set_up(&bench, 18);
    tt_index_close(&bench.index);
    snprintf(path, sizeof(path), "%s/index", bench.dir);
    tt_embedded_remove_dir(path);
    expect_only_read(&bench, "is not there");
    open_index(&bench);
    tear_down(&bench);
}

/* The state that a failed unlink leaves behind. */
static void a_file_that_kept_its_first_name_is_not_written_to(void **unused)
{
    (void)unused;
    struct bench bench;
    char name[64];
    char path[TT_EMBEDDED_DIR_SIZE + 128];
    char incoming[TT_EMBEDDED_DIR_SIZE + 32];
    set_up(&bench, 6);
    set(&bench, 3, 33);
    expect_ok(tt_index_write(bench.index));
    expect_ok(tt_index_flush(bench.index, true));
    find_file(&bench, name);
    snprintf(path, sizeof(path), "%s/index/%s", bench.dir, name);
    snprintf(incoming, sizeof(incoming), "%s/index/incoming.sst", bench.dir);
    assert_int_equal(link(path, incoming), 0);
    set(&bench, 90, 44);
    expect_ok(tt_index_write(bench.index));
    expect_ok(tt_index_flush(bench.index, true));
    tt_index_close(&bench.index);
    open_index(&bench);
    expect_keys(tt_index_latest(bench.index), &bench.now);
    tear_down(&bench);
}

/* The state that a failed sync of RocksDB's list of files leaves behind. */
static void a_file_that_lost_its_name_is_taken_back(void **unused)
{
    (void)unused;
    struct bench bench;
    char path[TT_EMBEDDED_DIR_SIZE + 32];
    char incoming[TT_EMBEDDED_DIR_SIZE + 32];
    set_up(&bench, 5);
    set(&bench, 3, 33);
    set(&bench, 90, 44);
    expect_ok(tt_index_write(bench.index));
    expect_ok(tt_index_flush(bench.index, true));
    tt_index_close(&bench.index);
    snprintf(path, sizeof(path), "%s/index", bench.dir);
    snprintf(incoming, sizeof(incoming), "%s/index/incoming.sst", bench.dir);
    size_t moved = 0;
    DIR *dir = opendir(path);
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        if (strstr(entry->d_name, ".sst") == NULL)
            continue;
        assert_int_equal(renameat(dirfd(dir), entry->d_name, AT_FDCWD, incoming), 0);
        moved++;
    }
    closedir(dir);
    assert_int_equal(moved, 1);
    expect_only_read(&bench, "the next start mends it");
    open_index(&bench);
    expect_keys(tt_index_latest(bench.index), &bench.now);
    tear_down(&bench);
}

/* Appends to the list of files, as a power cut may leave it. */
static void append_to_list(const struct bench *bench, struct tt_slice bytes)
{
    char path[TT_EMBEDDED_DIR_SIZE + 128];
    char name[64];
    snprintf(path, sizeof(path), "%s/index/CURRENT", bench->dir);
    int fd = open(path, O_RDONLY);
    ssize_t size = read(fd, name, sizeof(name));
    close(fd);
    assert_true(size > 1);
    snprintf(path, sizeof(path), "%s/index/%.*s", bench->dir, (int)size - 1, name);
    fd = open(path, O_WRONLY | O_APPEND);
    assert_int_equal(write(fd, bytes.data, bytes.size), bytes.size);
    close(fd);
}

static void a_list_of_files_with_a_torn_end_is_mended(void **unused)
{
    (void)unused;
    /* A whole entry of 5 bytes, by its header; what came of it is zeros. */
    static const char torn[] = "\x9e\x67\x86\xbc\x05\x00\x01\x09\x00\x00\x00\x00";
    struct bench bench;
    set_up(&bench, 7);
    set(&bench, 3, 33);
    expect_ok(tt_index_write(bench.index));
    expect_ok(tt_index_flush(bench.index, true));
    tt_index_close(&bench.index);
    append_to_list(&bench, tt_slice(torn, sizeof(torn) - 1));
    expect_only_read(&bench, "the next start mends it");
    open_index(&bench);
    expect_keys(tt_index_latest(bench.index), &bench.now);
    tear_down(&bench);
}

#define GONE 20000

static void change_all_of_b(struct bench *bench, bool put)
{
    for (unsigned i = 0; i < GONE; i++) {
        char key[16];
        struct tt_slice row = tt_slice(key, (size_t)snprintf(key, sizeof(key), "pb.%06u", i));
        if (put)
            tt_index_put(bench->index, row, TT_SLICE_LITERAL("x"));
        else
            tt_index_delete(bench->index, row);
    }
    expect_ok(tt_index_write(bench->index));
    expect_ok(tt_index_flush(bench->index, true));
}

/* Who has no rows is not made to wait for the deleted ones of everybody behind him. */
static void a_walk_does_not_look_beyond_its_prefix(void **unused)
{
    (void)unused;
    struct bench bench;
    set_up(&bench, 9);
    change_all_of_b(&bench, true);
    change_all_of_b(&bench, false);
    rocksdb_perfcontext_t *counters = rocksdb_perfcontext_create();
    rocksdb_set_perf_level(rocksdb_enable_count);
    rocksdb_perfcontext_reset(counters);
    struct tt_walk *walk = tt_walk_create(tt_index_latest(bench.index), TT_SLICE_LITERAL("pa."));
    assert_false(tt_walk_valid(walk));
    tt_walk_back_to(walk, TT_SLICE_LITERAL("pa.999999"));
    assert_false(tt_walk_valid(walk));
    expect_ok(tt_walk_destroy(&walk));
    assert_in_range(rocksdb_perfcontext_metric(counters, rocksdb_internal_delete_skipped_count), 0,
                    10);
    rocksdb_set_perf_level(rocksdb_disable);
    rocksdb_perfcontext_destroy(counters);
    tear_down(&bench);
}

#define PEOPLE 2000

static struct tt_slice person_key(unsigned number, char key[16])
{
    int size = snprintf(key, 16, "p%04u.c", number);
    key[5] = '\0';
    return tt_slice(key, (size_t)size);
}

/* Each of them has a row of his own, and every walk finds all who were added since the one before
 * in between, however few; a view that is older does not. */
static void a_walk_over_a_table_meets_everybody_in_order(void **unused)
{
    (void)unused;
    struct bench bench;
    bool known[PEOPLE] = {0};
    char key[16];
    set_up(&bench, 11);
    struct tt_view *before = tt_view_create(bench.index);
    tt_index_put(bench.index, TT_SLICE_LITERAL("oz"), TT_SLICE_LITERAL("x"));
    tt_index_put(bench.index, TT_SLICE_LITERAL("qa"), TT_SLICE_LITERAL("x"));
    for (unsigned count = 1; count < PEOPLE; count += count / 2 + 1) {
        for (unsigned i = 0; i < count; i++) {
            unsigned number = draw(&bench, PEOPLE);
            known[number] = true;
            tt_index_put(bench.index, person_key(number, key), TT_SLICE_LITERAL("x"));
        }
        expect_ok(tt_index_write(bench.index));
        struct tt_walk *walk = tt_walk_create(tt_index_latest(bench.index), TT_SLICE_LITERAL("p"));
        for (unsigned i = 0; i < PEOPLE; i++) {
            if (!known[i])
                continue;
            assert_true(tt_walk_valid(walk));
            assert_true(tt_slice_eq(tt_walk_key(walk), person_key(i, key)));
            tt_walk_next(walk);
        }
        assert_false(tt_walk_valid(walk));
        tt_walk_back_to(walk, TT_SLICE_LITERAL("pz"));
        for (unsigned i = PEOPLE; i-- > 0;) {
            if (!known[i])
                continue;
            assert_true(tt_slice_eq(tt_walk_key(walk), person_key(i, key)));
            tt_walk_prev(walk);
        }
        assert_false(tt_walk_valid(walk));
        expect_ok(tt_walk_destroy(&walk));
    }
    struct tt_walk *walk = tt_walk_create(before, TT_SLICE_LITERAL("p"));
    assert_false(tt_walk_valid(walk));
    expect_ok(tt_walk_destroy(&walk));
    tt_view_destroy(&before);
    tear_down(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_walk_over_a_table_meets_everybody_in_order),
        cmocka_unit_test(it_is_as_the_model_says),
        cmocka_unit_test(a_walk_does_not_look_beyond_its_prefix),
        cmocka_unit_test(what_was_flushed_is_there_again),
        cmocka_unit_test(who_only_reads_changes_nothing),
        cmocka_unit_test(empty_logs_of_earlier_opens_are_removed),
        cmocka_unit_test(an_index_that_is_not_there_is_an_empty_one),
        cmocka_unit_test(a_file_that_kept_its_first_name_is_not_written_to),
        cmocka_unit_test(a_file_that_lost_its_name_is_taken_back),
        cmocka_unit_test(a_list_of_files_with_a_torn_end_is_mended),
        cmocka_unit_test(it_holds_more_than_fits_into_memory),
    };
    return cmocka_run_group_tests_name("index", tests, NULL, NULL);
}
