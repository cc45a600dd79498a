#include "unit.h"

#include <stdio.h>

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "base/base64url.h"
#include "base/limits.h"
#include "edge/jwt.h"

#define SECRET "0123456789abcdef0123456789abcdef"
#define NOW    TT_TIME(1705311720500) /* 1705311720 s and a half */

static const struct tt_jwt_policy no_policy;

struct fixture {
    EVP_PKEY *rsa;
    EVP_PKEY *ec;
    EVP_PKEY *ed;
    struct tt_buffer rsa_pem;
    struct tt_jwt_keys *keys; /* the secret and the three, by PEM, as "hs", "rsa", "ec", "ed" */
};

static struct tt_buffer pem_of(EVP_PKEY *key)
{
    struct tt_buffer pem = {0};
    char *data;
    BIO *bio = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_PUBKEY(bio, key), 1);
    long size = BIO_get_mem_data(bio, &data);
    tt_buffer_add(&pem, tt_slice(data, (size_t)size));
    BIO_free(bio);
    return pem;
}

static void add_pem(struct tt_jwt_keys *keys, const char *kid, EVP_PKEY *key)
{
    const char *problem = NULL;
    struct tt_buffer pem = pem_of(key);
    expect_ok(tt_jwt_keys_add_pem(keys, tt_slice_text(kid), tt_buffer_slice(&pem), &problem));
    tt_buffer_deinit(&pem);
}

static int set_up(void **state)
{
    static struct fixture f;
    const char *problem = NULL;
    f.rsa = EVP_RSA_gen(2048);
    f.ec = EVP_EC_gen("P-256");
    f.ed = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    f.rsa_pem = pem_of(f.rsa);
    f.keys = tt_jwt_keys_create();
    expect_ok(tt_jwt_keys_add_secret(f.keys, tt_slice_text("hs"), tt_slice_text(SECRET), &problem));
    add_pem(f.keys, "rsa", f.rsa);
    add_pem(f.keys, "ec", f.ec);
    add_pem(f.keys, "ed", f.ed);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    tt_jwt_keys_destroy(&f->keys);
    assert_null(f->keys);
    tt_buffer_deinit(&f->rsa_pem);
    EVP_PKEY_free(f->rsa);
    EVP_PKEY_free(f->ec);
    EVP_PKEY_free(f->ed);
    return 0;
}

/* "header.payload", from their JSON. */
static struct tt_buffer unsigned_token(const char *header, const char *payload)
{
    struct tt_buffer token = {0};
    tt_base64url_encode(tt_slice_text(header), &token);
    tt_buffer_add_byte(&token, '.');
    tt_base64url_encode(tt_slice_text(payload), &token);
    return token;
}

static void add_signature(struct tt_buffer *token, const void *bytes, size_t size)
{
    tt_buffer_add_byte(token, '.');
    tt_base64url_encode(tt_slice(bytes, size), token);
}

static struct tt_buffer hs256(struct tt_slice secret, const char *header, const char *payload)
{
    struct tt_buffer token = unsigned_token(header, payload);
    unsigned char mac[32];
    HMAC(EVP_sha256(), secret.data, (int)secret.size, (const unsigned char *)token.data, token.size,
         mac, NULL);
    add_signature(&token, mac, sizeof(mac));
    return token;
}

/* r and s side by side, of a signature in DER. */
static size_t flatten(const unsigned char *der, size_t size, unsigned char *flat)
{
    ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &der, (long)size);
    assert_non_null(pair);
    BN_bn2binpad(ECDSA_SIG_get0_r(pair), flat, 32);
    BN_bn2binpad(ECDSA_SIG_get0_s(pair), flat + 32, 32);
    ECDSA_SIG_free(pair);
    return 64;
}

static struct tt_buffer asymmetric(EVP_PKEY *key, const char *header, const char *payload)
{
    struct tt_buffer token = unsigned_token(header, payload);
    bool ed = EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519;
    unsigned char signature[512];
    unsigned char flat[64];
    size_t size = sizeof(signature);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    assert_int_equal(EVP_DigestSignInit(context, NULL, ed ? NULL : EVP_sha256(), NULL, key), 1);
    assert_int_equal(
        EVP_DigestSign(context, signature, &size, (const unsigned char *)token.data, token.size),
        1);
    EVP_MD_CTX_free(context);
    if (EVP_PKEY_get_base_id(key) == EVP_PKEY_EC)
        add_signature(&token, flat, flatten(signature, size, flat));
    else
        add_signature(&token, signature, size);
    return token;
}

