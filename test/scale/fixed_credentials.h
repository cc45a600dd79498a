/*
 * fixed_credentials: a source of credentials that are always the same and never end.
 */
#ifndef TT_TEST_SCALE_FIXED_CREDENTIALS_H
#define TT_TEST_SCALE_FIXED_CREDENTIALS_H

#include "adapter/dynamodb/credentials.h"

static inline bool tt_fixed_credentials_get(void *self, struct tt_aws_credentials *credentials,
                                            uint64_t *generation)
{
    (void)self;
    *generation = 1;
    *credentials = (struct tt_aws_credentials){.access_key = TT_SLICE_LITERAL("AKIDEXAMPLE"),
                                               .secret = TT_SLICE_LITERAL("secret")};
    return true;
}

static inline void tt_fixed_credentials_expired(void *self)
{
    (void)self;
}

#endif
