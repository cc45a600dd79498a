#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adapter/embedded/journal.h"
#include "base/memory.h"

#define DIR_SIZE      64
#define SENTENCE_SIZE 256
#define SEGMENT_SIZE  TT_JOURNAL_SEGMENT_MIN
#define LOOK_SIZE     4096 /* of the first segment: more than the tests write there */

struct rig {
    char dir[DIR_SIZE];
    int dir_fd;
    bool sync_fails;
    uint64_t seen; /* records of the last scan */
    struct tt_journal *journal;
    struct tt_journal_map map;
    char sentence[SENTENCE_SIZE];
};

static int sync_or_not(void *context, int fd)
{
    const struct rig *rig = context;
    errno = EIO;
    return rig->sync_fails ? -1 : fdatasync(fd);
}

static tt_err see(void *context, uint64_t number, struct tt_slice bytes)
{
    struct rig *rig = context;
    struct tt_arena arena = {0};
    struct tt_record record;
    tt_err err = tt_record_decode(bytes, &arena, &record);
    tt_arena_deinit(&arena);
    TT_TRY(err);
    assert_int_equal(record.kind, TT_RECORD_ALIVE);
    assert_int_equal(record.at.ms, (int64_t)number);
    rig->seen = number + 1;
    return TT_OK;
}

static tt_err scan(struct rig *rig)
{
    rig->seen = 0;
    rig->sentence[0] = '\0';
    return tt_journal_scan(rig->dir_fd, see, rig, &rig->map, rig->sentence, SENTENCE_SIZE);
}

static void start(struct rig *rig)
{
    struct tt_journal_options options = {rig->dir_fd, SEGMENT_SIZE, sync_or_not, rig};
    expect_ok(scan(rig));
    expect_ok(tt_journal_create(&options, &rig->map, &rig->journal));
}

static void set_up(struct rig *rig)
{
    *rig = (struct rig){.dir = "/tmp/twoticks-journal-XXXXXX"};
    assert_non_null(mkdtemp(rig->dir));
    rig->dir_fd = open(rig->dir, O_RDONLY | O_DIRECTORY);
    assert_true(rig->dir_fd >= 0);
}

static void remove_segments(struct rig *rig)
{
    for (unsigned i = 0; i <= 64; i++) {
        char name[32];
        snprintf(name, sizeof(name), "journal-%010u", i);
        unlinkat(rig->dir_fd, name, 0);
    }
    unlinkat(rig->dir_fd, "spare", 0);
    unlinkat(rig->dir_fd, "newest", 0);
}

static void tear_down(struct rig *rig)
{
    if (rig->journal != NULL)
        tt_journal_destroy(&rig->journal);
    tt_journal_map_deinit(&rig->map);
    remove_segments(rig);
    close(rig->dir_fd);
    assert_int_equal(rmdir(rig->dir), 0);
}

/* Each record says its own number. */
static void write_batch(struct rig *rig, unsigned count)
{
    uint64_t next = tt_journal_next_record(rig->journal);
    for (unsigned i = 0; i < count; i++) {
        struct tt_record record = {.kind = TT_RECORD_ALIVE, .at = TT_TIME((int64_t)(next + i))};
        tt_journal_add(rig->journal, &record);
    }
    expect_ok(tt_journal_commit(rig->journal));
    assert_int_equal(tt_journal_next_record(rig->journal), next + count);
}

static void stop(struct rig *rig)
{
    tt_journal_destroy(&rig->journal);
}

static void poke(struct rig *rig, const char *name, uint64_t at, const char *bytes, size_t size)
{
    int fd = openat(rig->dir_fd, name, O_RDWR);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, bytes, size, (off_t)at), size);
    close(fd);
}

static void peek(struct rig *rig, const char *name, char *bytes, size_t size)
{
    int fd = openat(rig->dir_fd, name, O_RDONLY);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, bytes, size, 0), size);
    close(fd);
}

static void an_empty_folder_is_an_empty_journal(void **unused)
{
    (void)unused;
    struct rig rig;
    set_up(&rig);
    expect_ok(scan(&rig));
    assert_int_equal(rig.map.segment_count, 0);
    assert_int_equal(rig.map.next_record, 0);
    tear_down(&rig);
}

