#include "unit.h"

#include "adapter/dynamodb/fiber.h"

struct task {
    struct tt_fiber_pool *pool;
    struct tt_fiber *fiber;
    int steps;
    int sum;
};

static void run_task(void *context)
{
    struct task *task = context;
    volatile int numbers[1000]; /* what is on the stack survives the wait */
    task->fiber = tt_fiber_self(task->pool);
    for (int i = 0; i < 1000; i++)
        numbers[i] = i;
    for (int i = 0; i < 3; i++) {
        task->steps++;
        tt_fiber_wait(task->pool);
    }
    for (int i = 0; i < 1000; i++)
        task->sum += numbers[i];
}

static void a_fiber_goes_on_where_it_waited(void **state)
{
    (void)state;
    struct task tasks[3] = {{0}};
    struct tt_fiber_pool *pool = tt_fiber_pool_create();
    for (int round = 0; round < 50; round++) {
        for (int i = 0; i < 3; i++) {
            tasks[i] = (struct task){.pool = pool};
            tt_fiber_start(pool, run_task, &tasks[i]);
            assert_int_equal(tasks[i].steps, 1);
        }
        for (int step = 2; step <= 3; step++)
            for (int i = 2; i >= 0; i--) {
                tt_fiber_resume(tasks[i].fiber);
                assert_int_equal(tasks[i].steps, step);
            }
        for (int i = 0; i < 3; i++) {
            assert_int_equal(tasks[i].sum, 0);
            tt_fiber_resume(tasks[i].fiber);
            assert_int_equal(tasks[i].sum, 499500);
        }
    }
    tt_fiber_pool_destroy(&pool);
}

static void a_pool_can_go_while_somebody_waits(void **state)
{
    (void)state;
    struct tt_fiber_pool *pool = tt_fiber_pool_create();
    struct task task = {.pool = pool};
    tt_fiber_start(pool, run_task, &task);
    tt_fiber_pool_destroy(&pool);
    assert_null(pool);
    assert_int_equal(task.steps, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fiber_goes_on_where_it_waited),
        cmocka_unit_test(a_pool_can_go_while_somebody_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
