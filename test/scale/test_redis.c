#include <hiredis/hiredis.h>
#include <stdlib.h>

#include "adapter/clock_os.h"
#include "adapter/entropy_os.h"
#include "adapter/redis/bus.h"
#include "adapter/redis/place_text.h"
#include "adapter/redis/registry.h"
#include "base/memory.h"
#include "unit.h"

/* Two servers and what befalls them, over a real Redis; leases are short so that nobody waits. */
#define LEASE_MS 400

struct world;

struct server {
    struct world *world;
    struct tt_redis_registry *registry;
    struct tt_redis_bus *bus;
    struct tt_place place;
    struct tt_registry_op *done;
    size_t gones;
    size_t forgots;
    size_t gaps;
    struct tt_buffer hints;
};

struct world {
    struct tt_loop *loop;
    struct tt_entropy_os entropy;
    struct tt_redis *redis; /* to look into it */
    struct tt_buffer answer;
    size_t answers;
    struct server servers[2];
    bool (*done)(struct world *world);
    size_t wanted;
};

static struct tt_redis_options redis_options(struct world *world)
{
    struct tt_redis_options options = {.answer_ms_max = 2000,
                                       .entropy = tt_entropy_os(&world->entropy)};
    const char *port = getenv("TWOTICKS_TEST_REDIS_PORT");
    const char *problem;
    struct tt_buffer url = {0};
    assert_non_null(port);
    tt_buffer_add_text(&url, "redis://127.0.0.1:");
    tt_buffer_add_text(&url, port);
    expect_ok(tt_redis_parse(tt_buffer_slice(&url), &options, &problem));
    tt_buffer_deinit(&url);
    return options;
}

static void on_turn_end(void *context)
{
    struct world *world = context;
    for (size_t i = 0; i < 2; i++) {
        struct server *server = &world->servers[i];
        if (server->bus != NULL) {
            struct tt_bus_port port = tt_redis_bus_port(server->bus);
            port.flush(port.self);
        }
    }
    if (world->done(world))
        tt_loop_stop(world->loop);
}

static void on_deadline(void *context)
{
    (void)context;
    fail_msg("%s", "what was awaited does not come");
}

static const struct tt_loop_events loop_events = {.turn_end = on_turn_end, .deadline = on_deadline};

static void run_until(struct world *world, bool (*done)(struct world *world))
{
    world->done = done;
    if (done(world))
        return;
    tt_loop_set_deadline(world->loop, tt_mono_after(tt_loop_now(world->loop), 20000));
    tt_loop_run(world->loop);
    tt_loop_set_deadline(world->loop, TT_MONO(0));
}

static void add_reply(struct tt_buffer *out, const struct redisReply *reply)
{
    if (reply->type == REDIS_REPLY_ARRAY) {
        for (size_t i = 0; i < reply->elements; i++)
            add_reply(out, reply->element[i]);
        return;
    }
    if (reply->type == REDIS_REPLY_INTEGER)
        tt_buffer_add_u64(out, (uint64_t)reply->integer);
    else
        tt_buffer_add(out, tt_slice(reply->str, reply->len));
    tt_buffer_add_byte(out, ' ');
}

static void on_answer(void *context, const struct redisReply *reply)
{
    struct world *world = context;
    world->answers++;
    world->answer.size = 0;
    if (reply != NULL)
        add_reply(&world->answer, reply);
}

static void ignore(void *context)
{
    (void)context;
}

static const struct tt_redis_events plain_events = {.up = ignore, .down = ignore};

static void on_done(void *context, struct tt_registry_op *op)
{
    struct server *server = context;
    server->done = op;
}

static void on_gone(void *context)
{
    struct server *server = context;
    server->gones++;
}

static void on_forgotten(void *context)
{
    struct server *server = context;
    server->forgots++;
}

static void on_hint(void *context, struct tt_slice bytes)
{
    struct server *server = context;
    tt_buffer_add(&server->hints, bytes);
    tt_buffer_add_byte(&server->hints, '|');
}

