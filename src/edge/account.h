/*
 * account: the built-in accounts on the wire: POST /login and POST /register.
 */
#ifndef TT_EDGE_ACCOUNT_H
#define TT_EDGE_ACCOUNT_H

#include "edge/problem.h"
#include "model/account_ask.h"

enum tt_accounts {
    TT_ACCOUNTS_OFF,
    TT_ACCOUNTS_INVITE, /* who was invited may register */
    TT_ACCOUNTS_OPEN,   /* anybody may */
};

/*
 * Reads {"user_id","password","device_id"?} and, to register, "invite"?, which stays in the body.
 * On failure `problem` says more. A new password has TT_PASSWORD_BYTES_MIN to _MAX bytes of UTF-8;
 * one to log in with may be short, it only will not be right.
 */
TT_MUST_CHECK tt_err tt_account_read(struct tt_slice body, struct tt_account_ask *ask,
                                     struct tt_slice *invite, struct tt_problem *problem);

#endif
