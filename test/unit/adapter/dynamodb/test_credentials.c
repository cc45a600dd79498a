#include "unit.h"

#include "adapter/dynamodb/credentials.h"

static void expect_text(struct tt_slice slice, const char *text)
{
    assert_int_equal(slice.size, strlen(text));
    if (slice.size > 0)
        assert_memory_equal(slice.data, text, slice.size);
}

static void what_imds_and_containers_answer_is_read(void **state)
{
    (void)state;
    struct tt_arena arena = {0};
    struct tt_aws_credentials found;
    expect_ok(tt_aws_read_json(
        TT_SLICE_LITERAL("{\"Code\":\"Success\",\"AccessKeyId\":\"ASIA\",\"SecretAccessKey\":"
                         "\"a\\/b+c\",\"Token\":\"t==\",\"Expiration\":\"2026-01-02T03:04:05Z\"}"),
        &arena, &found));
    expect_text(found.access_key, "ASIA");
    expect_text(found.secret, "a/b+c");
    expect_text(found.session_token, "t==");
    assert_int_equal(found.expires_at.ms, 1767323045000);
    expect_ok(tt_aws_read_json(TT_SLICE_LITERAL("{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"s\","
                                                "\"SessionToken\":\"u\"}"),
                               &arena, &found));
    expect_text(found.session_token, "u");
    assert_int_equal(found.expires_at.ms, 0);
    static const char *const bad[] = {
        "",
        "[]",
        "{}",
        "{\"AccessKeyId\":\"A\"}",
        "{\"AccessKeyId\":\"\",\"SecretAccessKey\":\"s\"}",
        "{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"s\",\"Expiration\":\"soon\"}"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_true(
            tt_err_is(tt_aws_read_json(tt_slice_text(bad[i]), &arena, &found), TT_ERR_CORRUPT));
    tt_arena_deinit(&arena);
}

static void what_sts_answers_is_read(void **state)
{
    (void)state;
    struct tt_arena arena = {0};
    struct tt_aws_credentials found;
    const char *xml = "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult>"
                      "<Credentials>\n  <SessionToken>tok/en==</SessionToken>"
                      "<SecretAccessKey>se/cret</SecretAccessKey>"
                      "<Expiration>2026-01-02T03:04:05.000Z</Expiration>"
                      "<AccessKeyId>ASIAX</AccessKeyId></Credentials></x></y>";
    expect_ok(tt_aws_read_sts(tt_slice_text(xml), &arena, &found));
    expect_text(found.access_key, "ASIAX");
    expect_text(found.secret, "se/cret");
    expect_text(found.session_token, "tok/en==");
    assert_int_equal(found.expires_at.ms, 1767323045000);
    assert_false(tt_is_ok(tt_aws_read_sts(TT_SLICE_LITERAL("<Error/>"), &arena, &found)));
    assert_false(tt_is_ok(tt_aws_read_sts(TT_SLICE_EMPTY, &arena, &found)));
    tt_arena_deinit(&arena);
}

static void profiles_are_found_by_name(void **state)
{
    (void)state;
    struct tt_slice file = TT_SLICE_LITERAL("# a comment\n[default]\naws_access_key_id = A\r\n"
                                            "  s3 =\n    nested = x\n"
                                            "\n[profile work]\naws_access_key_id=B\n"
                                            "; c\naws_secret_access_key = s = t \n");
    struct tt_slice work = TT_SLICE_LITERAL("work");
    expect_text(tt_aws_profile_value(file, TT_SLICE_LITERAL("default"), "aws_access_key_id"), "A");
    expect_text(tt_aws_profile_value(file, work, "aws_access_key_id"), "B");
    expect_text(tt_aws_profile_value(file, work, "aws_secret_access_key"), "s = t");
    expect_text(tt_aws_profile_value(file, work, "aws_session_token"), "");
    expect_text(tt_aws_profile_value(file, TT_SLICE_LITERAL("default"), "nested"), "");
    expect_text(tt_aws_profile_value(file, TT_SLICE_LITERAL("other"), "aws_access_key_id"), "");
    expect_text(tt_aws_profile_value(TT_SLICE_EMPTY, work, "aws_access_key_id"), "");
}

static void a_query_is_encoded(void **state)
{
    (void)state;
    struct tt_arena arena = {0};
    expect_text(tt_aws_encode(TT_SLICE_LITERAL("arn:aws:iam::1:role/a b~-._"), &arena),
                "arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fa%20b~-._");
    tt_arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_imds_and_containers_answer_is_read),
        cmocka_unit_test(what_sts_answers_is_read),
        cmocka_unit_test(profiles_are_found_by_name),
        cmocka_unit_test(a_query_is_encoded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
