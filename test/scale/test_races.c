#include <stdio.h>

#include "adapter/dynamodb/store.h"
#include "base/memory.h"
#include "scale/memory_tables.h"
#include "unit.h"

/*
 * Servers that race, lose answers and die between any two requests, over tables that are no
 * stronger than DynamoDB. Each message is sent until somebody says that it is stored. Afterwards:
 * seqs 1..n without a gap, each message once, each answer true, and every row armed far enough.
 */
#define SERVERS  3
#define MESSAGES 24
#define SEEDS    400

struct world;

struct server {
    struct world *world;
    struct tt_ddb_store *store;
    uint64_t incarnation;
};

struct message {
    uint64_t answered; /* the seq that somebody was told; 0: nobody yet */
    size_t under_way;
};

struct world {
    struct tt_memory_tables *tables;
    struct server servers[SERVERS];
    struct message messages[MESSAGES];
    size_t under_way;
    size_t deaths_left;
    bool ended;
    tt_err err;   /* of the last op */
    size_t found; /* by the last list */
};

static tt_time wall(void *self)
{
    (void)self;
    return TT_TIME(1705312800000);
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

static uint64_t draw(struct world *world, uint64_t below)
{
    return tt_memory_tables_random(world->tables) % below;
}

static void done(void *context, struct tt_store_op *op)
{
    struct server *server = context;
    struct world *world = server->world;
    world->under_way--;
    world->err = op->err;
    if (op->kind == TT_STORE_LIST_DEVICES)
        world->found = op->list_devices.device_count;
    if (op->kind == TT_STORE_LIST_PUSH_ADDRESSES)
        world->found = op->list_push_addresses.address_count;
    if (op->kind == TT_STORE_APPEND) {
        struct message *message = &world->messages[op->tag.purpose];
        message->under_way--;
        if (tt_is_ok(op->err)) {
            uint64_t seq = op->append.message.seq.n;
            assert_true(message->answered == 0 || message->answered == seq);
            message->answered = seq;
        } else {
            assert_true(tt_err_is(op->err, TT_ERR_UNAVAILABLE));
        }
    }
    tt_store_op_destroy(&op);
}

static void open_server(struct world *world, unsigned number)
{
    struct server *server = &world->servers[number];
    server->world = world;
    server->incarnation++;
    struct tt_ddb_store_options options = {
        .tables = tt_memory_tables_open(world->tables, number),
        .place = {tt_id_of(number == 0   ? "s0"
                           : number == 1 ? "s1"
                                         : "s2"),
                  server->incarnation, 0},
        .clock = {world, wall, mono},
        .entropy = {world, entropy},
        .op_ms_max = 10000,
        .lease_ms = 15000,
        .cache_entries = 16,
    };
    server->store = tt_ddb_store_create(NULL, &options, (struct tt_store_sink){server, done});
}

static void kill_server(struct world *world, unsigned number)
{
    tt_memory_tables_cut(world->tables, number);
    tt_ddb_store_destroy(&world->servers[number].store);
    open_server(world, number);
}

static void submit(struct world *world, unsigned number, struct tt_store_op *op)
{
    struct tt_store_port port = tt_ddb_store_port(world->servers[number].store);
    world->under_way++;
    port.submit(port.self, &op, 1);
}

static void settle(struct world *world)
{
    do {
        for (unsigned i = 0; i < SERVERS; i++)
            tt_ddb_store_turn(world->servers[i].store);
    } while (world->under_way > 0 && tt_memory_tables_step(world->tables));
    assert_int_equal(world->under_way, 0);
}

static void prepare(struct world *world)
{
    static const char *const devices[] = {"phone", "tablet"};
    struct tt_store_op *create = tt_store_op_create(TT_STORE_CREATE_CONVERSATION);
    tt_id *members = tt_arena_array(&create->arena, 2, sizeof(*members));
    members[0] = tt_id_of("alice");
    members[1] = tt_id_of("bob");
    create->create_conversation.conversation = (struct tt_conversation){
        .id = tt_id_of("c"), .kind = TT_DIRECT, .members = members, .member_count = 2};
    create->create_conversation.creator = members[0];
    create->create_conversation.conversation_count_max = 10;
    submit(world, 0, create);
    settle(world);
    for (size_t i = 0; i < 2; i++) {
        struct tt_store_op *link = tt_store_op_create(TT_STORE_LINK_DEVICE);
        link->link_device.user = tt_id_of("bob");
        link->link_device.device = tt_id_of(devices[i]);
        link->link_device.device_count_max = 16;
        link->link_device.silent_ms_max = 1000;
        submit(world, 1, link);
        settle(world);
    }
}

static void send_one(struct world *world, unsigned server, size_t index)
{
    char client_id[16];
    snprintf(client_id, sizeof(client_id), "m%zu", index);
    struct tt_store_op *op = tt_store_op_create(TT_STORE_APPEND);
    op->tag.purpose = (uint32_t)index;
    op->append.conversation = tt_id_of("c");
    op->append.message.sender = tt_id_of(index % 2 == 0 ? "alice" : "bob");
    op->append.message.sender_device = tt_id_of("phone");
    op->append.message.client_id = tt_id_of(client_id);
    op->append.message.content = TT_SLICE_LITERAL("x");
    world->messages[index].under_way++;
    submit(world, server, op);
}

static void ack_some(struct world *world, unsigned server)
{
    struct tt_store_op *op = tt_store_op_create(TT_STORE_ADVANCE);
    op->advance.conversation = tt_id_of("c");
    op->advance.user = tt_id_of(draw(world, 2) == 0 ? "alice" : "bob");
    op->advance.device = tt_id_of(draw(world, 2) == 0 ? "phone" : "tablet");
    uint64_t to = draw(world, 3) + 1;
    op->advance.to = (struct tt_cursor){TT_SEQ(to), TT_SEQ(draw(world, to + 1))};
    if (draw(world, 2) == 0)
        op->advance.at = TT_TIME(1705312800000);
    submit(world, server, op);
}

static bool all_answered(const struct world *world)
{
    for (size_t i = 0; i < MESSAGES; i++)
        if (world->messages[i].answered == 0)
            return false;
    return true;
}

/* Whoever does not know whether a message is stored sends it again, from anywhere. */
static void send_until_answered(struct world *world)
{
    while (!all_answered(world)) {
        size_t index = draw(world, MESSAGES);
        if (world->messages[index].answered == 0 && world->messages[index].under_way < 3)
            send_one(world, (unsigned)draw(world, SERVERS), index);
        if (draw(world, 8) == 0)
            ack_some(world, (unsigned)draw(world, SERVERS));
        uint64_t steps = draw(world, 12);
        for (uint64_t i = 0; i < steps; i++) {
            for (unsigned s = 0; s < SERVERS; s++)
                tt_ddb_store_turn(world->servers[s].store);
            (void)tt_memory_tables_step(world->tables);
        }
        if (world->deaths_left > 0 && draw(world, 60) == 0) {
            world->deaths_left--;
            kill_server(world, (unsigned)draw(world, SERVERS));
        }
    }
}

static void check(struct world *world)
{
    char key[32];
    for (uint64_t seq = 1; seq <= MESSAGES; seq++)
        assert_non_null(tt_memory_tables_message(world->tables, "c", seq));
    assert_null(tt_memory_tables_message(world->tables, "c", MESSAGES + 1));
    for (size_t i = 0; i < MESSAGES; i++) {
        const char *stored =
            tt_memory_tables_message(world->tables, "c", world->messages[i].answered);
        int size = snprintf(key, sizeof(key), "m%zu\"", i);
        assert_memory_equal(stored, key, (size_t)size);
        snprintf(key, sizeof(key), "%s#m%zu", i % 2 == 0 ? "alice" : "bob", i);
        assert_int_equal(tt_memory_tables_number(world->tables, TT_DDB_SENDS, "c", key, "seq"),
                         world->messages[i].answered);
    }
    static const char *const users[] = {"alice", "bob"};
    for (size_t i = 0; i < 2; i++) {
        uint64_t others = 0;
        for (size_t m = 0; m < MESSAGES; m++)
            if (m % 2 != i && world->messages[m].answered > others)
                others = world->messages[m].answered;
        uint64_t armed =
            tt_memory_tables_number(world->tables, TT_DDB_PENDING, users[i], "c", "armed_seq");
        uint64_t read = tt_memory_tables_number(world->tables, TT_DDB_MESSAGE_STATUS, "c", users[i],
                                                "last_read_seq");
        uint64_t delivered = tt_memory_tables_number(world->tables, TT_DDB_MESSAGE_STATUS, "c",
                                                     users[i], "last_delivered_seq");
        assert_true(read <= delivered && delivered <= MESSAGES);
        assert_true(armed >= others || delivered >= others);
    }
}

static struct world *open_world(uint64_t seed)
{
    struct world *world = tt_alloc(sizeof(*world));
    world->tables = tt_memory_tables_create(seed);
    for (unsigned i = 0; i < SERVERS; i++)
        open_server(world, i);
    prepare(world);
    return world;
}

static void close_world(struct world *world)
{
    for (unsigned i = 0; i < SERVERS; i++)
        tt_ddb_store_destroy(&world->servers[i].store);
    tt_memory_tables_destroy(&world->tables);
    tt_free(world);
}

static void play(uint64_t seed, struct tt_memory_faults faults, size_t deaths)
{
    struct world *world = open_world(seed);
    *tt_memory_tables_faults(world->tables) = faults;
    world->deaths_left = deaths;
    send_until_answered(world);
    *tt_memory_tables_faults(world->tables) = (struct tt_memory_faults){.mute_per_mille = 0};
    settle(world);
    while (tt_memory_tables_step(world->tables)) /* what was late comes last of all */
        continue;
    check(world);
    close_world(world);
}

static void servers_that_race_store_everything_once(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++)
        play(seed, (struct tt_memory_faults){.mute_per_mille = 0}, 0);
}

