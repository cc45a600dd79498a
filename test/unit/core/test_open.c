#include "bench.h"
#include "unit.h"

/* What is on a device's screen, and who is told of whom because of it. */

static const struct tt_request mark = {.kind = TT_REQUEST_SNAPSHOT,
                                       .snapshot = {.mark_open = true}};

static struct tt_hint handed(const char *conversation)
{
    return (struct tt_hint){.kind = TT_HINT_HANDED,
                            .user = tt_id_of("alice"),
                            .device = tt_id_of("desk"),
                            .conversation = tt_id_of(conversation),
                            .opened = true,
                            .reply_to = bench_elsewhere(),
                            .waiter = {7, 7}};
}

static struct tt_hint marked(const char *conversation, tt_seq turn)
{
    return (struct tt_hint){.kind = TT_HINT_MARK,
                            .user = tt_id_of("alice"),
                            .device = tt_id_of("desk"),
                            .conversation = tt_id_of(conversation),
                            .message = {.seq = turn}};
}

static void come(struct bench *bench, const char *user)
{
    (void)bench_connect(bench, user, "phone");
}

static void a_failed_open_of_what_is_open_leaves_nothing_untold(void **state)
{
    (void)state;
    struct bench *bench = bench_create(NULL);
    tt_handle alice = bench_connect(bench, "alice", "desk");
    bench_say(bench, alice, TT_CLIENT_OPEN, "c", 0);
    bench_hold(bench, TT_STORE_SNAPSHOT);
    bench_say(bench, alice, TT_CLIENT_OPEN, "c", 0);
    bench_forget(bench);
    come(bench, "bob");
    expect_unsaid(bench, "alice/desk: presence");
    bench_let_go(bench, TT_STORE_SNAPSHOT, TT_FAIL(UNAVAILABLE));
    expect_said(bench, "alice/desk: error c unavailable");
    expect_said(bench, "alice/desk: presence c of bob online");
    bench_destroy(&bench);
}

static void an_open_that_is_answered_says_nothing_twice(void **state)
{
    (void)state;
    struct bench *bench = bench_create(NULL);
    tt_handle alice = bench_connect(bench, "alice", "desk");
    bench_say(bench, alice, TT_CLIENT_OPEN, "c", 0);
    bench_hold(bench, TT_STORE_SNAPSHOT);
    bench_say(bench, alice, TT_CLIENT_OPEN, "c", 0);
    bench_forget(bench);
    come(bench, "bob");
    bench_let_go(bench, TT_STORE_SNAPSHOT, TT_OK);
    expect_said(bench, "alice/desk: conversation c");
    expect_said(bench, "bob online");
    expect_unsaid(bench, "alice/desk: presence");
    bench_destroy(&bench);
}

/* While the answer is on its way Bob's phone hears of another message, and reads it on his tablet.
 */
static void an_open_says_no_less_than_was_said_meanwhile(void **state)
{
    (void)state;
    struct bench *bench = bench_create(NULL);
    tt_handle alice = bench_connect(bench, "alice", "desk");
    tt_handle phone = bench_connect(bench, "bob", "phone");
    tt_handle tablet = bench_connect(bench, "bob", "tablet");
    bench_say(bench, phone, TT_CLIENT_OPEN, "c", 0);
    bench_send(bench, alice, "c", "m1");
    bench_hold(bench, TT_STORE_SNAPSHOT);
    bench_say(bench, phone, TT_CLIENT_OPEN, "c", 0);
    bench_send(bench, alice, "c", "m2");
    bench_say(bench, tablet, TT_CLIENT_READ, "c", 2);
    bench_pass_ms(bench, 100);
    expect_said(bench, "bob/phone: message c seq=2");
    expect_said(bench, "bob/phone: read_sync c last_read_seq=2");
    bench_forget(bench);
    bench_let_go(bench, TT_STORE_SNAPSHOT, TT_OK);
    expect_said(bench, "bob/phone: conversation c head=2");
    expect_said(bench, "my_last_read_seq=2");
    bench_destroy(&bench);
}

/* Alice's desk has had the answer of a GET and asks once more, because it cannot tell whether that
 * is newer than what its socket said. */
static void an_open_that_fails_says_all_that_is_known(void **state)
{
    (void)state;
    struct bench *bench = bench_create(NULL);
    tt_handle alice = bench_connect(bench, "alice", "desk");
    come(bench, "bob");
    bench_say(bench, alice, TT_CLIENT_OPEN, "c", 0);
    bench_forget(bench);
    bench_hold(bench, TT_STORE_SNAPSHOT);
    bench_say(bench, alice, TT_CLIENT_OPEN, "c", 0);
    bench_let_go(bench, TT_STORE_SNAPSHOT, TT_FAIL(UNAVAILABLE));
    expect_said(bench, "alice/desk: error c unavailable");
    expect_said(bench, "alice/desk: presence c of bob online");
    bench_destroy(&bench);
}

