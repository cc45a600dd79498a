#include "net/http1_head.h"

#include <http_parser.h>

bool tt_http1_refuse(struct tt_http1_request *request, int status, const char *problem)
{
    request->status = (uint16_t)status;
    request->problem = problem;
    request->keep_alive = false;
    return false;
}

static bool is_control(char byte)
{
    return (unsigned char)byte < 0x20 || byte == 0x7f;
}

static const char *scan_byte(const struct tt_http1_scan *scan, char byte)
{
    if (byte == '\n')
        return scan->last == '\r' ? NULL : "a line ends without CR";
    if (scan->last == '\r')
        return "a CR stands alone";
    if (byte == '\r')
        return NULL;
    if ((byte == ' ' || byte == '\t') && scan->line_size == 0)
        return "a line is folded or begins with space";
    if (is_control(byte) && byte != '\t')
        return "a control character stands in the header";
    return NULL;
}

/* Whether any of 8 bytes is a control character (also a tab): the usual tricks for "has a byte less
 * than" and "has a zero byte", which may also hit a byte above a true one. */
static bool has_control(uint64_t bytes)
{
    const uint64_t ones = 0x0101010101010101ULL;
    const uint64_t highs = 0x8080808080808080ULL;
    uint64_t delete = bytes ^ (ones * 0x7f);
    uint64_t found = ((bytes - ones * 0x20) & ~bytes) | ((delete - ones) & ~delete);
    return (found & highs) != 0;
}

/* How many bytes go on with a line that has begun, and cannot end it. */
static size_t plain_bytes(const struct tt_http1_scan *scan, struct tt_slice bytes)
{
    size_t size = 0;
    if (scan->line_size == 0 || scan->last == '\r')
        return 0;
    for (uint64_t eight; bytes.size - size >= sizeof(eight); size += sizeof(eight)) {
        memcpy(&eight, bytes.data + size, sizeof(eight));
        if (has_control(eight))
            break;
    }
    while (size < bytes.size && !is_control(bytes.data[size]))
        size++;
    return size;
}

size_t tt_http1_scan(struct tt_http1_scan *scan, struct tt_slice bytes)
{
    for (size_t at = 0; at < bytes.size; at++) {
        at += plain_bytes(scan, tt_slice_from(bytes, at));
        if (at == bytes.size)
            break;
        char byte = bytes.data[at];
        scan->problem = scan_byte(scan, byte);
        if (scan->problem != NULL)
            return at;
        scan->last = byte;
        scan->complete = byte == '\n' && scan->line_size == 0;
        if (scan->complete)
            return at + 1;
        if (byte == '\n')
            scan->line_size = 0;
        else if (byte != '\r' && scan->line_size < UINT8_MAX)
            scan->line_size++;
    }
    return bytes.size;
}

static int on_url(http_parser *parser, const char *data, size_t size)
{
    struct tt_http1_request *request = parser->data;
    request->path = tt_slice(data, size);
    return 0;
}

static int on_field(http_parser *parser, const char *data, size_t size)
{
    struct tt_http1_request *request = parser->data;
    if (request->field_count == TT_HTTP1_HEADER_COUNT_MAX) {
        tt_http1_refuse(request, 431, "there are too many header fields");
        return 1;
    }
    request->fields[request->field_count++] =
        (struct tt_http1_field){.name = tt_slice(data, size), .value = TT_SLICE_EMPTY};
    return 0;
}

static int on_value(http_parser *parser, const char *data, size_t size)
{
    struct tt_http1_request *request = parser->data;
    while (size > 0 && (data[size - 1] == ' ' || data[size - 1] == '\t'))
        size--;
    request->fields[request->field_count - 1].value = tt_slice(data, size);
    return 0;
}

/* The body is not http_parser's: its lenient mode takes chunks that end anyhow. */
static int on_headers_complete(http_parser *parser)
{
    struct tt_http1_request *request = parser->data;
    request->keep_alive = http_should_keep_alive(parser) != 0;
    return 1;
}

