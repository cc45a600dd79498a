/*
 * state: what a node knows. Only the core's own files include this.
 *
 *   session  a device's socket: linking -> registering -> live -> gone
 *   stream   one conversation on one session: what to hand out next, what may be acked, what was
 *            shown; made when the conversation is spoken of, dropped when there is nothing left to
 *            remember that the store does not know
 *   user     somebody with a session here, or whose going is not told yet
 *   conv     a conversation's members; they never change, so a cached one is always right
 *   watched  somebody whose presence a session here looks at
 *   task     something that waits for answers: a send, a chat-open, an HTTP request, a push
 *   push     messages that a phone may have to ring for
 *   clear    notifications that have to go away
 *
 * Whatever waits for an op finds its owner again through a handle, because the owner may be gone.
 */
#ifndef TT_CORE_STATE_H
#define TT_CORE_STATE_H

#include "base/map.h"
#include "core/core.h"
#include "core/planted.h"
#include "core/rate.h"
#include "core/timer.h"

/* What a completed op is for; in tt_op_tag.purpose. */
enum tt_purpose {
    TT_FOR_NOTHING, /* fire and forget */
    TT_FOR_LINK,
    TT_FOR_REGISTER,
    TT_FOR_PENDING,
    TT_FOR_POSITION,
    TT_FOR_READ,
    TT_FOR_ACK,
    TT_FOR_CONVERSATION,
    TT_FOR_FANOUT,
    TT_FOR_DISCONNECT,
    TT_FOR_UNREGISTER,
    TT_FOR_GRACE,
    TT_FOR_WATCHED,
    TT_FOR_WATCHERS,
    TT_FOR_REASSERT,
    TT_FOR_GHOSTS,
    TT_FOR_UNRUNG,
    TT_FOR_MARKED,
    TT_FOR_CUT,
    TT_FOR_UNLINKED,
    TT_FOR_SHARING,
    TT_FOR_TASK, /* + the part's number */
};

enum tt_timer_kind {
    TT_TIMER_SESSION,
    TT_TIMER_USER,
    TT_TIMER_TASK,
    TT_TIMER_PUSH,
    TT_TIMER_CLEAR,
    TT_TIMER_UNRUNG,
    TT_TIMER_PUSH_TEST,
    TT_TIMER_ALIVE,
    TT_TIMER_RETRY,
};

enum tt_session_state { TT_SESSION_LINKING, TT_SESSION_REGISTERING, TT_SESSION_LIVE };

struct tt_ack_waiting {
    bool is_read;
    tt_seq seq;
};

#define TT_ACKS_WAITING_MAX 2048 /* a burst of frames */

struct tt_stream {
    tt_id conversation;
    struct tt_stream *older; /* by last use */
    struct tt_stream *newer;
    struct tt_stream *next_behind;

    bool positioned; /* next, cursor and ack_limit are known */
    bool positioning;
    bool is_behind; /* in the session's queue of streams to read for */
    bool reading;
    bool acking;
    bool ack_unsure;     /* the last ADVANCE ended in UNAVAILABLE: it may have moved something */
    bool owes_read_sync; /* heard of before the cursor was known */
    bool held_back;      /* the next message is one of the session's own that is not answered yet */
    tt_seq next;         /* to hand out */
    tt_seq cursor;       /* the device's stored position */
    tt_seq my_read;      /* the user's read cursor, as far as known */
    tt_seq ack_limit;    /* handed out without a gap */
    tt_seq known_head;   /* the largest seq that was heard of */
    tt_seq http_from;    /* handed out over HTTP before the position was known; 0: nothing */
    tt_seq http_to;
    tt_seq echo;             /* the first that the device itself sent over HTTP */
    tt_seq replay_to;        /* 0, or: caught_up waits until next is beyond it */
    struct tt_cursor wanted; /* acked, not yet stored */
    struct tt_cursor shown;  /* the others' cursors, as this socket was told */

    uint64_t *sent_ahead; /* own messages answered with `sent` before next came there; sorted */
    uint32_t sent_ahead_count;
    struct tt_ack_waiting *acks_waiting; /* for the position */
    uint32_t ack_waiting_count;
    uint32_t ack_waiting_capacity;
    uint32_t appends_under_way;
    uint32_t holds; /* snapshots under way: what was shown meanwhile must not be forgotten */
    struct tt_task *sends_waiting; /* for their turn; oldest first */
};

