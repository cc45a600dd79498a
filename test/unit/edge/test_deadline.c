#include "unit.h"

#include "edge/deadline.h"

static const uint64_t ms[TT_DEADLINE_KINDS] = {[TT_DEADLINE_HEAD] = 10,
                                               [TT_DEADLINE_BODY] = 30,
                                               [TT_DEADLINE_ANSWER] = 20,
                                               [TT_DEADLINE_IDLE] = 50};

static void ends_come_in_their_order(void **unused)
{
    (void)unused;
    struct tt_deadlines all;
    struct tt_deadline a = {0};
    struct tt_deadline b = {0};
    struct tt_deadline c = {0};
    tt_deadlines_init(&all, ms);
    assert_int_equal(tt_deadlines_next(&all).ms, 0);
    assert_null(tt_deadlines_due(&all, TT_MONO(1000)));

    tt_deadline_set(&all, &a, TT_DEADLINE_BODY, TT_MONO(100));
    tt_deadline_set(&all, &b, TT_DEADLINE_HEAD, TT_MONO(105));
    tt_deadline_set(&all, &c, TT_DEADLINE_HEAD, TT_MONO(106));
    assert_int_equal(tt_deadlines_next(&all).ms, 115);
    assert_null(tt_deadlines_due(&all, TT_MONO(114)));
    assert_ptr_equal(tt_deadlines_due(&all, TT_MONO(115)), &b);
    tt_deadline_set(&all, &b, TT_DEADLINE_NONE, TT_MONO(115));
    assert_int_equal(tt_deadlines_next(&all).ms, 116);
    tt_deadline_set(&all, &c, TT_DEADLINE_IDLE, TT_MONO(116));
    assert_ptr_equal(tt_deadlines_due(&all, TT_MONO(500)), &a);
    tt_deadline_set(&all, &a, TT_DEADLINE_ANSWER, TT_MONO(130));
    assert_int_equal(tt_deadlines_next(&all).ms, 150);
    tt_deadline_set(&all, &a, TT_DEADLINE_NONE, TT_MONO(131));
    assert_ptr_equal(tt_deadlines_due(&all, TT_MONO(166)), &c);
    tt_deadline_set(&all, &c, TT_DEADLINE_NONE, TT_MONO(166));
    tt_deadline_set(&all, &c, TT_DEADLINE_NONE, TT_MONO(166));
    assert_int_equal(tt_deadlines_next(&all).ms, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(ends_come_in_their_order)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
