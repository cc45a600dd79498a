#include "base/json.h"

#include "base/assert.h"
#include "base/json_plain.h"
#include "base/utf8.h"

/*
 * One pass without recursion: which kind each open container is of, is a bit in `in_object`. A text
 * that is too deep for these is read once more with many more of them, so that of one which is both
 * too deep and broken it is still said that it is broken.
 */
#define DEPTH_DEEP 131072

struct reader {
    const char *at;
    const char *end;
    size_t depth;
    size_t depth_seen;
    size_t depth_tracked;
    bool untracked;
    uint64_t not_ascii; /* 0: all strings so far are */
    uint8_t *in_object;
    uint8_t in_object_here[TT_JSON_DEPTH_MAX / 8];
};

static void start(struct reader *reader, struct tt_slice text)
{
    reader->at = text.data;
    reader->end = text.size == 0 ? text.data : text.data + text.size;
    reader->depth = 0;
    reader->depth_seen = 0;
    reader->depth_tracked = TT_JSON_DEPTH_MAX;
    reader->untracked = false;
    reader->not_ascii = 0;
    reader->in_object = reader->in_object_here;
}

static char peek(const struct reader *reader)
{
    if (reader->at == reader->end)
        return '\0';
    return *reader->at;
}

static bool is_space(char byte)
{
    return byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t';
}

static inline void skip_space(struct reader *reader)
{
    while (reader->at < reader->end && (unsigned char)*reader->at <= ' ' && is_space(*reader->at))
        reader->at++;
}

static bool skip_byte(struct reader *reader, char byte)
{
    if (reader->at == reader->end || *reader->at != byte)
        return false;
    reader->at++;
    return true;
}

static bool skip_word(struct reader *reader, const char *word)
{
    size_t size = strlen(word);
    if ((size_t)(reader->end - reader->at) < size || memcmp(reader->at, word, size) != 0)
        return false;
    reader->at += size;
    return true;
}

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

static bool skip_digits(struct reader *reader)
{
    const char *first = reader->at;
    while (reader->at < reader->end && is_digit(*reader->at))
        reader->at++;
    return reader->at > first;
}

static bool skip_number(struct reader *reader)
{
    (void)skip_byte(reader, '-');
    if (!skip_byte(reader, '0') && !skip_digits(reader))
        return false;
    if (skip_byte(reader, '.') && !skip_digits(reader))
        return false;
    if (skip_byte(reader, 'e') || skip_byte(reader, 'E')) {
        if (!skip_byte(reader, '+'))
            (void)skip_byte(reader, '-');
        return skip_digits(reader);
    }
    return true;
}

static int hex_digit(char byte)
{
    if (is_digit(byte))
        return byte - '0';
    if (byte >= 'a' && byte <= 'f')
        return byte - 'a' + 10;
    if (byte >= 'A' && byte <= 'F')
        return byte - 'A' + 10;
    return -1;
}

static bool skip_escape(struct reader *reader)
{
    TT_ASSERT(*reader->at == '\\');
    reader->at++;
    if (reader->at == reader->end)
        return false;
    char kind = *reader->at++;
    if (kind != 'u')
        return kind != '\0' && strchr("\"\\/bfnrt", kind) != NULL;
    for (int i = 0; i < 4; i++) {
        if (reader->at == reader->end || hex_digit(*reader->at) < 0)
            return false;
        reader->at++;
    }
    return true;
}

/* `*escaped`: the text has escapes. */
static inline bool skip_string(struct reader *reader, struct tt_slice *raw, bool *escaped)
{
    if (!skip_byte(reader, '"'))
        return false;
    const char *first = reader->at;
    *escaped = false;
    for (;;) {
        reader->at = tt_json_plain_end(reader->at, reader->end, &reader->not_ascii);
        if (reader->at == reader->end || (unsigned char)*reader->at < 0x20)
            return false;
        if (*reader->at == '"')
            break;
        *escaped = true;
        if (!skip_escape(reader))
            return false;
    }
    *raw = tt_slice(first, (size_t)(reader->at - first));
    reader->at++;
    return true;
}

