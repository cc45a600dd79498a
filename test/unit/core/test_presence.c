#include "bench.h"
#include "unit.h"

/* What is seen of who shares nothing, and by him: nothing, whatever a device believes from before.
 */

static void share(struct bench *bench, const char *user, bool shares)
{
    bench_ask(bench,
              (struct tt_request){
                  .kind = TT_REQUEST_PUT_ME,
                  .put_me = {.set_share_last_seen = true, .settings = {.share_last_seen = shares}},
              },
              user, "desk");
}

/* Alice's desk has seen Bob online, has looked at another chat since, and opens Bob's once more,
 * while neither the store says what is in it nor the registry where Bob is. */
static struct bench *open_in_vain(tt_handle *alice)
{
    struct bench *bench = bench_create(NULL);
    bench_make(bench, "d", TT_DIRECT, "alice", "dave");
    (void)bench_connect(bench, "bob", "phone");
    *alice = bench_connect(bench, "alice", "desk");
    bench_say(bench, *alice, TT_CLIENT_OPEN, "c", 0);
    expect_said(bench, "bob online");
    bench_say(bench, *alice, TT_CLIENT_OPEN, "d", 0);
    bench_hold(bench, TT_STORE_SNAPSHOT);
    bench->holds_registry = true;
    bench_say(bench, *alice, TT_CLIENT_OPEN, "c", 0);
    bench_forget(bench);
    bench_let_registry_go(bench, TT_FAIL(UNAVAILABLE));
    bench_let_go(bench, TT_STORE_SNAPSHOT, TT_FAIL(UNAVAILABLE));
    expect_said(bench, "alice/desk: error c unavailable");
    expect_unsaid(bench, "alice/desk: presence");
    return bench;
}

static void who_hides_sees_nobody_though_nothing_is_known(void **state)
{
    (void)state;
    tt_handle alice;
    struct bench *bench = open_in_vain(&alice);
    share(bench, "alice", false);
    expect_said(bench, "alice/desk: presence c of bob offline, last seen never");
    bench_destroy(&bench);
}

static void who_hides_is_not_seen_though_nothing_is_known(void **state)
{
    (void)state;
    tt_handle alice;
    struct bench *bench = open_in_vain(&alice);
    struct tt_hint chosen = {
        .kind = TT_HINT_PRESENCE, .user = tt_id_of("bob"), .chosen = true, .hidden = true};
    bench_hold(bench, TT_STORE_GET_USERS);
    bench_hear(bench, &chosen);
    expect_said(bench, "alice/desk: presence c of bob offline, last seen never");
    bench_destroy(&bench);
}

/* He hid while another chat was on the screen, and the open that would say so fails. */
static void an_open_that_fails_shows_nobody_who_hides(void **state)
{
    (void)state;
    struct bench *bench = bench_create(NULL);
    bench_make(bench, "d", TT_DIRECT, "alice", "dave");
    (void)bench_connect(bench, "bob", "phone");
    tt_handle alice = bench_connect(bench, "alice", "desk");
    bench_say(bench, alice, TT_CLIENT_OPEN, "c", 0);
    bench_say(bench, alice, TT_CLIENT_OPEN, "d", 0);
    share(bench, "bob", false);
    bench_hold(bench, TT_STORE_SNAPSHOT);
    bench_say(bench, alice, TT_CLIENT_OPEN, "c", 0);
    bench_forget(bench);
    bench_let_go(bench, TT_STORE_SNAPSHOT, TT_FAIL(UNAVAILABLE));
    expect_said(bench, "alice/desk: error c unavailable");
    expect_said(bench, "alice/desk: presence c of bob offline, last seen never");
    bench_destroy(&bench);
}

/* Another node is about to answer a GET of c for alice's desk, and says that Bob is online; the
 * MARK that it will send. */
