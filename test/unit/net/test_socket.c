#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/loop.h"
#include "net/loop_private.h"
#include "net/socket.h"

/* One side of a connection and what happened to it. */
struct side {
    struct world *world;
    struct tt_socket *socket;
    struct tt_buffer got;
    size_t reads;
    size_t drains;
    size_t ends;
    size_t connects;
    enum tt_socket_end end;
    void (*on_read)(struct side *side);
    void (*on_drained)(struct side *side);
};

struct world {
    struct tt_loop *loop;
    struct side a;
    struct side b;
    bool (*done)(struct world *world);
    void (*at_turn_end)(struct world *world);
    bool too_late;
};

static void on_read(void *context, struct tt_input *input)
{
    struct side *side = context;
    side->reads++;
    tt_buffer_add(&side->got, tt_slice(input->data, input->size));
    if (side->on_read != NULL)
        side->on_read(side);
}

static void on_drained(void *context)
{
    struct side *side = context;
    side->drains++;
    if (side->on_drained != NULL)
        side->on_drained(side);
}

static void on_ended(void *context, enum tt_socket_end end)
{
    struct side *side = context;
    side->ends++;
    side->end = end;
}

static void on_connected(void *context)
{
    struct side *side = context;
    side->connects++;
}

static const struct tt_socket_events events = {
    .read = on_read, .drained = on_drained, .ended = on_ended, .connected = on_connected};

static void on_turn_end(void *context)
{
    struct world *world = context;
    if (world->at_turn_end != NULL)
        world->at_turn_end(world);
    if (world->done(world))
        tt_loop_stop(world->loop);
}

static void on_deadline(void *context)
{
    struct world *world = context;
    world->too_late = true;
    tt_loop_stop(world->loop);
}

static const struct tt_loop_events loop_events = {.turn_end = on_turn_end, .deadline = on_deadline};

/* Runs until `done`, which is looked at in each turn; 10 s is for a test that would hang. */
static void run_until(struct world *world, bool (*done)(struct world *world))
{
    world->done = done;
    tt_loop_set_deadline(world->loop, tt_mono_after(tt_loop_now(world->loop), 10000));
    tt_loop_run(world->loop);
    assert_false(world->too_late);
}

static void open_pair(struct world *world)
{
    int fds[2];
    memset(world, 0, sizeof(*world));
    expect_ok(tt_loop_create(&loop_events, world, &world->loop));
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    expect_ok(tt_socket_open(world->loop, fds[0], &events, &world->a, &world->a.socket));
    expect_ok(tt_socket_open(world->loop, fds[1], &events, &world->b, &world->b.socket));
    world->a.world = world;
    world->b.world = world;
}

static void close_pair(struct world *world)
{
    if (world->a.socket != NULL)
        tt_socket_destroy(&world->a.socket);
    if (world->b.socket != NULL)
        tt_socket_destroy(&world->b.socket);
    tt_buffer_deinit(&world->a.got);
    tt_buffer_deinit(&world->b.got);
    tt_loop_destroy(&world->loop);
}

static void write_text(struct side *side, const char *text)
{
    tt_buffer_add_text(tt_socket_output(side->socket), text);
}

static void write_many(struct side *side, size_t size)
{
    struct tt_buffer *output = tt_socket_output(side->socket);
    memset(tt_buffer_reserve(output, size), 'm', size);
    tt_buffer_grow_by(output, size);
}

static bool a_got_something(struct world *world)
{
    return world->a.got.size > 0;
}

static bool b_got_something(struct world *world)
{
    return world->b.got.size > 0;
}

static bool a_ended(struct world *world)
{
    return world->a.ends > 0;
}

static bool b_ended(struct world *world)
{
    return world->b.ends > 0;
}

static bool at_once(struct world *world)
{
    (void)world;
    return true;
}

static bool all_closed(struct world *world)
{
    return tt_loop_stats(world->loop)->sockets == 0;
}

static void answer_in_many_writes(struct side *side)
{
    for (int i = 0; i < 100; i++)
        write_text(side, "frame ");
}

static void a_turn_sends_once_whatever_is_written(void **unused)
{
    (void)unused;
    struct world world;
    open_pair(&world);
    world.b.on_read = answer_in_many_writes;
    write_text(&world.a, "hello");
    run_until(&world, a_got_something);
    assert_int_equal(world.b.reads, 1);
    assert_int_equal(world.a.got.size, 600);
    assert_int_equal(tt_loop_stats(world.loop)->sends, 2); /* one of a, one of b */
    close_pair(&world);
}

