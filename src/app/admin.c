#include "app/admin.h"

#include <pthread.h>
#include <unistd.h>

#include "app/metrics.h"
#include "app/wait.h"
#include "base/memory.h"
#include "net/http1.h"
#include "net/http1_answer.h"
#include "net/socket.h"

#define CONNECTIONS_MAX 64
#define ANSWER_MS       2000

struct connection {
    struct tt_admin *admin;
    struct tt_socket *socket;
    struct tt_http1 http;
    struct connection *next;
};

struct tt_admin {
    const struct tt_log *log;
    pthread_t thread;
    struct tt_loop *loop;
    struct tt_listener *listener;
    struct connection *connections;
    size_t connection_count;

    pthread_mutex_t lock; /* guards the rest; held while a request is answered */
    bool stopping;
    bool draining;
    struct tt_node *const *nodes; /* NULL: nothing to show yet */
    size_t node_count;
    struct tt_embedded_store *store;
    struct tt_registry_local *registry;
    struct tt_notifier_push *push;
    struct tt_tls_server *tls;
    struct tt_store_port port;

    pthread_mutex_t op_lock; /* guards these two; taken by the store's threads */
    pthread_cond_t op_done;
    bool op_under_way;
    bool op_ok;
};

struct answer {
    int status;
    const char *type;
    struct tt_buffer body;
};

static void store_done(void *context, struct tt_store_op *op)
{
    struct tt_admin *admin = context;
    pthread_mutex_lock(&admin->op_lock);
    admin->op_under_way = false;
    admin->op_ok = tt_is_ok(op->err);
    pthread_cond_signal(&admin->op_done);
    pthread_mutex_unlock(&admin->op_lock);
    tt_store_op_destroy(&op);
}

/* Waits for the op that is under way; false: it takes too long. */
static bool wait_for_store(struct tt_admin *admin, uint32_t wait_ms)
{
    uint64_t until = tt_wait_until(wait_ms);
    pthread_mutex_lock(&admin->op_lock);
    bool in_time = true;
    while (admin->op_under_way && in_time)
        in_time = tt_wait(&admin->op_done, &admin->op_lock, until);
    bool done = !admin->op_under_way;
    pthread_mutex_unlock(&admin->op_lock);
    return done;
}

/* Asks for a user that nobody is: a read that has to go through. */
static bool store_answers(struct tt_admin *admin)
{
    if (admin->store == NULL)
        return true;
    if (!wait_for_store(admin, 0))
        return false;
    struct tt_store_op *op = tt_store_op_create(TT_STORE_GET_USERS);
    tt_id *ids = tt_arena_array(&op->arena, 1, sizeof(*ids));
    ids[0] = tt_id_of("readyz");
    op->get_users.ids = ids;
    op->get_users.id_count = 1;
    admin->op_under_way = true;
    admin->op_ok = false;
    admin->port.submit(admin->port.self, &op, 1);
    return wait_for_store(admin, ANSWER_MS) && admin->op_ok;
}

static bool nodes_answer(struct tt_admin *admin, struct tt_metrics *metrics)
{
    for (size_t i = 0; i < admin->node_count; i++) {
        struct tt_node_report report;
        if (!tt_node_ask(admin->nodes[i], ANSWER_MS, &report))
            return false;
        if (metrics == NULL && admin->store == NULL && !report.scale.registry_is_up)
            return false;
        if (metrics != NULL)
            tt_metrics_add_node(metrics, &report);
    }
    return true;
}

static void say(struct answer *answer, int status, const char *text)
{
    answer->status = status;
    answer->type = "text/plain; charset=utf-8";
    tt_buffer_add_text(&answer->body, text);
    tt_buffer_add_text(&answer->body, "\n");
}

static void answer_ready(struct tt_admin *admin, struct answer *answer)
{
    if (admin->draining)
        say(answer, 503, "draining");
    else if (admin->nodes == NULL)
        say(answer, 503, "starting");
    else if (!nodes_answer(admin, NULL))
        say(answer, 503, "a node does not answer");
    else if (!store_answers(admin))
        say(answer, 503, "the store does not answer");
    else
        say(answer, 200, "ready");
}

