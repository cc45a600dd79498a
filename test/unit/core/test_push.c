#include "away.h"
#include "unit.h"

/* What rings. Bob has linked a phone, whose push address is known, and is away. */

#define MANY 150

static void say_many(struct bench *bench, tt_handle socket, uint32_t from, uint32_t count)
{
    for (uint32_t i = from; i < from + count; i++) {
        char id[] = "m000";
        id[1] = (char)('0' + i / 100);
        id[2] = (char)('0' + i / 10 % 10);
        id[3] = (char)('0' + i % 10);
        bench_send(bench, socket, "c", id);
        bench->now.mono.ms += 12;
        bench->now.wall.ms += 12;
    }
}

/* Bob's tablet is connected and has not acked, so the phone waits for the delay; by then more
 * messages are there than a node can tell one by one. */
static void a_burst_of_many_rings_for_each(void **state)
{
    (void)state;
    struct bench *bench = bob_is_away();
    tt_handle phone = bench_connect(bench, "bob", "phone");
    tt_handle alice = bench_connect(bench, "alice", "desk");
    say_many(bench, alice, 0, MANY);
    bench_pass_ms(bench, 1500); /* the first steps are due */
    for (int i = 0; i < 20; i++) {
        accept_all(bench, 1, MANY);
        bench_pass_ms(bench, 500);
    }
    assert_int_equal(bench_count(bench, "notify: "), MANY);
    bench_hang_up(bench, phone);
    bench_destroy(&bench);
}

/* Bob's tablet sends "old", and Alice many more, which have all rung since on his phone. */
static void say_something_long_ago(struct bench *bench, tt_handle alice, tt_handle tablet)
{
    bench_register(bench, "bob", "phone", 99);
    bench_send(bench, tablet, "c", "old");
    say_many(bench, alice, 0, MANY);
    for (int i = 0; i < 20; i++) {
        accept_all(bench, 1, 2 * MANY);
        bench_pass_ms(bench, 500);
    }
}

/* Bob's tablet sends again what it sent long ago: that is armed for his other devices. */
static void an_old_message_sent_again_silences_no_new_one(void **state)
{
    (void)state;
    struct bench *bench = bob_is_away();
    tt_handle alice = bench_connect(bench, "alice", "desk");
    tt_handle tablet = bench_connect(bench, "bob", "tablet");
    say_something_long_ago(bench, alice, tablet);
    assert_int_equal(bench_count(bench, "notify: "), MANY);
    bench_forget(bench);
    bench_send(bench, alice, "c", "x1");
    bench_send(bench, tablet, "c", "old");
    bench_pass_ms(bench, 800);
    bench_send(bench, alice, "c", "x2");
    bench_pass_ms(bench, 2400);
    accept_all(bench, 1, 2 * MANY);
    bench_pass_ms(bench, 4000);
    accept_all(bench, 1, 2 * MANY);
    assert_int_equal(bench_count(bench, "notify: "), 2);
    bench_destroy(&bench);
}

/* What another node has stored in between rings there, and not here for the second time. */
static void an_old_message_sent_again_rings_for_nothing_of_others(void **state)
{
    (void)state;
    struct bench *bench = bob_is_away();
    tt_handle alice = bench_connect(bench, "alice", "desk");
    tt_handle tablet = bench_connect(bench, "bob", "tablet");
    say_something_long_ago(bench, alice, tablet);
    bench_forget(bench);
    bench_send(bench, alice, "c", "x1");
    bench_store_message(bench, "c", "alice", "elsewhere");
    bench_send(bench, tablet, "c", "old");
    bench_send(bench, alice, "c", "x2");
    bench_pass_ms(bench, 3200);
    accept_all(bench, 1, 2 * MANY);
    bench_pass_ms(bench, 4000);
    accept_all(bench, 1, 2 * MANY);
    assert_int_equal(bench_count(bench, "notify: "), 2);
    bench_destroy(&bench);
}

/* While the phone is about to ring for one message it turns out that another one, of which nobody
 * here has heard, was stored by another node. */
