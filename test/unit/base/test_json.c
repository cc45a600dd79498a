#include "unit.h"

#include "base/json.h"
#include "base/json_writer.h"

#define expect_slice(slice, text) assert_true(tt_slice_eq((slice), tt_slice_text(text)))

static struct tt_json read_value(const char *text)
{
    struct tt_json value;
    expect_ok(tt_json_read(tt_slice_text(text), &value));
    return value;
}

static void hands_out_members_as_written(void **unused)
{
    (void)unused;
    const char *keys[] = {"type", "seq", "list", "nested", "yes", "no", "nil", "missing"};
    struct tt_json v[8];
    const char *text = " { \"type\" : \"a\\n\\u0041\" , \"unknown\":{\"type\":\"x\"},\"seq\":12 ,"
                       "\"list\":[1, [2]], \"nested\":{\"seq\":3},\"yes\":true,\"no\":false,"
                       "\"nil\":null } ";
    expect_ok(tt_json_read_object(tt_slice_text(text), keys, 8, v));
    assert_int_equal(v[0].kind, TT_JSON_STRING);
    expect_slice(v[0].text, "a\\n\\u0041");
    assert_int_equal(v[1].kind, TT_JSON_NUMBER);
    expect_slice(v[1].text, "12");
    assert_int_equal(v[2].kind, TT_JSON_ARRAY);
    expect_slice(v[2].text, "[1, [2]]");
    assert_int_equal(v[3].kind, TT_JSON_OBJECT);
    expect_slice(v[3].text, "{\"seq\":3}");
    assert_int_equal(v[4].kind, TT_JSON_TRUE);
    assert_int_equal(v[5].kind, TT_JSON_FALSE);
    assert_int_equal(v[6].kind, TT_JSON_NULL);
    assert_int_equal(v[7].kind, TT_JSON_ABSENT);
}

static void takes_the_last_of_equal_keys_however_written(void **unused)
{
    (void)unused;
    const char *keys[] = {"type"};
    struct tt_json value;
    expect_ok(tt_json_read_object(tt_slice_text("{\"type\":\"one\",\"t\\u0079pe\":\"two\"}"), keys,
                                  1, &value));
    expect_slice(value.text, "two");
    expect_ok(tt_json_read_object(tt_slice_text("{\"\\u0074ype\":1,\"type\":2}"), keys, 1, &value));
    expect_slice(value.text, "2");
    expect_ok(tt_json_read_object(tt_slice_text("{\"typ\":1,\"types\":2}"), keys, 1, &value));
    assert_int_equal(value.kind, TT_JSON_ABSENT);
}

static void tells_no_object_from_no_json(void **unused)
{
    (void)unused;
    const struct {
        const char *text;
        enum tt_err_code outcome;
    } cases[] = {
        {"{}", TT_ERR_OK},           {"[]", TT_ERR_NOT_OBJECT},     {"1", TT_ERR_NOT_OBJECT},
        {"null", TT_ERR_NOT_OBJECT}, {"\"{}\"", TT_ERR_NOT_OBJECT}, {"[", TT_ERR_NOT_JSON},
        {"", TT_ERR_NOT_JSON},       {"{", TT_ERR_NOT_JSON},        {"{\"a\":1,}", TT_ERR_NOT_JSON},
        {"{}{}", TT_ERR_NOT_JSON},   {"{\"a\":}", TT_ERR_NOT_JSON}, {"{,}", TT_ERR_NOT_JSON},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *keys[] = {"a"};
        struct tt_json value;
        tt_err err = tt_json_read_object(tt_slice_text(cases[i].text), keys, 1, &value);
        assert_int_equal(err.code, cases[i].outcome);
    }
}

static void iterates(void **unused)
{
    (void)unused;
    struct tt_json value;
    struct tt_slice key;

    struct tt_json_items items = tt_json_items(read_value("[ \"a\" ,{\"b\":[1,2]}, 3 ]"));
    assert_true(tt_json_next(&items, NULL, &value));
    expect_slice(value.text, "a");
    assert_true(tt_json_next(&items, NULL, &value));
    expect_slice(value.text, "{\"b\":[1,2]}");
    assert_true(tt_json_next(&items, NULL, &value));
    expect_slice(value.text, "3");
    assert_false(tt_json_next(&items, NULL, &value));

    items = tt_json_items(read_value("{ \"a\" : 1, \"b\":\"}\" }"));
    assert_true(tt_json_next(&items, &key, &value));
    expect_slice(key, "a");
    assert_true(tt_json_next(&items, &key, &value));
    expect_slice(key, "b");
    expect_slice(value.text, "}");
    assert_false(tt_json_next(&items, &key, &value));

    items = tt_json_items(read_value("[ ]"));
    assert_false(tt_json_next(&items, NULL, &value));
    items = tt_json_items(read_value("{}"));
    assert_false(tt_json_next(&items, &key, &value));
}

