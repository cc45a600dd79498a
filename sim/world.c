#include "sim/world.h"

#include <stdio.h>

#include "base/memory.h"
#include "sim/node.h"
#include "sim/oracle.h"

#define ON_ITS_WAY_US (5 * TT_US_PER_S)

static void store_applied(void *context, const struct tt_store_op *op, uint32_t process)
{
    struct tt_world *world = context;
    tt_trace_mix(&world->trace, (uint64_t)op->kind + 1000);
    tt_oracle_store_applied(world->oracle, op, process);
}

static void create_fakes(struct tt_world *world)
{
    const struct tt_world_options *options = &world->options;
    struct tt_fake_store_options store = {
        .seed = options->seed,
        .keeps_order = options->keeps_order,
        .embedded = options->embedded,
        .mutant = options->mutant,
        .latency_us = options->store_latency_us,
        .sometimes = &world->sometimes,
    };
    struct tt_fake_registry_options registry = {
        .seed = options->seed,
        .mutant = options->mutant,
        .latency_us = options->registry_latency_us,
        .sometimes = &world->sometimes,
        .epoch_wall = options->epoch_wall,
    };
    struct tt_fake_bus_options bus = {
        .seed = options->seed,
        .mutant = options->mutant,
        .latency_us = options->bus_latency_us,
        .sometimes = &world->sometimes,
    };
    world->store = tt_fake_store_create(&world->agenda, &store);
    world->registry = tt_fake_registry_create(&world->agenda, &registry);
    world->bus = tt_fake_bus_create(&world->agenda, &bus);
    tt_fake_store_observe(world->store, (struct tt_fake_store_observer){world, store_applied});
}

struct tt_world *tt_world_create(const struct tt_world_options *options)
{
    TT_ASSERT(options->servers <= TT_WORLD_SERVERS_MAX && options->nodes <= TT_WORLD_NODES_MAX);
    struct tt_world *world = tt_alloc(sizeof(*world));
    world->options = *options;
    tt_agenda_init(&world->agenda, options->epoch_us);
    tt_prng_init(&world->network, options->seed, TT_STREAM_NETWORK);
    tt_prng_init(&world->turn, options->seed, TT_STREAM_TURN);
    tt_prng_init(&world->entropy, options->seed, TT_STREAM_ENTROPY);
    create_fakes(world);
    tt_fake_notifier_init(&world->notifier, &world->agenda, options->seed);
    world->notifier.mutant = options->mutant;
    for (uint32_t i = 0; i < options->servers; i++) {
        char name[] = "ws_server_1";
        name[sizeof(name) - 2] = (char)('1' + i);
        world->servers[i].id = tt_id_of(name);
        world->servers[i].skew_ms = options->skew_ms[i];
        world->servers[i].pace = options->pace[i] == 0 ? TT_PACE_TRUE : options->pace[i];
    }
    return world;
}

void tt_world_destroy(struct tt_world **pointer)
{
    struct tt_world *world = *pointer;
    while (world->all_nodes != NULL) {
        struct tt_node *node = world->all_nodes;
        world->all_nodes = node->next;
        tt_node_destroy(node);
    }
    tt_agenda_deinit(&world->agenda);
    tt_fake_notifier_deinit(&world->notifier);
    while (world->all_links != NULL) {
        struct tt_link *link = world->all_links;
        world->all_links = link->next;
        tt_free(link->oracle);
        tt_free(link);
    }
    while (world->all_calls != NULL) {
        struct tt_call *call = world->all_calls;
        world->all_calls = call->next;
        tt_arena_deinit(&call->arena);
        tt_free(call->oracle);
        tt_free(call);
    }
    tt_fake_store_destroy(&world->store);
    tt_fake_registry_destroy(&world->registry);
    tt_fake_bus_destroy(&world->bus);
    tt_trace_deinit(&world->trace);
    tt_free(world);
    *pointer = NULL;
}

tt_time tt_world_wall(const struct tt_world *world)
{
    return TT_TIME(world->options.epoch_wall.ms + (int64_t)(world->agenda.now_us / TT_US_PER_MS));
}

static void trace_server(struct tt_world *world, const struct tt_server *server, const char *what)
{
    tt_trace_mix_id(&world->trace, &server->id);
    if (!world->trace.enabled)
        return;
    struct tt_buffer line = {0};
    tt_trace_put_place(&line, &(struct tt_place){server->id, server->incarnation, 0});
    tt_buffer_add_text(&line, what);
    tt_trace_line(&world->trace, world->agenda.now_us, tt_buffer_slice(&line));
    tt_buffer_deinit(&line);
}

void tt_world_start(struct tt_world *world, uint32_t number)
{
    struct tt_server *server = &world->servers[number];
    if (server->is_up)
        return;
    server->incarnation++;
    server->is_up = true;
    server->is_dying = false;
    server->is_draining = false;
    server->effects_until_crash = 0;
    server->paused_until_us = 0;
    trace_server(world, server, " starts");
    struct tt_place process = {server->id, server->incarnation, 0};
    tt_fake_registry_up(world->registry, &process);
    for (uint32_t i = 0; i < world->options.nodes; i++)
        server->nodes[i] = tt_node_create(world, server, i);
}

static void add_counters(struct tt_core_counters *sum, const struct tt_core_counters *add)
{
#define X(name) sum->name += add->name;
    TT_CORE_COUNTER_MAP(X)
#undef X
}

