#include "net/http1_answer.h"

/* About what the lines are that stand in every answer. */
#define LINES_SIZE 160

static const struct {
    int status;
    const char *reason;
} reasons[] = {
    {100, "Continue"},
    {101, "Switching Protocols"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {304, "Not Modified"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {413, "Content Too Large"},
    {415, "Unsupported Media Type"},
    {417, "Expectation Failed"},
    {422, "Unprocessable Content"},
    {426, "Upgrade Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {503, "Service Unavailable"},
    {505, "HTTP Version Not Supported"},
};

const char *tt_http1_reason(int status)
{
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return "Unknown";
}

bool tt_http1_write_answer(const struct tt_http1_request *request,
                           const struct tt_http1_answer *answer, struct tt_buffer *output)
{
    bool keep_alive = !answer->close && request != NULL && request->keep_alive;
    bool may_have_body = answer->status >= 200 && answer->status != 204 && answer->status != 304;
    TT_ASSERT(answer->status >= 100 && answer->status <= 999);
    bool has_body = may_have_body && (request == NULL || request->method != TT_HTTP1_HEAD);
    (void)tt_buffer_reserve(output,
                            LINES_SIZE + answer->fields.size + (has_body ? answer->body.size : 0));
    tt_buffer_add_text(output, "HTTP/1.1 ");
    tt_buffer_add_u64(output, (uint64_t)answer->status);
    tt_buffer_add_byte(output, ' ');
    tt_buffer_add_text(output, tt_http1_reason(answer->status));
    tt_buffer_add_text(output, "\r\n");
    tt_buffer_add(output, answer->fields);
    if (may_have_body) {
        if (answer->content_type != NULL)
            tt_http1_add_field(output, "Content-Type", tt_slice_text(answer->content_type));
        tt_buffer_add_text(output, "Content-Length: ");
        tt_buffer_add_u64(output, answer->body.size);
        tt_buffer_add_text(output, "\r\n");
    }
    if (!keep_alive)
        tt_buffer_add_text(output, "Connection: close\r\n");
    else if (request->minor == 0)
        tt_buffer_add_text(output, "Connection: keep-alive\r\n");
    tt_buffer_add_text(output, "\r\n");
    if (has_body)
        tt_buffer_add(output, answer->body);
    return keep_alive;
}

void tt_http1_write_continue(struct tt_buffer *output)
{
    tt_buffer_add_text(output, "HTTP/1.1 100 Continue\r\n\r\n");
}
