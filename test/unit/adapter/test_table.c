#include "unit.h"

#include "adapter/embedded/pack.h"
#include "adapter/embedded/table.h"

static void expect_before(struct tt_key a, struct tt_key b)
{
    assert_true(tt_slice_compare(tt_key_slice(&a), tt_key_slice(&b)) < 0);
}

static void keys_sort_by_id_then_by_number(void **unused)
{
    (void)unused;
    tt_id a = tt_id_of("a");
    tt_id aa = tt_id_of("a-");
    tt_id b = tt_id_of("b");
    expect_before(tt_key_of_number(TT_TABLE_MESSAGES, &a, 9),
                  tt_key_of_number(TT_TABLE_MESSAGES, &a, 10));
    expect_before(tt_key_of_number(TT_TABLE_MESSAGES, &a, 255),
                  tt_key_of_number(TT_TABLE_MESSAGES, &a, 256));
    expect_before(tt_key_of_number(TT_TABLE_MESSAGES, &a, UINT64_MAX),
                  tt_key_of_number(TT_TABLE_MESSAGES, &aa, 0));
    expect_before(tt_key_of_number(TT_TABLE_MESSAGES, &aa, UINT64_MAX),
                  tt_key_of_number(TT_TABLE_MESSAGES, &b, 0));
    expect_before(tt_key_of_two(TT_TABLE_PENDING, &a, &b),
                  tt_key_of_two(TT_TABLE_PENDING, &aa, &a));
}

/* The rows of an id are those that start with its prefix, and no others. */
static void a_prefix_holds_one_id(void **unused)
{
    (void)unused;
    tt_id a = tt_id_of("a");
    tt_id ab = tt_id_of("ab");
    struct tt_key prefix = tt_key_prefix_of(TT_TABLE_STATUS, &a);
    struct tt_key own = tt_key_of_two(TT_TABLE_STATUS, &a, &ab);
    struct tt_key other = tt_key_of_two(TT_TABLE_STATUS, &ab, &a);
    assert_memory_equal(own.bytes, prefix.bytes, prefix.size);
    assert_memory_not_equal(other.bytes, prefix.bytes, prefix.size);
}

static void expect_split(struct tt_key key, enum tt_table table, const char *first,
                         const char *second, uint64_t number)
{
    struct tt_key_parts parts;
    expect_ok(tt_key_split(tt_key_slice(&key), &parts));
    assert_int_equal(parts.table, table);
    assert_true(tt_slice_eq(tt_id_slice(&parts.first), tt_slice_text(first)));
    assert_true(tt_slice_eq(tt_id_slice(&parts.second), tt_slice_text(second)));
    assert_int_equal(parts.number, number);
}

static void keys_come_apart(void **unused)
{
    (void)unused;
    tt_id c = tt_id_of("conv:1");
    tt_id u = tt_id_of("bob@x.org");
    tt_id m = tt_id_of("m.1");
    struct tt_key_parts parts;
    expect_split(tt_key_of(TT_TABLE_CONVERSATIONS, &c), TT_TABLE_CONVERSATIONS, "conv:1", "", 0);
    expect_split(tt_key_of(TT_TABLE_USERS, &u), TT_TABLE_USERS, "bob@x.org", "", 0);
    expect_split(tt_key_of_two(TT_TABLE_PENDING, &u, &c), TT_TABLE_PENDING, "bob@x.org", "conv:1",
                 0);
    expect_split(tt_key_of_number(TT_TABLE_MESSAGES, &c, 0x0100ff), TT_TABLE_MESSAGES, "conv:1", "",
                 0x0100ff);
    expect_split(tt_key_of_step(&c, &u, TT_STEP_READ, TT_SEQ(7)), TT_TABLE_STEPS, "conv:1",
                 "bob@x.org", 7);
    struct tt_key send = tt_key_of_send(&c, &u, &m);
    expect_split(send, TT_TABLE_SENDS, "conv:1", "bob@x.org", 0);
    expect_ok(tt_key_split(tt_key_slice(&send), &parts));
    assert_true(tt_id_eq(&parts.client, &m));
    struct tt_key position = tt_key_of_position();
    expect_split(position, TT_TABLE_POSITION, "", "", 0);
}

static void damaged_keys_are_refused(void **unused)
{
    (void)unused;
    const struct tt_slice keys[] = {
        TT_SLICE_LITERAL(""),           TT_SLICE_LITERAL("c"),
        TT_SLICE_LITERAL("?abc"),       TT_SLICE_LITERAL("m\0abc"),
        TT_SLICE_LITERAL("mconv"),      TT_SLICE_LITERAL("mconv\0abc"),
        TT_SLICE_LITERAL("pbob"),       TT_SLICE_LITERAL("pbob\0"),
        TT_SLICE_LITERAL("p\0conv"),    TT_SLICE_LITERAL("c c"),
        TT_SLICE_LITERAL("dc\0#m"),     TT_SLICE_LITERAL("tc\0u\0x1234"),
        TT_SLICE_LITERAL("tc\0u\0d12"), TT_SLICE_LITERAL("za"),
    };
    struct tt_key_parts parts;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        assert_int_equal(tt_key_split(keys[i], &parts).code, TT_ERR_CORRUPT);
}

static void numbers_take_what_they_need(void **unused)
{
    (void)unused;
    const uint64_t numbers[] = {0, 1, 127, 128, 16383, 16384, 1ULL << 63, UINT64_MAX};
    const size_t sizes[] = {1, 1, 1, 2, 2, 3, 10, 10};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        struct tt_buffer bytes = {0};
        tt_pack_number(&bytes, numbers[i]);
        assert_int_equal(bytes.size, sizes[i]);
        struct tt_unpack in = {.rest = tt_buffer_slice(&bytes)};
        assert_true(tt_unpack_number(&in) == numbers[i]);
        expect_ok(tt_unpack_end(&in));
        tt_buffer_deinit(&bytes);
    }
    struct tt_unpack over = {.rest = TT_SLICE_LITERAL("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02")};
    tt_unpack_number(&over);
    assert_true(over.failed);
}

