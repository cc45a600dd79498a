#include "base/base64url.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* One more than the value of a digit, and 0 for what is none: no branch depends on what comes. */
static const unsigned char values[256] = {
    ['A'] = 1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11,         12,         13,
    14,         15, 16, 17, 18, 19, 20, 21, 22, 23, 24,         25,         26,
    ['a'] = 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37,         38,         39,
    40,         41, 42, 43, 44, 45, 46, 47, 48, 49, 50,         51,         52,
    ['0'] = 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, ['-'] = 63, ['_'] = 64,
};

static int value_of(char byte)
{
    return (int)values[(unsigned char)byte] - 1;
}

bool tt_base64url_decode(struct tt_slice text, unsigned char *bytes, size_t *size)
{
    uint32_t bits = 0;
    unsigned count = 0;
    *size = 0;
    for (size_t i = 0; i < text.size; i++) {
        int value = value_of(text.data[i]);
        if (value < 0)
            return false;
        bits = bits << 6 | (uint32_t)value;
        count += 6;
        if (count >= 8) {
            count -= 8;
            bytes[(*size)++] = (unsigned char)(bits >> count);
            bits &= (1U << count) - 1;
        }
    }
    return text.size % 4 != 1 && bits == 0;
}

void tt_base64url_encode(struct tt_slice bytes, struct tt_buffer *out)
{
    uint32_t bits = 0;
    unsigned count = 0;
    for (size_t i = 0; i < bytes.size; i++) {
        bits = bits << 8 | (unsigned char)bytes.data[i];
        count += 8;
        while (count >= 6) {
            count -= 6;
            tt_buffer_add_byte(out, alphabet[bits >> count & 63]);
        }
        bits &= (1U << count) - 1;
    }
    if (count > 0)
        tt_buffer_add_byte(out, alphabet[bits << (6 - count) & 63]);
}
