#include "unit.h"

#include "base/log.h"

struct captured {
    char line[2048];
    size_t lines;
};

static tt_time noon(void *context)
{
    (void)context;
    return TT_TIME(1705311720000);
}

static void capture(void *context, struct tt_slice line)
{
    struct captured *captured = context;
    assert_true(line.size < sizeof(captured->line));
    memcpy(captured->line, line.data, line.size);
    captured->line[line.size] = '\0';
    captured->lines++;
}

static struct tt_log log_to(struct captured *captured, enum tt_log_format format)
{
    *captured = (struct captured){.lines = 0};
    return (struct tt_log){TT_LOG_INFO, format, noon, capture, captured};
}

static void text_has_key_and_value(void **unused)
{
    (void)unused;
    struct captured captured;
    struct tt_log log = log_to(&captured, TT_LOG_TEXT);
    TT_LOG(&log, WARN, "disk low", tt_log_number("free_bytes", 42), tt_log_text("dir", "a b"),
           tt_log_text("id", "x-1"));
    assert_string_equal(captured.line,
                        "at=2024-01-15T09:42:00.000Z level=warn event=\"disk low\" free_bytes=42 "
                        "dir=\"a b\" id=x-1\n");
}

static void json_is_one_object(void **unused)
{
    (void)unused;
    struct captured captured;
    struct tt_log log = log_to(&captured, TT_LOG_JSON);
    TT_LOG(&log, INFO, "started", tt_log_number("nodes", 2), tt_log_text("q", "\""));
    assert_string_equal(captured.line, "{\"at\":\"2024-01-15T09:42:00.000Z\",\"level\":\"info\","
                                       "\"event\":\"started\",\"nodes\":2,\"q\":\"\\\"\"}\n");
}

static void no_value_can_look_like_another_line_or_field(void **unused)
{
    (void)unused;
    struct captured captured;
    struct tt_log log = log_to(&captured, TT_LOG_TEXT);
    TT_LOG(&log, INFO, "x", tt_log_text("v", "a\nlevel=error"), tt_log_text("w", "k=v"),
           tt_log_text("esc", "\x1b[2J\xff"), tt_log_text("empty", ""));
    assert_string_equal(captured.line,
                        "at=2024-01-15T09:42:00.000Z level=info event=x "
                        "v=\"a\\u000alevel=error\" w=\"k=v\" esc=\"\\u001b[2J\\u00ff\" "
                        "empty=\"\"\n");
}

static void quiet_levels_are_not_written(void **unused)
{
    (void)unused;
    struct captured captured;
    struct tt_log log = log_to(&captured, TT_LOG_TEXT);
    TT_LOG(&log, DEBUG, "x");
    assert_int_equal(captured.lines, 0);
    TT_LOG(&log, ERROR, "x");
    assert_int_equal(captured.lines, 1);
}

static void long_values_are_cut(void **unused)
{
    (void)unused;
    struct captured captured;
    struct tt_log log = log_to(&captured, TT_LOG_TEXT);
    char value[TT_LOG_VALUE_BYTES_MAX + 2];
    memset(value, 'a', sizeof(value) - 1);
    value[sizeof(value) - 1] = '\0';
    TT_LOG(&log, INFO, "x", tt_log_text("v", value));
    assert_non_null(strstr(captured.line, "aaa...\"\n"));
    assert_true(strlen(captured.line) < TT_LOG_VALUE_BYTES_MAX + 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_has_key_and_value),
        cmocka_unit_test(json_is_one_object),
        cmocka_unit_test(no_value_can_look_like_another_line_or_field),
        cmocka_unit_test(quiet_levels_are_not_written),
        cmocka_unit_test(long_values_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
