#include "edge/jwks.h"

#include <jansson.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include "base/memory.h"
#include "edge/base64url.h"

/* Of an RSA modulus of 8192 bits there are 1024 bytes. */
#define FIELD_SIZE_MAX  2048
#define COORDINATE_SIZE 32

struct tt_jwks {
    json_t *root;
    const json_t *keys;
    size_t at;
};

struct field {
    unsigned char bytes[TT_BASE64URL_DECODED_MAX(FIELD_SIZE_MAX)];
    size_t size;
};

tt_err tt_jwks_open(struct tt_slice json, struct tt_jwks **jwks, const char **problem)
{
    json_t *root = json_loadb(json.data, json.size, JSON_REJECT_DUPLICATES, NULL);
    const json_t *keys = json_object_get(root, "keys");
    if (!json_is_array(keys)) {
        json_decref(root);
        *problem = "this is no JWKS: it must be a JSON object with an array `keys`";
        return TT_FAIL(INVALID);
    }
    *jwks = tt_alloc(sizeof(**jwks));
    (*jwks)->root = root;
    (*jwks)->keys = keys;
    return TT_OK;
}

void tt_jwks_close(struct tt_jwks **take_jwks)
{
    json_decref((*take_jwks)->root);
    tt_free(*take_jwks);
    *take_jwks = NULL;
}

static struct tt_slice text_of(const json_t *key, const char *name)
{
    const json_t *value = json_object_get(key, name);
    if (!json_is_string(value))
        return TT_SLICE_EMPTY;
    return tt_slice(json_string_value(value), json_string_length(value));
}

static bool is(const json_t *key, const char *name, const char *text)
{
    return tt_slice_eq(text_of(key, name), tt_slice_text(text));
}

static bool is_or_absent(const json_t *key, const char *name, const char *text)
{
    return json_object_get(key, name) == NULL || is(key, name, text);
}

static bool read_field(const json_t *key, const char *name, struct field *field)
{
    struct tt_slice text = text_of(key, name);
    return text.size > 0 && text.size <= FIELD_SIZE_MAX &&
           tt_base64url_decode(text, field->bytes, &field->size);
}

static EVP_PKEY *make(const char *type, OSSL_PARAM_BLD *builder)
{
    EVP_PKEY *key = NULL;
    OSSL_PARAM *parameters = OSSL_PARAM_BLD_to_param(builder);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    TT_ASSERT(parameters != NULL && context != NULL);
    if (EVP_PKEY_fromdata_init(context) != 1 ||
        EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, parameters) != 1)
        key = NULL;
    EVP_PKEY_CTX_free(context);
    OSSL_PARAM_free(parameters);
    return key;
}

static EVP_PKEY *make_rsa(const json_t *jwk)
{
    struct field n;
    struct field e;
    if (!is_or_absent(jwk, "alg", "RS256") || !read_field(jwk, "n", &n) ||
        !read_field(jwk, "e", &e))
        return NULL;
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    BIGNUM *modulus = BN_bin2bn(n.bytes, (int)n.size, NULL);
    BIGNUM *exponent = BN_bin2bn(e.bytes, (int)e.size, NULL);
    TT_ASSERT(builder != NULL && modulus != NULL && exponent != NULL);
    TT_ASSERT(OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, modulus) == 1);
    TT_ASSERT(OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, exponent) == 1);
    EVP_PKEY *key = make("RSA", builder);
    BN_free(modulus);
    BN_free(exponent);
    OSSL_PARAM_BLD_free(builder);
    return key;
}

static EVP_PKEY *make_ec(const json_t *jwk)
{
    struct field x;
    struct field y;
    if (!is(jwk, "crv", "P-256") || !is_or_absent(jwk, "alg", "ES256") ||
        !read_field(jwk, "x", &x) || !read_field(jwk, "y", &y) || x.size != COORDINATE_SIZE ||
        y.size != COORDINATE_SIZE)
        return NULL;
    unsigned char point[1 + 2 * COORDINATE_SIZE] = {4}; /* uncompressed */
    memcpy(point + 1, x.bytes, COORDINATE_SIZE);
    memcpy(point + 1 + COORDINATE_SIZE, y.bytes, COORDINATE_SIZE);
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    TT_ASSERT(builder != NULL);
    TT_ASSERT(
        OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) == 1);
    TT_ASSERT(OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point,
                                               sizeof(point)) == 1);
    EVP_PKEY *key = make("EC", builder);
    OSSL_PARAM_BLD_free(builder);
    return key;
}

static EVP_PKEY *make_okp(const json_t *jwk)
{
    struct field x;
    if (!is(jwk, "crv", "Ed25519") || !is_or_absent(jwk, "alg", "EdDSA") ||
        !read_field(jwk, "x", &x) || x.size != COORDINATE_SIZE)
        return NULL;
    return EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, x.bytes, x.size);
}

static EVP_PKEY *make_key(const json_t *jwk)
{
    if (!is_or_absent(jwk, "use", "sig"))
        return NULL;
    if (is(jwk, "kty", "RSA"))
        return make_rsa(jwk);
    if (is(jwk, "kty", "EC"))
        return make_ec(jwk);
    if (is(jwk, "kty", "OKP"))
        return make_okp(jwk);
    return NULL;
}

bool tt_jwks_next(struct tt_jwks *jwks, struct tt_slice *kid, EVP_PKEY **public_key)
{
    while (jwks->at < json_array_size(jwks->keys)) {
        const json_t *jwk = json_array_get(jwks->keys, jwks->at++);
        *kid = text_of(jwk, "kid");
        *public_key = make_key(jwk);
        if (*public_key != NULL)
            return true;
    }
    return false;
}
