/*
 * verify_parts: what the files of verify share, and nobody else. Each check looks at one row and at
 * what must stand beside it, and tells of everything that is wrong.
 */
#ifndef TT_ADAPTER_EMBEDDED_VERIFY_PARTS_H
#define TT_ADAPTER_EMBEDDED_VERIFY_PARTS_H

#include "adapter/embedded/read_parts.h"
#include "adapter/embedded/store.h"

struct tt_verify {
    struct tt_reading reading;
    struct tt_arena arena; /* of one row */
    struct tt_embedded_counts *counts;
    const struct tt_embedded_findings *findings;
    uint64_t start;
    tt_id nobody;      /* none, where a sentence needs no second id */
    tt_id messages_of; /* the conversation whose messages are passing by */
    struct tt_key last_step;
};

/* For "%.*s". */
#define TT_VERIFY_ID(id) (int)(id)->size, (id)->bytes

__attribute__((format(printf, 2, 3))) void tt_verify_problem(struct tt_verify *verify,
                                                             const char *format, ...);

/* Whether a lookup went well; if not, tells "<what> of <a> <b> is missing". */
bool tt_verify_found(struct tt_verify *verify, tt_err err, const char *what, const tt_id *a,
                     const tt_id *b);

/* member_count if the user is none. */
size_t tt_verify_member(const struct tt_conversation *conversation, const tt_id *user);

void tt_verify_conversation(struct tt_verify *verify, const struct tt_key_parts *key,
                            struct tt_slice value);
void tt_verify_head(struct tt_verify *verify, const struct tt_key_parts *key,
                    struct tt_slice value);
void tt_verify_message(struct tt_verify *verify, const struct tt_key_parts *key,
                       struct tt_slice value);
void tt_verify_status(struct tt_verify *verify, const struct tt_key_parts *key,
                      struct tt_slice value);
void tt_verify_send(struct tt_verify *verify, const struct tt_key_parts *key,
                    struct tt_slice value);
void tt_verify_step(struct tt_verify *verify, const struct tt_key_parts *key,
                    struct tt_slice value);
void tt_verify_pending(struct tt_verify *verify, const struct tt_key_parts *key,
                       struct tt_slice value);

void tt_verify_push(struct tt_verify *verify, const struct tt_key_parts *key,
                    struct tt_slice value);

#endif
