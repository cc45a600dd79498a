#include "unit.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "adapter/push/provider_token.h"
#include "adapter/push/push_key.h"
#include "adapter/push/push_key_private.h"
#include "base/base64url.h"

static struct tt_slice part(struct tt_slice token, int number)
{
    const char *at = token.data;
    const char *end = token.data + token.size;
    for (; number > 0; number--)
        at = (const char *)memchr(at, '.', (size_t)(end - at)) + 1;
    const char *dot = memchr(at, '.', (size_t)(end - at));
    return tt_slice(at, (size_t)((dot == NULL ? end : dot) - at));
}

static void expect_part(struct tt_slice token, int number, const char *wanted)
{
    unsigned char bytes[1024];
    size_t size;
    assert_true(tt_base64url_decode(part(token, number), bytes, &size));
    assert_int_equal(size, strlen(wanted));
    assert_memory_equal(bytes, wanted, size);
}

/* By OpenSSL, with the signature put back into ASN.1 where it is one of ECDSA. */
static bool verifies(EVP_PKEY *pkey, struct tt_slice token)
{
    unsigned char raw[1024];
    unsigned char *der = NULL;
    size_t size;
    assert_true(tt_base64url_decode(part(token, 2), raw, &size));
    if (EVP_PKEY_is_a(pkey, "EC") == 1) {
        assert_int_equal(size, 64);
        ECDSA_SIG *signature = ECDSA_SIG_new();
        ECDSA_SIG_set0(signature, BN_bin2bn(raw, 32, NULL), BN_bin2bn(raw + 32, 32, NULL));
        size = (size_t)i2d_ECDSA_SIG(signature, &der);
        ECDSA_SIG_free(signature);
    }
    struct tt_slice last = part(token, 2);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    assert_int_equal(EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, pkey), 1);
    int result =
        EVP_DigestVerify(context, der == NULL ? raw : der, size, (const unsigned char *)token.data,
                         (size_t)(last.data - token.data) - 1);
    EVP_MD_CTX_free(context);
    OPENSSL_free(der);
    return result == 1;
}

static void test_es256(void **state)
{
    (void)state;
    struct tt_push_key *key;
    expect_ok(tt_push_key_make(&key));
    for (int i = 0; i < 300; i++) { /* now and then r or s has a zero in front */
        struct tt_buffer token = {0};
        expect_ok(tt_push_key_sign_jwt(key, TT_SLICE_LITERAL("{\"alg\":\"ES256\"}"),
                                       TT_SLICE_LITERAL("{\"iss\":\"T\"}"), &token));
        expect_part(tt_buffer_slice(&token), 0, "{\"alg\":\"ES256\"}");
        expect_part(tt_buffer_slice(&token), 1, "{\"iss\":\"T\"}");
        assert_true(verifies(tt_push_key_pkey(key), tt_buffer_slice(&token)));
        tt_buffer_deinit(&token);
    }
    tt_push_key_destroy(&key);
}

static void write_pem(EVP_PKEY *pkey, const EVP_CIPHER *cipher, struct tt_buffer *pem)
{
    char *text;
    BIO *bio = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_PKCS8PrivateKey(bio, pkey, cipher, cipher == NULL ? NULL : "x",
                                                   cipher == NULL ? 0 : 1, NULL, NULL),
                     1);
    long size = BIO_get_mem_data(bio, &text);
    tt_buffer_add(pem, tt_slice(text, (size_t)size));
    BIO_free(bio);
}

static void expect_refused(EVP_PKEY *pkey, const EVP_CIPHER *cipher, enum tt_push_key_kind kind,
                           const char *words)
{
    struct tt_buffer pem = {0};
    struct tt_push_key *key = NULL;
    const char *problem = NULL;
    write_pem(pkey, cipher, &pem);
    assert_true(
        tt_err_is(tt_push_key_read(tt_buffer_slice(&pem), kind, &key, &problem), TT_ERR_INVALID));
    assert_non_null(strstr(problem, words));
    tt_buffer_deinit(&pem);
    EVP_PKEY_free(pkey);
}

static void test_rs256(void **state)
{
    (void)state;
    EVP_PKEY *pkey = EVP_RSA_gen(2048);
    struct tt_buffer pem = {0};
    struct tt_buffer token = {0};
    struct tt_push_key *key;
    const char *problem;
    write_pem(pkey, NULL, &pem);
    expect_ok(tt_push_key_read(tt_buffer_slice(&pem), TT_PUSH_KEY_RSA, &key, &problem));
    expect_ok(tt_push_key_sign_jwt(key, TT_SLICE_LITERAL("{\"alg\":\"RS256\"}"),
                                   TT_SLICE_LITERAL("{}"), &token));
    assert_true(verifies(pkey, tt_buffer_slice(&token)));
    tt_push_key_destroy(&key);
    tt_buffer_deinit(&pem);
    tt_buffer_deinit(&token);
    EVP_PKEY_free(pkey);
}

