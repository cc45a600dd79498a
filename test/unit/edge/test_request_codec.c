#include "unit.h"

#include "edge/request_codec.h"

static const struct tt_request_limits limits = {.content_size_max = 8, .members_max = 4};

struct fixture {
    struct tt_arena arena;
    struct tt_request request;
    struct tt_problem problem;
};

static int set_up(void **state)
{
    static struct fixture fixture;
    memset(&fixture, 0, sizeof(fixture));
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    tt_arena_deinit(&f->arena);
    return 0;
}

/* `target` is a path with or without a query; alice asks. */
static tt_err read_request(struct fixture *f, enum tt_http1_method method, const char *target,
                           const char *body)
{
    struct tt_caller caller = {tt_id_of("alice"), tt_id_of("phone"), 0};
    struct tt_slice whole = tt_slice_text(target);
    const char *mark = strchr(target, '?');
    struct tt_slice path = mark == NULL ? whole : tt_slice(target, (size_t)(mark - target));
    struct tt_slice query = mark == NULL ? TT_SLICE_EMPTY : tt_slice_from(whole, path.size + 1);
    struct tt_route route;
    struct tt_buffer allow = {0};
    expect_ok(tt_route_find(method, path, &route, &allow));
    const struct tt_request_source source = {&route, &caller, query, tt_slice_text(body)};
    return tt_request_read(&source, &limits, &f->arena, &f->request, &f->problem);
}

static tt_err get(struct fixture *f, const char *target)
{
    return read_request(f, TT_HTTP1_GET, target, "");
}

static void expect_refused(tt_err err, enum tt_err_code outcome, const char *what)
{
    if (!tt_err_is(err, outcome))
        fail_msg("%s: %s", what, tt_err_text(err));
}

static void expect_id(const tt_id *id, const char *text)
{
    assert_true(tt_slice_eq(tt_id_slice(id), tt_slice_text(text)));
}

static void reads_snapshots_and_pages(void **state)
{
    struct fixture *f = *state;
    const struct {
        const char *target;
        enum tt_request_kind kind;
        uint32_t limit;
        bool mark_open;
        bool before;
        uint64_t seq;
    } cases[] = {
        {"/conversation/c", TT_REQUEST_SNAPSHOT, 50, true, false, 0},
        {"/conversation/c?limit=1", TT_REQUEST_SNAPSHOT, 1, true, false, 0},
        {"/conversation/c?limit=200&open=1", TT_REQUEST_SNAPSHOT, 200, true, false, 0},
        {"/conversation/c?open=0", TT_REQUEST_SNAPSHOT, 50, false, false, 0},
        {"/conversation/c?unknown=%zz", TT_REQUEST_SNAPSHOT, 50, true, false, 0},
        {"/conversation/c?before=7", TT_REQUEST_PAGE, 50, false, true, 7},
        {"/conversation/c?after=7&limit=3", TT_REQUEST_PAGE, 3, false, false, 7},
        {"/conversation/c?after=0", TT_REQUEST_PAGE, 50, false, false, 0},
        {"/conversation/c?before=9007199254740991", TT_REQUEST_PAGE, 50, false, true, TT_SEQ_MAX},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        expect_ok(get(f, cases[i].target));
        assert_int_equal(f->request.kind, cases[i].kind);
        assert_int_equal(f->request.limit, cases[i].limit);
        expect_id(&f->request.user, "alice");
        expect_id(&f->request.device, "phone");
        expect_id(&f->request.conversation, "c");
        if (cases[i].kind == TT_REQUEST_SNAPSHOT) {
            assert_int_equal(f->request.snapshot.mark_open, cases[i].mark_open);
        } else {
            assert_int_equal(f->request.page.before, cases[i].before);
            assert_int_equal(f->request.page.seq.n, cases[i].seq);
        }
    }
}

