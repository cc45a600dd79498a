#include "unit.h"

#include "base/buffer.h"
#include "net/http1.h"
#include "net/http1_response.h"
#include "net/websocket_handshake.h"

static const struct tt_http1_limits limits = {.head_size_max = 2000, .body_size_max = 100};

#define KEY     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define VERSION "Sec-WebSocket-Version: 13\r\n"
#define HOST    "Host: a\r\n"
#define UPGRADE "Upgrade: websocket\r\nConnection: Upgrade\r\n"

static void read_request(struct tt_http1 *http, const char *text)
{
    struct tt_input input = {(char *)(uintptr_t)text, strlen(text)};
    tt_http1_init(http, &limits);
    assert_int_equal(tt_http1_next(http, &input, TT_MONO(1)), TT_HTTP1_REQUEST);
}

static void upgrades_that_are_let_in_and_kept_out(void **unused)
{
    (void)unused;
    static const struct {
        const char *request;
        int status;
    } cases[] = {
        {"GET /ws HTTP/1.1\r\n" HOST UPGRADE KEY VERSION "\r\n", 101},
        {"GET /ws HTTP/1.1\r\n" HOST KEY VERSION
         "Upgrade: h2c, WebSocket\r\nConnection: keep-alive\r\nConnection: x, upgrade\r\n\r\n",
         101},
        {"POST /ws HTTP/1.1\r\n" HOST UPGRADE KEY VERSION "\r\n", 405},
        {"GET /ws HTTP/1.0\r\n" HOST UPGRADE KEY VERSION "\r\n", 400},
        {"GET /ws HTTP/1.1\r\n" HOST KEY VERSION "\r\n", 426},
        {"GET /ws HTTP/1.1\r\n" HOST KEY VERSION "Upgrade: websocket\r\n\r\n", 400},
        {"GET /ws HTTP/1.1\r\n" HOST KEY VERSION "Connection: upgrade\r\nUpgrade: ws\r\n\r\n", 426},
        {"GET /ws HTTP/1.1\r\n" HOST UPGRADE KEY "\r\n", 426},
        {"GET /ws HTTP/1.1\r\n" HOST UPGRADE KEY "Sec-WebSocket-Version: 12\r\n\r\n", 426},
        {"GET /ws HTTP/1.1\r\n" HOST UPGRADE KEY "Sec-WebSocket-Version: 13, 8\r\n\r\n", 426},
        {"GET /ws HTTP/1.1\r\n" HOST UPGRADE KEY VERSION VERSION "\r\n", 426},
        {"GET /ws HTTP/1.1\r\n" HOST UPGRADE VERSION "\r\n", 400},
        {"GET /ws HTTP/1.1\r\n" HOST UPGRADE KEY KEY VERSION "\r\n", 400},
        {"GET /ws HTTP/1.1\r\n" HOST UPGRADE VERSION "Sec-WebSocket-Key: c2hvcnQ=\r\n\r\n", 400},
        {"GET /ws HTTP/1.1\r\n" HOST UPGRADE VERSION
         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQAA\r\n\r\n",
         400},
        {"GET /ws HTTP/1.1\r\n" HOST UPGRADE VERSION
         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j!Q==\r\n\r\n",
         400},
        {"GET /ws HTTP/1.1\r\n" HOST UPGRADE KEY VERSION "Content-Length: 1\r\n\r\nx", 400},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tt_http1 http;
        const char *problem;
        read_request(&http, cases[i].request);
        int status = tt_websocket_check(tt_http1_request(&http), &problem);
        if (status != cases[i].status || (problem == NULL) != (status == 101))
            fail_msg("%d for %s", status, cases[i].request);
        tt_http1_deinit(&http);
    }
}

/* The example of RFC 6455, section 1.3. */
static void the_rfcs_own_example(void **unused)
{
    (void)unused;
    struct tt_http1 http;
    struct tt_buffer output = {0};
    read_request(&http, "GET /ws HTTP/1.1\r\n" HOST UPGRADE KEY VERSION "\r\n");
    tt_websocket_write_switch(tt_http1_request(&http), TT_SLICE_LITERAL("twoticks.v1"), &output);
    tt_buffer_add_byte(&output, '\0');
    assert_string_equal(output.data, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                                     "Connection: Upgrade\r\n"
                                     "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
                                     "Sec-WebSocket-Protocol: twoticks.v1\r\n\r\n");
    tt_buffer_deinit(&output);
    tt_http1_deinit(&http);
}

static void offered_subprotocols(void **unused)
{
    (void)unused;
    struct tt_http1 http;
    read_request(&http,
                 "GET /ws HTTP/1.1\r\n" HOST "Sec-WebSocket-Protocol: bearer., twoticks.v1\r\n"
                 "Sec-WebSocket-Protocol:bearer.ab.cd\r\n\r\n");
    const struct tt_http1_request *request = tt_http1_request(&http);
    assert_true(tt_websocket_offers(request, TT_SLICE_LITERAL("twoticks.v1")));
    assert_false(tt_websocket_offers(request, TT_SLICE_LITERAL("twoticks")));
    assert_false(tt_websocket_offers(request, TT_SLICE_LITERAL("TwoTicks.v1")));
    struct tt_slice token = tt_websocket_offer_after(request, TT_SLICE_LITERAL("bearer."));
    assert_true(tt_slice_eq(token, TT_SLICE_LITERAL("ab.cd")));
    assert_int_equal(tt_websocket_offer_after(request, TT_SLICE_LITERAL("x.")).size, 0);
    tt_http1_deinit(&http);
}

