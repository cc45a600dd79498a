/*
 * model: what the oracle holds to be true. Only the oracle's files and phone.c include this.
 */
#ifndef TT_SIM_MODEL_H
#define TT_SIM_MODEL_H

#include "sim/oracle.h"

#define FAILURE_SIZE 512

struct known_message {
    tt_id sender;
    tt_id device;
    tt_id client_id;
    uint64_t content_hash;
    tt_time timestamp;
};

/* A step of somebody's cursor, or a push. */
struct known_happening {
    enum tt_happening_kind kind;
    int user;
    uint64_t from;
    uint64_t to;
    tt_time at;
};

struct known_conversation {
    tt_id id;
    uint64_t created_us;
    enum tt_conversation_kind kind;
    int members[TT_ORACLE_USERS_MAX]; /* numbers of users */
    int member_count;
    struct known_message *messages;
    size_t message_count;
    size_t message_capacity;
    uint64_t changed_us; /* when a message was stored, or a cursor moved, last */
    struct known_happening *happenings;
    size_t happening_count;
    size_t happening_capacity;
    struct tt_cursor cursors[TT_ORACLE_USERS_MAX];
    uint64_t positions[TT_ORACLE_DEVICES_MAX];
};

/* What one device claimed, and was handed and shown, of one conversation. */
struct known_view {
    uint64_t claimed_delivered;
    uint64_t claimed_read;
    uint64_t ackable; /* everything up to it was handed to the device, on some way */
    struct tt_cursor shown;
    uint32_t marking;   /* GETs under way that may put it on the screen */
    bool marked_by_get; /* there was one */
};

struct known_device {
    tt_id id;
    int user;
    bool honest;
    bool linked;
    uint64_t epoch;   /* of its newest connection */
    uint32_t unlinks; /* so far */
    tt_time linked_at;
    bool is_connected; /* the store holds it so */
    uint32_t process;  /* through which it is */
    tt_time connected_at;
    uint64_t left_epoch; /* of its last socket that ended while its server lived */
    tt_time left_at;     /* by the clock of that server */
    struct known_view views[TT_ORACLE_CONVERSATIONS_MAX];
};

#define SEEN_KEPT 8 /* more than there are while an answer is under way */

/* When somebody was last seen. */
struct known_seen {
    struct {
        uint64_t at_us;
        tt_time last_seen;
        bool by_crash;
    } kept[SEEN_KEPT]; /* by the store, the newest at (count - 1) % SEEN_KEPT */
    uint32_t count;
    bool is_known; /* the two below, which are noted where nothing goes wrong */
    tt_time from;
    tt_time to;
};

struct tt_oracle {
    struct tt_world *world;
    struct tt_oracle_watch watch;
    void (*applied)(void *context, const struct tt_store_op *op); /* may be NULL */
    void *applied_context;
    tt_id users[TT_ORACLE_USERS_MAX];
    uint64_t hides_since_us[TT_ORACLE_USERS_MAX]; /* 0: shares when he was last seen */
    int user_count;
    uint32_t sessions[TT_ORACLE_USERS_MAX];    /* that nodes hold */
    uint64_t sessions_us[TT_ORACLE_USERS_MAX]; /* when one opened or ended last */
    uint64_t came_us[TT_ORACLE_USERS_MAX];     /* when one opened last where there was none */
    uint64_t settings_us[TT_ORACLE_USERS_MAX]; /* when they were changed last */
    struct known_seen seen[TT_ORACLE_USERS_MAX];
    tt_time alive[TT_WORLD_SERVERS_MAX]; /* the latest sign of life that the store kept */
    uint64_t calm_us;                    /* since then nothing goes wrong; 0: not yet */
    tt_time calm_highest;                /* the latest that a clock had said by then */
    struct known_device devices[TT_ORACLE_DEVICES_MAX];
    int device_count;
    struct known_conversation conversations[TT_ORACLE_CONVERSATIONS_MAX];
    int conversation_count;
    uint64_t links; /* connections of devices that the store has heard of */
    char failure[FAILURE_SIZE];
    bool failed;
};

/* One conversation on one socket. */
struct session_view {
    bool started;           /* the first message was handed out */
    uint64_t at_open;       /* the device's position when the socket opened */
    uint64_t last_message;  /* the largest seq that went out as `message` */
    uint64_t handed;        /* without a gap, `sent` counted */
    uint64_t not_refusable; /* the largest ack that the node heard when it was already handed */
    struct tt_cursor floor; /* what the device was shown before the socket opened */
    struct tt_cursor shown; /* on this socket */
    uint64_t read_shown;    /* by read_sync */
    uint32_t opens;         /* that the node heard and has not answered */
    uint64_t asked_us;      /* when it heard the first of them; of those before, if none */
    uint8_t sent[TT_ORACLE_SEQS_TRACKED / 8];
};

