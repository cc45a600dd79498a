#include "edge/jwt_object.h"

#include <stdlib.h>

#define NUMBER_SIZE_MAX 64

bool tt_jwt_object_read(struct tt_slice part, struct tt_jwt_bytes *bytes, const char *const *names,
                        size_t count, struct tt_json *values)
{
    size_t size;
    struct tt_json object;
    struct tt_json value;
    struct tt_slice name;
    for (size_t i = 0; i < count; i++)
        values[i] = (struct tt_json){TT_JSON_ABSENT, TT_SLICE_EMPTY};
    if (!tt_base64url_decode(part, bytes->bytes, &size) ||
        !tt_is_ok(tt_json_read(tt_slice(bytes->bytes, size), &object)) ||
        object.kind != TT_JSON_OBJECT)
        return false;
    struct tt_json_items items = tt_json_items(object);
    while (tt_json_next(&items, &name, &value)) {
        for (size_t i = 0; i < count; i++) {
            if (!tt_json_string_is(name, names[i]))
                continue;
            if (values[i].kind != TT_JSON_ABSENT)
                return false;
            values[i] = value;
        }
    }
    return true;
}

bool tt_jwt_text(struct tt_json value, struct tt_buffer *text)
{
    size_t size;
    if (value.kind != TT_JSON_STRING || !tt_json_measure(value.text, &size))
        return false;
    tt_json_unescape(value.text, text);
    return true;
}

bool tt_jwt_text_is(struct tt_json value, struct tt_slice text)
{
    bool is_string = value.kind == TT_JSON_STRING;
    if (is_string && value.text.size > 0 && memchr(value.text.data, '\\', value.text.size) == NULL)
        return tt_slice_eq(value.text, text);
    struct tt_buffer plain = {0};
    bool same = tt_jwt_text(value, &plain) && tt_slice_eq(tt_buffer_slice(&plain), text);
    tt_buffer_deinit(&plain);
    return same;
}

bool tt_jwt_seconds(struct tt_json value, bool up, int64_t *seconds)
{
    uint64_t whole;
    *seconds = 0;
    if (value.kind == TT_JSON_ABSENT)
        return true;
    if (value.kind != TT_JSON_NUMBER)
        return false;
    if (tt_is_ok(tt_json_get_u64(value, TT_JWT_SECONDS_MAX, &whole))) {
        *seconds = (int64_t)whole;
        return true;
    }
    char text[NUMBER_SIZE_MAX + 1];
    if (value.text.size > NUMBER_SIZE_MAX)
        return false;
    memcpy(text, value.text.data, value.text.size);
    text[value.text.size] = '\0';
    double real = strtod(text, NULL); /* in the C locale, which no program here ever leaves */
    if (!(real >= 0 && real <= (double)TT_JWT_SECONDS_MAX))
        return false;
    *seconds = (int64_t)real;
    if (up && (double)*seconds < real)
        *seconds += 1;
    return true;
}
