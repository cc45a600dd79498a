#include "edge/request_codec.h"

#include <stdlib.h>

#include "base/json.h"
#include "base/limits.h"
#include "edge/content.h"
#include "edge/push_codec.h"
#include "edge/url.h"

#define CURSOR_SIZE_MAX 512

#define KEYS(...) ((const char *const[]){__VA_ARGS__})

/* What is at hand while one request is read. */
struct reading {
    struct tt_slice query;
    struct tt_slice body;
    const struct tt_request_limits *limits;
    struct tt_arena *arena;
    struct tt_request *request;
    struct tt_problem *problem;
};

static tt_err refuse(struct reading *in, tt_err err, const char *key, const char *text)
{
    *in->problem = (struct tt_problem){key, text};
    return err;
}

/* Names the key of a failure. */
static tt_err about(struct reading *in, const char *key, tt_err err)
{
    if (!tt_is_ok(err))
        in->problem->key = key;
    return err;
}

static bool is_digits(struct tt_slice text)
{
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
    return text.size > 0;
}

static bool parse_number(struct tt_slice text, uint64_t min, uint64_t max, uint64_t *number)
{
    uint64_t sum = 0;
    if (!is_digits(text))
        return false;
    for (size_t i = 0; i < text.size; i++) {
        sum = sum * 10 + (uint64_t)(text.data[i] - '0');
        if (sum > max)
            return false;
    }
    *number = sum;
    return sum >= min;
}

static tt_err parameter(struct reading *in, const char *name, bool *found, struct tt_slice *value)
{
    tt_err err = tt_url_parameter(in->query, name, in->arena, found, value);
    if (!tt_is_ok(err))
        return refuse(in, err, name, "give this parameter once, with % only before two hex digits");
    return TT_OK;
}

static tt_err read_limit(struct reading *in)
{
    bool found;
    struct tt_slice value;
    uint64_t number = TT_PAGE_DEFAULT;
    TT_TRY(parameter(in, "limit", &found, &value));
    if (found && !parse_number(value, 1, TT_LIMIT_PAGE, &number))
        return refuse(in, TT_FAIL(BAD_QUERY), NULL, "limit is an integer from 1 to 200");
    in->request->limit = (uint32_t)number;
    return TT_OK;
}

static tt_err read_open(struct reading *in)
{
    bool found;
    struct tt_slice value;
    TT_TRY(parameter(in, "open", &found, &value));
    if (found && !tt_slice_eq(value, TT_SLICE_LITERAL("0")) &&
        !tt_slice_eq(value, TT_SLICE_LITERAL("1")))
        return refuse(in, TT_FAIL(BAD_QUERY), NULL,
                      "open is 0 (do not mark the conversation as open) or 1");
    in->request->snapshot.mark_open = !found || value.data[0] == '1';
    return TT_OK;
}

static tt_err read_snapshot(struct reading *in)
{
    bool before;
    bool after;
    struct tt_slice before_value;
    struct tt_slice after_value;
    uint64_t number;
    TT_TRY(read_limit(in));
    TT_TRY(parameter(in, "before", &before, &before_value));
    TT_TRY(parameter(in, "after", &after, &after_value));
    if (before && after)
        return refuse(in, TT_FAIL(BAD_QUERY), NULL, "give either before or after, not both");
    if (!before && !after)
        return read_open(in);
    if (before && !parse_number(before_value, 1, TT_SEQ_MAX, &number))
        return refuse(in, TT_FAIL(BAD_QUERY), NULL, "before is an integer from 1 to 2^53-1");
    if (after && !parse_number(after_value, 0, TT_SEQ_MAX, &number))
        return refuse(in, TT_FAIL(BAD_QUERY), NULL, "after is an integer from 0 to 2^53-1");
    in->request->kind = TT_REQUEST_PAGE;
    in->request->page.before = before;
    in->request->page.seq = TT_SEQ(number);
    return TT_OK;
}

static bool is_cursor(struct tt_slice value)
{
    if (value.size > CURSOR_SIZE_MAX)
        return false;
    for (size_t i = 0; i < value.size; i++) {
        char byte = value.data[i];
        bool letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
        if (!letter && !(byte >= '0' && byte <= '9') && byte != '-' && byte != '_')
            return false;
    }
    return true;
}

static tt_err read_list(struct reading *in)
{
    bool found;
    struct tt_slice value;
    TT_TRY(read_limit(in));
    TT_TRY(parameter(in, "cursor", &found, &value));
    if (!is_cursor(value))
        return refuse(in, TT_FAIL(BAD_QUERY), NULL, TT_CURSOR_TEXT);
    in->request->list.cursor = value;
    TT_TRY(parameter(in, "changed_since", &found, &value));
    if (!found)
        return TT_OK;
    return about(in, "changed_since", tt_time_parse(value, &in->request->list.changed_since));
}