/* What a session has while something is under way, handed out or on its screen, and for as long as
 * its rates are not at rest: a phone that only listens has none of it (decision 28). */
struct tt_busy {
    struct tt_rate sends;
    struct tt_rate frames;

    struct tt_map streams;
    struct tt_stream *oldest;
    struct tt_stream *newest;
    struct tt_stream *behind_first;
    struct tt_stream *behind_last;
    bool reading;
    bool stalled;       /* the last read failed: none until retry_at */
    bool draining;      /* WANT_DRAIN is out */
    size_t since_asked; /* while it is: of `undrained`, what was sent since */
    size_t too_slow_at; /* while it is: more than this is too much */
    tt_mono retry_at;   /* 0: nothing to try again */
    tt_id *list_after;  /* NULL: from the first row */
    uint32_t replaying; /* streams with replay_to beyond next */

    struct tt_conv *open;        /* the chat on its screen */
    tt_mono refresh_at;          /* 0: no chat is open */
    bool opening;                /* its snapshot is not out yet */
    bool untold;                 /* of the others, until all that may be seen is told at once */
    uint32_t opening_turn;       /* of the open that put it there */
    uint32_t opens_under_way;    /* `open` frames that are not answered yet */
    struct tt_task *sends_first; /* under way or waiting */
    uint32_t send_count;
};

/* All zero: what a session that is not busy shows to who reads. */
extern const struct tt_busy tt_not_busy;

struct tt_session {
    tt_handle handle;
    struct tt_user_here *user;
    struct tt_session *next_of_user;
    union {
        const struct tt_busy *busy; /* to read: always there */
        struct tt_busy *own_busy;   /* to write where it must be there; else tt_session_busy */
    };
    uint64_t epoch;
    union {
        tt_mono opened_at; /* while LINKING */
        tt_time linked_at; /* which of the device's links this is: an unlinked one may be linked
                              again */
    };

    struct tt_timer timer; /* the earliest of the times below and those of busy */
    tt_mono quiet_since;   /* when it was heard, or, once it is pinged, when that was */
    tt_mono expires_at;
    tt_mono reassert_at;     /* 0: never */
    size_t undrained;        /* bytes of which no DRAINED has said that they left */
    uint32_t evictions;      /* streams that were dropped: what they handed out is not known */
    uint32_t list_evictions; /* when LIST_PENDING was asked */
    uint32_t open_turn;      /* the latest wish of what is on the screen: a late one is void */
    uint32_t open_wish;      /* a hash of the conversation that was wished for */
    uint32_t screen_turn;    /* changes with each wish and each `close`, unique on this node */

    uint8_t state; /* enum tt_session_state */
    bool resumed : 1;
    bool registered : 1;
    bool registering : 1; /* REGISTER under way though live: the registry was away or forgot */
    bool pinged : 1;      /* and not heard since */
    bool listing : 1;     /* LIST_PENDING under way */
    bool list_again : 1;  /* something was missed meanwhile */
    bool list_more : 1;
    bool caught_up : 1;
    uint8_t device_size;
    char device[];
};

struct tt_user_here {
    struct tt_session *sessions;
    struct tt_grace *grace; /* NULL: nobody has to be told of a going */
    tt_mono shares_at;      /* when the latest answer to that was asked for */
    bool shares;
    uint8_t id_size;
    char id[];
};

/* Runs when the last session of a user has ended: somebody may have to be told of it. */
struct tt_grace {
    struct tt_timer timer;
    struct tt_user_here *user;
};

struct tt_conv {
    struct tt_conv *older;
    struct tt_conv *newer;
    struct tt_conversation is; /* members and title lie behind this struct's arena */
    struct tt_arena arena;
    uint32_t pins;
    bool loaded;
    struct tt_task *waiting_first;
    struct tt_task *waiting_last;
};

struct tt_watched {
    tt_id user;
    struct tt_status status;
    uint64_t version;
    tt_mono updated_at;
    bool known;
    bool hidden;        /* does not share */
    bool knows_sharing; /* `hidden` means something; until then nothing is told */
    bool held;          /* something would have been told */
    tt_mono hidden_at;  /* when the latest answer to that was asked for */
    struct tt_session **sessions;
    uint32_t session_count;
    uint32_t session_capacity;
};

