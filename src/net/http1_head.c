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

/* The characters of tokens (RFC 9110, 5.6.2), of hosts with their ports (RFC 3986, 3.2.2), and of
 * request targets (RFC 9112, 3.2): all that are visible, as browsers leave some unencoded, but no
 * fragment. */
enum { IN_TOKEN = 1, IN_HOST = 2, IN_TARGET = 4 };

/* The sum of these for each byte, 32 in a row. */
static const char kinds[] = "00000000000000000000000000000000"
                            "07417777667767747777777777664644"
                            "47777777777777777777777777764657"
                            "57777777777777777777777777745470"
                            "00000000000000000000000000000000"
                            "00000000000000000000000000000000"
                            "00000000000000000000000000000000"
                            "00000000000000000000000000000000";

static bool consists_of(struct tt_slice text, int kind)
{
    int all = kind;
    for (size_t i = 0; i < text.size; i++) /* a digit's lowest bits are its value */
        all &= kinds[(unsigned char)text.data[i]];
    return all == kind;
}

static const struct {
    const char *name;
    enum tt_http1_method method;
} methods[] = {
    {"GET", TT_HTTP1_GET},     {"POST", TT_HTTP1_POST},     {"HEAD", TT_HTTP1_HEAD},
    {"PUT", TT_HTTP1_PUT},     {"DELETE", TT_HTTP1_DELETE}, {"OPTIONS", TT_HTTP1_OPTIONS},
    {"PATCH", TT_HTTP1_OTHER}, {"CONNECT", TT_HTTP1_OTHER}, {"TRACE", TT_HTTP1_OTHER},
};

static bool refuse_target(struct tt_http1_request *request)
{
    return tt_http1_refuse(request, 400, "the request target is malformed");
}

/* A path, and perhaps a query (RFC 9112, 3.2.1). */
static bool read_origin_form(struct tt_http1_request *request, struct tt_slice target)
{
    request->query = target;
    request->path = tt_slice_take_until(&request->query, '?');
    return true;
}

static bool read_target(struct tt_http1_request *request, struct tt_slice target, bool connect)
{
    struct http_parser_url url;
    if (target.size == 0 || !consists_of(target, IN_TARGET))
        return refuse_target(request);
    if (connect) /* host and port: nothing that is here */
        return true;
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

static bool check_host(struct tt_http1_request *request)
{
    size_t count = tt_http1_header_count(request, "host");
    if (count > 1 || (count == 0 && request->minor > 0))
        return tt_http1_refuse(request, 400, "a request has exactly one Host field");
    if (!consists_of(tt_http1_header(request, "host"), IN_HOST))
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

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

/* "D.D" */
static bool read_version(struct tt_http1_request *request, struct tt_slice version)
{
    if (version.data[0] != '1' || version.data[1] != '.' || !is_digit(version.data[2]))
        return tt_http1_refuse(request, 505, "only HTTP/1.0 and HTTP/1.1 are spoken here");
    request->minor = version.data[2] > '0';
    return true;
}

static bool read_method(struct tt_http1_request *request, struct tt_slice name)
{
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        if (tt_slice_eq(name, tt_slice_text(methods[i].name))) {
            request->method = methods[i].method;
            return true;
        }
    }
    return tt_http1_refuse(request, 501, "this method is unknown");
}

/* METHOD SP TARGET SP HTTP/D.D */
static bool read_request_line(struct tt_http1_request *request, struct tt_slice line)
{
    static const char before_version[] = " HTTP/";
    const size_t end_size = sizeof(before_version) - 1 + sizeof("1.1") - 1;
    struct tt_slice target = line;
    struct tt_slice method = tt_slice_take_until(&target, ' ');
    if (target.size < end_size ||
        memcmp(target.data + target.size - end_size, before_version, sizeof(before_version) - 1) !=
            0 ||
        memchr(target.data, ' ', target.size - end_size) != NULL)
        return tt_http1_refuse(request, 400, "the request line is malformed");
    target.size -= end_size;
    struct tt_slice version = tt_slice(target.data + target.size + sizeof(before_version) - 1, 3);
    return read_method(request, method) &&
           read_target(request, target, tt_slice_eq(method, TT_SLICE_LITERAL("CONNECT"))) &&
           read_version(request, version);
}

static bool read_field(struct tt_http1_request *request, struct tt_slice line)
{
    if (request->field_count == TT_HTTP1_HEADER_COUNT_MAX)
        return tt_http1_refuse(request, 431, "there are too many header fields");
    const char *colon = memchr(line.data, ':', line.size);
    size_t name_size = colon == NULL ? 0 : (size_t)(colon - line.data);
    struct tt_slice name = tt_slice(line.data, name_size);
    if (name_size == 0 || !consists_of(name, IN_TOKEN))
        return tt_http1_refuse(request, 400, "a header field's name is malformed");
    request->fields[request->field_count++] = (struct tt_http1_field){
        .name = name, .value = tt_http1_trim(tt_slice_from(line, name_size + 1))};
    return true;
}

/* A head that was scanned: all its lines end with CR LF, which stand nowhere else in it. */
static struct tt_slice take_line(struct tt_slice *head)
{
    struct tt_slice line = tt_slice_take_until(head, '\r');
    *head = tt_slice_from(*head, 1);
    return line;
}

/* RFC 9112, 9.3 */
static bool keeps_alive(const struct tt_http1_request *request)
{
    bool keep_alive = false;
    for (size_t i = 0; i < request->field_count; i++) {
        const struct tt_http1_field *field = &request->fields[i];
        if (!tt_http1_is(field->name, "connection"))
            continue;
        if (tt_http1_has_token(field->value, "close"))
            return false;
        keep_alive = keep_alive || tt_http1_has_token(field->value, "keep-alive");
    }
    return request->minor > 0 || keep_alive;
}

bool tt_http1_read_head(struct tt_slice head, struct tt_http1_request *request,
                        struct tt_http1_framing *framing)
{
    memset(request, 0, offsetof(struct tt_http1_request, fields));
    *framing = (struct tt_http1_framing){0};
    if (!read_request_line(request, take_line(&head)))
        return false;
    for (struct tt_slice line = take_line(&head); line.size > 0; line = take_line(&head))
        if (!read_field(request, line))
            return false;
    if (!check_host(request) || !read_framing(request, framing))
        return false;
    request->keep_alive = keeps_alive(request);
    return true;
}
