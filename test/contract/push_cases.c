#include "contract/contract.h"

static void drop(struct fixture *f, const char *user, const char *device, const char *token,
                 tt_time dead_since)
{
    struct tt_store_op *op = new_op(f, TT_STORE_DROP_PUSH_ADDRESS);
    op->drop_push_address.user = tt_id_of(user);
    op->drop_push_address.device = tt_id_of(device);
    op->drop_push_address.token = tt_arena_copy(&op->arena, tt_slice_text(token));
    op->drop_push_address.dead_since = dead_since;
    expect_ok(run(f, op)->err);
}

static void an_address_comes_back_as_it_was_put(struct fixture *f)
{
    assert_int_equal(addresses(f, "bob")->address_count, 0);
    expect_ok(put_address(f, "bob", "phone", "https://push.example/1", 7));
    expect_ok(put_address(f, "bob", "laptop", "https://push.example/2", 8));
    struct tt_list_push_addresses *list = addresses(f, "bob");
    assert_int_equal(list->address_count, 2);
    expect_id(&list->addresses[0].device, "laptop");
    expect_id(&list->addresses[1].device, "phone");
    const struct tt_push_address *phone = &list->addresses[1].address;
    assert_int_equal(phone->provider, TT_PUSH_WEBPUSH);
    assert_true(phone->sandbox);
    expect_slice(phone->token, "https://push.example/1");
    assert_true(tt_slice_eq(phone->p256dh, TT_SLICE_LITERAL("\0a point")));
    assert_true(tt_slice_eq(phone->auth, TT_SLICE_LITERAL("a secret\0")));
    assert_int_equal(phone->registered_at.ms, at(7).ms);
}

static void a_new_address_replaces_the_old_one(struct fixture *f)
{
    expect_ok(put_address(f, "bob", "phone", "t1", 1));
    expect_ok(put_address(f, "bob", "phone", "t2", 2));
    struct tt_list_push_addresses *list = addresses(f, "bob");
    assert_int_equal(list->address_count, 1);
    expect_slice(list->addresses[0].address.token, "t2");
    expect_ok(put_address(f, "bob", "phone", NULL, 3));
    assert_int_equal(addresses(f, "bob")->address_count, 0);
    expect_ok(put_address(f, "bob", "phone", NULL, 4));
}

/* Attack 39: a phone that changes hands rings for its new user only. */
static void a_token_moves_to_who_puts_it(struct fixture *f)
{
    expect_ok(put_address(f, "bob", "phone", "t1", 1));
    expect_ok(put_address(f, "bob", "laptop", "t2", 1));
    expect_ok(put_address(f, "carol", "phone", "t1", 2));
    struct tt_list_push_addresses *list = addresses(f, "bob");
    assert_int_equal(list->address_count, 1);
    expect_slice(list->addresses[0].address.token, "t2");
    expect_slice(addresses(f, "carol")->addresses[0].address.token, "t1");
    expect_ok(put_address(f, "carol", "tablet", "t1", 3));
    list = addresses(f, "carol");
    assert_int_equal(list->address_count, 1);
    expect_id(&list->addresses[0].device, "tablet");
    expect_ok(put_address(f, "bob", "phone", "t1", 4));
    assert_int_equal(addresses(f, "carol")->address_count, 0);
    assert_int_equal(addresses(f, "bob")->address_count, 2);
}

/* A token that was given up does not take away what came after it. */
static void a_token_that_was_given_up_takes_nothing_away(struct fixture *f)
{
    expect_ok(put_address(f, "bob", "phone", "t1", 1));
    expect_ok(put_address(f, "bob", "phone", "t2", 2));
    expect_ok(put_address(f, "carol", "phone", "t1", 3));
    expect_slice(addresses(f, "bob")->addresses[0].address.token, "t2");
}

static void there_are_only_so_many(struct fixture *f)
{
    expect_ok(put_address(f, "bob", "d1", "t1", 1));
    expect_ok(put_address(f, "bob", "d2", "t2", 1));
    expect_ok(put_address(f, "bob", "d3", "t3", 1));
    expect_err(put_address(f, "bob", "d4", "t4", 1), TT_ERR_TOO_MANY_ADDRESSES);
    expect_ok(put_address(f, "bob", "d3", "t5", 1));
    assert_int_equal(addresses(f, "bob")->address_count, 3);
}

static void unlinking_removes_the_address(struct fixture *f)
{
    link_at(f, "bob", "phone", 0);
    link_at(f, "bob", "laptop", 0);
    expect_ok(put_address(f, "bob", "phone", "t1", 1));
    expect_ok(put_address(f, "bob", "laptop", "t2", 1));
    expect_ok(unlink_device(f, "bob", "phone"));
    struct tt_list_push_addresses *list = addresses(f, "bob");
    assert_int_equal(list->address_count, 1);
    expect_id(&list->addresses[0].device, "laptop");
}