static enum tt_http1_method method_of(unsigned method)
{
    switch (method) {
    case HTTP_GET:
        return TT_HTTP1_GET;
    case HTTP_HEAD:
        return TT_HTTP1_HEAD;
    case HTTP_POST:
        return TT_HTTP1_POST;
    case HTTP_PUT:
        return TT_HTTP1_PUT;
    case HTTP_DELETE:
        return TT_HTTP1_DELETE;
    case HTTP_OPTIONS:
        return TT_HTTP1_OPTIONS;
    default:
        return TT_HTTP1_OTHER;
    }
}

static bool refuse_target(struct tt_http1_request *request)
{
    return tt_http1_refuse(request, 400, "the request target is malformed");
}

/* A path, and perhaps a query (RFC 9112, 3.2.1); the parser has looked at its bytes. */
static bool read_origin_form(struct tt_http1_request *request, struct tt_slice target)
{
    request->query = target;
    request->path = tt_slice_take_until(&request->query, '?');
    return true;
}

static bool read_target(struct tt_http1_request *request, bool connect)
{
    struct tt_slice target = request->path;
    struct http_parser_url url;
    request->path = TT_SLICE_EMPTY;
    if (connect)
        return true;
    if (target.size == 0 || memchr(target.data, '#', target.size) != NULL)
        return refuse_target(request);
    if (target.data[0] == '/')
        return read_origin_form(request, target);
    http_parser_url_init(&url);
    if (http_parser_parse_url(target.data, target.size, 0, &url) != 0 ||
        (url.field_set & 1 << UF_USERINFO) != 0)
        return refuse_target(request);
    if ((url.field_set & 1 << UF_PATH) == 0)
        request->path = TT_SLICE_LITERAL("/");
    else
        request->path =
            tt_slice(target.data + url.field_data[UF_PATH].off, url.field_data[UF_PATH].len);
    if ((url.field_set & 1 << UF_QUERY) != 0)
        request->query =
            tt_slice(target.data + url.field_data[UF_QUERY].off, url.field_data[UF_QUERY].len);
    return true;
}

static bool is_alphanumeric(char byte)
{
    return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= 'a' && byte <= 'z');
}

static bool consists_of(struct tt_slice text, const char *others)
{
    for (size_t i = 0; i < text.size; i++)
        if (!is_alphanumeric(text.data[i]) &&
            (text.data[i] == '\0' || strchr(others, text.data[i]) == NULL))
            return false;
    return true;
}

static bool check_names(struct tt_http1_request *request)
{
    for (size_t i = 0; i < request->field_count; i++)
        if (request->fields[i].name.size == 0 ||
            !consists_of(request->fields[i].name, "!#$%&'*+-.^_`|~"))
            return tt_http1_refuse(request, 400, "a header field's name is malformed");
    return true;
}

static bool check_host(struct tt_http1_request *request)
{
    size_t count = tt_http1_header_count(request, "host");
    if (count > 1 || (count == 0 && request->minor > 0))
        return tt_http1_refuse(request, 400, "a request has exactly one Host field");
    if (!consists_of(tt_http1_header(request, "host"), "-._~:[]%!$&'()*+,;="))
        return tt_http1_refuse(request, 400, "the Host field is malformed");
    return true;
}

static bool read_length(struct tt_slice text, uint64_t *length)
{
    *length = 0;
    if (text.size == 0)
        return false;
    for (size_t i = 0; i < text.size; i++) {
        unsigned digit = (unsigned char)text.data[i] - (unsigned)'0';
        if (digit > 9 || *length > (INT64_MAX - 9) / 10)
            return false;
        *length = *length * 10 + digit;
    }
    return true;
}

