#include "sim/run.h"

#include <stdio.h>

#include "base/memory.h"
#include "sim/node.h"
#include "sim/phone.h"

#define HEAL_US       (100 * TT_US_PER_S)
#define CLEAN_US      (120 * TT_US_PER_S)
#define REST_US       (70 * TT_US_PER_S)
#define LIST_US       (3 * TT_US_PER_S)
#define SEEN_US       (6 * TT_US_PER_S)
#define LOSS_US       (25 * TT_US_PER_S)
#define CALM_DELAY_US 30000              /* of a connection, at most */
#define GHOST_US      (14 * TT_US_PER_S) /* a lease and a poll are 12 s */

void tt_run_until(struct tt_run *run, uint64_t at_us)
{
    struct tt_agenda *agenda = &run->world->agenda;
    while (tt_oracle_failure(run->oracle) == NULL && tt_agenda_step(agenda, at_us))
        run->world->steps++;
}

static void run_for(struct tt_run *run, uint64_t us)
{
    tt_run_until(run, run->world->agenda.now_us + us);
}

static void create_conversations(struct tt_run *run)
{
    const struct tt_cast *cast = &run->swarm.cast;
    for (uint32_t i = 0; i < cast->conversation_count; i++) {
        const struct tt_cast_conversation *is = &cast->conversations[i];
        tt_oracle_expect_conversation(run->oracle, &is->id);
        if (!is->exists)
            continue;
        struct tt_store_op *op = tt_store_op_create(TT_STORE_CREATE_CONVERSATION);
        op->create_conversation = (struct tt_create_conversation){
            .conversation = {.id = is->id,
                             .kind = is->kind,
                             .created_at = tt_world_wall(run->world),
                             .members = is->members,
                             .member_count = is->member_count},
            .creator = is->members[0],
            .id_given = true,
            .conversation_count_max = 10000,
        };
        tt_fake_store_apply(run->world->store, op);
        TT_ASSERT(tt_is_ok(op->err));
        tt_store_op_destroy(&op);
    }
}

static void create_devices(struct tt_run *run)
{
    const struct tt_swarm *swarm = &run->swarm;
    for (uint32_t u = 0; u < swarm->users; u++) {
        bool honest = !swarm->has_liar || u + 1 < swarm->users;
        char name[16];
        (void)snprintf(name, sizeof(name), "u%u", u);
        tt_id user = tt_id_of(name);
        for (uint32_t d = 0; d < swarm->devices[u]; d++) {
            (void)snprintf(name, sizeof(name), "d%u", d);
            tt_id id = tt_id_of(name);
            tt_oracle_add_device(run->oracle, &user, &id, honest);
            run->devices[run->device_count] = tt_device_create(
                run->world, &swarm->cast, &run->habits, &user, &id, honest, run->device_count);
            run->device_count++;
        }
    }
}

static void begin(struct tt_run *run, const struct tt_run_order *order)
{
    run->swarm = order->swarm;
    run->habits = run->swarm.habits;
    run->habits.choice = order->choice;
    tt_prng_init(&run->crash, run->swarm.world.seed, TT_STREAM_CRASH);
    run->world = tt_world_create(&run->swarm.world);
    run->oracle = tt_oracle_create(run->world);
    run->world->oracle = run->oracle;
    create_devices(run);
    create_conversations(run);
    run->phones = tt_phones_create(run, run->swarm.world.seed);
    for (uint32_t i = 0; i < run->swarm.world.servers; i++)
        tt_world_start(run->world, i);
    for (uint32_t i = 0; i < run->device_count; i++)
        tt_device_wake(run->devices[i]);
}

/* Chaos. */

static void restart(void *context, void *payload)
{
    (void)payload;
    struct tt_run *run = context;
    for (uint32_t i = 0; i < run->swarm.world.servers; i++)
        if (!run->world->servers[i].is_up &&
            (run->chaos_is_over || tt_prng_chance(&run->crash, 700)))
            tt_world_start(run->world, i);
}

static void end_drained(void *context, void *payload)
{
    (void)payload;
    struct tt_run *run = context;
    for (uint32_t i = 0; i < run->swarm.world.servers; i++)
        if (run->world->servers[i].is_up && run->world->servers[i].is_draining)
            tt_world_crash(run->world, i);
}

