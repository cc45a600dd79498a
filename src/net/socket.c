#include "net/socket.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/memory.h"
#include "net/loop_private.h"

/* Plaintext is encrypted when it is about to be sent, at most so much ahead of the kernel. */
#define CIPHER_AHEAD ((size_t)64 * 1024)

/* What a TLS socket has more. */
struct tls {
    SSL *ssl;
    struct tt_buffer cipher; /* on its way to the kernel */
    uint8_t state;           /* enum tt_tls_state */
    bool goodbye;            /* close_notify was written */
};

/*
 * At 1M idle sockets each byte here is a megabyte, so what uv_poll_t already holds is not held
 * again: the descriptor, the loop, and (in poll.data) the owner's context.
 *
 * Only receive() and transmit() know how bytes come and go: through TLS or as they are.
 */
struct tt_socket {
    uv_poll_t poll;
    const struct tt_socket_events *events;
    struct tls *tls; /* NULL: none */
    struct tt_buffer output;
    struct tt_link link;
    uint64_t finish_at_ms; /* of a finishing one */
    uint8_t interest;      /* what uv_poll waits for now */
    bool connecting : 1;
    bool ours : 1; /* we opened it; else accepted */
    bool paused : 1;
    bool blocked : 1; /* the kernel takes no more; WRITABLE goes on with the output */
    bool want_drained : 1;
    bool finishing : 1;
    bool shut : 1;      /* our end was sent */
    bool eof : 1;       /* the peer's end was read */
    bool end_waits : 1; /* TLS has ended; the owner is told when he reads */
    bool gone : 1;      /* closed; the memory waits for libuv */
};

static struct tt_socket *of_link(struct tt_link *link)
{
    return (struct tt_socket *)((char *)link - offsetof(struct tt_socket, link));
}

static struct tt_loop *loop_of(const struct tt_socket *socket)
{
    return tt_loop_of(socket->poll.loop);
}

static int fd_of(const struct tt_socket *socket)
{
    uv_os_fd_t fd = -1;
    int result = uv_fileno((const uv_handle_t *)&socket->poll, &fd);
    TT_ASSERT(result == 0);
    return fd;
}

static void mark_dirty(struct tt_socket *socket)
{
    if (tt_link_is_alone(&socket->link))
        tt_link_append(&loop_of(socket)->dirty, &socket->link);
}

static void free_tls(struct tls *tls)
{
    if (tls == NULL)
        return;
    SSL_free(tls->ssl);
    tt_buffer_deinit(&tls->cipher);
    tt_free(tls);
}

static bool is_shaking(const struct tt_socket *socket)
{
    return socket->tls != NULL && socket->tls->state == TT_TLS_SHAKING;
}

static bool is_sent(const struct tt_socket *socket)
{
    return tt_socket_buffered(socket) == 0;
}

static void drop_output(struct tt_socket *socket)
{
    tt_buffer_deinit(&socket->output);
    if (socket->tls != NULL)
        tt_buffer_deinit(&socket->tls->cipher);
}

static void on_freed(uv_handle_t *handle)
{
    tt_free(handle);
}

static void destroy(struct tt_socket *socket)
{
    if (socket->gone)
        return;
    socket->gone = true;
    int fd = fd_of(socket);
    loop_of(socket)->stats.sockets--;
    loop_of(socket)->stats.outgoing -= socket->ours;
    tt_link_remove(&socket->link);
    drop_output(socket);
    free_tls(socket->tls);
    socket->tls = NULL;
    uv_close((uv_handle_t *)&socket->poll, on_freed);
    close(fd);
}

/* The connection can carry nothing any more. */
static void fail(struct tt_socket *socket)
{
    if (socket->finishing) {
        destroy(socket);
        return;
    }
    bool ended = socket->eof;
    uv_poll_stop(&socket->poll);
    drop_output(socket);
    socket->blocked = false;
    socket->interest = 0;
    socket->eof = true;
    socket->shut = true;
    if (!ended)
        socket->events->ended(socket->poll.data, TT_SOCKET_FAILED);
}

static void on_ready(uv_poll_t *poll, int status, int events);

static void update_interest(struct tt_socket *socket)
{
    int interest = 0;
    if (socket->connecting || socket->blocked)
        interest |= UV_WRITABLE;
    if (!socket->connecting && !socket->paused && !socket->eof)
        interest |= UV_READABLE;
    if (interest == socket->interest)
        return;
    socket->interest = (uint8_t)interest;
    int result = interest == 0 ? uv_poll_stop(&socket->poll)
                               : uv_poll_start(&socket->poll, interest, on_ready);
    TT_ASSERT(result == 0);
}