enum tt_task_kind {
    TT_TASK_SEND,
    TT_TASK_OPEN, /* `open` or the plain GET */
    TT_TASK_MARK, /* the plain GET was answered by another node: the chat is open on a socket here
                   */
    TT_TASK_TYPING,
    TT_TASK_REFRESH,
    TT_TASK_PUSH,
    TT_TASK_CLEAR,
    TT_TASK_REQUEST, /* any other request */
    TT_TASK_ADDED,   /* conversation_added for one user */
};

#define TT_TASK_PARTS 6

struct tt_task {
    tt_handle handle;
    enum tt_task_kind kind;
    bool over_http;
    bool session_is_gone;
    bool checks_login; /* before anything else is done */
    bool is_stranger;  /* to the conversation; looks into the store all the same */
    tt_handle owner;   /* the connection, or the request */
    tt_id user;
    tt_id device;
    tt_id conversation;
    uint32_t open_turn; /* OPEN, MARK */
    uint32_t evictions; /* OPEN over HTTP: of the session when the snapshot was asked for */
    tt_mono asked_at;   /* OPEN, MARK, REFRESH: when it was asked who shares, and who is where */
    bool holds_stream;  /* OPEN, REFRESH: the conversation's, of the owner, until it is answered */
    tt_id about;        /* REFRESH: whose move it may have been */
    bool moved_delivered; /* REFRESH: what is to be shown though it was not shown before */
    bool moved_read;
    struct tt_conv *conv;
    tt_err err; /* of loading the conversation */
    uint8_t step;
    uint8_t waiting; /* ops that are not back */
    struct tt_store_op *store[TT_TASK_PARTS];
    struct tt_registry_op *registry;
    struct tt_arena arena;
    struct tt_request request;
    struct tt_timer timer;
    struct tt_task *next;    /* in a conversation's or a stream's queue */
    struct tt_task *sharers; /* REFRESH: others that go by this one's snapshot */
    struct tt_task *next_sharer;
    struct tt_task *next_send; /* in the session's list of sends */
    struct tt_reply *reply;    /* made, and waits for HANDED_OK */
    struct tt_task *next_spent;
    struct tt_status peer_status; /* MARK: what the GET found */
    uint64_t peer_version;
    bool peer_hidden;  /* and did not say, because one of the two does not share */
    bool peer_unseen;  /* so that the device is right as long as nothing is to be seen */
    tt_seq push_early; /* PUSH: up to where devices without and with a socket ring */
    tt_seq push_late;
    bool finds; /* what an append of unknown outcome has stored */
    uint32_t badge;
    struct tt_push_result *push_results; /* TEST_PUSH */
    size_t push_result_count;
};

/* A device that was rung, or was to be. */
struct tt_rung {
    tt_id device;
    tt_seq seq;         /* up to here */
    uint32_t under_way; /* notifications that the notifier has not answered */
    bool again;         /* one was put off: it rings for the newest message, at retry_at */
    tt_mono since;      /* 0, or since when nothing was taken and everything put off */
};

/* A message and when a device with a socket must have acked it. Messages that come close together
 * share a step. */
struct tt_push_step {
    tt_seq to;
    tt_mono made_at;
    tt_mono due;
};

#define TT_PUSH_STEPS_MAX 6

