#include "unit.h"

#include "app/bench/histogram.h"

static void an_empty_one_says_nothing(void **unused)
{
    (void)unused;
    struct tt_histogram histogram = {.count = 0};
    assert_true(tt_histogram_ms(&histogram, 0.99) == 0);
}

/* Every percentile of every size is right to 1/32, and never too small. */
static void percentiles_are_right_at_every_size(void **unused)
{
    (void)unused;
    static struct tt_histogram histogram;
    for (uint64_t scale = 1; scale < 1000000000000ULL; scale *= 7) {
        histogram = (struct tt_histogram){.count = 0};
        for (uint64_t i = 1; i <= 1000; i++)
            tt_histogram_add(&histogram, i * scale);
        for (int part = 1; part <= 10; part++) {
            double exact = (double)part * 100 * (double)scale / 1e6;
            double found = tt_histogram_ms(&histogram, (double)part / 10);
            assert_true(found >= exact * 0.999999);
            assert_true(found <= exact * (1 + 1.0 / 32) + 1e-6);
        }
    }
}

/* What is longer than all buckets counts in the last one, and the largest is known exactly. */
static void nothing_is_too_long(void **unused)
{
    (void)unused;
    static struct tt_histogram histogram;
    histogram = (struct tt_histogram){.count = 0};
    tt_histogram_add(&histogram, UINT64_MAX);
    assert_int_equal(histogram.count, 1);
    assert_true(tt_histogram_ms(&histogram, 1) > 1e12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_one_says_nothing),
        cmocka_unit_test(percentiles_are_right_at_every_size),
        cmocka_unit_test(nothing_is_too_long),
    };
    return cmocka_run_group_tests_name("histogram", tests, NULL, NULL);
}
