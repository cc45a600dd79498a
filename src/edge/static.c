#include "edge/static.h"

/*
 * Nothing but the program's own files may run, style, load or be talked to; no markup may become
 * script (trusted types), no page may frame this one.
 */
#define POLICY                                                                                     \
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "              \
    "connect-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; "                \
    "form-action 'none'; frame-ancestors 'none'; trusted-types twoticks; "                         \
    "require-trusted-types-for 'script'"

const struct tt_static_file *tt_static_find(const struct tt_static_files *files,
                                            struct tt_slice path)
{
    if (tt_slice_eq(path, TT_SLICE_LITERAL("/")))
        path = TT_SLICE_LITERAL("/index.html");
    size_t low = 0;
    size_t high = files->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = tt_slice_compare(path, tt_slice_text(files->files[middle].path));
        if (order == 0)
            return &files->files[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

/* "br;q=0" forbids it; any other weight is a yes. */
static bool is_zero_weight(struct tt_slice parameters)
{
    bool after_equals = false;
    for (size_t i = 0; i < parameters.size; i++) {
        char byte = parameters.data[i];
        if (byte == '=')
            after_equals = true;
        else if (after_equals && byte >= '1' && byte <= '9')
            return false;
    }
    return after_equals;
}

static struct tt_slice trim_end(struct tt_slice text)
{
    while (text.size > 0 && (text.data[text.size - 1] == ' ' || text.data[text.size - 1] == '\t'))
        text.size--;
    return text;
}

static bool accepts(const struct tt_http1_request *request, const char *coding)
{
    struct tt_slice list = tt_http1_header(request, "accept-encoding");
    struct tt_slice element;
    while (tt_http1_next_element(&list, &element)) {
        const char *semicolon = element.size > 0 ? memchr(element.data, ';', element.size) : NULL;
        size_t size = semicolon == NULL ? element.size : (size_t)(semicolon - element.data);
        if (tt_http1_is(trim_end(tt_slice(element.data, size)), coding))
            return semicolon == NULL || !is_zero_weight(tt_slice_from(element, size));
    }
    return false;
}

/* If-None-Match compares weakly: W/"x" is "x". */
static bool is_known(const struct tt_http1_request *request, const char *etag)
{
    struct tt_slice list = tt_http1_header(request, "if-none-match");
    struct tt_slice element;
    while (tt_http1_next_element(&list, &element)) {
        if (element.size > 2 && element.data[0] == 'W' && element.data[1] == '/')
            element = tt_slice_from(element, 2);
        if (tt_slice_eq(element, TT_SLICE_LITERAL("*")) ||
            tt_slice_eq(element, tt_slice_text(etag)))
            return true;
    }
    return false;
}

static void add(struct tt_buffer *fields, const char *name, const char *value)
{
    tt_http1_add_field(fields, name, tt_slice_text(value));
}

int tt_static_answer(const struct tt_static_file *file, const struct tt_http1_request *request,
                     struct tt_buffer *fields, struct tt_slice *body)
{
    add(fields, "Cache-Control",
        file->immutable ? "public, max-age=31536000, immutable" : "no-cache");
    add(fields, "ETag", file->etag);
    add(fields, "Vary", "Accept-Encoding");
    add(fields, "Content-Security-Policy", POLICY);
    add(fields, "Referrer-Policy", "no-referrer");
    add(fields, "Cross-Origin-Opener-Policy", "same-origin");
    add(fields, "Cross-Origin-Resource-Policy", "same-origin");
    *body = TT_SLICE_EMPTY;
    if (is_known(request, file->etag))
        return 304;
    *body = file->plain;
    if (file->brotli.size > 0 && accepts(request, "br")) {
        *body = file->brotli;
        add(fields, "Content-Encoding", "br");
    } else if (file->gzip.size > 0 && accepts(request, "gzip")) {
        *body = file->gzip;
        add(fields, "Content-Encoding", "gzip");
    }
    return 200;
}
