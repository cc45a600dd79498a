#include "unit.h"

#include "base/utf8.h"

/* Decodes by arithmetic, independently of the automaton under test. */
static bool reference(const unsigned char *text, size_t size)
{
    for (size_t at = 0; at < size;) {
        static const uint32_t smallest[] = {0, 0x80, 0x800, 0x10000};
        size_t more = text[at] < 0x80           ? 0
                      : (text[at] >> 5) == 0x06 ? 1
                      : (text[at] >> 4) == 0x0e ? 2
                      : (text[at] >> 3) == 0x1e ? 3
                                                : 4;
        if (more == 4 || more >= size - at)
            return false;
        uint32_t code = more == 0 ? text[at] : text[at] & (0x3fu >> more);
        for (size_t i = 1; i <= more; i++) {
            if ((text[at + i] & 0xc0) != 0x80)
                return false;
            code = code << 6 | (text[at + i] & 0x3fu);
        }
        if (code < smallest[more] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
            return false;
        at += more + 1;
    }
    return true;
}

static bool in_two(const unsigned char *text, size_t size, size_t cut)
{
    struct tt_utf8 utf8 = {0};
    return tt_utf8_feed(&utf8, tt_slice(text, cut)) &&
           tt_utf8_feed(&utf8, tt_slice(text + cut, size - cut)) && tt_utf8_complete(&utf8);
}

static void check(const unsigned char *text, size_t size)
{
    bool expected = reference(text, size);
    if (tt_utf8_valid(tt_slice(text, size)) != expected)
        fail_msg("%02x %02x %02x %02x", text[0], text[1], text[2], text[3]);
    for (size_t cut = 1; cut < size; cut++)
        if (in_two(text, size, cut) != expected)
            fail_msg("cut at %zu: %02x %02x %02x %02x", cut, text[0], text[1], text[2], text[3]);
}

static void all_of_up_to_three_bytes_agree(void **unused)
{
    (void)unused;
    unsigned char text[4] = {0};
    check(text, 0);
    for (uint32_t all = 0; all < 1u << 24; all++) {
        text[0] = (unsigned char)all;
        text[1] = (unsigned char)(all >> 8);
        text[2] = (unsigned char)(all >> 16);
        if (all < 1u << 8)
            check(text, 1);
        if (all < 1u << 16)
            check(text, 2);
        check(text, 3);
    }
}

static void four_bytes_agree_at_all_boundaries(void **unused)
{
    (void)unused;
    static const unsigned char at[] = {0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f,
                                       0xa0, 0xbf, 0xc0, 0xc2, 0xe0, 0xf0, 0xff};
    size_t n = sizeof(at);
    for (unsigned lead = 0; lead < 256; lead++)
        for (size_t i = 0; i < n * n * n; i++) {
            unsigned char text[4] = {(unsigned char)lead, at[i % n], at[i / n % n], at[i / n / n]};
            check(text, 4);
        }
}

static void every_scalar_value_of_four_bytes_is_valid(void **unused)
{
    (void)unused;
    for (uint32_t code = 0x10000; code <= 0x10ffff; code++) {
        unsigned char text[4] = {
            (unsigned char)(0xf0 | code >> 18), (unsigned char)(0x80 | (code >> 12 & 0x3f)),
            (unsigned char)(0x80 | (code >> 6 & 0x3f)), (unsigned char)(0x80 | (code & 0x3f))};
        assert_true(tt_utf8_valid(tt_slice(text, 4)));
    }
}

static void a_hopeless_text_is_refused_at_once(void **unused)
{
    (void)unused;
    static const char *const hopeless[] = {"\x80",     "\xc0",     "\xc1",     "\xf5",    "\xff",
                                           "\xe0\x9f", "\xed\xa0", "\xf0\x8f", "\xf4\x90"};
    for (size_t i = 0; i < sizeof(hopeless) / sizeof(hopeless[0]); i++) {
        struct tt_utf8 utf8 = {0};
        assert_false(tt_utf8_feed(&utf8, tt_slice_text(hopeless[i])));
        assert_false(tt_utf8_feed(&utf8, TT_SLICE_LITERAL("a")));
    }
}

/* The run of ASCII is skipped in words: what ends it may lie at any place of a word. */
static void a_bad_byte_is_found_anywhere_in_ascii(void **unused)
{
    (void)unused;
    char text[40];
    for (size_t size = 1; size <= sizeof(text); size++)
        for (size_t bad = 0; bad < size; bad++) {
            memset(text, 'a', sizeof(text));
            assert_true(tt_utf8_valid(tt_slice(text, size)));
            text[bad] = (char)0xff;
            assert_false(tt_utf8_valid(tt_slice(text, size)));
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_of_up_to_three_bytes_agree),
        cmocka_unit_test(four_bytes_agree_at_all_boundaries),
        cmocka_unit_test(every_scalar_value_of_four_bytes_is_valid),
        cmocka_unit_test(a_hopeless_text_is_refused_at_once),
        cmocka_unit_test(a_bad_byte_is_found_anywhere_in_ascii),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
