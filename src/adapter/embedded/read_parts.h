/*
 * read_parts: what the files of read share, and nobody else: looking rows up in one view, with what
 * is found copied into the op's arena.
 */
#ifndef TT_ADAPTER_EMBEDDED_READ_PARTS_H
#define TT_ADAPTER_EMBEDDED_READ_PARTS_H

#include "adapter/embedded/index.h"
#include "adapter/embedded/table.h"
#include "model/store_op.h"

struct tt_reading {
    const struct tt_view *view;
    struct tt_arena *arena;
    struct tt_slice row; /* that was read last: in memory, or in */
    struct tt_buffer value;
    bool at_once; /* what would take long ends in UNAVAILABLE */
};

TT_MUST_CHECK tt_err tt_read_row(struct tt_reading *reading, const struct tt_key *key);

/* NOT_FOUND; the others stand for zeros and defaults where there is no row. */
TT_MUST_CHECK tt_err tt_read_conversation_row(struct tt_reading *reading, const tt_id *id,
                                              struct tt_conversation *conversation);
TT_MUST_CHECK tt_err tt_read_head_row(struct tt_reading *reading, const tt_id *conversation,
                                      struct tt_head_row *row);
TT_MUST_CHECK tt_err tt_read_status_row(struct tt_reading *reading, const tt_id *conversation,
                                        const tt_id *user, struct tt_status_row *row);
TT_MUST_CHECK tt_err tt_read_user_row(struct tt_reading *reading, const tt_id *user,
                                      struct tt_user_row *row);

/* OK if the user is a member, else NOT_FOUND. */
TT_MUST_CHECK tt_err tt_read_membership(struct tt_reading *reading, const tt_id *user,
                                        const tt_id *conversation);

/* The cursors of all members, in their order. `one` is known already, or NULL. */
TT_MUST_CHECK tt_err tt_read_cursors(struct tt_reading *reading,
                                     const struct tt_conversation *conversation,
                                     const struct tt_member_cursor *one,
                                     struct tt_member_cursor **members);

/* The message, with its content in the arena. NOT_FOUND. */
TT_MUST_CHECK tt_err tt_read_message(struct tt_reading *reading, const tt_id *conversation,
                                     tt_seq seq, struct tt_message *message);

/* From `from` on, up to the head, within the bounds that the op names. */
TT_MUST_CHECK tt_err tt_read_messages(struct tt_reading *reading, struct tt_read_messages *read);

/* Those around the user's own cursor, when the rest of the snapshot is filled in. */
TT_MUST_CHECK tt_err tt_read_snapshot_messages(struct tt_reading *reading,
                                               struct tt_read_snapshot *snapshot);

/* `linked_at`: whether by that link; 0: by any. */
TT_MUST_CHECK tt_err tt_read_is_linked(struct tt_reading *reading, const tt_id *user,
                                       const tt_id *device, tt_time linked_at, bool *linked);

/* Where a linked device stands by that row. */
tt_seq tt_read_position(const struct tt_status_row *row, const tt_id *device);

TT_MUST_CHECK tt_err tt_read_conversations(struct tt_reading *reading,
                                           struct tt_list_conversations *list);
TT_MUST_CHECK tt_err tt_read_addresses(struct tt_reading *reading,
                                       struct tt_list_push_addresses *list);
TT_MUST_CHECK tt_err tt_read_unrung(struct tt_reading *reading, struct tt_list_unrung *list);
TT_MUST_CHECK tt_err tt_read_account(struct tt_reading *reading, struct tt_get_account *get);
TT_MUST_CHECK tt_err tt_read_accounts(struct tt_reading *reading, struct tt_list_accounts *list);
TT_MUST_CHECK tt_err tt_read_login(struct tt_reading *reading, const struct tt_check_login *check);
TT_MUST_CHECK tt_err tt_read_history(struct tt_reading *reading, struct tt_read_history *history);

#endif