static void lost_answers_change_nothing(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++)
        play(seed, (struct tt_memory_faults){.twice_per_mille = 150}, 0);
}

static void unknown_outcomes_change_nothing(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++)
        play(seed,
             (struct tt_memory_faults){.twice_per_mille = 50,
                                       .mute_per_mille = 50,
                                       .none_per_mille = 50,
                                       .late_per_mille = 50},
             0);
}

static void servers_that_die_anywhere_change_nothing(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++)
        play(seed,
             (struct tt_memory_faults){.twice_per_mille = 50,
                                       .mute_per_mille = 20,
                                       .none_per_mille = 20,
                                       .late_per_mille = 40},
             6);
}

static tt_err ask(struct world *world, unsigned server, struct tt_store_op *op)
{
    submit(world, server, op);
    settle(world);
    return world->err;
}

static void put_address(struct world *world, const char *device)
{
    struct tt_store_op *op = tt_store_op_create(TT_STORE_PUT_PUSH_ADDRESS);
    op->put_push_address.user = tt_id_of("bob");
    op->put_push_address.device = tt_id_of(device);
    op->put_push_address.address_count_max = 16;
    op->put_push_address.address =
        (struct tt_push_address){.provider = TT_PUSH_FCM, .token = tt_slice_text(device)};
    expect_ok(ask(world, 0, op));
}

