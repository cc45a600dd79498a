/*
 * store_op: one request to the store and its answer, in one object that travels: the core makes it,
 * the driver hands it to the store, the store fills in the answer and hands it back.
 *
 * Everything that an op points at lives in its arena: the core copies its arguments there, the
 * store its results. Whoever holds the op owns it; the last holder destroys it. `err` is the
 * outcome; results are valid only when it is OK (or where said otherwise). UNAVAILABLE means that
 * the outcome is unknown, never "not done". The contract of each op is in port/store.h.
 */
#ifndef TT_MODEL_STORE_OP_H
#define TT_MODEL_STORE_OP_H

#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/handle.h"
#include "model/account.h"
#include "model/conversation.h"
#include "model/history.h"
#include "model/message.h"
#include "model/push_address.h"
#include "model/user.h"

#define TT_STORE_OP_MAP(X)                                                                         \
    X(LINK_DEVICE)                                                                                 \
    X(UNLINK_DEVICE)                                                                               \
    X(LIST_DEVICES)                                                                                \
    X(DISCONNECT)                                                                                  \
    X(ALIVE)                                                                                       \
    X(CREATE_CONVERSATION)                                                                         \
    X(GET_CONVERSATION)                                                                            \
    X(APPEND)                                                                                      \
    X(ADVANCE)                                                                                     \
    X(READ_MESSAGES)                                                                               \
    X(SNAPSHOT)                                                                                    \
    X(POSITIONS)                                                                                   \
    X(LIST_PENDING)                                                                                \
    X(MARK_PUSHED)                                                                                 \
    X(LIST_CONVERSATIONS)                                                                          \
    X(GET_USERS)                                                                                   \
    X(PUT_USER)                                                                                    \
    X(MUTE)                                                                                        \
    X(HISTORY)                                                                                     \
    X(PUT_PUSH_ADDRESS)                                                                            \
    X(DROP_PUSH_ADDRESS)                                                                           \
    X(LIST_PUSH_ADDRESSES)                                                                         \
    X(RECORD_PUSH)                                                                                 \
    X(LIST_UNRUNG)                                                                                 \
    X(PUT_ACCOUNT)                                                                                 \
    X(GET_ACCOUNT)                                                                                 \
    X(LIST_ACCOUNTS)                                                                               \
    X(LOG_IN)                                                                                      \
    X(CHECK_LOGIN)

enum tt_store_op_kind {
#define X(name) TT_STORE_##name,
    TT_STORE_OP_MAP(X)
#undef X
};

/* A row of pending_deliveries, with what the replay needs beside it. */
struct tt_pending_row {
    tt_id conversation;
    tt_seq first_undelivered;
    tt_seq armed;
    tt_seq pushed;
    tt_seq device_delivered; /* the asking device's own cursor */
    tt_seq head;
};

struct tt_device_position {
    tt_id device;
    tt_seq delivered;
    tt_time linked_at; /* 0: the store does not say here */
};

struct tt_link_device {
    tt_id user;
    tt_id device;
    tt_time at;
    uint32_t device_count_max;
    int64_t silent_ms_max; /* a device silent for longer is unlinked first */
    uint64_t login;        /* that the token names; 0: none, and nothing to check */

    uint64_t epoch;
    bool resumed; /* false: this device starts anew, its client drops what it stored */
    struct tt_user_settings settings;
    const struct tt_device *devices; /* all linked ones; also with TOO_MANY_DEVICES */
    size_t device_count;
};

struct tt_unlink_device {
    tt_id user;
    tt_id device;
    tt_time at;
};

struct tt_list_devices {
    tt_id user;
    bool leaving_too; /* also those whose unlinking has begun and was not finished */

    const struct tt_device *devices; /* sorted by id */
    size_t device_count;
};

struct tt_disconnect {
    tt_id user;
    tt_id device;
    uint64_t epoch;
    tt_time at;

    bool was_current; /* false: the device had connected again meanwhile, nothing changed */
    bool was_last;    /* no other device of the user is connected; last seen is now `last_seen` */
    tt_time last_seen;
};

struct tt_alive {
    tt_time at;
};