static void what_is_found_while_it_rings_rings_too(void **state)
{
    (void)state;
    struct bench *bench = bob_is_away();
    tt_handle alice = bench_connect(bench, "alice", "desk");
    bench_forget(bench);
    bench_hold(bench, TT_STORE_GET_USERS);
    bench_send(bench, alice, "c", "x1");
    bench_pass_ms(bench, 10);
    bench_store_message(bench, "c", "alice", "x2");
    bench_send(bench, alice, "c", "x2");
    bench_let_go(bench, TT_STORE_GET_USERS, TT_OK);
    assert_int_equal(bench_count(bench, "notify: "), 1);
    accept_all(bench, 1, 2);
    bench_pass_ms(bench, 4000);
    assert_int_equal(bench_count(bench, "notify: "), 2);
    bench_destroy(&bench);
}

/* The registry has lost the sending device itself: the one that it knows is another. */
static void the_senders_other_device_is_looked_after(void **state)
{
    (void)state;
    struct bench *bench = bob_is_away();
    tt_handle alice = bench_connect(bench, "alice", "desk");
    bench_hang_up(bench, bench_connect(bench, "alice", "tablet"));
    bench_register(bench, "alice", "tablet", 99);
    bench_unregister(bench, "alice", "desk");
    bench_forget(bench);
    bench_send(bench, alice, "c", "x1");
    expect_unsaid(bench, "hint: NUDGE alice");
    bench_pass_ms(bench, 3500);
    expect_said(bench, "hint: NUDGE alice c seq=1");
    bench_destroy(&bench);
}

static void reads_one_message_at_a_time(struct tt_core_options *options)
{
    options->replay_count = 1;
}

/* Alice's message was found late, and Bob's tablet has written since. */
static void what_rings_late_is_found_behind_ones_own(void **state)
{
    (void)state;
    struct bench *bench = bob_is_away_and(reads_one_message_at_a_time);
    tt_handle alice = bench_connect(bench, "alice", "desk");
    tt_handle tablet = bench_connect(bench, "bob", "tablet");
    bench_register(bench, "bob", "phone", 99);
    bench_store_message(bench, "c", "alice", "x1");
    bench_send(bench, alice, "c", "x1");
    bench_send(bench, tablet, "c", "own");
    bench_pass_ms(bench, 5000);
    assert_int_equal(bench_count(bench, "notify: ring bob/phone c seq=1"), 1);
    bench_destroy(&bench);
}

/* Bob's tablet does not know whether its message was stored, and it is looked at where the
 * conversation ends; Alice's is there already, but the answer that says so comes after that. */
static void what_was_only_looked_at_still_rings(void **state)
{
    (void)state;
    struct bench *bench = bob_is_away();
    tt_handle alice = bench_connect(bench, "alice", "desk");
    tt_handle tablet = bench_connect(bench, "bob", "tablet");
    bench_hold(bench, TT_STORE_APPEND);
    bench_send(bench, tablet, "c", "own");
    bench_let_go(bench, TT_STORE_APPEND, TT_FAIL(UNAVAILABLE));
    bench_hold(bench, TT_STORE_APPEND);
    bench_send(bench, alice, "c", "x1");
    bench_pass_ms(bench, 3500);
    bench_let_go(bench, TT_STORE_APPEND, TT_OK);
    bench_pass_ms(bench, 5000);
    assert_int_equal(bench_count(bench, "notify: ring bob/phone c seq=2"), 1);
    accept_all(bench, 2, 2);
    bench_pass_ms(bench, 5000);
    assert_int_equal(kept_as_rung(bench), 2);
    bench_destroy(&bench);
}

/* Nobody knows whether Alice's message was stored, so it is looked for again and again. */
static struct bench *what_was_looked_for_rings(void)
{
    struct bench *bench = bob_is_away();
    tt_handle alice = bench_connect(bench, "alice", "desk");
    bench_hold(bench, TT_STORE_APPEND);
    bench_send(bench, alice, "c", "m1");
    bench_let_go(bench, TT_STORE_APPEND, TT_FAIL(UNAVAILABLE));
    bench_pass_ms(bench, 3500);
    expect_said(bench, "notify: ring bob/phone c seq=1");
    return bench;
}

/* Nobody knows whether Alice's message was stored, and it comes into the store only after that was
 * first looked at. Bob's own behind it is looked at meanwhile, and rings for nobody. */
