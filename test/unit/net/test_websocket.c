#include "unit.h"

#include <stdio.h>

#include "base/buffer.h"
#include "net/websocket.h"

static const struct tt_websocket_limits limits = {.message_size_max = 1000,
                                                  .fragment_count_max = 8};

static const uint8_t key[4] = {0x12, 0xf4, 0x56, 0x80};

/* Appends a client's frame: any first byte, a true or a false length. */
static void add_head(struct tt_buffer *stream, unsigned first, uint64_t size, size_t extended)
{
    tt_buffer_add_byte(stream, (char)first);
    tt_buffer_add_byte(stream, (char)(0x80 | (extended == 8   ? 127
                                              : extended == 2 ? 126
                                                              : (unsigned)size)));
    for (size_t i = extended; i > 0; i--)
        tt_buffer_add_byte(stream, (char)(size >> 8 * (i - 1)));
    tt_buffer_add(stream, tt_slice(key, sizeof(key)));
}

static void add_frame(struct tt_buffer *stream, unsigned first, struct tt_slice payload)
{
    add_head(stream, first, payload.size, payload.size < 126 ? 0 : payload.size < 65536 ? 2 : 8);
    for (size_t i = 0; i < payload.size; i++)
        tt_buffer_add_byte(stream, (char)((uint8_t)payload.data[i] ^ key[i % 4]));
}

static void add_text_frame(struct tt_buffer *stream, unsigned first, const char *payload)
{
    add_frame(stream, first, tt_slice_text(payload));
}

static void log_event(struct tt_buffer *log, const struct tt_websocket_event *event)
{
    static const char *const names[] = {"text", "binary", "ping", "pong", "closed", "broken"};
    tt_buffer_add_text(log, names[event->kind]);
    if (event->kind >= TT_WEBSOCKET_CLOSED) {
        tt_buffer_add_byte(log, ' ');
        tt_buffer_add_u64(log, event->code);
    }
    if (event->kind != TT_WEBSOCKET_BROKEN) {
        tt_buffer_add_byte(log, ':');
        tt_buffer_add(log, event->bytes);
    }
    tt_buffer_add_byte(log, '\n');
}

static void feed(struct tt_websocket *ws, const char *bytes, size_t size, struct tt_buffer *log)
{
    char *copy = test_malloc(size + 1);
    struct tt_websocket_event event;
    struct tt_input input = {copy, size};
    if (size > 0)
        memcpy(copy, bytes, size);
    while (tt_websocket_next(ws, &input, &event))
        log_event(log, &event);
    assert_int_equal(input.size, 0);
    test_free(copy);
}

static void expect_log(struct tt_buffer *log, const char *expected)
{
    tt_buffer_add_byte(log, '\0');
    assert_string_equal(log->data, expected);
    tt_buffer_deinit(log);
}

/* Fed whole, in two pieces at every place, in pieces of one byte, and kept after each event. */
static void check_in_any_pieces(const struct tt_buffer *stream, const char *expected)
{
    struct tt_buffer log = {0};
    struct tt_websocket ws;
    for (size_t cut = 0; cut <= stream->size; cut++) {
        tt_websocket_init(&ws, TT_WEBSOCKET_SERVER, &limits, 0);
        feed(&ws, stream->data, cut, &log);
        feed(&ws, stream->data + cut, stream->size - cut, &log);
        expect_log(&log, expected);
        tt_websocket_deinit(&ws);
    }
    tt_websocket_init(&ws, TT_WEBSOCKET_SERVER, &limits, 0);
    for (size_t at = 0; at < stream->size; at++)
        feed(&ws, stream->data + at, 1, &log);
    expect_log(&log, expected);
    tt_websocket_deinit(&ws);
}

static void check_kept(const struct tt_buffer *stream, const char *expected)
{
    struct tt_buffer log = {0};
    struct tt_websocket ws;
    struct tt_websocket_event event;
    tt_websocket_init(&ws, TT_WEBSOCKET_SERVER, &limits, 0);
    char *copy = test_malloc(stream->size);
    memcpy(copy, stream->data, stream->size);
    struct tt_input input = {copy, stream->size / 2};
    struct tt_input rest = {copy + stream->size / 2, stream->size - stream->size / 2};
    tt_websocket_keep(&ws, &input);
    assert_int_equal(input.size, 0);
    if (tt_websocket_next(&ws, &input, &event))
        log_event(&log, &event);
    tt_websocket_keep(&ws, &rest);
    memset(copy, 0xff, stream->size);
    while (tt_websocket_next(&ws, &input, &event))
        log_event(&log, &event);
    expect_log(&log, expected);
    tt_websocket_deinit(&ws);
    test_free(copy);
}

