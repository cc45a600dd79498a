#include "contract/contract.h"

static struct tt_store_op *get(struct fixture *f, const char *id)
{
    struct tt_store_op *op = new_op(f, TT_STORE_GET_CONVERSATION);
    op->get_conversation.id = tt_id_of(id);
    return run(f, op);
}

static void a_conversation_is_created_empty(struct fixture *f)
{
    struct tt_store_op *op = new_create(f, TT_GROUP, "g", "carol alice bob", 7);
    op->create_conversation.conversation.title =
        tt_arena_copy(&op->arena, tt_slice_text("Lunch \\\"club\\\""));
    expect_ok(run(f, op)->err);
    assert_true(op->create_conversation.created);
    const struct tt_store_op *got = get(f, "g");
    expect_ok(got->err);
    const struct tt_conversation *conversation = &got->get_conversation.conversation;
    expect_id(&conversation->id, "g");
    assert_int_equal(conversation->kind, TT_GROUP);
    expect_slice(conversation->title, "Lunch \\\"club\\\"");
    assert_int_equal(conversation->created_at.ms, at(7).ms);
    assert_int_equal(conversation->member_count, 3);
    expect_id(&conversation->members[0], "alice");
    expect_id(&conversation->members[1], "bob");
    expect_id(&conversation->members[2], "carol");
    assert_int_equal(snapshot(f, "g", "bob", "d", 50)->head.n, 0);
    assert_int_equal(list(f, "carol", 10)->entry_count, 1);
}

static void an_unknown_conversation_is_not_found(struct fixture *f)
{
    expect_err(get(f, "nowhere")->err, TT_ERR_NOT_FOUND);
}

static void repeating_a_creation_finds_the_standing_one(struct fixture *f)
{
    create_group(f, "g", "alice bob carol");
    struct tt_store_op *op = run(f, new_create(f, TT_GROUP, "g", "bob carol alice", 99));
    expect_ok(op->err);
    assert_false(op->create_conversation.created);
    assert_int_equal(op->create_conversation.conversation.created_at.ms, at(0).ms);
    assert_int_equal(op->create_conversation.conversation.member_count, 3);
}

static void an_id_that_is_taken_is_a_conflict(struct fixture *f)
{
    create_group(f, "g", "alice bob carol");
    expect_err(run(f, new_create(f, TT_GROUP, "g", "alice bob", 0))->err, TT_ERR_CONFLICT);
    expect_err(run(f, new_create(f, TT_DIRECT, "g", "alice bob", 0))->err, TT_ERR_CONFLICT);
    expect_err(run(f, new_create(f, TT_GROUP, "g", "alice bob dave", 0))->err, TT_ERR_CONFLICT);
    assert_int_equal(list(f, "dave", 10)->entry_count, 0);
}

static void a_pair_has_one_direct_conversation(struct fixture *f)
{
    create_direct(f, "first", "alice", "bob");
    struct tt_store_op *op = run(f, new_create(f, TT_DIRECT, "second", "bob alice", 9));
    expect_ok(op->err);
    assert_false(op->create_conversation.created);
    expect_id(&op->create_conversation.conversation.id, "first");
    assert_int_equal(op->create_conversation.conversation.member_count, 2);
    expect_err(get(f, "second")->err, TT_ERR_NOT_FOUND);

    create_group(f, "taken", "alice bob");
    op = run(f, new_create(f, TT_DIRECT, "taken", "alice bob", 9));
    expect_ok(op->err);
    expect_id(&op->create_conversation.conversation.id, "first");
    create_direct(f, "other", "alice", "carol");
}

static void a_full_member_is_refused(struct fixture *f)
{
    create_direct(f, "c1", "alice", "bob");
    create_direct(f, "c2", "alice", "carol");
    struct tt_store_op *op = new_create(f, TT_DIRECT, "c3", "dave alice", 0);
    op->create_conversation.conversation_count_max = 2;
    expect_err(run(f, op)->err, TT_ERR_TOO_MANY_CONVERSATIONS);
    assert_int_equal(list(f, "dave", 10)->entry_count, 0);
    op = new_create(f, TT_DIRECT, "c3", "dave bob", 0);
    op->create_conversation.conversation_count_max = 2;
    expect_ok(run(f, op)->err);
}

static void bad_members_are_refused(struct fixture *f)
{
    struct tt_store_op *op = new_create(f, TT_GROUP, "g", "alice bob", 0);
    tt_id *ids = tt_arena_array(&op->arena, 2, sizeof(*ids));
    ids[0] = tt_id_of("bob");
    ids[1] = tt_id_of("alice");
    op->create_conversation.conversation.members = ids;
    expect_err(run(f, op)->err, TT_ERR_BAD_MEMBERS);
    ids[1] = tt_id_of("bob");
    expect_err(run(f, op)->err, TT_ERR_BAD_MEMBERS);
    expect_err(run(f, new_create(f, TT_DIRECT, "d", "alice bob carol", 0))->err,
               TT_ERR_BAD_MEMBERS);
    expect_err(get(f, "g")->err, TT_ERR_NOT_FOUND);
}

static void members_may_mute(struct fixture *f)
{
    create_direct(f, "c", "alice", "bob");
    struct tt_store_op *op = new_op(f, TT_STORE_MUTE);
    op->mute.conversation = tt_id_of("c");
    op->mute.user = tt_id_of("bob");
    op->mute.until = at(500);
    expect_ok(run(f, op)->err);
    assert_int_equal(positions(f, "c", "bob")->muted_until.ms, at(500).ms);
    assert_int_equal(snapshot(f, "c", "bob", "d", 0)->muted_until.ms, at(500).ms);
    assert_int_equal(list(f, "bob", 5)->entries[0].muted_until.ms, at(500).ms);
    assert_int_equal(list(f, "alice", 5)->entries[0].muted_until.ms, 0);
    op->mute.until = TT_TIME(0);
    expect_ok(run(f, op)->err);
    assert_int_equal(positions(f, "c", "bob")->muted_until.ms, 0);
    op->mute.user = tt_id_of("carol");
    expect_err(run(f, op)->err, TT_ERR_NOT_FOUND);
    op->mute.conversation = tt_id_of("nowhere");
    expect_err(run(f, op)->err, TT_ERR_NOT_FOUND);
}

const struct contract_case conversation_cases[] = {
    CASE(a_conversation_is_created_empty),
    CASE(an_unknown_conversation_is_not_found),
    CASE(repeating_a_creation_finds_the_standing_one),
    CASE(an_id_that_is_taken_is_a_conflict),
    CASE(a_pair_has_one_direct_conversation),
    CASE(a_full_member_is_refused),
    CASE(bad_members_are_refused),
    CASE(members_may_mute),
    {NULL, NULL},
};