static void on_gap(void *context)
{
    struct server *server = context;
    server->gaps++;
}

static bool all_up(struct world *world)
{
    for (size_t i = 0; i < 2; i++)
        if (world->servers[i].registry != NULL &&
            (!tt_redis_registry_is_up(world->servers[i].registry) ||
             !tt_redis_bus_is_up(world->servers[i].bus)))
            return false;
    return tt_redis_is_up(world->redis);
}

static void start_server(struct world *world, size_t index, uint64_t incarnation)
{
    struct server *server = &world->servers[index];
    server->world = world;
    server->place = (struct tt_place){tt_id_of(index == 0 ? "ws.one" : "ws.two"), incarnation, 0};
    struct tt_redis_registry_options options = {
        .redis = redis_options(world),
        .place = server->place,
        .clock = tt_clock_os(),
        .lease_ms = LEASE_MS,
        .renew_ms = LEASE_MS / 4,
        .poll_ms = LEASE_MS / 8,
    };
    struct tt_registry_sink sink = {server, on_done, on_gone, on_forgotten};
    server->registry = tt_redis_registry_create(world->loop, &options, &sink);
    struct tt_redis_bus_options bus = {
        .redis = options.redis,
        .place = server->place,
        .commands = tt_redis_registry_commands(server->registry),
        .gap_ms = 50,
    };
    struct tt_bus_sink bus_sink = {server, on_hint, on_gap};
    server->bus = tt_redis_bus_create(world->loop, &bus, &bus_sink);
}

static void stop_server(struct world *world, size_t index)
{
    struct server *server = &world->servers[index];
    if (server->registry == NULL)
        return;
    tt_redis_registry_destroy(&server->registry);
    tt_redis_bus_destroy(&server->bus);
    if (server->done != NULL)
        tt_registry_op_destroy(&server->done);
    tt_buffer_deinit(&server->hints);
    *server = (struct server){.world = world};
}

/* A word of Redis' own, for tests that look behind the curtain. */
static bool answered(struct world *world)
{
    return world->answers >= world->wanted;
}

static void redis(struct world *world, const char *verb, const char *key, const char *more)
{
    struct tt_slice words[3] = {tt_slice_text(verb), tt_slice_text(key == NULL ? "" : key),
                                tt_slice_text(more == NULL ? "" : more)};
    world->wanted = world->answers + 1;
    tt_redis_command(world->redis, words, more != NULL ? 3 : key != NULL ? 2 : 1, on_answer, world);
    run_until(world, answered);
}

static struct world *open_world(void)
{
    struct world *world = tt_alloc(sizeof(*world));
    expect_ok(tt_loop_create(&loop_events, world, &world->loop));
    struct tt_redis_options options = redis_options(world);
    world->redis = tt_redis_create(world->loop, &options, &plain_events, world);
    run_until(world, all_up);
    redis(world, "FLUSHALL", NULL, NULL);
    start_server(world, 0, 17);
    start_server(world, 1, 18);
    run_until(world, all_up);
    return world;
}

static void close_world(struct world *world)
{
    stop_server(world, 0);
    stop_server(world, 1);
    tt_redis_destroy(&world->redis);
    tt_loop_destroy(&world->loop);
    tt_buffer_deinit(&world->answer);
    tt_free(world);
}

static bool op_is_done(struct world *world)
{
    return world->servers[world->wanted].done != NULL;
}

static struct tt_registry_op *run_op(struct world *world, size_t index, struct tt_registry_op *op)
{
    struct server *server = &world->servers[index];
    if (server->done != NULL)
        tt_registry_op_destroy(&server->done);
    struct tt_registry_port port = tt_redis_registry_port(server->registry);
    port.submit(port.self, &op, 1);
    assert_null(server->done);
    world->wanted = index;
    run_until(world, op_is_done);
    return server->done;
}

