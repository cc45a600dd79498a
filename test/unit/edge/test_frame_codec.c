#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "edge/frame_codec.h"

static const struct tt_frame_limits limits = {.content_size_max = 8};

static tt_err parse(const char *text, struct tt_client_frame *frame, const char **key)
{
    return tt_frame_parse(tt_slice_text(text), &limits, frame, key);
}

static void expect_id(const tt_id *id, const char *text)
{
    assert_true(tt_slice_eq(tt_id_slice(id), tt_slice_text(text)));
}

static void reads_each_frame(void **unused)
{
    (void)unused;
    const struct {
        const char *text;
        enum tt_client_frame_kind kind;
        const char *conversation;
        const char *client_id;
        const char *content;
        uint64_t seq;
        const char *token;
    } cases[] = {
        {"{\"type\":\"send\",\"client_id\":\"c1\",\"conversation_id\":\"conv\",\"content\":"
         "\"h\\u00e9\\\\\"}",
         TT_CLIENT_SEND, "conv", "c1", "h\\u00e9\\\\", 0, ""},
        {"{\"conversation_id\":\"conv\",\"seq\":3,\"type\":\"delivered\"}", TT_CLIENT_DELIVERED,
         "conv", "", "", 3, ""},
        {"{\"type\":\"read\",\"conversation_id\":\"conv\",\"seq\":9007199254740991,\"x\":[{}]}",
         TT_CLIENT_READ, "conv", "", "", TT_SEQ_MAX, ""},
        {"{\"type\":\"open\",\"conversation_id\":\"conv\"}", TT_CLIENT_OPEN, "conv", "", "", 0, ""},
        {"{\"type\":\"close\",\"conversation_id\":\"c:1@a.b-c_D\"}", TT_CLIENT_CLOSE, "c:1@a.b-c_D",
         "", "", 0, ""},
        {"{\"type\":\"typing\",\"conversation_id\":\"conv\"}", TT_CLIENT_TYPING, "conv", "", "", 0,
         ""},
        {"{\"type\":\"token\",\"token\":\"a.b.c\"}", TT_CLIENT_TOKEN, "", "", "", 0, "a.b.c"},
        {"{\"type\":\"token\",\"token\":\"a.b.c\",\"client_id\":\"c1\"}", TT_CLIENT_TOKEN, "", "c1",
         "", 0, "a.b.c"},
        {"{\"type\":\"ping\",\"client_id\":\"c1\",\"conversation_id\":\"conv\"}", TT_CLIENT_PING,
         "conv", "c1", "", 0, ""},
        {"{\"type\":\"ping\",\"client_id\":\"c 1\",\"conversation_id\":7}", TT_CLIENT_PING, "", "",
         "", 0, ""},
        {" {\"t\\u0079pe\" : \"p\\u0069ng\"}\n", TT_CLIENT_PING, "", "", "", 0, ""},
        {"{\"type\":\"ping\",\"seq\":\"ignored\"}", TT_CLIENT_PING, "", "", "", 0, ""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tt_client_frame frame;
        const char *key;
        expect_ok(parse(cases[i].text, &frame, &key));
        assert_null(key);
        assert_int_equal(frame.kind, cases[i].kind);
        expect_id(&frame.conversation, cases[i].conversation);
        expect_id(&frame.client_id, cases[i].client_id);
        assert_true(tt_slice_eq(frame.content, tt_slice_text(cases[i].content)));
        assert_int_equal(frame.seq.n, cases[i].seq);
        assert_true(tt_slice_eq(frame.token, tt_slice_text(cases[i].token)));
    }
}

static void refuses_with_the_key_and_the_ids(void **unused)
{
    (void)unused;
    const struct {
        const char *text;
        enum tt_err_code outcome;
        const char *key;
        const char *conversation;
        const char *client_id;
    } cases[] = {
        {"", TT_ERR_NOT_JSON, NULL, "", ""},
        {"{", TT_ERR_NOT_JSON, NULL, "", ""},
        {"{\"type\":\"ping\"} x", TT_ERR_NOT_JSON, NULL, "", ""},
        {"{'type':'ping'}", TT_ERR_NOT_JSON, NULL, "", ""},
        {"{\"type\":\"\xff\"}", TT_ERR_NOT_JSON, NULL, "", ""},
        {"[]", TT_ERR_NOT_OBJECT, NULL, "", ""},
        {"\"ping\"", TT_ERR_NOT_OBJECT, NULL, "", ""},
        {"null", TT_ERR_NOT_OBJECT, NULL, "", ""},
        {"{}", TT_ERR_KEY_MISSING, "type", "", ""},
        {"{\"type\":1}", TT_ERR_BAD_TYPE, "type", "", ""},
        {"{\"type\":null}", TT_ERR_BAD_TYPE, "type", "", ""},
        {"{\"type\":\"Ping\"}", TT_ERR_UNKNOWN_FRAME, "type", "", ""},
        {"{\"type\":\"hello\"}", TT_ERR_UNKNOWN_FRAME, "type", "", ""},
        {"{\"type\":\"x\",\"conversation_id\":\"v\",\"client_id\":\"c\"}", TT_ERR_UNKNOWN_FRAME,
         "type", "v", "c"},
        {"{\"type\":\"open\"}", TT_ERR_KEY_MISSING, "conversation_id", "", ""},
        {"{\"type\":\"open\",\"conversation_id\":7}", TT_ERR_BAD_TYPE, "conversation_id", "", ""},
        {"{\"type\":\"open\",\"conversation_id\":null}", TT_ERR_BAD_TYPE, "conversation_id", "",
         ""},
        {"{\"type\":\"open\",\"conversation_id\":\"\"}", TT_ERR_BAD_ID, "conversation_id", "", ""},
        {"{\"type\":\"open\",\"conversation_id\":\"a/b\"}", TT_ERR_BAD_ID, "conversation_id", "",
         ""},
        {"{\"type\":\"send\",\"conversation_id\":\"v\",\"content\":\"x\"}", TT_ERR_KEY_MISSING,
         "client_id", "v", ""},
        {"{\"type\":\"send\",\"conversation_id\":\"v\",\"client_id\":\"c\"}", TT_ERR_KEY_MISSING,
         "content", "v", "c"},
        {"{\"type\":\"send\",\"conversation_id\":\"v\",\"client_id\":\"c\",\"content\":5}",
         TT_ERR_BAD_CONTENT, "content", "v", "c"},
        {"{\"type\":\"send\",\"conversation_id\":\"v\",\"client_id\":\"c\",\"content\":null}",
         TT_ERR_BAD_CONTENT, "content", "v", "c"},
        {"{\"type\":\"send\",\"conversation_id\":\"v\",\"client_id\":\"c\",\"content\":\"\"}",
         TT_ERR_BAD_CONTENT, "content", "v", "c"},
        {"{\"type\":\"send\",\"conversation_id\":\"v\",\"client_id\":\"c\",\"content\":"
         "\"\\ud800\"}",
         TT_ERR_BAD_CONTENT, "content", "v", "c"},
        {"{\"type\":\"send\",\"conversation_id\":\"v\",\"client_id\":\"c\",\"content\":"
         "\"123456789\"}",
         TT_ERR_TOO_BIG, "content", "v", "c"},
        {"{\"type\":\"read\",\"conversation_id\":\"v\"}", TT_ERR_KEY_MISSING, "seq", "v", ""},
        {"{\"type\":\"read\",\"conversation_id\":\"v\",\"seq\":\"1\"}", TT_ERR_BAD_TYPE, "seq", "v",
         ""},
        {"{\"type\":\"read\",\"conversation_id\":\"v\",\"seq\":0}", TT_ERR_BAD_SEQ, "seq", "v", ""},
        {"{\"type\":\"read\",\"conversation_id\":\"v\",\"seq\":1.5}", TT_ERR_BAD_SEQ, "seq", "v",
         ""},
        {"{\"type\":\"read\",\"conversation_id\":\"v\",\"seq\":-1}", TT_ERR_BAD_SEQ, "seq", "v",
         ""},
        {"{\"type\":\"delivered\",\"conversation_id\":\"v\",\"seq\":9007199254740992}",
         TT_ERR_BAD_SEQ, "seq", "v", ""},
        {"{\"type\":\"token\"}", TT_ERR_KEY_MISSING, "token", "", ""},
        {"{\"type\":\"token\",\"token\":{}}", TT_ERR_BAD_TYPE, "token", "", ""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tt_client_frame frame;
        const char *key;
        tt_err err = parse(cases[i].text, &frame, &key);
        if (!tt_err_is(err, cases[i].outcome))
            fail_msg("%s: %s", cases[i].text, tt_err_text(err));
        if (cases[i].key == NULL)
            assert_null(key);
        else
            assert_string_equal(key, cases[i].key);
        expect_id(&frame.conversation, cases[i].conversation);
        expect_id(&frame.client_id, cases[i].client_id);
    }
}

/* The limit counts what the content stands for, not how it is written. */
static void counts_content_decoded(void **unused)
{
    (void)unused;
    struct tt_client_frame frame;
    const char *key;
    expect_ok(parse("{\"type\":\"send\",\"client_id\":\"c\",\"conversation_id\":\"v\",\"content\":"
                    "\"\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\"}",
                    &frame, &key));
    expect_ok(parse("{\"type\":\"send\",\"client_id\":\"c\",\"conversation_id\":\"v\",\"content\":"
                    "\"\\ud83d\\ude00\\ud83d\\ude00\"}",
                    &frame, &key));
    assert_int_equal(parse("{\"type\":\"send\",\"client_id\":\"c\",\"conversation_id\":\"v\","
                           "\"content\":\"\\ud83d\\ude00\\ud83d\\ude00.\"}",
                           &frame, &key)
                         .code,
                     TT_ERR_TOO_BIG);
}

static void expect_written(const struct tt_server_frame *frame, const char *text)
{
    struct tt_buffer out = {0};
    tt_frame_write(frame, &out);
    tt_buffer_add_byte(&out, '\0');
    assert_string_equal(out.data, text);
    tt_buffer_deinit(&out);
}

static void writes_the_frames_of_a_message(void **unused)
{
    (void)unused;
    const tt_time at = {1705311720000};
    expect_written(&(struct tt_server_frame){.kind = TT_SERVER_HELLO,
                                             .hello = {.user = tt_id_of("alice"),
                                                       .device = tt_id_of("phone"),
                                                       .session = tt_id_of("s1"),
                                                       .server = tt_id_of("ws_server_3"),
                                                       .server_time = at,
                                                       .heartbeat_seconds = 25,
                                                       .resumed = true,
                                                       .linked_at = at}},
                   "{\"type\":\"hello\",\"user_id\":\"alice\",\"device_id\":\"phone\","
                   "\"session_id\":\"s1\",\"server_id\":\"ws_server_3\",\"server_time\":"
                   "\"2024-01-15T09:42:00.000Z\",\"heartbeat_seconds\":25,\"resumed\":true,"
                   "\"linked_at\":\"2024-01-15T09:42:00.000Z\"}");
    expect_written(&(struct tt_server_frame){.kind = TT_SERVER_SENT,
                                             .conversation = tt_id_of("conv"),
                                             .client_id = tt_id_of("c1"),
                                             .message = {.seq = {7}, .timestamp = at}},
                   "{\"type\":\"sent\",\"client_id\":\"c1\",\"conversation_id\":\"conv\",\"seq\":7,"
                   "\"timestamp\":\"2024-01-15T09:42:00.000Z\"}");
    struct tt_server_frame message = {.kind = TT_SERVER_MESSAGE,
                                      .conversation = tt_id_of("conv"),
                                      .message = {.seq = {7},
                                                  .timestamp = at,
                                                  .sender = tt_id_of("alice"),
                                                  .content = TT_SLICE_LITERAL("h\\u00e9")}};
    expect_written(&message, "{\"type\":\"message\",\"conversation_id\":\"conv\",\"seq\":7,"
                             "\"sender\":\"alice\",\"content\":\"h\\u00e9\","
                             "\"timestamp\":\"2024-01-15T09:42:00.000Z\"}");
    message.message.client_id = tt_id_of("c1");
    expect_written(&message, "{\"type\":\"message\",\"conversation_id\":\"conv\",\"seq\":7,"
                             "\"sender\":\"alice\",\"content\":\"h\\u00e9\",\"timestamp\":"
                             "\"2024-01-15T09:42:00.000Z\",\"client_id\":\"c1\"}");
    expect_written(&(struct tt_server_frame){.kind = TT_SERVER_CAUGHT_UP},
                   "{\"type\":\"caught_up\"}");
    expect_written(&(struct tt_server_frame){.kind = TT_SERVER_PONG}, "{\"type\":\"pong\"}");
}

static void writes_only_what_moved(void **unused)
{
    (void)unused;
    struct tt_server_frame frame = {.kind = TT_SERVER_STATUS_UPDATE,
                                    .conversation = tt_id_of("conv"),
                                    .user = tt_id_of("bob"),
                                    .status = {.delivered = {5}}};
    expect_written(&frame, "{\"type\":\"status_update\",\"conversation_id\":\"conv\","
                           "\"user_id\":\"bob\",\"last_delivered_seq\":5}");
    frame.status = (struct tt_cursor){.read = {5}};
    expect_written(&frame, "{\"type\":\"status_update\",\"conversation_id\":\"conv\","
                           "\"user_id\":\"bob\",\"last_read_seq\":5}");
    frame.status = (struct tt_cursor){{6}, {5}};
    expect_written(&frame, "{\"type\":\"status_update\",\"conversation_id\":\"conv\","
                           "\"user_id\":\"bob\",\"last_delivered_seq\":6,\"last_read_seq\":5}");
    frame.kind = TT_SERVER_READ_SYNC;
    expect_written(&frame, "{\"type\":\"read_sync\",\"conversation_id\":\"conv\","
                           "\"last_read_seq\":5}");
}

static void writes_presence_by_name(void **unused)
{
    (void)unused;
    struct tt_server_frame frame = {
        .kind = TT_SERVER_PRESENCE,
        .conversation = tt_id_of("conv"),
        .user = tt_id_of("bob"),
        .presence = {.status = {.online = true, .last_seen = {1}}, .kind = TT_DIRECT}};
    expect_written(&frame,
                   "{\"type\":\"presence\",\"conversation_id\":\"conv\",\"user_id\":\"bob\","
                   "\"bob_status\":{\"online\":true}}");
    frame.presence.status = (struct tt_status){.last_seen = {1705311720000}};
    expect_written(&frame,
                   "{\"type\":\"presence\",\"conversation_id\":\"conv\",\"user_id\":\"bob\","
                   "\"bob_status\":{\"online\":false,\"last_seen\":"
                   "\"2024-01-15T09:42:00.000Z\"}}");
    frame.presence.kind = TT_GROUP;
    frame.presence.status.last_seen = TT_TIME(0);
    expect_written(&frame,
                   "{\"type\":\"presence\",\"conversation_id\":\"conv\",\"user_id\":\"bob\","
                   "\"status\":{\"online\":false,\"last_seen\":null}}");
    frame.presence.status.unknown = true;
    expect_written(&frame,
                   "{\"type\":\"presence\",\"conversation_id\":\"conv\",\"user_id\":\"bob\","
                   "\"status\":{}}");
    frame.kind = TT_SERVER_TYPING;
    expect_written(&frame,
                   "{\"type\":\"typing\",\"conversation_id\":\"conv\",\"user_id\":\"bob\"}");
}

static void writes_errors(void **unused)
{
    (void)unused;
    struct tt_server_frame frame = {.kind = TT_SERVER_ERROR, .error = {.err = TT_FAIL(BAD_SEQ)}};
    expect_written(&frame, "{\"type\":\"error\",\"code\":\"invalid_argument\",\"message\":"
                           "\"a seq is an integer from 1 to 2^53-1\"}");
    frame.error.key = "seq";
    frame.client_id = tt_id_of("c1");
    frame.conversation = tt_id_of("conv");
    expect_written(&frame, "{\"type\":\"error\",\"code\":\"invalid_argument\",\"message\":"
                           "\"seq: a seq is an integer from 1 to 2^53-1\",\"client_id\":\"c1\","
                           "\"conversation_id\":\"conv\"}");
    frame = (struct tt_server_frame){.kind = TT_SERVER_ERROR,
                                     .conversation = tt_id_of("conv"),
                                     .error = {.err = TT_FAIL(ACK_AHEAD), .limit = {0}}};
    expect_written(&frame,
                   "{\"type\":\"error\",\"code\":\"ack_ahead\",\"message\":\"this device was "
                   "not yet handed everything up to there\",\"conversation_id\":\"conv\","
                   "\"limit\":0}");
    frame = (struct tt_server_frame){
        .kind = TT_SERVER_ERROR, .error = {.err = TT_FAIL(RATE_LIMITED), .retry_after_ms = 250}};
    expect_written(&frame, "{\"type\":\"error\",\"code\":\"rate_limited\",\"message\":"
                           "\"too fast; retry after the time given\",\"retry_after_ms\":250}");
}

/* Every error can be told with every key: the texts fit. */
static void has_room_for_every_error(void **unused)
{
    (void)unused;
    for (int code = 0; code <= TT_ERR_INTERNAL; code++) {
        struct tt_buffer out = {0};
        struct tt_server_frame frame = {
            .kind = TT_SERVER_ERROR, .error = {.err = {(uint8_t)code}, .key = "conversation_id"}};
        tt_frame_write(&frame, &out);
        assert_true(out.size > 0);
        tt_buffer_deinit(&out);
    }
}

static void writes_a_snapshot(void **unused)
{
    (void)unused;
    const struct tt_message messages[] = {{.seq = {42},
                                           .sender = tt_id_of("alice"),
                                           .timestamp = {1705311720000},
                                           .client_id = tt_id_of("hidden"),
                                           .content = TT_SLICE_LITERAL("hey")}};
    const struct tt_member_view others[] = {
        {tt_id_of("bob"), {.last_seen = {1705311720000}}, {{41}, {40}}},
        {tt_id_of("carol"), {.online = true}, {{41}, {41}}},
    };
    struct tt_snapshot snapshot = {.conversation = {.id = tt_id_of("conv"), .kind = TT_DIRECT},
                                   .head = {42},
                                   .messages = messages,
                                   .message_count = 1,
                                   .has_more_before = true,
                                   .others = others,
                                   .other_count = 1,
                                   .others_min = {{41}, {40}},
                                   .my_read = {42}};
    const struct tt_server_frame frame = {.kind = TT_SERVER_CONVERSATION, .snapshot = &snapshot};
    expect_written(
        &frame,
        "{\"type\":\"conversation\",\"conversation_id\":\"conv\",\"head_seq\":42,\"messages\":["
        "{\"seq\":42,\"content\":\"hey\",\"sender\":\"alice\","
        "\"timestamp\":\"2024-01-15T09:42:00.000Z\"}],"
        "\"has_more_before\":true,\"has_more_after\":false,\"kind\":\"direct\",\"title\":null,"
        "\"bob_status\":{\"online\":false,\"last_seen\":\"2024-01-15T09:42:00.000Z\"},"
        "\"members\":[{\"user_id\":\"bob\",\"status\":{\"online\":false,"
        "\"last_seen\":\"2024-01-15T09:42:00.000Z\"},"
        "\"last_delivered_seq\":41,\"last_read_seq\":40}],"
        "\"last_delivered_seq\":41,\"last_read_seq\":40,\"my_last_read_seq\":42,"
        "\"muted_until\":null}");
    snapshot.conversation.kind = TT_GROUP;
    snapshot.conversation.title = TT_SLICE_LITERAL("the \\\"gang\\\"");
    snapshot.other_count = 2;
    snapshot.message_count = 0;
    expect_written(
        &frame,
        "{\"type\":\"conversation\",\"conversation_id\":\"conv\",\"head_seq\":42,\"messages\":[],"
        "\"has_more_before\":true,\"has_more_after\":false,\"kind\":\"group\","
        "\"title\":\"the \\\"gang\\\"\","
        "\"members\":[{\"user_id\":\"bob\",\"status\":{\"online\":false,"
        "\"last_seen\":\"2024-01-15T09:42:00.000Z\"},"
        "\"last_delivered_seq\":41,\"last_read_seq\":40},"
        "{\"user_id\":\"carol\",\"status\":{\"online\":true},"
        "\"last_delivered_seq\":41,\"last_read_seq\":41}],"
        "\"last_delivered_seq\":41,\"last_read_seq\":40,\"my_last_read_seq\":42,"
        "\"muted_until\":null}");
}

static void writes_an_added_conversation(void **unused)
{
    (void)unused;
    const tt_id members[] = {tt_id_of("alice"), tt_id_of("bob")};
    struct tt_conversation_entry entry = {.conversation = {.id = tt_id_of("conv"),
                                                           .kind = TT_DIRECT,
                                                           .members = members,
                                                           .member_count = 2},
                                          .peer = {.online = true},
                                          .active_at = {1705311720000}};
    struct tt_server_frame frame = {
        .kind = TT_SERVER_CONVERSATION_ADDED, .user = tt_id_of("alice"), .entry = &entry};
    expect_written(
        &frame, "{\"type\":\"conversation_added\",\"conversation\":{\"conversation_id\":\"conv\","
                "\"kind\":\"direct\",\"title\":null,\"members\":[\"alice\",\"bob\"],"
                "\"head_seq\":0,\"last_message\":null,\"unread\":0,\"my_last_read_seq\":0,"
                "\"last_delivered_seq\":0,\"last_read_seq\":0,\"bob_status\":{\"online\":true},"
                "\"active_at\":\"2024-01-15T09:42:00.000Z\",\"muted_until\":null}}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_each_frame),
        cmocka_unit_test(refuses_with_the_key_and_the_ids),
        cmocka_unit_test(counts_content_decoded),
        cmocka_unit_test(writes_the_frames_of_a_message),
        cmocka_unit_test(writes_only_what_moved),
        cmocka_unit_test(writes_presence_by_name),
        cmocka_unit_test(writes_errors),
        cmocka_unit_test(has_room_for_every_error),
        cmocka_unit_test(writes_a_snapshot),
        cmocka_unit_test(writes_an_added_conversation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
