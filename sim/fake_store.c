#include "sim/fake_store.h"

#include <stdlib.h>

#include "base/memory.h"
#include "sim/store_steps.h"
#include "sim/store_tables.h"

#define ORDER_SLOTS 64

struct store_port {
    struct tt_fake_store *store;
    struct tt_store_sink sink;
    uint32_t process;
    bool is_dead;
    bool is_cut;                         /* what was under way when it died is lost from here on */
    uint64_t ordered_until[ORDER_SLOTS]; /* by conversation: when its last change takes effect */
    struct store_port *next;
};

enum outcome { WORKS, FAILS_BEFORE, FAILS_AFTER, FAILS_LATE };

struct flight {
    struct store_port *port;
    struct tt_store_op *op;
    enum outcome outcome;
    uint64_t number;
    uint64_t at_us;
    bool is_held;    /* on a way on which nothing passes */
    bool is_settled; /* by the death of its process */
};

struct tt_fake_store {
    struct tt_agenda *agenda;
    struct tt_fake_store_options options;
    struct tt_fake_store_faults faults;
    struct tt_fake_store_way ways[TT_STORE_PROCESSES_MAX];
    struct tt_fake_store_observer observer;
    struct tt_store_tables tables;
    struct tt_prng prng;
    struct store_port *ports;
    uint64_t flights;
};

struct tt_fake_store *tt_fake_store_create(struct tt_agenda *agenda,
                                           const struct tt_fake_store_options *options)
{
    struct tt_fake_store *store = tt_alloc(sizeof(*store));
    store->agenda = agenda;
    store->options = *options;
    tt_store_tables_init(&store->tables, options->mutant);
    tt_prng_init(&store->prng, options->seed, TT_STREAM_STORE);
    return store;
}

void tt_fake_store_destroy(struct tt_fake_store **store)
{
    struct store_port *port = (*store)->ports;
    while (port != NULL) {
        struct store_port *next = port->next;
        tt_free(port);
        port = next;
    }
    tt_store_tables_deinit(&(*store)->tables);
    tt_free(*store);
    *store = NULL;
}

void tt_fake_store_observe(struct tt_fake_store *store, struct tt_fake_store_observer observer)
{
    store->observer = observer;
}

struct tt_fake_store_faults *tt_fake_store_faults(struct tt_fake_store *store)
{
    return &store->faults;
}

struct tt_fake_store_way *tt_fake_store_way(struct tt_fake_store *store, uint32_t process)
{
    return &store->ways[process];
}

static void drop_flight(void *payload)
{
    struct flight *flight = payload;
    tt_store_op_destroy(&flight->op);
    tt_free(flight);
}

static void complete(void *context, void *payload)
{
    (void)context;
    struct flight *flight = payload;
    struct store_port *port = flight->port;
    if (port->is_dead) {
        drop_flight(flight);
        return;
    }
    port->sink.done(port->sink.context, flight->op);
    tt_free(flight);
}

static void take_effect(struct tt_fake_store *store, struct tt_store_op *op, uint32_t process)
{
    tt_store_tables_apply(&store->tables, op, process, store->faults.disk_low);
    if (tt_err_is(op->err, TT_ERR_DISK_LOW))
        TT_SOMETIMES(store->options.sometimes, disk_was_low);
    if (tt_is_ok(op->err) && store->observer.applied != NULL)
        store->observer.applied(store->observer.context, op, process);
}

static void copy_address(struct tt_arena *arena, struct tt_push_address *address)
{
    address->token = tt_arena_copy(arena, address->token);
    address->p256dh = tt_arena_copy(arena, address->p256dh);
    address->auth = tt_arena_copy(arena, address->auth);
}

