/*
 * json_writer: JSON into a buffer, value after value; commas come by themselves.
 *
 *     struct tt_json_writer json = {.out = buffer};
 *     tt_json_begin_object(&json, NULL);
 *     tt_json_put_text(&json, "type", "pong");
 *     tt_json_end_object(&json);
 *
 * `key` is NULL for elements of arrays, for a value after tt_json_put_key, and at the top. Keys
 * and ids are written as they are, so they must not need escapes, and no key is empty.
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

/* A key that is made of two parts: `first` and then `second`. */
void tt_json_put_key(struct tt_json_writer *json, struct tt_slice first, const char *second);

void tt_json_end_object(struct tt_json_writer *json);
void tt_json_end_array(struct tt_json_writer *json);

/* The same as the functions below; `name` is empty for no key. */
void tt_json_add_object(struct tt_json_writer *json, struct tt_slice name);
void tt_json_add_array(struct tt_json_writer *json, struct tt_slice name);
void tt_json_add_string(struct tt_json_writer *json, struct tt_slice name, struct tt_slice text);
void tt_json_add_raw(struct tt_json_writer *json, struct tt_slice name, struct tt_slice raw);
void tt_json_add_u64(struct tt_json_writer *json, struct tt_slice name, uint64_t number);
void tt_json_add_word(struct tt_json_writer *json, struct tt_slice name, struct tt_slice word);
void tt_json_add_id(struct tt_json_writer *json, struct tt_slice name, const tt_id *id);
void tt_json_add_time(struct tt_json_writer *json, struct tt_slice name, tt_time time);

/* Inline, as all these, so that the compiler measures the keys. */
static inline struct tt_slice tt_json_name(const char *key)
{
    return key == NULL ? TT_SLICE_EMPTY : tt_slice_text(key);
}

static inline void tt_json_begin_object(struct tt_json_writer *json, const char *key)
{
    tt_json_add_object(json, tt_json_name(key));
}

static inline void tt_json_begin_array(struct tt_json_writer *json, const char *key)
{
    tt_json_add_array(json, tt_json_name(key));
}

/* UTF-8, escaped as needed. */
static inline void tt_json_put_string(struct tt_json_writer *json, const char *key,
                                      struct tt_slice text)
{
    tt_json_add_string(json, tt_json_name(key), text);
}

static inline void tt_json_put_text(struct tt_json_writer *json, const char *key, const char *text)
{
    tt_json_add_string(json, tt_json_name(key), tt_slice_text(text));
}

/* What the reader called the raw text of a string. */
static inline void tt_json_put_raw(struct tt_json_writer *json, const char *key,
                                   struct tt_slice raw)
{
    tt_json_add_raw(json, tt_json_name(key), raw);
}

static inline void tt_json_put_u64(struct tt_json_writer *json, const char *key, uint64_t number)
{
    tt_json_add_u64(json, tt_json_name(key), number);
}

static inline void tt_json_put_seq(struct tt_json_writer *json, const char *key, tt_seq seq)
{
    tt_json_add_u64(json, tt_json_name(key), seq.n);
}

static inline void tt_json_put_bool(struct tt_json_writer *json, const char *key, bool truth)
{
    tt_json_add_word(json, tt_json_name(key),
                     truth ? TT_SLICE_LITERAL("true") : TT_SLICE_LITERAL("false"));
}

static inline void tt_json_put_null(struct tt_json_writer *json, const char *key)
{
    tt_json_add_word(json, tt_json_name(key), TT_SLICE_LITERAL("null"));
}

/* null for none */
static inline void tt_json_put_id(struct tt_json_writer *json, const char *key, const tt_id *id)
{
    tt_json_add_id(json, tt_json_name(key), id);
}

/* null for 0 */
static inline void tt_json_put_time(struct tt_json_writer *json, const char *key, tt_time time)
{
    tt_json_add_time(json, tt_json_name(key), time);
}

#endif
