#include "sim/swarm.h"

#include <stdio.h>

/* 2024-01-12T00:00:00Z: three days later it is the day of the second source document. */
#define EPOCH_WALL_MS 1705017600000LL

static bool flip(struct tt_prng *prng, uint32_t per_mille)
{
    return tt_prng_chance(prng, per_mille);
}

static uint32_t draw(struct tt_prng *prng, uint64_t low, uint64_t high)
{
    return (uint32_t)tt_prng_between(prng, low, high);
}

static void draw_core(struct tt_prng *prng, struct tt_core_options *core)
{
    *core = tt_core_options_default();
    core->replay_count = flip(prng, 500) ? draw(prng, 1, 8) : core->replay_count;
    core->replay_bytes = flip(prng, 300) ? draw(prng, 1, 200) : core->replay_bytes;
    core->pending_count = flip(prng, 500) ? draw(prng, 1, 3) : core->pending_count;
    core->streams_kept = flip(prng, 400) ? draw(prng, 1, 2) : core->streams_kept;
    core->conversations_kept = flip(prng, 300) ? draw(prng, 1, 3) : core->conversations_kept;
    core->undrained_bytes_max = flip(prng, 300) ? draw(prng, 300, 3000) : core->undrained_bytes_max;
    if (flip(prng, 200)) { /* more than one page of a replay still fits in */
        core->slow_bytes_max = draw(prng, 6000, flip(prng, 500) ? 60000 : 12000);
        core->undrained_bytes_max = draw(prng, 300, 3000);
        core->replay_count = draw(prng, 1, 16);
    }
    core->unrung_max = flip(prng, 300) ? draw(prng, 20, 60) : core->unrung_max;
    /* Not push_timers_max: a timer that is not armed repairs nothing, and the limit is far away. */
    if (flip(prng, 200)) {
        core->sends_per_s = draw(prng, 1, 5);
        core->frames_per_s = draw(prng, 5, 20);
    }
}

static void draw_world(struct tt_prng *prng, struct tt_world_options *world)
{
    world->embedded = flip(prng, 400);
    world->servers = world->embedded ? 1 : draw(prng, 1, 5);
    world->nodes = draw(prng, 1, 3);
    world->keeps_order = world->embedded || flip(prng, 500);
    world->through_codec = flip(prng, 200);
    world->epoch_wall = TT_TIME(EPOCH_WALL_MS);
    world->turn_us = draw(prng, 0, 3000);
    world->store_latency_us = draw(prng, 300, flip(prng, 300) ? 60000 : 8000);
    world->registry_latency_us = draw(prng, 100, 5000);
    world->bus_latency_us = draw(prng, 100, 5000);
    for (uint32_t i = 0; i < TT_WORLD_SERVERS_MAX; i++) {
        world->skew_ms[i] = (int32_t)draw(prng, 0, 4000) - 2000;
        world->pace[i] = TT_PACE_TRUE - 10 + draw(prng, 0, 20);
    }
    draw_core(prng, &world->core);
    bool is_checked = flip(prng, 500);
    uint32_t reassert_ms = draw(prng, 20000, 40000);
    if (!world->embedded || is_checked)
        world->core.reassert_ms = reassert_ms;
}

static void draw_faults(struct tt_prng *prng, struct tt_swarm *swarm)
{
    struct tt_fake_store_faults *store = &swarm->store;
    store->before_per_mille = flip(prng, 500) ? draw(prng, 1, 100) : 0;
    store->after_per_mille = flip(prng, 500) ? draw(prng, 1, 100) : 0;
    store->late_per_mille = flip(prng, 300) ? draw(prng, 1, 50) : 0;
    store->tail_per_mille = flip(prng, 600) ? draw(prng, 1, 50) : 0;
    store->tail_us = draw(prng, 200000, 3000000);
    struct tt_fake_registry_faults *registry = &swarm->registry;
    registry->before_per_mille = flip(prng, 500) ? draw(prng, 1, 200) : 0;
    registry->after_per_mille = flip(prng, 500) ? draw(prng, 1, 200) : 0;
    registry->tail_per_mille = flip(prng, 500) ? draw(prng, 1, 50) : 0;
    registry->tail_us = draw(prng, 200000, 3000000);
    struct tt_fake_bus_faults *bus = &swarm->bus;
    bus->lose_per_mille = flip(prng, 600) ? draw(prng, 1, 300) : 0;
    bus->double_per_mille = flip(prng, 500) ? draw(prng, 1, 300) : 0;
    bus->gap_per_mille = flip(prng, 300) ? draw(prng, 1, 100) : 0;
    bus->tail_per_mille = flip(prng, 600) ? draw(prng, 1, 200) : 0;
    bus->tail_us = draw(prng, 100000, 8000000);
    swarm->crashes = flip(prng, 600);
    swarm->pauses = flip(prng, 400);
    swarm->drains = flip(prng, 300);
    swarm->forgets = flip(prng, 300);
    swarm->gaps = flip(prng, 300);
    swarm->stalls = flip(prng, 300);
    swarm->disk_low = flip(prng, 200);
    swarm->splits = flip(prng, 300);
    swarm->falls_back = flip(prng, 300);
    swarm->leases = flip(prng, 300);
    swarm->clocks = flip(prng, 300);
    swarm->skewed = flip(prng, 500);
}