/* A copy that takes effect after its original was reported as failed. */
static struct tt_store_op *copy_of(const struct tt_store_op *op)
{
    struct tt_store_op *copy = tt_store_op_create(op->kind);
    struct tt_arena arena = copy->arena;
    *copy = *op;
    copy->arena = arena;
    copy->next = NULL;
    if (op->kind == TT_STORE_APPEND)
        copy->append.message.content = tt_arena_copy(&copy->arena, op->append.message.content);
    if (op->kind == TT_STORE_PUT_PUSH_ADDRESS)
        copy_address(&copy->arena, &copy->put_push_address.address);
    if (op->kind == TT_STORE_DROP_PUSH_ADDRESS)
        copy->drop_push_address.token = tt_arena_copy(&copy->arena, op->drop_push_address.token);
    if (op->kind == TT_STORE_RECORD_PUSH)
        copy->record_push.happening.detail =
            tt_arena_copy(&copy->arena, op->record_push.happening.detail);
    if (op->kind == TT_STORE_PUT_ACCOUNT)
        copy->put_account.change.password =
            tt_arena_copy(&copy->arena, op->put_account.change.password);
    if (op->kind == TT_STORE_LOG_IN)
        copy->log_in.password = tt_arena_copy(&copy->arena, op->log_in.password);
    return copy;
}

static void apply_late(void *context, void *payload)
{
    struct tt_fake_store *store = context;
    struct flight *flight = payload;
    take_effect(store, flight->op, flight->port->process);
    drop_flight(flight);
}

static void fail_late(struct tt_fake_store *store, const struct flight *flight)
{
    struct flight *late = tt_alloc(sizeof(*late));
    *late = (struct flight){.port = flight->port, .op = copy_of(flight->op)};
    uint64_t delay = tt_prng_delay(&store->prng, 2 * TT_US_PER_S);
    tt_agenda_after(store->agenda, delay, apply_late, store, late, drop_flight);
}

/* What a caller may not look at is not there to be looked at. */
static void make_unknown(struct tt_store_op *op, enum tt_mutant mutant)
{
    op->err = mutant == TT_MUTANT_UNKNOWN_IS_FAILED ? TT_FAIL(NOT_FOUND) : TT_FAIL(UNAVAILABLE);
    if (op->kind == TT_STORE_APPEND)
        op->append.message.seq = TT_SEQ(0);
}

/* The mutants that break promise 1 and 5: an answer that the stored data does not bear out. */
static bool lies(struct tt_fake_store *store, struct tt_store_op *op)
{
    enum tt_mutant mutant = store->options.mutant;
    bool early_append = mutant == TT_MUTANT_EARLY_APPEND && op->kind == TT_STORE_APPEND;
    bool early_advance = mutant == TT_MUTANT_EARLY_ADVANCE && op->kind == TT_STORE_ADVANCE;
    if ((!early_append && !early_advance) || !tt_prng_chance(&store->prng, 20))
        return false;
    if (early_append) {
        struct tt_conversation_row *row =
            tt_store_tables_conversation(&store->tables, &op->append.conversation);
        if (row == NULL)
            return false;
        op->append.message.seq = tt_seq_next(tt_store_tables_head(row));
        op->append.device_delivered = TT_SEQ(0);
    } else {
        struct tt_advance *advance = &op->advance;
        advance->after = advance->to;
        advance->device_delivered = advance->to.delivered;
        advance->head = advance->to.delivered;
    }
    op->err = TT_OK;
    return true;
}

/* A process that is dead connects nobody; of its other ops some prefix is carried out, and none
 * that was still on a way on which nothing passes. */
static bool is_lost(struct tt_fake_store *store, const struct flight *flight)
{
    struct store_port *port = flight->port;
    if (!port->is_cut)
        port->is_cut = tt_prng_chance(&store->prng, 500);
    return port->is_cut || flight->op->kind == TT_STORE_LINK_DEVICE;
}

static void count(const struct tt_fake_store *store, const struct flight *flight)
{
    struct tt_sometimes *sometimes = store->options.sometimes;
    if (flight->outcome == FAILS_BEFORE)
        TT_SOMETIMES(sometimes, store_failed_before);
    if (flight->outcome == FAILS_AFTER)
        TT_SOMETIMES(sometimes, store_failed_after);
    if (flight->outcome == FAILS_LATE)
        TT_SOMETIMES(sometimes, store_failed_late);
}

