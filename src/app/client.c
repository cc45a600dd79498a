#include "app/client.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>

#include "adapter/entropy_os.h"
#include "app/line.h"
#include "base/limits.h"
#include "base/memory.h"
#include "net/http1_answer.h"
#include "net/http1_response.h"
#include "net/websocket.h"
#include "net/websocket_handshake.h"

#define RESPONSE_BYTES_MAX (64 * 1024 * 1024)

struct tt_client {
    struct tt_line line;
    uint16_t close_code;
    bool is_gone;
    struct tt_websocket ws;
    bool is_dry;           /* the last read took all that had come */
    struct tt_input input; /* what of `bytes` is not looked at yet */
    struct tt_buffer output;
    uint64_t pings;
    bool holds;
    struct tt_http1_response_reader *upgrading; /* NULL once the connection is a WebSocket */
    char key[TT_WEBSOCKET_KEY_SIZE];
    char *bytes;
    char *own_bytes; /* NULL: `bytes` are somebody's */
};

static const struct tt_websocket_limits limits = {16 * 1024 * 1024, 1024};

/* Waits for the next bytes; -1: none came in time, or the line broke. */
static ssize_t receive_some(struct tt_line *line, char *bytes, size_t size, int64_t until)
{
    for (;;) {
        ssize_t got = tt_line_receive(line, bytes, size);
        if (got >= 0 || (errno != EAGAIN && errno != EINTR))
            return got;
        if (!tt_line_wait(line, POLLIN, until))
            return -1;
    }
}

static void add_token(struct tt_buffer *fields, struct tt_slice token)
{
    struct tt_buffer value = {0};
    tt_buffer_add_text(&value, "Bearer ");
    tt_buffer_add(&value, token);
    tt_http1_add_field(fields, "Authorization", tt_buffer_slice(&value));
    tt_buffer_deinit(&value);
}

/* Reads until a response is there; *rest are the bytes that came after it. */
static const struct tt_http1_response *read_response(struct tt_line *line,
                                                     struct tt_http1_response_reader *reader,
                                                     char *bytes, struct tt_input *rest,
                                                     char *sentence)
{
    int64_t until = tt_line_now() + TT_CLIENT_WAIT_MS;
    for (;;) {
        const struct tt_http1_response *response = NULL;
        ssize_t got = receive_some(line, bytes, TT_CLIENT_BYTES, until);
        if (got < 0) {
            snprintf(sentence, TT_CLIENT_SENTENCE, "the server did not answer within %d s",
                     TT_CLIENT_WAIT_MS / 1000);
            return NULL;
        }
        *rest = (struct tt_input){bytes, (size_t)got};
        tt_err err = got == 0 ? tt_http1_response_end(reader, &response)
                              : tt_http1_response_next(reader, rest, false, &response);
        if (!tt_is_ok(err) || (got == 0 && response == NULL)) {
            snprintf(sentence, TT_CLIENT_SENTENCE, "the server's answer is no HTTP/1.1");
            return NULL;
        }
        if (response != NULL)
            return response;
    }
}

bool tt_client_request(const struct tt_endpoint *endpoint, const char *method, const char *target,
                       struct tt_slice token, struct tt_slice body, struct tt_client_answer *answer,
                       char sentence[TT_CLIENT_SENTENCE])
{
    struct tt_line line;
    if (!tt_line_open(endpoint, &line, sentence))
        return false;
    struct tt_buffer fields = {0};
    struct tt_buffer output = {0};
    add_token(&fields, token);
    tt_http1_add_field(&fields, "Connection", TT_SLICE_LITERAL("close"));
    if (body.size > 0)
        tt_http1_add_field(&fields, "Content-Type", TT_SLICE_LITERAL("application/json"));
    tt_http1_write_request(method, tt_slice_text(endpoint->host), tt_slice_text(target),
                           tt_buffer_slice(&fields), body, &output);

    struct tt_http1_response_reader *reader = tt_http1_response_reader_create(RESPONSE_BYTES_MAX);
    char *bytes = tt_alloc(TT_CLIENT_BYTES);
    struct tt_input rest;
    /* A server that refuses early may close while the body is still being sent. */
    (void)tt_line_send(&line, tt_buffer_slice(&output));
    const struct tt_http1_response *response = read_response(&line, reader, bytes, &rest, sentence);
    if (response != NULL) {
        *answer = (struct tt_client_answer){.status = response->status};
        tt_buffer_add(&answer->body, response->body);
    }
    tt_free(bytes);
    tt_http1_response_reader_destroy(&reader);
    tt_buffer_deinit(&fields);
    tt_buffer_deinit(&output);
    tt_line_close(&line);
    return response != NULL;
}