static void share(struct bench *bench, const char *user, bool shares)
{
    bench_ask(bench,
              (struct tt_request){
                  .kind = TT_REQUEST_PUT_ME,
                  .put_me = {.set_share_last_seen = true, .settings = {.share_last_seen = shares}},
              },
              user, "desk");
}

/* Alice shares again; an answer that was asked for before says the contrary, and comes after. */
static void an_old_answer_hides_nobody_for_long(void **state)
{
    (void)state;
    struct bench *bench = bench_create(NULL);
    tt_handle alice = bench_connect(bench, "alice", "desk");
    come(bench, "bob");
    bench_say(bench, alice, TT_CLIENT_OPEN, "c", 0);
    share(bench, "alice", false);
    bench_pass_ms(bench, 100);
    bench_hold(bench, TT_STORE_SNAPSHOT);
    bench_say(bench, bench_connect(bench, "alice", "tablet"), TT_CLIENT_OPEN, "c", 0);
    bench_pass_ms(bench, 10);
    bench_forget(bench);
    share(bench, "alice", true);
    expect_said(bench, "alice/desk: presence c of bob online");
    bench_forget(bench);
    bench_let_go(bench, TT_STORE_SNAPSHOT, TT_OK);
    expect_said(bench, "alice/desk: presence c of bob offline, last seen never");
    bench_pass_ms(bench, 1000);
    expect_said(bench, "alice/desk: presence c of bob online");
    bench_destroy(&bench);
}

/* The hints of two choices come in the other order, or one of them twice. */
static void a_late_word_of_what_alice_shares_changes_nothing(void **state)
{
    (void)state;
    struct bench *bench = bench_create(NULL);
    tt_handle alice = bench_connect(bench, "alice", "desk");
    come(bench, "bob");
    bench_say(bench, alice, TT_CLIENT_OPEN, "c", 0);
    struct tt_hint late = {.kind = TT_HINT_SETTINGS, .user = tt_id_of("alice"), .hidden = true};
    bench_forget(bench);
    bench_hear(bench, &late);
    expect_said(bench, "alice/desk: presence c of bob online");
    share(bench, "alice", false);
    bench_forget(bench);
    late.hidden = false;
    bench_hear(bench, &late);
    expect_unsaid(bench, "bob online");
    bench_destroy(&bench);
}

static void a_late_word_of_what_bob_shares_changes_nothing(void **state)
{
    (void)state;
    struct bench *bench = bench_create(NULL);
    tt_handle alice = bench_connect(bench, "alice", "desk");
    come(bench, "bob");
    bench_say(bench, alice, TT_CLIENT_OPEN, "c", 0);
    struct tt_hint late = {.kind = TT_HINT_PRESENCE,
                           .user = tt_id_of("bob"),
                           .chosen = true,
                           .hidden = true,
                           .version = bench->version,
                           .status = {.online = true}};
    bench_forget(bench);
    bench_hear(bench, &late);
    expect_said(bench, "alice/desk: presence c of bob online");
    share(bench, "bob", false);
    bench_forget(bench);
    late.hidden = false;
    bench_hear(bench, &late);
    expect_unsaid(bench, "bob online");
    bench_destroy(&bench);
}

/* Another node has answered a GET of c for alice's desk; the MARK that it will send. */
static struct tt_hint hand_out_c(struct bench *bench)
{
    struct tt_hint hint = handed("c");
    bench_hear(bench, &hint);
    return marked("c", bench->hint.message.seq);
}

/* Bob has chosen, the store is away, and who looked at him goes. */
static void who_nobody_looks_at_is_not_looked_up_again(void **state)
{
    (void)state;
    struct bench *bench = bench_create(NULL);
    tt_handle alice = bench_connect(bench, "alice", "desk");
    bench_say(bench, alice, TT_CLIENT_OPEN, "c", 0);
    struct tt_hint chosen = {
        .kind = TT_HINT_PRESENCE, .user = tt_id_of("bob"), .chosen = true, .hidden = true};
    bench_hold(bench, TT_STORE_GET_USERS);
    bench_hear(bench, &chosen);
    bench_let_go(bench, TT_STORE_GET_USERS, TT_FAIL(UNAVAILABLE));
    assert_false(tt_core_is_idle(bench->core));
    bench_hold(bench, TT_STORE_GET_USERS);
    bench_pass_ms(bench, 2000);
    bench_hang_up(bench, alice);
    bench_let_go(bench, TT_STORE_GET_USERS, TT_FAIL(UNAVAILABLE));
    assert_true(tt_core_is_idle(bench->core));
    bench_destroy(&bench);
}

