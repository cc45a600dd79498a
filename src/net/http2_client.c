#include "net/http2_client.h"

#include <nghttp2/nghttp2.h>

#include "base/buffer.h"
#include "base/memory.h"

#define FIELDS_OUT_MAX  24
#define BUFFERED_MAX    ((size_t)1024 * 1024) /* then nothing more is sent until the peer reads */
#define WRITE_SIZE      16384
#define FIELD_BYTES_MAX 8192

struct stream {
    struct tt_http2_client *client;
    void *request;
    struct stream *next;
    struct stream *prev;
    char *body;
    size_t body_size;
    size_t body_sent;
    int status;
    struct tt_buffer answer;
    struct tt_buffer text; /* names and values of fields, one after the other */
    size_t ends[2 * TT_HTTP2_FIELDS_MAX];
    size_t field_count;
};

struct tt_http2_client {
    struct tt_loop *loop;
    struct tt_tls_client *tls;
    nghttp2_session *session;
    const struct tt_http2_client_events *events;
    void *context;
    struct stream *streams;
    size_t open;
    struct tt_buffer output;
    tt_mono expected;
    bool is_ready;
    bool is_settled; /* the server's SETTINGS have come */
    bool is_going_away;
    bool is_over;
    bool is_destroyed;
    unsigned depth;
};

struct tt_slice tt_http2_answer_field(const struct tt_http2_answer *answer, const char *name)
{
    struct tt_slice wanted = tt_slice_text(name);
    for (size_t i = 0; i < answer->field_count; i++)
        if (tt_slice_eq(answer->fields[i].name, wanted))
            return answer->fields[i].value;
    return TT_SLICE_EMPTY;
}

static void free_stream(struct stream *stream)
{
    struct tt_http2_client *client = stream->client;
    if (stream->prev != NULL)
        stream->prev->next = stream->next;
    else
        client->streams = stream->next;
    if (stream->next != NULL)
        stream->next->prev = stream->prev;
    client->open--;
    tt_buffer_deinit(&stream->answer);
    tt_buffer_deinit(&stream->text);
    tt_free(stream->body);
    tt_free(stream);
}

static void release(struct tt_http2_client *client)
{
    if (--client->depth > 0 || !client->is_destroyed)
        return;
    while (client->streams != NULL)
        free_stream(client->streams);
    nghttp2_session_del(client->session);
    tt_buffer_deinit(&client->output);
    tt_free(client);
}

static void fail_stream(struct stream *stream, bool may_be_done, const char *reason)
{
    struct tt_http2_client *client = stream->client;
    void *request = stream->request;
    free_stream(stream);
    if (!client->is_destroyed)
        client->events->failed(client->context, request, may_be_done, reason);
}

static void end(struct tt_http2_client *client, enum tt_tls_end how, const char *reason)
{
    if (client->is_over || client->is_destroyed)
        return;
    client->is_over = true;
    while (client->streams != NULL && !client->is_destroyed)
        fail_stream(client->streams, true, reason);
    if (!client->is_destroyed)
        client->events->ended(client->context, how, reason);
}

static struct stream *stream_of(nghttp2_session *session, int32_t id)
{
    return nghttp2_session_get_stream_user_data(session, id);
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_size, const uint8_t *value, size_t value_size, uint8_t flags,
                     void *user_data)
{
    struct stream *stream = stream_of(session, frame->hd.stream_id);
    (void)flags;
    (void)user_data;
    if (stream == NULL || frame->hd.type != NGHTTP2_HEADERS)
        return 0;
    if (name_size == 7 && memcmp(name, ":status", 7) == 0) {
        stream->status = 0;
        for (size_t i = 0; i < value_size && i < 3; i++)
            stream->status = stream->status * 10 + (value[i] - '0');
        return 0;
    }
    if (stream->field_count == TT_HTTP2_FIELDS_MAX ||
        stream->text.size + name_size + value_size > FIELD_BYTES_MAX)
        return 0;
    tt_buffer_add(&stream->text, tt_slice(name, name_size));
    stream->ends[2 * stream->field_count] = stream->text.size;
    tt_buffer_add(&stream->text, tt_slice(value, value_size));
    stream->ends[2 * stream->field_count + 1] = stream->text.size;
    stream->field_count++;
    return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data,
                   size_t size, void *user_data)
{
    struct stream *stream = stream_of(session, id);
    (void)flags;
    (void)user_data;
    if (stream == NULL)
        return 0;
    size_t room = TT_HTTP2_ANSWER_BODY_MAX - stream->answer.size;
    tt_buffer_add(&stream->answer, tt_slice(data, size < room ? size : room));
    return 0;
}

