#include "unit.h"

#include "base/base64url.h"
#include "edge/jwt_object.h"

static const char *const names[] = {"a", "b"};

static bool read_text(struct tt_slice text, struct tt_jwt_bytes *bytes, struct tt_json values[2])
{
    struct tt_buffer part = {0};
    tt_base64url_encode(text, &part);
    bool taken = tt_jwt_object_read(tt_buffer_slice(&part), bytes, names, 2, values);
    tt_buffer_deinit(&part);
    return taken;
}

static void reads_the_values_of_names(void **unused)
{
    (void)unused;
    struct tt_jwt_bytes bytes;
    struct tt_json values[2];
    assert_true(
        read_text(TT_SLICE_LITERAL("{\"c\":1,\"c\":2,\"\\u0062\":[\"x\"]}"), &bytes, values));
    assert_int_equal(values[0].kind, TT_JSON_ABSENT);
    assert_int_equal(values[1].kind, TT_JSON_ARRAY);
    assert_true(tt_slice_eq(values[1].text, TT_SLICE_LITERAL("[\"x\"]")));
    assert_true(read_text(TT_SLICE_LITERAL("{}"), &bytes, values));
    assert_int_equal(values[1].kind, TT_JSON_ABSENT);
}

static void refuses_what_is_no_object_or_repeats_a_name(void **unused)
{
    (void)unused;
    static const struct tt_slice texts[] = {
        {"", 0},
        {"[]", 2},
        {"{}x", 3},
        {"{}\0", 3},
        {"{\"a\":1,\"a\":1}", 13},
        {"{\"a\":null,\"\\u0061\":1}", 21},
        {"{\"z\":\"\xff\"}", 9},
    };
    struct tt_jwt_bytes bytes;
    struct tt_json values[2];
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        if (read_text(texts[i], &bytes, values))
            fail_msg("taken: %.*s", (int)texts[i].size, texts[i].data);
    assert_false(tt_jwt_object_read(TT_SLICE_LITERAL("e30="), &bytes, names, 2, values));
}

static void compares_what_a_string_stands_for(void **unused)
{
    (void)unused;
    const struct {
        const char *raw;
        const char *text;
        bool same;
    } cases[] = {
        {"abc", "abc", true},
        {"abc", "abd", false},
        {"abc", "ab", false},
        {"", "", true},
        {"", "a", false},
        {"a\\/b", "a/b", true},
        {"a\\/b", "a\\/b", false},
        {"a\\\\b", "a\\b", true},
        {"\\u0061", "a", true},
        {"\\ud800", "\xef\xbf\xbd", false},
        {"\\ufffd", "\xef\xbf\xbd", true},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tt_json value = {TT_JSON_STRING, tt_slice_text(cases[i].raw)};
        if (tt_jwt_text_is(value, tt_slice_text(cases[i].text)) != cases[i].same)
            fail_msg("%s and %s", cases[i].raw, cases[i].text);
    }
    assert_false(tt_jwt_text_is((struct tt_json){TT_JSON_ARRAY, tt_slice_text("abc")},
                                tt_slice_text("abc")));
    assert_false(tt_jwt_text_is((struct tt_json){TT_JSON_ABSENT, TT_SLICE_EMPTY}, TT_SLICE_EMPTY));
}

static void rounds_seconds_to_the_safe_side(void **unused)
{
    (void)unused;
    const struct {
        const char *text;
        bool good;
        int64_t down;
        int64_t up;
    } cases[] = {
        {"0", true, 0, 0},
        {"1705311730", true, 1705311730, 1705311730},
        {"1705311730.25", true, 1705311730, 1705311731},
        {"17053117302e-1", true, 1705311730, 1705311731},
        {"1e3", true, 1000, 1000},
        {"253402300799", true, 253402300799, 253402300799},
        {"253402300799.5", false, 0, 0},
        {"253402300800", false, 0, 0},
        {"1e400", false, 0, 0},
        {"-1", false, 0, 0},
        {"-0.5", false, 0, 0},
        {"1705311730.00000000000000000000000000000000000000000000000000001", true, 1705311730,
         1705311730},
        {"1705311730.000000000000000000000000000000000000000000000000000001", false, 0, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tt_json value = {TT_JSON_NUMBER, tt_slice_text(cases[i].text)};
        int64_t seconds;
        assert_int_equal(tt_jwt_seconds(value, false, &seconds), cases[i].good);
        assert_true(!cases[i].good || seconds == cases[i].down);
        assert_int_equal(tt_jwt_seconds(value, true, &seconds), cases[i].good);
        assert_true(!cases[i].good || seconds == cases[i].up);
    }
    int64_t seconds = 1;
    assert_true(tt_jwt_seconds((struct tt_json){TT_JSON_ABSENT, TT_SLICE_EMPTY}, true, &seconds));
    assert_int_equal(seconds, 0);
    assert_false(
        tt_jwt_seconds((struct tt_json){TT_JSON_STRING, tt_slice_text("1")}, true, &seconds));
    assert_false(
        tt_jwt_seconds((struct tt_json){TT_JSON_NULL, tt_slice_text("null")}, true, &seconds));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_the_values_of_names),
        cmocka_unit_test(refuses_what_is_no_object_or_repeats_a_name),
        cmocka_unit_test(compares_what_a_string_stands_for),
        cmocka_unit_test(rounds_seconds_to_the_safe_side),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
