#include "away.h"

/* What rings late: it was found, and not armed here or long ago. */

static void looks_after_the_dead(struct tt_core_options *options)
{
    options->reports_alive = true;
}

/* What a dead node left is only behind on Bob's tablet, which cannot be rung. Then another node
 * stores x2, and rings for it itself. */
static void who_has_looked_late_rings_for_nothing_of_others(void **state)
{
    (void)state;
    struct bench *bench = bob_is_away_and(looks_after_the_dead);
    tt_handle tablet = bench_connect(bench, "bob", "tablet");
    bench_store_message(bench, "c", "alice", "x1");
    tt_handle phone = bench_connect(bench, "bob", "phone");
    bench_say(bench, phone, TT_CLIENT_DELIVERED, "c", 1);
    bench_hang_up(bench, phone);
    bench_step(bench, &(struct tt_event){.kind = TT_EVENT_NODE_GONE});
    bench_pass_ms(bench, 15000);
    expect_said(bench, "store: LIST_PUSH_ADDRESSES");
    bench_store_message(bench, "c", "alice", "x2");
    bench_register(bench, "bob", "phone", 99);
    bench_send(bench, tablet, "c", "own");
    bench_pass_ms(bench, 5000);
    expect_unsaid(bench, "notify: ");
    bench_destroy(&bench);
}

/* What a dead node left is found while Bob's desk is looked after, which lacks his own message
 * behind it. */
static void what_a_dead_node_left_rings_behind_ones_own(void **state)
{
    (void)state;
    struct bench *bench = bob_is_away_and(looks_after_the_dead);
    tt_handle tablet = bench_connect(bench, "bob", "tablet");
    (void)bench_connect(bench, "bob", "desk");
    bench_store_message(bench, "c", "alice", "x1");
    bench_send(bench, tablet, "c", "own");
    bench_pass_ms(bench, 4000);
    expect_unsaid(bench, "notify: ");
    bench_step(bench, &(struct tt_event){.kind = TT_EVENT_NODE_GONE});
    bench_pass_ms(bench, 15000);
    assert_int_equal(bench_count(bench, "notify: ring bob/phone c seq=1"), 1);
    accept_all(bench, 1, 1);
    bench_pass_ms(bench, 5000);
    assert_int_equal(kept_as_rung(bench), 2);
    bench_destroy(&bench);
}

/* The same, while the store says where Bob's devices are. */
static void what_a_dead_node_left_rings_though_it_was_being_looked(void **state)
{
    (void)state;
    struct bench *bench = bob_is_away_and(looks_after_the_dead);
    tt_handle tablet = bench_connect(bench, "bob", "tablet");
    (void)bench_connect(bench, "bob", "desk");
    bench_store_message(bench, "c", "alice", "x1");
    bench_send(bench, tablet, "c", "own");
    bench_hold(bench, TT_STORE_POSITIONS);
    bench_pass_ms(bench, 4000);
    bench_step(bench, &(struct tt_event){.kind = TT_EVENT_NODE_GONE});
    bench_pass_ms(bench, 6000);
    bench_let_go(bench, TT_STORE_POSITIONS, TT_OK);
    bench_pass_ms(bench, 15000);
    assert_int_equal(bench_count(bench, "notify: ring bob/phone c seq=1"), 1);
    bench_destroy(&bench);
}

/* Alice sends again what another node has stored, while two of hers are about to ring here. */
static void what_is_found_late_takes_nobodys_ring(void **state)
{
    (void)state;
    struct bench *bench = bob_is_away();
    tt_handle alice = bench_connect(bench, "alice", "desk");
    (void)bench_connect(bench, "bob", "phone");
    bench_send(bench, alice, "c", "x1");
    bench_send(bench, alice, "c", "x2");
    bench_store_message(bench, "c", "alice", "x3");
    bench_send(bench, alice, "c", "x3");
    bench_pass_ms(bench, 4000);
    accept_all(bench, 1, 2);
    bench_pass_ms(bench, 4000);
    accept_all(bench, 3, 3);
    bench_pass_ms(bench, 15000);
    expect_said(bench, "notify: ring bob/phone c seq=1");
    expect_said(bench, "notify: ring bob/phone c seq=2");
    expect_said(bench, "notify: ring bob/phone c seq=3");
    assert_int_equal(bench_count(bench, "notify: "), 3);
    assert_int_equal(kept_as_rung(bench), 3);
    bench_destroy(&bench);
}

