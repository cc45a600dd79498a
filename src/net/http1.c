#include "net/http1.h"

#include "base/memory.h"
#include "net/http1_head.h"

/* A chunk's size line with its extensions, which nobody sends and which are ignored. */
#define CHUNK_LINE_SIZE_MAX 256

enum chunk_state {
    CHUNK_SIZE,
    CHUNK_EXTENSION,
    CHUNK_SIZE_LF,
    CHUNK_DATA,
    CHUNK_DATA_CR,
    CHUNK_DATA_LF,
    CHUNK_TRAILER,
};

struct tt_http1_progress {
    enum tt_http1_phase phase;
    tt_mono started_at;
    struct tt_buffer kept;
    size_t kept_used;
    struct tt_buffer head;
    struct tt_http1_scan scan; /* of the head, then of the trailer */
    struct tt_http1_framing framing;
    bool skipped_line;
    struct tt_buffer body;
    enum chunk_state chunk_state;
    uint64_t chunk_left;
    size_t chunk_digits;
    size_t line_size;                /* of a chunk's size line, or of the whole trailer */
    struct tt_http1_request request; /* at the end, with its fields, which are not zeroed */
};

static struct tt_http1_progress *begin_progress(void)
{
    struct tt_http1_progress *progress = tt_grow(NULL, 1, sizeof(*progress));
    memset(progress, 0, offsetof(struct tt_http1_progress, request.fields));
    return progress;
}

void tt_http1_init(struct tt_http1 *http, const struct tt_http1_limits *limits)
{
    TT_ASSERT(limits->head_size_max <= UINT16_MAX);
    *http = (struct tt_http1){.limits = limits};
}

void tt_http1_deinit(struct tt_http1 *http)
{
    if (http->progress == NULL)
        return;
    tt_buffer_deinit(&http->progress->kept);
    tt_buffer_deinit(&http->progress->head);
    tt_buffer_deinit(&http->progress->body);
    tt_free(http->progress);
    http->progress = NULL;
}

static bool whole(struct tt_http1_progress *progress)
{
    progress->request.body = tt_buffer_slice(&progress->body);
    progress->phase = TT_HTTP1_ANSWERING;
    return true;
}

static bool refuse(struct tt_http1_progress *progress, int status, const char *problem)
{
    tt_http1_refuse(&progress->request, status, problem);
    progress->phase = TT_HTTP1_ANSWERING;
    return true;
}

/* All these: true when the request is whole or refused. */
static bool end_head(struct tt_http1 *http)
{
    struct tt_http1_progress *progress = http->progress;
    if (!tt_http1_read_head(tt_buffer_slice(&progress->head), &progress->request,
                            &progress->framing)) {
        progress->phase = TT_HTTP1_ANSWERING;
        return true;
    }
    progress->scan = (struct tt_http1_scan){0};
    progress->phase = TT_HTTP1_BODY_COMING;
    if (progress->framing.body_size > http->limits->body_size_max)
        return refuse(progress, 413, "the body is larger than this server allows");
    return !progress->framing.chunked && progress->framing.body_size == 0 && whole(progress);
}

static bool take_head(struct tt_http1 *http, struct tt_input *input)
{
    struct tt_http1_progress *progress = http->progress;
    size_t taken = tt_http1_scan(&progress->scan, tt_slice(input->data, input->size));
    if (progress->scan.problem != NULL)
        return refuse(progress, 400, progress->scan.problem);
    if (progress->head.size + taken > http->limits->head_size_max)
        return refuse(progress, 431, "the request's header is larger than this server allows");
    tt_buffer_add(&progress->head, tt_slice(input->data, taken));
    tt_input_take(input, taken);
    if (!progress->scan.complete)
        return false;
    if (progress->head.size > 2)
        return end_head(http);
    if (progress->skipped_line)
        return refuse(progress, 400, "there is no request line");
    progress->skipped_line = true; /* one empty line before a request is for old clients' sake */
    progress->scan = (struct tt_http1_scan){0};
    tt_buffer_deinit(&progress->head);
    return false;
}

static bool take_sized_body(struct tt_http1_progress *progress, struct tt_input *input)
{
    uint64_t missing = progress->framing.body_size - progress->body.size;
    size_t size = missing < input->size ? (size_t)missing : input->size;
    tt_buffer_add(&progress->body, tt_slice(input->data, size));
    tt_input_take(input, size);
    return progress->body.size == progress->framing.body_size && whole(progress);
}

