/* What one side writes the other side reads: both codecs against each other. */
#include "unit.h"

#include "edge/client_codec.h"
#include "edge/frame_codec.h"

static const tt_time at = {1705311720123};

static void expect_id(const tt_id *id, const char *text)
{
    assert_true(tt_slice_eq(tt_id_slice(id), tt_slice_text(text)));
}

/* The text belongs to the buffer until the next frame. */
static struct tt_received pass(struct tt_buffer *text, const struct tt_server_frame *frame)
{
    struct tt_received received;
    tt_buffer_consume(text, text->size);
    tt_frame_write(frame, text);
    expect_ok(tt_client_read_frame(tt_buffer_slice(text), &received));
    assert_true(received.known);
    assert_int_equal(received.kind, frame->kind);
    return received;
}

static void server_reads_what_a_client_writes(void **unused)
{
    (void)unused;
    const struct tt_frame_limits limits = {100};
    for (int kind = TT_CLIENT_SEND; kind <= TT_CLIENT_PING; kind++) {
        struct tt_client_frame frame = {.kind = (enum tt_client_frame_kind)kind,
                                        .conversation = tt_id_of("conv"),
                                        .client_id = tt_id_of("c1"),
                                        .content = TT_SLICE_LITERAL("h\\n\\ud83d\\ude00"),
                                        .seq = {12},
                                        .token = TT_SLICE_LITERAL("a.b.c")};
        struct tt_client_frame read;
        struct tt_buffer text = {0};
        const char *key;
        tt_client_write_frame(&frame, &text);
        expect_ok(tt_frame_parse(tt_buffer_slice(&text), &limits, &read, &key));
        assert_int_equal(read.kind, kind);
        if (kind == TT_CLIENT_SEND) {
            expect_id(&read.client_id, "c1");
            assert_true(tt_slice_eq(read.content, frame.content));
        }
        if (kind == TT_CLIENT_DELIVERED || kind == TT_CLIENT_READ)
            assert_int_equal(read.seq.n, 12);
        if (kind == TT_CLIENT_TOKEN)
            assert_true(tt_slice_eq(read.token, frame.token));
        else if (kind != TT_CLIENT_PING)
            expect_id(&read.conversation, "conv");
        tt_buffer_deinit(&text);
    }
}

static void client_reads_what_a_server_writes(void **unused)
{
    (void)unused;
    struct tt_buffer text = {0};
    struct tt_received got;

    got = pass(&text, &(struct tt_server_frame){.kind = TT_SERVER_HELLO,
                                                .hello = {.user = tt_id_of("alice"),
                                                          .device = tt_id_of("phone"),
                                                          .session = tt_id_of("s1"),
                                                          .server = tt_id_of("srv"),
                                                          .server_time = at,
                                                          .heartbeat_seconds = 25,
                                                          .resumed = true,
                                                          .linked_at = at}});
    expect_id(&got.user, "alice");
    expect_id(&got.device, "phone");
    expect_id(&got.session, "s1");
    expect_id(&got.server, "srv");
    assert_int_equal(got.server_time.ms, at.ms);
    assert_int_equal(got.heartbeat_seconds, 25);
    assert_true(got.resumed);
    assert_int_equal(got.linked_at.ms, at.ms);

    got = pass(&text, &(struct tt_server_frame){.kind = TT_SERVER_SENT,
                                                .conversation = tt_id_of("conv"),
                                                .client_id = tt_id_of("c1"),
                                                .message = {.seq = {7}, .timestamp = at}});
    expect_id(&got.client_id, "c1");
    assert_int_equal(got.seq.n, 7);
    assert_int_equal(got.timestamp.ms, at.ms);

    got = pass(&text, &(struct tt_server_frame){.kind = TT_SERVER_MESSAGE,
                                                .conversation = tt_id_of("conv"),
                                                .message = {.seq = {8},
                                                            .timestamp = at,
                                                            .sender = tt_id_of("bob"),
                                                            .content = TT_SLICE_LITERAL("\\t")}});
    expect_id(&got.conversation, "conv");
    expect_id(&got.sender, "bob");
    assert_true(tt_slice_eq(got.content, TT_SLICE_LITERAL("\\t")));
    assert_false(got.has_delivered);

    got = pass(&text, &(struct tt_server_frame){.kind = TT_SERVER_STATUS_UPDATE,
                                                .conversation = tt_id_of("conv"),
                                                .user = tt_id_of("bob"),
                                                .status = {.delivered = {5}}});
    assert_true(got.has_delivered);
    assert_false(got.has_read);
    assert_int_equal(got.cursor.delivered.n, 5);

    got = pass(&text, &(struct tt_server_frame){.kind = TT_SERVER_READ_SYNC,
                                                .conversation = tt_id_of("conv"),
                                                .status = {.read = {5}}});
    assert_true(got.has_read);
    assert_int_equal(got.cursor.read.n, 5);

    got =
        pass(&text, &(struct tt_server_frame){.kind = TT_SERVER_ERROR,
                                              .conversation = tt_id_of("conv"),
                                              .error = {.err = TT_FAIL(ACK_AHEAD), .limit = {3}}});
    assert_true(tt_slice_eq(got.code, TT_SLICE_LITERAL("ack_ahead")));
    assert_true(got.error.size > 0);
    assert_true(got.has_limit);
    assert_int_equal(got.limit.n, 3);

    got = pass(&text, &(struct tt_server_frame){
                          .kind = TT_SERVER_ERROR,
                          .error = {.err = TT_FAIL(RATE_LIMITED), .retry_after_ms = 1234}});
    assert_int_equal(got.retry_after_ms, 1234);
    (void)pass(&text, &(struct tt_server_frame){.kind = TT_SERVER_CAUGHT_UP});
    (void)pass(&text, &(struct tt_server_frame){.kind = TT_SERVER_PONG});
    tt_buffer_deinit(&text);
}

