/*
 * jwks: the public keys of a JSON Web Key Set (RFC 7517, 7518 section 6, 8037).
 */
#ifndef TT_EDGE_JWKS_H
#define TT_EDGE_JWKS_H

#include <openssl/types.h>
#include <stdbool.h>

#include "base/err.h"
#include "base/slice.h"

struct tt_jwks;

/* Fails with INVALID; `*problem` is then a sentence for the operator. */
TT_MUST_CHECK tt_err tt_jwks_open(struct tt_slice json, struct tt_jwks **jwks,
                                  const char **problem);
void tt_jwks_close(struct tt_jwks **take_jwks);

/* The next key that a signature of RS256, ES256 or EdDSA can be checked with; others are passed
 * over. It is given to the caller; `kid` lives until the close, and may be empty. */
bool tt_jwks_next(struct tt_jwks *jwks, struct tt_slice *kid, EVP_PKEY **public_key);

#endif
