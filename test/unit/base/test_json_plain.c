#include "unit.h"

#include "base/json_plain.h"
#include "base/memory.h"

#define SIZE_MAX_HERE 70 /* more than four of the longest steps */

static size_t plain_size(const char *text, size_t size)
{
    size_t at = 0;
    while (at < size && (unsigned char)text[at] >= 0x20 && text[at] != '"' && text[at] != '\\')
        at++;
    return at;
}

/* Every byte at every place of every length: the same as one byte after the other. The text lies in
 * memory of its own, so that a sanitizer sees a look behind its end. */
static void finds_the_first_special_byte(void **unused)
{
    (void)unused;
    for (size_t size = 1; size <= SIZE_MAX_HERE; size++) {
        char *text = tt_alloc(size);
        memset(text, 'a', size);
        for (size_t at = 0; at < size; at++) {
            for (int byte = 0; byte < 256; byte++) {
                uint64_t not_ascii = 0;
                text[at] = (char)byte;
                const char *end = tt_json_plain_end(text, text + size, &not_ascii);
                assert_int_equal(end - text, plain_size(text, size));
                assert_int_equal(not_ascii != 0, byte >= 0x80);
            }
            text[at] = at % 3 == 0 ? '~' : 'a';
        }
        tt_free(text);
    }
}

/* What stands behind a special byte does not matter, and of two the first counts. */
static void the_first_of_two_counts(void **unused)
{
    (void)unused;
    static const char specials[] = {'"', '\\', 0x01, 0x1f};
    char text[SIZE_MAX_HERE];
    for (size_t first = 0; first < sizeof(text); first++) {
        for (size_t second = 0; second < sizeof(text); second++) {
            for (size_t i = 0; i < sizeof(specials); i++) {
                uint64_t not_ascii = 0;
                memset(text, 'x', sizeof(text));
                text[second] = specials[(i + 1) % sizeof(specials)];
                text[first] = specials[i];
                const char *end = tt_json_plain_end(text, text + sizeof(text), &not_ascii);
                assert_int_equal(end - text, plain_size(text, sizeof(text)));
            }
        }
    }
}

/* The step of eight bytes, which is not taken where there are steps of sixteen. */
static void eight_bytes_tell_their_first_special_one(void **unused)
{
    (void)unused;
    for (unsigned at = 0; at < 8; at++) {
        for (unsigned byte = 0; byte < 256; byte++) {
            uint64_t bytes = 0x6161616161616161ULL & ~(0xffULL << (8 * at));
            bytes |= (uint64_t)byte << (8 * at);
            bool is_special = byte < 0x20 || byte == '"' || byte == '\\';
            uint64_t found = tt_json_specials(bytes);
            assert_int_equal(found != 0, is_special);
            if (is_special)
                assert_int_equal(__builtin_ctzll(found) / 8, at);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_first_special_byte),
        cmocka_unit_test(the_first_of_two_counts),
        cmocka_unit_test(eight_bytes_tell_their_first_special_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