static void nothing_is_sent_before_the_turn_ends(void **unused)
{
    (void)unused;
    struct world world;
    open_pair(&world);
    write_text(&world.a, "hello");
    assert_int_equal(tt_socket_buffered(world.a.socket), 5);
    assert_int_equal(tt_loop_stats(world.loop)->sends, 0);
    run_until(&world, b_got_something);
    assert_int_equal(tt_socket_buffered(world.a.socket), 0);
    assert_int_equal(tt_socket_output(world.a.socket)->capacity, 0);
    close_pair(&world);
}

static bool b_got_8_mib(struct world *world)
{
    return world->b.got.size == (size_t)8 << 20;
}

/* A peer that does not read costs its own output and nothing else; what it gets is all of it. */
static void a_slow_peer_is_waited_for(void **unused)
{
    (void)unused;
    struct world world;
    open_pair(&world);
    tt_socket_pause(world.b.socket);
    write_many(&world.a, (size_t)8 << 20);
    tt_socket_want_drained(world.a.socket);
    run_until(&world, at_once);
    run_until(&world, at_once);
    assert_int_equal(world.b.reads, 0);
    assert_int_equal(world.a.drains, 0);
    assert_true(tt_socket_buffered(world.a.socket) > (size_t)1 << 20);
    uint64_t sends = tt_loop_stats(world.loop)->sends;
    write_text(&world.a, ""); /* a blocked socket is not tried again by each write */
    run_until(&world, at_once);
    assert_int_equal(tt_loop_stats(world.loop)->sends, sends);

    tt_socket_resume(world.b.socket);
    run_until(&world, b_got_8_mib);
    assert_int_equal(world.a.drains, 1);
    assert_int_equal(tt_socket_buffered(world.a.socket), 0);
    close_pair(&world);
}

static void write_next_page(struct side *side)
{
    if (side->drains < 50) {
        write_text(side, "page ");
        tt_socket_want_drained(side->socket);
    }
}

static bool b_got_50_pages(struct world *world)
{
    return world->b.got.size == 250;
}

/* The way a backlog is replayed: the next page when the last one has left. */
static void pages_follow_as_the_socket_drains(void **unused)
{
    (void)unused;
    struct world world;
    open_pair(&world);
    world.a.on_drained = write_next_page;
    write_text(&world.a, "page ");
    tt_socket_want_drained(world.a.socket);
    run_until(&world, b_got_50_pages);
    assert_int_equal(world.a.drains, 50);
    assert_int_equal(tt_loop_stats(world.loop)->sends, 50);
    close_pair(&world);
}

static void drained_comes_also_when_nothing_was_written(void **unused)
{
    (void)unused;
    struct world world;
    open_pair(&world);
    tt_socket_want_drained(world.a.socket);
    run_until(&world, at_once);
    assert_int_equal(world.a.drains, 1);
    close_pair(&world);
}

static void want_again(struct side *side)
{
    if (side->drains < 5)
        tt_socket_want_drained(side->socket);
}

static bool a_drained_5_times(struct world *world)
{
    return world->a.drains == 5;
}

/* Without anything else that would wake it: what a flush leads to is not slept over. */
static void the_loop_does_not_sleep_while_there_is_work(void **unused)
{
    (void)unused;
    struct world world;
    open_pair(&world);
    world.a.on_drained = want_again;
    tt_socket_want_drained(world.a.socket);
    run_until(&world, a_drained_5_times);
    close_pair(&world);
}

static void what_comes_in_a_pause_is_read_after_it(void **unused)
{
    (void)unused;
    struct world world;
    open_pair(&world);
    tt_socket_pause(world.b.socket);
    write_text(&world.a, "later");
    run_until(&world, at_once);
    uint64_t turns = tt_loop_stats(world.loop)->turns;
    for (int i = 0; i < 3; i++) {
        tt_loop_again(world.loop);
        run_until(&world, at_once);
    }
    assert_true(tt_loop_stats(world.loop)->turns > turns);
    assert_int_equal(tt_loop_stats(world.loop)->receives, 0);
    tt_socket_resume(world.b.socket);
    run_until(&world, b_got_something);
    assert_int_equal(world.b.got.size, 5);
    close_pair(&world);
}

static bool b_ended_with_1_mib(struct world *world)
{
    return world->b.ends > 0 && world->b.got.size == (size_t)1 << 20;
}

/* The peer has sent what nobody read: closing at once would reset, and lose the answer. */
static void a_finished_socket_still_delivers_its_answer(void **unused)
{
    (void)unused;
    struct world world;
    open_pair(&world);
    tt_socket_pause(world.a.socket);
    write_text(&world.b, "a request of which not all is read");
    run_until(&world, at_once);
    write_many(&world.a, (size_t)1 << 20);
    tt_socket_finish(&world.a.socket);
    assert_null(world.a.socket);
    run_until(&world, b_ended_with_1_mib);
    assert_int_equal(world.b.end, TT_SOCKET_PEER_CLOSED);
    assert_int_equal(tt_loop_stats(world.loop)->sockets, 2); /* it waits for the peer's end */
    tt_socket_finish(&world.b.socket);
    run_until(&world, all_closed);
    assert_int_equal(world.a.ends + world.a.reads, 0);
    close_pair(&world);
}