/* The phone acks x1 behind which that was found, and has no socket any more when x2 is due. */
static void what_is_found_late_outlives_an_ack(void **state)
{
    (void)state;
    struct bench *bench = bob_is_away();
    tt_handle alice = bench_connect(bench, "alice", "desk");
    tt_handle phone = bench_connect(bench, "bob", "phone");
    bench_send(bench, alice, "c", "x1");
    bench_hold(bench, TT_STORE_ADVANCE);
    bench_say(bench, phone, TT_CLIENT_DELIVERED, "c", 1);
    bench_store_message(bench, "c", "alice", "x2");
    bench_send(bench, alice, "c", "x2");
    bench_let_go(bench, TT_STORE_ADVANCE, TT_OK);
    bench_hang_up(bench, phone);
    bench_pass_ms(bench, 10000);
    expect_said(bench, "notify: ring bob/phone c seq=2");
    bench_destroy(&bench);
}

/* The store fails when the two that are to ring here are due; x3 is found late meanwhile. */
static void what_is_found_late_waits_for_a_look_that_failed(void **state)
{
    (void)state;
    struct bench *bench = bob_is_away();
    tt_handle alice = bench_connect(bench, "alice", "desk");
    (void)bench_connect(bench, "bob", "phone");
    bench_send(bench, alice, "c", "x1");
    bench_send(bench, alice, "c", "x2");
    bench_refuse(bench, TT_STORE_POSITIONS);
    bench_pass_ms(bench, 3500);
    bench->refused = 0;
    bench_store_message(bench, "c", "alice", "x3");
    bench_send(bench, alice, "c", "x3");
    bench_pass_ms(bench, 5000);
    expect_said(bench, "notify: ring bob/phone c seq=1");
    expect_said(bench, "notify: ring bob/phone c seq=2");
    bench_destroy(&bench);
}

/* The phone has rung for x1. The answer to x2 comes after Bob's own message behind it was looked
 * at. */
static void what_is_answered_late_still_rings(void **state)
{
    (void)state;
    struct bench *bench = bob_is_away();
    tt_handle alice = bench_connect(bench, "alice", "desk");
    tt_handle tablet = bench_connect(bench, "bob", "tablet");
    bench_register(bench, "bob", "phone", 99);
    bench_send(bench, alice, "c", "x1");
    bench_pass_ms(bench, 4000);
    accept_all(bench, 1, 1);
    bench_hold(bench, TT_STORE_APPEND);
    bench_send(bench, alice, "c", "x2");
    bench_send(bench, tablet, "c", "own");
    struct tt_store_op *slow = bench->ops[0];
    bench->ops[0] = bench->ops[--bench->op_count];
    bench_let_go(bench, TT_STORE_APPEND, TT_OK);
    bench_pass_ms(bench, 4000);
    expect_unsaid(bench, "notify: ring bob/phone c seq=2");
    bench->ops[bench->op_count++] = slow;
    bench_let_go(bench, TT_STORE_APPEND, TT_OK);
    bench_pass_ms(bench, 4000);
    assert_int_equal(bench_count(bench, "notify: ring bob/phone c seq=2"), 1);
    assert_int_equal(kept_as_rung(bench), 1);
    accept_all(bench, 2, 2);
    assert_int_equal(kept_as_rung(bench), 2);
    bench_destroy(&bench);
}

