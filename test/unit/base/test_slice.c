#include "unit.h"

#include "base/slice.h"

static void takes_parts_off_until_nothing_is_left(void **unused)
{
    (void)unused;
    struct tt_slice rest = TT_SLICE_LITERAL("a//bc");
    assert_true(tt_slice_eq(tt_slice_take_until(&rest, '/'), TT_SLICE_LITERAL("a")));
    assert_true(tt_slice_eq(rest, TT_SLICE_LITERAL("/bc")));
    assert_int_equal(tt_slice_take_until(&rest, '/').size, 0);
    assert_true(tt_slice_eq(rest, TT_SLICE_LITERAL("bc")));
    assert_true(tt_slice_eq(tt_slice_take_until(&rest, '/'), TT_SLICE_LITERAL("bc")));
    assert_int_equal(rest.size, 0);
    assert_int_equal(tt_slice_take_until(&rest, '/').size, 0);
}

/* Also of a slice that points nowhere. */
static void of_nothing_it_takes_nothing(void **unused)
{
    (void)unused;
    struct tt_slice rest = TT_SLICE_EMPTY;
    assert_int_equal(tt_slice_take_until(&rest, ' ').size, 0);
    assert_int_equal(rest.size, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_parts_off_until_nothing_is_left),
        cmocka_unit_test(of_nothing_it_takes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
