#include "app/node.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#include "adapter/clock_os.h"
#include "adapter/entropy_os.h"
#include "app/accounts.h"
#include "app/asked.h"
#include "app/wait.h"
#include "app/web_files.h"
#include "base/limits.h"
#include "base/memory.h"
#include "driver/driver.h"
#include "net/arrival.h"

/* How often what was answered at once may lead to the next question within one turn. */
#define AT_ONCE_ROUNDS 8
#define COMPLAIN_MS    10000

/* An outcome that came from the notifier's thread. */
struct told {
    struct told *next;
    struct tt_notified notified;
    struct tt_arena arena;
};

/* A device that was unlinked from another thread, or none: all of the user's. */
struct cut {
    struct cut *next;
    tt_id user;
    tt_id device;
};

struct tt_node {
    const struct tt_node_shared *shared;
    struct tt_place place;
    struct tt_loop *loop;
    struct tt_listener *listener;
    struct tt_arrivals *arrivals; /* with --proxy-protocol */
    struct tt_edge *edge;
    struct tt_driver *driver;
    struct tt_registry_local_node *registry;
    struct tt_bus_local_node *bus;
    struct tt_asked store;
    struct tt_scale *scale; /* NULL: embedded */
    struct tt_store_port guest;
    bool dying;
    struct tt_entropy_os entropy;
    void (*caught)(void *context, int number);
    void *caught_context;
    bool draining;
    tt_mono drain_until;
    tt_mono complain_at; /* not before then again */

    atomic_bool drain_asked;
    pthread_mutex_t lock;                  /* guards the rest */
    pthread_cond_t changed;                /* `answered` moved */
    struct told *told;                     /* by the notifier, the newest first */
    struct tt_account_ask *asked_accounts; /* that came back, the newest first */
    struct cut *cuts;
    struct tt_store_op *visitors; /* the newest first */
    bool ended;                   /* the loop takes nothing any more */
    uint64_t asked;
    uint64_t answered;
    struct tt_node_report report;
};

/* From the store's threads. */
static void on_store_came_back(void *context)
{
    struct tt_node *node = context;
    tt_loop_wake(node->loop);
}

/* From the notifier's thread. */
static void on_notified(void *context, const struct tt_notified *notified)
{
    struct tt_node *node = context;
    struct told *told = tt_alloc(sizeof(*told));
    told->notified = *notified;
    told->notified.detail = tt_arena_copy(&told->arena, notified->detail);
    told->notified.token = tt_arena_copy(&told->arena, notified->token);
    pthread_mutex_lock(&node->lock);
    told->next = node->told;
    if (node->told == NULL)
        tt_loop_wake(node->loop);
    node->told = told;
    pthread_mutex_unlock(&node->lock);
}

void tt_node_asked(struct tt_account_ask *ask)
{
    struct tt_node *node = ask->owner;
    pthread_mutex_lock(&node->lock);
    ask->next = node->asked_accounts;
    node->asked_accounts = ask;
    tt_loop_wake(node->loop);
    pthread_mutex_unlock(&node->lock);
}

void tt_node_cut(struct tt_node *node, const tt_id *user, const tt_id *device)
{
    struct cut *cut = tt_alloc(sizeof(*cut));
    cut->user = *user;
    cut->device = *device;
    pthread_mutex_lock(&node->lock);
    cut->next = node->cuts;
    node->cuts = cut;
    tt_loop_wake(node->loop);
    pthread_mutex_unlock(&node->lock);
}

static void take_about_accounts(struct tt_node *node, bool carries_out)
{
    pthread_mutex_lock(&node->lock);
    struct tt_account_ask *ask = node->asked_accounts;
    struct cut *cut = node->cuts;
    node->asked_accounts = NULL;
    node->cuts = NULL;
    pthread_mutex_unlock(&node->lock);
    while (ask != NULL) {
        struct tt_account_ask *next = ask->next;
        if (carries_out)
            tt_edge_asked(node->edge, ask);
        tt_account_ask_destroy(&ask);
        ask = next;
    }
    while (cut != NULL) {
        struct cut *next = cut->next;
        struct tt_event event = {.kind = TT_EVENT_CUT};
        event.cut.user = cut->user;
        event.cut.device = cut->device;
        if (carries_out)
            tt_driver_post(node->driver, &event);
        tt_free(cut);
        cut = next;
    }
}

