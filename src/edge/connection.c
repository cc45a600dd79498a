#include "edge/connection.h"

#include "base/limits.h"
#include "base/memory.h"
#include "net/http1_answer.h"

/* Unread output beyond which no more is read. */
#define CONGESTED_BYTES ((size_t)TT_LIMIT_SLOW_BYTES)

/* The same of who has shown no token: there may be thousands, and they cost nothing to have. */
#define STRANGERS_BYTES ((size_t)16 * 1024)

/* The caller in as few bytes as it takes: there is one for each of very many idle sessions. */
struct tt_who {
    uint64_t login;
    uint8_t user_size;
    uint8_t device_size;
    char bytes[];
};

void tt_connection_set_who(struct tt_connection *connection, const struct tt_caller *caller)
{
    size_t size = (size_t)caller->user.size + caller->device.size;
    struct tt_who *who = tt_alloc(sizeof(*who) + size);
    who->login = caller->login;
    who->user_size = caller->user.size;
    who->device_size = caller->device.size;
    memcpy(who->bytes, caller->user.bytes, who->user_size);
    memcpy(who->bytes + who->user_size, caller->device.bytes, who->device_size);
    tt_free(connection->work->who);
    connection->work->who = who;
}

struct tt_caller tt_connection_who(const struct tt_connection *connection)
{
    const struct tt_who *who = connection->work->who;
    struct tt_caller caller;
    memset(&caller, 0, sizeof(caller));
    TT_ASSERT(who != NULL);
    caller.login = who->login;
    caller.user.size = who->user_size;
    caller.device.size = who->device_size;
    memcpy(caller.user.bytes, who->bytes, who->user_size);
    memcpy(caller.device.bytes, who->bytes + who->user_size, who->device_size);
    return caller;
}

void tt_connection_log(const struct tt_connection *connection, const char *method,
                       struct tt_slice path, int status, const char *reason)
{
    const struct tt_edge_owner *owner = &connection->edge->owner;
    struct tt_edge_answer answer = {.method = method,
                                    .path = path,
                                    .status = status,
                                    .reason = reason,
                                    .client = connection->work->client,
                                    .https = connection->https};
    if (owner->answered == NULL)
        return;
    if (connection->state == TT_CONNECTION_ANSWERING || connection->state == TT_CONNECTION_OPENING)
        answer.user = tt_connection_who(connection).user;
    owner->answered(owner->context, &answer);
}

static tt_mono now(const struct tt_connection *connection)
{
    return tt_loop_now(connection->edge->loop);
}

struct tt_connection_work *tt_connection_work(struct tt_connection *connection)
{
    if (connection->work == NULL) {
        connection->work = tt_alloc(sizeof(*connection->work));
        connection->work->connection = connection;
    }
    return connection->work;
}

static void free_work(struct tt_connection *connection)
{
    if (connection->work == NULL)
        return;
    tt_free(connection->work->who);
    tt_free(connection->work);
    connection->work = NULL;
}

void tt_connection_free(struct tt_connection *connection)
{
    free_work(connection);
    tt_free(connection);
}

/* Whether it only waits for frames. */
static bool is_waiting(const struct tt_connection *connection)
{
    return connection->state == TT_CONNECTION_SESSION && connection->work != NULL &&
           connection->work->deadline.kind == TT_DEADLINE_NONE && !connection->resuming;
}

static void set_deadline(struct tt_connection *connection, enum tt_deadline_kind kind)
{
    if (connection->work != NULL || kind != TT_DEADLINE_NONE)
        tt_deadline_set(&connection->edge->deadlines, &tt_connection_work(connection)->deadline,
                        kind, now(connection));
}

tt_handle tt_connection_handle(const struct tt_connection *connection)
{
    return (tt_handle){connection->index, connection->edge->slots[connection->index].generation};
}

tt_handle tt_connection_new_handle(struct tt_connection *connection)
{
    struct tt_slot *slot = &connection->edge->slots[connection->index];
    slot->generation++;
    if (slot->generation == 0)
        slot->generation = 1;
    return tt_connection_handle(connection);
}

