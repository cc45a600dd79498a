/*
 * json_plain: where the plain part of a JSON string ends (RFC 8259, section 7): at a quote, a
 * backslash or a control character. Sixteen bytes at a time where the processor can, then eight,
 * then one.
 */
#ifndef TT_BASE_JSON_PLAIN_H
#define TT_BASE_JSON_PLAIN_H

#include <endian.h>
#include <stdint.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* The highest bits of those of 8 bytes that end a plain part: the usual tricks for "is zero" and
 * "is less than", which may also hit bytes behind a true one. */
static inline uint64_t tt_json_specials(uint64_t bytes)
{
    const uint64_t ones = 0x0101010101010101ULL;
    const uint64_t highs = 0x8080808080808080ULL;
    uint64_t quote = bytes ^ (ones * '"');
    uint64_t backslash = bytes ^ (ones * '\\');
    uint64_t found = ((quote - ones) & ~quote) | ((backslash - ones) & ~backslash) |
                     ((bytes - ones * 0x20) & ~bytes);
    return found & highs;
}

/* Where it ends, `end` if nothing ends it before. `*not_ascii` stays 0 as long as all bytes that
 * were looked at are ASCII; a few behind the plain part may be among them. */
static inline const char *tt_json_plain_end(const char *at, const char *end, uint64_t *not_ascii)
{
#ifdef __SSE2__
    const __m128i last_control = _mm_set1_epi8(0x1f);
    for (; end - at >= 16; at += 16) {
        const __m128i bytes = _mm_loadu_si128((const __m128i *)at);
        __m128i found = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));
        found = _mm_or_si128(found, _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\')));
        found =
            _mm_or_si128(found, _mm_cmpeq_epi8(_mm_max_epu8(bytes, last_control), last_control));
        *not_ascii |= (unsigned)_mm_movemask_epi8(bytes);
        unsigned marks = (unsigned)_mm_movemask_epi8(found);
        if (marks != 0)
            return at + __builtin_ctz(marks);
    }
#endif
    for (; end - at >= 8; at += 8) {
        uint64_t bytes;
        memcpy(&bytes, at, sizeof(bytes));
        *not_ascii |= bytes & 0x8080808080808080ULL;
        uint64_t marks = tt_json_specials(le64toh(bytes));
        if (marks != 0)
            return at + __builtin_ctzll(marks) / 8;
    }
    for (; at < end && (unsigned char)*at >= 0x20 && *at != '"' && *at != '\\'; at++)
        *not_ascii |= (unsigned char)*at & 0x80U;
    return at;
}

#endif
