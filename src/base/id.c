#include "base/id.h"

#include "base/assert.h"

/* 1 for each byte that may be in an id, 32 in a row. */
static const char allowed[] = "00000000000000000000000000000000"
                              "00000000000001101111111111100000"
                              "11111111111111111111111111100001"
                              "01111111111111111111111111100000"
                              "00000000000000000000000000000000"
                              "00000000000000000000000000000000"
                              "00000000000000000000000000000000"
                              "00000000000000000000000000000000";

tt_err tt_id_parse(struct tt_slice text, tt_id *id)
{
    if (text.size < 1 || text.size > TT_ID_SIZE_MAX)
        return TT_FAIL(BAD_ID);
    char all = '1';
    for (size_t i = 0; i < text.size; i++) /* the two digits differ in their lowest bit */
        all &= allowed[(unsigned char)text.data[i]];
    if (all != '1')
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
