#include "base/utf8.h"

#include <string.h>

/* What must come next. The states after E0, ED, F0 and F4 have a narrower second byte: it is what
 * keeps out overlong forms, surrogates and what is above U+10FFFF. */
enum state { START, ONE_MORE, TWO_MORE, THREE_MORE, AFTER_E0, AFTER_ED, AFTER_F0, AFTER_F4, BAD };

static const struct {
    unsigned char low;
    unsigned char high;
    unsigned char next;
} second[] = {
    [ONE_MORE] = {0x80, 0xbf, START},      [TWO_MORE] = {0x80, 0xbf, ONE_MORE},
    [THREE_MORE] = {0x80, 0xbf, TWO_MORE}, [AFTER_E0] = {0xa0, 0xbf, ONE_MORE},
    [AFTER_ED] = {0x80, 0x9f, ONE_MORE},   [AFTER_F0] = {0x90, 0xbf, TWO_MORE},
    [AFTER_F4] = {0x80, 0x8f, TWO_MORE},   [BAD] = {0xff, 0x00, BAD},
};

static unsigned char first(unsigned char byte)
{
    if (byte < 0x80)
        return START;
    if (byte < 0xc2)
        return BAD;
    if (byte < 0xe0)
        return ONE_MORE;
    if (byte < 0xf0)
        return byte == 0xe0 ? AFTER_E0 : byte == 0xed ? AFTER_ED : TWO_MORE;
    if (byte == 0xf0)
        return AFTER_F0;
    if (byte == 0xf4)
        return AFTER_F4;
    return byte < 0xf4 ? THREE_MORE : BAD;
}

static bool is_ascii(const char *word)
{
    uint64_t bytes;
    memcpy(&bytes, word, sizeof(bytes));
    return (bytes & 0x8080808080808080u) == 0;
}

/* The length of the run of ASCII at the front; in whole words, unless all is ASCII. */
static size_t ascii_run(const char *data, size_t size)
{
    const size_t word = sizeof(uint64_t);
    size_t at = 0;
    while (size - at >= word && is_ascii(data + at))
        at += word;
    if (size >= word && size - at < word && is_ascii(data + size - word))
        return size;
    return at;
}

bool tt_utf8_feed(struct tt_utf8 *utf8, struct tt_slice bytes)
{
    unsigned char state = utf8->state;
    size_t at = 0;
    while (at < bytes.size && state != BAD) {
        if (state == START) {
            at += ascii_run(bytes.data + at, bytes.size - at);
            if (at == bytes.size)
                break;
        }
        unsigned char byte = (unsigned char)bytes.data[at++];
        if (state == START)
            state = first(byte);
        else
            state = byte >= second[state].low && byte <= second[state].high ? second[state].next
                                                                            : (unsigned char)BAD;
    }
    utf8->state = state;
    return state != BAD;
}

bool tt_utf8_complete(const struct tt_utf8 *utf8)
{
    return utf8->state == START;
}

bool tt_utf8_valid(struct tt_slice text)
{
    struct tt_utf8 utf8 = {0};
    return tt_utf8_feed(&utf8, text) && tt_utf8_complete(&utf8);
}
