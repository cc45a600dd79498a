#include "sim/node.h"

#include "base/memory.h"
#include "sim/oracle.h"

#define MONO_START_MS 1000
#define MADE_US       (TT_US_PER_S / 2) /* an answer waits so long for the socket's node, at most */

static tt_mono node_mono(void *self)
{
    const struct tt_node *node = self;
    uint64_t since_us = node->world->agenda.now_us - node->mono_zero_us;
    return TT_MONO(since_us * node->server->pace / TT_PACE_TRUE / TT_US_PER_MS + MONO_START_MS);
}

static tt_time node_wall(void *self)
{
    const struct tt_node *node = self;
    return TT_TIME(tt_world_wall(node->world).ms + node->server->skew_ms);
}

static struct tt_clock_span clock_span(const struct tt_node *node)
{
    const struct tt_server *server = node->server;
    int64_t low_ms = server->skew_ms - (int64_t)(MADE_US / TT_US_PER_MS);
    int64_t high_ms = server->skew_ms;
    if (server->skew_past_us > node->world->agenda.now_us) {
        low_ms = server->skew_low_ms < low_ms ? server->skew_low_ms : low_ms;
        high_ms = server->skew_high_ms > high_ms ? server->skew_high_ms : high_ms;
    }
    tt_time wall = tt_world_wall(node->world);
    return (struct tt_clock_span){TT_TIME(wall.ms + low_ms), TT_TIME(wall.ms + high_ms)};
}

const struct tt_server *tt_link_server(const struct tt_link *link)
{
    return link->node->server;
}

struct tt_clock_span tt_link_clock(const struct tt_link *link)
{
    return clock_span(link->node);
}

struct tt_clock_span tt_call_clock(const struct tt_call *call)
{
    return clock_span(call->node);
}

static uint64_t node_entropy(void *self)
{
    struct tt_node *node = self;
    return tt_prng_next(&node->world->entropy);
}

static void turn(void *context, void *payload);

static void schedule_turn(struct tt_node *node)
{
    if (node->turn_is_due)
        return;
    node->turn_is_due = true;
    uint64_t delay = tt_prng_below(&node->world->turn, node->world->options.turn_us + 1ULL);
    tt_agenda_after(&node->world->agenda, delay, turn, node, NULL, NULL);
}

void tt_node_post(struct tt_node *node, struct tt_node_event *event)
{
    event->next = NULL;
    *(node->inbox_last != NULL ? &node->inbox_last->next : &node->inbox_first) = event;
    node->inbox_last = event;
    schedule_turn(node);
}

void tt_node_tell(struct tt_node *node, enum tt_event_kind kind)
{
    struct tt_node_event *event = tt_alloc(sizeof(*event));
    event->kind = kind;
    tt_node_post(node, event);
}

static void destroy_event(struct tt_node_event *event)
{
    if (event->store_op != NULL)
        tt_store_op_destroy(&event->store_op);
    if (event->registry_op != NULL)
        tt_registry_op_destroy(&event->registry_op);
    tt_buffer_deinit(&event->hint);
    tt_arena_deinit(&event->arena);
    tt_free(event);
}

static void store_done(void *context, struct tt_store_op *op)
{
    struct tt_node_event *event = tt_alloc(sizeof(*event));
    event->kind = TT_EVENT_STORE_DONE;
    event->store_op = op;
    tt_node_post(context, event);
}

static void registry_done(void *context, struct tt_registry_op *op)
{
    struct tt_node_event *event = tt_alloc(sizeof(*event));
    event->kind = TT_EVENT_REGISTRY_DONE;
    event->registry_op = op;
    tt_node_post(context, event);
}

static void node_gone(void *context)
{
    tt_node_tell(context, TT_EVENT_NODE_GONE);
}

static void registry_forgot(void *context)
{
    tt_node_tell(context, TT_EVENT_REGISTRY_FORGOT);
}

static void bus_hint(void *context, struct tt_slice bytes)
{
    struct tt_node_event *event = tt_alloc(sizeof(*event));
    event->kind = TT_EVENT_HINT;
    tt_buffer_add(&event->hint, bytes);
    tt_node_post(context, event);
}

static void notified(void *context, const struct tt_notified *outcome)
{
    struct tt_node *node = context;
    if (node->driver == NULL) /* it died before the service answered */
        return;
    struct tt_node_event *event = tt_alloc(sizeof(*event));
    event->kind = TT_EVENT_NOTIFIED;
    event->notified = *outcome;
    event->notified.token = tt_arena_copy(&event->arena, outcome->token);
    event->notified.detail = tt_arena_copy(&event->arena, outcome->detail);
    tt_node_post(node, event);
}

