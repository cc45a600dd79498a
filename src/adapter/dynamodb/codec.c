#include "adapter/dynamodb/codec.h"

#include <stdio.h>

#include "base/json_writer.h"

/* "#k0" and ":v0": what an expression calls a name or a value. */
#define PLACEHOLDER_SIZE 8

const char *tt_ddb_target(enum tt_ddb_verb verb)
{
    switch (verb) {
    case TT_DDB_PUT:
        return "DynamoDB_20120810.PutItem";
    case TT_DDB_UPDATE:
        return "DynamoDB_20120810.UpdateItem";
    case TT_DDB_DELETE:
        return "DynamoDB_20120810.DeleteItem";
    case TT_DDB_GET:
        return "DynamoDB_20120810.GetItem";
    case TT_DDB_QUERY:
        return "DynamoDB_20120810.Query";
    case TT_DDB_SCAN:
        return "DynamoDB_20120810.Scan";
    case TT_DDB_VERB_COUNT:
        break;
    }
    TT_ASSERT(false);
    return "";
}

static void put_value(struct tt_json_writer *json, const char *key,
                      const struct tt_ddb_value *value)
{
    char digits[24];
    switch (value->kind) {
    case TT_DDB_NONE:
        TT_ASSERT(false);
        return;
    case TT_DDB_TEXT:
    case TT_DDB_RAW:
        tt_json_begin_object(json, key);
        tt_json_put_raw(json, "S", value->text);
        tt_json_end_object(json);
        return;
    case TT_DDB_NUMBER:
        snprintf(digits, sizeof(digits), "%llu", (unsigned long long)value->number);
        tt_json_begin_object(json, key);
        tt_json_put_text(json, "N", digits);
        tt_json_end_object(json);
        return;
    case TT_DDB_JSON:
        tt_json_put_key(json, tt_slice_text(key), "");
        tt_buffer_add(json->out, value->text);
        json->comma = true;
        return;
    }
}

static void put_key(struct tt_json_writer *json, const char *name,
                    const struct tt_ddb_request *request, const struct tt_ddb_value *range)
{
    const struct tt_ddb_table_form *form = tt_ddb_table_form(request->table);
    if (name != NULL)
        tt_json_begin_object(json, name);
    put_value(json, form->hash, &request->key.hash);
    if (form->range != NULL)
        put_value(json, form->range, range);
    if (name != NULL)
        tt_json_end_object(json);
}

/* The names and values of the expressions are gathered here, and written behind them. */
struct terms {
    const char *names[TT_DDB_ATTRS_MAX + TT_DDB_CLAUSES_MAX + 4];
    const struct tt_ddb_value *values[TT_DDB_ATTRS_MAX + TT_DDB_CLAUSES_MAX + 4];
    size_t name_count;
    size_t value_count;
};

static void add_name(struct tt_buffer *out, struct terms *terms, const char *name)
{
    size_t at = 0;
    while (at < terms->name_count && strcmp(terms->names[at], name) != 0)
        at++;
    terms->names[at] = name;
    if (at == terms->name_count)
        terms->name_count++;
    tt_buffer_add_text(out, "#k");
    tt_buffer_add_u64(out, at);
}

static void add_value(struct tt_buffer *out, struct terms *terms, const struct tt_ddb_value *value)
{
    tt_buffer_add_text(out, ":v");
    tt_buffer_add_u64(out, terms->value_count);
    terms->values[terms->value_count++] = value;
}

static void put_terms(struct tt_json_writer *json, const struct terms *terms)
{
    char key[PLACEHOLDER_SIZE];
    if (terms->name_count > 0) {
        tt_json_begin_object(json, "ExpressionAttributeNames");
        for (size_t i = 0; i < terms->name_count; i++) {
            snprintf(key, sizeof(key), "#k%u", (unsigned)i);
            tt_json_put_text(json, key, terms->names[i]);
        }
        tt_json_end_object(json);
    }
    if (terms->value_count > 0) {
        tt_json_begin_object(json, "ExpressionAttributeValues");
        for (size_t i = 0; i < terms->value_count; i++) {
            snprintf(key, sizeof(key), ":v%u", (unsigned)i);
            put_value(json, key, terms->values[i]);
        }
        tt_json_end_object(json);
    }
}