static bool skip_key(struct reader *reader, struct tt_slice *key, bool *escaped)
{
    skip_space(reader);
    if (!skip_string(reader, key, escaped))
        return false;
    skip_space(reader);
    return skip_byte(reader, ':');
}

static bool open_container(struct reader *reader, bool object)
{
    reader->at++;
    if (reader->depth == reader->depth_tracked) {
        reader->untracked = true;
        return false;
    }
    uint8_t bit = (uint8_t)(1U << (reader->depth % 8));
    uint8_t *byte = &reader->in_object[reader->depth / 8];
    if (reader->depth % 8 == 0)
        *byte = 0;
    *byte = object ? (uint8_t)(*byte | bit) : (uint8_t)(*byte & ~bit);
    reader->depth++;
    if (reader->depth > reader->depth_seen)
        reader->depth_seen = reader->depth;
    return true;
}

static bool innermost_is_object(const struct reader *reader)
{
    size_t at = reader->depth - 1;
    return (reader->in_object[at / 8] >> (at % 8) & 1) != 0;
}

/* The end of a value was read: leaves the containers that end here too. Then either the depth is
 * `floor` again, or the next value is to come. */
static bool leave_value(struct reader *reader, size_t floor)
{
    struct tt_slice key;
    bool escaped;
    while (reader->depth > floor) {
        bool object = innermost_is_object(reader);
        skip_space(reader);
        if (skip_byte(reader, ','))
            return !object || skip_key(reader, &key, &escaped);
        if (!skip_byte(reader, object ? '}' : ']'))
            return false;
        reader->depth--;
    }
    return true;
}

static bool skip_scalar(struct reader *reader)
{
    struct tt_slice raw;
    bool escaped;
    switch (peek(reader)) {
    case '"':
        return skip_string(reader, &raw, &escaped);
    case 't':
        return skip_word(reader, "true");
    case 'f':
        return skip_word(reader, "false");
    case 'n':
        return skip_word(reader, "null");
    default:
        return skip_number(reader);
    }
}

/* Enters the container that begins here. `*empty`: and it ends here, too. */
static bool enter(struct reader *reader, bool *empty)
{
    struct tt_slice key;
    bool escaped;
    bool object = *reader->at == '{';
    if (!open_container(reader, object))
        return false;
    skip_space(reader);
    *empty = skip_byte(reader, object ? '}' : ']');
    if (*empty) {
        reader->depth--;
        return true;
    }
    return !object || skip_key(reader, &key, &escaped);
}

static bool skip_value(struct reader *reader)
{
    size_t floor = reader->depth;
    do {
        bool value_ended = true;
        skip_space(reader);
        if (peek(reader) == '{' || peek(reader) == '[') {
            if (!enter(reader, &value_ended))
                return false;
        } else if (!skip_scalar(reader)) {
            return false;
        }
        if (!value_ended)
            continue;
        if (reader->depth == floor)
            return true;
        if (!leave_value(reader, floor))
            return false;
    } while (reader->depth > floor);
    return true;
}

static enum tt_json_kind kind_of(char first)
{
    switch (first) {
    case '{':
        return TT_JSON_OBJECT;
    case '[':
        return TT_JSON_ARRAY;
    case '"':
        return TT_JSON_STRING;
    case 't':
        return TT_JSON_TRUE;
    case 'f':
        return TT_JSON_FALSE;
    case 'n':
        return TT_JSON_NULL;
    default:
        return TT_JSON_NUMBER;
    }
}

static bool take_value(struct reader *reader, struct tt_json *value)
{
    bool escaped;
    skip_space(reader);
    const char *first = reader->at;
    value->kind = kind_of(peek(reader));
    if (value->kind == TT_JSON_STRING)
        return skip_string(reader, &value->text, &escaped);
    if (!skip_value(reader))
        return false;
    value->text = tt_slice(first, (size_t)(reader->at - first));
    return true;
}

/* Between strings a valid text is ASCII. */
static bool is_utf8(const struct reader *reader, struct tt_slice text)
{
    return reader->not_ascii == 0 || tt_utf8_valid(text);
}

