#include "adapter/account/password.h"

#include <sodium.h>
#include <string.h>

#include "base/assert.h"

_Static_assert(crypto_pwhash_argon2id_STRBYTES <= TT_PASSWORD_HASH_SIZE, "the hash has no room");

tt_err tt_password_hash(struct tt_slice password, size_t memory, char hash[TT_PASSWORD_HASH_SIZE])
{
    TT_ASSERT(sodium_init() >= 0);
    const char *given = password.size == 0 ? "" : password.data;
    int failed = crypto_pwhash_argon2id_str(hash, given, password.size,
                                            crypto_pwhash_argon2id_OPSLIMIT_INTERACTIVE, memory);
    return failed == 0 ? TT_OK : TT_FAIL(OVERLOADED);
}

bool tt_password_is(struct tt_slice password, struct tt_slice hash)
{
    char text[TT_PASSWORD_HASH_SIZE] = {0};
    TT_ASSERT(sodium_init() >= 0);
    if (hash.size == 0 || hash.size >= sizeof(text))
        return false;
    memcpy(text, hash.data, hash.size);
    const char *given = password.size == 0 ? "" : password.data;
    return crypto_pwhash_argon2id_str_verify(text, given, password.size) == 0;
}
