#include "bench.h"
#include "unit.h"

/* What rings. Bob has linked a phone, whose push address is known, and is away. */

#define MANY 150

static struct bench *bob_is_away(void)
{
    struct bench *bench = bench_create(NULL);
    tt_handle bob = bench_connect(bench, "bob", "phone");
    bench_hang_up(bench, bob);
    struct tt_store_op *op = tt_store_op_create(TT_STORE_PUT_PUSH_ADDRESS);
    op->put_push_address.user = tt_id_of("bob");
    op->put_push_address.device = tt_id_of("phone");
    op->put_push_address.address_count_max = 10;
    op->put_push_address.address =
        (struct tt_push_address){.provider = TT_PUSH_APNS, .token = TT_SLICE_LITERAL("token")};
    bench_store(bench, op);
    bench_pass_ms(bench, 3000);
    return bench;
}

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

static void accept_all(struct bench *bench, uint64_t from, uint64_t to)
{
    for (uint64_t seq = from; seq <= to; seq++) {
        struct tt_notified notified = {.user = tt_id_of("bob"),
                                       .device = tt_id_of("phone"),
                                       .conversation = tt_id_of("c"),
                                       .seq = TT_SEQ(seq),
                                       .provider = TT_PUSH_APNS,
                                       .outcome = TT_NOTIFY_ACCEPTED};
        bench_step(bench, &(struct tt_event){.kind = TT_EVENT_NOTIFIED, .notified = &notified});
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

/* Bob's tablet sends again what it sent long ago: that is armed for his other devices. */
static void an_old_message_sent_again_silences_no_new_one(void **state)
{
    (void)state;
    struct bench *bench = bob_is_away();
    tt_handle alice = bench_connect(bench, "alice", "desk");
    tt_handle tablet = bench_connect(bench, "bob", "tablet");
    bench_register(bench, "bob", "phone", 99);
    bench_send(bench, tablet, "c", "old");
    say_many(bench, alice, 0, MANY);
    for (int i = 0; i < 20; i++) {
        accept_all(bench, 1, 2 * MANY);
        bench_pass_ms(bench, 500);
    }
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
    bench_register(bench, "bob", "phone", 99);
    bench_send(bench, tablet, "c", "old");
    say_many(bench, alice, 0, MANY);
    for (int i = 0; i < 20; i++) {
        accept_all(bench, 1, 2 * MANY);
        bench_pass_ms(bench, 500);
    }
    bench_forget(bench);
    bench_send(bench, alice, "c", "x1");
    struct tt_store_op *op = tt_store_op_create(TT_STORE_APPEND);
    op->append.conversation = tt_id_of("c");
    op->append.message = (struct tt_message){.sender = tt_id_of("alice"),
                                             .sender_device = tt_id_of("desk"),
                                             .client_id = tt_id_of("elsewhere"),
                                             .content = TT_SLICE_LITERAL("elsewhere")};
    bench_store(bench, op);
    bench_send(bench, tablet, "c", "old");
    bench_send(bench, alice, "c", "x2");
    bench_pass_ms(bench, 3200);
    accept_all(bench, 1, 2 * MANY);
    bench_pass_ms(bench, 4000);
    accept_all(bench, 1, 2 * MANY);
    assert_int_equal(bench_count(bench, "notify: "), 2);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_burst_of_many_rings_for_each),
        cmocka_unit_test(an_old_message_sent_again_silences_no_new_one),
        cmocka_unit_test(an_old_message_sent_again_rings_for_nothing_of_others),
        cmocka_unit_test(what_a_device_sent_over_http_is_told_again_to_its_socket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
