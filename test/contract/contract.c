#include "contract/contract.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"

#define DAY_ZERO_MS 1705312800000LL /* 2024-01-15T10:00:00Z */
#define MEMBERS_MAX 64

tt_time at(int64_t ms)
{
    return TT_TIME(DAY_ZERO_MS + ms);
}

struct tt_store_op *new_op(struct fixture *f, enum tt_store_op_kind kind)
{
    f->ops = tt_grow(f->ops, f->op_count + 1, sizeof(*f->ops));
    f->ops[f->op_count] = tt_store_op_create(kind);
    return f->ops[f->op_count++];
}

struct tt_store_op *run(struct fixture *f, struct tt_store_op *op)
{
    f->subject->submit(f->store, 0, &op, 1);
    f->subject->wait(f->store);
    return op;
}

struct tt_link_device *link_at(struct fixture *f, const char *user, const char *device, int64_t ms)
{
    struct tt_store_op *op = new_op(f, TT_STORE_LINK_DEVICE);
    op->link_device.user = tt_id_of(user);
    op->link_device.device = tt_id_of(device);
    op->link_device.at = at(ms);
    op->link_device.device_count_max = 16;
    op->link_device.silent_ms_max = 30LL * 24 * 3600 * 1000;
    expect_ok(run(f, op)->err);
    return &op->link_device;
}

struct tt_disconnect *disconnect(struct fixture *f, const char *user, const char *device,
                                 uint64_t epoch, int64_t ms)
{
    struct tt_store_op *op = new_op(f, TT_STORE_DISCONNECT);
    op->disconnect.user = tt_id_of(user);
    op->disconnect.device = tt_id_of(device);
    op->disconnect.epoch = epoch;
    op->disconnect.at = at(ms);
    expect_ok(run(f, op)->err);
    return &op->disconnect;
}

tt_err unlink_device(struct fixture *f, const char *user, const char *device)
{
    struct tt_store_op *op = new_op(f, TT_STORE_UNLINK_DEVICE);
    op->unlink_device.user = tt_id_of(user);
    op->unlink_device.device = tt_id_of(device);
    op->unlink_device.at = at(0);
    return run(f, op)->err;
}

tt_err put_address(struct fixture *f, const char *user, const char *device, const char *token,
                   int64_t ms)
{
    struct tt_store_op *op = new_op(f, TT_STORE_PUT_PUSH_ADDRESS);
    op->put_push_address.user = tt_id_of(user);
    op->put_push_address.device = tt_id_of(device);
    op->put_push_address.address_count_max = 3;
    if (token != NULL) {
        op->put_push_address.address = (struct tt_push_address){
            .provider = TT_PUSH_WEBPUSH,
            .sandbox = true,
            .token = tt_arena_copy(&op->arena, tt_slice_text(token)),
            .p256dh = TT_SLICE_LITERAL("\0a point"),
            .auth = TT_SLICE_LITERAL("a secret\0"),
            .registered_at = at(ms),
        };
    }
    return run(f, op)->err;
}

struct tt_list_push_addresses *addresses(struct fixture *f, const char *user)
{
    struct tt_store_op *op = new_op(f, TT_STORE_LIST_PUSH_ADDRESSES);
    op->list_push_addresses.user = tt_id_of(user);
    expect_ok(run(f, op)->err);
    return &op->list_push_addresses;
}

void alive(struct fixture *f, int64_t ms)
{
    struct tt_store_op *op = new_op(f, TT_STORE_ALIVE);
    op->alive.at = at(ms);
    expect_ok(run(f, op)->err);
}

static int compare_ids(const void *a, const void *b)
{
    return tt_id_compare(a, b);
}

struct tt_store_op *new_create(struct fixture *f, enum tt_conversation_kind kind, const char *id,
                               const char *members, int64_t ms)
{
    struct tt_store_op *op = new_op(f, TT_STORE_CREATE_CONVERSATION);
    struct tt_create_conversation *create = &op->create_conversation;
    tt_id *ids = tt_arena_array(&op->arena, MEMBERS_MAX, sizeof(*ids));
    size_t count = 0;
    for (const char *rest = members; *rest != '\0';) {
        size_t size = strcspn(rest, " ");
        expect_ok(tt_id_parse(tt_slice(rest, size), &ids[count++]));
        rest += size;
        rest += strspn(rest, " ");
    }
    create->creator = ids[0];
    qsort(ids, count, sizeof(*ids), compare_ids);
    create->conversation = (struct tt_conversation){.id = tt_id_of(id),
                                                    .kind = kind,
                                                    .created_at = at(ms),
                                                    .members = ids,
                                                    .member_count = count};
    create->id_given = true;
    create->conversation_count_max = 10000;
    return op;
}

void create_direct(struct fixture *f, const char *id, const char *a, const char *b)
{
    char members[2 * TT_ID_SIZE_MAX + 2];
    snprintf(members, sizeof(members), "%s %s", a, b);
    struct tt_store_op *op = run(f, new_create(f, TT_DIRECT, id, members, 0));
    expect_ok(op->err);
    assert_true(op->create_conversation.created);
}

void create_group(struct fixture *f, const char *id, const char *members)
{
    struct tt_store_op *op = run(f, new_create(f, TT_GROUP, id, members, 0));
    expect_ok(op->err);
    assert_true(op->create_conversation.created);
}