static void what_was_stored_late_rings_though_what_came_after_it_was_looked_at(void **state)
{
    (void)state;
    struct bench *bench = what_was_looked_for_rings();
    accept_all(bench, 1, 1);
    bench_register(bench, "bob", "phone", 99);
    bench_store_message(bench, "c", "alice", "m2");
    bench_ask(bench,
              (struct tt_request){.kind = TT_REQUEST_SEND,
                                  .conversation = tt_id_of("c"),
                                  .send = {tt_id_of("m3"), TT_SLICE_LITERAL("hello")}},
              "bob", "tablet");
    bench_pass_ms(bench, 3500);
    expect_unsaid(bench, "notify: ring bob/phone c seq=2");
    bench_pass_ms(bench, 5000);
    assert_int_equal(bench_count(bench, "notify: ring bob/phone c seq=2"), 1);
    accept_all(bench, 2, 2);
    bench_pass_ms(bench, 60000);
    assert_int_equal(bench_count(bench, "notify: "), 2);
    bench_destroy(&bench);
}

static void what_cannot_be_kept_as_rung_rings_once(void **state)
{
    (void)state;
    struct bench *bench = what_was_looked_for_rings();
    bench_refuse(bench, TT_STORE_MARK_PUSHED);
    accept_all(bench, 1, 1);
    bench_pass_ms(bench, 60000);
    assert_int_equal(bench_count(bench, "notify: "), 1);
    bench_destroy(&bench);
}

static void what_is_slow_to_be_taken_rings_once(void **state)
{
    (void)state;
    struct bench *bench = what_was_looked_for_rings();
    bench_pass_ms(bench, 20000);
    accept_all(bench, 1, 1);
    bench_pass_ms(bench, 60000);
    assert_int_equal(bench_count(bench, "notify: "), 1);
    bench_destroy(&bench);
}

/* Alice's tablet is looked after; that Bob sends something old again ends that not. */
static void what_was_looked_at_goes_on_being_looked_at(void **state)
{
    (void)state;
    struct bench *bench = bob_is_away();
    tt_handle alice = bench_connect(bench, "alice", "desk");
    bench_hang_up(bench, bench_connect(bench, "alice", "tablet"));
    bench_register(bench, "alice", "tablet", 99);
    tt_handle bob = bench_connect(bench, "bob", "tablet");
    bench_store_message(bench, "c", "bob", "b1");
    bench_send(bench, alice, "c", "x1");
    bench->holds_registry = true;
    bench_pass_ms(bench, 3500);
    bench_let_registry_go(bench, TT_FAIL(UNAVAILABLE));
    expect_unsaid(bench, "hint: NUDGE alice");
    bench_send(bench, bob, "c", "b1");
    bench_forget(bench);
    bench_pass_ms(bench, 8000);
    expect_said(bench, "hint: NUDGE alice c seq=2");
    bench_destroy(&bench);
}

/* Nothing reaches Bob's node for minutes, and nobody knew at first whether the message was stored.
 */
static void who_cannot_be_reached_for_minutes_is_told_soon_after(void **state)
{
    (void)state;
    struct bench *bench = bench_create(NULL);
    tt_handle alice = bench_connect(bench, "alice", "desk");
    bench_hang_up(bench, bench_connect(bench, "bob", "tablet"));
    bench_register(bench, "bob", "tablet", 99);
    bench_hold(bench, TT_STORE_APPEND);
    bench_send(bench, alice, "c", "x1");
    bench_let_go(bench, TT_STORE_APPEND, TT_FAIL(UNAVAILABLE));
    for (int i = 0; i < 6; i++) {
        bench_forget(bench);
        bench_pass_ms(bench, 50000);
        expect_said(bench, "hint: NUDGE bob c seq=1");
    }
    bench_destroy(&bench);
}

static struct bench *bobs_tablet_is_not_reached(void (*change)(struct tt_core_options *options))
{
    struct bench *bench = bench_create(change);
    tt_handle alice = bench_connect(bench, "alice", "desk");
    bench_hang_up(bench, bench_connect(bench, "bob", "tablet"));
    bench_register(bench, "bob", "tablet", 99);
    bench_send(bench, alice, "c", "x1");
    bench_pass_ms(bench, 3500);
    expect_said(bench, "hint: NUDGE bob c seq=1");
    return bench;
}

