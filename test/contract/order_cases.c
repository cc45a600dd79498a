#include "contract/contract.h"

#include <stdio.h>

#define MANY 200

static void fill_sends(struct fixture *f, const char *user, struct tt_store_op **ops)
{
    for (size_t i = 0; i < MANY; i++) {
        char client_id[32];
        snprintf(client_id, sizeof(client_id), "m%zu", i + 1);
        ops[i] = new_send(f, "c", user, "d", client_id);
        ops[i]->append.message.timestamp = at((int64_t)i);
    }
}

static void a_batch_takes_effect_in_its_order(struct fixture *f)
{
    struct tt_store_op *ops[MANY];
    create_direct(f, "c", "alice", "bob");
    fill_sends(f, "alice", ops);
    f->subject->submit(f->store, 0, ops, MANY);
    f->subject->wait(f->store);
    for (size_t i = 0; i < MANY; i++) {
        expect_ok(ops[i]->err);
        assert_int_equal(ops[i]->append.message.seq.n, i + 1);
    }
}

/* One node's ops that follow each other without waiting, and an ack among them. */
static void successive_batches_keep_their_order(struct fixture *f)
{
    create_direct(f, "c", "alice", "bob");
    struct tt_store_op *first = new_send(f, "c", "alice", "d", "m1");
    struct tt_store_op *second = new_send(f, "c", "alice", "d", "m2");
    struct tt_store_op *acked = new_ack(f, "c", "bob", "phone", 2, 1);
    f->subject->submit(f->store, 0, &first, 1);
    f->subject->submit(f->store, 0, &second, 1);
    f->subject->submit(f->store, 0, &acked, 1);
    f->subject->wait(f->store);
    assert_int_equal(first->append.message.seq.n, 1);
    assert_int_equal(second->append.message.seq.n, 2);
    expect_ok(acked->err);
    expect_cursor(acked->advance.after, 2, 1);
}

static void two_nodes_share_a_conversation_without_gaps(struct fixture *f)
{
    struct tt_store_op *alices[MANY];
    struct tt_store_op *bobs[MANY];
    bool taken[2 * MANY + 1] = {false};
    create_direct(f, "c", "alice", "bob");
    fill_sends(f, "alice", alices);
    fill_sends(f, "bob", bobs);
    for (size_t i = 0; i < MANY; i += 10) {
        f->subject->submit(f->store, 0, alices + i, 10);
        f->subject->submit(f->store, 1, bobs + i, 10);
    }
    f->subject->wait(f->store);
    for (size_t i = 0; i < MANY; i++) {
        uint64_t seqs[] = {alices[i]->append.message.seq.n, bobs[i]->append.message.seq.n};
        for (size_t j = 0; j < 2; j++) {
            assert_in_range(seqs[j], 1, 2 * MANY);
            assert_false(taken[seqs[j]]);
            taken[seqs[j]] = true;
        }
        if (i > 0)
            assert_true(seqs[0] > alices[i - 1]->append.message.seq.n);
    }
    assert_int_equal(snapshot(f, "c", "alice", "d", 1)->head.n, 2 * MANY);
}

static void the_same_client_id_from_two_nodes_is_stored_once(struct fixture *f)
{
    struct tt_store_op *first[MANY];
    struct tt_store_op *again[MANY];
    create_direct(f, "c", "alice", "bob");
    fill_sends(f, "alice", first);
    fill_sends(f, "alice", again);
    f->subject->submit(f->store, 0, first, MANY);
    f->subject->submit(f->store, 1, again, MANY);
    f->subject->wait(f->store);
    for (size_t i = 0; i < MANY; i++) {
        assert_int_equal(first[i]->append.message.seq.n, again[i]->append.message.seq.n);
        assert_true(first[i]->append.duplicate != again[i]->append.duplicate);
        assert_int_equal(first[i]->append.message.timestamp.ms,
                         again[i]->append.message.timestamp.ms);
    }
    assert_int_equal(snapshot(f, "c", "alice", "d", 1)->head.n, MANY);
}

static void one_batch_may_hold_a_life(struct fixture *f)
{
    create_direct(f, "old", "bob", "carol");
    struct tt_store_op *ops[6];
    ops[0] = new_create(f, TT_DIRECT, "c", "alice bob", 0);
    ops[1] = new_send(f, "c", "alice", "d", "m1");
    ops[2] = new_send(f, "c", "alice", "d", "m1");
    ops[3] = new_op(f, TT_STORE_LINK_DEVICE);
    ops[3]->link_device.user = tt_id_of("bob");
    ops[3]->link_device.device = tt_id_of("phone");
    ops[3]->link_device.at = at(1);
    ops[3]->link_device.device_count_max = 16;
    ops[3]->link_device.silent_ms_max = 1000;
    ops[4] = new_ack(f, "c", "bob", "phone", 1, 1);
    ops[5] = new_create(f, TT_DIRECT, "c2", "alice bob", 0);
    f->subject->submit(f->store, 0, ops, 6);
    f->subject->wait(f->store);
    for (size_t i = 0; i < 6; i++)
        expect_ok(ops[i]->err);
    assert_true(ops[2]->append.duplicate);
    expect_cursor(ops[4]->advance.after, 1, 1);
    assert_int_equal(ops[4]->advance.device_delivered.n, 1);
    assert_false(ops[5]->create_conversation.created);
    expect_id(&ops[5]->create_conversation.conversation.id, "c");
    expect_nothing_pending(f, "bob");
    assert_int_equal(positions(f, "c", "bob")->devices[0].delivered.n, 1);
}

