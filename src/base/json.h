/*
 * json: a strict reader (RFC 8259) that validates a whole text and hands out slices of it, without
 * decoding and without memory of its own.
 *
 * Most strings only pass through a chat server, so they are never decoded: the "raw" text of a
 * string, what stands between its quotes, is stored and written out again as it came in. Checked
 * are the full grammar and the UTF-8; a lone surrogate escape (\ud800) is within the grammar and
 * so is found per string, by tt_json_measure.
 *
 * Of a key that is there twice the last one counts, as in JSON.parse.
 */
#ifndef TT_BASE_JSON_H
#define TT_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/err.h"
#include "base/id.h"
#include "base/seq.h"
#include "base/slice.h"
#include "base/time.h"

/* Objects and arrays in each other; a deeper text is TOO_DEEP. */
#define TT_JSON_DEPTH_MAX 64

enum tt_json_kind {
    TT_JSON_ABSENT,
    TT_JSON_NULL,
    TT_JSON_FALSE,
    TT_JSON_TRUE,
    TT_JSON_NUMBER,
    TT_JSON_STRING,
    TT_JSON_ARRAY,
    TT_JSON_OBJECT,
};

struct tt_json {
    enum tt_json_kind kind;
    struct tt_slice text; /* STRING: the raw text; else the value as written, brackets included */
};

/* Reads a text that is one value. Fails with NOT_JSON, or TOO_DEEP. */
TT_MUST_CHECK tt_err tt_json_read(struct tt_slice text, struct tt_json *value);

/* Reads a text that is one object, and of its members those named by `keys` into `values`, in the
 * order of keys; ABSENT where it has none. No key is empty or there twice, and each member is held
 * against one after the other. Fails as tt_json_read, and with NOT_OBJECT. */
TT_MUST_CHECK tt_err tt_json_read_object(struct tt_slice text, const char *const *keys,
                                         size_t key_count, struct tt_json *values);

/* The members or elements that follow in an ARRAY or OBJECT that was read. */
struct tt_json_items {
    struct tt_slice rest;
    bool in_object;
};

struct tt_json_items tt_json_items(struct tt_json container);

/* False at the end. `key`, raw, is set for members of objects only; it may be NULL. */
bool tt_json_next(struct tt_json_items *items, struct tt_slice *key, struct tt_json *value);

/*
 * How many bytes of UTF-8 a raw string stands for. False if it has an escaped surrogate without
 * its other half: no Unicode text (each is counted as the 3 bytes of U+FFFD).
 */
bool tt_json_measure(struct tt_slice raw, size_t *size);

/* Appends what a raw string stands for, as UTF-8; a lone surrogate becomes U+FFFD. */
void tt_json_unescape(struct tt_slice raw, struct tt_buffer *out);

/* Whether a raw string stands for this text. */
bool tt_json_string_is(struct tt_slice raw, const char *text);

/*
 * Typed values. ABSENT fails with KEY_MISSING, another kind than the wanted one with BAD_TYPE, and
 * what is no such value with BAD_SEQ, BAD_ID, BAD_TIME or INVALID. An integer is written with
 * digits alone: 1.0 and 1e3 are not one.
 */
TT_MUST_CHECK tt_err tt_json_get_u64(struct tt_json value, uint64_t max, uint64_t *number);
TT_MUST_CHECK tt_err tt_json_get_seq(struct tt_json value, tt_seq *seq); /* from 1 */
TT_MUST_CHECK tt_err tt_json_get_id(struct tt_json value, tt_id *id);
TT_MUST_CHECK tt_err tt_json_get_time(struct tt_json value, tt_time *time);
TT_MUST_CHECK tt_err tt_json_get_bool(struct tt_json value, bool *truth);

#endif