static void hit_server(struct tt_run *run, struct tt_prng *prng, uint64_t kind)
{
    struct tt_world *world = run->world;
    struct tt_agenda *agenda = &world->agenda;
    uint32_t server = (uint32_t)tt_prng_below(prng, run->swarm.world.servers);
    uint64_t number = tt_prng_between(prng, 1, 400);
    uint64_t down_us = tt_prng_delay(prng, 5 * TT_US_PER_S);
    uint64_t pause_us = tt_prng_between(prng, 1, 30) * TT_US_PER_S;
    if (kind == 0 && run->swarm.crashes)
        tt_world_crash(world, server);
    if (kind == 1 && run->swarm.crashes)
        tt_world_crash_in(world, server, number);
    if (kind == 2 && run->swarm.pauses)
        tt_world_pause(world, server, agenda->now_us + pause_us);
    if (kind == 3 && run->swarm.drains) {
        tt_world_drain(world, server);
        tt_agenda_after(agenda, 5 * TT_US_PER_S, end_drained, run, NULL, NULL);
    }
    tt_agenda_after(agenda, down_us, restart, run, NULL, NULL);
    tt_agenda_after(agenda, down_us + 6 * TT_US_PER_S, restart, run, NULL, NULL);
}

#define HOUR_MS 3600000

/* Leases, the way to the registry, and clocks. */
static void hit_time(struct tt_run *run, struct tt_prng *prng, uint64_t kind)
{
    struct tt_world *world = run->world;
    uint32_t server = (uint32_t)tt_prng_below(prng, run->swarm.world.servers);
    uint64_t until_us = world->agenda.now_us + tt_prng_between(prng, 1, 25) * TT_US_PER_S;
    int64_t ahead_ms = (int64_t)tt_prng_below(prng, 6 * HOUR_MS) - 3 * HOUR_MS;
    bool is_cluster = !run->swarm.world.embedded;
    if (kind == 0 && run->swarm.splits && is_cluster)
        tt_world_split(world, server, until_us);
    if (kind == 1 && run->swarm.leases && is_cluster)
        tt_world_end_lease(world, server, until_us);
    if (kind == 2 && run->swarm.falls_back && is_cluster)
        tt_fake_registry_fall_back(world->registry);
    if (kind == 3 && run->swarm.clocks)
        tt_world_set_clock(world, server, tt_prng_chance(prng, 400) ? 0 : ahead_ms);
    if (tt_prng_chance(prng, 300))
        tt_fake_registry_keep(world->registry);
}

/* Some seconds to minutes, but not beyond the chaos. */
static uint64_t until(const struct tt_run *run, struct tt_prng *prng, uint64_t s_max)
{
    uint64_t until_us = run->world->agenda.now_us + tt_prng_between(prng, 2, s_max) * TT_US_PER_S;
    return until_us < run->chaos_end_us ? until_us : run->chaos_end_us;
}

/* The way between two servers, or between one and all others. */
static void hit_bus(struct tt_run *run, struct tt_prng *prng)
{
    uint32_t servers = run->swarm.world.servers;
    uint32_t from = (uint32_t)tt_prng_below(prng, servers);
    uint32_t to = (from + 1 + (uint32_t)tt_prng_below(prng, servers - 1)) % servers;
    bool both = tt_prng_chance(prng, 500);
    bool all = tt_prng_chance(prng, 250);
    uint64_t until_us = until(run, prng, 180);
    for (uint32_t i = 0; i < servers; i++)
        if (i == to || (all && i != from))
            tt_world_cut(run->world, from, i, until_us, both);
}

/* One server's way to the store. */
static void hit_way(struct tt_run *run, struct tt_prng *prng)
{
    struct tt_fake_store_way way = {0};
    uint32_t server = (uint32_t)tt_prng_below(prng, run->swarm.world.servers);
    uint32_t per_mille = tt_prng_chance(prng, 500) ? 1000 : 300;
    uint64_t kind = tt_prng_below(prng, 3);
    way.before_per_mille = kind == 0 ? per_mille : 0;
    way.after_per_mille = kind == 1 ? per_mille : 0;
    way.is_stalled = kind == 2;
    way.until_us = until(run, prng, way.is_stalled ? 20 : 90);
    tt_world_strand(run->world, server, &way);
}

static void hit_ways(struct tt_run *run, struct tt_prng *prng)
{
    bool cuts = tt_prng_chance(prng, 400) && run->swarm.cuts;
    bool strands = tt_prng_chance(prng, 300) && run->swarm.strands;
    if (cuts && run->swarm.world.servers > 1)
        hit_bus(run, prng);
    if (strands && run->swarm.world.servers > 1)
        hit_way(run, prng);
}

/* Until when the store answers nobody. What waits for its end does so for as long as all else that
 * is asked: nobody looks at the store meanwhile. */
