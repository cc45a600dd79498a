/*
 * transfer: the transfer port (port/transfer.h) on the tables of the DynamoDB API.
 *
 * Rows are put without conditions, since nobody else writes while the mark stands: a row of its own
 * in `servers`, which holds what `save` keeps. A server does not start on tables whose mark says
 * that they are being filled, or were moved away.
 *
 * Pending rows that were not rung for name a server that never lived, so whichever server starts
 * first takes them over.
 */
#ifndef TT_ADAPTER_DYNAMODB_TRANSFER_H
#define TT_ADAPTER_DYNAMODB_TRANSFER_H

#include "adapter/dynamodb/store.h"
#include "port/transfer.h"

#define TT_DDB_TRANSFER_SENTENCE 512

struct tt_ddb_transfer;

struct tt_ddb_transfer_options {
    struct tt_ddb_tables tables;
    struct tt_clock_port clock;
    struct tt_entropy_port entropy;
    uint32_t call_ms_max; /* after so long a call of the port fails with UNAVAILABLE */
    uint32_t lease_ms;    /* as the servers have it */
    void *context;
    void (*turn)(void *context); /* lets requests be answered; may return at any time */
    void (*stop)(void *context); /* `turn` need not wait any longer */
};

struct tt_ddb_transfer *tt_ddb_transfer_create(const struct tt_ddb_transfer_options *options);

/* Sets *transfer to NULL. */
void tt_ddb_transfer_destroy(struct tt_ddb_transfer **transfer);

struct tt_transfer_port tt_ddb_transfer_port(struct tt_ddb_transfer *transfer);

/* The first table that holds a row, but for `servers`; NULL: all are empty. UNAVAILABLE. */
TT_MUST_CHECK tt_err tt_ddb_transfer_look(struct tt_ddb_transfer *transfer, const char **not_empty);

/* A server that was alive less than a lease ago, with the time at which it was; none: there is
 * none. UNAVAILABLE. */
TT_MUST_CHECK tt_err tt_ddb_transfer_alive(struct tt_ddb_transfer *transfer, tt_id *server,
                                           tt_time *alive_at);

/* Notes that this server is alive now: before it looks at the mark, as whoever moves looks for
 * servers after he has set it. So one of the two sees the other. UNAVAILABLE. */
TT_MUST_CHECK tt_err tt_ddb_transfer_announce(struct tt_ddb_transfer *transfer,
                                              const struct tt_place *place);

#endif
