#include "adapter/push/push_key.h"

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "adapter/push/push_key_private.h"
#include "base/base64url.h"
#include "base/memory.h"

#define P256_HALF          32
#define RSA_BITS_MIN       2048
#define SIGNATURE_SIZE_MAX 1024

struct tt_push_key {
    enum tt_push_key_kind kind;
    EVP_PKEY *pkey;
};

/* A key with a passphrase is refused instead of asking the terminal for it. */
static int no_passphrase(char *text, int size, int writing, void *context)
{
    (void)text;
    (void)size;
    (void)writing;
    (void)context;
    return -1;
}

static bool is_p256(EVP_PKEY *pkey)
{
    char group[32];
    return EVP_PKEY_is_a(pkey, "EC") == 1 &&
           EVP_PKEY_get_group_name(pkey, group, sizeof(group), NULL) == 1 &&
           strcmp(group, "prime256v1") == 0;
}

static const char *find_problem(EVP_PKEY *pkey, enum tt_push_key_kind kind)
{
    if (pkey == NULL)
        return "this is no PEM private key without a passphrase; it begins with "
               "-----BEGIN PRIVATE KEY-----";
    if (kind == TT_PUSH_KEY_P256 && !is_p256(pkey))
        return "this key is of the wrong type; an EC key on the curve P-256 (prime256v1) is needed";
    if (kind == TT_PUSH_KEY_RSA &&
        (EVP_PKEY_is_a(pkey, "RSA") != 1 || EVP_PKEY_get_bits(pkey) < RSA_BITS_MIN))
        return "this key is of the wrong type; an RSA key of at least 2048 bits is needed";
    return NULL;
}

static struct tt_push_key *wrap(EVP_PKEY *pkey, enum tt_push_key_kind kind)
{
    struct tt_push_key *key = tt_alloc(sizeof(*key));
    key->kind = kind;
    key->pkey = pkey;
    return key;
}

tt_err tt_push_key_read(struct tt_slice pem, enum tt_push_key_kind kind, struct tt_push_key **key,
                        const char **problem)
{
    EVP_PKEY *pkey = NULL;
    BIO *bio =
        pem.size > 0 && pem.size <= INT32_MAX ? BIO_new_mem_buf(pem.data, (int)pem.size) : NULL;
    if (bio != NULL)
        pkey = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
    BIO_free(bio);
    *problem = find_problem(pkey, kind);
    if (*problem != NULL) {
        EVP_PKEY_free(pkey);
        return TT_FAIL(INVALID);
    }
    *key = wrap(pkey, kind);
    return TT_OK;
}

tt_err tt_push_key_make(struct tt_push_key **key)
{
    EVP_PKEY *pkey = EVP_EC_gen("P-256");
    if (pkey == NULL)
        return TT_FAIL(INTERNAL);
    *key = wrap(pkey, TT_PUSH_KEY_P256);
    return TT_OK;
}

void tt_push_key_destroy(struct tt_push_key **take_key)
{
    if (*take_key == NULL)
        return;
    EVP_PKEY_free((*take_key)->pkey);
    tt_free(*take_key);
    *take_key = NULL;
}

tt_err tt_push_key_write(const struct tt_push_key *key, struct tt_buffer *pem)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text;
    bool done = bio != NULL &&
                PEM_write_bio_PKCS8PrivateKey(bio, key->pkey, NULL, NULL, 0, NULL, NULL) == 1;
    if (done) {
        long size = BIO_get_mem_data(bio, &text);
        tt_buffer_add(pem, tt_slice(text, (size_t)size));
    }
    BIO_free(bio);
    return done ? TT_OK : TT_FAIL(INTERNAL);
}

EVP_PKEY *tt_push_key_pkey(const struct tt_push_key *key)
{
    return key->pkey;
}

tt_err tt_push_key_point(const struct tt_push_key *key, unsigned char point[TT_P256_POINT_SIZE])
{
    size_t size;
    if (EVP_PKEY_get_octet_string_param(key->pkey, OSSL_PKEY_PARAM_PUB_KEY, point,
                                        TT_P256_POINT_SIZE, &size) != 1)
        return TT_FAIL(INTERNAL);
    return size == TT_P256_POINT_SIZE ? TT_OK : TT_FAIL(INTERNAL);
}

/* OpenSSL signs in ASN.1; a JWT wants r and s at their full length, one after the other. */
static bool flatten(const unsigned char *der, size_t der_size, unsigned char raw[2 * P256_HALF])
{
    ECDSA_SIG *signature = d2i_ECDSA_SIG(NULL, &der, (long)der_size);
    if (signature == NULL)
        return false;
    bool done = BN_bn2binpad(ECDSA_SIG_get0_r(signature), raw, P256_HALF) == P256_HALF &&
                BN_bn2binpad(ECDSA_SIG_get0_s(signature), raw + P256_HALF, P256_HALF) == P256_HALF;
    ECDSA_SIG_free(signature);
    return done;
}

static bool sign(EVP_PKEY *pkey, struct tt_slice text, unsigned char *signature, size_t *size)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool done =
        context != NULL && EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, pkey) == 1 &&
        EVP_DigestSign(context, signature, size, (const unsigned char *)text.data, text.size) == 1;
    EVP_MD_CTX_free(context);
    return done;
}

tt_err tt_push_key_sign_jwt(const struct tt_push_key *key, struct tt_slice header,
                            struct tt_slice claims, struct tt_buffer *token)
{
    unsigned char signature[SIGNATURE_SIZE_MAX];
    unsigned char raw[2 * P256_HALF];
    size_t size = sizeof(signature);
    struct tt_buffer text = {0};
    tt_base64url_encode(header, &text);
    tt_buffer_add_byte(&text, '.');
    tt_base64url_encode(claims, &text);
    bool done = sign(key->pkey, tt_buffer_slice(&text), signature, &size);
    struct tt_slice written = tt_slice(signature, size);
    if (done && key->kind == TT_PUSH_KEY_P256) {
        done = flatten(signature, size, raw);
        written = tt_slice(raw, sizeof(raw));
    }
    if (done) {
        tt_buffer_add(token, tt_buffer_slice(&text));
        tt_buffer_add_byte(token, '.');
        tt_base64url_encode(written, token);
    }
    tt_buffer_deinit(&text);
    return done ? TT_OK : TT_FAIL(INTERNAL);
}
