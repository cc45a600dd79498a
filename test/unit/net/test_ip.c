#include "unit.h"

#include "net/ip.h"

static struct tt_ip ip(const char *text)
{
    struct tt_ip parsed;
    if (!tt_ip_parse(tt_slice_text(text), &parsed))
        fail_msg("%s is an address", text);
    return parsed;
}

static void test_both_families_have_one_form(void **state)
{
    static const char *const texts[] = {"127.0.0.1", "255.255.255.255", "::1", "2001:db8::7"};
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        char text[TT_IP_TEXT_SIZE];
        struct tt_ip parsed = ip(texts[i]);
        assert_int_equal(tt_ip_format(&parsed, text), strlen(texts[i]));
        assert_string_equal(text, texts[i]);
    }
    struct tt_ip mapped = ip("::ffff:127.0.0.1");
    struct tt_ip plain = ip("127.0.0.1");
    assert_true(tt_ip_eq(&mapped, &plain));
}

static void test_what_is_no_address_is_refused(void **state)
{
    static const char *const texts[] = {"",           "1.2.3", "1.2.3.4.5",        "256.1.1.1",
                                        "::1%lo",     "[::1]", "1.2.3.4 ",         "localhost",
                                        "1.2.3.4:80", "g::1",  "1:2:3:4:5:6:7:8:9"};
    struct tt_ip parsed;
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_false(tt_ip_parse(tt_slice_text(texts[i]), &parsed));
    assert_false(tt_ip_parse(tt_slice("1.2.3.4\0x", 9), &parsed));
}

static bool in(const char *network, const char *address)
{
    struct tt_network parsed;
    struct tt_ip at = ip(address);
    if (!tt_network_parse(tt_slice_text(network), &parsed))
        fail_msg("%s is a network", network);
    return tt_networks_have(&(struct tt_networks){&parsed, 1}, &at);
}

static void test_a_network_has_what_shares_its_bits(void **state)
{
    (void)state;
    assert_true(in("10.0.0.0/8", "10.255.1.2"));
    assert_false(in("10.0.0.0/8", "11.0.0.0"));
    assert_true(in("10.128.0.0/9", "10.200.0.1"));
    assert_false(in("10.128.0.0/9", "10.127.255.255"));
    assert_true(in("192.0.2.7", "192.0.2.7"));
    assert_false(in("192.0.2.7", "192.0.2.6"));
    assert_true(in("0.0.0.0/0", "8.8.8.8"));
    assert_false(in("0.0.0.0/0", "2001:db8::1"));
    assert_true(in("::/0", "8.8.8.8"));
    assert_true(in("fd00::/8", "fdff::1"));
    assert_false(in("fd00::/8", "fc00::1"));
    assert_true(in("10.0.0.0/8", "::ffff:10.1.1.1"));
    assert_false(tt_networks_have(&(struct tt_networks){NULL, 0}, &(struct tt_ip){{0}}));
}

static void test_what_is_no_network_is_refused(void **state)
{
    static const char *const texts[] = {"",           "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1",
                                        "10.0.0.1/8", "/8",          "::1/129",   "10.0.0.0/0008",
                                        "fd00::1/8",  "10.0.0.0/8/8"};
    struct tt_network parsed;
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        if (tt_network_parse(tt_slice_text(texts[i]), &parsed))
            fail_msg("%s is no network", texts[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_families_have_one_form),
        cmocka_unit_test(test_what_is_no_address_is_refused),
        cmocka_unit_test(test_a_network_has_what_shares_its_bits),
        cmocka_unit_test(test_what_is_no_network_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