static void check(struct tt_buffer *stream, const char *expected)
{
    check_in_any_pieces(stream, expected);
    check_kept(stream, expected);
    tt_buffer_deinit(stream);
}

static void frames_in_any_pieces_give_the_same_events(void **unused)
{
    (void)unused;
    struct tt_buffer s = {0};
    add_text_frame(&s, 0x81, "hello");
    add_text_frame(&s, 0x81, "");
    add_text_frame(&s, 0x89, "are you there?");
    add_text_frame(&s, 0x8a, "");
    add_text_frame(&s, 0x82, "\xff\x01");
    add_text_frame(&s, 0x01, "fr\xc3");
    add_text_frame(&s, 0x89, "between");
    add_text_frame(&s, 0x00, "");
    add_text_frame(&s, 0x00, "\xa4gme");
    add_text_frame(&s, 0x80, "nts");
    add_text_frame(&s, 0x81, "after");
    add_text_frame(&s, 0x02, "b");
    add_text_frame(&s, 0x80, "");
    add_text_frame(&s, 0x88, "\x03\xe8 bye");
    add_text_frame(&s, 0x81, "never seen");
    check(&s, "text:hello\ntext:\nping:are you there?\npong:\nbinary:\xff\x01\nping:between\n"
              "text:fr\xc3\xa4gments\ntext:after\nbinary:b\nclosed 1000: bye\n");
}

static void long_frames_in_any_pieces(void **unused)
{
    (void)unused;
    char text[400];
    struct tt_buffer s = {0};
    struct tt_buffer expected = {0};
    memset(text, 'x', sizeof(text));
    add_frame(&s, 0x81, tt_slice(text, 126));
    add_frame(&s, 0x89, tt_slice(text, 125));
    add_frame(&s, 0x81, tt_slice(text, 400));
    tt_buffer_add_text(&expected, "text:");
    tt_buffer_add(&expected, tt_slice(text, 126));
    tt_buffer_add_text(&expected, "\nping:");
    tt_buffer_add(&expected, tt_slice(text, 125));
    tt_buffer_add_text(&expected, "\ntext:");
    tt_buffer_add(&expected, tt_slice(text, 400));
    tt_buffer_add(&expected, TT_SLICE_LITERAL("\n\0"));
    check(&s, expected.data);
    tt_buffer_deinit(&expected);
}

/* Which first two bytes (and length, and mask) break the protocol. */
static void heads_that_break_the_rules(void **unused)
{
    (void)unused;
    static const struct {
        const char *head;
        size_t size;
        const char *expected;
    } cases[] = {
        {"\x81\x05hello", 7, "broken 1002\n"},                     /* not masked */
        {"\xc1\x80....", 6, "broken 1002\n"},                      /* RSV1 */
        {"\xa1\x80....", 6, "broken 1002\n"},                      /* RSV2 */
        {"\x91\x80....", 6, "broken 1002\n"},                      /* RSV3 */
        {"\x83\x80....", 6, "broken 1002\n"},                      /* opcodes */
        {"\x87\x80....", 6, "broken 1002\n"},                      /* */
        {"\x8b\x80....", 6, "broken 1002\n"},                      /* */
        {"\x8f\x80....", 6, "broken 1002\n"},                      /* */
        {"\x09\x80....", 6, "broken 1002\n"},                      /* fragmented ping */
        {"\x08\x80....", 6, "broken 1002\n"},                      /* fragmented close */
        {"\x89\xfe\x00\x7e....", 8, "broken 1002\n"},              /* ping of 126 */
        {"\x80\x80....", 6, "broken 1002\n"},                      /* nothing to continue */
        {"\x00\x80....", 6, "broken 1002\n"},                      /* */
        {"\x81\xfe\x00\x7d....", 8, "broken 1002\n"},              /* 125 in two bytes */
        {"\x81\xff\0\0\0\0\0\0\xff\xff....", 14, "broken 1002\n"}, /* 65535 in eight */
        {"\x81\xff\x80\0\0\0\0\0\0\0....", 14, "broken 1002\n"},   /* 2^63 */
        {"\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff....", 14, "broken 1009\n"}, /* 2^63-1 */
        {"\x81\xff\0\0\0\0\x40\0\0\0....", 14, "broken 1009\n"},               /* 1 GiB */
        {"\x82\xfe\x03\xe9....", 8, "broken 1009\n"},                          /* the limit + 1 */
        {"\x81\xfe\x03\xe8....", 8, ""},                                       /* the limit */
        {"GET / HTTP/1.1\r\n", 16, "broken 1002\n"},
        {"\x88\x81....x", 7, "broken 1002\n"}, /* half of a close code */
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tt_buffer stream = {0};
        struct tt_websocket ws;
        struct tt_buffer log = {0};
        tt_websocket_init(&ws, TT_WEBSOCKET_SERVER, &limits, 0);
        feed(&ws, cases[i].head, cases[i].size, &log);
        if (cases[i].expected[0] != '\0')
            assert_null(ws.partial); /* refused without taking memory */
        expect_log(&log, cases[i].expected);
        tt_websocket_deinit(&ws);
        tt_buffer_add(&stream, tt_slice(cases[i].head, cases[i].size));
        check(&stream, cases[i].expected);
    }
}

