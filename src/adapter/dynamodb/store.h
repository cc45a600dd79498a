/*
 * store: the store port (port/store.h) on the DynamoDB API.
 *
 * One per node, in the node's own loop: completions come in later turns of the same thread. Other
 * nodes and other servers meet only in the tables, so nothing here is locked, and every change is
 * one conditional write of one item that somebody else may have got in before:
 *
 * - A message is in `messages` under its seq n if and only if it is sent. `sends` holds, per user
 *   and client_id, the one seq under which that message may be put; it moves on only after another
 *   message was seen under it. A seq is tried only after the one before it was seen stored. So seqs
 *   have no gaps, and a client_id has one message, whoever crashes between which two requests.
 * - Rows that are changed in more than one attribute (message_status, users) carry a version and
 *   the writer's mark: a write holds only on the version that it was computed from, and who finds
 *   his own mark after a lost answer knows that he was it.
 * - A pending row is armed before its message is put, and removed only while it is armed with
 *   nothing that a device still lacks.
 *
 * Ops of this node that concern the same conversation wait for each other in the order given, so
 * keeps_order holds for one node.
 */
#ifndef TT_ADAPTER_DYNAMODB_STORE_H
#define TT_ADAPTER_DYNAMODB_STORE_H

#include "adapter/dynamodb/table.h"
#include "model/place.h"
#include "net/loop.h"
#include "port/clock.h"
#include "port/entropy.h"
#include "port/store.h"

struct tt_ddb_store;

struct tt_ddb_store_options {
    struct tt_ddb_tables tables;
    struct tt_place place; /* of this node: what a connected device's row names */
    struct tt_clock_port clock;
    struct tt_entropy_port entropy;
    uint32_t op_ms_max;   /* after so long an op ends as UNAVAILABLE, or has waited for its turn */
    uint32_t lease_ms;    /* a server that was not ALIVE for so long is taken for dead */
    size_t cache_entries; /* conversations, and as many rows of message_status */
};

/* `loop` NULL: there is none, and the owner calls tt_ddb_store_turn himself. */
struct tt_ddb_store *tt_ddb_store_create(struct tt_loop *loop,
                                         const struct tt_ddb_store_options *options,
                                         struct tt_store_sink sink);

/* Sets *store to NULL. Ops under way come back as UNAVAILABLE; their requests must not be answered
 * any more, so the tables go first. */
void tt_ddb_store_destroy(struct tt_ddb_store **store);

struct tt_store_port tt_ddb_store_port(struct tt_ddb_store *store);

/* Hands back what was finished from within submit. */
void tt_ddb_store_turn(struct tt_ddb_store *store);

/* For metrics: ops under way. */
size_t tt_ddb_store_under_way(const struct tt_ddb_store *store);

#endif
