#include "bench.h"
#include "unit.h"

/* What hunts have found once, each played again. */

static void keep_one_stream(struct tt_core_options *options)
{
    options->streams_kept = 1;
}

/* The snapshot was read before Bob's second ack, and is answered after it was shown. Meanwhile the
 * stream that knows what was shown is the oldest of too many. */
static void a_snapshot_under_way_holds_what_its_socket_was_shown(void **state)
{
    (void)state;
    struct bench *bench = bench_create(keep_one_stream);
    bench_make(bench, "d", TT_DIRECT, "alice", "dave");
    bench_make(bench, "e", TT_DIRECT, "alice", "erin");
    tt_handle bob = bench_connect(bench, "bob", "phone");
    tt_handle alice = bench_connect(bench, "alice", "desk");
    bench_send(bench, alice, "c", "m1");
    bench_send(bench, alice, "c", "m2");
    bench_say(bench, bob, TT_CLIENT_DELIVERED, "c", 1);
    bench_hold(bench, TT_STORE_SNAPSHOT);
    bench_say(bench, alice, TT_CLIENT_OPEN, "c", 0);
    bench_say(bench, bob, TT_CLIENT_DELIVERED, "c", 2);
    bench_say(bench, alice, TT_CLIENT_OPEN, "d", 0);
    bench_send(bench, alice, "d", "m3");
    bench_send(bench, alice, "e", "m4");
    bench_forget(bench);
    bench_let_go(bench, TT_STORE_SNAPSHOT, TT_OK);
    expect_said(bench, "alice/desk: conversation c head=2");
    expect_unsaid(bench, "last_delivered_seq=1");
    bench_destroy(&bench);
}

static void a_late_read_sync_goes_not_back(void **state)
{
    (void)state;
    struct bench *bench = bench_create(NULL);
    tt_handle alice = bench_connect(bench, "alice", "desk");
    tt_handle bob = bench_connect(bench, "bob", "phone");
    bench_send(bench, alice, "c", "m1");
    bench_send(bench, alice, "c", "m2");
    bench_say(bench, bob, TT_CLIENT_READ, "c", 2);
    expect_said(bench, "bob/phone: read_sync c last_read_seq=2");
    bench_forget(bench);
    struct tt_hint late = {.kind = TT_HINT_READ_SYNC,
                           .user = tt_id_of("bob"),
                           .conversation = tt_id_of("c"),
                           .cursor = {.read = TT_SEQ(1)}};
    bench_hear(bench, &late);
    expect_unsaid(bench, "last_read_seq=1");
    bench_destroy(&bench);
}

/* They wait for the position, and none of them is lost or refused. */
static void a_burst_of_acks_on_a_new_socket_is_taken(void **state)
{
    (void)state;
    struct bench *bench = bench_create(NULL);
    tt_handle alice = bench_connect(bench, "alice", "desk");
    tt_handle bob = bench_connect(bench, "bob", "phone");
    for (int i = 0; i < 9; i++) {
        char id[] = {'m', (char)('0' + i), '\0'};
        bench_send(bench, alice, "c", id);
    }
    bench_say(bench, bob, TT_CLIENT_DELIVERED, "c", 9);
    bench_hang_up(bench, bob);
    bench_forget(bench);
    bob = bench_connect(bench, "bob", "phone");
    bench_hold(bench, TT_STORE_POSITIONS);
    for (uint64_t seq = 1; seq <= 9; seq++)
        bench_say(bench, bob, TT_CLIENT_READ, "c", seq);
    bench_let_go(bench, TT_STORE_POSITIONS, TT_OK);
    expect_unsaid(bench, "error");
    expect_said(bench, "alice/desk: status_update c last_read_seq=9");
    bench_destroy(&bench);
}

static void a_device_that_is_unlinked_while_it_connects_is_cut(void **state)
{
    (void)state;
    struct bench *bench = bench_create(NULL);
    bench->holds_registry = true;
    (void)bench_connect(bench, "bob", "phone");
    struct tt_store_op *op = tt_store_op_create(TT_STORE_UNLINK_DEVICE);
    op->unlink_device.user = tt_id_of("bob");
    op->unlink_device.device = tt_id_of("phone");
    op->unlink_device.at = bench->now.wall;
    bench_store(bench, op);
    bench_let_registry_go(bench, TT_OK);
    expect_said(bench, "bob/phone: closed with 4401");
    bench_destroy(&bench);
}

