/*
 * store_contract: every sentence of port/store.h as a test, to run unchanged on every adapter and
 * on the simulator's fake, so that the simulator cannot lie.
 *
 * Who brings a subject says how to make a store, hand it ops and wait for them; the suite makes a
 * fresh one for each case. At least two nodes must be attached to it.
 */
#ifndef TT_TEST_CONTRACT_STORE_CONTRACT_H
#define TT_TEST_CONTRACT_STORE_CONTRACT_H

#include <stdbool.h>
#include <stddef.h>

#include "model/store_op.h"

struct tt_store_subject {
    const char *name;
    void *context;
    bool knows_settled; /* whether `settled` and `none_rings` are said where they are true */
    void *(*create)(void *context); /* an empty store */
    void (*destroy)(void *store);
    /* Hands the ops over as one batch of that node (0 or 1); they stay the suite's. */
    void (*submit)(void *store, unsigned node, struct tt_store_op *const *ops, size_t count);
    /* Until all that was submitted has come back. */
    void (*wait)(void *store);
    /* Stops the store as a crash or a shutdown would, and starts it again. NULL: it cannot. */
    void (*reopen)(void *store);
    /* Makes the store short of disk space, or ends that. NULL: it cannot. */
    void (*set_disk_low)(void *store, bool low);
};

/* Runs all cases that the subject is able to; the number of failed ones. */
int tt_store_contract_run(const struct tt_store_subject *subject);

#endif