static struct tt_hint hand_out_c(struct bench *bench)
{
    struct tt_hint hint = {.kind = TT_HINT_HANDED,
                           .user = tt_id_of("alice"),
                           .device = tt_id_of("desk"),
                           .conversation = tt_id_of("c"),
                           .opened = true,
                           .reply_to = bench_elsewhere(),
                           .waiter = {7, 7}};
    bench_hear(bench, &hint);
    return (struct tt_hint){.kind = TT_HINT_MARK,
                            .user = tt_id_of("alice"),
                            .device = tt_id_of("desk"),
                            .conversation = tt_id_of("c"),
                            .message = {.seq = bench->hint.message.seq},
                            .status = {.online = true},
                            .version = bench->version};
}

static void who_hides_meanwhile_sees_nobody_by_a_get_elsewhere(void **state)
{
    (void)state;
    struct bench *bench = bench_create(NULL);
    (void)bench_connect(bench, "bob", "phone");
    (void)bench_connect(bench, "alice", "desk");
    struct tt_hint hint = hand_out_c(bench);
    share(bench, "alice", false);
    bench_forget(bench);
    bench_hear(bench, &hint);
    expect_said(bench, "alice/desk: presence c of bob offline, last seen never");
    bench_destroy(&bench);
}

/* `is_known`: it is known here already, because somebody else looks at him. */
static void hide_from_a_get_elsewhere(bool is_known)
{
    struct bench *bench = bench_create(NULL);
    (void)bench_connect(bench, "bob", "phone");
    (void)bench_connect(bench, "alice", "desk");
    if (is_known)
        bench_say(bench, bench_connect(bench, "alice", "tablet"), TT_CLIENT_OPEN, "c", 0);
    struct tt_hint hint = hand_out_c(bench);
    share(bench, "bob", false);
    bench_forget(bench);
    bench_hear(bench, &hint);
    assert_int_equal(bench_count(bench, "alice/desk: presence c of bob offline, last seen never"),
                     1);
    expect_unsaid(bench, "bob online");
    bench_destroy(&bench);
}

static void who_hides_meanwhile_is_not_seen_by_a_get_elsewhere(void **state)
{
    (void)state;
    hide_from_a_get_elsewhere(true);
    hide_from_a_get_elsewhere(false);
}

/* Bob is seen again by the time that the answer, which shows nothing of him, is on the screen. */
static void show_to_a_get_elsewhere(bool is_known)
{
    struct bench *bench = bench_create(NULL);
    (void)bench_connect(bench, "bob", "phone");
    (void)bench_connect(bench, "alice", "desk");
    if (is_known)
        bench_say(bench, bench_connect(bench, "alice", "tablet"), TT_CLIENT_OPEN, "c", 0);
    share(bench, "alice", false);
    struct tt_hint hint = hand_out_c(bench);
    hint.hidden = true;
    share(bench, "alice", true);
    bench_forget(bench);
    bench_hear(bench, &hint);
    assert_int_equal(bench_count(bench, "alice/desk: presence c of bob online"), 1);
    bench_destroy(&bench);
}

static void who_shares_meanwhile_is_shown_to_a_get_elsewhere(void **state)
{
    (void)state;
    show_to_a_get_elsewhere(true);
    show_to_a_get_elsewhere(false);
}

static void a_mark_after_nothing_was_shown_shows_nothing(void **state)
{
    (void)state;
    struct bench *bench = bench_create(NULL);
    (void)bench_connect(bench, "bob", "phone");
    (void)bench_connect(bench, "alice", "desk");
    share(bench, "alice", false);
    struct tt_hint hint = hand_out_c(bench);
    hint.hidden = true;
    bench_forget(bench);
    bench_hear(bench, &hint);
    expect_unsaid(bench, "alice/desk: presence");
    bench_destroy(&bench);
}

/* This node answers the GET, the socket is elsewhere, and Bob hides. */
static void a_mark_says_whether_the_answer_showed_anything(void **state)
{
    (void)state;
    struct bench *bench = bench_create(NULL);
    bench_register(bench, "alice", "desk", 1);
    for (int hides = 0; hides < 2; hides++) {
        share(bench, "bob", hides == 0);
        bench_ask(bench,
                  (struct tt_request){.kind = TT_REQUEST_SNAPSHOT,
                                      .conversation = tt_id_of("c"),
                                      .snapshot = {.mark_open = true}},
                  "alice", "desk");
        struct tt_hint ok = {.kind = TT_HINT_HANDED_OK,
                             .message = {.seq = TT_SEQ(5)},
                             .reply_to = bench_elsewhere(),
                             .waiter = bench->hint.waiter};
        bench_hear(bench, &ok);
        assert_int_equal(bench->hint.kind, TT_HINT_MARK);
        assert_int_equal(bench->hint.hidden, hides);
    }
    bench_destroy(&bench);
}

