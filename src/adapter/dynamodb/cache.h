/*
 * cache: what this node lately saw in the tables. Nothing in it decides anything: a conversation's
 * members never change, and all else is only the first guess that a condition then checks.
 *
 * Bounded; the least lately used goes, but for conversations that are pinned.
 */
#ifndef TT_ADAPTER_DYNAMODB_CACHE_H
#define TT_ADAPTER_DYNAMODB_CACHE_H

#include "adapter/dynamodb/status_row.h"
#include "model/conversation.h"

#define TT_DDB_SENDS_KEPT 16

struct tt_ddb_cache;

struct tt_ddb_conversation {
    struct tt_conversation is;         /* lives as long as this */
    tt_seq head;                       /* some message was seen under it; 0: nothing is known */
    bool head_known;                   /* the head was 0 or more when it was last looked for */
    uint64_t sends[TT_DDB_SENDS_KEPT]; /* hashes of the latest user#client_id, in a ring */
    uint32_t sends_next;
    tt_time active_noted; /* what the memberships' rows have at least */
    tt_time changed_noted;
};

struct tt_ddb_cache *tt_ddb_cache_create(size_t entries_max, uint64_t hash_seed);
void tt_ddb_cache_destroy(struct tt_ddb_cache **cache);

/* NULL: not there. Pinned until tt_ddb_cache_unpin. */
struct tt_ddb_conversation *tt_ddb_cache_conversation(struct tt_ddb_cache *cache, const tt_id *id);

/* Adds it (a copy is made), or finds the one that is there. Pinned. */
struct tt_ddb_conversation *tt_ddb_cache_add(struct tt_ddb_cache *cache,
                                             const struct tt_conversation *conversation);
void tt_ddb_cache_unpin(struct tt_ddb_cache *cache, struct tt_ddb_conversation *conversation);

/* A copy of the row into the arena; false: not there. */
bool tt_ddb_cache_status(struct tt_ddb_cache *cache, const tt_id *conversation, const tt_id *user,
                         struct tt_arena *arena, struct tt_ddb_status *row);
void tt_ddb_cache_put_status(struct tt_ddb_cache *cache, const tt_id *conversation,
                             const struct tt_ddb_status *row);
void tt_ddb_cache_drop_status(struct tt_ddb_cache *cache, const tt_id *conversation,
                              const tt_id *user);

#endif