static void add_clause(struct tt_buffer *out, struct terms *terms,
                       const struct tt_ddb_clause *clause)
{
    switch (clause->test) {
    case TT_DDB_ABSENT:
        tt_buffer_add_text(out, "attribute_not_exists(");
        add_name(out, terms, clause->name);
        tt_buffer_add_byte(out, ')');
        return;
    case TT_DDB_PRESENT:
        tt_buffer_add_text(out, "attribute_exists(");
        add_name(out, terms, clause->name);
        tt_buffer_add_byte(out, ')');
        return;
    case TT_DDB_EQUAL:
        add_name(out, terms, clause->name);
        tt_buffer_add_text(out, " = ");
        add_value(out, terms, &clause->value);
        return;
    case TT_DDB_AT_MOST:
        add_name(out, terms, clause->name);
        tt_buffer_add_text(out, " <= ");
        add_value(out, terms, &clause->value);
        return;
    case TT_DDB_ABSENT_OR_SMALLER:
        tt_buffer_add_text(out, "(attribute_not_exists(");
        add_name(out, terms, clause->name);
        tt_buffer_add_text(out, ") OR ");
        add_name(out, terms, clause->name);
        tt_buffer_add_text(out, " < ");
        add_value(out, terms, &clause->value);
        tt_buffer_add_byte(out, ')');
        return;
    }
}

static void put_condition(struct tt_json_writer *json, const struct tt_ddb_request *request,
                          struct terms *terms)
{
    if (request->clause_count == 0)
        return;
    tt_json_put_key(json, TT_SLICE_LITERAL("ConditionExpression"), "");
    tt_buffer_add_byte(json->out, '"');
    for (size_t i = 0; i < request->clause_count; i++) {
        if (i > 0)
            tt_buffer_add_text(json->out, " AND ");
        add_clause(json->out, terms, &request->clauses[i]);
    }
    tt_buffer_add_byte(json->out, '"');
    json->comma = true;
}

static void put_update(struct tt_json_writer *json, const struct tt_ddb_request *request,
                       struct terms *terms)
{
    tt_json_put_key(json, TT_SLICE_LITERAL("UpdateExpression"), "");
    tt_buffer_add_text(json->out, "\"SET ");
    for (size_t i = 0; i < request->attr_count; i++) {
        const struct tt_ddb_attr *attr = &request->attrs[i];
        if (i > 0)
            tt_buffer_add_byte(json->out, ',');
        add_name(json->out, terms, attr->name);
        tt_buffer_add_byte(json->out, '=');
        if (attr->if_absent) {
            tt_buffer_add_text(json->out, "if_not_exists(");
            add_name(json->out, terms, attr->name);
            tt_buffer_add_byte(json->out, ',');
        }
        add_value(json->out, terms, &attr->value);
        if (attr->if_absent)
            tt_buffer_add_byte(json->out, ')');
    }
    tt_buffer_add_byte(json->out, '"');
    json->comma = true;
}

