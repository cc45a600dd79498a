#include "base/json.h"

/* Raw strings have passed the reader: each escape in them is whole and known. */

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

static uint32_t hex_value(char byte)
{
    if (is_digit(byte))
        return (uint32_t)(byte - '0');
    return (uint32_t)((byte | 0x20) - 'a' + 10);
}

static uint32_t four_hex(const char *at)
{
    uint32_t unit = 0;
    for (int i = 0; i < 4; i++)
        unit = unit << 4 | hex_value(at[i]);
    return unit;
}

static bool is_high_surrogate(uint32_t unit)
{
    return unit >= 0xD800 && unit <= 0xDBFF;
}

static bool is_low_surrogate(uint32_t unit)
{
    return unit >= 0xDC00 && unit <= 0xDFFF;
}

static uint32_t simple_escape(char kind)
{
    switch (kind) {
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return (unsigned char)kind;
    }
}

/* The character of the escape at the front of `raw`, which is moved past it. False for a lone
 * surrogate, which is read as U+FFFD. */
static bool take_escape(struct tt_slice *raw, uint32_t *character)
{
    if (raw->data[1] != 'u') {
        *character = simple_escape(raw->data[1]);
        *raw = tt_slice_from(*raw, 2);
        return true;
    }
    uint32_t unit = four_hex(raw->data + 2);
    *raw = tt_slice_from(*raw, 6);
    *character = unit;
    if (!is_high_surrogate(unit) && !is_low_surrogate(unit))
        return true;
    if (is_high_surrogate(unit) && raw->size >= 6 && raw->data[0] == '\\' && raw->data[1] == 'u') {
        uint32_t low = four_hex(raw->data + 2);
        if (is_low_surrogate(low)) {
            *character = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
            *raw = tt_slice_from(*raw, 6);
            return true;
        }
    }
    *character = 0xFFFD;
    return false;
}

/* What stands before the next backslash, which `raw` is moved to. */
static struct tt_slice take_plain(struct tt_slice *raw)
{
    const char *backslash = raw->size == 0 ? NULL : memchr(raw->data, '\\', raw->size);
    size_t size = backslash == NULL ? raw->size : (size_t)(backslash - raw->data);
    struct tt_slice plain = tt_slice(raw->data, size);
    *raw = tt_slice(raw->data + size, raw->size - size);
    return plain;
}

static size_t encode(uint32_t character, char bytes[4])
{
    if (character < 0x80) {
        bytes[0] = (char)character;
        return 1;
    }
    size_t size = character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;
    static const unsigned char leads[] = {0, 0, 0xC0, 0xE0, 0xF0};
    for (size_t i = size - 1; i > 0; i--) {
        bytes[i] = (char)(0x80 | (character & 0x3F));
        character >>= 6;
    }
    bytes[0] = (char)(leads[size] | character);
    return size;
}

bool tt_json_measure(struct tt_slice raw, size_t *size)
{
    bool whole = true;
    size_t total = 0;
    while (raw.size > 0) {
        total += take_plain(&raw).size;
        if (raw.size > 0) {
            uint32_t character;
            char bytes[4];
            whole = take_escape(&raw, &character) && whole;
            total += encode(character, bytes);
        }
    }
    *size = total;
    return whole;
}

void tt_json_unescape(struct tt_slice raw, struct tt_buffer *out)
{
    while (raw.size > 0) {
        tt_buffer_add(out, take_plain(&raw));
        if (raw.size > 0) {
            uint32_t character;
            char bytes[4];
            (void)take_escape(&raw, &character);
            tt_buffer_add(out, tt_slice(bytes, encode(character, bytes)));
        }
    }
}

