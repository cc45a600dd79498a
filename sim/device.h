/*
 * device: the reference client, as a state machine with a mind of its own: it connects, dies,
 * sleeps for days and returns; sends, and sends again with the same client_id until it is answered;
 * acks what it holds without a gap; reads what is on its screen. One that is not honest does all
 * that too, and lies now and then.
 */
#ifndef TT_SIM_DEVICE_H
#define TT_SIM_DEVICE_H

#include "sim/choice.h"
#include "sim/oracle.h"
#include "sim/world.h"

#define TT_DEVICE_OUTGOING_MAX 8
#define TT_DEVICE_SPOKEN_MAX   8

/* Who there is, and who talks to whom. */
struct tt_cast_conversation {
    tt_id id;
    enum tt_conversation_kind kind;
    tt_id members[TT_ORACLE_USERS_MAX]; /* sorted */
    uint32_t member_count;
    bool exists; /* from the start; else somebody creates it */
};

struct tt_cast {
    struct tt_cast_conversation conversations[TT_ORACLE_CONVERSATIONS_MAX];
    uint32_t conversation_count;
};

/* How devices live; shared by all of a world, changed from phase to phase. */
struct tt_habits {
    uint64_t think_us;            /* between two things that it does */
    uint64_t look_us;             /* between two looks at its line and at what it has not sent */
    uint64_t ack_us;              /* before it acks */
    uint64_t away_us;             /* how long it stays away */
    uint32_t leave_per_mille;     /* of the things it does */
    uint32_t half_open_per_mille; /* of the leavings: nobody is told */
    uint32_t lie_per_mille;
    uint32_t http_per_mille;
    uint32_t slow_per_mille; /* of the connections: reads slowly */
    uint32_t mark_per_mille; /* of the chats that are opened: by a GET */
    uint32_t delay_us;       /* of the network */
    uint32_t content_size_max;
    bool works;    /* says new things; else it only finishes what it began */
    bool adopts;   /* shows what a GET has put on the screen: no hint is lost */
    bool unlinks;  /* devices are unlinked by others of their user */
    bool settings; /* people choose whether they share when they were last seen */
    struct tt_choice choice;
};

struct tt_chat {
    const struct tt_cast_conversation *is;
    bool is_member;
    bool is_known;  /* that it exists */
    bool holds;     /* `held` means something */
    uint64_t held;  /* everything up to here, without a gap */
    uint64_t reach; /* of what this socket handed out */
    uint64_t acked; /* on this socket */
    uint64_t read;  /* on this socket */
    bool ack_is_due;
    bool read_is_due;
    struct tt_cursor shown;
    struct tt_status status[TT_ORACLE_USERS_MAX]; /* of the members, as last heard */
    bool status_is_known[TT_ORACLE_USERS_MAX];
    uint64_t status_us[TT_ORACLE_USERS_MAX]; /* when this socket said it; 0: never */
    uint8_t own[TT_ORACLE_SEQS_TRACKED / 8]; /* seqs that were answered with `sent` */
};

struct tt_outgoing {
    bool is_used;
    tt_id client_id;
    uint32_t chat;
    char content[96];
    size_t content_size;
    bool is_unsure; /* it was answered with `unavailable` */
    uint64_t tried_us;
    uint64_t begun_us;
};

/* A client_id that it has used, and where. */
struct tt_spoken {
    tt_id client_id;
    uint32_t chat;
    bool is_shared; /* by two conversations */
};

struct tt_sim_device {
    struct tt_world *world;
    const struct tt_habits *habits;
    struct tt_prng prng; /* of what it does by itself; each thought has one of its own */
    uint32_t number;
    uint32_t thoughts;
    tt_id user;
    tt_id id;
    bool honest;
    struct tt_link *link; /* NULL: none */
    bool is_open;         /* the upgrade was answered */
    bool said_hello;
    tt_time linked_at; /* as it was told */
    bool caught_up;
    uint64_t connected_us;
    uint64_t heard_us;
    uint64_t away_until_us;
    int screen;           /* the chat on it, or -1 */
    bool screen_is_told;  /* `open` went out on this socket */
    bool screen_is_shown; /* and was answered */
    uint64_t shown_us;    /* when */
    uint32_t marking;     /* GETs under way that may put something else there */
    uint64_t moved_us;    /* when it last told the server to show something, or nothing */
    struct tt_chat chats[TT_ORACLE_CONVERSATIONS_MAX];
    uint32_t chat_count;
    struct tt_outgoing outgoing[TT_DEVICE_OUTGOING_MAX];
    uint32_t client_ids;
    struct tt_spoken spoken[TT_DEVICE_SPOKEN_MAX]; /* the n-th at n modulo the size */
    struct tt_spoken overheard;                    /* the last one of its user's that it heard of */
    uintptr_t life; /* what was scheduled in an earlier one is void */
    uint32_t calls;
    uint64_t sends_done;
};

struct tt_sim_device *tt_device_create(struct tt_world *world, const struct tt_cast *cast,
                                       const struct tt_habits *habits, const tt_id *user,
                                       const tt_id *id, bool honest, uint32_t number);
void tt_device_destroy(struct tt_sim_device **device);

/* From now on it lives. */
void tt_device_wake(struct tt_sim_device *device);

/* It comes back at once, and stays while the habits say so. */
void tt_device_come_back(struct tt_sim_device *device);

/* It goes, and does not come back. */
void tt_device_stay_away(struct tt_sim_device *device);

/* Asks for the list of conversations, which shows all its ticks. */
void tt_device_refresh(struct tt_sim_device *device);

/* Whether it is connected, as far as it knows. */
bool tt_device_is_online(const struct tt_sim_device *device);

/* Parts of this module: what it says over HTTP, and its lies (device_lie.c). */
void tt_device_call(struct tt_sim_device *device, const struct tt_request *request);
void tt_device_lie(struct tt_sim_device *device);
void tt_device_get(struct tt_sim_device *device, const struct tt_chat *chat, bool marks);
void tt_device_browse(struct tt_sim_device *device);

/* Asks about a chat that is not its own, or says something there. */
void tt_device_pry(struct tt_sim_device *device, const struct tt_chat *chat);
void tt_device_answered(void *context, struct tt_call *call, const struct tt_reply *reply);
void tt_device_resolve(struct tt_sim_device *device, const tt_id *conversation,
                       const tt_id *client_id, bool is_stored);
void tt_device_unsure(struct tt_sim_device *device, const tt_id *conversation,
                      const tt_id *client_id);
void tt_device_show(struct tt_chat *chat, struct tt_cursor told);
/* `asked_us`: what the socket has said since then of somebody is newer than the snapshot. */
void tt_device_show_snapshot(struct tt_sim_device *device, struct tt_chat *chat,
                             const struct tt_snapshot *snapshot, uint64_t asked_us);
struct tt_chat *tt_device_chat(struct tt_sim_device *device, const tt_id *conversation);
void tt_device_say(struct tt_sim_device *device, enum tt_client_frame_kind kind,
                   const struct tt_chat *chat, uint64_t seq);
void tt_device_connect(struct tt_sim_device *device);
void tt_device_tell_screen(struct tt_sim_device *device);

#endif
