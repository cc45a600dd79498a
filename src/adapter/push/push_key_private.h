/*
 * push_key_private: OpenSSL's own handle of a key, for the encryption of Web Push.
 */
#ifndef TT_ADAPTER_PUSH_PUSH_KEY_PRIVATE_H
#define TT_ADAPTER_PUSH_PUSH_KEY_PRIVATE_H

#include <openssl/evp.h>

#include "adapter/push/push_key.h"

/* Borrowed. */
EVP_PKEY *tt_push_key_pkey(const struct tt_push_key *key);

#endif
