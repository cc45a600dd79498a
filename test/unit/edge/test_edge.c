/* The HTTP side of the edge. */
#include "edge_world.h"

#include <sys/socket.h>

#include "base/json.h"

static int set_up(void **state)
{
    static struct world world;
    struct tt_edge_options options = tt_edge_options_default();
    open_world(&world, &options);
    *state = &world;
    return 0;
}

static int tear_down(void **state)
{
    close_world(*state);
    return 0;
}

static void answers_without_the_core(void **state)
{
    struct world *world = *state;
    const struct {
        enum tt_edge_door door;
        const char *text;
        const char *status;
        const char *part;
    } cases[] = {
        {TT_EDGE_ADMIN, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", "200 OK", "\r\n\r\nok\n"},
        {TT_EDGE_ADMIN, "POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", "405 ",
         "Allow: GET, HEAD"},
        {TT_EDGE_ADMIN, "GET /me HTTP/1.1\r\nHost: x\r\n\r\n", "404 ", "not_found"},
        {TT_EDGE_PUBLIC, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", "404 ", "not_found"},
        {TT_EDGE_PUBLIC, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n", "200 OK", "\r\n\r\nok\n"},
        {TT_EDGE_PUBLIC, "GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n", "404 ",
         "{\"error\":{\"code\":\"not_found\","},
        {TT_EDGE_PUBLIC, "DELETE /me HTTP/1.1\r\nHost: x\r\n\r\n", "405 ",
         "Allow: GET, HEAD, PUT, OPTIONS\r\n"},
        {TT_EDGE_PUBLIC, "GET /me HTTP/1.1\r\nHost: x\r\n\r\n", "401 ",
         "WWW-Authenticate: Bearer\r\n"},
        {TT_EDGE_PUBLIC, "GET /conversation/a%20b HTTP/1.1\r\nHost: x\r\n\r\n", "401 ",
         "unauthenticated"},
        {TT_EDGE_PUBLIC, "GET /me HTTP/1.1\r\nHost: x\r\n\r\n", "401 ",
         "Cache-Control: no-store\r\n"},
        {TT_EDGE_PUBLIC, "GET /me HTTP/1.1\r\nHost: x\r\n\r\n", "401 ",
         "X-Content-Type-Options: nosniff\r\n"},
        {TT_EDGE_PUBLIC, "GET /ws HTTP/1.1\r\nHost: x\r\n\r\n", "426 ",
         "Sec-WebSocket-Version: 13\r\n"},
        {TT_EDGE_PUBLIC, "GET /ws HTTP/1.1\r\nHost: x\r\n" UPGRADE, "401 ", "unauthenticated"},
        {TT_EDGE_PUBLIC, "OPTIONS /me HTTP/1.1\r\nHost: x\r\nOrigin: https://app.example\r\n\r\n",
         "204 ", "Access-Control-Allow-Methods: GET, HEAD, PUT, OPTIONS\r\n"},
        {TT_EDGE_PUBLIC, "OPTIONS /me HTTP/1.1\r\nHost: x\r\nOrigin: https://evil.example\r\n\r\n",
         "204 ", "Allow: GET"},
        {TT_EDGE_PUBLIC, "nonsense\r\n\r\n", "400 ", "invalid_argument"},
        {TT_EDGE_PUBLIC, "GET /me HTTP/1.1\r\n\r\n", "400 ", "invalid_argument"},
        {TT_EDGE_PUBLIC, "PUT /me HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999\r\n\r\n", "413 ",
         "payload_too_large"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int fd = connect_to(world, cases[i].door);
        const char *got = talk(world, fd, cases[i].text);
        if (strncmp(got, "HTTP/1.1 ", 9) != 0 || strstr(got + 9, cases[i].status) != got + 9)
            fail_msg("%s: %s", cases[i].text, got);
        expect_contains(got, cases[i].part);
        if (strstr(cases[i].text, "evil") != NULL)
            assert_null(strstr(got, "Access-Control"));
        close(fd);
        turn(world);
    }
    assert_int_equal(world->event_count, 0);
    assert_true(tt_edge_is_idle(world->edge));
}

static void answers_bad_requests_of_good_callers(void **state)
{
    struct world *world = *state;
    const struct {
        const char *line;
        const char *more;
        const char *status;
        const char *part;
    } cases[] = {
        {"GET /conversation/a%20b", "\r\n", "400 ", "an id is 1 to 64 bytes"},
        {"GET /conversation/c?limit=0", "\r\n", "400 ", "limit is an integer from 1 to 200"},
        {"POST /conversation/c/messages", "Content-Length: 2\r\n\r\n{}", "400 ",
         "client_id: a required key is missing"},
        {"POST /conversation/c/messages", "Content-Length: 1\r\n\r\n{", "400 ", "not valid JSON"},
        {"GET /conversation/c/messages/0/why", "\r\n", "400 ", "a seq is an integer"},
    };
    int fd = connect_to(world, TT_EDGE_PUBLIC);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *got = talk(world, fd, request_text(cases[i].line, cases[i].more));
        if (strstr(got, cases[i].status) != got + 9)
            fail_msg("%s: %s", cases[i].line, got);
        expect_contains(got, cases[i].part);
    }
    assert_int_equal(world->event_count, 0);
    close(fd);
}

static void signs_fresh_tokens(void **state)
{
    struct world *world = *state;
    int fd = connect_to(world, TT_EDGE_PUBLIC);
    const char *got = talk(world, fd, request_text("POST /token", "Content-Length: 0\r\n\r\n"));
    expect_contains(got, "HTTP/1.1 200 OK\r\n");
    expect_contains(got, "\"expires_at\":\"2024-01-16T09:42:00.000Z\"");
    static const char *const keys[] = {"token", "device_id"};
    struct tt_json values[2];
    const char *body = strstr(got, "\r\n\r\n") + 4;
    expect_ok(tt_json_read_object(tt_slice_text(body), keys, 2, values));
    assert_true(tt_slice_eq(values[1].text, TT_SLICE_LITERAL("phone")));
    struct tt_jwt_claims claims;
    const char *reason;
    const struct tt_jwt_policy policy = {TT_SLICE_EMPTY, TT_SLICE_EMPTY};
    expect_ok(tt_jwt_verify(world->keys, &policy, values[0].text, WALL, &claims, &reason));
    assert_true(tt_slice_eq(tt_id_slice(&claims.user), TT_SLICE_LITERAL("alice")));
    close(fd);
}

static void asks_the_core_and_answers_later(void **state)
{
    struct world *world = *state;
    int fd = connect_to(world, TT_EDGE_PUBLIC);
    /* Two requests in one go: the second waits for the first one's answer. */
    char both[16384];
    struct tt_buffer out = {0};
    tt_buffer_add_text(&out, request_text("GET /me", "\r\n"));
    tt_buffer_add_text(&out, request_text("POST /conversation/c/messages",
                                          "Content-Length: 33\r\n\r\n"
                                          "{\"client_id\":\"k\",\"content\":\"hey\"}"));
    copy_text(both, sizeof(both), tt_buffer_slice(&out));
    tt_buffer_deinit(&out);
    assert_string_equal(talk(world, fd, both), "");
    assert_int_equal(world->event_count, 1);
    assert_int_equal(world->events[0].kind, TT_EVENT_REQUEST);
    assert_int_equal(world->events[0].request, TT_REQUEST_GET_ME);
    assert_true(tt_slice_eq(tt_id_slice(&world->events[0].user), TT_SLICE_LITERAL("alice")));

    struct tt_reply reply = me_reply();
    struct tt_effect effect = {
        .kind = TT_EFFECT_REPLY, .handle = world->events[0].handle, .reply = &reply};
    tt_edge_effect(world->edge, &effect);
    assert_int_equal(world->event_count, 1); /* an effect posts nothing */
    turn(world);
    expect_contains(talk(world, fd, ""), "\"user_id\":\"alice\"");
    assert_int_equal(world->event_count, 2);
    assert_int_equal(world->events[1].request, TT_REQUEST_SEND);
    assert_string_equal(world->events[1].content, "hey");
    assert_false(tt_handle_eq(world->events[0].handle, world->events[1].handle));

    /* A second answer to the first request meets nobody. */
    tt_edge_effect(world->edge, &effect);
    assert_string_equal(talk(world, fd, ""), "");
    reply = (struct tt_reply){
        .kind = TT_REQUEST_SEND, .err = TT_FAIL(RATE_LIMITED), .retry_after_ms = 1500};
    effect.handle = world->events[1].handle;
    tt_edge_effect(world->edge, &effect);
    const char *got = talk(world, fd, "");
    expect_contains(got, "HTTP/1.1 429 ");
    expect_contains(got, "Retry-After: 2\r\n");
    close(fd);
    turn(world);
    assert_int_equal(world->event_count, 2);
    assert_true(tt_edge_is_idle(world->edge));
}

static void answers_at_once_in_the_order_of_the_requests(void **state)
{
    struct world *world = *state;
    int fd = connect_to(world, TT_EDGE_PUBLIC);
    struct tt_buffer out = {0};
    char text[16384];
    world->answers_at_once = true;
    for (int i = 0; i < 5; i++)
        tt_buffer_add_text(&out,
                           request_text("GET /me", i == 4 ? "Connection: close\r\n\r\n" : "\r\n"));
    copy_text(text, sizeof(text), tt_buffer_slice(&out));
    tt_buffer_deinit(&out);
    const char *got = talk(world, fd, text);
    for (int i = 0; i < 5; i++) {
        got = strstr(got, "HTTP/1.1 200 OK\r\n");
        assert_non_null(got);
        got++;
    }
    assert_int_equal(world->event_count, 5);
    assert_true(is_closed(fd));
    close(fd);
    turn(world);
    assert_true(tt_edge_is_idle(world->edge));
}

static void survives_callers_who_leave_before_the_answer(void **state)
{
    struct world *world = *state;
    struct linger reset = {1, 0};
    int fd = connect_to(world, TT_EDGE_PUBLIC);
    (void)talk(world, fd, request_text("GET /me", "\r\n"));
    assert_int_equal(world->event_count, 1);
    struct tt_reply reply = me_reply();
    struct tt_effect effect = {
        .kind = TT_EFFECT_REPLY, .handle = world->events[0].handle, .reply = &reply};
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    close(fd);
    turn(world);
    turn(world);
    tt_edge_effect(world->edge, &effect); /* nobody is there to read it: no crash, no leak */
    turn(world);
    turn(world);
    assert_true(tt_edge_is_idle(world->edge));
}

static void drains(void **state)
{
    struct world *world = *state;
    int idle = connect_to(world, TT_EDGE_PUBLIC);
    int busy = connect_to(world, TT_EDGE_PUBLIC);
    (void)talk(world, busy, request_text("GET /me", "\r\n"));
    tt_edge_drain(world->edge);
    turn(world);
    assert_true(is_closed(idle));
    struct tt_reply reply = me_reply();
    tt_edge_effect(world->edge, &(struct tt_effect){.kind = TT_EFFECT_REPLY,
                                                    .handle = world->events[0].handle,
                                                    .reply = &reply});
    const char *got = talk(world, busy, "");
    expect_contains(got, "HTTP/1.1 200 OK\r\n");
    expect_contains(got, "Connection: close\r\n");
    assert_true(is_closed(busy));
    assert_true(tt_edge_is_idle(world->edge));
    close(idle);
    close(busy);
}

/* Sends the text on a connection of its own, again and again until the core heard of it: on a busy
 * machine a deadline may pass before the first byte is read. */
static int send_until_heard(struct world *world, const char *text)
{
    size_t heard = world->event_count;
    for (;;) {
        int fd = connect_to(world, TT_EDGE_PUBLIC);
        write_all(fd, text, strlen(text));
        turn(world);
        if (world->event_count > heard)
            return fd;
        while (!tt_edge_is_idle(world->edge))
            await_deadline(world);
        close(fd);
    }
}

static void await_events(struct world *world, size_t count)
{
    while (world->event_count < count) {
        turn(world);
        if (tt_edge_deadline(world->edge).ms > 0)
            await_deadline(world);
    }
}

/* What came back until the connection was cut. */
static bool is_cut_with(struct world *world, const char *text, const char *answer)
{
    int fd = connect_to(world, TT_EDGE_PUBLIC);
    char got[4096] = "";
    write_all(fd, text, strlen(text));
    turn(world);
    while (!tt_edge_is_idle(world->edge))
        await_deadline(world);
    ssize_t size = read(fd, got, sizeof(got) - 1);
    close(fd);
    return size >= 0 && strncmp(got, answer, strlen(answer)) == 0 &&
           (size == 0) == (answer[0] == '\0');
}

static void ends_what_takes_too_long(void **unused)
{
    (void)unused;
    struct world world;
    struct tt_edge_options options = tt_edge_options_default();
    options.head_ms = options.body_ms = options.answer_ms = options.idle_ms = 5;
    open_world(&world, &options);
    assert_true(is_cut_with(&world, "", ""));
    while (!is_cut_with(&world, "GET /me HTTP/1.1\r\nHos", "HTTP/1.1 408 ")) {
    }
    while (!is_cut_with(&world, "PUT /me HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n{",
                        "HTTP/1.1 408 ")) {
    }
    assert_int_equal(world.event_count, 0);

    /* The core's silence: 503, and the core hears that nobody waits any more. */
    int fd = send_until_heard(&world, request_text("GET /me", "\r\n"));
    world.answers_at_once = true;
    await_events(&world, 2);
    assert_int_equal(world.events[1].kind, TT_EVENT_REQUEST_GONE);
    assert_true(tt_handle_eq(world.events[0].handle, world.events[1].handle));
    const char *got = talk(&world, fd, "");
    assert_memory_equal(got, "HTTP/1.1 503 ", 13);
    assert_null(strstr(got, "HTTP/1.1 200 "));
    close(fd);

    world.answers_at_once = false;
    fd = send_until_heard(&world, request_text("GET /ws", UPGRADE));
    await_events(&world, 4);
    assert_int_equal(world.events[3].kind, TT_EVENT_SESSION_CLOSED);
    assert_true(tt_handle_eq(world.events[2].handle, world.events[3].handle));
    close(fd);
    assert_true(tt_edge_counters(world.edge)->timeouts >= 4);
    close_world(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(answers_without_the_core, set_up, tear_down),
        cmocka_unit_test_setup_teardown(answers_bad_requests_of_good_callers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(signs_fresh_tokens, set_up, tear_down),
        cmocka_unit_test_setup_teardown(asks_the_core_and_answers_later, set_up, tear_down),
        cmocka_unit_test_setup_teardown(answers_at_once_in_the_order_of_the_requests, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(survives_callers_who_leave_before_the_answer, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(drains, set_up, tear_down),
        cmocka_unit_test(ends_what_takes_too_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
