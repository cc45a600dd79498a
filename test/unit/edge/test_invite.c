#include "unit.h"

#include "edge/invite.h"

static const struct tt_slice secret = {"0123456789abcdef0123456789abcdef", 32};
static const tt_time expires = {2000000};

static bool is_good(struct tt_slice code, const char *user, struct tt_slice key, int64_t now)
{
    tt_id id = tt_id_of(user);
    return tt_invite_is_good(key, &id, code, TT_TIME(now));
}

static void an_invitation_is_for_one_name_and_a_time(void **unused)
{
    (void)unused;
    struct tt_buffer code = {0};
    tt_id carol = tt_id_of("carol");
    tt_invite_make(secret, &carol, expires, &code);
    struct tt_slice text = tt_buffer_slice(&code);
    assert_true(is_good(text, "carol", secret, 1999999));
    assert_false(is_good(text, "carol", secret, 2000000));
    assert_false(is_good(text, "caro", secret, 1));
    assert_false(is_good(text, "carol", TT_SLICE_LITERAL("another"), 1));
    assert_false(is_good(text, "carol", TT_SLICE_EMPTY, 1));
    for (size_t size = 0; size < text.size; size++)
        assert_false(is_good(tt_slice(text.data, size), "carol", secret, 1));
    for (size_t i = 0; i < text.size; i++) {
        code.data[i] ^= 1;
        assert_false(is_good(text, "carol", secret, 1));
        code.data[i] ^= 1;
    }
    tt_buffer_add_byte(&code, '9');
    assert_false(is_good(tt_buffer_slice(&code), "carol", secret, 1));
    tt_buffer_deinit(&code);
    assert_false(is_good(TT_SLICE_LITERAL("99999999999999999999.x"), "carol", secret, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_invitation_is_for_one_name_and_a_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
