#include "adapter/account/password.h"

#include <argon2.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "base/base64url.h"
#include "base/buffer.h"

#define KIB       1024
#define PASSES    2
#define HASH_SIZE 32 /* of those made here; others are taken too, within the next three */
#define SALT_MIN  8
#define BYTES_MIN 16
#define BYTES_MAX 64

#define FORM "$argon2id$v=19$m="

struct parts {
    uint32_t kib;
    uint32_t passes;
    uint32_t lanes;
    unsigned char salt[TT_BASE64URL_DECODED_MAX(TT_PASSWORD_HASH_SIZE)];
    size_t salt_size;
    unsigned char bytes[TT_BASE64URL_DECODED_MAX(TT_PASSWORD_HASH_SIZE)];
    size_t bytes_size;
};

/* libargon2 asks for memory without saying for whom; it asks in the thread that called it, and is
 * done with it when it returns. */
static _Thread_local struct tt_room *asking;

static int lend(uint8_t **memory, size_t size)
{
    *memory = tt_room_get(asking, size);
    return *memory == NULL ? ARGON2_MEMORY_ALLOCATION_ERROR : ARGON2_OK;
}

/* It was wiped before. */
static void take_back(uint8_t *memory, size_t size)
{
    (void)memory;
    (void)size;
}

static tt_err compute(struct tt_slice password, struct parts *parts, struct tt_room *room,
                      unsigned char *bytes)
{
    argon2_context context = {
        .out = bytes,
        .outlen = (uint32_t)parts->bytes_size,
        .pwd = (uint8_t *)(uintptr_t)password.data, /* which it leaves as it is, without the flag */
        .pwdlen = (uint32_t)password.size,
        .salt = parts->salt,
        .saltlen = (uint32_t)parts->salt_size,
        .t_cost = parts->passes,
        .m_cost = parts->kib,
        .lanes = parts->lanes,
        .threads = 1,
        .version = ARGON2_VERSION_13,
        .allocate_cbk = lend,
        .free_cbk = take_back,
        .flags = ARGON2_DEFAULT_FLAGS,
    };
    asking = room;
    int result = argon2_ctx(&context, Argon2_id);
    asking = NULL;
    TT_ASSERT(result == ARGON2_OK || result == ARGON2_MEMORY_ALLOCATION_ERROR);
    return result == ARGON2_OK ? TT_OK : TT_FAIL(OVERLOADED);
}

/* Base64 (RFC 4648, section 4) without padding differs from base64url by two letters. */
static void put_base64(struct tt_buffer *out, const unsigned char *bytes, size_t size)
{
    size_t start = out->size;
    tt_base64url_encode(tt_slice(bytes, size), out);
    for (size_t i = start; i < out->size; i++) {
        if (out->data[i] == '-')
            out->data[i] = '+';
        else if (out->data[i] == '_')
            out->data[i] = '/';
    }
}

tt_err tt_password_hash(struct tt_slice password, const unsigned char salt[TT_PASSWORD_SALT_SIZE],
                        size_t memory, struct tt_room *room, char hash[TT_PASSWORD_HASH_SIZE])
{
    unsigned char bytes[HASH_SIZE];
    struct parts parts = {.kib = (uint32_t)(memory / KIB),
                          .passes = PASSES,
                          .lanes = 1,
                          .salt_size = TT_PASSWORD_SALT_SIZE,
                          .bytes_size = HASH_SIZE};
    TT_ASSERT(memory <= TT_PASSWORD_MEMORY_MAX);
    memcpy(parts.salt, salt, TT_PASSWORD_SALT_SIZE);
    TT_TRY(compute(password, &parts, room, bytes));
    struct tt_buffer tail = {0};
    put_base64(&tail, parts.salt, parts.salt_size);
    tt_buffer_add_byte(&tail, '$');
    put_base64(&tail, bytes, sizeof(bytes));
    int size = snprintf(hash, TT_PASSWORD_HASH_SIZE, FORM "%u,t=%u,p=%u$%.*s", parts.kib,
                        parts.passes, parts.lanes, (int)tail.size, tail.data);
    TT_ASSERT(size > 0 && size < TT_PASSWORD_HASH_SIZE);
    tt_buffer_deinit(&tail);
    return TT_OK;
}

static bool take_text(struct tt_slice *rest, struct tt_slice text)
{
    if (rest->size < text.size || memcmp(rest->data, text.data, text.size) != 0)
        return false;
    *rest = tt_slice_from(*rest, text.size);
    return true;
}

static bool take_number(struct tt_slice *rest, uint32_t most, uint32_t *number)
{
    uint64_t value = 0;
    size_t digits = 0;
    while (digits < rest->size && rest->data[digits] >= '0' && rest->data[digits] <= '9' &&
           value <= most)
        value = value * 10 + (uint64_t)(rest->data[digits++] - '0');
    *number = (uint32_t)value;
    *rest = tt_slice_from(*rest, digits);
    return value > 0 && value <= most;
}

static bool take_base64(struct tt_slice *rest, unsigned char *bytes, size_t *size)
{
    char text[TT_PASSWORD_HASH_SIZE];
    size_t length = 0;
    for (; length < rest->size && rest->data[length] != '$'; length++) {
        char letter = rest->data[length];
        text[length] = letter == '+' ? '-' : letter == '/' ? '_' : letter;
    }
    *rest = tt_slice_from(*rest, length);
    return tt_base64url_decode(tt_slice(text, length), bytes, size);
}

static bool read_parts(struct tt_slice hash, struct parts *parts)
{
    if (hash.size >= TT_PASSWORD_HASH_SIZE)
        return false;
    return take_text(&hash, TT_SLICE_LITERAL(FORM)) &&
           take_number(&hash, TT_PASSWORD_MEMORY_MAX / KIB, &parts->kib) &&
           take_text(&hash, TT_SLICE_LITERAL(",t=")) && take_number(&hash, 64, &parts->passes) &&
           take_text(&hash, TT_SLICE_LITERAL(",p=")) && take_number(&hash, 16, &parts->lanes) &&
           take_text(&hash, TT_SLICE_LITERAL("$")) &&
           take_base64(&hash, parts->salt, &parts->salt_size) &&
           take_text(&hash, TT_SLICE_LITERAL("$")) &&
           take_base64(&hash, parts->bytes, &parts->bytes_size) && hash.size == 0 &&
           parts->kib >= 8 * parts->lanes && parts->salt_size >= SALT_MIN &&
           parts->bytes_size >= BYTES_MIN && parts->bytes_size <= BYTES_MAX;
}

tt_err tt_password_is(struct tt_slice password, struct tt_slice hash, struct tt_room *room,
                      bool *is)
{
    struct parts parts;
    unsigned char bytes[BYTES_MAX];
    *is = false;
    if (!read_parts(hash, &parts))
        return TT_OK;
    TT_TRY(compute(password, &parts, room, bytes));
    *is = CRYPTO_memcmp(bytes, parts.bytes, parts.bytes_size) == 0;
    return TT_OK;
}
