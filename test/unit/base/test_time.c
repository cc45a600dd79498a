#include "unit.h"

#include "base/time.h"

static void expect_text(int64_t ms, const char *text)
{
    char got[TT_TIME_TEXT_SIZE + 1] = {0};
    tt_time_format(TT_TIME(ms), got);
    assert_string_equal(got, text);
}

static void formats_rfc_3339(void **unused)
{
    (void)unused;
    expect_text(0, "1970-01-01T00:00:00.000Z");
    expect_text(1705311720000, "2024-01-15T09:42:00.000Z");
    expect_text(951782400123, "2000-02-29T00:00:00.123Z");
    expect_text(-1, "1969-12-31T23:59:59.999Z");
    expect_text(INT64_MAX, "9999-12-31T23:59:59.999Z");
    expect_text(INT64_MIN, "0000-01-01T00:00:00.000Z");
}

/* Every day of 1,200 years, forth and back. */
static void reads_what_it_writes(void **unused)
{
    (void)unused;
    for (int64_t day = -200000; day < 240000; day++) {
        tt_time time = {day * 86400000 + day % 86400000};
        char text[TT_TIME_TEXT_SIZE];
        tt_time_format(time, text);
        tt_time read;
        expect_ok(tt_time_parse(tt_slice(text, sizeof(text)), &read));
        assert_int_equal(read.ms, time.ms);
    }
}

static void reads_offsets_and_decimals(void **unused)
{
    (void)unused;
    const struct {
        const char *text;
        int64_t ms;
    } cases[] = {
        {"2024-01-15T09:42:00Z", 1705311720000},
        {"2024-01-15t11:42:00.5+02:00", 1705311720500},
        {"2024-01-15T04:12:00.123456-05:30", 1705311720123},
        {"2016-12-31T23:59:60Z", 1483228800000},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        tt_time time;
        expect_ok(tt_time_parse(tt_slice_text(cases[i].text), &time));
        assert_int_equal(time.ms, cases[i].ms);
    }
}

static void refuses_what_is_no_time(void **unused)
{
    (void)unused;
    const char *cases[] = {
        "",
        "yesterday",
        "2024-01-15",
        "2024-01-15T09:42:00",
        "2024-13-15T09:42:00Z",
        "2023-02-29T09:42:00Z",
        "2024-01-15T24:00:00Z",
        "2024-01-15T09:42:00.Z",
        "2024-01-15T09:42:00Zx",
        "2024-01-15T09:42:00+24:00",
        "2024-01-15 09:42:00Z",
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        tt_time time;
        assert_int_equal(tt_time_parse(tt_slice_text(cases[i]), &time).code, TT_ERR_BAD_TIME);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(formats_rfc_3339),
        cmocka_unit_test(reads_what_it_writes),
        cmocka_unit_test(reads_offsets_and_decimals),
        cmocka_unit_test(refuses_what_is_no_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