static void put_query(struct tt_json_writer *json, const struct tt_ddb_request *request,
                      struct terms *terms)
{
    const struct tt_ddb_table_form *form = tt_ddb_table_form(request->table);
    bool from = request->query.from.kind != TT_DDB_NONE;
    bool to = request->query.to.kind != TT_DDB_NONE;
    tt_json_put_key(json, TT_SLICE_LITERAL("KeyConditionExpression"), "");
    tt_buffer_add_byte(json->out, '"');
    add_name(json->out, terms, form->hash);
    tt_buffer_add_text(json->out, " = ");
    add_value(json->out, terms, &request->key.hash);
    if (from || to) {
        tt_buffer_add_text(json->out, " AND ");
        add_name(json->out, terms, form->range);
        tt_buffer_add_text(json->out, from && to ? " BETWEEN " : from ? " >= " : " <= ");
        add_value(json->out, terms, from ? &request->query.from : &request->query.to);
    }
    if (from && to) {
        tt_buffer_add_text(json->out, " AND ");
        add_value(json->out, terms, &request->query.to);
    }
    tt_buffer_add_byte(json->out, '"');
    json->comma = true;
    if (request->query.only != NULL) {
        tt_json_put_key(json, TT_SLICE_LITERAL("ProjectionExpression"), "");
        tt_buffer_add_byte(json->out, '"');
        add_name(json->out, terms, request->query.only);
        tt_buffer_add_byte(json->out, '"');
        json->comma = true;
    }
    if (request->query.descending)
        tt_json_put_bool(json, "ScanIndexForward", false);
    if (request->query.limit > 0)
        tt_json_put_u64(json, "Limit", request->query.limit);
    if (request->query.after.kind != TT_DDB_NONE)
        put_key(json, "ExclusiveStartKey", request, &request->query.after);
}

static void put_scan(struct tt_json_writer *json, const struct tt_ddb_request *request)
{
    if (request->key.hash.kind != TT_DDB_NONE)
        put_key(json, "ExclusiveStartKey", request, &request->key.range);
    if (request->query.limit > 0)
        tt_json_put_u64(json, "Limit", request->query.limit);
    tt_json_put_bool(json, "ConsistentRead", true);
}

void tt_ddb_encode(const struct tt_ddb_request *request, struct tt_slice prefix,
                   struct tt_buffer *out)
{
    struct tt_json_writer json = {.out = out};
    struct terms terms = {.name_count = 0};
    tt_json_begin_object(&json, NULL);
    tt_json_put_key(&json, TT_SLICE_LITERAL("TableName"), "");
    tt_buffer_add_byte(out, '"');
    tt_buffer_add(out, prefix);
    tt_buffer_add_text(out, tt_ddb_table_form(request->table)->name);
    tt_buffer_add_byte(out, '"');
    json.comma = true;
    switch (request->verb) {
    case TT_DDB_PUT:
        tt_json_begin_object(&json, "Item");
        put_key(&json, NULL, request, &request->key.range);
        for (size_t i = 0; i < request->attr_count; i++)
            put_value(&json, request->attrs[i].name, &request->attrs[i].value);
        tt_json_end_object(&json);
        break;
    case TT_DDB_UPDATE:
        put_key(&json, "Key", request, &request->key.range);
        put_update(&json, request, &terms);
        break;
    case TT_DDB_DELETE:
        put_key(&json, "Key", request, &request->key.range);
        break;
    case TT_DDB_GET:
        put_key(&json, "Key", request, &request->key.range);
        tt_json_put_bool(&json, "ConsistentRead", true);
        break;
    case TT_DDB_QUERY:
        put_query(&json, request, &terms);
        tt_json_put_bool(&json, "ConsistentRead", true);
        break;
    case TT_DDB_SCAN:
        put_scan(&json, request);
        break;
    case TT_DDB_VERB_COUNT:
        TT_ASSERT(false);
        break;
    }
    put_condition(&json, request, &terms);
    put_terms(&json, &terms);
    tt_json_end_object(&json);
}

struct tt_slice tt_ddb_error_name(struct tt_slice body)
{
    const char *const keys[] = {"__type"};
    struct tt_json type;
    if (!tt_is_ok(tt_json_read_object(body, keys, 1, &type)) || type.kind != TT_JSON_STRING)
        return TT_SLICE_EMPTY;
    struct tt_slice name = type.text;
    for (size_t i = name.size; i > 0; i--)
        if (name.data[i - 1] == '#')
            return tt_slice_from(name, i);
    return name;
}

