#include "unit.h"

#include "app/chat_room.h"

static struct tt_chat_room room; /* too large for the stack */

static int setup(void **state)
{
    (void)state;
    memset(&room, 0, sizeof(room));
    room.me = tt_id_of("alice");
    room.conversation = tt_id_of("c");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    tt_chat_room_deinit(&room);
    return 0;
}

static void take(const char *text)
{
    struct tt_received frame;
    expect_ok(tt_client_read_frame(tt_slice_text(text), &frame));
    tt_chat_room_take(&room, &frame, 1000);
}

static void expect_text(size_t at, uint64_t seq, const char *text)
{
    assert_true(at < room.count);
    assert_int_equal(room.messages[at].seq.n, seq);
    assert_true(tt_slice_eq(tt_buffer_slice(&room.messages[at].text), tt_slice_text(text)));
}

static void messages_stand_in_order_each_once(void **state)
{
    (void)state;
    take("{\"type\":\"message\",\"conversation_id\":\"c\",\"seq\":2,\"sender\":\"bob\","
         "\"content\":\"two\"}");
    take("{\"type\":\"message\",\"conversation_id\":\"c\",\"seq\":1,\"sender\":\"bob\","
         "\"content\":\"one\"}");
    take("{\"type\":\"message\",\"conversation_id\":\"c\",\"seq\":2,\"sender\":\"bob\","
         "\"content\":\"two\"}");
    take("{\"type\":\"message\",\"conversation_id\":\"other\",\"seq\":3,\"sender\":\"bob\","
         "\"content\":\"no\"}");
    assert_int_equal(room.count, 2);
    expect_text(0, 1, "one");
    expect_text(1, 2, "two");
    assert_int_equal(room.held.n, 2);
}

static void an_own_message_waits_at_the_end_until_it_is_sent(void **state)
{
    (void)state;
    tt_id client_id = tt_id_of("x1");
    assert_true(tt_chat_room_add_own(&room, &client_id, tt_slice_text("say \"hi\"")));
    take("{\"type\":\"message\",\"conversation_id\":\"c\",\"seq\":1,\"sender\":\"bob\","
         "\"content\":\"one\"}");
    expect_text(0, 1, "one");
    const struct tt_chat_message *unsent = tt_chat_room_unsent(&room, 0);
    assert_non_null(unsent);
    assert_true(tt_slice_eq(tt_buffer_slice(&unsent->raw), TT_SLICE_LITERAL("say \\\"hi\\\"")));
    take("{\"type\":\"sent\",\"client_id\":\"x1\",\"conversation_id\":\"c\",\"seq\":2}");
    assert_null(tt_chat_room_unsent(&room, 0));
    expect_text(1, 2, "say \"hi\"");
}

static void what_others_write_cannot_steer_the_terminal(void **state)
{
    (void)state;
    take("{\"type\":\"message\",\"conversation_id\":\"c\",\"seq\":1,\"sender\":\"bob\","
         "\"content\":\"a\\u001b[2Jb\\u009bc\\u007f\\nd\"}");
    expect_text(0, 1,
                "a\xc2\xb7[2Jb\xc2\xb7"
                "c\xc2\xb7\xc2\xb7"
                "d");
}

static void cursors_only_grow(void **state)
{
    (void)state;
    take("{\"type\":\"status_update\",\"conversation_id\":\"c\",\"last_read_seq\":5}");
    take("{\"type\":\"status_update\",\"conversation_id\":\"c\",\"last_delivered_seq\":3}");
    assert_int_equal(room.others.delivered.n, 5);
    assert_int_equal(room.others.read.n, 5);
}

static void the_room_is_bounded(void **state)
{
    (void)state;
    tt_id client_id = tt_id_of("x");
    for (size_t i = 0; i < TT_CHAT_MESSAGES_MAX; i++)
        assert_true(tt_chat_room_add_own(&room, &client_id, tt_slice_text("a")));
    assert_false(tt_chat_room_add_own(&room, &client_id, tt_slice_text("a")));
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(messages_stand_in_order_each_once),
        TEST(an_own_message_waits_at_the_end_until_it_is_sent),
        TEST(what_others_write_cannot_steer_the_terminal),
        TEST(cursors_only_grow),
        TEST(the_room_is_bounded),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
