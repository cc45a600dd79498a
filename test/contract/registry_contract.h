/*
 * registry_contract: what every registry must do (port/registry.h), run over a factory, so that the
 * simulator's fake and each real adapter are held to the same.
 */
#ifndef TT_TEST_CONTRACT_REGISTRY_CONTRACT_H
#define TT_TEST_CONTRACT_REGISTRY_CONTRACT_H

#include "port/registry.h"

struct tt_registry_factory {
    const char *name;
    void *(*create)(void);
    void (*destroy)(void *world);
    struct tt_registry_port (*attach)(void *world, const struct tt_place *place,
                                      const struct tt_registry_sink *sink);
    void (*settle)(void *world); /* returns when all that was submitted is completed */
};

/* The number of failed tests. */
int tt_registry_contract_run(const struct tt_registry_factory *factory);

#endif