static void decodes_strings(void **unused)
{
    (void)unused;
    const struct {
        const char *raw;
        struct tt_slice text;
        bool whole;
    } cases[] = {
        {"", TT_SLICE_LITERAL(""), true},
        {"plain \xc3\xa9", TT_SLICE_LITERAL("plain \xc3\xa9"), true},
        {"\\u0000", TT_SLICE_LITERAL("\0"), true},
        {"a\\\"\\\\\\/\\b\\f\\n\\r\\tz", TT_SLICE_LITERAL("a\"\\/\b\f\n\r\tz"), true},
        {"\\u00e9\\u20AC\\u007f\\u0080", TT_SLICE_LITERAL("\xc3\xa9\xe2\x82\xac\x7f\xc2\x80"),
         true},
        {"\\uD83D\\uDE00", TT_SLICE_LITERAL("\xf0\x9f\x98\x80"), true},
        {"\\uDBFF\\uDFFF", TT_SLICE_LITERAL("\xf4\x8f\xbf\xbf"), true},
        {"\\uFFFF\\u0800\\u07ff", TT_SLICE_LITERAL("\xef\xbf\xbf\xe0\xa0\x80\xdf\xbf"), true},
        {"\\ud800", TT_SLICE_LITERAL("\xef\xbf\xbd"), false},
        {"\\udc00x", TT_SLICE_LITERAL("\xef\xbf\xbdx"), false},
        {"\\ud800\\n", TT_SLICE_LITERAL("\xef\xbf\xbd\n"), false},
        {"\\ud800\\ud800\\udc00", TT_SLICE_LITERAL("\xef\xbf\xbd\xf0\x90\x80\x80"), false},
        {"\\udc00\\ud800", TT_SLICE_LITERAL("\xef\xbf\xbd\xef\xbf\xbd"), false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tt_buffer out = {0};
        size_t size;
        assert_int_equal(tt_json_measure(tt_slice_text(cases[i].raw), &size), cases[i].whole);
        assert_int_equal(size, cases[i].text.size);
        tt_json_unescape(tt_slice_text(cases[i].raw), &out);
        assert_true(tt_slice_eq(tt_buffer_slice(&out), cases[i].text));
        tt_buffer_deinit(&out);
    }
}

static void reads_seqs_exactly(void **unused)
{
    (void)unused;
    const struct {
        const char *text;
        enum tt_err_code outcome;
        uint64_t n;
    } cases[] = {
        {"1", TT_ERR_OK, 1},
        {"9007199254740991", TT_ERR_OK, TT_SEQ_MAX},
        {"9007199254740992", TT_ERR_BAD_SEQ, 0},
        {"18446744073709551616", TT_ERR_BAD_SEQ, 0},
        {"18446744073709551617", TT_ERR_BAD_SEQ, 0},
        {"100000000000000000000000000000000000000000", TT_ERR_BAD_SEQ, 0},
        {"0", TT_ERR_BAD_SEQ, 0},
        {"-0", TT_ERR_BAD_SEQ, 0},
        {"-1", TT_ERR_BAD_SEQ, 0},
        {"1.0", TT_ERR_BAD_SEQ, 0},
        {"1.5", TT_ERR_BAD_SEQ, 0},
        {"1e0", TT_ERR_BAD_SEQ, 0},
        {"\"1\"", TT_ERR_BAD_TYPE, 0},
        {"null", TT_ERR_BAD_TYPE, 0},
        {"true", TT_ERR_BAD_TYPE, 0},
        {"[1]", TT_ERR_BAD_TYPE, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        tt_seq seq = {0};
        assert_int_equal(tt_json_get_seq(read_value(cases[i].text), &seq).code, cases[i].outcome);
        assert_int_equal(seq.n, cases[i].n);
    }
    tt_seq seq;
    uint64_t number;
    assert_int_equal(tt_json_get_seq((struct tt_json){0}, &seq).code, TT_ERR_KEY_MISSING);
    assert_int_equal(tt_json_get_u64(read_value("8"), 7, &number).code, TT_ERR_INVALID);
    assert_int_equal(tt_json_get_u64(read_value("10"), 7, &number).code, TT_ERR_INVALID);
    expect_ok(tt_json_get_u64(read_value("7"), 7, &number));
    expect_ok(tt_json_get_u64(read_value("18446744073709551615"), UINT64_MAX, &number));
    assert_true(number == UINT64_MAX);
}

static void reads_ids_times_and_truths(void **unused)
{
    (void)unused;
    tt_id id;
    tt_time time;
    bool truth;
    expect_ok(tt_json_get_id(read_value("\"\\u0061lice@example.com\""), &id));
    expect_slice(tt_id_slice(&id), "alice@example.com");
    assert_int_equal(tt_json_get_id(read_value("\"\""), &id).code, TT_ERR_BAD_ID);
    assert_int_equal(tt_json_get_id(read_value("\"a b\""), &id).code, TT_ERR_BAD_ID);
    assert_int_equal(tt_json_get_id(read_value("\"\\ud800\""), &id).code, TT_ERR_BAD_ID);
    assert_int_equal(tt_json_get_id(read_value("7"), &id).code, TT_ERR_BAD_TYPE);
    assert_int_equal(tt_json_get_id(read_value("\"a23456789b123456789c123456789d123456789e12345"
                                               "6789f123456789g1234\""),
                                    &id)
                         .code,
                     TT_ERR_OK);
    assert_int_equal(tt_json_get_id(read_value("\"a23456789b123456789c123456789d123456789e12345"
                                               "6789f123456789g12345\""),
                                    &id)
                         .code,
                     TT_ERR_BAD_ID);
    expect_ok(tt_json_get_time(read_value("\"1970-01-01T00:00:01Z\""), &time));
    assert_int_equal(time.ms, 1000);
    assert_int_equal(tt_json_get_time(read_value("\"soon\""), &time).code, TT_ERR_BAD_TIME);
    expect_ok(tt_json_get_bool(read_value("true"), &truth));
    assert_true(truth);
    assert_int_equal(tt_json_get_bool(read_value("\"true\""), &truth).code, TT_ERR_BAD_TYPE);
    assert_int_equal(tt_json_get_bool((struct tt_json){0}, &truth).code, TT_ERR_KEY_MISSING);
}

static void writes_what_it_reads(void **unused)
{
    (void)unused;
    struct tt_buffer out = {0};
    struct tt_json_writer json = {.out = &out};
    tt_id alice = tt_id_of("alice");
    tt_id none = {0};
    tt_json_begin_object(&json, NULL);
    tt_json_put_text(&json, "a", "x\"\\\b\t\n\f\r\x01\x1f\x7f\v\xc3\xa9");
    tt_json_begin_array(&json, "list");
    tt_json_begin_object(&json, NULL);
    tt_json_end_object(&json);
    tt_json_put_u64(&json, NULL, 0);
    tt_json_put_bool(&json, NULL, true);
    tt_json_put_null(&json, NULL);
    tt_json_end_array(&json);
    tt_json_put_key(&json, tt_id_slice(&alice), "_status");
    tt_json_begin_object(&json, NULL);
    tt_json_put_bool(&json, "online", false);
    tt_json_end_object(&json);
    tt_json_put_raw(&json, "raw", tt_slice_text("\\ud83d\\ude00"));
    tt_json_put_raw(&json, "empty", TT_SLICE_EMPTY);
    tt_json_put_id(&json, "id", &alice);
    tt_json_put_id(&json, "none", &none);
    tt_json_put_seq(&json, "seq", TT_SEQ(TT_SEQ_MAX));
    tt_json_put_time(&json, "at", TT_TIME(1705311720000));
    tt_json_put_time(&json, "never", TT_TIME(0));
    tt_json_end_object(&json);

    tt_buffer_add_byte(&out, '\0');
    assert_string_equal(
        out.data,
        "{\"a\":\"x\\\"\\\\\\b\\t\\n\\f\\r\\u0001\\u001f\x7f\\u000b\xc3\xa9\",\"list\":[{},0,true,"
        "null],\"alice_status\":{\"online\":false},\"raw\":\"\\ud83d\\ude00\",\"empty\":\"\","
        "\"id\":\"alice\",\"none\":null,\"seq\":9007199254740991,"
        "\"at\":\"2024-01-15T09:42:00.000Z\",\"never\":null}");
    struct tt_json value;
    expect_ok(tt_json_read(tt_slice(out.data, out.size - 1), &value));
    tt_buffer_deinit(&out);
}

/* Every text of every byte comes back from the writer as it went in. */
static void escapes_every_byte(void **unused)
{
    (void)unused;
    for (int byte = 0; byte < 0x80; byte++) {
        struct tt_buffer out = {0};
        struct tt_buffer back = {0};
        struct tt_json_writer json = {.out = &out};
        const char text[] = {'a', (char)byte, 'z'};
        tt_json_put_string(&json, NULL, tt_slice(text, sizeof(text)));
        struct tt_json value;
        expect_ok(tt_json_read(tt_buffer_slice(&out), &value));
        tt_json_unescape(value.text, &back);
        assert_true(tt_slice_eq(tt_buffer_slice(&back), tt_slice(text, sizeof(text))));
        tt_buffer_deinit(&out);
        tt_buffer_deinit(&back);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hands_out_members_as_written),
        cmocka_unit_test(takes_the_last_of_equal_keys_however_written),
        cmocka_unit_test(tells_no_object_from_no_json),
        cmocka_unit_test(iterates),
        cmocka_unit_test(decodes_strings),
        cmocka_unit_test(reads_seqs_exactly),
        cmocka_unit_test(reads_ids_times_and_truths),
        cmocka_unit_test(writes_what_it_reads),
        cmocka_unit_test(escapes_every_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
