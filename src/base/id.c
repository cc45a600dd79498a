#include "base/id.h"

#include "base/assert.h"

static bool is_id_byte(char byte)
{
    return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') ||
           (byte >= '0' && byte <= '9') || byte == '_' || byte == '-' || byte == '.' ||
           byte == ':' || byte == '@';
}

tt_err tt_id_parse(struct tt_slice text, tt_id *id)
{
    if (text.size < 1 || text.size > TT_ID_SIZE_MAX)
        return TT_FAIL(BAD_ID);
    for (size_t i = 0; i < text.size; i++)
        if (!is_id_byte(text.data[i]))
            return TT_FAIL(BAD_ID);

    memset(id, 0, sizeof(*id));
    id->size = (uint8_t)text.size;
    memcpy(id->bytes, text.data, text.size);
    return TT_OK;
}

tt_id tt_id_of(const char *text)
{
    tt_id id;
    tt_err err = tt_id_parse(tt_slice_text(text), &id);
    TT_ASSERT(tt_is_ok(err));
    return id;
}
