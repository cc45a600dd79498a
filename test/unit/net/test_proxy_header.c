#include "unit.h"

#include "net/proxy_header.h"

#define SIGNATURE "\x0d\x0a\x0d\x0a\x00\x0d\x0a\x51\x55\x49\x54\x0a"

#define CLIENT(text, bytes_)                                                                       \
    {                                                                                              \
        .bytes = (bytes_), .size = sizeof(bytes_) - 1, .result = TT_PROXY_DONE, .client = (text)   \
    }
#define ITSELF(bytes_) CLIENT(NULL, bytes_)
#define BAD(bytes_)                                                                                \
    {                                                                                              \
        .bytes = (bytes_), .size = sizeof(bytes_) - 1, .result = TT_PROXY_BAD                      \
    }
#define MORE(bytes_)                                                                               \
    {                                                                                              \
        .bytes = (bytes_), .size = sizeof(bytes_) - 1, .result = TT_PROXY_MORE                     \
    }

struct example {
    const char *bytes;
    size_t size;
    enum tt_proxy_result result;
    const char *client; /* NULL: the proxy itself */
};

static const struct example examples[] = {
    CLIENT("192.0.2.7", "PROXY TCP4 192.0.2.7 10.0.0.1 4711 443\r\n"),
    CLIENT("255.255.255.255", "PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n"),
    CLIENT("2001:db8::7", "PROXY TCP6 2001:db8::7 ::1 0 443\r\n"),
    ITSELF("PROXY UNKNOWN\r\n"),
    ITSELF("PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n"),
    MORE(""),
    MORE("PRO"),
    MORE("PROXY TCP4 192.0.2.7 10.0.0.1 4711 443"),
    MORE("PROXY TCP4 192.0.2.7 10.0.0.1 4711 443\r"),
    BAD("GET / HTTP/1.1\r\n"),
    BAD("PROXy"),
    BAD("\x16\x03\x01"),
    BAD("PROXY \r\n"),
    BAD("PROXY\r\n"),
    BAD("PROXY TCP5 192.0.2.7 10.0.0.1 4711 443\r\n"),
    BAD("PROXY TCP4 192.0.2.7 10.0.0.1 4711 443\n"),
    BAD("PROXY TCP4 192.0.2.7 10.0.0.1 4711\r\n"),
    BAD("PROXY TCP4 192.0.2.7 10.0.0.1 4711 443 \r\n"),
    BAD("PROXY TCP4 192.0.2.7 10.0.0.1 4711 443 1\r\n"),
    BAD("PROXY TCP4  192.0.2.7 10.0.0.1 4711 443\r\n"),
    BAD("PROXY TCP4 192.0.2.7 10.0.0.1 4711 65536\r\n"),
    BAD("PROXY TCP4 192.0.2.7 10.0.0.1 4711 0443\r\n"),
    BAD("PROXY TCP4 192.0.2.7 10.0.0.1 4711 -1\r\n"),
    BAD("PROXY TCP4 2001:db8::7 ::1 4711 443\r\n"),
    BAD("PROXY TCP6 192.0.2.7 10.0.0.1 4711 443\r\n"),
    BAD("PROXY TCP4 192.0.2 10.0.0.1 4711 443\r\n"),
    BAD("PROXY TCP4 192.0.2.7\r10.0.0.1 4711 443\r\n"),
    CLIENT("192.0.2.7",
           SIGNATURE "\x21\x11\x00\x0c\xc0\x00\x02\x07\x0a\x00\x00\x01\x12\x67\x01\xbb"),
    CLIENT("192.0.2.7", SIGNATURE
           "\x21\x11\x00\x10\xc0\x00\x02\x07\x0a\x00\x00\x01\x12\x67\x01\xbb\x04\x00\x01x"),
    CLIENT("::ff", SIGNATURE "\x21\x21\x00\x24\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\xff"
                             "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x12\x67\x01\xbb"),
    ITSELF(SIGNATURE "\x20\x00\x00\x00"),
    ITSELF(SIGNATURE "\x20\x11\x00\x0c\xc0\x00\x02\x07\x0a\x00\x00\x01\x12\x67\x01\xbb"),
    ITSELF(SIGNATURE "\x21\x00\x00\x03xyz"),
    MORE(SIGNATURE "\x21\x11\x00"),
    MORE(SIGNATURE "\x21\x11\x00\x0c\xc0\x00\x02"),
    BAD(SIGNATURE "\x11\x11\x00\x0c"),
    BAD(SIGNATURE "\x22\x11\x00\x0c"),
    BAD(SIGNATURE "\x21\x11\xff\xff"),
    BAD(SIGNATURE "\x21\x11\x03\xf1"),
    BAD(SIGNATURE "\x21\x11\x00\x04\xc0\x00\x02\x07"),
    BAD(SIGNATURE "\x21\x12\x00\x0c\xc0\x00\x02\x07\x0a\x00\x00\x01\x12\x67\x01\xbb"),
    BAD(SIGNATURE "\x21\x21\x00\x0c\xc0\x00\x02\x07\x0a\x00\x00\x01\x12\x67\x01\xbb"),
};

static void test_each_example(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
        const struct example *example = &examples[i];
        struct tt_proxy_header header;
        enum tt_proxy_result result =
            tt_proxy_header_read(tt_slice(example->bytes, example->size), &header);
        if (result != example->result)
            fail_msg("example %zu: %d", i, (int)result);
        if (result != TT_PROXY_DONE)
            continue;
        char text[TT_IP_TEXT_SIZE];
        assert_int_equal(header.size, example->size);
        assert_int_equal(header.is_proxied, example->client != NULL);
        if (example->client == NULL)
            continue;
        tt_ip_format(&header.client, text);
        assert_string_equal(text, example->client);
    }
}

static void test_what_follows_is_not_touched(void **state)
{
    static const char follows[] = "PROXY TCP4 192.0.2.7 10.0.0.1 1 2\r\nPROXY TCP4 \r\n\r\n";
    struct tt_proxy_header header;
    (void)state;
    assert_int_equal(tt_proxy_header_read(tt_slice_text(follows), &header), TT_PROXY_DONE);
    assert_int_equal(header.size, 35);
}

static void test_a_line_that_does_not_end_is_refused(void **state)
{
    char line[200];
    struct tt_proxy_header header;
    (void)state;
    memset(line, '1', sizeof(line));
    memcpy(line, "PROXY TCP4 ", 11);
    assert_int_equal(tt_proxy_header_read(tt_slice(line, 106), &header), TT_PROXY_MORE);
    assert_int_equal(tt_proxy_header_read(tt_slice(line, 107), &header), TT_PROXY_BAD);
    assert_int_equal(tt_proxy_header_read(tt_slice(line, 200), &header), TT_PROXY_BAD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_example),
        cmocka_unit_test(test_what_follows_is_not_touched),
        cmocka_unit_test(test_a_line_that_does_not_end_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