/* Chosen by way of another node, of which no word comes here. */
static void share_elsewhere(struct bench *bench, const char *user, bool shares)
{
    struct tt_store_op *op = tt_store_op_create(TT_STORE_PUT_USER);
    op->put_user.user = tt_id_of(user);
    op->put_user.set_share_last_seen = true;
    op->put_user.settings.share_last_seen = shares;
    bench_store(bench, op);
}

/* Alice hides, and looks again after that; nobody says who shares. */
static void what_was_asked_while_hiding_shows_nobody(void **state)
{
    (void)state;
    struct bench *bench = bench_create(NULL);
    tt_handle alice = bench_connect(bench, "alice", "desk");
    bench_say(bench, alice, TT_CLIENT_OPEN, "c", 0);
    share_elsewhere(bench, "alice", false);
    bench_hold(bench, TT_STORE_GET_USERS);
    bench_say(bench, alice, TT_CLIENT_OPEN, "c", 0);
    bench_let_go(bench, TT_STORE_GET_USERS, TT_FAIL(UNAVAILABLE));
    expect_said(bench, "alice/desk: error c unavailable");
    bench_forget(bench);
    (void)bench_connect(bench, "bob", "phone");
    expect_unsaid(bench, "alice/desk: presence");
    bench_pass_ms(bench, 1000);
    expect_said(bench, "alice/desk: presence c of bob offline, last seen never");
    expect_unsaid(bench, "alice/desk: presence c of bob online");
    bench_destroy(&bench);
}

/* Alice shares again, of which no word has come here; the node that answers her GET knows it. */
static void who_shares_again_unheard_sees_whom_a_get_elsewhere_shows(void **state)
{
    (void)state;
    struct bench *bench = bench_create(NULL);
    (void)bench_connect(bench, "bob", "phone");
    (void)bench_connect(bench, "alice", "desk");
    share(bench, "alice", false);
    share_elsewhere(bench, "alice", true);
    bench_pass_ms(bench, 10);
    struct tt_hint hint = hand_out_c(bench);
    bench_forget(bench);
    bench_hear(bench, &hint);
    expect_said(bench, "alice/desk: presence c of bob online");
    bench_destroy(&bench);
}

/* Another node, which believes that he hides, says how Bob is. */
static void hear_that_bob_may_hide(struct bench *bench, struct tt_status status, uint64_t version)
{
    struct tt_hint hint = {.kind = TT_HINT_PRESENCE,
                           .user = tt_id_of("bob"),
                           .status = status,
                           .version = version,
                           .chosen = true};
    bench_forget(bench);
    bench_hear(bench, &hint);
}

/* Another node believes that Bob hides, says that he is there, or gone, and is wrong. */
static void who_is_thought_to_hide_is_shown_as_he_is(void **state)
{
    (void)state;
    struct bench *bench = bench_create(NULL);
    (void)bench_connect(bench, "bob", "phone");
    bench_say(bench, bench_connect(bench, "alice", "desk"), TT_CLIENT_OPEN, "c", 0);
    hear_that_bob_may_hide(bench, (struct tt_status){.online = true}, UINT64_MAX - 1);
    expect_unsaid(bench, "alice/desk: presence");
    bench_hold(bench, TT_STORE_GET_USERS);
    hear_that_bob_may_hide(bench, (struct tt_status){.last_seen = TT_TIME(1)}, UINT64_MAX);
    expect_unsaid(bench, "alice/desk: presence");
    bench_let_go(bench, TT_STORE_GET_USERS, TT_OK);
    expect_said(bench, "alice/desk: presence c of bob offline");
    expect_unsaid(bench, "alice/desk: presence c of bob offline, last seen never");
    bench_destroy(&bench);
}

