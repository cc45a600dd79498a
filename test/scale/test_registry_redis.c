#include "adapter/clock_os.h"
#include "adapter/entropy_os.h"
#include "adapter/redis/registry.h"
#include "base/memory.h"
#include "contract/registry_contract.h"
#include "unit.h"

#include <stdlib.h>

/* The registry contract over a real Redis, which is emptied for each case. */
#define NODES_MAX 4

struct node {
    struct world *world;
    struct tt_redis_registry *registry;
    struct tt_registry_sink sink;
};

struct world {
    struct tt_loop *loop;
    struct tt_redis *redis; /* only to empty it */
    struct tt_entropy_os entropy;
    struct node nodes[NODES_MAX];
    size_t node_count;
    size_t under_way;
    bool is_empty;
};

static const char *port(void)
{
    const char *text = getenv("TWOTICKS_TEST_REDIS_PORT");
    assert_non_null(text);
    return text;
}

static struct tt_redis_options redis_options(struct world *world)
{
    struct tt_redis_options options = {.answer_ms_max = 5000,
                                       .entropy = tt_entropy_os(&world->entropy)};
    struct tt_buffer url = {0};
    const char *problem;
    tt_buffer_add_text(&url, "redis://127.0.0.1:");
    tt_buffer_add_text(&url, port());
    expect_ok(tt_redis_parse(tt_buffer_slice(&url), &options, &problem));
    tt_buffer_deinit(&url);
    return options;
}

static bool is_settled(const struct world *world)
{
    for (size_t i = 0; i < world->node_count; i++)
        if (!tt_redis_registry_is_up(world->nodes[i].registry))
            return false;
    return world->is_empty && world->under_way == 0;
}

static void on_turn_end(void *context)
{
    struct world *world = context;
    if (is_settled(world))
        tt_loop_stop(world->loop);
}

static void on_deadline(void *context)
{
    (void)context;
    fail_msg("%s", "Redis does not answer");
}

static const struct tt_loop_events loop_events = {.turn_end = on_turn_end, .deadline = on_deadline};

static void settle(void *inner)
{
    struct world *world = inner;
    if (is_settled(world))
        return;
    tt_loop_set_deadline(world->loop, tt_mono_after(tt_loop_now(world->loop), 20000));
    tt_loop_run(world->loop);
    tt_loop_set_deadline(world->loop, TT_MONO(0));
}

static void on_flushed(void *context, const struct redisReply *reply)
{
    struct world *world = context;
    assert_non_null(reply);
    world->is_empty = true;
}

static void on_up(void *context)
{
    struct world *world = context;
    struct tt_slice flush = TT_SLICE_LITERAL("FLUSHALL");
    tt_redis_command(world->redis, &flush, 1, on_flushed, world);
}

static void on_down(void *context)
{
    (void)context;
}

static const struct tt_redis_events events = {.up = on_up, .down = on_down};

static void *create(void)
{
    struct world *world = tt_alloc(sizeof(*world));
    expect_ok(tt_loop_create(&loop_events, world, &world->loop));
    struct tt_redis_options options = redis_options(world);
    world->redis = tt_redis_create(world->loop, &options, &events, world);
    settle(world);
    tt_redis_destroy(&world->redis);
    return world;
}

static void destroy(void *inner)
{
    struct world *world = inner;
    for (size_t i = 0; i < world->node_count; i++)
        tt_redis_registry_destroy(&world->nodes[i].registry);
    tt_loop_destroy(&world->loop);
    tt_free(world);
}

static void done(void *context, struct tt_registry_op *op)
{
    struct node *node = context;
    node->world->under_way--;
    node->sink.done(node->sink.context, op);
}

static void node_gone(void *context)
{
    struct node *node = context;
    node->sink.node_gone(node->sink.context);
}

static void forgotten(void *context)
{
    struct node *node = context;
    node->sink.forgotten(node->sink.context);
}

static void submit(void *self, struct tt_registry_op *const *ops, size_t count)
{
    struct node *node = self;
    struct tt_registry_port inner = tt_redis_registry_port(node->registry);
    node->world->under_way += count;
    inner.submit(inner.self, ops, count);
}

static struct tt_registry_port attach(void *inner, const struct tt_place *place,
                                      const struct tt_registry_sink *sink)
{
    struct world *world = inner;
    assert_true(world->node_count < NODES_MAX);
    struct node *node = &world->nodes[world->node_count++];
    node->world = world;
    node->sink = *sink;
    struct tt_redis_registry_options options = {
        .redis = redis_options(world),
        .place = *place,
        .clock = tt_clock_os(),
        .lease_ms = TT_REDIS_LEASE_MS,
        .renew_ms = TT_REDIS_RENEW_MS,
        .poll_ms = TT_REDIS_POLL_MS,
    };
    struct tt_registry_sink own = {node, done, node_gone, forgotten};
    node->registry = tt_redis_registry_create(world->loop, &options, &own);
    settle(world);
    return (struct tt_registry_port){.self = node, .submit = submit};
}

int main(void)
{
    const struct tt_registry_factory factory = {
        .name = "registry contract: Redis",
        .create = create,
        .destroy = destroy,
        .attach = attach,
        .settle = settle,
    };
    return tt_registry_contract_run(&factory);
}
