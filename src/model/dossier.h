/*
 * dossier: everything that a store holds about one user, or about one conversation, as a value:
 * what `move` carries from one store to another. Nobody is connected in it.
 *
 * Both kinds of store keep some of this in forms of their own, so a dossier is put in order before
 * it is compared: what happened is sorted and told once, and of a user's comings and goings only
 * the newest TT_DOSSIER_CONNECTIONS_MAX count.
 */
#ifndef TT_MODEL_DOSSIER_H
#define TT_MODEL_DOSSIER_H

#include "base/buffer.h"
#include "model/account.h"
#include "model/conversation.h"
#include "model/history.h"
#include "model/message.h"
#include "model/push_address.h"
#include "model/store_op.h"
#include "model/user.h"

#define TT_DOSSIER_CONNECTIONS_MAX 1000

/* Messages that come with the dossier of their conversation; the others are read by their seqs. */
#define TT_DOSSIER_MESSAGES_MAX 100

enum tt_dossier_kind { TT_DOSSIER_USERS, TT_DOSSIER_CONVERSATIONS };

struct tt_user_dossier {
    tt_id user;
    struct tt_user_settings settings;
    tt_time last_seen;
    uint64_t epoch_floor;      /* no connection ever had a larger one; 0: never had a device */
    struct tt_device *devices; /* the linked ones, sorted */
    size_t device_count;
    bool has_account;
    struct tt_account account;
    struct tt_device_address *addresses; /* sorted by device */
    size_t address_count;
    struct tt_happening *connections; /* CONNECTED and DISCONNECTED, the oldest first */
    size_t connection_count;
};

struct tt_member_dossier {
    tt_id user;
    struct tt_cursor cursor;
    tt_time muted_until;
    struct tt_device_position *positions; /* of every linked device, sorted */
    size_t position_count;
    bool has_pending;
    tt_seq first_undelivered;
    tt_seq armed; /* never above the head */
    tt_seq pushed;
    struct tt_happening *steps; /* DELIVERED and READ, sorted by kind and seq */
    size_t step_count;
};

struct tt_conversation_dossier {
    struct tt_conversation is;
    tt_seq head;
    tt_time active_at;                 /* of the last message, or of the creation */
    struct tt_member_dossier *members; /* in the order of is.members */
    struct tt_happening *pushes;       /* PUSH_ACCEPTED and PUSH_FAILED, sorted by seq */
    size_t push_count;
    struct tt_message *messages; /* the first ones, from 1 on without gaps */
    size_t message_count;
};

/* Some of each; whoever asks for them fills in the ids. */
struct tt_dossiers {
    struct tt_user_dossier *users;
    size_t user_count;
    struct tt_conversation_dossier *conversations;
    size_t conversation_count;
};

/* Puts in order what happened, in place. */
void tt_user_dossier_settle(struct tt_user_dossier *dossier);
void tt_conversation_dossier_settle(struct tt_conversation_dossier *dossier);

/* True if there is nothing that a store would not say of somebody whom it does not know. */
bool tt_user_dossier_is_empty(const struct tt_user_dossier *dossier);

/* When a message or a cursor step last happened, or it was created. */
tt_time tt_conversation_dossier_changed_at(const struct tt_conversation_dossier *dossier);

/* All of it as text, a line for each row, so that two are the same if their texts are. What only
 * one store needs (epoch_floor) and the messages are not in it. */
void tt_user_dossier_describe(const struct tt_user_dossier *dossier, struct tt_buffer *out);
void tt_conversation_dossier_describe(const struct tt_conversation_dossier *dossier,
                                      struct tt_buffer *out);
void tt_message_describe(const struct tt_message *message, struct tt_buffer *out);

#endif
