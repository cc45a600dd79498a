/*
 * Looks at an index for which nobody waits, beside the model of index_bench, and several rows at
 * once.
 */
#include "index_bench.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "adapter/embedded/index_parts.h"
#include "adapter/embedded/memtable_parts.h"
#include "adapter/embedded/read.h"
#include "adapter/embedded/read_parts.h"

/* Through a glance every row is as it is now, or nothing is said of it. How many were said. */
static size_t expect_glance(const struct tt_view *glance, const struct state *state)
{
    struct tt_buffer value = {0};
    size_t said = 0;
    for (size_t i = 0; i < KEYS; i++) {
        char key[16];
        tt_err err = tt_view_get(glance, key_of(i, key), &value);
        if (tt_err_is(err, TT_ERR_UNAVAILABLE))
            continue;
        said++;
        assert_true(state->values[i] != 0 ? tt_is_ok(err) : tt_err_is(err, TT_ERR_NOT_FOUND));
        if (tt_is_ok(err))
            expect_row(key_of(i, key), tt_buffer_slice(&value), i, state);
    }
    tt_buffer_deinit(&value);
    return said;
}

static void a_glance_says_what_lies_in_memory(void **unused)
{
    (void)unused;
    struct bench bench;
    set_up(&bench, 23);
    struct tt_view *glance = tt_glance_create(bench.index);
    for (size_t i = 0; i < 200; i++) {
        write_some(&bench);
        if (i > 0 && draw(&bench, 20) == 0)
            expect_ok(tt_index_flush(bench.index, true));
        assert_true(tt_glance_begin(glance));
        size_t said = expect_glance(glance, &bench.now);
        assert_true(tt_glance_end(glance));
        if (i == 0) /* no file is there yet */
            assert_int_equal(said, KEYS);
    }
    tt_glance_destroy(&glance);
    tear_down(&bench);
}

/* Rows of a file that nobody has read yet. */
static void a_glance_waits_for_no_file(void **unused)
{
    (void)unused;
    struct bench bench;
    set_up(&bench, 29);
    for (uint32_t i = 0; i < KEYS; i++)
        set(&bench, i, i + 1);
    expect_ok(tt_index_write(bench.index));
    expect_ok(tt_index_flush(bench.index, true));
    tt_index_close(&bench.index);
    open_index(&bench);
    struct tt_view *glance = tt_glance_create(bench.index);
    assert_true(tt_glance_begin(glance));
    assert_int_equal(expect_glance(glance, &bench.now), 0);
    assert_true(tt_glance_end(glance));
    expect_keys(tt_index_latest(bench.index), &bench.now);
    assert_true(tt_glance_begin(glance));
    assert_int_equal(expect_glance(glance, &bench.now), KEYS);
    struct tt_walk *walk = tt_walk_create(glance, TT_SLICE_LITERAL("m"));
    tt_walk_to(walk, TT_SLICE_LITERAL("m"));
    assert_false(tt_walk_valid(walk));
    tt_walk_back_to(walk, TT_SLICE_LITERAL("mz"));
    assert_false(tt_walk_valid(walk));
    assert_true(tt_err_is(tt_walk_destroy(&walk), TT_ERR_UNAVAILABLE));
    assert_true(tt_glance_end(glance));
    tt_glance_destroy(&glance);
    tear_down(&bench);
}

static void a_glance_over_a_freeze_is_forgotten(void **unused)
{
    (void)unused;
    struct bench bench;
    set_up(&bench, 31);
    struct tt_view *glance = tt_glance_create(bench.index);
    write_some(&bench);
    assert_true(tt_glance_begin(glance));
    expect_ok(tt_index_flush(bench.index, true));
    assert_false(tt_glance_end(glance));
    assert_true(tt_glance_begin(glance));
    write_some(&bench); /* is not seen, and harms nothing */
    assert_true(tt_glance_end(glance));
    tt_glance_destroy(&glance);
    tear_down(&bench);
}

struct race {
    struct bench bench;
    _Atomic bool is_over;
    _Atomic size_t seen; /* pairs */
};

static uint32_t number_in(struct tt_slice value)
{
    uint32_t number = 0;
    for (size_t i = strlen("value "); i < value.size; i++)
        number = number * 10 + (uint32_t)(value.data[i] - '0');
    return number;
}

