#include "net/loop.h"

#include <sys/epoll.h>
#include <unistd.h>

#include "base/memory.h"
#include "net/loop_private.h"

/* A signal handle that just caught something needs a round more to close. */
#define CLOSE_ROUNDS_MAX 4

/* So late is a deadline only if the process stood still. */
#define STOOD_STILL_MS 1000

static void on_turn_end(uv_prepare_t *prepare)
{
    struct tt_loop *loop = prepare->data;
    uv_idle_stop(&loop->idle);
    loop->stats.turns++;
    loop->shakes = 0;
    if (loop->events->turn_end != NULL)
        loop->events->turn_end(loop->context);
    tt_socket_flush_dirty(loop);
    tt_socket_free_gone(loop);
}

static void on_sockets(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    (void)tt_socket_serve_ready(poll->data);
}

/* Its being active is all that matters: libuv does not sleep then. */
static void on_idle(uv_idle_t *idle)
{
    (void)idle;
}

static void on_wake(uv_async_t *async)
{
    struct tt_loop *loop = async->data;
    if (loop->events->wake != NULL)
        loop->events->wake(loop->context);
}

/* What came while the process stood still came in time, though no turn takes all of it. */
static void read_what_waits(struct tt_loop *loop)
{
    size_t turns = loop->stats.sockets / TT_LOOP_READY_MAX + 1;
    while (turns > 0 && tt_socket_serve_ready(loop) == TT_LOOP_READY_MAX)
        turns--;
}

static void on_deadline(uv_timer_t *timer)
{
    struct tt_loop *loop = timer->data;
    if (uv_now(&loop->uv) >= loop->deadline.ms + STOOD_STILL_MS)
        read_what_waits(loop);
    loop->deadline = TT_MONO(0);
    if (loop->events->deadline != NULL)
        loop->events->deadline(loop->context);
}

static void on_finish_timer(uv_timer_t *timer)
{
    tt_socket_finish_late(timer->data, TT_MONO(uv_now(timer->loop)));
}

static void on_signal(uv_signal_t *signal, int number)
{
    struct tt_loop *loop = signal->data;
    if (loop->events->signal != NULL)
        loop->events->signal(loop->context, number);
}

/* These cannot fail on a fresh loop. */
static void init_handles(struct tt_loop *loop)
{
    uv_prepare_init(&loop->uv, &loop->prepare);
    uv_idle_init(&loop->uv, &loop->idle);
    uv_timer_init(&loop->uv, &loop->timer);
    uv_timer_init(&loop->uv, &loop->finish_timer);
    loop->prepare.data = loop;
    loop->async.data = loop;
    loop->ready_poll.data = loop;
    loop->timer.data = loop;
    loop->finish_timer.data = loop;
    uv_prepare_start(&loop->prepare, on_turn_end);
    uv_poll_start(&loop->ready_poll, UV_READABLE, on_sockets);
}

static void close_uv(struct tt_loop *loop)
{
    int left = uv_loop_close(&loop->uv);
    TT_ASSERT(left == 0);
}

/* These can: they need descriptors. */
static bool init_descriptors(struct tt_loop *loop)
{
    if (uv_loop_init(&loop->uv) != 0)
        return false;
    loop->ready = epoll_create1(EPOLL_CLOEXEC);
    if (loop->ready < 0) {
        close_uv(loop);
        return false;
    }
    bool polls = uv_poll_init(&loop->uv, &loop->ready_poll, loop->ready) == 0;
    if (polls && uv_async_init(&loop->uv, &loop->async, on_wake) == 0)
        return true;
    if (polls)
        uv_close((uv_handle_t *)&loop->ready_poll, NULL);
    uv_run(&loop->uv, UV_RUN_NOWAIT);
    close_uv(loop);
    close(loop->ready);
    return false;
}