static void answer_metrics(struct tt_admin *admin, struct answer *answer)
{
    struct tt_metrics metrics = {.node_count = 0};
    (void)nodes_answer(admin, &metrics);
    metrics.scale_out = admin->store == NULL;
    if (admin->store != NULL) {
        metrics.store = tt_embedded_store_stats(admin->store);
        metrics.registry_users = tt_registry_local_users(admin->registry);
        if (admin->tls != NULL)
            metrics.tls_expires = (uint64_t)tt_tls_server_expires(admin->tls);
        metrics.push_waiting = tt_notifier_push_waiting(admin->push);
        for (int i = TT_PUSH_APNS; i <= TT_PUSH_WEBPUSH; i++)
            tt_notifier_push_report(admin->push, (enum tt_push_provider)i, &metrics.push[i]);
    }
    answer->status = 200;
    answer->type = "text/plain; version=0.0.4; charset=utf-8";
    tt_metrics_write(&metrics, &answer->body);
}

static void answer_request(struct tt_admin *admin, const struct tt_http1_request *request,
                           struct answer *answer)
{
    if (request->method != TT_HTTP1_GET && request->method != TT_HTTP1_HEAD) {
        say(answer, 405, "only GET is supported here");
        return;
    }
    pthread_mutex_lock(&admin->lock);
    if (tt_slice_eq(request->path, TT_SLICE_LITERAL("/healthz")))
        say(answer, 200, "ok");
    else if (tt_slice_eq(request->path, TT_SLICE_LITERAL("/readyz")))
        answer_ready(admin, answer);
    else if (tt_slice_eq(request->path, TT_SLICE_LITERAL("/metrics")))
        answer_metrics(admin, answer);
    else
        say(answer, 404, "there is /healthz, /readyz and /metrics");
    pthread_mutex_unlock(&admin->lock);
}

static void drop(struct connection *connection, bool finish)
{
    struct tt_admin *admin = connection->admin;
    struct connection **at = &admin->connections;
    while (*at != connection)
        at = &(*at)->next;
    *at = connection->next;
    admin->connection_count--;
    if (finish)
        tt_socket_finish(&connection->socket);
    else
        tt_socket_destroy(&connection->socket);
    tt_http1_deinit(&connection->http);
    tt_free(connection);
}

/* False: the connection is to end. */
static bool answer_one(struct connection *connection)
{
    const struct tt_http1_request *request = tt_http1_request(&connection->http);
    struct answer answer = {.status = 200};
    if (request->status != 0)
        say(&answer, request->status, request->problem);
    else
        answer_request(connection->admin, request, &answer);
    struct tt_http1_answer written = {.status = answer.status,
                                      .content_type = answer.type,
                                      .body = tt_buffer_slice(&answer.body),
                                      .close = request->status != 0};
    bool goes_on = tt_http1_write_answer(request, &written, tt_socket_output(connection->socket));
    tt_buffer_deinit(&answer.body);
    if (goes_on)
        tt_http1_done(&connection->http);
    return goes_on;
}

static void on_read(void *context, struct tt_input *input)
{
    struct connection *connection = context;
    for (;;) {
        switch (tt_http1_next(&connection->http, input, tt_loop_now(connection->admin->loop))) {
        case TT_HTTP1_MORE:
            return;
        case TT_HTTP1_CONTINUE:
            tt_http1_write_continue(tt_socket_output(connection->socket));
            break;
        case TT_HTTP1_REQUEST:
        case TT_HTTP1_REFUSED:
            if (!answer_one(connection)) {
                drop(connection, true);
                return;
            }
            break;
        }
    }
}

static void on_drained(void *context)
{
    (void)context;
}

static void on_ended(void *context, enum tt_socket_end end)
{
    drop(context, end == TT_SOCKET_PEER_CLOSED);
}

static const struct tt_socket_events socket_events = {
    .read = on_read, .drained = on_drained, .ended = on_ended};
static const struct tt_http1_limits limits = {.head_size_max = 8192, .body_size_max = 1024};

