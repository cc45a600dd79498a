/*
 * json_writer: JSON into a buffer, value after value; commas come by themselves.
 *
 *     struct tt_json_writer json = {.out = buffer};
 *     tt_json_begin_object(&json, NULL);
 *     tt_json_put_text(&json, "type", "pong");
 *     tt_json_end_object(&json);
 *
 * `key` is NULL for elements of arrays, for a value after tt_json_put_key, and at the top. Keys
 * and ids are written as they are, so they must not need escapes.
 */
#ifndef TT_BASE_JSON_WRITER_H
#define TT_BASE_JSON_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/id.h"
#include "base/seq.h"
#include "base/time.h"

struct tt_json_writer {
    struct tt_buffer *out;
    bool comma; /* something stands before the next value */
};

void tt_json_begin_object(struct tt_json_writer *json, const char *key);
void tt_json_end_object(struct tt_json_writer *json);
void tt_json_begin_array(struct tt_json_writer *json, const char *key);
void tt_json_end_array(struct tt_json_writer *json);

/* A key that is made of two parts: `first` and then `second`. */
void tt_json_put_key(struct tt_json_writer *json, struct tt_slice first, const char *second);

/* UTF-8, escaped as needed. */
void tt_json_put_string(struct tt_json_writer *json, const char *key, struct tt_slice text);
void tt_json_put_text(struct tt_json_writer *json, const char *key, const char *text);

/* What the reader called the raw text of a string. */
void tt_json_put_raw(struct tt_json_writer *json, const char *key, struct tt_slice raw);

void tt_json_put_u64(struct tt_json_writer *json, const char *key, uint64_t number);
void tt_json_put_bool(struct tt_json_writer *json, const char *key, bool truth);
void tt_json_put_null(struct tt_json_writer *json, const char *key);
void tt_json_put_seq(struct tt_json_writer *json, const char *key, tt_seq seq);

/* null for none */
void tt_json_put_id(struct tt_json_writer *json, const char *key, const tt_id *id);

/* null for 0 */
void tt_json_put_time(struct tt_json_writer *json, const char *key, tt_time time);

#endif
