#include "bench.h"

#include <stdio.h>

#include "base/limits.h"
#include "unit.h"

/* What happens where a table is full, and where it has to grow. */

#define PAGE_OF_UNRUNG 100

#define CROWD 150

static tt_id numbered(const char *name, int number)
{
    char text[TT_ID_SIZE_MAX];
    (void)snprintf(text, sizeof(text), "%s%03d", name, number);
    return tt_id_of(text);
}

static void send_numbered(struct bench *bench, tt_handle socket, const char *conversation, int i)
{
    tt_id id = numbered("m", i);
    struct tt_client_frame frame = {.kind = TT_CLIENT_SEND,
                                    .conversation = tt_id_of(conversation),
                                    .client_id = id,
                                    .content = TT_SLICE_LITERAL("hello")};
    bench_step(bench,
               &(struct tt_event){.kind = TT_EVENT_FRAME, .handle = socket, .frame = &frame});
}

static void put_address(struct bench *bench, const char *user, enum tt_push_provider provider)
{
    struct tt_store_op *op = tt_store_op_create(TT_STORE_PUT_PUSH_ADDRESS);
    op->put_push_address.user = tt_id_of(user);
    op->put_push_address.device = tt_id_of("phone");
    op->put_push_address.address_count_max = 10;
    op->put_push_address.address =
        (struct tt_push_address){.provider = provider, .token = tt_slice_text(user)};
    bench_store(bench, op);
}

static void hurry(struct tt_core_options *options)
{
    options->sends_per_s = 0;
    options->frames_per_s = 0;
}

static void more_sends_than_may_wait_are_refused_and_none_is_lost(void **state)
{
    (void)state;
    struct bench *bench = bench_create(hurry);
    tt_handle alice = bench_connect(bench, "alice", "desk");
    bench_hold(bench, TT_STORE_APPEND);
    for (int i = 0; i < TT_LIMIT_SENDS_QUEUED; i++)
        send_numbered(bench, alice, "c", i);
    expect_unsaid(bench, "error");
    send_numbered(bench, alice, "c", 9999);
    assert_int_equal(bench_count(bench, "rate_limited"), 1);
    bench_let_go(bench, TT_STORE_APPEND, TT_OK);
    assert_int_equal(bench_count(bench, "alice/desk: sent c"), TT_LIMIT_SENDS_QUEUED);
    bench_destroy(&bench);
}

/* Bob's message cannot be read, so all that Alice sends stays ahead of it. */
static void more_own_messages_than_may_be_ahead_are_refused(void **state)
{
    (void)state;
    struct bench *bench = bench_create(hurry);
    tt_handle alice = bench_connect(bench, "alice", "desk");
    bench_say(bench, alice, TT_CLIENT_OPEN, "c", 0);
    bench_store_message(bench, "c", "bob", "b1");
    bench_hold(bench, TT_STORE_READ_MESSAGES);
    for (int i = 0; i < TT_LIMIT_SENT_AHEAD; i++)
        send_numbered(bench, alice, "c", i);
    expect_unsaid(bench, "error");
    send_numbered(bench, alice, "c", 9999);
    assert_int_equal(bench_count(bench, "rate_limited"), 1);
    bench_forget(bench);
    bench_let_go(bench, TT_STORE_READ_MESSAGES, TT_OK);
    expect_said(bench, "alice/desk: message c seq=1 from bob");
    send_numbered(bench, alice, "c", 9999);
    expect_said(bench, "alice/desk: sent c seq=1026");
    bench_destroy(&bench);
}

static void more_opens_than_may_be_under_way_are_refused(void **state)
{
    (void)state;
    struct bench *bench = bench_create(NULL);
    tt_handle alice = bench_connect(bench, "alice", "desk");
    bench_hold(bench, TT_STORE_SNAPSHOT);
    for (int i = 0; i < TT_LIMIT_OPENS; i++)
        bench_say(bench, alice, TT_CLIENT_OPEN, "c", 0);
    expect_unsaid(bench, "error");
    bench_say(bench, alice, TT_CLIENT_OPEN, "c", 0);
    assert_int_equal(bench_count(bench, "rate_limited"), 1);
    bench_let_go(bench, TT_STORE_SNAPSHOT, TT_OK);
    assert_int_equal(bench_count(bench, "alice/desk: conversation c"), TT_LIMIT_OPENS);
    bench_forget(bench);
    bench_say(bench, alice, TT_CLIENT_OPEN, "c", 0);
    expect_said(bench, "alice/desk: conversation c");
    bench_destroy(&bench);
}

