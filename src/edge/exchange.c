/* Requests and their answers. */
#include "edge/connection.h"

#include "edge/forwarded.h"
#include "edge/reply_codec.h"
#include "net/http1_answer.h"
#include "net/websocket_handshake.h"

#define JSON_TYPE "application/json"

/* An answer in the making: more header fields are in edge->fields. */
struct answer {
    int status;
    const char *content_type;
    const char *reason;     /* for the log */
    struct tt_slice body;   /* if empty, the body is in edge->text */
    bool says_how_to_cache; /* its fields do; any other is not kept */
};

static const struct tt_http1_request *request_of(const struct tt_connection *connection)
{
    return tt_http1_request(&connection->work->http);
}

static const char *method_name(enum tt_http1_method method)
{
    static const char *const names[] = {
        [TT_HTTP1_GET] = "GET",     [TT_HTTP1_HEAD] = "HEAD",     [TT_HTTP1_POST] = "POST",
        [TT_HTTP1_PUT] = "PUT",     [TT_HTTP1_DELETE] = "DELETE", [TT_HTTP1_OPTIONS] = "OPTIONS",
        [TT_HTTP1_OTHER] = "OTHER",
    };
    return names[method];
}

static void begin_answer(struct tt_edge *edge)
{
    edge->text.size = 0;
    edge->fields.size = 0;
}

static void count(struct tt_connection *connection, const struct tt_http1_request *request,
                  const struct answer *answer)
{
    struct tt_edge *edge = connection->edge;
    if (answer->status == 401)
        edge->counters.unauthenticated++;
    if (answer->status >= 500)
        edge->counters.server_errors++;
    else if (answer->status >= 400)
        edge->counters.client_errors++;
    if (request != NULL)
        tt_connection_log(connection, method_name(request->method), request->path, answer->status,
                          answer->reason);
}

/* A large body's buffer is not kept for the next, small one. */
static void trim_scratch(struct tt_edge *edge)
{
    if (edge->text.capacity > edge->options.frame_size_max)
        tt_buffer_deinit(&edge->text);
}

/* Writes the answer. Then the connection reads the next request, or is gone. */
static void end_answer(struct tt_connection *connection, const struct tt_http1_request *request,
                       const struct answer *answer)
{
    struct tt_edge *edge = connection->edge;
    struct tt_buffer *fields = &edge->fields;
    if (!answer->says_how_to_cache)
        tt_http1_add_field(fields, "Cache-Control", TT_SLICE_LITERAL("no-store"));
    tt_http1_add_field(fields, "X-Content-Type-Options", TT_SLICE_LITERAL("nosniff"));
    if (request != NULL && connection->work->door == TT_EDGE_PUBLIC)
        tt_origin_add_fields(&edge->options.auth.origins, request, fields);
    count(connection, request, answer);

    const struct tt_http1_answer wire = {
        .status = answer->status,
        .content_type = answer->content_type,
        .fields = tt_buffer_slice(fields),
        .body = answer->body.size > 0 ? answer->body : tt_buffer_slice(&edge->text),
        .close = edge->draining};
    bool goes_on = tt_http1_write_answer(request, &wire, tt_socket_output(connection->socket));
    trim_scratch(edge);
    if (!goes_on || request == NULL) {
        tt_connection_end(connection, false);
        return;
    }
    connection->state = TT_CONNECTION_HTTP;
    tt_http1_done(&connection->work->http);
    tt_deadline_set(&edge->deadlines, &connection->work->deadline, TT_DEADLINE_IDLE,
                    tt_loop_now(edge->loop));
    tt_connection_resume_later(connection);
}

static void add_retry_after(struct tt_edge *edge, uint32_t ms)
{
    struct tt_buffer seconds = {0};
    tt_buffer_add_u64(&seconds, ms == 0 ? 1 : ((uint64_t)ms + 999) / 1000);
    tt_http1_add_field(&edge->fields, "Retry-After", tt_buffer_slice(&seconds));
    tt_buffer_deinit(&seconds);
}

static void add_error_fields(struct tt_edge *edge, int status, uint32_t retry_after_ms)
{
    if (status == 401)
        tt_http1_add_field(&edge->fields, "WWW-Authenticate", TT_SLICE_LITERAL("Bearer"));
    if (status == 429 || status == 503)
        add_retry_after(edge, retry_after_ms);
}

static void answer_error(struct tt_connection *connection, int status, tt_err err,
                         const struct tt_problem *problem, const char *reason,
                         uint32_t retry_after_ms)
{
    struct tt_edge *edge = connection->edge;
    edge->text.size = 0;
    tt_write_http_error(err, problem, &edge->text);
    add_error_fields(edge, status, retry_after_ms);
    end_answer(connection, request_of(connection),
               &(struct answer){.status = status, .content_type = JSON_TYPE, .reason = reason});
}