static struct told *take_told(struct tt_node *node)
{
    pthread_mutex_lock(&node->lock);
    struct told *newest = node->told;
    node->told = NULL;
    pthread_mutex_unlock(&node->lock);
    struct told *first = NULL;
    while (newest != NULL) {
        struct told *next = newest->next;
        newest->next = first;
        first = newest;
        newest = next;
    }
    return first;
}

static void free_told(struct told *told)
{
    tt_arena_deinit(&told->arena);
    tt_free(told);
}

static void on_registry_done(void *context, struct tt_registry_op *op)
{
    struct tt_node *node = context;
    if (node->dying)
        tt_registry_op_destroy(&op);
    else
        tt_driver_registry_done(node->driver, op);
}

static void on_node_gone(void *context)
{
    struct tt_node *node = context;
    tt_driver_node_gone(node->driver);
}

static void on_registry_forgot(void *context)
{
    struct tt_node *node = context;
    tt_driver_registry_forgot(node->driver);
}

static void on_hint(void *context, struct tt_slice bytes)
{
    struct tt_node *node = context;
    tt_driver_hint(node->driver, bytes);
}

static void on_gap(void *context)
{
    struct tt_node *node = context;
    tt_driver_bus_gap(node->driver);
}

static void on_bus_wake(void *context)
{
    struct tt_node *node = context;
    tt_loop_wake(node->loop);
}

static void on_effect(void *context, const struct tt_effect *effect)
{
    struct tt_node *node = context;
    tt_edge_effect(node->edge, effect);
}

static void on_edge_event(void *context, const struct tt_event *event)
{
    struct tt_node *node = context;
    tt_driver_post(node->driver, event);
}

static bool hand_over(struct tt_node *node, struct tt_store_op *op)
{
    bool any = op != NULL;
    while (op != NULL) {
        struct tt_store_op *next = op->next;
        if (next != NULL) /* another core may have written to them */
            tt_expect(next->next, sizeof(*next));
        op->next = NULL;
        tt_driver_store_done(node->driver, op);
        op = next;
    }
    return any;
}

static void take_from_elsewhere(struct tt_node *node)
{
    (void)hand_over(node, tt_asked_take(&node->store));
    for (struct told *told = take_told(node); told != NULL;) {
        struct told *next = told->next;
        tt_driver_notified(node->driver, &told->notified);
        free_told(told);
        told = next;
    }
    take_about_accounts(node, true);
    tt_bus_local_receive(node->bus);
}

static void give_back_visitors(struct tt_node *node, struct tt_store_op *list)
{
    const struct tt_store_sink *sink = &node->shared->guest;
    while (list != NULL) {
        struct tt_store_op *op = list;
        list = op->next;
        op->next = NULL;
        op->err = TT_FAIL(UNAVAILABLE);
        sink->done(sink->context, op);
    }
}

static struct tt_store_op *take_visitors(struct tt_node *node)
{
    pthread_mutex_lock(&node->lock);
    struct tt_store_op *list = node->visitors;
    node->visitors = NULL;
    pthread_mutex_unlock(&node->lock);
    return list;
}

void tt_node_visit(struct tt_node *node, struct tt_store_op *const *ops, size_t count)
{
    struct tt_store_op *refused = NULL;
    pthread_mutex_lock(&node->lock);
    for (size_t i = 0; i < count; i++) {
        struct tt_store_op **list = node->ended ? &refused : &node->visitors;
        ops[i]->next = *list;
        *list = ops[i];
    }
    if (!node->ended)
        tt_loop_wake(node->loop);
    pthread_mutex_unlock(&node->lock);
    give_back_visitors(node, refused);
}

