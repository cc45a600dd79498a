#include "unit.h"

#include <stdio.h>

#include "base/buffer.h"
#include "net/http1.h"
#include "net/http1_answer.h"

static const struct tt_http1_limits limits = {.head_size_max = 600, .body_size_max = 100};

static void add_request(struct tt_buffer *log, const struct tt_http1_request *request)
{
    static const char *const names[] = {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "other"};
    tt_buffer_add_text(log, names[request->method]);
    tt_buffer_add_byte(log, ' ');
    tt_buffer_add(log, request->path);
    tt_buffer_add_text(log, " ?");
    tt_buffer_add(log, request->query);
    tt_buffer_add_text(log, " x=");
    tt_buffer_add(log, tt_http1_header(request, "x"));
    tt_buffer_add_text(log, " [");
    tt_buffer_add(log, request->body);
    tt_buffer_add_text(log, request->keep_alive ? "]\n" : "] close\n");
}

/* Answers every request at once, as a server would, and logs. */
static void feed(struct tt_http1 *http, const char *bytes, size_t size, struct tt_buffer *log)
{
    char *copy = test_malloc(size + 1);
    struct tt_input input = {copy, size};
    if (size > 0)
        memcpy(copy, bytes, size);
    for (;;) {
        enum tt_http1_result result = tt_http1_next(http, &input, TT_MONO(1));
        if (result == TT_HTTP1_MORE)
            break;
        if (result == TT_HTTP1_CONTINUE)
            continue;
        if (result == TT_HTTP1_REFUSED) {
            assert_non_null(tt_http1_request(http)->problem);
            assert_false(tt_http1_request(http)->keep_alive);
            tt_buffer_add_u64(log, tt_http1_request(http)->status);
            tt_buffer_add_byte(log, '\n');
        } else {
            assert_int_equal(tt_http1_request(http)->status, 0);
            add_request(log, tt_http1_request(http));
        }
        tt_http1_done(http);
    }
    assert_int_equal(input.size, 0);
    test_free(copy);
}

static void expect_log(struct tt_buffer *log, const char *expected, const char *stream)
{
    tt_buffer_add_byte(log, '\0');
    if (strcmp(log->data, expected) != 0)
        fail_msg("%s\ngave\n%s\ninstead of\n%s", stream, log->data, expected);
    tt_buffer_deinit(log);
}

/* Whole, in two pieces at every place, byte by byte. */
static void check(const char *stream, size_t size, const char *expected)
{
    struct tt_buffer log = {0};
    struct tt_http1 http;
    for (size_t cut = 0; cut <= size; cut++) {
        tt_http1_init(&http, &limits);
        feed(&http, stream, cut, &log);
        feed(&http, stream + cut, size - cut, &log);
        expect_log(&log, expected, stream);
        tt_http1_deinit(&http);
    }
    tt_http1_init(&http, &limits);
    for (size_t at = 0; at < size; at++)
        feed(&http, stream + at, 1, &log);
    expect_log(&log, expected, stream);
    tt_http1_deinit(&http);
}

#define CHECK(stream, expected) check("" stream, sizeof(stream) - 1, expected)

#define GET  "GET / HTTP/1.1\r\nHost: a\r\n"
#define POST "POST / HTTP/1.1\r\nHost: a\r\n"

static void requests_in_any_pieces(void **unused)
{
    (void)unused;
    CHECK("GET /conversation/c1?before=5&limit=2 HTTP/1.1\r\nHost: a:80\r\nX:  a b \t\r\n\r\n"
          "POST /x HTTP/1.1\r\nhost: a\r\nContent-Length: 5\r\n\r\nhello"
          "\r\nPUT /y? HTTP/1.1\r\nHOST:a\r\nTransfer-Encoding: CHUNKED\r\n\r\n"
          "3\r\nabc\r\n00a;x=\"y\"\r\n0123456789\r\n0\r\nTrailer: 1\r\n\r\n"
          "HEAD http://a/abs?q HTTP/1.1\r\nHost: a\r\n\r\n"
          "GET //x?b?c HTTP/1.1\r\nHost: a\r\n\r\n"
          "GET /? HTTP/1.1\r\nHost: a\r\n\r\n"
          "DELETE /d HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
          "GET /never HTTP/1.1\r\nHost: a\r\n\r\n",
          "GET /conversation/c1 ?before=5&limit=2 x=a b []\n"
          "POST /x ? x= [hello]\n"
          "PUT /y ? x= [abc0123456789]\n"
          "HEAD /abs ?q x= []\n"
          "GET //x ?b?c x= []\n"
          "GET / ? x= []\n"
          "DELETE /d ? x= [] close\n");
}

