/* The WebSocket side of a connection. */
#include "edge/connection.h"

#include "net/websocket_handshake.h"

/* One connection's frames of one turn: the others' come in between. */
#define TURN_FRAMES_MAX 256

static struct tt_buffer *output_of(struct tt_connection *connection)
{
    return tt_socket_output(connection->socket);
}

void tt_session_accept(struct tt_connection *connection)
{
    struct tt_edge *edge = connection->edge;
    const struct tt_http1_request *request = tt_http1_request(&connection->work->http);
    const struct tt_slice name = TT_SLICE_LITERAL(TT_AUTH_SUBPROTOCOL);
    struct tt_slice protocol = tt_websocket_offers(request, name) ? name : TT_SLICE_EMPTY;
    tt_websocket_write_switch(request, protocol, output_of(connection));
    tt_connection_log(connection, "GET", request->path, 101, NULL);

    struct tt_buffer kept = {0};
    tt_http1_take_kept(&connection->work->http, &kept);
    tt_websocket_init(&connection->ws, TT_WEBSOCKET_SERVER, &edge->ws_limits, 0);
    struct tt_input input = {kept.data, kept.size};
    tt_websocket_keep(&connection->ws, &input);
    tt_buffer_deinit(&kept);

    connection->state = TT_CONNECTION_SESSION;
    tt_deadline_set(&edge->deadlines, &connection->work->deadline, TT_DEADLINE_NONE, TT_MONO(0));
    edge->counters.upgrades++;
    edge->counters.sessions++;
    tt_connection_resume_later(connection);
}

/* Why a socket was closed, for people who look at it. */
static struct tt_slice reason_of(enum tt_close_code code)
{
    switch (code) {
    case TT_CLOSE_NORMAL:
    case TT_CLOSE_PROTOCOL_ERROR:
        break;
    case TT_CLOSE_GOING_AWAY:
        return TT_SLICE_LITERAL("the server restarts; reconnect with jitter");
    case TT_CLOSE_UNSUPPORTED:
        return TT_SLICE_LITERAL("send text frames");
    case TT_CLOSE_BAD_DATA:
        return TT_SLICE_LITERAL("this is not valid JSON");
    case TT_CLOSE_POLICY:
        return TT_SLICE_LITERAL("this breaks the protocol");
    case TT_CLOSE_TOO_BIG:
        return TT_SLICE_LITERAL("this frame is too large");
    case TT_CLOSE_INTERNAL:
        return TT_SLICE_LITERAL("something is wrong in the server; reconnect");
    case TT_CLOSE_TOKEN_EXPIRED:
        return TT_SLICE_LITERAL("the token has expired; reconnect with a fresh one");
    case TT_CLOSE_NO_HEARTBEAT:
        return TT_SLICE_LITERAL("no answer to heartbeats");
    case TT_CLOSE_REPLACED:
        return TT_SLICE_LITERAL("this device has connected again elsewhere");
    case TT_CLOSE_SLOW:
        return TT_SLICE_LITERAL("what was sent is not read fast enough");
    case TT_CLOSE_TOO_FAST:
        return TT_SLICE_LITERAL("too fast for too long");
    }
    return TT_SLICE_EMPTY;
}

void tt_session_end(struct tt_connection *connection, enum tt_close_code code)
{
    tt_websocket_close(&connection->ws, (uint16_t)code, reason_of(code), output_of(connection));
    tt_connection_end(connection, false);
}

/* The same, when it was not the core's idea. */
static void close_and_tell(struct tt_connection *connection, enum tt_close_code code)
{
    tt_websocket_close(&connection->ws, (uint16_t)code, reason_of(code), output_of(connection));
    tt_connection_abandon(connection);
    tt_connection_end(connection, false);
}

static void post_bad_frame(struct tt_connection *connection, const struct tt_client_frame *frame,
                           tt_err err, const char *key)
{
    struct tt_event event = {.kind = TT_EVENT_BAD_FRAME,
                             .handle = tt_connection_handle(connection)};
    event.bad_frame.err = err;
    event.bad_frame.key = key;
    event.bad_frame.conversation = frame->conversation;
    event.bad_frame.client_id = frame->client_id;
    connection->edge->counters.frames_refused++;
    tt_connection_post(connection, &event);
}

/* Whether a fresh token is of the same user and device, the core knows. */
static void take_token(struct tt_connection *connection, const struct tt_client_frame *frame)
{
    const struct tt_edge *edge = connection->edge;
    const struct tt_auth *auth = &edge->options.auth;
    struct tt_jwt_claims claims;
    const char *reason;
    tt_err err = tt_jwt_verify(auth->keys, &auth->policy, frame->token,
                               edge->owner.wall(edge->owner.context), &claims, &reason);
    if (!tt_is_ok(err)) {
        post_bad_frame(connection, frame, err, "token");
        return;
    }
    struct tt_event event = {.kind = TT_EVENT_TOKEN, .handle = tt_connection_handle(connection)};
    event.token.user = claims.user;
    event.token.device = claims.device;
    event.token.expires = claims.expires;
    tt_connection_post(connection, &event);
}

