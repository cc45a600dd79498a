#include "edge/content.h"

#include "base/limits.h"

tt_err tt_content_check(struct tt_json value, size_t size_max, struct tt_slice *content)
{
    if (value.kind == TT_JSON_ABSENT)
        return TT_FAIL(KEY_MISSING);
    size_t size;
    if (value.kind != TT_JSON_STRING || !tt_json_measure(value.text, &size) || size == 0)
        return TT_FAIL(BAD_CONTENT);
    if (size > size_max)
        return TT_FAIL(TOO_BIG);
    *content = value.text;
    return TT_OK;
}

tt_err tt_title_check(struct tt_json value, struct tt_slice *title)
{
    *title = TT_SLICE_EMPTY;
    if (value.kind == TT_JSON_ABSENT || value.kind == TT_JSON_NULL)
        return TT_OK;
    if (value.kind != TT_JSON_STRING)
        return TT_FAIL(BAD_TYPE);
    size_t size;
    if (!tt_json_measure(value.text, &size))
        return TT_FAIL(BAD_CONTENT);
    if (value.text.size > TT_LIMIT_TITLE_BYTES)
        return TT_FAIL(TOO_BIG);
    *title = value.text;
    return TT_OK;
}