static void what_was_committed_comes_back(void **unused)
{
    (void)unused;
    struct rig rig;
    set_up(&rig);
    start(&rig);
    write_batch(&rig, 3);
    write_batch(&rig, 1);
    stop(&rig);
    start(&rig);
    assert_int_equal(rig.seen, 4);
    assert_int_equal(tt_journal_segment_count(rig.journal), 2);
    write_batch(&rig, 2);
    stop(&rig);
    expect_ok(scan(&rig));
    assert_int_equal(rig.seen, 6);
    tear_down(&rig);
}

/* Three batches of one record; where the last one begins and ends. */
static void three_batches(struct rig *rig, char *image, uint64_t *last, uint64_t *end)
{
    struct tt_record record = {.kind = TT_RECORD_ALIVE};
    struct tt_buffer bytes = {0};
    tt_record_encode(&record, &bytes);
    uint64_t frame = (TT_JOURNAL_FRAME_SIZE + 4 + bytes.size + 7) / 8 * 8;
    tt_buffer_deinit(&bytes);
    set_up(rig);
    start(rig);
    for (int i = 0; i < 3; i++)
        write_batch(rig, 1);
    stop(rig);
    peek(rig, "journal-0000000001", image, LOOK_SIZE);
    *last = TT_JOURNAL_HEADER_SIZE + 2 * (frame + TT_JOURNAL_FRAME_SIZE);
    *end = *last + frame;
    assert_memory_equal(image + *last, "\xffT\xfeJ", 4);
    assert_memory_equal(image + *end, "\xffT\xfeJ", 4);
}

/* The last batch was never acknowledged, so its marker is not there either. */
static void a_tail_torn_at_any_byte_is_cut_off(void **unused)
{
    (void)unused;
    struct rig rig;
    char image[LOOK_SIZE];
    uint64_t last;
    uint64_t end;
    three_batches(&rig, image, &last, &end);
    for (uint64_t cut = last; cut <= end; cut++) {
        char torn[LOOK_SIZE];
        memcpy(torn, image, LOOK_SIZE);
        memset(torn + cut, 0, LOOK_SIZE - cut);
        poke(&rig, "journal-0000000001", 0, torn, LOOK_SIZE);
        expect_ok(scan(&rig));
        bool whole = memcmp(torn + last, image + last, end - last) == 0;
        assert_int_equal(rig.map.next_record, whole ? 3 : 2);
        assert_int_equal(rig.map.end, whole ? end : last);
        tt_journal_map_deinit(&rig.map);
    }
    tear_down(&rig);
}

/* Its first half missing and its second there, as a disk may do it. */
static void a_tail_torn_from_the_front_is_cut_off(void **unused)
{
    (void)unused;
    struct rig rig;
    char image[LOOK_SIZE];
    uint64_t last;
    uint64_t end;
    three_batches(&rig, image, &last, &end);
    memset(image + end, 0, LOOK_SIZE - end);
    for (uint64_t missing = last + 1; missing < end; missing++) {
        char torn[LOOK_SIZE];
        memcpy(torn, image, LOOK_SIZE);
        memset(torn + last, 0, missing - last);
        poke(&rig, "journal-0000000001", 0, torn, LOOK_SIZE);
        expect_ok(scan(&rig));
        assert_int_equal(rig.map.next_record, 2);
        tt_journal_map_deinit(&rig.map);
    }
    tear_down(&rig);
}

static bool matters(const char *image, uint64_t at, uint64_t last_marker)
{
    if (at < TT_JOURNAL_HEADER_SIZE)
        return at < 44;
    uint64_t frame = TT_JOURNAL_HEADER_SIZE;
    while (frame < last_marker) {
        uint32_t payload = (unsigned char)image[frame + 4];
        uint64_t used = frame + TT_JOURNAL_FRAME_SIZE + payload;
        uint64_t next = (used + 7) / 8 * 8;
        if (at < next)
            return at < used;
        frame = next;
    }
    return false;
}

/* An acknowledged batch has its marker behind it: a flipped bit in it, the last one too, is no
 * torn tail. Only padding and the last marker may be anything. */
