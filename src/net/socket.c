#include "net/socket.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/memory.h"
#include "net/loop_private.h"

/*
 * At 1M idle sockets each byte here is a megabyte, so what uv_poll_t already holds is not held
 * again: the descriptor, the loop, and (in poll.data) the owner's context.
 *
 * Only receive() and transmit() know how bytes come and go: where TLS will be.
 */
struct tt_socket {
    uv_poll_t poll;
    const struct tt_socket_events *events;
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
    bool shut : 1; /* our end was sent */
    bool eof : 1;  /* the peer's end was read */
    bool gone : 1; /* closed; the memory waits for libuv */
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
    tt_buffer_deinit(&socket->output);
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
    tt_buffer_deinit(&socket->output);
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

static void end_if_finished(struct tt_socket *socket)
{
    if (!socket->finishing || socket->output.size > 0)
        return;
    if (!socket->shut) {
        socket->shut = true;
        if (shutdown(fd_of(socket), SHUT_WR) != 0) {
            destroy(socket);
            return;
        }
    }
    if (socket->eof)
        destroy(socket);
}

/* Hands the output to the kernel. False if the connection is broken. */
static bool transmit(struct tt_socket *socket)
{
    struct tt_loop *loop = loop_of(socket);
    struct tt_buffer *output = &socket->output;
    socket->blocked = false;
    if (output->size == 0)
        return true;
    ssize_t sent = send(fd_of(socket), output->data, output->size, MSG_NOSIGNAL);
    loop->stats.sends++;
    if (sent < 0 && errno != EAGAIN && errno != EINTR)
        return false;
    if (sent > 0) {
        loop->stats.bytes_out += (uint64_t)sent;
        tt_buffer_consume(output, (size_t)sent);
    }
    socket->blocked = output->size > 0;
    return true;
}

/* Whether the owner was called. */
static bool flush(struct tt_socket *socket)
{
    if (socket->connecting)
        return false;
    if (socket->shut) /* failed, and the owner has not given it away yet */
        tt_buffer_deinit(&socket->output);
    else if (!transmit(socket)) {
        fail(socket);
        return true;
    }
    if (socket->output.size == 0)
        tt_buffer_deinit(&socket->output);
    update_interest(socket);
    if (socket->output.size == 0 && socket->want_drained && !socket->eof && !socket->finishing) {
        socket->want_drained = false;
        socket->events->drained(socket->poll.data);
        return true;
    }
    end_if_finished(socket);
    return false;
}

static void receive(struct tt_socket *socket)
{
    struct tt_loop *loop = loop_of(socket);
    ssize_t received = recv(fd_of(socket), loop->scratch, TT_LOOP_SCRATCH_SIZE, 0);
    loop->stats.receives++;
    if (received < 0) {
        if (errno != EAGAIN && errno != EINTR)
            fail(socket);
        return;
    }
    if (received == 0) {
        socket->eof = true;
        update_interest(socket);
        if (socket->finishing)
            end_if_finished(socket);
        else
            socket->events->ended(socket->poll.data, TT_SOCKET_PEER_CLOSED);
        return;
    }
    loop->stats.bytes_in += (uint64_t)received;
    if (socket->finishing)
        return;
    struct tt_input input = {loop->scratch, (size_t)received};
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
    return socket->output.size;
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
}

void tt_socket_finish(struct tt_socket **take_socket)
{
    struct tt_socket *socket = *take_socket;
    *take_socket = NULL;
    TT_ASSERT(!socket->finishing);
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