/* Bob is told of an old message less and less often by now; the new one begins anew. */
static void a_new_message_is_told_again_soon(void **state)
{
    (void)state;
    struct bench *bench = bobs_tablet_is_not_reached(NULL);
    bench_pass_ms(bench, 56500);
    bench_send(bench, bench_connect(bench, "alice", "desk"), "c", "x2");
    bench_pass_ms(bench, 4000);
    bench_forget(bench);
    bench_pass_ms(bench, 6000);
    expect_said(bench, "hint: NUDGE bob c seq=2");
    bench_destroy(&bench);
}

static void who_is_never_reached_is_given_up(void **state)
{
    (void)state;
    struct bench *bench = bobs_tablet_is_not_reached(NULL);
    bench_pass_ms(bench, 480000);
    bench_forget(bench);
    bench_pass_ms(bench, 48000);
    expect_said(bench, "hint: NUDGE bob c seq=1");
    bench_forget(bench);
    bench_pass_ms(bench, 3600000);
    expect_unsaid(bench, "hint: NUDGE");
    assert_int_equal(tt_core_counters(bench->core)->push_timers, 0);
    bench_destroy(&bench);
}

static void rings_at_once(struct tt_core_options *options)
{
    options->push_delay_ms = 10;
}

static void a_short_delay_shortens_no_telling(void **state)
{
    (void)state;
    struct bench *bench = bobs_tablet_is_not_reached(rings_at_once);
    for (int part = 0; part < 9; part++) {
        bench_forget(bench);
        bench_pass_ms(bench, 50000);
        expect_said(bench, "hint: NUDGE bob c seq=1");
    }
    bench_destroy(&bench);
}

/* The store is away for longer than one is told; whoever lacks something is told for as long after
 * that. */
static void an_outage_takes_nothing_of_being_told_again(void **state)
{
    (void)state;
    struct bench *bench = bobs_tablet_is_not_reached(NULL);
    bench_refuse(bench, TT_STORE_POSITIONS);
    bench_pass_ms(bench, 600000);
    bench->refused = 0;
    for (int part = 0; part < 9; part++) {
        bench_forget(bench);
        bench_pass_ms(bench, 50000);
        expect_said(bench, "hint: NUDGE bob c seq=1");
    }
    bench_destroy(&bench);
}

/* A service sends over HTTP with the token of a device whose socket is elsewhere, and the word of
 * it is lost. */
static void what_a_device_sent_over_http_is_told_again_to_its_socket(void **state)
{
    (void)state;
    struct bench *bench = bench_create(NULL);
    bench_register(bench, "alice", "desk", 1);
    struct tt_store_op *op = tt_store_op_create(TT_STORE_LINK_DEVICE);
    op->link_device = (struct tt_link_device){.user = tt_id_of("alice"),
                                              .device = tt_id_of("desk"),
                                              .at = bench->now.wall,
                                              .device_count_max = 16,
                                              .silent_ms_max = INT64_MAX};
    bench_store(bench, op);
    (void)bench_connect(bench, "bob", "phone");
    tt_handle bob = bench_connect(bench, "bob", "tablet");
    bench_send(bench, bob, "c", "m1");
    bench_forget(bench);
    struct tt_request send = {.kind = TT_REQUEST_SEND,
                              .conversation = tt_id_of("c"),
                              .send = {tt_id_of("m2"), TT_SLICE_LITERAL("hello")}};
    bench_ask(bench, send, "alice", "desk");
    expect_said(bench, "hint: MESSAGE alice c seq=2");
    bench_say(bench, bob, TT_CLIENT_DELIVERED, "c", 2);
    bench_forget(bench);
    struct tt_store_op *ack = tt_store_op_create(TT_STORE_ADVANCE);
    ack->advance = (struct tt_advance){.conversation = tt_id_of("c"),
                                       .user = tt_id_of("alice"),
                                       .device = tt_id_of("desk"),
                                       .to = {.delivered = TT_SEQ(1)},
                                       .at = bench->now.wall};
    bench_store(bench, ack);
    bench_pass_ms(bench, 3100);
    expect_said(bench, "hint: NUDGE alice c seq=2");
    bench_destroy(&bench);
}