static void notify(void *self, const struct tt_notification *notification)
{
    struct tt_node *node = self;
    if (!node->server->is_dying)
        tt_fake_notifier_ring(&node->world->notifier, notification,
                              (struct tt_notifier_sink){node, notified});
}

static void bus_gap(void *context)
{
    tt_node_tell(context, TT_EVENT_BUS_GAP);
}

static void send_hint(void *self, const struct tt_place *to, struct tt_slice bytes)
{
    struct tt_node *node = self;
    if (!node->server->is_dying)
        node->bus.send(node->bus.self, to, bytes);
}

static void flush_hints(void *self)
{
    struct tt_node *node = self;
    node->bus.flush(node->bus.self);
}

/* Signs of life would drown everything else. */
static bool is_dull(const struct tt_event *event, const struct tt_effect *effect)
{
    if (effect != NULL)
        return effect->kind == TT_EFFECT_STORE && effect->store_op->kind == TT_STORE_ALIVE;
    return event != NULL && event->kind == TT_EVENT_STORE_DONE &&
           event->store_op->kind == TT_STORE_ALIVE;
}

static void trace_line(struct tt_node *node, const struct tt_event *event,
                       const struct tt_effect *effect)
{
    if (is_dull(event, effect))
        return;
    struct tt_buffer line = {0};
    if (effect != NULL && node->asked++ > 0) /* in the same step as the line before */
        tt_buffer_add_text(&line, "& ");
    size_t prefix = line.size;
    if (event != NULL && event->kind == TT_EVENT_STORE_DONE)
        tt_trace_put_store_op(&line, event->store_op, true);
    else if (event != NULL && event->kind == TT_EVENT_REGISTRY_DONE)
        tt_trace_put_registry_op(&line, event->registry_op, true);
    else if (effect != NULL && effect->kind == TT_EFFECT_STORE)
        tt_trace_put_store_op(&line, effect->store_op, false);
    else if (effect != NULL && effect->kind == TT_EFFECT_REGISTRY)
        tt_trace_put_registry_op(&line, effect->registry_op, false);
    else if (effect != NULL && effect->kind == TT_EFFECT_NOTIFY) {
        tt_buffer_add_text(&line, "notifier: ");
        tt_trace_put_notification(&line, effect->notification);
    } else if (effect != NULL && effect->kind == TT_EFFECT_HINT) {
        tt_buffer_add_text(&line, "hint to ");
        tt_trace_put_place(&line, &effect->hint.to);
        tt_buffer_add_text(&line, ": ");
        tt_trace_put_hint(&line, effect->hint.hint);
    } else if (event != NULL && event->kind == TT_EVENT_HINT) {
        tt_buffer_add_text(&line, "hint at ");
        tt_trace_put_place(&line, &node->place);
        tt_buffer_add_text(&line, ": ");
        tt_trace_put_hint(&line, event->hint);
    }
    if (line.size > prefix)
        tt_trace_line(&node->world->trace, node->world->agenda.now_us, tt_buffer_slice(&line));
    tt_buffer_deinit(&line);
}

static void note_epoch(struct tt_node *node, const struct tt_event *event)
{
    if (event->kind != TT_EVENT_STORE_DONE || event->store_op->kind != TT_STORE_LINK_DEVICE)
        return;
    struct tt_slot *slot = tt_node_slot(node, event->store_op->tag.owner);
    if (slot != NULL && slot->link != NULL && tt_is_ok(event->store_op->err))
        slot->link->epoch = event->store_op->link_device.epoch;
}

static bool is_told(const struct tt_effect *effect)
{
    return effect->kind == TT_EFFECT_FRAME && (effect->frame->kind == TT_SERVER_STATUS_UPDATE ||
                                               effect->frame->kind == TT_SERVER_PRESENCE);
}

/* The core counts what a refresh has brought; which of it was news to whom stands in the effects of
 * the same step. */
static void watch_refresh(struct tt_node *node, const struct tt_event *event,
                          const struct tt_effect *effect)
{
    const struct tt_refresh_watch *watch = &node->world->refresh_watch;
    uint64_t repairs = tt_core_counters(tt_driver_core(node->driver))->repairs_refresh;
    if (effect != NULL && repairs > node->refreshed && is_told(effect)) {
        node->refreshed++;
        const struct tt_slot *slot = tt_node_slot(node, effect->handle);
        if (watch->told != NULL && slot != NULL && slot->link != NULL)
            watch->told(watch->context, slot->link, effect->frame);
    }
    if (effect != NULL)
        return;
    if (watch->found != NULL && repairs > node->refreshed)
        watch->found(watch->context, &node->snapshot_of, node->stepped_us);
    node->refreshed = repairs;
    node->stepped_us = node->world->agenda.now_us;
    if (event->kind == TT_EVENT_STORE_DONE && event->store_op->kind == TT_STORE_SNAPSHOT)
        node->snapshot_of = event->store_op->snapshot.conversation;
}

