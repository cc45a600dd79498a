#include "unit.h"

#include "core/timer.h"

#define TIMERS 40

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525U + 1013904223U;
    return *state >> 8;
}

/* The one that a reader of the table would take: the earliest, and of equals the one set first. */
static size_t expected(const tt_mono *due, const uint64_t *order)
{
    size_t best = TIMERS;
    for (size_t i = 0; i < TIMERS; i++)
        if (due[i].ms != 0 && (best == TIMERS || due[i].ms < due[best].ms ||
                               (due[i].ms == due[best].ms && order[i] < order[best])))
            best = i;
    return best;
}

static void agrees_with_a_table(void **unused)
{
    (void)unused;
    struct tt_timer timers[TIMERS] = {0};
    struct tt_timers heap = {0};
    tt_mono due[TIMERS] = {0};
    uint64_t order[TIMERS] = {0};
    uint32_t random = 1;
    uint64_t sets = 0;
    for (int round = 0; round < 100000; round++) {
        size_t i = next_random(&random) % TIMERS;
        switch (next_random(&random) % 4) {
        case 0:
        case 1:
            due[i] = TT_MONO(1 + next_random(&random) % 50);
            order[i] = ++sets;
            tt_timer_set(&heap, &timers[i], due[i]);
            break;
        case 2:
            due[i] = TT_MONO(0);
            tt_timer_stop(&heap, &timers[i]);
            break;
        default: {
            size_t first = expected(due, order);
            tt_mono next = tt_timers_next(&heap);
            assert_int_equal(next.ms, first == TIMERS ? 0 : due[first].ms);
            if (first == TIMERS)
                break;
            assert_null(tt_timers_take_due(&heap, TT_MONO(due[first].ms - 1)));
            assert_ptr_equal(tt_timers_take_due(&heap, due[first]), &timers[first]);
            due[first] = TT_MONO(0);
        }
        }
    }
    tt_timers_deinit(&heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_a_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
