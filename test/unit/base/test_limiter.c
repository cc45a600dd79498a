#include "unit.h"

#include "base/limiter.h"

static const struct tt_limiter_rule rule = {3, 1000};

static void a_burst_and_then_one_each(void **unused)
{
    (void)unused;
    struct tt_limiter *limiter = tt_limiter_create(1024, 1);
    struct tt_slice key = TT_SLICE_LITERAL("alice");
    tt_mono now = TT_MONO(50000);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(tt_limiter_wait_ms(limiter, &rule, key, now), 0);
        tt_limiter_take(limiter, &rule, key, now);
    }
    assert_int_equal(tt_limiter_wait_ms(limiter, &rule, key, now), 1000);
    now.ms += 999;
    assert_int_equal(tt_limiter_wait_ms(limiter, &rule, key, now), 1);
    now.ms += 1;
    assert_int_equal(tt_limiter_wait_ms(limiter, &rule, key, now), 0);
    tt_limiter_take(limiter, &rule, key, now);
    assert_int_equal(tt_limiter_wait_ms(limiter, &rule, key, now), 1000);
    now.ms += 10000; /* idle: the burst is back, and no more than that */
    for (int i = 0; i < 3; i++)
        tt_limiter_take(limiter, &rule, key, now);
    assert_int_equal(tt_limiter_wait_ms(limiter, &rule, key, now), 1000);
    tt_limiter_destroy(&limiter);
}

static void keys_do_not_share(void **unused)
{
    (void)unused;
    struct tt_limiter *limiter = tt_limiter_create(65536, 7);
    for (int i = 0; i < 3; i++)
        tt_limiter_take(limiter, &rule, TT_SLICE_LITERAL("alice"), TT_MONO(1));
    assert_int_not_equal(tt_limiter_wait_ms(limiter, &rule, TT_SLICE_LITERAL("alice"), TT_MONO(1)),
                         0);
    assert_int_equal(tt_limiter_wait_ms(limiter, &rule, TT_SLICE_LITERAL("bob"), TT_MONO(1)), 0);
    tt_limiter_destroy(&limiter);
}

static void what_is_given_back_may_be_taken_again(void **unused)
{
    (void)unused;
    struct tt_limiter *limiter = tt_limiter_create(16, 1);
    struct tt_slice key = TT_SLICE_LITERAL("alice");
    for (int i = 0; i < 100; i++) {
        assert_int_equal(tt_limiter_wait_ms(limiter, &rule, key, TT_MONO(1)), 0);
        tt_limiter_take(limiter, &rule, key, TT_MONO(1));
        tt_limiter_give_back(limiter, &rule, key);
    }
    tt_limiter_destroy(&limiter);
}

static void no_burst_is_no_limit(void **unused)
{
    (void)unused;
    const struct tt_limiter_rule none = {0, 1000};
    struct tt_limiter *limiter = tt_limiter_create(16, 1);
    for (int i = 0; i < 100; i++)
        tt_limiter_take(limiter, &none, TT_SLICE_LITERAL("alice"), TT_MONO(1));
    assert_int_equal(tt_limiter_wait_ms(limiter, &none, TT_SLICE_LITERAL("alice"), TT_MONO(1)), 0);
    tt_limiter_destroy(&limiter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_burst_and_then_one_each),
        cmocka_unit_test(keys_do_not_share),
        cmocka_unit_test(what_is_given_back_may_be_taken_again),
        cmocka_unit_test(no_burst_is_no_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
