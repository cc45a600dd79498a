#include "unit.h"

#include "core/rate.h"

/* The whole burst at once, then exactly the rate. */
static void a_burst_and_then_the_rate(void **unused)
{
    (void)unused;
    struct tt_rate rate = {0};
    for (int i = 0; i < 500; i++)
        assert_int_equal(tt_rate_take(&rate, 100, TT_MONO(1000)), 0);
    uint32_t wait_ms = tt_rate_take(&rate, 100, TT_MONO(1000));
    assert_in_range(wait_ms, 1, 11);
    assert_int_equal(tt_rate_take(&rate, 100, TT_MONO(1000 + wait_ms)), 0);

    int taken = 0;
    for (uint64_t ms = 2000; ms < 12000; ms++)
        taken += tt_rate_take(&rate, 100, TT_MONO(ms)) == 0;
    assert_in_range(taken, 1090, 1110); /* ten seconds, and what had filled up before */
}

static void no_limit_is_no_limit(void **unused)
{
    (void)unused;
    struct tt_rate rate = {0};
    for (int i = 0; i < 100000; i++)
        assert_int_equal(tt_rate_take(&rate, 0, TT_MONO(1)), 0);
}

/* Refused without a pause for ten seconds is abuse; with pauses it is not. */
static void going_on_is_abuse(void **unused)
{
    (void)unused;
    struct tt_rate rate = {0};
    uint64_t cut_ms = 0;
    for (uint64_t ms = 1; ms < 30000 && cut_ms == 0; ms++)
        for (int i = 0; i < 5; i++)
            if (tt_rate_take(&rate, 100, TT_MONO(ms)) != 0 && tt_rate_is_abused(&rate, TT_MONO(ms)))
                cut_ms = ms;
    assert_in_range(cut_ms, 10000, 10300);

    struct tt_rate patient = {0};
    for (uint64_t second = 1; second < 60; second++) {
        uint64_t ms = second * 5000;
        for (int i = 0; i < 1000; i++)
            if (tt_rate_take(&patient, 100, TT_MONO(ms)) != 0)
                assert_false(tt_rate_is_abused(&patient, TT_MONO(ms)));
    }
}

/* Who was never refused, and who has stopped. */
static void only_who_is_refused_now_abuses(void **unused)
{
    (void)unused;
    struct tt_rate rate = {0};
    assert_false(tt_rate_is_abused(&rate, TT_MONO(20000)));
    for (uint64_t ms = 1; ms < 12000; ms++)
        for (int i = 0; i < 5; i++)
            (void)tt_rate_take(&rate, 100, TT_MONO(ms));
    assert_true(tt_rate_is_abused(&rate, TT_MONO(11999)));
    assert_false(tt_rate_is_abused(&rate, TT_MONO(12500)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_burst_and_then_the_rate),
        cmocka_unit_test(no_limit_is_no_limit),
        cmocka_unit_test(going_on_is_abuse),
        cmocka_unit_test(only_who_is_refused_now_abuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
