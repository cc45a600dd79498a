/*
 * jwt_key: the keys that this server trusts for tokens. Each key allows exactly one algorithm, by
 * what it is and never by what a token says.
 *
 * All threads may use a set at once; it is changed as a whole, by tt_jwt_keys_replace.
 */
#ifndef TT_EDGE_JWT_KEY_H
#define TT_EDGE_JWT_KEY_H

#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"

#define TT_JWT_KEYS_MAX        32
#define TT_JWT_KID_SIZE_MAX    128
#define TT_JWT_SECRET_SIZE_MIN 32

enum tt_jwt_algorithm { TT_JWT_HS256, TT_JWT_RS256, TT_JWT_ES256, TT_JWT_EDDSA };

struct tt_jwt_keys;
struct tt_jwt_key;

struct tt_jwt_keys *tt_jwt_keys_create(void);

/* Wipes the secrets. */
void tt_jwt_keys_destroy(struct tt_jwt_keys **take_keys);

/*
 * Add a key, or all usable ones of a JWKS (RFC 7517; encryption keys and unknown kinds are passed
 * over). `kid` may be empty: the key then serves tokens with any kid. Fail with INVALID; `*problem`
 * is then a sentence for the operator. HS256: at least TT_JWT_SECRET_SIZE_MIN bytes. A PEM is a
 * public key: RSA of 2048 to 8192 bits (RS256), EC on P-256 (ES256), or Ed25519 (EdDSA).
 */
TT_MUST_CHECK tt_err tt_jwt_keys_add_secret(struct tt_jwt_keys *keys, struct tt_slice kid,
                                            struct tt_slice secret, const char **problem);
TT_MUST_CHECK tt_err tt_jwt_keys_add_pem(struct tt_jwt_keys *keys, struct tt_slice kid,
                                         struct tt_slice pem, const char **problem);
TT_MUST_CHECK tt_err tt_jwt_keys_add_jwks(struct tt_jwt_keys *keys, struct tt_slice json,
                                          const char **problem);

/* Sets the keys to those of another set, which is destroyed. */
void tt_jwt_keys_replace(struct tt_jwt_keys *keys, struct tt_jwt_keys **take_others);

/* Another one after each tt_jwt_keys_replace. */
uint64_t tt_jwt_keys_version(const struct tt_jwt_keys *keys);

/* Keeps the set as it is while its keys are used. */
void tt_jwt_keys_hold(const struct tt_jwt_keys *keys);
void tt_jwt_keys_let_go(const struct tt_jwt_keys *keys);

/* A token named a key that is not here; and whether any did since this was asked last. */
void tt_jwt_keys_miss(const struct tt_jwt_keys *keys);
bool tt_jwt_keys_missed(const struct tt_jwt_keys *keys);

/* The next key that may have signed a token with this kid (empty: it names none). *at starts at 0;
 * NULL at the end. Within hold and let_go. */
const struct tt_jwt_key *tt_jwt_keys_next(const struct tt_jwt_keys *keys, struct tt_slice kid,
                                          size_t *at);

enum tt_jwt_algorithm tt_jwt_key_algorithm(const struct tt_jwt_key *key);

/* "HS256" */
const char *tt_jwt_algorithm_name(enum tt_jwt_algorithm algorithm);

/* Whether the signature is this key's for these bytes. */
bool tt_jwt_key_verify(const struct tt_jwt_key *key, struct tt_slice bytes,
                       struct tt_slice signature);

#endif
