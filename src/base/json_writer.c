#include "base/json_writer.h"

static void begin_value(struct tt_json_writer *json, const char *key)
{
    if (json->comma)
        tt_buffer_add_byte(json->out, ',');
    json->comma = true;
    if (key == NULL)
        return;
    struct tt_slice name = tt_slice_text(key);
    size_t size = name.size;
    char *at = tt_buffer_reserve(json->out, size + 3);
    at[0] = '"';
    memcpy(at + 1, name.data, size);
    at[size + 1] = '"';
    at[size + 2] = ':';
    tt_buffer_grow_by(json->out, size + 3);
}

static void begin_container(struct tt_json_writer *json, const char *key, char bracket)
{
    begin_value(json, key);
    tt_buffer_add_byte(json->out, bracket);
    json->comma = false;
}

static void end_container(struct tt_json_writer *json, char bracket)
{
    tt_buffer_add_byte(json->out, bracket);
    json->comma = true;
}

void tt_json_begin_object(struct tt_json_writer *json, const char *key)
{
    begin_container(json, key, '{');
}

void tt_json_end_object(struct tt_json_writer *json)
{
    end_container(json, '}');
}

void tt_json_begin_array(struct tt_json_writer *json, const char *key)
{
    begin_container(json, key, '[');
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
    begin_value(json, NULL);
    tt_buffer_add_byte(json->out, '"');
    tt_buffer_add(json->out, first);
    tt_buffer_add_text(json->out, second);
    tt_buffer_add_text(json->out, "\":");
    json->comma = false;
}

void tt_json_put_string(struct tt_json_writer *json, const char *key, struct tt_slice text)
{
    begin_value(json, key);
    tt_buffer_add_byte(json->out, '"');
    add_text(json->out, text);
    tt_buffer_add_byte(json->out, '"');
}

void tt_json_put_text(struct tt_json_writer *json, const char *key, const char *text)
{
    tt_json_put_string(json, key, tt_slice_text(text));
}

void tt_json_put_raw(struct tt_json_writer *json, const char *key, struct tt_slice raw)
{
    begin_value(json, key);
    char *at = tt_buffer_reserve(json->out, raw.size + 2);
    at[0] = '"';
    if (raw.size > 0)
        memcpy(at + 1, raw.data, raw.size);
    at[raw.size + 1] = '"';
    tt_buffer_grow_by(json->out, raw.size + 2);
}

void tt_json_put_u64(struct tt_json_writer *json, const char *key, uint64_t number)
{
    begin_value(json, key);
    tt_buffer_add_u64(json->out, number);
}

void tt_json_put_bool(struct tt_json_writer *json, const char *key, bool truth)
{
    begin_value(json, key);
    tt_buffer_add_text(json->out, truth ? "true" : "false");
}

void tt_json_put_null(struct tt_json_writer *json, const char *key)
{
    begin_value(json, key);
    tt_buffer_add_text(json->out, "null");
}

void tt_json_put_seq(struct tt_json_writer *json, const char *key, tt_seq seq)
{
    tt_json_put_u64(json, key, seq.n);
}

void tt_json_put_id(struct tt_json_writer *json, const char *key, const tt_id *id)
{
    if (tt_id_is_none(id))
        tt_json_put_null(json, key);
    else
        tt_json_put_raw(json, key, tt_id_slice(id));
}

void tt_json_put_time(struct tt_json_writer *json, const char *key, tt_time time)
{
    if (time.ms == 0) {
        tt_json_put_null(json, key);
        return;
    }
    char text[TT_TIME_TEXT_SIZE];
    tt_time_format(time, text);
    tt_json_put_raw(json, key, tt_slice(text, sizeof(text)));
}
