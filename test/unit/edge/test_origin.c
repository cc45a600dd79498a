#include "unit.h"

#include "edge/origin.h"

static void knows_what_browsers_write(void **unused)
{
    (void)unused;
    static const char *const good[] = {
        "https://chat.example.com",      "http://localhost",
        "http://localhost:3000",         "https://chat.example.com:8443",
        "https://chat.example.com:80",   "http://127.0.0.1:65535",
        "https://[2001:db8::1]",         "https://[::1]:8443",
        "https://xn--bcher-kva.example", "https://my_host",
        "capacitor://localhost",         "chrome-extension://abcdefghijklmnopabcdefghijklmnop",
    };
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        if (!tt_origin_is_one(tt_slice_text(good[i])))
            fail_msg("%s", good[i]);
}

static void refuses_what_no_browser_writes(void **unused)
{
    (void)unused;
    static const char *const bad[] = {
        "",
        "*",
        "null",
        "foo",
        "chat.example.com",
        "//chat.example.com",
        "://chat.example.com",
        "https:",
        "https:/",
        "https://",
        "https:///",
        "https:chat.example.com",
        "https://chat.example.com/",
        "https://chat.example.com/chat",
        "https://chat.example.com?x",
        "https://alice@chat.example.com",
        "https://*.example.com",
        "https://Chat.example.com",
        "HTTPS://chat.example.com",
        "1https://chat.example.com",
        " https://chat.example.com",
        "https://chat.example.com ",
        ("https://b\xc3\xbc"
         "cher.example"),
        "https://chat.example.com:",
        "https://chat.example.com:443",
        "http://chat.example.com:80",
        "https://chat.example.com:0",
        "https://chat.example.com:08443",
        "https://chat.example.com:65536",
        "https://chat.example.com:99999999999999999999",
        "https://:8443",
        "https://::1",
        "https://[]",
        "https://[::1",
        "https://[::G]",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (tt_origin_is_one(tt_slice_text(bad[i])))
            fail_msg("%s", bad[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_what_browsers_write),
        cmocka_unit_test(refuses_what_no_browser_writes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
