/*
 * push_key: the private keys that push services know a server by, and the tokens (JWT, RFC 7519)
 * that are signed with them: ES256 with a P-256 key (APNs, VAPID), RS256 with an RSA key (FCM).
 */
#ifndef TT_ADAPTER_PUSH_PUSH_KEY_H
#define TT_ADAPTER_PUSH_PUSH_KEY_H

#include <stddef.h>

#include "base/buffer.h"
#include "base/err.h"
#include "base/slice.h"

struct tt_push_key;

enum tt_push_key_kind { TT_PUSH_KEY_P256, TT_PUSH_KEY_RSA };

/* An uncompressed point of P-256. */
#define TT_P256_POINT_SIZE 65

/* Reads a PEM private key without a passphrase. Fails with INVALID; `*problem` is then a sentence
 * that says what to give instead. */
TT_MUST_CHECK tt_err tt_push_key_read(struct tt_slice pem, enum tt_push_key_kind kind,
                                      struct tt_push_key **key, const char **problem);

/* Makes a P-256 key. Fails with INTERNAL. */
TT_MUST_CHECK tt_err tt_push_key_make(struct tt_push_key **key);

void tt_push_key_destroy(struct tt_push_key **take_key);

/* Appends the key as PEM (PKCS 8), as tt_push_key_read wants it. */
TT_MUST_CHECK tt_err tt_push_key_write(const struct tt_push_key *key, struct tt_buffer *pem);

/* The public half of a P-256 key. Fails with INTERNAL. */
TT_MUST_CHECK tt_err tt_push_key_point(const struct tt_push_key *key,
                                       unsigned char point[TT_P256_POINT_SIZE]);

/* Appends a signed token. Both are JSON objects; the header's alg must be that of the key. Fails
 * with INTERNAL. */
TT_MUST_CHECK tt_err tt_push_key_sign_jwt(const struct tt_push_key *key, struct tt_slice header,
                                          struct tt_slice claims, struct tt_buffer *token);

#endif