#define CLAIMS "{\"sub\":\"alice\",\"device\":\"phone\",\"exp\":1705311730}"

static void expect_good(const struct tt_jwt_keys *keys, struct tt_buffer *token)
{
    struct tt_jwt_claims claims;
    const char *reason = "";
    tt_err err = tt_jwt_verify(keys, &no_policy, tt_buffer_slice(token), NOW, &claims, &reason);
    if (!tt_is_ok(err))
        fail_msg("%s", reason);
    assert_true(tt_slice_eq(tt_id_slice(&claims.user), TT_SLICE_LITERAL("alice")));
    assert_true(tt_slice_eq(tt_id_slice(&claims.device), TT_SLICE_LITERAL("phone")));
    assert_int_equal(claims.expires.ms, 1705311730000);
    tt_buffer_deinit(token);
}

static void expect_refused(const struct tt_jwt_keys *keys, struct tt_buffer *token,
                           const char *wanted)
{
    struct tt_jwt_claims claims;
    const char *reason = "";
    tt_err err = tt_jwt_verify(keys, &no_policy, tt_buffer_slice(token), NOW, &claims, &reason);
    assert_int_equal(err.code, TT_ERR_UNAUTHENTICATED);
    assert_string_equal(reason, wanted);
    tt_buffer_deinit(token);
}

static void accepts_all_four_algorithms(void **state)
{
    struct fixture *f = *state;
    struct tt_buffer token;
    struct tt_slice secret = TT_SLICE_LITERAL(SECRET);
    token = hs256(secret, "{\"alg\":\"HS256\"}", CLAIMS);
    expect_good(f->keys, &token);
    token = hs256(secret, "{\"typ\":\"JWT\",\"kid\":\"hs\",\"alg\":\"HS256\"}", CLAIMS);
    expect_good(f->keys, &token);
    token = asymmetric(f->rsa, "{\"alg\":\"RS256\",\"kid\":\"rsa\"}", CLAIMS);
    expect_good(f->keys, &token);
    token = asymmetric(f->rsa, "{\"alg\":\"RS256\"}", CLAIMS);
    expect_good(f->keys, &token);
    token = asymmetric(f->ed, "{\"alg\":\"Ed\\u0044SA\",\"kid\":\"\\u0065d\"}", CLAIMS);
    expect_good(f->keys, &token);
    token = asymmetric(f->ed, "{\"alg\":\"EdDSA\",\"kid\":\"ed\"}", CLAIMS);
    expect_good(f->keys, &token);
    /* Some r or s is shorter than 32 bytes in one of 128: the padding is tried too. */
    for (int i = 0; i < 300; i++) {
        token = asymmetric(f->ec, "{\"alg\":\"ES256\",\"kid\":\"ec\"}", CLAIMS);
        expect_good(f->keys, &token);
    }
}

static void signs_what_it_accepts(void **state)
{
    struct fixture *f = *state;
    struct tt_jwt_policy policy = {TT_SLICE_LITERAL("chat"), TT_SLICE_LITERAL("me \"x\"")};
    struct tt_jwt_claims claims = {tt_id_of("alice"), tt_id_of("phone"), TT_TIME(1705311730000), 0};
    struct tt_jwt_claims read;
    struct tt_buffer token = {0};
    const char *reason;
    tt_jwt_sign(TT_SLICE_LITERAL(SECRET), &policy, &claims, NOW, &token);
    expect_ok(tt_jwt_verify(f->keys, &policy, tt_buffer_slice(&token), NOW, &read, &reason));
    expect_good(f->keys, &token);
}