static int status_of(const char *before, char byte, const char *after)
{
    struct tt_buffer stream = {0};
    struct tt_http1 http;
    int status = 0;
    tt_buffer_add_text(&stream, before);
    tt_buffer_add_byte(&stream, byte);
    tt_buffer_add_text(&stream, after);
    struct tt_input input = {stream.data, stream.size};
    tt_http1_init(&http, &limits);
    enum tt_http1_result result = tt_http1_next(&http, &input, TT_MONO(1));
    assert_int_not_equal(result, TT_HTTP1_MORE);
    if (result == TT_HTTP1_REFUSED)
        status = tt_http1_request(&http)->status;
    tt_http1_deinit(&http);
    tt_buffer_deinit(&stream);
    return status;
}

static bool is_one_of(int byte, const char *others)
{
    bool is_letter = (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z');
    return is_letter || (byte >= '0' && byte <= '9') || (byte != 0 && strchr(others, byte) != NULL);
}

/* RFC 9110, 5.6.2; RFC 3986, 3.2.2; RFC 9112, 3.2: all that is visible, but no fragment. */
static void every_byte_in_names_hosts_and_targets(void **unused)
{
    (void)unused;
    for (int byte = 0; byte < 256; byte++) {
        bool in_name = is_one_of(byte, "!#$%&'*+-.^_`|~");
        bool in_host = is_one_of(byte, "-._~:[]%!$&'()*+,;=");
        bool in_target = byte > ' ' && byte < 0x7f && byte != '#';
        assert_int_equal(status_of(GET "X", (char)byte, "a: b\r\n\r\n"),
                         in_name || byte == ':' ? 0 : 400);
        assert_int_equal(status_of("GET / HTTP/1.1\r\nHost: a", (char)byte, "b\r\n\r\n"),
                         in_host ? 0 : 400);
        assert_int_equal(status_of("GET /a", (char)byte, "b HTTP/1.1\r\nHost: a\r\n\r\n"),
                         in_target ? 0 : 400);
    }
}

static void connections_that_end_or_go_on(void **unused)
{
    (void)unused;
    CHECK("GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", "GET / ? x= [] close\n");
    CHECK("GET / HTTP/1.0\r\nConnection: close\r\nConnection: Keep-Alive\r\n\r\n",
          "GET / ? x= [] close\n");
    CHECK("GET / HTTP/1.0\r\nConnection: , x,\tKeep-Alive \r\n\r\n", "GET / ? x= []\n");
    CHECK("GET / HTTP/1.0\r\nProxy-Connection: keep-alive\r\n\r\n", "GET / ? x= [] close\n");
    CHECK(GET "Connection: x, CLOSE\r\n\r\n", "GET / ? x= [] close\n");
    CHECK(GET "Connection: upgrade\r\nConnection: ,close\r\n\r\n", "GET / ? x= [] close\n");
    CHECK(GET "Connection: closed\r\n\r\n", "GET / ? x= []\n");
    CHECK(GET "Proxy-Connection: close\r\n\r\n", "GET / ? x= []\n");
}

static void versions_and_methods(void **unused)
{
    (void)unused;
    CHECK("PROPFIND / HTTP/1.1\r\nHost: a\r\n\r\n", "501\n");
    CHECK("TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", "other / ? x= []\n");
    CHECK("get / HTTP/1.1\r\nHost: a\r\n\r\n", "501\n");
    CHECK("GETS / HTTP/1.1\r\nHost: a\r\n\r\n", "501\n");
    CHECK("GET / HTTP/1.10\r\nHost: a\r\n\r\n", "400\n");
    CHECK("GET / HTTP/x.1\r\nHost: a\r\n\r\n", "505\n");
    CHECK("GET / HTTP/1.0\r\n\r\n", "GET / ? x= [] close\n");
    CHECK("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "GET / ? x= []\n");
    CHECK("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "OPTIONS * ? x= []\n");
    CHECK("PATCH / HTTP/1.1\r\nHost: a\r\n\r\n", "other / ? x= []\n");
    CHECK("CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n", "other  ? x= []\n");
    CHECK("GET / HTTP/2.0\r\nHost: a\r\n\r\n", "505\n");
    CHECK("GET / HTTP/0.9\r\nHost: a\r\n\r\n", "505\n");
    CHECK("GET /\r\n\r\n", "400\n");
    CHECK("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", "400\n");
    CHECK("GET / HTTP/11.1\r\nHost: a\r\n\r\n", "400\n");
    CHECK("GET / HTTP/1.x\r\nHost: a\r\n\r\n", "505\n");
    CHECK("GET / HTTP/1.1 \r\nHost: a\r\n\r\n", "400\n");
    CHECK("HTTP/1.1\r\nHost: a\r\n\r\n", "400\n");
    CHECK("GET / HTPP/1.1\r\nHost: a\r\n\r\n", "400\n");
    CHECK("NOTHING / HTTP/1.1\r\nHost: a\r\n\r\n", "501\n");
    CHECK("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "400\n");
    CHECK("\x16\x03\x01\x02", "400\n");
}

/* What two servers could understand differently is understood by none. */
static void requests_that_could_be_smuggled(void **unused)
{
    (void)unused;
    CHECK(POST "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400\n");
    CHECK(POST "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n", "400\n");
    CHECK(POST "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", "400\n");
    CHECK(POST "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", "400\n");
    CHECK(POST "Content-Length: 3, 3\r\n\r\nabc", "400\n");
    CHECK(POST "Content-Length: -1\r\n\r\n", "400\n");
    CHECK(POST "Content-Length: +3\r\n\r\nabc", "400\n");
    CHECK(POST "Content-Length: 0x3\r\n\r\nabc", "400\n");
    CHECK(POST "Content-Length: 3 3\r\n\r\nabc", "400\n");
    CHECK(POST "Content-Length:\r\n\r\n", "400\n");
    CHECK(POST "Content-Length: 18446744073709551617\r\n\r\na", "400\n");
    CHECK(POST "Content-Length: 922337203685477579\r\n\r\na", "413\n");
    CHECK(POST "Content-Length : 3\r\n\r\nabc", "400\n");
    CHECK(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
          "400\n");
    CHECK(POST "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", "501\n");
    CHECK(POST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "501\n");
    CHECK(POST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", "501\n");
    CHECK(POST "Content-Length: 3\t\r\nTransfer-Encodings: chunked\r\n\r\nabc",
          "POST / ? x= [abc]\n");
    CHECK(POST "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", "400\n");
    CHECK("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400\n");
    CHECK("GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", "400\n");
    CHECK("GET / HTTP/1.1\nHost: a\n\n", "400\n");
    CHECK("GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n", "400\n");
    CHECK(GET "X: a\r\n b\r\n\r\n", "400\n");
    CHECK("GET / HTTP/1.1\r\n Host: a\r\n\r\n", "400\n");
    CHECK(GET "\tX: a\r\n\r\n", "400\n");
    CHECK(GET "X: a\0b\r\n\r\n", "400\n");
    CHECK(GET "X: a\x01"
              "b\r\n\r\n",
          "400\n");
    CHECK(GET "X y: a\r\n\r\n", "400\n");
    CHECK(GET ": a\r\n\r\n", "400\n");
    CHECK(GET "no colon\r\n\r\n", "400\n");
    CHECK(GET "X\xff: a\r\n\r\n", "400\n");
    CHECK(GET "Host: a\r\n\r\n", "400\n");
    CHECK("GET / HTTP/1.1\r\nX: a\r\n\r\n", "400\n");
    CHECK("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", "400\n");
    CHECK("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", "400\n");
    CHECK("GET /#a HTTP/1.1\r\nHost: a\r\n\r\n", "400\n");
    CHECK("GET /a?b# HTTP/1.1\r\nHost: a\r\n\r\n", "400\n");
    CHECK("GET http://a/b# HTTP/1.1\r\nHost: a\r\n\r\n", "400\n");
    CHECK(" GET / HTTP/1.1\r\nHost: a\r\n\r\n", "400\n");
}

/* Bytes are looked at in eights: each byte at each place of two of them. */
static void every_byte_in_every_place_of_a_value(void **unused)
{
    (void)unused;
    static const char start[] = GET "Y: ";
    char stream[] = GET "Y: 0123456789abcdefg\r\n\r\n";
    for (size_t at = sizeof(start) - 1; stream[at] != '\r'; at++) {
        char before = stream[at];
        for (int byte = 0; byte < 256; byte++) {
            bool refused = (byte < 0x20 && byte != '\t') || byte == 0x7f;
            stream[at] = (char)byte;
            check(stream, sizeof(stream) - 1, refused ? "400\n" : "GET / ? x= []\n");
        }
        stream[at] = before;
    }
}

static void chunks_that_are_malformed(void **unused)
{
    (void)unused;
#define CHUNKED POST "Transfer-Encoding: chunked\r\n\r\n"
    CHECK(CHUNKED "3\nabc\r\n0\r\n\r\n", "400\n");
    CHECK(CHUNKED "3\rXabc\r\n0\r\n\r\n", "400\n");
    CHECK(CHUNKED "3\r\nabcd\r\n0\r\n\r\n", "400\n");
    CHECK(CHUNKED "3\r\nabc\n0\r\n\r\n", "400\n");
    CHECK(CHUNKED "3\r\nabc\rX0\r\n\r\n", "400\n");
    CHECK(CHUNKED "\r\n", "400\n");
    CHECK(CHUNKED "0x3\r\nabc\r\n0\r\n\r\n", "400\n");
    CHECK(CHUNKED "-3\r\nabc\r\n0\r\n\r\n", "400\n");
    CHECK(CHUNKED " 3\r\nabc\r\n0\r\n\r\n", "400\n");
    CHECK(CHUNKED "3 \r\nabc\r\n0\r\n\r\n", "400\n");
    CHECK(CHUNKED "3;a\nb\r\nabc\r\n0\r\n\r\n", "400\n");
    CHECK(CHUNKED "0\r\nX: a\n\r\n", "400\n");
    CHECK(CHUNKED "0\r\n X: a\r\n\r\n", "400\n");
    CHECK(CHUNKED "0\r\nX: a\0\r\n\r\n", "400\n");
    CHECK(CHUNKED "65\r\n", "413\n");
    CHECK(CHUNKED "ffffffffffffffff\r\n", "413\n");
    CHECK(CHUNKED "60\r\n"
                  "0123456789012345678901234567890123456789012345678901234567890123456789012345"
                  "67890123456789012345\r\n5\r\n",
          "413\n");
}

static void add_repeated(struct tt_buffer *stream, const char *text, size_t times)
{
    for (size_t i = 0; i < times; i++)
        tt_buffer_add_text(stream, text);
}

static void check_bomb(const char *start, const char *repeated, size_t times, const char *end,
                       const char *expected)
{
    static const struct tt_http1_limits large = {.head_size_max = 16384, .body_size_max = 1000};
    struct tt_buffer stream = {0};
    struct tt_buffer log = {0};
    struct tt_http1 http;
    tt_buffer_add_text(&stream, start);
    add_repeated(&stream, repeated, times);
    tt_buffer_add_text(&stream, end);
    tt_http1_init(&http, &large);
    feed(&http, stream.data, stream.size, &log);
    expect_log(&log, expected, start);
    tt_http1_init(&http, &large);
    for (size_t at = 0; at < stream.size; at++) {
        feed(&http, stream.data + at, 1, &log);
        assert_true(http.progress == NULL || tt_http1_phase(&http) != TT_HTTP1_ANSWERING);
    }
    expect_log(&log, expected, start);
    tt_http1_deinit(&http);
    tt_buffer_deinit(&stream);
}

static void heads_that_are_too_large(void **unused)
{
    (void)unused;
    check_bomb(GET, "X: y\r\n", TT_HTTP1_HEADER_COUNT_MAX - 1, "\r\n", "GET / ? x=y []\n");
    check_bomb(GET, "X: y\r\n", TT_HTTP1_HEADER_COUNT_MAX, "\r\n", "431\n");
    check_bomb(GET, "X: y\r\n", 100000, "\r\n", "431\n");
    check_bomb("GET /", "x", 16384, "", "431\n");
    check_bomb(GET "X: ", "x", 1000000, "", "431\n");
    check_bomb(POST "Transfer-Encoding: chunked\r\n\r\n0\r\n", "X: y\r\n", 100000, "\r\n", "431\n");
    check_bomb(POST "Transfer-Encoding: chunked\r\n\r\n1;", "x", 1000, "\r\n", "400\n");
}

static void bodies_up_to_the_limit(void **unused)
{
    (void)unused;
    check_bomb(POST "Content-Length: 1001\r\n\r\n", "", 0, "", "413\n");
    struct tt_buffer expected = {0};
    tt_buffer_add_text(&expected, "POST / ? x= [");
    add_repeated(&expected, "b", 1000);
    tt_buffer_add(&expected, TT_SLICE_LITERAL("]\n\0"));
    check_bomb(POST "Content-Length: 1000\r\n\r\n", "b", 1000, "", expected.data);
    tt_buffer_deinit(&expected);
}

static enum tt_http1_result next(struct tt_http1 *http, const char *bytes, struct tt_input *input)
{
    *input = (struct tt_input){(char *)(uintptr_t)bytes, strlen(bytes)};
    return tt_http1_next(http, input, TT_MONO(77));
}

static void continue_is_asked_for_once(void **unused)
{
    (void)unused;
    struct tt_http1 http;
    struct tt_input input;
    tt_http1_init(&http, &limits);
    const char *head = POST "Expect: 100-Continue\r\nContent-Length: 2\r\n\r\n";
    assert_int_equal(next(&http, head, &input), TT_HTTP1_CONTINUE);
    assert_int_equal(next(&http, "", &input), TT_HTTP1_MORE);
    assert_int_equal(next(&http, "a", &input), TT_HTTP1_MORE);
    assert_int_equal(next(&http, "b", &input), TT_HTTP1_REQUEST);
    tt_http1_done(&http);
    /* Who sends the body without waiting is not asked for it. */
    assert_int_equal(
        next(&http, POST "Expect: 100-continue\r\nContent-Length: 2\r\n\r\nab", &input),
        TT_HTTP1_REQUEST);
    tt_http1_done(&http);
    assert_int_equal(
        next(&http, POST "Expect: 100-continue\r\nContent-Length: 101\r\n\r\n", &input),
        TT_HTTP1_REFUSED);
    assert_int_equal(tt_http1_request(&http)->status, 413);
    tt_http1_done(&http);
    CHECK(POST "Expect: a-miracle\r\n\r\n", "417\n");
}

static void pipelined_requests_wait_for_the_answer(void **unused)
{
    (void)unused;
    struct tt_http1 http;
    struct tt_input input;
    char stream[] = "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\nGET /3 HT";
    tt_http1_init(&http, &limits);
    assert_int_equal(next(&http, stream, &input), TT_HTTP1_REQUEST);
    tt_http1_keep(&http, &input);
    assert_int_equal(input.size, 0);
    memset(stream, 'x', sizeof(stream) - 1); /* the scratch buffer serves others now */
    assert_true(tt_slice_eq(tt_http1_request(&http)->path, TT_SLICE_LITERAL("/1")));
    tt_http1_done(&http);
    assert_int_equal(tt_http1_phase(&http), TT_HTTP1_IDLE);

    assert_int_equal(next(&http, "", &input), TT_HTTP1_REQUEST);
    assert_true(tt_slice_eq(tt_http1_request(&http)->path, TT_SLICE_LITERAL("/2")));
    tt_http1_done(&http);
    assert_int_equal(next(&http, "TP/1.1\r\nHost: a\r\n\r\n", &input), TT_HTTP1_REQUEST);
    assert_true(tt_slice_eq(tt_http1_request(&http)->path, TT_SLICE_LITERAL("/3")));
    tt_http1_done(&http);
    assert_null(http.progress);
}

static void nothing_is_held_between_requests(void **unused)
{
    (void)unused;
    struct tt_http1 http;
    struct tt_input input;
    tt_http1_init(&http, &limits);
    assert_int_equal(next(&http, "", &input), TT_HTTP1_MORE);
    assert_null(http.progress);
    assert_int_equal(tt_http1_started_at(&http).ms, 0);
    assert_int_equal(next(&http, "G", &input), TT_HTTP1_MORE);
    assert_int_equal(tt_http1_phase(&http), TT_HTTP1_HEAD_COMING);
    assert_int_equal(tt_http1_started_at(&http).ms, 77);
    assert_int_equal(next(&http, "ET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n", &input),
                     TT_HTTP1_MORE);
    assert_int_equal(tt_http1_phase(&http), TT_HTTP1_BODY_COMING);
    assert_int_equal(next(&http, "b", &input), TT_HTTP1_REQUEST);
    assert_int_equal(tt_http1_phase(&http), TT_HTTP1_ANSWERING);
    tt_http1_done(&http);
    assert_null(http.progress);
    assert_true(sizeof(http) <= 24);
}

static void what_follows_an_upgrade_is_handed_over(void **unused)
{
    (void)unused;
    struct tt_http1 http;
    struct tt_input input;
    struct tt_buffer kept = {0};
    tt_http1_init(&http, &limits);
    assert_int_equal(
        next(&http, GET "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x80", &input),
        TT_HTTP1_REQUEST);
    assert_int_equal(input.size, 2);
    tt_http1_keep(&http, &input);
    tt_http1_take_kept(&http, &kept);
    assert_int_equal(kept.size, 2);
    assert_memory_equal(kept.data, "\x81\x80", 2);
    assert_null(http.progress);
    tt_buffer_deinit(&kept);
}

static void expect_answer(const char *request, const struct tt_http1_answer *answer,
                          const char *expected)
{
    struct tt_http1 http;
    struct tt_input input;
    struct tt_buffer output = {0};
    tt_http1_init(&http, &limits);
    assert_int_equal(next(&http, request, &input), TT_HTTP1_REQUEST);
    bool keeps = tt_http1_write_answer(tt_http1_request(&http), answer, &output);
    assert_int_equal(keeps, strstr(expected, "Connection: close") == NULL);
    expect_log(&output, expected, request);
    tt_http1_deinit(&http);
}

static void answers(void **unused)
{
    (void)unused;
    struct tt_buffer fields = {0};
    tt_http1_add_field(&fields, "Retry-After", TT_SLICE_LITERAL("1\r\nX: injected"));
    struct tt_http1_answer answer = {
        .status = 429, .content_type = "text/plain", .body = TT_SLICE_LITERAL("slow")};
    answer.fields = tt_buffer_slice(&fields);
#define HEAD_429                                                                                   \
    "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1  X: injected\r\n"                            \
    "Content-Type: text/plain\r\nContent-Length: 4\r\n"
    expect_answer(GET "\r\n", &answer, HEAD_429 "\r\nslow");
    expect_answer("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", &answer, HEAD_429 "\r\n");
    expect_answer(GET "Connection: close\r\n\r\n", &answer,
                  HEAD_429 "Connection: close\r\n\r\nslow");
    expect_answer("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", &answer,
                  HEAD_429 "Connection: keep-alive\r\n\r\nslow");
    answer = (struct tt_http1_answer){.status = 204};
    expect_answer(GET "\r\n", &answer, "HTTP/1.1 204 No Content\r\n\r\n");
    answer = (struct tt_http1_answer){.status = 200, .close = true};
    expect_answer(GET "\r\n", &answer,
                  "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    tt_buffer_deinit(&fields);

    struct tt_buffer output = {0};
    assert_false(tt_http1_write_answer(NULL, &answer, &output));
    expect_log(&output, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", "");
}

static void lists_of_tokens(void **unused)
{
    (void)unused;
    assert_true(tt_http1_has_token(TT_SLICE_LITERAL("keep-alive, Upgrade"), "upgrade"));
    assert_true(tt_http1_has_token(TT_SLICE_LITERAL(" ,, UPGRADE ,"), "upgrade"));
    assert_false(tt_http1_has_token(TT_SLICE_LITERAL("upgraded"), "upgrade"));
    assert_false(tt_http1_has_token(TT_SLICE_LITERAL("up, grade"), "upgrade"));
    assert_false(tt_http1_has_token(TT_SLICE_EMPTY, "upgrade"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_in_any_pieces),
        cmocka_unit_test(every_byte_in_names_hosts_and_targets),
        cmocka_unit_test(connections_that_end_or_go_on),
        cmocka_unit_test(versions_and_methods),
        cmocka_unit_test(requests_that_could_be_smuggled),
        cmocka_unit_test(every_byte_in_every_place_of_a_value),
        cmocka_unit_test(chunks_that_are_malformed),
        cmocka_unit_test(heads_that_are_too_large),
        cmocka_unit_test(bodies_up_to_the_limit),
        cmocka_unit_test(continue_is_asked_for_once),
        cmocka_unit_test(pipelined_requests_wait_for_the_answer),
        cmocka_unit_test(nothing_is_held_between_requests),
        cmocka_unit_test(what_follows_an_upgrade_is_handed_over),
        cmocka_unit_test(answers),
        cmocka_unit_test(lists_of_tokens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