static void answer_failure(struct tt_connection *connection, tt_err err,
                           const struct tt_problem *problem, const char *reason)
{
    answer_error(connection, tt_err_http(err), err, problem, reason, 0);
}

void tt_exchange_fail(struct tt_connection *connection, tt_err err,
                      const struct tt_problem *problem, uint32_t retry_after_ms)
{
    answer_error(connection, tt_err_http(err), err, problem, NULL, retry_after_ms);
}

void tt_exchange_answer(struct tt_connection *connection, int status)
{
    end_answer(connection, request_of(connection),
               &(struct answer){.status = status, .content_type = JSON_TYPE});
}

void tt_exchange_refused(struct tt_connection *connection)
{
    const struct tt_http1_request *request = request_of(connection);
    const struct tt_problem problem = {.text = request->problem};
    bool large = request->status == 413 || request->status == 431;
    begin_answer(connection->edge);
    connection->edge->counters.requests++;
    answer_error(connection, request->status, large ? TT_FAIL(TOO_BIG) : TT_FAIL(INVALID), &problem,
                 NULL, 0);
    tt_connection_end(connection, false);
}

void tt_exchange_give_up(struct tt_connection *connection, int status, tt_err err, const char *text)
{
    struct tt_edge *edge = connection->edge;
    const struct tt_problem problem = {.text = text};
    if (connection->state == TT_CONNECTION_GONE)
        return;
    begin_answer(edge);
    tt_write_http_error(err, &problem, &edge->text);
    add_error_fields(edge, status, 0);
    end_answer(connection, NULL, &(struct answer){.status = status, .content_type = JSON_TYPE});
}

static const struct tt_edge_page *find_page(const struct tt_connection *connection)
{
    const struct tt_edge_options *options = &connection->edge->options;
    for (size_t i = 0; i < options->page_count; i++)
        if (options->pages[i].door == connection->work->door &&
            tt_slice_eq(request_of(connection)->path, tt_slice_text(options->pages[i].path)))
            return &options->pages[i];
    return NULL;
}

static bool is_reading(const struct tt_http1_request *request)
{
    return request->method == TT_HTTP1_GET || request->method == TT_HTTP1_HEAD;
}

static void answer_page(struct tt_connection *connection, const struct tt_edge_page *page)
{
    const struct tt_http1_request *request = request_of(connection);
    if (!is_reading(request)) {
        tt_http1_add_field(&connection->edge->fields, "Allow", TT_SLICE_LITERAL("GET, HEAD"));
        answer_failure(connection, TT_FAIL(METHOD), NULL, NULL);
        return;
    }
    int status = page->write(page->context, &connection->edge->text);
    end_answer(connection, request,
               &(struct answer){.status = status, .content_type = page->content_type});
}

static const struct tt_static_file *find_file(const struct tt_connection *connection)
{
    const struct tt_static_files *files = connection->edge->options.files;
    const struct tt_http1_request *request = request_of(connection);
    if (files == NULL || connection->work->door != TT_EDGE_PUBLIC || !is_reading(request))
        return NULL;
    return tt_static_find(files, request->path);
}

static void answer_file(struct tt_connection *connection, const struct tt_static_file *file)
{
    const struct tt_http1_request *request = request_of(connection);
    struct answer answer = {.content_type = file->content_type, .says_how_to_cache = true};
    answer.status = tt_static_answer(file, request, &connection->edge->fields, &answer.body);
    end_answer(connection, request, &answer);
}

static void answer_options(struct tt_connection *connection)
{
    struct tt_edge *edge = connection->edge;
    const struct tt_http1_request *request = request_of(connection);
    struct tt_buffer methods = {0};
    tt_route_methods(request->path, &methods);
    if (methods.size == 0) {
        answer_failure(connection, TT_FAIL(NOT_FOUND), NULL, NULL);
        return;
    }
    tt_http1_add_field(&edge->fields, "Allow", tt_buffer_slice(&methods));
    tt_origin_add_preflight_fields(&edge->options.auth.origins, request, tt_buffer_slice(&methods),
                                   &edge->fields);
    tt_buffer_deinit(&methods);
    end_answer(connection, request, &(struct answer){.status = 204});
}

static void answer_vapid(struct tt_connection *connection)
{
    struct tt_edge *edge = connection->edge;
    if (edge->options.vapid.size == 0) {
        const struct tt_problem problem = {.text = "this server does not use Web Push"};
        answer_failure(connection, TT_FAIL(NOT_FOUND), &problem, NULL);
        return;
    }
    struct tt_json_writer json = {.out = &edge->text};
    tt_json_begin_object(&json, NULL);
    tt_json_put_string(&json, "public_key", edge->options.vapid);
    tt_json_end_object(&json);
    end_answer(connection, request_of(connection),
               &(struct answer){.status = 200, .content_type = JSON_TYPE});
}