static void fill_answer(const struct stream *stream, struct tt_http2_answer *answer)
{
    size_t start = 0;
    answer->status = stream->status;
    answer->body = tt_buffer_slice(&stream->answer);
    answer->field_count = stream->field_count;
    for (size_t i = 0; i < stream->field_count; i++) {
        const char *text = stream->text.data;
        answer->fields[i].name = tt_slice(text + start, stream->ends[2 * i] - start);
        answer->fields[i].value =
            tt_slice(text + stream->ends[2 * i], stream->ends[2 * i + 1] - stream->ends[2 * i]);
        start = stream->ends[2 * i + 1];
    }
}

static void tell_answer(struct stream *stream)
{
    struct tt_http2_answer answer;
    struct tt_http2_client *client = stream->client;
    fill_answer(stream, &answer);
    if (!client->is_destroyed)
        client->events->answered(client->context, stream->request, &answer);
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user_data)
{
    struct tt_http2_client *client = user_data;
    (void)session;
    if (frame->hd.type == NGHTTP2_SETTINGS && (frame->hd.flags & NGHTTP2_FLAG_ACK) == 0)
        client->is_settled = true;
    if (frame->hd.type == NGHTTP2_GOAWAY) {
        client->is_going_away = true;
        if (!client->is_destroyed)
            client->events->going_away(
                client->context, frame->goaway.error_code,
                tt_slice(frame->goaway.opaque_data, frame->goaway.opaque_data_len));
    }
    return 0;
}

/* A whole answer counts even if the stream is reset after it. */
static int on_close(nghttp2_session *session, int32_t id, uint32_t error, void *user_data)
{
    struct stream *stream = stream_of(session, id);
    (void)user_data;
    if (stream == NULL)
        return 0;
    nghttp2_session_set_stream_user_data(session, id, NULL);
    if (stream->status != 0 && error == NGHTTP2_NO_ERROR) {
        tell_answer(stream);
        free_stream(stream);
        return 0;
    }
    fail_stream(stream, error != NGHTTP2_REFUSED_STREAM,
                error == NGHTTP2_REFUSED_STREAM ? "the server refused the stream"
                                                : "the server cut the stream off");
    return 0;
}

static ssize_t on_body(nghttp2_session *session, int32_t id, uint8_t *to, size_t size,
                       uint32_t *flags, nghttp2_data_source *source, void *user_data)
{
    struct stream *stream = source->ptr;
    (void)session;
    (void)id;
    (void)user_data;
    size_t left = stream->body_size - stream->body_sent;
    size_t taken = left < size ? left : size;
    memcpy(to, stream->body + stream->body_sent, taken);
    stream->body_sent += taken;
    if (stream->body_sent == stream->body_size)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)taken;
}

static void create_session(struct tt_http2_client *client)
{
    nghttp2_session_callbacks *callbacks;
    const nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_ENABLE_PUSH, 0}};
    TT_ASSERT(nghttp2_session_callbacks_new(&callbacks) == 0);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
    TT_ASSERT(nghttp2_session_client_new(&client->session, callbacks, client) == 0);
    nghttp2_session_callbacks_del(callbacks);
    TT_ASSERT(nghttp2_submit_settings(client->session, NGHTTP2_FLAG_NONE, settings, 1) == 0);
}

static void tell_room(struct tt_http2_client *client)
{
    if (!client->is_over && !client->is_destroyed && tt_http2_client_room(client) > 0)
        client->events->room(client->context);
}

static void on_ready(void *context)
{
    struct tt_http2_client *client = context;
    client->depth++;
    client->is_ready = true;
    if (!tt_tls_client_has_alpn(client->tls))
        end(client, TT_TLS_UNTRUSTED, "the server does not speak HTTP/2");
    else
        tell_room(client);
    release(client);
}

static void on_read(void *context, struct tt_input *input)
{
    struct tt_http2_client *client = context;
    client->depth++;
    if (client->expected.ms != 0) {
        client->expected = TT_MONO(0);
        tt_tls_client_set_deadline(client->tls, TT_MONO(0));
    }
    ssize_t taken =
        nghttp2_session_mem_recv(client->session, (const uint8_t *)input->data, input->size);
    if (taken < 0)
        end(client, TT_TLS_CLOSED, nghttp2_strerror((int)taken));
    tell_room(client);
    release(client);
}

static void on_ended(void *context, enum tt_tls_end how, const char *reason)
{
    struct tt_http2_client *client = context;
    client->depth++;
    end(client, how, reason);
    release(client);
}

static const struct tt_tls_events tls_events = {
    .ready = on_ready, .read = on_read, .ended = on_ended};

