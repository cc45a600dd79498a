/*
 * oracle: knows what is true, and says at once when something else is claimed.
 *
 * It keeps a model of its own: it hears what took effect in the store (and works the cursors out by
 * itself), what each device said, what each node heard, and what each node said; and it checks the
 * promises at every one of these instants. The first breach is kept as a sentence; from then on it
 * only listens. All functions do nothing where the oracle is NULL.
 */
#ifndef TT_SIM_ORACLE_H
#define TT_SIM_ORACLE_H

#include "sim/world.h"

#define TT_ORACLE_USERS_MAX         12
#define TT_ORACLE_DEVICES_MAX       40
#define TT_ORACLE_CONVERSATIONS_MAX 16
#define TT_ORACLE_SEQS_TRACKED      4096 /* of a conversation; beyond it, less is checked */

struct tt_oracle *tt_oracle_create(struct tt_world *world);
void tt_oracle_destroy(struct tt_oracle **oracle);

/* The people of the world. A dishonest device may lie about itself; nobody else may suffer. */
void tt_oracle_add_device(struct tt_oracle *oracle, const tt_id *user, const tt_id *device,
                          bool honest);

/* A conversation that is there, or will be. */
void tt_oracle_expect_conversation(struct tt_oracle *oracle, const tt_id *id);

/* The first breach, or NULL. */
const char *tt_oracle_failure(const struct tt_oracle *oracle);

/* For checks that others make: notes a breach. */
void tt_oracle_fail(struct tt_oracle *oracle, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* What the world tells it. */
void tt_oracle_store_applied(struct tt_oracle *oracle, const struct tt_store_op *op,
                             uint32_t process);
/* All that the store did for it before it died has been told. */
void tt_oracle_server_died(struct tt_oracle *oracle, uint32_t process);
/* Nothing goes wrong from now on. */
void tt_oracle_calms(struct tt_oracle *oracle);
void tt_oracle_session_opens(struct tt_oracle *oracle, struct tt_link *link);
void tt_oracle_session_ends(struct tt_oracle *oracle, struct tt_link *link);

/* The node closes the socket because there is a newer one of the device. */
void tt_oracle_replaced(struct tt_oracle *oracle, const struct tt_link *link);
/* The node closes the socket because the device is not linked any more. */
void tt_oracle_cut(struct tt_oracle *oracle, const struct tt_link *link);
void tt_oracle_device_says(struct tt_oracle *oracle, struct tt_link *link,
                           const struct tt_client_frame *frame);
void tt_oracle_node_hears(struct tt_oracle *oracle, struct tt_link *link,
                          const struct tt_client_frame *frame);
void tt_oracle_node_says(struct tt_oracle *oracle, struct tt_link *link,
                         const struct tt_server_frame *frame);
void tt_oracle_request_begins(struct tt_oracle *oracle, struct tt_call *call);
/* It was answered, or never will be. */
void tt_oracle_request_ends(struct tt_oracle *oracle, const struct tt_call *call);
void tt_oracle_replied(struct tt_oracle *oracle, struct tt_call *call,
                       const struct tt_reply *reply);

/* What is true. */
bool tt_oracle_is_member(const struct tt_oracle *oracle, const tt_id *conversation,
                         const tt_id *user);
/* How many sockets of the user the nodes hold. */
uint32_t tt_oracle_sessions(const struct tt_oracle *oracle, const tt_id *user);

/* When one of them opened or ended last. */
uint64_t tt_oracle_sessions_us(const struct tt_oracle *oracle, const tt_id *user);

/* When one opened last where there was none. */
uint64_t tt_oracle_came_us(const struct tt_oracle *oracle, const tt_id *user);

/* When somebody who has left under a calm sky was last seen: `is_known`, from and to, and whether a
 * clock that had jumped makes it later, or unknown. */
struct tt_oracle_seen {
    bool is_known;
    tt_time from;
    tt_time to;
    bool may_be_later;
};
struct tt_oracle_seen tt_oracle_last_seen(const struct tt_oracle *oracle, const tt_id *user);

/* When the user's settings were changed last. */
uint64_t tt_oracle_settings_us(const struct tt_oracle *oracle, const tt_id *user);

/* Whether both share when they were last seen. */
bool tt_oracle_may_see(const struct tt_oracle *oracle, const tt_id *viewer, const tt_id *user);

tt_seq tt_oracle_head(const struct tt_oracle *oracle, const tt_id *conversation);
/* When a message was stored in it, or somebody's cursor moved, last; 0: never. */
uint64_t tt_oracle_changed_us(const struct tt_oracle *oracle, const tt_id *conversation);
struct tt_cursor tt_oracle_others(const struct tt_oracle *oracle, const tt_id *conversation,
                                  const tt_id *user);
tt_seq tt_oracle_position(const struct tt_oracle *oracle, const tt_id *conversation,
                          const tt_id *user, const tt_id *device);
bool tt_oracle_is_stored(const struct tt_oracle *oracle, const tt_id *conversation,
                         const tt_id *sender, const tt_id *client_id);

/* Whether that seq is a message which that device itself sent. */
bool tt_oracle_is_by(const struct tt_oracle *oracle, const tt_id *conversation, uint64_t seq,
                     const tt_id *user, const tt_id *device);

/* The last message of that user at or before the seq: ticks up to there are all that he sees. */
uint64_t tt_oracle_last_by(const struct tt_oracle *oracle, const tt_id *conversation, uint64_t seq,
                           const tt_id *user);

/* Something that must be true some time later, in the phase without faults; see clean.c. */
struct tt_oracle_watch {
    void *context;
    void (*stored)(void *context, const tt_id *conversation, tt_seq seq, const tt_id *sender);
    void (*moved)(void *context, const tt_id *conversation, const tt_id *user);
};
void tt_oracle_set_watch(struct tt_oracle *oracle, struct tt_oracle_watch watch);

/* Hears of every op that took effect in the store, after the oracle. */
void tt_oracle_set_listener(struct tt_oracle *oracle, void *context,
                            void (*applied)(void *context, const struct tt_store_op *op));

#endif