static void refuses_bad_queries(void **state)
{
    struct fixture *f = *state;
    const char *targets[] = {
        "/conversation/c?limit=0",
        "/conversation/c?limit=201",
        "/conversation/c?limit=-1",
        "/conversation/c?limit=",
        "/conversation/c?limit=1.0",
        "/conversation/c?limit=18446744073709551617",
        "/conversation/c?limit=5&limit=5",
        "/conversation/c?before=0",
        "/conversation/c?before=x",
        "/conversation/c?before=9007199254740992",
        "/conversation/c?after=9007199254740992",
        "/conversation/c?before=1&after=1",
        "/conversation/c?open=yes",
        "/conversation/c?open=",
        "/conversations?cursor=a/b",
        "/conversations?limit=300",
        "/conversation/c/timeline?from=0",
        "/conversation/c/timeline?from=",
        "/conversation/c/timeline?to=9007199254740992",
        "/conversation/c/timeline?to=tomorrow",
        "/conversation/c/timeline?from=3&to=1",
        "/conversation/c/timeline?from=2024-01-15T09%3A42%3A00Z&to=2024-01-15T09%3A41%3A59Z",
    };
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
        expect_refused(get(f, targets[i]), TT_ERR_BAD_QUERY, targets[i]);
        assert_non_null(f->problem.text);
    }
    expect_refused(get(f, "/conversations?changed_since=1"), TT_ERR_BAD_TIME, "changed_since");
    assert_string_equal(f->problem.key, "changed_since");
}

static void reads_lists_and_timelines(void **state)
{
    struct fixture *f = *state;
    expect_ok(get(f, "/conversations"));
    assert_int_equal(f->request.kind, TT_REQUEST_LIST);
    assert_int_equal(f->request.limit, 50);
    assert_int_equal(f->request.list.cursor.size, 0);
    assert_int_equal(f->request.list.changed_since.ms, 0);

    expect_ok(
        get(f, "/conversations?limit=9&cursor=aZ-_9&changed_since=2024-01-15T11:42:00+02:00"));
    assert_int_equal(f->request.limit, 9);
    assert_true(tt_slice_eq(f->request.list.cursor, TT_SLICE_LITERAL("aZ-_9")));
    assert_int_equal(f->request.list.changed_since.ms, 1705311720000);

    expect_ok(get(f, "/conversation/c/timeline"));
    assert_int_equal(f->request.kind, TT_REQUEST_TIMELINE);
    assert_int_equal(f->request.timeline.from.n, 0);
    assert_int_equal(f->request.timeline.until.ms, 0);
    expect_ok(get(f, "/conversation/c/timeline?from=3&to=2024-01-15T09%3A42%3A00Z"));
    assert_int_equal(f->request.timeline.from.n, 3);
    assert_int_equal(f->request.timeline.to.n, 0);
    assert_int_equal(f->request.timeline.until.ms, 1705311720000);
    expect_ok(get(f, "/conversation/c/timeline?from=2024-01-15T09:42:00Z&to=4"));
    assert_int_equal(f->request.timeline.since.ms, 1705311720000);
    assert_int_equal(f->request.timeline.to.n, 4);
    expect_ok(get(f, "/conversation/c/timeline?from=4&to=4"));
    expect_ok(get(f, "/conversation/c/timeline?from=1969-01-15T09%3A42%3A00Z&to="
                     "2024-01-15T09%3A42%3A00Z"));

    expect_ok(get(f, "/conversation/c/messages/5/info"));
    assert_int_equal(f->request.kind, TT_REQUEST_INFO);
    assert_int_equal(f->request.about.seq.n, 5);
    expect_ok(get(f, "/conversation/c/messages/5/why"));
    assert_int_equal(f->request.kind, TT_REQUEST_WHY);
    expect_ok(read_request(f, TT_HTTP1_DELETE, "/device/laptop", ""));
    expect_id(&f->request.unlink.device, "laptop");
    expect_ok(get(f, "/me"));
    assert_int_equal(f->request.kind, TT_REQUEST_GET_ME);
    expect_ok(get(f, "/devices"));
    assert_int_equal(f->request.kind, TT_REQUEST_LIST_DEVICES);
}