static void apply(void *context, void *payload)
{
    struct tt_fake_store *store = context;
    struct flight *flight = payload;
    struct store_port *port = flight->port;
    if (port->is_dead && (flight->is_settled || flight->is_held || is_lost(store, flight))) {
        TT_SOMETIMES(store->options.sometimes, batch_lost);
        drop_flight(flight);
        return;
    }
    if (port->is_dead)
        TT_SOMETIMES(store->options.sometimes, batch_cut);
    count(store, flight);
    switch (flight->outcome) {
    case WORKS:
        if (!lies(store, flight->op))
            take_effect(store, flight->op, port->process);
        break;
    case FAILS_BEFORE:
        make_unknown(flight->op, store->options.mutant);
        break;
    case FAILS_AFTER:
        take_effect(store, flight->op, port->process);
        make_unknown(flight->op, store->options.mutant);
        break;
    case FAILS_LATE:
        fail_late(store, flight);
        make_unknown(flight->op, store->options.mutant);
        break;
    }
    uint64_t delay = tt_prng_delay(&store->prng, store->options.latency_us / 4 + 1);
    tt_agenda_after(store->agenda, delay, complete, store, flight, drop_flight);
}

/* The conversation that an op changes, or NULL. */
static const tt_id *changed_conversation(const struct tt_store_op *op)
{
    if (op->kind == TT_STORE_APPEND)
        return &op->append.conversation;
    if (op->kind == TT_STORE_ADVANCE)
        return &op->advance.conversation;
    if (op->kind == TT_STORE_MARK_PUSHED)
        return &op->mark_pushed.conversation;
    if (op->kind == TT_STORE_MUTE)
        return &op->mute.conversation;
    return op->kind == TT_STORE_CREATE_CONVERSATION ? &op->create_conversation.conversation.id
                                                    : NULL;
}

static const struct tt_fake_store_way *bad_way(const struct tt_fake_store *store,
                                               const struct store_port *port)
{
    const struct tt_fake_store_way *way = &store->ways[port->process];
    return store->agenda->now_us < way->until_us ? way : NULL;
}

static enum outcome draw_outcome(struct tt_fake_store *store, const struct store_port *port,
                                 const struct tt_store_op *op)
{
    const struct tt_fake_store_faults *faults = &store->faults;
    const struct tt_fake_store_way *way = bad_way(store, port);
    uint32_t way_before = way == NULL ? 0 : way->before_per_mille;
    uint32_t way_after = way == NULL ? 0 : way->after_per_mille;
    if (way_before + way_after > 0)
        TT_SOMETIMES(store->options.sometimes, store_away_from_one);
    bool before = tt_prng_chance(&store->prng, faults->before_per_mille + way_before);
    bool after = tt_prng_chance(&store->prng, faults->after_per_mille + way_after);
    bool late = tt_prng_chance(&store->prng, faults->late_per_mille);
    if (before)
        return FAILS_BEFORE;
    if (after)
        return FAILS_AFTER;
    bool can_be_late = op->kind == TT_STORE_APPEND || op->kind == TT_STORE_ADVANCE;
    return late && can_be_late && !store->options.embedded ? FAILS_LATE : WORKS;
}

static uint64_t draw_instant(struct tt_fake_store *store, struct store_port *port,
                             const struct tt_store_op *op)
{
    const struct tt_fake_store_faults *faults = &store->faults;
    uint64_t at = store->agenda->now_us + tt_prng_delay(&store->prng, store->options.latency_us);
    if (tt_prng_chance(&store->prng, faults->tail_per_mille))
        at += tt_prng_tail(&store->prng, faults->tail_us);
    if (at < faults->stalled_until_us)
        at = faults->stalled_until_us;
    const struct tt_fake_store_way *way = bad_way(store, port);
    if (way != NULL && way->is_stalled && at < way->until_us) {
        TT_SOMETIMES(store->options.sometimes, store_stalled_for_one);
        at = way->until_us;
    }
    const tt_id *changed = changed_conversation(op);
    if (!store->options.keeps_order || (changed == NULL && !store->options.embedded))
        return at;
    size_t slot = 0; /* an embedded store has one thread that does everything in order */
    if (!store->options.embedded)
        slot = (size_t)tt_hash(tt_id_slice(changed), 0) % ORDER_SLOTS;
    uint64_t *until = &port->ordered_until[slot];
    if (at < *until)
        at = *until;
    *until = at;
    return at;
}

