/*
 * working_parts: what the files of working share, and nobody else.
 */
#ifndef TT_ADAPTER_EMBEDDED_WORKING_PARTS_H
#define TT_ADAPTER_EMBEDDED_WORKING_PARTS_H

#include "adapter/embedded/working.h"
#include "base/map.h"

/* A row that was written in this batch and may be read in it. */
struct tt_fresh_row {
    struct tt_slice key;
    struct tt_slice value;
};

struct tt_working {
    struct tt_index *index;
    struct tt_position_row position;
    struct tt_map conversations;
    struct tt_map users;
    struct tt_recent_list recent_conversations;
    struct tt_recent_list recent_users;
    struct tt_conversation_state **changed_conversations;
    size_t changed_conversation_count;
    struct tt_user_state **changed_users;
    size_t changed_user_count;
    struct tt_map fresh; /* sends, pairs and tokens */
    struct tt_arena fresh_arena;
    bool has_rows;
    uint64_t conversation_size;
    uint64_t sent_size; /* what hashes of client ids take beside it */
    uint64_t user_size;
    uint64_t size_max;      /* half of it for each */
    struct tt_buffer value; /* of the row that was read last */
    struct tt_buffer packed;
};

/* Counts what the hashes of a conversation take now. What would push too many others out is not
 * kept. */
void tt_working_count_sent(struct tt_working *working, struct tt_conversation_state *conversation);

/* Forgets what was not used for longest, until the rest is no more than size_max. */
void tt_working_trim(struct tt_working *working);

#endif