void tt_connection_post(struct tt_connection *connection, const struct tt_event *event)
{
    const struct tt_edge_owner *owner = &connection->edge->owner;
    owner->post(owner->context, event);
}

void tt_connection_enter(struct tt_connection *connection)
{
    connection->entered++;
}

static void forget_resuming(struct tt_connection *connection)
{
    struct tt_connection **link = &connection->edge->to_resume;
    if (!connection->resuming)
        return;
    while (*link != connection)
        link = &(*link)->work->next_to_resume;
    *link = connection->work->next_to_resume;
    connection->resuming = false;
}

void tt_connection_leave(struct tt_connection *connection)
{
    connection->entered--;
    if (connection->entered > 0)
        return;
    if (is_waiting(connection))
        free_work(connection);
    if (connection->state != TT_CONNECTION_GONE)
        return;
    struct tt_edge *edge = connection->edge;
    forget_resuming(connection);
    tt_connection_new_handle(connection);
    edge->slots[connection->index].connection = NULL;
    edge->slots[connection->index].next_free = edge->free_slot;
    edge->free_slot = connection->index;
    edge->counters.connections--;
    tt_connection_free(connection);
}

void tt_connection_end(struct tt_connection *connection, bool at_once)
{
    if (connection->state == TT_CONNECTION_GONE)
        return;
    tt_connection_enter(connection);
    if (connection->state == TT_CONNECTION_SESSION) {
        tt_websocket_deinit(&connection->ws);
        connection->edge->counters.sessions--;
    } else {
        tt_http1_deinit(&connection->work->http);
    }
    connection->state = TT_CONNECTION_GONE;
    tt_stranger_gone(connection);
    set_deadline(connection, TT_DEADLINE_NONE);
    if (at_once)
        tt_socket_destroy(&connection->socket);
    else
        tt_socket_finish(&connection->socket);
    tt_connection_leave(connection);
}

void tt_connection_abandon(struct tt_connection *connection)
{
    struct tt_event event = {.handle = tt_connection_handle(connection)};
    bool request = connection->state == TT_CONNECTION_ANSWERING;
    bool session =
        connection->state == TT_CONNECTION_OPENING || connection->state == TT_CONNECTION_SESSION;
    if (!request && !session)
        return;
    event.kind = request ? TT_EVENT_REQUEST_GONE : TT_EVENT_SESSION_CLOSED;
    tt_connection_new_handle(connection);
    tt_connection_post(connection, &event);
}

/* What the connection may wait for, now that all input is taken. */
static void await_more(struct tt_connection *connection)
{
    enum tt_deadline_kind waits_for = connection->work->deadline.kind;
    switch (tt_http1_phase(&connection->work->http)) {
    case TT_HTTP1_IDLE: /* a new connection has to be as quick as with the rest of a head */
        if (waits_for != TT_DEADLINE_HEAD)
            waits_for = TT_DEADLINE_IDLE;
        break;
    case TT_HTTP1_HEAD_COMING:
        waits_for = TT_DEADLINE_HEAD;
        break;
    case TT_HTTP1_BODY_COMING:
        waits_for = TT_DEADLINE_BODY;
        break;
    case TT_HTTP1_ANSWERING:
        waits_for = TT_DEADLINE_ANSWER;
        break;
    }
    if (waits_for != connection->work->deadline.kind)
        set_deadline(connection, waits_for);
}

bool tt_connection_is_congested(const struct tt_connection *connection)
{
    return tt_socket_buffered(connection->socket) > CONGESTED_BYTES;
}

void tt_connection_await_drain(struct tt_connection *connection)
{
    connection->congested = true;
    connection->paused = true;
    tt_socket_pause(connection->socket);
    tt_socket_want_drained(connection->socket);
}

/* Whether the next request has to wait until the answers before it are read. */
static bool must_wait(const struct tt_connection *connection)
{
    size_t most = connection->stranger ? STRANGERS_BYTES : CONGESTED_BYTES;
    return tt_http1_phase(&connection->work->http) == TT_HTTP1_IDLE &&
           tt_socket_buffered(connection->socket) > most;
}