struct tt_store_op *new_send(struct fixture *f, const char *conversation, const char *user,
                             const char *device, const char *client_id)
{
    struct tt_store_op *op = new_op(f, TT_STORE_APPEND);
    char content[128];
    int size = snprintf(content, sizeof(content), "%s says %s", user, client_id);
    op->append.conversation = tt_id_of(conversation);
    op->append.message.sender = tt_id_of(user);
    op->append.message.sender_device = tt_id_of(device);
    op->append.message.client_id = tt_id_of(client_id);
    op->append.message.content = tt_arena_copy(&op->arena, tt_slice(content, (size_t)size));
    return op;
}

struct tt_append *send_text(struct fixture *f, const char *conversation, const char *user,
                            const char *device, const char *client_id, uint64_t seq)
{
    struct tt_store_op *op = new_send(f, conversation, user, device, client_id);
    op->append.message.timestamp = at((int64_t)seq * 10);
    expect_ok(run(f, op)->err);
    assert_int_equal(op->append.message.seq.n, seq);
    return &op->append;
}

struct tt_store_op *new_ack(struct fixture *f, const char *conversation, const char *user,
                            const char *device, uint64_t delivered, uint64_t read)
{
    struct tt_store_op *op = new_op(f, TT_STORE_ADVANCE);
    op->advance.conversation = tt_id_of(conversation);
    op->advance.user = tt_id_of(user);
    op->advance.device = tt_id_of(device);
    op->advance.to = (struct tt_cursor){TT_SEQ(delivered), TT_SEQ(read)};
    op->advance.at = at(1000 + (int64_t)delivered * 10 + (int64_t)read);
    return op;
}

struct tt_advance *ack(struct fixture *f, const char *conversation, const char *user,
                       const char *device, uint64_t delivered, uint64_t read)
{
    struct tt_store_op *op = new_ack(f, conversation, user, device, delivered, read);
    expect_ok(run(f, op)->err);
    return &op->advance;
}

struct tt_read_snapshot *snapshot(struct fixture *f, const char *conversation, const char *user,
                                  const char *device, uint32_t count_max)
{
    struct tt_store_op *op = new_op(f, TT_STORE_SNAPSHOT);
    op->snapshot.conversation = tt_id_of(conversation);
    op->snapshot.user = tt_id_of(user);
    op->snapshot.device = tt_id_of(device);
    op->snapshot.count_max = count_max;
    op->snapshot.bytes_max = UINT32_MAX;
    expect_ok(run(f, op)->err);
    return &op->snapshot;
}

struct tt_list_pending *pending(struct fixture *f, const char *user, const char *device)
{
    struct tt_store_op *op = new_op(f, TT_STORE_LIST_PENDING);
    op->list_pending.user = tt_id_of(user);
    op->list_pending.device = tt_id_of(device);
    op->list_pending.count_max = 100;
    expect_ok(run(f, op)->err);
    return &op->list_pending;
}

struct tt_positions *positions(struct fixture *f, const char *conversation, const char *user)
{
    struct tt_store_op *op = new_op(f, TT_STORE_POSITIONS);
    op->positions.conversation = tt_id_of(conversation);
    op->positions.user = tt_id_of(user);
    expect_ok(run(f, op)->err);
    return &op->positions;
}

struct tt_list_conversations *list(struct fixture *f, const char *user, uint32_t count_max)
{
    struct tt_store_op *op = new_op(f, TT_STORE_LIST_CONVERSATIONS);
    op->list_conversations.user = tt_id_of(user);
    op->list_conversations.count_max = count_max;
    expect_ok(run(f, op)->err);
    return &op->list_conversations;
}

struct tt_list_devices *devices(struct fixture *f, const char *user)
{
    struct tt_store_op *op = new_op(f, TT_STORE_LIST_DEVICES);
    op->list_devices.user = tt_id_of(user);
    expect_ok(run(f, op)->err);
    return &op->list_devices;
}

tt_time last_seen(struct fixture *f, const char *user)
{
    struct tt_store_op *op = new_op(f, TT_STORE_GET_USERS);
    tt_id *ids = tt_arena_array(&op->arena, 1, sizeof(*ids));
    ids[0] = tt_id_of(user);
    op->get_users.ids = ids;
    op->get_users.id_count = 1;
    expect_ok(run(f, op)->err);
    expect_id(&op->get_users.users[0].id, user);
    return op->get_users.users[0].last_seen;
}

void expect_err(tt_err err, enum tt_err_code code)
{
    tt_err expected = {(uint8_t)code};
    assert_string_equal(tt_err_text(err), tt_err_text(expected));
}

void expect_id(const tt_id *id, const char *text)
{
    expect_slice(tt_id_slice(id), text);
}

void expect_slice(struct tt_slice slice, const char *text)
{
    assert_int_equal(slice.size, strlen(text));
    assert_memory_equal(slice.data, text, slice.size);
}

void expect_cursor(struct tt_cursor cursor, uint64_t delivered, uint64_t read)
{
    assert_int_equal(cursor.delivered.n, delivered);
    assert_int_equal(cursor.read.n, read);
}

void expect_pending(struct fixture *f, const char *user, uint64_t first, uint64_t armed,
                    uint64_t head)
{
    const struct tt_list_pending *listed = pending(f, user, "any");
    assert_int_equal(listed->row_count, 1);
    assert_int_equal(listed->rows[0].first_undelivered.n, first);
    assert_int_equal(listed->rows[0].armed.n, armed);
    assert_int_equal(listed->rows[0].head.n, head);
}

void expect_nothing_pending(struct fixture *f, const char *user)
{
    assert_int_equal(pending(f, user, "any")->row_count, 0);
}
