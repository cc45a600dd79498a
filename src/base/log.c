#include "base/log.h"

#include "base/buffer.h"

static const char *const level_names[] = {"error", "warn", "info", "debug"};

static void add_escaped(struct tt_buffer *line, unsigned char byte)
{
    static const char digits[] = "0123456789abcdef";
    if (byte == '"' || byte == '\\') {
        tt_buffer_add_byte(line, '\\');
        tt_buffer_add_byte(line, (char)byte);
    } else if (byte < 0x20 || byte >= 0x7f) {
        tt_buffer_add_text(line, "\\u00");
        tt_buffer_add_byte(line, digits[byte >> 4]);
        tt_buffer_add_byte(line, digits[byte & 15]);
    } else
        tt_buffer_add_byte(line, (char)byte);
}

static void add_quoted(struct tt_buffer *line, struct tt_slice text)
{
    size_t size = text.size < TT_LOG_VALUE_BYTES_MAX ? text.size : TT_LOG_VALUE_BYTES_MAX;
    tt_buffer_add_byte(line, '"');
    for (size_t i = 0; i < size; i++)
        add_escaped(line, (unsigned char)text.data[i]);
    if (size < text.size)
        tt_buffer_add_text(line, "...");
    tt_buffer_add_byte(line, '"');
}

static bool is_plain(struct tt_slice text)
{
    for (size_t i = 0; i < text.size; i++) {
        char byte = text.data[i];
        if (byte <= ' ' || byte >= 0x7f || byte == '"' || byte == '\\' || byte == '=')
            return false;
    }
    return text.size > 0 && text.size <= TT_LOG_VALUE_BYTES_MAX;
}

static void add_field(struct tt_buffer *line, enum tt_log_format format,
                      const struct tt_log_field *field)
{
    if (format == TT_LOG_JSON) {
        tt_buffer_add_byte(line, line->size == 0 ? '{' : ',');
        add_quoted(line, tt_slice_text(field->key));
        tt_buffer_add_byte(line, ':');
    } else {
        if (line->size > 0)
            tt_buffer_add_byte(line, ' ');
        tt_buffer_add_text(line, field->key);
        tt_buffer_add_byte(line, '=');
    }
    if (field->is_number)
        tt_buffer_add_u64(line, field->number);
    else if (format == TT_LOG_TEXT && is_plain(field->text))
        tt_buffer_add(line, field->text);
    else
        add_quoted(line, field->text);
}

void tt_log_write(const struct tt_log *log, enum tt_log_level level, const char *event,
                  const struct tt_log_field *fields)
{
    if (level > log->level)
        return;
    char at[TT_TIME_TEXT_SIZE];
    tt_time_format(log->now(log->context), at);
    const struct tt_log_field head[] = {
        tt_log_slice("at", tt_slice(at, sizeof(at))),
        tt_log_text("level", level_names[level]),
        tt_log_text("event", event),
    };
    struct tt_buffer line = {0};
    for (size_t i = 0; i < sizeof(head) / sizeof(head[0]); i++)
        add_field(&line, log->format, &head[i]);
    for (; fields->key != NULL; fields++)
        add_field(&line, log->format, fields);
    tt_buffer_add_text(&line, log->format == TT_LOG_JSON ? "}\n" : "\n");
    log->sink(log->context, tt_buffer_slice(&line));
    tt_buffer_deinit(&line);
}
