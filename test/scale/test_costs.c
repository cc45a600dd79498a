#include <stdio.h>

#include "adapter/dynamodb/store.h"
#include "base/memory.h"
#include "scale/memory_tables.h"
#include "unit.h"

/* How many requests each operation costs; docs/scale-out.md has the same numbers. */
struct world {
    struct tt_memory_tables *tables;
    struct tt_ddb_store *store;
    size_t under_way;
    uint64_t wall_ms;
    struct tt_store_op *op;
    uint64_t epoch;
};

static tt_time wall(void *self)
{
    const struct world *world = self;
    return TT_TIME((int64_t)world->wall_ms);
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
    expect_ok(op->err);
    if (op->kind == TT_STORE_LINK_DEVICE)
        world->epoch = op->link_device.epoch;
    tt_store_op_destroy(&op);
    world->under_way--;
}

static void run(struct world *world, struct tt_store_op *op)
{
    struct tt_store_port port = tt_ddb_store_port(world->store);
    world->under_way++;
    port.submit(port.self, &op, 1);
    while (world->under_way > 0) {
        tt_ddb_store_turn(world->store);
        if (world->under_way > 0)
            assert_true(tt_memory_tables_step(world->tables));
    }
}

static void expect_cost(struct world *world, struct tt_store_op *op, uint64_t writes, uint64_t gets,
                        uint64_t queries)
{
    uint64_t before[TT_DDB_VERB_COUNT];
    const uint64_t *counts = tt_memory_tables_counts(world->tables);
    memcpy(before, counts, sizeof(before));
    run(world, op);
    uint64_t wrote = 0;
    for (int verb = TT_DDB_PUT; verb <= TT_DDB_DELETE; verb++)
        wrote += counts[verb] - before[verb];
    assert_int_equal(wrote, writes);
    assert_int_equal(counts[TT_DDB_GET] - before[TT_DDB_GET], gets);
    assert_int_equal(counts[TT_DDB_QUERY] - before[TT_DDB_QUERY], queries);
}

static void open_world(struct world *world)
{
    *world = (struct world){.wall_ms = 1705312800000};
    world->tables = tt_memory_tables_create(7);
    struct tt_ddb_store_options options = {
        .tables = tt_memory_tables_open(world->tables, 0),
        .place = {tt_id_of("ws_server_1"), 1, 0},
        .clock = {world, wall, mono},
        .entropy = {world, entropy},
        .op_ms_max = 10000,
        .lease_ms = 15000,
        .cache_entries = 64,
    };
    world->store = tt_ddb_store_create(NULL, &options, (struct tt_store_sink){world, done});
}

static void close_world(struct world *world)
{
    tt_ddb_store_destroy(&world->store);
    tt_memory_tables_destroy(&world->tables);
}

static struct tt_store_op *new_create(struct world *world)
{
    struct tt_store_op *op = tt_store_op_create(TT_STORE_CREATE_CONVERSATION);
    tt_id *members = tt_arena_array(&op->arena, 2, sizeof(*members));
    members[0] = tt_id_of("alice");
    members[1] = tt_id_of("bob");
    op->create_conversation.conversation = (struct tt_conversation){.id = tt_id_of("c"),
                                                                    .kind = TT_DIRECT,
                                                                    .created_at = wall(world),
                                                                    .members = members,
                                                                    .member_count = 2};
    op->create_conversation.creator = members[0];
    op->create_conversation.conversation_count_max = 100;
    return op;
}

static struct tt_store_op *new_send(struct world *world, const char *client_id)
{
    struct tt_store_op *op = tt_store_op_create(TT_STORE_APPEND);
    op->append.conversation = tt_id_of("c");
    op->append.message.sender = tt_id_of("alice");
    op->append.message.sender_device = tt_id_of("phone");
    op->append.message.client_id = tt_id_of(client_id);
    op->append.message.content = TT_SLICE_LITERAL("hey");
    op->append.message.timestamp = wall(world);
    return op;
}

static struct tt_store_op *new_ack(struct world *world, uint64_t delivered, uint64_t read)
{
    struct tt_store_op *op = tt_store_op_create(TT_STORE_ADVANCE);
    op->advance.conversation = tt_id_of("c");
    op->advance.user = tt_id_of("bob");
    op->advance.device = tt_id_of("phone");
    op->advance.to = (struct tt_cursor){TT_SEQ(delivered), TT_SEQ(read)};
    op->advance.at = wall(world);
    return op;
}

static struct tt_store_op *new_link(struct world *world, const char *user)
{
    struct tt_store_op *op = tt_store_op_create(TT_STORE_LINK_DEVICE);
    op->link_device.user = tt_id_of(user);
    op->link_device.device = tt_id_of("phone");
    op->link_device.at = wall(world);
    op->link_device.device_count_max = 16;
    op->link_device.silent_ms_max = 1000000;
    return op;
}

static struct tt_store_op *new_pending(void)
{
    struct tt_store_op *op = tt_store_op_create(TT_STORE_LIST_PENDING);
    op->list_pending.user = tt_id_of("bob");
    op->list_pending.device = tt_id_of("phone");
    op->list_pending.count_max = 100;
    return op;
}

static struct tt_store_op *new_leave(struct world *world)
{
    struct tt_store_op *op = tt_store_op_create(TT_STORE_DISCONNECT);
    op->disconnect.user = tt_id_of("bob");
    op->disconnect.device = tt_id_of("phone");
    op->disconnect.epoch = world->epoch;
    op->disconnect.at = wall(world);
    return op;
}

static struct tt_store_op *new_snapshot(void)
{
    struct tt_store_op *op = tt_store_op_create(TT_STORE_SNAPSHOT);
    op->snapshot.conversation = tt_id_of("c");
    op->snapshot.user = tt_id_of("bob");
    op->snapshot.device = tt_id_of("phone");
    op->snapshot.count_max = 10;
    op->snapshot.bytes_max = UINT32_MAX;
    return op;
}

