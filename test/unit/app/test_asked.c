#include "unit.h"

#include <stdatomic.h>

#include "app/asked.h"

#define OPS_MAX 600

/* A store that answers every other op at once, and gives the others back when it is told to. */
struct bench {
    struct tt_asked asked;
    struct tt_store_op *kept[OPS_MAX];
    size_t kept_count;
    size_t questions; /* whether it could answer */
    _Atomic size_t came_back;
};

static bool is_known(const struct tt_store_op *op)
{
    return op->tag.purpose % 2 == 0;
}

static bool answer(void *self, struct tt_store_op *op)
{
    struct bench *bench = self;
    bench->questions++;
    return is_known(op);
}

static void submit(void *self, struct tt_store_op *const *ops, size_t count)
{
    struct bench *bench = self;
    for (size_t i = 0; i < count; i++)
        bench->kept[bench->kept_count++] = ops[i];
}

static void on_came_back(void *context)
{
    struct bench *bench = context;
    atomic_fetch_add(&bench->came_back, 1);
}

static void set_up(struct bench *bench, bool answers)
{
    *bench = (struct bench){.kept_count = 0};
    tt_asked_init(&bench->asked, on_came_back, bench);
    bench->asked.store =
        (struct tt_store_port){.self = bench, .submit = submit, .answer = answers ? answer : NULL};
}

static void ask(struct bench *bench, uint32_t first, size_t count)
{
    struct tt_store_op *ops[OPS_MAX];
    for (size_t i = 0; i < count; i++) {
        ops[i] = tt_store_op_create(TT_STORE_GET_CONVERSATION);
        ops[i]->tag.purpose = first + (uint32_t)i;
    }
    tt_asked_submit(&bench->asked, ops, count);
}

static void give_back(struct bench *bench)
{
    for (size_t i = 0; i < bench->kept_count; i++)
        tt_asked_done(&bench->asked, bench->kept[i]);
    bench->kept_count = 0;
}

/* Destroys them; their numbers must ascend. */
static size_t count_in_order(struct tt_store_op *op)
{
    size_t count = 0;
    while (op != NULL) {
        struct tt_store_op *next = op->next;
        assert_true(next == NULL || next->tag.purpose > op->tag.purpose);
        tt_store_op_destroy(&op);
        op = next;
        count++;
    }
    return count;
}

static void each_comes_back_once(void **unused)
{
    (void)unused;
    struct bench bench;
    set_up(&bench, true);
    ask(&bench, 0, 10);
    ask(&bench, 10, 3);
    assert_int_equal(bench.kept_count, 6);
    assert_int_equal(bench.came_back, 0);
    assert_null(tt_asked_take(&bench.asked));
    assert_int_equal(count_in_order(tt_asked_take_at_once(&bench.asked)), 7);
    assert_null(tt_asked_take_at_once(&bench.asked));
    give_back(&bench);
    assert_int_equal(bench.came_back, 1); /* one call is enough for all that wait */
    assert_int_equal(count_in_order(tt_asked_take(&bench.asked)), 6);
    assert_null(tt_asked_take(&bench.asked));
    tt_asked_deinit(&bench.asked);
}

static void a_store_need_not_answer_at_once(void **unused)
{
    (void)unused;
    struct bench bench;
    set_up(&bench, false);
    ask(&bench, 0, 5);
    assert_int_equal(bench.kept_count, 5);
    assert_null(tt_asked_take_at_once(&bench.asked));
    give_back(&bench);
    assert_int_equal(count_in_order(tt_asked_take(&bench.asked)), 5);
    tt_asked_deinit(&bench.asked);
}

/* The sockets must not wait for very many. */
static void only_so_many_are_answered_at_once(void **unused)
{
    (void)unused;
    struct bench bench;
    set_up(&bench, true);
    ask(&bench, 0, OPS_MAX);
    size_t at_once = count_in_order(tt_asked_take_at_once(&bench.asked));
    assert_true(at_once >= 100 && at_once < OPS_MAX / 2);
    assert_true(bench.questions < OPS_MAX);
    assert_int_equal(bench.kept_count, OPS_MAX - at_once);
    give_back(&bench);
    assert_int_equal(count_in_order(tt_asked_take(&bench.asked)), OPS_MAX - at_once);
    tt_asked_deinit(&bench.asked);
}

static void *give_back_later(void *context)
{
    give_back(context);
    return NULL;
}

/* What was not taken is destroyed, and what the store still has is waited for. */
static void the_end_waits_for_the_store(void **unused)
{
    (void)unused;
    struct bench bench;
    pthread_t thread;
    set_up(&bench, true);
    ask(&bench, 0, 20);
    give_back(&bench);
    ask(&bench, 20, 20);
    assert_int_equal(pthread_create(&thread, NULL, give_back_later, &bench), 0);
    tt_asked_deinit(&bench.asked);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(bench.kept_count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_comes_back_once),
        cmocka_unit_test(a_store_need_not_answer_at_once),
        cmocka_unit_test(only_so_many_are_answered_at_once),
        cmocka_unit_test(the_end_waits_for_the_store),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