static void carry_out_visitors(struct tt_node *node)
{
    struct tt_store_op *op = take_visitors(node);
    while (op != NULL) {
        struct tt_store_op *next = op->next;
        op->next = NULL;
        node->guest.submit(node->guest.self, &op, 1);
        op = next;
    }
}

static void answer_question(struct tt_node *node)
{
    pthread_mutex_lock(&node->lock);
    if (node->asked != node->answered) {
        node->report = (struct tt_node_report){
            .core = *tt_core_counters(tt_driver_core(node->driver)),
            .edge = *tt_edge_counters(node->edge),
            .loop = *tt_loop_stats(node->loop),
        };
        if (node->scale != NULL)
            node->report.scale = tt_scale_report(node->scale);
        node->answered = node->asked;
        pthread_cond_broadcast(&node->changed);
    }
    pthread_mutex_unlock(&node->lock);
}

static void begin_drain(struct tt_node *node)
{
    if (node->draining || !atomic_load(&node->drain_asked))
        return;
    node->draining = true;
    node->drain_until = tt_mono_after(tt_loop_now(node->loop), node->shared->config->drain_ms);
    if (node->drain_until.ms == 0)
        node->drain_until.ms = 1;
    tt_listener_close(&node->listener);
    if (node->arrivals != NULL)
        tt_arrivals_destroy(&node->arrivals);
    tt_edge_drain(node->edge);
    tt_driver_post(node->driver, &(struct tt_event){.kind = TT_EVENT_DRAIN});
}

static void end_drain(struct tt_node *node)
{
    if (!node->draining)
        return;
    /* Sockets that still say goodbye count: cut now, the peer may lose the close frame. */
    bool idle = tt_core_is_idle(tt_driver_core(node->driver)) && tt_edge_is_idle(node->edge) &&
                tt_loop_stats(node->loop)->sockets == tt_loop_stats(node->loop)->outgoing;
    bool late = tt_loop_now(node->loop).ms >= node->drain_until.ms;
    if (!idle && !late)
        return;
    if (!idle)
        TT_LOG(node->shared->log, WARN, "the drain took too long, the rest is cut",
               tt_log_number("node", node->place.node));
    tt_loop_stop(node->loop);
}

static tt_mono earlier(tt_mono a, tt_mono b)
{
    if (a.ms == 0 || b.ms == 0)
        return a.ms == 0 ? b : a;
    return a.ms < b.ms ? a : b;
}

static void set_deadline(struct tt_node *node)
{
    tt_mono at = earlier(tt_driver_deadline(node->driver), tt_edge_deadline(node->edge));
    if (node->draining)
        at = earlier(at, node->drain_until);
    tt_loop_set_deadline(node->loop, at);
}

/* A later process of the same name is the server now; whoever is connected here must go there. */
static void end_ghost(struct tt_node *node)
{
    if (node->scale == NULL || node->draining || !tt_scale_is_superseded(node->scale))
        return;
    TT_LOG(node->shared->log, ERROR, "another server has taken this one's name, so this one ends",
           tt_log_text("server", node->shared->config->server_id),
           tt_log_text("hint", "give each server its own --server-id"));
    tt_node_drain(node);
}

/* By the registry of this process, or by the store. */
static bool take_at_once(struct tt_node *node)
{
    bool any = tt_registry_local_complete(node->registry) > 0;
    return hand_over(node, tt_asked_take_at_once(&node->store)) || any;
}

/* Sends out what was asked for, and goes on with what is answered at once. */
static void ask(struct tt_node *node)
{
    size_t rounds = 0;
    do
        tt_driver_flush(node->driver);
    while (take_at_once(node) && rounds++ < AT_ONCE_ROUNDS);
    if (rounds > AT_ONCE_ROUNDS)
        tt_loop_again(node->loop);
}

static void on_turn_end(void *context)
{
    struct tt_node *node = context;
    begin_drain(node);
    ask(node); /* the store can sync what came while the rest is looked at */
    take_from_elsewhere(node);
    carry_out_visitors(node);
    ask(node);
    tt_edge_turn(node->edge); /* who was answered is read from again */
    ask(node);
    end_ghost(node);
    answer_question(node);
    end_drain(node);
    set_deadline(node);
}

