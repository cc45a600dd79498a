#include "unit.h"

#include "edge/reply_codec.h"

#define AT      TT_TIME(1705311720000)
#define AT_TEXT "\"2024-01-15T09:42:00.000Z\""

static void expect_answer(const struct tt_reply *reply, int status, const char *text)
{
    struct tt_caller caller = {tt_id_of("alice"), tt_id_of("phone"), 0};
    struct tt_buffer body = {0};
    assert_int_equal(tt_reply_write(reply, &caller, &body), status);
    tt_buffer_add_byte(&body, '\0');
    assert_string_equal(body.data, text);
    tt_buffer_deinit(&body);
}

static void answers_errors(void **unused)
{
    (void)unused;
    expect_answer(&(struct tt_reply){.kind = TT_REQUEST_SNAPSHOT, .err = TT_FAIL(NOT_FOUND)}, 404,
                  "{\"error\":{\"code\":\"not_found\",\"message\":"
                  "\"there is no such thing, or it is not yours\"}}");
    expect_answer(&(struct tt_reply){.kind = TT_REQUEST_SEND, .err = TT_FAIL(UNAVAILABLE)}, 503,
                  "{\"error\":{\"code\":\"unavailable\",\"message\":"
                  "\"the outcome is unknown; retry with the same client_id\"}}");
    expect_answer(&(struct tt_reply){.kind = TT_REQUEST_LIST, .err = TT_FAIL(BAD_QUERY)}, 400,
                  "{\"error\":{\"code\":\"invalid_argument\",\"message\":"
                  "\"cursor is the `next` of the page before\"}}");
}

static void answers_snapshots_and_pages(void **unused)
{
    (void)unused;
    const struct tt_message messages[] = {
        {.seq = {1}, .sender = tt_id_of("bob"), .timestamp = AT, .content = TT_SLICE_LITERAL("x")}};
    const struct tt_member_view others[] = {{tt_id_of("bob"), {.online = true}, {{1}, {1}}}};
    const struct tt_snapshot snapshot = {.conversation = {.id = tt_id_of("c"), .kind = TT_DIRECT},
                                         .head = {1},
                                         .messages = messages,
                                         .message_count = 1,
                                         .others = others,
                                         .other_count = 1,
                                         .others_min = {{1}, {1}},
                                         .my_read = {0}};
    expect_answer(
        &(struct tt_reply){.kind = TT_REQUEST_SNAPSHOT, .snapshot = &snapshot}, 200,
        "{\"conversation_id\":\"c\",\"head_seq\":1,\"messages\":[{\"seq\":1,\"content\":"
        "\"x\",\"sender\":\"bob\",\"timestamp\":" AT_TEXT "}],\"has_more_before\":false,"
        "\"has_more_after\":false,\"kind\":\"direct\",\"title\":null,\"bob_status\":"
        "{\"online\":true},\"members\":[{\"user_id\":\"bob\",\"status\":{\"online\":true},"
        "\"last_delivered_seq\":1,\"last_read_seq\":1}],\"last_delivered_seq\":1,"
        "\"last_read_seq\":1,\"my_last_read_seq\":0,\"muted_until\":null}");
    expect_answer(&(struct tt_reply){.kind = TT_REQUEST_PAGE, .snapshot = &snapshot}, 200,
                  "{\"conversation_id\":\"c\",\"head_seq\":1,\"messages\":[{\"seq\":1,\"content\":"
                  "\"x\",\"sender\":\"bob\",\"timestamp\":" AT_TEXT "}],\"has_more_before\":false,"
                  "\"has_more_after\":false}");
}

