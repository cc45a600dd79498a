/*
 * entropy_os: the operating system's unpredictable bits. Drawn in blocks, since the driver asks
 * once for each event.
 */
#ifndef TT_ADAPTER_ENTROPY_OS_H
#define TT_ADAPTER_ENTROPY_OS_H

#include <stddef.h>

#include "port/entropy.h"

#define TT_ENTROPY_OS_BLOCK 32 /* 256 bytes: getrandom(2) gives so much at once, uninterrupted */

/* One per thread; a zeroed one is ready. */
struct tt_entropy_os {
    uint64_t block[TT_ENTROPY_OS_BLOCK];
    size_t left;
};

struct tt_entropy_port tt_entropy_os(struct tt_entropy_os *entropy);

/* At most 256 bytes. */
void tt_entropy_os_fill(void *bytes, size_t size);

#endif
