/*
 * credentials: with whose rights requests to AWS are signed, as values, and the documents in which
 * AWS hands them out. Pure; who fetches and refreshes them is credential_chain.h.
 */
#ifndef TT_ADAPTER_DYNAMODB_CREDENTIALS_H
#define TT_ADAPTER_DYNAMODB_CREDENTIALS_H

#include "base/arena.h"
#include "base/err.h"
#include "base/slice.h"
#include "base/time.h"

struct tt_aws_credentials {
    struct tt_slice access_key;
    struct tt_slice secret;
    struct tt_slice session_token; /* empty: none */
    tt_time expires_at;            /* 0: never */
};

/* What containers, IMDS and a credential_process answer: {"AccessKeyId", "SecretAccessKey",
 * "Token" or "SessionToken", "Expiration"}. Fails with CORRUPT. */
TT_MUST_CHECK tt_err tt_aws_read_json(struct tt_slice text, struct tt_arena *arena,
                                      struct tt_aws_credentials *credentials);

/* What STS answers to AssumeRoleWithWebIdentity and AssumeRole (XML). Fails with CORRUPT. */
TT_MUST_CHECK tt_err tt_aws_read_sts(struct tt_slice text, struct tt_arena *arena,
                                     struct tt_aws_credentials *credentials);

/* A value of the section [name] (or [profile name]) of an AWS configuration or credentials file;
 * empty if it is not there. Points into the text. */
struct tt_slice tt_aws_profile_value(struct tt_slice file, struct tt_slice profile,
                                     const char *key);

/* Percent-encodes as a query of AWS wants it: all but letters, digits and -._~ */
struct tt_slice tt_aws_encode(struct tt_slice text, struct tt_arena *arena);

#endif
