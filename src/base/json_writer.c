#include "base/json_writer.h"

/* Writes what stands before a value, and returns room for `size` bytes of it. */
static char *begin(struct tt_json_writer *json, struct tt_slice name, size_t size)
{
    char *at = tt_buffer_reserve(json->out, name.size + 4 + size);
    if (json->comma)
        *at++ = ',';
    json->comma = true;
    if (name.size == 0)
        return at;
    *at++ = '"';
    memcpy(at, name.data, name.size);
    at += name.size;
    *at++ = '"';
    *at++ = ':';
    return at;
}

/* The value ends at `end`, within its room. */
static void end(struct tt_json_writer *json, const char *at_end)
{
    struct tt_buffer *out = json->out;
    tt_buffer_grow_by(out, (size_t)(at_end - (out->data + out->size)));
}

void tt_json_add_word(struct tt_json_writer *json, struct tt_slice name, struct tt_slice word)
{
    char *at = begin(json, name, word.size);
    memcpy(at, word.data, word.size);
    end(json, at + word.size);
}

static void begin_container(struct tt_json_writer *json, struct tt_slice name, char bracket)
{
    tt_json_add_word(json, name, tt_slice(&bracket, 1));
    json->comma = false;
}

static void end_container(struct tt_json_writer *json, char bracket)
{
    tt_buffer_add_byte(json->out, bracket);
    json->comma = true;
}

void tt_json_add_object(struct tt_json_writer *json, struct tt_slice name)
{
    begin_container(json, name, '{');
}

void tt_json_end_object(struct tt_json_writer *json)
{
    end_container(json, '}');
}

void tt_json_add_array(struct tt_json_writer *json, struct tt_slice name)
{
    begin_container(json, name, '[');
}

void tt_json_end_array(struct tt_json_writer *json)
{
    end_container(json, ']');
}

static void add_escaped(struct tt_buffer *out, char byte)
{
    static const char letters[] = "btn?fr"; /* of \b (8) to \r (13); \v has none */
    static const char digits[] = "0123456789abcdef";
    unsigned char code = (unsigned char)byte;
    tt_buffer_add_byte(out, '\\');
    if (byte == '"' || byte == '\\') {
        tt_buffer_add_byte(out, byte);
    } else if (code >= 8 && code <= 13 && code != 11) {
        tt_buffer_add_byte(out, letters[code - 8]);
    } else {
        const char hex[] = {'u', '0', '0', digits[code >> 4], digits[code & 15]};
        tt_buffer_add(out, tt_slice(hex, sizeof(hex)));
    }
}

static bool needs_escape(char byte)
{
    return (unsigned char)byte < 0x20 || byte == '"' || byte == '\\';
}

static void add_text(struct tt_buffer *out, struct tt_slice text)
{
    size_t plain = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (!needs_escape(text.data[i]))
            continue;
        tt_buffer_add(out, tt_slice(text.data + plain, i - plain));
        add_escaped(out, text.data[i]);
        plain = i + 1;
    }
    if (text.size > plain)
        tt_buffer_add(out, tt_slice(text.data + plain, text.size - plain));
}

void tt_json_put_key(struct tt_json_writer *json, struct tt_slice first, const char *second)
{
    char *at = begin(json, TT_SLICE_EMPTY, 1);
    *at = '"';
    end(json, at + 1);
    tt_buffer_add(json->out, first);
    tt_buffer_add_text(json->out, second);
    tt_buffer_add_text(json->out, "\":");
    json->comma = false;
}

void tt_json_add_string(struct tt_json_writer *json, struct tt_slice name, struct tt_slice text)
{
    char *at = begin(json, name, 1);
    *at = '"';
    end(json, at + 1);
    add_text(json->out, text);
    tt_buffer_add_byte(json->out, '"');
}

void tt_json_add_raw(struct tt_json_writer *json, struct tt_slice name, struct tt_slice raw)
{
    char *at = begin(json, name, raw.size + 2);
    at[0] = '"';
    if (raw.size > 0)
        memcpy(at + 1, raw.data, raw.size);
    at[raw.size + 1] = '"';
    end(json, at + raw.size + 2);
}

void tt_json_add_u64(struct tt_json_writer *json, struct tt_slice name, uint64_t number)
{
    end(json, tt_buffer_put_u64(begin(json, name, TT_U64_TEXT_MAX), number));
}

void tt_json_add_id(struct tt_json_writer *json, struct tt_slice name, const tt_id *id)
{
    if (tt_id_is_none(id))
        tt_json_add_word(json, name, TT_SLICE_LITERAL("null"));
    else
        tt_json_add_raw(json, name, tt_id_slice(id));
}

void tt_json_add_time(struct tt_json_writer *json, struct tt_slice name, tt_time time)
{
    if (time.ms == 0) {
        tt_json_add_word(json, name, TT_SLICE_LITERAL("null"));
        return;
    }
    char *at = begin(json, name, TT_TIME_TEXT_SIZE + 2);
    at[0] = '"';
    tt_time_format(time, at + 1);
    at[TT_TIME_TEXT_SIZE + 1] = '"';
    end(json, at + TT_TIME_TEXT_SIZE + 2);
}