static tt_err read_edge_of_timeline(struct reading *in, const char *name, tt_seq *seq,
                                    tt_time *time)
{
    bool found;
    struct tt_slice value;
    uint64_t number;
    TT_TRY(parameter(in, name, &found, &value));
    if (!found)
        return TT_OK;
    if (parse_number(value, 1, TT_SEQ_MAX, &number)) {
        *seq = TT_SEQ(number);
        return TT_OK;
    }
    if (is_digits(value) || !tt_is_ok(tt_time_parse(value, time)))
        return refuse(in, TT_FAIL(BAD_QUERY), name,
                      "give a seq from 1, or a time like 2024-01-15T09:42:00.000Z");
    return TT_OK;
}

/* 0: that end is open. */
static bool is_backwards(int64_t from, int64_t to)
{
    return to != 0 && from > to;
}

static tt_err read_timeline(struct reading *in)
{
    struct tt_request *request = in->request;
    TT_TRY(read_edge_of_timeline(in, "from", &request->timeline.from, &request->timeline.since));
    TT_TRY(read_edge_of_timeline(in, "to", &request->timeline.to, &request->timeline.until));
    if (is_backwards((int64_t)request->timeline.from.n, (int64_t)request->timeline.to.n) ||
        is_backwards(request->timeline.since.ms, request->timeline.until.ms))
        return refuse(in, TT_FAIL(BAD_QUERY), NULL, "from is not after to; swap them");
    return TT_OK;
}

static tt_err read_body(struct reading *in, const char *const *keys, size_t count,
                        struct tt_json *values)
{
    if (in->body.size == 0)
        return refuse(in, TT_FAIL(NOT_JSON), NULL, "this request needs a body: one JSON object");
    return tt_json_read_object(in->body, keys, count, values);
}

static tt_err read_send(struct reading *in)
{
    const char *const *keys = KEYS("client_id", "content");
    struct tt_json values[2];
    TT_TRY(read_body(in, keys, 2, values));
    TT_TRY(about(in, keys[0], tt_json_get_id(values[0], &in->request->send.client_id)));
    return about(
        in, keys[1],
        tt_content_check(values[1], in->limits->content_size_max, &in->request->send.content));
}

static tt_err read_put_me(struct reading *in)
{
    const char *const *keys = KEYS("display_name", "share_last_seen", "push_preview");
    struct tt_json values[3];
    struct tt_request *request = in->request;
    request->put_me.settings = TT_USER_SETTINGS_DEFAULT;
    struct tt_user_settings *settings = &request->put_me.settings;
    TT_TRY(read_body(in, keys, 3, values));

    request->put_me.set_display_name = values[0].kind != TT_JSON_ABSENT;
    TT_TRY(about(in, keys[0], tt_title_check(values[0], &settings->display_name)));
    request->put_me.set_share_last_seen = values[1].kind != TT_JSON_ABSENT;
    if (request->put_me.set_share_last_seen) {
        bool text = values[1].kind == TT_JSON_STRING;
        settings->share_last_seen = text && tt_json_string_is(values[1].text, "everyone");
        if (!settings->share_last_seen && !(text && tt_json_string_is(values[1].text, "nobody")))
            return refuse(in, TT_FAIL(INVALID), keys[1], "this is \"everyone\" or \"nobody\"");
    }
    request->put_me.set_push_preview = values[2].kind != TT_JSON_ABSENT;
    if (request->put_me.set_push_preview)
        TT_TRY(about(in, keys[2], tt_json_get_bool(values[2], &settings->push_preview)));
    return TT_OK;
}

static tt_err read_mute(struct reading *in)
{
    const char *const *keys = KEYS("muted_until");
    struct tt_json value;
    TT_TRY(read_body(in, keys, 1, &value));
    if (value.kind == TT_JSON_NULL)
        return TT_OK;
    return about(in, keys[0], tt_json_get_time(value, &in->request->mute.until));
}

static int compare_ids(const void *a, const void *b)
{
    return tt_id_compare(a, b);
}

/* Sorts the members and drops the ones that are there twice. */
static size_t sort_members(tt_id *members, size_t count)
{
    size_t kept = 0;
    if (count > 0)
        qsort(members, count, sizeof(*members), compare_ids);
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || !tt_id_eq(&members[kept - 1], &members[i]))
            members[kept++] = members[i];
    return kept;
}

static tt_err read_members(struct reading *in, struct tt_json value, size_t *given)
{
    if (value.kind == TT_JSON_ABSENT)
        return TT_FAIL(KEY_MISSING);
    if (value.kind != TT_JSON_ARRAY)
        return TT_FAIL(BAD_TYPE);
    struct tt_json item;
    size_t count = 0;
    for (struct tt_json_items items = tt_json_items(value); tt_json_next(&items, NULL, &item);)
        count++;
    if (count > in->limits->members_max)
        return TT_FAIL(TOO_MANY_MEMBERS);
    tt_id *members = tt_arena_array(in->arena, count, sizeof(*members));
    *given = 0;
    for (struct tt_json_items items = tt_json_items(value); tt_json_next(&items, NULL, &item);)
        TT_TRY(tt_json_get_id(item, &members[(*given)++]));
    in->request->create.members = members;
    in->request->create.member_count = sort_members(members, count);
    return TT_OK;
}

