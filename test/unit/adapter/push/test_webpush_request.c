#include "unit.h"

#include "adapter/push/webpush_request.h"
#include "base/base64url.h"
#include "base/json.h"
#include "notification_of.h"

struct bytes {
    unsigned char data[256];
    size_t size;
};

static struct bytes decode(const char *text)
{
    struct bytes bytes;
    assert_true(tt_base64url_decode(tt_slice_text(text), bytes.data, &bytes.size));
    return bytes;
}

static struct tt_slice slice_of(const struct bytes *bytes)
{
    return tt_slice(bytes->data, bytes->size);
}

/* RFC 8291, section 5; the key of the application server, there given as a number, as PEM. */
static void test_vector_of_rfc_8291(void **state)
{
    (void)state;
    static const char pem[] = "-----BEGIN EC PRIVATE KEY-----\n"
                              "MHcCAQEEIMn1j4mBPp+Ohy5x9CqmThdXySVNzGK3LdwBC7QEPqEcoAoGCCqGSM49\n"
                              "AwEHoUQDQgAE/jP0qw3qcZFNtVgj9ztUlI9BMG2SBzLbuaWaUyhkgiAOWXp7e8Jg\n"
                              "uhwieZhYCZLpOXMALzASooro8Gu7eOXsDw==\n"
                              "-----END EC PRIVATE KEY-----\n";
    static const char wanted[] =
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmY"
        "WAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexS"
        "gSxsj_Qulcy4a-fN";
    struct bytes p256dh = decode(
        "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4");
    struct bytes auth = decode("BTBZMqHH6r4Tts7J_aSIgg");
    struct bytes salt = decode("DGv6ra1nlYgDCS1FRnbzlw");
    struct tt_push_address address = {.p256dh = slice_of(&p256dh), .auth = slice_of(&auth)};
    struct tt_push_key *key;
    const char *problem;
    expect_ok(tt_push_key_read(tt_slice_text(pem), TT_PUSH_KEY_P256, &key, &problem));
    struct tt_buffer body = {0};
    struct tt_buffer text = {0};
    expect_ok(tt_webpush_encrypt_with(&address,
                                      TT_SLICE_LITERAL("When I grow up, I want to be a watermelon"),
                                      key, salt.data, &body));
    tt_base64url_encode(tt_buffer_slice(&body), &text);
    tt_buffer_add_byte(&text, '\0');
    assert_string_equal(text.data, wanted);
    tt_buffer_deinit(&body);
    tt_buffer_deinit(&text);
    tt_push_key_destroy(&key);
}

static void test_bad_points_are_refused(void **state)
{
    (void)state;
    struct bytes auth = decode("BTBZMqHH6r4Tts7J_aSIgg");
    unsigned char point[TT_PUSH_P256DH_SIZE] = {4, 1, 2, 3};
    struct tt_buffer body = {0};
    struct tt_push_address address = {.p256dh = tt_slice(point, sizeof(point)),
                                      .auth = slice_of(&auth)};
    assert_true(
        tt_err_is(tt_webpush_encrypt(&address, TT_SLICE_LITERAL("x"), &body), TT_ERR_INVALID));
    address.p256dh.size--;
    assert_true(
        tt_err_is(tt_webpush_encrypt(&address, TT_SLICE_LITERAL("x"), &body), TT_ERR_INVALID));
    tt_buffer_deinit(&body);
}

/* The largest text makes the largest body that every service takes. */
static void test_longest_text(void **state)
{
    (void)state;
    struct tt_buffer raw = {0};
    for (int i = 0; i < 30000; i++)
        tt_buffer_add_text(&raw, "\xc3\xa9");
    struct tt_notification ring = ring_of("");
    ring.content = tt_buffer_slice(&raw);
    struct tt_buffer text = {0};
    struct tt_buffer body = {0};
    struct tt_json value;
    tt_webpush_text(&ring, &text);
    assert_in_range(text.size, TT_WEBPUSH_TEXT_SIZE_MAX - 2, TT_WEBPUSH_TEXT_SIZE_MAX);
    expect_ok(tt_json_read(tt_buffer_slice(&text), &value));
    struct tt_push_key *key;
    unsigned char point[TT_P256_POINT_SIZE];
    unsigned char auth[TT_PUSH_AUTH_SIZE] = {1};
    expect_ok(tt_push_key_make(&key));
    expect_ok(tt_push_key_point(key, point));
    ring.address.p256dh = tt_slice(point, sizeof(point));
    ring.address.auth = tt_slice(auth, sizeof(auth));
    expect_ok(tt_webpush_encrypt(&ring.address, tt_buffer_slice(&text), &body));
    assert_in_range(body.size, TT_WEBPUSH_BODY_SIZE_MAX - 2, TT_WEBPUSH_BODY_SIZE_MAX);
    tt_push_key_destroy(&key);
    tt_buffer_deinit(&text);
    tt_buffer_deinit(&body);
    tt_buffer_deinit(&raw);
}