static struct tt_registry_op *put_bob(struct world *world, size_t index, uint64_t epoch)
{
    struct tt_registry_op *op = tt_registry_op_create(TT_REGISTRY_REGISTER);
    op->reg.user = tt_id_of("bob");
    op->reg.device =
        (struct tt_registered_device){tt_id_of("phone"), epoch, world->servers[index].place};
    return run_op(world, index, op);
}

static struct tt_registry_op *find_bob(struct world *world, size_t index)
{
    struct tt_registry_op *op = tt_registry_op_create(TT_REGISTRY_LOOKUP);
    tt_id *users = tt_arena_array(&op->arena, 1, sizeof(*users));
    users[0] = tt_id_of("bob");
    op->about.users = users;
    op->about.user_count = 1;
    return run_op(world, index, op);
}

static void expect_answer(const struct world *world, const char *text)
{
    assert_int_equal(world->answer.size, strlen(text));
    assert_memory_equal(world->answer.data, text, world->answer.size);
}

static void a_peer_finds_the_documents_values(void **state)
{
    (void)state;
    struct world *world = open_world();
    put_bob(world, 0, 7);
    redis(world, "HGETALL", "ws:bob", NULL);
    expect_answer(world, "phone ws.one.17.0 ");
    struct tt_registry_op *op = tt_registry_op_create(TT_REGISTRY_UNREGISTER);
    op->unreg.user = tt_id_of("bob");
    op->unreg.device = tt_id_of("phone");
    op->unreg.epoch = 7;
    op->unreg.at = TT_TIME(1705311720000);
    run_op(world, 0, op);
    redis(world, "GET", "last_seen:bob", NULL);
    expect_answer(world, "2024-01-15T09:42:00.000Z ");
    redis(world, "HGETALL", "ws:bob", NULL);
    expect_answer(world, "");
    close_world(world);
}

static bool gone_noticed(struct world *world)
{
    return world->servers[1].gones > 0;
}

static void who_was_on_a_dead_server_is_not_online(void **state)
{
    (void)state;
    struct world *world = open_world();
    put_bob(world, 0, 7);
    assert_int_equal(find_bob(world, 1)->about.found[0].device_count, 1);
    uint64_t version = world->servers[1].done->about.found[0].version;
    stop_server(world, 0); /* without a word, as after kill -9 */
    run_until(world, gone_noticed);
    const struct tt_whereabouts *bob = &find_bob(world, 1)->about.found[0];
    assert_int_equal(bob->device_count, 0);
    assert_true(bob->last_seen.ms > 1705311720000);
    assert_true(bob->last_seen.ms <= tt_clock_os_wall().ms);
    assert_true(bob->version > version);
    redis(world, "EXISTS", "ws:bob", NULL);
    expect_answer(world, "0 ");
    close_world(world);
}

static void the_next_incarnation_does_not_inherit(void **state)
{
    (void)state;
    struct world *world = open_world();
    put_bob(world, 0, 7);
    stop_server(world, 0);
    start_server(world, 0, 19);
    run_until(world, all_up);
    assert_int_equal(find_bob(world, 1)->about.found[0].device_count, 0);
    close_world(world);
}

static bool is_superseded(struct world *world)
{
    return tt_redis_registry_is_superseded(world->servers[0].registry);
}

static void an_old_incarnation_notices_that_it_is_a_ghost(void **state)
{
    (void)state;
    struct world *world = open_world();
    assert_false(is_superseded(world));
    redis(world, "SET", "server:ws.one", "100 2024-01-15T09:42:00.000Z");
    run_until(world, is_superseded);
    close_world(world);
}

static bool forgotten_noticed(struct world *world)
{
    return world->servers[0].forgots > 0 && world->servers[1].forgots > 0;
}

static void an_empty_redis_is_noticed(void **state)
{
    (void)state;
    struct world *world = open_world();
    uint64_t before = put_bob(world, 0, 7)->reg.user_now.version;
    redis(world, "FLUSHALL", NULL, NULL);
    run_until(world, forgotten_noticed);
    struct tt_registry_op *op = put_bob(world, 0, 7);
    expect_ok(op->err);
    assert_true(op->reg.user_now.version > before);
    close_world(world);
}

