#include "edge/jwt_key.h"

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/memory.h"
#include "edge/jwks.h"

#define RSA_BITS_MIN 2048
#define RSA_BITS_MAX 8192

#define HS256_SIGNATURE_SIZE 32
#define ES256_SIGNATURE_SIZE 64

struct tt_jwt_key {
    enum tt_jwt_algorithm algorithm;
    char kid[TT_JWT_KID_SIZE_MAX];
    size_t kid_size;
    EVP_MAC_CTX *secret;  /* HS256: the MAC of nothing, with the key in it, to go on from */
    EVP_PKEY *public_key; /* the others */
};

/* What changes while everybody reads. */
struct shared {
    pthread_rwlock_t lock;
    atomic_bool missed;
    atomic_uint_fast64_t version;
};

struct tt_jwt_keys {
    struct shared *shared;
    struct tt_jwt_key keys[TT_JWT_KEYS_MAX];
    size_t count;
};

struct tt_jwt_keys *tt_jwt_keys_create(void)
{
    struct tt_jwt_keys *keys = tt_alloc(sizeof(*keys));
    keys->shared = tt_alloc(sizeof(*keys->shared));
    int failed = pthread_rwlock_init(&keys->shared->lock, NULL);
    TT_ASSERT(failed == 0);
    return keys;
}

void tt_jwt_keys_hold(const struct tt_jwt_keys *keys)
{
    pthread_rwlock_rdlock(&keys->shared->lock);
}

void tt_jwt_keys_let_go(const struct tt_jwt_keys *keys)
{
    pthread_rwlock_unlock(&keys->shared->lock);
}

void tt_jwt_keys_miss(const struct tt_jwt_keys *keys)
{
    atomic_store(&keys->shared->missed, true);
}

bool tt_jwt_keys_missed(const struct tt_jwt_keys *keys)
{
    return atomic_exchange(&keys->shared->missed, false);
}

static void clear(struct tt_jwt_keys *keys)
{
    for (size_t i = 0; i < keys->count; i++) {
        struct tt_jwt_key *key = &keys->keys[i];
        EVP_MAC_CTX_free(key->secret); /* wipes it */
        EVP_PKEY_free(key->public_key);
    }
    keys->count = 0;
}

void tt_jwt_keys_replace(struct tt_jwt_keys *keys, struct tt_jwt_keys **take_others)
{
    struct tt_jwt_keys *others = *take_others;
    pthread_rwlock_wrlock(&keys->shared->lock);
    clear(keys);
    memcpy(keys->keys, others->keys, sizeof(keys->keys));
    keys->count = others->count;
    atomic_fetch_add(&keys->shared->version, 1);
    pthread_rwlock_unlock(&keys->shared->lock);
    others->count = 0;
    tt_jwt_keys_destroy(take_others);
}

uint64_t tt_jwt_keys_version(const struct tt_jwt_keys *keys)
{
    return atomic_load(&keys->shared->version);
}

void tt_jwt_keys_destroy(struct tt_jwt_keys **take_keys)
{
    struct tt_jwt_keys *keys = *take_keys;
    *take_keys = NULL;
    if (keys == NULL)
        return;
    clear(keys);
    pthread_rwlock_destroy(&keys->shared->lock);
    tt_free(keys->shared);
    tt_free(keys);
}

static tt_err refuse(const char **problem, const char *text)
{
    *problem = text;
    return TT_FAIL(INVALID);
}

/* A zeroed key of that name, which counts only after `count` is raised. */
static tt_err new_key(struct tt_jwt_keys *keys, struct tt_slice kid, struct tt_jwt_key **key,
                      const char **problem)
{
    if (keys->count == TT_JWT_KEYS_MAX)
        return refuse(problem, "there are more than 32 keys for tokens; drop the old ones");
    if (kid.size > TT_JWT_KID_SIZE_MAX)
        return refuse(problem, "a key's kid is longer than 128 bytes; give it a shorter one");
    *key = &keys->keys[keys->count];
    memset(*key, 0, sizeof(**key));
    (*key)->kid_size = kid.size;
    if (kid.size > 0)
        memcpy((*key)->kid, kid.data, kid.size);
    return TT_OK;
}

static const unsigned char *bytes_of(struct tt_slice slice)
{
    return (const unsigned char *)slice.data;
}