static void registry_is_shared(struct tt_core_options *options)
{
    options->reassert_ms = 30000;
}

/* Bob hides on another node after it was read that he shares, and before the registry knows that
 * somebody watches him here: so nobody here is told. */
static void who_hides_while_he_is_opened_is_hidden(void **state)
{
    (void)state;
    struct bench *bench = bench_create(registry_is_shared);
    (void)bench_connect(bench, "bob", "phone");
    tt_handle alice = bench_connect(bench, "alice", "desk");
    bench->holds_registry = true;
    bench_say(bench, alice, TT_CLIENT_OPEN, "c", 0);
    struct tt_store_op *op = tt_store_op_create(TT_STORE_PUT_USER);
    op->put_user.user = tt_id_of("bob");
    op->put_user.set_share_last_seen = true;
    bench_store(bench, op);
    bench_let_registry_go(bench, TT_OK);
    expect_said(bench, "alice/desk: conversation c");
    expect_said(bench, "alice/desk: presence c of bob offline, last seen never");
    bench_destroy(&bench);
}

/* What was not read is asked for by the refresh, and by nothing beside it. */
static void an_open_without_a_store_leaves_nothing_behind(void **state)
{
    (void)state;
    struct bench *bench = bench_create(registry_is_shared);
    tt_handle alice = bench_connect(bench, "alice", "desk");
    bench_refuse(bench, TT_STORE_GET_USERS);
    bench_forget(bench);
    bench_say(bench, alice, TT_CLIENT_OPEN, "c", 0);
    bench_pass_ms(bench, 400);
    expect_said(bench, "alice/desk: error c unavailable");
    assert_int_equal(bench_count(bench, "store: GET_USERS"), 1);
    bench_destroy(&bench);
}

/* It is right, and no word of his choice has come here. */
static void who_hides_unheard_is_not_seen_to_leave(void **state)
{
    (void)state;
    struct bench *bench = bench_create(NULL);
    (void)bench_connect(bench, "bob", "phone");
    bench_say(bench, bench_connect(bench, "alice", "desk"), TT_CLIENT_OPEN, "c", 0);
    share_elsewhere(bench, "bob", false);
    hear_that_bob_may_hide(bench, (struct tt_status){.last_seen = TT_TIME(1)}, UINT64_MAX);
    expect_said(bench, "alice/desk: presence c of bob offline, last seen never");
    assert_int_equal(bench_count(bench, "alice/desk: presence"), 1);
    bench_destroy(&bench);
}

/* Alice hides likewise, and nobody says who shares after a GET elsewhere. */
static void a_mark_while_hiding_shows_nobody(void **state)
{
    (void)state;
    struct bench *bench = bench_create(NULL);
    (void)bench_connect(bench, "alice", "desk");
    bench_say(bench, bench_connect(bench, "alice", "tablet"), TT_CLIENT_OPEN, "c", 0);
    struct tt_hint hint = hand_out_c(bench);
    hint.status = (struct tt_status){.online = false};
    share_elsewhere(bench, "alice", false);
    bench_hold(bench, TT_STORE_GET_USERS);
    bench_hear(bench, &hint);
    bench_let_go(bench, TT_STORE_GET_USERS, TT_FAIL(UNAVAILABLE));
    bench_forget(bench);
    (void)bench_connect(bench, "bob", "phone");
    expect_unsaid(bench, "alice/desk: presence");
    bench_pass_ms(bench, 1000);
    expect_said(bench, "alice/desk: presence c of bob offline, last seen never");
    expect_unsaid(bench, "alice/desk: presence c of bob online");
    bench_destroy(&bench);
}