/* The client's request is let in, and it takes the answer for what it asked for. */
static void both_sides_shake_hands(void **unused)
{
    (void)unused;
    static const unsigned char nonce[TT_WEBSOCKET_NONCE_SIZE] = "0123456789abcde";
    char key[TT_WEBSOCKET_KEY_SIZE];
    struct tt_http1 http;
    struct tt_buffer fields = {0};
    struct tt_buffer sent = {0};
    struct tt_buffer back = {0};
    const char *problem;
    tt_websocket_key(nonce, key);
    tt_http1_add_field(&fields, "Authorization", TT_SLICE_LITERAL("Bearer t"));
    tt_websocket_write_request(TT_SLICE_LITERAL("a:1"), TT_SLICE_LITERAL("/ws"),
                               tt_slice(key, sizeof(key)), tt_buffer_slice(&fields), &sent);
    tt_buffer_add_byte(&sent, '\0');
    read_request(&http, sent.data);
    assert_int_equal(tt_websocket_check(tt_http1_request(&http), &problem), 101);
    assert_true(tt_slice_eq(tt_http1_header(tt_http1_request(&http), "authorization"),
                            TT_SLICE_LITERAL("Bearer t")));
    tt_websocket_write_switch(tt_http1_request(&http), TT_SLICE_EMPTY, &back);
    tt_buffer_add_text(&back, "\x81\x02hi");

    struct tt_http1_response_reader *reader = tt_http1_response_reader_create(1000);
    const struct tt_http1_response *response;
    struct tt_input input = {back.data, back.size};
    expect_ok(tt_http1_response_next(reader, &input, false, &response));
    assert_non_null(response);
    assert_true(tt_websocket_switched(response, tt_slice(key, sizeof(key))));
    key[0] ^= 1;
    assert_false(tt_websocket_switched(response, tt_slice(key, sizeof(key))));
    assert_int_equal(input.size, 4); /* the first frame is not HTTP */
    tt_http1_response_reader_destroy(&reader);
    tt_http1_deinit(&http);
    tt_buffer_deinit(&fields);
    tt_buffer_deinit(&sent);
    tt_buffer_deinit(&back);
}

static size_t read_responses(const char *text, size_t size, size_t piece, struct tt_buffer *log)
{
    size_t count = 0;
    struct tt_http1_response_reader *reader = tt_http1_response_reader_create(1000);
    const struct tt_http1_response *response;
    for (size_t at = 0; at < size; at += piece) {
        struct tt_input input = {(char *)(uintptr_t)(text + at),
                                 piece < size - at ? piece : size - at};
        while (input.size > 0) {
            expect_ok(tt_http1_response_next(reader, &input, false, &response));
            if (response == NULL)
                continue;
            count++;
            tt_buffer_add_u64(log, (uint64_t)response->status);
            tt_buffer_add(log, tt_http1_response_header(response, "x"));
            tt_buffer_add(log, response->body);
            tt_buffer_add_byte(log, response->keep_alive ? '\n' : '!');
        }
    }
    expect_ok(tt_http1_response_end(reader, &response));
    if (response != NULL)
        tt_buffer_add(log, response->body);
    tt_http1_response_reader_destroy(&reader);
    return count;
}

static void responses_in_any_pieces(void **unused)
{
    (void)unused;
    static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n"
                               "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: yes\r\n\r\nhello"
                               "HTTP/1.1 204 No Content\r\nA: b\r\nX: no\r\n\r\n"
                               "HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n"
                               "2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"
                               "HTTP/1.0 200 OK\r\n\r\nto the end";
    for (size_t piece = 1; piece <= sizeof(text); piece++) {
        struct tt_buffer log = {0};
        assert_int_equal(read_responses(text, sizeof(text) - 1, piece, &log), 3);
        tt_buffer_add_byte(&log, '\0');
        assert_string_equal(log.data, "200yeshello\n204no\n404abc\nto the end");
        tt_buffer_deinit(&log);
    }
}

static void responses_that_are_none(void **unused)
{
    (void)unused;
    char large[2000];
    const struct tt_http1_response *response;
    memset(large, 'x', sizeof(large));
    memcpy(large, "HTTP/1.1 200 OK\r\n\r\n", 19);
    struct tt_http1_response_reader *reader = tt_http1_response_reader_create(1000);
    struct tt_input input = {large, sizeof(large)};
    assert_true(
        tt_err_is(tt_http1_response_next(reader, &input, false, &response), TT_ERR_INVALID));
    tt_http1_response_reader_destroy(&reader);
    reader = tt_http1_response_reader_create(1000);
    char junk[] = "SSH-2.0-OpenSSH\r\n";
    input = (struct tt_input){junk, sizeof(junk) - 1};
    assert_true(
        tt_err_is(tt_http1_response_next(reader, &input, false, &response), TT_ERR_INVALID));
    tt_http1_response_reader_destroy(&reader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(upgrades_that_are_let_in_and_kept_out),
        cmocka_unit_test(the_rfcs_own_example),
        cmocka_unit_test(offered_subprotocols),
        cmocka_unit_test(both_sides_shake_hands),
        cmocka_unit_test(responses_in_any_pieces),
        cmocka_unit_test(responses_that_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
