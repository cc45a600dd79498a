#include "adapter/dynamodb/account_row.h"

#include "base/json_writer.h"

static bool read_login(struct tt_slice key, struct tt_json value, struct tt_login *login)
{
    static const char *const types[] = {"M"};
    struct tt_json fields;
    if (!tt_is_ok(tt_id_parse(key, &login->device)) ||
        !tt_is_ok(tt_json_read_object(value.text, types, 1, &fields)))
        return false;
    login->number = tt_ddb_get_number(fields, "number");
    login->at = tt_ddb_get_time(fields, "at");
    return login->number != 0;
}

/* Sorted by device, whatever the order of the map. */
static void read_logins(struct tt_json map, struct tt_arena *arena, struct tt_account *account)
{
    struct tt_slice key;
    struct tt_json value;
    size_t count = 0;
    if (map.kind != TT_JSON_OBJECT)
        return;
    for (struct tt_json_items items = tt_json_items(map); tt_json_next(&items, &key, &value);)
        count++;
    struct tt_login *logins = tt_arena_array(arena, count, sizeof(*logins));
    size_t kept = 0;
    for (struct tt_json_items items = tt_json_items(map); tt_json_next(&items, &key, &value);) {
        struct tt_login login;
        if (!read_login(key, value, &login))
            continue;
        size_t at = kept++;
        for (; at > 0 && tt_id_compare(&logins[at - 1].device, &login.device) > 0; at--)
            logins[at] = logins[at - 1];
        logins[at] = login;
    }
    account->logins = logins;
    account->login_count = kept;
}

bool tt_ddb_account_read(struct tt_json item, struct tt_arena *arena, struct tt_account *account)
{
    struct tt_buffer password = {0};
    *account = (struct tt_account){.created_at = tt_ddb_get_time(item, "account_created_at")};
    if (account->created_at.ms == 0)
        return false;
    tt_json_unescape(tt_ddb_get_raw(item, "account_password"), &password);
    account->password = tt_arena_copy(arena, tt_buffer_slice(&password));
    tt_buffer_deinit(&password);
    account->disabled = tt_ddb_get(item, "account_disabled", 'B').kind == TT_JSON_TRUE;
    read_logins(tt_ddb_get(item, "logins", 'M'), arena, account);
    return true;
}

static struct tt_ddb_value time_value(tt_time time, struct tt_arena *arena)
{
    char *text = tt_arena_alloc(arena, TT_TIME_TEXT_SIZE);
    tt_time_format(time, text);
    return tt_ddb_text(tt_slice(text, TT_TIME_TEXT_SIZE));
}

static void put_login(struct tt_json_writer *json, const struct tt_login *login)
{
    struct tt_buffer digits = {0};
    tt_buffer_add_u64(&digits, login->number);
    tt_json_put_key(json, tt_id_slice(&login->device), "");
    tt_json_begin_object(json, NULL);
    tt_json_begin_object(json, "M");
    tt_json_begin_object(json, "number");
    tt_json_put_raw(json, "N", tt_buffer_slice(&digits));
    tt_json_end_object(json);
    tt_json_begin_object(json, "at");
    tt_json_put_time(json, "S", login->at);
    tt_json_end_object(json);
    tt_json_end_object(json);
    tt_json_end_object(json);
    tt_buffer_deinit(&digits);
}

void tt_ddb_account_write(const struct tt_account *account, struct tt_arena *arena,
                          struct tt_ddb_request *request)
{
    struct tt_buffer text = {0};
    struct tt_json_writer json = {.out = &text};
    tt_json_put_string(&json, NULL, account->password);
    tt_ddb_set(request, "account_password",
               tt_ddb_raw(tt_arena_copy(arena, tt_slice(text.data + 1, text.size - 2))));
    tt_ddb_set(request, "account_created_at", time_value(account->created_at, arena));
    if (account->disabled)
        tt_ddb_set(request, "account_disabled", tt_ddb_json(TT_SLICE_LITERAL("{\"BOOL\":true}")));
    text.size = 0;
    json.comma = false;
    tt_json_begin_object(&json, NULL);
    tt_json_begin_object(&json, "M");
    for (size_t i = 0; i < account->login_count; i++)
        put_login(&json, &account->logins[i]);
    tt_json_end_object(&json);
    tt_json_end_object(&json);
    if (account->login_count > 0)
        tt_ddb_set(request, "logins", tt_ddb_json(tt_arena_copy(arena, tt_buffer_slice(&text))));
    tt_buffer_deinit(&text);
}