static void read_http(struct tt_connection *connection, struct tt_input *input)
{
    while (connection->state == TT_CONNECTION_HTTP) {
        if (must_wait(connection)) {
            tt_http1_keep(&connection->work->http, input);
            tt_connection_await_drain(connection);
            return;
        }
        switch (tt_http1_next(&connection->work->http, input, now(connection))) {
        case TT_HTTP1_MORE:
            await_more(connection);
            return;
        case TT_HTTP1_CONTINUE:
            tt_http1_write_continue(tt_socket_output(connection->socket));
            break;
        case TT_HTTP1_REQUEST:
            set_deadline(connection, TT_DEADLINE_ANSWER);
            tt_exchange_begin(connection);
            break;
        case TT_HTTP1_REFUSED:
            tt_exchange_refused(connection);
            return;
        }
    }
    if (connection->state == TT_CONNECTION_SESSION) {
        tt_session_read(connection, input);
    } else if (connection->state != TT_CONNECTION_GONE) {
        tt_http1_keep(&connection->work->http, input);
        tt_socket_pause(connection->socket);
        connection->paused = true;
    }
}

static void on_read(void *context, struct tt_input *input)
{
    struct tt_connection *connection = context;
    tt_connection_enter(connection);
    if (connection->state == TT_CONNECTION_SESSION)
        tt_session_read(connection, input);
    else
        read_http(connection, input);
    tt_connection_leave(connection);
}

static void on_drained(void *context)
{
    struct tt_connection *connection = context;
    tt_connection_enter(connection);
    if (connection->congested) {
        connection->congested = false;
        tt_connection_resume_later(connection);
    }
    if (connection->state == TT_CONNECTION_SESSION)
        tt_session_drained(connection);
    tt_connection_leave(connection);
}

static void on_ended(void *context, enum tt_socket_end end)
{
    struct tt_connection *connection = context;
    tt_connection_enter(connection);
    tt_connection_abandon(connection);
    tt_connection_end(connection, end == TT_SOCKET_FAILED);
    tt_connection_leave(connection);
}

const struct tt_socket_events tt_connection_events = {
    .read = on_read,
    .drained = on_drained,
    .ended = on_ended,
};

void tt_connection_resume_later(struct tt_connection *connection)
{
    struct tt_edge *edge = connection->edge;
    if (!connection->paused || connection->resuming)
        return;
    connection->resuming = true;
    tt_connection_work(connection)->next_to_resume = edge->to_resume;
    edge->to_resume = connection;
    tt_loop_again(edge->loop); /* this turn's tt_edge_turn may be over already */
}

void tt_connection_resume(struct tt_connection *connection)
{
    struct tt_input nothing = {NULL, 0};
    tt_connection_enter(connection);
    forget_resuming(connection);
    connection->paused = false;
    tt_socket_resume(connection->socket);
    if (connection->state == TT_CONNECTION_SESSION)
        tt_session_read(connection, &nothing);
    else
        read_http(connection, &nothing);
    tt_connection_leave(connection);
}

void tt_connection_expire(struct tt_connection *connection)
{
    if (connection->work->deadline.kind == TT_DEADLINE_PAUSE) {
        connection->too_fast = false;
        set_deadline(connection, TT_DEADLINE_NONE);
        tt_connection_resume_later(connection);
        return;
    }
    bool idle = tt_http1_phase(&connection->work->http) == TT_HTTP1_IDLE;
    enum tt_deadline_kind kind = connection->work->deadline.kind;
    tt_connection_enter(connection);
    if (idle) {
        tt_connection_end(connection, false);
    } else if (kind == TT_DEADLINE_ANSWER) {
        connection->edge->counters.timeouts++;
        tt_connection_abandon(connection);
        tt_exchange_give_up(connection, 503, TT_FAIL(UNAVAILABLE), NULL);
    } else {
        connection->edge->counters.timeouts++;
        tt_exchange_give_up(connection, 408, TT_FAIL(INVALID),
                            "the request did not come in time; send it again, all at once");
    }
    tt_connection_leave(connection);
}