static void a_flipped_bit_is_refused(void **unused)
{
    (void)unused;
    struct rig rig;
    char image[LOOK_SIZE];
    uint64_t last;
    uint64_t end;
    three_batches(&rig, image, &last, &end);
    for (uint64_t at = 0; at < end + TT_JOURNAL_FRAME_SIZE; at++) {
        char flipped = (char)(image[at] ^ (1 << at % 8));
        poke(&rig, "journal-0000000001", at, &flipped, 1);
        tt_err err = scan(&rig);
        if (matters(image, at, end)) {
            assert_int_equal(err.code, TT_ERR_CORRUPT);
            assert_non_null(strstr(rig.sentence, "journal-0000000001 is damaged"));
        } else {
            expect_ok(err);
            assert_int_equal(rig.map.next_record, 3);
            tt_journal_map_deinit(&rig.map);
        }
        poke(&rig, "journal-0000000001", at, &image[at], 1);
    }
    tear_down(&rig);
}

/* Marker and batch go to disk together, and a power cut may keep only the second: nothing was
 * synced there, so nothing is damaged. */
static void a_lost_marker_before_an_unsynced_batch_is_a_torn_tail(void **unused)
{
    (void)unused;
    struct rig rig;
    char image[LOOK_SIZE];
    uint64_t last;
    uint64_t end;
    three_batches(&rig, image, &last, &end);
    uint64_t marker = last - TT_JOURNAL_FRAME_SIZE;
    memset(image + marker, 0, TT_JOURNAL_FRAME_SIZE);
    memset(image + end, 0, LOOK_SIZE - end);
    poke(&rig, "journal-0000000001", 0, image, LOOK_SIZE);
    start(&rig);
    assert_int_equal(rig.seen, 2);
    write_batch(&rig, 1);
    stop(&rig);
    expect_ok(scan(&rig));
    assert_int_equal(rig.map.next_record, 3);
    tear_down(&rig);
}

static void a_file_cut_short_behind_good_frames_is_refused(void **unused)
{
    (void)unused;
    struct rig rig;
    char image[LOOK_SIZE];
    uint64_t last;
    uint64_t end;
    three_batches(&rig, image, &last, &end);
    int fd = openat(rig.dir_fd, "journal-0000000001", O_RDWR);
    assert_int_equal(ftruncate(fd, LOOK_SIZE), 0);
    expect_ok(scan(&rig));
    assert_int_equal(rig.map.next_record, 3);
    tt_journal_map_deinit(&rig.map);
    for (uint64_t size = last; size <= end; size++) {
        assert_int_equal(ftruncate(fd, 0), 0);
        assert_int_equal(pwrite(fd, image, size, 0), size);
        assert_int_equal(scan(&rig).code, TT_ERR_CORRUPT);
    }
    close(fd);
    tear_down(&rig);
}

static void damage_in_an_earlier_segment_is_refused(void **unused)
{
    (void)unused;
    struct rig rig;
    char image[LOOK_SIZE];
    uint64_t last;
    uint64_t end;
    three_batches(&rig, image, &last, &end);
    start(&rig);
    write_batch(&rig, 1);
    stop(&rig);
    char zeros[LOOK_SIZE] = {0};
    poke(&rig, "journal-0000000001", last, zeros, LOOK_SIZE - last);
    assert_int_equal(scan(&rig).code, TT_ERR_CORRUPT);
    poke(&rig, "journal-0000000001", 0, image, LOOK_SIZE);
    expect_ok(scan(&rig));
    tt_journal_map_deinit(&rig.map);
    assert_int_equal(unlinkat(rig.dir_fd, "journal-0000000001", 0), 0);
    expect_ok(scan(&rig));
    assert_int_equal(rig.map.segments[0].first_record, 3);
    tear_down(&rig);
}

static void a_missing_last_segment_is_refused(void **unused)
{
    (void)unused;
    struct rig rig;
    set_up(&rig);
    for (int i = 0; i < 2; i++) {
        start(&rig);
        write_batch(&rig, 1);
        stop(&rig);
    }
    char zeros[TT_JOURNAL_HEADER_SIZE + 256] = {0};
    poke(&rig, "journal-0000000002", 0, zeros, sizeof(zeros));
    assert_int_equal(scan(&rig).code, TT_ERR_CORRUPT); /* it is no segment that was being made */
    assert_int_equal(unlinkat(rig.dir_fd, "journal-0000000002", 0), 0);
    assert_int_equal(scan(&rig).code, TT_ERR_CORRUPT);
    assert_non_null(strstr(rig.sentence, "journal-0000000002 is missing"));
    assert_int_equal(rig.seen, 0);
    tear_down(&rig);
}