/* Bob hides, and chooses to share again on another node, of which no word comes here. */
static void who_leaves_is_seen_to_though_his_choice_was_not_heard_of(void **state)
{
    (void)state;
    struct bench *bench = bench_create(NULL);
    share(bench, "bob", false);
    tt_handle bob = bench_connect(bench, "bob", "phone");
    share_elsewhere(bench, "bob", true);
    bench_say(bench, bench_connect(bench, "alice", "desk"), TT_CLIENT_OPEN, "c", 0);
    expect_said(bench, "bob online");
    bench_forget(bench);
    bench_hang_up(bench, bob);
    bench_pass_ms(bench, 3000);
    expect_said(bench, "alice/desk: presence c of bob offline");
    bench_destroy(&bench);
}

/* Who shares, and sees who shares, is told nothing that the answer has said. */
static void a_get_elsewhere_is_told_nothing_twice(void **state)
{
    (void)state;
    struct bench *bench = bench_create(NULL);
    (void)bench_connect(bench, "bob", "phone");
    (void)bench_connect(bench, "alice", "desk");
    struct tt_hint hint = hand_out_c(bench);
    bench_forget(bench);
    bench_hear(bench, &hint);
    expect_unsaid(bench, "alice/desk: presence");
    bench_destroy(&bench);
}

static void who_hides_comes_and_goes_unseen(void **state)
{
    (void)state;
    struct bench *bench = bench_create(NULL);
    tt_handle bob = bench_connect(bench, "bob", "phone");
    tt_handle alice = bench_connect(bench, "alice", "desk");
    share(bench, "bob", false);
    bench_say(bench, alice, TT_CLIENT_OPEN, "c", 0);
    bench_forget(bench);
    bench_hang_up(bench, bob);
    bench_pass_ms(bench, 3000);
    (void)bench_connect(bench, "bob", "phone");
    bench_pass_ms(bench, 3000);
    expect_unsaid(bench, "alice/desk: presence");
    bench_destroy(&bench);
}

/* Bob has left, and the registry has forgotten when: it is to be seen that he was, as soon as the
 * store is asked. */
static struct bench *see_bob_leave(tt_handle *alice)
{
    struct bench *bench = bench_create(NULL);
    tt_handle bob = bench_connect(bench, "bob", "phone");
    *alice = bench_connect(bench, "alice", "desk");
    bench_say(bench, *alice, TT_CLIENT_OPEN, "c", 0);
    bench_hang_up(bench, bob);
    bench_pass_ms(bench, 3000);
    expect_said(bench, "alice/desk: presence c of bob offline, last seen never");
    bench_forget(bench);
    return bench;
}

static void an_open_chat_learns_from_the_store_when_somebody_was_last_seen(void **state)
{
    (void)state;
    tt_handle alice;
    struct bench *bench = see_bob_leave(&alice);
    for (int i = 0; i < 4; i++) {
        bench_pass_ms(bench, 20000);
        bench_say(bench, alice, TT_CLIENT_PING, NULL, 0);
    }
    expect_said(bench, "alice/desk: presence c of bob offline, last seen 20");
    bench_destroy(&bench);
}

static void an_answer_says_when_somebody_was_last_seen_though_the_registry_is_away(void **state)
{
    (void)state;
    tt_handle alice;
    struct bench *bench = see_bob_leave(&alice);
    bench->holds_registry = true;
    bench_say(bench, alice, TT_CLIENT_OPEN, "c", 0);
    bench_let_registry_go(bench, TT_FAIL(UNAVAILABLE));
    expect_said(bench, "bob offline, last seen 20");
    bench_destroy(&bench);
}

/* The tablet shows the chat no more when its answer comes; what the node knew by the desk's is
 * older, or was made wrong by a hint that was lost. */
