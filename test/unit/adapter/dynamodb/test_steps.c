#include "unit.h"

#include "adapter/dynamodb/steps.h"

static struct tt_slice add(struct tt_slice steps, enum tt_happening_kind kind, uint64_t from,
                           uint64_t to, int64_t at, const char *device, struct tt_arena *arena)
{
    struct tt_happening step = {
        .kind = kind, .from = TT_SEQ(from), .to = TT_SEQ(to), .at = TT_TIME(at)};
    if (device != NULL)
        step.device = tt_id_of(device);
    return tt_ddb_steps_add(steps, &step, arena);
}

static void what_was_written_is_read(void **state)
{
    (void)state;
    struct tt_arena arena = {0};
    struct tt_slice steps = TT_SLICE_EMPTY;
    steps = add(steps, TT_HAPPENED_DELIVERED, 1, 3, 50, NULL, &arena);
    steps = add(steps, TT_HAPPENED_READ, 2, 2, 60, NULL, &arena);
    steps = add(steps, TT_HAPPENED_CONNECTED, 0, 0, 70, "a.b:c@d", &arena);
    const char *expected = "d1-3@50;r2-2@60;c@70=a.b:c@d;";
    assert_int_equal(steps.size, strlen(expected));
    assert_memory_equal(steps.data, expected, steps.size);
    assert_int_equal(tt_ddb_steps_count(steps), 3);
    struct tt_happening step = {.user = tt_id_of("bob")};
    assert_true(tt_ddb_steps_next(&steps, &step));
    assert_int_equal(step.kind, TT_HAPPENED_DELIVERED);
    assert_int_equal(step.to.n, 3);
    assert_true(tt_ddb_steps_next(&steps, &step));
    assert_int_equal(step.at.ms, 60);
    assert_true(tt_ddb_steps_next(&steps, &step));
    assert_true(tt_id_eq(&step.device, &(tt_id){7, "a.b:c@d"}));
    assert_true(tt_id_eq(&step.user, &(tt_id){3, "bob"}));
    assert_false(tt_ddb_steps_next(&steps, &step));
    tt_arena_deinit(&arena);
}

static void what_is_no_step_is_passed_over(void **state)
{
    (void)state;
    struct tt_slice steps = TT_SLICE_LITERAL("d1-@5;x;;d9999999999999999999999-1@1;r1-1@7;");
    struct tt_happening step = {.kind = TT_HAPPENED_STORED};
    assert_true(tt_ddb_steps_next(&steps, &step));
    assert_int_equal(step.at.ms, 7);
    assert_false(tt_ddb_steps_next(&steps, &step));
}

static void a_long_text_is_cut_between_two_steps(void **state)
{
    (void)state;
    struct tt_arena arena = {0};
    struct tt_slice steps = TT_SLICE_EMPTY;
    uint64_t count = 0;
    while (tt_ddb_steps_cut(steps) == 0) {
        count++;
        steps = add(steps, TT_HAPPENED_READ, count, count, 1705312800000, NULL, &arena);
    }
    size_t cut = tt_ddb_steps_cut(steps);
    assert_int_equal(steps.data[cut - 1], ';');
    assert_int_equal(tt_ddb_steps_count(tt_slice(steps.data, cut)) +
                         tt_ddb_steps_count(tt_slice_from(steps, cut)),
                     count);
    assert_true(cut > steps.size / 3);
    tt_arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_is_read),
        cmocka_unit_test(what_is_no_step_is_passed_over),
        cmocka_unit_test(a_long_text_is_cut_between_two_steps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
