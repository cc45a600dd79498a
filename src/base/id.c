#include "base/id.h"

#include "base/assert.h"
#include "base/load.h"

/* Sixteen bytes that are compared at once, where the processor can. */
typedef uint8_t block __attribute__((vector_size(16)));
typedef uint64_t halves __attribute__((vector_size(16)));

/* Whether all are of A-Z a-z 0-9 _ - . : @, among which three ranges of ASCII are whole. */
static bool is_allowed(uint64_t first, uint64_t second)
{
    block all = (block)(halves){first, second};
    all = (block)((all - 'a' <= 'z' - 'a') | (all - '@' <= 'Z' - '@') | (all - '0' <= ':' - '0') |
                  (all - '-' <= '.' - '-') | (all == '_'));
    halves both = (halves)all;
    return (both[0] & both[1]) == UINT64_MAX;
}

/* What is shorter than a block is filled up with what is allowed. */
static bool consists_of_allowed(struct tt_slice text)
{
    const char *at = text.data;
    const char *end = text.data + text.size;
    for (; end - at > 16; at += 16)
        if (!is_allowed(tt_load8(at), tt_load8(at + 8)))
            return false;
    if (text.size >= 16)
        return is_allowed(tt_load8(end - 16), tt_load8(end - 8));
    if (text.size >= 8)
        return is_allowed(tt_load8(at), tt_load8(end - 8));
    if (text.size >= 4)
        return is_allowed((uint64_t)tt_load4(at) << 32 | tt_load4(end - 4), UINT64_MAX / 255 * 'a');
    return is_allowed(tt_load_few(at, text.size) | 0x6161616161000000U, UINT64_MAX / 255 * 'a');
}

tt_err tt_id_parse(struct tt_slice text, tt_id *id)
{
    if (text.size < 1 || text.size > TT_ID_SIZE_MAX || !consists_of_allowed(text))
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
