#include "unit.h"

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "adapter/push/fcm_request.h"
#include "base/base64url.h"
#include "base/json.h"
#include "base/json_writer.h"
#include "base/utf8.h"
#include "notification_of.h"

static void expect_message(const struct tt_notification *notification, const char *wanted)
{
    struct tt_buffer message = {0};
    tt_fcm_message(notification, &message);
    tt_buffer_add_byte(&message, '\0');
    assert_string_equal(message.data, wanted);
    tt_buffer_deinit(&message);
}

static void test_ring(void **state)
{
    (void)state;
    struct tt_notification ring = ring_of("hey");
    ring.address.token = TT_SLICE_LITERAL("dev:tok-1_A");
    expect_message(
        &ring,
        "{\"message\":{\"token\":\"dev:tok-1_A\",\"notification\":{\"title\":\"Alice \\\"A\\\"\","
        "\"body\":\"hey\"},\"data\":{\"type\":\"message\",\"conversation_id\":\"conv_abc123\","
        "\"seq\":\"43\",\"badge\":\"2\"},\"android\":{\"priority\":\"HIGH\",\"ttl\":\"2419200s\","
        "\"collapse_key\":\"conv_abc123\",\"notification\":{\"tag\":\"conv_abc123\","
        "\"notification_count\":2,\"sound\":\"default\"}}}}");
}

static void test_clear_is_data_only(void **state)
{
    (void)state;
    struct tt_notification clear = clear_of();
    expect_message(
        &clear,
        "{\"message\":{\"token\":\"aabb01\",\"data\":{\"type\":\"read_sync\","
        "\"conversation_id\":\"conv_abc123\",\"last_read_seq\":\"43\"},\"android\":{\"priority\":"
        "\"NORMAL\",\"ttl\":\"2419200s\",\"collapse_key\":\"conv_abc123\"}}}");
}

static void test_long_text_is_cut(void **state)
{
    (void)state;
    struct tt_buffer raw = {0};
    for (int i = 0; i < 20000; i++)
        tt_buffer_add_text(&raw, "\\ud83d\\ude00");
    struct tt_notification ring = ring_of("");
    ring.content = tt_buffer_slice(&raw);
    struct tt_buffer message = {0};
    struct tt_json value;
    tt_fcm_message(&ring, &message);
    assert_in_range(message.size, TT_FCM_MESSAGE_SIZE_MAX - 8, TT_FCM_MESSAGE_SIZE_MAX);
    assert_true(tt_utf8_valid(tt_buffer_slice(&message)));
    expect_ok(tt_json_read(tt_buffer_slice(&message), &value));
    tt_buffer_deinit(&message);
    tt_buffer_deinit(&raw);
}

static void write_account(struct tt_buffer *out, const char *project)
{
    char *text;
    EVP_PKEY *pkey = EVP_RSA_gen(2048);
    BIO *bio = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_PKCS8PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL), 1);
    long size = BIO_get_mem_data(bio, &text);
    struct tt_json_writer json = {.out = out};
    tt_json_begin_object(&json, NULL);
    tt_json_put_text(&json, "type", "service_account");
    tt_json_put_text(&json, "project_id", project);
    tt_json_put_text(&json, "private_key_id", "kid1");
    tt_json_put_string(&json, "private_key", tt_slice(text, (size_t)size));
    tt_json_put_text(&json, "client_email", "push@p.iam.gserviceaccount.com");
    tt_json_put_text(&json, "token_uri", "https://oauth2.googleapis.com/token");
    tt_json_end_object(&json);
    BIO_free(bio);
    EVP_PKEY_free(pkey);
}

static void expect_claims(struct tt_slice assertion, const char *wanted)
{
    unsigned char bytes[1024];
    size_t size;
    const char *start = (const char *)memchr(assertion.data, '.', assertion.size) + 1;
    const char *end = memchr(start, '.', assertion.size);
    assert_true(tt_base64url_decode(tt_slice(start, (size_t)(end - start)), bytes, &size));
    assert_int_equal(size, strlen(wanted));
    assert_memory_equal(bytes, wanted, size);
}

static void test_service_account(void **state)
{
    (void)state;
    static const char grant[] =
        "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=";
    struct tt_buffer json = {0};
    struct tt_arena arena = {0};
    struct tt_service_account account;
    const char *problem;
    write_account(&json, "proj-1");
    expect_ok(tt_service_account_read(tt_buffer_slice(&json), &arena, &account, &problem));
    assert_true(tt_slice_eq(account.project_id, TT_SLICE_LITERAL("proj-1")));
    struct tt_buffer body = {0};
    expect_ok(tt_fcm_token_request(&account, TT_TIME(1700000000999), &body));
    assert_memory_equal(body.data, grant, sizeof(grant) - 1);
    expect_claims(tt_slice_from(tt_buffer_slice(&body), sizeof(grant) - 1),
                  "{\"iss\":\"push@p.iam.gserviceaccount.com\","
                  "\"scope\":\"https://www.googleapis.com/auth/firebase.messaging\","
                  "\"aud\":\"https://oauth2.googleapis.com/token\","
                  "\"iat\":1700000000,\"exp\":1700003600}");
    tt_push_key_destroy(&account.key);
    tt_buffer_deinit(&body);
    tt_buffer_deinit(&json);
    tt_arena_deinit(&arena);
}

