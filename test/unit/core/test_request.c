#include "bench.h"
#include "unit.h"

#include "base/limits.h"

/* Requests, and what else reaches a core beside frames and hints. */

static struct tt_request about(enum tt_request_kind kind, const char *conversation)
{
    struct tt_request request = {.kind = kind};
    if (conversation != NULL)
        request.conversation = tt_id_of(conversation);
    return request;
}

static void ask(struct bench *bench, enum tt_request_kind kind)
{
    bench_ask(bench, about(kind, NULL), "bob", "phone");
}

static void put_address(struct bench *bench, const char *device)
{
    struct tt_request request = about(TT_REQUEST_PUT_PUSH, NULL);
    request.push.device = tt_id_of(device);
    request.push.address =
        (struct tt_push_address){.provider = TT_PUSH_APNS, .token = tt_slice_text(device)};
    bench_ask(bench, request, "bob", device);
}

static void notified(struct bench *bench, const char *device, enum tt_notify_outcome outcome)
{
    struct tt_notified what = {.user = tt_id_of("bob"),
                               .device = tt_id_of(device),
                               .conversation = {.size = 9, .bytes = "push/test"},
                               .seq = TT_SEQ(1),
                               .provider = TT_PUSH_APNS,
                               .outcome = outcome};
    bench_step(bench, &(struct tt_event){.kind = TT_EVENT_NOTIFIED, .notified = &what});
}

static void settings_are_answered_as_they_now_stand(void **state)
{
    (void)state;
    struct bench *bench = bench_create(NULL);
    tt_handle alice = bench_connect(bench, "alice", "desk");
    (void)bench_connect(bench, "bob", "phone");
    bench_say(bench, alice, TT_CLIENT_OPEN, "c", 0);
    struct tt_request hide = about(TT_REQUEST_PUT_ME, NULL);
    hide.put_me.set_share_last_seen = true;
    bench_forget(bench);
    bench_ask(bench, hide, "bob", "phone");
    expect_said(bench, "reply: 200");
    expect_said(bench, "alice/desk: presence c of bob offline");
    struct tt_request name = about(TT_REQUEST_PUT_ME, NULL);
    name.put_me.set_display_name = true;
    name.put_me.settings.display_name = TT_SLICE_LITERAL("Bob");
    bench_forget(bench);
    bench_ask(bench, name, "bob", "phone");
    expect_unsaid(bench, "presence");
    ask(bench, TT_REQUEST_GET_ME);
    ask(bench, TT_REQUEST_LIST_DEVICES);
    ask(bench, TT_REQUEST_CHECK);
    ask(bench, TT_REQUEST_LIST);
    struct tt_request mute = about(TT_REQUEST_MUTE, "c");
    mute.mute.until = TT_TIME(INT64_MAX);
    bench_ask(bench, mute, "bob", "phone");
    assert_int_equal(bench_count(bench, "reply: 200"), 6);
    bench_destroy(&bench);
}

static void a_conversation_is_made_with_members_that_make_sense(void **state)
{
    (void)state;
    struct bench *bench = bench_create(NULL);
    (void)bench_connect(bench, "dave", "phone");
    tt_id members[] = {tt_id_of("dave"), tt_id_of("alice"), tt_id_of("dave"), tt_id_of("bob")};
    struct tt_request make = about(TT_REQUEST_CREATE, NULL);
    make.create.kind = TT_GROUP;
    make.create.members = members;
    make.create.member_count = 4;
    bench_ask(bench, make, "alice", "desk");
    expect_said(bench, "reply: 201 conv_");
    expect_said(bench, "dave/phone: conversation_added");
    bench_forget(bench);
    bench_ask(bench, make, "carol", "desk"); /* is none of them */
    make.create.kind = TT_DIRECT;
    bench_ask(bench, make, "alice", "desk"); /* are three */
    make.create.member_count = 2;
    make.create.id_given = true;
    make.conversation = tt_id_of("mine");
    bench_ask(bench, make, "dave", "desk");
    expect_said(bench, "reply: 201 mine");
    make.create.member_count = 1;
    bench_ask(bench, make, "dave", "desk"); /* is alone */
    assert_int_equal(bench_count(bench, "reply: 400"), 3);
    bench_destroy(&bench);
}

