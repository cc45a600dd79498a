/*
 * api_client: carries requests to tables out over HTTP: signs them, sends them, and tries again
 * what may be tried again, with full jitter, until the deadline or until the budget is empty.
 *
 * Trying again is always allowed: every write of this adapter is conditional or the same twice, and
 * `retried` tells its sender when a REFUSED may be the echo of his own earlier try.
 */
#ifndef TT_ADAPTER_DYNAMODB_API_CLIENT_H
#define TT_ADAPTER_DYNAMODB_API_CLIENT_H

#include "adapter/dynamodb/credentials.h"
#include "adapter/dynamodb/table.h"
#include "net/http_pool.h"
#include "port/clock.h"
#include "port/entropy.h"

struct tt_ddb_client;

/* Where credentials come from; false: there are none now. They live until the next call. */
struct tt_aws_source {
    void *self;
    bool (*get)(void *self, struct tt_aws_credentials *credentials, uint64_t *generation);
    void (*expired)(void *self); /* AWS says that they are not valid (any more) */
};

struct tt_ddb_client_options {
    struct tt_remote remote;
    char region[32];
    struct tt_slice prefix; /* of the tables' names; borrowed */
    size_t connections_max;
    uint32_t try_ms_max; /* one try, from sending to the whole answer */
    struct tt_aws_source source;
    struct tt_clock_port clock;
    struct tt_entropy_port entropy;
    void (*complain)(void *context, struct tt_slice what); /* for the log; NULL: nobody listens */
    void *complain_context;
};

struct tt_ddb_client_stats {
    uint64_t requests[TT_DDB_VERB_COUNT]; /* by verb; tries are counted, not requests */
    uint64_t retries;
    uint64_t throttled;
    uint64_t lost;
    uint64_t given_up;
    uint64_t clock_corrections;
};

struct tt_ddb_client *tt_ddb_client_create(struct tt_loop *loop,
                                           const struct tt_ddb_client_options *options);

/* Sets *client to NULL. What is under way is not answered any more. */
void tt_ddb_client_destroy(struct tt_ddb_client **client);

struct tt_ddb_tables tt_ddb_client_tables(struct tt_ddb_client *client);

/* A request of another kind (CreateTable and so on), sent once (or with the clock corrected, once
 * more): target "DynamoDB_20120810.X". */
void tt_ddb_client_call(struct tt_ddb_client *client, const char *target, struct tt_slice body,
                        tt_http_answer answer, void *context);

const struct tt_ddb_client_stats *tt_ddb_client_stats(const struct tt_ddb_client *client);
const struct tt_http_pool_stats *tt_ddb_client_http(const struct tt_ddb_client *client);

#endif