void tt_exchange_ask(struct tt_connection *connection, const struct tt_request *request,
                     enum tt_route_kind purpose)
{
    const struct tt_caller caller = {request->user, request->device, request->login};
    tt_connection_set_who(connection, &caller);
    connection->state = TT_CONNECTION_ANSWERING;
    connection->work->purpose = (uint8_t)purpose;
    tt_connection_post(connection,
                       &(struct tt_event){.kind = TT_EVENT_REQUEST,
                                          .handle = tt_connection_new_handle(connection),
                                          .request = request});
}

static void answer_checked(struct tt_connection *connection, enum tt_route_kind kind,
                           const struct tt_caller *caller)
{
    if (kind == TT_ROUTE_TOKEN)
        tt_sign_in_renew(connection, caller);
    else
        answer_vapid(connection);
}

/* What the edge itself answers. A login may have ended before its token, which only the core can
 * find out. */
static void check_first(struct tt_connection *connection, const struct tt_route *route,
                        const struct tt_caller *caller)
{
    const struct tt_request check = {.kind = TT_REQUEST_CHECK,
                                     .user = caller->user,
                                     .device = caller->device,
                                     .login = caller->login};
    if (caller->login == 0)
        answer_checked(connection, route->kind, caller);
    else
        tt_exchange_ask(connection, &check, route->kind);
}

/* The core has it until the reply. The connection may even be gone when this returns. */
static void ask_core(struct tt_connection *connection, const struct tt_route *route,
                     const struct tt_caller *caller)
{
    struct tt_edge *edge = connection->edge;
    const struct tt_http1_request *request = request_of(connection);
    struct tt_request asked;
    struct tt_problem problem;
    const struct tt_request_source source = {route, caller, request->query, request->body};
    tt_err err = tt_request_read(&source, &edge->request_limits, &edge->arena, &asked, &problem);
    if (tt_is_ok(err))
        tt_exchange_ask(connection, &asked, TT_ROUTE_REQUEST);
    else
        answer_failure(connection, err, &problem, NULL);
    tt_arena_reset(&edge->arena);
}

static void open_session(struct tt_connection *connection, const struct tt_jwt_claims *claims)
{
    const struct tt_caller caller = {claims->user, claims->device, claims->login};
    tt_connection_set_who(connection, &caller);
    connection->state = TT_CONNECTION_OPENING;
    struct tt_event event = {.kind = TT_EVENT_SESSION_OPEN,
                             .handle = tt_connection_new_handle(connection)};
    event.open.user = claims->user;
    event.open.device = claims->device;
    event.open.token_expires = claims->expires;
    event.open.login = claims->login;
    tt_connection_post(connection, &event);
}

/* True if the request is a proper WebSocket handshake; else it is answered. */
static bool check_handshake(struct tt_connection *connection)
{
    struct tt_problem problem = {NULL, NULL};
    int status = tt_websocket_check(request_of(connection), &problem.text);
    if (status == 101)
        return true;
    if (status == 426)
        tt_websocket_add_required_fields(&connection->edge->fields);
    if (status == 405)
        tt_http1_add_field(&connection->edge->fields, "Allow", TT_SLICE_LITERAL("GET"));
    answer_error(connection, status, TT_FAIL(INVALID), &problem, NULL, 0);
    return false;
}

static void carry_out(struct tt_connection *connection, const struct tt_route *route,
                      tt_err route_err)
{
    struct tt_edge *edge = connection->edge;
    bool upgrade = route->kind == TT_ROUTE_SOCKET;
    enum tt_auth_act act = upgrade          ? TT_AUTH_UPGRADES
                           : route->changes ? TT_AUTH_CHANGES
                                            : TT_AUTH_READS;
    struct tt_jwt_claims claims;
    const char *reason = NULL;
    if (upgrade && !check_handshake(connection))
        return;
    tt_err err = tt_auth_check(&edge->options.auth, request_of(connection), connection->https, act,
                               edge->owner.wall(edge->owner.context), &claims, &reason);
    if (tt_is_ok(err)) /* a bad id in the path is nothing for strangers */
        err = route_err;
    if (tt_is_ok(err) && !tt_stranger_is_known(connection, upgrade)) {
        const struct tt_problem problem = {
            .text = "there are too many connections from this address; close some first"};
        edge->counters.refused++;
        answer_failure(connection, TT_FAIL(RATE_LIMITED), &problem, reason);
        return;
    }
    if (!tt_is_ok(err)) {
        answer_failure(connection, err, NULL, reason);
        return;
    }
    const struct tt_caller caller = {claims.user, claims.device, claims.login};
    switch (route->kind) {
    case TT_ROUTE_REQUEST:
        ask_core(connection, route, &caller);
        break;
    case TT_ROUTE_SOCKET:
        open_session(connection, &claims);
        break;
    case TT_ROUTE_TOKEN:
    case TT_ROUTE_VAPID:
        check_first(connection, route, &caller);
        break;
    case TT_ROUTE_LOG_OUT:
        tt_sign_in_log_out(connection, &caller);
        break;
    case TT_ROUTE_SIGN_IN:
    case TT_ROUTE_DEMO:
    case TT_ROUTE_LOG_IN:
    case TT_ROUTE_REGISTER:
        break; /* answered before anybody was asked for a token */
    }
}

