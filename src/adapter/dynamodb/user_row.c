#include "adapter/dynamodb/user_row.h"

#include "base/json_writer.h"

static struct tt_ddb_device read_device(struct tt_json fields)
{
    return (struct tt_ddb_device){
        .is = {.linked_at = tt_ddb_get_time(fields, "linked_at"),
               .active_at = tt_ddb_get_time(fields, "active_at"),
               .epoch = tt_ddb_get_number(fields, "epoch")},
        .state = (enum tt_ddb_device_state)(tt_ddb_get_number(fields, "state") % 3),
        .server = tt_ddb_get_raw(fields, "server"),
        .connected_at = tt_ddb_get_time(fields, "connected_at"),
    };
}

static void read_devices(struct tt_json map, struct tt_arena *arena, struct tt_ddb_user *user)
{
    size_t count = 0;
    struct tt_slice key;
    struct tt_json value;
    struct tt_json_items members = {0};
    if (map.kind == TT_JSON_OBJECT)
        for (members = tt_json_items(map); tt_json_next(&members, &key, &value);)
            count++;
    user->devices = tt_arena_array(arena, count + 1, sizeof(*user->devices));
    if (count == 0)
        return;
    members = tt_json_items(map);
    while (tt_json_next(&members, &key, &value)) {
        static const char *const types[] = {"M"};
        struct tt_json fields;
        tt_id id;
        if (!tt_is_ok(tt_id_parse(key, &id)) ||
            !tt_is_ok(tt_json_read_object(value.text, types, 1, &fields)))
            continue;
        struct tt_ddb_device device = read_device(fields);
        device.is.id = id;
        device.is.connected = device.server.size > 0;
        *tt_ddb_user_add_device(user, &id) = device;
    }
}

struct tt_ddb_user tt_ddb_user_read(struct tt_json item, const tt_id *id, struct tt_arena *arena)
{
    struct tt_ddb_user user = {
        .id = *id,
        .settings = TT_USER_SETTINGS_DEFAULT,
        .last_seen = tt_ddb_get_time(item, "last_seen"),
        .last_epoch = tt_ddb_get_number(item, "last_epoch"),
        .steps = tt_ddb_get_raw(item, "steps"),
        .version = tt_ddb_get_number(item, "version"),
        .mark = tt_ddb_get_number(item, "mark"),
    };
    user.settings.display_name = tt_ddb_get_raw(item, "display_name");
    if (tt_ddb_get(item, "share_last_seen", 'S').kind == TT_JSON_STRING)
        user.settings.share_last_seen =
            tt_json_string_is(tt_ddb_get_raw(item, "share_last_seen"), "everyone");
    if (tt_ddb_get(item, "push_preview", 'B').kind != TT_JSON_ABSENT)
        user.settings.push_preview = tt_ddb_get(item, "push_preview", 'B').kind == TT_JSON_TRUE;
    user.has_account = tt_ddb_account_read(item, arena, &user.account);
    read_devices(tt_ddb_get(item, "devices", 'M'), arena, &user);
    return user;
}

static void put_text(struct tt_json_writer *json, const char *key, struct tt_slice raw)
{
    tt_json_begin_object(json, key);
    tt_json_put_raw(json, "S", raw);
    tt_json_end_object(json);
}

static void put_time(struct tt_json_writer *json, const char *key, tt_time time)
{
    char text[TT_TIME_TEXT_SIZE];
    tt_time_format(time, text);
    put_text(json, key, tt_slice(text, sizeof(text)));
}

static void put_number(struct tt_json_writer *json, const char *key, uint64_t number)
{
    struct tt_buffer digits = {0};
    tt_buffer_add_u64(&digits, number);
    tt_json_begin_object(json, key);
    tt_json_put_raw(json, "N", tt_buffer_slice(&digits));
    tt_json_end_object(json);
    tt_buffer_deinit(&digits);
}