static void draw_habits(struct tt_prng *prng, struct tt_swarm *swarm)
{
    struct tt_habits *habits = &swarm->habits;
    bool sparse = flip(prng, 40); /* days of it take as long as dozens of the others */
    habits->think_us =
        sparse ? draw(prng, 600, 3600) * TT_US_PER_S : draw(prng, 200, 20000) * TT_US_PER_MS;
    habits->look_us = (sparse ? 20 : 1) * TT_US_PER_S;
    habits->ack_us = draw(prng, 1, 1500) * TT_US_PER_MS;
    habits->away_us = draw(prng, 1, flip(prng, 500) ? 10 : 120) * TT_US_PER_S;
    if (sparse)
        habits->away_us = draw(prng, 1, 24) * 3600 * TT_US_PER_S;
    habits->leave_per_mille = draw(prng, 20, 400);
    habits->half_open_per_mille = flip(prng, 500) ? draw(prng, 50, 800) : 0;
    habits->lie_per_mille = draw(prng, 50, 800);
    habits->http_per_mille = flip(prng, 500) ? draw(prng, 10, 500) : 0;
    habits->slow_per_mille = flip(prng, 300) ? draw(prng, 50, 500) : 0;
    habits->delay_us = draw(prng, 500, flip(prng, 300) ? 300000 : 40000);
    habits->unlinks = flip(prng, 250);
    habits->mark_per_mille = flip(prng, 300) ? draw(prng, 100, 900) : 0;
    habits->settings = flip(prng, 300);
    habits->works = true;
    swarm->chaos_us = draw(prng, 30, 400) * TT_US_PER_S;
    if (sparse)
        swarm->chaos_us = draw(prng, 12, 72) * 3600 * TT_US_PER_S;
    swarm->weather_us = swarm->chaos_us / draw(prng, 5, 40);
}

tt_id tt_id_numbered(char kind, uint32_t number)
{
    char name[16];
    (void)snprintf(name, sizeof(name), "%c%u", kind, number);
    return tt_id_of(name);
}

static void add_conversation(struct tt_swarm *swarm, uint32_t mask, enum tt_conversation_kind kind,
                             bool exists)
{
    struct tt_cast *cast = &swarm->cast;
    if (cast->conversation_count == TT_ORACLE_CONVERSATIONS_MAX - 1)
        return;
    struct tt_cast_conversation *is = &cast->conversations[cast->conversation_count];
    is->id = tt_id_numbered('c', cast->conversation_count++);
    is->kind = kind;
    is->exists = exists;
    for (uint32_t i = 0; i < swarm->users; i++)
        if ((mask >> i & 1) != 0)
            is->members[is->member_count++] = tt_id_numbered('u', i);
}

/* Some pairs, some groups; the last but one user is an outsider to most of it. */
static void draw_cast(struct tt_prng *prng, struct tt_swarm *swarm)
{
    swarm->users = draw(prng, 2, 6);
    swarm->has_liar = flip(prng, 400);
    uint32_t devices_max = draw(prng, 1, 3);
    swarm->devices_max = devices_max;
    for (uint32_t i = 0; i < swarm->users; i++)
        swarm->devices[i] = draw(prng, 1, devices_max);
    for (uint32_t i = 0; i < swarm->users; i++)
        for (uint32_t j = i + 1; j < swarm->users; j++)
            if (flip(prng, 600) || (i == 0 && j == 1))
                add_conversation(swarm, 1U << i | 1U << j, TT_DIRECT, flip(prng, 800));
    uint32_t groups = draw(prng, 0, 3);
    for (uint32_t i = 0; i < groups; i++) {
        uint32_t mask = draw(prng, 1, (1U << swarm->users) - 1);
        add_conversation(swarm, mask, TT_GROUP, flip(prng, 800));
    }
}