static enum tt_ddb_verdict decode_failure(int status, struct tt_slice body,
                                          struct tt_ddb_answer *answer)
{
    static const char *const passing[] = {"ProvisionedThroughputExceededException",
                                          "ThrottlingException",
                                          "RequestLimitExceeded",
                                          "InternalServerError",
                                          "ServiceUnavailable",
                                          "TransactionConflictException",
                                          "LimitExceededException",
                                          "ResourceInUseException",
                                          "ReplicatedWriteConflictException"};
    static const char *const expired[] = {"ExpiredTokenException", "ExpiredToken",
                                          "UnrecognizedClientException"};
    static const char *const skewed[] = {"InvalidSignatureException", "RequestExpired",
                                         "RequestTimeTooSkewed", "SignatureDoesNotMatch"};
    struct tt_slice name = tt_ddb_error_name(body);
    if (tt_slice_eq(name, TT_SLICE_LITERAL("ConditionalCheckFailedException"))) {
        answer->outcome = TT_DDB_REFUSED;
        return TT_DDB_ANSWERED;
    }
    for (size_t i = 0; i < sizeof(passing) / sizeof(passing[0]); i++)
        if (tt_slice_eq(name, tt_slice_text(passing[i])))
            return TT_DDB_AGAIN;
    for (size_t i = 0; i < sizeof(expired) / sizeof(expired[0]); i++)
        if (tt_slice_eq(name, tt_slice_text(expired[i])))
            return TT_DDB_EXPIRED;
    for (size_t i = 0; i < sizeof(skewed) / sizeof(skewed[0]); i++)
        if (tt_slice_eq(name, tt_slice_text(skewed[i])))
            return TT_DDB_SKEWED;
    return status >= 500 || status == 429 ? TT_DDB_AGAIN : TT_DDB_WRONG;
}

static void take_last_key(const struct tt_ddb_request *request, struct tt_json last,
                          struct tt_ddb_answer *answer)
{
    const struct tt_ddb_table_form *form = tt_ddb_table_form(request->table);
    answer->more = true;
    answer->behind_hash = tt_ddb_raw(tt_ddb_get_raw(last, form->hash));
    if (form->range == NULL)
        return;
    if (form->range_is_number)
        answer->behind = tt_ddb_number(tt_ddb_get_number(last, form->range));
    else
        answer->behind = tt_ddb_raw(tt_ddb_get_raw(last, form->range));
}

static void take_items(struct tt_json array, struct tt_arena *arena, struct tt_ddb_answer *answer)
{
    struct tt_json one;
    struct tt_json_items items = tt_json_items(array);
    while (tt_json_next(&items, NULL, &one))
        answer->item_count++;
    answer->items = tt_arena_array(arena, answer->item_count, sizeof(*answer->items));
    items = tt_json_items(array);
    for (size_t i = 0; tt_json_next(&items, NULL, &one); i++)
        answer->items[i] = one;
}

enum tt_ddb_verdict tt_ddb_decode(const struct tt_ddb_request *request, int status,
                                  struct tt_slice body, struct tt_arena *arena,
                                  struct tt_ddb_answer *answer)
{
    if (status != 200)
        return decode_failure(status, body, answer);
    static const char *const keys[] = {"Item", "Items", "LastEvaluatedKey"};
    struct tt_json values[3];
    if (!tt_is_ok(tt_json_read_object(body, keys, 3, values)))
        return TT_DDB_AGAIN;
    answer->outcome = TT_DDB_DONE;
    if (request->verb == TT_DDB_GET && values[0].kind == TT_JSON_OBJECT) {
        answer->items = tt_arena_array(arena, 1, sizeof(*answer->items));
        answer->items[0] = values[0];
        answer->item_count = 1;
    }
    bool has_items = request->verb == TT_DDB_QUERY || request->verb == TT_DDB_SCAN;
    if (has_items && values[1].kind == TT_JSON_ARRAY)
        take_items(values[1], arena, answer);
    if (has_items && values[2].kind == TT_JSON_OBJECT)
        take_last_key(request, values[2], answer);
    return TT_DDB_ANSWERED;
}
