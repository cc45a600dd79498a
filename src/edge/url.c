#include "edge/url.h"

bool tt_url_next_segment(struct tt_slice *path, struct tt_slice *segment)
{
    if (path->size == 0 || path->data[0] != '/')
        return false;
    struct tt_slice rest = tt_slice_from(*path, 1);
    const char *at = rest.size == 0 ? NULL : memchr(rest.data, '/', rest.size);
    size_t size = at == NULL ? rest.size : (size_t)(at - rest.data);
    *segment = tt_slice(rest.data, size);
    *path = tt_slice_from(rest, size);
    return true;
}

static int hex_digit(char byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    if (byte >= 'a' && byte <= 'f')
        return byte - 'a' + 10;
    if (byte >= 'A' && byte <= 'F')
        return byte - 'A' + 10;
    return -1;
}

bool tt_url_decode(struct tt_slice text, char *bytes, size_t capacity, size_t *size)
{
    size_t count = 0;
    for (size_t i = 0; i < text.size; i++) {
        char byte = text.data[i];
        if (byte == '%') {
            if (text.size - i < 3)
                return false;
            int high = hex_digit(text.data[i + 1]);
            int low = hex_digit(text.data[i + 2]);
            if (high < 0 || low < 0)
                return false;
            byte = (char)(high * 16 + low);
            i += 2;
        }
        if (count == capacity)
            return false;
        bytes[count++] = byte;
    }
    *size = count;
    return true;
}

tt_err tt_url_parameter(struct tt_slice query, const char *name, struct tt_arena *arena,
                        bool *found, struct tt_slice *value)
{
    *found = false;
    *value = TT_SLICE_EMPTY;
    while (query.size > 0) {
        struct tt_slice pair = tt_slice_take_until(&query, '&');
        struct tt_slice key = tt_slice_take_until(&pair, '=');
        if (!tt_slice_eq(key, tt_slice_text(name)))
            continue;
        if (*found)
            return TT_FAIL(BAD_QUERY);
        *found = true;
        if (pair.size == 0)
            continue;
        char *bytes = tt_arena_alloc(arena, pair.size);
        size_t size;
        if (!tt_url_decode(pair, bytes, pair.size, &size))
            return TT_FAIL(BAD_QUERY);
        *value = tt_slice(bytes, size);
    }
    return TT_OK;
}
