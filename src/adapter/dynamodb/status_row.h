/*
 * status_row: a row of message_status: how far one member is in one conversation.
 *
 * last_delivered_seq, last_read_seq and devices (device -> delivered seq) are the document's;
 * muted_until, steps, version and mark are ours. `devices` names exactly the linked devices.
 */
#ifndef TT_ADAPTER_DYNAMODB_STATUS_ROW_H
#define TT_ADAPTER_DYNAMODB_STATUS_ROW_H

#include "adapter/dynamodb/table.h"
#include "model/conversation.h"
#include "model/store_op.h"

struct tt_ddb_status {
    tt_id user;
    struct tt_cursor cursor;
    struct tt_device_position *devices; /* sorted by id */
    size_t device_count;
    tt_time muted_until;
    struct tt_slice steps; /* see steps.h */
    uint64_t version;      /* 0: there is no row */
    uint64_t mark;         /* of whoever wrote it */
};

/* Lives as long as the item's text and the arena. */
struct tt_ddb_status tt_ddb_status_read(struct tt_json item, struct tt_arena *arena);

/* Fills the PUT in: the row with the next version, on condition that `row.version` still stands. */
void tt_ddb_status_write(const struct tt_ddb_status *row, uint64_t mark, struct tt_arena *arena,
                         struct tt_ddb_request *request);

/* NULL: it is not linked. */
struct tt_device_position *tt_ddb_status_device(const struct tt_ddb_status *row,
                                                const tt_id *device);

/* Up to where every linked device has everything; with none, the user's cursor. */
tt_seq tt_ddb_status_reached(const struct tt_ddb_status *row);

/* A copy whose devices may be changed, with room for one more. */
struct tt_ddb_status tt_ddb_status_copy(const struct tt_ddb_status *row, struct tt_arena *arena);

void tt_ddb_status_add_device(struct tt_ddb_status *row, const tt_id *device, tt_seq delivered,
                              tt_time linked_at);
void tt_ddb_status_remove_device(struct tt_ddb_status *row, const tt_id *device);

#endif