static void a_header_that_was_written_in_part_is_of_no_segment(void **unused)
{
    (void)unused;
    struct rig rig;
    char header[TT_JOURNAL_HEADER_SIZE] = {0};
    set_up(&rig);
    start(&rig);
    write_batch(&rig, 2);
    stop(&rig);
    peek(&rig, "journal-0000000001", header, sizeof(header) / 2);
    int fd = openat(rig.dir_fd, "journal-0000000002", O_RDWR | O_CREAT, 0600);
    assert_int_equal(write(fd, header, sizeof(header)), sizeof(header));
    close(fd);
    expect_ok(scan(&rig));
    assert_int_equal(rig.seen, 2);
    tear_down(&rig);
}

static void a_damaged_newest_is_refused_and_a_missing_one_is_none(void **unused)
{
    (void)unused;
    struct rig rig;
    set_up(&rig);
    start(&rig);
    write_batch(&rig, 1);
    stop(&rig);
    char bytes[20];
    peek(&rig, "newest", bytes, sizeof(bytes));
    for (size_t at = 0; at < sizeof(bytes); at++) {
        char flipped = (char)(bytes[at] ^ 1);
        poke(&rig, "newest", at, &flipped, 1);
        assert_int_equal(scan(&rig).code, TT_ERR_CORRUPT);
        poke(&rig, "newest", at, &bytes[at], 1);
    }
    assert_int_equal(unlinkat(rig.dir_fd, "newest", 0), 0); /* as in a store from before */
    expect_ok(scan(&rig));
    assert_int_equal(rig.seen, 1);
    tear_down(&rig);
}

static void a_missing_segment_in_between_is_refused(void **unused)
{
    (void)unused;
    struct rig rig;
    set_up(&rig);
    for (int i = 0; i < 3; i++) {
        start(&rig);
        write_batch(&rig, 1);
        stop(&rig);
    }
    assert_int_equal(unlinkat(rig.dir_fd, "journal-0000000002", 0), 0);
    assert_int_equal(scan(&rig).code, TT_ERR_CORRUPT);
    assert_non_null(strstr(rig.sentence, "missing"));
    tear_down(&rig);
}

/* The power went while the next file was being made: no header, or that of its earlier life. */
static void a_segment_that_was_never_begun_is_none(void **unused)
{
    (void)unused;
    struct rig rig;
    char image[LOOK_SIZE];
    uint64_t last;
    uint64_t end;
    three_batches(&rig, image, &last, &end);
    int fd = openat(rig.dir_fd, "journal-0000000002", O_RDWR | O_CREAT, 0600);
    assert_int_equal(ftruncate(fd, SEGMENT_SIZE), 0);
    expect_ok(scan(&rig));
    assert_int_equal(rig.map.next_record, 3);
    assert_int_equal(rig.map.segment_count, 1);
    assert_int_equal(rig.map.unbegun, 2);
    tt_journal_map_deinit(&rig.map);
    assert_int_equal(pwrite(fd, image, LOOK_SIZE, 0), LOOK_SIZE);
    close(fd);
    expect_ok(scan(&rig));
    tt_journal_map_deinit(&rig.map);
    assert_int_equal(faccessat(rig.dir_fd, "journal-0000000002", F_OK, 0), 0); /* it only looked */
    start(&rig);
    assert_int_equal(rig.seen, 3);
    tear_down(&rig);
}

/* Somebody's copy under a later number is none either, and goes when the next one is begun. */
static void a_copy_of_the_last_segment_is_none(void **unused)
{
    (void)unused;
    struct rig rig;
    char image[LOOK_SIZE];
    uint64_t last;
    uint64_t end;
    three_batches(&rig, image, &last, &end);
    int fd = openat(rig.dir_fd, "journal-0000000007", O_RDWR | O_CREAT, 0600);
    assert_int_equal(pwrite(fd, image, LOOK_SIZE, 0), LOOK_SIZE);
    close(fd);
    expect_ok(scan(&rig));
    assert_int_equal(rig.map.unbegun, 7);
    tt_journal_map_deinit(&rig.map);
    start(&rig);
    assert_int_equal(rig.seen, 3);
    assert_int_not_equal(faccessat(rig.dir_fd, "journal-0000000007", F_OK, 0), 0);
    tear_down(&rig);
}