struct first_step {
    struct tt_fake_store *store;
    struct tt_store_step is;
};

static void free_step(void *payload)
{
    tt_free(payload);
}

static void take_first_step(void *context, void *payload)
{
    struct first_step *step = payload;
    (void)context;
    tt_store_step_arm(&step->store->tables, &step->is);
    tt_free(step);
}

/* A store that keeps no order has no transactions either: its appends are seen half done. */
static void plan_first_step(struct tt_fake_store *store, const struct tt_store_op *op, uint64_t at)
{
    if (op->kind != TT_STORE_APPEND || store->options.keeps_order || store->options.embedded)
        return;
    struct first_step *step = tt_alloc(sizeof(*step));
    *step = (struct first_step){store, tt_store_step_of(&op->append)};
    uint64_t early = tt_prng_below(&store->prng, at - store->agenda->now_us + 1);
    tt_agenda_at(store->agenda, at - early, take_first_step, store, step, free_step);
}

static void submit(void *self, struct tt_store_op *const *ops, size_t count)
{
    struct store_port *port = self;
    struct tt_fake_store *store = port->store;
    const struct tt_fake_store_way *way = bad_way(store, port);
    for (size_t i = 0; i < count; i++) {
        struct flight *flight = tt_alloc(sizeof(*flight));
        *flight = (struct flight){
            .port = port,
            .op = ops[i],
            .outcome = draw_outcome(store, port, ops[i]),
            .number = ++store->flights,
            .is_held = way != NULL && way->is_stalled,
        };
        flight->at_us = draw_instant(store, port, ops[i]);
        plan_first_step(store, ops[i], flight->at_us);
        tt_agenda_at(store->agenda, flight->at_us, apply, store, flight, drop_flight);
    }
}

struct tt_store_port tt_fake_store_attach(struct tt_fake_store *store, uint32_t process,
                                          struct tt_store_sink sink)
{
    TT_ASSERT(process < TT_STORE_PROCESSES_MAX);
    struct store_port *port = tt_alloc(sizeof(*port));
    port->store = store;
    port->sink = sink;
    port->process = process;
    port->next = store->ports;
    store->ports = port;
    return (struct tt_store_port){
        .self = port, .keeps_order = store->options.keeps_order, .submit = submit};
}

static int flight_order(const void *a, const void *b)
{
    const struct flight *left = *(struct flight *const *)a;
    const struct flight *right = *(struct flight *const *)b;
    if (left->at_us != right->at_us)
        return left->at_us < right->at_us ? -1 : 1;
    return left->number < right->number ? -1 : 1;
}

/* Of what an embedded store had not synced when it died, some prefix is on the disk. */
static void keep_prefix(struct tt_fake_store *store)
{
    const struct tt_agenda *agenda = store->agenda;
    struct flight **flights = tt_alloc((agenda->count + 1) * sizeof(struct flight *));
    size_t count = 0;
    for (size_t i = 0; i < agenda->count; i++)
        if (agenda->items[i].run == apply && agenda->items[i].context == store)
            flights[count++] = agenda->items[i].payload;
    if (count > 1)
        qsort(flights, count, sizeof(struct flight *), flight_order);
    bool is_cut = false;
    for (size_t i = 0; i < count; i++) {
        is_cut = is_cut || tt_prng_chance(&store->prng, 300);
        flights[i]->is_settled = true;
        if (is_cut || flights[i]->outcome == FAILS_BEFORE)
            continue;
        TT_SOMETIMES(store->options.sometimes, batch_cut);
        take_effect(store, flights[i]->op, flights[i]->port->process);
    }
    tt_free(flights);
}

void tt_fake_store_process_died(struct tt_fake_store *store, uint32_t process)
{
    if (store->options.embedded)
        keep_prefix(store);
    for (struct store_port *port = store->ports; port != NULL; port = port->next) {
        if (port->process == process && !port->is_dead) {
            port->is_dead = true;
            port->is_cut = store->options.embedded;
        }
    }
    tt_store_tables_process_died(&store->tables, process);
}

void tt_fake_store_apply(struct tt_fake_store *store, struct tt_store_op *op)
{
    take_effect(store, op, 0);
}
