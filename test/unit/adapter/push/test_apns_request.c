#include "unit.h"

#include "adapter/push/apns_request.h"
#include "adapter/push/push_text.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/utf8.h"
#include "notification_of.h"

static void expect_payload(const struct tt_notification *notification, const char *wanted)
{
    struct tt_buffer payload = {0};
    tt_apns_payload(notification, &payload);
    tt_buffer_add_byte(&payload, '\0');
    assert_string_equal(payload.data, wanted);
    tt_buffer_deinit(&payload);
}

static void test_alert(void **state)
{
    (void)state;
    struct tt_notification ring = ring_of("hey\\n\\u00e9");
    expect_payload(
        &ring, "{\"aps\":{\"alert\":{\"title\":\"Alice \\\"A\\\"\",\"body\":\"hey\\n\xc3\xa9\"},"
               "\"sound\":\"default\",\"badge\":2,\"thread-id\":\"conv_abc123\","
               "\"mutable-content\":1},\"conversation_id\":\"conv_abc123\",\"seq\":43}");
}

/* Without a preview the text stays on the server; without a name there is the id. */
static void test_without_preview_and_name(void **state)
{
    (void)state;
    struct tt_notification ring = ring_of("");
    ring.sender_name = TT_SLICE_EMPTY;
    expect_payload(&ring, "{\"aps\":{\"alert\":{\"title\":\"alice\",\"body\":\"New message\"},"
                          "\"sound\":\"default\",\"badge\":2,\"thread-id\":\"conv_abc123\","
                          "\"mutable-content\":1},\"conversation_id\":\"conv_abc123\",\"seq\":43}");
}

static void test_title_of_a_group(void **state)
{
    (void)state;
    struct tt_notification ring = ring_of("hey");
    ring.title = TT_SLICE_LITERAL("The \\\"team\\\"");
    expect_payload(&ring, "{\"aps\":{\"alert\":{\"title\":\"Alice \\\"A\\\" \xc2\xb7 The "
                          "\\\"team\\\"\",\"body\":\"hey\"},\"sound\":\"default\",\"badge\":2,"
                          "\"thread-id\":\"conv_abc123\",\"mutable-content\":1},"
                          "\"conversation_id\":\"conv_abc123\",\"seq\":43}");
}

/* Apple's rule for background: content-available, and neither alert nor badge nor sound. */
static void test_clear_is_silent(void **state)
{
    (void)state;
    struct tt_notification clear = clear_of();
    expect_payload(&clear, "{\"aps\":{\"content-available\":1},\"type\":\"read_sync\","
                           "\"conversation_id\":\"conv_abc123\",\"last_read_seq\":43}");
}

static void expect_fits(struct tt_slice unit, size_t count, const char *name)
{
    struct tt_buffer raw = {0};
    for (size_t i = 0; i < count; i++)
        tt_buffer_add(&raw, unit);
    struct tt_notification ring = ring_of("");
    ring.content = tt_buffer_slice(&raw);
    ring.sender_name = name == NULL ? ring.content : tt_slice_text(name);
    struct tt_buffer payload = {0};
    struct tt_json value;
    tt_apns_payload(&ring, &payload);
    assert_in_range(payload.size, TT_APNS_PAYLOAD_SIZE_MAX - 16, TT_APNS_PAYLOAD_SIZE_MAX);
    assert_true(tt_utf8_valid(tt_buffer_slice(&payload)));
    expect_ok(tt_json_read(tt_buffer_slice(&payload), &value));
    assert_non_null(memmem(payload.data, payload.size, "\xe2\x80\xa6\"", 4));
    tt_buffer_deinit(&payload);
    tt_buffer_deinit(&raw);
}

/* 4096 bytes at most, cut between characters, whatever the text is made of and however long the
 * name is. */
static void test_long_text_is_cut_at_a_character(void **state)
{
    (void)state;
    for (size_t name = 0; name < 8; name++) {
        const char *names[] = {"a", "aa", "aaa", "aaaa", "aaaaa", "aaaaaa", "aaaaaaa", NULL};
        expect_fits(TT_SLICE_LITERAL("x"), 65536, names[name]);
        expect_fits(TT_SLICE_LITERAL("\xf0\x9f\x98\x80"), 16384, names[name]);
        expect_fits(TT_SLICE_LITERAL("\\ud83d\\ude00"), 16384, names[name]);
        expect_fits(TT_SLICE_LITERAL("\\u0000"), 65536, names[name]);
        expect_fits(TT_SLICE_LITERAL("\\\""), 65536, names[name]);
    }
}