struct tt_push {
    tt_id conversation;
    tt_id user;
    char key[2 * TT_ID_SIZE_MAX + 1];
    uint8_t key_size;
    bool rings; /* false: only repairs, for the sender's own other devices */
    bool found; /* in the pending rows, and not looked at to its end yet */
    bool checking;
    uint8_t marking; /* MARK_PUSHED under way: until then the store may say less than is known */
    bool late;       /* after a restart or an outage: only the newest message rings */
    tt_seq late_to;  /* while it is: what it was set for */
    uint8_t looks;   /* at what is behind, since a message came; counted as far as delays grow */
    uint32_t told_for_ms; /* in which those looks took place, or will */
    uint8_t unanswered;   /* questions to the store, one after the other */
    uint8_t failures;     /* of the notifier, in a row */
    uint8_t step_count;
    struct tt_push_step steps[TT_PUSH_STEPS_MAX]; /* not yet due, oldest first */
    tt_seq early;    /* devices without a socket ring up to here at once; 0: none do */
    tt_seq checked;  /* devices with one have been looked at up to here */
    tt_seq from;     /* the oldest message that was armed here and is not done with */
    uint64_t armed;  /* which of those from there on were: for the others, other nodes ring */
    tt_seq far_from; /* what was armed outside of the bits: about from here */
    tt_seq far_to;   /* to here; 0: nothing */
    tt_seq to;       /* the newest message */
    tt_seq ring_to;  /* the newest that rings */
    tt_seq marked;   /* kept as rung for */
    tt_seq missed;   /* was found not to be kept so; 0: nothing, or it is seen to */
    tt_seq undone;   /* up to here a look was cut short: until one is not, nothing is kept */
    bool is_behind;  /* some device that is connected or rings lacked something at the last look */
    tt_mono unknown_at;    /* 0, or when to find what an append of unknown outcome has stored */
    tt_seq found_to;       /* what was there at the last look for that */
    uint8_t unknown_looks; /* it may take effect long after it was reported as failed */
    tt_mono look_at;       /* 0, or when to look again at what is behind */
    tt_mono ask_at;        /* 0, or when to ask again what was not answered */
    tt_mono retry_at;      /* 0, or when to ring again where it was put off */
    struct tt_rung *rung;
    uint32_t rung_count;
    struct tt_timer timer;
};

/* The user has read on one device: what the others show is to go away. */
struct tt_clear {
    tt_id conversation;
    tt_id user;
    char key[2 * TT_ID_SIZE_MAX + 1];
    uint8_t key_size;
    tt_id device; /* that read */
    tt_seq read;
    struct tt_timer timer;
};

struct tt_bucket {
    char key[2 * TT_ID_SIZE_MAX + 1];
    uint8_t key_size;
    struct tt_rate sends;
    struct tt_rate requests;
    tt_mono used_at;
};

/* An op that must be done sooner or later, though the store or registry is away. */
struct tt_retry {
    struct tt_store_op *store_op;
    struct tt_registry_op *registry_op;
    struct tt_timer timer;
};

struct tt_core {
    struct tt_core_options options;
    struct tt_core_counters counters;
    struct tt_now now;
    uint64_t random;
    struct tt_arena arena; /* of this step */
    struct tt_effect *effects;
    size_t effect_count;
    size_t effect_capacity;
    struct tt_timers timers;
    struct tt_timer alive;
    size_t retry_count; /* ops that wait to be asked again */

    struct tt_session **sessions; /* by handle.index */
    tt_handle *requests;          /* request's handle.index -> its task */
    uint32_t connection_capacity;
    struct tt_task **tasks; /* by handle.index */
    uint32_t *task_generations;
    uint32_t task_capacity;
    uint32_t task_hint; /* where to look for a free slot */

    struct tt_map users;
    struct tt_map conversations;
    struct tt_conv *conv_oldest;
    struct tt_conv *conv_newest;
    struct tt_map watched;
    struct tt_map pushes;
    struct tt_map clears;
    struct tt_task *push_tests; /* that wait for outcomes */
    struct tt_timer unrung; /* runs: pending rows will be looked through for what did not ring */
    bool unrung_under_way;
    bool unrung_again;     /* something could not be armed */
    uint32_t unrung_count; /* entries that were found */
    struct tt_map buckets;

    uint32_t screen_turns;           /* so far, of all sessions */
    struct tt_store_op *spent_store; /* effects may still point into them */
    struct tt_registry_op *spent_registry;
    struct tt_task *spent_tasks;
    struct tt_task *refreshing; /* the last one that asked for a snapshot in this step */
    uint64_t ops_under_way;
    bool draining;
};

/* What a frame costs on the wire beside its content, about; within one, each message and each
 * member costs as much. */
#define TT_FRAME_BYTES 160

/* effects.c: what every other file emits through */
struct tt_effect *tt_emit(struct tt_core *core, enum tt_effect_kind kind);
void tt_emit_store(struct tt_core *core, struct tt_store_op *op, uint32_t purpose, tt_handle owner);
void tt_emit_registry(struct tt_core *core, struct tt_registry_op *op, uint32_t purpose,
                      tt_handle owner);
struct tt_server_frame *tt_emit_frame(struct tt_core *core, struct tt_session *session,
                                      enum tt_server_frame_kind kind, size_t bytes);
