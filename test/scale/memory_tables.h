/*
 * memory_tables: the tables of the DynamoDB API in memory, no stronger than the real ones.
 *
 * Requests wait until the world lets one of them happen, in any order. Each is atomic; what is told
 * of it may be a lie of omission: the answer is lost and the request carried out once more, or it
 * is never answered though it was carried out, or it is carried out long after its sender gave up.
 */
#ifndef TT_TEST_SCALE_MEMORY_TABLES_H
#define TT_TEST_SCALE_MEMORY_TABLES_H

#include "adapter/dynamodb/table.h"

struct tt_memory_tables;

struct tt_memory_faults {
    uint32_t twice_per_mille; /* carried out, the answer lost, carried out again */
    uint32_t mute_per_mille;  /* carried out, and its sender hears UNKNOWN */
    uint32_t none_per_mille;  /* not carried out, and its sender hears UNKNOWN */
    uint32_t late_per_mille;  /* its sender hears UNKNOWN, and it is carried out later */
};

struct tt_memory_tables *tt_memory_tables_create(uint64_t seed);
void tt_memory_tables_destroy(struct tt_memory_tables **tables);

/* A way in for one store; nobody is answered any more after tt_memory_tables_cut. */
struct tt_ddb_tables tt_memory_tables_open(struct tt_memory_tables *tables, unsigned client);

/* The client has died: of its requests under way, some still happen. */
void tt_memory_tables_cut(struct tt_memory_tables *tables, unsigned client);

struct tt_memory_faults *tt_memory_tables_faults(struct tt_memory_tables *tables);

/* Lets one request that waits happen; false: none does. */
bool tt_memory_tables_step(struct tt_memory_tables *tables);

/* How many requests were carried out, by verb. */
const uint64_t *tt_memory_tables_counts(const struct tt_memory_tables *tables);

/* The number of an attribute of a row; 0: no such row or attribute. */
uint64_t tt_memory_tables_number(const struct tt_memory_tables *tables, enum tt_ddb_table table,
                                 const char *hash, const char *range, const char *attribute);

/* The next seq's message of a conversation, from *at = 0 on: its sender#client_id, or NULL. */
const char *tt_memory_tables_message(const struct tt_memory_tables *tables,
                                     const char *conversation, uint64_t seq);

uint64_t tt_memory_tables_random(struct tt_memory_tables *tables);

#endif