/* Sees every event and every effect of the node's core; here a planned crash comes about. */
static void trace(void *context, const struct tt_event *event, const struct tt_effect *effect)
{
    struct tt_node *node = context;
    struct tt_server *server = node->server;
    struct tt_trace *into = &node->world->trace;
    uint64_t kind = event != NULL ? (uint64_t)event->kind : 64 + (uint64_t)effect->kind;
    tt_trace_mix(into, node->world->agenda.now_us * 128 + kind);
    tt_trace_mix(into, node->place.incarnation * 16 + node->place.node);
    watch_refresh(node, event, effect);
    if (event != NULL) {
        node->asked = 0;
        note_epoch(node, event);
    }
    if (into->enabled && !server->is_dying)
        trace_line(node, event, effect);
    if (effect == NULL || server->effects_until_crash == 0)
        return;
    if (--server->effects_until_crash == 0)
        server->is_dying = true;
}

static bool is_current(struct tt_node *node, const struct tt_node_event *event)
{
    if (event->link != NULL)
        return event->link->server_open && event->link->node == node;
    if (event->call != NULL)
        return event->call->server_open && event->call->node == node;
    return true;
}

static void post_connection_event(struct tt_node *node, struct tt_node_event *event)
{
    struct tt_event posted = {.kind = event->kind};
    if (event->link != NULL)
        posted.handle = event->link->handle;
    if (event->call != NULL)
        posted.handle = event->call->handle;
    if (event->kind == TT_EVENT_SESSION_OPEN) {
        posted.open.user = event->link->user;
        posted.open.device = event->link->device;
        posted.open.token_expires = TT_TIME(INT64_MAX);
        tt_oracle_session_opens(node->world->oracle, event->link);
    } else if (event->kind == TT_EVENT_FRAME) {
        posted.frame = &event->frame;
        tt_oracle_node_hears(node->world->oracle, event->link, &event->frame);
    } else if (event->kind == TT_EVENT_REQUEST) {
        posted.request = &event->call->request;
        tt_oracle_request_begins(node->world->oracle, event->call);
    }
    bool is_over = event->kind == TT_EVENT_SESSION_CLOSED || event->kind == TT_EVENT_REQUEST_GONE;
    if (is_over && event->link != NULL) {
        event->link->server_open = false;
        event->link->ended_us = node->world->agenda.now_us;
        tt_oracle_session_ends(node->world->oracle, event->link);
    }
    if (is_over && event->call != NULL)
        event->call->server_open = false;
    tt_driver_post(node->driver, &posted);
    if (is_over)
        tt_node_free_slot(node, posted.handle);
}

static void hand_over(struct tt_node *node, struct tt_node_event *event)
{
    if (event->kind == TT_EVENT_STORE_DONE) {
        tt_driver_store_done(node->driver, event->store_op);
        event->store_op = NULL;
    } else if (event->kind == TT_EVENT_REGISTRY_DONE) {
        tt_driver_registry_done(node->driver, event->registry_op);
        event->registry_op = NULL;
    } else if (event->kind == TT_EVENT_NOTIFIED) {
        tt_driver_notified(node->driver, &event->notified);
    } else if (event->kind == TT_EVENT_HINT) {
        tt_driver_hint(node->driver, tt_buffer_slice(&event->hint));
    } else if (event->link != NULL || event->call != NULL) {
        post_connection_event(node, event);
    } else {
        tt_driver_post(node->driver, &(struct tt_event){.kind = event->kind});
    }
}

static void wake(void *context, void *payload)
{
    (void)payload;
    struct tt_node *node = context;
    if (node->driver == NULL || node->wake_us != node->world->agenda.now_us)
        return;
    node->wake_us = 0;
    schedule_turn(node);
}

static void schedule_wake(struct tt_node *node)
{
    tt_mono deadline = tt_driver_deadline(node->driver);
    if (deadline.ms == 0)
        return;
    uint64_t since_ms = deadline.ms > MONO_START_MS ? deadline.ms - MONO_START_MS : 0;
    uint64_t pace = node->server->pace;
    uint64_t since_us = (since_ms * TT_US_PER_MS * TT_PACE_TRUE + pace - 1) / pace;
    uint64_t at_us = node->mono_zero_us + since_us;
    if (at_us < node->world->agenda.now_us)
        at_us = node->world->agenda.now_us;
    if (node->wake_us != 0 && node->wake_us <= at_us)
        return;
    node->wake_us = at_us;
    tt_agenda_at(&node->world->agenda, at_us, wake, node, NULL, NULL);
}