/* While an announced conversation is looked up, a message of it is stored and gets its tick. */
static void what_is_announced_is_not_older_than_what_was_told(void **state)
{
    (void)state;
    struct bench *bench = bench_create(NULL);
    tt_handle alice = bench_connect(bench, "alice", "desk");
    tt_handle bob = bench_connect(bench, "bob", "phone");
    struct tt_hint added = {
        .kind = TT_HINT_ADDED, .user = tt_id_of("alice"), .conversation = tt_id_of("c")};
    bench_hold(bench, TT_STORE_LIST_CONVERSATIONS);
    bench_hear(bench, &added);
    bench_send(bench, alice, "c", "x1");
    bench_say(bench, bob, TT_CLIENT_DELIVERED, "c", 1);
    expect_said(bench, "alice/desk: status_update c last_delivered_seq=1");
    expect_unsaid(bench, "conversation_added");
    bench_let_go(bench, TT_STORE_LIST_CONVERSATIONS, TT_OK);
    expect_said(bench, "alice/desk: conversation_added c of alice c head=1 last_delivered_seq=1");
    assert_int_equal(bench_count(bench, "conversation_added"), 1);
    bench_destroy(&bench);
}

static void a_test_push_says_what_became_of_it(void **state)
{
    (void)state;
    struct bench *bench = bench_create(NULL);
    ask(bench, TT_REQUEST_TEST_PUSH); /* there is no address */
    put_address(bench, "phone");
    put_address(bench, "tablet");
    bench_forget(bench);
    ask(bench, TT_REQUEST_TEST_PUSH);
    assert_int_equal(bench_count(bench, "notify: "), 2);
    expect_unsaid(bench, "reply");
    notified(bench, "phone", TT_NOTIFY_ACCEPTED);
    notified(bench, "phone", TT_NOTIFY_ACCEPTED); /* has been answered */
    notified(bench, "watch", TT_NOTIFY_ACCEPTED); /* was not asked */
    expect_unsaid(bench, "reply");
    notified(bench, "tablet", TT_NOTIFY_GONE);
    expect_said(bench, "reply: 200");
    bench_forget(bench);
    ask(bench, TT_REQUEST_TEST_PUSH);
    bench_pass_ms(bench, 60000);
    expect_said(bench, "reply: 200");
    notified(bench, "phone", TT_NOTIFY_LATER); /* nobody waits any more */
    bench_hold(bench, TT_STORE_LIST_PUSH_ADDRESSES);
    ask(bench, TT_REQUEST_TEST_PUSH);
    bench_let_go(bench, TT_STORE_LIST_PUSH_ADDRESSES, TT_FAIL(UNAVAILABLE));
    expect_said(bench, "reply: 503");
    struct tt_request none = about(TT_REQUEST_DELETE_PUSH, NULL);
    none.push.device = tt_id_of("phone");
    bench_ask(bench, none, "bob", "phone");
    bench_destroy(&bench);
}

/* A token that names a login is good while that stands. */
static void a_login_is_looked_for_before_anything_is_done(void **state)
{
    (void)state;
    struct bench *bench = bench_create(NULL);
    struct tt_request request = about(TT_REQUEST_GET_ME, NULL);
    request.login = 7;
    bench_hold(bench, TT_STORE_CHECK_LOGIN);
    bench_ask(bench, request, "bob", "phone");
    expect_unsaid(bench, "reply");
    bench_let_go(bench, TT_STORE_CHECK_LOGIN, TT_FAIL(UNAUTHENTICATED));
    expect_said(bench, "reply: 401");
    expect_unsaid(bench, "store: GET_USERS");
    bench_forget(bench);
    bench_hold(bench, TT_STORE_CHECK_LOGIN);
    bench_ask(bench, request, "bob", "phone");
    bench->ops[0]->err = TT_OK;
    bench_let_go(bench, TT_STORE_CHECK_LOGIN, TT_OK);
    expect_said(bench, "store: GET_USERS");
    expect_said(bench, "reply: 200");
    bench_destroy(&bench);
}

