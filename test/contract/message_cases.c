#include "contract/contract.h"

#include <stdio.h>

static struct tt_store_op *read_from(struct fixture *f, const char *conversation, uint64_t from,
                                     uint32_t count_max, uint32_t bytes_max)
{
    struct tt_store_op *op = new_op(f, TT_STORE_READ_MESSAGES);
    op->read_messages.conversation = tt_id_of(conversation);
    op->read_messages.from = TT_SEQ(from);
    op->read_messages.count_max = count_max;
    op->read_messages.bytes_max = bytes_max;
    return run(f, op);
}

static void send_many(struct fixture *f, const char *conversation, const char *user,
                      const char *device, uint64_t from, uint64_t to)
{
    for (uint64_t seq = from; seq <= to; seq++) {
        char client_id[32];
        snprintf(client_id, sizeof(client_id), "m%llu", (unsigned long long)seq);
        send_text(f, conversation, user, device, client_id, seq);
    }
}

static void expect_seqs(const struct tt_message *messages, size_t count, uint64_t from, uint64_t to)
{
    assert_int_equal(count, to + 1 - from);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(messages[i].seq.n, from + i);
}

static void seqs_are_one_to_n(struct fixture *f)
{
    create_direct(f, "c", "alice", "bob");
    send_text(f, "c", "alice", "phone", "m1", 1);
    send_text(f, "c", "bob", "phone", "m1", 2);
    send_text(f, "c", "alice", "phone", "m2", 3);
    const struct tt_store_op *op = read_from(f, "c", 1, 10, 10000);
    expect_ok(op->err);
    assert_int_equal(op->read_messages.head.n, 3);
    expect_seqs(op->read_messages.messages, op->read_messages.message_count, 1, 3);
    const struct tt_message *second = &op->read_messages.messages[1];
    expect_id(&second->sender, "bob");
    expect_id(&second->sender_device, "phone");
    expect_id(&second->client_id, "m1");
    expect_slice(second->content, "bob says m1");
    assert_int_equal(second->timestamp.ms, at(20).ms);
}

static void only_members_send(struct fixture *f)
{
    create_direct(f, "c", "alice", "bob");
    expect_err(run(f, new_send(f, "c", "carol", "d", "m"))->err, TT_ERR_NOT_FOUND);
    expect_err(run(f, new_send(f, "nowhere", "alice", "d", "m"))->err, TT_ERR_NOT_FOUND);
    assert_int_equal(snapshot(f, "c", "alice", "d", 50)->head.n, 0);
}

static void a_retry_gets_the_first_seq_and_time(struct fixture *f)
{
    create_direct(f, "c", "alice", "bob");
    create_direct(f, "d", "alice", "carol");
    assert_false(send_text(f, "c", "alice", "phone", "m1", 1)->duplicate);
    send_text(f, "c", "alice", "phone", "m2", 2);
    struct tt_store_op *op = new_send(f, "c", "alice", "tablet", "m1");
    op->append.message.timestamp = at(9999);
    expect_ok(run(f, op)->err);
    assert_true(op->append.duplicate);
    assert_int_equal(op->append.message.seq.n, 1);
    assert_int_equal(op->append.message.timestamp.ms, at(10).ms);
    assert_int_equal(snapshot(f, "c", "alice", "d", 50)->head.n, 2);
    assert_false(send_text(f, "c", "bob", "phone", "m1", 3)->duplicate);
    assert_false(send_text(f, "d", "alice", "phone", "m1", 1)->duplicate);
}

static void a_retry_is_known_after_a_restart(struct fixture *f)
{
    if (f->subject->reopen == NULL)
        return;
    create_direct(f, "c", "alice", "bob");
    send_text(f, "c", "alice", "phone", "m1", 1);
    send_text(f, "c", "alice", "phone", "m2", 2);
    f->subject->reopen(f->store);
    struct tt_store_op *op = run(f, new_send(f, "c", "alice", "phone", "m1"));
    expect_ok(op->err);
    assert_true(op->append.duplicate);
    assert_int_equal(op->append.message.seq.n, 1);
    send_text(f, "c", "alice", "phone", "m3", 3);
    expect_seqs(read_from(f, "c", 1, 10, 1000)->read_messages.messages, 3, 1, 3);
}

