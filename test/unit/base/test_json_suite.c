/*
 * The cases of the public JSONTestSuite by their names there: y_ must be accepted, n_ refused; of
 * the i_ ones, which RFC 8259 leaves open, the table says what this reader does.
 */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"

#define ACCEPTED TT_ERR_OK
#define REFUSED  TT_ERR_NOT_JSON

/* Takes a literal with its length, so that it may hold NUL. */
#define CASE(name, lit, outcome)                                                                   \
    {                                                                                              \
        name, {"" lit, sizeof(lit) - 1}, outcome                                                   \
    }
#define Y(name, lit) CASE("y_" name, lit, ACCEPTED)
#define N(name, lit) CASE("n_" name, lit, REFUSED)
#define I(name, lit) CASE("i_" name, lit, ACCEPTED)

static const struct {
    const char *name;
    struct tt_slice text;
    enum tt_err_code outcome;
} cases[] = {
    Y("array_arraysWithSpaces", "[[]   ]"),
    Y("array_empty-string", "[\"\"]"),
    Y("array_empty", "[]"),
    Y("array_ending_with_newline", "[\"a\"]\n"),
    Y("array_false", "[false]"),
    Y("array_heterogeneous", "[null, 1, \"1\", {}]"),
    Y("array_null", "[null]"),
    Y("array_with_1_and_newline", "[1\n]"),
    Y("array_with_leading_space", " [1]"),
    Y("array_with_several_null", "[1,null,null,null,2]"),
    Y("array_with_trailing_space", "[2] "),
    Y("number", "[123e65]"),
    Y("number_0e+1", "[0e+1]"),
    Y("number_0e1", "[0e1]"),
    Y("number_after_space", "[ 4]"),
    Y("number_double_close_to_zero",
      "[-0.000000000000000000000000000000000000000000000000000000000000000000000000000001]\n"),
    Y("number_int_with_exp", "[20e1]"),
    Y("number_minus_zero", "[-0]"),
    Y("number_negative_int", "[-123]"),
    Y("number_negative_one", "[-1]"),
    Y("number_negative_zero", "[-0]"),
    Y("number_real_capital_e", "[1E22]"),
    Y("number_real_capital_e_neg_exp", "[1E-2]"),
    Y("number_real_capital_e_pos_exp", "[1E+2]"),
    Y("number_real_exponent", "[123e45]"),
    Y("number_real_fraction_exponent", "[123.456e78]"),
    Y("number_real_neg_exp", "[1e-2]"),
    Y("number_real_pos_exponent", "[1e+2]"),
    Y("number_simple_int", "[123]"),
    Y("number_simple_real", "[123.456789]"),
    Y("object", "{\"asd\":\"sdf\", \"dfg\":\"fgh\"}"),
    Y("object_basic", "{\"asd\":\"sdf\"}"),
    Y("object_duplicated_key", "{\"a\":\"b\",\"a\":\"c\"}"),
    Y("object_duplicated_key_and_value", "{\"a\":\"b\",\"a\":\"b\"}"),
    Y("object_empty", "{}"),
    Y("object_empty_key", "{\"\":0}"),
    Y("object_escaped_null_in_key", "{\"foo\\u0000bar\": 42}"),
    Y("object_extreme_numbers", "{ \"min\": -1.0e+28, \"max\": 1.0e+28 }"),
    Y("object_long_strings", "{\"x\":[{\"id\": \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"}], "
                             "\"id\": \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"}"),
    Y("object_simple", "{\"a\":[]}"),
    Y("object_string_unicode", "{\"title\":\"\\u041f\\u043e\\u043b\\u0442\\u043e\\u0440\" }"),
    Y("object_with_newlines", "{\n\"a\": \"b\"\n}"),
    Y("string_1_2_3_bytes_UTF-8_sequences", "[\"\\u0060\\u012a\\u12AB\"]"),
    Y("string_accepted_surrogate_pair", "[\"\\uD801\\udc37\"]"),
    Y("string_accepted_surrogate_pairs", "[\"\\ud83d\\ude39\\ud83d\\udc8d\"]"),
    Y("string_allowed_escapes", "[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"]"),
    Y("string_backslash_and_u_escaped_zero", "[\"\\\\u0000\"]"),
    Y("string_backslash_doublequotes", "[\"\\\"\"]"),
    Y("string_comments", "[\"a/*b*/c/*d//e\"]"),
    Y("string_double_escape_a", "[\"\\\\a\"]"),
    Y("string_double_escape_n", "[\"\\\\n\"]"),
    Y("string_escaped_control_character", "[\"\\u0012\"]"),
    Y("string_escaped_noncharacter", "[\"\\uFFFF\"]"),
    Y("string_in_array", "[\"asd\"]"),
    Y("string_in_array_with_leading_space", "[ \"asd\"]"),
    Y("string_last_surrogates_1_and_2", "[\"\\uDBFF\\uDFFF\"]"),
    Y("string_nbsp_uescaped", "[\"new\\u00A0line\"]"),
    Y("string_nonCharacterInUTF-8_U+10FFFF", "[\"\xf4\x8f\xbf\xbf\"]"),
    Y("string_nonCharacterInUTF-8_U+FFFF", "[\"\xef\xbf\xbf\"]"),
    Y("string_null_escape", "[\"\\u0000\"]"),
    Y("string_one-byte-utf-8", "[\"\\u002c\"]"),
    Y("string_pi", "[\"\xcf\x80\"]"),
    Y("string_reservedCharacterInUTF-8_U+1BFFF", "[\"\xf0\x9b\xbf\xbf\"]"),
    Y("string_simple_ascii", "[\"asd \"]"),
    Y("string_space", "\" \""),
    Y("string_surrogates_U+1D11E_MUSICAL_SYMBOL_G_CLEF", "[\"\\uD834\\uDd1e\"]"),
    Y("string_three-byte-utf-8", "[\"\\u0821\"]"),
    Y("string_two-byte-utf-8", "[\"\\u0123\"]"),
    Y("string_u+2028_line_sep", "[\"\xe2\x80\xa8\"]"),
    Y("string_u+2029_par_sep", "[\"\xe2\x80\xa9\"]"),
    Y("string_uEscape", "[\"\\u0061\\u30af\\u30EA\\u30b9\"]"),
    Y("string_uescaped_newline", "[\"new\\u000Aline\"]"),
    Y("string_unescaped_char_delete", "[\"\x7f\"]"),
    Y("string_unicode", "[\"\\uA66D\"]"),
    Y("string_unicodeEscapedBackslash", "[\"\\u005C\"]"),
    Y("string_unicode_2", "[\"\xe2\x8d\x82\xe3\x88\xb4\xe2\x8d\x82\"]"),
    Y("string_unicode_U+10FFFE_nonchar", "[\"\\uDBFF\\uDFFE\"]"),
    Y("string_unicode_U+1FFFE_nonchar", "[\"\\uD83F\\uDFFE\"]"),
    Y("string_unicode_U+200B_ZERO_WIDTH_SPACE", "[\"\\u200B\"]"),
    Y("string_unicode_U+2064_invisible_plus", "[\"\\u2064\"]"),
    Y("string_unicode_U+FDD0_nonchar", "[\"\\uFDD0\"]"),
    Y("string_unicode_U+FFFE_nonchar", "[\"\\uFFFE\"]"),
    Y("string_unicode_escaped_double_quote", "[\"\\u0022\"]"),
    Y("string_utf8", "[\"\xe2\x82\xac\xf0\x9d\x84\x9e\"]"),
    Y("string_with_del_character", "[\"a\x7f"
                                   "a\"]"),
    Y("structure_lonely_false", "false"),
    Y("structure_lonely_int", "42"),
    Y("structure_lonely_negative_real", "-0.1"),
    Y("structure_lonely_null", "null"),
    Y("structure_lonely_string", "\"asd\""),
    Y("structure_lonely_true", "true"),
    Y("structure_string_empty", "\"\""),
    Y("structure_trailing_newline", "[\"a\"]\n"),
    Y("structure_true_in_array", "[true]"),
    Y("structure_whitespace_array", " [] "),

    N("array_1_true_without_comma", "[1 true]"),
    N("array_a_invalid_utf8", "[a\xe5]"),
    N("array_colon_instead_of_comma", "[\"\": 1]"),
    N("array_comma_after_close", "[\"\"],"),
    N("array_comma_and_number", "[,1]"),
    N("array_double_comma", "[1,,2]"),
    N("array_double_extra_comma", "[\"x\",,]"),
    N("array_extra_close", "[\"x\"]]"),
    N("array_extra_comma", "[\"\",]"),
    N("array_incomplete", "[\"x\""),
    N("array_incomplete_invalid_value", "[x"),
    N("array_inner_array_no_comma", "[3[4]]"),
    N("array_invalid_utf8", "[\xff]"),
    N("array_items_separated_by_semicolon", "[1:2]"),
    N("array_just_comma", "[,]"),
    N("array_just_minus", "[-]"),
    N("array_missing_value", "[   , \"\"]"),
    N("array_newlines_unclosed", "[\"a\",\n4\n,1,"),
    N("array_number_and_comma", "[1,]"),
    N("array_number_and_several_commas", "[1,,]"),
    N("array_spaces_vertical_tab_formfeed", "[\"\va\"\\f]"),
    N("array_star_inside", "[*]"),
    N("array_unclosed", "[\"\""),
    N("array_unclosed_trailing_comma", "[1,"),
    N("array_unclosed_with_new_lines", "[1,\n1\n,1"),
    N("array_unclosed_with_object_inside", "[{}"),
    N("incomplete_false", "[fals]"),
    N("incomplete_null", "[nul]"),
    N("incomplete_true", "[tru]"),
    N("multidigit_number_then_00", "123\0"),
    N("number_++", "[++1234]"),
    N("number_+1", "[+1]"),
    N("number_+Inf", "[+Inf]"),
    N("number_-01", "[-01]"),
    N("number_-1.0.", "[-1.0.]"),
    N("number_-2.", "[-2.]"),
    N("number_-NaN", "[-NaN]"),
    N("number_.-1", "[.-1]"),
    N("number_.2e-3", "[.2e-3]"),
    N("number_0.1.2", "[0.1.2]"),
    N("number_0.3e+", "[0.3e+]"),
    N("number_0.3e", "[0.3e]"),
    N("number_0.e1", "[0.e1]"),
    N("number_0_capital_E+", "[0E+]"),
    N("number_0_capital_E", "[0E]"),
    N("number_0e+", "[0e+]"),
    N("number_0e", "[0e]"),
    N("number_1.0e+", "[1.0e+]"),
    N("number_1.0e-", "[1.0e-]"),
    N("number_1.0e", "[1.0e]"),
    N("number_1_000", "[1 000.0]"),
    N("number_1eE2", "[1eE2]"),
    N("number_2.e+3", "[2.e+3]"),
    N("number_2.e-3", "[2.e-3]"),
    N("number_2.e3", "[2.e3]"),
    N("number_9.e+", "[9.e+]"),
    N("number_Inf", "[Inf]"),
    N("number_NaN", "[NaN]"),
    N("number_U+FF11_fullwidth_digit_one", "[\xef\xbc\x91]"),
    N("number_expression", "[1+2]"),
    N("number_hex_1_digit", "[0x1]"),
    N("number_hex_2_digits", "[0x42]"),
    N("number_infinity", "[Infinity]"),
    N("number_invalid+-", "[0e+-1]"),
    N("number_invalid-negative-real", "[-123.123foo]"),
    N("number_invalid-utf-8-in-bigger-int", "[123\xe5]"),
    N("number_invalid-utf-8-in-exponent", "[1e1\xe5]"),
    N("number_invalid-utf-8-in-int", "[0\xe5]\n"),
    N("number_minus_infinity", "[-Infinity]"),
    N("number_minus_sign_with_trailing_garbage", "[-foo]"),
    N("number_minus_space_1", "[- 1]"),
    N("number_neg_int_starting_with_zero", "[-012]"),
    N("number_neg_real_without_int_part", "[-.123]"),
    N("number_neg_with_garbage_at_end", "[-1x]"),
    N("number_real_garbage_after_e", "[1ea]"),
    N("number_real_with_invalid_utf8_after_e", "[1e\xe5]"),
    N("number_real_without_fractional_part", "[1.]"),
    N("number_starting_with_dot", "[.123]"),
    N("number_with_alpha", "[1.2a-3]"),
    N("number_with_alpha_char", "[1.8011670033376514H-308]"),
    N("number_with_leading_zero", "[012]"),
    N("object_bad_value", "[\"x\", truth]"),
    N("object_bracket_key", "{[: \"x\"}\n"),
    N("object_comma_instead_of_colon", "{\"x\", null}"),
    N("object_double_colon", "{\"x\"::\"b\"}"),
    N("object_emoji", "{\xf0\x9f\x87\xa8\xf0\x9f\x87\xad}"),
    N("object_garbage_at_end", "{\"a\":\"a\" 123}"),
    N("object_key_with_single_quotes", "{key: 'value'}"),
    N("object_lone_continuation_byte_in_key_and_trailing_comma", "{\"\xb9\":\"0\",}"),
    N("object_missing_colon", "{\"a\" b}"),
    N("object_missing_key", "{:\"b\"}"),
    N("object_missing_semicolon", "{\"a\" \"b\"}"),
    N("object_missing_value", "{\"a\":"),
    N("object_no-colon", "{\"a\""),
    N("object_non_string_key", "{1:1}"),
    N("object_non_string_key_but_huge_number_instead", "{9999E9999:1}"),
    N("object_repeated_null_null", "{null:null,null:null}"),
    N("object_several_trailing_commas", "{\"id\":0,,,,,}"),
    N("object_single_quote", "{'a':0}"),
    N("object_trailing_comma", "{\"id\":0,}"),
    N("object_trailing_comment", "{\"a\":\"b\"}/**/"),
    N("object_trailing_comment_open", "{\"a\":\"b\"}/**//"),
    N("object_trailing_comment_slash_open", "{\"a\":\"b\"}//"),
    N("object_trailing_comment_slash_open_incomplete", "{\"a\":\"b\"}/"),
    N("object_two_commas_in_a_row", "{\"a\":\"b\",,\"c\":\"d\"}"),
    N("object_unquoted_key", "{a: \"b\"}"),
    N("object_unterminated-value", "{\"a\":\"a"),
    N("object_with_single_string", "{ \"foo\" : \"bar\", \"a\" }"),
    N("object_with_trailing_garbage", "{\"a\":\"b\"}#"),
    N("single_space", " "),
    N("string_1_surrogate_then_escape", "[\"\\uD800\\\"]"),
    N("string_1_surrogate_then_escape_u", "[\"\\uD800\\u\"]"),
    N("string_1_surrogate_then_escape_u1", "[\"\\uD800\\u1\"]"),
    N("string_1_surrogate_then_escape_u1x", "[\"\\uD800\\u1x\"]"),
    N("string_accentuated_char_no_quotes", "[\xc3\xa9]"),
    N("string_backslash_00", "[\"\\\0\"]"),
    N("string_escape_x", "[\"\\x00\"]"),
    N("string_escaped_backslash_bad", "[\"\\\\\\\"]"),
    N("string_escaped_ctrl_char_tab", "[\"\\\t\"]"),
    N("string_escaped_emoji", "[\"\\\xf0\x9f\x8c\x80\"]"),
    N("string_incomplete_escape", "[\"\\\"]"),
    N("string_incomplete_escaped_character", "[\"\\u00A\"]"),
    N("string_incomplete_surrogate", "[\"\\uD834\\uDd\"]"),
    N("string_incomplete_surrogate_escape_invalid", "[\"\\uD800\\uD800\\x\"]"),
    N("string_invalid-utf-8-in-escape", "[\"\\u\xe5\"]"),
    N("string_invalid_backslash_esc", "[\"\\a\"]"),
    N("string_invalid_unicode_escape", "[\"\\uqqqq\"]"),
    N("string_invalid_utf8_after_escape", "[\"\\\xe5\"]"),
    N("string_leading_uescaped_thinspace", "[\\u0020\"asd\"]"),
    N("string_no_quotes_with_bad_escape", "[\\n]"),
    N("string_single_doublequote", "\""),
    N("string_single_quote", "['single quote']"),
    N("string_single_string_no_double_quotes", "abc"),
    N("string_start_escape_unclosed", "[\"\\"),
    N("string_unescaped_ctrl_char", "[\"a\0a\"]"),
    N("string_unescaped_newline", "[\"new\nline\"]"),
    N("string_unescaped_tab", "[\"\t\"]"),
    N("string_unicode_CapitalU", "\"\\UA66D\""),
    N("string_with_trailing_garbage", "\"\"x"),
    N("structure_U+2060_word_joined", "[\xe2\x81\xa0]"),
    N("structure_UTF8_BOM_no_data", "\xef\xbb\xbf"),
    N("structure_angle_bracket_.", "<.>"),
    N("structure_angle_bracket_null", "[<null>]"),
    N("structure_array_trailing_garbage", "[1]x"),
    N("structure_array_with_extra_array_close", "[1]]"),
    N("structure_array_with_unclosed_string", "[\"asd]"),
    N("structure_ascii-unicode-identifier", "a\xc3\xa5"),
    N("structure_capitalized_True", "[True]"),
    N("structure_close_unopened_array", "1]"),
    N("structure_comma_instead_of_closing_brace", "{\"x\": true,"),
    N("structure_double_array", "[][]"),
    N("structure_end_array", "]"),
    N("structure_incomplete_UTF8_BOM", "\xef\xbb{}"),
    N("structure_lone-invalid-utf-8", "\xe5"),
    N("structure_lone-open-bracket", "["),
    N("structure_no_data", ""),
    N("structure_null-byte-outside-string", "[\0]"),
    N("structure_number_with_trailing_garbage", "2@"),
    N("structure_object_followed_by_closing_object", "{}}"),
    N("structure_object_unclosed_no_value", "{\"\":"),
    N("structure_object_with_comment", "{\"a\":/*comment*/\"b\"}"),
    N("structure_object_with_trailing_garbage", "{\"a\": true} \"x\""),
    N("structure_open_array_apostrophe", "['"),
    N("structure_open_array_comma", "[,"),
    N("structure_open_array_open_object", "[{"),
    N("structure_open_array_open_string", "[\"a"),
    N("structure_open_array_string", "[\"a\""),
    N("structure_open_object", "{"),
    N("structure_open_object_close_array", "{]"),
    N("structure_open_object_comma", "{,"),
    N("structure_open_object_open_array", "{["),
    N("structure_open_object_open_string", "{\"a"),
    N("structure_open_object_string_with_apostrophes", "{'a'"),
    N("structure_open_open", "[\"\\{[\"\\{[\"\\{[\"\\{"),
    N("structure_single_eacute", "\xe9"),
    N("structure_single_star", "*"),
    N("structure_trailing_#", "{\"a\":\"b\"}#{}"),
    N("structure_uescaped_LF_before_string", "[\\u000A\"\"]"),
    N("structure_unclosed_array", "[1"),
    N("structure_unclosed_array_partial_null", "[ false, nul"),
    N("structure_unclosed_array_unfinished_false", "[ true, fals"),
    N("structure_unclosed_array_unfinished_true", "[ false, tru"),
    N("structure_unclosed_object", "{\"asd\":\"asd\""),
    N("structure_unicode-identifier", "\xc3\xa5"),
    N("structure_whitespace_U+2060_word_joiner", "\xe2\x81\xa0"),
    N("structure_whitespace_formfeed", "[\f]"),

    I("number_double_huge_neg_exp", "[123.456e-789]"),
    I("number_huge_exp", "[0.4e00669999999999999999999999999999999999999999999999999999999969999]"),
    I("number_neg_int_huge_exp", "[-1e+9999]"),
    I("number_pos_double_huge_exp", "[1.5e+9999]"),
    I("number_real_neg_overflow", "[-123123e100000]"),
    I("number_real_pos_overflow", "[123123e100000]"),
    I("number_real_underflow", "[123e-10000000]"),
    I("number_too_big_neg_int", "[-123123123123123123123123123123]"),
    I("number_too_big_pos_int", "[100000000000000000000]"),
    I("number_very_big_negative_int", "[-237462374673276894279832749832423479823246327846]"),
    I("object_key_lone_2nd_surrogate", "{\"\\uDFAA\":0}"),
    I("string_1st_surrogate_but_2nd_missing", "[\"\\uDADA\"]"),
    I("string_1st_valid_surrogate_2nd_invalid", "[\"\\uD888\\u1234\"]"),
    I("string_incomplete_surrogate_and_escape_valid", "[\"\\uD800\\n\"]"),
    I("string_incomplete_surrogate_pair", "[\"\\uDd1ea\"]"),
    I("string_incomplete_surrogates_escape_valid", "[\"\\uD800\\uD800\\n\"]"),
    I("string_invalid_lonely_surrogate", "[\"\\ud800\"]"),
    I("string_invalid_surrogate", "[\"\\ud800abc\"]"),
    I("string_inverted_surrogates_U+1D11E", "[\"\\uDd1e\\uD834\"]"),
    I("string_lone_second_surrogate", "[\"\\uDFAA\"]"),
    CASE("i_string_UTF-16LE_with_BOM", "\xff\xfe[\0\"\0\xe9\0\"\0]\0", REFUSED),
    CASE("i_string_UTF-8_invalid_sequence", "[\"\xe6\x97\xa5\xd1\x88\xfa\"]", REFUSED),
    CASE("i_string_UTF8_surrogate_U+D800", "[\"\xed\xa0\x80\"]", REFUSED),
    CASE("i_string_invalid_utf-8", "[\"\xff\"]", REFUSED),
    CASE("i_string_iso_latin_1", "[\"\xe9\"]", REFUSED),
    CASE("i_string_lone_utf8_continuation_byte", "[\"\x81\"]", REFUSED),
    CASE("i_string_not_in_unicode_range", "[\"\xf4\xbf\xbf\xbf\"]", REFUSED),
    CASE("i_string_overlong_sequence_2_bytes", "[\"\xc0\xaf\"]", REFUSED),
    CASE("i_string_overlong_sequence_6_bytes", "[\"\xfc\x83\xbf\xbf\xbf\xbf\"]", REFUSED),
    CASE("i_string_overlong_sequence_6_bytes_null", "[\"\xfc\x80\x80\x80\x80\x80\"]", REFUSED),
    CASE("i_string_truncated-utf-8", "[\"\xe0\xff\"]", REFUSED),
    CASE("i_string_utf16BE_no_BOM", "\0[\0\"\0\xe9\0\"\0]", REFUSED),
    CASE("i_string_utf16LE_no_BOM", "[\0\"\0\xe9\0\"\0]\0", REFUSED),
    CASE("i_structure_UTF-8_BOM_empty_object", "\xef\xbb\xbf{}", REFUSED),
};

