#include "base/crc32c.h"

#include <stddef.h>
#include <string.h>

/* The remainder of each nibble under the reflected polynomial 0x82f63b78: sixteen entries fit in
 * one cache line, and the machines that need this path are rare. */
static const uint32_t nibbles[16] = {
    0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
    0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9, 0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
};

uint32_t tt_crc32c_portable(uint32_t crc, struct tt_slice bytes)
{
    crc = ~crc;
    for (size_t i = 0; i < bytes.size; i++) {
        crc ^= (unsigned char)bytes.data[i];
        crc = (crc >> 4) ^ nibbles[crc & 15];
        crc = (crc >> 4) ^ nibbles[crc & 15];
    }
    return ~crc;
}

#if defined(__x86_64__)

__attribute__((target("sse4.2"))) static uint32_t by_instruction(uint32_t crc,
                                                                 struct tt_slice bytes)
{
    uint64_t wide = (uint32_t)~crc;
    const char *at = bytes.data;
    size_t left = bytes.size;
    for (; left >= sizeof(uint64_t); left -= sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, at, sizeof(word));
        wide = __builtin_ia32_crc32di(wide, word);
        at += sizeof(word);
    }
    uint32_t narrow = (uint32_t)wide;
    for (; left > 0; left--)
        narrow = __builtin_ia32_crc32qi(narrow, (unsigned char)*at++);
    return ~narrow;
}

uint32_t tt_crc32c(uint32_t crc, struct tt_slice bytes)
{
    if (__builtin_cpu_supports("sse4.2"))
        return by_instruction(crc, bytes);
    return tt_crc32c_portable(crc, bytes);
}

#else

uint32_t tt_crc32c(uint32_t crc, struct tt_slice bytes)
{
    return tt_crc32c_portable(crc, bytes);
}

#endif
