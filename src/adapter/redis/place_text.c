#include "adapter/redis/place_text.h"

#include <stdio.h>

struct tt_slice tt_place_format(const struct tt_place *place, char text[TT_PLACE_TEXT_SIZE])
{
    int size = snprintf(text, TT_PLACE_TEXT_SIZE, "%.*s.%llu.%u", (int)place->server.size,
                        place->server.bytes, (unsigned long long)place->incarnation,
                        (unsigned)place->node);
    return tt_slice(text, (size_t)size);
}

bool tt_digits_parse(struct tt_slice text, uint64_t *number)
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

static bool take_number(struct tt_slice *text, uint64_t *number)
{
    size_t dot = text->size;
    while (dot > 0 && text->data[dot - 1] != '.')
        dot--;
    if (dot < 2 || !tt_digits_parse(tt_slice_from(*text, dot), number))
        return false;
    text->size = dot - 1;
    return true;
}

/* From behind, since a server's id may have dots of its own. */
bool tt_place_parse(struct tt_slice text, struct tt_place *place)
{
    uint64_t node;
    if (!take_number(&text, &node) || node > UINT32_MAX || !take_number(&text, &place->incarnation))
        return false;
    place->node = (uint32_t)node;
    return tt_is_ok(tt_id_parse(text, &place->server));
}
