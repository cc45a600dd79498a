/*
 * aws: what the environment says about the DynamoDB API: where it is, and in which region.
 */
#ifndef TT_APP_AWS_H
#define TT_APP_AWS_H

#include <stdbool.h>

#include "adapter/dynamodb/api_client.h"

#define TT_AWS_SENTENCE 512

/*
 * AWS_ENDPOINT_URL_DYNAMODB or AWS_ENDPOINT_URL, else the service of AWS_REGION (or
 * AWS_DEFAULT_REGION). False: `sentence` says what is missing.
 */
bool tt_aws_read_endpoint(struct tt_remote *remote, char region[32],
                          char sentence[TT_AWS_SENTENCE]);

#endif