static void on_signal(void *context, int number)
{
    struct tt_node *node = context;
    node->caught(node->caught_context, number);
}

static const struct tt_loop_events loop_events = {.turn_end = on_turn_end, .signal = on_signal};

/* Once in a while only: it would be said for each connection that somebody tries. */
static void complain_full(struct tt_node *node, int error)
{
    tt_mono now = tt_loop_now(node->loop);
    if (now.ms < node->complain_at.ms)
        return;
    node->complain_at = tt_mono_after(now, COMPLAIN_MS);
    TT_LOG(node->shared->log, WARN, "no more connections are taken",
           tt_log_number("errno", (uint64_t)error),
           tt_log_text("hint", "raise the limit of open files"));
}

static struct tt_networks trusted_proxies(const struct tt_node *node)
{
    const struct tt_config *config = node->shared->config;
    return (struct tt_networks){config->proxies, config->trusted_proxies.count};
}

static void on_arrived(void *context, int fd, const struct tt_ip *client)
{
    struct tt_node *node = context;
    if (!tt_edge_accept(node->edge, TT_EDGE_PUBLIC, fd, client))
        tt_listener_pause(node->listener);
}

/* Whoever is no proxy speaks for himself. */
static void admit(struct tt_node *node, int fd, const struct tt_ip *peer)
{
    const struct tt_networks proxies = trusted_proxies(node);
    if (node->arrivals != NULL && tt_networks_have(&proxies, peer))
        tt_arrivals_add(node->arrivals, fd, peer);
    else
        on_arrived(node, fd, peer);
}

static void on_accepted(void *context, int fd, const struct tt_address *peer)
{
    struct tt_node *node = context;
    if (fd < node->shared->connection_fd_end) {
        const struct tt_ip ip = tt_ip_of_address(peer);
        admit(node, fd, &ip);
        return;
    }
    close(fd);
    tt_listener_pause(node->listener);
    complain_full(node, EMFILE);
}

/* A drain closes the listener, and those who are here go on. */
static void on_known(void *context)
{
    struct tt_node *node = context;
    if (node->listener != NULL)
        tt_listener_welcome(node->listener);
}

static void on_paused(void *context, int error)
{
    complain_full(context, error);
}

static const struct tt_listener_events listener_events = {.accepted = on_accepted,
                                                          .paused = on_paused};

static tt_time wall(void *context)
{
    (void)context;
    return tt_clock_os_wall();
}

static void on_answered(void *context, const struct tt_edge_answer *answer)
{
    const struct tt_node *node = context;
    enum tt_log_level level = node->shared->config->access_log ? TT_LOG_INFO : TT_LOG_DEBUG;
    char client[TT_IP_TEXT_SIZE];
    if (level > node->shared->log->level)
        return;
    tt_ip_format(&answer->client, client);
    const struct tt_log_field fields[] = {
        tt_log_text("client", client),
        tt_log_text("method", answer->method),
        tt_log_slice("path", answer->path),
        tt_log_number("status", (uint64_t)answer->status),
        tt_log_slice("user", tt_id_slice(&answer->user)),
        tt_log_text("tls", answer->https ? "yes" : "no"),
        tt_log_text("reason", answer->reason == NULL ? "" : answer->reason),
        TT_LOG_END,
    };
    tt_log_write(node->shared->log, level, "answered", fields);
}

static bool on_ask(void *context, struct tt_account_ask *ask)
{
    struct tt_node *node = context;
    ask->owner = node;
    return tt_account_pool_ask(node->shared->accounts, ask);
}

