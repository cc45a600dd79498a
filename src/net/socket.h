/*
 * socket: one TCP connection in one loop, without a buffer while nothing is under way.
 *
 * What is read goes into one scratch buffer per loop and from there to `read`. What is written is
 * appended to the socket's own output, which is sent once at the end of the turn and freed when it
 * is empty. What stands behind (epoll, TLS) is not to be seen here.
 *
 * A socket belongs to its owner until he gives it away by tt_socket_finish or tt_socket_destroy;
 * both may be called from any callback. After `ended`, too, the owner has to do one of them.
 */
#ifndef TT_NET_SOCKET_H
#define TT_NET_SOCKET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "base/err.h"
#include "net/address.h"
#include "net/input.h"
#include "net/loop.h"
#include "net/tls_server.h"

/* How long a finished socket may take to send its rest and to hear the peer's end. */
#define TT_SOCKET_FINISH_MS 5000

struct tt_socket;

enum tt_socket_end {
    TT_SOCKET_PEER_CLOSED, /* the peer will send nothing more; it may still read */
    TT_SOCKET_FAILED,      /* reset, timed out or never connected: nothing can be sent any more */
};

struct tt_socket_events {
    /* Bytes came. What is left in `input` at the return is lost. */
    void (*read)(void *context, struct tt_input *input);

    /* Everything written so far is with the kernel, as asked for by tt_socket_want_drained. */
    void (*drained)(void *context);

    /* Neither `read` nor `drained` nor `ended` will be called again. */
    void (*ended)(void *context, enum tt_socket_end end);

    /* The connection of tt_socket_connect stands; NULL for accepted ones. */
    void (*connected)(void *context);
};

/* Takes over a connected descriptor, closing it on failure, and reads from it from now on.
 * `events` is borrowed; one table serves all sockets. Fails with IO. */
TT_MUST_CHECK tt_err tt_socket_open(struct tt_loop *loop, int fd,
                                    const struct tt_socket_events *events, void *context,
                                    struct tt_socket **socket);

/* The same for a client that speaks TLS: `read` is given plaintext, and what is written is sent
 * encrypted once the handshake is over. Who must not take too long with it is up to the owner. A
 * handshake that fails ends in `ended`, FAILED. `tls` is used only here. */
TT_MUST_CHECK tt_err tt_socket_open_tls(struct tt_loop *loop, int fd, struct tt_tls_server *tls,
                                        const struct tt_socket_events *events, void *context,
                                        struct tt_socket **socket);

/* Begins to connect; then `connected` or `ended`. What is written before is sent then.
 * Fails with IO. */
TT_MUST_CHECK tt_err tt_socket_connect(struct tt_loop *loop, const struct tt_address *address,
                                       const struct tt_socket_events *events, void *context,
                                       struct tt_socket **socket);

/* The output, to append to during this turn; it is flushed at the turn's end. Never consume it. */
struct tt_buffer *tt_socket_output(struct tt_socket *socket);

/* How much of the output is not with the kernel yet, as plaintext or as ciphertext: what tells a
 * slow consumer. */
size_t tt_socket_buffered(const struct tt_socket *socket);

/* Calls `drained` once, when the output is empty after the flush of this turn or a later one. */
void tt_socket_want_drained(struct tt_socket *socket);

/* While paused `read` is not called and nothing is read: the peer will have to wait. A peer's end
 * is noticed after resuming. */
void tt_socket_pause(struct tt_socket *socket);
void tt_socket_resume(struct tt_socket *socket);

/*
 * Gives the socket away to end well: no callback comes any more, the output is sent, the sending
 * side shut, and what the peer still sends is read and dropped until it closes too, or until
 * TT_SOCKET_FINISH_MS is over. (Closing at once would reset the connection, and the peer would
 * lose the very answer or close frame that explains the end.)
 */
void tt_socket_finish(struct tt_socket **take_socket);

/* Gives the socket away and closes it at once; what was not sent is lost. No callback any more. */
void tt_socket_destroy(struct tt_socket **take_socket);

#endif
