#include "net/socket.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>
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

/* What a socket has while something is under way, or while it speaks TLS. */
struct work {
    struct tt_socket *socket;
    struct tt_link link;
    struct tt_buffer output;
    struct tls *tls;       /* NULL: none */
    uint64_t finish_at_ms; /* of a finishing one */
};

/*
 * At 1M idle sockets each byte here is a megabyte, so what a socket that does nothing has no use
 * for lies in its work, which comes and goes (decision 28).
 *
 * Only receive() and transmit() know how bytes come and go: through TLS or as they are.
 */
struct tt_socket {
    struct tt_loop *loop;
    const struct tt_socket_events *events;
    union {
        void *context;
        struct tt_socket *next_gone;
    };
    struct work *work; /* NULL while it does nothing */
    int fd;
    uint8_t interest; /* what epoll waits for now: EPOLLIN, EPOLLOUT; 0: nothing, not even errors */
    bool connecting : 1;
    bool ours : 1; /* we opened it; else accepted */
    bool paused : 1;
    bool blocked : 1; /* the kernel takes no more; EPOLLOUT goes on with the output */
    bool want_drained : 1;
    bool finishing : 1;
    bool shut : 1;      /* our end was sent */
    bool eof : 1;       /* the peer's end was read */
    bool end_waits : 1; /* TLS has ended; the owner is told when he reads */
    bool gone : 1;      /* closed; the memory waits for the turn's end */
};

static struct work *of_link(struct tt_link *link)
{
    return (struct work *)((char *)link - offsetof(struct work, link));
}

static struct work *work_of(struct tt_socket *socket)
{
    if (socket->work == NULL) {
        socket->work = tt_alloc(sizeof(*socket->work));
        socket->work->socket = socket;
        tt_link_init(&socket->work->link);
    }
    return socket->work;
}

static struct tls *tls_of(const struct tt_socket *socket)
{
    return socket->work == NULL ? NULL : socket->work->tls;
}

static size_t output_size(const struct tt_socket *socket)
{
    return socket->work == NULL ? 0 : socket->work->output.size;
}

static void mark_dirty(struct tt_socket *socket)
{
    struct work *work = work_of(socket);
    if (tt_link_is_alone(&work->link))
        tt_link_append(&socket->loop->dirty, &work->link);
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
    const struct tls *tls = tls_of(socket);
    return tls != NULL && tls->state == TT_TLS_SHAKING;
}

static bool is_sent(const struct tt_socket *socket)
{
    return tt_socket_buffered(socket) == 0;
}

static void drop_output(struct tt_socket *socket)
{
    struct tls *tls = tls_of(socket);
    if (socket->work != NULL)
        tt_buffer_deinit(&socket->work->output);
    if (tls != NULL)
        tt_buffer_deinit(&tls->cipher);
}

static void free_work(struct tt_socket *socket)
{
    struct work *work = socket->work;
    socket->work = NULL;
    if (work == NULL)
        return;
    tt_link_remove(&work->link);
    tt_buffer_deinit(&work->output);
    free_tls(work->tls);
    tt_free(work);
}

static bool has_to_do(const struct tt_socket *socket)
{
    const struct work *work = socket->work;
    return work != NULL &&
           (work->tls != NULL || work->output.size > 0 || !tt_link_is_alone(&work->link));
}

static void settle(struct tt_socket *socket)
{
    if (!has_to_do(socket))
        free_work(socket);
}

/* Never fails: only a first ADD takes memory. What nobody waits for stays known to the kernel, but
 * is told of once at most, or a broken connection would wake the loop again and again. */
static void watch(struct tt_socket *socket, uint8_t interest)
{
    struct epoll_event event = {.events = interest == 0 ? EPOLLET : interest,
                                .data = {.ptr = socket}};
    if (interest == socket->interest)
        return;
    int failed = epoll_ctl(socket->loop->ready, EPOLL_CTL_MOD, socket->fd, &event);
    TT_ASSERT(failed == 0);
    socket->interest = interest;
}

/* Closing alone may not end it: a program that is being started has the descriptor, too. */
static void unwatch(struct tt_socket *socket)
{
    int failed = epoll_ctl(socket->loop->ready, EPOLL_CTL_DEL, socket->fd, NULL);
    TT_ASSERT(failed == 0);
}

static void destroy(struct tt_socket *socket)
{
    struct tt_loop *loop = socket->loop;
    if (socket->gone)
        return;
    socket->gone = true;
    loop->stats.sockets--;
    loop->stats.outgoing -= socket->ours;
    free_work(socket);
    unwatch(socket);
    close(socket->fd);
    socket->next_gone = loop->gone;
    loop->gone = socket;
}

