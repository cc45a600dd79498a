#include "net/listener.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/memory.h"
#include "net/loop_private.h"

#define HANDLE_COUNT 2

struct tt_listener {
    uv_poll_t poll;
    uv_timer_t resume;
    struct tt_loop *loop;
    const struct tt_listener_events *events;
    void *context;
    int fd; /* -1 once closed */
    struct tt_address address;
    int handles_open;
    tt_mono window_from;
    int accepted; /* in this window */
    bool wants_pause;
    bool rests; /* until the next window */
};

static void on_knock(uv_poll_t *poll, int status, int events);

static void on_resume(uv_timer_t *timer)
{
    struct tt_listener *listener = timer->data;
    listener->rests = false;
    uv_poll_start(&listener->poll, UV_READABLE, on_knock);
}

/* A level-triggered listener without descriptors would spin: it sleeps instead. */
static void pause_accepting(struct tt_listener *listener, int error)
{
    listener->loop->stats.accept_pauses++;
    uv_poll_stop(&listener->poll);
    uv_timer_start(&listener->resume, on_resume, TT_LISTENER_PAUSE_MS, 0);
    if (listener->events->paused != NULL)
        listener->events->paused(listener->context, error);
}

/* Whether the window is full; then accepting goes on in the next. */
static bool is_enough(struct tt_listener *listener)
{
    tt_mono now = tt_loop_now(listener->loop);
    if (now.ms >= listener->window_from.ms + TT_LISTENER_WINDOW_MS) {
        listener->window_from = now;
        listener->accepted = 0;
    }
    if (listener->accepted < TT_LISTENER_ACCEPTS_PER_TURN)
        return false;
    listener->rests = true;
    uv_poll_stop(&listener->poll);
    uv_timer_start(&listener->resume, on_resume, TT_LISTENER_WINDOW_MS, 0);
    return true;
}

void tt_listener_welcome(struct tt_listener *listener)
{
    if (listener->accepted > 0)
        listener->accepted--;
    if (!listener->rests)
        return;
    uv_timer_stop(&listener->resume);
    on_resume(&listener->resume);
}

static void pause_for_room(struct tt_listener *listener)
{
    listener->wants_pause = false;
    listener->loop->stats.accept_pauses++;
    uv_poll_stop(&listener->poll);
    uv_timer_start(&listener->resume, on_resume, TT_LISTENER_PAUSE_MS, 0);
}

void tt_listener_pause(struct tt_listener *listener)
{
    listener->wants_pause = true;
}

/* What is wrong with one connection only (Linux hands on its network errors here, too). */
static bool is_of_connection(int error)
{
    return error == EINTR || error == ECONNABORTED || error == EPROTO || error == EPERM ||
           error == ENETDOWN || error == ENOPROTOOPT || error == EHOSTDOWN || error == ENONET ||
           error == EHOSTUNREACH || error == EOPNOTSUPP || error == ENETUNREACH;
}

static void on_knock(uv_poll_t *poll, int status, int events)
{
    struct tt_listener *listener = poll->data;
    (void)events;
    if (status < 0) {
        pause_accepting(listener, -status);
        return;
    }
    for (int i = 0; i < TT_LISTENER_ACCEPTS_PER_TURN; i++) {
        if (listener->fd < 0 || is_enough(listener))
            return;
        struct tt_address peer = {0};
        socklen_t size = sizeof(peer);
        int fd = accept4(listener->fd, &peer.any, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            listener->accepted++;
            listener->loop->stats.accepts++;
            listener->events->accepted(listener->context, fd, &peer);
            if (listener->wants_pause && listener->fd >= 0) {
                pause_for_room(listener);
                return;
            }
            continue;
        }
        if (errno == EAGAIN)
            return;
        if (!is_of_connection(errno)) {
            pause_accepting(listener, errno);
            return;
        }
    }
}

static const char *explain(int error)
{
    if (error == EADDRINUSE)
        return "another program listens on this address; stop it or choose another port";
    if (error == EADDRNOTAVAIL)
        return "this machine has no such address; 127.0.0.1 and 0.0.0.0 always work";
    if (error == EACCES)
        return "this port needs privileges; choose one from 1024 on";
    return strerrordesc_np(error);
}

