#include "sim/fake_registry.h"

#include "base/memory.h"

#define DEVICES_MAX  32
#define WATCHERS_MAX 64

struct entry {
    tt_id id;
    struct tt_registered_device devices[DEVICES_MAX];
    size_t device_count;
    struct tt_place watchers[WATCHERS_MAX];
    size_t watcher_count;
    tt_time last_seen;
    uint64_t version;
    struct entry *next;
};

struct lease {
    struct tt_place process;
    bool is_up;
    bool is_silent; /* nobody renews it for now */
    bool is_cut;
    uint64_t silent_until_us;
    uint64_t renewed_us;
    struct lease *next;
};

struct registry_port {
    struct tt_fake_registry *registry;
    struct tt_place place;
    struct tt_registry_sink sink;
    bool is_dead;
    uint64_t ordered_until_us;
    struct registry_port *next;
};

struct flight {
    struct registry_port *port;
    struct tt_registry_op *op;
    bool fails_before;
    bool fails_after;
};

struct tt_fake_registry {
    struct tt_agenda *agenda;
    struct tt_fake_registry_options options;
    struct tt_fake_registry_faults faults;
    struct tt_prng prng;
    struct entry *entries;
    struct entry *kept; /* what a failover goes back to */
    struct lease *leases;
    struct registry_port *ports;
    uint64_t version;
};

struct tt_fake_registry *tt_fake_registry_create(struct tt_agenda *agenda,
                                                 const struct tt_fake_registry_options *options)
{
    struct tt_fake_registry *registry = tt_alloc(sizeof(*registry));
    registry->agenda = agenda;
    registry->options = *options;
    tt_prng_init(&registry->prng, options->seed, TT_STREAM_REGISTRY);
    return registry;
}

static void free_entries(struct entry **entries)
{
    while (*entries != NULL) {
        struct entry *entry = *entries;
        *entries = entry->next;
        tt_free(entry);
    }
}

void tt_fake_registry_destroy(struct tt_fake_registry **registry)
{
    free_entries(&(*registry)->entries);
    free_entries(&(*registry)->kept);
    while ((*registry)->leases != NULL) {
        struct lease *lease = (*registry)->leases;
        (*registry)->leases = lease->next;
        tt_free(lease);
    }
    while ((*registry)->ports != NULL) {
        struct registry_port *port = (*registry)->ports;
        (*registry)->ports = port->next;
        tt_free(port);
    }
    tt_free(*registry);
    *registry = NULL;
}

struct tt_fake_registry_faults *tt_fake_registry_faults(struct tt_fake_registry *registry)
{
    return &registry->faults;
}

static bool is_same_process(const struct tt_place *a, const struct tt_place *b)
{
    return a->incarnation == b->incarnation && tt_id_eq(&a->server, &b->server);
}

static struct lease *find_lease(const struct tt_fake_registry *registry,
                                const struct tt_place *place)
{
    for (struct lease *lease = registry->leases; lease != NULL; lease = lease->next)
        if (is_same_process(&lease->process, place))
            return lease;
    return NULL;
}

static bool counts(const struct tt_fake_registry *registry, const struct tt_place *place)
{
    const struct lease *lease = find_lease(registry, place);
    return lease != NULL && ((lease->is_up && !lease->is_silent) ||
                             registry->agenda->now_us < lease->renewed_us + TT_REGISTRY_LEASE_US);
}

static tt_time wall_at(const struct tt_fake_registry *registry, uint64_t at_us)
{
    return TT_TIME(registry->options.epoch_wall.ms + (int64_t)(at_us / TT_US_PER_MS));
}

static struct entry *find_entry(struct tt_fake_registry *registry, const tt_id *user)
{
    for (struct entry *entry = registry->entries; entry != NULL; entry = entry->next)
        if (tt_id_eq(&entry->id, user))
            return entry;
    struct entry *entry = tt_alloc(sizeof(*entry));
    entry->id = *user;
    entry->next = registry->entries;
    registry->entries = entry;
    return entry;
}