static bool can_encrypt(const struct tt_socket *socket)
{
    return socket->tls->state == TT_TLS_OPEN || socket->tls->state == TT_TLS_ENDED;
}

/* Encrypts some of the output. False if TLS cannot go on. */
static bool encrypt(struct tt_socket *socket)
{
    struct tls *tls = socket->tls;
    size_t room = tls->cipher.size < CIPHER_AHEAD ? CIPHER_AHEAD - tls->cipher.size : 0;
    size_t size = socket->output.size < room ? socket->output.size : room;
    if (size == 0 || !can_encrypt(socket))
        return true;
    if (!tt_tls_stream_write(tls->ssl, &loop_of(socket)->tls, tt_slice(socket->output.data, size),
                             &tls->cipher))
        return false;
    tt_buffer_consume(&socket->output, size);
    return true;
}

/* Hands what is to go over the wire to the kernel, once. False if the connection is broken. */
static bool send_some(struct tt_socket *socket, struct tt_buffer *wire)
{
    struct tt_loop *loop = loop_of(socket);
    if (wire->size == 0)
        return true;
    ssize_t sent = send(fd_of(socket), wire->data, wire->size, MSG_NOSIGNAL);
    loop->stats.sends++;
    if (sent < 0 && errno != EAGAIN && errno != EINTR)
        return false;
    if (sent > 0) {
        loop->stats.bytes_out += (uint64_t)sent;
        tt_buffer_consume(wire, (size_t)sent);
    }
    socket->blocked = wire->size > 0;
    return true;
}

/* Hands the output to the kernel. False if the connection is broken. */
static bool transmit(struct tt_socket *socket)
{
    socket->blocked = false;
    if (socket->tls == NULL)
        return send_some(socket, &socket->output);
    do {
        if (!encrypt(socket) || !send_some(socket, &socket->tls->cipher))
            return false;
    } while (!socket->blocked && socket->output.size > 0 && can_encrypt(socket));
    if (socket->tls->cipher.size == 0)
        tt_buffer_deinit(&socket->tls->cipher);
    return true;
}

/* False: it is on its way. */
static bool has_said_goodbye(struct tt_socket *socket)
{
    struct tls *tls = socket->tls;
    if (tls == NULL || tls->goodbye || tls->state == TT_TLS_FAILED)
        return true;
    tls->goodbye = true;
    tt_tls_stream_end(tls->ssl, &loop_of(socket)->tls, &tls->cipher);
    if (!transmit(socket))
        tt_buffer_deinit(&tls->cipher);
    update_interest(socket);
    return tls->cipher.size == 0;
}

static void end_if_finished(struct tt_socket *socket)
{
    if (!socket->finishing || !is_sent(socket))
        return;
    if (!socket->shut) {
        if (!has_said_goodbye(socket))
            return;
        socket->shut = true;
        if (shutdown(fd_of(socket), SHUT_WR) != 0) {
            destroy(socket);
            return;
        }
    }
    if (socket->eof)
        destroy(socket);
}

/* The peer will send nothing more. */
static void tell_end(struct tt_socket *socket)
{
    socket->eof = true;
    update_interest(socket);
    if (socket->finishing)
        end_if_finished(socket);
    else
        socket->events->ended(socket->poll.data, TT_SOCKET_PEER_CLOSED);
}

/* Whether the owner was called. */
static bool flush(struct tt_socket *socket)
{
    if (socket->connecting)
        return false;
    if (socket->shut) /* failed, and the owner has not given it away yet */
        drop_output(socket);
    else if (!transmit(socket)) {
        fail(socket);
        return true;
    }
    if (socket->output.size == 0)
        tt_buffer_deinit(&socket->output);
    update_interest(socket);
    if (socket->end_waits && !socket->paused && !socket->eof && !socket->finishing) {
        tell_end(socket);
        return true;
    }
    if (is_sent(socket) && socket->want_drained && !socket->eof && !socket->finishing) {
        socket->want_drained = false;
        socket->events->drained(socket->poll.data);
        return true;
    }
    end_if_finished(socket);
    return false;
}

static void fail_tls(struct tt_socket *socket)
{
    loop_of(socket)->stats.tls_failures++;
    (void)transmit(socket); /* the alert that says why, if it goes */
    fail(socket);
}