static uint64_t stall(const struct tt_run *run, struct tt_prng *prng)
{
    uint64_t so_far_us = tt_fake_store_faults(run->world->store)->stalled_until_us;
    uint64_t until_us = run->world->agenda.now_us + tt_prng_delay(prng, 5 * TT_US_PER_S);
    if (!tt_prng_chance(prng, 300) || !run->swarm.stalls || until_us < so_far_us)
        return so_far_us;
    return until_us < run->chaos_end_us ? until_us : run->chaos_end_us;
}

/* Some of what the swarm allows goes wrong for a while. */
static void change_weather(struct tt_run *run)
{
    uint32_t number = run->weathers++;
    if (!tt_choice_take(&run->habits.choice, TT_CHOICE_WEATHER, number))
        return;
    struct tt_prng own;
    struct tt_prng *prng = &own;
    tt_prng_init(prng, (run->swarm.world.seed << 20) + number, TT_STREAM_WEATHER);
    struct tt_swarm *swarm = &run->swarm;
    struct tt_world *world = run->world;
    struct tt_fake_store_faults *store = tt_fake_store_faults(world->store);
    uint64_t stalled_us = stall(run, prng);
    *store = (struct tt_fake_store_faults){0};
    if (tt_prng_chance(prng, 600))
        *store = swarm->store;
    store->disk_low = tt_prng_chance(prng, 200) && swarm->disk_low;
    store->stalled_until_us = stalled_us;
    *tt_fake_registry_faults(world->registry) = (struct tt_fake_registry_faults){0};
    if (tt_prng_chance(prng, 600))
        *tt_fake_registry_faults(world->registry) = swarm->registry;
    *tt_fake_bus_faults(world->bus) = (struct tt_fake_bus_faults){0};
    if (tt_prng_chance(prng, 600))
        *tt_fake_bus_faults(world->bus) = swarm->bus;
    if (tt_prng_chance(prng, 200) && swarm->forgets)
        tt_fake_registry_forget(world->registry);
    if (tt_prng_chance(prng, 200) && swarm->gaps)
        tt_fake_bus_gap_everywhere(world->bus);
    tt_phones_weather(run->phones);
    hit_server(run, prng, tt_prng_below(prng, 5));
    hit_time(run, prng, tt_prng_below(prng, 5));
    hit_ways(run, prng);
}

static void chaos(struct tt_run *run)
{
    run->chaos_end_us = run->world->agenda.now_us + run->swarm.chaos_us;
    while (run->world->agenda.now_us < run->chaos_end_us &&
           tt_oracle_failure(run->oracle) == NULL) {
        run_for(run, tt_prng_delay(&run->crash, run->swarm.weather_us) + 1);
        change_weather(run);
    }
}

/* Afterwards. */

static void calm(struct tt_run *run)
{
    struct tt_world *world = run->world;
    run->chaos_is_over = true;
    *tt_fake_store_faults(world->store) = (struct tt_fake_store_faults){0};
    *tt_fake_registry_faults(world->registry) = (struct tt_fake_registry_faults){0};
    *tt_fake_bus_faults(world->bus) = (struct tt_fake_bus_faults){0};
    tt_world_rejoin(world);
    for (uint32_t i = 0; i < run->swarm.world.servers; i++) {
        world->servers[i].effects_until_crash = 0;
        world->servers[i].paused_until_us = 0;
        tt_world_set_clock(world, i, 0);
        if (world->servers[i].is_draining)
            tt_world_crash(world, i);
        tt_world_start(world, i);
    }
    run->habits.works = false;
    run->habits.slow_per_mille = 0;
    run->habits.look_us = TT_US_PER_S;
    if (run->habits.delay_us > CALM_DELAY_US)
        run->habits.delay_us = CALM_DELAY_US;
    tt_oracle_calms(run->oracle);
    tt_phones_dusk(run->phones);
    for (uint32_t i = 0; i < run->device_count; i++) {
        struct tt_link *link = run->devices[i]->link;
        if (link != NULL && link->delay_us > CALM_DELAY_US)
            link->delay_us = CALM_DELAY_US;
        tt_device_come_back(run->devices[i]);
    }
}

static void settle(struct tt_run *run, uint64_t us)
{
    run->habits.works = false;
    run_for(run, us);
    for (uint32_t i = 0; i < run->device_count; i++)
        tt_device_refresh(run->devices[i]);
    run_for(run, LIST_US);
    if (tt_oracle_failure(run->oracle) == NULL)
        tt_settled_check(run);
}