static void a_finished_socket_does_not_wait_forever(void **unused)
{
    (void)unused;
    struct world world;
    open_pair(&world);
    tt_socket_pause(world.b.socket);
    write_many(&world.a, (size_t)8 << 20);
    tt_socket_finish(&world.a.socket);
    run_until(&world, at_once);
    tt_mono now = tt_loop_now(world.loop);
    tt_socket_finish_late(world.loop, tt_mono_after(now, TT_SOCKET_FINISH_MS - 1000));
    assert_int_equal(tt_loop_stats(world.loop)->sockets, 2);
    tt_socket_finish_late(world.loop, tt_mono_after(now, TT_SOCKET_FINISH_MS + 1000));
    assert_int_equal(tt_loop_stats(world.loop)->sockets, 1);
    close_pair(&world);
}

static void a_loop_ends_with_sockets_that_are_finishing(void **unused)
{
    (void)unused;
    struct world world;
    open_pair(&world);
    tt_socket_finish(&world.a.socket);
    run_until(&world, at_once);
    write_text(&world.b, "x");
    tt_socket_finish(&world.b.socket);
    close_pair(&world);
}

static void the_peers_end_leaves_our_side_open(void **unused)
{
    (void)unused;
    struct world world;
    open_pair(&world);
    tt_socket_finish(&world.a.socket);
    run_until(&world, b_ended);
    assert_int_equal(world.b.end, TT_SOCKET_PEER_CLOSED);
    write_text(&world.b, "an answer that was still due");
    tt_socket_finish(&world.b.socket);
    run_until(&world, all_closed);
    assert_int_equal(tt_loop_stats(world.loop)->bytes_in, 28);
    close_pair(&world);
}

static void destroy_self(struct side *side)
{
    tt_socket_destroy(&side->socket);
}

static void destroy_other(struct side *side)
{
    struct side *other = side == &side->world->a ? &side->world->b : &side->world->a;
    if (other->socket != NULL)
        tt_socket_destroy(&other->socket);
}

static bool one_is_gone(struct world *world)
{
    return world->a.socket == NULL || world->b.socket == NULL;
}

static void sockets_may_go_in_any_callback(void **unused)
{
    (void)unused;
    static void (*const ways[])(struct side *) = {destroy_self, destroy_other};
    for (size_t i = 0; i < 4; i++) {
        struct world world;
        open_pair(&world);
        if (i < 2) {
            world.a.on_read = ways[i % 2];
            world.b.on_read = ways[i % 2];
        } else {
            world.a.on_drained = ways[i % 2];
            world.b.on_drained = ways[i % 2];
            tt_socket_want_drained(world.a.socket);
            tt_socket_want_drained(world.b.socket);
        }
        write_text(&world.a, "x");
        write_text(&world.b, "y");
        run_until(&world, one_is_gone);
        close_pair(&world);
    }
}

static void write_once_more(struct world *world)
{
    if (world->a.socket != NULL && world->a.ends == 0)
        write_text(&world->a, "x");
    tt_loop_again(world->loop);
}

static void a_failed_send_ends_the_socket_once(void **unused)
{
    (void)unused;
    struct world world;
    open_pair(&world);
    tt_socket_pause(world.a.socket); /* so that only the send can notice */
    tt_socket_destroy(&world.b.socket);
    world.at_turn_end = write_once_more;
    run_until(&world, a_ended);
    assert_int_equal(world.a.end, TT_SOCKET_FAILED);
    write_text(&world.a, "into the void");
    tt_socket_want_drained(world.a.socket);
    tt_socket_resume(world.a.socket);
    run_until(&world, at_once);
    run_until(&world, at_once);
    assert_int_equal(world.a.ends, 1);
    assert_int_equal(world.a.drains, 0);
    assert_int_equal(tt_socket_buffered(world.a.socket), 0);
    close_pair(&world);
}

static bool a_ended_and_was_told_all(struct world *world)
{
    return world->a.ends > 0 && tt_socket_buffered(world->a.socket) == 0;
}