static tt_err read_kind(struct tt_json value, size_t member_count, enum tt_conversation_kind *kind)
{
    *kind = member_count == 2 ? TT_DIRECT : TT_GROUP;
    if (value.kind == TT_JSON_ABSENT || value.kind == TT_JSON_NULL)
        return TT_OK;
    if (value.kind != TT_JSON_STRING)
        return TT_FAIL(BAD_TYPE);
    *kind = tt_json_string_is(value.text, "direct") ? TT_DIRECT : TT_GROUP;
    if (*kind == TT_GROUP && !tt_json_string_is(value.text, "group"))
        return TT_FAIL(INVALID);
    return TT_OK;
}

static tt_err check_members(struct reading *in, size_t given)
{
    const struct tt_request *request = in->request;
    size_t count = request->create.member_count;
    bool caller = false;
    for (size_t i = 0; i < count; i++)
        caller = caller || tt_id_eq(&request->create.members[i], &request->user);
    if (!caller)
        return refuse(in, TT_FAIL(BAD_MEMBERS), NULL, "members must hold you, the caller");
    if (request->create.kind == TT_DIRECT && (given != 2 || count != 2))
        return refuse(in, TT_FAIL(BAD_MEMBERS), NULL,
                      "a direct conversation has exactly two different members");
    if (count < 2)
        return refuse(in, TT_FAIL(BAD_MEMBERS), NULL, "a group has at least two members");
    return TT_OK;
}

static tt_err read_create(struct reading *in)
{
    const char *const *keys = KEYS("conversation_id", "kind", "members", "title");
    struct tt_json values[4];
    struct tt_request *request = in->request;
    size_t given;
    TT_TRY(read_body(in, keys, 4, values));

    request->create.id_given = values[0].kind != TT_JSON_ABSENT && values[0].kind != TT_JSON_NULL;
    if (request->create.id_given)
        TT_TRY(about(in, keys[0], tt_json_get_id(values[0], &request->conversation)));
    TT_TRY(about(in, keys[2], read_members(in, values[2], &given)));
    tt_err err = read_kind(values[1], request->create.member_count, &request->create.kind);
    if (!tt_is_ok(err))
        return refuse(in, err, keys[1], "this is \"direct\" or \"group\"");
    TT_TRY(about(in, keys[3], tt_title_check(values[3], &request->create.title)));
    return check_members(in, given);
}

tt_err tt_request_read(const struct tt_request_source *source,
                       const struct tt_request_limits *limits, struct tt_arena *arena,
                       struct tt_request *request, struct tt_problem *problem)
{
    const struct tt_route *route = source->route;
    TT_ASSERT(route->kind == TT_ROUTE_REQUEST);
    struct reading in = {source->query, source->body, limits, arena, request, problem};
    *problem = (struct tt_problem){NULL, NULL};
    memset(request, 0, sizeof(*request));
    request->kind = route->request;
    request->user = source->caller->user;
    request->device = source->caller->device;
    request->login = source->caller->login;
    request->conversation = route->conversation;

    switch (route->request) {
    case TT_REQUEST_SNAPSHOT:
    case TT_REQUEST_PAGE:
        return read_snapshot(&in);
    case TT_REQUEST_LIST:
        return read_list(&in);
    case TT_REQUEST_CREATE:
        return read_create(&in);
    case TT_REQUEST_SEND:
        return read_send(&in);
    case TT_REQUEST_PUT_ME:
        return read_put_me(&in);
    case TT_REQUEST_MUTE:
        return read_mute(&in);
    case TT_REQUEST_PUT_PUSH:
        request->push.device = route->device;
        return tt_push_address_read(in.body, in.arena, &request->push.address, problem);
    case TT_REQUEST_TEST_PUSH:
        return TT_OK;
    case TT_REQUEST_DELETE_PUSH:
        request->push.device = route->device;
        return TT_OK;
    case TT_REQUEST_UNLINK_DEVICE:
        request->unlink.device = route->device;
        return TT_OK;
    case TT_REQUEST_INFO:
    case TT_REQUEST_WHY:
        request->about.seq = route->seq;
        return TT_OK;
    case TT_REQUEST_TIMELINE:
        return read_timeline(&in);
    case TT_REQUEST_GET_ME:
    case TT_REQUEST_LIST_DEVICES:
    case TT_REQUEST_CHECK:
        return TT_OK;
    }
    return TT_FAIL(INTERNAL);
}
