/*
 * codec: requests to tables as the JSON of the DynamoDB API (2012-08-10), and its answers.
 */
#ifndef TT_ADAPTER_DYNAMODB_CODEC_H
#define TT_ADAPTER_DYNAMODB_CODEC_H

#include "adapter/dynamodb/table.h"
#include "base/buffer.h"

/* The value of X-Amz-Target. */
const char *tt_ddb_target(enum tt_ddb_verb verb);

/* Appends the body. `prefix` stands before each table's name. */
void tt_ddb_encode(const struct tt_ddb_request *request, struct tt_slice prefix,
                   struct tt_buffer *out);

/* What an HTTP answer says about a try. */
enum tt_ddb_verdict {
    TT_DDB_ANSWERED, /* `answer` is filled in */
    TT_DDB_AGAIN,    /* throttled or failed: try again after a pause */
    TT_DDB_SKEWED,   /* it was signed at a time that is not now, says the service */
    TT_DDB_EXPIRED,  /* the credentials are not valid any more; new ones may be */
    TT_DDB_WRONG,    /* trying again changes nothing: missing rights or tables, or a bug */
};

/* `body` must live as long as the answer. */
enum tt_ddb_verdict tt_ddb_decode(const struct tt_ddb_request *request, int status,
                                  struct tt_slice body, struct tt_arena *arena,
                                  struct tt_ddb_answer *answer);

/* The name of the error in the body, for the log; "ResourceNotFoundException". */
struct tt_slice tt_ddb_error_name(struct tt_slice body);

#endif
