#include "contract/contract.h"

#include <stdio.h>

static void send_at(struct fixture *f, const char *conversation, const char *user,
                    const char *client_id, int64_t ms)
{
    struct tt_store_op *op = new_send(f, conversation, user, "d", client_id);
    op->append.message.timestamp = at(ms);
    expect_ok(run(f, op)->err);
}

static void expect_order(const struct tt_list_conversations *listed, const char *ids)
{
    for (size_t i = 0; i < listed->entry_count; i++) {
        size_t size = strcspn(ids, " ");
        assert_int_equal(listed->entries[i].conversation.id.size, size);
        assert_memory_equal(listed->entries[i].conversation.id.bytes, ids, size);
        ids += size;
        ids += strspn(ids, " ");
    }
    assert_string_equal(ids, "");
}

static void the_newest_activity_comes_first(struct fixture *f)
{
    expect_ok(run(f, new_create(f, TT_DIRECT, "old", "alice bob", 10))->err);
    expect_ok(run(f, new_create(f, TT_DIRECT, "new", "alice carol", 30))->err);
    expect_ok(run(f, new_create(f, TT_GROUP, "mid", "alice bob carol", 20))->err);
    expect_ok(run(f, new_create(f, TT_DIRECT, "not-hers", "bob carol", 99))->err);
    expect_order(list(f, "alice", 10), "new mid old");
    send_at(f, "old", "bob", "m1", 40);
    const struct tt_list_conversations *listed = list(f, "alice", 10);
    expect_order(listed, "old new mid");
    assert_int_equal(listed->entries[0].active_at.ms, at(40).ms);
    assert_int_equal(listed->entries[1].active_at.ms, at(30).ms);
    assert_int_equal(listed->next.size, 0);
    assert_int_equal(list(f, "dave", 10)->entry_count, 0);
}

static void an_entry_has_everything_that_a_list_shows(struct fixture *f)
{
    create_group(f, "g", "alice bob carol");
    send_at(f, "g", "alice", "m1", 10);
    send_at(f, "g", "bob", "m1", 20);
    send_at(f, "g", "alice", "m2", 30);
    ack(f, "g", "bob", "b", 3, 2);
    ack(f, "g", "carol", "c", 2, 1);
    const struct tt_conversation_entry *entry = &list(f, "alice", 10)->entries[0];
    expect_id(&entry->conversation.id, "g");
    assert_int_equal(entry->conversation.kind, TT_GROUP);
    assert_int_equal(entry->conversation.member_count, 3);
    assert_int_equal(entry->head.n, 3);
    assert_int_equal(entry->last_message.seq.n, 3);
    expect_slice(entry->last_message.content, "alice says m2");
    expect_id(&entry->last_message.sender, "alice");
    assert_int_equal(entry->my_read.n, 1);
    assert_int_equal(entry->unread, 1);
    expect_cursor(entry->others, 2, 1);
    assert_int_equal(entry->muted_until.ms, 0);
    const struct tt_conversation_entry *carols = &list(f, "carol", 10)->entries[0];
    assert_int_equal(carols->my_read.n, 1);
    assert_int_equal(carols->unread, 2);
    expect_cursor(carols->others, 1, 1);
}

static void an_empty_conversation_has_no_last_message(struct fixture *f)
{
    create_direct(f, "c", "alice", "bob");
    const struct tt_conversation_entry *entry = &list(f, "alice", 10)->entries[0];
    assert_int_equal(entry->last_message.seq.n, 0);
    assert_int_equal(entry->unread, 0);
    assert_int_equal(entry->head.n, 0);
}

static void unread_counts_others_messages_up_to_a_thousand(struct fixture *f)
{
    create_direct(f, "c", "alice", "bob");
    for (int i = 1; i <= 1001; i++) {
        char client_id[32];
        snprintf(client_id, sizeof(client_id), "m%d", i);
        send_at(f, "c", "alice", client_id, i);
        if (i == 500)
            send_at(f, "c", "bob", "reply", i);
        if (i == 999)
            assert_int_equal(list(f, "bob", 1)->entries[0].unread, 999);
    }
    assert_int_equal(list(f, "bob", 1)->entries[0].unread, 1000);
    ack(f, "c", "bob", "phone", 1002, 1000);
    assert_int_equal(list(f, "bob", 1)->entries[0].unread, 2);
}