static void broken_connections_come_back(void **state)
{
    (void)state;
    struct world *world = open_world();
    put_bob(world, 0, 7);
    struct tt_slice words[] = {TT_SLICE_LITERAL("CLIENT"), TT_SLICE_LITERAL("KILL"),
                               TT_SLICE_LITERAL("SKIPME"), TT_SLICE_LITERAL("yes")};
    world->wanted = world->answers + 1;
    tt_redis_command(world->redis, words, 4, on_answer, world);
    struct tt_registry_op *op = find_bob(world, 0); /* is on the way as it breaks, or after */
    assert_true(tt_is_ok(op->err) || tt_err_is(op->err, TT_ERR_UNAVAILABLE));
    run_until(world, forgotten_noticed);
    run_until(world, all_up);
    assert_int_equal(find_bob(world, 1)->about.found[0].device_count, 1);
    assert_true(world->servers[0].gaps > 0);
    close_world(world);
}

static void expect_no_growth(struct world *world, struct tt_registry_op *op)
{
    const struct tt_arena_block *blocks = op->arena.blocks;
    size_t used = op->arena.used;
    for (int i = 0; i < 20; i++) {
        assert_true(tt_err_is(op->err, TT_ERR_UNAVAILABLE));
        world->servers[0].done = NULL;
        op = run_op(world, 0, op);
    }
    assert_ptr_equal(op->arena.blocks, blocks);
    assert_int_equal(op->arena.used, used);
}

static void what_is_refused_again_and_again_takes_no_memory(void **state)
{
    (void)state;
    struct world *world = open_world();
    redis(world, "SET", "ws:bob", "none");
    expect_no_growth(world, find_bob(world, 0));
    expect_no_growth(world, put_bob(world, 0, 7));
    close_world(world);
}

static bool all_answers(struct world *world)
{
    return world->answers == world->wanted;
}

/* Each answer takes most of the time that one may take, and the last one several times as much. */
static void who_goes_on_answering_is_alive(void **state)
{
    (void)state;
    struct world *world = open_world();
    struct tt_slice words[] = {TT_SLICE_LITERAL("BLPOP"), TT_SLICE_LITERAL("nothing"),
                               TT_SLICE_LITERAL("0.5")};
    run_until(world, all_up);
    world->wanted = world->answers + 5;
    for (int i = 0; i < 5; i++)
        tt_redis_command(world->redis, words, 3, on_answer, world);
    world->answer.size = 0;
    run_until(world, all_answers);
    assert_true(tt_redis_is_up(world->redis));
    close_world(world);
}

static bool two_hints(struct world *world)
{
    return world->servers[1].hints.size >= 8;
}

static void hints_of_a_turn_arrive_in_their_order(void **state)
{
    (void)state;
    struct world *world = open_world();
    struct tt_bus_port port = tt_redis_bus_port(world->servers[0].bus);
    port.send(port.self, &world->servers[1].place, TT_SLICE_LITERAL("one"));
    port.send(port.self, &world->servers[1].place, TT_SLICE_LITERAL("two"));
    run_until(world, two_hints);
    assert_memory_equal(world->servers[1].hints.data, "one|two|", 8);
    assert_int_equal(world->servers[1].gaps, 0);
    assert_int_equal(world->servers[0].hints.size, 0);
    close_world(world);
}

static bool gap_told(struct world *world)
{
    return world->servers[1].gaps > 0;
}

static void a_message_that_is_no_hints_is_a_gap(void **state)
{
    (void)state;
    struct world *world = open_world();
    redis(world, "PUBLISH", "bus:ws.two.18.0", "\x09zz");
    run_until(world, gap_told);
    assert_int_equal(world->servers[1].hints.size, 0);
    close_world(world);
}

