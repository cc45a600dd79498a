#include "bench.h"

#include "unit.h"

/* Stores and clients that refuse, fail and come late, in each place. */

static void an_ack_that_the_store_refuses_is_refused(void **state)
{
    (void)state;
    struct bench *bench = bench_create(NULL);
    tt_handle alice = bench_connect(bench, "alice", "desk");
    tt_handle bob = bench_connect(bench, "bob", "phone");
    bench_send(bench, alice, "c", "m1");
    bench_send(bench, alice, "c", "m2");
    bench_hold(bench, TT_STORE_ADVANCE);
    bench_say(bench, bob, TT_CLIENT_DELIVERED, "c", 1);
    bench_let_go(bench, TT_STORE_ADVANCE, TT_FAIL(NOT_FOUND));
    expect_said(bench, "bob/phone: error c not_found");
    expect_unsaid(bench, "last_delivered_seq=1");
    bench_say(bench, bob, TT_CLIENT_DELIVERED, "c", 2);
    expect_said(bench, "alice/desk: status_update c last_delivered_seq=2");
    bench_destroy(&bench);
}

/* Once before the socket knows the conversation, and once after. */
static void a_send_that_the_store_refuses_leaves_nothing_behind(void **state)
{
    (void)state;
    struct bench *bench = bench_create(NULL);
    tt_handle alice = bench_connect(bench, "alice", "desk");
    for (int round = 0; round < 2; round++) {
        bench_hold(bench, TT_STORE_APPEND);
        bench_send(bench, alice, "c", "m1");
        bench_let_go(bench, TT_STORE_APPEND, TT_FAIL(NOT_FOUND));
        assert_int_equal(bench_count(bench, "not_found"), round + 1);
        bench_say(bench, alice, TT_CLIENT_OPEN, "c", 0);
    }
    bench_send(bench, alice, "c", "m2");
    expect_said(bench, "alice/desk: sent c seq=2 client_id=m2");
    bench_destroy(&bench);
}

static void an_open_that_the_store_refuses_keeps_no_message_back(void **state)
{
    (void)state;
    struct bench *bench = bench_create(NULL);
    tt_handle bob = bench_connect(bench, "bob", "phone");
    tt_handle alice = bench_connect(bench, "alice", "desk");
    bench_hold(bench, TT_STORE_SNAPSHOT);
    bench_say(bench, bob, TT_CLIENT_OPEN, "c", 0);
    bench_let_go(bench, TT_STORE_SNAPSHOT, TT_FAIL(NOT_FOUND));
    expect_said(bench, "bob/phone: error c not_found");
    bench_send(bench, alice, "c", "m1");
    expect_said(bench, "bob/phone: message c seq=1");
    bench_hold(bench, TT_STORE_SNAPSHOT);
    bench_say(bench, bob, TT_CLIENT_OPEN, "c", 0);
    bench_let_go(bench, TT_STORE_SNAPSHOT, TT_FAIL(NOT_FOUND));
    bench_send(bench, alice, "c", "m2");
    expect_said(bench, "bob/phone: message c seq=2");
    bench_destroy(&bench);
}

/* The conversation cannot be rung for; nothing of it stays. */
static void positions_that_are_not_there_ring_nowhere(void **state)
{
    (void)state;
    struct bench *bench = bench_create(NULL);
    bench_hang_up(bench, bench_connect(bench, "bob", "phone"));
    tt_handle alice = bench_connect(bench, "alice", "desk");
    bench_hold(bench, TT_STORE_POSITIONS);
    bench_send(bench, alice, "c", "m1");
    bench_pass_ms(bench, 4000);
    assert_int_equal(tt_core_counters(bench->core)->push_timers, 1);
    bench_let_go(bench, TT_STORE_POSITIONS, TT_FAIL(NOT_FOUND));
    assert_int_equal(tt_core_counters(bench->core)->push_timers, 0);
    bench_destroy(&bench);
}

/* The word of the unlinking was lost; the store is asked where the device stands, and knows none.
 */
static void a_device_that_is_not_linked_any_more_is_cut_when_something_comes(void **state)
{
    (void)state;
    struct bench *bench = bench_create(NULL);
    tt_handle alice = bench_connect(bench, "alice", "desk");
    (void)bench_connect(bench, "bob", "phone");
    struct tt_store_op *op = tt_store_op_create(TT_STORE_UNLINK_DEVICE);
    op->unlink_device.user = tt_id_of("bob");
    op->unlink_device.device = tt_id_of("phone");
    op->unlink_device.at = bench->now.wall;
    bench_store(bench, op);
    bench_send(bench, alice, "c", "m1");
    expect_said(bench, "bob/phone: closed with 4401");
    expect_unsaid(bench, "bob/phone: message");
    bench_destroy(&bench);
}

/* It is stored, and the answer says so as soon as somebody asks again. */
static void a_conversation_that_cannot_be_read_is_made_all_the_same(void **state)
{
    (void)state;
    struct bench *bench = bench_create(NULL);
    (void)bench_connect(bench, "dave", "phone");
    tt_id members[] = {tt_id_of("alice"), tt_id_of("dave")};
    struct tt_request make = {.kind = TT_REQUEST_CREATE,
                              .create = {.kind = TT_DIRECT, .members = members, .member_count = 2}};
    bench_hold(bench, TT_STORE_LIST_CONVERSATIONS);
    bench_ask(bench, make, "alice", "desk");
    bench_let_go(bench, TT_STORE_LIST_CONVERSATIONS, TT_FAIL(UNAVAILABLE));
    expect_said(bench, "reply: 503");
    expect_unsaid(bench, "conversation_added");
    bench_forget(bench);
    bench_ask(bench, make, "alice", "desk");
    expect_said(bench, "reply: 200");
    bench_destroy(&bench);
}

