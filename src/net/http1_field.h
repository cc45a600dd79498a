/*
 * http1_field: the header fields of HTTP, and their letter-case-blind names and tokens.
 */
#ifndef TT_NET_HTTP1_FIELD_H
#define TT_NET_HTTP1_FIELD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "base/slice.h"

struct tt_http1_field {
    struct tt_slice name;  /* as it came */
    struct tt_slice value; /* without space around */
};

/* The value of the first field of this name (in lower case); empty if there is none. */
struct tt_slice tt_http1_find(const struct tt_http1_field *fields, size_t count, const char *name);

/* Whether the text is `lower`, in any letter case. */
bool tt_http1_is(struct tt_slice text, const char *lower);

/* The text without the space and tabs around it. */
struct tt_slice tt_http1_trim(struct tt_slice text);

/* Takes the next element off the front of a comma-separated list, without the space around it.
 * False when there is none. */
bool tt_http1_next_element(struct tt_slice *list, struct tt_slice *element);

/* Whether `token` (in lower case) is an element of the list, in any letter case. */
bool tt_http1_has_token(struct tt_slice list, const char *token);

/* Appends "name: value". Control characters in the value become spaces, so that no value can
 * begin a field of its own. */
void tt_http1_add_field(struct tt_buffer *fields, const char *name, struct tt_slice value);

#endif