/* The position does not come, and there is room for so many acks. */
static void more_acks_than_may_wait_are_refused(void **state)
{
    (void)state;
    struct bench *bench = bench_create(hurry);
    tt_handle alice = bench_connect(bench, "alice", "desk");
    bench_send(bench, alice, "c", "m1");
    tt_handle bob = bench_connect(bench, "bob", "phone");
    bench_say(bench, bob, TT_CLIENT_DELIVERED, "c", 1);
    bench_hang_up(bench, bob);
    bob = bench_connect(bench, "bob", "phone");
    bench_hold(bench, TT_STORE_POSITIONS);
    for (int i = 0; i < 2048; i++)
        bench_say(bench, bob, TT_CLIENT_READ, "c", 1);
    expect_unsaid(bench, "error");
    bench_say(bench, bob, TT_CLIENT_READ, "c", 1);
    assert_int_equal(bench_count(bench, "rate_limited"), 1);
    bench_let_go(bench, TT_STORE_POSITIONS, TT_OK);
    expect_said(bench, "alice/desk: status_update c last_read_seq=1");
    bench_destroy(&bench);
}

static void ask_as(struct bench *bench, const tt_id *device)
{
    struct tt_request request = {.kind = TT_REQUEST_CHECK};
    char text[TT_ID_SIZE_MAX + 1] = {0};
    memcpy(text, device->bytes, device->size);
    bench_ask(bench, request, "bob", text);
}

static void allow_one_a_second(struct tt_core_options *options)
{
    options->frames_per_s = 1;
}

/* Who asked long ago is forgotten when there are too many; who has just been refused is not. */
static void a_crowd_over_http_frees_nobody_of_his_limit(void **state)
{
    (void)state;
    struct bench *bench = bench_create(allow_one_a_second);
    tt_id greedy = tt_id_of("greedy");
    for (int crowd = 0; crowd < 2; crowd++) {
        for (int i = 0; i < 8192; i++) {
            tt_id device = numbered(crowd == 0 ? "a" : "b", i);
            ask_as(bench, &device);
        }
        if (crowd == 0)
            bench_pass_ms(bench, 11000);
        for (int i = 0; i < 10; i++)
            ask_as(bench, &greedy);
    }
    assert_int_equal(bench_count(bench, "reply: 429"), 15);
    bench_destroy(&bench);
}

static void allow_two_members(struct tt_core_options *options)
{
    options->members_max = 2;
    options->devices_max = 1;
}

static void one_member_or_device_too_many_is_refused(void **state)
{
    (void)state;
    struct bench *bench = bench_create(allow_two_members);
    tt_id members[] = {tt_id_of("alice"), tt_id_of("bob"), tt_id_of("dave")};
    struct tt_request make = {.kind = TT_REQUEST_CREATE,
                              .create = {.kind = TT_GROUP, .members = members, .member_count = 3}};
    bench_ask(bench, make, "alice", "desk");
    expect_said(bench, "reply: 400");
    make.create.member_count = 2;
    bench_ask(bench, make, "alice", "desk");
    expect_said(bench, "reply: 201");
    (void)bench_connect(bench, "bob", "phone");
    (void)bench_connect(bench, "bob", "tablet");
    expect_said(bench, "bob/phone: hello");
    expect_said(bench, "bob/tablet: rejected");
    bench_destroy(&bench);
}

static void keep_few_timers(struct tt_core_options *options)
{
    options->push_timers_max = 2;
}

static void accept(struct bench *bench, const char *user, const char *conversation)
{
    struct tt_notified what = {.user = tt_id_of(user),
                               .device = tt_id_of("phone"),
                               .conversation = tt_id_of(conversation),
                               .seq = TT_SEQ(1),
                               .provider = TT_PUSH_APNS,
                               .outcome = TT_NOTIFY_ACCEPTED};
    bench_step(bench, &(struct tt_event){.kind = TT_EVENT_NOTIFIED, .notified = &what});
}

