#include "unit.h"

#include <stdio.h>

#include "edge/auth.h"

#define SECRET "0123456789abcdef0123456789abcdef"
#define NOW    TT_TIME(1705311720000)
#define HOST   "Host: chat.example\r\n"
#define OWN    "Origin: http://chat.example\r\n"

static const struct tt_slice allowed[] = {{"https://app.example", 19}};

struct fixture {
    struct tt_auth auth;
    struct tt_jwt_keys *keys;
    char alice[512]; /* tokens of these users */
    char bob[512];
    char expired[512];
};

static void sign(const char *user, tt_time expires, char text[512])
{
    const struct tt_jwt_policy policy = {TT_SLICE_EMPTY, TT_SLICE_EMPTY};
    const struct tt_jwt_claims claims = {tt_id_of(user), tt_id_of("phone"), expires, 0};
    struct tt_buffer token = {0};
    tt_jwt_sign(TT_SLICE_LITERAL(SECRET), &policy, &claims, NOW, &token);
    assert_true(token.size < 512);
    memcpy(text, token.data, token.size);
    text[token.size] = '\0';
    tt_buffer_deinit(&token);
}

static int set_up(void **state)
{
    static struct fixture f;
    const char *problem;
    f.keys = tt_jwt_keys_create();
    expect_ok(tt_jwt_keys_add_secret(f.keys, TT_SLICE_EMPTY, TT_SLICE_LITERAL(SECRET), &problem));
    f.auth = (struct tt_auth){.keys = f.keys, .origins = {allowed, 1}};
    sign("alice", TT_TIME(NOW.ms + 1000), f.alice);
    sign("bob", TT_TIME(NOW.ms + 1000), f.bob);
    sign("eve", TT_TIME(NOW.ms - 1000), f.expired);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    tt_jwt_keys_destroy(&f->keys);
    return 0;
}

/* In the fields $A stands for alice's token, $B for bob's, $E for an expired one. */
static void expand(const struct fixture *f, const char *fields, struct tt_buffer *out)
{
    for (const char *at = fields; *at != '\0'; at++) {
        if (*at != '$') {
            tt_buffer_add_byte(out, *at);
            continue;
        }
        at++;
        tt_buffer_add_text(out, *at == 'A' ? f->alice : *at == 'B' ? f->bob : f->expired);
    }
}

static tt_err check_over(const struct fixture *f, bool https, const char *fields,
                         enum tt_auth_act act, struct tt_jwt_claims *claims, const char **reason)
{
    static const struct tt_http1_limits limits = {16384, 1024};
    struct tt_buffer text = {0};
    struct tt_http1 http;
    tt_buffer_add_text(&text, "GET /x HTTP/1.1\r\n");
    expand(f, fields, &text);
    tt_buffer_add_text(&text, "\r\n");
    struct tt_input input = {text.data, text.size};
    tt_http1_init(&http, &limits);
    assert_int_equal(tt_http1_next(&http, &input, TT_MONO(1)), TT_HTTP1_REQUEST);
    tt_err err = tt_auth_check(&f->auth, tt_http1_request(&http), https, act, NOW, claims, reason);
    tt_http1_done(&http);
    tt_http1_deinit(&http);
    tt_buffer_deinit(&text);
    return err;
}

static tt_err check(const struct fixture *f, const char *fields, enum tt_auth_act act,
                    struct tt_jwt_claims *claims, const char **reason)
{
    return check_over(f, false, fields, act, claims, reason);
}