void tt_swarm_draw(struct tt_swarm *swarm, uint64_t seed, enum tt_mutant mutant)
{
    struct tt_prng prng;
    tt_prng_init(&prng, seed, TT_STREAM_SWARM);
    *swarm = (struct tt_swarm){0};
    swarm->world.seed = seed;
    swarm->world.mutant = mutant;
    draw_world(&prng, &swarm->world);
    draw_faults(&prng, swarm);
    /* Where nobody checks whether he is registered, the registry is in the process and never fails.
     */
    if (swarm->world.core.reassert_ms == 0)
        swarm->registry = (struct tt_fake_registry_faults){0};
    draw_habits(&prng, swarm);
    draw_cast(&prng, swarm);
    swarm->cuts = flip(&prng, 300);
    swarm->strands = flip(&prng, 300);
    tt_swarm_fit(swarm);
}

static uint32_t within(uint32_t value, uint32_t low, uint32_t high)
{
    return value < low ? low : value > high ? high : value;
}

static bool keep_members(const struct tt_swarm *swarm, struct tt_cast_conversation *is)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < is->member_count; i++)
        for (uint32_t user = 0; user < swarm->users; user++) {
            tt_id name = tt_id_numbered('u', user);
            if (tt_id_eq(&is->members[i], &name))
                is->members[kept++] = is->members[i];
        }
    is->member_count = kept;
    return kept == 2 || (kept > 0 && is->kind == TT_GROUP);
}

void tt_swarm_fit(struct tt_swarm *swarm)
{
    struct tt_world_options *world = &swarm->world;
    world->servers = within(world->servers, 1, world->embedded ? 1 : TT_WORLD_SERVERS_MAX);
    world->nodes = within(world->nodes, 1, TT_WORLD_NODES_MAX);
    world->keeps_order = world->keeps_order || world->embedded;
    for (uint32_t i = 0; i < TT_WORLD_SERVERS_MAX; i++) {
        world->skew_ms[i] = swarm->skewed ? world->skew_ms[i] : 0;
        world->pace[i] = swarm->skewed ? world->pace[i] : TT_PACE_TRUE;
    }
    swarm->users = within(swarm->users, 2, TT_ORACLE_USERS_MAX);
    swarm->devices_max = within(swarm->devices_max, 1, 3);
    for (uint32_t i = 0; i < TT_ORACLE_USERS_MAX; i++)
        swarm->devices[i] = within(swarm->devices[i], 1, swarm->devices_max);
    struct tt_cast *cast = &swarm->cast;
    cast->conversation_count = within(cast->conversation_count, 1, TT_ORACLE_CONVERSATIONS_MAX);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < cast->conversation_count; i++)
        if (keep_members(swarm, &cast->conversations[i]))
            cast->conversations[kept++] = cast->conversations[i];
    cast->conversation_count = kept;
    if (swarm->chaos_us == 0 || swarm->weather_us == 0)
        swarm->chaos_us = swarm->weather_us = 1;
}

void tt_swarm_describe(const struct tt_swarm *swarm, struct tt_buffer *out)
{
    const struct tt_world_options *world = &swarm->world;
    uint32_t devices = 0;
    for (uint32_t i = 0; i < swarm->users; i++)
        devices += swarm->devices[i];
    char line[512];
    (void)snprintf(
        line, sizeof(line),
        "%s, %u server(s) x %u node(s), %s, %u users, %u devices, %u conversations%s, chaos %llu "
        "s; "
        "store %u+%u+%u late %u, registry %u+%u, bus -%u x%u gap %u late "
        "%u%s%s%s%s%s%s%s%s%s%s%s%s%s%s%s%s",
        world->embedded ? "embedded" : "cluster", world->servers, world->nodes,
        world->keeps_order ? "ordered" : "unordered", swarm->users, devices,
        swarm->cast.conversation_count, swarm->has_liar ? ", a liar" : "",
        (unsigned long long)(swarm->chaos_us / TT_US_PER_S), swarm->store.before_per_mille,
        swarm->store.after_per_mille, swarm->store.late_per_mille, swarm->store.tail_per_mille,
        swarm->registry.before_per_mille, swarm->registry.after_per_mille,
        swarm->bus.lose_per_mille, swarm->bus.double_per_mille, swarm->bus.gap_per_mille,
        swarm->bus.tail_per_mille, swarm->crashes ? ", crashes" : "",
        swarm->pauses ? ", pauses" : "", swarm->drains ? ", drains" : "",
        swarm->forgets ? ", forgets" : "", swarm->gaps ? ", gaps" : "",
        swarm->stalls ? ", stalls" : "", swarm->disk_low ? ", disk low" : "",
        swarm->splits ? ", splits" : "", swarm->falls_back ? ", fails over" : "",
        swarm->leases ? ", leases" : "", swarm->clocks ? ", clocks" : "",
        swarm->skewed ? ", skewed" : "", swarm->cuts ? ", cuts" : "",
        swarm->strands ? ", strands" : "", swarm->habits.unlinks ? ", unlinks" : "",
        swarm->habits.settings ? ", settings" : "");
    tt_buffer_add_text(out, line);
}
