/*
 * contract: what the cases of store_contract are written in: ops in one line each, that have come
 * back when the line is done.
 */
#ifndef TT_TEST_CONTRACT_CONTRACT_H
#define TT_TEST_CONTRACT_CONTRACT_H

#include "unit.h"

#include "contract/store_contract.h"

struct fixture {
    const struct tt_store_subject *subject;
    void *store;
    struct tt_store_op **ops; /* of this case, destroyed at its end */
    size_t op_count;
};

struct contract_case {
    const char *name;
    void (*run)(struct fixture *f);
};

#define CASE(function)                                                                             \
    {                                                                                              \
#function, function                                                                        \
    }

extern const struct contract_case device_cases[];
extern const struct contract_case conversation_cases[];
extern const struct contract_case message_cases[];
extern const struct contract_case pending_cases[];
extern const struct contract_case list_cases[];
extern const struct contract_case history_cases[];
extern const struct contract_case order_cases[];
extern const struct contract_case push_cases[];
extern const struct contract_case account_cases[];

/* An op of the case that is not on its way yet. */
struct tt_store_op *new_op(struct fixture *f, enum tt_store_op_kind kind);

/* Sends it through node 0, waits, and hands it on. */
struct tt_store_op *run(struct fixture *f, struct tt_store_op *op);

/* Times are counted from some day in 2024, in milliseconds. */
tt_time at(int64_t ms);

struct tt_link_device *link_at(struct fixture *f, const char *user, const char *device, int64_t ms);
struct tt_disconnect *disconnect(struct fixture *f, const char *user, const char *device,
                                 uint64_t epoch, int64_t ms);
tt_err unlink_device(struct fixture *f, const char *user, const char *device);
void alive(struct fixture *f, int64_t ms);

/* No token: none any more. */
tt_err put_address(struct fixture *f, const char *user, const char *device, const char *token,
                   int64_t ms);
struct tt_list_push_addresses *addresses(struct fixture *f, const char *user);

/* Members in any order, separated by blanks. */
struct tt_store_op *new_create(struct fixture *f, enum tt_conversation_kind kind, const char *id,
                               const char *members, int64_t ms);
void create_direct(struct fixture *f, const char *id, const char *a, const char *b);
void create_group(struct fixture *f, const char *id, const char *members);

struct tt_store_op *new_send(struct fixture *f, const char *conversation, const char *user,
                             const char *device, const char *client_id);

/* Its timestamp is at(seq * 10) if all goes well; expects that it gets this seq. */
struct tt_append *send_text(struct fixture *f, const char *conversation, const char *user,
                            const char *device, const char *client_id, uint64_t seq);

struct tt_store_op *new_ack(struct fixture *f, const char *conversation, const char *user,
                            const char *device, uint64_t delivered, uint64_t read);

/* Expects that it is OK. */
struct tt_advance *ack(struct fixture *f, const char *conversation, const char *user,
                       const char *device, uint64_t delivered, uint64_t read);

struct tt_read_snapshot *snapshot(struct fixture *f, const char *conversation, const char *user,
                                  const char *device, uint32_t count_max);
struct tt_list_pending *pending(struct fixture *f, const char *user, const char *device);
struct tt_positions *positions(struct fixture *f, const char *conversation, const char *user);
struct tt_list_conversations *list(struct fixture *f, const char *user, uint32_t count_max);
struct tt_list_devices *devices(struct fixture *f, const char *user);
tt_time last_seen(struct fixture *f, const char *user);

void expect_err(tt_err err, enum tt_err_code code);
void expect_id(const tt_id *id, const char *text);
void expect_slice(struct tt_slice slice, const char *text);
void expect_cursor(struct tt_cursor cursor, uint64_t delivered, uint64_t read);

/* The one pending row that the user has, or none. */
void expect_pending(struct fixture *f, const char *user, uint64_t first, uint64_t armed,
                    uint64_t head);
void expect_nothing_pending(struct fixture *f, const char *user);

#endif