static void put_device(struct tt_json_writer *json, const struct tt_ddb_device *device)
{
    tt_json_put_key(json, tt_id_slice(&device->is.id), "");
    tt_json_begin_object(json, NULL);
    tt_json_begin_object(json, "M");
    put_time(json, "linked_at", device->is.linked_at);
    put_time(json, "active_at", device->is.active_at);
    put_number(json, "epoch", device->is.epoch);
    if (device->state != TT_DDB_LINKED)
        put_number(json, "state", device->state);
    if (device->server.size > 0) {
        put_text(json, "server", device->server);
        put_time(json, "connected_at", device->connected_at);
    }
    tt_json_end_object(json);
    tt_json_end_object(json);
}

static struct tt_ddb_value devices_value(const struct tt_ddb_user *user, struct tt_arena *arena)
{
    struct tt_buffer text = {0};
    struct tt_json_writer json = {.out = &text};
    tt_json_begin_object(&json, NULL);
    tt_json_begin_object(&json, "M");
    for (size_t i = 0; i < user->device_count; i++)
        put_device(&json, &user->devices[i]);
    tt_json_end_object(&json);
    tt_json_end_object(&json);
    struct tt_slice copy = tt_arena_copy(arena, tt_buffer_slice(&text));
    tt_buffer_deinit(&text);
    return tt_ddb_json(copy);
}

void tt_ddb_user_write(const struct tt_ddb_user *user, uint64_t mark, struct tt_arena *arena,
                       struct tt_ddb_request *request)
{
    const struct tt_user_settings *settings = &user->settings;
    tt_ddb_set(request, "devices", devices_value(user, arena));
    tt_ddb_set(request, "last_epoch", tt_ddb_number(user->last_epoch));
    tt_ddb_set(request, "version", tt_ddb_number(user->version + 1));
    tt_ddb_set(request, "mark", tt_ddb_number(mark));
    if (settings->display_name.size > 0)
        tt_ddb_set(request, "display_name", tt_ddb_raw(settings->display_name));
    if (!settings->share_last_seen)
        tt_ddb_set(request, "share_last_seen", tt_ddb_text(TT_SLICE_LITERAL("nobody")));
    if (!settings->push_preview)
        tt_ddb_set(request, "push_preview", tt_ddb_json(TT_SLICE_LITERAL("{\"BOOL\":false}")));
    if (user->steps.size > 0)
        tt_ddb_set(request, "steps", tt_ddb_raw(user->steps));
    if (user->last_seen.ms != 0) {
        char *text = tt_arena_alloc(arena, TT_TIME_TEXT_SIZE);
        tt_time_format(user->last_seen, text);
        tt_ddb_set(request, "last_seen", tt_ddb_text(tt_slice(text, TT_TIME_TEXT_SIZE)));
    }
    if (user->has_account)
        tt_ddb_account_write(&user->account, arena, request);
    if (user->version == 0)
        tt_ddb_only_if(request, TT_DDB_ABSENT, "version", tt_ddb_number(0));
    else
        tt_ddb_only_if(request, TT_DDB_EQUAL, "version", tt_ddb_number(user->version));
}

struct tt_ddb_device *tt_ddb_user_device(const struct tt_ddb_user *user, const tt_id *device)
{
    for (size_t i = 0; i < user->device_count; i++)
        if (tt_id_eq(&user->devices[i].is.id, device))
            return &user->devices[i];
    return NULL;
}

struct tt_ddb_device *tt_ddb_user_add_device(struct tt_ddb_user *user, const tt_id *device)
{
    size_t at = user->device_count++;
    while (at > 0 && tt_id_compare(&user->devices[at - 1].is.id, device) > 0) {
        user->devices[at] = user->devices[at - 1];
        at--;
    }
    user->devices[at] = (struct tt_ddb_device){.is = {.id = *device}};
    return &user->devices[at];
}

void tt_ddb_user_remove_device(struct tt_ddb_user *user, const tt_id *device)
{
    size_t kept = 0;
    for (size_t i = 0; i < user->device_count; i++)
        if (!tt_id_eq(&user->devices[i].is.id, device))
            user->devices[kept++] = user->devices[i];
    user->device_count = kept;
}