static void two_members_that_ack_at_once_see_each_other(struct fixture *f)
{
    create_group(f, "g", "alice bob carol");
    send_text(f, "g", "alice", "d", "m1", 1);
    struct tt_store_op *bobs = new_ack(f, "g", "bob", "b", 1, 0);
    struct tt_store_op *carols = new_ack(f, "g", "carol", "c", 1, 0);
    f->subject->submit(f->store, 0, &bobs, 1);
    f->subject->submit(f->store, 1, &carols, 1);
    f->subject->wait(f->store);
    bool bob_saw_carol =
        bobs->advance.member_count == 3 && bobs->advance.members[2].cursor.delivered.n == 1;
    bool carol_saw_bob =
        carols->advance.member_count == 3 && carols->advance.members[1].cursor.delivered.n == 1;
    assert_true(bob_saw_carol || carol_saw_bob);
}

/* All four, and where they stand. */
static void expect_members(const struct tt_store_op *op, const char *delivered)
{
    assert_int_equal(op->advance.member_count, strlen(delivered));
    for (size_t i = 0; i < op->advance.member_count; i++)
        assert_int_equal(op->advance.members[i].cursor.delivered.n, delivered[i] - '0');
}

/* Of two who stand where he stood, each of the others still sees one. */
static void an_ack_that_is_shown_to_nobody_need_not_name_the_members(struct fixture *f)
{
    create_group(f, "g", "alice bob carol dave");
    send_text(f, "g", "alice", "d", "m1", 1);
    struct tt_store_op *bobs = new_ack(f, "g", "bob", "b", 1, 0);
    run(f, bobs);
    expect_ok(bobs->err);
    if (bobs->advance.member_count > 0)
        expect_members(bobs, "1100");
    struct tt_store_op *again = new_ack(f, "g", "bob", "b", 1, 0);
    again->advance.wants_members = true;
    run(f, again);
    expect_ok(again->err);
    expect_members(again, "1100");
    struct tt_store_op *carols = new_ack(f, "g", "carol", "c", 1, 0);
    carols->advance.wants_members = true;
    run(f, carols);
    expect_ok(carols->err);
    expect_members(carols, "1110");
    struct tt_store_op *daves = new_ack(f, "g", "dave", "d", 1, 0);
    run(f, daves);
    expect_ok(daves->err);
    expect_members(daves, "1111");
}

/* All have it, but only dave has not read it: he is shown that bob has. */
static void an_ack_of_which_a_part_is_shown_names_the_members(struct fixture *f)
{
    create_group(f, "g", "alice bob carol dave");
    send_text(f, "g", "alice", "d", "m1", 1);
    run(f, new_ack(f, "g", "carol", "c", 1, 1));
    run(f, new_ack(f, "g", "dave", "d", 1, 0));
    run(f, new_ack(f, "g", "bob", "b", 1, 0));
    struct tt_store_op *read = new_ack(f, "g", "bob", "b", 1, 1);
    run(f, read);
    expect_ok(read->err);
    expect_members(read, "1111");
    expect_cursor(read->advance.members[1].cursor, 1, 1);
    expect_cursor(read->advance.members[3].cursor, 1, 0);
}

static void a_read_sees_what_was_completed_before(struct fixture *f)
{
    create_direct(f, "c", "alice", "bob");
    for (uint64_t seq = 1; seq <= 50; seq++) {
        char client_id[32];
        snprintf(client_id, sizeof(client_id), "m%llu", (unsigned long long)seq);
        send_text(f, "c", "alice", "d", client_id, seq);
        struct tt_store_op *op = new_op(f, TT_STORE_READ_MESSAGES);
        op->read_messages.conversation = tt_id_of("c");
        op->read_messages.from = TT_SEQ(seq);
        op->read_messages.count_max = 10;
        f->subject->submit(f->store, (unsigned)(seq % 2), &op, 1);
        f->subject->wait(f->store);
        expect_ok(op->err);
        assert_int_equal(op->read_messages.message_count, 1);
        assert_int_equal(op->read_messages.head.n, seq);
    }
}

const struct contract_case order_cases[] = {
    CASE(a_batch_takes_effect_in_its_order),
    CASE(successive_batches_keep_their_order),
    CASE(two_nodes_share_a_conversation_without_gaps),
    CASE(the_same_client_id_from_two_nodes_is_stored_once),
    CASE(one_batch_may_hold_a_life),
    CASE(two_members_that_ack_at_once_see_each_other),
    CASE(an_ack_that_is_shown_to_nobody_need_not_name_the_members),
    CASE(an_ack_of_which_a_part_is_shown_names_the_members),
    CASE(a_read_sees_what_was_completed_before),
    {NULL, NULL},
};