/* What was overwritten as a whole proves nothing by frames; it still was never made like that. */
static void a_last_segment_full_of_rubbish_is_refused(void **unused)
{
    (void)unused;
    struct rig rig;
    char image[LOOK_SIZE];
    uint64_t last;
    uint64_t end;
    three_batches(&rig, image, &last, &end);
    memset(image, 'x', LOOK_SIZE);
    int fd = openat(rig.dir_fd, "journal-0000000002", O_RDWR | O_CREAT, 0600);
    assert_int_equal(pwrite(fd, image, LOOK_SIZE, 0), LOOK_SIZE);
    close(fd);
    assert_int_equal(scan(&rig).code, TT_ERR_CORRUPT);
    assert_int_equal(faccessat(rig.dir_fd, "journal-0000000002", F_OK, 0), 0);
    tear_down(&rig);
}

static void segments_roll_and_are_recycled(void **unused)
{
    (void)unused;
    struct rig rig;
    set_up(&rig);
    start(&rig);
    const unsigned per_batch = 5000;
    for (int i = 0; i < 60; i++) {
        write_batch(&rig, per_batch);
        if (i == 30)
            tt_journal_release(rig.journal, tt_journal_next_record(rig.journal) - 1);
    }
    assert_true(tt_journal_segment_count(rig.journal) > 1);
    uint64_t before = tt_journal_segment_count(rig.journal);
    stop(&rig);
    expect_ok(scan(&rig));
    assert_int_equal(rig.map.next_record, 60 * per_batch);
    assert_int_equal(rig.map.segment_count, before);
    assert_true(rig.map.segments[0].first_record > 0);
    tear_down(&rig);
}

static void a_failed_sync_is_an_error(void **unused)
{
    (void)unused;
    struct rig rig;
    set_up(&rig);
    start(&rig);
    struct tt_record record = {.kind = TT_RECORD_ALIVE};
    tt_journal_add(rig.journal, &record);
    rig.sync_fails = true;
    assert_int_equal(tt_journal_commit(rig.journal).code, TT_ERR_IO);
    tear_down(&rig);
}

static void a_record_fits_or_is_known_not_to(void **unused)
{
    (void)unused;
    struct rig rig;
    set_up(&rig);
    start(&rig);
    assert_true(tt_journal_fits(rig.journal, SEGMENT_SIZE - 256));
    assert_false(tt_journal_fits(rig.journal, SEGMENT_SIZE - 128));
    char *content = tt_alloc(SEGMENT_SIZE - 512);
    memset(content, 'x', SEGMENT_SIZE - 512);
    struct tt_record record = {.kind = TT_RECORD_CHOSEN, .user = tt_id_of("bob")};
    record.settings.display_name = tt_slice(content, SEGMENT_SIZE - 512);
    tt_journal_add(rig.journal, &record);
    expect_ok(tt_journal_commit(rig.journal));
    tt_free(content);
    tear_down(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_folder_is_an_empty_journal),
        cmocka_unit_test(what_was_committed_comes_back),
        cmocka_unit_test(a_tail_torn_at_any_byte_is_cut_off),
        cmocka_unit_test(a_tail_torn_from_the_front_is_cut_off),
        cmocka_unit_test(a_flipped_bit_is_refused),
        cmocka_unit_test(a_lost_marker_before_an_unsynced_batch_is_a_torn_tail),
        cmocka_unit_test(a_file_cut_short_behind_good_frames_is_refused),
        cmocka_unit_test(damage_in_an_earlier_segment_is_refused),
        cmocka_unit_test(a_missing_segment_in_between_is_refused),
        cmocka_unit_test(a_missing_last_segment_is_refused),
        cmocka_unit_test(a_header_that_was_written_in_part_is_of_no_segment),
        cmocka_unit_test(a_damaged_newest_is_refused_and_a_missing_one_is_none),
        cmocka_unit_test(a_segment_that_was_never_begun_is_none),
        cmocka_unit_test(a_copy_of_the_last_segment_is_none),
        cmocka_unit_test(a_last_segment_full_of_rubbish_is_refused),
        cmocka_unit_test(segments_roll_and_are_recycled),
        cmocka_unit_test(a_failed_sync_is_an_error),
        cmocka_unit_test(a_record_fits_or_is_known_not_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