static void content_comes_out_as_it_went_in(struct fixture *f)
{
    create_direct(f, "c", "alice", "bob");
    struct tt_store_op *op = new_send(f, "c", "alice", "d", "m1");
    const size_t size = 65536;
    char *content = tt_arena_alloc(&op->arena, size);
    for (size_t i = 0; i < size; i += 2) /* content is the text of a JSON string */
        memcpy(content + i, i % 3 == 0 ? "\\n" : i % 3 == 1 ? "\\\"" : "\xc3\xa9", 2);
    op->append.message.content = tt_slice(content, size);
    expect_ok(run(f, op)->err);
    const struct tt_store_op *read = read_from(f, "c", 1, 10, 10);
    expect_ok(read->err);
    assert_int_equal(read->read_messages.message_count, 1);
    assert_int_equal(read->read_messages.messages[0].content.size, size);
    assert_memory_equal(read->read_messages.messages[0].content.data, content, size);
}

static void reading_is_bounded(struct fixture *f)
{
    create_direct(f, "c", "alice", "bob");
    send_many(f, "c", "alice", "d", 1, 9);
    const struct tt_read_messages *read = &read_from(f, "c", 4, 3, 10000)->read_messages;
    expect_seqs(read->messages, read->message_count, 4, 6);
    assert_int_equal(read->head.n, 9);
    read = &read_from(f, "c", 4, 100, 10000)->read_messages;
    expect_seqs(read->messages, read->message_count, 4, 9);
    read = &read_from(f, "c", 4, 100, 1)->read_messages;
    expect_seqs(read->messages, read->message_count, 4, 4);
    read = &read_from(f, "c", 4, 100, 2 * sizeof("alice says m1") - 2)->read_messages;
    expect_seqs(read->messages, read->message_count, 4, 5);
    const struct tt_store_op *beyond = read_from(f, "c", 10, 100, 10000);
    expect_ok(beyond->err);
    assert_int_equal(beyond->read_messages.message_count, 0);
    assert_int_equal(beyond->read_messages.head.n, 9);
    expect_err(read_from(f, "nowhere", 1, 1, 1)->err, TT_ERR_NOT_FOUND);
}

/* Some come out of files then, and the others out of memory. */
static void reading_goes_across_a_restart(struct fixture *f)
{
    if (f->subject->reopen == NULL)
        return;
    create_direct(f, "c", "alice", "bob");
    link_at(f, "bob", "phone", 0);
    send_many(f, "c", "alice", "a", 1, 6);
    ack(f, "c", "bob", "phone", 4, 4);
    f->subject->reopen(f->store);
    send_many(f, "c", "alice", "a", 7, 12);
    for (uint64_t from = 1; from <= 12; from++) {
        const struct tt_read_messages *read = &read_from(f, "c", from, 4, 10000)->read_messages;
        expect_seqs(read->messages, read->message_count, from, from < 9 ? from + 3 : 12);
        const char sixth[] = "alice says m6";
        if (from <= 6 && from + 3 >= 6)
            expect_slice(read->messages[6 - from].content, sixth);
    }
    const struct tt_read_snapshot *old = snapshot(f, "c", "bob", "phone", 9);
    expect_seqs(old->messages, old->message_count, 4, 12);
    for (uint64_t read = 6; read <= 12; read++) {
        ack(f, "c", "bob", "phone", read, read);
        const struct tt_read_snapshot *some = snapshot(f, "c", "bob", "phone", 5);
        uint64_t first = read + 4 > 12 ? 8 : read;
        expect_seqs(some->messages, some->message_count, first, first + 4);
        const struct tt_read_snapshot *all = snapshot(f, "c", "bob", "phone", 100);
        expect_seqs(all->messages, all->message_count, 1, 12);
        expect_cursor(all->members[1].cursor, read, read);
    }
}