void tt_world_crash(struct tt_world *world, uint32_t number)
{
    struct tt_server *server = &world->servers[number];
    if (!server->is_up)
        return;
    world->sometimes.crashed += !server->is_dying && !server->is_draining;
    world->sometimes.crashed_amid_effects += server->is_dying;
    server->is_up = false;
    server->is_dying = true;
    trace_server(world, server, " crashes");
    struct tt_place process = {server->id, server->incarnation, 0};
    tt_fake_store_process_died(world->store, number);
    tt_oracle_server_died(world->oracle, number);
    tt_fake_registry_died(world->registry, &process);
    tt_fake_bus_died(world->bus, &process);
    for (uint32_t i = 0; i < world->options.nodes; i++) {
        struct tt_node *node = server->nodes[i];
        add_counters(&world->past, tt_core_counters(tt_driver_core(node->driver)));
        tt_node_die(node);
        tt_links_server_died(world, node);
        server->nodes[i] = NULL;
    }
    if (world->options.embedded)
        tt_fake_registry_forget(world->registry);
}

void tt_world_crash_in(struct tt_world *world, uint32_t server, uint64_t effects)
{
    world->servers[server].effects_until_crash = effects;
}

void tt_world_drain(struct tt_world *world, uint32_t number)
{
    struct tt_server *server = &world->servers[number];
    trace_server(world, server, " drains");
    server->is_draining = server->is_up;
    world->sometimes.drained += server->is_up;
    for (uint32_t i = 0; server->is_up && i < world->options.nodes; i++)
        tt_node_tell(server->nodes[i], TT_EVENT_DRAIN);
}

void tt_world_pause(struct tt_world *world, uint32_t number, uint64_t until_us)
{
    trace_server(world, &world->servers[number], " stands still for a while");
    world->servers[number].paused_until_us = until_us;
    if (world->servers[number].skew_past_us > world->agenda.now_us)
        world->servers[number].skew_past_us = until_us + ON_ITS_WAY_US;
    world->sometimes.stood_still++;
    if (!world->options.embedded) /* nobody renews the lease meanwhile */
        tt_world_end_lease(world, number, until_us);
}

/* What it answered while its clock was so is told in a while, or when it stands still no more. */
static void keep_skew(const struct tt_world *world, struct tt_server *server)
{
    uint64_t now_us = world->agenda.now_us;
    bool is_past = server->skew_past_us <= now_us;
    if (is_past || server->skew_ms < server->skew_low_ms)
        server->skew_low_ms = server->skew_ms;
    if (is_past || server->skew_ms > server->skew_high_ms)
        server->skew_high_ms = server->skew_ms;
    uint64_t goes_on_us = server->paused_until_us > now_us ? server->paused_until_us : now_us;
    server->skew_past_us = goes_on_us + ON_ITS_WAY_US;
}

void tt_world_set_clock(struct tt_world *world, uint32_t number, int64_t ahead_ms)
{
    struct tt_server *server = &world->servers[number];
    trace_server(world, server, ahead_ms == 0 ? " has its clock set right" : " has its clock set");
    world->sometimes.clock_jumped += ahead_ms != 0;
    world->highest_wall = tt_world_highest_wall(world);
    keep_skew(world, server);
    server->skew_ms = world->options.skew_ms[number] + ahead_ms;
}

tt_time tt_world_highest_wall(const struct tt_world *world)
{
    tt_time highest = tt_time_max(world->highest_wall, tt_world_wall(world));
    for (uint32_t i = 0; i < world->options.servers; i++)
        highest =
            tt_time_max(highest, TT_TIME(tt_world_wall(world).ms + world->servers[i].skew_ms));
    return highest;
}

static struct tt_place process_of(const struct tt_server *server)
{
    return (struct tt_place){server->id, server->incarnation, 0};
}

void tt_world_split(struct tt_world *world, uint32_t number, uint64_t until_us)
{
    struct tt_server *server = &world->servers[number];
    if (!server->is_up)
        return;
    struct tt_place process = process_of(server);
    trace_server(world, server, " cannot reach the registry");
    world->sometimes.registry_split++;
    tt_fake_registry_silence(world->registry, &process, until_us, true);
}

void tt_world_cut(struct tt_world *world, uint32_t from, uint32_t to, uint64_t until_us, bool both)
{
    const struct tt_server *one = &world->servers[from];
    const struct tt_server *other = &world->servers[to];
    char what[64];
    (void)snprintf(what, sizeof(what), " cannot reach %.*s%s", other->id.size, other->id.bytes,
                   both ? ", and is not reached" : "");
    trace_server(world, one, what);
    tt_fake_bus_cut(world->bus, &one->id, &other->id, until_us);
    if (both)
        tt_fake_bus_cut(world->bus, &other->id, &one->id, until_us);
}

void tt_world_strand(struct tt_world *world, uint32_t number, const struct tt_fake_store_way *way)
{
    trace_server(world, &world->servers[number],
                 way->is_stalled              ? " waits for the store"
                 : way->before_per_mille == 0 ? " is not answered by the store"
                                              : " does not reach the store");
    *tt_fake_store_way(world->store, number) = *way;
}

void tt_world_rejoin(struct tt_world *world)
{
    tt_fake_bus_heal(world->bus);
    for (uint32_t i = 0; i < world->options.servers; i++)
        *tt_fake_store_way(world->store, i) = (struct tt_fake_store_way){0};
}

void tt_world_end_lease(struct tt_world *world, uint32_t number, uint64_t until_us)
{
    struct tt_server *server = &world->servers[number];
    if (!server->is_up)
        return;
    struct tt_place process = process_of(server);
    trace_server(world, server, " does not renew its lease");
    tt_fake_registry_silence(world->registry, &process, until_us, false);
}

struct tt_core_counters tt_world_counters(const struct tt_world *world)
{
    struct tt_core_counters sum = world->past;
    for (const struct tt_node *node = world->all_nodes; node != NULL; node = node->next)
        if (node->driver != NULL)
            add_counters(&sum, tt_core_counters(tt_driver_core(node->driver)));
    return sum;
}