static void an_end_is_told_once_even_if_sending_fails_later(void **unused)
{
    (void)unused;
    struct world world;
    open_pair(&world);
    tt_socket_destroy(&world.b.socket);
    run_until(&world, a_ended);
    assert_int_equal(world.a.end, TT_SOCKET_PEER_CLOSED);
    write_text(&world.a, "nobody is there any more");
    run_until(&world, at_once);
    run_until(&world, a_ended_and_was_told_all);
    assert_int_equal(world.a.ends, 1);
    close_pair(&world);
}

/* A client that acks and dies without reading what was pushed: the kernel resets, the ack counts.
 */
static void what_came_before_a_reset_is_read(void **unused)
{
    (void)unused;
    struct world world;
    open_pair(&world);
    tt_socket_pause(world.b.socket);
    write_text(&world.a, "pushed");
    run_until(&world, at_once);
    write_text(&world.b, "last ack");
    tt_socket_pause(world.a.socket);
    run_until(&world, at_once);
    tt_socket_destroy(&world.b.socket);
    tt_socket_resume(world.a.socket);
    run_until(&world, a_ended);
    assert_int_equal(world.a.end, TT_SOCKET_FAILED);
    assert_int_equal(world.a.got.size, 8);
    close_pair(&world);
}

static void an_idle_socket_is_small(void **unused)
{
    (void)unused;
    enum { COUNT = 100 };
    struct world world;
    struct tt_socket *sockets[COUNT];
    int fds[2];
    open_pair(&world);
    run_until(&world, at_once);
    size_t before = mallinfo2().uordblks;
    for (int i = 0; i < COUNT; i += 2) {
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
        expect_ok(tt_socket_open(world.loop, fds[0], &events, &world.a, &sockets[i]));
        expect_ok(tt_socket_open(world.loop, fds[1], &events, &world.a, &sockets[i + 1]));
    }
    run_until(&world, at_once);
    size_t each = (mallinfo2().uordblks - before) / COUNT;
    print_message("%zu bytes per idle socket\n", each);
    if (each > 0) /* a sanitizer's allocator counts nothing */
        assert_in_range(each, 1, 300);
    for (int i = 0; i < COUNT; i++)
        tt_socket_destroy(&sockets[i]);
    close_pair(&world);
}

#define CROWD (TT_LOOP_READY_MAX + 100)

static void all_were_read(void *context)
{
    struct world *world = context;
    assert_int_equal(world->a.reads, CROWD);
    tt_loop_stop(world->loop);
}

/* A server that was stopped for a while must not take those for dead whose answers wait. */
static void what_came_while_it_stood_still_is_read_before_it_is_late(void **state)
{
    (void)state;
    static const struct tt_loop_events late_events = {.deadline = all_were_read};
    struct rlimit old;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    struct rlimit wide = {old.rlim_max, old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &wide), 0);
    struct world world = {0};
    assert_true(tt_is_ok(tt_loop_create(&late_events, &world, &world.loop)));
    static struct tt_socket *sockets[CROWD];
    static int others[CROWD];
    for (size_t i = 0; i < CROWD; i++) {
        int pair[2];
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
        others[i] = pair[1];
        assert_int_equal(write(others[i], "x", 1), 1);
        assert_true(tt_is_ok(tt_socket_open(world.loop, pair[0], &events, &world.a, &sockets[i])));
    }
    tt_loop_set_deadline(world.loop, TT_MONO(1));
    tt_loop_run(world.loop);
    for (size_t i = 0; i < CROWD; i++) {
        tt_socket_destroy(&sockets[i]);
        close(others[i]);
    }
    tt_loop_destroy(&world.loop);
    tt_buffer_deinit(&world.a.got);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_turn_sends_once_whatever_is_written),
        cmocka_unit_test(nothing_is_sent_before_the_turn_ends),
        cmocka_unit_test(a_slow_peer_is_waited_for),
        cmocka_unit_test(pages_follow_as_the_socket_drains),
        cmocka_unit_test(drained_comes_also_when_nothing_was_written),
        cmocka_unit_test(the_loop_does_not_sleep_while_there_is_work),
        cmocka_unit_test(what_came_while_it_stood_still_is_read_before_it_is_late),
        cmocka_unit_test(what_comes_in_a_pause_is_read_after_it),
        cmocka_unit_test(a_finished_socket_still_delivers_its_answer),
        cmocka_unit_test(a_finished_socket_does_not_wait_forever),
        cmocka_unit_test(a_loop_ends_with_sockets_that_are_finishing),
        cmocka_unit_test(the_peers_end_leaves_our_side_open),
        cmocka_unit_test(sockets_may_go_in_any_callback),
        cmocka_unit_test(a_failed_send_ends_the_socket_once),
        cmocka_unit_test(an_end_is_told_once_even_if_sending_fails_later),
        cmocka_unit_test(what_came_before_a_reset_is_read),
        cmocka_unit_test(an_idle_socket_is_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