/* HMAC with SHA-256 (RFC 7518, section 3.2). To look the algorithm up and to take the key in costs
 * more than to sign a token, so that is done once. */
static EVP_MAC_CTX *begin_mac(struct tt_slice secret)
{
    char digest[] = OSSL_DIGEST_NAME_SHA2_256;
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    EVP_MAC *hmac = EVP_MAC_fetch(NULL, OSSL_MAC_NAME_HMAC, NULL);
    EVP_MAC_CTX *mac = EVP_MAC_CTX_new(hmac);
    EVP_MAC_free(hmac);
    TT_ASSERT(mac != NULL && EVP_MAC_init(mac, bytes_of(secret), secret.size, parameters) == 1);
    return mac;
}

tt_err tt_jwt_keys_add_secret(struct tt_jwt_keys *keys, struct tt_slice kid, struct tt_slice secret,
                              const char **problem)
{
    struct tt_jwt_key *key;
    if (secret.size < TT_JWT_SECRET_SIZE_MIN)
        return refuse(problem, "a secret for HS256 needs at least 32 bytes; make one with: "
                               "openssl rand -hex 32");
    TT_TRY(new_key(keys, kid, &key, problem));
    key->algorithm = TT_JWT_HS256;
    key->secret = begin_mac(secret);
    keys->count++;
    return TT_OK;
}

/* What this public key is good for. */
static tt_err find_algorithm(EVP_PKEY *public_key, enum tt_jwt_algorithm *algorithm,
                             const char **problem)
{
    char group[64] = "";
    size_t size = 0;
    switch (EVP_PKEY_get_base_id(public_key)) {
    case EVP_PKEY_RSA:
        *algorithm = TT_JWT_RS256;
        if (EVP_PKEY_get_bits(public_key) < RSA_BITS_MIN)
            return refuse(problem, "an RSA key for tokens needs at least 2048 bits");
        if (EVP_PKEY_get_bits(public_key) > RSA_BITS_MAX)
            return refuse(problem, "an RSA key for tokens has at most 8192 bits");
        return TT_OK;
    case EVP_PKEY_EC:
        *algorithm = TT_JWT_ES256;
        if (EVP_PKEY_get_group_name(public_key, group, sizeof(group), &size) != 1 ||
            !tt_slice_eq(tt_slice(group, size), TT_SLICE_LITERAL("prime256v1")))
            return refuse(problem, "an EC key for tokens must be on the curve P-256 (ES256)");
        return TT_OK;
    case EVP_PKEY_ED25519:
        *algorithm = TT_JWT_EDDSA;
        return TT_OK;
    default:
        return refuse(problem, "a key for tokens is RSA, EC on P-256, or Ed25519");
    }
}

/* Takes the public key over, also on failure. */
static tt_err add_public(struct tt_jwt_keys *keys, struct tt_slice kid, EVP_PKEY *public_key,
                         const char **problem)
{
    struct tt_jwt_key *key;
    enum tt_jwt_algorithm algorithm;
    tt_err err = find_algorithm(public_key, &algorithm, problem);
    if (tt_is_ok(err))
        err = new_key(keys, kid, &key, problem);
    if (!tt_is_ok(err)) {
        EVP_PKEY_free(public_key);
        return err;
    }
    key->algorithm = algorithm;
    key->public_key = public_key;
    keys->count++;
    return TT_OK;
}

tt_err tt_jwt_keys_add_pem(struct tt_jwt_keys *keys, struct tt_slice kid, struct tt_slice pem,
                           const char **problem)
{
    if (pem.size > INT32_MAX)
        return refuse(problem, "this file is too large for a public key in PEM");
    BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.size);
    TT_ASSERT(bio != NULL);
    EVP_PKEY *public_key = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
    BIO_free(bio);
    ERR_clear_error();
    if (public_key == NULL)
        return refuse(problem, "this is no public key in PEM (-----BEGIN PUBLIC KEY-----); make "
                               "one of a private key with: openssl pkey -in private.pem -pubout");
    return add_public(keys, kid, public_key, problem);
}

