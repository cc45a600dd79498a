#include "unit.h"

#include <stdio.h>

#include "edge/why_text.h"

#define AT   TT_TIME(1705311720000)
#define WHEN "2024-01-15 09:42:00 UTC"

static void expect_text(enum tt_tick tick, const struct tt_receipt *receipts, size_t count,
                        const char *text)
{
    const struct tt_reply reply = {
        .kind = TT_REQUEST_WHY,
        .about = {.tick = tick, .receipts = receipts, .receipt_count = count}};
    struct tt_buffer out = {0};
    tt_why_text(&reply, &out);
    tt_buffer_add_byte(&out, '\0');
    assert_string_equal(out.data, text);
    tt_buffer_deinit(&out);
}

static void explains_each_wait(void **unused)
{
    (void)unused;
    const struct {
        enum tt_tick tick;
        struct tt_receipt receipt;
        const char *text;
    } cases[] = {
        {TT_TICK_ONE,
         {.waiting_for = TT_WAITING_FOR_CONNECTION, .offline_since = AT},
         "One tick: the message is safely stored, but not delivered. bob is not connected; the "
         "last connection ended at " WHEN
         ". The message is handed over as soon as a device connects."},
        {TT_TICK_ONE,
         {.waiting_for = TT_WAITING_FOR_CONNECTION,
          .display_name = TT_SLICE_LITERAL("Bob \\\"Bob\\\"")},
         "One tick: the message is safely stored, but not delivered. Bob \"Bob\" is not "
         "connected. The message is handed over as soon as a device connects."},
        {TT_TICK_ONE,
         {.waiting_for = TT_WAITING_FOR_CONNECTION,
          .push = {.kind = TT_HAPPENED_PUSH_FAILED,
                   .at = AT,
                   .detail = TT_SLICE_LITERAL("fcm UNREGISTERED")}},
         "One tick: the message is safely stored, but not delivered. bob is not connected. The "
         "message is handed over as soon as a device connects. A notification failed at " WHEN
         " (UNREGISTERED); so the phone may not have rung."},
        {TT_TICK_ONE,
         {.waiting_for = TT_WAITING_FOR_DELIVERED_ACK},
         "One tick: the message is safely stored, but not delivered. No device of bob has "
         "confirmed yet that it holds the message."},
        {TT_TICK_ONE,
         {.waiting_for = TT_WAITING_FOR_DELIVERED_ACK,
          .push = {.kind = TT_HAPPENED_PUSH_ACCEPTED, .at = AT}},
         "One tick: the message is safely stored, but not delivered. No device of bob has "
         "confirmed yet that it holds the message. A notification was accepted at " WHEN
         "; it may ring the phone, but it delivers nothing."},
        {TT_TICK_TWO,
         {.waiting_for = TT_WAITING_FOR_READ_ACK, .delivered_at = AT},
         "Two ticks: the message is delivered, but not read. A device of bob holds it since " WHEN
         ", but it has not been read yet."},
        {TT_TICK_BLUE,
         {.waiting_for = TT_WAITING_FOR_NOTHING, .read_at = AT},
         "Two blue ticks: the message is read. bob has read it, at " WHEN "."},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tt_receipt receipt = cases[i].receipt;
        receipt.user = tt_id_of("bob");
        expect_text(cases[i].tick, &receipt, 1, cases[i].text);
    }
}

#define FSI "\xe2\x81\xa8"
#define PDI "\xe2\x81\xa9"

static void a_name_does_not_change_the_sentence_around_it(void **unused)
{
    (void)unused;
    static const char *const names[][2] = {
        {"B\\u00f6b", FSI "B\xc3\xb6"
                          "b" PDI},
        {"\\u05d1\\u05d5\\u05d1", FSI "\xd7\x91\xd7\x95\xd7\x91" PDI},
        {"a\\u202e\\u202ab", FSI "ab" PDI},
        {"a\\u2069\\u202eb", FSI "ab" PDI},
        {"\\u2066\\u2067\\u2068\\u202d", FSI PDI},
        {"\\u2065\\u206a\\u2029\\u202f",
         FSI "\xe2\x81\xa5\xe2\x81\xaa\xe2\x80\xa9\xe2\x80\xaf" PDI},
        {"B\\u001b[2Jo\\nb\\u007f\\u0000", "B[2Job"},
        {"B\\u009b2Job\\u0080", FSI "B2Job" PDI},
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const struct tt_receipt receipt = {.user = tt_id_of("bob"),
                                           .waiting_for = TT_WAITING_FOR_NOTHING,
                                           .display_name = tt_slice_text(names[i][0])};
        char text[256];
        snprintf(text, sizeof(text), "Two blue ticks: the message is read. %s has read it.",
                 names[i][1]);
        expect_text(TT_TICK_BLUE, &receipt, 1, text);
    }
}

static void names_only_who_holds_it_up(void **unused)
{
    (void)unused;
    struct tt_receipt receipts[8] = {
        {.user = tt_id_of("bob"), .waiting_for = TT_WAITING_FOR_READ_ACK, .delivered_at = AT},
        {.user = tt_id_of("carol"), .waiting_for = TT_WAITING_FOR_CONNECTION},
    };
    expect_text(TT_TICK_ONE, receipts, 2,
                "One tick: the message is safely stored, but not delivered to everyone. carol is "
                "not connected. The message is handed over as soon as a device connects.");
    receipts[1] = (struct tt_receipt){.user = tt_id_of("carol"), .read_at = AT};
    expect_text(TT_TICK_TWO, receipts, 2,
                "Two ticks: the message is delivered to everyone, but not read by everyone. A "
                "device of bob holds it since " WHEN ", but it has not been read yet.");
    for (size_t i = 0; i < 8; i++)
        receipts[i] = (struct tt_receipt){.user = tt_id_of("m")};
    expect_text(TT_TICK_BLUE, receipts, 8,
                "Two blue ticks: the message is read by everyone. m has read it. m has read it. m "
                "has read it. m has read it. m has read it. 3 more have read it, too.");
    for (size_t i = 0; i < 8; i++)
        receipts[i].waiting_for = TT_WAITING_FOR_READ_ACK;
    expect_text(TT_TICK_TWO, receipts, 6,
                "Two ticks: the message is delivered to everyone, but not read by everyone. A "
                "device of m holds it, but it has not been read yet. A device of m holds it, but "
                "it has not been read yet. A device of m holds it, but it has not been read yet. A "
                "device of m holds it, but it has not been read yet. A device of m holds it, but "
                "it has not been read yet. 1 more not yet, either.");
}

static void splits_push_details(void **unused)
{
    (void)unused;
    const struct {
        const char *detail;
        const char *provider;
        const char *rest;
    } cases[] = {
        {"", "", ""},
        {"apns", "apns", ""},
        {"fcm projects/1", "fcm", "projects/1"},
        {"webpush 410 Gone", "webpush", "410 Gone"},
        {"timeout", "", "timeout"},
        {"apnsx y", "", "apnsx y"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tt_push_detail detail = tt_push_detail(tt_slice_text(cases[i].detail));
        assert_true(tt_slice_eq(detail.provider, tt_slice_text(cases[i].provider)));
        assert_true(tt_slice_eq(detail.rest, tt_slice_text(cases[i].rest)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(explains_each_wait),
        cmocka_unit_test(a_name_does_not_change_the_sentence_around_it),
        cmocka_unit_test(names_only_who_holds_it_up),
        cmocka_unit_test(splits_push_details),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