/* Who shares what is not known: to show somebody offline then would be a lie. */
static void no_chat_is_opened_without_knowing_who_shares(void **state)
{
    (void)state;
    struct bench *bench = bench_create(NULL);
    (void)bench_connect(bench, "bob", "phone");
    tt_handle alice = bench_connect(bench, "alice", "desk");
    bench_hold(bench, TT_STORE_GET_USERS);
    bench_say(bench, alice, TT_CLIENT_OPEN, "c", 0);
    bench_let_go(bench, TT_STORE_GET_USERS, TT_FAIL(UNAVAILABLE));
    expect_said(bench, "alice/desk: error c unavailable");
    expect_unsaid(bench, "alice/desk: conversation");
    bench_destroy(&bench);
}

/* The members of `c` come late; `d` was opened since. */
static void an_open_that_comes_late_is_void(void **state)
{
    (void)state;
    struct bench *bench = bench_create(NULL);
    bench_make(bench, "d", TT_DIRECT, "alice", "dave");
    tt_handle alice = bench_connect(bench, "alice", "desk");
    bench_say(bench, alice, TT_CLIENT_OPEN, "d", 0);
    bench_hold(bench, TT_STORE_GET_CONVERSATION);
    bench_say(bench, alice, TT_CLIENT_OPEN, "c", 0);
    bench_say(bench, alice, TT_CLIENT_OPEN, "d", 0);
    bench_let_go(bench, TT_STORE_GET_CONVERSATION, TT_OK);
    bench_forget(bench);
    (void)bench_connect(bench, "bob", "phone");
    (void)bench_connect(bench, "dave", "phone");
    expect_unsaid(bench, "alice/desk: presence c");
    expect_said(bench, "alice/desk: presence d of dave online");
    bench_destroy(&bench);
}

/* The store keeps nobody waiting for a registry that is away. */
static void a_registry_that_is_away_stalls_no_reading(void **state)
{
    (void)state;
    struct bench *bench = bench_create(NULL);
    tt_handle alice = bench_connect(bench, "alice", "desk");
    tt_handle bob = bench_connect(bench, "bob", "phone");
    bench_hang_up(bench, bob);
    bench_send(bench, alice, "c", "m1");
    bench->holds_registry = true;
    bench_forget(bench);
    (void)bench_connect(bench, "bob", "phone");
    bench_let_registry_go(bench, TT_FAIL(UNAVAILABLE));
    expect_said(bench, "bob/phone: hello resumed");
    expect_said(bench, "bob/phone: message c seq=1");
    bench_destroy(&bench);
}

/* Alice has stopped sharing, and the word of it was lost: her next socket here brings it. */
static void who_stopped_sharing_sees_nobody_from_his_next_connect_on(void **state)
{
    (void)state;
    struct bench *bench = bench_create(NULL);
    (void)bench_connect(bench, "bob", "phone");
    tt_handle alice = bench_connect(bench, "alice", "desk");
    bench_say(bench, alice, TT_CLIENT_OPEN, "c", 0);
    expect_said(bench, "bob online");
    struct tt_store_op *op = tt_store_op_create(TT_STORE_PUT_USER);
    op->put_user.user = tt_id_of("alice");
    op->put_user.set_share_last_seen = true;
    bench_store(bench, op);
    bench_pass_ms(bench, 10);
    (void)bench_connect(bench, "alice", "tablet");
    expect_said(bench, "alice/desk: presence c of bob offline, last seen never");
    bench_destroy(&bench);
}

/* The position could not be read, and then neither could the snapshot: the ack waits all the same.
 */
static void an_open_that_fails_drops_no_ack_that_waits(void **state)
{
    (void)state;
    struct bench *bench = bench_create(NULL);
    tt_handle alice = bench_connect(bench, "alice", "desk");
    tt_handle bob = bench_connect(bench, "bob", "phone");
    bench_send(bench, alice, "c", "m1");
    bench_say(bench, bob, TT_CLIENT_DELIVERED, "c", 1);
    bench_hang_up(bench, bob);
    bob = bench_connect(bench, "bob", "phone");
    bench_forget(bench);
    bench_hold(bench, TT_STORE_POSITIONS);
    bench_say(bench, bob, TT_CLIENT_READ, "c", 1);
    bench_let_go(bench, TT_STORE_POSITIONS, TT_FAIL(UNAVAILABLE));
    bench_hold(bench, TT_STORE_SNAPSHOT);
    bench_say(bench, bob, TT_CLIENT_OPEN, "c", 0);
    bench_let_go(bench, TT_STORE_SNAPSHOT, TT_FAIL(UNAVAILABLE));
    bench_pass_ms(bench, 2000);
    expect_said(bench, "alice/desk: status_update c last_read_seq=1");
    bench_destroy(&bench);
}

