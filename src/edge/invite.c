#include "edge/invite.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/base64url.h"

#define PURPOSE        "twoticks invite"
#define CODE_BYTES_MAX 128

void tt_invite_make(struct tt_slice secret, const tt_id *user, tt_time expires,
                    struct tt_buffer *code)
{
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    struct tt_buffer bytes = {0};
    uint64_t seconds = (uint64_t)(expires.ms / 1000);
    tt_buffer_add(&bytes, tt_slice(PURPOSE, sizeof(PURPOSE))); /* with its zero byte */
    tt_buffer_add(&bytes, tt_id_slice(user));
    tt_buffer_add_byte(&bytes, '\0');
    tt_buffer_add_u64(&bytes, seconds);
    const unsigned char *made = HMAC(EVP_sha256(), secret.data, (int)secret.size,
                                     (const unsigned char *)bytes.data, bytes.size, mac, &size);
    TT_ASSERT(made != NULL);
    tt_buffer_deinit(&bytes);
    tt_buffer_add_u64(code, seconds);
    tt_buffer_add_byte(code, '.');
    tt_base64url_encode(tt_slice(mac, size), code);
}

static bool read_expiry(struct tt_slice code, tt_time *expires)
{
    uint64_t seconds = 0;
    size_t at = 0;
    for (; at < code.size && at < 12 && code.data[at] >= '0' && code.data[at] <= '9'; at++)
        seconds = seconds * 10 + (uint64_t)(code.data[at] - '0');
    *expires = TT_TIME((int64_t)(seconds * 1000));
    return at > 0 && at < code.size && code.data[at] == '.';
}

bool tt_invite_is_good(struct tt_slice secret, const tt_id *user, struct tt_slice code, tt_time now)
{
    tt_time expires;
    if (secret.size == 0 || code.size > CODE_BYTES_MAX || !read_expiry(code, &expires) ||
        now.ms >= expires.ms)
        return false;
    struct tt_buffer right = {0};
    tt_invite_make(secret, user, expires, &right);
    bool good = right.size == code.size && CRYPTO_memcmp(right.data, code.data, code.size) == 0;
    tt_buffer_deinit(&right);
    return good;
}
