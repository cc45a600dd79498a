#include "sim/fake_bus.h"

#include "base/memory.h"
#include "model/hint.h"

struct bus_port {
    struct tt_fake_bus *bus;
    struct tt_place place;
    struct tt_bus_sink sink;
    bool is_dead;
    uint64_t sent;    /* hints to it, so far */
    uint64_t arrived; /* the latest of them */
    struct bus_port *next;
};

struct cut {
    tt_id from;
    tt_id to;
    uint64_t until_us;
};

#define CUTS_MAX 32

struct tt_fake_bus {
    struct tt_agenda *agenda;
    struct tt_fake_bus_options options;
    struct tt_fake_bus_faults faults;
    struct tt_prng prng;
    struct bus_port *ports;
    struct cut cuts[CUTS_MAX];
    size_t cut_count;
};

struct flight {
    uint64_t number;
    struct tt_buffer bytes;
};

struct tt_fake_bus *tt_fake_bus_create(struct tt_agenda *agenda,
                                       const struct tt_fake_bus_options *options)
{
    struct tt_fake_bus *bus = tt_alloc(sizeof(*bus));
    bus->agenda = agenda;
    bus->options = *options;
    tt_prng_init(&bus->prng, options->seed, TT_STREAM_BUS);
    return bus;
}

void tt_fake_bus_destroy(struct tt_fake_bus **bus)
{
    while ((*bus)->ports != NULL) {
        struct bus_port *port = (*bus)->ports;
        (*bus)->ports = port->next;
        tt_free(port);
    }
    tt_free(*bus);
    *bus = NULL;
}

struct tt_fake_bus_faults *tt_fake_bus_faults(struct tt_fake_bus *bus)
{
    return &bus->faults;
}

static void drop_flight(void *payload)
{
    struct flight *flight = payload;
    tt_buffer_deinit(&flight->bytes);
    tt_free(flight);
}

static void arrive(void *context, void *payload)
{
    struct bus_port *port = context;
    struct flight *flight = payload;
    if (flight->number < port->arrived)
        TT_SOMETIMES(port->bus->options.sometimes, hint_overtaken);
    else
        port->arrived = flight->number;
    if (!port->is_dead)
        port->sink.hint(port->sink.context, tt_buffer_slice(&flight->bytes));
    drop_flight(flight);
}

static void tell_gap(void *context, void *payload)
{
    (void)payload;
    struct bus_port *port = context;
    if (!port->is_dead)
        port->sink.gap(port->sink.context);
}

static struct bus_port *find_port(struct tt_fake_bus *bus, const struct tt_place *to)
{
    for (struct bus_port *port = bus->ports; port != NULL; port = port->next)
        if (!port->is_dead && tt_place_eq(&port->place, to))
            return port;
    return NULL;
}

static void add_bytes(struct tt_fake_bus *bus, struct flight *flight, struct tt_slice bytes)
{
    bool mixed_up = tt_prng_chance(&bus->prng, 10);
    if (bus->options.mutant != TT_MUTANT_BUS_MIXED_UP || !mixed_up) {
        tt_buffer_add(&flight->bytes, bytes);
        return;
    }
    struct tt_hint hint;
    if (tt_is_ok(tt_hint_decode(bytes, &hint))) {
        hint.message.seq.n += hint.message.seq.n > 0;
        hint.cursor.delivered.n += hint.cursor.delivered.n > 0;
        tt_hint_encode(&hint, &flight->bytes);
    }
}

static void fly(struct tt_fake_bus *bus, struct bus_port *port, struct tt_slice bytes)
{
    struct flight *flight = tt_alloc(sizeof(*flight));
    flight->number = ++port->sent;
    add_bytes(bus, flight, bytes);
    uint64_t delay = tt_prng_delay(&bus->prng, bus->options.latency_us);
    if (tt_prng_chance(&bus->prng, bus->faults.tail_per_mille))
        delay += tt_prng_delay(&bus->prng, bus->faults.tail_us);
    tt_agenda_after(bus->agenda, delay, arrive, port, flight, drop_flight);
}