static int hex_of(char byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    if (byte >= 'a' && byte <= 'f')
        return byte - 'a' + 10;
    if (byte >= 'A' && byte <= 'F')
        return byte - 'A' + 10;
    return -1;
}

/* One byte of a chunk's framing. */
static bool take_chunk_byte(struct tt_http1 *http, char byte)
{
    struct tt_http1_progress *progress = http->progress;
    static const char malformed[] = "a chunk is malformed";
    int digit = hex_of(byte);
    if (++progress->line_size > CHUNK_LINE_SIZE_MAX)
        return refuse(progress, 400, malformed);
    switch (progress->chunk_state) {
    case CHUNK_SIZE:
        if (digit >= 0) {
            progress->chunk_digits++;
            progress->chunk_left = progress->chunk_left << 4 | (unsigned)digit;
            if (progress->chunk_left > http->limits->body_size_max - progress->body.size)
                return refuse(progress, 413, "the body is larger than this server allows");
            return false;
        }
        if (progress->chunk_digits == 0 || (byte != '\r' && byte != ';'))
            return refuse(progress, 400, malformed);
        progress->chunk_state = byte == '\r' ? CHUNK_SIZE_LF : CHUNK_EXTENSION;
        return false;
    case CHUNK_EXTENSION:
        if (byte == '\r')
            progress->chunk_state = CHUNK_SIZE_LF;
        else if (((unsigned char)byte < 0x20 && byte != '\t') || byte == 0x7f)
            return refuse(progress, 400, malformed);
        return false;
    case CHUNK_SIZE_LF:
        if (byte != '\n')
            return refuse(progress, 400, malformed);
        progress->chunk_state = progress->chunk_left > 0 ? CHUNK_DATA : CHUNK_TRAILER;
        progress->line_size = 0;
        return false;
    case CHUNK_DATA_CR:
        progress->chunk_state = CHUNK_DATA_LF;
        return byte != '\r' && refuse(progress, 400, malformed);
    case CHUNK_DATA_LF:
        progress->chunk_state = CHUNK_SIZE;
        progress->chunk_digits = 0;
        progress->line_size = 0;
        return byte != '\n' && refuse(progress, 400, malformed);
    case CHUNK_DATA:
    case CHUNK_TRAILER:
        break;
    }
    TT_ASSERT(false);
    return true;
}

static bool take_trailer(struct tt_http1 *http, struct tt_input *input)
{
    struct tt_http1_progress *progress = http->progress;
    size_t taken = tt_http1_scan(&progress->scan, tt_slice(input->data, input->size));
    progress->line_size += taken;
    if (progress->scan.problem != NULL)
        return refuse(progress, 400, progress->scan.problem);
    if (progress->line_size > http->limits->head_size_max)
        return refuse(progress, 431, "the request's trailer is larger than this server allows");
    tt_input_take(input, taken);
    return progress->scan.complete && whole(progress);
}

static bool take_chunked_body(struct tt_http1 *http, struct tt_input *input)
{
    struct tt_http1_progress *progress = http->progress;
    while (input->size > 0) {
        if (progress->chunk_state == CHUNK_TRAILER)
            return take_trailer(http, input);
        if (progress->chunk_state == CHUNK_DATA) {
            size_t left = (size_t)progress->chunk_left;
            size_t size = left < input->size ? left : input->size;
            tt_buffer_add(&progress->body, tt_slice(input->data, size));
            tt_input_take(input, size);
            progress->chunk_left -= size;
            if (progress->chunk_left == 0)
                progress->chunk_state = CHUNK_DATA_CR;
            continue;
        }
        char byte = input->data[0];
        tt_input_take(input, 1);
        if (take_chunk_byte(http, byte))
            return true;
    }
    return false;
}

static bool take(struct tt_http1 *http, struct tt_input *input)
{
    struct tt_http1_progress *progress = http->progress;
    bool stop = false;
    while (!stop && input->size > 0) {
        if (progress->phase == TT_HTTP1_HEAD_COMING)
            stop = take_head(http, input);
        else if (progress->framing.chunked)
            stop = take_chunked_body(http, input);
        else
            stop = take_sized_body(progress, input);
    }
    return stop;
}