static void resume(void *context, void *payload)
{
    (void)payload;
    struct tt_node *node = context;
    if (node->driver != NULL)
        schedule_turn(node);
}

static void crash_if_dying(struct tt_node *node)
{
    struct tt_world *world = node->world;
    for (uint32_t i = 0; i < world->options.servers; i++)
        if (&world->servers[i] == node->server && node->server->is_dying)
            tt_world_crash(world, i);
}

static void turn(void *context, void *payload)
{
    (void)payload;
    struct tt_node *node = context;
    node->turn_is_due = false;
    if (node->driver == NULL)
        return;
    uint64_t paused_until_us = node->server->paused_until_us;
    if (paused_until_us > node->world->agenda.now_us) {
        tt_agenda_at(&node->world->agenda, paused_until_us, resume, node, NULL, NULL);
        return;
    }
    struct tt_node_event *event = node->inbox_first;
    node->inbox_first = NULL;
    node->inbox_last = NULL;
    while (event != NULL) {
        struct tt_node_event *next = event->next;
        if (!node->server->is_dying && is_current(node, event))
            hand_over(node, event);
        destroy_event(event);
        event = next;
    }
    if (!node->server->is_dying) {
        tt_driver_flush(node->driver);
        schedule_wake(node);
    }
    crash_if_dying(node);
}

tt_handle tt_node_take_slot(struct tt_node *node, struct tt_link *link, struct tt_call *call)
{
    uint32_t at = 0;
    while (at < node->slot_count && (node->slots[at].link != NULL || node->slots[at].call != NULL))
        at++;
    if (at == node->slot_count) {
        node->slots = tt_grow(node->slots, ++node->slot_count, sizeof(node->slots[0]));
        node->slots[at] = (struct tt_slot){0};
    }
    node->slots[at].generation++;
    node->slots[at].link = link;
    node->slots[at].call = call;
    return (tt_handle){at, node->slots[at].generation};
}

struct tt_slot *tt_node_slot(struct tt_node *node, tt_handle handle)
{
    if (handle.index >= node->slot_count)
        return NULL;
    struct tt_slot *slot = &node->slots[handle.index];
    return slot->generation == handle.generation ? slot : NULL;
}

void tt_node_free_slot(struct tt_node *node, tt_handle handle)
{
    struct tt_slot *slot = tt_node_slot(node, handle);
    if (slot != NULL) {
        slot->link = NULL;
        slot->call = NULL;
    }
}

static struct tt_driver *create_driver(struct tt_node *node, uint32_t process)
{
    struct tt_world *world = node->world;
    struct tt_driver_ports ports = {
        .store =
            tt_fake_store_attach(world->store, process, (struct tt_store_sink){node, store_done}),
        .registry = tt_fake_registry_attach(
            world->registry, &node->place,
            (struct tt_registry_sink){node, registry_done, node_gone, registry_forgot}),
        .bus = {node, send_hint, flush_hints},
        .notifier = {node, notify},
        .clock = {node, node_wall, node_mono},
        .entropy = {node, node_entropy},
        .edge = {node, tt_node_effect},
    };
    node->bus =
        tt_fake_bus_attach(world->bus, &node->place, (struct tt_bus_sink){node, bus_hint, bus_gap});
    struct tt_core_options options = world->options.core;
    options.place = node->place;
    options.store_keeps_order = ports.store.keeps_order;
    options.hash_seed = tt_prng_next(&world->entropy);
    options.reports_alive = node->place.node == 0;
    options.is_only_node = world->options.embedded && world->options.nodes == 1;
    return tt_driver_create(&options, &ports);
}

struct tt_node *tt_node_create(struct tt_world *world, struct tt_server *server, uint32_t number)
{
    struct tt_node *node = tt_alloc(sizeof(*node));
    node->world = world;
    node->server = server;
    node->place = (struct tt_place){server->id, server->incarnation, number};
    node->mono_zero_us = world->agenda.now_us;
    node->next = world->all_nodes;
    world->all_nodes = node;
    node->driver = create_driver(node, (uint32_t)(server - world->servers));
    tt_driver_set_trace(node->driver, trace, node);
    schedule_turn(node);
    return node;
}

void tt_node_die(struct tt_node *node)
{
    while (node->inbox_first != NULL) {
        struct tt_node_event *event = node->inbox_first;
        node->inbox_first = event->next;
        destroy_event(event);
    }
    node->inbox_last = NULL;
    tt_driver_destroy(&node->driver);
}

void tt_node_destroy(struct tt_node *node)
{
    if (node->driver != NULL)
        tt_node_die(node);
    tt_free(node->slots);
    tt_free(node);
}
