#include "edge/edge.h"

#include <unistd.h>

#include "base/limits.h"
#include "base/memory.h"
#include "edge/connection.h"

/* So many fragments that no honest client needs more; each costs a turn of the loop. */
#define FRAGMENTS_MAX 1024

#define IDLE_MS  75000
#define TOKEN_MS (24LL * 3600 * 1000)

#define SLOTS_MIN 64

/* Who is too fast is not read from for so long: his frames wait with him, and cost nobody. */
#define PAUSE_MS 100

struct tt_edge_options tt_edge_options_default(void)
{
    return (struct tt_edge_options){
        .token_ms = TOKEN_MS,
        .content_size_max = (size_t)TT_LIMIT_CONTENT_BYTES,
        .frame_size_max = (size_t)TT_LIMIT_FRAME_BYTES,
        .fragment_count_max = FRAGMENTS_MAX,
        .head_size_max = (size_t)TT_LIMIT_HEADER_BYTES,
        .body_size_max = (size_t)TT_LIMIT_BODY_BYTES,
        .members_max = TT_LIMIT_MEMBERS,
        .head_ms = TT_HEADER_MS,
        .body_ms = TT_REQUEST_MS,
        .answer_ms = TT_REQUEST_MS,
        .idle_ms = IDLE_MS,
    };
}

struct tt_edge *tt_edge_create(const struct tt_edge_options *options, struct tt_loop *loop,
                               const struct tt_edge_owner *owner)
{
    struct tt_edge *edge = tt_alloc(sizeof(*edge));
    const uint64_t ms[TT_DEADLINE_KINDS] = {
        [TT_DEADLINE_HEAD] = options->head_ms,
        [TT_DEADLINE_BODY] = options->body_ms,
        [TT_DEADLINE_ANSWER] = options->answer_ms,
        [TT_DEADLINE_IDLE] = options->idle_ms,
        [TT_DEADLINE_PAUSE] = PAUSE_MS,
    };
    edge->options = *options;
    edge->options.auth.seen = tt_jwt_seen_create(options->hash_seed);
    edge->owner = *owner;
    edge->loop = loop;
    edge->http_limits = (struct tt_http1_limits){options->head_size_max, options->body_size_max};
    edge->ws_limits =
        (struct tt_websocket_limits){options->frame_size_max, options->fragment_count_max};
    edge->frame_limits = (struct tt_frame_limits){options->content_size_max};
    edge->request_limits =
        (struct tt_request_limits){options->content_size_max, options->members_max};
    tt_deadlines_init(&edge->deadlines, ms);
    return edge;
}

void tt_edge_destroy(struct tt_edge **take_edge)
{
    struct tt_edge *edge = *take_edge;
    *take_edge = NULL;
    for (uint32_t i = 0; i < edge->slot_count; i++)
        if (edge->slots[i].connection != NULL)
            tt_connection_end(edge->slots[i].connection, true);
    tt_jwt_seen_destroy(&edge->options.auth.seen);
    tt_arena_deinit(&edge->arena);
    tt_buffer_deinit(&edge->text);
    tt_buffer_deinit(&edge->fields);
    tt_free(edge->slots);
    tt_free(edge);
}

static void grow_slots(struct tt_edge *edge)
{
    uint32_t count = edge->slot_count == 0 ? SLOTS_MIN : edge->slot_count + edge->slot_count / 4;
    edge->slots = tt_grow(edge->slots, count, sizeof(edge->slots[0]));
    for (uint32_t i = edge->slot_count; i < count; i++)
        edge->slots[i] = (struct tt_slot){NULL, 1, i + 1};
    edge->slot_count = count;
}

static tt_err open_socket(struct tt_connection *connection, struct tt_edge *edge,
                          enum tt_edge_door door, int fd)
{
    struct tt_tls_server *tls = edge->options.tls;
    if (door == TT_EDGE_PUBLIC && tls != NULL)
        return tt_socket_open_tls(edge->loop, fd, tls, &tt_connection_events, connection,
                                  &connection->socket);
    return tt_socket_open(edge->loop, fd, &tt_connection_events, connection, &connection->socket);
}

bool tt_edge_accept(struct tt_edge *edge, enum tt_edge_door door, int fd, const struct tt_ip *peer)
{
    struct tt_connection *connection = tt_alloc(sizeof(*connection));
    struct tt_connection_work *work = tt_connection_work(connection);
    connection->edge = edge;
    work->door = (uint8_t)door;
    work->peer = *peer;
    work->client = *peer;
    bool has_room = true;
    if (!tt_stranger_may_come(edge, connection, &has_room)) {
        edge->counters.refused++;
        close(fd);
        tt_connection_free(connection);
        return has_room;
    }
    if (!tt_is_ok(open_socket(connection, edge, door, fd))) {
        tt_stranger_gone(connection);
        tt_connection_free(connection);
        return true;
    }
    if (edge->free_slot == edge->slot_count)
        grow_slots(edge);
    connection->index = edge->free_slot;
    edge->free_slot = edge->slots[connection->index].next_free;
    edge->slots[connection->index].connection = connection;
    tt_stranger_add(connection);
    tt_http1_init(&connection->work->http, &edge->http_limits);
    tt_deadline_set(&edge->deadlines, &connection->work->deadline, TT_DEADLINE_HEAD,
                    tt_loop_now(edge->loop));
    edge->counters.accepted++;
    edge->counters.connections++;
    return true;
}

