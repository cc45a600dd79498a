/*
 * loop_private: what the loop shares with its sockets and listeners, and with nobody else.
 */
#ifndef TT_NET_LOOP_PRIVATE_H
#define TT_NET_LOOP_PRIVATE_H

#include <stdbool.h>
#include <uv.h>

#include "base/buffer.h"
#include "net/loop.h"
#include "net/tls_stream.h"

/* Large enough for a whole turn's worth of a busy socket, small enough for the second-level
 * cache. One per loop. */
#define TT_LOOP_SCRATCH_SIZE ((size_t)64 * 1024)
#define TT_LOOP_SIGNALS_MAX  4

/* Sockets that are served in a turn; the others are ready in the next one, too. Many more, and a
 * crowd moves in lockstep: the store and the peers have nothing to do until all of it was read. */
#define TT_LOOP_READY_MAX 128

/* A handshake costs a third of a millisecond and more: so many steps of handshakes, and the others
 * have to wait for the next turn, so that a storm of them does not keep those who are connected. */
#define TT_LOOP_SHAKES_PER_TURN 16

/* A circular list through fields of its elements: an element can leave without knowing which list
 * it is in. An element that is in none points to itself, and so does an empty list. */
struct tt_link {
    struct tt_link *next;
    struct tt_link *prev;
};

static inline void tt_link_init(struct tt_link *link)
{
    link->next = link;
    link->prev = link;
}

static inline bool tt_link_is_alone(const struct tt_link *link)
{
    return link->next == link;
}

static inline void tt_link_remove(struct tt_link *link)
{
    link->next->prev = link->prev;
    link->prev->next = link->next;
    tt_link_init(link);
}

static inline void tt_link_append(struct tt_link *list, struct tt_link *link)
{
    link->prev = list->prev;
    link->next = list;
    list->prev->next = link;
    list->prev = link;
}

struct tt_loop {
    uv_loop_t uv;
    uv_prepare_t prepare;
    uv_idle_t idle;
    uv_async_t async;
    uv_poll_t ready_poll; /* `ready` is itself ready when one of its sockets is */
    uv_timer_t timer;
    uv_timer_t finish_timer;
    uv_signal_t signals[TT_LOOP_SIGNALS_MAX];
    size_t signal_count;
    const struct tt_loop_events *events;
    void *context;
    tt_mono deadline;
    bool stopping;
    int ready;                /* an epoll descriptor with all sockets */
    struct tt_socket *gone;   /* closed; freed at the turn's end, when nobody has a hand on them */
    struct tt_link dirty;     /* sockets written to since the last flush */
    struct tt_link flushing;  /* sockets which the flush under way has not come to yet */
    struct tt_link finishing; /* sockets given away, in the order in which their time is over */
    char *scratch;
    struct tt_tls_io tls;   /* made when the first TLS socket comes */
    struct tt_buffer plain; /* what the ciphertext in `scratch` came to */
    size_t shakes;          /* steps of handshakes in this turn */
    struct tt_loop_stats stats;
};

/* In loop.c: calls tt_socket_finish_late then. */
void tt_loop_arm_finish(struct tt_loop *loop, tt_mono at);

/* In socket.c; how many were ready. */
int tt_socket_serve_ready(struct tt_loop *loop);
void tt_socket_free_gone(struct tt_loop *loop);
void tt_socket_flush_dirty(struct tt_loop *loop);
void tt_socket_finish_late(struct tt_loop *loop, tt_mono now);

#endif
