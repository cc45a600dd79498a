#include "driver/driver.h"

#include "base/buffer.h"
#include "base/memory.h"

/* Events that come one right after the other happen at the same time, up to so many of them. */
#define EVENTS_AT_A_TIME 8

struct tt_driver {
    struct tt_core *core;
    struct tt_driver_ports ports;
    tt_mono mono; /* when the clocks were read last */
    tt_time wall;
    unsigned left;                  /* events that still go by that */
    struct tt_store_op **store_ops; /* gathered in this turn */
    size_t store_count;
    size_t store_capacity;
    struct tt_registry_op **registry_ops;
    size_t registry_count;
    size_t registry_capacity;
    struct tt_buffer hint;
    tt_driver_trace trace;
    void *trace_context;
    bool stepping; /* a port that calls back from within would corrupt the effects */
};

struct tt_driver *tt_driver_create(const struct tt_core_options *options,
                                   const struct tt_driver_ports *ports)
{
    struct tt_driver *driver = tt_alloc(sizeof(*driver));
    driver->core = tt_core_create(options);
    driver->ports = *ports;
    return driver;
}

void tt_driver_destroy(struct tt_driver **driver)
{
    struct tt_driver *dying = *driver;
    for (size_t i = 0; i < dying->store_count; i++)
        tt_store_op_destroy(&dying->store_ops[i]);
    for (size_t i = 0; i < dying->registry_count; i++)
        tt_registry_op_destroy(&dying->registry_ops[i]);
    tt_free(dying->store_ops);
    tt_free(dying->registry_ops);
    tt_buffer_deinit(&dying->hint);
    tt_core_destroy(&dying->core);
    tt_free(dying);
    *driver = NULL;
}

void tt_driver_set_trace(struct tt_driver *driver, tt_driver_trace trace, void *context)
{
    driver->trace = trace;
    driver->trace_context = context;
}

static void gather_store_op(struct tt_driver *driver, struct tt_store_op *op)
{
    if (driver->store_count == driver->store_capacity) {
        driver->store_capacity = driver->store_capacity == 0 ? 64 : driver->store_capacity * 2;
        driver->store_ops =
            tt_grow(driver->store_ops, driver->store_capacity, sizeof(driver->store_ops[0]));
    }
    driver->store_ops[driver->store_count++] = op;
}

static void gather_registry_op(struct tt_driver *driver, struct tt_registry_op *op)
{
    if (driver->registry_count == driver->registry_capacity) {
        driver->registry_capacity =
            driver->registry_capacity == 0 ? 64 : driver->registry_capacity * 2;
        driver->registry_ops = tt_grow(driver->registry_ops, driver->registry_capacity,
                                       sizeof(driver->registry_ops[0]));
    }
    driver->registry_ops[driver->registry_count++] = op;
}

static void carry_out(struct tt_driver *driver, const struct tt_effect *effect)
{
    const struct tt_driver_ports *ports = &driver->ports;
    switch (effect->kind) {
    case TT_EFFECT_STORE:
        gather_store_op(driver, effect->store_op);
        return;
    case TT_EFFECT_REGISTRY:
        gather_registry_op(driver, effect->registry_op);
        return;
    case TT_EFFECT_HINT:
        driver->hint.size = 0;
        tt_hint_encode(effect->hint.hint, &driver->hint);
        ports->bus.send(ports->bus.self, &effect->hint.to, tt_buffer_slice(&driver->hint));
        return;
    case TT_EFFECT_NOTIFY:
        ports->notifier.notify(ports->notifier.self, effect->notification);
        return;
    case TT_EFFECT_ACCEPT:
    case TT_EFFECT_REJECT:
    case TT_EFFECT_FRAME:
    case TT_EFFECT_PING:
    case TT_EFFECT_WANT_DRAIN:
    case TT_EFFECT_CLOSE:
    case TT_EFFECT_REPLY:
        ports->edge.effect(ports->edge.context, effect);
        return;
    }
}