static void reads_creations(void **state)
{
    struct fixture *f = *state;
    expect_ok(read_request(f, TT_HTTP1_POST, "/conversation",
                           "{\"members\":[\"bob\",\"alice\"],\"conversation_id\":\"conv\"}"));
    assert_int_equal(f->request.create.kind, TT_DIRECT);
    assert_true(f->request.create.id_given);
    expect_id(&f->request.conversation, "conv");
    assert_int_equal(f->request.create.member_count, 2);
    expect_id(&f->request.create.members[0], "alice");
    expect_id(&f->request.create.members[1], "bob");

    expect_ok(read_request(f, TT_HTTP1_POST, "/conversation",
                           "{\"members\":[\"carol\",\"bob\",\"alice\",\"bob\"],"
                           "\"conversation_id\":null,\"title\":\"a \\\"b\\\"\"}"));
    assert_int_equal(f->request.create.kind, TT_GROUP);
    assert_false(f->request.create.id_given);
    assert_int_equal(f->request.create.member_count, 3);
    expect_id(&f->request.create.members[2], "carol");
    assert_true(tt_slice_eq(f->request.create.title, TT_SLICE_LITERAL("a \\\"b\\\"")));

    expect_ok(read_request(f, TT_HTTP1_POST, "/conversation",
                           "{\"kind\":\"group\",\"members\":[\"bob\",\"alice\"],\"title\":null}"));
    assert_int_equal(f->request.create.kind, TT_GROUP);
    assert_int_equal(f->request.create.title.size, 0);
}

