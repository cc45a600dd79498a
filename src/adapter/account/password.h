/*
 * password: passwords as they are stored: Argon2id by libargon2 (RFC 9106), with 2 passes over
 * memory that the operator may choose, in the text form that its reference code made common. It
 * keeps a core busy for long, so it is never done on a loop.
 */
#ifndef TT_ADAPTER_ACCOUNT_PASSWORD_H
#define TT_ADAPTER_ACCOUNT_PASSWORD_H

#include <stdbool.h>
#include <stddef.h>

#include "adapter/account/room.h"
#include "base/err.h"
#include "base/slice.h"

#define TT_PASSWORD_HASH_SIZE 128
#define TT_PASSWORD_SALT_SIZE 16

#define TT_PASSWORD_MEMORY     ((size_t)64 * 1024 * 1024)
#define TT_PASSWORD_MEMORY_MAX ((size_t)1024 * 1024 * 1024)

/* Terminated text with its salt and its cost; nothing of it is left in the room. The memory is
 * counted in KiB. OVERLOADED: there is not enough of it. */
TT_MUST_CHECK tt_err tt_password_hash(struct tt_slice password,
                                      const unsigned char salt[TT_PASSWORD_SALT_SIZE],
                                      size_t memory, struct tt_room *room,
                                      char hash[TT_PASSWORD_HASH_SIZE]);

/* Whether it is the hash of that password, in a time that depends on the hash's cost only. What is
 * no such text is of no password. OVERLOADED likewise. */
TT_MUST_CHECK tt_err tt_password_is(struct tt_slice password, struct tt_slice hash,
                                    struct tt_room *room, bool *is);

#endif