/* Takes out what dead processes left; they count as gone at their last renewal. */
static void clean(struct tt_fake_registry *registry, struct entry *entry)
{
    size_t kept = 0;
    bool removed = false;
    for (size_t i = 0; i < entry->device_count; i++) {
        const struct tt_place *place = &entry->devices[i].place;
        if (counts(registry, place)) {
            entry->devices[kept++] = entry->devices[i];
            continue;
        }
        const struct lease *lease = find_lease(registry, place);
        uint64_t gone_us = lease == NULL ? 0 : lease->renewed_us;
        if (registry->options.mutant == TT_MUTANT_LAST_SEEN_LATE)
            gone_us = registry->agenda->now_us;
        entry->last_seen = tt_time_max(entry->last_seen, wall_at(registry, gone_us));
        removed = true;
    }
    entry->device_count = kept;
    if (removed && kept == 0)
        entry->version = ++registry->version;
    kept = 0;
    for (size_t i = 0; i < entry->watcher_count; i++)
        if (counts(registry, &entry->watchers[i]))
            entry->watchers[kept++] = entry->watchers[i];
    entry->watcher_count = kept;
}

static struct tt_whereabouts describe(struct tt_fake_registry *registry, const tt_id *user,
                                      struct tt_arena *arena)
{
    struct entry *entry = find_entry(registry, user);
    clean(registry, entry);
    struct tt_registered_device *devices =
        tt_arena_array(arena, entry->device_count, sizeof(devices[0]));
    struct tt_place *watchers = tt_arena_array(arena, entry->watcher_count, sizeof(watchers[0]));
    memcpy(devices, entry->devices, entry->device_count * sizeof(devices[0]));
    memcpy(watchers, entry->watchers, entry->watcher_count * sizeof(watchers[0]));
    bool mute = registry->options.mutant == TT_MUTANT_WATCHERS_LOST;
    return (struct tt_whereabouts){
        .user = *user,
        .devices = devices,
        .device_count = entry->device_count,
        .last_seen = entry->last_seen,
        .version = entry->version,
        .watchers = watchers,
        .watcher_count = mute ? 0 : entry->watcher_count,
    };
}

static void do_register(struct tt_fake_registry *registry, struct tt_registry_op *op)
{
    struct tt_register *reg = &op->reg;
    struct entry *entry = find_entry(registry, &reg->user);
    clean(registry, entry);
    size_t at = 0;
    while (at < entry->device_count && !tt_id_eq(&entry->devices[at].device, &reg->device.device))
        at++;
    if (at < entry->device_count && entry->devices[at].epoch > reg->device.epoch) {
        op->err = TT_FAIL(FENCED);
        return;
    }
    reg->previous = (struct tt_registered_device){0};
    if (at < entry->device_count)
        reg->previous = entry->devices[at];
    else
        TT_ASSERT(entry->device_count++ < DEVICES_MAX);
    if (entry->device_count == 1 && tt_id_is_none(&reg->previous.device))
        entry->version = ++registry->version;
    entry->devices[at] = reg->device;
    reg->user_now = describe(registry, &reg->user, &op->arena);
}

static void do_unregister(struct tt_fake_registry *registry, struct tt_registry_op *op)
{
    struct tt_unregister *unreg = &op->unreg;
    struct entry *entry = find_entry(registry, &unreg->user);
    clean(registry, entry);
    bool blind = registry->options.mutant == TT_MUTANT_UNREGISTER_BLIND;
    for (size_t i = 0; i < entry->device_count; i++) {
        const struct tt_registered_device *device = &entry->devices[i];
        if (!tt_id_eq(&device->device, &unreg->device))
            continue;
        if (device->epoch != unreg->epoch && !blind)
            continue;
        entry->devices[i] = entry->devices[--entry->device_count];
        unreg->removed = true;
        break;
    }
    if (unreg->removed && entry->device_count == 0) {
        entry->last_seen = tt_time_max(entry->last_seen, unreg->at);
        entry->version = ++registry->version;
    }
    unreg->user_now = describe(registry, &unreg->user, &op->arena);
}

static size_t watcher_at(const struct entry *entry, const struct tt_place *place)
{
    size_t at = 0;
    while (at < entry->watcher_count && !tt_place_eq(&entry->watchers[at], place))
        at++;
    return at;
}

static void do_about(struct tt_fake_registry *registry, struct tt_registry_op *op)
{
    struct tt_about_users *about = &op->about;
    struct tt_whereabouts *found = tt_arena_array(&op->arena, about->user_count, sizeof(found[0]));
    for (size_t i = 0; i < about->user_count; i++) {
        struct entry *entry = find_entry(registry, &about->users[i]);
        clean(registry, entry);
        size_t at = watcher_at(entry, &about->watcher);
        if (op->kind == TT_REGISTRY_WATCH && at == entry->watcher_count) {
            TT_ASSERT(entry->watcher_count < WATCHERS_MAX);
            entry->watchers[entry->watcher_count++] = about->watcher;
        }
        if (op->kind == TT_REGISTRY_UNWATCH && at < entry->watcher_count)
            entry->watchers[at] = entry->watchers[--entry->watcher_count];
        found[i] = describe(registry, &about->users[i], &op->arena);
    }
    about->found = found;
}