/* Two reads within a moment are one silent push, to the devices that show something. */
static void what_was_read_elsewhere_goes_from_the_phone(void **state)
{
    (void)state;
    struct bench *bench = bob_is_away();
    bench_hang_up(bench, bench_connect(bench, "bob", "browser"));
    struct tt_store_op *op = tt_store_op_create(TT_STORE_PUT_PUSH_ADDRESS);
    op->put_push_address.user = tt_id_of("bob");
    op->put_push_address.device = tt_id_of("browser");
    op->put_push_address.address_count_max = 10;
    op->put_push_address.address = (struct tt_push_address){
        .provider = TT_PUSH_WEBPUSH, .token = TT_SLICE_LITERAL("https://push.example/1")};
    bench_store(bench, op);
    tt_handle alice = bench_connect(bench, "alice", "desk");
    tt_handle tablet = bench_connect(bench, "bob", "tablet");
    bench_send(bench, alice, "c", "m1");
    bench_send(bench, alice, "c", "m2");
    bench_say(bench, tablet, TT_CLIENT_READ, "c", 1);
    bench_say(bench, tablet, TT_CLIENT_READ, "c", 2);
    bench_forget(bench);
    bench_pass_ms(bench, 2100);
    assert_int_equal(bench_count(bench, "notify: clear"), 1);
    expect_said(bench, "notify: clear bob/phone c seq=2");
    bench_destroy(&bench);
}

static void a_service_that_wants_time_gets_it(void **state)
{
    (void)state;
    struct bench *bench = bob_is_away();
    tt_handle alice = bench_connect(bench, "alice", "desk");
    bench_send(bench, alice, "c", "m1");
    bench_pass_ms(bench, 100);
    expect_said(bench, "notify: ring bob/phone c seq=1");
    bench_forget(bench);
    become_of_it(bench, 1, TT_NOTIFY_LATER, 60000);
    bench_pass_ms(bench, 59000);
    expect_unsaid(bench, "notify");
    bench_pass_ms(bench, 5000);
    assert_int_equal(bench_count(bench, "notify: ring bob/phone c seq=1"), 1);
    become_of_it(bench, 1, TT_NOTIFY_ACCEPTED, 0);
    bench_forget(bench);
    bench_pass_ms(bench, 600000);
    expect_unsaid(bench, "notify");
    bench_destroy(&bench);
}

/* Nothing reaches the node of Bob's phone for minutes, and each time that its service puts the
 * message off is one more reason to look. */
static void what_is_put_off_is_told_again_as_long_as_ever(void **state)
{
    (void)state;
    struct bench *bench = bob_is_away();
    tt_handle alice = bench_connect(bench, "alice", "desk");
    bench_register(bench, "bob", "phone", 99);
    bench_send(bench, alice, "c", "m1");
    size_t rung_in_all = 0;
    for (int part = 0; part < 9; part++) {
        size_t rung = 0;
        bench_forget(bench);
        for (int second = 0; second < 50; second++) {
            bench_pass_ms(bench, 1000);
            for (; rung < bench_count(bench, "notify: ring"); rung++)
                become_of_it(bench, 1, TT_NOTIFY_LATER, 1000);
        }
        rung_in_all += rung;
        expect_said(bench, "hint: NUDGE bob c seq=1");
    }
    assert_true(rung_in_all > 6);
    bench_destroy(&bench);
}

/* Less and less often, and after a day not any more; the next message is tried again. */
static void a_service_that_is_away_for_a_day_is_given_up(void **state)
{
    (void)state;
    struct bench *bench = bob_is_away();
    tt_handle alice = bench_connect(bench, "alice", "desk");
    bench_send(bench, alice, "c", "m1");
    bench_hang_up(bench, alice);
    size_t rung = 0;
    for (int minute = 0; minute < 26 * 60; minute++) {
        rung += bench_count(bench, "notify: ring");
        if (bench_count(bench, "notify: ring") > 0)
            become_of_it(bench, 1, TT_NOTIFY_LATER, 0);
        bench_forget(bench);
        bench_pass_ms(bench, 60000);
    }
    assert_in_range(rung, 24 * 12, 24 * 30);
    assert_int_equal(tt_core_counters(bench->core)->push_timers, 0);
    alice = bench_connect(bench, "alice", "desk");
    bench_send(bench, alice, "c", "m2");
    bench_pass_ms(bench, 100);
    expect_said(bench, "notify: ring bob/phone c seq=2");
    bench_destroy(&bench);
}

