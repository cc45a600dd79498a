#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/address.h"
#include "net/listener.h"
#include "net/loop.h"
#include "net/socket.h"

#define PEERS_MAX 256

struct world {
    struct tt_loop *loop;
    struct tt_listener *listener;
    int fds[PEERS_MAX];
    size_t accepted;
    size_t wanted;
    size_t joined; /* of these by the second listener */
    size_t pauses;
    int pause_error;
    size_t wakes;
    int signal;
    size_t deadlines;
    size_t connects;
    size_t ends;
    size_t in_turn;
    size_t in_turn_max;
    bool (*done)(struct world *world);
};

static void on_accepted(void *context, int fd, const struct tt_address *peer)
{
    struct world *world = context;
    assert_int_equal(peer->any.sa_family, tt_listener_address(world->listener)->any.sa_family);
    assert_true(world->accepted < PEERS_MAX);
    world->fds[world->accepted++] = fd;
    world->in_turn++;
}

static void on_paused(void *context, int error)
{
    struct world *world = context;
    world->pauses++;
    world->pause_error = error;
}

static const struct tt_listener_events events = {.accepted = on_accepted, .paused = on_paused};

static void on_turn_end(void *context)
{
    struct world *world = context;
    if (world->in_turn > world->in_turn_max)
        world->in_turn_max = world->in_turn;
    world->in_turn = 0;
    if (world->done(world))
        tt_loop_stop(world->loop);
}

static void on_deadline(void *context)
{
    struct world *world = context;
    world->deadlines++;
}

static void on_wake(void *context)
{
    struct world *world = context;
    world->wakes++;
}

static void on_signal(void *context, int number)
{
    struct world *world = context;
    world->signal = number;
}

static const struct tt_loop_events loop_events = {
    .turn_end = on_turn_end, .deadline = on_deadline, .wake = on_wake, .signal = on_signal};

static void run_until(struct world *world, bool (*done)(struct world *world), uint64_t ms)
{
    world->done = done;
    world->deadlines = 0;
    tt_loop_set_deadline(world->loop, tt_mono_after(tt_loop_now(world->loop), ms));
    tt_loop_run(world->loop);
    tt_loop_set_deadline(world->loop, TT_MONO(0));
}

static struct tt_address any_port(const char *text)
{
    struct tt_address address;
    const char *problem;
    expect_ok(tt_address_parse(tt_slice_text(text), &address, &problem));
    return address;
}

static void open_world(struct world *world)
{
    const char *problem;
    struct tt_address address = any_port("127.0.0.1:0");
    memset(world, 0, sizeof(*world));
    expect_ok(tt_loop_create(&loop_events, world, &world->loop));
    expect_ok(tt_listener_open(world->loop, &address, &events, world, &world->listener, &problem));
}

static void close_world(struct world *world)
{
    if (world->listener != NULL)
        tt_listener_close(&world->listener);
    for (size_t i = 0; i < world->accepted; i++)
        close(world->fds[i]);
    tt_loop_destroy(&world->loop);
}

static int knock(const struct tt_address *address)
{
    int fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_true(connect(fd, &address->any, tt_address_size(address)) == 0 || errno == EINPROGRESS);
    return fd;
}

static bool all_accepted(struct world *world)
{
    return world->accepted == world->wanted || world->deadlines > 0;
}

static bool only_time(struct world *world)
{
    return world->deadlines > 0;
}

static bool woken(struct world *world)
{
    return world->wakes > 0 || world->deadlines > 0;
}

static bool signalled(struct world *world)
{
    return world->signal != 0 || world->deadlines > 0;
}

static bool at_once(struct world *world)
{
    (void)world;
    return true;
}

static void port_0_becomes_a_free_one(void **unused)
{
    (void)unused;
    struct world world;
    open_world(&world);
    const struct tt_address *address = tt_listener_address(world.listener);
    assert_int_not_equal(tt_address_port(address), 0);
    world.wanted = 1;
    int fd = knock(address);
    run_until(&world, all_accepted, 10000);
    assert_int_equal(world.accepted, 1);
    assert_int_not_equal(fcntl(world.fds[0], F_GETFL) & O_NONBLOCK, 0);
    close(fd);
    close_world(&world);
}

static void knock_all(const struct world *world, int *fds, size_t count)
{
    for (size_t i = 0; i < count; i++)
        fds[i] = knock(tt_listener_address(world->listener));
}

static void go_away(struct world *world, const int *fds, size_t count)
{
    for (size_t i = 0; i < count; i++)
        close(fds[i]);
    close_world(world);
}