static void take_effect(struct tt_fake_registry *registry, struct tt_registry_op *op)
{
    op->err = TT_OK;
    switch (op->kind) {
    case TT_REGISTRY_REGISTER:
        do_register(registry, op);
        return;
    case TT_REGISTRY_UNREGISTER:
        do_unregister(registry, op);
        return;
    case TT_REGISTRY_LOOKUP:
    case TT_REGISTRY_WATCH:
    case TT_REGISTRY_UNWATCH:
        do_about(registry, op);
        return;
    }
}

static void drop_flight(void *payload)
{
    struct flight *flight = payload;
    tt_registry_op_destroy(&flight->op);
    tt_free(flight);
}

static void complete(void *context, void *payload)
{
    (void)context;
    struct flight *flight = payload;
    struct registry_port *port = flight->port;
    if (port->is_dead) {
        drop_flight(flight);
        return;
    }
    port->sink.done(port->sink.context, flight->op);
    tt_free(flight);
}

static void apply(void *context, void *payload)
{
    struct tt_fake_registry *registry = context;
    struct flight *flight = payload;
    if (flight->port->is_dead) {
        drop_flight(flight);
        return;
    }
    const struct lease *lease = find_lease(registry, &flight->port->place);
    flight->fails_before = flight->fails_before || lease->is_cut;
    if (flight->fails_before || flight->fails_after)
        TT_SOMETIMES(registry->options.sometimes, registry_failed);
    if (!flight->fails_before)
        take_effect(registry, flight->op);
    if (flight->fails_before || flight->fails_after)
        flight->op->err = TT_FAIL(UNAVAILABLE);
    uint64_t delay = tt_prng_delay(&registry->prng, registry->options.latency_us / 4 + 1);
    tt_agenda_after(registry->agenda, delay, complete, registry, flight, drop_flight);
}

static void submit(void *self, struct tt_registry_op *const *ops, size_t count)
{
    struct registry_port *port = self;
    struct tt_fake_registry *registry = port->registry;
    const struct tt_fake_registry_faults *faults = &registry->faults;
    for (size_t i = 0; i < count; i++) {
        struct flight *flight = tt_alloc(sizeof(*flight));
        *flight = (struct flight){.port = port, .op = ops[i]};
        flight->fails_before = tt_prng_chance(&registry->prng, faults->before_per_mille);
        flight->fails_after = tt_prng_chance(&registry->prng, faults->after_per_mille);
        uint64_t at =
            registry->agenda->now_us + tt_prng_delay(&registry->prng, registry->options.latency_us);
        if (tt_prng_chance(&registry->prng, faults->tail_per_mille))
            at += tt_prng_tail(&registry->prng, faults->tail_us);
        if (at < port->ordered_until_us)
            at = port->ordered_until_us;
        port->ordered_until_us = at;
        tt_agenda_at(registry->agenda, at, apply, registry, flight, drop_flight);
    }
}

struct tt_registry_port tt_fake_registry_attach(struct tt_fake_registry *registry,
                                                const struct tt_place *place,
                                                struct tt_registry_sink sink)
{
    struct registry_port *port = tt_alloc(sizeof(*port));
    port->registry = registry;
    port->place = *place;
    port->sink = sink;
    port->next = registry->ports;
    registry->ports = port;
    return (struct tt_registry_port){port, submit};
}

static void tell_all(void *context, void *payload)
{
    (void)payload;
    struct tt_fake_registry *registry = context;
    TT_SOMETIMES(registry->options.sometimes, node_gone_told);
    for (struct registry_port *port = registry->ports; port != NULL; port = port->next)
        if (!port->is_dead)
            port->sink.node_gone(port->sink.context);
}

static void tell_forgotten(void *context, void *payload)
{
    (void)payload;
    struct registry_port *port = context;
    if (!port->is_dead)
        port->sink.forgotten(port->sink.context);
}