void tt_want_drain(struct tt_core *core, struct tt_session *session);
void tt_emit_error(struct tt_core *core, struct tt_session *session, tt_err err,
                   const tt_id *conversation, const tt_id *client_id);
uint64_t tt_random(struct tt_core *core);
void tt_retry_store(struct tt_core *core, struct tt_store_op *op);
/* So many are waiting that what heals by itself is left out. */
bool tt_retry_is_full(const struct tt_core *core);
void tt_retry_registry(struct tt_core *core, struct tt_registry_op *op);
void tt_retry_due(struct tt_core *core, struct tt_timer *timer);
struct tt_registry_op *tt_about_users(struct tt_core *core, enum tt_registry_op_kind kind,
                                      const tt_id *users, size_t count);

/* session.c */
void tt_session_open(struct tt_core *core, const struct tt_event *event);
void tt_session_linked(struct tt_core *core, struct tt_store_op *op);
void tt_session_registered(struct tt_core *core, struct tt_registry_op *op);
void tt_session_free(struct tt_session *session);
void tt_session_gone(struct tt_core *core, struct tt_session *session);
void tt_session_close(struct tt_core *core, struct tt_session *session, enum tt_close_code code);
void tt_session_due(struct tt_core *core, struct tt_session *session);
void tt_session_set_timer(struct tt_core *core, struct tt_session *session);
void tt_session_retry_soon(struct tt_core *core, struct tt_session *session);
void tt_session_frame(struct tt_core *core, struct tt_session *session,
                      const struct tt_client_frame *frame);
void tt_session_register_again(struct tt_core *core, struct tt_session *session);

/* `displaced`: what the entry stood in the place of, and must be told when it is gone; or NULL. */
void tt_session_unregister(struct tt_core *core, const tt_id *user, const tt_id *device,
                           uint64_t epoch, const struct tt_registered_device *displaced);
void tt_session_unregistered(struct tt_core *core, const struct tt_registry_op *op);
void tt_session_ghosts_found(struct tt_core *core, struct tt_registry_op *op);

/* Looks whether the session is registered, and sees to it. */
void tt_session_reassert(struct tt_core *core, struct tt_session *session);
void tt_session_reasserted(struct tt_core *core, struct tt_registry_op *op);
bool tt_session_take_frame_token(struct tt_core *core, struct tt_session *session,
                                 const tt_id *conversation, const tt_id *client_id);
struct tt_busy *tt_session_busy(struct tt_core *core, struct tt_session *session);
struct tt_slice tt_user_name(const struct tt_user_here *user);
tt_id tt_user_id(const struct tt_user_here *user);
tt_id tt_session_device(const struct tt_session *session);
tt_id tt_session_user(const struct tt_session *session);
bool tt_session_is_device(const struct tt_session *session, const tt_id *device);
bool tt_session_is_user(const struct tt_session *session, const tt_id *user);
struct tt_session *tt_session_find(struct tt_core *core, tt_handle handle);
struct tt_session *tt_session_of_device(struct tt_core *core, const tt_id *user,
                                        const tt_id *device);
struct tt_user_here *tt_user_find(struct tt_core *core, const tt_id *user);
void tt_user_release(struct tt_core *core, struct tt_user_here *user);

/* The devices of a store's answer. */
const struct tt_device *tt_device_find(const struct tt_device *devices, size_t count,
                                       const tt_id *device);

/* cut.c: of one device, or with none of each of the user's. */
void tt_cut_sockets(struct tt_core *core, const tt_id *user, const tt_id *device);
void tt_cut_entries(struct tt_core *core, const struct tt_whereabouts *found, const tt_id *device);
void tt_cut_session(struct tt_core *core, struct tt_session *session);
void tt_cut_sockets_looked(struct tt_core *core, struct tt_store_op *op);
void tt_cut_entries_looked(struct tt_core *core, struct tt_store_op *op);

/* stream.c */
struct tt_stream *tt_stream_of(struct tt_core *core, struct tt_session *session,
                               const tt_id *conversation);
struct tt_stream *tt_stream_find(struct tt_session *session, const tt_id *conversation);
void tt_stream_position(struct tt_core *core, struct tt_session *session, struct tt_stream *stream,
                        tt_seq device_delivered);
/* NULL: the device is not linked. */
const struct tt_device_position *tt_position_of(const struct tt_positions *positions,
                                                const tt_id *device);
