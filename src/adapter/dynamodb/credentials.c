#include "adapter/dynamodb/credentials.h"

#include "base/json.h"

static struct tt_slice plain(struct tt_json value, struct tt_arena *arena)
{
    if (value.kind != TT_JSON_STRING)
        return TT_SLICE_EMPTY;
    struct tt_buffer text = {0};
    tt_json_unescape(value.text, &text);
    struct tt_slice copy = tt_arena_copy(arena, tt_buffer_slice(&text));
    tt_buffer_deinit(&text);
    return copy;
}

tt_err tt_aws_read_json(struct tt_slice text, struct tt_arena *arena,
                        struct tt_aws_credentials *credentials)
{
    static const char *const keys[] = {"AccessKeyId", "SecretAccessKey", "Token", "SessionToken",
                                       "Expiration"};
    struct tt_json values[5];
    if (!tt_is_ok(tt_json_read_object(text, keys, 5, values)))
        return TT_FAIL(CORRUPT);
    struct tt_aws_credentials found = {
        .access_key = plain(values[0], arena),
        .secret = plain(values[1], arena),
        .session_token = plain(values[2].kind == TT_JSON_STRING ? values[2] : values[3], arena),
    };
    if (found.access_key.size == 0 || found.secret.size == 0)
        return TT_FAIL(CORRUPT);
    if (values[4].kind == TT_JSON_STRING &&
        !tt_is_ok(tt_json_get_time(values[4], &found.expires_at)))
        return TT_FAIL(CORRUPT);
    *credentials = found;
    return TT_OK;
}

/* The text of the first such element. STS writes no attributes and no entities into these. */
static struct tt_slice element(struct tt_slice xml, const char *name)
{
    struct tt_buffer tag = {0};
    tt_buffer_add_byte(&tag, '<');
    tt_buffer_add_text(&tag, name);
    tt_buffer_add_byte(&tag, '>');
    const char *start = xml.size == 0 ? NULL : memmem(xml.data, xml.size, tag.data, tag.size);
    struct tt_slice found = TT_SLICE_EMPTY;
    if (start != NULL) {
        start += tag.size;
        const char *end = memchr(start, '<', (size_t)(xml.data + xml.size - start));
        if (end != NULL)
            found = tt_slice(start, (size_t)(end - start));
    }
    tt_buffer_deinit(&tag);
    return found;
}

tt_err tt_aws_read_sts(struct tt_slice text, struct tt_arena *arena,
                       struct tt_aws_credentials *credentials)
{
    struct tt_aws_credentials found = {
        .access_key = tt_arena_copy(arena, element(text, "AccessKeyId")),
        .secret = tt_arena_copy(arena, element(text, "SecretAccessKey")),
        .session_token = tt_arena_copy(arena, element(text, "SessionToken")),
    };
    if (found.access_key.size == 0 || found.secret.size == 0 || found.session_token.size == 0 ||
        !tt_is_ok(tt_time_parse(element(text, "Expiration"), &found.expires_at)))
        return TT_FAIL(CORRUPT);
    *credentials = found;
    return TT_OK;
}

static struct tt_slice trimmed(struct tt_slice text)
{
    while (text.size > 0 && (text.data[0] == ' ' || text.data[0] == '\t'))
        text = tt_slice_from(text, 1);
    while (text.size > 0 && (text.data[text.size - 1] == ' ' || text.data[text.size - 1] == '\t' ||
                             text.data[text.size - 1] == '\r'))
        text.size--;
    return text;
}

/* "[default]", "[name]" and "[profile name]". */
static bool is_section(struct tt_slice line, struct tt_slice profile)
{
    if (line.size < 2 || line.data[line.size - 1] != ']')
        return false;
    struct tt_slice name = trimmed(tt_slice(line.data + 1, line.size - 2));
    if (name.size > 8 && memcmp(name.data, "profile ", 8) == 0)
        name = trimmed(tt_slice_from(name, 8));
    return tt_slice_eq(name, profile);
}

struct tt_slice tt_aws_profile_value(struct tt_slice file, struct tt_slice profile, const char *key)
{
    bool inside = false;
    while (file.size > 0) {
        struct tt_slice line = tt_slice_take_until(&file, '\n');
        bool nested = line.size > 0 && (line.data[0] == ' ' || line.data[0] == '\t');
        line = trimmed(line);
        if (line.size == 0 || line.data[0] == '#' || line.data[0] == ';')
            continue;
        if (line.data[0] == '[') {
            inside = is_section(line, profile);
            continue;
        }
        const char *equals = memchr(line.data, '=', line.size);
        if (!inside || nested || equals == NULL)
            continue;
        struct tt_slice name = trimmed(tt_slice(line.data, (size_t)(equals - line.data)));
        if (tt_slice_eq(name, tt_slice_text(key)))
            return trimmed(tt_slice_from(line, (size_t)(equals + 1 - line.data)));
    }
    return TT_SLICE_EMPTY;
}

struct tt_slice tt_aws_encode(struct tt_slice text, struct tt_arena *arena)
{
    static const char digits[] = "0123456789ABCDEF";
    char *out = tt_arena_alloc(arena, text.size * 3 + 1);
    size_t size = 0;
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
            c == '-' || c == '.' || c == '_' || c == '~') {
            out[size++] = c;
            continue;
        }
        out[size++] = '%';
        out[size++] = digits[(unsigned char)c >> 4];
        out[size++] = digits[(unsigned char)c & 15];
    }
    return tt_slice(out, size);
}