static void a_message_inside_of_a_message_is_refused(void **unused)
{
    (void)unused;
    struct tt_buffer s = {0};
    add_text_frame(&s, 0x01, "one");
    add_text_frame(&s, 0x81, "two");
    check(&s, "broken 1002\n");
    add_text_frame(&s, 0x02, "one");
    add_text_frame(&s, 0x02, "two");
    check(&s, "broken 1002\n");
}

static void fragments_are_limited_in_size_and_count(void **unused)
{
    (void)unused;
    char text[300] = {0};
    struct tt_buffer s = {0};
    add_frame(&s, 0x02, tt_slice(text, 300));
    add_frame(&s, 0x00, tt_slice(text, 300));
    add_frame(&s, 0x00, tt_slice(text, 300));
    add_head(&s, 0x80, 101, 0);
    check(&s, "broken 1009\n");

    for (unsigned i = 0; i < limits.fragment_count_max; i++)
        add_text_frame(&s, i == 0 ? 0x01 : 0x00, "");
    struct tt_buffer longer = {0};
    tt_buffer_add(&longer, tt_buffer_slice(&s));
    check(&s, "");
    add_text_frame(&longer, 0x80, "");
    check(&longer, "broken 1009\n");

    for (unsigned i = 1; i < limits.fragment_count_max; i++)
        add_text_frame(&s, i == 1 ? 0x01 : 0x00, "x");
    add_text_frame(&s, 0x80, "y");
    add_text_frame(&s, 0x81, "z");
    check(&s, "text:xxxxxxxy\ntext:z\n");
}

static void text_that_is_not_utf8_is_refused(void **unused)
{
    (void)unused;
    static const char *const bad[] = {
        "\x80", "a\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf0\x9f\x98", "abcdefgh\xff"};
    struct tt_buffer s = {0};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        add_text_frame(&s, 0x81, bad[i]);
        check(&s, "broken 1007\n");
        add_text_frame(&s, 0x01, bad[i]);
        add_text_frame(&s, 0x80, "");
        check(&s, "broken 1007\n");
        add_text_frame(&s, 0x82, bad[i]); /* a binary message may hold anything */
        char expected[32];
        snprintf(expected, sizeof(expected), "binary:%s\n", bad[i]);
        check(&s, expected);
    }
    add_text_frame(&s, 0x88, "\x03\xe8\xc0");
    check(&s, "broken 1007\n");
}

/* The rest of the frame never comes, but the text is lost already. */
static void bad_text_is_refused_before_its_frame_ends(void **unused)
{
    (void)unused;
    struct tt_buffer s = {0};
    add_head(&s, 0x81, 900, 2);
    for (size_t i = 0; i < 3; i++)
        tt_buffer_add_byte(&s, (char)((uint8_t) "ab\xff"[i] ^ key[i % 4]));
    check(&s, "broken 1007\n");
}

static void every_close_code(void **unused)
{
    (void)unused;
    for (unsigned code = 0; code <= UINT16_MAX; code++) {
        struct tt_buffer s = {0};
        struct tt_buffer log = {0};
        struct tt_websocket ws;
        char payload[2] = {(char)(code >> 8), (char)code};
        char expected[32];
        bool valid = (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1011) ||
                     (code >= 3000 && code < 5000);
        snprintf(expected, sizeof(expected), valid ? "closed %u:\n" : "broken 1002\n", code);
        add_frame(&s, 0x88, tt_slice(payload, 2));
        tt_websocket_init(&ws, TT_WEBSOCKET_SERVER, &limits, 0);
        feed(&ws, s.data, s.size, &log);
        expect_log(&log, expected);
        tt_websocket_deinit(&ws);
        tt_buffer_deinit(&s);
    }
}

