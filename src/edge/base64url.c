#include "edge/base64url.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static int value_of(char byte)
{
    if (byte >= 'A' && byte <= 'Z')
        return byte - 'A';
    if (byte >= 'a' && byte <= 'z')
        return byte - 'a' + 26;
    if (byte >= '0' && byte <= '9')
        return byte - '0' + 52;
    if (byte == '-')
        return 62;
    return byte == '_' ? 63 : -1;
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