static void unlinking_removes_the_address_of_who_never_connected(struct fixture *f)
{
    expect_ok(put_address(f, "bob", "phone", "t1", 1));
    expect_ok(put_address(f, "bob", "laptop", "t2", 1));
    expect_ok(unlink_device(f, "bob", "phone"));
    expect_err(unlink_device(f, "bob", "phone"), TT_ERR_NOT_FOUND);
    assert_int_equal(addresses(f, "bob")->address_count, 1);
    expect_id(&addresses(f, "bob")->addresses[0].device, "laptop");
    expect_ok(put_address(f, "bob", "phone", "t1", 2));
    expect_ok(unlink_device(f, "bob", "phone"));
    if (f->subject->reopen == NULL)
        return;
    f->subject->reopen(f->store);
    assert_int_equal(addresses(f, "bob")->address_count, 1);
    expect_id(&addresses(f, "bob")->addresses[0].device, "laptop");
    expect_ok(unlink_device(f, "bob", "laptop"));
    assert_int_equal(addresses(f, "bob")->address_count, 0);
}

/* APNs' rule for 410: only a registration that is older than Apple's timestamp is dead. */
static void a_dead_address_goes_unless_it_came_later(struct fixture *f)
{
    expect_ok(put_address(f, "bob", "phone", "t1", 100));
    drop(f, "bob", "phone", "t0", TT_TIME(0));
    drop(f, "bob", "phone", "t1", at(99));
    drop(f, "bob", "laptop", "t1", TT_TIME(0));
    assert_int_equal(addresses(f, "bob")->address_count, 1);
    drop(f, "bob", "phone", "t1", at(100));
    assert_int_equal(addresses(f, "bob")->address_count, 0);
    expect_ok(put_address(f, "bob", "phone", "t1", 100));
    drop(f, "bob", "phone", "t1", TT_TIME(0));
    assert_int_equal(addresses(f, "bob")->address_count, 0);
}

static void record(struct fixture *f, uint64_t seq, bool accepted, int64_t ms, const char *detail)
{
    struct tt_store_op *op = new_op(f, TT_STORE_RECORD_PUSH);
    op->record_push.conversation = tt_id_of("c");
    op->record_push.happening = (struct tt_happening){
        .kind = accepted ? TT_HAPPENED_PUSH_ACCEPTED : TT_HAPPENED_PUSH_FAILED,
        .at = at(ms),
        .from = TT_SEQ(seq),
        .to = TT_SEQ(seq),
        .user = tt_id_of("bob"),
        .device = tt_id_of("phone"),
        .detail = tt_arena_copy(&op->arena, tt_slice_text(detail)),
    };
    expect_ok(run(f, op)->err);
}

static void what_became_of_a_push_is_in_the_history(struct fixture *f)
{
    create_direct(f, "c", "alice", "bob");
    send_text(f, "c", "alice", "a", "m1", 1);
    send_text(f, "c", "alice", "a", "m2", 2);
    record(f, 1, false, 30, "ServiceUnavailable");
    record(f, 1, true, 40, "apns-id");
    record(f, 2, true, 50, "another");
    struct tt_store_op *op = new_op(f, TT_STORE_HISTORY);
    op->history.conversation = tt_id_of("c");
    op->history.from = TT_SEQ(1);
    op->history.to = TT_SEQ(1);
    op->history.count_max = 10;
    expect_ok(run(f, op)->err);
    assert_int_equal(op->history.happening_count, 3);
    const struct tt_happening *failed = &op->history.happenings[1];
    const struct tt_happening *accepted = &op->history.happenings[2];
    assert_int_equal(failed->kind, TT_HAPPENED_PUSH_FAILED);
    expect_slice(failed->detail, "ServiceUnavailable");
    assert_int_equal(accepted->kind, TT_HAPPENED_PUSH_ACCEPTED);
    assert_int_equal(accepted->at.ms, at(40).ms);
    assert_int_equal(accepted->from.n, 1);
    assert_int_equal(accepted->to.n, 1);
    expect_id(&accepted->user, "bob");
    expect_id(&accepted->device, "phone");
    expect_slice(accepted->detail, "apns-id");
}

static void a_push_moves_no_cursor(struct fixture *f)
{
    create_direct(f, "c", "alice", "bob");
    link_at(f, "bob", "phone", 0);
    send_text(f, "c", "alice", "a", "m1", 1);
    record(f, 1, true, 30, "id");
    expect_cursor(positions(f, "c", "bob")->cursor, 0, 0);
    assert_int_equal(positions(f, "c", "bob")->devices[0].delivered.n, 0);
    expect_pending(f, "bob", 1, 1, 1);
}

