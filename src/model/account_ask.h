/*
 * account_ask: what somebody wants of the built-in accounts, and the answer, in one object that
 * travels: the edge makes it, threads that may take their time answer it, the edge gets it back.
 */
#ifndef TT_MODEL_ACCOUNT_ASK_H
#define TT_MODEL_ACCOUNT_ASK_H

#include "base/err.h"
#include "base/handle.h"
#include "base/id.h"
#include "base/time.h"

#define TT_PASSWORD_BYTES_MIN 8
#define TT_PASSWORD_BYTES_MAX 1024

enum tt_account_ask_kind { TT_ASK_LOG_IN, TT_ASK_REGISTER };

struct tt_account_ask {
    enum tt_account_ask_kind kind;
    tt_id user;
    tt_id device;            /* none: one is made up */
    bool by_stranger;        /* REGISTER: nobody vouches for him */
    unsigned char origin[8]; /* the part of his address that he cannot choose */
    size_t password_size;
    char password[TT_PASSWORD_BYTES_MAX]; /* wiped when it was looked at */

    tt_err err;
    uint32_t retry_after_ms; /* RATE_LIMITED */
    uint64_t login;          /* that was begun */

    tt_handle handle; /* of the asking connection */
    void *owner;      /* who gets it back */
    struct tt_account_ask *next;
};

struct tt_account_ask *tt_account_ask_create(void);

/* Wipes it. */
void tt_account_ask_destroy(struct tt_account_ask **take_ask);

#endif
