/*
 * push_text: what a notification shows. A person's text goes in as the raw text of a JSON string
 * and comes out as UTF-8 that is short enough for a push service, which counts the bytes of JSON.
 */
#ifndef TT_ADAPTER_PUSH_PUSH_TEXT_H
#define TT_ADAPTER_PUSH_PUSH_TEXT_H

#include <stddef.h>

#include "base/buffer.h"
#include "base/slice.h"
#include "model/notification.h"

/* Of the name on top, in bytes of JSON. */
#define TT_PUSH_TITLE_SIZE_MAX 256

/* At most how many bytes the text takes in JSON, escaped. */
size_t tt_push_text_size(struct tt_slice text);

/* Drops bytes from the end of the UTF-8 in `text`, whole characters only, until it takes at most
 * `size_max` bytes in JSON; where something was dropped it ends with an ellipsis. */
void tt_push_text_cut(struct tt_buffer *text, size_t size_max);

/* Appends the sender's name, or his id where he chose none, and that of the group after it. */
void tt_push_text_title(const struct tt_notification *notification, struct tt_buffer *title);

/* Appends what the message says, or "New message" where that is not to be shown. */
void tt_push_text_body(const struct tt_notification *notification, struct tt_buffer *body);

#endif