static void a_get_elsewhere_puts_the_chat_on_the_screen(void **state)
{
    (void)state;
    struct bench *bench = bench_create(NULL);
    (void)bench_connect(bench, "alice", "desk");
    struct tt_hint hint = hand_out_c(bench);
    expect_said(bench, "hint: HANDED_OK");
    bench_hear(bench, &hint);
    bench_forget(bench);
    come(bench, "bob");
    expect_said(bench, "alice/desk: presence c of bob online");
    bench_destroy(&bench);
}

/* Alice has had her answer and opened another chat since. */
static void a_mark_that_is_late_overrides_nothing(void **state)
{
    (void)state;
    struct bench *bench = bench_create(NULL);
    bench_make(bench, "d", TT_DIRECT, "alice", "dave");
    tt_handle alice = bench_connect(bench, "alice", "desk");
    struct tt_hint hint = hand_out_c(bench);
    bench_say(bench, alice, TT_CLIENT_OPEN, "d", 0);
    bench_hear(bench, &hint);
    bench_forget(bench);
    come(bench, "bob");
    come(bench, "dave");
    expect_unsaid(bench, "alice/desk: presence c");
    expect_said(bench, "alice/desk: presence d of dave online");
    bench_destroy(&bench);
}

static void a_mark_that_is_late_opens_nothing_that_was_closed(void **state)
{
    (void)state;
    struct bench *bench = bench_create(NULL);
    tt_handle alice = bench_connect(bench, "alice", "desk");
    struct tt_hint hint = hand_out_c(bench);
    bench_say(bench, alice, TT_CLIENT_CLOSE, "c", 0);
    bench_hear(bench, &hint);
    come(bench, "bob");
    expect_unsaid(bench, "alice/desk: presence");
    bench_destroy(&bench);
}

/* Two sockets of a node never have the same turn, nor do two of a device. */
static void a_mark_is_for_the_socket_that_was_asked(void **state)
{
    (void)state;
    struct bench *bench = bench_create(NULL);
    tt_handle first = bench_connect(bench, "alice", "desk");
    struct tt_hint hint = hand_out_c(bench);
    bench_hang_up(bench, first);
    (void)bench_connect(bench, "alice", "desk");
    bench_hear(bench, &hint);
    come(bench, "bob");
    expect_unsaid(bench, "alice/desk: presence");
    bench_destroy(&bench);
}

/* This node answers the GET; the socket is elsewhere. */
static void the_mark_goes_out_before_the_answer_and_not_after_it(void **state)
{
    (void)state;
    struct bench *bench = bench_create(NULL);
    bench_register(bench, "alice", "desk", 1);
    struct tt_request request = mark;
    request.conversation = tt_id_of("c");
    bench_ask(bench, request, "alice", "desk");
    expect_said(bench, "hint: HANDED");
    expect_unsaid(bench, "reply");
    struct tt_hint ok = {.kind = TT_HINT_HANDED_OK,
                         .message = {.seq = TT_SEQ(5)},
                         .reply_to = bench_elsewhere(),
                         .waiter = bench->hint.waiter};
    bench_hear(bench, &ok);
    expect_said(bench, "hint: MARK");
    expect_said(bench, "reply: 200");
    bench_forget(bench);
    bench_hear(bench, &ok);
    expect_unsaid(bench, "MARK");
    bench_ask(bench, request, "alice", "desk");
    ok.waiter = bench->hint.waiter;
    bench_pass_ms(bench, 300);
    expect_said(bench, "reply: 200");
    bench_hear(bench, &ok);
    expect_unsaid(bench, "MARK");
    bench_destroy(&bench);
}

/* Bob came after the GET had looked him up and before the mark; somebody else here knows. */
static void a_mark_tells_what_is_known_beyond_the_answer(void **state)
{
    (void)state;
    struct bench *bench = bench_create(NULL);
    tt_handle tablet = bench_connect(bench, "alice", "tablet");
    (void)bench_connect(bench, "alice", "desk");
    bench_say(bench, tablet, TT_CLIENT_OPEN, "c", 0);
    struct tt_hint hint = hand_out_c(bench);
    hint.version = bench->version;
    come(bench, "bob");
    expect_said(bench, "alice/tablet: presence c of bob online");
    bench_forget(bench);
    bench_hear(bench, &hint);
    expect_said(bench, "alice/desk: presence c of bob online");
    bench_destroy(&bench);
}