/* Decodes into `bytes`; false if it does not fit, or is no Unicode text. */
static bool decode_short(struct tt_slice raw, char *bytes, size_t capacity, size_t *size)
{
    if (!tt_json_measure(raw, size) || *size > capacity)
        return false;
    char *at = bytes;
    while (raw.size > 0) {
        struct tt_slice plain = take_plain(&raw);
        if (plain.size > 0)
            memcpy(at, plain.data, plain.size);
        at += plain.size;
        if (raw.size > 0) {
            uint32_t character;
            (void)take_escape(&raw, &character);
            char encoded[4];
            size_t encoded_size = encode(character, encoded);
            memcpy(at, encoded, encoded_size);
            at += encoded_size;
        }
    }
    return true;
}

static bool has_escapes(struct tt_slice raw)
{
    return raw.size > 0 && memchr(raw.data, '\\', raw.size) != NULL;
}

bool tt_json_string_is(struct tt_slice raw, const char *text)
{
    struct tt_slice wanted = tt_slice_text(text);
    if (!has_escapes(raw))
        return tt_slice_eq(raw, wanted);
    char bytes[TT_ID_SIZE_MAX];
    size_t size;
    return decode_short(raw, bytes, sizeof(bytes), &size) &&
           tt_slice_eq(tt_slice(bytes, size), wanted);
}

static tt_err expect_kind(struct tt_json value, enum tt_json_kind kind)
{
    if (value.kind == TT_JSON_ABSENT)
        return TT_FAIL(KEY_MISSING);
    return value.kind == kind ? TT_OK : TT_FAIL(BAD_TYPE);
}

tt_err tt_json_get_u64(struct tt_json value, uint64_t max, uint64_t *number)
{
    TT_TRY(expect_kind(value, TT_JSON_NUMBER));
    uint64_t sum = 0;
    for (size_t i = 0; i < value.text.size; i++) {
        char byte = value.text.data[i];
        if (!is_digit(byte))
            return TT_FAIL(INVALID);
        uint64_t digit = (uint64_t)(byte - '0');
        if (digit > max || sum > (max - digit) / 10)
            return TT_FAIL(INVALID);
        sum = sum * 10 + digit;
    }
    *number = sum;
    return TT_OK;
}

tt_err tt_json_get_seq(struct tt_json value, tt_seq *seq)
{
    TT_TRY(expect_kind(value, TT_JSON_NUMBER));
    uint64_t number;
    if (!tt_is_ok(tt_json_get_u64(value, TT_SEQ_MAX, &number)) || number == 0)
        return TT_FAIL(BAD_SEQ);
    *seq = TT_SEQ(number);
    return TT_OK;
}

tt_err tt_json_get_id(struct tt_json value, tt_id *id)
{
    TT_TRY(expect_kind(value, TT_JSON_STRING));
    tt_err err = tt_id_parse(value.text, id); /* which has no backslash */
    if (tt_is_ok(err) || !has_escapes(value.text))
        return err;
    char bytes[TT_ID_SIZE_MAX];
    size_t size;
    if (!decode_short(value.text, bytes, sizeof(bytes), &size))
        return TT_FAIL(BAD_ID);
    return tt_id_parse(tt_slice(bytes, size), id);
}

tt_err tt_json_get_time(struct tt_json value, tt_time *time)
{
    TT_TRY(expect_kind(value, TT_JSON_STRING));
    char bytes[64];
    size_t size;
    if (value.text.size <= sizeof(bytes) && !has_escapes(value.text))
        return tt_time_parse(value.text, time);
    if (!decode_short(value.text, bytes, sizeof(bytes), &size))
        return TT_FAIL(BAD_TIME);
    return tt_time_parse(tt_slice(bytes, size), time);
}

tt_err tt_json_get_bool(struct tt_json value, bool *truth)
{
    if (value.kind == TT_JSON_ABSENT)
        return TT_FAIL(KEY_MISSING);
    if (value.kind != TT_JSON_TRUE && value.kind != TT_JSON_FALSE)
        return TT_FAIL(BAD_TYPE);
    *truth = value.kind == TT_JSON_TRUE;
    return TT_OK;
}
