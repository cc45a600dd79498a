#include "adapter/dynamodb/table.h"

const struct tt_ddb_table_form *tt_ddb_table_form(enum tt_ddb_table table)
{
    static const struct tt_ddb_table_form forms[] = {
#define X(id, name, hash, range, numeric) {name, hash, range, numeric},
        TT_DDB_TABLE_MAP(X)
#undef X
    };
    TT_ASSERT(table < TT_DDB_TABLE_COUNT);
    return &forms[table];
}

static struct tt_ddb_attr *add_attr(struct tt_ddb_request *request)
{
    TT_ASSERT(request->attr_count < TT_DDB_ATTRS_MAX);
    return &request->attrs[request->attr_count++];
}

void tt_ddb_set(struct tt_ddb_request *request, const char *name, struct tt_ddb_value value)
{
    *add_attr(request) = (struct tt_ddb_attr){.name = name, .value = value};
}

void tt_ddb_set_if_absent(struct tt_ddb_request *request, const char *name,
                          struct tt_ddb_value value)
{
    *add_attr(request) = (struct tt_ddb_attr){.name = name, .value = value, .if_absent = true};
}

void tt_ddb_only_if(struct tt_ddb_request *request, enum tt_ddb_test test, const char *name,
                    struct tt_ddb_value value)
{
    TT_ASSERT(request->clause_count < TT_DDB_CLAUSES_MAX);
    request->clauses[request->clause_count++] =
        (struct tt_ddb_clause){.test = test, .name = name, .value = value};
}

struct tt_json tt_ddb_get(struct tt_json item, const char *name, char type)
{
    struct tt_json absent = {.kind = TT_JSON_ABSENT};
    if (item.kind != TT_JSON_OBJECT)
        return absent;
    struct tt_json_items attrs = tt_json_items(item);
    struct tt_slice key;
    struct tt_json value;
    while (tt_json_next(&attrs, &key, &value)) {
        if (!tt_json_string_is(key, name))
            continue;
        if (value.kind != TT_JSON_OBJECT)
            return absent;
        struct tt_json_items typed = tt_json_items(value);
        struct tt_json inner;
        if (!tt_json_next(&typed, &key, &inner) || key.size == 0 || key.data[0] != type)
            return absent;
        return inner;
    }
    return absent;
}

bool tt_ddb_digits(struct tt_slice text, uint64_t *number)
{
    uint64_t sum = 0;
    if (text.size == 0 || text.size > 19)
        return false;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        sum = sum * 10 + (uint64_t)(text.data[i] - '0');
    }
    *number = sum;
    return true;
}

uint64_t tt_ddb_get_number(struct tt_json item, const char *name)
{
    uint64_t number = 0;
    struct tt_json value = tt_ddb_get(item, name, 'N');
    if (value.kind != TT_JSON_STRING || !tt_ddb_digits(value.text, &number))
        return 0;
    return number;
}

tt_id tt_ddb_get_id(struct tt_json item, const char *name)
{
    tt_id id = {0};
    if (!tt_is_ok(tt_json_get_id(tt_ddb_get(item, name, 'S'), &id)))
        return (tt_id){0};
    return id;
}

struct tt_slice tt_ddb_get_raw(struct tt_json item, const char *name)
{
    struct tt_json value = tt_ddb_get(item, name, 'S');
    return value.kind == TT_JSON_STRING ? value.text : TT_SLICE_EMPTY;
}

tt_time tt_ddb_get_time(struct tt_json item, const char *name)
{
    tt_time time = {0};
    if (!tt_is_ok(tt_json_get_time(tt_ddb_get(item, name, 'S'), &time)))
        return TT_TIME(0);
    return time;
}