static void own_messages_carry_the_cursors_that_stand_before_them(struct fixture *f)
{
    create_direct(f, "c", "alice", "bob");
    link_at(f, "alice", "phone", 0);
    const struct tt_append *first = send_text(f, "c", "alice", "phone", "m1", 1);
    expect_cursor(first->sender_cursor, 1, 1);
    assert_int_equal(first->device_delivered.n, 1);
    send_text(f, "c", "bob", "b", "m1", 2);
    const struct tt_append *crossing = send_text(f, "c", "alice", "phone", "m2", 3);
    expect_cursor(crossing->sender_cursor, 1, 1);
    assert_int_equal(crossing->device_delivered.n, 1);
    ack(f, "c", "alice", "phone", 3, 2);
    const struct tt_append *after_ack = send_text(f, "c", "alice", "phone", "m3", 4);
    expect_cursor(after_ack->sender_cursor, 4, 2);
    assert_int_equal(after_ack->device_delivered.n, 4);
    expect_cursor(snapshot(f, "c", "bob", "b", 0)->members[0].cursor, 4, 2);
}

static void reading_carries_delivered_along(struct fixture *f)
{
    create_direct(f, "c", "alice", "bob");
    const struct tt_append *sent = send_text(f, "c", "alice", "never-linked", "m1", 1);
    expect_cursor(sent->sender_cursor, 1, 1);
    assert_int_equal(sent->device_delivered.n, 0);
}

static void sending_moves_only_the_sending_device(struct fixture *f)
{
    create_direct(f, "c", "alice", "bob");
    link_at(f, "alice", "phone", 0);
    link_at(f, "alice", "tablet", 0);
    send_text(f, "c", "alice", "phone", "m1", 1);
    const struct tt_positions *stand = positions(f, "c", "alice");
    assert_int_equal(stand->devices[0].delivered.n, 1);
    assert_int_equal(stand->devices[1].delivered.n, 0);
    expect_cursor(stand->cursor, 1, 1);
    assert_int_equal(snapshot(f, "c", "alice", "tablet", 0)->device_delivered.n, 0);
    const struct tt_append *second = send_text(f, "c", "alice", "tablet", "m2", 2);
    assert_int_equal(second->device_delivered.n, 0);
    expect_cursor(second->sender_cursor, 2, 2);
}

static void a_duplicate_moves_nothing(struct fixture *f)
{
    create_direct(f, "c", "alice", "bob");
    link_at(f, "alice", "phone", 0);
    send_text(f, "c", "bob", "b", "m1", 1);
    send_text(f, "c", "alice", "phone", "m1", 2);
    ack(f, "c", "alice", "phone", 1, 1);
    struct tt_store_op *op = run(f, new_send(f, "c", "alice", "phone", "m1"));
    assert_true(op->append.duplicate);
    expect_cursor(op->append.sender_cursor, 1, 1);
    assert_int_equal(op->append.device_delivered.n, 1);
}

static void acks_move_forward_only(struct fixture *f)
{
    create_direct(f, "c", "alice", "bob");
    link_at(f, "bob", "phone", 0);
    send_many(f, "c", "alice", "a", 1, 5);
    const struct tt_advance *delivered = ack(f, "c", "bob", "phone", 3, 0);
    expect_cursor(delivered->before, 0, 0);
    expect_cursor(delivered->after, 3, 0);
    assert_int_equal(delivered->device_delivered.n, 3);
    assert_int_equal(delivered->head.n, 5);
    const struct tt_advance *read = ack(f, "c", "bob", "phone", 4, 4);
    expect_cursor(read->before, 3, 0);
    expect_cursor(read->after, 4, 4);
    const struct tt_advance *back = ack(f, "c", "bob", "phone", 2, 1);
    expect_cursor(back->before, 4, 4);
    expect_cursor(back->after, 4, 4);
    assert_int_equal(back->device_delivered.n, 4);
}

