#include "unit.h"

#include "app/admin.h"
#include "app/client.h"

static tt_time no_time(void *context)
{
    (void)context;
    return TT_TIME(0);
}

static void no_line(void *context, struct tt_slice line)
{
    (void)context;
    (void)line;
}

struct fixture {
    struct tt_log log;
    struct tt_admin *admin;
    struct tt_endpoint endpoint;
};

static int setup(void **state)
{
    struct fixture *fixture = test_calloc(1, sizeof(*fixture));
    fixture->log = (struct tt_log){.now = no_time, .sink = no_line};
    struct tt_address address;
    const char *problem;
    if (!tt_is_ok(tt_address_parse(tt_slice_text("127.0.0.1:0"), &address, &problem)))
        return -1;
    fixture->admin = tt_admin_create(&address, &fixture->log, &problem);
    if (fixture->admin == NULL)
        return -1;
    fixture->endpoint.address = *tt_admin_address(fixture->admin);
    tt_address_format(&fixture->endpoint.address, fixture->endpoint.host);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    tt_admin_destroy(&fixture->admin);
    test_free(fixture);
    return 0;
}

static int ask(struct fixture *fixture, const char *method, const char *target, const char *wanted)
{
    struct tt_client_answer answer;
    char sentence[TT_CLIENT_SENTENCE];
    assert_true(tt_client_request(&fixture->endpoint, method, target, TT_SLICE_EMPTY,
                                  TT_SLICE_EMPTY, &answer, sentence));
    tt_buffer_add_byte(&answer.body, '\0');
    assert_non_null(strstr(answer.body.data, wanted));
    tt_buffer_deinit(&answer.body);
    return answer.status;
}

static void a_starting_server_is_alive_and_not_ready(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(ask(fixture, "GET", "/healthz", "ok"), 200);
    assert_int_equal(ask(fixture, "GET", "/readyz", "starting"), 503);
    tt_admin_set_draining(fixture->admin);
    assert_int_equal(ask(fixture, "GET", "/readyz", "draining"), 503);
}

static void metrics_are_prometheus_text(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(ask(fixture, "GET", "/metrics",
                         "# TYPE twoticks_messages_stored_total counter\n"
                         "twoticks_messages_stored_total 0\n"),
                     200);
    assert_int_equal(ask(fixture, "GET", "/metrics", "\nprocess_open_fds "), 200);
}

static void what_is_not_there_is_said(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(ask(fixture, "GET", "/", "/healthz"), 404);
    assert_int_equal(ask(fixture, "POST", "/healthz", "only GET"), 405);
    assert_int_equal(ask(fixture, "GET", "/a b", ""), 400);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_starting_server_is_alive_and_not_ready),
        TEST(metrics_are_prometheus_text),
        TEST(what_is_not_there_is_said),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