static void a_storm_is_let_in_in_turns(void **unused)
{
    (void)unused;
    struct world world;
    int fds[TT_LISTENER_ACCEPTS_PER_TURN * 3];
    size_t count = sizeof(fds) / sizeof(fds[0]);
    open_world(&world);
    knock_all(&world, fds, count);
    world.wanted = count;
    run_until(&world, all_accepted, 10000);
    assert_int_equal(world.accepted, count);
    assert_int_equal(tt_loop_stats(world.loop)->accepts, count);
    assert_int_equal(world.in_turn_max, TT_LISTENER_ACCEPTS_PER_TURN);
    go_away(&world, fds, count);
}

static bool a_few_turns(struct world *world)
{
    tt_loop_again(world->loop);
    return ++world->wanted == 3;
}

static void who_is_welcome_does_not_count(void **unused)
{
    (void)unused;
    struct world world;
    int fds[TT_LISTENER_ACCEPTS_PER_TURN * 2];
    size_t count = sizeof(fds) / sizeof(fds[0]);
    open_world(&world);
    knock_all(&world, fds, count);
    world.wanted = TT_LISTENER_ACCEPTS_PER_TURN;
    run_until(&world, all_accepted, 10000);
    for (size_t i = 0; i < TT_LISTENER_ACCEPTS_PER_TURN; i++)
        tt_listener_welcome(world.listener);
    world.wanted = 0;
    run_until(&world, a_few_turns, 10000);
    assert_int_equal(world.accepted, count);
    assert_int_equal(world.in_turn_max, TT_LISTENER_ACCEPTS_PER_TURN);
    go_away(&world, fds, count);
}

/* Nobody may take a part of our connections by mistake; another loop of ours may. */
static void a_port_is_ours_until_we_share_it(void **unused)
{
    (void)unused;
    struct world world;
    struct tt_listener *other = NULL;
    const char *problem = NULL;
    int fds[64];
    open_world(&world);
    struct tt_address address = *tt_listener_address(world.listener);
    assert_true(tt_err_is(tt_listener_open(world.loop, &address, &events, &world, &other, &problem),
                          TT_ERR_IO));
    assert_non_null(strstr(problem, "stop it or choose another port"));

    struct world second;
    memset(&second, 0, sizeof(second));
    second.listener = world.listener;
    expect_ok(tt_listener_join(world.loop, world.listener, &second, &other, &problem));
    assert_int_equal(tt_address_port(tt_listener_address(other)), tt_address_port(&address));
    for (size_t i = 0; i < 64; i++)
        fds[i] = knock(&address);
    world.done = at_once;
    while (world.accepted + second.accepted < 64)
        tt_loop_run(world.loop);
    assert_int_not_equal(world.accepted, 0);
    assert_int_not_equal(second.accepted, 0);
    for (size_t i = 0; i < 64; i++)
        close(fds[i]);
    for (size_t i = 0; i < second.accepted; i++)
        close(second.fds[i]);
    tt_listener_close(&other);
    close_world(&world);
}

static void an_address_that_is_not_here(void **unused)
{
    (void)unused;
    struct world world;
    struct tt_listener *listener = NULL;
    const char *problem = NULL;
    struct tt_address address = any_port("192.0.2.1:0");
    open_world(&world);
    assert_true(tt_err_is(
        tt_listener_open(world.loop, &address, &events, &world, &listener, &problem), TT_ERR_IO));
    assert_non_null(strstr(problem, "no such address"));
    close_world(&world);
}

static void ipv6_is_listened_on_too(void **unused)
{
    (void)unused;
    struct world world;
    const char *problem = NULL;
    struct tt_address address = any_port("[::1]:0");
    open_world(&world);
    tt_listener_close(&world.listener);
    if (!tt_is_ok(
            tt_listener_open(world.loop, &address, &events, &world, &world.listener, &problem))) {
        print_message("no IPv6 on this machine: %s\n", problem);
        close_world(&world);
        skip();
    }
    world.wanted = 1;
    int fd = knock(tt_listener_address(world.listener));
    run_until(&world, all_accepted, 10000);
    assert_int_equal(world.accepted, 1);
    close(fd);
    close_world(&world);
}