static void refuses_forgeries(void **state)
{
    struct fixture *f = *state;
    struct tt_slice secret = TT_SLICE_LITERAL(SECRET);
    const char *wrong = "the signature is wrong";
    const char *no_key = "no key of that kid and algorithm";
    struct tt_buffer token;

    static const char *const none[] = {"none", "None", "NONE", "nOnE", "", "HS256 "};
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        char header[64];
        (void)snprintf(header, sizeof(header), "{\"alg\":\"%s\"}", none[i]);
        token = unsigned_token(header, CLAIMS);
        tt_buffer_add_byte(&token, '.');
        expect_refused(f->keys, &token, no_key);
        token = hs256(secret, header, CLAIMS);
        expect_refused(f->keys, &token, no_key);
    }
    static const char *const other[] = {"hs256", "HS384",  "HS512", "PS256",
                                        "ES384", "ES256K", "eddsa"};
    for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++) {
        char header[64];
        (void)snprintf(header, sizeof(header), "{\"alg\":\"%s\"}", other[i]);
        token = hs256(secret, header, CLAIMS);
        expect_refused(f->keys, &token, no_key);
    }

    /* The public key as the secret: in all the ways in which it may be written down. */
    token = hs256(tt_buffer_slice(&f->rsa_pem), "{\"alg\":\"HS256\"}", CLAIMS);
    expect_refused(f->keys, &token, wrong);
    token = hs256(tt_slice(f->rsa_pem.data, f->rsa_pem.size - 1), "{\"alg\":\"HS256\"}", CLAIMS);
    expect_refused(f->keys, &token, wrong);
    token = hs256(tt_buffer_slice(&f->rsa_pem), "{\"alg\":\"HS256\",\"kid\":\"rsa\"}", CLAIMS);
    expect_refused(f->keys, &token, no_key);
    token = hs256(tt_buffer_slice(&f->rsa_pem), "{\"alg\":\"RS256\",\"kid\":\"rsa\"}", CLAIMS);
    expect_refused(f->keys, &token, wrong);

    token = hs256(TT_SLICE_LITERAL(""), "{\"alg\":\"HS256\"}", CLAIMS);
    expect_refused(f->keys, &token, wrong);
    token = hs256(secret, "{\"alg\":\"HS256\",\"kid\":\"other\"}", CLAIMS);
    expect_refused(f->keys, &token, no_key);
    token = hs256(secret, "{\"alg\":\"HS256\",\"kid\":\"../../etc/passwd\"}", CLAIMS);
    expect_refused(f->keys, &token, no_key);
    token = hs256(secret, "{\"alg\":\"HS256\",\"crit\":null}", CLAIMS);
    expect_refused(f->keys, &token, "critical header fields are not supported");
    token = hs256(secret, "{\"alg\":\"HS256\",\"kid\":7}", CLAIMS);
    expect_refused(f->keys, &token, "the kid is no string");
    token = hs256(secret, "{\"alg\":\"HS256\",\"kid\":\"\\udc00\"}", CLAIMS);
    expect_refused(f->keys, &token, "the kid is no string");
    token = hs256(secret, "{\"alg\":\"HS256\",\"crit\":[\"x\"]}", CLAIMS);
    expect_refused(f->keys, &token, "critical header fields are not supported");
    token = hs256(secret, "{\"alg\":\"HS256\",\"crit\":[]}", CLAIMS);
    expect_refused(f->keys, &token, "critical header fields are not supported");
    token = hs256(secret, "{\"alg\":[\"HS256\"]}", CLAIMS);
    expect_refused(f->keys, &token, "no algorithm is named");
    token = hs256(secret, "{}", CLAIMS);
    expect_refused(f->keys, &token, "no algorithm is named");

    /* Another key of the right kind. */
    EVP_PKEY *stranger = EVP_EC_gen("P-256");
    token = asymmetric(stranger, "{\"alg\":\"ES256\",\"kid\":\"ec\"}", CLAIMS);
    expect_refused(f->keys, &token, wrong);
    EVP_PKEY_free(stranger);
    token = asymmetric(f->rsa, "{\"alg\":\"ES256\",\"kid\":\"rsa\"}", CLAIMS);
    expect_refused(f->keys, &token, no_key);
}