/* The store is away for so long that a node dies meanwhile, and what was left is looked for. */
static void what_is_kept_as_rung_late_rings_once(void **state)
{
    (void)state;
    struct bench *bench = bob_is_away_and(looks_after_the_dead);
    tt_handle alice = bench_connect(bench, "alice", "desk");
    bench_send(bench, alice, "c", "m1");
    bench_pass_ms(bench, 500);
    bench_refuse(bench, TT_STORE_MARK_PUSHED);
    accept_all(bench, 1, 1);
    bench_step(bench, &(struct tt_event){.kind = TT_EVENT_NODE_GONE});
    bench_pass_ms(bench, 15000);
    bench_step(bench, &(struct tt_event){.kind = TT_EVENT_NODE_GONE});
    bench_pass_ms(bench, 15000);
    assert_int_equal(bench_count(bench, "notify: "), 1);
    bench->refused = 0;
    bench_pass_ms(bench, 15000);
    assert_int_equal(kept_as_rung(bench), 1);
    bench_destroy(&bench);
}

/* The service puts it off; meanwhile the tablet, which lacks it too, is looked after. */
static void what_rang_late_and_was_put_off_rings_again(void **state)
{
    (void)state;
    struct bench *bench = bob_is_away_and(looks_after_the_dead);
    (void)bench_connect(bench, "alice", "desk");
    (void)bench_connect(bench, "bob", "tablet");
    bench_store_message(bench, "c", "alice", "x1");
    bench_step(bench, &(struct tt_event){.kind = TT_EVENT_NODE_GONE});
    bench_pass_ms(bench, 15000);
    expect_said(bench, "notify: ring bob/phone c seq=1");
    bench_forget(bench);
    become_of_it(bench, 1, TT_NOTIFY_LATER, 60000);
    bench_pass_ms(bench, 50000);
    expect_said(bench, "store: POSITIONS");
    expect_unsaid(bench, "notify: ");
    bench_pass_ms(bench, 20000);
    expect_said(bench, "notify: ring bob/phone c seq=1");
    bench_destroy(&bench);
}

static void reads_few_bytes_at_a_time(struct tt_core_options *options)
{
    options->replay_bytes = 1;
}

/* Alice sends again, here, what rang long ago, so it is looked at once more. What another node has
 * stored since rings there. */
static void what_came_since_an_old_message_rings_where_it_was_stored(void **state)
{
    (void)state;
    struct bench *bench = bob_is_away_and(reads_few_bytes_at_a_time);
    tt_handle alice = bench_connect(bench, "alice", "desk");
    bench_store_message(bench, "c", "alice", "x1");
    struct tt_store_op *op = tt_store_op_create(TT_STORE_MARK_PUSHED);
    op->mark_pushed.user = tt_id_of("bob");
    op->mark_pushed.conversation = tt_id_of("c");
    op->mark_pushed.seq = TT_SEQ(1);
    bench_store(bench, op);
    bench_send(bench, alice, "c", "x1");
    bench_store_message(bench, "c", "alice", "x2");
    bench_send(bench, alice, "c", "x3");
    bench_pass_ms(bench, 5000);
    expect_unsaid(bench, "notify: ring bob/phone c seq=2");
    expect_said(bench, "notify: ring bob/phone c seq=3");
    bench_destroy(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_has_looked_late_rings_for_nothing_of_others),
        cmocka_unit_test(what_a_dead_node_left_rings_behind_ones_own),
        cmocka_unit_test(what_a_dead_node_left_rings_though_it_was_being_looked),
        cmocka_unit_test(what_is_found_late_takes_nobodys_ring),
        cmocka_unit_test(what_is_found_late_outlives_an_ack),
        cmocka_unit_test(what_is_found_late_waits_for_a_look_that_failed),
        cmocka_unit_test(what_is_answered_late_still_rings),
        cmocka_unit_test(what_is_kept_as_rung_late_rings_once),
        cmocka_unit_test(what_rang_late_and_was_put_off_rings_again),
        cmocka_unit_test(what_came_since_an_old_message_rings_where_it_was_stored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
