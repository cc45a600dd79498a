#include "unit.h"

#include "driver/driver.h"

/* A driver whose clocks say how often they were read. */
struct bench {
    struct tt_driver *driver;
    int64_t ms;
    unsigned mono_reads;
    unsigned wall_reads;
};

static tt_mono mono(void *self)
{
    struct bench *bench = self;
    bench->mono_reads++;
    return TT_MONO((uint64_t)bench->ms);
}

static tt_time wall(void *self)
{
    struct bench *bench = self;
    bench->wall_reads++;
    return TT_TIME(bench->ms);
}

static uint64_t next(void *self)
{
    (void)self;
    return 4; /* by a fair die */
}

static void flush_bus(void *self)
{
    (void)self;
}

static void take_ops(void *self, struct tt_store_op *const *ops, size_t count)
{
    (void)self;
    for (size_t i = 0; i < count; i++) {
        struct tt_store_op *op = ops[i];
        tt_store_op_destroy(&op);
    }
}

static void set_up(struct bench *bench)
{
    *bench = (struct bench){.ms = 1};
    const struct tt_driver_ports ports = {
        .store = {.self = bench, .submit = take_ops},
        .bus = {.self = bench, .flush = flush_bus},
        .clock = {.self = bench, .wall = wall, .mono = mono},
        .entropy = {.self = bench, .next = next},
    };
    struct tt_core_options options = tt_core_options_default();
    options.reports_alive = true;
    bench->driver = tt_driver_create(&options, &ports);
}

static void post(struct bench *bench, size_t count)
{
    for (size_t i = 0; i < count; i++)
        tt_driver_post(bench->driver, &(struct tt_event){.kind = TT_EVENT_TICK});
}

static void events_of_one_moment_share_a_look_at_the_clocks(void **unused)
{
    (void)unused;
    struct bench bench;
    set_up(&bench);
    post(&bench, 8);
    assert_int_equal(bench.mono_reads, 1);
    assert_int_equal(bench.wall_reads, 1);
    post(&bench, 1);
    assert_int_equal(bench.wall_reads, 2);
    post(&bench, 7);
    assert_int_equal(bench.wall_reads, 2);
    tt_driver_destroy(&bench.driver);
}

/* However long the owner slept after it. */
static void the_first_event_after_a_flush_has_the_time(void **unused)
{
    (void)unused;
    struct bench bench;
    set_up(&bench);
    post(&bench, 1);
    for (unsigned turn = 1; turn <= 20; turn++) {
        tt_driver_flush(bench.driver);
        unsigned before = bench.wall_reads;
        post(&bench, 1);
        assert_int_equal(bench.wall_reads, before + 1);
    }
    tt_driver_destroy(&bench.driver);
}

/* A TICK that was due by an older time than the core's would be due for ever. */
static void what_is_due_is_stepped_with_the_time_of_now(void **unused)
{
    (void)unused;
    struct bench bench;
    set_up(&bench);
    post(&bench, 1);
    for (unsigned turn = 0; turn < 50; turn++) {
        tt_mono deadline = tt_driver_deadline(bench.driver);
        assert_true(deadline.ms != 0);
        bench.ms = (int64_t)deadline.ms;
        post(&bench, 1);
        bench.ms++;
        tt_driver_flush(bench.driver);
        assert_true(tt_driver_deadline(bench.driver).ms > deadline.ms);
    }
    tt_driver_destroy(&bench.driver);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_of_one_moment_share_a_look_at_the_clocks),
        cmocka_unit_test(the_first_event_after_a_flush_has_the_time),
        cmocka_unit_test(what_is_due_is_stepped_with_the_time_of_now),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
