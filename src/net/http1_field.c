#include "net/http1_field.h"

static char lower_of(char byte)
{
    if (byte >= 'A' && byte <= 'Z')
        return (char)(byte - 'A' + 'a');
    return byte;
}

static bool is_space(char byte)
{
    return byte == ' ' || byte == '\t';
}

bool tt_http1_is(struct tt_slice text, const char *lower)
{
    size_t i = 0;
    while (i < text.size && lower[i] != '\0' && lower_of(text.data[i]) == lower[i])
        i++;
    return i == text.size && lower[i] == '\0';
}

struct tt_slice tt_http1_find(const struct tt_http1_field *fields, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (tt_http1_is(fields[i].name, name))
            return fields[i].value;
    return TT_SLICE_EMPTY;
}

struct tt_slice tt_http1_trim(struct tt_slice text)
{
    while (text.size > 0 && is_space(text.data[0]))
        text = tt_slice_from(text, 1);
    while (text.size > 0 && is_space(text.data[text.size - 1]))
        text.size--;
    return text;
}

bool tt_http1_next_element(struct tt_slice *list, struct tt_slice *element)
{
    while (list->size > 0) {
        const char *comma = memchr(list->data, ',', list->size);
        size_t size = comma != NULL ? (size_t)(comma - list->data) : list->size;
        *element = tt_http1_trim(tt_slice(list->data, size));
        *list = tt_slice_from(*list, comma != NULL ? size + 1 : size);
        if (element->size > 0)
            return true;
    }
    return false;
}

bool tt_http1_has_token(struct tt_slice list, const char *token)
{
    struct tt_slice element;
    while (tt_http1_next_element(&list, &element))
        if (tt_http1_is(element, token))
            return true;
    return false;
}

void tt_http1_add_field(struct tt_buffer *fields, const char *name, struct tt_slice value)
{
    tt_buffer_add_text(fields, name);
    tt_buffer_add_text(fields, ": ");
    size_t from = fields->size;
    tt_buffer_add(fields, value);
    for (size_t i = from; i < fields->size; i++)
        if ((unsigned char)fields->data[i] < 0x20 || fields->data[i] == 0x7f)
            fields->data[i] = ' ';
    tt_buffer_add_text(fields, "\r\n");
}