static void expect_slice(struct tt_slice got, const char *wanted)
{
    assert_int_equal(got.size, strlen(wanted));
    assert_memory_equal(got.data, wanted, got.size);
}

static void test_endpoints(void **state)
{
    (void)state;
    struct tt_webpush_endpoint endpoint;
    expect_ok(tt_webpush_endpoint(
        tt_slice_text("https://updates.push.services.mozilla.com/wpush/v2/gAAA?x=1"), &endpoint));
    expect_slice(endpoint.origin, "https://updates.push.services.mozilla.com");
    expect_slice(endpoint.host, "updates.push.services.mozilla.com");
    expect_slice(endpoint.target, "/wpush/v2/gAAA?x=1");
    assert_int_equal(endpoint.port, 443);
    expect_ok(tt_webpush_endpoint(tt_slice_text("https://[2001:db8::1]:8443"), &endpoint));
    expect_slice(endpoint.origin, "https://[2001:db8::1]:8443");
    expect_slice(endpoint.host, "2001:db8::1");
    expect_slice(endpoint.target, "/");
    assert_int_equal(endpoint.port, 8443);

    static const char *const bad[] = {
        "",
        "https://",
        "http://push.example/x",
        "HTTPS://push.example/x",
        "ftp://push.example/x",
        "https:///x",
        "https://user@push.example/x",
        "https://user:pw@push.example/x",
        "https://push.example:0/x",
        "https://push.example:65536/x",
        "https://push.example:80x/x",
        "https://push.example:/x",
        "https://push.example/x y",
        "https://push.example/x\r\nHost: y",
        "https://push.example/x#f",
        "https://push.example\\@evil/x",
        "https://[::1/x",
        "https://[::1]x/x",
        "https://[fe80::1%25eth0]/x",
        "https://push.example?x",
        "https://p\xc3\xbcsh.example/x",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_true(
            tt_err_is(tt_webpush_endpoint(tt_slice_text(bad[i]), &endpoint), TT_ERR_INVALID));
}

/* RFC 8030, section 5.4: at most 32 letters of base64url. */
static void test_topic(void **state)
{
    (void)state;
    struct tt_buffer a = {0};
    struct tt_buffer b = {0};
    tt_id one = tt_id_of("conv_1");
    tt_id two = tt_id_of("conv_2");
    expect_ok(tt_webpush_topic(&one, &a));
    expect_ok(tt_webpush_topic(&two, &b));
    assert_int_equal(a.size, TT_WEBPUSH_TOPIC_SIZE);
    assert_memory_not_equal(a.data, b.data, a.size);
    assert_null(memmem(a.data, a.size, "conv", 4));
    tt_buffer_deinit(&a);
    tt_buffer_deinit(&b);
}

static void test_vapid(void **state)
{
    (void)state;
    struct tt_push_key *key;
    struct tt_buffer value = {0};
    expect_ok(tt_push_key_make(&key));
    expect_ok(tt_vapid_authorization(key, TT_SLICE_LITERAL("https://push.example"),
                                     TT_SLICE_LITERAL("mailto:a@b.example"), TT_TIME(1700000000000),
                                     &value));
    assert_memory_equal(value.data, "vapid t=", 8);
    const char *claims = (const char *)memchr(value.data, '.', value.size) + 1;
    const char *end = memchr(claims, '.', value.size);
    unsigned char bytes[512];
    size_t size;
    assert_true(tt_base64url_decode(tt_slice(claims, (size_t)(end - claims)), bytes, &size));
    expect_slice(tt_slice(bytes, size), "{\"aud\":\"https://push.example\",\"exp\":1700043200,"
                                        "\"sub\":\"mailto:a@b.example\"}");
    const char *k = memmem(value.data, value.size, ", k=", 4);
    assert_int_equal(value.data + value.size - (k + 4), 87);
    tt_buffer_deinit(&value);
    tt_push_key_destroy(&key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vector_of_rfc_8291),
        cmocka_unit_test(test_bad_points_are_refused),
        cmocka_unit_test(test_longest_text),
        cmocka_unit_test(test_endpoints),
        cmocka_unit_test(test_topic),
        cmocka_unit_test(test_vapid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
