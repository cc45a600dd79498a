/*
 * transfer_parts: what the files of transfer share, and nobody else.
 */
#ifndef TT_ADAPTER_DYNAMODB_TRANSFER_PARTS_H
#define TT_ADAPTER_DYNAMODB_TRANSFER_PARTS_H

#include "adapter/dynamodb/transfer.h"
#include "adapter/dynamodb/work.h"

/* By whom pending rows are armed that were moved here: no server has such an incarnation. */
#define TT_DDB_NOBODY "moved.0.0"

/* What one call of the port is about; whatever it points at is borrowed. */
struct tt_transfer_call {
    enum tt_dossier_kind kind;
    struct tt_slice text; /* `after`, or the progress */
    struct tt_transfer_page *page;
    struct tt_dossiers *dossiers;
    const struct tt_dossiers *to_write;
    const tt_id *conversation;
    tt_seq from;
    struct tt_message *messages;
    size_t message_count;
};

typedef tt_err (*tt_transfer_job)(struct tt_ddb_work *work, struct tt_transfer_call *call);

/* Each runs on a fiber. */
tt_err tt_ddb_transfer_list(struct tt_ddb_work *work, struct tt_transfer_call *call);
tt_err tt_ddb_transfer_read(struct tt_ddb_work *work, struct tt_transfer_call *call);
tt_err tt_ddb_transfer_read_messages(struct tt_ddb_work *work, struct tt_transfer_call *call);
tt_err tt_ddb_transfer_write(struct tt_ddb_work *work, struct tt_transfer_call *call);
tt_err tt_ddb_transfer_write_messages(struct tt_ddb_work *work, struct tt_transfer_call *call);

/* Requests that are gathered, and then carried out side by side. */
struct tt_ddb_requests {
    struct tt_ddb_request **list;
    size_t count;
    size_t room;
};

void tt_ddb_gather(struct tt_ddb_work *work, struct tt_ddb_requests *requests,
                   struct tt_ddb_request *request);

#endif
