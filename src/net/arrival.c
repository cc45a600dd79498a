#include "net/arrival.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "base/assert.h"
#include "base/memory.h"
#include "net/loop_private.h"
#include "net/proxy_header.h"

#define HANDLE_COUNT 2

struct arrival {
    uv_poll_t poll;
    uv_timer_t timer;
    struct tt_link link;
    struct tt_arrivals *arrivals;
    int fd;
    int handles_open;
    struct tt_ip peer;
    size_t kept; /* bytes of the header that came so far */
    char bytes[TT_PROXY_HEADER_SIZE_MAX];
};

struct tt_arrivals {
    struct tt_loop *loop;
    uint32_t wait_ms;
    struct tt_arrivals_owner owner;
    struct tt_link list;
    size_t waiting;
};

static void on_closed(uv_handle_t *handle)
{
    struct arrival *arrival = handle->data;
    if (--arrival->handles_open == 0)
        tt_free(arrival);
}

/* The descriptor stays open; libuv knows it no more. */
static int leave(struct arrival *arrival)
{
    tt_link_remove(&arrival->link);
    arrival->arrivals->waiting--;
    uv_close((uv_handle_t *)&arrival->poll, on_closed);
    uv_close((uv_handle_t *)&arrival->timer, on_closed);
    return arrival->fd;
}

static void refuse(struct arrival *arrival)
{
    arrival->arrivals->loop->stats.proxy_refusals++;
    close(leave(arrival));
}

/* Takes exactly `size` bytes, which are there, out of the kernel. */
static bool take(struct arrival *arrival, size_t size)
{
    return recv(arrival->fd, arrival->bytes + arrival->kept, size, 0) == (ssize_t)size;
}

static void look(struct arrival *arrival)
{
    struct tt_proxy_header header;
    ssize_t more = recv(arrival->fd, arrival->bytes + arrival->kept,
                        sizeof(arrival->bytes) - arrival->kept, MSG_PEEK);
    if (more < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (more <= 0) {
        refuse(arrival);
        return;
    }
    struct tt_slice bytes = tt_slice(arrival->bytes, arrival->kept + (size_t)more);
    enum tt_proxy_result result = tt_proxy_header_read(bytes, &header);
    size_t size = result == TT_PROXY_DONE ? header.size - arrival->kept : (size_t)more;
    if (result == TT_PROXY_BAD || !take(arrival, size)) {
        refuse(arrival);
        return;
    }
    arrival->kept += size;
    if (result == TT_PROXY_MORE)
        return;
    const struct tt_arrivals_owner *owner = &arrival->arrivals->owner;
    struct tt_ip client = header.is_proxied ? header.client : arrival->peer;
    owner->arrived(owner->context, leave(arrival), &client);
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
    struct arrival *arrival = poll->data;
    (void)events;
    if (status < 0)
        refuse(arrival);
    else
        look(arrival);
}

static void on_late(uv_timer_t *timer)
{
    refuse(timer->data);
}

struct tt_arrivals *tt_arrivals_create(struct tt_loop *loop, uint32_t wait_ms,
                                       const struct tt_arrivals_owner *owner)
{
    struct tt_arrivals *arrivals = tt_alloc(sizeof(*arrivals));
    arrivals->loop = loop;
    arrivals->wait_ms = wait_ms;
    arrivals->owner = *owner;
    tt_link_init(&arrivals->list);
    return arrivals;
}

void tt_arrivals_destroy(struct tt_arrivals **take_arrivals)
{
    struct tt_arrivals *arrivals = *take_arrivals;
    *take_arrivals = NULL;
    while (!tt_link_is_alone(&arrivals->list))
        refuse((struct arrival *)((char *)arrivals->list.next - offsetof(struct arrival, link)));
    tt_free(arrivals);
}

void tt_arrivals_add(struct tt_arrivals *arrivals, int fd, const struct tt_ip *peer)
{
    struct arrival *arrival = tt_alloc(sizeof(*arrival));
    if (uv_poll_init(&arrivals->loop->uv, &arrival->poll, fd) != 0) {
        tt_free(arrival);
        close(fd);
        return;
    }
    uv_timer_init(&arrivals->loop->uv, &arrival->timer);
    arrival->poll.data = arrival;
    arrival->timer.data = arrival;
    arrival->handles_open = HANDLE_COUNT;
    arrival->arrivals = arrivals;
    arrival->fd = fd;
    arrival->peer = *peer;
    tt_link_init(&arrival->link);
    tt_link_append(&arrivals->list, &arrival->link);
    arrivals->waiting++;
    uv_timer_start(&arrival->timer, on_late, arrivals->wait_ms, 0);
    int result = uv_poll_start(&arrival->poll, UV_READABLE, on_ready);
    TT_ASSERT(result == 0);
}

size_t tt_arrivals_waiting(const struct tt_arrivals *arrivals)
{
    return arrivals->waiting;
}