static void refuses_bad_signatures(void **state)
{
    struct fixture *f = *state;
    const char *wrong = "the signature is wrong";
    static const unsigned char zeros[20 * 1024 / 4 * 3];
    const struct {
        const char *alg;
        size_t size;
    } sizes[] = {
        {"HS256", 0},  {"HS256", 31}, {"HS256", 33},  {"ES256", 0},   {"ES256", 63},
        {"ES256", 64}, {"ES256", 65}, {"EdDSA", 0},   {"EdDSA", 64},  {"EdDSA", 65},
        {"RS256", 0},  {"RS256", 1},  {"RS256", 256}, {"RS256", 257},
    };
    struct tt_buffer token;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        char header[64];
        (void)snprintf(header, sizeof(header), "{\"alg\":\"%s\"}", sizes[i].alg);
        token = unsigned_token(header, CLAIMS);
        add_signature(&token, zeros, sizes[i].size);
        expect_refused(f->keys, &token, wrong);
    }
    token = unsigned_token("{\"alg\":\"RS256\"}", CLAIMS);
    add_signature(&token, zeros, sizeof(zeros));
    assert_true(token.size > 20 * 1024);
    expect_refused(f->keys, &token, "too long");

    /* A good signature with a byte more is none. */
    token = asymmetric(f->ec, "{\"alg\":\"ES256\"}", CLAIMS);
    unsigned char longer[TT_BASE64URL_DECODED_MAX(86)] = {0};
    size_t longer_size;
    const size_t signature_at = token.size - 86;
    assert_true(tt_base64url_decode(tt_slice(token.data + signature_at, 86), longer, &longer_size));
    assert_int_equal(longer_size, 64);
    longer[64] = 0;
    token.size = signature_at;
    tt_base64url_encode(tt_slice(longer, 65), &token);
    struct tt_jwt_claims unused_claims;
    const char *why;
    assert_int_equal(
        tt_jwt_verify(f->keys, &no_policy, tt_buffer_slice(&token), NOW, &unused_claims, &why).code,
        TT_ERR_UNAUTHENTICATED);
    tt_buffer_deinit(&token);

    /* Each bit of a signature matters. */
    struct tt_buffer good = hs256(TT_SLICE_LITERAL(SECRET), "{\"alg\":\"HS256\"}", CLAIMS);
    for (size_t i = 0; i < good.size; i++) {
        struct tt_jwt_claims claims;
        const char *reason;
        char was = good.data[i];
        good.data[i] = was == 'A' ? 'B' : 'A';
        tt_err err =
            tt_jwt_verify(f->keys, &no_policy, tt_buffer_slice(&good), NOW, &claims, &reason);
        assert_int_equal(err.code, TT_ERR_UNAUTHENTICATED);
        good.data[i] = was;
    }
    expect_good(f->keys, &good);
}

static void refuses_what_is_no_token(void **state)
{
    struct fixture *f = *state;
    static const char *const texts[] = {
        "",
        ".",
        "..",
        "...",
        "a",
        "a.b",
        "a.b.c",
        "a.b.c.d",
        "eyJhbGciOiJIUzI1NiJ9..",
        "eyJhbGciOiJIUzI1NiJ9=.e30.AAAA",
        "eyJhbGciOiJIUzI1NiJ9 .e30.AAAA",
        "e30.e30.e30",
        "eyJhbGciOiJIUzI1NiJ9.e30.A",
        "bnVsbA.e30.",
        "W10.e30.",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct tt_jwt_claims claims;
        const char *reason;
        tt_err err =
            tt_jwt_verify(f->keys, &no_policy, tt_slice_text(texts[i]), NOW, &claims, &reason);
        assert_int_equal(err.code, TT_ERR_UNAUTHENTICATED);
    }
}