static struct tt_store_op *new_address(struct world *world, const char *token)
{
    struct tt_store_op *op = tt_store_op_create(TT_STORE_PUT_PUSH_ADDRESS);
    op->put_push_address.user = tt_id_of("bob");
    op->put_push_address.device = tt_id_of("phone");
    op->put_push_address.address_count_max = 16;
    if (token != NULL)
        op->put_push_address.address = (struct tt_push_address){
            .provider = TT_PUSH_APNS, .token = tt_slice_text(token), .registered_at = wall(world)};
    return op;
}

static struct tt_store_op *new_addresses(void)
{
    struct tt_store_op *op = tt_store_op_create(TT_STORE_LIST_PUSH_ADDRESSES);
    op->list_push_addresses.user = tt_id_of("bob");
    return op;
}

static struct tt_store_op *new_positions(void)
{
    struct tt_store_op *op = tt_store_op_create(TT_STORE_POSITIONS);
    op->positions.conversation = tt_id_of("c");
    op->positions.user = tt_id_of("bob");
    return op;
}

static struct tt_store_op *new_push_record(struct world *world)
{
    struct tt_store_op *op = tt_store_op_create(TT_STORE_RECORD_PUSH);
    op->record_push.conversation = tt_id_of("c");
    op->record_push.happening = (struct tt_happening){.kind = TT_HAPPENED_PUSH_ACCEPTED,
                                                      .at = wall(world),
                                                      .from = TT_SEQ(1),
                                                      .to = TT_SEQ(1),
                                                      .user = tt_id_of("bob"),
                                                      .device = tt_id_of("phone")};
    return op;
}

static struct tt_store_op *new_pushed(void)
{
    struct tt_store_op *op = tt_store_op_create(TT_STORE_MARK_PUSHED);
    op->mark_pushed.user = tt_id_of("bob");
    op->mark_pushed.conversation = tt_id_of("c");
    op->mark_pushed.seq = TT_SEQ(1);
    return op;
}

static struct tt_store_op *new_unrung(void)
{
    struct tt_store_op *op = tt_store_op_create(TT_STORE_LIST_UNRUNG);
    op->list_unrung.count_max = 100;
    return op;
}

static struct tt_store_op *new_drop(const char *token)
{
    struct tt_store_op *op = tt_store_op_create(TT_STORE_DROP_PUSH_ADDRESS);
    op->drop_push_address.user = tt_id_of("bob");
    op->drop_push_address.device = tt_id_of("phone");
    op->drop_push_address.token = tt_slice_text(token);
    return op;
}

static void pushes_cost_what_is_documented(void **state)
{
    (void)state;
    struct world world;
    open_world(&world);
    run(&world, new_create(&world));
    run(&world, new_send(&world, "m0"));
    expect_cost(&world, new_addresses(), 0, 0, 1);
    expect_cost(&world, new_address(&world, "token 1"), 2, 1, 1);
    expect_cost(&world, new_address(&world, "token 1"), 2, 2, 1);
    expect_cost(&world, new_address(&world, "token 2"), 3, 2, 1);
    expect_cost(&world, new_positions(), 0, 2, 1);
    expect_cost(&world, new_addresses(), 0, 1, 1);
    expect_cost(&world, new_push_record(&world), 1, 0, 0);
    uint64_t scans = tt_memory_tables_counts(world.tables)[TT_DDB_SCAN];
    expect_cost(&world, new_unrung(), 0, 0, 1); /* and a head for each row that is ours */
    assert_int_equal(tt_memory_tables_counts(world.tables)[TT_DDB_SCAN], scans + 1);
    expect_cost(&world, new_pushed(), 1, 0, 0);
    expect_cost(&world, new_drop("token 2"), 1, 0, 0);
    run(&world, new_address(&world, "token 3"));
    expect_cost(&world, new_address(&world, NULL), 2, 1, 0);
    close_world(&world);
}

static void each_operation_costs_what_is_documented(void **state)
{
    (void)state;
    struct world world;
    open_world(&world);
    run(&world, new_link(&world, "alice"));
    expect_cost(&world, new_create(&world), 7, 5, 2);
    run(&world, new_send(&world, "m0"));                   /* fills what the node remembers */
    expect_cost(&world, new_link(&world, "bob"), 4, 2, 2); /* a new device: its positions too */
    run(&world, new_leave(&world));

    expect_cost(&world, new_send(&world, "m1"), 4, 0, 0);
    expect_cost(&world, new_send(&world, "m1"), 0, 3, 0);
    expect_cost(&world, new_link(&world, "bob"), 1, 1, 0);
    expect_cost(&world, new_pending(), 0, 2, 2);
    expect_cost(&world, new_ack(&world, 1, 0), 1, 0, 1);
    expect_cost(&world, new_ack(&world, 2, 0), 2, 0, 1);
    expect_cost(&world, new_ack(&world, 2, 2), 2, 0, 1);
    expect_cost(&world, new_ack(&world, 2, 2), 1, 0, 1);
    expect_cost(&world, new_pending(), 0, 1, 1);
    expect_cost(&world, new_snapshot(), 0, 0, 2);
    expect_cost(&world, new_leave(&world), 1, 1, 0);

    world.wall_ms += 61000; /* once a minute the lists of the members are told */
    expect_cost(&world, new_send(&world, "m2"), 6, 0, 0);
    expect_cost(&world, new_send(&world, "m3"), 4, 0, 0);
    close_world(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_operation_costs_what_is_documented),
        cmocka_unit_test(pushes_cost_what_is_documented),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