static void test_cut(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t size_max;
        const char *wanted;
    } cases[] = {
        {"hello", 5, "hello"},
        {"hello", 4, "h\xe2\x80\xa6"},
        {"h\xc3\xa9llo", 5, "h\xe2\x80\xa6"},
        {"h\xc3\xa9llo", 6, "h\xc3\xa9llo"},
        {"\"\"\"", 5, "\"\xe2\x80\xa6"},
        {"hello", 2, ""},
        {"\xf0\x9f\x98\x80\xf0\x9f\x98\x80", 7, "\xf0\x9f\x98\x80\xe2\x80\xa6"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tt_buffer text = {0};
        tt_buffer_add_text(&text, cases[i].text);
        tt_push_text_cut(&text, cases[i].size_max);
        tt_buffer_add_byte(&text, '\0');
        assert_string_equal(text.data, cases[i].wanted);
        tt_buffer_deinit(&text);
    }
}

static void test_answers(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *body;
        enum tt_apns_verdict verdict;
        const char *reason;
        int64_t dead_since;
    } cases[] = {
        {200, "", TT_APNS_ACCEPTED, "", 0},
        {400, "{\"reason\":\"BadDeviceToken\"}", TT_APNS_DEAD, "BadDeviceToken", 0},
        {400, "{\"reason\":\"DeviceTokenNotForTopic\"}", TT_APNS_DEAD, "DeviceTokenNotForTopic", 0},
        {400, "{\"reason\":\"BadCollapseId\"}", TT_APNS_DROP, "BadCollapseId", 0},
        {400, "{\"reason\":\"TopicDisallowed\"}", TT_APNS_CONFIGURATION, "TopicDisallowed", 0},
        {403, "{\"reason\":\"ExpiredProviderToken\"}", TT_APNS_TOKEN_EXPIRED,
         "ExpiredProviderToken", 0},
        {403, "{\"reason\":\"InvalidProviderToken\"}", TT_APNS_CONFIGURATION,
         "InvalidProviderToken", 0},
        {410, "{\"reason\":\"Unregistered\",\"timestamp\":1700000000123}", TT_APNS_DEAD,
         "Unregistered", 1700000000123},
        {410, "{\"reason\":\"ExpiredToken\"}", TT_APNS_DEAD, "ExpiredToken", 0},
        {413, "{\"reason\":\"PayloadTooLarge\"}", TT_APNS_DROP, "PayloadTooLarge", 0},
        {429, "{\"reason\":\"TooManyRequests\"}", TT_APNS_LATER, "TooManyRequests", 0},
        {429, "{\"reason\":\"TooManyProviderTokenUpdates\"}", TT_APNS_LATER,
         "TooManyProviderTokenUpdates", 0},
        {500, "{\"reason\":\"InternalServerError\"}", TT_APNS_LATER, "InternalServerError", 0},
        {503, "<html>", TT_APNS_LATER, "no reason given", 0},
        {418, "", TT_APNS_DROP, "no reason given", 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tt_apns_answer answer =
            tt_apns_understand(cases[i].status, tt_slice_text(cases[i].body));
        assert_int_equal(answer.verdict, cases[i].verdict);
        assert_true(tt_slice_eq(answer.reason, tt_slice_text(cases[i].reason)));
        assert_int_equal(answer.dead_since.ms, cases[i].dead_since);
    }
}

static void test_tokens(void **state)
{
    (void)state;
    assert_true(tt_apns_token_is_valid(tt_slice_text("00aBfF")));
    assert_false(tt_apns_token_is_valid(tt_slice_text("")));
    assert_false(tt_apns_token_is_valid(tt_slice_text("00a")));
    assert_false(tt_apns_token_is_valid(tt_slice_text("../x")));
    char longest[TT_APNS_TOKEN_HEX_MAX + 2];
    memset(longest, 'a', sizeof(longest));
    assert_true(tt_apns_token_is_valid(tt_slice(longest, TT_APNS_TOKEN_HEX_MAX)));
    assert_false(tt_apns_token_is_valid(tt_slice(longest, sizeof(longest))));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alert),
        cmocka_unit_test(test_without_preview_and_name),
        cmocka_unit_test(test_title_of_a_group),
        cmocka_unit_test(test_clear_is_silent),
        cmocka_unit_test(test_long_text_is_cut_at_a_character),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_tokens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
