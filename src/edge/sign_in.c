/* Who comes without a token, or for one: the built-in accounts, the demo, and fresh tokens. */
#include "edge/connection.h"

#include "edge/cookie.h"
#include "edge/demo.h"
#include "edge/invite.h"

static const struct tt_http1_request *request_of(const struct tt_connection *connection)
{
    return tt_http1_request(&connection->work->http);
}

static tt_time now(const struct tt_edge *edge)
{
    return edge->owner.wall(edge->owner.context);
}

static bool signs(const struct tt_edge *edge)
{
    return edge->options.signing_secret.size > 0;
}

static bool has_accounts(const struct tt_edge *edge)
{
    return edge->options.accounts != TT_ACCOUNTS_OFF && signs(edge) && edge->owner.ask != NULL;
}

/* A fresh token; the server signs its own. */
static void answer_with_token(struct tt_connection *connection, int status,
                              const struct tt_caller *caller, bool cookie)
{
    struct tt_edge *edge = connection->edge;
    const struct tt_edge_options *options = &edge->options;
    tt_time at = now(edge);
    tt_time expires = {(at.ms + options->token_ms) / 1000 * 1000};
    const struct tt_jwt_claims claims = {caller->user, caller->device, expires, caller->login};
    struct tt_buffer token = {0};
    tt_jwt_sign(options->signing_secret, &options->auth.policy, &claims, at, &token);
    if (cookie)
        tt_cookie_set(&edge->fields, tt_buffer_slice(&token), (expires.ms - at.ms) / 1000,
                      connection->https);
    struct tt_json_writer json = {.out = &edge->text};
    tt_json_begin_object(&json, NULL);
    tt_json_put_string(&json, "token", tt_buffer_slice(&token));
    tt_json_put_time(&json, "expires_at", expires);
    tt_json_put_id(&json, "device_id", &caller->device);
    tt_json_end_object(&json);
    tt_buffer_deinit(&token);
    tt_exchange_answer(connection, status);
}

void tt_sign_in_renew(struct tt_connection *connection, const struct tt_caller *caller)
{
    if (!signs(connection->edge)) {
        const struct tt_problem problem = {
            .text = "this server signs no tokens; ask whoever signed yours"};
        tt_exchange_fail(connection, TT_FAIL(NOT_FOUND), &problem, 0);
    } else {
        answer_with_token(connection, 200, caller, tt_auth_came_by_cookie(request_of(connection)));
    }
}

/* Only a server that signs its own tokens can offer it. */
static bool offers_demo(const struct tt_connection *connection)
{
    const struct tt_edge *edge = connection->edge;
    return edge->options.demo && signs(edge) && tt_demo_is_local(request_of(connection));
}

void tt_sign_in_show(struct tt_connection *connection)
{
    const struct tt_edge *edge = connection->edge;
    struct tt_json_writer json = {.out = &connection->edge->text};
    bool accounts = has_accounts(edge);
    tt_json_begin_object(&json, NULL);
    tt_json_put_bool(&json, "accounts", accounts);
    if (accounts)
        tt_json_put_text(&json, "register",
                         edge->options.accounts == TT_ACCOUNTS_OPEN ? "open" : "invite");
    tt_demo_write_users(&json, offers_demo(connection));
    tt_json_end_object(&json);
    tt_exchange_answer(connection, 200);
}

void tt_sign_in_demo(struct tt_connection *connection)
{
    struct tt_problem problem = {.text = "this server offers no demo; start it by ./run for one"};
    struct tt_caller caller;
    tt_err err = TT_FAIL(NOT_FOUND);
    if (offers_demo(connection))
        err = tt_demo_read(request_of(connection)->body, &caller, &problem);
    if (tt_is_ok(err))
        answer_with_token(connection, 200, &caller, false);
    else
        tt_exchange_fail(connection, err, &problem, 0);
}

/* Another site's page must not log its visitor in as somebody of its choice: the cookie would be
 * ours. Programs that are no browsers send no Origin. */