static void clean(struct tt_run *run)
{
    run->habits.works = true;
    run->habits.adopts = true;
    run->habits.think_us = 4 * TT_US_PER_S;
    run->habits.away_us = 10 * TT_US_PER_S;
    run->habits.leave_per_mille = 60;
    run->habits.half_open_per_mille = 200;
    run->habits.ack_us = 100000;
    tt_clean_begin(run);
    tt_seen_begin(run, SEEN_US);
    run_for(run, CLEAN_US);
    tt_seen_end(run);
    tt_clean_end(run);
}

/* Half of those who were connected to it come back elsewhere, the others stay away. */
static void lose_server(struct tt_run *run)
{
    struct tt_world *world = run->world;
    if (run->swarm.world.servers < 2)
        return;
    uint32_t server = (uint32_t)tt_prng_below(&run->crash, run->swarm.world.servers);
    for (uint32_t i = 0; i < run->device_count; i++) {
        struct tt_sim_device *device = run->devices[i];
        bool was_there =
            device->link != NULL && device->link->node != NULL &&
            world->servers[server].nodes[device->link->node->place.node] == device->link->node;
        uint64_t back_us = world->agenda.now_us + LOSS_US;
        bool stays_away = tt_prng_chance(&run->crash, 500);
        if (was_there && stays_away && device->away_until_us < back_us)
            device->away_until_us = back_us;
    }
    run->habits.works = false;
    run->habits.adopts = false;
    tt_seen_begin(run, GHOST_US);
    tt_world_crash(world, server);
    run_for(run, LOSS_US);
    tt_seen_end(run);
    tt_world_start(world, server);
}

/* What the cores have counted themselves. */
static void count(struct tt_run_result *result)
{
    const struct tt_core_counters *counters = &result->counters;
    struct tt_sometimes *sometimes = &result->sometimes;
    sometimes->dedupe_hit += counters->messages_duplicate;
    sometimes->fenced += counters->fenced;
    sometimes->replaced += counters->replaced;
    sometimes->hint_stale += counters->hints_stale;
    sometimes->gap_filled += counters->gaps_filled;
    sometimes->repaired_by_push_timer += counters->repairs_push_timer;
    sometimes->repaired_by_refresh += counters->repairs_refresh;
    sometimes->slow_consumer_closed += counters->slow_consumers;
    sometimes->heartbeat_missed += counters->heartbeats_missed;
    sometimes->ack_refused += counters->acks_ahead;
    sometimes->rate_limited += counters->rate_limited;
    sometimes->rang += result->rung;
}

static void end(struct tt_run *run, struct tt_run_result *result)
{
    struct tt_world *world = run->world;
    *result = (struct tt_run_result){
        .hash = world->trace.hash,
        .steps = world->steps,
        .simulated_us = world->agenda.now_us,
        .counters = tt_world_counters(world),
        .sometimes = world->sometimes,
        .rung = world->notifier.rung,
    };
    count(result);
    const char *failure = tt_oracle_failure(run->oracle);
    if (failure != NULL)
        (void)snprintf(result->failure, sizeof(result->failure), "%s", failure);
    tt_world_destroy(&run->world);
    tt_phones_destroy(&run->phones);
    for (uint32_t i = 0; i < run->device_count; i++)
        tt_device_destroy(&run->devices[i]);
    tt_oracle_destroy(&run->oracle);
}

void tt_run(const struct tt_run_order *order, struct tt_run_result *result)
{
    struct tt_run *run = tt_alloc(sizeof(*run));
    begin(run, order);
    run->world->trace.enabled = order->trace != NULL;
    run->world->trace.bytes_max = order->trace_bytes;
    chaos(run);
    calm(run);
    settle(run, HEAL_US);
    clean(run);
    lose_server(run);
    settle(run, REST_US);
    if (tt_oracle_failure(run->oracle) == NULL)
        tt_left_check(run);
    if (order->trace != NULL)
        tt_buffer_add(order->trace, tt_buffer_slice(&run->world->trace.lines));
    end(run, result);
    tt_free(run);
}

void tt_run_seed(uint64_t seed, enum tt_mutant mutant, struct tt_buffer *trace, size_t trace_bytes,
                 struct tt_run_result *result)
{
    struct tt_run_order *order = tt_alloc(sizeof(*order));
    tt_swarm_draw(&order->swarm, seed, mutant);
    order->trace = trace;
    order->trace_bytes = trace_bytes;
    tt_run(order, result);
    tt_free(order);
}