static void test_bad_service_accounts(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "{}", "[1]", "{\"type\":\"authorized_user\"}",
                                      "{\"type\":\"service_account\",\"project_id\":\"p\"}"};
    struct tt_arena arena = {0};
    struct tt_service_account account;
    const char *problem;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        problem = NULL;
        assert_false(
            tt_is_ok(tt_service_account_read(tt_slice_text(bad[i]), &arena, &account, &problem)));
        assert_non_null(problem);
    }
    struct tt_buffer json = {0};
    write_account(&json, "");
    assert_false(
        tt_is_ok(tt_service_account_read(tt_buffer_slice(&json), &arena, &account, &problem)));
    assert_non_null(strstr(problem, "project_id"));
    tt_buffer_deinit(&json);
    tt_arena_deinit(&arena);
}

static void test_token_answer(void **state)
{
    (void)state;
    struct tt_slice token;
    uint64_t lives;
    expect_ok(tt_fcm_token_answer(
        TT_SLICE_LITERAL(
            "{\"access_token\":\"ya29.x\",\"expires_in\":3599,\"token_type\":\"Bearer\"}"),
        &token, &lives));
    assert_true(tt_slice_eq(token, TT_SLICE_LITERAL("ya29.x")));
    assert_int_equal(lives, 3599);
    static const char *const bad[] = {
        "",
        "{}",
        "{\"access_token\":\"\",\"expires_in\":1}",
        "{\"access_token\":\"a\\r\\nX: y\",\"expires_in\":1}",
        "{\"access_token\":\"a b\",\"expires_in\":1}",
        "{\"access_token\":\"a\",\"expires_in\":\"1\"}",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(tt_is_ok(tt_fcm_token_answer(tt_slice_text(bad[i]), &token, &lives)));
}

static void test_answers(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *body;
        enum tt_fcm_verdict verdict;
        const char *detail;
    } cases[] = {
        {200, "{\"name\":\"projects/p/messages/0:1\"}", TT_FCM_ACCEPTED, "projects/p/messages/0:1"},
        {404,
         "{\"error\":{\"code\":404,\"status\":\"NOT_FOUND\",\"details\":[{\"@type\":\"x\","
         "\"errorCode\":\"UNREGISTERED\"}]}}",
         TT_FCM_DEAD, "UNREGISTERED"},
        {403,
         "{\"error\":{\"status\":\"PERMISSION_DENIED\",\"details\":[{\"errorCode\":"
         "\"SENDER_ID_MISMATCH\"}]}}",
         TT_FCM_DEAD, "SENDER_ID_MISMATCH"},
        {400,
         "{\"error\":{\"status\":\"INVALID_ARGUMENT\",\"message\":\"The registration token is "
         "not a valid FCM registration token\"}}",
         TT_FCM_DEAD, "INVALID_ARGUMENT"},
        {400, "{\"error\":{\"status\":\"INVALID_ARGUMENT\",\"message\":\"bad ttl\"}}", TT_FCM_DROP,
         "INVALID_ARGUMENT"},
        {401, "{\"error\":{\"status\":\"UNAUTHENTICATED\"}}", TT_FCM_UNAUTHORIZED,
         "UNAUTHENTICATED"},
        {429,
         "{\"error\":{\"status\":\"RESOURCE_EXHAUSTED\",\"details\":[{\"errorCode\":"
         "\"QUOTA_EXCEEDED\"}]}}",
         TT_FCM_LATER, "QUOTA_EXCEEDED"},
        {503, "", TT_FCM_LATER, "no reason given"},
        {404, "<html>", TT_FCM_DROP, "no reason given"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tt_fcm_answer answer =
            tt_fcm_understand(cases[i].status, tt_slice_text(cases[i].body));
        assert_int_equal(answer.verdict, cases[i].verdict);
        assert_true(tt_slice_eq(answer.detail, tt_slice_text(cases[i].detail)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ring),
        cmocka_unit_test(test_clear_is_data_only),
        cmocka_unit_test(test_long_text_is_cut),
        cmocka_unit_test(test_service_account),
        cmocka_unit_test(test_bad_service_accounts),
        cmocka_unit_test(test_token_answer),
        cmocka_unit_test(test_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
