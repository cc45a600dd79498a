/*
 * edge: everything between the sockets and the core of one node: HTTP, tokens, upgrades, frames.
 *
 * What clients do becomes events for the core (`post`), the core's effects on connections and
 * requests come back by tt_edge_effect, often from within `post` itself. An effect never leads to
 * another event before the loop's turn ends: what is left over waits for tt_edge_turn.
 *
 *     turn_end:  tt_edge_turn(edge); tt_driver_flush(driver);
 *                tt_loop_set_deadline(loop, the earlier of the two deadlines);
 */
#ifndef TT_EDGE_EDGE_H
#define TT_EDGE_EDGE_H

#include <stdbool.h>

#include "core/effect.h"
#include "core/event.h"
#include "edge/account.h"
#include "edge/auth.h"
#include "edge/crowd.h"
#include "edge/static.h"
#include "net/ip.h"
#include "net/loop.h"
#include "net/tls_server.h"

struct tt_edge;

/* Which listener a connection came from. */
enum tt_edge_door { TT_EDGE_PUBLIC, TT_EDGE_ADMIN };

/* A plain page for GET: /metrics, /healthz and the like. Of the admin door there is nothing else.
 * `write` appends the body and returns the status. */
struct tt_edge_page {
    enum tt_edge_door door;
    const char *path;
    const char *content_type;
    int (*write)(void *context, struct tt_buffer *body);
    void *context;
};

struct tt_edge_options {
    struct tt_auth auth;
    struct tt_slice signing_secret; /* for POST /token; empty: this server signs none */
    int64_t token_ms;               /* how long those tokens live */
    struct tt_slice vapid;          /* the public key for Web Push; empty: this server sends none */
    size_t content_size_max;
    size_t frame_size_max;
    uint32_t fragment_count_max; /* of one WebSocket message */
    size_t head_size_max;
    size_t body_size_max;
    size_t members_max;
    uint32_t head_ms;   /* for the head of a request, from the connection's or its own begin */
    uint32_t body_ms;   /* for its body */
    uint32_t answer_ms; /* for the core's answer; then 503 */
    uint32_t idle_ms;   /* between two requests */
    const struct tt_edge_page *pages;
    size_t page_count;
    const struct tt_static_files *files; /* the web client; NULL: none */
    struct tt_tls_server *tls;           /* what the public door speaks; NULL: plain HTTP */
    struct tt_networks trusted_proxies;  /* whose X-Forwarded-For and -Proto are believed */
    enum tt_accounts accounts;
    uint64_t hash_seed;     /* secret */
    struct tt_crowd *crowd; /* shared with other edges; NULL: nobody counts */
    uint32_t strangers_max; /* connections that have not shown a good token; 0: any number */
    bool demo;              /* anybody near may be alice or bob, see edge/demo.h */
    bool echoes; /* messages go back as they came; only for tests of the wire (test/wire) */
};

/* The defaults of base/limits.h; `auth` stays to be filled in. What options point at is borrowed
 * for the edge's life. */
struct tt_edge_options tt_edge_options_default(void);

/* One answer, for the log. Never has a token in it. */
struct tt_edge_answer {
    const char *method;
    struct tt_slice path; /* as it came, without the query; may hold anything but blanks */
    int status;
    const char *reason; /* why a token was refused; NULL else */
    struct tt_ip client;
    tt_id user; /* empty: nobody, or it was not looked at */
    bool https;
};

struct tt_edge_owner {
    void *context;
    void (*post)(void *context, const struct tt_event *event);
    tt_time (*wall)(void *context);
    void (*answered)(void *context, const struct tt_edge_answer *answer); /* may be NULL */

    /* A stranger has shown a good token. May be NULL. */
    void (*known)(void *context);

    /* Takes the ask, and gives it to tt_edge_asked later. False: it stays, with its err. May be
     * NULL where accounts are off. */
    bool (*ask)(void *context, struct tt_account_ask *ask);
};

#define TT_EDGE_COUNTER_MAP(X)                                                                     \
    X(accepted)                                                                                    \
    X(requests)                                                                                    \
    X(client_errors)                                                                               \
    X(server_errors)                                                                               \
    X(unauthenticated)                                                                             \
    X(refused)                                                                                     \
    X(timeouts)                                                                                    \
    X(upgrades)                                                                                    \
    X(frames_in)                                                                                   \
    X(frames_refused)                                                                              \
    X(frames_out)

struct tt_edge_counters {
#define X(name) uint64_t name;
    TT_EDGE_COUNTER_MAP(X)
#undef X
    uint64_t connections; /* gauges from here on */
    uint64_t sessions;
};

struct tt_edge *tt_edge_create(const struct tt_edge_options *options, struct tt_loop *loop,
                               const struct tt_edge_owner *owner);

/* Cuts what is still open, without an event. */
void tt_edge_destroy(struct tt_edge **take_edge);

/* False: it was closed, since there is no room for one more stranger. Takes over an accepted
 * descriptor; `peer` is at the other end, as far as anybody can say. */
bool tt_edge_accept(struct tt_edge *edge, enum tt_edge_door door, int fd, const struct tt_ip *peer);

/* Carries out ACCEPT, REJECT, FRAME, PING, WANT_DRAIN, CLOSE and REPLY. Posts nothing. */
void tt_edge_effect(struct tt_edge *edge, const struct tt_effect *effect);

/* An ask came back; it stays the caller's. */
void tt_edge_asked(struct tt_edge *edge, const struct tt_account_ask *ask);

/* Goes on with connections whose answer came, and ends those whose time is over. Call it at the end
 * of each turn; it posts events. */
void tt_edge_turn(struct tt_edge *edge);

/* When tt_edge_turn must be called though nothing happens; 0: never. */
tt_mono tt_edge_deadline(const struct tt_edge *edge);

/* From now on each HTTP connection ends with its next answer; idle ones end at once. Sessions are
 * the core's to close. */
void tt_edge_drain(struct tt_edge *edge);

/* Whether no connection is left. */
bool tt_edge_is_idle(const struct tt_edge *edge);

const struct tt_edge_counters *tt_edge_counters(const struct tt_edge *edge);

#endif