struct tt_create_conversation {
    struct tt_conversation conversation; /* the proposed one; the answer: the one that stands */
    tt_id creator;
    bool id_given; /* false: the id was made up, an existing direct one of the pair is as good */
    uint32_t conversation_count_max; /* of one user */

    bool created;
    /* seq 0 and no messages unless it stood before */
};

struct tt_get_conversation {
    tt_id id;

    struct tt_conversation conversation;
};

struct tt_append {
    tt_id conversation;
    struct tt_message message; /* the answer fills in seq, and timestamp if it stood before */

    bool duplicate; /* this client_id was stored before; seq and timestamp are the first one's */
    struct tt_cursor sender_cursor;
    tt_seq device_delivered; /* of the sending device; 0 if it is not linked */
    bool none_rings; /* true: whoever but the sender has a push address is connected with it */
};

struct tt_advance {
    tt_id conversation;
    tt_id user;
    tt_id device;
    tt_time linked_at;   /* of the link that acks; 0: whichever there is */
    struct tt_cursor to; /* read <= delivered; 0 where it does not move */
    tt_time at;
    bool wants_members; /* even if the advance is shown to nobody */

    struct tt_cursor before;
    struct tt_cursor after;
    tt_seq device_delivered;
    tt_seq head;
    bool settled; /* true: all linked devices of the user have everything up to the head */
    /* All, read consistently after the own advance; or none: it is shown to nobody. */
    const struct tt_member_cursor *members;
    size_t member_count;
};

struct tt_read_messages {
    tt_id conversation;
    tt_seq from;
    uint32_t count_max;
    uint32_t bytes_max; /* of content; the first message comes whatever its size */

    const struct tt_message *messages;
    size_t message_count;
    tt_seq head;
};

struct tt_read_snapshot {
    tt_id conversation;
    tt_id user;
    tt_id device;
    uint32_t count_max; /* 0: only head and cursors */
    uint32_t bytes_max;

    tt_seq head;
    const struct tt_message *messages; /* from the user's read cursor on, filled from the front */
    size_t message_count;
    const struct tt_member_cursor *members; /* all, the user too */
    size_t member_count;
    struct tt_cursor my_cursor;
    tt_seq device_delivered; /* 0 if the device is not linked */
    tt_time muted_until;
};

struct tt_positions {
    tt_id conversation;
    tt_id user;

    tt_seq head;
    struct tt_cursor cursor;
    const struct tt_device_position *devices; /* every linked one */
    size_t device_count;
    tt_time muted_until;
    tt_seq pushed;
};

struct tt_list_pending {
    tt_id user;
    tt_id device;
    tt_time linked_at; /* of the link that asks; 0: whichever there is */
    tt_id after;       /* none: from the first row */
    uint32_t count_max;

    bool unlinked;                     /* that link is over, or there never was one */
    const struct tt_pending_row *rows; /* sorted by conversation */
    size_t row_count;
    bool more;
};

struct tt_mark_pushed {
    tt_id user;
    tt_id conversation;
    tt_seq seq;
};

struct tt_list_conversations {
    tt_id user;
    tt_id only; /* none: all of them; else just this one, if the user is a member */
    uint32_t count_max;
    struct tt_slice cursor; /* `next` of the page before; empty: from the first */
    tt_time changed_since;  /* 0: all */

    struct tt_conversation_entry *entries; /* newest activity first */
    size_t entry_count;
    struct tt_slice next; /* letters, digits, - and _; empty: this was the last page */
};

struct tt_get_users {
    const tt_id *ids;
    size_t id_count;

    const struct tt_user *users; /* in the order of ids; unknown ones with the defaults */
};

struct tt_put_user {
    tt_id user;
    bool set_display_name;
    bool set_share_last_seen;
    bool set_push_preview;
    struct tt_user_settings settings; /* the values to set; the answer: all as they now stand */
};

struct tt_mute {
    tt_id conversation;
    tt_id user;
    tt_time until; /* 0: not muted */
};

struct tt_read_history {
    tt_id conversation;
    tt_seq from;        /* of the messages that are asked about; 0: from the first */
    tt_seq to;          /* 0: to the head */
    tt_time since;      /* 0, or only what happened from here on */
    tt_time until;      /* 0, or only what happened up to here */
    bool messages_only; /* not who came and went */
    uint32_t count_max;