static void take_frame(struct tt_connection *connection, struct tt_slice text)
{
    struct tt_edge *edge = connection->edge;
    struct tt_client_frame frame;
    const char *key;
    edge->counters.frames_in++;
    tt_err err = tt_frame_parse(text, &edge->frame_limits, &frame, &key);
    if (tt_err_is(err, TT_ERR_NOT_JSON))
        close_and_tell(connection, TT_CLOSE_BAD_DATA);
    else if (!tt_is_ok(err))
        post_bad_frame(connection, &frame, err, key);
    else if (frame.kind == TT_CLIENT_TOKEN)
        take_token(connection, &frame);
    else
        tt_connection_post(connection,
                           &(struct tt_event){.kind = TT_EVENT_FRAME,
                                              .handle = tt_connection_handle(connection),
                                              .frame = &frame});
}

static bool echo(struct tt_connection *connection, const struct tt_websocket_event *event)
{
    if (event->kind == TT_WEBSOCKET_TEXT)
        tt_websocket_write_text(&connection->ws, event->bytes, output_of(connection));
    else if (event->kind == TT_WEBSOCKET_BINARY)
        tt_websocket_write_binary(&connection->ws, event->bytes, output_of(connection));
    else
        return false;
    return true;
}

/* Whether the core was told something by it. */
static bool take_event(struct tt_connection *connection, const struct tt_websocket_event *event)
{
    tt_websocket_answer(&connection->ws, event, output_of(connection));
    if (connection->edge->options.echoes && echo(connection, event))
        return false;
    switch (event->kind) {
    case TT_WEBSOCKET_TEXT:
        take_frame(connection, event->bytes);
        return true;
    case TT_WEBSOCKET_BINARY:
        close_and_tell(connection, TT_CLOSE_UNSUPPORTED);
        return true;
    case TT_WEBSOCKET_CLOSED:
    case TT_WEBSOCKET_BROKEN:
        tt_connection_abandon(connection);
        tt_connection_end(connection, false);
        return true;
    case TT_WEBSOCKET_PING:
    case TT_WEBSOCKET_PONG:
        break;
    }
    return false;
}

/* Whether there is something else to do first than to read on. */
static bool must_stop(struct tt_connection *connection, struct tt_input *input, uint32_t frames)
{
    if (tt_connection_is_congested(connection)) {
        tt_websocket_keep(&connection->ws, input);
        tt_connection_await_drain(connection);
        return true;
    }
    if (!connection->too_fast && frames < TURN_FRAMES_MAX)
        return false;
    tt_websocket_keep(&connection->ws, input);
    connection->paused = true;
    tt_socket_pause(connection->socket);
    if (!connection->too_fast)
        tt_connection_resume_later(connection);
    return true;
}

void tt_session_read(struct tt_connection *connection, struct tt_input *input)
{
    struct tt_websocket_event event;
    uint32_t told = 0;
    uint32_t control = 0;
    while (connection->state == TT_CONNECTION_SESSION) {
        if (must_stop(connection, input, told + control) ||
            !tt_websocket_next(&connection->ws, input, &event))
            break;
        *(take_event(connection, &event) ? &told : &control) += 1;
    }
    if (connection->state == TT_CONNECTION_SESSION && (told == 0 || control > 0)) {
        struct tt_event heard = {.kind = TT_EVENT_HEARD,
                                 .handle = tt_connection_handle(connection),
                                 .control_frames = control};
        tt_connection_post(connection, &heard);
    }
}

void tt_session_drained(struct tt_connection *connection)
{
    if (!connection->want_drain)
        return;
    connection->want_drain = false;
    tt_connection_post(connection, &(struct tt_event){.kind = TT_EVENT_DRAINED,
                                                      .handle = tt_connection_handle(connection)});
}

static void slow_down(struct tt_connection *connection)
{
    struct tt_edge *edge = connection->edge;
    if (connection->too_fast)
        return;
    connection->too_fast = true;
    tt_deadline_set(&edge->deadlines, &tt_connection_work(connection)->deadline, TT_DEADLINE_PAUSE,
                    tt_loop_now(edge->loop));
}

void tt_session_write(struct tt_connection *connection, const struct tt_server_frame *frame)
{
    struct tt_edge *edge = connection->edge;
    if (frame->kind == TT_SERVER_ERROR && tt_err_is(frame->error.err, TT_ERR_RATE_LIMITED))
        slow_down(connection);
    edge->text.size = 0;
    tt_frame_write(frame, &edge->text);
    tt_websocket_write_text(&connection->ws, tt_buffer_slice(&edge->text), output_of(connection));
    edge->counters.frames_out++;
    if (edge->text.capacity > edge->options.frame_size_max)
        tt_buffer_deinit(&edge->text);
}

void tt_session_ping(struct tt_connection *connection)
{
    tt_websocket_write_ping(&connection->ws, TT_SLICE_EMPTY, output_of(connection));
}

void tt_session_want_drain(struct tt_connection *connection)
{
    connection->want_drain = true;
    tt_socket_want_drained(connection->socket);
}