/* Two sockets of a device, whose registrations are answered in the other order. */
static void the_older_socket_that_is_registered_last_is_replaced(void **state)
{
    (void)state;
    struct bench *bench = bench_create(NULL);
    bench->holds_registry = true;
    (void)bench_connect(bench, "bob", "phone");
    tt_handle newer = bench_connect(bench, "bob", "phone");
    assert_int_equal(bench->lookup_count, 2);
    struct tt_registry_op *first = bench->lookups[0];
    bench->lookups[0] = bench->lookups[1];
    bench->lookups[1] = first;
    bench_let_registry_go(bench, TT_OK);
    assert_int_equal(bench_count(bench, "closed with 4409"), 1);
    bench_forget(bench);
    bench_say(bench, newer, TT_CLIENT_PING, NULL, 0);
    expect_said(bench, "pong");
    bench_destroy(&bench);
}

static void allow_few(struct tt_core_options *options)
{
    options->frames_per_s = 1;
}

static void frames_that_make_no_sense_count_too(void **state)
{
    (void)state;
    struct bench *bench = bench_create(allow_few);
    tt_handle alice = bench_connect(bench, "alice", "desk");
    struct tt_event bad = {
        .kind = TT_EVENT_BAD_FRAME, .handle = alice, .bad_frame = {.err = TT_FAIL(BAD_SEQ)}};
    for (int i = 0; i < 10; i++)
        bench_step(bench, &bad);
    assert_int_equal(bench_count(bench, "invalid_argument"), 5);
    assert_int_equal(bench_count(bench, "rate_limited"), 5);
    bench_destroy(&bench);
}

/* More people in a group than are looked up at once; the word of two of them was lost with a
 * server. */
static void everybody_is_looked_for_again_when_a_server_is_gone(void **state)
{
    (void)state;
    struct bench *bench = bench_create(NULL);
    tt_id members[121];
    members[0] = tt_id_of("alice");
    for (int i = 0; i < 120; i++) {
        char name[] = {'g', (char)('0' + i / 100), (char)('0' + i / 10 % 10), (char)('0' + i % 10),
                       '\0'};
        members[1 + i] = tt_id_of(name);
    }
    struct tt_request make = {
        .kind = TT_REQUEST_CREATE,
        .conversation = tt_id_of("group"),
        .create = {.id_given = true, .kind = TT_GROUP, .members = members, .member_count = 121}};
    bench_ask(bench, make, "alice", "desk");
    tt_handle alice = bench_connect(bench, "alice", "desk");
    bench_say(bench, alice, TT_CLIENT_OPEN, "group", 0);
    expect_said(bench, "alice/desk: conversation group");
    bench_register(bench, "g000", "phone", 1);
    bench_register(bench, "g119", "phone", 1);
    bench_step(bench, &(struct tt_event){.kind = TT_EVENT_NODE_GONE});
    assert_int_equal(bench_count(bench, "online"), 2);
    bench_destroy(&bench);
}

static void an_ack_whose_answer_was_lost_is_shown_in_a_group_too(void **state)
{
    (void)state;
    struct bench *bench = bench_create(NULL);
    tt_id members[4] = {tt_id_of("alice"), tt_id_of("bob"), tt_id_of("carol"), tt_id_of("dave")};
    struct tt_request make = {
        .kind = TT_REQUEST_CREATE,
        .conversation = tt_id_of("g"),
        .create = {.id_given = true, .kind = TT_GROUP, .members = members, .member_count = 4}};
    bench_ask(bench, make, "alice", "desk");
    tt_handle alice = bench_connect(bench, "alice", "desk");
    tt_handle bob = bench_connect(bench, "bob", "phone");
    tt_handle carol = bench_connect(bench, "carol", "phone");
    tt_handle dave = bench_connect(bench, "dave", "phone");
    bench_send(bench, alice, "g", "m1");
    bench_send(bench, alice, "g", "m2");
    bench_send(bench, alice, "g", "m3");
    bench_say(bench, carol, TT_CLIENT_DELIVERED, "g", 2);
    bench_say(bench, dave, TT_CLIENT_DELIVERED, "g", 2);
    expect_unsaid(bench, "alice/desk: status_update");
    bench_hold(bench, TT_STORE_ADVANCE);
    bench_say(bench, bob, TT_CLIENT_DELIVERED, "g", 3);
    bench_let_go(bench, TT_STORE_ADVANCE, TT_FAIL(UNAVAILABLE));
    bench_pass_ms(bench, 20000);
    expect_said(bench, "alice/desk: status_update g last_delivered_seq=2");
    bench_destroy(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_ack_whose_answer_was_lost_is_shown_in_a_group_too),
        cmocka_unit_test(an_ack_that_the_store_refuses_is_refused),
        cmocka_unit_test(a_send_that_the_store_refuses_leaves_nothing_behind),
        cmocka_unit_test(an_open_that_the_store_refuses_keeps_no_message_back),
        cmocka_unit_test(positions_that_are_not_there_ring_nowhere),
        cmocka_unit_test(a_device_that_is_not_linked_any_more_is_cut_when_something_comes),
        cmocka_unit_test(a_conversation_that_cannot_be_read_is_made_all_the_same),
        cmocka_unit_test(the_older_socket_that_is_registered_last_is_replaced),
        cmocka_unit_test(frames_that_make_no_sense_count_too),
        cmocka_unit_test(everybody_is_looked_for_again_when_a_server_is_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
