/*
 * The encryption of RFC 8291. Whoever reads this beside the RFC finds its names again: ua is the
 * browser, as the application server, ikm what both know, cek and nonce what the record is
 * encrypted with.
 */
#include "adapter/push/webpush_request.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/rand.h>

#include "adapter/push/push_key_private.h"

#define SHARED_SIZE 32
#define IKM_SIZE    32
#define CEK_SIZE    16
#define NONCE_SIZE  12
#define TAG_SIZE    16
#define LAST_RECORD 2

struct secrets {
    unsigned char cek[CEK_SIZE];
    unsigned char nonce[NONCE_SIZE];
};

static bool hkdf(struct tt_slice salt, struct tt_slice ikm, struct tt_slice info,
                 unsigned char *out, size_t size)
{
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    EVP_KDF_CTX *context = EVP_KDF_CTX_new(kdf);
    EVP_KDF_free(kdf);
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char[]){"SHA256"}, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *)(uintptr_t)salt.data,
                                          salt.size),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)(uintptr_t)ikm.data,
                                          ikm.size),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)(uintptr_t)info.data,
                                          info.size),
        OSSL_PARAM_construct_end(),
    };
    bool done = context != NULL && EVP_KDF_derive(context, out, size, params) == 1;
    EVP_KDF_CTX_free(context);
    return done;
}

static EVP_PKEY *read_point(struct tt_slice point)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    EVP_PKEY *pkey = NULL;
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char[]){"prime256v1"}, 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, (void *)(uintptr_t)point.data,
                                          point.size),
        OSSL_PARAM_construct_end(),
    };
    if (context != NULL && EVP_PKEY_fromdata_init(context) == 1 &&
        EVP_PKEY_fromdata(context, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
        pkey = NULL;
    EVP_PKEY_CTX_free(context);
    return pkey;
}

static bool agree(EVP_PKEY *ours, EVP_PKEY *theirs, unsigned char shared[SHARED_SIZE])
{
    size_t size = SHARED_SIZE;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(ours, NULL);
    bool done = context != NULL && EVP_PKEY_derive_init(context) == 1 &&
                EVP_PKEY_derive_set_peer(context, theirs) == 1 &&
                EVP_PKEY_derive(context, shared, &size) == 1 && size == SHARED_SIZE;
    EVP_PKEY_CTX_free(context);
    return done;
}

static bool derive(const struct tt_push_address *address, struct tt_slice shared,
                   const unsigned char *as_point, const unsigned char *salt,
                   struct secrets *secrets)
{
    static const char cek_info[] = "Content-Encoding: aes128gcm"; /* each with its zero */
    static const char nonce_info[] = "Content-Encoding: nonce";
    static const char key_info[] = "WebPush: info";
    unsigned char info[sizeof(key_info) + 2 * TT_P256_POINT_SIZE];
    unsigned char ikm[IKM_SIZE];
    memcpy(info, key_info, sizeof(key_info));
    memcpy(info + sizeof(key_info), address->p256dh.data, TT_P256_POINT_SIZE);
    memcpy(info + sizeof(key_info) + TT_P256_POINT_SIZE, as_point, TT_P256_POINT_SIZE);
    struct tt_slice salted = tt_slice(salt, TT_WEBPUSH_SALT_SIZE);
    return hkdf(address->auth, shared, tt_slice(info, sizeof(info)), ikm, IKM_SIZE) &&
           hkdf(salted, tt_slice(ikm, IKM_SIZE), tt_slice(cek_info, sizeof(cek_info)), secrets->cek,
                CEK_SIZE) &&
           hkdf(salted, tt_slice(ikm, IKM_SIZE), tt_slice(nonce_info, sizeof(nonce_info)),
                secrets->nonce, NONCE_SIZE);
}

static bool seal(const struct secrets *secrets, struct tt_slice text, unsigned char *out)
{
    static const unsigned char end = LAST_RECORD;
    int size = 0;
    int more = 0;
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    bool done =
        context != NULL &&
        EVP_EncryptInit_ex2(context, EVP_aes_128_gcm(), secrets->cek, secrets->nonce, NULL) == 1 &&
        EVP_EncryptUpdate(context, out, &size, (const unsigned char *)text.data, (int)text.size) ==
            1 &&
        EVP_EncryptUpdate(context, out + size, &more, &end, 1) == 1 &&
        EVP_EncryptFinal_ex(context, out + size + more, &size) == 1 &&
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, TAG_SIZE, out + text.size + 1) == 1;
    EVP_CIPHER_CTX_free(context);
    return done;
}

static void write_head(const unsigned char *salt, const unsigned char *point,
                       struct tt_buffer *body)
{
    const uint32_t record = TT_WEBPUSH_BODY_SIZE_MAX;
    tt_buffer_add(body, tt_slice(salt, TT_WEBPUSH_SALT_SIZE));
    for (int shift = 24; shift >= 0; shift -= 8)
        tt_buffer_add_byte(body, (char)(record >> shift & 0xff));
    tt_buffer_add_byte(body, TT_P256_POINT_SIZE);
    tt_buffer_add(body, tt_slice(point, TT_P256_POINT_SIZE));
}

tt_err tt_webpush_encrypt_with(const struct tt_push_address *address, struct tt_slice text,
                               const struct tt_push_key *key,
                               const unsigned char salt[TT_WEBPUSH_SALT_SIZE],
                               struct tt_buffer *body)
{
    unsigned char point[TT_P256_POINT_SIZE];
    unsigned char shared[SHARED_SIZE];
    struct secrets secrets;
    TT_ASSERT(text.size <= TT_WEBPUSH_TEXT_SIZE_MAX);
    if (address->p256dh.size != TT_PUSH_P256DH_SIZE || address->auth.size != TT_PUSH_AUTH_SIZE)
        return TT_FAIL(INVALID);
    EVP_PKEY *theirs = read_point(address->p256dh);
    if (theirs == NULL)
        return TT_FAIL(INVALID);
    bool done = tt_is_ok(tt_push_key_point(key, point)) &&
                agree(tt_push_key_pkey(key), theirs, shared) &&
                derive(address, tt_slice(shared, SHARED_SIZE), point, salt, &secrets);
    EVP_PKEY_free(theirs);
    if (!done)
        return TT_FAIL(INTERNAL);
    write_head(salt, point, body);
    size_t sealed = text.size + 1 + TAG_SIZE;
    if (!seal(&secrets, text, (unsigned char *)tt_buffer_reserve(body, sealed)))
        return TT_FAIL(INTERNAL);
    tt_buffer_grow_by(body, sealed);
    return TT_OK;
}

tt_err tt_webpush_encrypt(const struct tt_push_address *address, struct tt_slice text,
                          struct tt_buffer *body)
{
    unsigned char salt[TT_WEBPUSH_SALT_SIZE];
    struct tt_push_key *key;
    if (RAND_bytes(salt, sizeof(salt)) != 1)
        return TT_FAIL(INTERNAL);
    TT_TRY(tt_push_key_make(&key));
    tt_err err = tt_webpush_encrypt_with(address, text, key, salt, body);
    tt_push_key_destroy(&key);
    return err;
}