static struct tt_list_unrung *unrung(struct fixture *f, const struct tt_list_unrung *before)
{
    struct tt_store_op *op = new_op(f, TT_STORE_LIST_UNRUNG);
    op->list_unrung.count_max = 2;
    if (before != NULL) {
        op->list_unrung.after_user = before->last_user;
        op->list_unrung.after_conversation = before->last_conversation;
    }
    expect_ok(run(f, op)->err);
    return &op->list_unrung;
}

static void mark(struct fixture *f, const char *conversation, const char *user, uint64_t seq)
{
    struct tt_store_op *op = new_op(f, TT_STORE_MARK_PUSHED);
    op->mark_pushed.user = tt_id_of(user);
    op->mark_pushed.conversation = tt_id_of(conversation);
    op->mark_pushed.seq = TT_SEQ(seq);
    expect_ok(run(f, op)->err);
}

/* What a start rings for: armed, and not kept as rung for. */
static void what_did_not_ring_is_found(struct fixture *f)
{
    assert_int_equal(unrung(f, NULL)->row_count, 0);
    create_direct(f, "c1", "alice", "bob");
    create_direct(f, "c2", "alice", "carol");
    create_direct(f, "c3", "bob", "dave");
    create_direct(f, "c4", "carol", "dave");
    send_text(f, "c1", "alice", "a", "m1", 1);
    send_text(f, "c1", "alice", "a", "m2", 2);
    send_text(f, "c2", "alice", "a", "m3", 1);
    send_text(f, "c3", "bob", "a", "m4", 1);
    send_text(f, "c4", "carol", "a", "m5", 1);
    mark(f, "c2", "carol", 1);
    mark(f, "c1", "bob", 1);
    struct tt_list_unrung *page = unrung(f, NULL);
    struct {
        const char *user;
        const char *conversation;
        uint64_t armed;
        uint64_t pushed;
        size_t found;
    } wanted[] = {{"bob", "c1", 2, 1, 0}, {"dave", "c3", 1, 0, 0}, {"dave", "c4", 1, 0, 0}};
    size_t count = 0;
    for (;; page = unrung(f, page)) {
        for (size_t i = 0; i < page->row_count; i++, count++)
            for (size_t j = 0; j < 3; j++) {
                if (!tt_slice_eq(tt_id_slice(&page->rows[i].conversation),
                                 tt_slice_text(wanted[j].conversation)))
                    continue;
                expect_id(&page->rows[i].user, wanted[j].user);
                assert_int_equal(page->rows[i].armed.n, wanted[j].armed);
                assert_int_equal(page->rows[i].pushed.n, wanted[j].pushed);
                wanted[j].found++;
            }
        if (!page->more)
            break;
    }
    assert_int_equal(count, 3);
    for (size_t j = 0; j < 3; j++)
        assert_int_equal(wanted[j].found, 1);
}

/* A store that does not know says false, but never that nothing rings where something may. */
static void a_send_says_whether_a_phone_may_have_to_ring(struct fixture *f)
{
    create_direct(f, "c", "alice", "bob");
    bool none = send_text(f, "c", "alice", "a", "m1", 1)->none_rings;
    assert_true(none || !f->subject->knows_settled);
    expect_ok(put_address(f, "alice", "phone", "token 0", 1));
    expect_ok(put_address(f, "bob", "phone", "token 1", 1));
    assert_false(send_text(f, "c", "alice", "a", "m2", 2)->none_rings);
    uint64_t epoch = link_at(f, "bob", "phone", 2)->epoch;
    none = send_text(f, "c", "alice", "a", "m3", 3)->none_rings;
    assert_true(none || !f->subject->knows_settled);
    disconnect(f, "bob", "phone", epoch, 3);
    assert_false(send_text(f, "c", "alice", "a", "m4", 4)->none_rings);
}

const struct contract_case push_cases[] = {
    CASE(an_address_comes_back_as_it_was_put),
    CASE(a_new_address_replaces_the_old_one),
    CASE(a_token_moves_to_who_puts_it),
    CASE(a_token_that_was_given_up_takes_nothing_away),
    CASE(there_are_only_so_many),
    CASE(unlinking_removes_the_address),
    CASE(unlinking_removes_the_address_of_who_never_connected),
    CASE(a_dead_address_goes_unless_it_came_later),
    CASE(what_became_of_a_push_is_in_the_history),
    CASE(a_push_moves_no_cursor),
    CASE(what_did_not_ring_is_found),
    CASE(a_send_says_whether_a_phone_may_have_to_ring),
    {NULL, NULL},
};