/* The connection can carry nothing any more. */
static void fail(struct tt_socket *socket)
{
    if (socket->finishing) {
        destroy(socket);
        return;
    }
    bool ended = socket->eof;
    drop_output(socket);
    watch(socket, 0);
    socket->blocked = false;
    socket->eof = true;
    socket->shut = true;
    if (!ended)
        socket->events->ended(socket->context, TT_SOCKET_FAILED);
}

static void update_interest(struct tt_socket *socket)
{
    uint8_t interest = 0;
    if (socket->connecting || socket->blocked)
        interest |= EPOLLOUT;
    if (!socket->connecting && !socket->paused && !socket->eof)
        interest |= EPOLLIN;
    watch(socket, interest);
}

static bool can_encrypt(const struct tt_socket *socket)
{
    const struct tls *tls = tls_of(socket);
    return tls->state == TT_TLS_OPEN || tls->state == TT_TLS_ENDED;
}

/* Encrypts some of the output. False if TLS cannot go on. */
static bool encrypt(struct tt_socket *socket)
{
    struct tls *tls = tls_of(socket);
    struct tt_buffer *output = &socket->work->output;
    size_t room = tls->cipher.size < CIPHER_AHEAD ? CIPHER_AHEAD - tls->cipher.size : 0;
    size_t size = output->size < room ? output->size : room;
    if (size == 0 || !can_encrypt(socket))
        return true;
    if (!tt_tls_stream_write(tls->ssl, &socket->loop->tls, tt_slice(output->data, size),
                             &tls->cipher))
        return false;
    tt_buffer_consume(output, size);
    return true;
}

/* Hands what is to go over the wire to the kernel, once. False if the connection is broken. */
static bool send_some(struct tt_socket *socket, struct tt_buffer *wire)
{
    struct tt_loop *loop = socket->loop;
    if (wire->size == 0)
        return true;
    ssize_t sent = send(socket->fd, wire->data, wire->size, MSG_NOSIGNAL | MSG_DONTWAIT);
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
    struct tls *tls = tls_of(socket);
    socket->blocked = false;
    if (socket->work == NULL)
        return true;
    if (tls == NULL)
        return send_some(socket, &socket->work->output);
    do {
        if (!encrypt(socket) || !send_some(socket, &tls->cipher))
            return false;
    } while (!socket->blocked && output_size(socket) > 0 && can_encrypt(socket));
    if (tls->cipher.size == 0)
        tt_buffer_deinit(&tls->cipher);
    return true;
}

