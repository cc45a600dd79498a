/*
 * credential_chain: finds credentials where AWS's own SDKs look for them, in their order, and gets
 * new ones before they end: the environment; a web identity (a token file and STS); the profile
 * files, with role_arn (by source_profile or a web identity) and credential_process; the
 * container's address; the instance's metadata (IMDSv2). For one node, in its loop.
 *
 * The first source that has any is kept. New credentials are fetched five minutes before the old
 * ones end; while that fails the old ones are used as long as they hold.
 */
#ifndef TT_ADAPTER_DYNAMODB_CREDENTIAL_CHAIN_H
#define TT_ADAPTER_DYNAMODB_CREDENTIAL_CHAIN_H

#include "adapter/dynamodb/api_client.h"

struct tt_aws_chain;

struct tt_aws_chain_options {
    const char *(*variable)(void *context, const char *name); /* of the environment; NULL: unset */
    void *context;
    const char *region;         /* of STS; borrowed */
    struct tt_tls_trust *trust; /* for https; borrowed */
    struct tt_clock_port clock;
    struct tt_entropy_port entropy;
};

struct tt_aws_chain *tt_aws_chain_create(struct tt_loop *loop,
                                         const struct tt_aws_chain_options *options);

/* Sets *chain to NULL. */
void tt_aws_chain_destroy(struct tt_aws_chain **chain);

struct tt_aws_source tt_aws_chain_source(struct tt_aws_chain *chain);

#endif
