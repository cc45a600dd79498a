#include "fuzz.h"

#include <jansson.h>

#include "base/json.h"

static void check_string(struct tt_slice raw)
{
    struct tt_buffer text = {0};
    size_t size;
    tt_json_unescape(raw, &text);
    if (tt_json_measure(raw, &size))
        TT_ASSERT(size == text.size);
    tt_buffer_deinit(&text);
}

static void walk(struct tt_json value)
{
    if (value.kind == TT_JSON_STRING)
        check_string(value.text);
    if (value.kind != TT_JSON_ARRAY && value.kind != TT_JSON_OBJECT)
        return;
    struct tt_json_items items = tt_json_items(value);
    struct tt_slice key;
    struct tt_json item;
    while (tt_json_next(&items, &key, &item))
        walk(item);
}

/* What this reader takes, jansson takes too (but for numbers out of its range, NUL in a key, and
 * surrogates, on which the two differ by intent). */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tt_json value;
    struct tt_slice text = tt_slice(data, size);
    if (!tt_is_ok(tt_json_read(text, &value)))
        return 0;
    walk(value);
    json_error_t error;
    json_t *other = json_loadb(text.data, size, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    enum json_error_code code = other == NULL ? json_error_code(&error) : json_error_unknown;
    bool is_key = other == NULL && code == json_error_null_byte_in_key;
    bool is_number = other == NULL && code == json_error_numeric_overflow;
    bool is_surrogate = other == NULL && code == json_error_invalid_syntax;
    TT_ASSERT(other != NULL || is_key || is_number || is_surrogate);
    json_decref(other);
    return 0;
}
