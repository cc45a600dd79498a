/*
 * listener: a TCP port that hands on connections.
 *
 * Several loops of the process may listen on the same port: one opens it, the others join. The
 * kernel spreads the connections (SO_REUSEPORT), and a connection stays where it was accepted.
 *
 * When the process is out of file descriptors, accepting pauses for TT_LISTENER_PAUSE_MS and then
 * tries again; whoever knocks waits in the kernel's queue meanwhile.
 */
#ifndef TT_NET_LISTENER_H
#define TT_NET_LISTENER_H

#include <stdbool.h>

#include "base/err.h"
#include "net/address.h"
#include "net/loop.h"

/*
 * A storm of connects must not keep the loop from those who are connected already: so many are
 * accepted per turn, and per window of time, however many turns fit into it; 3,200 a second. The
 * others wait in the kernel's queue. Whoever turns out to be welcome does not count, so that the
 * devices of a whole city come back as fast as they can be served.
 */
#define TT_LISTENER_ACCEPTS_PER_TURN 32
#define TT_LISTENER_WINDOW_MS        10
#define TT_LISTENER_PAUSE_MS         50

struct tt_listener;

struct tt_listener_events {
    /* `fd` is now yours: tt_socket_open it, or close it. */
    void (*accepted)(void *context, int fd, const struct tt_address *peer);

    /* Accepting pauses because of this errno; may be NULL. For the log. */
    void (*paused)(void *context, int error);
};

/* Port 0 gets a free one. Fails with IO, also when anybody else listens there; `*problem` is then a
 * sentence for the operator. `events` is borrowed. */
TT_MUST_CHECK tt_err tt_listener_open(struct tt_loop *loop, const struct tt_address *address,
                                      const struct tt_listener_events *events, void *context,
                                      struct tt_listener **listener, const char **problem);

/* Listens where `first` (of another loop of this process, still open) does, with its events.
 * Fails with IO. */
TT_MUST_CHECK tt_err tt_listener_join(struct tt_loop *loop, const struct tt_listener *first,
                                      void *context, struct tt_listener **listener,
                                      const char **problem);

/* The same in two steps, for who has to give up privileges in between: takes the address, and, once
 * the loop is there, listens on what was taken (which closes the descriptor in the end, or at once
 * on failure). `join` as above. */
TT_MUST_CHECK tt_err tt_listener_bind(const struct tt_address *address, bool join, int *fd,
                                      struct tt_address *bound, const char **problem);
TT_MUST_CHECK tt_err tt_listener_adopt(struct tt_loop *loop, int fd,
                                       const struct tt_listener_events *events, void *context,
                                       struct tt_listener **listener, const char **problem);

/* Stops listening; what was not accepted yet is refused. */
void tt_listener_close(struct tt_listener **take_listener);

/* Within `accepted`: there is no room; who knocks next waits for TT_LISTENER_PAUSE_MS. */
void tt_listener_pause(struct tt_listener *listener);

/* One of those who were accepted has shown that he belongs here: another may come in his place. */
void tt_listener_welcome(struct tt_listener *listener);

/* Where it listens; the port is the real one. */
const struct tt_address *tt_listener_address(const struct tt_listener *listener);

#endif
