#include "adapter/embedded/pack.h"

#define NUMBER_SIZE_MAX 10

void tt_pack_number(struct tt_buffer *out, uint64_t number)
{
    char *at = tt_buffer_reserve(out, NUMBER_SIZE_MAX);
    size_t size = 0;
    for (; number >= 0x80; number >>= 7)
        at[size++] = (char)(number | 0x80);
    at[size++] = (char)number;
    tt_buffer_grow_by(out, size);
}

void tt_pack_id(struct tt_buffer *out, const tt_id *id)
{
    tt_buffer_add_byte(out, (char)id->size);
    tt_buffer_add(out, tt_id_slice(id));
}

void tt_pack_text(struct tt_buffer *out, struct tt_slice text)
{
    tt_pack_number(out, text.size);
    tt_buffer_add(out, text);
}

static struct tt_slice take(struct tt_unpack *in, uint64_t size)
{
    if (in->failed || in->rest.size < size) {
        in->failed = true;
        return TT_SLICE_EMPTY;
    }
    struct tt_slice taken = tt_slice(in->rest.data, (size_t)size);
    in->rest = tt_slice_from(in->rest, (size_t)size);
    return taken;
}

uint8_t tt_unpack_byte(struct tt_unpack *in)
{
    struct tt_slice byte = take(in, 1);
    return byte.size == 0 ? 0 : (uint8_t)byte.data[0];
}

uint64_t tt_unpack_number(struct tt_unpack *in)
{
    uint64_t number = 0;
    unsigned shift = 0;
    for (size_t i = 0; i < in->rest.size && shift < 64 && !in->failed; i++, shift += 7) {
        uint8_t byte = (uint8_t)in->rest.data[i];
        uint64_t bits = byte & 0x7f;
        if (shift == 63 && bits > 1)
            break;
        number |= bits << shift;
        if ((byte & 0x80) == 0) {
            in->rest = tt_slice_from(in->rest, i + 1);
            return number;
        }
    }
    in->failed = true;
    return 0;
}

uint32_t tt_unpack_count(struct tt_unpack *in, uint32_t max)
{
    uint64_t number = tt_unpack_number(in);
    if (number > max) {
        in->failed = true;
        return 0;
    }
    return (uint32_t)number;
}

tt_seq tt_unpack_seq(struct tt_unpack *in)
{
    uint64_t number = tt_unpack_number(in);
    if (number > TT_SEQ_MAX) {
        in->failed = true;
        return TT_SEQ(0);
    }
    return TT_SEQ(number);
}

tt_time tt_unpack_time(struct tt_unpack *in)
{
    return TT_TIME((int64_t)tt_unpack_number(in));
}

tt_id tt_unpack_id(struct tt_unpack *in, bool none_allowed)
{
    tt_id id;
    struct tt_slice text = take(in, tt_unpack_byte(in));
    if (tt_is_ok(tt_id_parse(text, &id)))
        return id;
    in->failed = in->failed || text.size > 0 || !none_allowed;
    return (tt_id){0};
}

struct tt_slice tt_unpack_text(struct tt_unpack *in)
{
    return take(in, tt_unpack_number(in));
}

tt_err tt_unpack_end(const struct tt_unpack *in)
{
    return in->failed || in->rest.size > 0 ? TT_FAIL(CORRUPT) : TT_OK;
}