/* Four people are away, and there is room to remember two. */
static void what_finds_no_room_rings_when_there_is_some(void **state)
{
    (void)state;
    static const char *const names[] = {"carl", "dave", "erin", "fred"};
    struct bench *bench = bench_create(keep_few_timers);
    for (size_t i = 0; i < 4; i++) {
        bench_make(bench, names[i], TT_DIRECT, "alice", names[i]);
        bench_hang_up(bench, bench_connect(bench, names[i], "phone"));
        put_address(bench, names[i], TT_PUSH_APNS);
    }
    bench_pass_ms(bench, 3000);
    tt_handle alice = bench_connect(bench, "alice", "desk");
    bench_hold(bench, TT_STORE_POSITIONS);
    for (size_t i = 0; i < 4; i++)
        bench_send(bench, alice, names[i], "m1");
    assert_int_equal(tt_core_counters(bench->core)->push_timers, 2);
    bench_let_go(bench, TT_STORE_POSITIONS, TT_OK);
    for (int round = 0; round < 40; round++) {
        for (size_t i = 0; i < 4; i++)
            accept(bench, names[i], names[i]);
        bench_pass_ms(bench, 1000);
    }
    assert_int_equal(bench_count(bench, "notify: "), 4);
    assert_int_equal(tt_core_counters(bench->core)->push_timers, 0);
    bench_destroy(&bench);
}

static void look_after_the_dead(struct tt_core_options *options)
{
    options->reports_alive = true;
}

/* A conversation of bob's, and a message for him of which nobody here has heard. */
static void leave_behind(struct bench *bench, int number)
{
    char name[16];
    char friend[16];
    (void)snprintf(name, sizeof(name), "x%03d", number);
    (void)snprintf(friend, sizeof(friend), "f%03d", number);
    bench_make(bench, name, TT_DIRECT, "bob", friend);
    bench_store_message(bench, name, friend, "m1");
}

static struct bench *bob_has_a_phone(void (*change)(struct tt_core_options *options))
{
    struct bench *bench = bench_create(change);
    bench_hang_up(bench, bench_connect(bench, "bob", "phone"));
    put_address(bench, "bob", TT_PUSH_APNS);
    bench_pass_ms(bench, 3000);
    return bench;
}

/* More conversations than a page of any list has. */
static void all_that_a_dead_server_left_rings(void **state)
{
    (void)state;
    struct bench *bench = bob_has_a_phone(look_after_the_dead);
    for (int i = 0; i < CROWD; i++)
        leave_behind(bench, i);
    bench_forget(bench);
    bench_step(bench, &(struct tt_event){.kind = TT_EVENT_NODE_GONE});
    bench_pass_ms(bench, 60000);
    assert_int_equal(bench_count(bench, "notify: "), CROWD);
    bench_destroy(&bench);
}

static void look_after_the_dead_in_a_small_room(struct tt_core_options *options)
{
    options->reports_alive = true;
    options->push_timers_max = 60;
}

/* A page of them is more than there is room for. */
static void all_of_it_rings_though_there_is_little_room(void **state)
{
    (void)state;
    struct bench *bench = bob_has_a_phone(look_after_the_dead_in_a_small_room);
    for (int i = 0; i < CROWD; i++)
        leave_behind(bench, i);
    bench_forget(bench);
    bench_step(bench, &(struct tt_event){.kind = TT_EVENT_NODE_GONE});
    for (int round = 0; round < 60; round++) {
        bench_pass_ms(bench, 2000);
        for (int i = 0; i < CROWD; i++) {
            char name[16];
            (void)snprintf(name, sizeof(name), "x%03d", i);
            accept(bench, "bob", name);
        }
    }
    assert_int_equal(bench_count(bench, "notify: "), CROWD);
    assert_int_equal(tt_core_counters(bench->core)->push_timers, 0);
    bench_destroy(&bench);
}

static void look_after_few_of_the_dead(struct tt_core_options *options)
{
    options->reports_alive = true;
    options->unrung_max = PAGE_OF_UNRUNG;
}

