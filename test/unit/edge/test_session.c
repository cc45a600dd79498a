/* The WebSocket side of the edge. */
#include "edge_world.h"

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

static void opens_sessions(void **state)
{
    struct world *world = *state;
    int fd = connect_to(world, TT_EDGE_PUBLIC);
    /* The first frame comes along with the upgrade. */
    char text[8192];
    size_t size;
    copy_text(text, sizeof(text), tt_slice_text(request_text("GET /ws", UPGRADE)));
    size = strlen(text);
    memcpy(text + size, "\x81\x8f\0\0\0\0{\"type\":\"ping\"}", 21);
    write_all(fd, text, size + 21);
    turn(world);
    assert_int_equal(world->event_count, 1);
    assert_int_equal(world->events[0].kind, TT_EVENT_SESSION_OPEN);
    assert_int_equal(world->events[0].expires, WALL.ms + 60000);

    const tt_handle handle = world->events[0].handle;
    tt_edge_effect(world->edge, &(struct tt_effect){.kind = TT_EFFECT_ACCEPT, .handle = handle});
    const struct tt_server_frame hello = {.kind = TT_SERVER_CAUGHT_UP};
    tt_edge_effect(world->edge,
                   &(struct tt_effect){.kind = TT_EFFECT_FRAME, .handle = handle, .frame = &hello});
    tt_edge_effect(world->edge, &(struct tt_effect){.kind = TT_EFFECT_PING, .handle = handle});
    assert_int_equal(world->event_count, 1);
    const char *got = talk(world, fd, "");
    expect_contains(got, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n");
    assert_null(strstr(got, "Sec-WebSocket-Protocol"));
    expect_contains(got, "\r\n\r\n\x81\x14{\"type\":\"caught_up\"}\x89");
    assert_int_equal(world->event_count, 2);
    assert_int_equal(world->events[1].kind, TT_EVENT_FRAME);
    assert_int_equal(world->events[1].frame, TT_CLIENT_PING);
    assert_true(tt_handle_eq(world->events[1].handle, handle));
    assert_int_equal(tt_edge_counters(world->edge)->sessions, 1);
    close(fd);
    turn(world);
    assert_int_equal(world->events[2].kind, TT_EVENT_SESSION_CLOSED);
    assert_true(tt_handle_eq(world->events[2].handle, handle));
    assert_int_equal(tt_edge_counters(world->edge)->sessions, 0);
    assert_true(tt_edge_is_idle(world->edge));
}

static void selects_the_subprotocol(void **state)
{
    struct world *world = *state;
    char token[512];
    struct tt_buffer out = {0};
    token_of("bob", "tab", 60, token);
    world->answers_at_once = true;
    int fd = connect_to(world, TT_EDGE_PUBLIC);
    tt_buffer_add_text(&out, "GET /ws HTTP/1.1\r\nHost: x\r\nOrigin: https://app.example\r\n"
                             "Sec-WebSocket-Protocol: twoticks.v1, bearer.");
    tt_buffer_add_text(&out, token);
    tt_buffer_add_text(&out, "\r\n" UPGRADE);
    tt_buffer_add_byte(&out, '\0');
    const char *got = talk(world, fd, out.data);
    expect_contains(got, "HTTP/1.1 101 ");
    expect_contains(got, "Sec-WebSocket-Protocol: twoticks.v1\r\n");
    assert_null(strstr(got, token));
    assert_true(tt_slice_eq(tt_id_slice(&world->events[0].user), TT_SLICE_LITERAL("bob")));
    tt_buffer_deinit(&out);
    close(fd);
}

static void rejects_upgrades(void **state)
{
    struct world *world = *state;
    const struct tt_device devices[] = {{.id = tt_id_of("laptop")}};
    int fd = connect_to(world, TT_EDGE_PUBLIC);
    (void)talk(world, fd, request_text("GET /ws", UPGRADE));
    struct tt_effect effect = {.kind = TT_EFFECT_REJECT, .handle = world->events[0].handle};
    effect.reject.err = TT_FAIL(TOO_MANY_DEVICES);
    effect.reject.devices = devices;
    effect.reject.device_count = 1;
    tt_edge_effect(world->edge, &effect);
    const char *got = talk(world, fd, "");
    expect_contains(got, "HTTP/1.1 409 ");
    expect_contains(got, "\"device_id\":\"laptop\"");

    /* The connection can be used on, and the handle is a new one. */
    (void)talk(world, fd, request_text("GET /ws", UPGRADE));
    assert_int_equal(world->event_count, 2);
    effect.handle = world->events[1].handle;
    effect.reject.err = TT_FAIL(DRAINING);
    tt_edge_effect(world->edge, &effect);
    got = talk(world, fd, "");
    expect_contains(got, "HTTP/1.1 503 ");
    expect_contains(got, "Retry-After: 1\r\n");

    /* A session that the core closes before it has accepted it. */
    (void)talk(world, fd, request_text("GET /ws", UPGRADE));
    tt_edge_effect(world->edge, &(struct tt_effect){.kind = TT_EFFECT_CLOSE,
                                                    .handle = world->events[2].handle,
                                                    .close_code = TT_CLOSE_REPLACED});
    expect_contains(talk(world, fd, ""), "HTTP/1.1 409 ");
    close(fd);
    turn(world);
    assert_int_equal(world->event_count, 3);
}

static void hands_on_frames(void **state)
{
    struct world *world = *state;
    int fd = open_session(world);
    send_text(world, fd,
              "{\"type\":\"send\",\"client_id\":\"k\",\"conversation_id\":\"c\","
              "\"content\":\"h\\u00e9\"}");
    assert_int_equal(world->events[0].kind, TT_EVENT_FRAME);
    assert_string_equal(world->events[0].content, "h\\u00e9");
    send_text(world, fd, "{\"type\":\"read\",\"conversation_id\":\"c\"}");
    assert_int_equal(world->events[1].kind, TT_EVENT_BAD_FRAME);
    assert_int_equal(world->events[1].err.code, TT_ERR_KEY_MISSING);
    assert_string_equal(world->events[1].key, "seq");
    send_text(world, fd, "[]");
    assert_int_equal(world->events[2].err.code, TT_ERR_NOT_OBJECT);

    /* A ping is answered here, a pong is a sign of life, and so is a part of a frame. */
    send_frame(fd, 9, "abc", 3);
    turn(world);
    unsigned char opcode;
    assert_string_equal(next_frame(fd, &opcode), "abc");
    assert_int_equal(opcode, 0x8a);
    assert_int_equal(world->events[3].kind, TT_EVENT_HEARD);
    send_frame(fd, 10, "", 0);
    turn(world);
    assert_int_equal(world->events[4].kind, TT_EVENT_HEARD);
    write_all(fd, "\x81", 1);
    turn(world);
    assert_int_equal(world->events[5].kind, TT_EVENT_HEARD);
    assert_int_equal(world->event_count, 6);

    tt_edge_effect(world->edge, &(struct tt_effect){.kind = TT_EFFECT_WANT_DRAIN,
                                                    .handle = world->events[0].handle});
    turn(world);
    assert_int_equal(world->event_count, 7);
    assert_int_equal(world->events[6].kind, TT_EVENT_DRAINED);
    tt_edge_effect(world->edge, &(struct tt_effect){.kind = TT_EFFECT_CLOSE,
                                                    .handle = world->events[0].handle,
                                                    .close_code = TT_CLOSE_REPLACED});
    turn(world);
    expect_closed_with(world, fd, 4409);
    assert_int_equal(world->event_count, 7); /* it was the core's own idea */
    close(fd);
}

static void closes_for_breaches(void **state)
{
    struct world *world = *state;
    const struct {
        unsigned char opcode;
        const char *payload;
        size_t size;
        unsigned code;
    } cases[] = {
        {1, "{", 1, 1007},  {1, "nonsense", 8, 1007}, {1, "{\"type\":\"\xff\"}", 12, 1007},
        {2, "{}", 2, 1003}, {3, "", 0, 1002},         {8, "\x03\xe8", 2, 1000},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int fd = open_session(world);
        send_frame(fd, cases[i].opcode, cases[i].payload, cases[i].size);
        turn(world);
        expect_closed_with(world, fd, cases[i].code);
        assert_int_equal(world->event_count, 1);
        assert_int_equal(world->events[0].kind, TT_EVENT_SESSION_CLOSED);
        close(fd);
    }
}

static void takes_fresh_tokens_of_the_same_device_only(void **state)
{
    struct world *world = *state;
    const struct {
        const char *user;
        const char *device;
        int64_t seconds;
        enum tt_err_code outcome;
    } cases[] = {
        {"alice", "phone", 500, TT_ERR_OK},
        {"bob", "phone", 500, TT_ERR_OK}, /* the core knows whose socket it is */
        {"alice", "phone", -1, TT_ERR_UNAUTHENTICATED},
    };
    int fd = open_session(world);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char token[512];
        struct tt_buffer out = {0};
        token_of(cases[i].user, cases[i].device, cases[i].seconds, token);
        tt_buffer_add_text(&out, "{\"type\":\"token\",\"token\":\"");
        tt_buffer_add_text(&out, token);
        tt_buffer_add_text(&out, "\"}");
        tt_buffer_add_byte(&out, '\0');
        send_text(world, fd, out.data);
        tt_buffer_deinit(&out);
        const struct recorded *event = &world->events[i];
        if (cases[i].outcome == TT_ERR_OK) {
            assert_int_equal(event->kind, TT_EVENT_TOKEN);
            assert_int_equal(event->expires, WALL.ms + 500000);
            assert_memory_equal(event->user.bytes, cases[i].user, event->user.size);
        } else {
            assert_int_equal(event->kind, TT_EVENT_BAD_FRAME);
            assert_int_equal(event->err.code, cases[i].outcome);
            assert_string_equal(event->key, "token");
        }
    }
    close(fd);
}

