#include "edge/origin.h"

static bool is_letter(char byte)
{
    return byte >= 'a' && byte <= 'z';
}

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

static bool is_host_byte(char byte)
{
    return is_letter(byte) || is_digit(byte) || byte == '-' || byte == '.' || byte == '_';
}

static bool is_scheme(struct tt_slice text)
{
    for (size_t i = 0; i < text.size; i++) {
        char byte = text.data[i];
        if (!is_letter(byte) &&
            (i == 0 || !(is_digit(byte) || byte == '+' || byte == '-' || byte == '.')))
            return false;
    }
    return text.size > 0;
}

/* An address of IPv6 stands in brackets. */
static bool is_host(struct tt_slice text)
{
    bool in_brackets = text.size > 2 && text.data[0] == '[' && text.data[text.size - 1] == ']';
    if (in_brackets)
        text = tt_slice(text.data + 1, text.size - 2);
    for (size_t i = 0; i < text.size; i++) {
        char byte = text.data[i];
        bool good = in_brackets ? is_digit(byte) || (byte >= 'a' && byte <= 'f') || byte == ':'
                                : is_host_byte(byte);
        if (!good)
            return false;
    }
    return text.size > 0;
}

static bool is_port(struct tt_slice text, struct tt_slice scheme)
{
    uint32_t port = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (!is_digit(text.data[i]) || text.data[0] == '0' || port > UINT16_MAX)
            return false;
        port = port * 10 + (uint32_t)(text.data[i] - '0');
    }
    bool is_own = (port == 443 && tt_slice_eq(scheme, TT_SLICE_LITERAL("https"))) ||
                  (port == 80 && tt_slice_eq(scheme, TT_SLICE_LITERAL("http")));
    return port > 0 && port <= UINT16_MAX && !is_own;
}

bool tt_origin_is_one(struct tt_slice text)
{
    const char *colon = text.size > 0 ? memchr(text.data, ':', text.size) : NULL;
    if (colon == NULL)
        return false;
    struct tt_slice scheme = tt_slice(text.data, (size_t)(colon - text.data));
    struct tt_slice rest = tt_slice_from(text, scheme.size);
    if (!is_scheme(scheme) || rest.size < 3 || memcmp(rest.data, "://", 3) != 0)
        return false;
    struct tt_slice host = tt_slice_from(rest, 3);
    size_t digits = 0;
    while (digits < host.size && is_digit(host.data[host.size - 1 - digits]))
        digits++;
    size_t before = host.size - digits;
    bool has_port = before > 0 && host.data[before - 1] == ':';
    return has_port ? is_host(tt_slice(host.data, before - 1)) &&
                          is_port(tt_slice_from(host, before), scheme)
                    : is_host(host);
}

static char lower(char byte)
{
    if (byte >= 'A' && byte <= 'Z')
        return (char)(byte - 'A' + 'a');
    return byte;
}

static bool same_host(struct tt_slice a, struct tt_slice b)
{
    if (a.size != b.size || a.size == 0)
        return false;
    for (size_t i = 0; i < a.size; i++)
        if (lower(a.data[i]) != lower(b.data[i]))
            return false;
    return true;
}

static bool is_own(struct tt_slice origin, const struct tt_http1_request *request, bool https)
{
    static const char *const schemes[] = {"https://", "http://"};
    struct tt_slice host = tt_http1_header(request, "host");
    for (size_t i = 0; i < (https ? 1 : sizeof(schemes) / sizeof(schemes[0])); i++) {
        struct tt_slice scheme = tt_slice_text(schemes[i]);
        if (origin.size > scheme.size && tt_slice_eq(tt_slice(origin.data, scheme.size), scheme) &&
            same_host(tt_slice_from(origin, scheme.size), host))
            return true;
    }
    return false;
}

static bool is_listed(const struct tt_origins *origins, struct tt_slice origin)
{
    for (size_t i = 0; i < origins->count; i++)
        if (origin.size > 0 && tt_slice_eq(origins->allowed[i], origin))
            return true;
    return false;
}

bool tt_origin_is_allowed(const struct tt_origins *origins, const struct tt_http1_request *request,
                          bool https)
{
    struct tt_slice origin = tt_http1_header(request, "origin");
    if (tt_http1_header_count(request, "origin") != 1)
        return false;
    return is_own(origin, request, https) || is_listed(origins, origin);
}

void tt_origin_add_fields(const struct tt_origins *origins, const struct tt_http1_request *request,
                          struct tt_buffer *fields)
{
    struct tt_slice origin = tt_http1_header(request, "origin");
    if (origins->count > 0)
        tt_http1_add_field(fields, "Vary", TT_SLICE_LITERAL("Origin"));
    if (!is_listed(origins, origin))
        return;
    tt_http1_add_field(fields, "Access-Control-Allow-Origin", origin);
    tt_http1_add_field(fields, "Access-Control-Allow-Credentials", TT_SLICE_LITERAL("true"));
    tt_http1_add_field(fields, "Access-Control-Expose-Headers", TT_SLICE_LITERAL("Retry-After"));
}

void tt_origin_add_preflight_fields(const struct tt_origins *origins,
                                    const struct tt_http1_request *request, struct tt_slice methods,
                                    struct tt_buffer *fields)
{
    tt_origin_add_fields(origins, request, fields);
    if (!is_listed(origins, tt_http1_header(request, "origin")))
        return;
    tt_http1_add_field(fields, "Access-Control-Allow-Methods", methods);
    tt_http1_add_field(fields, "Access-Control-Allow-Headers",
                       TT_SLICE_LITERAL("Authorization, Content-Type"));
    tt_http1_add_field(fields, "Access-Control-Max-Age", TT_SLICE_LITERAL("600"));
}
