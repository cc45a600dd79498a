#include "unit.h"

#include <stdio.h>

#include "edge/jwt_seen.h"

#define SECRET "0123456789abcdef0123456789abcdef"
#define OTHER  "fedcba9876543210fedcba9876543210"
#define NOW    TT_TIME(1705311720000)
#define EXPIRY TT_TIME(1705311730000)
#define MANY   5000

static const struct tt_jwt_policy policy;

struct fixture {
    struct tt_jwt_keys *keys;
    struct tt_jwt_seen *seen;
};

static struct tt_jwt_keys *keys_of(const char *secret)
{
    const char *problem;
    struct tt_jwt_keys *keys = tt_jwt_keys_create();
    expect_ok(tt_jwt_keys_add_secret(keys, TT_SLICE_EMPTY, tt_slice_text(secret), &problem));
    return keys;
}

static int set_up(void **state)
{
    static struct fixture f;
    f = (struct fixture){keys_of(SECRET), tt_jwt_seen_create(7)};
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    tt_jwt_seen_destroy(&f->seen);
    tt_jwt_keys_destroy(&f->keys);
    return 0;
}

static struct tt_buffer token_of(unsigned number)
{
    char user[32];
    struct tt_buffer token = {0};
    snprintf(user, sizeof(user), "user_%u", number);
    const struct tt_jwt_claims claims = {tt_id_of(user), tt_id_of("phone"), EXPIRY, number};
    tt_jwt_sign(TT_SLICE_LITERAL(SECRET), &policy, &claims, NOW, &token);
    return token;
}

static tt_err verify(const struct fixture *f, const struct tt_buffer *token, tt_time now,
                     struct tt_jwt_claims *claims)
{
    const char *reason;
    return tt_jwt_seen_verify(f->seen, f->keys, &policy, tt_buffer_slice(token), now, claims,
                              &reason);
}

static void a_token_says_the_same_again(void **state)
{
    const struct fixture *f = *state;
    struct tt_buffer token = token_of(1);
    for (int i = 0; i < 3; i++) {
        struct tt_jwt_claims claims;
        expect_ok(verify(f, &token, NOW, &claims));
        assert_true(tt_slice_eq(tt_id_slice(&claims.user), TT_SLICE_LITERAL("user_1")));
        assert_true(tt_slice_eq(tt_id_slice(&claims.device), TT_SLICE_LITERAL("phone")));
        assert_int_equal(claims.expires.ms, EXPIRY.ms);
        assert_int_equal(claims.login, 1);
    }
    tt_buffer_deinit(&token);
}

/* More than there are places for: one may push another out, and never speaks for it. */
static void many_tokens_do_not_mix(void **state)
{
    const struct fixture *f = *state;
    for (unsigned round = 0; round < 2; round++)
        for (unsigned i = 1; i <= MANY; i++) {
            struct tt_jwt_claims claims;
            struct tt_buffer token = token_of(i);
            expect_ok(verify(f, &token, NOW, &claims));
            assert_int_equal(claims.login, i);
            tt_buffer_deinit(&token);
        }
}

static void what_resembles_a_seen_token_is_refused(void **state)
{
    const struct fixture *f = *state;
    struct tt_jwt_claims claims;
    struct tt_buffer token = token_of(1);
    expect_ok(verify(f, &token, NOW, &claims));
    for (size_t i = 0; i < token.size; i++) {
        char was = token.data[i];
        token.data[i] = was == 'A' ? 'Q' : 'A';
        assert_int_equal(verify(f, &token, NOW, &claims).code, TT_ERR_UNAUTHENTICATED);
        token.data[i] = was;
    }
    token.size--;
    assert_int_equal(verify(f, &token, NOW, &claims).code, TT_ERR_UNAUTHENTICATED);
    token.size++;
    expect_ok(verify(f, &token, NOW, &claims));
    tt_buffer_deinit(&token);
}

static void a_seen_token_expires_on_the_dot(void **state)
{
    const struct fixture *f = *state;
    struct tt_jwt_claims claims;
    struct tt_buffer token = token_of(1);
    expect_ok(verify(f, &token, NOW, &claims));
    expect_ok(verify(f, &token, TT_TIME(EXPIRY.ms - 1), &claims));
    assert_int_equal(verify(f, &token, EXPIRY, &claims).code, TT_ERR_UNAUTHENTICATED);
    tt_buffer_deinit(&token);
}

static void with_other_keys_nothing_was_seen(void **state)
{
    const struct fixture *f = *state;
    struct tt_jwt_claims claims;
    struct tt_buffer token = token_of(1);
    expect_ok(verify(f, &token, NOW, &claims));
    struct tt_jwt_keys *others = keys_of(OTHER);
    tt_jwt_keys_replace(f->keys, &others);
    assert_int_equal(verify(f, &token, NOW, &claims).code, TT_ERR_UNAUTHENTICATED);
    others = keys_of(SECRET);
    tt_jwt_keys_replace(f->keys, &others);
    expect_ok(verify(f, &token, NOW, &claims));
    tt_buffer_deinit(&token);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_token_says_the_same_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(many_tokens_do_not_mix, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_resembles_a_seen_token_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_seen_token_expires_on_the_dot, set_up, tear_down),
        cmocka_unit_test_setup_teardown(with_other_keys_nothing_was_seen, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