/* False: it is on its way. */
static bool has_said_goodbye(struct tt_socket *socket)
{
    struct tls *tls = tls_of(socket);
    if (tls == NULL || tls->goodbye || tls->state == TT_TLS_FAILED)
        return true;
    tls->goodbye = true;
    tt_tls_stream_end(tls->ssl, &socket->loop->tls, &tls->cipher);
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
        if (shutdown(socket->fd, SHUT_WR) != 0) {
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
        socket->events->ended(socket->context, TT_SOCKET_PEER_CLOSED);
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
    update_interest(socket);
    if (socket->end_waits && !socket->paused && !socket->eof && !socket->finishing) {
        tell_end(socket);
        return true;
    }
    if (is_sent(socket) && socket->want_drained && !socket->eof && !socket->finishing) {
        socket->want_drained = false;
        socket->events->drained(socket->context);
        return true;
    }
    end_if_finished(socket);
    return false;
}

static void fail_tls(struct tt_socket *socket)
{
    socket->loop->stats.tls_failures++;
    (void)transmit(socket); /* the alert that says why, if it goes */
    fail(socket);
}

/* `read` is called at most once, as for plain bytes. */
static void receive_cipher(struct tt_socket *socket, struct tt_slice cipher)
{
    struct tt_loop *loop = socket->loop;
    struct tls *tls = tls_of(socket);
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
        socket->events->read(socket->context, &input);
}

static void receive(struct tt_socket *socket)
{
    struct tt_loop *loop = socket->loop;
    if (is_shaking(socket) && loop->shakes >= TT_LOOP_SHAKES_PER_TURN)
        return; /* what came stays in the kernel, and wakes the loop again */
    ssize_t received = recv(socket->fd, loop->scratch, TT_LOOP_SCRATCH_SIZE, MSG_DONTWAIT);
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
    if (tls_of(socket) != NULL)
        receive_cipher(socket, tt_slice(input.data, input.size));
    else
        socket->events->read(socket->context, &input);
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
    if (getsockopt(socket->fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0) {
        fail(socket);
        return;
    }
    socket->connecting = false;
    update_interest(socket);
    mark_dirty(socket);
    if (!socket->finishing && socket->events->connected != NULL)
        socket->events->connected(socket->context);
}

static void on_ready(struct tt_socket *socket, uint32_t events)
{
    if (socket->interest == 0)
        return;
    if ((events & EPOLLHUP) != 0)
        events |= socket->interest;
    if (socket->connecting) {
        complete_connect(socket);
        return;
    }
    if ((events & EPOLLERR) != 0) {
        fail_after_reading(socket);
        return;
    }
    if ((events & EPOLLOUT) != 0 && socket->blocked) {
        flush(socket);
        settle(socket);
    }
    if (socket->gone || (events & EPOLLIN) == 0 || socket->eof)
        return;
    if (socket->paused) /* the first time since the pause that anything came */
        update_interest(socket);
    else
        receive(socket);
}

int tt_socket_serve_ready(struct tt_loop *loop)
{
    struct epoll_event ready[TT_LOOP_READY_MAX];
    int count = epoll_wait(loop->ready, ready, TT_LOOP_READY_MAX, 0);
    for (int i = 0; i < count; i++) {
        struct tt_socket *socket = ready[i].data.ptr;
        if (!socket->gone)
            on_ready(socket, ready[i].events);
    }
    return count;
}

void tt_socket_free_gone(struct tt_loop *loop)
{
    while (loop->gone != NULL) {
        struct tt_socket *socket = loop->gone;
        loop->gone = socket->next_gone;
        tt_free(socket);
    }
}

/* With this interest from the start. NULL, and the descriptor closed, if that cannot be. */
static struct tt_socket *create(struct tt_loop *loop, int fd, uint8_t interest,
                                const struct tt_socket_events *events, void *context)
{
    struct tt_socket *socket = tt_alloc(sizeof(*socket));
    struct epoll_event event = {.events = interest, .data = {.ptr = socket}};
    socket->loop = loop;
    socket->fd = fd;
    socket->interest = interest;
    socket->events = events;
    socket->context = context;
    if (epoll_ctl(loop->ready, EPOLL_CTL_ADD, fd, &event) != 0) {
        tt_free(socket);
        close(fd);
        return NULL;
    }
    loop->stats.sockets++;
    return socket;
}

tt_err tt_socket_open(struct tt_loop *loop, int fd, const struct tt_socket_events *events,
                      void *context, struct tt_socket **socket)
{
    struct tt_socket *fresh = create(loop, fd, EPOLLIN, events, context);
    if (fresh == NULL)
        return TT_FAIL(IO);
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
        work_of(*socket)->tls = fresh;
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
    struct tt_socket *fresh = create(loop, fd, EPOLLOUT, events, context);
    if (fresh == NULL)
        return TT_FAIL(IO);
    fresh->connecting = true;
    fresh->ours = true;
    loop->stats.outgoing++;
    *socket = fresh;
    return TT_OK;
}

struct tt_buffer *tt_socket_output(struct tt_socket *socket)
{
    mark_dirty(socket);
    return &socket->work->output;
}

size_t tt_socket_buffered(const struct tt_socket *socket)
{
    const struct tls *tls = tls_of(socket);
    return output_size(socket) + (tls == NULL ? 0 : tls->cipher.size);
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
    work_of(socket)->finish_at_ms = tt_loop_now(socket->loop).ms + TT_SOCKET_FINISH_MS;
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
        tt_loop_arm_finish(loop, TT_MONO(socket->work->finish_at_ms));
    tt_link_append(&loop->finishing, &socket->work->link);
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
        struct work *work = of_link(loop->flushing.next);
        struct tt_socket *socket = work->socket;
        tt_link_remove(&work->link);
        if (!socket->blocked)
            called = flush(socket) || called;
        if (socket->gone)
            continue;
        if (socket->finishing && tt_link_is_alone(&socket->work->link))
            await_finish(loop, socket);
        settle(socket);
    }
    if (called || !tt_link_is_alone(&loop->dirty))
        tt_loop_again(loop);
}

void tt_socket_finish_late(struct tt_loop *loop, tt_mono now)
{
    while (!tt_link_is_alone(&loop->finishing)) {
        struct work *work = of_link(loop->finishing.next);
        if (work->finish_at_ms > now.ms) {
            tt_loop_arm_finish(loop, TT_MONO(work->finish_at_ms));
            return;
        }
        destroy(work->socket);
    }
}