static void an_answer_is_no_older_than_the_store_where_the_chat_was_closed_again(void **state)
{
    (void)state;
    tt_handle alice;
    struct bench *bench = see_bob_leave(&alice);
    tt_handle tablet = bench_connect(bench, "alice", "tablet");
    const struct tt_request ask = {.kind = TT_REQUEST_SNAPSHOT,
                                   .conversation = tt_id_of("c"),
                                   .snapshot = {.mark_open = true}};
    bench_hold(bench, TT_STORE_GET_USERS);
    bench_ask(bench, ask, "alice", "tablet");
    bench_say(bench, tablet, TT_CLIENT_CLOSE, "c", 0);
    bench_let_go(bench, TT_STORE_GET_USERS, TT_OK);
    expect_said(bench, "reply: 200 c");
    expect_said(bench, "bob offline, last seen 20");
    bench_register(bench, "bob", "phone", 9);
    bench_hold(bench, TT_STORE_GET_USERS);
    bench_ask(bench, ask, "alice", "tablet");
    bench_say(bench, tablet, TT_CLIENT_CLOSE, "c", 0);
    bench_forget(bench);
    bench_let_go(bench, TT_STORE_GET_USERS, TT_OK);
    expect_said(bench, "bob online");
    expect_said(bench, "alice/desk: presence c of bob online");
    bench_destroy(&bench);
}

/* What the screen of one device learns, the other is told. */
static void two_screens_learn_the_same_of_who_was_last_seen(void **state)
{
    (void)state;
    tt_handle alice;
    struct bench *bench = see_bob_leave(&alice);
    bench_say(bench, bench_connect(bench, "alice", "tablet"), TT_CLIENT_OPEN, "c", 0);
    expect_said(bench, "alice/desk: presence c of bob offline, last seen 20");
    bench_destroy(&bench);
}

/* Who shares is not known, so nothing is said, as of a chat that is opened. */
static void a_list_says_of_nobody_that_he_is_offline_when_the_store_is_away(void **state)
{
    (void)state;
    struct bench *bench = bench_create(NULL);
    (void)bench_connect(bench, "bob", "phone");
    bench_hold(bench, TT_STORE_GET_USERS);
    bench_ask(bench, (struct tt_request){.kind = TT_REQUEST_LIST}, "alice", "desk");
    bench_let_go(bench, TT_STORE_GET_USERS, TT_FAIL(UNAVAILABLE));
    expect_said(bench, "reply: 200 entries=1; c unknown");
    bench_destroy(&bench);
}

/* The registry is away when Bob leaves, and hears who asks where he is before it hears that he is
 * gone. */
static void who_leaves_is_seen_to_though_the_registry_hears_it_late(void **state)
{
    (void)state;
    struct bench *bench = bench_create(NULL);
    tt_handle bob = bench_connect(bench, "bob", "phone");
    bench_say(bench, bench_connect(bench, "alice", "desk"), TT_CLIENT_OPEN, "c", 0);
    bench_refuse_registry(bench, TT_REGISTRY_UNREGISTER);
    bench_hang_up(bench, bob);
    bench_pass_ms(bench, 5000);
    expect_unsaid(bench, "alice/desk: presence");
    bench->registry_refused = 0;
    bench_pass_ms(bench, 2000);
    expect_said(bench, "alice/desk: presence c of bob offline");
    bench_destroy(&bench);
}

/* And a reconnect within the grace is told nobody, whatever the registry heard when. */
static void who_comes_back_is_not_seen_to_leave(void **state)
{
    (void)state;
    struct bench *bench = bench_create(NULL);
    tt_handle bob = bench_connect(bench, "bob", "phone");
    bench_say(bench, bench_connect(bench, "alice", "desk"), TT_CLIENT_OPEN, "c", 0);
    bench_refuse_registry(bench, TT_REGISTRY_UNREGISTER);
    bench_hang_up(bench, bob);
    bench->registry_refused = 0;
    bench_pass_ms(bench, 1000);
    (void)bench_connect(bench, "bob", "phone");
    bench_pass_ms(bench, 5000);
    expect_unsaid(bench, "alice/desk: presence");
    bench_destroy(&bench);
}

static void look_each_second(struct tt_core_options *options)
{
    options->reassert_ms = 1000;
}

