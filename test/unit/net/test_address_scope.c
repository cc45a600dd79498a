#include "unit.h"

#include "net/address_scope.h"

static bool is_public(const char *text)
{
    struct tt_address address;
    const char *problem;
    expect_ok(tt_address_parse(tt_slice_text(text), &address, &problem));
    return tt_address_is_public(&address);
}

/* Attack 38: the edges of each block, and what IPv6 carries. */
static void test_addresses(void **state)
{
    (void)state;
    static const char *const not_public[] = {
        "0.0.0.0:1",
        "0.255.255.255:1",
        "10.0.0.0:1",
        "10.255.255.255:1",
        "100.64.0.0:1",
        "100.127.255.255:1",
        "127.0.0.1:1",
        "127.255.255.255:1",
        "169.254.0.0:1",
        "169.254.169.254:1",
        "172.16.0.0:1",
        "172.31.255.255:1",
        "192.0.0.8:1",
        "192.0.2.1:1",
        "192.88.99.1:1",
        "192.168.0.0:1",
        "192.168.255.255:1",
        "198.18.0.0:1",
        "198.19.255.255:1",
        "198.51.100.7:1",
        "203.0.113.7:1",
        "224.0.0.1:1",
        "239.255.255.255:1",
        "240.0.0.1:1",
        "255.255.255.255:1",
        "[::]:1",
        "[::1]:1",
        "[::ffff:127.0.0.1]:1",
        "[::ffff:10.0.0.1]:1",
        "[::ffff:169.254.169.254]:1",
        "[::127.0.0.1]:1",
        "[fe80::1]:1",
        "[fec0::1]:1",
        "[fc00::1]:1",
        "[fdff::1]:1",
        "[ff02::1]:1",
        "[64:ff9b::7f00:1]:1",
        "[64:ff9b:1::1]:1",
        "[100::1]:1",
        "[2001::1]:1",
        "[2001:1ff::1]:1",
        "[2001:db8::1]:1",
        "[2002:7f00:1::1]:1",
        "[2002:a9fe:a9fe::1]:1",
        "[3fff::1]:1",
        "[4000::1]:1",
        "[1fff::1]:1",
        "[5f00::1]:1",
    };
    static const char *const public[] = {
        "1.1.1.1:443",       "9.255.255.255:1",     "11.0.0.0:1",         "100.63.255.255:1",
        "100.128.0.0:1",     "126.255.255.255:1",   "128.0.0.0:1",        "169.253.255.255:1",
        "169.255.0.0:1",     "172.15.255.255:1",    "172.32.0.0:1",       "192.0.1.0:1",
        "192.167.255.255:1", "192.169.0.0:1",       "198.17.255.255:1",   "198.20.0.0:1",
        "223.255.255.255:1", "[2606:4700::1111]:1", "[2001:200::1]:1",    "[2001:db9::1]:1",
        "[2a00:1450::1]:1",  "[2002:101:101::1]:1", "[::ffff:1.1.1.1]:1", "[64:ff9b::101:101]:1",
        "[3ffe::1]:1",
    };
    for (size_t i = 0; i < sizeof(not_public) / sizeof(not_public[0]); i++)
        if (is_public(not_public[i]))
            fail_msg("%s is taken for public", not_public[i]);
    for (size_t i = 0; i < sizeof(public) / sizeof(public[0]); i++)
        if (!is_public(public[i]))
            fail_msg("%s is not taken for public", public[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_addresses)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