static struct tt_connection *find(const struct tt_edge *edge, tt_handle handle)
{
    if (handle.index >= edge->slot_count ||
        edge->slots[handle.index].generation != handle.generation)
        return NULL;
    return edge->slots[handle.index].connection;
}

static void on_request(struct tt_connection *connection, const struct tt_effect *effect)
{
    TT_ASSERT(effect->kind == TT_EFFECT_REPLY);
    tt_exchange_reply(connection, effect->reply);
}

/* What HTTP says where a WebSocket would be closed with that code. */
static tt_err err_of(enum tt_close_code code)
{
    if (code == TT_CLOSE_GOING_AWAY)
        return TT_FAIL(DRAINING);
    if (code == TT_CLOSE_TOKEN_EXPIRED)
        return TT_FAIL(UNAUTHENTICATED);
    return code == TT_CLOSE_REPLACED ? TT_FAIL(FENCED) : TT_FAIL(UNAVAILABLE);
}

static void on_opening(struct tt_connection *connection, const struct tt_effect *effect)
{
    if (effect->kind == TT_EFFECT_ACCEPT)
        tt_session_accept(connection);
    else if (effect->kind == TT_EFFECT_REJECT)
        tt_exchange_reject(connection, effect->reject.err, effect->reject.devices,
                           effect->reject.device_count);
    else if (effect->kind == TT_EFFECT_CLOSE)
        tt_exchange_reject(connection, err_of(effect->close_code), NULL, 0);
}

static void on_session(struct tt_connection *connection, const struct tt_effect *effect)
{
    switch (effect->kind) {
    case TT_EFFECT_FRAME:
        tt_session_write(connection, effect->frame);
        break;
    case TT_EFFECT_PING:
        tt_session_ping(connection);
        break;
    case TT_EFFECT_WANT_DRAIN:
        tt_session_want_drain(connection);
        break;
    case TT_EFFECT_CLOSE:
        tt_session_end(connection, effect->close_code);
        break;
    case TT_EFFECT_ACCEPT:
    case TT_EFFECT_REJECT:
    case TT_EFFECT_REPLY:
    case TT_EFFECT_STORE:
    case TT_EFFECT_REGISTRY:
    case TT_EFFECT_HINT:
    case TT_EFFECT_NOTIFY:
        TT_ASSERT(false);
        break;
    }
}

void tt_edge_effect(struct tt_edge *edge, const struct tt_effect *effect)
{
    struct tt_connection *connection = find(edge, effect->handle);
    if (connection == NULL)
        return;
    tt_connection_enter(connection);
    switch ((enum tt_connection_state)connection->state) {
    case TT_CONNECTION_ANSWERING:
        on_request(connection, effect);
        break;
    case TT_CONNECTION_OPENING:
        on_opening(connection, effect);
        break;
    case TT_CONNECTION_SESSION:
        on_session(connection, effect);
        break;
    case TT_CONNECTION_HTTP: /* answered already */
    case TT_CONNECTION_ASKING:
    case TT_CONNECTION_GONE:
        break;
    }
    tt_connection_leave(connection);
}

void tt_edge_asked(struct tt_edge *edge, const struct tt_account_ask *ask)
{
    struct tt_connection *connection = find(edge, ask->handle);
    if (connection == NULL || connection->state != TT_CONNECTION_ASKING)
        return;
    tt_connection_enter(connection);
    tt_sign_in_asked(connection, ask);
    tt_connection_leave(connection);
}

static struct tt_connection *of_deadline(struct tt_deadline *deadline)
{
    return ((struct tt_connection_work *)((char *)deadline -
                                          offsetof(struct tt_connection_work, deadline)))
        ->connection;
}

void tt_edge_turn(struct tt_edge *edge)
{
    struct tt_deadline *due;
    while ((due = tt_deadlines_due(&edge->deadlines, tt_loop_now(edge->loop))) != NULL)
        tt_connection_expire(of_deadline(due));

    /* What becomes ready while these go on waits for the next turn: one connection with many
     * requests in its pipe must not keep the others waiting. */
    struct tt_connection *last = NULL;
    for (struct tt_connection *each = edge->to_resume; each != NULL;
         each = each->work->next_to_resume)
        last = each;
    while (last != NULL && edge->to_resume != NULL) {
        struct tt_connection *connection = edge->to_resume;
        bool was_last = connection == last;
        tt_connection_resume(connection);
        if (was_last)
            break;
    }
}

tt_mono tt_edge_deadline(const struct tt_edge *edge)
{
    return tt_deadlines_next(&edge->deadlines);
}

void tt_edge_drain(struct tt_edge *edge)
{
    edge->draining = true;
    for (uint32_t i = 0; i < edge->slot_count; i++) {
        struct tt_connection *connection = edge->slots[i].connection;
        if (connection != NULL && connection->state == TT_CONNECTION_HTTP &&
            tt_http1_phase(&connection->work->http) == TT_HTTP1_IDLE)
            tt_connection_end(connection, false);
    }
}

bool tt_edge_is_idle(const struct tt_edge *edge)
{
    return edge->counters.connections == 0;
}

const struct tt_edge_counters *tt_edge_counters(const struct tt_edge *edge)
{
    return &edge->counters;
}