static void test_wrong_keys(void **state)
{
    (void)state;
    struct tt_push_key *key = NULL;
    const char *problem = NULL;
    expect_refused(EVP_RSA_gen(2048), NULL, TT_PUSH_KEY_P256, "P-256");
    expect_refused(EVP_EC_gen("P-384"), NULL, TT_PUSH_KEY_P256, "P-256");
    expect_refused(EVP_EC_gen("P-256"), NULL, TT_PUSH_KEY_RSA, "2048");
    expect_refused(EVP_RSA_gen(1024), NULL, TT_PUSH_KEY_RSA, "2048");
    expect_refused(EVP_EC_gen("P-256"), EVP_aes_128_cbc(), TT_PUSH_KEY_P256, "passphrase");
    assert_false(
        tt_is_ok(tt_push_key_read(TT_SLICE_LITERAL("nonsense"), TT_PUSH_KEY_P256, &key, &problem)));
    assert_false(tt_is_ok(tt_push_key_read(TT_SLICE_EMPTY, TT_PUSH_KEY_P256, &key, &problem)));
}

static void test_written_key_reads_back(void **state)
{
    (void)state;
    struct tt_push_key *key;
    struct tt_push_key *again;
    const char *problem;
    struct tt_buffer pem = {0};
    unsigned char a[TT_P256_POINT_SIZE];
    unsigned char b[TT_P256_POINT_SIZE];
    expect_ok(tt_push_key_make(&key));
    expect_ok(tt_push_key_write(key, &pem));
    expect_ok(tt_push_key_read(tt_buffer_slice(&pem), TT_PUSH_KEY_P256, &again, &problem));
    expect_ok(tt_push_key_point(key, a));
    expect_ok(tt_push_key_point(again, b));
    assert_memory_equal(a, b, sizeof(a));
    assert_int_equal(a[0], 4);
    tt_push_key_destroy(&key);
    tt_push_key_destroy(&again);
    tt_buffer_deinit(&pem);
}

/* Apple's rule: one token for 20 to 60 minutes. */
static void test_provider_token(void **state)
{
    (void)state;
    struct tt_push_key *key;
    struct tt_slice text;
    expect_ok(tt_push_key_make(&key));
    struct tt_provider_token token = {.key = key,
                                      .key_id = TT_SLICE_LITERAL("K1"),
                                      .team_id = TT_SLICE_LITERAL("TEAM"),
                                      .lives_ms = TT_PROVIDER_TOKEN_MS,
                                      .lives_ms_min = TT_PROVIDER_TOKEN_MS_MIN};
    expect_ok(tt_provider_token_get(&token, TT_MONO(1000), TT_TIME(1700000000123), &text));
    assert_memory_equal(text.data, "bearer ", 7);
    struct tt_slice jwt = tt_slice_from(text, 7);
    expect_part(jwt, 0, "{\"alg\":\"ES256\",\"kid\":\"K1\"}");
    expect_part(jwt, 1, "{\"iss\":\"TEAM\",\"iat\":1700000000}");
    assert_true(verifies(tt_push_key_pkey(key), jwt));

    struct tt_buffer first = {0};
    tt_buffer_add(&first, text);
    uint64_t minute = 60000;
    expect_ok(tt_provider_token_get(&token, TT_MONO(999 + 50 * minute), TT_TIME(0), &text));
    assert_true(tt_slice_eq(text, tt_buffer_slice(&first)));
    assert_false(tt_provider_token_expired(&token, TT_MONO(999 + 20 * minute)));
    assert_true(tt_provider_token_expired(&token, TT_MONO(1000 + 20 * minute)));
    expect_ok(tt_provider_token_get(&token, TT_MONO(1000 + 20 * minute), TT_TIME(9000), &text));
    assert_false(tt_slice_eq(text, tt_buffer_slice(&first)));
    expect_ok(tt_provider_token_get(&token, TT_MONO(1000 + 70 * minute), TT_TIME(12000), &text));
    expect_part(tt_slice_from(text, 7), 1, "{\"iss\":\"TEAM\",\"iat\":12}");
    tt_buffer_deinit(&first);
    tt_provider_token_deinit(&token);
    tt_push_key_destroy(&key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_es256),          cmocka_unit_test(test_rs256),
        cmocka_unit_test(test_wrong_keys),     cmocka_unit_test(test_written_key_reads_back),
        cmocka_unit_test(test_provider_token),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
