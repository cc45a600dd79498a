/*
 * accounts: the built-in accounts of a server, wired up: the desk, the threads that look at
 * passwords, and DIR/control, by which the `user` command reaches a server that runs.
 */
#ifndef TT_APP_ACCOUNTS_H
#define TT_APP_ACCOUNTS_H

#include "adapter/account/pool.h"
#include "app/config.h"
#include "app/control.h"
#include "edge/account.h"

struct tt_accounts_service {
    struct tt_desk *desk;
    struct tt_account_pool *pool; /* NULL: nobody logs in here */
    struct tt_control *control;
};

/* `owner` without `fill` and what stands in the config; both it and `done` are as in desk.h and
 * pool.h. OVERLOADED. */
TT_MUST_CHECK tt_err tt_accounts_open(struct tt_accounts_service *service,
                                      const struct tt_config *config,
                                      const struct tt_desk_owner *owner,
                                      void (*done)(struct tt_account_ask *ask), uint64_t hash_seed);

/* Opens DIR/control; what comes from there may cut. */
void tt_accounts_listen(struct tt_accounts_service *service, const struct tt_config *config,
                        const struct tt_control_helper *helper, const struct tt_log *log);

/* All asks are given back by then, and nothing is cut any more. */
void tt_accounts_close(struct tt_accounts_service *service);

enum tt_accounts tt_accounts_of(const struct tt_config *config);

#endif