static void a_list_comes_in_pages(struct fixture *f)
{
    for (int i = 0; i < 7; i++) {
        char id[32];
        char members[64];
        snprintf(id, sizeof(id), "c%d", i);
        snprintf(members, sizeof(members), "alice peer%d", i);
        expect_ok(run(f, new_create(f, TT_DIRECT, id, members, i / 2))->err);
    }
    struct tt_store_op *op = new_op(f, TT_STORE_LIST_CONVERSATIONS);
    op->list_conversations.user = tt_id_of("alice");
    op->list_conversations.count_max = 3;
    expect_ok(run(f, op)->err);
    expect_order(&op->list_conversations, "c6 c4 c5");
    struct tt_slice next = op->list_conversations.next;
    assert_true(next.size > 0);
    for (size_t i = 0; i < next.size; i++)
        assert_non_null(strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
                               next.data[i]));
    struct tt_store_op *second = new_op(f, TT_STORE_LIST_CONVERSATIONS);
    second->list_conversations.user = tt_id_of("alice");
    second->list_conversations.count_max = 3;
    second->list_conversations.cursor = tt_arena_copy(&second->arena, next);
    expect_ok(run(f, second)->err);
    expect_order(&second->list_conversations, "c2 c3 c0");
    struct tt_store_op *third = new_op(f, TT_STORE_LIST_CONVERSATIONS);
    third->list_conversations.user = tt_id_of("alice");
    third->list_conversations.count_max = 3;
    third->list_conversations.cursor =
        tt_arena_copy(&third->arena, second->list_conversations.next);
    expect_ok(run(f, third)->err);
    expect_order(&third->list_conversations, "c1");
    assert_int_equal(third->list_conversations.next.size, 0);
}

static void a_bad_cursor_is_refused(struct fixture *f)
{
    const char *const cursors[] = {"x", "!!", "zz-not-a-cursor-zz", "00", "0000000000000000"};
    create_direct(f, "c", "alice", "bob");
    for (size_t i = 0; i < sizeof(cursors) / sizeof(cursors[0]); i++) {
        struct tt_store_op *op = new_op(f, TT_STORE_LIST_CONVERSATIONS);
        op->list_conversations.user = tt_id_of("alice");
        op->list_conversations.count_max = 3;
        op->list_conversations.cursor = tt_slice_text(cursors[i]);
        expect_err(run(f, op)->err, TT_ERR_BAD_QUERY);
    }
}

static const struct tt_list_conversations *changed_since(struct fixture *f, int64_t ms)
{
    struct tt_store_op *op = new_op(f, TT_STORE_LIST_CONVERSATIONS);
    op->list_conversations.user = tt_id_of("alice");
    op->list_conversations.count_max = 10;
    op->list_conversations.changed_since = at(ms);
    expect_ok(run(f, op)->err);
    return &op->list_conversations;
}

static void only_what_changed_since(struct fixture *f)
{
    expect_ok(run(f, new_create(f, TT_DIRECT, "a", "alice bob", 10))->err);
    expect_ok(run(f, new_create(f, TT_DIRECT, "b", "alice carol", 20))->err);
    send_at(f, "a", "alice", "m1", 30);
    expect_order(changed_since(f, 5), "a b");
    expect_order(changed_since(f, 20), "a b");
    expect_order(changed_since(f, 21), "a");
    expect_order(changed_since(f, 30), "a");
    expect_order(changed_since(f, 31), "");
    send_at(f, "b", "alice", "m1", 25);
    struct tt_store_op *op = new_ack(f, "b", "carol", "c", 1, 0);
    op->advance.at = at(50);
    expect_ok(run(f, op)->err);
    expect_order(changed_since(f, 31), "b");
    expect_order(changed_since(f, 50), "b");
    expect_order(changed_since(f, 51), "");
}

static void one_conversation_alone(struct fixture *f)
{
    create_direct(f, "a", "alice", "bob");
    create_direct(f, "b", "bob", "carol");
    struct tt_store_op *op = new_op(f, TT_STORE_LIST_CONVERSATIONS);
    op->list_conversations.user = tt_id_of("alice");
    op->list_conversations.only = tt_id_of("a");
    op->list_conversations.count_max = 10;
    expect_ok(run(f, op)->err);
    expect_order(&op->list_conversations, "a");
    op->list_conversations.only = tt_id_of("b");
    expect_ok(run(f, op)->err);
    assert_int_equal(op->list_conversations.entry_count, 0);
}

const struct contract_case list_cases[] = {
    CASE(the_newest_activity_comes_first),
    CASE(an_entry_has_everything_that_a_list_shows),
    CASE(an_empty_conversation_has_no_last_message),
    CASE(unread_counts_others_messages_up_to_a_thousand),
    CASE(a_list_comes_in_pages),
    CASE(a_bad_cursor_is_refused),
    CASE(only_what_changed_since),
    CASE(one_conversation_alone),
    {NULL, NULL},
};