struct tt_http2_client *tt_http2_client_create(struct tt_loop *loop,
                                               const struct tt_tls_options *options,
                                               const struct tt_http2_client_events *events,
                                               void *context)
{
    struct tt_http2_client *client = tt_alloc(sizeof(*client));
    client->loop = loop;
    client->events = events;
    client->context = context;
    client->depth = 1;
    create_session(client);
    client->tls = tt_tls_client_create(loop, options, &tls_events, client);
    return client;
}

bool tt_http2_client_is_usable(const struct tt_http2_client *client)
{
    return client->is_ready && !client->is_over && !client->is_going_away &&
           nghttp2_session_check_request_allowed(client->session) != 0;
}

size_t tt_http2_client_open(const struct tt_http2_client *client)
{
    return client->open;
}

size_t tt_http2_client_room(const struct tt_http2_client *client)
{
    if (!tt_http2_client_is_usable(client) || tt_tls_client_buffered(client->tls) > BUFFERED_MAX)
        return 0;
    size_t allowed = client->is_settled
                         ? nghttp2_session_get_remote_settings(
                               client->session, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS)
                         : 1;
    return allowed > client->open ? allowed - client->open : 0;
}

static nghttp2_nv nv_of(const struct tt_http2_field *field)
{
    return (nghttp2_nv){
        .name = (uint8_t *)(uintptr_t)field->name.data,
        .value = (uint8_t *)(uintptr_t)field->value.data,
        .namelen = field->name.size,
        .valuelen = field->value.size,
        .flags = field->is_unique ? NGHTTP2_NV_FLAG_NO_INDEX : NGHTTP2_NV_FLAG_NONE,
    };
}

void tt_http2_client_send(struct tt_http2_client *client, const struct tt_http2_field *fields,
                          size_t field_count, struct tt_slice body, void *request)
{
    nghttp2_nv nv[FIELDS_OUT_MAX];
    TT_ASSERT(field_count <= FIELDS_OUT_MAX && tt_http2_client_room(client) > 0);
    for (size_t i = 0; i < field_count; i++)
        nv[i] = nv_of(&fields[i]);
    struct stream *stream = tt_alloc(sizeof(*stream));
    stream->client = client;
    stream->request = request;
    stream->body = tt_alloc(body.size + 1);
    stream->body_size = body.size;
    if (body.size > 0)
        memcpy(stream->body, body.data, body.size);
    stream->next = client->streams;
    if (stream->next != NULL)
        stream->next->prev = stream;
    client->streams = stream;
    client->open++;
    nghttp2_data_provider provider = {.source.ptr = stream, .read_callback = on_body};
    int32_t id = nghttp2_submit_request(client->session, NULL, nv, field_count, &provider, stream);
    TT_ASSERT(id >= 0);
}

void tt_http2_client_ping(struct tt_http2_client *client)
{
    if (tt_http2_client_is_usable(client))
        TT_ASSERT(nghttp2_submit_ping(client->session, NGHTTP2_FLAG_NONE, NULL) == 0);
}

void tt_http2_client_expect_by(struct tt_http2_client *client, tt_mono until)
{
    if (client->is_over || !client->is_ready || client->expected.ms != 0)
        return;
    client->expected = until;
    tt_tls_client_set_deadline(client->tls, until);
}

void tt_http2_client_flush(struct tt_http2_client *client)
{
    if (!client->is_ready || client->is_over)
        return;
    client->depth++;
    const uint8_t *bytes;
    ssize_t size;
    while ((size = nghttp2_session_mem_send(client->session, &bytes)) > 0) {
        tt_buffer_add(&client->output, tt_slice(bytes, (size_t)size));
        if (client->output.size < WRITE_SIZE)
            continue;
        tt_tls_client_write(client->tls, tt_buffer_slice(&client->output));
        client->output.size = 0;
    }
    if (client->output.size > 0)
        tt_tls_client_write(client->tls, tt_buffer_slice(&client->output));
    client->output.size = 0;
    bool is_done = nghttp2_session_want_read(client->session) == 0 &&
                   nghttp2_session_want_write(client->session) == 0;
    if (size < 0 || is_done)
        end(client, TT_TLS_CLOSED,
            size < 0 ? nghttp2_strerror((int)size) : "the server closed the connection");
    release(client);
}

void tt_http2_client_forget(struct tt_http2_client *client,
                            void (*each)(void *context, void *request), void *context)
{
    for (struct stream *stream = client->streams; stream != NULL; stream = stream->next) {
        if (stream->request != NULL)
            each(context, stream->request);
        stream->request = NULL;
    }
}

void tt_http2_client_destroy(struct tt_http2_client **take_client)
{
    struct tt_http2_client *client = *take_client;
    *take_client = NULL;
    client->is_destroyed = true;
    tt_tls_client_destroy(&client->tls);
    release(client);
}
