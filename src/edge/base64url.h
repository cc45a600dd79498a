/*
 * base64url: RFC 4648, section 5, without padding, as tokens have it. Strict: each text is the only
 * one for its bytes, so a token cannot be written in two ways.
 */
#ifndef TT_EDGE_BASE64URL_H
#define TT_EDGE_BASE64URL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "base/slice.h"

/* Room for the bytes of a text of that size. */
#define TT_BASE64URL_DECODED_MAX(size) ((size_t)(size) / 4 * 3 + 3)

/* Decodes into `bytes`, which has room for TT_BASE64URL_DECODED_MAX. False if the text is no
 * base64url, or has bits left over that are not 0. */
bool tt_base64url_decode(struct tt_slice text, unsigned char *bytes, size_t *size);

void tt_base64url_encode(struct tt_slice bytes, struct tt_buffer *out);

#endif