/* Lets this process have no descriptor more than it has now. */
static struct rlimit exhaust_descriptors(void)
{
    struct rlimit old;
    int next = dup(0);
    assert_true(next >= 0);
    close(next);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    struct rlimit tight = {.rlim_cur = (rlim_t)next, .rlim_max = old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
    return old;
}

static void without_descriptors_it_pauses_and_does_not_spin(void **unused)
{
    (void)unused;
    struct world world;
    int fds[3];
    open_world(&world);
    for (size_t i = 0; i < 3; i++)
        fds[i] = knock(tt_listener_address(world.listener));
    struct rlimit old = exhaust_descriptors();
    uint64_t turns = tt_loop_stats(world.loop)->turns;
    run_until(&world, only_time, 4 * TT_LISTENER_PAUSE_MS);
    turns = tt_loop_stats(world.loop)->turns - turns;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
    assert_int_equal(world.accepted, 0);
    assert_int_equal(world.pause_error, EMFILE);
    assert_in_range(world.pauses, 1, 5);
    assert_int_equal(tt_loop_stats(world.loop)->accept_pauses, world.pauses);
    assert_in_range(turns, 1, 20);

    world.wanted = 3;
    run_until(&world, all_accepted, 10000);
    assert_int_equal(world.accepted, 3);
    for (size_t i = 0; i < 3; i++)
        close(fds[i]);
    close_world(&world);
}

static void on_connected(void *context)
{
    struct world *world = context;
    world->connects++;
}

static void on_ended(void *context, enum tt_socket_end end)
{
    struct world *world = context;
    assert_int_equal(end, TT_SOCKET_FAILED);
    world->ends++;
}

static bool connected_or_ended(struct world *world)
{
    return world->connects + world->ends > 0 || world->deadlines > 0;
}

static const struct tt_socket_events client_events = {.connected = on_connected, .ended = on_ended};

static void a_client_connects_or_is_told(void **unused)
{
    (void)unused;
    struct world world;
    struct tt_socket *client = NULL;
    open_world(&world);
    struct tt_address address = *tt_listener_address(world.listener);
    expect_ok(tt_socket_connect(world.loop, &address, &client_events, &world, &client));
    tt_buffer_add_text(tt_socket_output(client), "written before it stands");
    run_until(&world, connected_or_ended, 10000);
    assert_int_equal(world.connects, 1);
    world.wanted = 1;
    run_until(&world, all_accepted, 10000);
    tt_loop_again(world.loop);
    run_until(&world, at_once, 10000);
    char text[64];
    assert_int_equal(recv(world.fds[0], text, sizeof(text), 0), 24);
    tt_socket_destroy(&client);

    tt_listener_close(&world.listener); /* now nobody listens there */
    world.connects = 0;
    expect_ok(tt_socket_connect(world.loop, &address, &client_events, &world, &client));
    run_until(&world, connected_or_ended, 10000);
    assert_int_equal(world.connects, 0);
    assert_int_equal(world.ends, 1);
    tt_socket_destroy(&client);
    close_world(&world);
}

static void *wake_from_here(void *loop)
{
    tt_loop_wake(loop);
    return NULL;
}

static void another_thread_wakes_the_loop(void **unused)
{
    (void)unused;
    struct world world;
    pthread_t thread;
    open_world(&world);
    assert_int_equal(pthread_create(&thread, NULL, wake_from_here, world.loop), 0);
    run_until(&world, woken, 10000);
    pthread_join(thread, NULL);
    assert_int_equal(world.wakes, 1);
    close_world(&world);
}

static void a_signal_reaches_the_loop(void **unused)
{
    (void)unused;
    struct world world;
    open_world(&world);
    expect_ok(tt_loop_watch_signal(world.loop, SIGUSR1));
    raise(SIGUSR1);
    run_until(&world, signalled, 10000);
    assert_int_equal(world.signal, SIGUSR1);
    close_world(&world);
}

static void the_deadline_can_be_moved_and_cleared(void **unused)
{
    (void)unused;
    struct world world;
    open_world(&world);
    tt_mono start = tt_loop_now(world.loop);
    tt_loop_set_deadline(world.loop, tt_mono_after(start, 60000));
    run_until(&world, only_time, 20); /* moved closer */
    assert_int_equal(world.deadlines, 1);
    assert_in_range(tt_loop_now(world.loop).ms - start.ms, 20, 30000);

    uint64_t turns = tt_loop_stats(world.loop)->turns;
    tt_loop_again(world.loop); /* once, and not for ever */
    run_until(&world, only_time, 20);
    assert_in_range(tt_loop_stats(world.loop)->turns - turns, 1, 5);

    world.deadlines = 0;
    world.done = at_once;
    tt_loop_set_deadline(world.loop, start); /* in the past: due in the next turn */
    tt_loop_run(world.loop);
    assert_int_equal(world.deadlines, 1);

    tt_loop_set_deadline(world.loop, tt_loop_now(world.loop));
    tt_loop_set_deadline(world.loop, TT_MONO(0));
    tt_loop_again(world.loop);
    tt_loop_run(world.loop);
    assert_int_equal(world.deadlines, 1);
    close_world(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(port_0_becomes_a_free_one),
        cmocka_unit_test(a_storm_is_let_in_in_turns),
        cmocka_unit_test(who_is_welcome_does_not_count),
        cmocka_unit_test(a_port_is_ours_until_we_share_it),
        cmocka_unit_test(an_address_that_is_not_here),
        cmocka_unit_test(ipv6_is_listened_on_too),
        cmocka_unit_test(without_descriptors_it_pauses_and_does_not_spin),
        cmocka_unit_test(a_client_connects_or_is_told),
        cmocka_unit_test(another_thread_wakes_the_loop),
        cmocka_unit_test(a_signal_reaches_the_loop),
        cmocka_unit_test(the_deadline_can_be_moved_and_cleared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
