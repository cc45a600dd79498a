#include "adapter/push/push_text.h"

#include "base/json.h"

#define ELLIPSIS      "\xe2\x80\xa6"
#define ELLIPSIS_SIZE 3
#define BETWEEN       " \xc2\xb7 " /* a middle dot */

static size_t size_of(char byte)
{
    if (byte == '"' || byte == '\\')
        return 2;
    return (unsigned char)byte < 0x20 || byte == 0x7f ? 6 : 1;
}

size_t tt_push_text_size(struct tt_slice text)
{
    size_t size = 0;
    for (size_t i = 0; i < text.size; i++)
        size += size_of(text.data[i]);
    return size;
}

static bool is_continuation(char byte)
{
    return ((unsigned char)byte & 0xc0) == 0x80;
}

void tt_push_text_cut(struct tt_buffer *text, size_t size_max)
{
    size_t size = tt_push_text_size(tt_buffer_slice(text));
    if (size <= size_max)
        return;
    size_t room = size_max >= ELLIPSIS_SIZE ? size_max - ELLIPSIS_SIZE : 0;
    while (text->size > 0 && size > room) {
        do
            size -= size_of(text->data[--text->size]);
        while (text->size > 0 && is_continuation(text->data[text->size]));
    }
    if (size_max >= ELLIPSIS_SIZE)
        tt_buffer_add_text(text, ELLIPSIS);
}

void tt_push_text_title(const struct tt_notification *notification, struct tt_buffer *title)
{
    if (notification->sender_name.size > 0)
        tt_json_unescape(notification->sender_name, title);
    else
        tt_buffer_add(title, tt_id_slice(&notification->sender));
    if (notification->title.size > 0) {
        tt_buffer_add_text(title, BETWEEN);
        tt_json_unescape(notification->title, title);
    }
    tt_push_text_cut(title, TT_PUSH_TITLE_SIZE_MAX);
}

void tt_push_text_body(const struct tt_notification *notification, struct tt_buffer *body)
{
    if (notification->content.size > 0)
        tt_json_unescape(notification->content, body);
    else
        tt_buffer_add_text(body, "New message");
}
