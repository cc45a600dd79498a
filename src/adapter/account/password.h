/*
 * password: passwords as they are stored: Argon2id by libsodium, with 2 passes over memory that the
 * operator may choose. It keeps a core busy for long, so it is never done on a loop.
 */
#ifndef TT_ADAPTER_ACCOUNT_PASSWORD_H
#define TT_ADAPTER_ACCOUNT_PASSWORD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/slice.h"

#define TT_PASSWORD_HASH_SIZE 128

#define TT_PASSWORD_MEMORY ((size_t)64 * 1024 * 1024)

/* Terminated text with its salt and its cost. OVERLOADED: there is not enough memory. */
TT_MUST_CHECK tt_err tt_password_hash(struct tt_slice password, size_t memory,
                                      char hash[TT_PASSWORD_HASH_SIZE]);

/* In a time that does not depend on either. */
bool tt_password_is(struct tt_slice password, struct tt_slice hash);

#endif
