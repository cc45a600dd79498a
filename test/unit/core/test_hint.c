#include "unit.h"

#include "model/hint.h"

static struct tt_hint full_hint(enum tt_hint_kind kind)
{
    return (struct tt_hint){
        .kind = kind,
        .user = tt_id_of("bob"),
        .device = tt_id_of("phone"),
        .conversation = tt_id_of("conv_abc123"),
        .about = tt_id_of("alice"),
        .message = {.seq = TT_SEQ(TT_SEQ_MAX),
                    .timestamp = TT_TIME(1705311720000),
                    .sender = tt_id_of("alice"),
                    .sender_device = tt_id_of("laptop"),
                    .client_id = tt_id_of("c-1"),
                    .content = TT_SLICE_LITERAL("call me when you can")},
        .cursor = {TT_SEQ(46), TT_SEQ(41)},
        .moved_read = true,
        .hidden = true,
        .status = {.online = true, .last_seen = TT_TIME(-5)},
        .version = UINT64_MAX,
        .reply_to = {tt_id_of("ws_server_3"), 7, 2},
        .waiter = {3, 4},
    };
}

static void every_kind_comes_back_as_it_went(void **unused)
{
    (void)unused;
    for (int kind = 0; kind <= TT_HINT_MARK; kind++) {
        struct tt_hint hint = full_hint((enum tt_hint_kind)kind);
        struct tt_buffer first = {0};
        struct tt_buffer second = {0};
        tt_hint_encode(&hint, &first);
        struct tt_hint read;
        expect_ok(tt_hint_decode(tt_buffer_slice(&first), &read));
        assert_int_equal(read.kind, kind);
        assert_true(tt_slice_eq(read.message.content, hint.message.content));
        assert_int_equal(read.status.last_seen.ms, -5);
        assert_true(tt_place_eq(&read.reply_to, &hint.reply_to));
        tt_hint_encode(&read, &second);
        assert_true(tt_slice_eq(tt_buffer_slice(&first), tt_buffer_slice(&second)));
        tt_buffer_deinit(&first);
        tt_buffer_deinit(&second);
    }
}

static void every_cut_and_every_stray_byte_is_refused(void **unused)
{
    (void)unused;
    struct tt_hint hint = full_hint(TT_HINT_MESSAGE);
    struct tt_buffer bytes = {0};
    tt_hint_encode(&hint, &bytes);
    struct tt_hint read;
    for (size_t size = 0; size < bytes.size; size++)
        assert_int_equal(tt_hint_decode(tt_slice(bytes.data, size), &read).code, TT_ERR_CORRUPT);
    tt_buffer_add_byte(&bytes, 0);
    assert_int_equal(tt_hint_decode(tt_buffer_slice(&bytes), &read).code, TT_ERR_CORRUPT);
    bytes.data[0] = TT_HINT_MARK + 1;
    bytes.size--;
    assert_int_equal(tt_hint_decode(tt_buffer_slice(&bytes), &read).code, TT_ERR_CORRUPT);
    tt_buffer_deinit(&bytes);
}

/* A CUT of no device is about all of the user's. */
static void a_hint_without_a_device_comes_back_without(void **unused)
{
    (void)unused;
    const struct tt_hint hint = {.kind = TT_HINT_CUT, .user = tt_id_of("bob")};
    struct tt_buffer bytes = {0};
    struct tt_hint read;
    tt_hint_encode(&hint, &bytes);
    expect_ok(tt_hint_decode(tt_buffer_slice(&bytes), &read));
    assert_int_equal(read.kind, TT_HINT_CUT);
    assert_true(tt_id_eq(&read.user, &hint.user));
    assert_true(tt_id_is_none(&read.device));
    tt_buffer_deinit(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_comes_back_as_it_went),
        cmocka_unit_test(a_hint_without_a_device_comes_back_without),
        cmocka_unit_test(every_cut_and_every_stray_byte_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