static bool ask_upgrade(struct tt_client *client, const struct tt_endpoint *endpoint,
                        struct tt_slice token, const unsigned char nonce[TT_WEBSOCKET_NONCE_SIZE])
{
    tt_websocket_key(nonce, client->key);

    struct tt_buffer fields = {0};
    add_token(&fields, token);
    tt_websocket_write_request(tt_slice_text(endpoint->host), TT_SLICE_LITERAL("/ws"),
                               tt_slice(client->key, sizeof(client->key)), tt_buffer_slice(&fields),
                               &client->output);
    bool sent = tt_line_send(&client->line, tt_buffer_slice(&client->output));
    client->output.size = 0;
    tt_buffer_deinit(&fields);
    return sent;
}

struct tt_client *tt_client_begin(const struct tt_endpoint *endpoint, struct tt_slice token,
                                  char bytes[TT_CLIENT_BYTES], char sentence[TT_CLIENT_SENTENCE])
{
    struct tt_line line;
    if (!tt_line_open(endpoint, &line, sentence))
        return NULL;
    struct tt_client *client = tt_alloc(sizeof(*client));
    client->line = line;
    client->close_code = 1006;
    client->upgrading = tt_http1_response_reader_create(RESPONSE_BYTES_MAX);
    client->bytes = bytes;
    struct {
        uint64_t mask_seed;
        unsigned char nonce[TT_WEBSOCKET_NONCE_SIZE];
    } random;
    tt_entropy_os_fill(&random, sizeof(random));
    tt_websocket_init(&client->ws, TT_WEBSOCKET_CLIENT, &limits, random.mask_seed);
    if (!ask_upgrade(client, endpoint, token, random.nonce)) {
        snprintf(sentence, TT_CLIENT_SENTENCE, "the server closed the connection");
        tt_client_destroy(&client);
    }
    return client;
}

static bool is_switched(const struct tt_client *client, const struct tt_http1_response *response)
{
    return tt_websocket_switched(response, tt_slice(client->key, sizeof(client->key)));
}

struct tt_client *tt_client_connect(const struct tt_endpoint *endpoint, struct tt_slice token,
                                    char sentence[TT_CLIENT_SENTENCE])
{
    char *bytes = tt_alloc(TT_CLIENT_BYTES);
    struct tt_client *client = tt_client_begin(endpoint, token, bytes, sentence);
    if (client == NULL) {
        tt_free(bytes);
        return NULL;
    }
    client->own_bytes = bytes;
    const struct tt_http1_response *response =
        read_response(&client->line, client->upgrading, client->bytes, &client->input, sentence);
    bool switched = response != NULL && is_switched(client, response);
    if (response != NULL && !switched)
        snprintf(sentence, TT_CLIENT_SENTENCE, "the server refused the connection with %d: %.*s",
                 response->status, (int)(response->body.size < 300 ? response->body.size : 300),
                 response->body.data);
    tt_http1_response_reader_destroy(&client->upgrading);
    if (!switched)
        tt_client_destroy(&client);
    return client;
}

void tt_client_destroy(struct tt_client **client)
{
    tt_line_close(&(*client)->line);
    if ((*client)->upgrading != NULL)
        tt_http1_response_reader_destroy(&(*client)->upgrading);
    tt_websocket_deinit(&(*client)->ws);
    tt_buffer_deinit(&(*client)->output);
    tt_free((*client)->own_bytes);
    tt_free(*client);
    *client = NULL;
}

