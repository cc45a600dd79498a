#include "unit.h"

#include "edge/url.h"

static void splits_paths(void **unused)
{
    (void)unused;
    struct tt_slice path = TT_SLICE_LITERAL("/a//b/");
    const char *wanted[] = {"a", "", "b", ""};
    struct tt_slice segment;
    for (size_t i = 0; i < 4; i++) {
        assert_true(tt_url_next_segment(&path, &segment));
        assert_true(tt_slice_eq(segment, tt_slice_text(wanted[i])));
    }
    assert_false(tt_url_next_segment(&path, &segment));
    path = TT_SLICE_LITERAL("*");
    assert_false(tt_url_next_segment(&path, &segment));
}

static void decodes_strictly(void **unused)
{
    (void)unused;
    const struct {
        const char *text;
        const char *bytes; /* NULL: refused */
    } cases[] = {
        {"", ""},         {"plain", "plain"}, {"a%3Ab", "a:b"}, {"a%3ab", "a:b"},    {"a+b", "a+b"},
        {"%41%42", "AB"}, {"%", NULL},        {"%4", NULL},     {"%4g", NULL},       {"%g4", NULL},
        {"a%", NULL},     {"%%41", NULL},     {"%2", NULL},     {"123456789", NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char bytes[8];
        size_t size;
        bool decoded = tt_url_decode(tt_slice_text(cases[i].text), bytes, sizeof(bytes), &size);
        assert_int_equal(decoded, cases[i].bytes != NULL);
        if (decoded)
            assert_true(tt_slice_eq(tt_slice(bytes, size), tt_slice_text(cases[i].bytes)));
    }
}

static void finds_parameters(void **unused)
{
    (void)unused;
    const struct {
        const char *query;
        enum tt_err_code outcome;
        bool found;
        const char *value;
    } cases[] = {
        {"", TT_ERR_OK, false, ""},
        {"a=1", TT_ERR_OK, true, "1"},
        {"b=2&a=1&c", TT_ERR_OK, true, "1"},
        {"a", TT_ERR_OK, true, ""},
        {"a=", TT_ERR_OK, true, ""},
        {"aa=1&A=2", TT_ERR_OK, false, ""},
        {"a=x%26y=z", TT_ERR_OK, true, "x&y=z"},
        {"a=1+2", TT_ERR_OK, true, "1+2"},
        {"a=1&a=1", TT_ERR_BAD_QUERY, true, "1"},
        {"a=%zz", TT_ERR_BAD_QUERY, true, ""},
        {"b=%zz&&a=1", TT_ERR_OK, true, "1"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tt_arena arena = {0};
        bool found;
        struct tt_slice value;
        tt_err err = tt_url_parameter(tt_slice_text(cases[i].query), "a", &arena, &found, &value);
        assert_int_equal(err.code, cases[i].outcome);
        assert_int_equal(found, cases[i].found);
        if (tt_is_ok(err))
            assert_true(tt_slice_eq(value, tt_slice_text(cases[i].value)));
        tt_arena_deinit(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(splits_paths),
        cmocka_unit_test(decodes_strictly),
        cmocka_unit_test(finds_parameters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
