#include "edge/demo.h"

#include "base/json.h"

enum { KEY_USER, KEY_DEVICE, KEY_COUNT };

static const char *const keys[KEY_COUNT] = {"user_id", "device_id"};

static const char *const users[] = {"alice", "bob"};

#define USER_COUNT (sizeof(users) / sizeof(users[0]))

static struct tt_slice without_port(struct tt_slice host)
{
    size_t size = host.size;
    while (size > 0 && host.data[size - 1] >= '0' && host.data[size - 1] <= '9')
        size--;
    return size > 0 && host.data[size - 1] == ':' ? tt_slice(host.data, size - 1) : host;
}

bool tt_demo_is_local(const struct tt_http1_request *request)
{
    static const char *const names[] = {"127.0.0.1", "localhost", "[::1]"};
    static const struct tt_origins none = {NULL, 0};
    struct tt_slice host = without_port(tt_http1_header(request, "host"));
    bool local = false;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        local = local || tt_http1_is(host, names[i]);
    return local && (tt_http1_header_count(request, "origin") == 0 ||
                     tt_origin_is_allowed(&none, request, false));
}

tt_err tt_demo_read(struct tt_slice body, struct tt_caller *caller, struct tt_problem *problem)
{
    struct tt_json values[KEY_COUNT];
    *problem = (struct tt_problem){NULL, NULL};
    TT_TRY(tt_json_read_object(body, keys, KEY_COUNT, values));
    problem->key = keys[KEY_USER];
    TT_TRY(tt_json_get_id(values[KEY_USER], &caller->user));
    problem->key = keys[KEY_DEVICE];
    caller->login = 0;
    caller->device = tt_id_of("demo");
    if (values[KEY_DEVICE].kind != TT_JSON_ABSENT)
        TT_TRY(tt_json_get_id(values[KEY_DEVICE], &caller->device));
    for (size_t i = 0; i < USER_COUNT; i++)
        if (tt_slice_eq(tt_id_slice(&caller->user), tt_slice_text(users[i])))
            return TT_OK;
    problem->key = keys[KEY_USER];
    problem->text = "the demo knows alice and bob only";
    return TT_FAIL(INVALID);
}

void tt_demo_write_users(struct tt_json_writer *json, bool on)
{
    tt_json_begin_array(json, "demo_users");
    for (size_t i = 0; on && i < USER_COUNT; i++)
        tt_json_put_text(json, NULL, users[i]);
    tt_json_end_array(json);
}
