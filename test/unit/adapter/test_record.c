#include "unit.h"

#include "adapter/embedded/record.h"

static const struct tt_slice content = {"hey \\u0000", 10};

/* One record of each kind, with every field set. */
static size_t examples(struct tt_arena *arena, struct tt_record *records)
{
    tt_id *ids = tt_arena_array(arena, 3, sizeof(*ids));
    ids[0] = tt_id_of("alice");
    ids[1] = tt_id_of("bob");
    ids[2] = tt_id_of("carol");
    size_t count = 0;
    for (int kind = TT_RECORD_STARTED; kind <= TT_RECORD_ACCOUNTED; kind++)
        records[count++] = (struct tt_record){
            .kind = (enum tt_record_kind)kind,
            .conversation = tt_id_of("conv"),
            .user = tt_id_of("bob"),
            .device = tt_id_of("phone"),
            .at = TT_TIME(1705312800123),
        };
    records[TT_RECORD_STARTED - 1].start = 77;
    records[TT_RECORD_CREATED - 1].created = (struct tt_conversation){
        .id = tt_id_of("conv"),
        .kind = TT_GROUP,
        .title = content,
        .created_at = TT_TIME(-5),
        .members = ids,
        .member_count = 3,
    };
    records[TT_RECORD_APPENDED - 1].message = (struct tt_message){
        .seq = TT_SEQ(TT_SEQ_MAX),
        .timestamp = TT_TIME(1705312800123),
        .sender = tt_id_of("bob"),
        .sender_device = tt_id_of("phone"),
        .client_id = tt_id_of("m-1"),
        .content = content,
    };
    records[TT_RECORD_ADVANCED - 1].to = (struct tt_cursor){TT_SEQ(300), TT_SEQ(2)};
    records[TT_RECORD_LINKED - 1].linked.epoch = UINT64_MAX;
    records[TT_RECORD_LINKED - 1].linked.unlinked = ids;
    records[TT_RECORD_LINKED - 1].linked.unlinked_count = 2;
    records[TT_RECORD_DISCONNECTED - 1].epoch = 1ULL << 33;
    records[TT_RECORD_PUSHED - 1].pushed = TT_SEQ(9);
    records[TT_RECORD_CHOSEN - 1].settings = (struct tt_user_settings){content, false, true};
    records[TT_RECORD_ADDRESSED - 1].address = (struct tt_push_address){
        .provider = TT_PUSH_WEBPUSH,
        .sandbox = true,
        .token = content,
        .p256dh = content,
        .auth = content,
        .registered_at = TT_TIME(9),
    };
    records[TT_RECORD_NOTIFIED - 1].notified.seq = TT_SEQ(3);
    records[TT_RECORD_NOTIFIED - 1].notified.accepted = true;
    records[TT_RECORD_NOTIFIED - 1].notified.detail = content;
    records[TT_RECORD_ACCOUNTED - 1].account = content;
    return count;
}

static void every_record_comes_back(void **unused)
{
    (void)unused;
    struct tt_arena arena = {0};
    struct tt_record records[16];
    size_t count = examples(&arena, records);
    assert_int_equal(count, 14);
    for (size_t i = 0; i < count; i++) {
        struct tt_buffer bytes = {0};
        struct tt_buffer again = {0};
        struct tt_record back;
        tt_record_encode(&records[i], &bytes);
        expect_ok(tt_record_decode(tt_buffer_slice(&bytes), &arena, &back));
        assert_int_equal(back.kind, records[i].kind);
        tt_record_encode(&back, &again);
        assert_true(tt_slice_eq(tt_buffer_slice(&bytes), tt_buffer_slice(&again)));
        tt_buffer_deinit(&bytes);
        tt_buffer_deinit(&again);
    }
    tt_arena_deinit(&arena);
}