static void two_test_pushes_are_told_apart(void **state)
{
    (void)state;
    struct bench *bench = bench_create(NULL);
    put_address(bench, "phone");
    struct tt_request request = about(TT_REQUEST_PUT_PUSH, NULL);
    request.push.device = tt_id_of("watch");
    request.push.address =
        (struct tt_push_address){.provider = TT_PUSH_APNS, .token = tt_slice_text("hers")};
    bench_ask(bench, request, "alice", "watch");
    request = about(TT_REQUEST_TEST_PUSH, NULL);
    for (uint32_t i = 0; i < 2; i++) { /* both wait at the same time */
        request.user = tt_id_of(i == 0 ? "bob" : "alice");
        request.device = tt_id_of(i == 0 ? "phone" : "watch");
        bench_step(bench, &(struct tt_event){.kind = TT_EVENT_REQUEST,
                                             .handle = {40 + i, 1},
                                             .request = &request});
    }
    bench_forget(bench);
    notified(bench, "phone", TT_NOTIFY_ACCEPTED); /* bob's, who asked first */
    assert_int_equal(bench_count(bench, "reply: 200"), 1);
    bench_pass_ms(bench, 60000);
    assert_int_equal(bench_count(bench, "reply: 200"), 2);
    bench_destroy(&bench);
}

static void make_slow(struct tt_core_options *options)
{
    options->frames_per_s = 1;
    options->sends_per_s = 1;
}

static void who_is_too_fast_is_told_when_to_come_back(void **state)
{
    (void)state;
    struct bench *bench = bench_create(make_slow);
    for (int i = 0; i < 10; i++)
        ask(bench, TT_REQUEST_CHECK);
    expect_said(bench, "reply: 429");
    (void)bench_connect(bench, "bob", "phone");
    tt_handle alice = bench_connect(bench, "alice", "desk");
    struct tt_event bad = {.kind = TT_EVENT_BAD_FRAME,
                           .handle = alice,
                           .bad_frame = {.err = TT_FAIL(BAD_SEQ), .key = "seq"}};
    bench_step(bench, &bad);
    expect_said(bench, "alice/desk: error");
    for (int i = 0; i < 300; i++) {
        bench_step(bench, &(struct tt_event){
                              .kind = TT_EVENT_HEARD, .handle = alice, .control_frames = 3});
        bench_pass_ms(bench, 50);
    }
    expect_said(bench, "rate_limited");
    expect_said(bench, "alice/desk: closed with 4429");
    bench_step(bench, &bad); /* the socket is gone */
    bench_destroy(&bench);
}

static void fresh_token(struct bench *bench, tt_handle socket, const char *user, const char *device,
                        tt_time expires)
{
    struct tt_event event = {.kind = TT_EVENT_TOKEN, .handle = socket};
    event.token.user = tt_id_of(user);
    event.token.device = tt_id_of(device);
    event.token.expires = expires;
    bench_step(bench, &event);
}

/* And changes nothing. */
static void a_token_of_somebody_else_is_refused(void **state)
{
    (void)state;
    struct bench *bench = bench_create(NULL);
    tt_handle alice = bench_connect(bench, "alice", "desk");
    fresh_token(bench, alice, "alice", "phone", TT_TIME(1));
    expect_said(bench, "permission_denied");
    fresh_token(bench, alice, "bob", "desk", TT_TIME(1));
    expect_said(bench, "permission_denied");
    bench_pass_ms(bench, 1);
    expect_unsaid(bench, "closed");
    bench_destroy(&bench);
}

static void a_token_keeps_a_socket_open_and_its_end_closes_it(void **state)
{
    (void)state;
    struct bench *bench = bench_create(NULL);
    tt_handle alice = bench_connect(bench, "alice", "desk");
    tt_time soon = TT_TIME(bench->now.wall.ms + 5000);
    fresh_token(bench, alice, "alice", "desk", soon);
    bench_pass_ms(bench, 4900);
    expect_unsaid(bench, "closed");
    bench_pass_ms(bench, 200);
    expect_said(bench, "alice/desk: closed with 4401");
    tt_handle bob = bench_connect(bench, "bob", "phone");
    fresh_token(bench, bob, "bob", "phone", TT_TIME(1));
    bench_pass_ms(bench, 1);
    expect_said(bench, "bob/phone: closed with 4401");
    bench_destroy(&bench);
}

/* What comes for a socket that is still being opened changes nothing. */
static void a_socket_that_is_not_open_yet_hears_nothing(void **state)
{
    (void)state;
    struct bench *bench = bench_create(NULL);
    bench_hold(bench, TT_STORE_LINK_DEVICE);
    tt_handle alice = bench_connect(bench, "alice", "desk");
    bench_step(bench, &(struct tt_event){.kind = TT_EVENT_BAD_FRAME,
                                         .handle = alice,
                                         .bad_frame = {.err = TT_FAIL(BAD_SEQ)}});
    fresh_token(bench, alice, "alice", "desk", TT_TIME(1));
    bench_step(bench,
               &(struct tt_event){.kind = TT_EVENT_HEARD, .handle = alice, .control_frames = 1});
    bench_say(bench, alice, TT_CLIENT_PING, NULL, 0);
    expect_unsaid(bench, "alice/desk");
    bench_let_go(bench, TT_STORE_LINK_DEVICE, TT_OK);
    expect_said(bench, "alice/desk: hello");
    bench_destroy(&bench);
}