static void make_account(struct world *world, const char *device)
{
    struct tt_store_op *add = tt_store_op_create(TT_STORE_PUT_ACCOUNT);
    add->put_account.user = tt_id_of("bob");
    add->put_account.change = (struct tt_account_change){.at = TT_TIME(1),
                                                         .creates = true,
                                                         .set_password = true,
                                                         .password = TT_SLICE_LITERAL("hash")};
    expect_ok(ask(world, 0, add));
    struct tt_store_op *log_in = tt_store_op_create(TT_STORE_LOG_IN);
    log_in->log_in.user = tt_id_of("bob");
    log_in->log_in.password = TT_SLICE_LITERAL("hash");
    log_in->log_in.login = (struct tt_login){tt_id_of(device), 1, TT_TIME(1)};
    log_in->log_in.login_count_max = 4;
    expect_ok(ask(world, 0, log_in));
}

static struct tt_store_op *new_unlink(const char *device)
{
    struct tt_store_op *op = tt_store_op_create(TT_STORE_UNLINK_DEVICE);
    op->unlink_device.user = tt_id_of("bob");
    op->unlink_device.device = tt_id_of(device);
    return op;
}

static size_t addresses(struct world *world)
{
    struct tt_store_op *op = tt_store_op_create(TT_STORE_LIST_PUSH_ADDRESSES);
    op->list_push_addresses.user = tt_id_of("bob");
    expect_ok(ask(world, 1, op));
    return world->found;
}

