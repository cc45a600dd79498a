/*
 * crc32c: the Castagnoli checksum (RFC 3720, appendix B.4) that guards every stored batch.
 */
#ifndef TT_BASE_CRC32C_H
#define TT_BASE_CRC32C_H

#include <stdint.h>

#include "base/slice.h"

/* Of `before` followed by `bytes`, where `crc` is the checksum of `before` (0: of nothing). */
uint32_t tt_crc32c(uint32_t crc, struct tt_slice bytes);

/* The same without the processor's instruction, for tests of the one against the other. */
uint32_t tt_crc32c_portable(uint32_t crc, struct tt_slice bytes);

#endif