static void be_the_only_node(struct tt_core_options *options)
{
    options->is_only_node = true;
}

/* Whoever is connected is connected here, so a round has nothing to look up. */
static void the_only_node_asks_no_registry(void **state)
{
    (void)state;
    struct bench *bench = bench_create(be_the_only_node);
    tt_handle bob = bench_connect(bench, "bob", "phone");
    tt_handle alice = bench_connect(bench, "alice", "desk");
    bench->holds_registry = true;
    bench_send(bench, alice, "c", "m1");
    bench_say(bench, bob, TT_CLIENT_DELIVERED, "c", 1);
    bench_say(bench, bob, TT_CLIENT_READ, "c", 1);
    assert_int_equal(bench->lookup_count, 0);
    expect_said(bench, "bob/phone: message c");
    expect_said(bench, "last_delivered_seq=1");
    expect_said(bench, "bob/phone: read_sync c last_read_seq=1");
    bench_destroy(&bench);
}

static void let_little_wait(struct tt_core_options *options)
{
    options->undrained_bytes_max = 1000;
    options->slow_bytes_max = 4000;
}

static void ping(struct bench *bench, tt_handle socket, int count)
{
    for (int i = 0; i < count; i++)
        bench_say(bench, socket, TT_CLIENT_PING, NULL, 0);
}

static void drain(struct bench *bench, tt_handle socket)
{
    bench_step(bench, &(struct tt_event){.kind = TT_EVENT_DRAINED, .handle = socket});
}

/* DRAINED speaks of what was sent before it was asked for. What came after it waits still, and
 * counts; each of the two rounds alone is below the limit. */
static void what_was_sent_since_it_was_asked_still_waits(void **state)
{
    (void)state;
    struct bench *bench = bench_create(let_little_wait);
    tt_handle alice = bench_connect(bench, "alice", "desk");
    bench_forget(bench);
    ping(bench, alice, 8);
    assert_int_equal(bench_count(bench, "asked what has left"), 1);
    ping(bench, alice, 16);
    drain(bench, alice);
    assert_int_equal(bench_count(bench, "asked what has left"), 2);
    ping(bench, alice, 16);
    bench_pass_ms(bench, 1);
    expect_said(bench, "alice/desk: closed with 4413");
    bench_destroy(&bench);
}

static void who_takes_everything_in_is_never_cut(void **state)
{
    (void)state;
    struct bench *bench = bench_create(let_little_wait);
    tt_handle alice = bench_connect(bench, "alice", "desk");
    for (int i = 0; i < 20; i++) {
        ping(bench, alice, 16);
        drain(bench, alice);
        drain(bench, alice);
    }
    bench_pass_ms(bench, 1);
    expect_unsaid(bench, "closed");
    bench_destroy(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_snapshot_under_way_holds_what_its_socket_was_shown),
        cmocka_unit_test(a_late_read_sync_goes_not_back),
        cmocka_unit_test(a_burst_of_acks_on_a_new_socket_is_taken),
        cmocka_unit_test(a_device_that_is_unlinked_while_it_connects_is_cut),
        cmocka_unit_test(no_chat_is_opened_without_knowing_who_shares),
        cmocka_unit_test(an_open_that_comes_late_is_void),
        cmocka_unit_test(a_registry_that_is_away_stalls_no_reading),
        cmocka_unit_test(an_open_that_fails_drops_no_ack_that_waits),
        cmocka_unit_test(what_was_sent_since_it_was_asked_still_waits),
        cmocka_unit_test(who_takes_everything_in_is_never_cut),
        cmocka_unit_test(who_stopped_sharing_sees_nobody_from_his_next_connect_on),
        cmocka_unit_test(the_only_node_asks_no_registry),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