void tt_stream_need_position(struct tt_core *core, struct tt_session *session,
                             struct tt_stream *stream);
void tt_stream_read_sync(struct tt_core *core, struct tt_session *session,
                         struct tt_stream *stream);
void tt_stream_positions_done(struct tt_core *core, struct tt_store_op *op);
void tt_stream_message(struct tt_core *core, struct tt_session *session, struct tt_stream *stream,
                       const struct tt_message *message);
void tt_stream_echo(struct tt_stream *stream, tt_seq seq);
void tt_stream_heard_of(struct tt_core *core, struct tt_session *session, struct tt_stream *stream,
                        tt_seq head);
void tt_stream_sent(struct tt_core *core, struct tt_session *session, struct tt_stream *stream,
                    tt_seq seq);
void tt_stream_hold(struct tt_core *core, struct tt_session *session, struct tt_task *task);
void tt_stream_let_go(struct tt_core *core, struct tt_session *session, struct tt_task *task,
                      tt_err answer);
void tt_stream_handed_over_http(struct tt_stream *stream, tt_seq from, tt_seq to);
void tt_stream_read_done(struct tt_core *core, struct tt_store_op *op);
void tt_stream_release(struct tt_core *core, struct tt_session *session, struct tt_stream *stream);
void tt_streams_trim(struct tt_core *core, struct tt_session *session);
void tt_streams_deinit(struct tt_busy *busy);
void tt_streams_pump(struct tt_core *core, struct tt_session *session);
void tt_streams_drained(struct tt_core *core, struct tt_session *session);

/* replay.c */
void tt_replay_start(struct tt_core *core, struct tt_session *session);
void tt_replay_pending_done(struct tt_core *core, struct tt_store_op *op);
void tt_replay_reached(struct tt_core *core, struct tt_session *session);

/* ack.c */
void tt_ack(struct tt_core *core, struct tt_session *session, const tt_id *conversation,
            bool is_read, tt_seq seq);
void tt_ack_waiting(struct tt_core *core, struct tt_session *session, struct tt_stream *stream);
void tt_ack_retry(struct tt_core *core, struct tt_session *session);
void tt_ack_done(struct tt_core *core, struct tt_store_op *op);

/* send.c */
void tt_send_from_session(struct tt_core *core, struct tt_session *session,
                          const struct tt_client_frame *frame);
void tt_send_from_request(struct tt_core *core, struct tt_task *task);
void tt_send_ready(struct tt_core *core, struct tt_task *task);
void tt_send_done(struct tt_core *core, struct tt_task *task);
bool tt_send_is_under_way(const struct tt_session *session, const tt_id *conversation,
                          const tt_id *client_id);
void tt_sends_orphan(struct tt_core *core, struct tt_session *session);

/* fanout.c */
struct tt_fanout_share {
    struct tt_cursor cursor;
    bool moved_delivered;
    bool moved_read;
};
void tt_fanout(struct tt_core *core, const struct tt_hint *hint, const tt_id *users, size_t count,
               const struct tt_fanout_share *shares);
/* To all members: a message, or (a NUDGE) that there is one. `none_rings`: no phone at once. */
void tt_fanout_message(struct tt_core *core, const struct tt_hint *hint,
                       const struct tt_conversation *to, bool none_rings);
void tt_fanout_found(struct tt_core *core, struct tt_registry_op *op);
void tt_hint_to(struct tt_core *core, const struct tt_place *place, const struct tt_hint *hint);
void tt_hint_heard(struct tt_core *core, const struct tt_hint *hint);

/* status.c */
void tt_status_show(struct tt_core *core, struct tt_session *session, const struct tt_hint *hint);
void tt_status_set(struct tt_core *core, struct tt_session *session, const tt_id *conversation,
                   const tt_id *about, struct tt_cursor cursor);
struct tt_cursor tt_others_min(const struct tt_member_cursor *members, size_t count,
                               const tt_id *except);

/* conv.c */
/* The conversation if it is cached, else NULL. */
const struct tt_conv *tt_conv_find(const struct tt_core *core, const tt_id *conversation);
struct tt_conv *tt_conv_need(struct tt_core *core, struct tt_task *task);
void tt_conv_loaded(struct tt_core *core, struct tt_store_op *op);
bool tt_conv_has(const struct tt_conv *conv, const tt_id *user);
const tt_id *tt_conv_peer(const struct tt_conv *conv, const tt_id *user);
void tt_conv_pin(struct tt_conv *conv);
void tt_conv_unpin(struct tt_core *core, struct tt_conv *conv);
void tt_conv_deinit_all(struct tt_core *core);