/* Who sends pings and reads no pongs is not read from any more, and memory stays bounded. */
static void stops_reading_who_does_not_read(void **state)
{
    struct world *world = *state;
    int fd = open_session(world);
    static char flood[131 * 400];
    for (size_t i = 0; i < 400; i++) {
        memset(flood + i * 131, 'x', 131);
        memcpy(flood + i * 131, "\x89\xfd\0\0\0\0", 6);
    }
    size_t sent = 0;
    for (int i = 0; i < 2000; i++) {
        ssize_t size = write(fd, flood + sent % 131, sizeof(flood) - sent % 131);
        sent += size > 0 ? (size_t)size : 0;
        world->event_count = 0;
        turn(world);
    }
    assert_true(sent < 4 * 1024 * 1024);

    /* Then he reads, and all is answered. */
    size_t got = 0;
    static char bytes[65536];
    for (int i = 0; i < 2000; i++) {
        ssize_t size = read(fd, bytes, sizeof(bytes));
        got += size > 0 ? (size_t)size : 0;
        world->event_count = 0;
        turn(world);
    }
    assert_int_equal(got, sent / 131 * 127);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(opens_sessions, set_up, tear_down),
        cmocka_unit_test_setup_teardown(selects_the_subprotocol, set_up, tear_down),
        cmocka_unit_test_setup_teardown(rejects_upgrades, set_up, tear_down),
        cmocka_unit_test_setup_teardown(hands_on_frames, set_up, tear_down),
        cmocka_unit_test_setup_teardown(closes_for_breaches, set_up, tear_down),
        cmocka_unit_test_setup_teardown(takes_fresh_tokens_of_the_same_device_only, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(stops_reading_who_does_not_read, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