static void answers_lists_and_creations(void **unused)
{
    (void)unused;
    const tt_id members[] = {tt_id_of("alice"), tt_id_of("bob")};
    const struct tt_conversation_entry entry = {.conversation = {.id = tt_id_of("c"),
                                                                 .kind = TT_DIRECT,
                                                                 .members = members,
                                                                 .member_count = 2},
                                                .head = {2},
                                                .last_message = {.seq = {2},
                                                                 .sender = tt_id_of("bob"),
                                                                 .timestamp = AT,
                                                                 .content = TT_SLICE_LITERAL("y")},
                                                .unread = 1000,
                                                .my_read = {1},
                                                .others = {{2}, {1}},
                                                .active_at = AT,
                                                .muted_until = AT,
                                                .peer = {.last_seen = AT}};
#define ENTRY                                                                                      \
    "\"conversation_id\":\"c\",\"kind\":\"direct\",\"title\":null,\"members\":[\"alice\","         \
    "\"bob\"],\"head_seq\":2,\"last_message\":{\"seq\":2,\"content\":\"y\",\"sender\":\"bob\","    \
    "\"timestamp\":" AT_TEXT "},\"unread\":1000,\"my_last_read_seq\":1,\"last_delivered_seq\":2,"  \
    "\"last_read_seq\":1,\"bob_status\":{\"online\":false,\"last_seen\":" AT_TEXT "},"             \
    "\"active_at\":" AT_TEXT ",\"muted_until\":" AT_TEXT
    struct tt_reply reply = {.kind = TT_REQUEST_LIST,
                             .list = {&entry, 1, TT_SLICE_LITERAL("next_1")}};
    expect_answer(&reply, 200, "{\"conversations\":[{" ENTRY "}],\"next\":\"next_1\"}");
    reply.list.entry_count = 0;
    reply.list.next = TT_SLICE_EMPTY;
    expect_answer(&reply, 200, "{\"conversations\":[],\"next\":null}");
    reply = (struct tt_reply){.kind = TT_REQUEST_CREATE, .created = true, .entry = &entry};
    expect_answer(&reply, 201, "{" ENTRY "}");
    reply.created = false;
    expect_answer(&reply, 200, "{" ENTRY "}");
}

static void answers_the_small_ones(void **unused)
{
    (void)unused;
    expect_answer(&(struct tt_reply){.kind = TT_REQUEST_SEND,
                                     .created = true,
                                     .conversation = tt_id_of("c"),
                                     .sent = {{7}, AT}},
                  201, "{\"conversation_id\":\"c\",\"seq\":7,\"timestamp\":" AT_TEXT "}");
    struct tt_reply me = {.kind = TT_REQUEST_GET_ME,
                          .me = {tt_id_of("alice"), tt_id_of("phone"), TT_USER_SETTINGS_DEFAULT}};
    expect_answer(&me, 200,
                  "{\"user_id\":\"alice\",\"device_id\":\"phone\",\"display_name\":null,"
                  "\"share_last_seen\":\"everyone\",\"push_preview\":true}");
    me.kind = TT_REQUEST_PUT_ME;
    me.me.settings = (struct tt_user_settings){TT_SLICE_LITERAL("A\\n"), false, false};
    expect_answer(&me, 200,
                  "{\"user_id\":\"alice\",\"device_id\":\"phone\",\"display_name\":\"A\\n\","
                  "\"share_last_seen\":\"nobody\",\"push_preview\":false}");
    expect_answer(&(struct tt_reply){.kind = TT_REQUEST_MUTE, .conversation = tt_id_of("c")}, 200,
                  "{\"conversation_id\":\"c\",\"muted_until\":null}");
    expect_answer(&(struct tt_reply){.kind = TT_REQUEST_UNLINK_DEVICE}, 200, "{}");
    const struct tt_device devices[] = {
        {.id = tt_id_of("laptop"), .linked_at = AT},
        {.id = tt_id_of("phone"), .linked_at = AT, .active_at = AT, .connected = true}};
    expect_answer(&(struct tt_reply){.kind = TT_REQUEST_LIST_DEVICES, .devices = {devices, 2}}, 200,
                  "{\"devices\":[{\"device_id\":\"laptop\",\"linked_at\":" AT_TEXT ","
                  "\"active_at\":null,\"connected\":false,\"this_device\":false},"
                  "{\"device_id\":\"phone\",\"linked_at\":" AT_TEXT ",\"active_at\":" AT_TEXT ","
                  "\"connected\":true,\"this_device\":true}]}");
    struct tt_buffer body = {0};
    tt_write_too_many_devices(devices, 1, &body);
    tt_buffer_add_byte(&body, '\0');
    assert_string_equal(
        body.data, "{\"error\":{\"code\":\"conflict\",\"message\":\"this user has linked as "
                   "many devices as allowed; unlink one with DELETE /device/{id}\",\"devices\":"
                   "[{\"device_id\":\"laptop\",\"linked_at\":" AT_TEXT ",\"active_at\":null,"
                   "\"connected\":false}]}}");
    tt_buffer_deinit(&body);
}