/* presence.c */
void tt_presence_watch(struct tt_core *core, struct tt_session *session);
void tt_presence_typing(struct tt_core *core, struct tt_task *task);
void tt_presence_unwatch(struct tt_core *core, struct tt_session *session);
void tt_presence_update(struct tt_core *core, const tt_id *user, struct tt_status status,
                        uint64_t version, tt_mono asked_at);
void tt_presence_seen(struct tt_core *core, const tt_id *user, tt_time last_seen);
tt_time tt_presence_no_later(const struct tt_core *core, tt_time last_seen);
void tt_presence_unanswered(struct tt_core *core, struct tt_session *session, bool knows_sharing);
void tt_presence_tell_untold(struct tt_core *core, struct tt_session *session);
void tt_presence_tell_all(struct tt_core *core, struct tt_session *session);
bool tt_presence_sees_any(struct tt_core *core, const struct tt_session *session);
void tt_presence_marked(struct tt_core *core, struct tt_session *session, const tt_id *user,
                        struct tt_status told);
void tt_presence_hide(struct tt_core *core, const tt_id *user, bool hidden, tt_mono asked_at);
void tt_presence_look_up(struct tt_core *core, const tt_id *users, size_t count);
void tt_presence_looked_up(struct tt_core *core, struct tt_store_op *op);
void tt_presence_own(struct tt_core *core, struct tt_user_here *user, bool shares,
                     tt_mono asked_at);
void tt_presence_heard(struct tt_core *core, const struct tt_hint *hint);
void tt_presence_typing_heard(struct tt_core *core, const struct tt_hint *hint);
void tt_presence_tell(struct tt_core *core, const struct tt_whereabouts *now, bool hidden);
void tt_presence_look_again(struct tt_core *core);
void tt_presence_looked(struct tt_core *core, struct tt_registry_op *op);
void tt_presence_gone(struct tt_core *core, struct tt_user_here *user);
void tt_presence_grace_over(struct tt_core *core, struct tt_grace *grace);
void tt_presence_grace_end(struct tt_core *core, struct tt_user_here *user);
void tt_presence_grace_looked(struct tt_core *core, struct tt_registry_op *op);
void tt_presence_watchers_found(struct tt_core *core, struct tt_registry_op *op);
void tt_presence_watch_again(struct tt_core *core);
void tt_presence_tell_watchers(struct tt_core *core, const struct tt_hint *hint);
struct tt_status tt_status_of(const struct tt_whereabouts *found, tt_time stored_last_seen);

/* open.c */
bool tt_open_hand_off(struct tt_core *core, struct tt_task *task, bool opened);
void tt_open_handed_here(struct tt_core *core, struct tt_session *session,
                         const tt_id *conversation, tt_seq from, tt_seq to);
void tt_open_start(struct tt_core *core, struct tt_task *task);
void tt_open_ready(struct tt_core *core, struct tt_task *task);
void tt_open_marked(struct tt_core *core, const struct tt_hint *hint);
void tt_open_handed_ok(struct tt_core *core, const struct tt_hint *hint);
void tt_open_handed(struct tt_core *core, const struct tt_hint *hint);
void tt_open_waited(struct tt_core *core, struct tt_task *task);
void tt_open_close(struct tt_core *core, struct tt_session *session);
void tt_open_wish(struct tt_core *core, struct tt_session *session, struct tt_task *task);
void tt_open_unwish(struct tt_core *core, struct tt_session *session, const tt_id *conversation);
void tt_refresh_start(struct tt_core *core, struct tt_session *session);
void tt_refresh_soon(struct tt_core *core, struct tt_session *session);
void tt_refresh_conversation(struct tt_core *core, struct tt_session *session,
                             const struct tt_hint *hint);
void tt_refresh_ready(struct tt_core *core, struct tt_task *task);

/* push.c */
void tt_push_arm(struct tt_core *core, const tt_id *conversation, const tt_id *user, tt_seq seq,
                 bool rings, bool at_once);
void tt_push_arm_unknown(struct tt_core *core, const tt_id *conversation, const tt_id *user,
                         bool rings);
