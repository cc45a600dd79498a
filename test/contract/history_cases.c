#include "contract/contract.h"

static struct tt_store_op *new_history(struct fixture *f, uint64_t from, uint64_t to)
{
    struct tt_store_op *op = new_op(f, TT_STORE_HISTORY);
    op->history.conversation = tt_id_of("c");
    op->history.from = TT_SEQ(from);
    op->history.to = TT_SEQ(to);
    op->history.count_max = 100;
    return op;
}

static void expect_happening(const struct tt_read_history *history, size_t index,
                             enum tt_happening_kind kind, const char *user, uint64_t from,
                             uint64_t to)
{
    assert_true(index < history->happening_count);
    const struct tt_happening *happening = &history->happenings[index];
    assert_int_equal(happening->kind, kind);
    expect_id(&happening->user, user);
    assert_int_equal(happening->from.n, from);
    assert_int_equal(happening->to.n, to);
}

static void ack_at(struct fixture *f, uint64_t delivered, uint64_t read, int64_t ms)
{
    struct tt_store_op *op = new_ack(f, "c", "bob", "phone", delivered, read);
    op->advance.at = at(ms);
    expect_ok(run(f, op)->err);
}

/* Alice says three things (at 10, 20, 30); Bob's phone comes at 40, has them at 50, reads two. */
static void phone_off(struct fixture *f)
{
    create_direct(f, "c", "alice", "bob");
    uint64_t before = link_at(f, "bob", "phone", 2)->epoch;
    disconnect(f, "bob", "phone", before, 4);
    send_text(f, "c", "alice", "a", "m1", 1);
    send_text(f, "c", "alice", "a", "m2", 2);
    send_text(f, "c", "alice", "a", "m3", 3);
    uint64_t epoch = link_at(f, "bob", "phone", 40)->epoch;
    ack_at(f, 3, 0, 50);
    ack_at(f, 3, 2, 60);
    disconnect(f, "bob", "phone", epoch, 70);
}

static void a_story_is_told_in_order(struct fixture *f)
{
    phone_off(f);
    struct tt_store_op *op = run(f, new_history(f, 0, 0));
    expect_ok(op->err);
    const struct tt_read_history *history = &op->history;
    assert_int_equal(history->head.n, 3);
    assert_int_equal(history->member_count, 2);
    expect_cursor(history->members[1].cursor, 3, 2);
    assert_int_equal(history->happening_count, 7);
    expect_happening(history, 0, TT_HAPPENED_STORED, "alice", 1, 1);
    expect_happening(history, 1, TT_HAPPENED_STORED, "alice", 2, 2);
    expect_happening(history, 2, TT_HAPPENED_STORED, "alice", 3, 3);
    expect_happening(history, 3, TT_HAPPENED_CONNECTED, "bob", 0, 0);
    expect_happening(history, 4, TT_HAPPENED_DELIVERED, "bob", 1, 3);
    expect_happening(history, 5, TT_HAPPENED_READ, "bob", 1, 2);
    expect_happening(history, 6, TT_HAPPENED_DISCONNECTED, "bob", 0, 0);
    expect_id(&history->happenings[0].device, "a");
    expect_id(&history->happenings[3].device, "phone");
    expect_id(&history->happenings[4].device, "phone");
    assert_int_equal(history->happenings[4].at.ms, at(50).ms);
    assert_int_equal(history->happenings[6].at.ms, at(70).ms);
}