static bool is_cut(const struct tt_fake_bus *bus, const tt_id *from, const tt_id *to)
{
    for (size_t i = 0; i < bus->cut_count; i++)
        if (tt_id_eq(&bus->cuts[i].from, from) && tt_id_eq(&bus->cuts[i].to, to))
            return bus->agenda->now_us < bus->cuts[i].until_us;
    return false;
}

/* Whether the hint falls into a cut; nobody is told. */
static bool is_cut_off(const struct tt_fake_bus *bus, const tt_id *from, const tt_id *to)
{
    if (!is_cut(bus, from, to))
        return false;
    TT_SOMETIMES(bus->options.sometimes, hint_cut_off);
    if (!is_cut(bus, to, from))
        TT_SOMETIMES(bus->options.sometimes, hint_cut_off_one_way);
    return true;
}

static void send(void *self, const struct tt_place *to, struct tt_slice bytes)
{
    struct bus_port *from = self;
    struct tt_fake_bus *bus = from->bus;
    const struct tt_fake_bus_faults *faults = &bus->faults;
    bool lost = tt_prng_chance(&bus->prng, faults->lose_per_mille);
    bool gap = tt_prng_chance(&bus->prng, faults->gap_per_mille);
    bool doubled = tt_prng_chance(&bus->prng, faults->double_per_mille);
    struct bus_port *port = find_port(bus, to);
    if (port != NULL && (lost || gap))
        TT_SOMETIMES(bus->options.sometimes, hint_lost);
    if (port == NULL || lost || bus->options.mutant == TT_MUTANT_BUS_DEAD ||
        is_cut_off(bus, &from->place.server, &to->server))
        return;
    if (gap) {
        uint64_t delay = tt_prng_delay(&bus->prng, TT_US_PER_S);
        tt_agenda_after(bus->agenda, delay, tell_gap, port, NULL, NULL);
        return;
    }
    fly(bus, port, bytes);
    if (doubled) {
        TT_SOMETIMES(bus->options.sometimes, hint_doubled);
        fly(bus, port, bytes);
    }
}

static void flush(void *self)
{
    (void)self;
}

struct tt_bus_port tt_fake_bus_attach(struct tt_fake_bus *bus, const struct tt_place *place,
                                      struct tt_bus_sink sink)
{
    struct bus_port *port = tt_alloc(sizeof(*port));
    *port = (struct bus_port){.bus = bus, .place = *place, .sink = sink, .next = bus->ports};
    bus->ports = port;
    return (struct tt_bus_port){port, send, flush};
}

void tt_fake_bus_died(struct tt_fake_bus *bus, const struct tt_place *process)
{
    for (struct bus_port *port = bus->ports; port != NULL; port = port->next)
        if (port->place.incarnation == process->incarnation &&
            tt_id_eq(&port->place.server, &process->server))
            port->is_dead = true;
}

void tt_fake_bus_gap_everywhere(struct tt_fake_bus *bus)
{
    for (struct bus_port *port = bus->ports; port != NULL; port = port->next) {
        uint64_t delay = tt_prng_below(&bus->prng, 3 * TT_US_PER_S);
        if (!port->is_dead)
            tt_agenda_after(bus->agenda, delay, tell_gap, port, NULL, NULL);
    }
}

void tt_fake_bus_cut(struct tt_fake_bus *bus, const tt_id *from, const tt_id *to, uint64_t until_us)
{
    size_t at = 0;
    while (at < bus->cut_count &&
           !(tt_id_eq(&bus->cuts[at].from, from) && tt_id_eq(&bus->cuts[at].to, to)))
        at++;
    TT_ASSERT(at < CUTS_MAX);
    bus->cut_count += at == bus->cut_count;
    bus->cuts[at] = (struct cut){*from, *to, until_us};
}

void tt_fake_bus_heal(struct tt_fake_bus *bus)
{
    bus->cut_count = 0;
}
