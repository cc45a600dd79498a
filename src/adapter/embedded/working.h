/*
 * working: what the committing thread has in hand: decoded conversations and users, changed first
 * here, so that the ops of one batch see each other, and a conversation that is written to a
 * hundred times in a batch costs the index one row.
 *
 * Everything changed since the last flush stays until the next one; of the rest, what was not used
 * for longest goes when it gets too much. One thread only.
 *
 * All functions that look something up fail with CORRUPT or IO if the index does; NOT_FOUND where
 * said.
 */
#ifndef TT_ADAPTER_EMBEDDED_WORKING_H
#define TT_ADAPTER_EMBEDDED_WORKING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "adapter/embedded/index.h"
#include "adapter/embedded/recent.h"
#include "adapter/embedded/sent.h"
#include "adapter/embedded/table.h"
#include "base/err.h"

struct tt_member_state {
    struct tt_status_row status; /* owns its devices */
    struct tt_pending_values pending;
    bool loaded;
    bool has_pending;
    bool had_pending; /* in the index */
    bool status_changed;
    bool pending_changed;
};

struct tt_conversation_state {
    struct tt_recent recent; /* first, so that the one is the other */
    struct tt_conversation info;
    struct tt_head_row head;
    struct tt_member_state *members; /* in the order of info.members; loaded one by one */
    bool changed;
    bool is_new;
    struct tt_sent sent;
    size_t sent_size; /* as it was counted */
    struct tt_arena arena;
    size_t size;
};

struct tt_user_state {
    struct tt_recent recent; /* first, so that the one is the other */
    tt_id id;
    struct tt_user_row row; /* owns its devices, name, addresses and account */
    bool changed;
    bool was_online;            /* in the index */
    struct tt_buffer new_lists; /* of tt_id: conversations whose list row is not yet flushed */
    size_t size;
};

struct tt_working;

/* Reads the position, and refuses an index without a readable one with CORRUPT. */
TT_MUST_CHECK tt_err tt_working_create(struct tt_index *index, uint64_t size_max,
                                       struct tt_working **working);
void tt_working_destroy(struct tt_working **destroyed);

/* Loads what an op of that user in that conversation will look at, in steps: each needs what the
 * one before has loaded meanwhile, the first one beginning with the hashes. Changes nothing. */
struct tt_working_hashes {
    uint64_t conversation;
    uint64_t user;
};
struct tt_working_hashes tt_working_expect(const struct tt_working *working,
                                           const tt_id *conversation, const tt_id *user);
enum tt_working_step { TT_EXPECT_STATES, TT_EXPECT_PARTS, TT_EXPECT_DEVICES };
void tt_working_expect_more(const struct tt_working *working, enum tt_working_step step,
                            const struct tt_working_hashes *hashes);

/* The one row that says how far the index is; may be changed, but `applied` only by a flush. */
struct tt_position_row *tt_working_position(struct tt_working *working);

/* NOT_FOUND. Stays where it is until the next flush. */
TT_MUST_CHECK tt_err tt_working_conversation(struct tt_working *working, const tt_id *id,
                                             struct tt_conversation_state **conversation);

/* A new one, of which nothing must be there yet; copies `info`. */
struct tt_conversation_state *tt_working_add_conversation(struct tt_working *working,
                                                          const struct tt_conversation *info);

/* Marks it for the next flush. */
void tt_working_touch(struct tt_working *working, struct tt_conversation_state *conversation);

/* info.member_count if the user is none. */
size_t tt_working_member_of(const struct tt_conversation_state *conversation, const tt_id *user);

TT_MUST_CHECK tt_err tt_working_member(struct tt_working *working,
                                       struct tt_conversation_state *conversation, size_t member,
                                       struct tt_member_state **state);

/* Where a device stands; 0 without an entry. */
tt_seq tt_member_position(const struct tt_member_state *member, const tt_id *device);
void tt_member_set_position(struct tt_member_state *member, const tt_id *device, tt_seq delivered);
void tt_member_remove_position(struct tt_member_state *member, const tt_id *device);

/* Of an unknown user, the defaults. Stays where it is until the next flush. */
TT_MUST_CHECK tt_err tt_working_user(struct tt_working *working, const tt_id *id,
                                     struct tt_user_state **user);
void tt_working_touch_user(struct tt_working *working, struct tt_user_state *user);

/* NULL if there is none. */
struct tt_device *tt_user_device(const struct tt_user_state *user, const tt_id *device);
struct tt_device *tt_user_add_device(struct tt_user_state *user, const tt_id *device);
void tt_user_remove_device(struct tt_user_state *user, const tt_id *device);
/* The packed form, which is copied. */
void tt_user_set_addresses(struct tt_user_state *user, struct tt_slice packed);
void tt_user_set_account(struct tt_user_state *user, struct tt_slice packed);
void tt_user_set_display_name(struct tt_user_state *user, struct tt_slice name);

/* The dedupe row of what was sent before in the conversation. NOT_FOUND. */
TT_MUST_CHECK tt_err tt_working_send(struct tt_working *working,
                                     struct tt_conversation_state *conversation,
                                     const struct tt_key *key, struct tt_send_row *row);
void tt_working_add_send(struct tt_working *working, struct tt_conversation_state *conversation,
                         const struct tt_key *key, const struct tt_send_row *row);

/* The direct conversation of two users. NOT_FOUND. */
TT_MUST_CHECK tt_err tt_working_pair(struct tt_working *working, const tt_id *a, const tt_id *b,
                                     tt_id *conversation);
void tt_working_add_pair(struct tt_working *working, const tt_id *a, const tt_id *b,
                         const tt_id *conversation);

/* Under whom a push token was put last. NOT_FOUND. */
TT_MUST_CHECK tt_err tt_working_token(struct tt_working *working, const tt_id *digest, tt_id *user,
                                      tt_id *device);
void tt_working_set_token(struct tt_working *working, const tt_id *digest, const tt_id *user,
                          const tt_id *device);

/* Rows that nothing here reads again. */
void tt_working_add_list_row(struct tt_working *working, struct tt_user_state *user,
                             const tt_id *conversation);
void tt_working_add_message(struct tt_working *working, const tt_id *conversation,
                            const struct tt_message *message);
void tt_working_add_step(struct tt_working *working, const struct tt_key *key,
                         const struct tt_step_row *row);
void tt_working_add_push(struct tt_working *working, const struct tt_key *key,
                         const struct tt_push_row *row);
void tt_working_add_connection(struct tt_working *working, struct tt_user_state *user,
                               const struct tt_connection_row *row);

/* The user's conversations, into the arena. */
TT_MUST_CHECK tt_err tt_working_list(struct tt_working *working, const struct tt_user_state *user,
                                     struct tt_arena *arena, tt_id **ids, size_t *count);

/* Up to `max` users with a connected device, as flushed. */
TT_MUST_CHECK tt_err tt_working_online(struct tt_working *working, struct tt_arena *arena,
                                       size_t max, tt_id **ids, size_t *count);

/* Whether anything waits for a flush. */
bool tt_working_has_changes(const struct tt_working *working);

/* Writes all that changed, with the position: the records below `applied` are in it. */
TT_MUST_CHECK tt_err tt_working_flush(struct tt_working *working, uint64_t applied);

#endif