/* Every proper prefix of a value is refused, and so is one with a byte too many. */
#define EXPECT_BOUNDS(bytes, call)                                                                 \
    do {                                                                                           \
        for (size_t cut_ = 0; cut_ < (bytes).size; cut_++) {                                       \
            struct tt_slice value = tt_slice((bytes).data, cut_);                                  \
            assert_false(tt_is_ok(call));                                                          \
        }                                                                                          \
        struct tt_slice value = tt_buffer_slice(&(bytes));                                         \
        expect_ok(call);                                                                           \
        tt_buffer_add_byte(&(bytes), 1);                                                           \
        value = tt_buffer_slice(&(bytes));                                                         \
        assert_false(tt_is_ok(call));                                                              \
        (bytes).size = 0;                                                                          \
    } while (0)

static void values_come_back_whole_or_not_at_all(void **unused)
{
    (void)unused;
    struct tt_arena arena = {0};
    struct tt_buffer bytes = {0};

    struct tt_head_row head = {TT_SEQ(300), TT_TIME(1), TT_TIME(2)};
    struct tt_head_row head_back;
    tt_row_pack_head(&head, &bytes);
    EXPECT_BOUNDS(bytes, tt_row_unpack_head(value, &head_back));
    assert_int_equal(head_back.head.n, 300);
    assert_int_equal(head_back.changed_at.ms, 2);

    struct tt_device_position position = {.device = tt_id_of("phone"), .delivered = TT_SEQ(4)};
    struct tt_status_row status = {{TT_SEQ(5), TT_SEQ(4)}, TT_SEQ(3), TT_TIME(9), &position, 1};
    struct tt_status_row status_back;
    tt_row_pack_status(&status, &bytes);
    EXPECT_BOUNDS(bytes, tt_row_unpack_status(value, &arena, &status_back));
    assert_int_equal(status_back.cursor.delivered.n, 5);
    assert_int_equal(status_back.last_own.n, 3);
    assert_int_equal(status_back.devices[0].delivered.n, 4);

    struct tt_device device = {tt_id_of("phone"), TT_TIME(1), TT_TIME(2), 3, true};
    struct tt_user_row user = {{TT_SLICE_EMPTY, false, true}, TT_TIME(7),    8, 9, &device, 1,
                               TT_SLICE_LITERAL("packed"),    TT_SLICE_EMPTY};
    struct tt_user_row user_back;
    tt_row_pack_user(&user, &bytes);
    EXPECT_BOUNDS(bytes, tt_row_unpack_user(value, &arena, &user_back));
    assert_int_equal(user_back.account.size, 0);
    user.account = TT_SLICE_LITERAL("account");
    tt_row_pack_user(&user, &bytes);
    EXPECT_BOUNDS(bytes, tt_row_unpack_user(value, &arena, &user_back));
    assert_true(tt_slice_eq(user_back.account, TT_SLICE_LITERAL("account")));
    assert_false(user_back.settings.share_last_seen);
    assert_int_equal(user_back.last_seen.ms, 7);
    assert_int_equal(user_back.conversation_count, 8);
    assert_true(user_back.devices[0].connected);
    assert_int_equal(user_back.devices[0].epoch, 3);
    assert_true(tt_slice_eq(user_back.addresses, TT_SLICE_LITERAL("packed")));

    struct tt_pending_values pending = {TT_SEQ(1), TT_SEQ(0), TT_SEQ(2)};
    struct tt_pending_values pending_back;
    tt_row_pack_pending(&pending, &bytes);
    EXPECT_BOUNDS(bytes, tt_row_unpack_pending(value, &pending_back));
    assert_int_equal(pending_back.pushed.n, 2);

    struct tt_position_row where = {11, 12, TT_TIME(13)};
    struct tt_position_row where_back;
    tt_row_pack_position(&where, &bytes);
    EXPECT_BOUNDS(bytes, tt_row_unpack_position(value, &where_back));
    assert_int_equal(where_back.applied, 11);

    struct tt_connection_row connection = {TT_TIME(5), false, tt_id_of("phone")};
    struct tt_connection_row connection_back;
    tt_row_pack_connection(&connection, &bytes);
    EXPECT_BOUNDS(bytes, tt_row_unpack_connection(value, &connection_back));
    assert_false(connection_back.connected);

    tt_buffer_deinit(&bytes);
    tt_arena_deinit(&arena);
}

/* A count in a damaged row must not make anybody allocate what the row cannot hold. */
static void counts_are_bounded_by_the_bytes(void **unused)
{
    (void)unused;
    struct tt_arena arena = {0};
    struct tt_status_row row;
    struct tt_slice value = TT_SLICE_LITERAL("\x01\x05\x04\x03\x09\xff\x1f");
    assert_int_equal(tt_row_unpack_status(value, &arena, &row).code, TT_ERR_CORRUPT);
    assert_int_equal(row.device_count, 0);
    tt_arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_sort_by_id_then_by_number),
        cmocka_unit_test(a_prefix_holds_one_id),
        cmocka_unit_test(keys_come_apart),
        cmocka_unit_test(damaged_keys_are_refused),
        cmocka_unit_test(numbers_take_what_they_need),
        cmocka_unit_test(values_come_back_whole_or_not_at_all),
        cmocka_unit_test(counts_are_bounded_by_the_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
