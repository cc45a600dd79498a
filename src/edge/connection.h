/*
 * connection: one TCP connection of the edge: first HTTP, later perhaps a WebSocket. Private to
 * edge.c, connection.c, exchange.c, sign_in.c and session.c.
 *
 *     HTTP -> ANSWERING -> HTTP      a request that the core answers
 *          -> ASKING    -> HTTP      a password that another thread looks at
 *          -> OPENING   -> HTTP      an upgrade that it rejects
 *                       -> SESSION   one that it accepts
 *     any  -> GONE
 *
 * A handle names what the core knows of the connection: a new generation for each request and each
 * session, so that a late effect never meets a later tenant.
 */
#ifndef TT_EDGE_CONNECTION_H
#define TT_EDGE_CONNECTION_H

#include "base/arena.h"
#include "edge/deadline.h"
#include "edge/edge.h"
#include "edge/frame_codec.h"
#include "edge/request_codec.h"
#include "edge/route.h"
#include "net/http1.h"
#include "net/socket.h"
#include "net/websocket.h"

enum tt_connection_state {
    TT_CONNECTION_HTTP,
    TT_CONNECTION_ANSWERING,
    TT_CONNECTION_ASKING,
    TT_CONNECTION_OPENING,
    TT_CONNECTION_SESSION,
    TT_CONNECTION_GONE,
};

struct tt_who;

/* What a session that only waits for frames has no use for: it has none (decision 28). */
struct tt_connection_work {
    struct tt_connection *connection;
    struct tt_deadline deadline;
    struct tt_connection *next_to_resume;

    /* The rest is of no use to a session. */
    struct tt_http1 http;
    struct tt_who *who;          /* ANSWERING, OPENING */
    struct tt_connection *older; /* among the strangers, by arrival */
    struct tt_connection *newer;
    tt_mono arrived_at;
    struct tt_ip peer;   /* the other end of the connection */
    struct tt_ip client; /* for whom a trusted proxy sent the last request; else the peer */
    uint8_t door;
    uint8_t purpose; /* enum tt_route_kind: what the core's reply is for */
};

struct tt_connection {
    struct tt_edge *edge;
    struct tt_socket *socket;        /* NULL when GONE */
    struct tt_connection_work *work; /* NULL: a session with nothing to do but to wait */
    struct tt_websocket ws;          /* SESSION */
    struct tt_ip counted_as;         /* `client` for proxies, `peer` for others */
    uint32_t index;
    uint8_t state;   /* enum tt_connection_state */
    uint8_t entered; /* calls on the stack that still use it */
    bool paused : 1;
    bool resuming : 1;   /* in the list for the turn's end */
    bool congested : 1;  /* paused until the output has drained */
    bool counted : 1;    /* in the crowd */
    bool stranger : 1;   /* has shown no good token yet */
    bool too_fast : 1;   /* paused until its deadline */
    bool want_drain : 1; /* the core asked for DRAINED */
    bool https : 1;      /* the last request came over TLS, to here or to a trusted proxy */
};

struct tt_slot {
    struct tt_connection *connection; /* NULL: free */
    uint32_t generation;
    uint32_t next_free;
};

struct tt_edge {
    struct tt_edge_options options;
    struct tt_edge_owner owner;
    struct tt_loop *loop;
    struct tt_http1_limits http_limits;
    struct tt_websocket_limits ws_limits;
    struct tt_frame_limits frame_limits;
    struct tt_request_limits request_limits;
    struct tt_deadlines deadlines;
    struct tt_slot *slots;
    uint32_t slot_count;
    uint32_t free_slot; /* slot_count: none */
    struct tt_connection *to_resume;
    struct tt_connection *oldest_stranger;
    struct tt_connection *newest_stranger;
    uint32_t stranger_count;
    struct tt_edge_counters counters;
    struct tt_arena arena;   /* of the request that is being read */
    struct tt_buffer text;   /* scratch: a frame, a body */
    struct tt_buffer fields; /* scratch: header fields */
    bool draining;
};

/* connection.c: life and bytes */

extern const struct tt_socket_events tt_connection_events;

/* Names what the core is told of next, and what it is told of now. */
tt_handle tt_connection_new_handle(struct tt_connection *connection);
tt_handle tt_connection_handle(const struct tt_connection *connection);

