/*
 * push_codec: what apps and browsers register, and what they get wrong.
 */
#include "unit.h"

#include "edge/push_codec.h"

#define P256DH                                                                                     \
    "BAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define AUTH "AAECAwQFBgcICQoLDA0ODw"
#define KEYS "\"keys\":{\"p256dh\":\"" P256DH "\",\"auth\":\"" AUTH "\"}"

static struct tt_arena arena;

static tt_err read(const char *body, struct tt_push_address *address, struct tt_problem *problem)
{
    return tt_push_address_read(tt_slice_text(body), &arena, address, problem);
}

static void expect_address(const char *body, enum tt_push_provider provider, const char *token,
                           bool sandbox)
{
    struct tt_push_address address;
    struct tt_problem problem;
    expect_ok(read(body, &address, &problem));
    assert_int_equal(address.provider, provider);
    assert_true(tt_slice_eq(address.token, tt_slice_text(token)));
    assert_int_equal(address.sandbox, sandbox);
    tt_arena_deinit(&arena);
}

/* `key` is what the answer names, `words` some of what it says; NULL: the error says it all. */
static void expect_refused(const char *body, const char *key, const char *words)
{
    struct tt_push_address address;
    struct tt_problem problem;
    tt_err err = read(body, &address, &problem);
    if (tt_is_ok(err))
        fail_msg("accepted: %s", body);
    assert_true(tt_err_who(err) == TT_ERR_CLIENT);
    if (key != NULL)
        assert_string_equal(problem.key, key);
    if (words != NULL)
        assert_non_null(strstr(problem.text, words));
    tt_arena_deinit(&arena);
}

static void test_apns(void **state)
{
    (void)state;
    expect_address("{\"provider\":\"apns\",\"token\":\"AAbb01\"}", TT_PUSH_APNS, "aabb01", false);
    expect_address("{\"token\":\"00\",\"environment\":\"sandbox\",\"provider\":\"apns\"}",
                   TT_PUSH_APNS, "00", true);
    expect_address("{\"provider\":\"apns\",\"token\":\"00\",\"environment\":\"production\"}",
                   TT_PUSH_APNS, "00", false);
    expect_address("{\"provider\":\"apns\",\"token\":\"00\",\"environment\":null,\"more\":[1]}",
                   TT_PUSH_APNS, "00", false);
    expect_refused("{\"provider\":\"apns\"}", "token", NULL);
    expect_refused("{\"provider\":\"apns\",\"token\":7}", "token", NULL);
    expect_refused("{\"provider\":\"apns\",\"token\":\"\"}", "token", "1 to 2048");
    expect_refused("{\"provider\":\"apns\",\"token\":\"abc\"}", "token", "hexadecimal");
    expect_refused("{\"provider\":\"apns\",\"token\":\"xy\"}", "token", "hexadecimal");
    expect_refused("{\"provider\":\"apns\",\"token\":\"aa/../bb\"}", "token", "hexadecimal");
    expect_refused("{\"provider\":\"apns\",\"token\":\"aa\",\"environment\":\"moon\"}",
                   "environment", "production");
    expect_refused("{\"provider\":\"apns\",\"token\":\"aa\",\"environment\":1}", "environment",
                   "production");
}

static void test_fcm(void **state)
{
    (void)state;
    expect_address("{\"provider\":\"fcm\",\"token\":\"dQ-x_1:APA91b\"}", TT_PUSH_FCM,
                   "dQ-x_1:APA91b", false);
    expect_refused("{\"provider\":\"fcm\",\"token\":\"a b\"}", "token", "FCM token");
    expect_refused("{\"provider\":\"fcm\",\"token\":\"a\\\"b\"}", "token", "FCM token");
    expect_refused("{\"provider\":\"fcm\",\"token\":\"\\u0000\"}", NULL, NULL);
}

static void test_webpush(void **state)
{
    (void)state;
    struct tt_push_address address;
    struct tt_problem problem;
    expect_ok(read("{\"provider\":\"webpush\",\"endpoint\":\"https://push.example/x?y=1\","
                   "\"expirationTime\":null," KEYS "}",
                   &address, &problem));
    assert_int_equal(address.provider, TT_PUSH_WEBPUSH);
    assert_true(tt_slice_eq(address.token, TT_SLICE_LITERAL("https://push.example/x?y=1")));
    assert_int_equal(address.p256dh.size, TT_PUSH_P256DH_SIZE);
    assert_int_equal(address.p256dh.data[0], 4);
    assert_int_equal(address.auth.size, TT_PUSH_AUTH_SIZE);
    assert_int_equal(address.auth.data[15], 15);
    tt_arena_deinit(&arena);

    const char *token = "https://push.example/";
    expect_address("{\"provider\":\"webpush\",\"subscription\":{\"endpoint\":"
                   "\"https://push.example/\"," KEYS "}}",
                   TT_PUSH_WEBPUSH, token, false);
    expect_address("{\"provider\":\"webpush\",\"endpoint\":\"https:\\/\\/push.example\\/\","
                   "\"keys\":{\"p256dh\":\"" P256DH "=\",\"auth\":\"" AUTH "==\"}}",
                   TT_PUSH_WEBPUSH, token, false);
}

static void test_webpush_refused(void **state)
{
    (void)state;
    expect_refused("{\"provider\":\"webpush\"," KEYS "}", "endpoint", NULL);
    expect_refused("{\"provider\":\"webpush\",\"endpoint\":\"http://a/\"," KEYS "}", "endpoint",
                   "https");
    expect_refused("{\"provider\":\"webpush\",\"endpoint\":\"https://\"," KEYS "}", "endpoint",
                   "https");
    expect_refused("{\"provider\":\"webpush\",\"endpoint\":\"https://a/\\r\\nX: y\"," KEYS "}",
                   "endpoint", "https");
    expect_refused("{\"provider\":\"webpush\",\"endpoint\":\"https://a/\"}", "keys", "p256dh");
    expect_refused("{\"provider\":\"webpush\",\"endpoint\":\"https://a/\",\"keys\":{\"auth\":"
                   "\"" AUTH "\"}}",
                   "p256dh", NULL);
    expect_refused("{\"provider\":\"webpush\",\"endpoint\":\"https://a/\",\"keys\":{\"p256dh\":"
                   "\"" P256DH "\",\"auth\":\"AAAA\"}}",
                   "auth", "base64url");
    expect_refused("{\"provider\":\"webpush\",\"endpoint\":\"https://a/\",\"keys\":{\"p256dh\":"
                   "\"AA" P256DH "\",\"auth\":\"" AUTH "\"}}",
                   "p256dh", "base64url");
    expect_refused("{\"provider\":\"webpush\",\"endpoint\":\"https://a/\",\"keys\":{\"p256dh\":"
                   "\"A" P256DH "\",\"auth\":\"" AUTH "\"}}",
                   "p256dh", NULL);
}

static void test_no_provider(void **state)
{
    (void)state;
    expect_refused("", NULL, "body");
    expect_refused("[]", NULL, NULL);
    expect_refused("{\"provider\":", NULL, NULL);
    expect_refused("{}", "provider", "apns");
    expect_refused("{\"provider\":\"pigeon\",\"token\":\"aa\"}", "provider", "apns");
    expect_refused("{\"provider\":1}", "provider", "apns");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_apns),        cmocka_unit_test(test_fcm),
        cmocka_unit_test(test_webpush),     cmocka_unit_test(test_webpush_refused),
        cmocka_unit_test(test_no_provider),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
