/*
 * pool: the few threads that look at passwords, with a bounded queue before them. Who tries too
 * often, by account or by address, is refused before anything is computed, and alike whether the
 * account is there or not. The threads yield to the loops: a flood of logins costs logins, not
 * messages.
 */
#ifndef TT_ADAPTER_ACCOUNT_POOL_H
#define TT_ADAPTER_ACCOUNT_POOL_H

#include "adapter/account/desk.h"
#include "base/limiter.h"
#include "model/account_ask.h"

struct tt_account_pool;

struct tt_account_pool_options {
    struct tt_desk *desk;
    uint32_t thread_count;
    uint32_t queue_max;
    struct tt_limiter_rule by_account;    /* tries that fail */
    struct tt_limiter_rule by_address;    /* tries */
    struct tt_limiter_rule registrations; /* by address */
    uint64_t hash_seed;
    struct tt_clock_port clock;

    /* Gives the ask back, answered; from any of the threads. */
    void (*done)(struct tt_account_ask *ask);
};

struct tt_account_pool *tt_account_pool_create(const struct tt_account_pool_options *options);

/* Takes the ask. False, and it stays with the caller, answered: RATE_LIMITED or OVERLOADED. */
bool tt_account_pool_ask(struct tt_account_pool *pool, struct tt_account_ask *ask);

/* Ends the threads; what waits is given back with DRAINING. */
void tt_account_pool_destroy(struct tt_account_pool **take_pool);

#endif
