#include "edge/route.h"

#include "edge/url.h"

/* Segments in braces: {c} a conversation, {d} a device, {s} a seq. */
static const struct {
    enum tt_http1_method method;
    const char *pattern;
    enum tt_route_kind kind;
    enum tt_request_kind request;
} routes[] = {
    {TT_HTTP1_GET, "/ws", TT_ROUTE_SOCKET, 0},
    {TT_HTTP1_POST, "/token", TT_ROUTE_TOKEN, 0},
    {TT_HTTP1_GET, "/login", TT_ROUTE_SIGN_IN, 0},
    {TT_HTTP1_POST, "/demo/login", TT_ROUTE_DEMO, 0},
    {TT_HTTP1_POST, "/login", TT_ROUTE_LOG_IN, 0},
    {TT_HTTP1_POST, "/register", TT_ROUTE_REGISTER, 0},
    {TT_HTTP1_POST, "/logout", TT_ROUTE_LOG_OUT, 0},
    {TT_HTTP1_GET, "/conversations", TT_ROUTE_REQUEST, TT_REQUEST_LIST},
    {TT_HTTP1_POST, "/conversation", TT_ROUTE_REQUEST, TT_REQUEST_CREATE},
    {TT_HTTP1_GET, "/conversation/{c}", TT_ROUTE_REQUEST, TT_REQUEST_SNAPSHOT},
    {TT_HTTP1_POST, "/conversation/{c}/messages", TT_ROUTE_REQUEST, TT_REQUEST_SEND},
    {TT_HTTP1_GET, "/conversation/{c}/messages/{s}/info", TT_ROUTE_REQUEST, TT_REQUEST_INFO},
    {TT_HTTP1_GET, "/conversation/{c}/messages/{s}/why", TT_ROUTE_REQUEST, TT_REQUEST_WHY},
    {TT_HTTP1_PUT, "/conversation/{c}/settings", TT_ROUTE_REQUEST, TT_REQUEST_MUTE},
    {TT_HTTP1_GET, "/conversation/{c}/timeline", TT_ROUTE_REQUEST, TT_REQUEST_TIMELINE},
    {TT_HTTP1_GET, "/me", TT_ROUTE_REQUEST, TT_REQUEST_GET_ME},
    {TT_HTTP1_PUT, "/me", TT_ROUTE_REQUEST, TT_REQUEST_PUT_ME},
    {TT_HTTP1_GET, "/devices", TT_ROUTE_REQUEST, TT_REQUEST_LIST_DEVICES},
    {TT_HTTP1_PUT, "/device/{d}/push", TT_ROUTE_REQUEST, TT_REQUEST_PUT_PUSH},
    {TT_HTTP1_DELETE, "/device/{d}/push", TT_ROUTE_REQUEST, TT_REQUEST_DELETE_PUSH},
    {TT_HTTP1_POST, "/push/test", TT_ROUTE_REQUEST, TT_REQUEST_TEST_PUSH},
    {TT_HTTP1_GET, "/push/vapid", TT_ROUTE_VAPID, 0},
    {TT_HTTP1_DELETE, "/device/{d}", TT_ROUTE_REQUEST, TT_REQUEST_UNLINK_DEVICE},
};

#define ROUTE_COUNT (sizeof(routes) / sizeof(routes[0]))

static bool is_placeholder(struct tt_slice segment)
{
    return segment.size == 3 && segment.data[0] == '{';
}

/* Whether the path has the pattern's form; the values are not looked at yet. */
static bool has_form(struct tt_slice path, const char *pattern)
{
    struct tt_slice wanted = tt_slice_text(pattern);
    struct tt_slice want;
    struct tt_slice got;
    if (path.size > 1 && path.data[1] != pattern[1]) /* most others, at a glance */
        return false;
    while (tt_url_next_segment(&wanted, &want)) {
        if (!tt_url_next_segment(&path, &got) || got.size == 0)
            return false;
        if (!is_placeholder(want) && !tt_slice_eq(want, got))
            return false;
    }
    return path.size == 0;
}

static tt_err read_id(struct tt_slice segment, tt_id *id)
{
    char bytes[TT_ID_SIZE_MAX];
    size_t size;
    if (!tt_url_decode(segment, bytes, sizeof(bytes), &size))
        return TT_FAIL(BAD_ID);
    return tt_id_parse(tt_slice(bytes, size), id);
}

static tt_err read_seq(struct tt_slice segment, tt_seq *seq)
{
    uint64_t number = 0;
    for (size_t i = 0; i < segment.size; i++) {
        char byte = segment.data[i];
        if (byte < '0' || byte > '9')
            return TT_FAIL(BAD_SEQ);
        number = number * 10 + (uint64_t)(byte - '0');
        if (number > TT_SEQ_MAX)
            return TT_FAIL(BAD_SEQ);
    }
    *seq = TT_SEQ(number);
    return number == 0 ? TT_FAIL(BAD_SEQ) : TT_OK;
}

static tt_err read_values(struct tt_slice path, const char *pattern, struct tt_route *route)
{
    struct tt_slice wanted = tt_slice_text(pattern);
    struct tt_slice want;
    struct tt_slice got;
    while (tt_url_next_segment(&wanted, &want) && tt_url_next_segment(&path, &got)) {
        if (!is_placeholder(want))
            continue;
        if (want.data[1] == 'c')
            TT_TRY(read_id(got, &route->conversation));
        else if (want.data[1] == 'd')
            TT_TRY(read_id(got, &route->device));
        else
            TT_TRY(read_seq(got, &route->seq));
    }
    return TT_OK;
}

static const char *method_name(enum tt_http1_method method)
{
    switch (method) {
    case TT_HTTP1_GET:
        return "GET, HEAD";
    case TT_HTTP1_HEAD:
        return "HEAD";
    case TT_HTTP1_POST:
        return "POST";
    case TT_HTTP1_PUT:
        return "PUT";
    case TT_HTTP1_DELETE:
        return "DELETE";
    case TT_HTTP1_OPTIONS:
        return "OPTIONS";
    case TT_HTTP1_OTHER:
        break;
    }
    return "";
}

void tt_route_methods(struct tt_slice path, struct tt_buffer *allow)
{
    bool known = false;
    for (size_t i = 0; i < ROUTE_COUNT; i++) {
        if (!has_form(path, routes[i].pattern))
            continue;
        tt_buffer_add_text(allow, method_name(routes[i].method));
        tt_buffer_add_text(allow, ", ");
        known = true;
    }
    if (known)
        tt_buffer_add_text(allow, "OPTIONS");
}

tt_err tt_route_find(enum tt_http1_method method, struct tt_slice path, struct tt_route *route,
                     struct tt_buffer *allow)
{
    memset(route, 0, sizeof(*route));
    if (method == TT_HTTP1_HEAD)
        method = TT_HTTP1_GET;
    for (size_t i = 0; i < ROUTE_COUNT; i++) {
        if (routes[i].method != method || !has_form(path, routes[i].pattern))
            continue;
        route->kind = routes[i].kind;
        route->request = routes[i].request;
        route->changes = method != TT_HTTP1_GET;
        return read_values(path, routes[i].pattern, route);
    }
    size_t before = allow->size;
    tt_route_methods(path, allow);
    return allow->size > before ? TT_FAIL(METHOD) : TT_FAIL(NOT_FOUND);
}
