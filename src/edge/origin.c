#include "edge/origin.h"

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