struct session_note {
    int device;
    uint32_t unlinks; /* of the device, when the socket opened */
    bool said_hello;
    bool said_caught_up;
    int open;             /* the conversation that the node heard `open` for last; -1: none */
    uint32_t may_be_open; /* a bit for it, and for those before it until it is answered */
    uint32_t since_open;  /* the same, of what came after the node heard the last `open` */
    tt_time seen[TT_ORACLE_USERS_MAX]; /* last seen of the others, as this screen was told */
    struct session_view views[TT_ORACLE_CONVERSATIONS_MAX];
};

/* What was true when a request began. */
struct call_note {
    struct tt_cursor ticks[TT_ORACLE_CONVERSATIONS_MAX]; /* or shown to the device */
    uint64_t heads[TT_ORACLE_CONVERSATIONS_MAX];
    tt_seq my_read[TT_ORACLE_CONVERSATIONS_MAX];
    uint32_t mine;          /* a bit for each conversation that its user was a member of */
    size_t happening_count; /* of the conversation that it is about */
    bool was_stored;        /* SEND: a message under its client_id */
    uint64_t begun_us;
};

/* To whom something is told, when it was asked for, and what time it is where it is told. */
struct tt_told {
    int viewer;
    uint64_t asked_us;
    struct tt_clock_span clock;
};

/* An entry of the list, as somebody is told it: it is not older than this. */
struct entry_floor {
    struct tt_cursor ticks;
    uint64_t head;
    tt_seq my_read;
};

/* What is told of somebody: who has not shared since before it was asked for is offline, and was
 * never seen. */
void tt_oracle_check_status(struct tt_oracle *oracle, const tt_id *user,
                            const struct tt_status *status, const struct tt_told *told);

int tt_model_user(const struct tt_oracle *oracle, const tt_id *user);
int tt_model_device(const struct tt_oracle *oracle, const tt_id *user, const tt_id *device);
int tt_model_conversation(const struct tt_oracle *oracle, const tt_id *conversation);
bool tt_model_is_member(const struct known_conversation *conversation, int user);
struct tt_cursor tt_model_others(const struct known_conversation *conversation, int user);
uint64_t tt_model_hash(struct tt_slice content);

/* The seq under which the sender's message with that client_id is stored, or 0. */
uint64_t tt_model_find_send(const struct known_conversation *conversation, const tt_id *sender,
                            const tt_id *client_id);

/* Whether the message is the one that was stored under its seq. */
bool tt_model_is_true(const struct known_conversation *conversation,
                      const struct tt_message *message);

/* oracle_answer.c: what a snapshot or a list claims; `floor` is what was shown before. */
void tt_oracle_check_snapshot(struct tt_oracle *oracle, int device, const tt_id *id,
                              const struct tt_snapshot *snapshot, struct tt_cursor floor,
                              const struct tt_told *told);

/* The same of one page of messages, which shows nobody. */
void tt_oracle_check_page(struct tt_oracle *oracle, int device, const tt_id *id,
                          const struct tt_snapshot *snapshot);

/* last_seen.c */
void tt_model_learn_seen(struct tt_oracle *oracle, const struct tt_store_op *op, uint32_t process);
void tt_model_session_ended(struct tt_oracle *oracle, const struct tt_link *link, int number);

/* What the store kept of when the user was last seen, before that instant. */
tt_time tt_model_seen_kept(const struct tt_oracle *oracle, const tt_id *user, uint64_t before_us);

/* Who is told that somebody is offline is told no earlier a last seen than this. */
void tt_model_check_seen(struct tt_oracle *oracle, const tt_id *user,
                         const struct tt_status *status, tt_time least, const struct tt_told *told);

/* What one entry of a list says. */
void tt_oracle_check_entry(struct tt_oracle *oracle, int device,
                           const struct tt_conversation_entry *entry,
                           const struct entry_floor *floor, const struct tt_told *told);

/* What an answer says of somebody. */
void tt_oracle_check_answer(struct tt_oracle *oracle, const tt_id *user,
                            const struct tt_status *status, const struct tt_told *told);

/* oracle_history.c: what happened to messages, and what info, `why` and the timeline say of it. */
void tt_model_note_steps(struct known_conversation *conversation, int user, struct tt_cursor before,
                         tt_time at);
void tt_model_note_push(struct tt_oracle *oracle, const struct tt_record_push *push);
void tt_oracle_check_about(struct tt_oracle *oracle, const struct tt_call *call, int number,
                           const struct tt_reply *reply);
void tt_oracle_check_timeline(struct tt_oracle *oracle, const struct tt_call *call, int number,
                              const struct tt_reply *reply);

/* Whether a refusal does not tell a conversation that is not the caller's from none. */
bool tt_model_hides(tt_err err);

/* Whether he shared with nobody, since before that instant. */
bool tt_model_was_hidden(const struct tt_oracle *oracle, int user, uint64_t at_us);

#endif