/* What it has to work with from now on, until there is nothing to do. */
struct tt_connection_work *tt_connection_work(struct tt_connection *connection);

/* Nothing but the memory: of one that never began, or that is over. */
void tt_connection_free(struct tt_connection *connection);

void tt_connection_post(struct tt_connection *connection, const struct tt_event *event);

/* Keeps the connection's memory while it is used further up the stack. */
void tt_connection_enter(struct tt_connection *connection);
void tt_connection_leave(struct tt_connection *connection);

/* Ends it: what is written is still sent, or `at_once` not even that. Tells the core nothing. */
void tt_connection_end(struct tt_connection *connection, bool at_once);

/* Tells the core that the request or session is gone, if there is one. */
void tt_connection_abandon(struct tt_connection *connection);

/* Who the current request or session belongs to. */
void tt_connection_set_who(struct tt_connection *connection, const struct tt_caller *caller);
struct tt_caller tt_connection_who(const struct tt_connection *connection);

/* For the log. */
void tt_connection_log(const struct tt_connection *connection, const char *method,
                       struct tt_slice path, int status, const char *reason);

/* Goes on reading, at the turn's end. */
void tt_connection_resume_later(struct tt_connection *connection);
void tt_connection_resume(struct tt_connection *connection);

/* Whoever sends on without reading what is answered is not read from until he does. */
bool tt_connection_is_congested(const struct tt_connection *connection);
void tt_connection_await_drain(struct tt_connection *connection);

/* Its time is over. */
void tt_connection_expire(struct tt_connection *connection);

/* stranger.c: who may be here at all */

/* Whether one more may come from there; *has_room is false where there is none for anybody. */
bool tt_stranger_may_come(struct tt_edge *edge, struct tt_connection *connection, bool *has_room);
void tt_stranger_add(struct tt_connection *connection);

/* He has shown a good token. False: his address (behind a proxy) has too many connections. */
bool tt_stranger_is_known(struct tt_connection *connection, bool upgrades);

/* Before a proxy's next request, which may be another client's. */
void tt_stranger_asks_again(struct tt_connection *connection);
void tt_stranger_gone(struct tt_connection *connection);

/* exchange.c: requests and answers */

/* Handles the request that came whole; the state is then HTTP again, or the core has it. */
void tt_exchange_begin(struct tt_connection *connection);
void tt_exchange_refused(struct tt_connection *connection);

/* Answers what came of the current request with an error and ends the connection. */
void tt_exchange_give_up(struct tt_connection *connection, int status, tt_err err,
                         const char *text);

/* What sign_in.c answers with: a body that is in edge->text, or an error. */
void tt_exchange_answer(struct tt_connection *connection, int status);
void tt_exchange_fail(struct tt_connection *connection, tt_err err,
                      const struct tt_problem *problem, uint32_t retry_after_ms);

/* Has the core answer; the connection may even be gone when this returns. */
void tt_exchange_ask(struct tt_connection *connection, const struct tt_request *request,
                     enum tt_route_kind purpose);

void tt_exchange_reply(struct tt_connection *connection, const struct tt_reply *reply);
void tt_exchange_reject(struct tt_connection *connection, tt_err err,
                        const struct tt_device *devices, size_t device_count);

/* sign_in.c: who comes without a token, or for one */

void tt_sign_in_show(struct tt_connection *connection);
void tt_sign_in_demo(struct tt_connection *connection);
void tt_sign_in_ask(struct tt_connection *connection, enum tt_account_ask_kind kind);
void tt_sign_in_asked(struct tt_connection *connection, const struct tt_account_ask *ask);
void tt_sign_in_renew(struct tt_connection *connection, const struct tt_caller *caller);
void tt_sign_in_log_out(struct tt_connection *connection, const struct tt_caller *caller);
void tt_sign_in_logged_out(struct tt_connection *connection, const struct tt_reply *reply);

/* session.c: frames */

void tt_session_accept(struct tt_connection *connection);
void tt_session_read(struct tt_connection *connection, struct tt_input *input);
void tt_session_drained(struct tt_connection *connection);
void tt_session_write(struct tt_connection *connection, const struct tt_server_frame *frame);
void tt_session_ping(struct tt_connection *connection);
void tt_session_want_drain(struct tt_connection *connection);
void tt_session_end(struct tt_connection *connection, enum tt_close_code code);

#endif