/* Its socket, which is elsewhere, is yet to be closed, and the grace begins then. */
static void who_is_unlinked_is_not_seen_to_leave_before_he_does(void **state)
{
    (void)state;
    struct bench *bench = bench_create(look_each_second);
    bench_hang_up(bench, bench_connect(bench, "bob", "phone"));
    bench_pass_ms(bench, 3000);
    bench_register(bench, "bob", "phone", 9);
    bench_say(bench, bench_connect(bench, "alice", "desk"), TT_CLIENT_OPEN, "c", 0);
    expect_said(bench, "bob online");
    bench_ask(
        bench,
        (struct tt_request){.kind = TT_REQUEST_UNLINK_DEVICE, .unlink.device = tt_id_of("phone")},
        "bob", "desk");
    assert_int_equal(bench->entry_count, 1); /* Alice's */
    expect_unsaid(bench, "alice/desk: presence");
    bench_destroy(&bench);
}

/* The store does not say who shares when a chat is opened, nor when that is asked again. */
static void a_screen_hears_who_leaves_once_the_store_is_back(void **state)
{
    (void)state;
    struct bench *bench = bench_create(NULL);
    tt_handle bob = bench_connect(bench, "bob", "phone");
    tt_handle alice = bench_connect(bench, "alice", "desk");
    bench_refuse(bench, TT_STORE_GET_USERS);
    bench_say(bench, alice, TT_CLIENT_OPEN, "c", 0);
    expect_said(bench, "alice/desk: error c unavailable");
    bench_pass_ms(bench, 700);
    bench->refused = 0;
    bench_hang_up(bench, bob);
    bench_pass_ms(bench, 4000);
    expect_said(bench, "alice/desk: presence c of bob offline");
    bench_destroy(&bench);
}

/* Bob's sockets are elsewhere, Alice looks at him here. */
static struct bench *look_while_the_registry_is_away(void)
{
    struct bench *bench = bench_create(NULL);
    bench_register(bench, "bob", "phone", 1);
    bench_say(bench, bench_connect(bench, "alice", "desk"), TT_CLIENT_OPEN, "c", 0);
    expect_said(bench, "bob online");
    bench_refuse_registry(bench, TT_REGISTRY_LOOKUP);
    return bench;
}

static void who_hides_is_hidden_once_the_registry_is_back(void **state)
{
    (void)state;
    struct bench *bench = look_while_the_registry_is_away();
    share(bench, "bob", false);
    expect_said(bench, "reply: 200");
    bench_pass_ms(bench, 3000);
    expect_unsaid(bench, "hint: ");
    bench->registry_refused = 0;
    bench_pass_ms(bench, 2000);
    expect_said(bench, "hint: SETTINGS bob");
    expect_said(bench, "alice/desk: presence c of bob offline, last seen never");
    bench_destroy(&bench);
}

/* Whichever of his choices is told last. */
static void who_shares_again_is_seen_once_the_registry_is_back(void **state)
{
    (void)state;
    struct bench *bench = look_while_the_registry_is_away();
    for (int i = 0; i < 3; i++) {
        share(bench, "bob", false);
        bench_pass_ms(bench, 300);
        share(bench, "bob", true);
    }
    bench->registry_refused = 0;
    bench_pass_ms(bench, 4000);
    bench_forget(bench);
    bench_unregister(bench, "bob", "phone");
    bench_hear(bench, &(struct tt_hint){.kind = TT_HINT_PRESENCE,
                                        .user = tt_id_of("bob"),
                                        .status = {.last_seen = TT_TIME(1)},
                                        .version = bench->version});
    expect_said(bench, "alice/desk: presence c of bob offline");
    expect_unsaid(bench, "last seen never");
    bench_destroy(&bench);
}

/* While the answer of an open is on its way, Bob hides, of which no word comes here, and leaves. */
static void an_open_answer_says_nothing_of_who_may_hide(void **state)
{
    (void)state;
    struct bench *bench = bench_create(NULL);
    (void)bench_connect(bench, "bob", "phone");
    tt_handle alice = bench_connect(bench, "alice", "desk");
    bench_hold(bench, TT_STORE_SNAPSHOT);
    bench_say(bench, alice, TT_CLIENT_OPEN, "c", 0);
    share_elsewhere(bench, "bob", false);
    bench_hold(bench, TT_STORE_GET_USERS);
    hear_that_bob_may_hide(bench, (struct tt_status){.last_seen = TT_TIME(1)}, UINT64_MAX);
    bench_let_go(bench, TT_STORE_SNAPSHOT, TT_OK);
    expect_said(bench, "bob unknown");
    expect_unsaid(bench, "bob offline");
    bench_let_go(bench, TT_STORE_GET_USERS, TT_OK);
    expect_said(bench, "alice/desk: presence c of bob offline, last seen never");
    bench_destroy(&bench);
}