static void read_implies_delivered(struct fixture *f)
{
    create_direct(f, "c", "alice", "bob");
    link_at(f, "bob", "phone", 0);
    send_many(f, "c", "alice", "a", 1, 2);
    const struct tt_advance *read = ack(f, "c", "bob", "phone", 0, 2);
    expect_cursor(read->after, 2, 2);
    assert_int_equal(read->device_delivered.n, 2);
}

static void an_ack_beyond_the_head_changes_nothing(struct fixture *f)
{
    create_direct(f, "c", "alice", "bob");
    link_at(f, "bob", "phone", 0);
    send_many(f, "c", "alice", "a", 1, 2);
    expect_err(run(f, new_ack(f, "c", "bob", "phone", 3, 0))->err, TT_ERR_ACK_AHEAD);
    expect_err(run(f, new_ack(f, "c", "bob", "phone", 3, 3))->err, TT_ERR_ACK_AHEAD);
    expect_cursor(positions(f, "c", "bob")->cursor, 0, 0);
    expect_err(run(f, new_ack(f, "c", "carol", "phone", 1, 0))->err, TT_ERR_NOT_FOUND);
    expect_err(run(f, new_ack(f, "nowhere", "bob", "phone", 1, 0))->err, TT_ERR_NOT_FOUND);
}

static void the_user_is_where_the_furthest_device_is(struct fixture *f)
{
    create_direct(f, "c", "alice", "bob");
    link_at(f, "bob", "phone", 0);
    link_at(f, "bob", "tablet", 0);
    send_many(f, "c", "alice", "a", 1, 5);
    ack(f, "c", "bob", "phone", 5, 5);
    const struct tt_advance *slow = ack(f, "c", "bob", "tablet", 2, 0);
    expect_cursor(slow->before, 5, 5);
    expect_cursor(slow->after, 5, 5);
    assert_int_equal(slow->device_delivered.n, 2);
    const struct tt_positions *stand = positions(f, "c", "bob");
    assert_int_equal(stand->devices[0].delivered.n, 5);
    assert_int_equal(stand->devices[1].delivered.n, 2);
}

static void an_ack_answers_with_all_members(struct fixture *f)
{
    create_group(f, "g", "alice bob carol");
    send_many(f, "g", "alice", "a", 1, 3);
    ack(f, "g", "bob", "b", 2, 1);
    const struct tt_advance *last = ack(f, "g", "carol", "c", 3, 0);
    assert_int_equal(last->member_count, 3);
    expect_id(&last->members[0].user, "alice");
    expect_cursor(last->members[0].cursor, 3, 3);
    expect_id(&last->members[1].user, "bob");
    expect_cursor(last->members[1].cursor, 2, 1);
    expect_id(&last->members[2].user, "carol");
    expect_cursor(last->members[2].cursor, 3, 0);
}

static void a_snapshot_starts_at_the_last_message_read(struct fixture *f)
{
    create_direct(f, "c", "alice", "bob");
    link_at(f, "bob", "phone", 0);
    send_many(f, "c", "alice", "a", 1, 20);
    ack(f, "c", "bob", "phone", 15, 12);
    const struct tt_read_snapshot *all = snapshot(f, "c", "bob", "phone", 50);
    expect_seqs(all->messages, all->message_count, 1, 20);
    assert_int_equal(all->head.n, 20);
    expect_cursor(all->my_cursor, 15, 12);
    assert_int_equal(all->device_delivered.n, 15);
    assert_int_equal(all->member_count, 2);
    expect_id(&all->members[0].user, "alice");
    expect_cursor(all->members[0].cursor, 20, 20);
    expect_cursor(all->members[1].cursor, 15, 12);
    const struct tt_read_snapshot *some = snapshot(f, "c", "bob", "phone", 5);
    expect_seqs(some->messages, some->message_count, 12, 16);
    const struct tt_read_snapshot *filled = snapshot(f, "c", "bob", "phone", 12);
    expect_seqs(filled->messages, filled->message_count, 9, 20);
    expect_slice(filled->messages[0].content, "alice says m9");
    const struct tt_read_snapshot *none = snapshot(f, "c", "bob", "phone", 0);
    assert_int_equal(none->message_count, 0);
    assert_int_equal(none->head.n, 20);
    assert_int_equal(none->member_count, 2);
}