static void checks_claims(void **state)
{
    struct fixture *f = *state;
    const struct {
        const char *payload;
        const char *reason; /* NULL: accepted */
    } cases[] = {
        {"{\"sub\":\"a\",\"exp\":1705311721}", NULL},
        {"{\"sub\":\"a\",\"exp\":1705311720}", "expired"},
        {"{\"sub\":\"a\",\"exp\":0}", "expired"},
        {"{\"sub\":\"a\",\"exp\":253402300799}", NULL},
        {"{\"sub\":\"a\",\"exp\":253402300800}", "exp is no number of seconds since 1970"},
        {"{\"sub\":\"a\",\"exp\":1705311730000}", "exp is no number of seconds since 1970"},
        {"{\"sub\":\"a\",\"exp\":-1}", "exp is no number of seconds since 1970"},
        {"{\"sub\":\"a\",\"exp\":1705311721.5}", NULL},
        {"{\"sub\":\"a\",\"exp\":1705311720.9}", "expired"}, /* rounded down */
        {"{\"sub\":\"a\",\"exp\":1e10}", NULL},
        {"{\"sub\":\"a\",\"exp\":-0.5}", "exp is no number of seconds since 1970"},
        {"{\"sub\":\"a\",\"exp\":253402300799.5}", "exp is no number of seconds since 1970"},
        {"{\"sub\":\"a\",\"exp\":1e300}", "exp is no number of seconds since 1970"},
        {"{\"sub\":\"a\",\"exp\":1e400}", "exp is no number of seconds since 1970"},
        {"{\"sub\":\"a\",\"exp\":\"1705311730\"}", "exp is no number of seconds since 1970"},
        {"{\"sub\":\"a\",\"exp\":null}", "exp is no number of seconds since 1970"},
        {"{\"sub\":\"a\",\"exp\":[1705311730]}", "exp is no number of seconds since 1970"},
        {"{\"sub\":\"a\",\"exp\":99999999999999999999}", "exp is no number of seconds since 1970"},
        {"{\"sub\":\"a\",\"exp\":1"
         "00000000000000000000000000000000000000000000000000000000000000000}",
         "exp is no number of seconds since 1970"},
        {"{\"sub\":\"a\"}", "exp is missing"},
        {"{\"sub\":\"a\",\"exp\":1705311720,\"exp\":1705311730}",
         "the claims are no JSON object, or repeat a name"},
        {"{\"sub\":\"a\",\"sub\":\"b\",\"exp\":1705311730}",
         "the claims are no JSON object, or repeat a name"},
        {"{\"sub\":\"a\",\"exp\":1705311730,\"s\\u0075b\":\"b\"}",
         "the claims are no JSON object, or repeat a name"},
        {"{\"s\\u0075b\":\"\\u0061\",\"e\\u0078p\":1705311730,\"of\":{\"sub\":1,\"sub\":2}}", NULL},
        {"{\"sub\":\"a\\u0000\",\"exp\":1705311730}", "sub is no user id"},
        {"{\"claims\":{\"sub\":\"a\",\"exp\":1705311730}}", "exp is missing"},
        {"{\"sub\":\"a\",\"exp\":1705311730,\"nbf\":1705311780}", NULL},
        {"{\"sub\":\"a\",\"exp\":1705311730,\"nbf\":1705311781}", "not valid yet"},
        {"{\"sub\":\"a\",\"exp\":1705311730,\"nbf\":1705311779.5}", NULL},
        {"{\"sub\":\"a\",\"exp\":1705311730,\"nbf\":1705311780.0}", NULL},
        {"{\"sub\":\"a\",\"exp\":1705311730,\"nbf\":1705311780.1}", "not valid yet"},
        {"{\"sub\":\"a\",\"exp\":1705311730,\"nbf\":\"now\"}", "not valid yet"},
        {"{\"sub\":\"a\",\"exp\":1705311730,\"iat\":1705311780}", NULL},
        {"{\"sub\":\"a\",\"exp\":1705311730,\"iat\":1705311781}", "issued in the future"},
        {"{\"sub\":\"a\",\"exp\":1705311730,\"iat\":1705311779.5}", NULL},
        {"{\"sub\":\"a\",\"exp\":1705311730,\"iat\":1705311780.5}", "issued in the future"},
        {"{\"sub\":\"a\",\"exp\":1705311730,\"iat\":true}", "issued in the future"},
        {"{\"exp\":1705311730}", "sub is no user id"},
        {"{\"sub\":\"\",\"exp\":1705311730}", "sub is no user id"},
        {"{\"sub\":\"a b\",\"exp\":1705311730}", "sub is no user id"},
        {"{\"sub\":1,\"exp\":1705311730}", "sub is no user id"},
        {"{\"sub\":[\"a\"],\"exp\":1705311730}", "sub is no user id"},
        {"{\"sub\":\"a\",\"device\":\"\",\"exp\":1705311730}", "device is no device id"},
        {"{\"sub\":\"a\",\"device\":null,\"exp\":1705311730}", "device is no device id"},
        {"{\"sub\":\"a\",\"exp\":1705311730}x", "the claims are no JSON object, or repeat a name"},
        {"{\"sub\":\"a\",\"exp\":1705311730,\"twoticks_login\":1}", NULL},
        {"{\"sub\":\"a\",\"exp\":1705311730,\"twoticks_login\":0}", "the login is no such number"},
        {"{\"sub\":\"a\",\"exp\":1705311730,\"twoticks_login\":-1}", "the login is no such number"},
        {"{\"sub\":\"a\",\"exp\":1705311730,\"twoticks_login\":1.0}",
         "the login is no such number"},
        {"{\"sub\":\"a\",\"exp\":1705311730,\"twoticks_login\":\"1\"}",
         "the login is no such number"},
        {"[]", "the claims are no JSON object, or repeat a name"},
        {"", "the claims are no JSON object, or repeat a name"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tt_jwt_claims claims;
        const char *reason = "";
        struct tt_buffer token =
            hs256(TT_SLICE_LITERAL(SECRET), "{\"alg\":\"HS256\"}", cases[i].payload);
        tt_err err =
            tt_jwt_verify(f->keys, &no_policy, tt_buffer_slice(&token), NOW, &claims, &reason);
        if (tt_is_ok(err) != (cases[i].reason == NULL))
            fail_msg("%s: %s", cases[i].payload, reason);
        if (cases[i].reason == NULL)
            assert_true(tt_slice_eq(tt_id_slice(&claims.device), TT_SLICE_LITERAL("default")));
        else
            assert_string_equal(reason, cases[i].reason);
        tt_buffer_deinit(&token);
    }
}

/* Good to the last millisecond before `exp`, and not in it. */
static void expires_on_the_dot(void **state)
{
    struct fixture *f = *state;
    struct tt_buffer token = hs256(TT_SLICE_LITERAL(SECRET), "{\"alg\":\"HS256\"}", CLAIMS);
    struct tt_jwt_claims claims;
    const char *reason;
    expect_ok(tt_jwt_verify(f->keys, &no_policy, tt_buffer_slice(&token), TT_TIME(1705311729999),
                            &claims, &reason));
    assert_int_equal(tt_jwt_verify(f->keys, &no_policy, tt_buffer_slice(&token),
                                   TT_TIME(1705311730000), &claims, &reason)
                         .code,
                     TT_ERR_UNAUTHENTICATED);
    tt_buffer_deinit(&token);
}

static void checks_audience_and_issuer(void **state)
{
    struct fixture *f = *state;
    const struct tt_jwt_policy policy = {TT_SLICE_LITERAL("chat"), TT_SLICE_LITERAL("me")};
    const struct tt_jwt_policy odd = {TT_SLICE_EMPTY, TT_SLICE_LITERAL("\xef\xbf\xbd")};
    const struct tt_jwt_policy far = {TT_SLICE_EMPTY, TT_SLICE_LITERAL("https://far/\\")};
    const struct {
        const char *payload;
        const char *reason;
        const struct tt_jwt_policy *policy; /* NULL: that one */
    } cases[] = {
        {"{\"sub\":\"a\",\"exp\":1705311730,\"iss\":\"https:\\/\\/far/\\u005c\"}", NULL, &far},
        {"{\"sub\":\"a\",\"exp\":1705311730,\"iss\":\"https://far/\\\\\"}", NULL, &far},
        {"{\"sub\":\"a\",\"exp\":1705311730,\"iss\":\"https://far/\"}", "from another issuer",
         &far},
        {"{\"sub\":\"a\",\"exp\":1705311730,\"iss\":\"\\ud800\"}", "from another issuer", &odd},
        {"{\"sub\":\"a\",\"exp\":1705311730,\"iss\":\"\\ufffd\"}", NULL, &odd},
        {"{\"sub\":\"a\",\"exp\":1705311730,\"iss\":\"m\\u0065\",\"aud\":[1,\"ch\\u0061t\"]}", NULL,
         NULL},
        {"{\"sub\":\"a\",\"exp\":1705311730,\"iss\":\"me\",\"aud\":\"chat\"}", NULL, NULL},
        {"{\"sub\":\"a\",\"exp\":1705311730,\"iss\":\"me\",\"aud\":[\"x\",\"chat\"]}", NULL, NULL},
        {"{\"sub\":\"a\",\"exp\":1705311730,\"iss\":\"me\",\"aud\":[]}", "for another audience",
         NULL},
        {"{\"sub\":\"a\",\"exp\":1705311730,\"iss\":\"me\",\"aud\":\"chats\"}",
         "for another audience", NULL},
        {"{\"sub\":\"a\",\"exp\":1705311730,\"iss\":\"me\",\"aud\":{\"chat\":1}}",
         "for another audience", NULL},
        {"{\"sub\":\"a\",\"exp\":1705311730,\"iss\":\"me\"}", "for another audience", NULL},
        {"{\"sub\":\"a\",\"exp\":1705311730,\"aud\":\"chat\"}", "from another issuer", NULL},
        {"{\"sub\":\"a\",\"exp\":1705311730,\"iss\":[\"me\"],\"aud\":\"chat\"}",
         "from another issuer", NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tt_jwt_claims claims;
        const char *reason = "";
        struct tt_buffer token =
            hs256(TT_SLICE_LITERAL(SECRET), "{\"alg\":\"HS256\"}", cases[i].payload);
        tt_err err = tt_jwt_verify(f->keys, cases[i].policy == NULL ? &policy : cases[i].policy,
                                   tt_buffer_slice(&token), NOW, &claims, &reason);
        assert_int_equal(tt_is_ok(err), cases[i].reason == NULL);
        if (cases[i].reason != NULL)
            assert_string_equal(reason, cases[i].reason);
        tt_buffer_deinit(&token);
    }
}

static void put_number(struct tt_buffer *out, EVP_PKEY *key, const char *name, int size)
{
    unsigned char bytes[256];
    BIGNUM *number = NULL;
    assert_int_equal(EVP_PKEY_get_bn_param(key, name, &number), 1);
    int used = size == 0 ? BN_num_bytes(number) : size;
    BN_bn2binpad(number, bytes, used);
    tt_base64url_encode(tt_slice(bytes, (size_t)used), out);
    BN_free(number);
}

static void reads_a_jwks(void **state)
{
    struct fixture *f = *state;
    struct tt_buffer json = {0};
    unsigned char raw[32];
    size_t size = sizeof(raw);
    assert_int_equal(EVP_PKEY_get_raw_public_key(f->ed, raw, &size), 1);
    tt_buffer_add_text(&json, "{\"keys\":[{\"kty\":\"oct\",\"k\":\"AAAA\"},"
                              "{\"kty\":\"RSA\",\"use\":\"enc\",\"n\":\"AQAB\",\"e\":\"AQAB\"},"
                              "{\"kty\":\"EC\",\"crv\":\"P-521\",\"x\":\"AA\",\"y\":\"AA\"},7,"
                              "{\"kty\":\"RSA\",\"kid\":\"r\",\"alg\":\"RS256\",\"use\":\"sig\","
                              "\"n\":\"");
    put_number(&json, f->rsa, OSSL_PKEY_PARAM_RSA_N, 0);
    tt_buffer_add_text(&json, "\",\"e\":\"");
    put_number(&json, f->rsa, OSSL_PKEY_PARAM_RSA_E, 0);
    tt_buffer_add_text(&json, "\"},{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"e\",\"x\":\"");
    put_number(&json, f->ec, OSSL_PKEY_PARAM_EC_PUB_X, 32);
    tt_buffer_add_text(&json, "\",\"y\":\"");
    put_number(&json, f->ec, OSSL_PKEY_PARAM_EC_PUB_Y, 32);
    tt_buffer_add_text(&json, "\"},{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"d\",\"x\":\"");
    tt_base64url_encode(tt_slice(raw, sizeof(raw)), &json);
    tt_buffer_add_text(&json, "\"}]}");

    struct tt_jwt_keys *keys = tt_jwt_keys_create();
    const char *problem = "";
    expect_ok(tt_jwt_keys_add_jwks(keys, tt_buffer_slice(&json), &problem));
    struct tt_buffer token = asymmetric(f->rsa, "{\"alg\":\"RS256\",\"kid\":\"r\"}", CLAIMS);
    expect_good(keys, &token);
    token = asymmetric(f->ec, "{\"alg\":\"ES256\",\"kid\":\"e\"}", CLAIMS);
    expect_good(keys, &token);
    token = asymmetric(f->ed, "{\"alg\":\"EdDSA\",\"kid\":\"d\"}", CLAIMS);
    expect_good(keys, &token);
    token = asymmetric(f->rsa, "{\"alg\":\"RS256\",\"kid\":\"e\"}", CLAIMS);
    expect_refused(keys, &token, "no key of that kid and algorithm");
    token = hs256(TT_SLICE_LITERAL("\0\0\0"), "{\"alg\":\"HS256\"}", CLAIMS);
    expect_refused(keys, &token, "no key of that kid and algorithm");
    tt_jwt_keys_destroy(&keys);
    tt_buffer_deinit(&json);
}

static void refuses_weak_and_foreign_keys(void **state)
{
    struct fixture *f = *state;
    struct tt_jwt_keys *keys = tt_jwt_keys_create();
    struct tt_slice none = TT_SLICE_EMPTY;
    EVP_PKEY *weak[] = {EVP_RSA_gen(1024), EVP_EC_gen("P-384"),
                        EVP_PKEY_Q_keygen(NULL, NULL, "X25519")};
    for (size_t i = 0; i < sizeof(weak) / sizeof(weak[0]); i++) {
        const char *problem = NULL;
        struct tt_buffer pem = pem_of(weak[i]);
        assert_int_equal(tt_jwt_keys_add_pem(keys, none, tt_buffer_slice(&pem), &problem).code,
                         TT_ERR_INVALID);
        assert_non_null(problem);
        tt_buffer_deinit(&pem);
        EVP_PKEY_free(weak[i]);
    }
    const char *problem = NULL;
    assert_int_equal(tt_jwt_keys_add_pem(keys, none, tt_slice_text("nonsense"), &problem).code,
                     TT_ERR_INVALID);
    assert_int_equal(tt_jwt_keys_add_secret(keys, none, tt_slice(SECRET, 31), &problem).code,
                     TT_ERR_INVALID);
    static const char *const sets[] = {
        "",
        "{}",
        "[]",
        "{\"keys\":{}}",
        "{\"keys\":[]}",
        "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}]}",
        "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":"
        "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE\",\"y\":"
        "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE\"}]}",
    };
    for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++)
        assert_int_equal(tt_jwt_keys_add_jwks(keys, tt_slice_text(sets[i]), &problem).code,
                         TT_ERR_INVALID);
    for (size_t i = 0; i < TT_JWT_KEYS_MAX; i++)
        add_pem(keys, "", f->ed);
    assert_int_equal(tt_jwt_keys_add_secret(keys, none, tt_slice_text(SECRET), &problem).code,
                     TT_ERR_INVALID);
    tt_jwt_keys_destroy(&keys);
}

/* Every short text: accepted exactly if it is what the bytes are written as. */
static void base64url_is_one_to_one(void **unused)
{
    (void)unused;
    static const char letters[] = "Aaz09-_=+/ Zg";
    const size_t base = sizeof(letters) - 1;
    for (size_t number = 0; number < base * base * base * base; number++) {
        char text[4];
        size_t rest = number;
        for (size_t i = 0; i < 4; i++, rest /= base)
            text[i] = letters[rest % base];
        for (size_t size = 0; size <= 4; size++) {
            unsigned char bytes[TT_BASE64URL_DECODED_MAX(4)];
            size_t count;
            if (!tt_base64url_decode(tt_slice(text, size), bytes, &count))
                continue;
            struct tt_buffer back = {0};
            tt_base64url_encode(tt_slice(bytes, count), &back);
            assert_true(tt_slice_eq(tt_buffer_slice(&back), tt_slice(text, size)));
            tt_buffer_deinit(&back);
        }
    }
    struct tt_buffer out = {0};
    tt_base64url_encode(TT_SLICE_LITERAL("\xff\xef\xbe\x00"), &out);
    assert_true(tt_slice_eq(tt_buffer_slice(&out), TT_SLICE_LITERAL("_---AA")));
    tt_buffer_deinit(&out);
    unsigned char bytes[TT_BASE64URL_DECODED_MAX(6)];
    size_t count;
    assert_true(tt_base64url_decode(TT_SLICE_LITERAL("_---AA"), bytes, &count));
    assert_true(tt_slice_eq(tt_slice(bytes, count), TT_SLICE_LITERAL("\xff\xef\xbe\x00")));
    assert_false(tt_base64url_decode(TT_SLICE_LITERAL("_---AB"), bytes, &count));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts_all_four_algorithms),
        cmocka_unit_test(signs_what_it_accepts),
        cmocka_unit_test(refuses_forgeries),
        cmocka_unit_test(refuses_bad_signatures),
        cmocka_unit_test(refuses_what_is_no_token),
        cmocka_unit_test(checks_claims),
        cmocka_unit_test(expires_on_the_dot),
        cmocka_unit_test(checks_audience_and_issuer),
        cmocka_unit_test(reads_a_jwks),
        cmocka_unit_test(refuses_weak_and_foreign_keys),
        cmocka_unit_test(base64url_is_one_to_one),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