static void tell_everybody_forgotten(struct tt_fake_registry *registry)
{
    for (struct registry_port *port = registry->ports; port != NULL; port = port->next) {
        uint64_t delay = tt_prng_below(&registry->prng, TT_REGISTRY_POLL_US);
        tt_agenda_after(registry->agenda, delay, tell_forgotten, port, NULL, NULL);
    }
}

void tt_fake_registry_forget(struct tt_fake_registry *registry)
{
    TT_SOMETIMES(registry->options.sometimes, registry_forgot);
    free_entries(&registry->entries);
    tell_everybody_forgotten(registry);
}

size_t tt_fake_registry_count(struct tt_fake_registry *registry, size_t *watchers)
{
    size_t devices = 0;
    *watchers = 0;
    for (struct entry *entry = registry->entries; entry != NULL; entry = entry->next) {
        clean(registry, entry);
        devices += entry->device_count;
        *watchers += entry->watcher_count;
    }
    return devices;
}

static struct entry *copy_entries(const struct entry *from)
{
    struct entry *copies = NULL;
    struct entry **end = &copies;
    for (; from != NULL; from = from->next) {
        *end = tt_alloc(sizeof(**end));
        **end = *from;
        end = &(*end)->next;
    }
    *end = NULL;
    return copies;
}

void tt_fake_registry_keep(struct tt_fake_registry *registry)
{
    free_entries(&registry->kept);
    registry->kept = copy_entries(registry->entries);
}

void tt_fake_registry_fall_back(struct tt_fake_registry *registry)
{
    TT_SOMETIMES(registry->options.sometimes, registry_fell_back);
    free_entries(&registry->entries);
    registry->entries = copy_entries(registry->kept);
    tell_everybody_forgotten(registry);
}

static void speak_again(void *context, void *payload)
{
    struct tt_fake_registry *registry = context;
    struct lease *lease = payload;
    if (!lease->is_silent || registry->agenda->now_us < lease->silent_until_us)
        return;
    bool was_cut = lease->is_cut;
    if (lease->is_up && registry->agenda->now_us >= lease->renewed_us + TT_REGISTRY_LEASE_US)
        TT_SOMETIMES(registry->options.sometimes, lease_ended_early);
    lease->is_silent = false;
    lease->is_cut = false;
    lease->renewed_us = registry->agenda->now_us;
    for (struct registry_port *port = registry->ports; port != NULL && was_cut; port = port->next)
        if (is_same_process(&port->place, &lease->process))
            tt_agenda_after(registry->agenda, 1, tell_forgotten, port, NULL, NULL);
}

static void tell_ended(struct tt_fake_registry *registry, const struct lease *lease)
{
    uint64_t poll_us = tt_prng_below(&registry->prng, TT_REGISTRY_POLL_US);
    tt_agenda_at(registry->agenda, lease->renewed_us + TT_REGISTRY_LEASE_US + poll_us, tell_all,
                 registry, NULL, NULL);
}

static void note_renewed(struct tt_fake_registry *registry, struct lease *lease)
{
    uint64_t since_us = tt_prng_below(&registry->prng, TT_REGISTRY_RENEW_US);
    uint64_t now_us = registry->agenda->now_us;
    if (!lease->is_silent && now_us - lease->renewed_us > since_us)
        lease->renewed_us = now_us - since_us;
}

void tt_fake_registry_silence(struct tt_fake_registry *registry, const struct tt_place *process,
                              uint64_t until_us, bool cut)
{
    struct lease *lease = find_lease(registry, process);
    note_renewed(registry, lease);
    lease->is_silent = true;
    lease->is_cut = lease->is_cut || cut;
    if (lease->silent_until_us < until_us)
        lease->silent_until_us = until_us;
    tell_ended(registry, lease);
    tt_agenda_at(registry->agenda, until_us, speak_again, registry, lease, NULL);
}

void tt_fake_registry_up(struct tt_fake_registry *registry, const struct tt_place *process)
{
    struct lease *lease = tt_alloc(sizeof(*lease));
    *lease = (struct lease){.process = *process,
                            .is_up = true,
                            .renewed_us = registry->agenda->now_us,
                            .next = registry->leases};
    registry->leases = lease;
}

void tt_fake_registry_died(struct tt_fake_registry *registry, const struct tt_place *process)
{
    struct lease *lease = find_lease(registry, process);
    note_renewed(registry, lease);
    lease->is_up = false;
    for (struct registry_port *port = registry->ports; port != NULL; port = port->next)
        if (is_same_process(&port->place, process))
            port->is_dead = true;
    tell_ended(registry, lease);
}