static bool read_framing(struct tt_http1_request *request, struct tt_http1_framing *framing)
{
    size_t lengths = tt_http1_header_count(request, "content-length");
    size_t codings = tt_http1_header_count(request, "transfer-encoding");
    if (lengths + codings > 1)
        return tt_http1_refuse(request, 400,
                               "the body's length is given twice (Content-Length, "
                               "Transfer-Encoding)");
    if (lengths == 1 &&
        !read_length(tt_http1_header(request, "content-length"), &framing->body_size))
        return tt_http1_refuse(request, 400, "the Content-Length is no number");
    if (codings == 1 && request->minor == 0)
        return tt_http1_refuse(request, 400, "HTTP/1.0 has no Transfer-Encoding");
    framing->chunked = codings == 1;
    if (codings == 1 && !tt_http1_is(tt_http1_header(request, "transfer-encoding"), "chunked"))
        return tt_http1_refuse(request, 501, "the only Transfer-Encoding known here is chunked");
    struct tt_slice expect = tt_http1_header(request, "expect");
    framing->expects_continue = request->minor > 0 && tt_http1_is(expect, "100-continue");
    if (expect.size > 0 && request->minor > 0 && !framing->expects_continue)
        return tt_http1_refuse(request, 417, "the only Expect known here is 100-continue");
    return true;
}

/* METHOD SP TARGET SP HTTP/D.D: the lenient http_parser would let HTPP pass, and more spaces. */
static bool check_request_line(struct tt_slice head, struct tt_http1_request *request)
{
    const char *end = memchr(head.data, '\r', head.size);
    size_t size = end != NULL ? (size_t)(end - head.data) : 0;
    size_t spaces = 0;
    for (size_t i = 0; i < size; i++)
        spaces += head.data[i] == ' ';
    if (spaces != 2 || size < sizeof(" HTTP/1.1") ||
        memcmp(end - strlen(" HTTP/1.1"), " HTTP/", strlen(" HTTP/")) != 0)
        return tt_http1_refuse(request, 400, "the request line is malformed");
    return true;
}

static bool run_parser(struct tt_slice head, struct tt_http1_request *request, http_parser *parser)
{
    http_parser_settings settings;
    http_parser_settings_init(&settings);
    settings.on_url = on_url;
    settings.on_header_field = on_field;
    settings.on_header_value = on_value;
    settings.on_headers_complete = on_headers_complete;
    http_parser_init(parser, HTTP_REQUEST);
    parser->data = request;
    size_t parsed = http_parser_execute(parser, &settings, head.data, head.size);
    if (request->status != 0)
        return false;
    enum http_errno error = HTTP_PARSER_ERRNO(parser);
    if (error == HPE_INVALID_METHOD)
        return tt_http1_refuse(request, 501, "this method is unknown");
    if (error == HPE_INVALID_VERSION)
        return tt_http1_refuse(request, 505, "only HTTP/1.0 and HTTP/1.1 are spoken here");
    if (error == HPE_INVALID_TRANSFER_ENCODING)
        return tt_http1_refuse(request, 501, "the only Transfer-Encoding known here is chunked");
    if (error != HPE_OK || parsed != head.size)
        return tt_http1_refuse(request, 400, http_errno_description(error));
    if (parser->http_major != 1)
        return tt_http1_refuse(request, 505, "only HTTP/1.0 and HTTP/1.1 are spoken here");
    return true;
}

bool tt_http1_read_head(struct tt_slice head, struct tt_http1_request *request,
                        struct tt_http1_framing *framing)
{
    http_parser parser;
    memset(request, 0, offsetof(struct tt_http1_request, fields));
    *framing = (struct tt_http1_framing){0};
    if (!check_request_line(head, request) || !run_parser(head, request, &parser))
        return false;
    request->minor = parser.http_minor > 0;
    request->method = method_of(parser.method);
    return read_target(request, parser.method == HTTP_CONNECT) && check_names(request) &&
           check_host(request) && read_framing(request, framing);
}