/* The first and the last key are always written together, with the same value. */
static void *glance_again_and_again(void *context)
{
    struct race *race = context;
    struct tt_view *glance = tt_glance_create(race->bench.index);
    struct tt_buffer values[2] = {{0}, {0}};
    uint32_t last = 0;
    while (!atomic_load(&race->is_over)) {
        char keys[2][16];
        if (!tt_glance_begin(glance))
            continue;
        tt_err first = tt_view_get(glance, key_of(0, keys[0]), &values[0]);
        tt_err second = tt_view_get(glance, key_of(KEYS - 1, keys[1]), &values[1]);
        if (!tt_glance_end(glance) || !tt_is_ok(first) || !tt_is_ok(second))
            continue;
        assert_true(tt_slice_eq(tt_buffer_slice(&values[0]), tt_buffer_slice(&values[1])));
        assert_true(number_in(tt_buffer_slice(&values[0])) >= last);
        last = number_in(tt_buffer_slice(&values[0]));
        atomic_fetch_add(&race->seen, 1);
    }
    tt_buffer_deinit(&values[0]);
    tt_buffer_deinit(&values[1]);
    tt_glance_destroy(&glance);
    return NULL;
}

static void a_glance_sees_batches_whole(void **unused)
{
    (void)unused;
    enum { BATCHES = 4000, SEEN = 100 };
    struct race race = {.seen = 0};
    pthread_t thread;
    set_up(&race.bench, 37);
    assert_int_equal(pthread_create(&thread, NULL, glance_again_and_again, &race), 0);
    for (uint32_t i = 1; i <= BATCHES || atomic_load(&race.seen) < SEEN; i++) {
        set(&race.bench, 0, i);
        set(&race.bench, KEYS - 1, i);
        set(&race.bench, 1 + i % (KEYS - 2), i);
        expect_ok(tt_index_write(race.bench.index));
        if (i % 50 == 0)
            expect_ok(tt_index_flush(race.bench.index, i % 200 == 0));
    }
    atomic_store(&race.is_over, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    tear_down(&race.bench);
}

static struct tt_slice numbered(char table, uint64_t number, char key[16])
{
    memcpy(key, "xid", 4); /* with its zero byte */
    key[0] = table;
    for (int i = 0; i < 8; i++)
        key[4 + i] = (char)(number >> (56 - 8 * i));
    return tt_slice(key, 12);
}

/* Rows `from` to `to` of the table, each with its number as its value. */
static void write_numbered(struct bench *bench, char table, uint64_t from, uint64_t to)
{
    for (uint64_t i = from; i <= to; i++) {
        char key[16];
        tt_index_put(bench->index, numbered(table, i, key), tt_slice(&i, sizeof(i)));
    }
    expect_ok(tt_index_write(bench->index));
}

static size_t recent(const struct bench *bench, uint64_t number, struct tt_slice *rows, size_t max)
{
    char key[16];
    return tt_view_find_recent(tt_index_latest(bench->index), numbered('x', number, key), rows,
                               max);
}

static void rows_in_a_row_are_found_at_once(void **unused)
{
    (void)unused;
    struct bench bench;
    struct tt_slice rows[200];
    char key[16];
    set_up(&bench, 41);
    write_numbered(&bench, 'x', 250, 300); /* beyond a change of the last byte but one */
    write_numbered(&bench, 'x', 302, 310);
    write_numbered(&bench, 'y', 301, 301);
    assert_int_equal(recent(&bench, 250, rows, 10), 10);
    for (uint64_t i = 0; i < 10; i++) {
        uint64_t number = 250 + i;
        assert_true(tt_slice_eq(rows[i], tt_slice(&number, sizeof(number))));
    }
    assert_int_equal(recent(&bench, 295, rows, 20), 6); /* 301 is missing */
    assert_int_equal(recent(&bench, 301, rows, 20), 0);
    assert_int_equal(recent(&bench, 310, rows, 20), 1);
    assert_int_equal(recent(&bench, 311, rows, 20), 0);
    assert_int_equal(recent(&bench, 249, rows, 20), 0);
    tt_index_delete(bench.index, numbered('x', 305, key));
    expect_ok(tt_index_write(bench.index));
    assert_int_equal(recent(&bench, 302, rows, 20), 3);
    struct tt_view *before = tt_view_create(bench.index);
    write_numbered(&bench, 'x', 311, 320);
    assert_int_equal(
        tt_view_find_recent(before, numbered('x', 306, key), rows, sizeof(rows) / sizeof(rows[0])),
        5);
    tt_view_destroy(&before);
    assert_int_equal(recent(&bench, 306, rows, 200), 15);
    tear_down(&bench);
}

#define FILES         60
#define ROWS_PER_FILE 50

/* A fresh index whose rows `put` has put, by their numbers, which are spread over so many files
 * that RocksDB does not open all of them by itself at a start. */
static void set_up_many_files(struct bench *bench, uint64_t seed,
                              void (*put)(struct bench *bench, unsigned number))
{
    set_up(bench, seed);
    tt_index_allow_compaction(bench->index, false);
    for (unsigned file = 0; file < FILES; file++) {
        for (unsigned i = 0; i < ROWS_PER_FILE; i++)
            put(bench, i * FILES + file);
        expect_ok(tt_index_write(bench->index));
        expect_ok(tt_index_flush(bench->index, true));
    }
    tt_index_close(&bench->index);
    open_index(bench);
}

static void put_even(struct bench *bench, unsigned number)
{
    char key[16];
    tt_index_put(bench->index, numbered('x', 2ULL * number, key), TT_SLICE_LITERAL("1"));
}

/* Of a file that is not open RocksDB says that it may have the row, which is no answer. */
static void a_glance_believes_no_file_that_is_not_open(void **unused)
{
    (void)unused;
    struct bench bench;
    struct tt_buffer value = {0};
    size_t unknown = 0;
    set_up_many_files(&bench, 43, put_even);
    struct tt_view *glance = tt_glance_create(bench.index);
    for (uint64_t i = 0; i < 2ULL * FILES * ROWS_PER_FILE; i++) {
        char key[16];
        assert_true(tt_glance_begin(glance));
        tt_err err = tt_view_get(glance, numbered('x', i, key), &value);
        assert_true(tt_glance_end(glance));
        if (tt_err_is(err, TT_ERR_UNAVAILABLE))
            unknown++;
        else if (i % 2 != 0)
            assert_true(tt_err_is(err, TT_ERR_NOT_FOUND));
        else
            assert_true(tt_is_ok(err) && value.size == 1);
    }
    assert_true(unknown > 0);
    tt_glance_destroy(&glance);
    tt_buffer_deinit(&value);
    tear_down(&bench);
}

#define MEMBERS 150

static tt_id member(unsigned number)
{
    char name[8];
    snprintf(name, sizeof(name), "u%03u", number);
    return tt_id_of(name);
}

static void put_cursor(struct bench *bench, unsigned number, uint64_t seq)
{
    const tt_id conversation = tt_id_of("group");
    const tt_id user = member(number);
    struct tt_key key = tt_key_of_two(TT_TABLE_STATUS, &conversation, &user);
    struct tt_status_row row = {.cursor = {TT_SEQ(seq), TT_SEQ(seq)}};
    struct tt_buffer bytes = {0};
    tt_row_pack_status(&row, &bytes);
    tt_index_put(bench->index, tt_key_slice(&key), tt_buffer_slice(&bytes));
    tt_buffer_deinit(&bytes);
}

/* Each member's cursor as that view has it; `seqs` says what it should be. */
static void expect_cursors(const struct tt_view *view, const uint64_t seqs[MEMBERS])
{
    tt_id members[MEMBERS];
    struct tt_arena arena = {0};
    struct tt_reading reading = {.view = view, .arena = &arena};
    const struct tt_conversation group = {
        .id = tt_id_of("group"), .members = members, .member_count = MEMBERS};
    struct tt_member_cursor *cursors;
    for (unsigned i = 0; i < MEMBERS; i++)
        members[i] = member(i);
    expect_ok(tt_read_cursors(&reading, &group, NULL, &cursors));
    for (unsigned i = 0; i < MEMBERS; i++) {
        assert_true(tt_id_eq(&cursors[i].user, &members[i]));
        assert_int_equal(cursors[i].cursor.read.n, seqs[i]);
    }
    tt_buffer_deinit(&reading.value);
    tt_arena_deinit(&arena);
}

/* Some in a file, some in the frozen memtable, some in the youngest, and some nowhere; seen by who
 * looked before something of it changed, and after. */
static void cursors_are_those_of_the_view(void **unused)
{
    (void)unused;
    enum { STATES = 60 };
    struct bench bench;
    struct tt_view *views[STATES];
    static uint64_t seqs[STATES][MEMBERS];
    uint64_t now[MEMBERS] = {0};
    set_up(&bench, 47);
    for (unsigned state = 0; state < STATES; state++) {
        for (unsigned i = draw(&bench, MEMBERS / 2) + 1; i > 0; i--) {
            unsigned number = draw(&bench, MEMBERS - 3); /* the last ones have no row, ever */
            put_cursor(&bench, number, ++now[number]);
        }
        expect_ok(tt_index_write(bench.index));
        views[state] = tt_view_create(bench.index);
        memcpy(seqs[state], now, sizeof(now));
        if (draw(&bench, 8) == 0)
            expect_ok(tt_index_flush(bench.index, false));
        unsigned earlier = draw(&bench, state + 1);
        expect_cursors(views[earlier], seqs[earlier]);
    }
    for (unsigned state = 0; state < STATES; state++) {
        expect_cursors(views[state], seqs[state]);
        tt_view_destroy(&views[state]);
    }
    tear_down(&bench);
}

/* Or it would take the frozen table's for the newest. */
static void a_glance_knows_no_cursors_while_they_are_written(void **unused)
{
    (void)unused;
    struct bench bench;
    tt_id members[MEMBERS];
    struct tt_arena arena = {0};
    struct tt_member_cursor *cursors;
    const struct tt_conversation group = {
        .id = tt_id_of("group"), .members = members, .member_count = MEMBERS};
    set_up(&bench, 53);
    for (unsigned i = 0; i < MEMBERS; i++) {
        members[i] = member(i);
        put_cursor(&bench, i, 1);
    }
    expect_ok(tt_index_write(bench.index));
    struct tt_view *glance = tt_glance_create(bench.index);
    assert_true(tt_glance_begin(glance));
    struct tt_reading reading = {.view = glance, .arena = &arena};
    expect_ok(tt_read_cursors(&reading, &group, NULL, &cursors));
    pthread_rwlock_wrlock(&glance->tables[0]->lock);
    tt_err err = tt_read_cursors(&reading, &group, NULL, &cursors);
    assert_true(tt_err_is(err, TT_ERR_UNAVAILABLE));
    pthread_rwlock_unlock(&glance->tables[0]->lock);
    assert_true(tt_glance_end(glance));
    tt_buffer_deinit(&reading.value);
    tt_arena_deinit(&arena);
    tt_glance_destroy(&glance);
    tear_down(&bench);
}

static void put_membership(struct bench *bench, unsigned number)
{
    char name[16];
    snprintf(name, sizeof(name), "%c%u", number / FILES % 2 == 0 ? 'a' : 'z', number);
    const tt_id user = tt_id_of(name);
    const tt_id other = tt_id_of("other");
    struct tt_key key = tt_key_of_two(TT_TABLE_LISTS, &user, &other);
    struct tt_buffer bytes = {0};
    tt_row_pack_nothing(&bytes);
    tt_index_put(bench->index, tt_key_slice(&key), tt_buffer_slice(&bytes));
    tt_buffer_deinit(&bytes);
}

/* Whatever of the store is at hand. */
static void who_is_no_member_is_none_at_a_glance(void **unused)
{
    (void)unused;
    struct bench bench;
    struct tt_buffer bytes = {0};
    const struct tt_head_row head = {.head = TT_SEQ(42)};
    set_up_many_files(&bench, 59, put_membership);
    struct tt_store_op *op = tt_store_op_create(TT_STORE_POSITIONS);
    op->positions.conversation = tt_id_of("group");
    op->positions.user = tt_id_of("mallory");
    struct tt_key key = tt_key_of(TT_TABLE_HEADS, &op->positions.conversation);
    tt_row_pack_head(&head, &bytes);
    tt_index_put(bench.index, tt_key_slice(&key), tt_buffer_slice(&bytes));
    expect_ok(tt_index_write(bench.index));
    struct tt_view *glance = tt_glance_create(bench.index);
    if (tt_read_at_once(glance, op))
        assert_true(tt_err_is(op->err, TT_ERR_NOT_FOUND));
    tt_glance_destroy(&glance);
    tt_store_op_destroy(&op);
    tt_buffer_deinit(&bytes);
    tear_down(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_glance_says_what_lies_in_memory),
        cmocka_unit_test(a_glance_waits_for_no_file),
        cmocka_unit_test(a_glance_over_a_freeze_is_forgotten),
        cmocka_unit_test(a_glance_sees_batches_whole),
        cmocka_unit_test(rows_in_a_row_are_found_at_once),
        cmocka_unit_test(a_glance_believes_no_file_that_is_not_open),
        cmocka_unit_test(cursors_are_those_of_the_view),
        cmocka_unit_test(a_glance_knows_no_cursors_while_they_are_written),
        cmocka_unit_test(who_is_no_member_is_none_at_a_glance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
