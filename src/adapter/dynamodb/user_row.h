/*
 * user_row: the row of a user: settings, last seen and the linked devices with their connections,
 * in one item, so that linking, connecting and leaving are one conditional write each.
 *
 * `last_epoch` counts all connections of the user, and so an epoch is larger than any before of the
 * same device, over unlinking too. A device whose positions are still being written into the rows
 * of message_status is LINKING, one whose positions are being removed is UNLINKING; whoever finds
 * it so (the one who did it has died) finishes that first.
 */
#ifndef TT_ADAPTER_DYNAMODB_USER_ROW_H
#define TT_ADAPTER_DYNAMODB_USER_ROW_H

#include "adapter/dynamodb/account_row.h"
#include "model/user.h"

enum tt_ddb_device_state { TT_DDB_LINKED, TT_DDB_LINKING, TT_DDB_UNLINKING };

struct tt_ddb_device {
    struct tt_device is;
    enum tt_ddb_device_state state;
    struct tt_slice server; /* "ws_server_3.17": where it is connected; empty: nowhere */
    tt_time connected_at;
    bool began_anew; /* not kept: it was linked and silent, and is linked again now */
};

struct tt_ddb_user {
    tt_id id;
    struct tt_user_settings settings;
    tt_time last_seen;
    uint64_t last_epoch;
    struct tt_ddb_device *devices; /* sorted by id */
    size_t device_count;
    struct tt_slice steps; /* comings and goings */
    bool has_account;
    struct tt_account account;
    uint64_t version; /* 0: there is no row */
    uint64_t mark;
};

/* Lives as long as the item's text and the arena; has room for one device more. */
struct tt_ddb_user tt_ddb_user_read(struct tt_json item, const tt_id *id, struct tt_arena *arena);

/* As tt_ddb_status_write. */
void tt_ddb_user_write(const struct tt_ddb_user *user, uint64_t mark, struct tt_arena *arena,
                       struct tt_ddb_request *request);

struct tt_ddb_device *tt_ddb_user_device(const struct tt_ddb_user *user, const tt_id *device);
struct tt_ddb_device *tt_ddb_user_add_device(struct tt_ddb_user *user, const tt_id *device);
void tt_ddb_user_remove_device(struct tt_ddb_user *user, const tt_id *device);

#endif
