/*
 * entropy: unpredictable bits; in the simulator, bits of the seed.
 */
#ifndef TT_PORT_ENTROPY_H
#define TT_PORT_ENTROPY_H

#include <stdint.h>

struct tt_entropy_port {
    void *self;
    uint64_t (*next)(void *self);
};

#endif
