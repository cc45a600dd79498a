#include "unit.h"

#include "edge/route.h"

static void finds_each_route(void **unused)
{
    (void)unused;
    const struct {
        enum tt_http1_method method;
        const char *path;
        enum tt_route_kind kind;
        enum tt_request_kind request;
        const char *conversation;
        const char *device;
        uint64_t seq;
        bool changes;
    } cases[] = {
        {TT_HTTP1_GET, "/ws", TT_ROUTE_SOCKET, 0, "", "", 0, false},
        {TT_HTTP1_POST, "/token", TT_ROUTE_TOKEN, 0, "", "", 0, true},
        {TT_HTTP1_GET, "/login", TT_ROUTE_SIGN_IN, 0, "", "", 0, false},
        {TT_HTTP1_POST, "/demo/login", TT_ROUTE_DEMO, 0, "", "", 0, true},
        {TT_HTTP1_GET, "/conversations", TT_ROUTE_REQUEST, TT_REQUEST_LIST, "", "", 0, false},
        {TT_HTTP1_POST, "/conversation", TT_ROUTE_REQUEST, TT_REQUEST_CREATE, "", "", 0, true},
        {TT_HTTP1_GET, "/conversation/conv_abc123", TT_ROUTE_REQUEST, TT_REQUEST_SNAPSHOT,
         "conv_abc123", "", 0, false},
        {TT_HTTP1_HEAD, "/conversation/c", TT_ROUTE_REQUEST, TT_REQUEST_SNAPSHOT, "c", "", 0,
         false},
        {TT_HTTP1_GET, "/conversation/a%3Ab%40c", TT_ROUTE_REQUEST, TT_REQUEST_SNAPSHOT, "a:b@c",
         "", 0, false},
        {TT_HTTP1_POST, "/conversation/c/messages", TT_ROUTE_REQUEST, TT_REQUEST_SEND, "c", "", 0,
         true},
        {TT_HTTP1_GET, "/conversation/c/messages/12/info", TT_ROUTE_REQUEST, TT_REQUEST_INFO, "c",
         "", 12, false},
        {TT_HTTP1_GET, "/conversation/c/messages/9007199254740991/why", TT_ROUTE_REQUEST,
         TT_REQUEST_WHY, "c", "", TT_SEQ_MAX, false},
        {TT_HTTP1_PUT, "/conversation/c/settings", TT_ROUTE_REQUEST, TT_REQUEST_MUTE, "c", "", 0,
         true},
        {TT_HTTP1_GET, "/conversation/c/timeline", TT_ROUTE_REQUEST, TT_REQUEST_TIMELINE, "c", "",
         0, false},
        {TT_HTTP1_GET, "/me", TT_ROUTE_REQUEST, TT_REQUEST_GET_ME, "", "", 0, false},
        {TT_HTTP1_PUT, "/me", TT_ROUTE_REQUEST, TT_REQUEST_PUT_ME, "", "", 0, true},
        {TT_HTTP1_GET, "/devices", TT_ROUTE_REQUEST, TT_REQUEST_LIST_DEVICES, "", "", 0, false},
        {TT_HTTP1_DELETE, "/device/phone", TT_ROUTE_REQUEST, TT_REQUEST_UNLINK_DEVICE, "", "phone",
         0, true},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tt_route route;
        struct tt_buffer allow = {0};
        expect_ok(tt_route_find(cases[i].method, tt_slice_text(cases[i].path), &route, &allow));
        assert_int_equal(route.kind, cases[i].kind);
        assert_int_equal(route.request, cases[i].request);
        assert_int_equal(route.changes, cases[i].changes);
        assert_int_equal(route.seq.n, cases[i].seq);
        assert_true(
            tt_slice_eq(tt_id_slice(&route.conversation), tt_slice_text(cases[i].conversation)));
        assert_true(tt_slice_eq(tt_id_slice(&route.device), tt_slice_text(cases[i].device)));
        assert_int_equal(allow.size, 0);
    }
}

static void refuses_the_rest(void **unused)
{
    (void)unused;
    const struct {
        enum tt_http1_method method;
        const char *path;
        enum tt_err_code outcome;
        const char *allow;
    } cases[] = {
        {TT_HTTP1_GET, "/", TT_ERR_NOT_FOUND, ""},
        {TT_HTTP1_GET, "*", TT_ERR_NOT_FOUND, ""},
        {TT_HTTP1_GET, "/nothing", TT_ERR_NOT_FOUND, ""},
        {TT_HTTP1_GET, "/conversations/", TT_ERR_NOT_FOUND, ""},
        {TT_HTTP1_GET, "/conversation/", TT_ERR_NOT_FOUND, ""},
        {TT_HTTP1_GET, "/conversation//timeline", TT_ERR_NOT_FOUND, ""},
        {TT_HTTP1_GET, "/conversation/c/unknown", TT_ERR_NOT_FOUND, ""},
        {TT_HTTP1_GET, "//me", TT_ERR_NOT_FOUND, ""},
        {TT_HTTP1_GET, "/Me", TT_ERR_NOT_FOUND, ""},
        {TT_HTTP1_GET, "/me/..", TT_ERR_NOT_FOUND, ""},
        {TT_HTTP1_POST, "/me", TT_ERR_METHOD, "GET, HEAD, PUT, OPTIONS"},
        {TT_HTTP1_OTHER, "/conversations", TT_ERR_METHOD, "GET, HEAD, OPTIONS"},
        {TT_HTTP1_GET, "/conversation", TT_ERR_METHOD, "POST, OPTIONS"},
        {TT_HTTP1_GET, "/device/phone", TT_ERR_METHOD, "DELETE, OPTIONS"},
        {TT_HTTP1_HEAD, "/token", TT_ERR_METHOD, "POST, OPTIONS"},
        {TT_HTTP1_GET, "/conversation/a%2Fb", TT_ERR_BAD_ID, ""},
        {TT_HTTP1_GET, "/conversation/a%00", TT_ERR_BAD_ID, ""},
        {TT_HTTP1_GET, "/conversation/a%", TT_ERR_BAD_ID, ""},
        {TT_HTTP1_GET, "/conversation/a b", TT_ERR_BAD_ID, ""},
        {TT_HTTP1_GET,
         "/conversation/a23456789b123456789c123456789d123456789e123456789f123456789g1234h",
         TT_ERR_BAD_ID, ""},
        {TT_HTTP1_DELETE, "/device/%20", TT_ERR_BAD_ID, ""},
        {TT_HTTP1_GET, "/conversation/c/messages/0/why", TT_ERR_BAD_SEQ, ""},
        {TT_HTTP1_GET, "/conversation/c/messages/-1/why", TT_ERR_BAD_SEQ, ""},
        {TT_HTTP1_GET, "/conversation/c/messages/1.0/why", TT_ERR_BAD_SEQ, ""},
        {TT_HTTP1_GET, "/conversation/c/messages/9007199254740992/why", TT_ERR_BAD_SEQ, ""},
        {TT_HTTP1_GET, "/conversation/c/messages/99999999999999999999999/why", TT_ERR_BAD_SEQ, ""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tt_route route;
        struct tt_buffer allow = {0};
        tt_err err = tt_route_find(cases[i].method, tt_slice_text(cases[i].path), &route, &allow);
        if (!tt_err_is(err, cases[i].outcome))
            fail_msg("%s: %s", cases[i].path, tt_err_text(err));
        assert_true(tt_slice_eq(tt_buffer_slice(&allow), tt_slice_text(cases[i].allow)));
        tt_buffer_deinit(&allow);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_each_route),
        cmocka_unit_test(refuses_the_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