/* After a start there may be a million. */
static void what_did_not_ring_is_looked_after_a_part_at_a_time(void **state)
{
    (void)state;
    struct bench *bench = bob_has_a_phone(look_after_few_of_the_dead);
    for (int i = 0; i < 2 * CROWD; i++)
        leave_behind(bench, i);
    bench_forget(bench);
    bench_step(bench, &(struct tt_event){.kind = TT_EVENT_NODE_GONE});
    for (int i = 0; i < 200; i++) {
        bench_pass_ms(bench, 100);
        assert_true(tt_core_counters(bench->core)->push_timers <= PAGE_OF_UNRUNG);
    }
    assert_int_equal(bench_count(bench, "notify: "), PAGE_OF_UNRUNG);
    for (int round = 0; round < 6; round++) {
        for (int i = 0; i < 2 * CROWD; i++) {
            char name[16];
            (void)snprintf(name, sizeof(name), "x%03d", i);
            accept(bench, "bob", name);
        }
        bench_pass_ms(bench, 5000);
    }
    assert_int_equal(bench_count(bench, "notify: "), 2 * CROWD);
    assert_int_equal(tt_core_counters(bench->core)->push_timers, 0);
    bench_destroy(&bench);
}

/* Nothing is unread on the first page of bob's conversations. */
static void a_badge_counts_over_pages(void **state)
{
    (void)state;
    struct bench *bench = bob_has_a_phone(NULL);
    tt_handle alice = bench_connect(bench, "alice", "desk");
    for (int i = 0; i < 2 * CROWD; i++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "y%03d", i);
        bench_make(bench, name, TT_DIRECT, "bob", name);
    }
    bench_send(bench, alice, "c", "m1");
    bench_pass_ms(bench, 100);
    assert_int_equal(bench_count(bench, "store: LIST_CONVERSATIONS"), 2);
    expect_said(bench, "notify: ring bob/phone c seq=1");
    bench_destroy(&bench);
}

/* Handles, effects of a step and tasks are more than there was room for at first. */
static void tables_grow_with_what_is_in_them(void **state)
{
    (void)state;
    struct bench *bench = bench_create(hurry);
    tt_handle alice = bench_connect(bench, "alice", "desk");
    for (int i = 0; i < CROWD; i++)
        send_numbered(bench, alice, "c", i);
    tt_handle far = {1000, 1};
    bench_forget(bench);
    (void)snprintf(bench->names[far.index % 64], sizeof(bench->names[0]), "far");
    bench_step(bench, &(struct tt_event){.kind = TT_EVENT_SESSION_OPEN,
                                         .handle = far,
                                         .open = {.user = tt_id_of("bob"),
                                                  .device = tt_id_of("phone"),
                                                  .token_expires = TT_TIME(INT64_MAX)}});
    assert_int_equal(bench_count(bench, "far: message c"), 128);
    for (int page = 0; page < 4; page++)
        bench_step(bench, &(struct tt_event){.kind = TT_EVENT_DRAINED, .handle = far});
    assert_int_equal(bench_count(bench, "far: message c"), CROWD);
    bench_forget(bench);
    bench_say(bench, (tt_handle){1 << 20, 1}, TT_CLIENT_PING, NULL, 0); /* is nobody */
    expect_unsaid(bench, "pong");
    bench_say(bench, far, TT_CLIENT_PING, NULL, 0);
    expect_said(bench, "far: pong");
    bench_destroy(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(more_sends_than_may_wait_are_refused_and_none_is_lost),
        cmocka_unit_test(more_own_messages_than_may_be_ahead_are_refused),
        cmocka_unit_test(more_opens_than_may_be_under_way_are_refused),
        cmocka_unit_test(more_acks_than_may_wait_are_refused),
        cmocka_unit_test(a_crowd_over_http_frees_nobody_of_his_limit),
        cmocka_unit_test(one_member_or_device_too_many_is_refused),
        cmocka_unit_test(what_finds_no_room_rings_when_there_is_some),
        cmocka_unit_test(all_that_a_dead_server_left_rings),
        cmocka_unit_test(all_of_it_rings_though_there_is_little_room),
        cmocka_unit_test(what_did_not_ring_is_looked_after_a_part_at_a_time),
        cmocka_unit_test(a_badge_counts_over_pages),
        cmocka_unit_test(tables_grow_with_what_is_in_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
