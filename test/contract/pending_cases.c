#include "contract/contract.h"

#include <stdio.h>

static void every_message_arms_the_other_members(struct fixture *f)
{
    create_group(f, "g", "alice bob carol");
    link_at(f, "alice", "phone", 0);
    send_text(f, "g", "alice", "phone", "m1", 1);
    expect_pending(f, "bob", 1, 1, 1);
    expect_pending(f, "carol", 1, 1, 1);
    expect_nothing_pending(f, "alice");
    send_text(f, "g", "alice", "phone", "m2", 2);
    expect_pending(f, "bob", 1, 2, 2);
}

static void the_senders_other_device_is_armed(struct fixture *f)
{
    create_direct(f, "c", "alice", "bob");
    link_at(f, "alice", "phone", 0);
    link_at(f, "alice", "tablet", 0);
    send_text(f, "c", "alice", "phone", "m1", 1);
    expect_pending(f, "alice", 1, 1, 1);
    assert_int_equal(pending(f, "alice", "phone")->rows[0].device_delivered.n, 1);
    assert_int_equal(pending(f, "alice", "tablet")->rows[0].device_delivered.n, 0);
    ack(f, "c", "alice", "tablet", 1, 0);
    expect_nothing_pending(f, "alice");
    send_text(f, "c", "alice", "never-linked", "m2", 2);
    expect_pending(f, "alice", 2, 2, 2);
}

/* Bob's own message armed nobody, so his row stays armed with what Alice sent before it. */
static void an_own_message_behind_a_pending_one_arms_nobody(struct fixture *f)
{
    create_direct(f, "c", "alice", "bob");
    link_at(f, "bob", "phone", 0);
    send_text(f, "c", "alice", "a", "m1", 1);
    send_text(f, "c", "bob", "phone", "m1", 2);
    expect_pending(f, "bob", 1, 1, 2);
    send_text(f, "c", "alice", "a", "m2", 3);
    expect_pending(f, "bob", 1, 3, 3);
    send_text(f, "c", "bob", "phone", "m2", 4);
    expect_pending(f, "bob", 1, 3, 4);
    ack(f, "c", "bob", "phone", 3, 0);
    expect_pending(f, "bob", 1, 3, 4);
    ack(f, "c", "bob", "phone", 4, 0);
    expect_nothing_pending(f, "bob");
}

static void a_row_goes_when_the_last_device_has_everything(struct fixture *f)
{
    create_direct(f, "c", "alice", "bob");
    link_at(f, "bob", "phone", 0);
    link_at(f, "bob", "tablet", 0);
    send_text(f, "c", "alice", "a", "m1", 1);
    send_text(f, "c", "alice", "a", "m2", 2);
    ack(f, "c", "bob", "phone", 2, 2);
    expect_pending(f, "bob", 1, 2, 2);
    ack(f, "c", "bob", "tablet", 1, 0);
    expect_pending(f, "bob", 1, 2, 2);
    assert_int_equal(pending(f, "bob", "tablet")->rows[0].device_delivered.n, 1);
    ack(f, "c", "bob", "tablet", 2, 0);
    expect_nothing_pending(f, "bob");
    send_text(f, "c", "alice", "a", "m3", 3);
    expect_pending(f, "bob", 3, 3, 3);
}

static void without_devices_the_users_cursor_decides(struct fixture *f)
{
    create_direct(f, "c", "alice", "bob");
    send_text(f, "c", "alice", "a", "m1", 1);
    send_text(f, "c", "alice", "a", "m2", 2);
    ack(f, "c", "bob", "web", 1, 0);
    expect_pending(f, "bob", 1, 2, 2);
    ack(f, "c", "bob", "web", 2, 0);
    expect_nothing_pending(f, "bob");
}

static void mark(struct fixture *f, const char *user, uint64_t seq)
{
    struct tt_store_op *op = new_op(f, TT_STORE_MARK_PUSHED);
    op->mark_pushed.user = tt_id_of(user);
    op->mark_pushed.conversation = tt_id_of("c");
    op->mark_pushed.seq = TT_SEQ(seq);
    expect_ok(run(f, op)->err);
}