static void the_fields_are_what_they_were(void **unused)
{
    (void)unused;
    struct tt_arena arena = {0};
    struct tt_record records[16];
    struct tt_record back;
    struct tt_buffer bytes = {0};
    examples(&arena, records);
    tt_record_encode(&records[TT_RECORD_APPENDED - 1], &bytes);
    expect_ok(tt_record_decode(tt_buffer_slice(&bytes), &arena, &back));
    assert_true(tt_id_eq(&back.conversation, &records[0].conversation));
    assert_int_equal(back.message.seq.n, TT_SEQ_MAX);
    assert_int_equal(back.message.timestamp.ms, 1705312800123);
    assert_true(tt_slice_eq(back.message.content, content));
    bytes.size = 0;
    tt_record_encode(&records[TT_RECORD_CREATED - 1], &bytes);
    expect_ok(tt_record_decode(tt_buffer_slice(&bytes), &arena, &back));
    assert_int_equal(back.created.created_at.ms, -5);
    assert_int_equal(back.created.member_count, 3);
    assert_true(
        tt_id_eq(&back.created.members[2], &records[TT_RECORD_CREATED - 1].created.members[2]));
    tt_buffer_deinit(&bytes);
    tt_arena_deinit(&arena);
}

/* Cut anywhere, grown by a byte, or with any one bit turned: an error or another sound record,
 * and never more than what the bytes hold. */
static void no_bytes_are_trusted(void **unused)
{
    (void)unused;
    struct tt_arena arena = {0};
    struct tt_record records[16];
    size_t count = examples(&arena, records);
    for (size_t i = 0; i < count; i++) {
        struct tt_arena scratch = {0};
        struct tt_buffer bytes = {0};
        struct tt_record back;
        tt_record_encode(&records[i], &bytes);
        for (size_t cut = 0; cut < bytes.size; cut++)
            assert_int_equal(tt_record_decode(tt_slice(bytes.data, cut), &scratch, &back).code,
                             TT_ERR_CORRUPT);
        for (size_t bit = 0; bit < bytes.size * 8; bit++) {
            bytes.data[bit / 8] = (char)(bytes.data[bit / 8] ^ (1 << bit % 8));
            tt_err err = tt_record_decode(tt_buffer_slice(&bytes), &scratch, &back);
            assert_true(tt_is_ok(err) || tt_err_is(err, TT_ERR_CORRUPT));
            if (bit < 8)
                assert_false(tt_is_ok(err));
            bytes.data[bit / 8] = (char)(bytes.data[bit / 8] ^ (1 << bit % 8));
        }
        tt_buffer_add_byte(&bytes, 0);
        assert_int_equal(tt_record_decode(tt_buffer_slice(&bytes), &scratch, &back).code,
                         TT_ERR_CORRUPT);
        tt_arena_deinit(&scratch);
        tt_buffer_deinit(&bytes);
    }
    tt_arena_deinit(&arena);
}

static void members_must_be_sorted_and_direct_ones_two(void **unused)
{
    (void)unused;
    struct tt_arena arena = {0};
    struct tt_buffer bytes = {0};
    struct tt_record records[16];
    struct tt_record back;
    examples(&arena, records);
    struct tt_record *created = &records[TT_RECORD_CREATED - 1];
    created->created.kind = TT_DIRECT;
    tt_record_encode(created, &bytes);
    assert_false(tt_is_ok(tt_record_decode(tt_buffer_slice(&bytes), &arena, &back)));
    tt_id swapped[] = {tt_id_of("bob"), tt_id_of("alice")};
    created->created.members = swapped;
    created->created.member_count = 2;
    bytes.size = 0;
    tt_record_encode(created, &bytes);
    assert_false(tt_is_ok(tt_record_decode(tt_buffer_slice(&bytes), &arena, &back)));
    tt_buffer_deinit(&bytes);
    tt_arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_record_comes_back),
        cmocka_unit_test(the_fields_are_what_they_were),
        cmocka_unit_test(no_bytes_are_trusted),
        cmocka_unit_test(members_must_be_sorted_and_direct_ones_two),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
