/*
 * jwt_object: the JSON object in a part of a token (RFC 7515, section 3). Of the names that are
 * asked for none may be there twice; of others that matter to nobody it may (RFC 7519, section 4).
 */
#ifndef TT_EDGE_JWT_OBJECT_H
#define TT_EDGE_JWT_OBJECT_H

#include "base/base64url.h"
#include "base/json.h"
#include "base/limits.h"

/* The last second of the year 9999. */
#define TT_JWT_SECONDS_MAX 253402300799LL

/* What a part's values lie in. */
struct tt_jwt_bytes {
    unsigned char bytes[TT_BASE64URL_DECODED_MAX(TT_LIMIT_TOKEN_BYTES)];
};

/* Reads a part, which is in base64url, and the values of these names; ABSENT where there is none.
 * False: it is no JSON object, or repeats one of the names. */
bool tt_jwt_object_read(struct tt_slice part, struct tt_jwt_bytes *bytes, const char *const *names,
                        size_t count, struct tt_json *values);

/* Appends what the value stands for. False: it is no string, or one with half a surrogate pair. */
bool tt_jwt_text(struct tt_json value, struct tt_buffer *text);

/* Whether the value is a string that stands for this text. */
bool tt_jwt_text_is(struct tt_json value, struct tt_slice text);

/* A time in seconds, of which a fraction may be given (RFC 7519, section 2); it is rounded down, or
 * up. 0 where the value is ABSENT. False: it is no such number. */
bool tt_jwt_seconds(struct tt_json value, bool up, int64_t *seconds);

#endif