static bool flush(struct tt_client *client)
{
    if (client->holds || client->output.size == 0)
        return !client->is_gone;
    if (!client->is_gone && !tt_line_send(&client->line, tt_buffer_slice(&client->output)))
        client->is_gone = true;
    client->output.size = 0;
    return !client->is_gone;
}

void tt_client_close(struct tt_client **client)
{
    tt_websocket_close(&(*client)->ws, 1000, TT_SLICE_EMPTY, &(*client)->output);
    (void)flush(*client);
    struct tt_slice frame;
    for (int i = 0; i < 100 && tt_client_receive(*client, 100, &frame) == TT_CLIENT_FRAME; i++)
        continue;
    tt_client_destroy(client);
}

void tt_client_hold(struct tt_client *client)
{
    client->holds = true;
}

bool tt_client_release(struct tt_client *client)
{
    client->holds = false;
    return flush(client);
}

bool tt_client_send(struct tt_client *client, struct tt_slice frame)
{
    tt_websocket_write_text(&client->ws, frame, &client->output);
    return flush(client);
}

uint64_t tt_client_pings(const struct tt_client *client)
{
    return client->pings;
}

/* Whether the event ends the wait. */
static bool is_answer(struct tt_client *client, const struct tt_websocket_event *event,
                      struct tt_slice *frame)
{
    tt_websocket_answer(&client->ws, event, &client->output);
    (void)flush(client);
    switch (event->kind) {
    case TT_WEBSOCKET_TEXT:
        *frame = event->bytes;
        return true;
    case TT_WEBSOCKET_CLOSED:
        client->close_code = event->code;
        client->is_gone = true;
        return true;
    case TT_WEBSOCKET_BROKEN:
        client->is_gone = true;
        return true;
    case TT_WEBSOCKET_PING:
        client->pings++;
        return false;
    case TT_WEBSOCKET_BINARY:
    case TT_WEBSOCKET_PONG:
        return false;
    }
    return false;
}

/* What has come of the answer to the upgrade. */
static void go_on_upgrading(struct tt_client *client)
{
    const struct tt_http1_response *response = NULL;
    tt_err err = tt_http1_response_next(client->upgrading, &client->input, false, &response);
    client->is_gone = !tt_is_ok(err) || (response != NULL && !is_switched(client, response));
    if (response != NULL)
        tt_http1_response_reader_destroy(&client->upgrading);
}

/* False: there is nothing to read now. */
static bool read_now(struct tt_client *client)
{
    ssize_t got = tt_line_receive(&client->line, client->bytes, TT_CLIENT_BYTES);
    client->is_dry = got < TT_CLIENT_BYTES && !tt_line_has_more(&client->line);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    if (got <= 0)
        client->is_gone = true;
    else
        client->input = (struct tt_input){client->bytes, (size_t)got};
    if (!client->is_gone && client->upgrading != NULL)
        go_on_upgrading(client);
    return true;
}

enum tt_client_outcome tt_client_receive(struct tt_client *client, int wait_ms,
                                         struct tt_slice *frame)
{
    int64_t until = wait_ms == 0 ? 0 : tt_line_now() + wait_ms;
    while (!client->is_gone) {
        struct tt_websocket_event event;
        while (client->upgrading == NULL && tt_websocket_next(&client->ws, &client->input, &event))
            if (is_answer(client, &event, frame))
                return client->is_gone && event.kind != TT_WEBSOCKET_TEXT ? TT_CLIENT_GONE
                                                                          : TT_CLIENT_FRAME;
        /* Who does not wait has read all that had come: of more, the poll will tell. */
        if (wait_ms == 0 && client->is_dry) {
            client->is_dry = false;
            return TT_CLIENT_NOTHING;
        }
        if (!read_now(client) && (wait_ms == 0 || !tt_line_wait(&client->line, POLLIN, until))) {
            client->is_dry = false;
            return TT_CLIENT_NOTHING;
        }
    }
    return TT_CLIENT_GONE;
}

uint16_t tt_client_close_code(const struct tt_client *client)
{
    return client->close_code;
}

int tt_client_fd(const struct tt_client *client)
{
    return client->line.fd;
}