static void who_wants_no_preview_is_shown_none(void **state)
{
    (void)state;
    struct bench *bench = bob_is_away();
    tt_handle alice = bench_connect(bench, "alice", "desk");
    bench_send(bench, alice, "c", "m1");
    bench_pass_ms(bench, 100);
    expect_said(bench, "notify: ring bob/phone c seq=1 \"hello\"");
    struct tt_request hide = {.kind = TT_REQUEST_PUT_ME, .put_me = {.set_push_preview = true}};
    bench_ask(bench, hide, "bob", "phone");
    become_of_it(bench, 1, TT_NOTIFY_ACCEPTED, 0);
    bench_forget(bench);
    bench_send(bench, alice, "c", "m2");
    bench_pass_ms(bench, 100);
    expect_said(bench, "notify: ring bob/phone c seq=2");
    expect_unsaid(bench, "hello");
    bench_destroy(&bench);
}

static void hide_all(struct tt_core_options *options)
{
    options->hides_previews = true;
}

static void an_operator_may_hide_all_previews(void **state)
{
    (void)state;
    struct bench *bench = bench_create(hide_all);
    bench_hang_up(bench, bench_connect(bench, "bob", "phone"));
    struct tt_request put = {.kind = TT_REQUEST_PUT_PUSH};
    put.push.device = tt_id_of("phone");
    put.push.address =
        (struct tt_push_address){.provider = TT_PUSH_APNS, .token = TT_SLICE_LITERAL("token")};
    bench_ask(bench, put, "bob", "phone");
    bench_pass_ms(bench, 3000);
    tt_handle alice = bench_connect(bench, "alice", "desk");
    bench_send(bench, alice, "c", "m1");
    bench_pass_ms(bench, 100);
    expect_said(bench, "notify: ring bob/phone c seq=1");
    expect_unsaid(bench, "hello\"");
    bench_destroy(&bench);
}

/* Each of the things that must be known before it rings, once not there. */
static void what_could_not_be_looked_up_rings_a_little_later(void **state)
{
    (void)state;
    static const enum tt_store_op_kind asked[] = {TT_STORE_POSITIONS, TT_STORE_LIST_PUSH_ADDRESSES,
                                                  TT_STORE_READ_MESSAGES, TT_STORE_GET_USERS};
    for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
        struct bench *bench = bob_is_away();
        tt_handle alice = bench_connect(bench, "alice", "desk");
        bench_hold(bench, asked[i]);
        bench_send(bench, alice, "c", "m1");
        bench_let_go(bench, asked[i], TT_FAIL(UNAVAILABLE));
        expect_unsaid(bench, "notify");
        bench_pass_ms(bench, 10000);
        assert_int_equal(bench_count(bench, "notify: ring bob/phone c seq=1"), 1);
        bench_destroy(&bench);
    }
}

/* Bob's tablet is told again and again meanwhile, which takes longer each time. */
static void what_must_ring_does_not_wait_for_who_is_told_again(void **state)
{
    (void)state;
    struct bench *bench = bob_is_away();
    tt_handle alice = bench_connect(bench, "alice", "desk");
    (void)bench_connect(bench, "bob", "tablet");
    bench_hold(bench, TT_STORE_LIST_PUSH_ADDRESSES);
    bench_send(bench, alice, "c", "m1");
    for (int i = 0; i < 10; i++) {
        bench_let_go(bench, TT_STORE_LIST_PUSH_ADDRESSES, TT_FAIL(UNAVAILABLE));
        bench_hold(bench, TT_STORE_LIST_PUSH_ADDRESSES);
        bench_pass_ms(bench, 1000);
    }
    bench_let_go(bench, TT_STORE_LIST_PUSH_ADDRESSES, TT_FAIL(UNAVAILABLE));
    bench_hold(bench, TT_STORE_POSITIONS);
    bench_pass_ms(bench, 1000);
    bench_let_go(bench, TT_STORE_POSITIONS, TT_FAIL(UNAVAILABLE));
    expect_unsaid(bench, "notify");
    bench_pass_ms(bench, 3000);
    assert_int_equal(bench_count(bench, "notify: ring bob/phone c seq=1"), 1);
    bench_destroy(&bench);
}