static void places_are_read_from_behind(void **state)
{
    (void)state;
    struct tt_place place = {tt_id_of("a.b.3"), 12345678901234, 7};
    struct tt_place again;
    char text[TT_PLACE_TEXT_SIZE];
    assert_true(tt_place_parse(tt_place_format(&place, text), &again));
    assert_true(tt_place_eq(&place, &again));
    static const char *const bad[] = {"",     "a",     "a.1",     ".1.1",          "a.1.",
                                      "a..1", "a.x.1", "a b.1.1", "a.1.4294967296"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(tt_place_parse(tt_slice_text(bad[i]), &again));
}

static void urls_are_read_strictly(void **state)
{
    (void)state;
    struct tt_redis_options options = {.database = 0};
    const char *problem;
    expect_ok(tt_redis_parse(TT_SLICE_LITERAL("redis://h"), &options, &problem));
    assert_string_equal(options.remote.host, "h");
    assert_int_equal(options.remote.port, 6379);
    assert_false(options.remote.tls);
    expect_ok(tt_redis_parse(TT_SLICE_LITERAL("rediss://u:p:w@[::1]:7/3"), &options, &problem));
    assert_string_equal(options.remote.host, "::1");
    assert_int_equal(options.remote.port, 7);
    assert_int_equal(options.database, 3);
    assert_string_equal(options.user, "u");
    assert_string_equal(options.password, "p:w");
    assert_true(options.remote.tls);
    expect_ok(tt_redis_parse(TT_SLICE_LITERAL("redis://p%40ss%2F%3a@h"), &options, &problem));
    assert_string_equal(options.user, "");
    assert_string_equal(options.password, "p@ss/:");
    assert_int_equal(options.sentinel_count, 0);
    expect_ok(tt_redis_parse(TT_SLICE_LITERAL("redis+sentinel://:w@a,b:7,[::1]/mymaster/2"),
                             &options, &problem));
    assert_int_equal(options.sentinel_count, 3);
    assert_string_equal(options.sentinels[0].host, "a");
    assert_int_equal(options.sentinels[0].port, 26379);
    assert_int_equal(options.sentinels[1].port, 7);
    assert_string_equal(options.sentinels[2].host, "::1");
    assert_string_equal(options.master, "mymaster");
    assert_string_equal(options.password, "w");
    assert_int_equal(options.database, 2);
    assert_false(options.remote.tls);
    static const char *const bad[] = {"",
                                      "redis",
                                      "http://h",
                                      "redis://",
                                      "redis://:7",
                                      "redis://h:",
                                      "redis://h:x",
                                      "redis://h:0",
                                      "redis://[",
                                      "redis://h/x1",
                                      "redis://[a]b",
                                      "redis://h:99999",
                                      "redis://a,b",
                                      "redis://:%4@h",
                                      "redis://:%00@h",
                                      "redis+sentinel://a,b",
                                      "redis+sentinel://a,,b/m",
                                      "redis+sentinel://a/",
                                      "redis+sentinel://a/m/x",
                                      "redis+sentinel://a,b,c,d,e,f,g,h,i/m"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(tt_is_ok(tt_redis_parse(tt_slice_text(bad[i]), &options, &problem)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_peer_finds_the_documents_values),
        cmocka_unit_test(who_was_on_a_dead_server_is_not_online),
        cmocka_unit_test(the_next_incarnation_does_not_inherit),
        cmocka_unit_test(an_old_incarnation_notices_that_it_is_a_ghost),
        cmocka_unit_test(an_empty_redis_is_noticed),
        cmocka_unit_test(broken_connections_come_back),
        cmocka_unit_test(what_is_refused_again_and_again_takes_no_memory),
        cmocka_unit_test(who_goes_on_answering_is_alive),
        cmocka_unit_test(hints_of_a_turn_arrive_in_their_order),
        cmocka_unit_test(a_message_that_is_no_hints_is_a_gap),
        cmocka_unit_test(places_are_read_from_behind),
        cmocka_unit_test(urls_are_read_strictly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