static void nothing_is_held_between_messages(void **unused)
{
    (void)unused;
    struct tt_buffer s = {0};
    struct tt_buffer log = {0};
    struct tt_websocket ws;
    add_text_frame(&s, 0x01, "a");
    add_text_frame(&s, 0x80, "b");
    tt_websocket_init(&ws, TT_WEBSOCKET_SERVER, &limits, 0);
    feed(&ws, s.data, 5, &log);
    assert_non_null(ws.partial);
    feed(&ws, s.data + 5, s.size - 5, &log);
    assert_null(ws.partial);
    expect_log(&log, "text:ab\n");
    tt_buffer_deinit(&s);
    assert_true(sizeof(ws) <= 40);
}

static void a_whole_frame_is_handed_on_in_place(void **unused)
{
    (void)unused;
    struct tt_buffer s = {0};
    struct tt_websocket ws;
    struct tt_websocket_event event;
    add_text_frame(&s, 0x81, "hello");
    struct tt_input input = {s.data, s.size};
    tt_websocket_init(&ws, TT_WEBSOCKET_SERVER, &limits, 0);
    assert_true(tt_websocket_next(&ws, &input, &event));
    assert_ptr_equal(event.bytes.data, s.data + 6);
    assert_null(ws.partial);
    tt_buffer_deinit(&s);
}

/* Masks are applied in words, from any place of the key, at any place in memory. */
static void masks_of_every_alignment(void **unused)
{
    (void)unused;
    char text[40];
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = (char)('a' + i % 26);
    for (size_t size = 0; size <= sizeof(text); size++) {
        struct tt_buffer s = {0};
        struct tt_buffer expected = {0};
        add_frame(&s, 0x81, tt_slice(text, size));
        tt_buffer_add_text(&expected, "text:");
        tt_buffer_add(&expected, tt_slice(text, size));
        tt_buffer_add(&expected, TT_SLICE_LITERAL("\n\0"));
        check(&s, expected.data);
        tt_buffer_deinit(&expected);
    }
}

static void talk(enum tt_websocket_role from, enum tt_websocket_role to, size_t size)
{
    static const struct tt_websocket_limits large = {.message_size_max = 100000,
                                                     .fragment_count_max = 1};
    struct tt_websocket writer;
    struct tt_websocket reader;
    struct tt_websocket_event event;
    struct tt_buffer s = {0};
    char *text = test_malloc(size + 1);
    memset(text, 'x', size + 1);
    tt_websocket_init(&writer, from, &large, from == TT_WEBSOCKET_CLIENT ? 42 : 0);
    tt_websocket_init(&reader, to, &large, 7);
    tt_websocket_write_text(&writer, tt_slice(text, size), &s);
    tt_websocket_write_binary(&writer, tt_slice(text, size), &s);
    struct tt_input input = {s.data, s.size};
    assert_true(tt_websocket_next(&reader, &input, &event));
    assert_int_equal(event.kind, TT_WEBSOCKET_TEXT);
    assert_true(tt_slice_eq(event.bytes, tt_slice(text, size)));
    assert_true(tt_websocket_next(&reader, &input, &event));
    assert_int_equal(event.kind, TT_WEBSOCKET_BINARY);
    assert_true(tt_slice_eq(event.bytes, tt_slice(text, size)));
    assert_false(tt_websocket_next(&reader, &input, &event));
    tt_buffer_deinit(&s);
    test_free(text);
}

static void both_sides_understand_each_other(void **unused)
{
    (void)unused;
    static const size_t sizes[] = {0, 1, 125, 126, 65535, 65536, 100000};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        talk(TT_WEBSOCKET_CLIENT, TT_WEBSOCKET_SERVER, sizes[i]);
        talk(TT_WEBSOCKET_SERVER, TT_WEBSOCKET_CLIENT, sizes[i]);
    }
}

static void a_client_refuses_masked_frames_and_varies_its_own(void **unused)
{
    (void)unused;
    struct tt_buffer s = {0};
    struct tt_websocket ws;
    struct tt_websocket_event event;
    add_text_frame(&s, 0x81, "hello");
    struct tt_input input = {s.data, s.size};
    tt_websocket_init(&ws, TT_WEBSOCKET_CLIENT, &limits, 1);
    assert_true(tt_websocket_next(&ws, &input, &event));
    assert_int_equal(event.kind, TT_WEBSOCKET_BROKEN);
    assert_int_equal(event.code, 1002);
    tt_buffer_deinit(&s);

    tt_websocket_write_text(&ws, TT_SLICE_LITERAL("same"), &s);
    tt_websocket_write_text(&ws, TT_SLICE_LITERAL("same"), &s);
    assert_int_equal(s.size, 20);
    assert_memory_not_equal(s.data, s.data + 10, 10);
    tt_buffer_deinit(&s);
}