/* Bob's tablet is connected elsewhere, was unlinked, and no word of that came there. */
static void a_device_that_is_linked_no_more_is_cut_when_it_is_found(void **state)
{
    (void)state;
    struct bench *bench = bob_is_away();
    tt_handle alice = bench_connect(bench, "alice", "desk");
    bench_register(bench, "bob", "tablet", 7);
    bench_send(bench, alice, "c", "m1");
    bench_pass_ms(bench, 4000);
    expect_said(bench, "hint: CUT bob/tablet");
    expect_unsaid(bench, "hint: CUT bob/phone");
    bench_destroy(&bench);
}

/* Another node was about to ring for x2 when it died, and Bob's tablet has written since: that it
 * rings for nobody is nothing that was rung for, and what is not marked is found again. */
static void ones_own_message_is_not_marked_as_rung_for(void **state)
{
    (void)state;
    struct bench *bench = bob_is_away();
    tt_handle alice = bench_connect(bench, "alice", "desk");
    tt_handle tablet = bench_connect(bench, "bob", "tablet");
    bench_register(bench, "bob", "phone", 99);
    bench_send(bench, alice, "c", "x1");
    bench_store_message(bench, "c", "alice", "x2");
    bench_send(bench, tablet, "c", "own");
    bench_pass_ms(bench, 4000);
    accept_all(bench, 1, 1);
    assert_int_equal(kept_as_rung(bench), 1);
    bench_destroy(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_burst_of_many_rings_for_each),
        cmocka_unit_test(an_old_message_sent_again_silences_no_new_one),
        cmocka_unit_test(an_old_message_sent_again_rings_for_nothing_of_others),
        cmocka_unit_test(what_is_found_while_it_rings_rings_too),
        cmocka_unit_test(the_senders_other_device_is_looked_after),
        cmocka_unit_test(what_rings_late_is_found_behind_ones_own),
        cmocka_unit_test(what_was_only_looked_at_still_rings),
        cmocka_unit_test(what_was_stored_late_rings_though_what_came_after_it_was_looked_at),
        cmocka_unit_test(what_cannot_be_kept_as_rung_rings_once),
        cmocka_unit_test(what_is_slow_to_be_taken_rings_once),
        cmocka_unit_test(what_was_looked_at_goes_on_being_looked_at),
        cmocka_unit_test(who_cannot_be_reached_for_minutes_is_told_soon_after),
        cmocka_unit_test(a_new_message_is_told_again_soon),
        cmocka_unit_test(who_is_never_reached_is_given_up),
        cmocka_unit_test(a_short_delay_shortens_no_telling),
        cmocka_unit_test(an_outage_takes_nothing_of_being_told_again),
        cmocka_unit_test(what_was_read_elsewhere_goes_from_the_phone),
        cmocka_unit_test(a_service_that_wants_time_gets_it),
        cmocka_unit_test(what_is_put_off_is_told_again_as_long_as_ever),
        cmocka_unit_test(a_service_that_is_away_for_a_day_is_given_up),
        cmocka_unit_test(who_wants_no_preview_is_shown_none),
        cmocka_unit_test(an_operator_may_hide_all_previews),
        cmocka_unit_test(what_could_not_be_looked_up_rings_a_little_later),
        cmocka_unit_test(what_must_ring_does_not_wait_for_who_is_told_again),
        cmocka_unit_test(ones_own_message_is_not_marked_as_rung_for),
        cmocka_unit_test(a_device_that_is_linked_no_more_is_cut_when_it_is_found),
        cmocka_unit_test(what_a_device_sent_over_http_is_told_again_to_its_socket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