static void pushed_only_grows_and_only_where_there_is_a_row(struct fixture *f)
{
    create_direct(f, "c", "alice", "bob");
    link_at(f, "bob", "phone", 0);
    mark(f, "bob", 1);
    expect_nothing_pending(f, "bob");
    send_text(f, "c", "alice", "a", "m1", 1);
    send_text(f, "c", "alice", "a", "m2", 2);
    assert_int_equal(pending(f, "bob", "phone")->rows[0].pushed.n, 0);
    mark(f, "bob", 2);
    mark(f, "bob", 1);
    assert_int_equal(pending(f, "bob", "phone")->rows[0].pushed.n, 2);
    assert_int_equal(positions(f, "c", "bob")->pushed.n, 2);
    send_text(f, "c", "alice", "a", "m3", 3);
    expect_pending(f, "bob", 1, 3, 3);
    assert_int_equal(pending(f, "bob", "phone")->rows[0].pushed.n, 2);
    ack(f, "c", "bob", "phone", 3, 0);
    send_text(f, "c", "alice", "a", "m4", 4);
    assert_int_equal(pending(f, "bob", "phone")->rows[0].pushed.n, 0);
}

static void pending_rows_come_in_pages(struct fixture *f)
{
    const char *const ids[] = {"c1", "c2", "c3", "c4", "c5"};
    const char *const others[] = {"u1", "u2", "u3", "u4", "u5"};
    for (size_t i = 0; i < 5; i++) {
        create_direct(f, ids[i], others[i], "bob");
        send_text(f, ids[i], others[i], "d", "m1", 1);
    }
    struct tt_store_op *op = new_op(f, TT_STORE_LIST_PENDING);
    op->list_pending.user = tt_id_of("bob");
    op->list_pending.device = tt_id_of("phone");
    op->list_pending.count_max = 2;
    expect_ok(run(f, op)->err);
    assert_int_equal(op->list_pending.row_count, 2);
    assert_true(op->list_pending.more);
    expect_id(&op->list_pending.rows[0].conversation, "c1");
    expect_id(&op->list_pending.rows[1].conversation, "c2");
    op->list_pending.after = tt_id_of("c3");
    expect_ok(run(f, op)->err);
    assert_int_equal(op->list_pending.row_count, 2);
    assert_false(op->list_pending.more);
    expect_id(&op->list_pending.rows[0].conversation, "c4");
    expect_id(&op->list_pending.rows[1].conversation, "c5");
    op->list_pending.after = tt_id_of("c5");
    expect_ok(run(f, op)->err);
    assert_int_equal(op->list_pending.row_count, 0);
    assert_false(op->list_pending.more);
}

static void pending_rows_survive_a_restart(struct fixture *f)
{
    if (f->subject->reopen == NULL)
        return;
    create_direct(f, "c", "alice", "bob");
    link_at(f, "bob", "phone", 0);
    send_text(f, "c", "alice", "a", "m1", 1);
    send_text(f, "c", "alice", "a", "m2", 2);
    ack(f, "c", "bob", "phone", 1, 1);
    mark(f, "bob", 2);
    f->subject->reopen(f->store);
    expect_pending(f, "bob", 1, 2, 2);
    assert_int_equal(pending(f, "bob", "phone")->rows[0].pushed.n, 2);
    assert_int_equal(pending(f, "bob", "phone")->rows[0].device_delivered.n, 1);
    expect_cursor(positions(f, "c", "bob")->cursor, 1, 1);
    ack(f, "c", "bob", "phone", 2, 0);
    expect_nothing_pending(f, "bob");
}

/* A store that does not know says false, but never true too early. */
static void an_ack_settles_when_the_last_device_has_everything(struct fixture *f)
{
    create_direct(f, "c", "alice", "bob");
    link_at(f, "bob", "phone", 0);
    link_at(f, "bob", "laptop", 0);
    send_text(f, "c", "alice", "a", "m1", 1);
    send_text(f, "c", "alice", "a", "m2", 2);
    assert_false(ack(f, "c", "bob", "phone", 2, 2)->settled);
    assert_false(ack(f, "c", "bob", "laptop", 1, 0)->settled);
    bool settled = ack(f, "c", "bob", "laptop", 2, 0)->settled;
    assert_true(settled || !f->subject->knows_settled);
    expect_nothing_pending(f, "bob");
    send_text(f, "c", "alice", "a", "m3", 3);
    assert_false(ack(f, "c", "bob", "laptop", 3, 0)->settled);
}

const struct contract_case pending_cases[] = {
    CASE(every_message_arms_the_other_members),
    CASE(the_senders_other_device_is_armed),
    CASE(an_own_message_behind_a_pending_one_arms_nobody),
    CASE(a_row_goes_when_the_last_device_has_everything),
    CASE(an_ack_settles_when_the_last_device_has_everything),
    CASE(without_devices_the_users_cursor_decides),
    CASE(pushed_only_grows_and_only_where_there_is_a_row),
    CASE(pending_rows_come_in_pages),
    CASE(pending_rows_survive_a_restart),
    {NULL, NULL},
};
