/*
 * init: makes the tables, for `twoticks store init`; doing it again changes nothing.
 */
#ifndef TT_ADAPTER_DYNAMODB_INIT_H
#define TT_ADAPTER_DYNAMODB_INIT_H

#include "adapter/dynamodb/api_client.h"

/* The body of CreateTable: on demand, with tags. */
void tt_ddb_write_table(enum tt_ddb_table table, struct tt_slice prefix, struct tt_buffer *out);

/* The least rights that `serve` needs, as an IAM policy. */
void tt_ddb_write_policy(struct tt_slice prefix, const char *region, struct tt_buffer *out);

struct tt_ddb_init_options {
    struct tt_ddb_client_options client;
    bool look_only;    /* creates nothing; a missing table is UNAVAILABLE */
    bool keep_backups; /* asks for point-in-time recovery where it is known */
    void (*say)(void *context, struct tt_slice line); /* what was done */
    void *context;
};

/* Creates what is missing and waits until all of it can be used. Runs the loop until then, so it
 * blocks. Fails with UNAVAILABLE, having said why. */
TT_MUST_CHECK tt_err tt_ddb_init(struct tt_loop *loop, const struct tt_ddb_init_options *options);

#endif