    tt_seq head;
    const struct tt_happening *happenings; /* oldest first; with too many, the newest ones */
    size_t happening_count;
    const struct tt_member_cursor *members;
    size_t member_count;
};

struct tt_put_push_address {
    tt_id user;
    tt_id device;
    uint32_t address_count_max;
    struct tt_push_address address; /* provider NONE: there is none any more */
};

struct tt_drop_push_address {
    tt_id user;
    tt_id device;
    struct tt_slice token; /* of the address that is meant */
    tt_time dead_since;    /* 0, or an address registered later stays */
};

struct tt_list_push_addresses {
    tt_id user;

    const struct tt_device_address *addresses; /* sorted by device */
    size_t address_count;
};

struct tt_record_push {
    tt_id conversation;
    struct tt_happening happening; /* PUSH_ACCEPTED or PUSH_FAILED */
};

/* A message that some phone of the user was not rung for, as far as is known. */
struct tt_unrung {
    tt_id user;
    tt_id conversation;
    tt_seq armed;
    tt_seq pushed;
};

struct tt_list_unrung {
    tt_id after_user; /* none: from the first row */
    tt_id after_conversation;
    uint32_t count_max;

    const struct tt_unrung *rows; /* each once, in the store's own order; may be none though there
                                     is more */
    size_t row_count;
    bool more;
    tt_id last_user; /* of the last row that was looked at: `after` of the next op */
    tt_id last_conversation;
};

struct tt_put_account {
    tt_id user;
    bool by_stranger;
    struct tt_account_change change;
};

struct tt_get_account {
    tt_id user;

    struct tt_account account;
};

struct tt_account_row {
    tt_id user;
    struct tt_account account; /* without the password */
};

struct tt_list_accounts {
    tt_id after; /* none: from the first */
    uint32_t count_max;

    const struct tt_account_row *rows; /* sorted by user; may be none though there is more */
    size_t row_count;
    bool more;
    tt_id last; /* user that was looked at: `after` of the next op */
};

struct tt_log_in {
    tt_id user;
    struct tt_slice password; /* the hash that was checked */
    struct tt_login login;
    uint32_t login_count_max;
};

struct tt_check_login {
    tt_id user;
    tt_id device;
    uint64_t login;
};

/* Whose op it is: written by the core, returned untouched. */
struct tt_op_tag {
    uint32_t purpose;
    tt_handle owner;
    void *context; /* in the op's arena, or NULL */
};

struct tt_store_op {
    enum tt_store_op_kind kind;
    tt_err err;
    struct tt_op_tag tag;
    struct tt_arena arena;
    struct tt_store_op *next; /* for the queue of whoever holds the op */
    union {
        struct tt_link_device link_device;
        struct tt_unlink_device unlink_device;
        struct tt_list_devices list_devices;
        struct tt_disconnect disconnect;
        struct tt_alive alive;
        struct tt_create_conversation create_conversation;
        struct tt_get_conversation get_conversation;
        struct tt_append append;
        struct tt_advance advance;
        struct tt_read_messages read_messages;
        struct tt_read_snapshot snapshot;
        struct tt_positions positions;
        struct tt_list_pending list_pending;
        struct tt_mark_pushed mark_pushed;
        struct tt_list_conversations list_conversations;
        struct tt_get_users get_users;
        struct tt_put_user put_user;
        struct tt_mute mute;
        struct tt_read_history history;
        struct tt_put_push_address put_push_address;
        struct tt_drop_push_address drop_push_address;
        struct tt_list_push_addresses list_push_addresses;
        struct tt_record_push record_push;
        struct tt_list_unrung list_unrung;
        struct tt_put_account put_account;
        struct tt_get_account get_account;
        struct tt_list_accounts list_accounts;
        struct tt_log_in log_in;
        struct tt_check_login check_login;
    };
};

/* A zeroed op of that kind, with its arena. */
struct tt_store_op *tt_store_op_create(enum tt_store_op_kind kind);

/* Sets *op to NULL. */
void tt_store_op_destroy(struct tt_store_op **op);

/* "append", for logs and traces. */
const char *tt_store_op_name(enum tt_store_op_kind kind);

#endif