static void finds_the_token_in_order(void **state)
{
    const struct fixture *f = *state;
    const struct {
        const char *fields;
        enum tt_auth_act act;
        enum tt_err_code outcome;
        const char *user; /* or the reason */
    } cases[] = {
        {HOST "Authorization: Bearer $A\r\n", TT_AUTH_READS, TT_ERR_OK, "alice"},
        {HOST "Authorization: bEARER   $A\r\n", TT_AUTH_CHANGES, TT_ERR_OK, "alice"},
        {HOST "Authorization: Bearer $A\r\nOrigin: https://evil.example\r\n", TT_AUTH_UPGRADES,
         TT_ERR_OK, "alice"},
        {HOST "Authorization: Bearer $A\r\nCookie: twoticks_session=$B\r\n", TT_AUTH_UPGRADES,
         TT_ERR_OK, "alice"},
        {HOST "Authorization: Bearer $E\r\nCookie: twoticks_session=$B\r\n" OWN, TT_AUTH_READS,
         TT_ERR_UNAUTHENTICATED, "expired"},
        {HOST "Authorization: Basic $A\r\n", TT_AUTH_READS, TT_ERR_UNAUTHENTICATED,
         "Authorization is no Bearer token"},
        {HOST "Authorization: Bearer\r\n", TT_AUTH_READS, TT_ERR_UNAUTHENTICATED,
         "Authorization is no Bearer token"},
        {HOST "Authorization: Bearer $A\r\nAuthorization: Bearer $B\r\n", TT_AUTH_READS,
         TT_ERR_UNAUTHENTICATED, "more than one Authorization field"},
        {HOST "Cookie: a=b; twoticks_session=$B; c=d\r\n", TT_AUTH_READS, TT_ERR_OK, "bob"},
        {HOST "Cookie: xtwoticks_session=$B\r\n", TT_AUTH_READS, TT_ERR_UNAUTHENTICATED,
         "no token"},
        {HOST "Cookie: twoticks_session=\r\n", TT_AUTH_READS, TT_ERR_UNAUTHENTICATED, "no token"},
        {HOST "Cookie: twoticks_session=$B; twoticks_session=$A\r\n", TT_AUTH_READS,
         TT_ERR_UNAUTHENTICATED, "more than one session cookie"},
        {HOST
         "Cookie: twoticks_session=$B\r\nSec-WebSocket-Protocol: twoticks.v1, bearer.$A\r\n" OWN,
         TT_AUTH_UPGRADES, TT_ERR_OK, "bob"},
        {HOST "Sec-WebSocket-Protocol: twoticks.v1, bearer.$A\r\n", TT_AUTH_UPGRADES, TT_ERR_OK,
         "alice"},
        {HOST "Sec-WebSocket-Protocol: bearer.$E,twoticks.v1\r\n", TT_AUTH_UPGRADES,
         TT_ERR_UNAUTHENTICATED, "expired"},
        {HOST "Sec-WebSocket-Protocol: twoticks.v1, bearer.$A\r\n", TT_AUTH_READS,
         TT_ERR_UNAUTHENTICATED, "no token"},
        {HOST, TT_AUTH_READS, TT_ERR_UNAUTHENTICATED, "no token"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tt_jwt_claims claims;
        const char *reason = "";
        tt_err err = check(f, cases[i].fields, cases[i].act, &claims, &reason);
        if (!tt_err_is(err, cases[i].outcome))
            fail_msg("case %zu: %s %s", i, tt_err_text(err), reason);
        if (tt_is_ok(err))
            assert_true(tt_slice_eq(tt_id_slice(&claims.user), tt_slice_text(cases[i].user)));
        else
            assert_string_equal(reason, cases[i].user);
    }
}

static void wants_an_allowed_origin_beside_a_cookie(void **state)
{
    const struct fixture *f = *state;
    const struct {
        const char *fields;
        bool allowed;
    } cases[] = {
        {HOST, false},
        {HOST OWN, true},
        {HOST "Origin: https://chat.example\r\n", true},
        {HOST "Origin: https://app.example\r\n", true},
        {HOST "Origin: http://app.example\r\n", false},
        {HOST "Origin: https://app.example.evil\r\n", false},
        {HOST "Origin: https://app.example:8443\r\n", false},
        {HOST "Origin: https://app.example/\r\n", false},
        {HOST "Origin: https://evilchat.example\r\n", false},
        {HOST "Origin: http://chat.example.evil\r\n", false},
        {HOST "Origin: http://chat.example:81\r\n", false},
        {HOST "Origin: chat.example\r\n", false},
        {HOST "Origin: http://\r\n", false},
        {HOST "Origin: null\r\n", false},
        {HOST "Origin:\r\n", false},
        {HOST OWN OWN, false},
        {HOST OWN "Origin: https://evil.example\r\n", false},
        {"Host: 127.0.0.1:8080\r\nOrigin: http://127.0.0.1:8080\r\n", true},
        {"Host: 127.0.0.1:8080\r\nOrigin: http://127.0.0.1\r\n", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char fields[1024];
        struct tt_jwt_claims claims;
        const char *reason;
        (void)snprintf(fields, sizeof(fields), "%sCookie: twoticks_session=$A\r\n",
                       cases[i].fields);
        enum tt_err_code outcome = cases[i].allowed ? TT_ERR_OK : TT_ERR_ORIGIN;
        if (check(f, fields, TT_AUTH_CHANGES, &claims, &reason).code != outcome)
            fail_msg("%s", cases[i].fields);
        assert_int_equal(check(f, fields, TT_AUTH_UPGRADES, &claims, &reason).code, outcome);
        expect_ok(check(f, fields, TT_AUTH_READS, &claims, &reason));
    }
}

static void over_tls_the_http_page_of_the_same_name_is_another(void **state)
{
    const struct fixture *f = *state;
    const struct {
        const char *fields;
        bool allowed;
    } cases[] = {
        {HOST "Origin: https://chat.example\r\n", true},
        {HOST "Origin: http://chat.example\r\n", false},
        {HOST "Origin: https://app.example\r\n", true},
        {"Host: chat.example:8443\r\nOrigin: https://chat.example:8443\r\n", true},
        {"Host: chat.example:8443\r\nOrigin: http://chat.example:8443\r\n", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char fields[1024];
        struct tt_jwt_claims claims;
        const char *reason;
        (void)snprintf(fields, sizeof(fields), "%sCookie: twoticks_session=$A\r\n",
                       cases[i].fields);
        enum tt_err_code outcome = cases[i].allowed ? TT_ERR_OK : TT_ERR_ORIGIN;
        if (check_over(f, true, fields, TT_AUTH_UPGRADES, &claims, &reason).code != outcome)
            fail_msg("%s", cases[i].fields);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_token_in_order),
        cmocka_unit_test(wants_an_allowed_origin_beside_a_cookie),
        cmocka_unit_test(over_tls_the_http_page_of_the_same_name_is_another),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
