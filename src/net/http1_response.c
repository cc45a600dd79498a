#include "net/http1_response.h"

#include <http_parser.h>

#include "base/memory.h"

/* The texts of all fields lie one after the other in `text`; where each ends is known before where
 * `text` will lie. */
struct tt_http1_response_reader {
    http_parser parser;
    size_t size_max;
    size_t size;
    struct tt_buffer text;
    struct tt_buffer body;
    size_t name_ends[TT_HTTP1_HEADER_COUNT_MAX];
    size_t value_ends[TT_HTTP1_HEADER_COUNT_MAX];
    size_t field_count;
    bool in_value;
    bool head; /* the request was a HEAD */
    bool whole;
    struct tt_http1_response response;
};

static int on_begin(http_parser *parser)
{
    struct tt_http1_response_reader *reader = parser->data;
    tt_buffer_deinit(&reader->text);
    tt_buffer_deinit(&reader->body);
    reader->size = 0;
    reader->field_count = 0;
    reader->in_value = true;
    return 0;
}

static int on_field(http_parser *parser, const char *data, size_t size)
{
    struct tt_http1_response_reader *reader = parser->data;
    if (reader->in_value) {
        if (reader->field_count == TT_HTTP1_HEADER_COUNT_MAX)
            return 1;
        reader->field_count++;
        reader->in_value = false;
    }
    tt_buffer_add(&reader->text, tt_slice(data, size));
    reader->name_ends[reader->field_count - 1] = reader->text.size;
    reader->value_ends[reader->field_count - 1] = reader->text.size;
    return 0;
}

static int on_value(http_parser *parser, const char *data, size_t size)
{
    struct tt_http1_response_reader *reader = parser->data;
    reader->in_value = true;
    tt_buffer_add(&reader->text, tt_slice(data, size));
    reader->value_ends[reader->field_count - 1] = reader->text.size;
    return 0;
}

static int on_body(http_parser *parser, const char *data, size_t size)
{
    struct tt_http1_response_reader *reader = parser->data;
    tt_buffer_add(&reader->body, tt_slice(data, size));
    return 0;
}

static int on_headers_complete(http_parser *parser)
{
    struct tt_http1_response_reader *reader = parser->data;
    if (parser->status_code == 101)
        return 2;
    return reader->head ? 1 : 0;
}

static void fill_response(struct tt_http1_response_reader *reader)
{
    struct tt_http1_response *response = &reader->response;
    size_t start = 0;
    response->status = reader->parser.status_code;
    response->body = tt_buffer_slice(&reader->body);
    response->field_count = reader->field_count;
    for (size_t i = 0; i < reader->field_count; i++) {
        response->fields[i].name =
            tt_slice(reader->text.data + start, reader->name_ends[i] - start);
        response->fields[i].value = tt_slice(reader->text.data + reader->name_ends[i],
                                             reader->value_ends[i] - reader->name_ends[i]);
        start = reader->value_ends[i];
    }
}

static int on_complete(http_parser *parser)
{
    struct tt_http1_response_reader *reader = parser->data;
    reader->response.keep_alive = http_should_keep_alive(parser) != 0;
    if (parser->status_code == 100)
        return 0;
    reader->whole = true;
    fill_response(reader);
    http_parser_pause(parser, 1);
    return 0;
}

struct tt_http1_response_reader *tt_http1_response_reader_create(size_t size_max)
{
    struct tt_http1_response_reader *reader = tt_alloc(sizeof(*reader));
    http_parser_init(&reader->parser, HTTP_RESPONSE);
    reader->parser.data = reader;
    reader->size_max = size_max;
    return reader;
}

void tt_http1_response_reader_destroy(struct tt_http1_response_reader **take_reader)
{
    tt_buffer_deinit(&(*take_reader)->text);
    tt_buffer_deinit(&(*take_reader)->body);
    tt_free(*take_reader);
    *take_reader = NULL;
}

static tt_err execute(struct tt_http1_response_reader *reader, struct tt_slice bytes,
                      size_t *parsed)
{
    http_parser_settings settings;
    http_parser_settings_init(&settings);
    settings.on_message_begin = on_begin;
    settings.on_header_field = on_field;
    settings.on_header_value = on_value;
    settings.on_headers_complete = on_headers_complete;
    settings.on_body = on_body;
    settings.on_message_complete = on_complete;
    reader->whole = false;
    *parsed = http_parser_execute(&reader->parser, &settings, bytes.data, bytes.size);
    enum http_errno error = HTTP_PARSER_ERRNO(&reader->parser);
    reader->size += *parsed;
    if (error == HPE_PAUSED)
        http_parser_pause(&reader->parser, 0);
    else if (error != HPE_OK)
        return TT_FAIL(INVALID);
    return reader->size > reader->size_max ? TT_FAIL(INVALID) : TT_OK;
}

tt_err tt_http1_response_next(struct tt_http1_response_reader *reader, struct tt_input *input,
                              bool head, const struct tt_http1_response **response)
{
    size_t parsed = 0;
    *response = NULL;
    if (input->size == 0)
        return TT_OK;
    reader->head = head;
    TT_TRY(execute(reader, tt_slice(input->data, input->size), &parsed));
    tt_input_take(input, parsed);
    if (reader->whole)
        *response = &reader->response;
    return TT_OK;
}

tt_err tt_http1_response_end(struct tt_http1_response_reader *reader,
                             const struct tt_http1_response **response)
{
    size_t parsed = 0;
    *response = NULL;
    TT_TRY(execute(reader, TT_SLICE_EMPTY, &parsed));
    if (reader->whole)
        *response = &reader->response;
    return TT_OK;
}

struct tt_slice tt_http1_response_header(const struct tt_http1_response *response, const char *name)
{
    return tt_http1_find(response->fields, response->field_count, name);
}

void tt_http1_write_request(const char *method, struct tt_slice host, struct tt_slice target,
                            struct tt_slice fields, struct tt_slice body, struct tt_buffer *output)
{
    bool has_body = body.size > 0 || strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0;
    tt_buffer_add_text(output, method);
    tt_buffer_add_byte(output, ' ');
    tt_buffer_add(output, target);
    tt_buffer_add_text(output, " HTTP/1.1\r\n");
    tt_http1_add_field(output, "Host", host);
    tt_buffer_add(output, fields);
    if (has_body) {
        tt_buffer_add_text(output, "Content-Length: ");
        tt_buffer_add_u64(output, body.size);
        tt_buffer_add_text(output, "\r\n");
    }
    tt_buffer_add_text(output, "\r\n");
    tt_buffer_add(output, body);
}