static size_t devices(struct world *world, bool leaving_too)
{
    struct tt_store_op *op = tt_store_op_create(TT_STORE_LIST_DEVICES);
    op->list_devices.user = tt_id_of("bob");
    op->list_devices.leaving_too = leaving_too;
    expect_ok(ask(world, 1, op));
    return world->found;
}

static tt_err check_login(struct world *world, const char *device)
{
    struct tt_store_op *op = tt_store_op_create(TT_STORE_CHECK_LOGIN);
    op->check_login.user = tt_id_of("bob");
    op->check_login.device = tt_id_of(device);
    op->check_login.login = 1;
    return ask(world, 1, op);
}

/* Asked again until it is known. The phone is linked, the watch is logged in, and the desk has no
 * more than an address. */
static void an_unlinking_whose_outcome_was_unknown_leaves_nothing(void **state)
{
    static const char *const names[] = {"phone", "watch", "desk"};
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct world *world = open_world(seed);
        make_account(world, "watch");
        for (size_t i = 0; i < 3; i++)
            put_address(world, names[i]);
        *tt_memory_tables_faults(world->tables) = (struct tt_memory_faults){.twice_per_mille = 50,
                                                                            .mute_per_mille = 100,
                                                                            .none_per_mille = 100,
                                                                            .late_per_mille = 50};
        for (size_t i = 0; i < 3; i++)
            while (tt_err_is(ask(world, (unsigned)draw(world, SERVERS), new_unlink(names[i])),
                             TT_ERR_UNAVAILABLE))
                continue;
        *tt_memory_tables_faults(world->tables) = (struct tt_memory_faults){.mute_per_mille = 0};
        while (tt_memory_tables_step(world->tables))
            continue;
        assert_int_equal(addresses(world), 0);
        assert_int_equal(devices(world, true), 1);
        assert_true(tt_err_is(check_login(world, "watch"), TT_ERR_UNAUTHENTICATED));
        close_world(world);
    }
}

/* The server dies after each number of steps in turn. */
static void who_is_half_unlinked_is_listed_as_leaving(void **state)
{
    (void)state;
    size_t half = 0;
    for (uint64_t steps = 0; steps < 20; steps++) {
        struct world *world = open_world(1);
        put_address(world, "phone");
        submit(world, 0, new_unlink("phone"));
        for (uint64_t i = 0; i < steps; i++) {
            tt_ddb_store_turn(world->servers[0].store);
            (void)tt_memory_tables_step(world->tables);
        }
        kill_server(world, 0);
        while (tt_memory_tables_step(world->tables))
            continue;
        bool is_leaving = devices(world, true) > devices(world, false);
        half += is_leaving;
        tt_err err = ask(world, 2, new_unlink("phone"));
        assert_true(tt_is_ok(err) || (tt_err_is(err, TT_ERR_NOT_FOUND) && !is_leaving));
        assert_int_equal(devices(world, true), 1);
        assert_int_equal(addresses(world), 0);
        close_world(world);
    }
    assert_true(half > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(servers_that_race_store_everything_once),
        cmocka_unit_test(lost_answers_change_nothing),
        cmocka_unit_test(unknown_outcomes_change_nothing),
        cmocka_unit_test(servers_that_die_anywhere_change_nothing),
        cmocka_unit_test(an_unlinking_whose_outcome_was_unknown_leaves_nothing),
        cmocka_unit_test(who_is_half_unlinked_is_listed_as_leaving),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
