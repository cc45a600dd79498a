/*
 * store_tables: what the fake store knows, in plain arrays. Simple before fast: a simulated world
 * has a handful of users.
 */
#ifndef TT_SIM_STORE_TABLES_H
#define TT_SIM_STORE_TABLES_H

#include "base/map.h"
#include "model/store_op.h"
#include "sim/mutant.h"

struct tt_position_row {
    tt_id device;
    tt_seq delivered;
};

struct tt_member_row {
    tt_id user;
    struct tt_cursor cursor;
    tt_time muted_until;
    struct tt_position_row *positions;
    size_t position_count;
    size_t position_capacity;
    bool is_pending;
    tt_seq first_undelivered;
    tt_seq armed;
    tt_seq pushed;
};

struct tt_conversation_row {
    tt_id id;
    enum tt_conversation_kind kind;
    struct tt_slice title; /* owned */
    tt_time created_at;
    tt_time active_at;
    tt_time changed_at;
    struct tt_member_row *members;
    size_t member_count;
    struct tt_message *messages; /* seq n at n - 1; contents owned */
    size_t message_count;
    size_t message_capacity;
    struct tt_happening *pushes; /* PUSH_ACCEPTED and PUSH_FAILED; details owned */
    size_t push_count;
    struct tt_happening *steps; /* DELIVERED and READ */
    size_t step_count;
    size_t step_capacity;
};

struct tt_device_row {
    struct tt_device device;
    tt_time connected_at;
    uint32_t process; /* that it is connected through */
};

struct tt_user_row {
    tt_id id;
    struct tt_user_settings settings; /* display name owned */
    tt_time last_seen;
    struct tt_device_row *devices; /* sorted by id */
    size_t device_count;
    size_t device_capacity;
    struct tt_device_address *addresses; /* sorted by device; bytes owned */
    size_t address_count;
    bool has_account;
    struct tt_account account;   /* password and logins owned */
    struct tt_happening *visits; /* CONNECTED and DISCONNECTED */
    size_t visit_count;
    size_t visit_capacity;
};

struct tt_store_tables {
    struct tt_map conversations;
    struct tt_map users;
    struct tt_map sends;   /* the dedupe */
    struct tt_map directs; /* the direct conversation of a pair */
    uint64_t epoch;
    enum tt_mutant mutant;
    tt_time alive[16]; /* by process */
};

#define TT_STORE_PROCESSES_MAX 16

void tt_store_tables_init(struct tt_store_tables *tables, enum tt_mutant mutant);
void tt_store_tables_deinit(struct tt_store_tables *tables);

/* Carries the op out and fills its answer in. */
void tt_store_tables_apply(struct tt_store_tables *tables, struct tt_store_op *op, uint32_t process,
                           bool disk_low);

void tt_store_tables_process_died(struct tt_store_tables *tables, uint32_t process);

/* Between the parts of this module. */

struct tt_conversation_row *tt_store_tables_conversation(struct tt_store_tables *tables,
                                                         const tt_id *id);
struct tt_user_row *tt_store_tables_user(struct tt_store_tables *tables, const tt_id *id);
struct tt_member_row *tt_store_tables_member(struct tt_conversation_row *conversation,
                                             const tt_id *user);
tt_seq tt_store_tables_position(const struct tt_member_row *member, const tt_id *device);
void tt_store_tables_set_position(struct tt_member_row *member, const tt_id *device, tt_seq seq);
bool tt_store_tables_is_linked(const struct tt_user_row *user, const tt_id *device,
                               tt_time linked_at);
tt_seq tt_store_tables_head(const struct tt_conversation_row *conversation);
bool tt_store_tables_find_send(struct tt_store_tables *tables, const tt_id *conversation,
                               const tt_id *sender, const tt_id *client_id, tt_seq *seq);
void tt_store_tables_add_send(struct tt_store_tables *tables, const tt_id *conversation,
                              const tt_id *sender, const tt_id *client_id, tt_seq seq);
void tt_store_tables_settle_pending(struct tt_store_tables *tables,
                                    struct tt_conversation_row *conversation,
                                    struct tt_member_row *member);
void tt_store_tables_add_step(struct tt_conversation_row *conversation,
                              const struct tt_happening *step);
void tt_store_tables_add_visit(struct tt_user_row *user, enum tt_happening_kind kind,
                               const tt_id *device, tt_time at);
struct tt_slice tt_store_tables_own(struct tt_slice bytes);
struct tt_message tt_store_tables_copy_message(struct tt_arena *arena,
                                               const struct tt_message *message);
const struct tt_member_cursor *tt_store_tables_cursors(const struct tt_conversation_row *row,
                                                       struct tt_arena *arena);
void tt_store_tables_describe(const struct tt_conversation_row *row, struct tt_arena *arena,
                              struct tt_conversation *conversation);

void tt_store_tables_create_conversation(struct tt_store_tables *tables, struct tt_store_op *op,
                                         bool disk_low);
void tt_store_tables_append(struct tt_store_tables *tables, struct tt_store_op *op, bool disk_low);
void tt_store_tables_advance(struct tt_store_tables *tables, struct tt_store_op *op);
void tt_store_tables_link(struct tt_store_tables *tables, struct tt_store_op *op, uint32_t process);
void tt_store_tables_unlink(struct tt_store_tables *tables, struct tt_store_op *op);
void tt_store_tables_disconnect(struct tt_store_tables *tables, struct tt_store_op *op);
void tt_store_tables_list_devices(struct tt_store_tables *tables, struct tt_store_op *op);
void tt_store_tables_read_messages(struct tt_store_tables *tables, struct tt_store_op *op);
void tt_store_tables_snapshot(struct tt_store_tables *tables, struct tt_store_op *op);
void tt_store_tables_list_conversations(struct tt_store_tables *tables, struct tt_store_op *op);
/* The ops about push addresses and what became of pushes. */
void tt_store_tables_push(struct tt_store_tables *tables, struct tt_store_op *op);
bool tt_store_tables_remove_address(struct tt_user_row *user, const tt_id *device);
void tt_store_tables_free_pushes(struct tt_conversation_row *row);
/* The ops about accounts. */
void tt_store_tables_account(struct tt_store_tables *tables, struct tt_store_op *op);
tt_err tt_store_tables_check_login(const struct tt_user_row *user, const tt_id *device,
                                   uint64_t login);
bool tt_store_tables_log_out(struct tt_user_row *user, const tt_id *device);
void tt_store_tables_free_account(struct tt_user_row *user);
void tt_store_tables_history(struct tt_store_tables *tables, struct tt_store_op *op);

#endif