static bool comes_from_elsewhere(const struct tt_connection *connection)
{
    const struct tt_http1_request *request = request_of(connection);
    const struct tt_origins *origins = &connection->edge->options.auth.origins;
    return tt_http1_header_count(request, "origin") > 0 &&
           !tt_origin_is_allowed(origins, request, connection->https);
}

static tt_err read_ask(struct tt_connection *connection, struct tt_account_ask *ask,
                       struct tt_problem *problem)
{
    const struct tt_edge *edge = connection->edge;
    struct tt_slice invite;
    if (!has_accounts(edge)) {
        problem->text = "this server has no built-in accounts; tokens come from elsewhere";
        return TT_FAIL(NOT_FOUND);
    }
    if (comes_from_elsewhere(connection))
        return TT_FAIL(ORIGIN);
    TT_TRY(tt_account_read(request_of(connection)->body, ask, &invite, problem));
    *problem = (struct tt_problem){NULL, NULL};
    bool invited = ask->kind == TT_ASK_REGISTER &&
                   tt_invite_is_good(edge->options.signing_secret, &ask->user, invite, now(edge));
    ask->by_stranger = !invited;
    if (ask->kind == TT_ASK_REGISTER && !invited && edge->options.accounts != TT_ACCOUNTS_OPEN) {
        problem->key = "invite";
        problem->text = "to register you need an invitation for this very user_id that has not "
                        "run out; ask the operator";
        return TT_FAIL(PERMISSION_DENIED);
    }
    return TT_OK;
}

void tt_sign_in_ask(struct tt_connection *connection, enum tt_account_ask_kind kind)
{
    struct tt_edge *edge = connection->edge;
    struct tt_problem problem = {NULL, NULL};
    struct tt_account_ask *ask = tt_account_ask_create();
    ask->kind = kind;
    tt_ip_origin(&connection->work->client, ask->origin);
    tt_err err = read_ask(connection, ask, &problem);
    if (tt_is_ok(err)) {
        connection->state = TT_CONNECTION_ASKING;
        ask->handle = tt_connection_new_handle(connection);
        if (edge->owner.ask(edge->owner.context, ask))
            return;
        err = ask->err;
    }
    uint32_t retry_after_ms = ask->retry_after_ms;
    tt_account_ask_destroy(&ask);
    tt_exchange_fail(connection, err, &problem, retry_after_ms);
}

void tt_sign_in_asked(struct tt_connection *connection, const struct tt_account_ask *ask)
{
    struct tt_edge *edge = connection->edge;
    edge->text.size = 0;
    edge->fields.size = 0;
    if (tt_is_ok(ask->err)) {
        const struct tt_caller caller = {ask->user, ask->device, ask->login};
        answer_with_token(connection, ask->kind == TT_ASK_REGISTER ? 201 : 200, &caller, true);
        return;
    }
    struct tt_problem problem = {NULL, NULL};
    if (tt_err_is(ask->err, TT_ERR_CONFLICT))
        problem.text = "this user_id is taken; choose another";
    tt_exchange_fail(connection, ask->err, &problem, ask->retry_after_ms);
}

void tt_sign_in_log_out(struct tt_connection *connection, const struct tt_caller *caller)
{
    struct tt_request request = {.kind = TT_REQUEST_UNLINK_DEVICE,
                                 .user = caller->user,
                                 .device = caller->device,
                                 .login = caller->login};
    request.unlink.device = caller->device;
    tt_exchange_ask(connection, &request, TT_ROUTE_LOG_OUT);
}

/* A device that was never connected and has no login is logged out all the same. */
void tt_sign_in_logged_out(struct tt_connection *connection, const struct tt_reply *reply)
{
    struct tt_edge *edge = connection->edge;
    bool is_out = tt_is_ok(reply->err) || tt_err_is(reply->err, TT_ERR_NOT_FOUND);
    if (is_out || tt_err_is(reply->err, TT_ERR_UNAUTHENTICATED))
        tt_cookie_clear(&edge->fields, connection->https);
    if (!is_out) {
        tt_exchange_fail(connection, reply->err, NULL, reply->retry_after_ms);
        return;
    }
    tt_buffer_add_text(&edge->text, "{}");
    tt_exchange_answer(connection, 200);
}
