#include "unit.h"

#include "net/address.h"

static void expect_parsed(const char *text, const char *formatted)
{
    struct tt_address address;
    const char *problem;
    char back[TT_ADDRESS_TEXT_SIZE];
    expect_ok(tt_address_parse(tt_slice_text(text), &address, &problem));
    assert_int_equal(tt_address_format(&address, back), strlen(formatted));
    assert_string_equal(back, formatted);
}

static void addresses_that_are_understood(void **unused)
{
    (void)unused;
    expect_parsed("127.0.0.1:8080", "127.0.0.1:8080");
    expect_parsed("0.0.0.0:0", "0.0.0.0:0");
    expect_parsed("localhost:65535", "127.0.0.1:65535");
    expect_parsed("[::1]:9090", "[::1]:9090");
    expect_parsed("[::]:10", "[::]:10");
    expect_parsed("[2001:DB8:0::1]:00443", "[2001:db8::1]:443");
    expect_parsed("[ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255]:65535",
                  "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535");
}

static void addresses_that_are_refused_with_a_reason(void **unused)
{
    (void)unused;
    static const struct {
        const char *text;
        const char *about;
    } cases[] = {
        {"", "port is missing"},         {"127.0.0.1", "port is missing"},
        {"[::1]", "port is missing"},    {"127.0.0.1:", "from 0 to 65535"},
        {"127.0.0.1:65536", "65535"},    {"127.0.0.1:-1", "65535"},
        {"127.0.0.1:80a", "65535"},      {"127.0.0.1:100000", "65535"},
        {":8080", "host of an address"}, {"::1:8080", "host of an address"},
        {"[]:80", "host of an address"}, {"[127.0.0.1]:80", "host of an address"},
        {"256.1.1.1:80", "localhost"},   {"example.org:80", "localhost"},
        {"[::1%lo]:80", "localhost"},    {"127.0.0.1 :80", "localhost"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tt_address address;
        const char *problem = NULL;
        tt_err err = tt_address_parse(tt_slice_text(cases[i].text), &address, &problem);
        if (!tt_err_is(err, TT_ERR_INVALID) || strstr(problem, cases[i].about) == NULL)
            fail_msg("%s: %s", cases[i].text, problem);
    }
}

static void a_host_without_its_port(void **unused)
{
    (void)unused;
    struct tt_address address;
    const char *problem;
    char text[TT_ADDRESS_TEXT_SIZE];
    expect_ok(tt_address_resolve(tt_slice_text("[::1]:80"), &address, &problem));
    assert_int_equal(tt_address_format_host(&address, text), 3);
    assert_string_equal(text, "::1");
    assert_int_equal(tt_address_port(&address), 80);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_that_are_understood),
        cmocka_unit_test(addresses_that_are_refused_with_a_reason),
        cmocka_unit_test(a_host_without_its_port),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