static void read_clocks(struct tt_driver *driver)
{
    const struct tt_clock_port *clock = &driver->ports.clock;
    driver->mono = clock->mono(clock->self);
    driver->wall = clock->wall(clock->self);
    driver->left = EVENTS_AT_A_TIME - 1;
}

void tt_driver_post(struct tt_driver *driver, const struct tt_event *event)
{
    TT_ASSERT(!driver->stepping);
    driver->stepping = true;
    if (driver->left-- == 0)
        read_clocks(driver);
    struct tt_now now = {
        .mono = driver->mono,
        .wall = driver->wall,
        .entropy = driver->ports.entropy.next(driver->ports.entropy.self),
    };
    if (driver->trace != NULL)
        driver->trace(driver->trace_context, event, NULL);
    tt_core_step(driver->core, &now, event);

    size_t count;
    const struct tt_effect *effects = tt_core_effects(driver->core, &count);
    for (size_t i = 0; i < count; i++) {
        if (driver->trace != NULL)
            driver->trace(driver->trace_context, NULL, &effects[i]);
        carry_out(driver, &effects[i]);
    }
    driver->stepping = false;
}

void tt_driver_store_done(struct tt_driver *driver, struct tt_store_op *op)
{
    tt_driver_post(driver, &(struct tt_event){.kind = TT_EVENT_STORE_DONE, .store_op = op});
}

void tt_driver_registry_done(struct tt_driver *driver, struct tt_registry_op *op)
{
    tt_driver_post(driver, &(struct tt_event){.kind = TT_EVENT_REGISTRY_DONE, .registry_op = op});
}

void tt_driver_notified(struct tt_driver *driver, const struct tt_notified *notified)
{
    tt_driver_post(driver, &(struct tt_event){.kind = TT_EVENT_NOTIFIED, .notified = notified});
}

void tt_driver_hint(struct tt_driver *driver, struct tt_slice bytes)
{
    struct tt_hint hint;
    if (tt_is_ok(tt_hint_decode(bytes, &hint)))
        tt_driver_post(driver, &(struct tt_event){.kind = TT_EVENT_HINT, .hint = &hint});
    else
        tt_driver_bus_gap(driver);
}

void tt_driver_bus_gap(struct tt_driver *driver)
{
    tt_driver_post(driver, &(struct tt_event){.kind = TT_EVENT_BUS_GAP});
}

void tt_driver_node_gone(struct tt_driver *driver)
{
    tt_driver_post(driver, &(struct tt_event){.kind = TT_EVENT_NODE_GONE});
}

void tt_driver_registry_forgot(struct tt_driver *driver)
{
    tt_driver_post(driver, &(struct tt_event){.kind = TT_EVENT_REGISTRY_FORGOT});
}

/* Whether it is time for a TICK; the next event looks at the clocks in any case. */
static bool is_due(struct tt_driver *driver)
{
    tt_mono deadline = tt_core_deadline(driver->core);
    tt_mono now = driver->ports.clock.mono(driver->ports.clock.self);
    driver->left = 0;
    return deadline.ms != 0 && deadline.ms <= now.ms;
}

void tt_driver_flush(struct tt_driver *driver)
{
    while (is_due(driver))
        tt_driver_post(driver, &(struct tt_event){.kind = TT_EVENT_TICK});

    const struct tt_driver_ports *ports = &driver->ports;
    if (driver->store_count > 0)
        ports->store.submit(ports->store.self, driver->store_ops, driver->store_count);
    driver->store_count = 0;
    if (driver->registry_count > 0)
        ports->registry.submit(ports->registry.self, driver->registry_ops, driver->registry_count);
    driver->registry_count = 0;
    ports->bus.flush(ports->bus.self);
}

tt_mono tt_driver_deadline(const struct tt_driver *driver)
{
    return tt_core_deadline(driver->core);
}

const struct tt_core *tt_driver_core(const struct tt_driver *driver)
{
    return driver->core;
}