/* Each text lies at the very end of a block of its own, so that a sanitizer sees a read past it. */
static tt_err read_alone(struct tt_slice text, struct tt_json *value)
{
    char *copy = malloc(text.size == 0 ? 1 : text.size);
    assert_non_null(copy);
    memcpy(copy, text.data, text.size);
    tt_err err = tt_json_read(tt_slice(copy, text.size), value);
    free(copy);
    return err;
}

static void expect_outcome(const char *name, struct tt_slice text, enum tt_err_code outcome)
{
    struct tt_json value;
    tt_err err = read_alone(text, &value);
    if (!tt_err_is(err, outcome))
        fail_msg("%s: %s", name, tt_err_text(err));
}

static void decides_each_case(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        expect_outcome(cases[i].name, cases[i].text, cases[i].outcome);
}

/* The same cases as the value of a key, where they are valid or not just the same. */
static void decides_each_case_inside_of_an_object(void **unused)
{
    (void)unused;
    const char *keys[] = {"k"};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tt_buffer text = {0};
        tt_buffer_add_text(&text, "{\"k\":");
        tt_buffer_add(&text, cases[i].text);
        tt_buffer_add_text(&text, "}");
        struct tt_json value;
        tt_err err = tt_json_read_object(tt_buffer_slice(&text), keys, 1, &value);
        if (!tt_err_is(err, cases[i].outcome))
            fail_msg("%s: %s", cases[i].name, tt_err_text(err));
        tt_buffer_deinit(&text);
    }
}