static void refuses_bad_bodies(void **state)
{
    struct fixture *f = *state;
    const struct {
        enum tt_http1_method method;
        const char *target;
        const char *body;
        enum tt_err_code outcome;
        const char *key;
    } cases[] = {
        {TT_HTTP1_POST, "/conversation", "", TT_ERR_NOT_JSON, NULL},
        {TT_HTTP1_POST, "/conversation", "[]", TT_ERR_NOT_OBJECT, NULL},
        {TT_HTTP1_POST, "/conversation", "{}", TT_ERR_KEY_MISSING, "members"},
        {TT_HTTP1_POST, "/conversation", "{\"members\":\"bob\"}", TT_ERR_BAD_TYPE, "members"},
        {TT_HTTP1_POST, "/conversation", "{\"members\":[1]}", TT_ERR_BAD_TYPE, "members"},
        {TT_HTTP1_POST, "/conversation", "{\"members\":[\"a b\"]}", TT_ERR_BAD_ID, "members"},
        {TT_HTTP1_POST, "/conversation", "{\"members\":[\"a\",\"b\",\"c\",\"d\",\"alice\"]}",
         TT_ERR_TOO_MANY_MEMBERS, "members"},
        {TT_HTTP1_POST, "/conversation", "{\"members\":[]}", TT_ERR_BAD_MEMBERS, NULL},
        {TT_HTTP1_POST, "/conversation", "{\"members\":[\"bob\",\"carol\"]}", TT_ERR_BAD_MEMBERS,
         NULL},
        {TT_HTTP1_POST, "/conversation", "{\"members\":[\"alice\"]}", TT_ERR_BAD_MEMBERS, NULL},
        {TT_HTTP1_POST, "/conversation", "{\"members\":[\"alice\",\"alice\"]}", TT_ERR_BAD_MEMBERS,
         NULL},
        {TT_HTTP1_POST, "/conversation",
         "{\"kind\":\"direct\",\"members\":[\"alice\",\"bob\",\"c\"]}", TT_ERR_BAD_MEMBERS, NULL},
        {TT_HTTP1_POST, "/conversation",
         "{\"kind\":\"direct\",\"members\":[\"alice\",\"bob\",\"bob\"]}", TT_ERR_BAD_MEMBERS, NULL},
        {TT_HTTP1_POST, "/conversation", "{\"kind\":\"chat\",\"members\":[\"alice\",\"bob\"]}",
         TT_ERR_INVALID, "kind"},
        {TT_HTTP1_POST, "/conversation", "{\"kind\":1,\"members\":[\"alice\",\"bob\"]}",
         TT_ERR_BAD_TYPE, "kind"},
        {TT_HTTP1_POST, "/conversation",
         "{\"members\":[\"alice\",\"bob\"],\"conversation_id\":\"\"}", TT_ERR_BAD_ID,
         "conversation_id"},
        {TT_HTTP1_POST, "/conversation", "{\"members\":[\"alice\",\"bob\"],\"title\":\"\\udc00\"}",
         TT_ERR_BAD_CONTENT, "title"},
        {TT_HTTP1_POST, "/conversation/c/messages", "{\"content\":\"x\"}", TT_ERR_KEY_MISSING,
         "client_id"},
        {TT_HTTP1_POST, "/conversation/c/messages", "{\"client_id\":\"k\"}", TT_ERR_KEY_MISSING,
         "content"},
        {TT_HTTP1_POST, "/conversation/c/messages", "{\"client_id\":\"k\",\"content\":\"\"}",
         TT_ERR_BAD_CONTENT, "content"},
        {TT_HTTP1_POST, "/conversation/c/messages",
         "{\"client_id\":\"k\",\"content\":\"123456789\"}", TT_ERR_TOO_BIG, "content"},
        {TT_HTTP1_PUT, "/me", "{\"display_name\":1}", TT_ERR_BAD_TYPE, "display_name"},
        {TT_HTTP1_PUT, "/me", "{\"share_last_seen\":\"friends\"}", TT_ERR_INVALID,
         "share_last_seen"},
        {TT_HTTP1_PUT, "/me", "{\"share_last_seen\":true}", TT_ERR_INVALID, "share_last_seen"},
        {TT_HTTP1_PUT, "/me", "{\"push_preview\":\"no\"}", TT_ERR_BAD_TYPE, "push_preview"},
        {TT_HTTP1_PUT, "/conversation/c/settings", "{}", TT_ERR_KEY_MISSING, "muted_until"},
        {TT_HTTP1_PUT, "/conversation/c/settings", "{\"muted_until\":5}", TT_ERR_BAD_TYPE,
         "muted_until"},
        {TT_HTTP1_PUT, "/conversation/c/settings", "{\"muted_until\":\"soon\"}", TT_ERR_BAD_TIME,
         "muted_until"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        expect_refused(read_request(f, cases[i].method, cases[i].target, cases[i].body),
                       cases[i].outcome, cases[i].body);
        if (cases[i].key == NULL)
            assert_null(f->problem.key);
        else
            assert_string_equal(f->problem.key, cases[i].key);
    }
}

static void reads_messages_and_settings(void **state)
{
    struct fixture *f = *state;
    expect_ok(read_request(f, TT_HTTP1_POST, "/conversation/c/messages",
                           "{\"client_id\":\"k\",\"content\":\"h\\u0000\"}"));
    assert_int_equal(f->request.kind, TT_REQUEST_SEND);
    expect_id(&f->request.send.client_id, "k");
    assert_true(tt_slice_eq(f->request.send.content, TT_SLICE_LITERAL("h\\u0000")));

    expect_ok(read_request(f, TT_HTTP1_PUT, "/me", "{}"));
    assert_false(f->request.put_me.set_display_name);
    assert_false(f->request.put_me.set_share_last_seen);
    assert_false(f->request.put_me.set_push_preview);
    expect_ok(read_request(f, TT_HTTP1_PUT, "/me",
                           "{\"display_name\":\"B\\u00f6b\",\"share_last_seen\":\"nobody\","
                           "\"push_preview\":false}"));
    assert_true(f->request.put_me.set_display_name);
    assert_true(
        tt_slice_eq(f->request.put_me.settings.display_name, TT_SLICE_LITERAL("B\\u00f6b")));
    assert_true(f->request.put_me.set_share_last_seen);
    assert_false(f->request.put_me.settings.share_last_seen);
    assert_true(f->request.put_me.set_push_preview);
    assert_false(f->request.put_me.settings.push_preview);
    expect_ok(read_request(f, TT_HTTP1_PUT, "/me",
                           "{\"display_name\":null,\"share_last_seen\":\"everyone\"}"));
    assert_true(f->request.put_me.set_display_name);
    assert_int_equal(f->request.put_me.settings.display_name.size, 0);
    assert_true(f->request.put_me.settings.share_last_seen);

    expect_ok(read_request(f, TT_HTTP1_PUT, "/conversation/c/settings", "{\"muted_until\":null}"));
    assert_int_equal(f->request.mute.until.ms, 0);
    expect_ok(read_request(f, TT_HTTP1_PUT, "/conversation/c/settings",
                           "{\"muted_until\":\"2024-01-15T09:42:00Z\"}"));
    assert_int_equal(f->request.mute.until.ms, 1705311720000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(reads_snapshots_and_pages, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_bad_queries, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reads_lists_and_timelines, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reads_creations, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_bad_bodies, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reads_messages_and_settings, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