static void expect_answer(unsigned first, const char *payload, struct tt_slice expected)
{
    struct tt_buffer s = {0};
    struct tt_buffer output = {0};
    struct tt_websocket ws;
    struct tt_websocket_event event;
    add_text_frame(&s, first, payload);
    struct tt_input input = {s.data, s.size};
    tt_websocket_init(&ws, TT_WEBSOCKET_SERVER, &limits, 0);
    assert_true(tt_websocket_next(&ws, &input, &event));
    tt_websocket_answer(&ws, &event, &output);
    assert_int_equal(output.size, expected.size);
    assert_memory_equal(output.data, expected.data, expected.size);
    tt_websocket_deinit(&ws);
    tt_buffer_deinit(&s);
    tt_buffer_deinit(&output);
}

static void events_are_answered_as_the_rfc_wants(void **unused)
{
    (void)unused;
    expect_answer(0x89, "echo",
                  TT_SLICE_LITERAL("\x8a\x04"
                                   "echo"));
    expect_answer(0x88, "", TT_SLICE_LITERAL("\x88\x00"));
    expect_answer(0x88, "\x03\xe9gone", TT_SLICE_LITERAL("\x88\x02\x03\xe9"));
    expect_answer(0x83, "",
                  TT_SLICE_LITERAL("\x88\x10\x03\xea"
                                   "unknown opcode"));
}

static void nothing_is_written_after_the_close(void **unused)
{
    (void)unused;
    struct tt_buffer output = {0};
    struct tt_websocket ws;
    tt_websocket_init(&ws, TT_WEBSOCKET_SERVER, &limits, 0);
    tt_websocket_close(&ws, 4409, TT_SLICE_LITERAL("newer socket"), &output);
    size_t size = output.size;
    tt_websocket_write_text(&ws, TT_SLICE_LITERAL("late"), &output);
    tt_websocket_write_ping(&ws, TT_SLICE_LITERAL("late"), &output);
    tt_websocket_close(&ws, 1000, TT_SLICE_EMPTY, &output);
    assert_int_equal(output.size, size);
    tt_buffer_deinit(&output);
}

static void a_long_reason_is_cut_between_characters(void **unused)
{
    (void)unused;
    struct tt_buffer output = {0};
    struct tt_buffer reason = {0};
    struct tt_websocket ws;
    struct tt_websocket_event event;
    for (size_t i = 0; i < 100; i++)
        tt_buffer_add_text(&reason, "\xc3\xa4");
    tt_websocket_init(&ws, TT_WEBSOCKET_SERVER, &limits, 0);
    tt_websocket_close(&ws, 1008, tt_buffer_slice(&reason), &output);
    struct tt_input input = {output.data, output.size};
    tt_websocket_init(&ws, TT_WEBSOCKET_CLIENT, &limits, 1);
    assert_true(tt_websocket_next(&ws, &input, &event));
    assert_int_equal(event.kind, TT_WEBSOCKET_CLOSED);
    assert_int_equal(event.code, 1008);
    assert_int_equal(event.bytes.size, 122);
    tt_buffer_deinit(&output);
    tt_buffer_deinit(&reason);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_in_any_pieces_give_the_same_events),
        cmocka_unit_test(long_frames_in_any_pieces),
        cmocka_unit_test(heads_that_break_the_rules),
        cmocka_unit_test(a_message_inside_of_a_message_is_refused),
        cmocka_unit_test(fragments_are_limited_in_size_and_count),
        cmocka_unit_test(text_that_is_not_utf8_is_refused),
        cmocka_unit_test(bad_text_is_refused_before_its_frame_ends),
        cmocka_unit_test(every_close_code),
        cmocka_unit_test(nothing_is_held_between_messages),
        cmocka_unit_test(a_whole_frame_is_handed_on_in_place),
        cmocka_unit_test(masks_of_every_alignment),
        cmocka_unit_test(both_sides_understand_each_other),
        cmocka_unit_test(a_client_refuses_masked_frames_and_varies_its_own),
        cmocka_unit_test(events_are_answered_as_the_rfc_wants),
        cmocka_unit_test(nothing_is_written_after_the_close),
        cmocka_unit_test(a_long_reason_is_cut_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