/* And is right, when he shares after all. */
static void an_open_answer_is_made_good_of_who_does_not_hide(void **state)
{
    (void)state;
    struct bench *bench = bench_create(NULL);
    (void)bench_connect(bench, "bob", "phone");
    tt_handle alice = bench_connect(bench, "alice", "desk");
    bench_hold(bench, TT_STORE_SNAPSHOT);
    bench_say(bench, alice, TT_CLIENT_OPEN, "c", 0);
    bench_hold(bench, TT_STORE_GET_USERS);
    hear_that_bob_may_hide(bench, (struct tt_status){.online = true}, UINT64_MAX);
    bench_let_go(bench, TT_STORE_SNAPSHOT, TT_OK);
    expect_said(bench, "bob unknown");
    bench_let_go(bench, TT_STORE_GET_USERS, TT_OK);
    expect_said(bench, "alice/desk: presence c of bob online");
    bench_destroy(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_hides_sees_nobody_though_nothing_is_known),
        cmocka_unit_test(who_hides_is_not_seen_though_nothing_is_known),
        cmocka_unit_test(an_open_that_fails_shows_nobody_who_hides),
        cmocka_unit_test(who_hides_meanwhile_sees_nobody_by_a_get_elsewhere),
        cmocka_unit_test(who_hides_meanwhile_is_not_seen_by_a_get_elsewhere),
        cmocka_unit_test(a_get_elsewhere_is_told_nothing_twice),
        cmocka_unit_test(who_shares_meanwhile_is_shown_to_a_get_elsewhere),
        cmocka_unit_test(a_mark_after_nothing_was_shown_shows_nothing),
        cmocka_unit_test(a_mark_says_whether_the_answer_showed_anything),
        cmocka_unit_test(what_was_asked_while_hiding_shows_nobody),
        cmocka_unit_test(who_shares_again_unheard_sees_whom_a_get_elsewhere_shows),
        cmocka_unit_test(who_is_thought_to_hide_is_shown_as_he_is),
        cmocka_unit_test(who_hides_unheard_is_not_seen_to_leave),
        cmocka_unit_test(who_hides_while_he_is_opened_is_hidden),
        cmocka_unit_test(an_open_without_a_store_leaves_nothing_behind),
        cmocka_unit_test(a_mark_while_hiding_shows_nobody),
        cmocka_unit_test(who_leaves_is_seen_to_though_his_choice_was_not_heard_of),
        cmocka_unit_test(who_hides_comes_and_goes_unseen),
        cmocka_unit_test(an_open_chat_learns_from_the_store_when_somebody_was_last_seen),
        cmocka_unit_test(an_answer_is_no_older_than_the_store_where_the_chat_was_closed_again),
        cmocka_unit_test(an_answer_says_when_somebody_was_last_seen_though_the_registry_is_away),
        cmocka_unit_test(two_screens_learn_the_same_of_who_was_last_seen),
        cmocka_unit_test(a_list_says_of_nobody_that_he_is_offline_when_the_store_is_away),
        cmocka_unit_test(who_leaves_is_seen_to_though_the_registry_hears_it_late),
        cmocka_unit_test(who_comes_back_is_not_seen_to_leave),
        cmocka_unit_test(who_is_unlinked_is_not_seen_to_leave_before_he_does),
        cmocka_unit_test(a_screen_hears_who_leaves_once_the_store_is_back),
        cmocka_unit_test(who_hides_is_hidden_once_the_registry_is_back),
        cmocka_unit_test(who_shares_again_is_seen_once_the_registry_is_back),
        cmocka_unit_test(an_open_answer_says_nothing_of_who_may_hide),
        cmocka_unit_test(an_open_answer_is_made_good_of_who_does_not_hide),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