/* `read` is called at most once, as for plain bytes. */
static void receive_cipher(struct tt_socket *socket, struct tt_slice cipher)
{
    struct tt_loop *loop = loop_of(socket);
    struct tls *tls = socket->tls;
    bool shook = tls->state == TT_TLS_SHAKING;
    loop->plain.size = 0;
    loop->shakes += shook ? 1 : 0;
    tls->state =
        (uint8_t)tt_tls_stream_read(tls->ssl, &loop->tls, cipher, &loop->plain, &tls->cipher);
    if (tls->state == TT_TLS_FAILED) {
        fail_tls(socket);
        return;
    }
    if (shook && tls->state != TT_TLS_SHAKING)
        loop->stats.tls_handshakes++;
    socket->end_waits = tls->state == TT_TLS_ENDED;
    if (tls->cipher.size > 0 || socket->end_waits)
        mark_dirty(socket);
    struct tt_input input = {loop->plain.data, loop->plain.size};
    if (input.size > 0)
        socket->events->read(socket->poll.data, &input);
}

static void receive(struct tt_socket *socket)
{
    struct tt_loop *loop = loop_of(socket);
    if (is_shaking(socket) && loop->shakes >= TT_LOOP_SHAKES_PER_TURN)
        return; /* what came stays in the kernel, and wakes the loop again */
    ssize_t received = recv(fd_of(socket), loop->scratch, TT_LOOP_SCRATCH_SIZE, 0);
    loop->stats.receives++;
    if (received < 0) {
        if (errno != EAGAIN && errno != EINTR)
            fail(socket);
        return;
    }
    if (received == 0 && is_shaking(socket))
        fail(socket);
    else if (received == 0)
        tell_end(socket);
    if (received == 0)
        return;
    loop->stats.bytes_in += (uint64_t)received;
    if (socket->finishing)
        return;
    struct tt_input input = {loop->scratch, (size_t)received};
    if (socket->tls != NULL)
        receive_cipher(socket, tt_slice(input.data, input.size));
    else
        socket->events->read(socket->poll.data, &input);
}

/* What a peer sent before it reset the connection (its last acks, perhaps) still counts. */
static void fail_after_reading(struct tt_socket *socket)
{
    if (!socket->paused && !socket->eof)
        receive(socket);
    if (!socket->gone)
        fail(socket);
}

static void complete_connect(struct tt_socket *socket)
{
    int error = 0;
    socklen_t size = sizeof(error);
    if (getsockopt(fd_of(socket), SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0) {
        fail(socket);
        return;
    }
    socket->connecting = false;
    update_interest(socket);
    mark_dirty(socket);
    if (!socket->finishing && socket->events->connected != NULL)
        socket->events->connected(socket->poll.data);
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
    struct tt_socket *socket = (struct tt_socket *)poll;
    if (socket->connecting) {
        complete_connect(socket);
        return;
    }
    if (status < 0) {
        fail_after_reading(socket);
        return;
    }
    if ((events & UV_WRITABLE) != 0 && socket->blocked)
        flush(socket);
    if (socket->gone || (events & UV_READABLE) == 0 || socket->eof)
        return;
    if (socket->paused) /* the first time since the pause that anything came */
        update_interest(socket);
    else
        receive(socket);
}

static struct tt_socket *create(struct tt_loop *loop, int fd, const struct tt_socket_events *events,
                                void *context)
{
    struct tt_socket *socket = tt_alloc(sizeof(*socket));
    if (uv_poll_init(&loop->uv, &socket->poll, fd) != 0) {
        tt_free(socket);
        close(fd);
        return NULL;
    }
    socket->poll.data = context;
    socket->events = events;
    tt_link_init(&socket->link);
    loop->stats.sockets++;
    return socket;
}

tt_err tt_socket_open(struct tt_loop *loop, int fd, const struct tt_socket_events *events,
                      void *context, struct tt_socket **socket)
{
    struct tt_socket *fresh = create(loop, fd, events, context);
    if (fresh == NULL)
        return TT_FAIL(IO);
    update_interest(fresh);
    *socket = fresh;
    return TT_OK;
}

tt_err tt_socket_open_tls(struct tt_loop *loop, int fd, struct tt_tls_server *tls,
                          const struct tt_socket_events *events, void *context,
                          struct tt_socket **socket)
{
    struct tls *fresh = tt_alloc(sizeof(*fresh));
    fresh->ssl = tt_tls_server_accept(tls);
    fresh->state = TT_TLS_SHAKING;
    if (fresh->ssl == NULL) {
        tt_free(fresh);
        close(fd);
        return TT_FAIL(IO);
    }
    if (loop->tls.bio == NULL)
        tt_tls_io_init(&loop->tls);
    tt_tls_stream_begin(fresh->ssl, &loop->tls);
    tt_err err = tt_socket_open(loop, fd, events, context, socket);
    if (tt_is_ok(err))
        (*socket)->tls = fresh;
    else
        free_tls(fresh);
    return err;
}

static int begin_connect(const struct tt_address *address)
{
    int on = 1;
    int fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return fd;
    if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0 ||
        (connect(fd, &address->any, tt_address_size(address)) != 0 && errno != EINPROGRESS)) {
        close(fd);
        return -1;
    }
    return fd;
}

