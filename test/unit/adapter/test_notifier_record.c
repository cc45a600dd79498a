#include "unit.h"

#include "adapter/clock_os.h"
#include "adapter/entropy_os.h"
#include "adapter/notifier_record.h"

static void the_latest_are_remembered_without_their_content(void **unused)
{
    (void)unused;
    struct tt_notifier_record record = {.log = NULL};
    struct tt_notifier_port port = tt_notifier_record(&record);
    for (uint64_t i = 0; i < TT_NOTIFIER_RECORD_MAX + 3; i++)
        port.notify(port.self, &(struct tt_notification){.kind = TT_NOTIFY_RING,
                                                         .seq = TT_SEQ(i),
                                                         .content = TT_SLICE_LITERAL("hey")});
    assert_int_equal(record.count, TT_NOTIFIER_RECORD_MAX + 3);
    assert_int_equal(record.latest[2].seq.n, TT_NOTIFIER_RECORD_MAX + 2);
    assert_int_equal(record.latest[3].seq.n, 3);
    assert_int_equal(record.latest[2].content.size, 0);
}

static void the_clocks_run(void **unused)
{
    (void)unused;
    struct tt_clock_port clock = tt_clock_os();
    uint64_t before = clock.mono(clock.self).ms;
    assert_true(before > 0);
    assert_true(clock.mono(clock.self).ms >= before);
    assert_true(clock.wall(clock.self).ms > 1700000000000);
}

static void entropy_does_not_repeat(void **unused)
{
    (void)unused;
    struct tt_entropy_os pool = {.left = 0};
    struct tt_entropy_port entropy = tt_entropy_os(&pool);
    uint64_t drawn[3 * TT_ENTROPY_OS_BLOCK];
    for (size_t i = 0; i < sizeof(drawn) / sizeof(drawn[0]); i++) {
        drawn[i] = entropy.next(entropy.self);
        for (size_t j = 0; j < i; j++)
            assert_true(drawn[j] != drawn[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_latest_are_remembered_without_their_content),
        cmocka_unit_test(the_clocks_run),
        cmocka_unit_test(entropy_does_not_repeat),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
