#include "adapter/dynamodb/work.h"
#include "base/memory.h"
#include "unit.h"

/* Far more ops at once than there are connections to the tables: they take turns, so that the
 * stacks of all of them are never there, and none that began runs out of its time in a queue. */
#define CROWD     40000
#define OP_MS_MAX 10000

struct request {
    struct tt_ddb_answer *answer;
    void (*done)(void *context);
    void *context;
};

struct world {
    struct tt_ddb_store *store;
    struct request *requests; /* under way are those from `answered` to `sent` */
    size_t sent;
    size_t answered;
    uint64_t mono_ms;
    size_t most; /* that were under way at the same time */
    size_t done;
    size_t unavailable;
    bool is_alive;
};

static tt_time wall(void *self)
{
    (void)self;
    return TT_TIME(1705312800000);
}

static tt_mono mono(void *self)
{
    const struct world *world = self;
    return TT_MONO(world->mono_ms);
}

static uint64_t entropy(void *self)
{
    (void)self;
    return 4;
}

static void send(void *self, const struct tt_ddb_request *request, tt_mono deadline,
                 struct tt_arena *arena, struct tt_ddb_answer *answer, void (*done)(void *context),
                 void *context)
{
    struct world *world = self;
    (void)request;
    (void)arena;
    assert_true(deadline.ms > world->mono_ms);
    assert_true(world->sent < 2 * CROWD);
    world->requests[world->sent++] = (struct request){answer, done, context};
    if (world->sent - world->answered > world->most)
        world->most = world->sent - world->answered;
}

static void done(void *context, struct tt_store_op *op)
{
    struct world *world = context;
    world->done++;
    world->unavailable += tt_err_is(op->err, TT_ERR_UNAVAILABLE);
    world->is_alive = world->is_alive || op->kind == TT_STORE_ALIVE;
    tt_store_op_destroy(&op);
}

static struct world *open_world(void)
{
    struct world *world = tt_alloc(sizeof(*world));
    world->mono_ms = 1;
    world->requests = tt_alloc((size_t)2 * CROWD * sizeof(*world->requests));
    struct tt_ddb_store_options options = {
        .tables = {.self = world, .send = send},
        .place = {tt_id_of("ws_server_1"), 1, 0},
        .clock = {world, wall, mono},
        .entropy = {world, entropy},
        .op_ms_max = OP_MS_MAX,
        .lease_ms = 15000,
        .cache_entries = 16,
    };
    world->store = tt_ddb_store_create(NULL, &options, (struct tt_store_sink){world, done});
    return world;
}

static void close_world(struct world *world)
{
    tt_ddb_store_destroy(&world->store);
    tt_free(world->requests);
    tt_free(world);
}

static void submit(struct world *world, struct tt_store_op *op)
{
    struct tt_store_port port = tt_ddb_store_port(world->store);
    port.submit(port.self, &op, 1);
}

static void submit_crowd(struct world *world, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct tt_store_op *op = tt_store_op_create(TT_STORE_LIST_DEVICES);
        op->list_devices.user = tt_id_of("alice");
        submit(world, op);
    }
}

/* There is nothing in the tables. */
static void answer_one(struct world *world)
{
    assert_true(world->answered < world->sent);
    struct request *request = &world->requests[world->answered++];
    *request->answer = (struct tt_ddb_answer){.outcome = TT_DDB_DONE};
    request->done(request->context);
}

static void a_storm_takes_turns(void **state)
{
    (void)state;
    struct world *world = open_world();
    submit_crowd(world, CROWD);
    assert_int_equal(world->sent, TT_DDB_RUNNING_MAX);
    assert_int_equal(tt_ddb_store_under_way(world->store), CROWD);
    while (world->done < CROWD)
        answer_one(world);
    assert_int_equal(world->most, TT_DDB_RUNNING_MAX);
    assert_int_equal(world->unavailable, 0);
    assert_int_equal(tt_ddb_store_under_way(world->store), 0);
    close_world(world);
}

static void who_has_waited_for_too_long_is_not_begun(void **state)
{
    (void)state;
    struct world *world = open_world();
    submit_crowd(world, TT_DDB_RUNNING_MAX + 10);
    world->mono_ms += OP_MS_MAX / 2;
    submit_crowd(world, 5);
    world->mono_ms += OP_MS_MAX / 2 + 1;
    answer_one(world);
    assert_int_equal(world->done, 11);
    assert_int_equal(world->unavailable, 10);
    while (world->done < TT_DDB_RUNNING_MAX + 15)
        answer_one(world);
    assert_int_equal(world->unavailable, 10);
    assert_int_equal(world->sent, TT_DDB_RUNNING_MAX + 5);
    close_world(world);
}

static void a_server_in_a_storm_says_that_it_lives(void **state)
{
    (void)state;
    struct world *world = open_world();
    submit_crowd(world, TT_DDB_RUNNING_MAX + 10);
    struct tt_store_op *op = tt_store_op_create(TT_STORE_ALIVE);
    op->alive.at = wall(world);
    submit(world, op);
    assert_int_equal(world->sent, TT_DDB_RUNNING_MAX + 1);
    for (size_t i = 0; i <= TT_DDB_RUNNING_MAX; i++)
        answer_one(world);
    assert_true(world->is_alive);
    close_world(world); /* with those that had no turn yet */
}

static void a_store_that_ends_gives_all_of_them_back(void **state)
{
    (void)state;
    struct world *world = open_world();
    submit_crowd(world, TT_DDB_RUNNING_MAX + 10);
    tt_ddb_store_destroy(&world->store);
    assert_int_equal(world->done, TT_DDB_RUNNING_MAX + 10);
    assert_int_equal(world->unavailable, world->done);
    tt_free(world->requests);
    tt_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_storm_takes_turns),
        cmocka_unit_test(who_has_waited_for_too_long_is_not_begun),
        cmocka_unit_test(a_server_in_a_storm_says_that_it_lives),
        cmocka_unit_test(a_store_that_ends_gives_all_of_them_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