void tt_push_arm_late(struct tt_core *core, const tt_id *conversation, const tt_id *user,
                      tt_seq seq);
void tt_push_acked(struct tt_core *core, const tt_id *conversation, const tt_id *user, tt_seq seq);
void tt_push_due(struct tt_core *core, struct tt_push *push);
void tt_push_ready(struct tt_core *core, struct tt_task *task);
bool tt_push_is_armed(const struct tt_push *push, tt_seq seq);
tt_seq tt_push_oldest_armed(const struct tt_push *push);
void tt_push_marked(struct tt_core *core, struct tt_store_op *op);
void tt_push_settle(struct tt_core *core, struct tt_push *push);
void tt_push_free(struct tt_push *push);
struct tt_push *tt_push_find(struct tt_core *core, const tt_id *conversation, const tt_id *user);

/* ring.c */
/* If all that rings late has been looked at, and nothing of it rings again: what comes from now on
 * is the others' to ring for where it is not armed here. */
void tt_ring_looked(const struct tt_task *task, struct tt_push *push);
bool tt_ring_is_due(const struct tt_push *push, const struct tt_task *task);
void tt_ring_start(struct tt_core *core, struct tt_task *task, const struct tt_push *push);
bool tt_ring_next(struct tt_core *core, struct tt_task *task, struct tt_push *push);
void tt_ring_notified(struct tt_core *core, const struct tt_notified *notified);
bool tt_ring_has_socket(const struct tt_task *task, const tt_id *device);

/* clear.c */
void tt_clear_arm(struct tt_core *core, const tt_id *conversation, const tt_id *user,
                  const tt_id *device, tt_seq read);
void tt_clear_due(struct tt_core *core, struct tt_clear *clear);
void tt_clear_ready(struct tt_core *core, struct tt_task *task);

/* push_test.c */
void tt_push_test(struct tt_core *core, struct tt_task *task);
void tt_push_test_waited(struct tt_core *core, struct tt_task *task);
bool tt_push_test_is_about(const struct tt_notified *notified);
void tt_push_test_notified(struct tt_core *core, const struct tt_notified *notified);

/* unrung.c */
void tt_unrung_look(struct tt_core *core, uint64_t in_ms);
void tt_unrung_due(struct tt_core *core);
void tt_unrung_found(struct tt_core *core, struct tt_store_op *op);
/* The entry ends, has nothing left of what was found, or waits for a service: others may be looked
 * for. */
void tt_unrung_done(struct tt_core *core, struct tt_push *push);

/* task.c */
struct tt_task *tt_task_create(struct tt_core *core, enum tt_task_kind kind, tt_handle owner);
struct tt_task *tt_task_find(struct tt_core *core, tt_handle handle);
void tt_task_destroy(struct tt_core *core, struct tt_task *task);
void tt_task_ask_store(struct tt_core *core, struct tt_task *task, int part,
                       struct tt_store_op *op);
struct tt_store_op *tt_task_answer(const struct tt_task *task, int part);
void tt_task_ask_registry(struct tt_core *core, struct tt_task *task, struct tt_registry_op *op);
void tt_task_store_done(struct tt_core *core, struct tt_store_op *op);
void tt_task_registry_done(struct tt_core *core, struct tt_registry_op *op);
void tt_task_resume(struct tt_core *core, struct tt_task *task);
void tt_spent_tasks_free(struct tt_core *core);
void tt_task_fail(struct tt_core *core, struct tt_task *task, tt_err err);

/* request.c */
void tt_request_start(struct tt_core *core, tt_handle handle, const struct tt_request *request);
void tt_request_checked(struct tt_core *core, struct tt_task *task);
void tt_request_cut(struct tt_core *core, const tt_id *user, const tt_id *device);
void tt_request_gone(struct tt_core *core, tt_handle handle);
void tt_request_resume(struct tt_core *core, struct tt_task *task);
struct tt_reply *tt_reply(struct tt_core *core, struct tt_task *task, tt_err err);
void tt_added_start(struct tt_core *core, const tt_id *user, const tt_id *conversation);
void tt_added_ready(struct tt_core *core, struct tt_task *task);

/* receipt.c */
void tt_receipt_start(struct tt_core *core, struct tt_task *task);
void tt_receipt_ready(struct tt_core *core, struct tt_task *task);

#endif