static void a_step_counts_if_it_passes_over_a_message(struct fixture *f)
{
    phone_off(f);
    ack_at(f, 3, 3, 80);
    struct tt_store_op *op = run(f, new_history(f, 3, 3));
    expect_ok(op->err);
    const struct tt_read_history *third = &op->history;
    assert_int_equal(third->happening_count, 5);
    expect_happening(third, 0, TT_HAPPENED_STORED, "alice", 3, 3);
    expect_happening(third, 1, TT_HAPPENED_CONNECTED, "bob", 0, 0);
    expect_happening(third, 2, TT_HAPPENED_DELIVERED, "bob", 1, 3);
    expect_happening(third, 3, TT_HAPPENED_DISCONNECTED, "bob", 0, 0);
    expect_happening(third, 4, TT_HAPPENED_READ, "bob", 3, 3);
    op = run(f, new_history(f, 1, 2));
    expect_ok(op->err);
    assert_int_equal(op->history.happening_count, 6);
    expect_happening(&op->history, 4, TT_HAPPENED_READ, "bob", 1, 2);
}

static void times_and_counts_bound_it(struct fixture *f)
{
    phone_off(f);
    struct tt_store_op *op = new_history(f, 0, 0);
    op->history.since = at(50);
    op->history.until = at(60);
    expect_ok(run(f, op)->err);
    assert_int_equal(op->history.happening_count, 2);
    expect_happening(&op->history, 0, TT_HAPPENED_DELIVERED, "bob", 1, 3);
    expect_happening(&op->history, 1, TT_HAPPENED_READ, "bob", 1, 2);
    op = new_history(f, 0, 0);
    op->history.since = at(1);
    expect_ok(run(f, op)->err);
    assert_int_equal(op->history.happening_count, 9);
    expect_happening(&op->history, 0, TT_HAPPENED_CONNECTED, "bob", 0, 0);
    expect_happening(&op->history, 1, TT_HAPPENED_DISCONNECTED, "bob", 0, 0);
    op = new_history(f, 0, 0);
    op->history.count_max = 3;
    expect_ok(run(f, op)->err);
    assert_int_equal(op->history.happening_count, 3);
    expect_happening(&op->history, 0, TT_HAPPENED_DELIVERED, "bob", 1, 3);
    expect_happening(&op->history, 2, TT_HAPPENED_DISCONNECTED, "bob", 0, 0);
}

static void who_came_and_went_pushes_nothing_out_unless_asked_for(struct fixture *f)
{
    phone_off(f);
    for (int64_t ms = 100; ms < 200; ms += 10)
        disconnect(f, "bob", "phone", link_at(f, "bob", "phone", ms)->epoch, ms + 5);
    struct tt_store_op *op = new_history(f, 1, 1);
    op->history.messages_only = true;
    op->history.count_max = 3;
    expect_ok(run(f, op)->err);
    assert_int_equal(op->history.happening_count, 3);
    expect_happening(&op->history, 0, TT_HAPPENED_STORED, "alice", 1, 1);
    expect_happening(&op->history, 1, TT_HAPPENED_DELIVERED, "bob", 1, 3);
    expect_happening(&op->history, 2, TT_HAPPENED_READ, "bob", 1, 2);
}

static void an_ack_that_moves_nothing_is_no_step(struct fixture *f)
{
    phone_off(f);
    ack_at(f, 3, 2, 90);
    ack_at(f, 1, 1, 91);
    struct tt_store_op *op = run(f, new_history(f, 0, 0));
    expect_ok(op->err);
    assert_int_equal(op->history.happening_count, 7);
}

static void no_history_of_nothing(struct fixture *f)
{
    struct tt_store_op *op = run(f, new_history(f, 0, 0));
    expect_err(op->err, TT_ERR_NOT_FOUND);
    create_direct(f, "c", "alice", "bob");
    op = run(f, new_history(f, 0, 0));
    expect_ok(op->err);
    assert_int_equal(op->history.happening_count, 0);
    assert_int_equal(op->history.member_count, 2);
}

const struct contract_case history_cases[] = {
    CASE(a_story_is_told_in_order),
    CASE(a_step_counts_if_it_passes_over_a_message),
    CASE(times_and_counts_bound_it),
    CASE(who_came_and_went_pushes_nothing_out_unless_asked_for),
    CASE(an_ack_that_moves_nothing_is_no_step),
    CASE(no_history_of_nothing),
    {NULL, NULL},
};