static tt_err outcome(const struct reader *reader, struct tt_slice text, bool valid)
{
    if (reader->untracked)
        return TT_FAIL(TOO_DEEP);
    if (!valid || !is_utf8(reader, text))
        return TT_FAIL(NOT_JSON);
    return reader->depth_seen > TT_JSON_DEPTH_MAX ? TT_FAIL(TOO_DEEP) : TT_OK;
}

static bool read_all(struct reader *reader, struct tt_json *value)
{
    bool valid = take_value(reader, value);
    skip_space(reader);
    return valid && reader->at == reader->end;
}

/* Why a text is refused in which containers are deeper than they may be. */
static __attribute__((noinline)) tt_err refuse_deep(struct tt_slice text)
{
    uint8_t in_object[DEPTH_DEEP / 8];
    struct reader reader;
    struct tt_json value;
    start(&reader, text);
    reader.in_object = in_object;
    reader.depth_tracked = DEPTH_DEEP;
    bool valid = tt_utf8_valid(text) && read_all(&reader, &value);
    return outcome(&reader, text, valid);
}

tt_err tt_json_read(struct tt_slice text, struct tt_json *value)
{
    struct reader reader;
    start(&reader, text);
    bool valid = read_all(&reader, value);
    return reader.untracked ? refuse_deep(text) : outcome(&reader, text, valid);
}

static bool is_plain_key(struct tt_slice key, const char *wanted)
{
    return key.size > 0 && key.data[0] == wanted[0] && strncmp(key.data, wanted, key.size) == 0 &&
           wanted[key.size] == '\0';
}

static void keep_member(struct tt_slice key, bool escaped, struct tt_json value,
                        const char *const *keys, size_t key_count, struct tt_json *values)
{
    for (size_t i = 0; i < key_count; i++) {
        if (escaped ? tt_json_string_is(key, keys[i]) : is_plain_key(key, keys[i])) {
            values[i] = value;
            return;
        }
    }
}

static bool read_members(struct reader *reader, const char *const *keys, size_t key_count,
                         struct tt_json *values)
{
    bool empty;
    bool escaped;
    struct tt_slice key;
    reader->at++;
    skip_space(reader);
    empty = skip_byte(reader, '}');
    while (!empty) {
        struct tt_json value;
        if (!skip_key(reader, &key, &escaped) || !take_value(reader, &value))
            return false;
        keep_member(key, escaped, value, keys, key_count, values);
        skip_space(reader);
        if (skip_byte(reader, '}'))
            break;
        if (!skip_byte(reader, ','))
            return false;
    }
    skip_space(reader);
    return reader->at == reader->end;
}

tt_err tt_json_read_object(struct tt_slice text, const char *const *keys, size_t key_count,
                           struct tt_json *values)
{
    struct reader reader;
    for (size_t i = 0; i < key_count; i++)
        values[i] = (struct tt_json){TT_JSON_ABSENT, TT_SLICE_EMPTY};

    start(&reader, text);
    skip_space(&reader);
    if (peek(&reader) != '{') {
        struct tt_json value;
        TT_TRY(tt_json_read(text, &value));
        return TT_FAIL(NOT_OBJECT);
    }
    bool valid = read_members(&reader, keys, key_count, values);
    reader.depth_seen++; /* the object itself */
    return reader.untracked ? refuse_deep(text) : outcome(&reader, text, valid);
}

struct tt_json_items tt_json_items(struct tt_json container)
{
    TT_ASSERT(container.kind == TT_JSON_ARRAY || container.kind == TT_JSON_OBJECT);
    return (struct tt_json_items){tt_slice(container.text.data + 1, container.text.size - 2),
                                  container.kind == TT_JSON_OBJECT};
}

bool tt_json_next(struct tt_json_items *items, struct tt_slice *key, struct tt_json *value)
{
    struct reader reader;
    struct tt_slice own_key;
    bool escaped;
    start(&reader, items->rest);
    skip_space(&reader);
    if (reader.at == reader.end)
        return false;
    bool valid = !items->in_object || skip_key(&reader, key == NULL ? &own_key : key, &escaped);
    valid = valid && take_value(&reader, value);
    TT_ASSERT(valid);
    skip_space(&reader);
    (void)skip_byte(&reader, ',');
    items->rest = tt_slice(reader.at, (size_t)(reader.end - reader.at));
    return true;
}