static void who_drains_ends_everything_and_takes_nothing_new(void **state)
{
    (void)state;
    struct bench *bench = bench_create(NULL);
    (void)bench_connect(bench, "alice", "desk");
    bench_hold(bench, TT_STORE_LINK_DEVICE);
    (void)bench_connect(bench, "bob", "phone");
    bench_step(bench, &(struct tt_event){.kind = TT_EVENT_DRAIN});
    expect_said(bench, "alice/desk: closed with 1001");
    assert_false(tt_core_is_idle(bench->core));
    bench_let_go(bench, TT_STORE_LINK_DEVICE, TT_OK);
    expect_said(bench, "bob/phone: closed with 1001");
    (void)bench_connect(bench, "carol", "phone");
    expect_said(bench, "carol/phone: rejected");
    ask(bench, TT_REQUEST_CHECK);
    expect_said(bench, "reply: 503");
    assert_true(tt_core_is_idle(bench->core));
    bench_destroy(&bench);
}

static void a_caller_who_has_gone_is_not_answered(void **state)
{
    (void)state;
    struct bench *bench = bench_create(NULL);
    bench_hold(bench, TT_STORE_GET_USERS);
    ask(bench, TT_REQUEST_GET_ME);
    assert_int_equal(tt_core_counters(bench->core)->requests, 1);
    assert_false(tt_core_is_idle(bench->core));
    tt_handle wrong = {0, 999};
    bench_step(bench, &(struct tt_event){.kind = TT_EVENT_REQUEST_GONE, .handle = wrong});
    bench_step(bench, &(struct tt_event){.kind = TT_EVENT_REQUEST_GONE, .handle = {1 << 20, 1}});
    assert_int_equal(tt_core_counters(bench->core)->requests, 1);
    bench_step(bench, &(struct tt_event){.kind = TT_EVENT_REQUEST_GONE,
                                         .handle = {0, bench->generations}});
    assert_int_equal(tt_core_counters(bench->core)->requests, 0);
    assert_false(tt_core_is_idle(bench->core));
    bench_let_go(bench, TT_STORE_GET_USERS, TT_OK);
    expect_unsaid(bench, "reply");
    assert_true(tt_core_is_idle(bench->core));
    bench_destroy(&bench);
}

static void a_page_before_a_seq_that_is_not_there_ends_with_the_newest(void **state)
{
    (void)state;
    struct bench *bench = bench_create(NULL);
    tt_handle alice = bench_connect(bench, "alice", "desk");
    for (int i = 0; i < 3; i++)
        bench_send(bench, alice, "c", i == 0 ? "a" : i == 1 ? "b" : "d");
    struct tt_request page = about(TT_REQUEST_PAGE, "c");
    page.page.before = true;
    page.page.seq = TT_SEQ(1000);
    page.limit = 2;
    bench_ask(bench, page, "bob", "phone");
    expect_said(bench, "messages=2..3");
    bench_destroy(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_are_answered_as_they_now_stand),
        cmocka_unit_test(what_is_announced_is_not_older_than_what_was_told),
        cmocka_unit_test(a_conversation_is_made_with_members_that_make_sense),
        cmocka_unit_test(a_test_push_says_what_became_of_it),
        cmocka_unit_test(a_login_is_looked_for_before_anything_is_done),
        cmocka_unit_test(two_test_pushes_are_told_apart),
        cmocka_unit_test(who_is_too_fast_is_told_when_to_come_back),
        cmocka_unit_test(a_token_of_somebody_else_is_refused),
        cmocka_unit_test(a_token_keeps_a_socket_open_and_its_end_closes_it),
        cmocka_unit_test(a_socket_that_is_not_open_yet_hears_nothing),
        cmocka_unit_test(who_drains_ends_everything_and_takes_nothing_new),
        cmocka_unit_test(a_caller_who_has_gone_is_not_answered),
        cmocka_unit_test(a_page_before_a_seq_that_is_not_there_ends_with_the_newest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