/* What needs no token. False: it does. */
static bool carry_out_for_anybody(struct tt_connection *connection, const struct tt_route *route)
{
    switch (route->kind) {
    case TT_ROUTE_SIGN_IN:
        tt_sign_in_show(connection);
        return true;
    case TT_ROUTE_DEMO:
        tt_sign_in_demo(connection);
        return true;
    case TT_ROUTE_LOG_IN:
        tt_sign_in_ask(connection, TT_ASK_LOG_IN);
        return true;
    case TT_ROUTE_REGISTER:
        tt_sign_in_ask(connection, TT_ASK_REGISTER);
        return true;
    case TT_ROUTE_REQUEST:
    case TT_ROUTE_SOCKET:
    case TT_ROUTE_VAPID:
    case TT_ROUTE_TOKEN:
    case TT_ROUTE_LOG_OUT:
        break;
    }
    return false;
}

static void look_behind_proxies(struct tt_connection *connection,
                                const struct tt_http1_request *request)
{
    const struct tt_networks *trusted = &connection->edge->options.trusted_proxies;
    tt_stranger_asks_again(connection);
    connection->work->client = tt_forwarded_client(trusted, &connection->work->peer, request);
    connection->https = connection->edge->options.tls != NULL ||
                        tt_forwarded_is_https(trusted, &connection->work->peer, request);
}

void tt_exchange_begin(struct tt_connection *connection)
{
    struct tt_edge *edge = connection->edge;
    const struct tt_http1_request *request = request_of(connection);
    edge->counters.requests++;
    look_behind_proxies(connection, request);
    begin_answer(edge);
    const struct tt_edge_page *page = find_page(connection);
    if (page != NULL) {
        answer_page(connection, page);
        return;
    }
    const struct tt_static_file *file = find_file(connection);
    if (file != NULL) {
        answer_file(connection, file);
        return;
    }
    if (connection->work->door == TT_EDGE_ADMIN) {
        answer_failure(connection, TT_FAIL(NOT_FOUND), NULL, NULL);
        return;
    }
    if (request->method == TT_HTTP1_OPTIONS) {
        answer_options(connection);
        return;
    }
    struct tt_route route;
    struct tt_buffer allow = {0};
    tt_err err = tt_route_find(request->method, request->path, &route, &allow);
    if (allow.size > 0)
        tt_http1_add_field(&edge->fields, "Allow", tt_buffer_slice(&allow));
    tt_buffer_deinit(&allow);
    if (tt_err_is(err, TT_ERR_NOT_FOUND) || tt_err_is(err, TT_ERR_METHOD))
        answer_failure(connection, err, NULL, NULL);
    else if (!carry_out_for_anybody(connection, &route))
        carry_out(connection, &route, err);
}

void tt_exchange_reply(struct tt_connection *connection, const struct tt_reply *reply)
{
    struct tt_edge *edge = connection->edge;
    const struct tt_caller caller = tt_connection_who(connection);
    enum tt_route_kind purpose = connection->work->purpose;
    begin_answer(edge);
    if (purpose == TT_ROUTE_LOG_OUT) {
        tt_sign_in_logged_out(connection, reply);
        return;
    }
    if (purpose != TT_ROUTE_REQUEST && tt_is_ok(reply->err)) {
        answer_checked(connection, purpose, &caller);
        return;
    }
    int status = tt_reply_write(reply, &caller, &edge->text);
    add_error_fields(edge, status, reply->retry_after_ms);
    end_answer(connection, request_of(connection),
               &(struct answer){.status = status, .content_type = JSON_TYPE});
}

void tt_exchange_reject(struct tt_connection *connection, tt_err err,
                        const struct tt_device *devices, size_t device_count)
{
    struct tt_edge *edge = connection->edge;
    begin_answer(edge);
    if (tt_err_is(err, TT_ERR_TOO_MANY_DEVICES))
        tt_write_too_many_devices(devices, device_count, &edge->text);
    else
        tt_write_http_error(err, NULL, &edge->text);
    int status = tt_err_http(err);
    add_error_fields(edge, status, 0);
    end_answer(connection, request_of(connection),
               &(struct answer){.status = status, .content_type = JSON_TYPE});
}