static bool set_on(int fd, int level, int option)
{
    int on = 1;
    return setsockopt(fd, level, option, &on, sizeof(on)) == 0;
}

/*
 * The first listener lets others share its port only after it has it: otherwise a second server,
 * started by mistake, would quietly take half of the connections.
 *
 * TCP_NODELAY is inherited by what is accepted. An IPv6 listener does not take IPv4 as well, so
 * that [::]:8080 and 0.0.0.0:8080 go side by side.
 */
static bool take(int fd, const struct tt_address *address, bool join)
{
    if (address->any.sa_family == AF_INET6 && !set_on(fd, IPPROTO_IPV6, IPV6_V6ONLY))
        return false;
    return set_on(fd, SOL_SOCKET, SO_REUSEADDR) && set_on(fd, IPPROTO_TCP, TCP_NODELAY) &&
           (!join || set_on(fd, SOL_SOCKET, SO_REUSEPORT)) &&
           bind(fd, &address->any, tt_address_size(address)) == 0 &&
           set_on(fd, SOL_SOCKET, SO_REUSEPORT);
}

tt_err tt_listener_bind(const struct tt_address *address, bool join, int *taken,
                        struct tt_address *bound, const char **problem)
{
    socklen_t size = sizeof(*bound);
    int fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0 && take(fd, address, join) && getsockname(fd, &bound->any, &size) == 0) {
        *taken = fd;
        return TT_OK;
    }
    *problem = explain(errno);
    if (fd >= 0)
        close(fd);
    return TT_FAIL(IO);
}

static void on_closed(uv_handle_t *handle)
{
    struct tt_listener *listener = handle->data;
    if (--listener->handles_open == 0)
        tt_free(listener);
}

static tt_err start(struct tt_listener *like, struct tt_listener **listener, const char **problem)
{
    struct tt_listener *fresh = tt_alloc(sizeof(*fresh));
    *fresh = *like;
    int error = uv_poll_init(&fresh->loop->uv, &fresh->poll, fresh->fd);
    if (error != 0) {
        *problem = explain(-error);
        close(fresh->fd);
        tt_free(fresh);
        return TT_FAIL(IO);
    }
    uv_timer_init(&fresh->loop->uv, &fresh->resume);
    fresh->poll.data = fresh;
    fresh->resume.data = fresh;
    fresh->handles_open = HANDLE_COUNT;
    uv_poll_start(&fresh->poll, UV_READABLE, on_knock);
    *listener = fresh;
    return TT_OK;
}

tt_err tt_listener_adopt(struct tt_loop *loop, int fd, const struct tt_listener_events *events,
                         void *context, struct tt_listener **listener, const char **problem)
{
    struct tt_listener like = {.loop = loop, .fd = fd, .events = events, .context = context};
    socklen_t size = sizeof(like.address);
    if (listen(fd, SOMAXCONN) == 0 && getsockname(fd, &like.address.any, &size) == 0)
        return start(&like, listener, problem);
    *problem = explain(errno);
    close(fd);
    return TT_FAIL(IO);
}

tt_err tt_listener_open(struct tt_loop *loop, const struct tt_address *address,
                        const struct tt_listener_events *events, void *context,
                        struct tt_listener **listener, const char **problem)
{
    int fd;
    struct tt_address bound;
    TT_TRY(tt_listener_bind(address, false, &fd, &bound, problem));
    return tt_listener_adopt(loop, fd, events, context, listener, problem);
}

tt_err tt_listener_join(struct tt_loop *loop, const struct tt_listener *first, void *context,
                        struct tt_listener **listener, const char **problem)
{
    int fd;
    struct tt_address bound;
    TT_TRY(tt_listener_bind(&first->address, true, &fd, &bound, problem));
    return tt_listener_adopt(loop, fd, first->events, context, listener, problem);
}

void tt_listener_close(struct tt_listener **take_listener)
{
    struct tt_listener *listener = *take_listener;
    *take_listener = NULL;
    uv_close((uv_handle_t *)&listener->poll, on_closed);
    uv_close((uv_handle_t *)&listener->resume, on_closed);
    close(listener->fd);
    listener->fd = -1;
}

const struct tt_address *tt_listener_address(const struct tt_listener *listener)
{
    return &listener->address;
}