tt_err tt_socket_connect(struct tt_loop *loop, const struct tt_address *address,
                         const struct tt_socket_events *events, void *context,
                         struct tt_socket **socket)
{
    int fd = begin_connect(address);
    if (fd < 0)
        return TT_FAIL(IO);
    struct tt_socket *fresh = create(loop, fd, events, context);
    if (fresh == NULL)
        return TT_FAIL(IO);
    fresh->connecting = true;
    fresh->ours = true;
    loop->stats.outgoing++;
    update_interest(fresh);
    *socket = fresh;
    return TT_OK;
}

struct tt_buffer *tt_socket_output(struct tt_socket *socket)
{
    mark_dirty(socket);
    return &socket->output;
}

size_t tt_socket_buffered(const struct tt_socket *socket)
{
    return socket->output.size + (socket->tls == NULL ? 0 : socket->tls->cipher.size);
}

void tt_socket_want_drained(struct tt_socket *socket)
{
    socket->want_drained = true;
    mark_dirty(socket);
}

/* Interest is left as it is: most pauses are over before anything comes, and cost nothing then. */
void tt_socket_pause(struct tt_socket *socket)
{
    socket->paused = true;
}

void tt_socket_resume(struct tt_socket *socket)
{
    socket->paused = false;
    update_interest(socket);
    if (socket->end_waits)
        mark_dirty(socket);
}

void tt_socket_finish(struct tt_socket **take_socket)
{
    struct tt_socket *socket = *take_socket;
    *take_socket = NULL;
    TT_ASSERT(!socket->finishing);
    if (is_shaking(socket)) { /* there is nobody yet to whom anything could be said */
        destroy(socket);
        return;
    }
    socket->finishing = true;
    socket->paused = false;
    socket->finish_at_ms = tt_loop_now(loop_of(socket)).ms + TT_SOCKET_FINISH_MS;
    mark_dirty(socket);
}

void tt_socket_destroy(struct tt_socket **take_socket)
{
    destroy(*take_socket);
    *take_socket = NULL;
}

static void await_finish(struct tt_loop *loop, struct tt_socket *socket)
{
    if (tt_link_is_alone(&loop->finishing))
        tt_loop_arm_finish(loop, TT_MONO(socket->finish_at_ms));
    tt_link_append(&loop->finishing, &socket->link);
}

void tt_socket_flush_dirty(struct tt_loop *loop)
{
    if (tt_link_is_alone(&loop->dirty))
        return;
    bool called = false;
    struct tt_link *first = loop->dirty.next;
    tt_link_remove(&loop->dirty);
    tt_link_append(first, &loop->flushing);
    while (!tt_link_is_alone(&loop->flushing)) {
        struct tt_socket *socket = of_link(loop->flushing.next);
        tt_link_remove(&socket->link);
        if (!socket->blocked)
            called = flush(socket) || called;
        if (socket->finishing && !socket->gone && tt_link_is_alone(&socket->link))
            await_finish(loop, socket);
    }
    if (called || !tt_link_is_alone(&loop->dirty))
        tt_loop_again(loop);
}

void tt_socket_finish_late(struct tt_loop *loop, tt_mono now)
{
    while (!tt_link_is_alone(&loop->finishing)) {
        struct tt_socket *socket = of_link(loop->finishing.next);
        if (socket->finish_at_ms > now.ms) {
            tt_loop_arm_finish(loop, TT_MONO(socket->finish_at_ms));
            return;
        }
        destroy(socket);
    }
}