static void on_accepted(void *context, int fd, const struct tt_address *peer)
{
    (void)peer;
    struct tt_admin *admin = context;
    if (admin->connection_count == CONNECTIONS_MAX) {
        close(fd);
        return;
    }
    struct connection *connection = tt_alloc(sizeof(*connection));
    connection->admin = admin;
    tt_http1_init(&connection->http, &limits);
    if (!tt_is_ok(
            tt_socket_open(admin->loop, fd, &socket_events, connection, &connection->socket))) {
        tt_free(connection);
        return;
    }
    connection->next = admin->connections;
    admin->connections = connection;
    admin->connection_count++;
}

static const struct tt_listener_events listener_events = {.accepted = on_accepted};

static void on_wake(void *context)
{
    struct tt_admin *admin = context;
    pthread_mutex_lock(&admin->lock);
    bool stopping = admin->stopping;
    pthread_mutex_unlock(&admin->lock);
    if (stopping)
        tt_loop_stop(admin->loop);
}

static const struct tt_loop_events loop_events = {.wake = on_wake};

static void *run(void *context)
{
    struct tt_admin *admin = context;
    tt_loop_run(admin->loop);
    return NULL;
}

struct tt_admin *tt_admin_create(const struct tt_address *address, const struct tt_log *log,
                                 const char **problem)
{
    struct tt_admin *admin = tt_alloc(sizeof(*admin));
    admin->log = log;
    *problem = "cannot make an event loop; is the limit of open files reached?";
    if (!tt_is_ok(tt_loop_create(&loop_events, admin, &admin->loop))) {
        tt_free(admin);
        return NULL;
    }
    if (!tt_is_ok(tt_listener_open(admin->loop, address, &listener_events, admin, &admin->listener,
                                   problem))) {
        tt_loop_destroy(&admin->loop);
        tt_free(admin);
        return NULL;
    }
    int failed = pthread_mutex_init(&admin->lock, NULL);
    failed |= pthread_mutex_init(&admin->op_lock, NULL);
    tt_wait_init(&admin->op_done);
    failed |= pthread_create(&admin->thread, NULL, run, admin);
    TT_ASSERT(failed == 0);
    return admin;
}

void tt_admin_destroy(struct tt_admin **admin)
{
    struct tt_admin *dying = *admin;
    pthread_mutex_lock(&dying->lock);
    dying->stopping = true;
    pthread_mutex_unlock(&dying->lock);
    tt_loop_wake(dying->loop);
    pthread_join(dying->thread, NULL);
    while (dying->connections != NULL)
        drop(dying->connections, false);
    tt_listener_close(&dying->listener);
    tt_loop_destroy(&dying->loop);
    pthread_mutex_destroy(&dying->lock);
    pthread_mutex_destroy(&dying->op_lock);
    pthread_cond_destroy(&dying->op_done);
    tt_free(dying);
    *admin = NULL;
}

const struct tt_address *tt_admin_address(const struct tt_admin *admin)
{
    return tt_listener_address(admin->listener);
}

void tt_admin_show(struct tt_admin *admin, struct tt_node *const *nodes, size_t node_count,
                   const struct tt_node_shared *shared)
{
    pthread_mutex_lock(&admin->lock);
    admin->nodes = nodes;
    admin->node_count = node_count;
    admin->store = shared->store;
    admin->registry = shared->registry;
    admin->push = shared->push;
    admin->tls = shared->tls;
    if (shared->store != NULL)
        admin->port = tt_embedded_store_attach(
            shared->store, (struct tt_store_sink){.context = admin, .done = store_done});
    pthread_mutex_unlock(&admin->lock);
}

void tt_admin_set_draining(struct tt_admin *admin)
{
    pthread_mutex_lock(&admin->lock);
    admin->draining = true;
    pthread_mutex_unlock(&admin->lock);
}

void tt_admin_hide(struct tt_admin *admin)
{
    pthread_mutex_lock(&admin->lock);
    admin->nodes = NULL;
    admin->node_count = 0;
    while (!wait_for_store(admin, ANSWER_MS))
        TT_LOG(admin->log, WARN, "waiting for the store's answer");
    admin->store = NULL;
    pthread_mutex_unlock(&admin->lock);
}