static void client_reads_presence(void **unused)
{
    (void)unused;
    struct tt_buffer text = {0};
    struct tt_server_frame frame = {.kind = TT_SERVER_PRESENCE,
                                    .conversation = tt_id_of("conv"),
                                    .user = tt_id_of("bob"),
                                    .presence = {{.online = true}, TT_DIRECT}};
    struct tt_received got = pass(&text, &frame);
    assert_true(got.has_status);
    expect_id(&got.status_of, "bob");
    assert_true(got.status.online);

    frame.presence.status = (struct tt_status){.last_seen = at};
    got = pass(&text, &frame);
    assert_false(got.status.online);
    assert_int_equal(got.status.last_seen.ms, at.ms);

    frame.presence.kind = TT_GROUP;
    frame.presence.status.last_seen = TT_TIME(0);
    got = pass(&text, &frame);
    assert_true(got.has_status);
    expect_id(&got.status_of, "");
    expect_id(&got.user, "bob");
    assert_int_equal(got.status.last_seen.ms, 0);
    assert_false(got.status.unknown);

    frame.presence.status.unknown = true;
    assert_true(pass(&text, &frame).status.unknown);

    frame.kind = TT_SERVER_TYPING;
    got = pass(&text, &frame);
    expect_id(&got.user, "bob");
    tt_buffer_deinit(&text);
}

static void client_reads_a_snapshot(void **unused)
{
    (void)unused;
    const struct tt_message messages[] = {
        {.seq = {1},
         .sender = tt_id_of("alice"),
         .timestamp = at,
         .content = TT_SLICE_LITERAL("a")},
        {.seq = {2}, .sender = tt_id_of("bob"), .timestamp = at, .content = TT_SLICE_LITERAL("b")},
    };
    const struct tt_member_view others[] = {{tt_id_of("bob"), {.last_seen = at}, {{2}, {1}}}};
    const struct tt_snapshot snapshot = {
        .conversation = {.id = tt_id_of("conv"), .kind = TT_DIRECT},
        .head = {2},
        .messages = messages,
        .message_count = 2,
        .has_more_after = true,
        .others = others,
        .other_count = 1,
        .others_min = {{2}, {1}},
        .my_read = {2}};
    struct tt_buffer text = {0};
    struct tt_received got = pass(
        &text, &(struct tt_server_frame){.kind = TT_SERVER_CONVERSATION, .snapshot = &snapshot});
    expect_id(&got.conversation, "conv");
    assert_int_equal(got.conversation_kind, TT_DIRECT);
    assert_int_equal(got.head.n, 2);
    assert_int_equal(got.my_read.n, 2);
    assert_int_equal(got.cursor.delivered.n, 2);
    assert_int_equal(got.cursor.read.n, 1);
    assert_false(got.has_more_before);
    assert_true(got.has_more_after);
    expect_id(&got.status_of, "bob");
    assert_int_equal(got.status.last_seen.ms, at.ms);

    struct tt_message message;
    struct tt_json_items items = tt_json_items(got.messages);
    assert_true(tt_client_next_message(&items, &message));
    assert_int_equal(message.seq.n, 1);
    assert_true(tt_client_next_message(&items, &message));
    assert_int_equal(message.seq.n, 2);
    expect_id(&message.sender, "bob");
    assert_true(tt_slice_eq(message.content, TT_SLICE_LITERAL("b")));
    assert_false(tt_client_next_message(&items, &message));

    struct tt_member_view member;
    items = tt_json_items(got.members);
    assert_true(tt_client_next_member(&items, &member));
    expect_id(&member.user, "bob");
    assert_int_equal(member.cursor.read.n, 1);
    assert_int_equal(member.status.last_seen.ms, at.ms);
    assert_false(tt_client_next_member(&items, &member));
    tt_buffer_deinit(&text);
}

