#include "unit.h"

#include "base/id.h"

/* Every single byte, and every length around the limit. */
static void takes_exactly_the_bytes_of_the_protocol(void **unused)
{
    (void)unused;
    const char *allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.:@";
    for (int byte = 0; byte < 256; byte++) {
        char text = (char)byte;
        tt_id id;
        bool is_allowed = byte != 0 && strchr(allowed, byte) != NULL;
        assert_int_equal(tt_is_ok(tt_id_parse(tt_slice(&text, 1), &id)), is_allowed);
    }
    char text[TT_ID_SIZE_MAX + 2];
    memset(text, 'x', sizeof(text));
    for (size_t size = 0; size < sizeof(text); size++) {
        tt_id id;
        bool fits = size >= 1 && size <= TT_ID_SIZE_MAX;
        assert_int_equal(tt_is_ok(tt_id_parse(tt_slice(text, size), &id)), fits);
        if (fits)
            assert_true(tt_slice_eq(tt_id_slice(&id), tt_slice(text, size)));
    }
}

/* Neighbours of the allowed ranges, at every place of every length. */
static void one_byte_anywhere_spoils_it(void **unused)
{
    (void)unused;
    static const char bytes[] = {',', '/', ';', '?', '[', '^', '`', '{', '\0', ' ', (char)0xe9};
    char text[TT_ID_SIZE_MAX];
    memset(text, 'Z', sizeof(text));
    for (size_t size = 1; size <= sizeof(text); size++) {
        for (size_t at = 0; at < size; at++) {
            tt_id id = tt_id_of("kept");
            for (size_t i = 0; i < sizeof(bytes); i++) {
                text[at] = bytes[i];
                assert_true(tt_err_is(tt_id_parse(tt_slice(text, size), &id), TT_ERR_BAD_ID));
            }
            assert_true(tt_slice_eq(tt_id_slice(&id), TT_SLICE_LITERAL("kept")));
            text[at] = 'Z';
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_exactly_the_bytes_of_the_protocol),
        cmocka_unit_test(one_byte_anywhere_spoils_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
