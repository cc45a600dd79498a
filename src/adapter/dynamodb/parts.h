/*
 * parts: what several ops do alike: find a conversation, its head, a member's row, and note that
 * something happened.
 */
#ifndef TT_ADAPTER_DYNAMODB_PARTS_H
#define TT_ADAPTER_DYNAMODB_PARTS_H

#include "adapter/dynamodb/user_row.h"
#include "adapter/dynamodb/work.h"

/* How far the order of a user's list of conversations may lag behind, in milliseconds. */
#define TT_DDB_NOTE_MS 60000

/* Pinned until the op ends. Fails with NOT_FOUND or UNAVAILABLE. */
TT_MUST_CHECK tt_err tt_ddb_find(struct tt_ddb_work *work, const tt_id *id,
                                 struct tt_ddb_conversation **conversation);

/* The same, and NOT_FOUND too if the user is no member. */
TT_MUST_CHECK tt_err tt_ddb_find_for(struct tt_ddb_work *work, const tt_id *id, const tt_id *user,
                                     struct tt_ddb_conversation **conversation);

void tt_ddb_pin(struct tt_ddb_work *work, struct tt_ddb_conversation *conversation);

/* Reads a row of `conversations`; false if it is not (yet) one. */
bool tt_ddb_read_conversation(struct tt_json item, struct tt_arena *arena,
                              struct tt_conversation *conversation);

/* Its attributes, but for `ready`, into a PUT. */
void tt_ddb_conversation_write(struct tt_ddb_work *work, const struct tt_conversation *conversation,
                               struct tt_ddb_request *put);

/* "alice#bob": where a pair's direct conversation is found. */
struct tt_ddb_value tt_ddb_pair_key(const tt_id *a, const tt_id *b, struct tt_arena *arena);

bool tt_ddb_is_member(const struct tt_conversation *conversation, const tt_id *user);

/* The newest `limit` messages, newest first. */
struct tt_ddb_request *tt_ddb_newest(struct tt_ddb_work *work, const tt_id *conversation,
                                     uint32_t limit);

/* Takes a head that was seen into the cache. */
void tt_ddb_saw_head(struct tt_ddb_conversation *conversation, tt_seq seq);

/* Reads the head. */
TT_MUST_CHECK tt_err tt_ddb_look_for_head(struct tt_ddb_work *work,
                                          struct tt_ddb_conversation *conversation);

/* Lives as long as the item's text. */
bool tt_ddb_read_message(struct tt_json item, struct tt_message *message);

/* A PUT of the message under this seq, without a condition. The ids and the content of the message
 * are borrowed until it is sent. */
struct tt_ddb_request *tt_ddb_put_message(struct tt_ddb_work *work, const tt_id *conversation,
                                          tt_seq seq, const struct tt_message *message);

/* "alice#m1": the range key of its row in `sends`. */
struct tt_slice tt_ddb_send_key(const struct tt_message *message, struct tt_arena *arena);

/* A copy whose slices are in the arena. */
struct tt_message tt_ddb_copy_message(const struct tt_message *message, struct tt_arena *arena);

/* A member's row: what the cache has, or (`fresh`, or not there) what the table has. */
TT_MUST_CHECK tt_err tt_ddb_status_of(struct tt_ddb_work *work, const tt_id *conversation,
                                      const tt_id *user, bool fresh, struct tt_ddb_status *row);

/* A PUT of the row with the mark. */
struct tt_ddb_request *tt_ddb_swap_status(struct tt_ddb_work *work, const tt_id *conversation,
                                          const struct tt_ddb_status *row, uint64_t mark);

/* What became of that PUT: `*stands` and the cache has it, or `*fresh` is what stands instead. */
TT_MUST_CHECK tt_err tt_ddb_swapped_status(struct tt_ddb_work *work, const tt_id *conversation,
                                           const struct tt_ddb_status *row, uint64_t mark,
                                           const struct tt_ddb_answer *answer, bool *stands,
                                           struct tt_ddb_status *fresh);

/* The key of a row of `history`: begins with the user, then sorts by the time of the first step in
 * it; the same steps kept twice are the same row. */
struct tt_ddb_value tt_ddb_history_entry(struct tt_ddb_work *work, const tt_id *user, tt_time at,
                                         struct tt_slice steps);

/* A PUT of what became of a push: a row of `history`, as spilled steps are, with the detail beside
 * it. The same push kept twice is the same row. */
struct tt_ddb_request *tt_ddb_push_record(struct tt_ddb_work *work, const tt_id *conversation,
                                          const struct tt_happening *happening);

/* Under what MEMBERSHIPS lists the built-in accounts: nobody's id. */
struct tt_ddb_value tt_ddb_accounts_key(void);

/* All members' cursors, in the order of the members. Rows that are not there count as 0. */
struct tt_ddb_request *tt_ddb_all_status(struct tt_ddb_work *work, const tt_id *conversation);
struct tt_member_cursor *tt_ddb_member_cursors(const struct tt_ddb_answer *answer,
                                               const struct tt_conversation *conversation,
                                               struct tt_arena *arena);

/* Arms the user's pending row with seq, and names this node as the one that rings for it. */
struct tt_ddb_request *tt_ddb_arm(struct tt_ddb_work *work, const tt_id *user,
                                  const tt_id *conversation, tt_seq first, tt_seq seq);

/* Removes the user's pending row if it is armed no further than `reached`. */
struct tt_ddb_request *tt_ddb_disarm(struct tt_ddb_work *work, const tt_id *user,
                                     const tt_id *conversation, tt_seq reached);

/* Adds to `requests` what tells the lists of the members that something happened at that time, if
 * they have not been told in the last minute; returns how many requests. */
size_t tt_ddb_note(struct tt_ddb_work *work, struct tt_ddb_conversation *conversation, tt_time at,
                   bool is_message, struct tt_ddb_request **requests);

/* A time as text, in the work's arena. */
struct tt_ddb_value tt_ddb_time(struct tt_ddb_work *work, tt_time time);

/* Moves the older half of the steps into `history` when they have grown too long. */
TT_MUST_CHECK tt_err tt_ddb_spill(struct tt_ddb_work *work, struct tt_slice owner,
                                  const tt_id *user, struct tt_slice *steps);

/* The row of a user; version 0 if there is none. */
TT_MUST_CHECK tt_err tt_ddb_user_of(struct tt_ddb_work *work, const tt_id *id,
                                    struct tt_ddb_user *user);

/* Writes it. As tt_ddb_swapped_status. */
TT_MUST_CHECK tt_err tt_ddb_swap_user(struct tt_ddb_work *work, const struct tt_ddb_user *user,
                                      bool *stands);

#endif
