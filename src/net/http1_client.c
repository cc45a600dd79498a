#include "net/http1_client.h"

#include "base/memory.h"

struct tt_http1_client {
    struct tt_loop *loop;
    struct tt_tls_client *tls;
    struct tt_http1_response_reader *reader;
    const struct tt_http1_client_events *events;
    void *context;
    struct tt_buffer waiting; /* written before the connection stood */
    uint32_t answer_ms;
    bool is_ready;
    bool is_asking;
    bool was_sent;
    bool is_over;
    bool is_destroyed;
    unsigned depth; /* of callbacks: what is destroyed in one is freed after it */
};

static void release(struct tt_http1_client *client)
{
    if (--client->depth > 0 || !client->is_destroyed)
        return;
    tt_http1_response_reader_destroy(&client->reader);
    tt_buffer_deinit(&client->waiting);
    tt_free(client);
}

static void end(struct tt_http1_client *client, enum tt_tls_end how, const char *reason)
{
    if (client->is_over || client->is_destroyed)
        return;
    client->is_over = true;
    client->events->ended(client->context, how, client->is_asking && client->was_sent, reason);
}

static void transmit(struct tt_http1_client *client)
{
    client->was_sent = true;
    tt_tls_client_set_deadline(client->tls,
                               tt_mono_after(tt_loop_now(client->loop), client->answer_ms));
    tt_tls_client_write(client->tls, tt_buffer_slice(&client->waiting));
    tt_buffer_deinit(&client->waiting);
}

static void on_ready(void *context)
{
    struct tt_http1_client *client = context;
    client->is_ready = true;
    if (client->is_asking)
        transmit(client);
}

static void take_answer(struct tt_http1_client *client, const struct tt_http1_response *response)
{
    client->is_asking = false;
    client->was_sent = false;
    client->is_over = !response->keep_alive;
    tt_tls_client_set_deadline(client->tls, TT_MONO(0));
    client->events->answered(client->context, response);
}

static void on_read(void *context, struct tt_input *input)
{
    struct tt_http1_client *client = context;
    client->depth++;
    while (input->size > 0 && !client->is_over && !client->is_destroyed) {
        const struct tt_http1_response *response;
        if (!client->is_asking ||
            !tt_is_ok(tt_http1_response_next(client->reader, input, false, &response))) {
            end(client, TT_TLS_CLOSED, "the answer is no HTTP, or too large");
            break;
        }
        if (response != NULL)
            take_answer(client, response);
    }
    release(client);
}

static void on_ended(void *context, enum tt_tls_end how, const char *reason)
{
    struct tt_http1_client *client = context;
    const struct tt_http1_response *response = NULL;
    client->depth++;
    if (how == TT_TLS_CLOSED && client->is_asking && client->was_sent && !client->is_over &&
        tt_is_ok(tt_http1_response_end(client->reader, &response)) && response != NULL)
        take_answer(client, response);
    end(client, how, reason);
    release(client);
}

static const struct tt_tls_events tls_events = {
    .ready = on_ready, .read = on_read, .ended = on_ended};

struct tt_http1_client *
tt_http1_client_create(struct tt_loop *loop, const struct tt_tls_options *options, size_t size_max,
                       const struct tt_http1_client_events *events, void *context)
{
    struct tt_http1_client *client = tt_alloc(sizeof(*client));
    client->loop = loop;
    client->events = events;
    client->context = context;
    client->depth = 1;
    client->reader = tt_http1_response_reader_create(size_max);
    client->tls = tt_tls_client_create(loop, options, &tls_events, client);
    return client;
}

void tt_http1_client_send(struct tt_http1_client *client,
                          const struct tt_http1_request_out *request)
{
    TT_ASSERT(!client->is_asking);
    if (client->is_over)
        return;
    client->is_asking = true;
    client->answer_ms = request->answer_ms;
    tt_http1_write_request(request->method, request->authority, request->target, request->fields,
                           request->body, &client->waiting);
    if (client->is_ready)
        transmit(client);
}

bool tt_http1_client_is_idle(const struct tt_http1_client *client)
{
    return client->is_ready && !client->is_asking && !client->is_over;
}

void tt_http1_client_destroy(struct tt_http1_client **take_client)
{
    struct tt_http1_client *client = *take_client;
    *take_client = NULL;
    client->is_destroyed = true;
    tt_tls_client_destroy(&client->tls);
    release(client);
}
