#include "adapter/dynamodb/store.h"
#include "base/memory.h"
#include "scale/memory_tables.h"
#include "unit.h"

/* Whose phones a dead server was about to ring is taken over by one of the others, and by one
 * alone; what a living server will ring for is left to it. */
#define SERVERS  3
#define QUIET_MS 7501 /* half a lease */

struct world {
    struct tt_memory_tables *tables;
    struct tt_ddb_store *stores[SERVERS];
    int64_t now_ms;
    struct tt_store_op *done;
};

static tt_time wall(void *self)
{
    const struct world *world = self;
    return TT_TIME(world->now_ms);
}

static tt_mono mono(void *self)
{
    (void)self;
    return TT_MONO(1);
}

static uint64_t entropy(void *self)
{
    struct world *world = self;
    return tt_memory_tables_random(world->tables);
}

static void done(void *context, struct tt_store_op *op)
{
    struct world *world = context;
    world->done = op;
}

static void open_world(struct world *world)
{
    static const char *const names[] = {"s0", "s1", "s2"};
    *world = (struct world){.tables = tt_memory_tables_create(7), .now_ms = 1705312800000};
    for (unsigned i = 0; i < SERVERS; i++) {
        struct tt_ddb_store_options options = {
            .tables = tt_memory_tables_open(world->tables, i),
            .place = {tt_id_of(names[i]), 1, 0},
            .clock = {world, wall, mono},
            .entropy = {world, entropy},
            .op_ms_max = 10000,
            .lease_ms = 15000,
            .cache_entries = 16,
        };
        world->stores[i] = tt_ddb_store_create(NULL, &options, (struct tt_store_sink){world, done});
    }
}

static void close_world(struct world *world)
{
    for (unsigned i = 0; i < SERVERS; i++) {
        tt_memory_tables_cut(world->tables, i);
        tt_ddb_store_destroy(&world->stores[i]);
    }
    tt_memory_tables_destroy(&world->tables);
}

static struct tt_store_op *run(struct world *world, unsigned server, struct tt_store_op *op)
{
    struct tt_store_port port = tt_ddb_store_port(world->stores[server]);
    world->done = NULL;
    port.submit(port.self, &op, 1);
    while (world->done == NULL) {
        tt_ddb_store_turn(world->stores[server]);
        if (world->done == NULL)
            assert_true(tt_memory_tables_step(world->tables));
    }
    expect_ok(op->err);
    return op;
}

static void alive(struct world *world, unsigned server)
{
    struct tt_store_op *op = tt_store_op_create(TT_STORE_ALIVE);
    op->alive.at = TT_TIME(world->now_ms);
    run(world, server, op);
    tt_store_op_destroy(&op);
}

static void store_message(struct world *world, unsigned server)
{
    struct tt_store_op *create = tt_store_op_create(TT_STORE_CREATE_CONVERSATION);
    tt_id *members = tt_arena_array(&create->arena, 2, sizeof(*members));
    members[0] = tt_id_of("alice");
    members[1] = tt_id_of("bob");
    create->create_conversation.conversation = (struct tt_conversation){
        .id = tt_id_of("c"),
        .kind = TT_DIRECT,
        .created_at = TT_TIME(world->now_ms),
        .members = members,
        .member_count = 2,
    };
    create->create_conversation.creator = members[0];
    create->create_conversation.conversation_count_max = 10;
    run(world, server, create);
    tt_store_op_destroy(&create);
    struct tt_store_op *append = tt_store_op_create(TT_STORE_APPEND);
    append->append.conversation = tt_id_of("c");
    append->append.message = (struct tt_message){
        .sender = tt_id_of("alice"),
        .sender_device = tt_id_of("phone"),
        .client_id = tt_id_of("m1"),
        .timestamp = TT_TIME(world->now_ms),
        .content = TT_SLICE_LITERAL("hey"),
    };
    run(world, server, append);
    tt_store_op_destroy(&append);
}

/* How many rows that server is to ring for. */
static size_t unrung(struct world *world, unsigned server)
{
    struct tt_store_op *op = tt_store_op_create(TT_STORE_LIST_UNRUNG);
    op->list_unrung.count_max = 10;
    run(world, server, op);
    size_t count = op->list_unrung.row_count;
    assert_false(op->list_unrung.more);
    if (count > 0) {
        assert_true(
            tt_slice_eq(tt_id_slice(&op->list_unrung.rows[0].user), TT_SLICE_LITERAL("bob")));
        assert_int_equal(op->list_unrung.rows[0].armed.n, 1);
    }
    tt_store_op_destroy(&op);
    return count;
}

static void the_living_ring_for_their_own(void **state)
{
    (void)state;
    struct world world;
    open_world(&world);
    alive(&world, 0);
    store_message(&world, 0);
    assert_int_equal(unrung(&world, 1), 0);
    assert_int_equal(unrung(&world, 0), 1);
    close_world(&world);
}

static void one_takes_over_from_the_dead(void **state)
{
    (void)state;
    struct world world;
    open_world(&world);
    alive(&world, 0);
    store_message(&world, 0);
    world.now_ms += QUIET_MS;
    alive(&world, 1);
    alive(&world, 2);
    assert_int_equal(unrung(&world, 1), 1);
    assert_int_equal(unrung(&world, 2), 0);
    assert_int_equal(unrung(&world, 1), 1); /* asked again: it still has it */
    world.now_ms += QUIET_MS;
    alive(&world, 2);
    assert_int_equal(unrung(&world, 2), 1); /* and from the one that took over */
    close_world(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_living_ring_for_their_own),
        cmocka_unit_test(one_takes_over_from_the_dead),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