static void answers_info_and_why(void **unused)
{
    (void)unused;
    const struct tt_receipt receipts[] = {{.user = tt_id_of("bob"),
                                           .waiting_for = TT_WAITING_FOR_CONNECTION,
                                           .offline_since = AT,
                                           .push = {.kind = TT_HAPPENED_PUSH_ACCEPTED,
                                                    .at = AT,
                                                    .detail = TT_SLICE_LITERAL("apns 123")}},
                                          {.user = tt_id_of("carol"),
                                           .delivered_at = AT,
                                           .read_at = AT,
                                           .waiting_for = TT_WAITING_FOR_NOTHING}};
    struct tt_reply reply = {.kind = TT_REQUEST_INFO,
                             .conversation = tt_id_of("c"),
                             .about = {.seq = {4},
                                       .sender = tt_id_of("alice"),
                                       .timestamp = AT,
                                       .tick = TT_TICK_ONE,
                                       .receipts = receipts,
                                       .receipt_count = 2}};
    expect_answer(&reply, 200,
                  "{\"conversation_id\":\"c\",\"seq\":4,\"sender\":\"alice\",\"timestamp\":" AT_TEXT
                  ",\"members\":[{\"user_id\":\"bob\",\"delivered_at\":null,\"read_at\":null},"
                  "{\"user_id\":\"carol\",\"delivered_at\":" AT_TEXT ",\"read_at\":" AT_TEXT "}]}");
    reply.kind = TT_REQUEST_WHY;
    expect_answer(
        &reply, 200,
        "{\"conversation_id\":\"c\",\"seq\":4,\"tick\":\"one\",\"members\":[{\"user_id\":\"bob\","
        "\"delivered_at\":null,\"read_at\":null,\"waiting_for\":\"connection\",\"offline_"
        "since\":" AT_TEXT ",\"push\":{\"at\":" AT_TEXT
        ",\"provider\":\"apns\",\"outcome\":\"accepted\","
        "\"detail\":\"123\"}},{\"user_id\":\"carol\",\"delivered_at\":" AT_TEXT
        ",\"read_at\":" AT_TEXT
        ",\"waiting_for\":null,\"offline_since\":null,\"push\":null}],\"text\":\"One tick: "
        "the message is safely stored, but not delivered to everyone. bob is not connected; the "
        "last connection ended at 2024-01-15 09:42:00 UTC. The message is handed over as soon as a "
        "device connects. A notification was accepted by apns at 2024-01-15 09:42:00 UTC; it may "
        "ring the phone, but it delivers nothing.\"}");
}

static void answers_timelines(void **unused)
{
    (void)unused;
    const struct tt_happening happenings[] = {
        {TT_HAPPENED_STORED, AT, {1}, {1}, tt_id_of("alice"), {0}, TT_SLICE_EMPTY},
        {TT_HAPPENED_PUSH_FAILED,
         AT,
         {1},
         {1},
         tt_id_of("bob"),
         tt_id_of("phone"),
         TT_SLICE_LITERAL("a \"b\"")},
        {TT_HAPPENED_CONNECTED, AT, {0}, {0}, tt_id_of("bob"), {0}, TT_SLICE_EMPTY},
        {TT_HAPPENED_DELIVERED, AT, {1}, {5}, tt_id_of("bob"), {0}, TT_SLICE_EMPTY},
    };
    expect_answer(&(struct tt_reply){.kind = TT_REQUEST_TIMELINE,
                                     .conversation = tt_id_of("c"),
                                     .timeline = {happenings, 4}},
                  200,
                  "{\"conversation_id\":\"c\",\"events\":["
                  "{\"at\":" AT_TEXT ",\"event\":\"stored\",\"seq\":1,\"user_id\":\"alice\"},"
                  "{\"at\":" AT_TEXT ",\"event\":\"push_failed\",\"seq\":1,\"user_id\":\"bob\","
                  "\"device_id\":\"phone\",\"detail\":\"a \\\"b\\\"\"},"
                  "{\"at\":" AT_TEXT ",\"event\":\"connected\",\"user_id\":\"bob\"},"
                  "{\"at\":" AT_TEXT ",\"event\":\"delivered\",\"from_seq\":1,\"to_seq\":5,"
                  "\"user_id\":\"bob\"}]}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_errors),
        cmocka_unit_test(answers_snapshots_and_pages),
        cmocka_unit_test(answers_lists_and_creations),
        cmocka_unit_test(answers_the_small_ones),
        cmocka_unit_test(answers_info_and_why),
        cmocka_unit_test(answers_timelines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
