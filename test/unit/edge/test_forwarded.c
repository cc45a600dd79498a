#include "unit.h"

#include "edge/forwarded.h"

/* The trusted proxies are 10.0.0.0/8; the request has these two fields, if they are not empty. */
static struct tt_http1_request request_with(const char *name, const char *first, const char *second)
{
    struct tt_http1_request request = {.field_count = 0};
    const char *const values[] = {first, second};
    for (size_t i = 0; i < 2; i++)
        if (values[i][0] != '\0')
            request.fields[request.field_count++] =
                (struct tt_http1_field){tt_slice_text(name), tt_slice_text(values[i])};
    return request;
}

static struct tt_network proxies;
static struct tt_networks trusted = {&proxies, 1};

static int set_up(void **state)
{
    (void)state;
    return tt_network_parse(TT_SLICE_LITERAL("10.0.0.0/8"), &proxies) ? 0 : -1;
}

static struct tt_ip ip(const char *text)
{
    struct tt_ip parsed;
    assert_true(tt_ip_parse(tt_slice_text(text), &parsed));
    return parsed;
}

static void test_the_client_is_the_last_who_is_no_proxy(void **state)
{
    static const struct {
        const char *peer;
        const char *first;
        const char *second;
        const char *client;
    } cases[] = {
        {"10.0.0.1", "", "", "10.0.0.1"},
        {"10.0.0.1", "192.0.2.7", "", "192.0.2.7"},
        {"10.0.0.1", "192.0.2.7:4711", "", "192.0.2.7"},
        {"10.0.0.1", "[2001:db8::7]:4711", "", "2001:db8::7"},
        {"10.0.0.1", "2001:db8::7", "", "2001:db8::7"},
        {"10.0.0.1", "192.0.2.7,10.0.0.9", "", "192.0.2.7"},
        {"10.0.0.1", "192.0.2.7", "10.0.0.9", "192.0.2.7"},
        /* what the client made up stands before what a proxy saw */
        {"10.0.0.1", "203.0.113.9, 192.0.2.7", "", "192.0.2.7"},
        {"10.0.0.1", "203.0.113.9", "192.0.2.7", "192.0.2.7"},
        {"10.0.0.1", "10.0.0.5, 192.0.2.7", "", "192.0.2.7"},
        /* from somebody who is no proxy nothing is believed */
        {"192.0.2.99", "203.0.113.9", "", "192.0.2.99"},
        {"192.0.2.99", "10.0.0.1", "203.0.113.9", "192.0.2.99"},
        /* and what cannot be understood ends the search */
        {"10.0.0.1", "192.0.2.7, unknown", "", "10.0.0.1"},
        {"10.0.0.1", "192.0.2.7, _hidden, 10.0.0.9", "", "10.0.0.9"},
        {"10.0.0.1", "192.0.2.7,,", "", "10.0.0.1"},
        {"10.0.0.1", "[192.0.2.7", "", "10.0.0.1"},
        {"10.0.0.1", " , ", "", "10.0.0.1"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tt_http1_request request =
            request_with("X-Forwarded-For", cases[i].first, cases[i].second);
        struct tt_ip peer = ip(cases[i].peer);
        struct tt_ip client = tt_forwarded_client(&trusted, &peer, &request);
        char text[TT_IP_TEXT_SIZE];
        tt_ip_format(&client, text);
        if (strcmp(text, cases[i].client) != 0)
            fail_msg("case %zu: %s, not %s", i, text, cases[i].client);
    }
}

static void test_https_is_believed_from_proxies_only(void **state)
{
    static const struct {
        const char *peer;
        const char *first;
        const char *second;
        bool https;
    } cases[] = {
        {"10.0.0.1", "https", "", true},        {"10.0.0.1", "HTTPS", "", true},
        {"10.0.0.1", "http", "", false},        {"10.0.0.1", "", "", false},
        {"10.0.0.1", "https", "http", false},   {"10.0.0.1", "http, https", "", true},
        {"10.0.0.1", "https, http", "", false}, {"192.0.2.9", "https", "", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tt_http1_request request =
            request_with("X-Forwarded-Proto", cases[i].first, cases[i].second);
        struct tt_ip peer = ip(cases[i].peer);
        if (tt_forwarded_is_https(&trusted, &peer, &request) != cases[i].https)
            fail_msg("case %zu", i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_client_is_the_last_who_is_no_proxy),
        cmocka_unit_test(test_https_is_believed_from_proxies_only),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