static void create_edge(struct tt_node *node)
{
    const struct tt_config *config = node->shared->config;
    struct tt_edge_options options = tt_edge_options_default();
    options.auth = *node->shared->auth;
    options.signing_secret = node->shared->secret;
    options.content_size_max = config->content_bytes;
    options.frame_size_max = config->frame_bytes;
    options.head_size_max = config->header_bytes;
    options.body_size_max = config->body_bytes;
    options.members_max = config->members;
    options.head_ms = (uint32_t)config->header_ms;
    options.body_ms = (uint32_t)config->request_ms;
    options.idle_ms = (uint32_t)config->idle_ms;
    options.token_ms = (int64_t)config->token_ms;
    options.files = &tt_web_files;
    options.demo = config->demo;
    options.accounts = tt_accounts_of(config);
    options.hash_seed = node->shared->hash_seed;
    options.crowd = node->shared->crowd;
    options.strangers_max = (uint32_t)(config->strangers / node->shared->node_count) + 1;
    options.tls = node->shared->tls;
    options.trusted_proxies = trusted_proxies(node);
    options.vapid = tt_notifier_push_vapid(node->shared->push);
    struct tt_edge_owner owner = {.context = node,
                                  .post = on_edge_event,
                                  .wall = wall,
                                  .answered = on_answered,
                                  .known = on_known};
    if (node->shared->accounts != NULL)
        owner.ask = on_ask;
    node->edge = tt_edge_create(&options, node->loop, &owner);
    if (config->proxy_protocol)
        node->arrivals =
            tt_arrivals_create(node->loop, (uint32_t)config->header_ms,
                               &(struct tt_arrivals_owner){.context = node, .arrived = on_arrived});
}

/* The registry and the bus within the process are there in any case: the one costs nothing when it
 * is not used, and hints between nodes of one process go by the other. */
static void open_ports(struct tt_node *node, struct tt_driver_ports *ports)
{
    const struct tt_node_shared *shared = node->shared;
    struct tt_scale_sinks sinks = {
        .store = {.context = &node->store, .done = tt_asked_done},
        .registry = {.context = node,
                     .done = on_registry_done,
                     .node_gone = on_node_gone,
                     .forgotten = on_registry_forgot},
        .bus = {.context = node, .hint = on_hint, .gap = on_gap},
    };
    node->registry = tt_registry_local_attach(shared->registry, &sinks.registry);
    node->bus = tt_bus_local_attach(shared->bus, &node->place, &sinks.bus, on_bus_wake);
    ports->registry = tt_registry_local_port(node->registry);
    ports->bus = tt_bus_local_port(node->bus);
    if (shared->scale == NULL) {
        node->store.store = tt_embedded_store_attach(shared->store, sinks.store);
        return;
    }
    node->scale = tt_scale_create(node->loop, shared->config, shared->scale, &node->place,
                                  shared->log, ports->bus, &sinks);
    node->store.store = tt_scale_store(node->scale);
    if (node->place.node == 0)
        node->guest = tt_scale_guest(node->scale, node->loop, &node->place, shared->guest);
    if (tt_scale_registry(node->scale).submit != NULL)
        ports->registry = tt_scale_registry(node->scale);
    if (tt_scale_bus(node->scale).send != NULL)
        ports->bus = tt_scale_bus(node->scale);
}

static void create_driver(struct tt_node *node)
{
    const struct tt_node_shared *shared = node->shared;
    struct tt_driver_ports ports = {
        .notifier = tt_notifier_push_attach(
            shared->push, (struct tt_notifier_sink){.context = node, .notified = on_notified}),
        .clock = tt_clock_os(),
        .entropy = tt_entropy_os(&node->entropy),
        .edge = {.context = node, .effect = on_effect},
    };
    open_ports(node, &ports);
    const bool keeps_order = node->store.store.keeps_order;
    ports.store = (struct tt_store_port){
        .self = &node->store, .keeps_order = keeps_order, .submit = tt_asked_submit};

    struct tt_core_options options = tt_config_core_options(shared->config);
    options.place = node->place;
    options.hash_seed = shared->hash_seed;
    options.store_keeps_order = keeps_order;
    options.reports_alive = node->place.node == 0;
    options.is_only_node = shared->scale == NULL && shared->node_count == 1;
    options.reassert_ms = shared->scale == NULL ? 0 : TT_REASSERT_MS;
    node->driver = tt_driver_create(&options, &ports);
}