tt_err tt_loop_create(const struct tt_loop_events *events, void *context, struct tt_loop **loop)
{
    struct tt_loop *fresh = tt_alloc(sizeof(*fresh));
    if (!init_descriptors(fresh)) {
        tt_free(fresh);
        return TT_FAIL(IO);
    }
    init_handles(fresh);
    tt_link_init(&fresh->dirty);
    tt_link_init(&fresh->flushing);
    tt_link_init(&fresh->finishing);
    fresh->scratch = tt_alloc(TT_LOOP_SCRATCH_SIZE);
    fresh->events = events;
    fresh->context = context;
    *loop = fresh;
    return TT_OK;
}

void tt_loop_destroy(struct tt_loop **take_loop)
{
    struct tt_loop *loop = *take_loop;
    *take_loop = NULL;
    tt_socket_flush_dirty(loop);
    tt_socket_finish_late(loop, TT_MONO(UINT64_MAX));
    uv_close((uv_handle_t *)&loop->prepare, NULL);
    uv_close((uv_handle_t *)&loop->idle, NULL);
    uv_close((uv_handle_t *)&loop->async, NULL);
    uv_close((uv_handle_t *)&loop->ready_poll, NULL);
    uv_close((uv_handle_t *)&loop->timer, NULL);
    uv_close((uv_handle_t *)&loop->finish_timer, NULL);
    for (size_t i = 0; i < loop->signal_count; i++)
        uv_close((uv_handle_t *)&loop->signals[i], NULL);
    for (int rounds = 0; rounds < CLOSE_ROUNDS_MAX; rounds++)
        uv_run(&loop->uv, UV_RUN_NOWAIT);
    if (uv_loop_alive(&loop->uv)) /* names that nobody waits for are still being looked up */
        uv_run(&loop->uv, UV_RUN_DEFAULT);
    TT_ASSERT(loop->stats.sockets == 0);
    close_uv(loop);
    close(loop->ready);
    tt_socket_free_gone(loop);
    if (loop->tls.bio != NULL)
        tt_tls_io_deinit(&loop->tls);
    tt_buffer_deinit(&loop->plain);
    tt_free(loop->scratch);
    tt_free(loop);
}

void tt_loop_run(struct tt_loop *loop)
{
    loop->stopping = false;
    while (!loop->stopping) /* uv_run also returns for a stop that came in the last turn_end */
        uv_run(&loop->uv, UV_RUN_DEFAULT);
    on_turn_end(&loop->prepare);
}

void tt_loop_stop(struct tt_loop *loop)
{
    loop->stopping = true;
    uv_stop(&loop->uv);
}

tt_mono tt_loop_now(const struct tt_loop *loop)
{
    return TT_MONO(uv_now(&loop->uv));
}

void tt_loop_set_deadline(struct tt_loop *loop, tt_mono at)
{
    if (at.ms == loop->deadline.ms)
        return;
    loop->deadline = at;
    if (at.ms == 0) {
        uv_timer_stop(&loop->timer);
        return;
    }
    uint64_t now = uv_now(&loop->uv);
    uv_timer_start(&loop->timer, on_deadline, at.ms > now ? at.ms - now : 0, 0);
}

void tt_loop_again(struct tt_loop *loop)
{
    uv_idle_start(&loop->idle, on_idle);
}

void tt_loop_wake(struct tt_loop *loop)
{
    uv_async_send(&loop->async);
}

tt_err tt_loop_watch_signal(struct tt_loop *loop, int number)
{
    TT_ASSERT(loop->signal_count < TT_LOOP_SIGNALS_MAX);
    uv_signal_t *signal = &loop->signals[loop->signal_count];
    if (uv_signal_init(&loop->uv, signal) != 0)
        return TT_FAIL(IO);
    signal->data = loop;
    loop->signal_count++;
    if (uv_signal_start(signal, on_signal, number) != 0)
        return TT_FAIL(IO);
    return TT_OK;
}

const struct tt_loop_stats *tt_loop_stats(const struct tt_loop *loop)
{
    return &loop->stats;
}

struct uv_loop_s *tt_loop_uv(struct tt_loop *loop)
{
    return &loop->uv;
}

void tt_loop_arm_finish(struct tt_loop *loop, tt_mono at)
{
    uint64_t now = uv_now(&loop->uv);
    uv_timer_start(&loop->finish_timer, on_finish_timer, at.ms > now ? at.ms - now : 0, 0);
}