static void a_snapshot_of_nothing_read_starts_at_one(struct fixture *f)
{
    create_direct(f, "c", "alice", "bob");
    send_many(f, "c", "alice", "a", 1, 8);
    const struct tt_read_snapshot *some = snapshot(f, "c", "bob", "phone", 5);
    expect_seqs(some->messages, some->message_count, 1, 5);
    assert_int_equal(some->device_delivered.n, 0);
    const struct tt_read_snapshot *own = snapshot(f, "c", "alice", "a", 3);
    expect_seqs(own->messages, own->message_count, 6, 8);
}

static void a_snapshot_is_for_members(struct fixture *f)
{
    create_direct(f, "c", "alice", "bob");
    struct tt_store_op *op = new_op(f, TT_STORE_SNAPSHOT);
    op->snapshot.conversation = tt_id_of("c");
    op->snapshot.user = tt_id_of("carol");
    op->snapshot.count_max = 5;
    expect_err(run(f, op)->err, TT_ERR_NOT_FOUND);
    op->snapshot.user = tt_id_of("alice");
    op->snapshot.conversation = tt_id_of("nowhere");
    expect_err(run(f, op)->err, TT_ERR_NOT_FOUND);
    op = new_op(f, TT_STORE_POSITIONS);
    op->positions.conversation = tt_id_of("c");
    op->positions.user = tt_id_of("carol");
    expect_err(run(f, op)->err, TT_ERR_NOT_FOUND);
}

static void a_low_disk_refuses_what_grows(struct fixture *f)
{
    if (f->subject->set_disk_low == NULL)
        return;
    create_direct(f, "c", "alice", "bob");
    link_at(f, "bob", "phone", 0);
    send_text(f, "c", "alice", "a", "m1", 1);
    f->subject->set_disk_low(f->store, true);
    expect_err(run(f, new_send(f, "c", "alice", "a", "m2"))->err, TT_ERR_DISK_LOW);
    expect_err(run(f, new_create(f, TT_DIRECT, "d", "alice carol", 0))->err, TT_ERR_DISK_LOW);
    struct tt_store_op *retry = run(f, new_send(f, "c", "alice", "a", "m1"));
    expect_ok(retry->err);
    assert_true(retry->append.duplicate);
    expect_ok(run(f, new_create(f, TT_DIRECT, "c", "alice bob", 0))->err);
    expect_cursor(ack(f, "c", "bob", "phone", 1, 1)->after, 1, 1);
    assert_int_equal(snapshot(f, "c", "bob", "phone", 5)->message_count, 1);
    f->subject->set_disk_low(f->store, false);
    send_text(f, "c", "alice", "a", "m2", 2);
}

const struct contract_case message_cases[] = {
    CASE(seqs_are_one_to_n),
    CASE(only_members_send),
    CASE(a_retry_gets_the_first_seq_and_time),
    CASE(a_retry_is_known_after_a_restart),
    CASE(content_comes_out_as_it_went_in),
    CASE(reading_is_bounded),
    CASE(reading_goes_across_a_restart),
    CASE(own_messages_carry_the_cursors_that_stand_before_them),
    CASE(reading_carries_delivered_along),
    CASE(sending_moves_only_the_sending_device),
    CASE(a_duplicate_moves_nothing),
    CASE(acks_move_forward_only),
    CASE(read_implies_delivered),
    CASE(an_ack_beyond_the_head_changes_nothing),
    CASE(the_user_is_where_the_furthest_device_is),
    CASE(an_ack_answers_with_all_members),
    CASE(a_snapshot_starts_at_the_last_message_read),
    CASE(a_snapshot_of_nothing_read_starts_at_one),
    CASE(a_snapshot_is_for_members),
    CASE(a_low_disk_refuses_what_grows),
    {NULL, NULL},
};