static void client_reads_an_added_conversation(void **unused)
{
    (void)unused;
    const tt_id members[] = {tt_id_of("alice"), tt_id_of("bob")};
    const struct tt_conversation_entry entry = {.conversation = {.id = tt_id_of("conv"),
                                                                 .kind = TT_DIRECT,
                                                                 .members = members,
                                                                 .member_count = 2},
                                                .unread = 3};
    struct tt_buffer text = {0};
    struct tt_received got = pass(
        &text, &(struct tt_server_frame){
                   .kind = TT_SERVER_CONVERSATION_ADDED, .user = tt_id_of("bob"), .entry = &entry});
    struct tt_received added;
    expect_ok(tt_client_read_conversation(got.added.text, &added));
    expect_id(&added.conversation, "conv");
    assert_int_equal(added.unread, 3);
    expect_id(&added.status_of, "alice");
    tt_buffer_deinit(&text);
}

static void client_is_loose_about_the_unknown_and_strict_about_types(void **unused)
{
    (void)unused;
    struct tt_received got;
    expect_ok(tt_client_read_frame(TT_SLICE_LITERAL("{\"type\":\"from_the_future\"}"), &got));
    assert_false(got.known);
    const struct {
        const char *text;
        enum tt_err_code outcome;
    } cases[] = {
        {"", TT_ERR_NOT_JSON},
        {"[]", TT_ERR_NOT_OBJECT},
        {"{}", TT_ERR_KEY_MISSING},
        {"{\"type\":1}", TT_ERR_BAD_TYPE},
        {"{\"type\":\"sent\",\"seq\":\"1\"}", TT_ERR_BAD_TYPE},
        {"{\"type\":\"message\",\"content\":1}", TT_ERR_BAD_TYPE},
        {"{\"type\":\"conversation\",\"messages\":{}}", TT_ERR_BAD_TYPE},
        {"{\"type\":\"presence\",\"bob_status\":{\"online\":1}}", TT_ERR_BAD_TYPE},
        {"{\"type\":\"hello\",\"server_time\":\"noon\"}", TT_ERR_BAD_TIME},
        {"{\"type\":\"pong\",\"x\":1}", TT_ERR_OK},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(tt_client_read_frame(tt_slice_text(cases[i].text), &got).code,
                         cases[i].outcome);

    expect_ok(tt_client_read_http_error(
        TT_SLICE_LITERAL("{\"error\":{\"code\":\"not_found\",\"message\":\"no\"}}"), &got));
    assert_true(tt_slice_eq(got.code, TT_SLICE_LITERAL("not_found")));
    assert_true(tt_slice_eq(got.error, TT_SLICE_LITERAL("no")));
    assert_int_equal(tt_client_read_http_error(TT_SLICE_LITERAL("{}"), &got).code,
                     TT_ERR_KEY_MISSING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(server_reads_what_a_client_writes),
        cmocka_unit_test(client_reads_what_a_server_writes),
        cmocka_unit_test(client_reads_presence),
        cmocka_unit_test(client_reads_a_snapshot),
        cmocka_unit_test(client_reads_an_added_conversation),
        cmocka_unit_test(client_is_loose_about_the_unknown_and_strict_about_types),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