tt_err tt_jwt_keys_add_jwks(struct tt_jwt_keys *keys, struct tt_slice json, const char **problem)
{
    struct tt_jwks *jwks;
    struct tt_slice kid;
    EVP_PKEY *public_key;
    size_t added = 0;
    TT_TRY(tt_jwks_open(json, &jwks, problem));
    tt_err err = TT_OK;
    while (tt_is_ok(err) && tt_jwks_next(jwks, &kid, &public_key)) {
        err = add_public(keys, kid, public_key, problem);
        added++;
    }
    tt_jwks_close(&jwks);
    ERR_clear_error();
    TT_TRY(err);
    if (added == 0)
        return refuse(problem, "this JWKS has no key for RS256, ES256 or EdDSA signatures");
    return TT_OK;
}

const struct tt_jwt_key *tt_jwt_keys_next(const struct tt_jwt_keys *keys, struct tt_slice kid,
                                          size_t *at)
{
    while (*at < keys->count) {
        const struct tt_jwt_key *key = &keys->keys[(*at)++];
        struct tt_slice own = tt_slice(key->kid, key->kid_size);
        if (kid.size == 0 || own.size == 0 || tt_slice_eq(kid, own))
            return key;
    }
    return NULL;
}

enum tt_jwt_algorithm tt_jwt_key_algorithm(const struct tt_jwt_key *key)
{
    return key->algorithm;
}

const char *tt_jwt_algorithm_name(enum tt_jwt_algorithm algorithm)
{
    switch (algorithm) {
    case TT_JWT_HS256:
        return "HS256";
    case TT_JWT_RS256:
        return "RS256";
    case TT_JWT_ES256:
        return "ES256";
    case TT_JWT_EDDSA:
        return "EdDSA";
    }
    return "";
}

static bool verify_secret(const struct tt_jwt_key *key, struct tt_slice bytes,
                          struct tt_slice signature)
{
    unsigned char made[HS256_SIGNATURE_SIZE];
    size_t size = 0;
    if (signature.size != sizeof(made))
        return false;
    EVP_MAC_CTX *mac = EVP_MAC_CTX_dup(key->secret);
    bool good = mac != NULL && EVP_MAC_update(mac, bytes_of(bytes), bytes.size) == 1 &&
                EVP_MAC_final(mac, made, &size, sizeof(made)) == 1 && size == sizeof(made) &&
                CRYPTO_memcmp(made, signature.data, size) == 0;
    EVP_MAC_CTX_free(mac);
    return good;
}

static bool verify_digest(const struct tt_jwt_key *key, const EVP_MD *digest, struct tt_slice bytes,
                          struct tt_slice signature)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    TT_ASSERT(context != NULL);
    bool good = EVP_DigestVerifyInit(context, NULL, digest, NULL, key->public_key) == 1 &&
                EVP_DigestVerify(context, bytes_of(signature), signature.size, bytes_of(bytes),
                                 bytes.size) == 1;
    EVP_MD_CTX_free(context);
    ERR_clear_error();
    return good;
}

/* A token has r and s side by side (RFC 7518, section 3.4), OpenSSL wants them in DER. */
static bool verify_ecdsa(const struct tt_jwt_key *key, struct tt_slice bytes,
                         struct tt_slice signature)
{
    if (signature.size != ES256_SIGNATURE_SIZE)
        return false;
    const int half = ES256_SIGNATURE_SIZE / 2;
    ECDSA_SIG *pair = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(bytes_of(signature), half, NULL);
    BIGNUM *s = BN_bin2bn(bytes_of(signature) + half, half, NULL);
    TT_ASSERT(pair != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(pair, r, s) == 1);
    unsigned char *der = NULL;
    int size = i2d_ECDSA_SIG(pair, &der);
    bool good = size > 0 && verify_digest(key, EVP_sha256(), bytes, tt_slice(der, (size_t)size));
    OPENSSL_free(der);
    ECDSA_SIG_free(pair);
    return good;
}

bool tt_jwt_key_verify(const struct tt_jwt_key *key, struct tt_slice bytes,
                       struct tt_slice signature)
{
    if (signature.size == 0)
        return false;
    switch (key->algorithm) {
    case TT_JWT_HS256:
        return verify_secret(key, bytes, signature);
    case TT_JWT_RS256:
        return verify_digest(key, EVP_sha256(), bytes, signature);
    case TT_JWT_ES256:
        return verify_ecdsa(key, bytes, signature);
    case TT_JWT_EDDSA:
        return verify_digest(key, NULL, bytes, signature);
    }
    return false;
}