/* The clock had jumped three hours ahead when Bob left, and is right again. */
static void a_last_seen_of_a_clock_that_had_jumped_is_not_known(void **state)
{
    (void)state;
    struct bench *bench = bench_create(NULL);
    tt_handle alice = bench_connect(bench, "alice", "desk");
    tt_handle bob = bench_connect(bench, "bob", "phone");
    bench->now.wall.ms += 3 * 3600000;
    bench_hang_up(bench, bob);
    bench_pass_ms(bench, 3000);
    bench->now.wall.ms -= 3 * 3600000;
    bench_forget(bench);
    bench_say(bench, alice, TT_CLIENT_OPEN, "c", 0);
    struct tt_request list = {.kind = TT_REQUEST_LIST};
    bench_ask(bench, list, "alice", "desk");
    expect_said(bench, "bob offline, last seen never");
    expect_unsaid(bench, "last seen 2");
    bench->now.wall.ms += 3 * 3600000;
    bench_say(bench, alice, TT_CLIENT_OPEN, "c", 0);
    expect_said(bench, "bob offline, last seen 2");
    bench_destroy(&bench);
}

/* The last of three acks, and the other two are shown it for the first time on their sockets. */
static void a_first_tick_for_many_is_read_once(void **state)
{
    (void)state;
    struct bench *bench = bench_create(NULL);
    tt_id members[] = {tt_id_of("alice"), tt_id_of("bob"), tt_id_of("carol")};
    struct tt_store_op *op = tt_store_op_create(TT_STORE_CREATE_CONVERSATION);
    op->create_conversation = (struct tt_create_conversation){
        .conversation = {.id = tt_id_of("g"),
                         .kind = TT_GROUP,
                         .members = members,
                         .member_count = 3},
        .creator = members[0],
        .id_given = true,
        .conversation_count_max = 100,
    };
    bench_store(bench, op);
    tt_handle alice = bench_connect(bench, "alice", "desk");
    tt_handle bob = bench_connect(bench, "bob", "phone");
    tt_handle carol = bench_connect(bench, "carol", "pad");
    bench_send(bench, alice, "g", "m1");
    bench_say(bench, bob, TT_CLIENT_DELIVERED, "g", 1);
    bench_forget(bench);
    bench_hold(bench, TT_STORE_SNAPSHOT);
    bench_say(bench, carol, TT_CLIENT_DELIVERED, "g", 1);
    expect_unsaid(bench, "status_update");
    assert_int_equal(bench->op_count, 1);
    bench_let_go(bench, TT_STORE_SNAPSHOT, TT_OK);
    expect_said(bench, "alice/desk: status_update g last_delivered_seq=1");
    expect_said(bench, "bob/phone: status_update g last_delivered_seq=1");
    expect_unsaid(bench, "carol/pad: status_update");

    /* A socket that goes away meanwhile takes nobody with it. */
    bench_hang_up(bench, alice);
    bench_hang_up(bench, bob);
    alice = bench_connect(bench, "alice", "desk");
    bob = bench_connect(bench, "bob", "phone");
    bench_send(bench, alice, "g", "m2");
    bench_say(bench, bob, TT_CLIENT_DELIVERED, "g", 2);
    bench_hold(bench, TT_STORE_SNAPSHOT);
    bench_say(bench, carol, TT_CLIENT_DELIVERED, "g", 2);
    bench_hang_up(bench, alice);
    bench_forget(bench);
    bench_let_go(bench, TT_STORE_SNAPSHOT, TT_OK);
    expect_said(bench, "bob/phone: status_update g last_delivered_seq=2");
    bench_destroy(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_first_tick_for_many_is_read_once),
        cmocka_unit_test(a_failed_open_of_what_is_open_leaves_nothing_untold),
        cmocka_unit_test(an_open_that_is_answered_says_nothing_twice),
        cmocka_unit_test(an_open_that_fails_says_all_that_is_known),
        cmocka_unit_test(an_open_says_no_less_than_was_said_meanwhile),
        cmocka_unit_test(an_old_answer_hides_nobody_for_long),
        cmocka_unit_test(a_late_word_of_what_alice_shares_changes_nothing),
        cmocka_unit_test(a_late_word_of_what_bob_shares_changes_nothing),
        cmocka_unit_test(who_nobody_looks_at_is_not_looked_up_again),
        cmocka_unit_test(a_get_elsewhere_puts_the_chat_on_the_screen),
        cmocka_unit_test(a_mark_that_is_late_overrides_nothing),
        cmocka_unit_test(a_mark_that_is_late_opens_nothing_that_was_closed),
        cmocka_unit_test(a_mark_is_for_the_socket_that_was_asked),
        cmocka_unit_test(the_mark_goes_out_before_the_answer_and_not_after_it),
        cmocka_unit_test(a_mark_tells_what_is_known_beyond_the_answer),
        cmocka_unit_test(a_last_seen_of_a_clock_that_had_jumped_is_not_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