static void refuses_every_beginning_of_an_array(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tt_slice text = cases[i].text;
        if (cases[i].outcome != ACCEPTED || text.data[0] != '[' || text.data[text.size - 1] != ']')
            continue;
        for (size_t size = 0; size < text.size; size++)
            expect_outcome(cases[i].name, tt_slice(text.data, size), REFUSED);
    }
}

/* n_structure_100000_opening_arrays, n_structure_open_array_object, i_structure_500_nested_arrays
 */
static void bounds_the_depth(void **unused)
{
    (void)unused;
    const struct {
        size_t count;
        const char *open;
        const char *middle;
        const char *close;
        enum tt_err_code outcome;
    } towers[] = {
        {TT_JSON_DEPTH_MAX, "[", "", "]", TT_ERR_OK},
        {TT_JSON_DEPTH_MAX, "{\"\":", "1", "}", TT_ERR_OK},
        {TT_JSON_DEPTH_MAX + 1, "[", "", "]", TT_ERR_TOO_DEEP},
        {TT_JSON_DEPTH_MAX + 1, "{\"\":", "1", "}", TT_ERR_TOO_DEEP},
        {500, "[", "", "]", TT_ERR_TOO_DEEP},
        {500, "[", "", "}", TT_ERR_NOT_JSON},
        {100000, "[", "", "", TT_ERR_NOT_JSON},
        {50000, "[{\"\":", "", "", TT_ERR_NOT_JSON},
        {100000, "[", "", "]", TT_ERR_TOO_DEEP},
        {300000, "[", "", "]", TT_ERR_TOO_DEEP},
    };
    for (size_t i = 0; i < sizeof(towers) / sizeof(towers[0]); i++) {
        struct tt_buffer text = {0};
        for (size_t n = 0; n < towers[i].count; n++)
            tt_buffer_add_text(&text, towers[i].open);
        tt_buffer_add_text(&text, towers[i].middle);
        for (size_t n = 0; n < towers[i].count; n++)
            tt_buffer_add_text(&text, towers[i].close);
        expect_outcome(towers[i].open, tt_buffer_slice(&text), towers[i].outcome);

        struct tt_json value;
        const char *keys[] = {"k"};
        tt_err err = tt_json_read_object(tt_buffer_slice(&text), keys, 1, &value);
        if (towers[i].open[0] == '{')
            assert_int_equal(err.code, towers[i].outcome);
        tt_buffer_deinit(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decides_each_case),
        cmocka_unit_test(decides_each_case_inside_of_an_object),
        cmocka_unit_test(refuses_every_beginning_of_an_array),
        cmocka_unit_test(bounds_the_depth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
