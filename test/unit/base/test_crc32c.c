#include "unit.h"

#include "base/crc32c.h"

static void expect_crc(struct tt_slice bytes, uint32_t crc)
{
    assert_int_equal(tt_crc32c(0, bytes), crc);
    assert_int_equal(tt_crc32c_portable(0, bytes), crc);
}

/* RFC 3720, appendix B.4, and the usual check value. */
static void known_vectors(void **unused)
{
    (void)unused;
    char bytes[32];
    memset(bytes, 0, sizeof(bytes));
    expect_crc(tt_slice(bytes, sizeof(bytes)), 0x8a9136aa);
    memset(bytes, 0xff, sizeof(bytes));
    expect_crc(tt_slice(bytes, sizeof(bytes)), 0x62a8ab43);
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)i;
    expect_crc(tt_slice(bytes, sizeof(bytes)), 0x46dd794e);
    expect_crc(TT_SLICE_LITERAL("123456789"), 0xe3069283);
    expect_crc(TT_SLICE_EMPTY, 0);
}

static void pieces_make_the_whole(void **unused)
{
    (void)unused;
    const struct tt_slice whole = TT_SLICE_LITERAL("two ticks are true, and so is the blue one");
    for (size_t cut = 0; cut <= whole.size; cut++) {
        struct tt_slice head = tt_slice(whole.data, cut);
        struct tt_slice tail = tt_slice_from(whole, cut);
        assert_int_equal(tt_crc32c(tt_crc32c(0, head), tail), tt_crc32c(0, whole));
        assert_int_equal(tt_crc32c(0, head), tt_crc32c_portable(0, head));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_vectors),
        cmocka_unit_test(pieces_make_the_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
