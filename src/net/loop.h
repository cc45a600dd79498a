/*
 * loop: one thread's turns, and the I/O and the one timer that wake it.
 *
 * A turn is: the deadline if it is due, then all I/O that is ready, then `turn_end`, then every
 * socket that was written to is flushed once, then sleep. Flushing once per turn and not at each
 * write is the largest single gain of the network layer: under load many frames share one send.
 *
 * All functions but tt_loop_wake belong to the loop's own thread. The loop must not be destroyed
 * from one of its callbacks.
 */
#ifndef TT_NET_LOOP_H
#define TT_NET_LOOP_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/time.h"

struct tt_loop;
struct uv_loop_s;

/* Any of them may be NULL. */
struct tt_loop_events {
    void (*deadline)(void *context);           /* the deadline came; it is no longer set. Where it
                                                  is late by a second, the process stood still,
                                                  and what came meanwhile was read before */
    void (*wake)(void *context);               /* after one or more tt_loop_wake */
    void (*turn_end)(void *context);           /* everything of this turn has been handed over */
    void (*signal)(void *context, int number); /* a watched signal came */
};

/* Counts since the start, and what there is now. */
struct tt_loop_stats {
    uint64_t turns;
    uint64_t receives;
    uint64_t sends;
    uint64_t bytes_in;
    uint64_t bytes_out;
    uint64_t accepts;
    uint64_t accept_pauses;
    uint64_t tls_handshakes; /* that came to an end well */
    uint64_t tls_failures;
    uint64_t proxy_refusals; /* connections of proxies that did not say whose they are */
    size_t sockets;          /* open now, the ones that are finishing included */
    size_t outgoing;         /* of them those that this process opened */
};

/* `events` is borrowed and must outlive the loop. Fails with IO. */
TT_MUST_CHECK tt_err tt_loop_create(const struct tt_loop_events *events, void *context,
                                    struct tt_loop **loop);

/* Closes what is finishing at once. All other sockets and the listeners must be gone before. */
void tt_loop_destroy(struct tt_loop **take_loop);

/* Turns until tt_loop_stop; the turn in which that is called ends as every turn does. */
void tt_loop_run(struct tt_loop *loop);
void tt_loop_stop(struct tt_loop *loop);

/* When this turn began. The same clock in all loops of the process. */
tt_mono tt_loop_now(const struct tt_loop *loop);

/* Sets, moves or (with 0) clears the only deadline; one in the past is due in the next turn. */
void tt_loop_set_deadline(struct tt_loop *loop, tt_mono at);

/* The next turn comes without sleeping: for work that was left over on purpose. */
void tt_loop_again(struct tt_loop *loop);

/* From any thread, while the loop exists: leads to one `wake` at least. Many may become one. */
void tt_loop_wake(struct tt_loop *loop);

/* `signal` is called for this signal from now on. In one loop per process only. Fails with IO. */
TT_MUST_CHECK tt_err tt_loop_watch_signal(struct tt_loop *loop, int number);

const struct tt_loop_stats *tt_loop_stats(const struct tt_loop *loop);

/* For libraries that bring their own glue for libuv. */
struct uv_loop_s *tt_loop_uv(struct tt_loop *loop);

#endif