static bool take_kept_first(struct tt_http1 *http, struct tt_input *input)
{
    struct tt_http1_progress *progress = http->progress;
    if (progress->kept.size > 0) {
        struct tt_input kept = {progress->kept.data + progress->kept_used,
                                progress->kept.size - progress->kept_used};
        bool stop = take(http, &kept);
        progress->kept_used = progress->kept.size - kept.size;
        if (stop)
            return true;
        progress->kept_used = 0;
        tt_buffer_deinit(&progress->kept);
    }
    return take(http, input);
}

enum tt_http1_result tt_http1_next(struct tt_http1 *http, struct tt_input *input, tt_mono now)
{
    if (http->over) {
        tt_input_take(input, input->size);
        return TT_HTTP1_MORE;
    }
    if (http->progress == NULL) {
        if (input->size == 0)
            return TT_HTTP1_MORE;
        http->progress = begin_progress();
    }
    struct tt_http1_progress *progress = http->progress;
    TT_ASSERT(progress->phase != TT_HTTP1_ANSWERING);
    if (progress->phase == TT_HTTP1_IDLE) {
        progress->phase = TT_HTTP1_HEAD_COMING;
        progress->started_at = now;
    }
    if (take_kept_first(http, input)) {
        http->over = progress->request.status != 0;
        return http->over ? TT_HTTP1_REFUSED : TT_HTTP1_REQUEST;
    }
    if (progress->phase == TT_HTTP1_BODY_COMING && progress->framing.expects_continue &&
        progress->body.size == 0 && progress->line_size == 0) {
        progress->framing.expects_continue = false;
        return TT_HTTP1_CONTINUE;
    }
    return TT_HTTP1_MORE;
}

const struct tt_http1_request *tt_http1_request(const struct tt_http1 *http)
{
    TT_ASSERT(http->progress != NULL && http->progress->phase == TT_HTTP1_ANSWERING);
    return &http->progress->request;
}

void tt_http1_keep(struct tt_http1 *http, struct tt_input *input)
{
    if (http->progress == NULL) {
        if (input->size == 0)
            return;
        http->progress = begin_progress();
    }
    struct tt_http1_progress *progress = http->progress;
    tt_buffer_consume(&progress->kept, progress->kept_used);
    progress->kept_used = 0;
    if (!http->over)
        tt_buffer_add(&progress->kept, tt_slice(input->data, input->size));
    tt_input_take(input, input->size);
}

void tt_http1_done(struct tt_http1 *http)
{
    struct tt_http1_progress *progress = http->progress;
    TT_ASSERT(progress != NULL && progress->phase == TT_HTTP1_ANSWERING);
    http->over = http->over || !progress->request.keep_alive;
    if (http->over || progress->kept_used == progress->kept.size) {
        tt_http1_deinit(http);
        return;
    }
    tt_buffer_deinit(&progress->head);
    tt_buffer_deinit(&progress->body);
    *progress =
        (struct tt_http1_progress){.kept = progress->kept, .kept_used = progress->kept_used};
}

void tt_http1_take_kept(struct tt_http1 *http, struct tt_buffer *kept)
{
    struct tt_http1_progress *progress = http->progress;
    TT_ASSERT(progress != NULL && progress->phase == TT_HTTP1_ANSWERING);
    tt_buffer_consume(&progress->kept, progress->kept_used);
    *kept = progress->kept;
    progress->kept = (struct tt_buffer){0};
    if (kept->size == 0)
        tt_buffer_deinit(kept);
    http->over = true;
    tt_http1_deinit(http);
}

enum tt_http1_phase tt_http1_phase(const struct tt_http1 *http)
{
    return http->progress == NULL ? TT_HTTP1_IDLE : http->progress->phase;
}

tt_mono tt_http1_started_at(const struct tt_http1 *http)
{
    return http->progress == NULL ? TT_MONO(0) : http->progress->started_at;
}

struct tt_slice tt_http1_header(const struct tt_http1_request *request, const char *name)
{
    return tt_http1_find(request->fields, request->field_count, name);
}

size_t tt_http1_header_count(const struct tt_http1_request *request, const char *name)
{
    size_t count = 0;
    for (size_t i = 0; i < request->field_count; i++)
        count += tt_http1_is(request->fields[i].name, name);
    return count;
}
