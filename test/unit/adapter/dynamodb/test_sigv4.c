#include "unit.h"

#include <stdio.h>

#include "adapter/dynamodb/sigv4.h"

/* The examples that AWS publishes (its "aws-sig-v4-test-suite" and the pages on deriving a key). */
#define SECRET TT_SLICE_LITERAL("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
#define ACCESS TT_SLICE_LITERAL("AKIDEXAMPLE")
#define S(lit)                                                                                     \
    {                                                                                              \
        "" lit, sizeof(lit) - 1                                                                    \
    }

static const struct tt_sigv4_header suite_headers[] = {
    {S("host"), S("example.amazonaws.com")},
    {S("x-amz-date"), S("20150830T123600Z")},
};

static void expect_signature(const char *method, struct tt_slice query,
                             const struct tt_sigv4_header *headers, size_t count,
                             const char *service, const char *expected)
{
    struct tt_sigv4_signer signer = {.region = TT_SLICE_LITERAL("us-east-1"),
                                     .service = tt_slice_text(service)};
    struct tt_sigv4_request request = {
        .method = method,
        .path = TT_SLICE_LITERAL("/"),
        .query = query,
        .headers = headers,
        .header_count = count,
    };
    struct tt_buffer out = {0};
    tt_sigv4_sign(&signer, ACCESS, SECRET, &request, "20150830T123600Z", &out);
    assert_true(out.size > 64);
    assert_memory_equal(out.data + out.size - 64, expected, 64);
    tt_buffer_deinit(&out);
}

static void the_published_requests_have_the_published_signatures(void **state)
{
    (void)state;
    expect_signature("GET", TT_SLICE_EMPTY, suite_headers, 2, "service",
                     "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
    expect_signature("POST", TT_SLICE_EMPTY, suite_headers, 2, "service",
                     "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b");
    expect_signature("GET", TT_SLICE_LITERAL("Param1=value1&Param2=value2"), suite_headers, 2,
                     "service", "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500");
}

static void the_example_of_the_manual_is_signed_as_there(void **state)
{
    (void)state;
    static const struct tt_sigv4_header headers[] = {
        {S("content-type"), S("application/x-www-form-urlencoded; charset=utf-8")},
        {S("host"), S("iam.amazonaws.com")},
        {S("x-amz-date"), S("20150830T123600Z")},
    };
    expect_signature("GET", TT_SLICE_LITERAL("Action=ListUsers&Version=2010-05-08"), headers, 3,
                     "iam", "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7");
}

static void the_line_names_the_scope_and_the_headers(void **state)
{
    (void)state;
    struct tt_sigv4_signer signer = {.region = TT_SLICE_LITERAL("us-east-1"),
                                     .service = TT_SLICE_LITERAL("service")};
    struct tt_sigv4_request request = {.method = "GET",
                                       .path = TT_SLICE_LITERAL("/"),
                                       .headers = suite_headers,
                                       .header_count = 2};
    struct tt_buffer out = {0};
    tt_sigv4_sign(&signer, ACCESS, SECRET, &request, "20150830T123600Z", &out);
    const char *expected = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/"
                           "aws4_request, SignedHeaders=host;x-amz-date, Signature=";
    assert_int_equal(out.size, strlen(expected) + 64);
    assert_memory_equal(out.data, expected, strlen(expected));
    tt_buffer_deinit(&out);
}

static void the_key_of_the_manual_is_derived(void **state)
{
    (void)state;
    static const unsigned char expected[] = {0xc4, 0xaf, 0xb1, 0xcc, 0x57, 0x71, 0xd8, 0x71,
                                             0x76, 0x3a, 0x39, 0x3e, 0x44, 0xb7, 0x03, 0x57,
                                             0x1b, 0x55, 0xcc, 0x28, 0x42, 0x4d, 0x1a, 0x5e,
                                             0x86, 0xda, 0x6e, 0xd3, 0xc1, 0x54, 0xa4, 0xb9};
    struct tt_sigv4_signer signer = {.region = TT_SLICE_LITERAL("us-east-1"),
                                     .service = TT_SLICE_LITERAL("iam")};
    struct tt_sigv4_request request = {.method = "GET", .path = TT_SLICE_LITERAL("/")};
    struct tt_buffer out = {0};
    tt_sigv4_sign(&signer, ACCESS, SECRET, &request, "20150830T123600Z", &out);
    assert_memory_equal(signer.key, expected, sizeof(expected));

    /* Kept for the day, made anew on the next one and after a change of the secret. */
    tt_sigv4_sign(&signer, ACCESS, TT_SLICE_LITERAL("other"), &request, "20150830T235959Z", &out);
    assert_memory_equal(signer.key, expected, sizeof(expected));
    tt_sigv4_forget_key(&signer);
    tt_sigv4_sign(&signer, ACCESS, TT_SLICE_LITERAL("other"), &request, "20150830T235959Z", &out);
    assert_memory_not_equal(signer.key, expected, sizeof(expected));
    tt_sigv4_sign(&signer, ACCESS, SECRET, &request, "20150831T000000Z", &out);
    tt_sigv4_sign(&signer, ACCESS, SECRET, &request, "20150830T000000Z", &out);
    assert_memory_equal(signer.key, expected, sizeof(expected));
    tt_buffer_deinit(&out);
}

static void values_are_trimmed_as_the_suite_wants_it(void **state)
{
    (void)state;
    static const struct tt_sigv4_header headers[] = {
        {S("host"), S("example.amazonaws.com")},
        {S("my-header1"), S(" value1")},
        {S("my-header2"), S(" \"a   b   c\"")},
        {S("x-amz-date"), S("20150830T123600Z")},
    };
    expect_signature("GET", TT_SLICE_EMPTY, headers, 4, "service",
                     "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736");
}

static void a_time_is_written_in_the_basic_form(void **state)
{
    (void)state;
    char text[TT_SIGV4_TIME_SIZE];
    tt_sigv4_format_time(TT_TIME(1440938160123), text);
    assert_memory_equal(text, "20150830T123600Z", TT_SIGV4_TIME_SIZE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_published_requests_have_the_published_signatures),
        cmocka_unit_test(the_example_of_the_manual_is_signed_as_there),
        cmocka_unit_test(the_line_names_the_scope_and_the_headers),
        cmocka_unit_test(the_key_of_the_manual_is_derived),
        cmocka_unit_test(values_are_trimmed_as_the_suite_wants_it),
        cmocka_unit_test(a_time_is_written_in_the_basic_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