static tt_err listen_for(struct tt_node *node, uint32_t number, const struct tt_node *first,
                         const char **problem)
{
    const struct tt_node_shared *shared = node->shared;
    if (shared->bound_fds != NULL) {
        int fd = shared->bound_fds[number];
        shared->bound_fds[number] = -1;
        return tt_listener_adopt(node->loop, fd, &listener_events, node, &node->listener, problem);
    }
    if (first != NULL)
        return tt_listener_join(node->loop, first->listener, node, &node->listener, problem);
    return tt_listener_open(node->loop, &shared->config->listen_address, &listener_events, node,
                            &node->listener, problem);
}

struct tt_node *tt_node_create(const struct tt_node_shared *shared, uint32_t number,
                               const struct tt_node *first, const char **problem)
{
    struct tt_node *node = tt_alloc(sizeof(*node));
    node->shared = shared;
    node->place = (struct tt_place){shared->config->server, shared->incarnation, number};
    *problem = "cannot make an event loop; is the limit of open files reached?";
    if (!tt_is_ok(tt_loop_create(&loop_events, node, &node->loop))) {
        tt_free(node);
        return NULL;
    }
    if (!tt_is_ok(listen_for(node, number, first, problem))) {
        tt_loop_destroy(&node->loop);
        tt_free(node);
        return NULL;
    }
    int failed = pthread_mutex_init(&node->lock, NULL);
    TT_ASSERT(failed == 0);
    tt_wait_init(&node->changed);
    tt_asked_init(&node->store, on_store_came_back, node);
    create_driver(node);
    create_edge(node);
    return node;
}

void tt_node_destroy(struct tt_node **node)
{
    struct tt_node *dying = *node;
    dying->dying = true;
    if (dying->scale != NULL)
        tt_scale_destroy(&dying->scale);
    tt_asked_deinit(&dying->store);
    for (struct told *told = take_told(dying); told != NULL;) {
        struct told *next = told->next;
        free_told(told);
        told = next;
    }
    take_about_accounts(dying, false);
    if (dying->listener != NULL)
        tt_listener_close(&dying->listener);
    if (dying->arrivals != NULL)
        tt_arrivals_destroy(&dying->arrivals);
    tt_edge_destroy(&dying->edge);
    tt_driver_destroy(&dying->driver);
    tt_registry_local_detach(&dying->registry);
    tt_loop_destroy(&dying->loop);
    pthread_mutex_destroy(&dying->lock);
    pthread_cond_destroy(&dying->changed);
    tt_free(dying);
    *node = NULL;
}

const struct tt_address *tt_node_address(const struct tt_node *node)
{
    return tt_listener_address(node->listener);
}

void tt_node_run(struct tt_node *node)
{
    tt_loop_run(node->loop);
    pthread_mutex_lock(&node->lock);
    node->ended = true;
    pthread_mutex_unlock(&node->lock);
    give_back_visitors(node, take_visitors(node));
    if (node->scale != NULL)
        tt_scale_end_guest(node->scale);
}

tt_err tt_node_watch_signals(struct tt_node *node, void (*caught)(void *context, int number),
                             void *context)
{
    node->caught = caught;
    node->caught_context = context;
    TT_TRY(tt_loop_watch_signal(node->loop, SIGTERM));
    TT_TRY(tt_loop_watch_signal(node->loop, SIGHUP));
    return tt_loop_watch_signal(node->loop, SIGINT);
}

void tt_node_drain(struct tt_node *node)
{
    atomic_store(&node->drain_asked, true);
    tt_loop_wake(node->loop);
}

bool tt_node_ask(struct tt_node *node, uint32_t wait_ms, struct tt_node_report *report)
{
    uint64_t until = tt_wait_until(wait_ms);
    pthread_mutex_lock(&node->lock);
    uint64_t question = ++node->asked;
    tt_loop_wake(node->loop);
    bool in_time = true;
    while (node->answered < question && in_time)
        in_time = tt_wait(&node->changed, &node->lock, until);
    bool answered = node->answered >= question;
    *report = node->report;
    pthread_mutex_unlock(&node->lock);
    return answered;
}
