#include "app/bench_pair.h"

#include <stdio.h>

#include "adapter/clock_os.h"
#include "app/signer.h"
#include "base/memory.h"
#include "edge/client_codec.h"

#define LATENCIES_MAX (64 * 1024 * 1024)
#define DAY_MS        (24 * 3600 * 1000ULL)

static const struct tt_jwt_policy no_policy;

static bool open_end(struct tt_bench_end *end, const struct tt_endpoint *endpoint,
                     const struct tt_secret *secret, const tt_id *user, char *sentence)
{
    struct tt_buffer token = {0};
    tt_id device = tt_id_of("bench");
    tt_signer_sign(secret, user, &device, DAY_MS, &no_policy, &token);
    end->client = tt_client_connect(endpoint, tt_buffer_slice(&token), sentence);
    tt_buffer_deinit(&token);
    struct tt_received frame = {.known = false};
    struct tt_slice text;
    while (end->client != NULL && !(frame.known && frame.kind == TT_SERVER_CAUGHT_UP)) {
        if (tt_client_receive(end->client, TT_CLIENT_WAIT_MS, &text) != TT_CLIENT_FRAME ||
            !tt_is_ok(tt_client_read_frame(text, &frame))) {
            snprintf(sentence, TT_CLIENT_SENTENCE, "a connection ended before it was caught_up");
            return false;
        }
    }
    return end->client != NULL;
}

static bool create(struct tt_bench_pair *pair, const struct tt_endpoint *endpoint,
                   const struct tt_secret *secret, const tt_id *alice, const tt_id *bob,
                   char *sentence)
{
    char body[512];
    snprintf(body, sizeof(body), "{\"conversation_id\":\"%.*s\",\"members\":[\"%.*s\",\"%.*s\"]}",
             pair->conversation.size, pair->conversation.bytes, alice->size, alice->bytes,
             bob->size, bob->bytes);
    struct tt_buffer token = {0};
    tt_id device = tt_id_of("bench");
    tt_signer_sign(secret, alice, &device, DAY_MS, &no_policy, &token);
    struct tt_client_answer answer;
    bool asked = tt_client_request(endpoint, "POST", "/conversation", tt_buffer_slice(&token),
                                   tt_slice_text(body), &answer, sentence);
    tt_buffer_deinit(&token);
    if (!asked)
        return false;
    bool created = answer.status == 201;
    if (!created)
        snprintf(sentence, TT_CLIENT_SENTENCE, "creating a conversation was answered with %d: %.*s",
                 answer.status, (int)(answer.body.size < 300 ? answer.body.size : 300),
                 answer.body.data);
    tt_buffer_deinit(&answer.body);
    return created;
}

bool tt_bench_pair_open(struct tt_bench_pair *pair, struct tt_bench_load *load,
                        const struct tt_endpoint *endpoint, const struct tt_secret *secret,
                        uint32_t run, uint32_t number, char sentence[TT_CLIENT_SENTENCE])
{
    char name[64];
    pair->load = load;
    pair->alice.pair = pair->bob.pair = pair;
    snprintf(name, sizeof(name), "bench_a_%08x_%u", run, number);
    tt_id alice = tt_id_of(name);
    snprintf(name, sizeof(name), "bench_b_%08x_%u", run, number);
    tt_id bob = tt_id_of(name);
    snprintf(name, sizeof(name), "bench_%08x_%u", run, number);
    pair->conversation = tt_id_of(name);
    return create(pair, endpoint, secret, &alice, &bob, sentence) &&
           open_end(&pair->alice, endpoint, secret, &alice, sentence) &&
           open_end(&pair->bob, endpoint, secret, &bob, sentence);
}

void tt_bench_pair_close(struct tt_bench_pair *pair)
{
    if (pair->alice.client != NULL)
        tt_client_destroy(&pair->alice.client);
    if (pair->bob.client != NULL)
        tt_client_destroy(&pair->bob.client);
}

int tt_bench_end_fd(const struct tt_bench_end *end)
{
    return tt_client_fd(end->client);
}

static bool fail(struct tt_bench_pair *pair, const char *problem)
{
    snprintf(pair->load->problem, sizeof(pair->load->problem), "%s", problem);
    return false;
}

static bool send_frame(struct tt_bench_pair *pair, struct tt_bench_end *end,
                       const struct tt_client_frame *frame)
{
    struct tt_buffer text = {0};
    tt_client_write_frame(frame, &text);
    bool sent = tt_client_send(end->client, tt_buffer_slice(&text));
    tt_buffer_deinit(&text);
    return sent || fail(pair, "the server closed a connection");
}

static bool send_next(struct tt_bench_pair *pair)
{
    char id[32];
    snprintf(id, sizeof(id), "b%llu", (unsigned long long)++pair->number);
    char *content = tt_alloc(pair->load->bytes);
    memset(content, 'x', pair->load->bytes);
    pair->stored = false;
    pair->began_at = tt_clock_os_nanoseconds();
    struct tt_client_frame frame = {.kind = TT_CLIENT_SEND,
                                    .conversation = pair->conversation,
                                    .client_id = tt_id_of(id),
                                    .content = tt_slice(content, pair->load->bytes)};
    bool sent = send_frame(pair, &pair->alice, &frame);
    tt_free(content);
    return sent;
}

bool tt_bench_pair_start(struct tt_bench_pair *pair)
{
    return send_next(pair);
}

static bool end_round(struct tt_bench_pair *pair)
{
    if (!pair->stored || pair->delivered.n < pair->seq.n)
        return true;
    struct tt_bench_load *load = pair->load;
    if (load->count == load->capacity && load->capacity < LATENCIES_MAX) {
        load->capacity = load->capacity == 0 ? 65536 : load->capacity * 2;
        load->latencies_us =
            tt_grow(load->latencies_us, load->capacity, sizeof(load->latencies_us[0]));
    }
    if (load->count < load->capacity)
        load->latencies_us[load->count++] =
            (uint32_t)((tt_clock_os_nanoseconds() - pair->began_at) / 1000U);
    load->rounds++;
    return send_next(pair);
}

static bool take(struct tt_bench_end *end, const struct tt_received *frame)
{
    struct tt_bench_pair *pair = end->pair;
    if (!frame->known)
        return true;
    if (frame->kind == TT_SERVER_ERROR) {
        snprintf(pair->load->problem, sizeof(pair->load->problem), "the server answered %.*s: %.*s",
                 (int)frame->code.size, frame->code.data, (int)frame->error.size,
                 frame->error.data);
        return false;
    }
    if (frame->kind == TT_SERVER_MESSAGE)
        return send_frame(pair, end,
                          &(struct tt_client_frame){.kind = TT_CLIENT_DELIVERED,
                                                    .conversation = pair->conversation,
                                                    .seq = frame->seq});
    if (frame->kind == TT_SERVER_SENT) {
        pair->stored = true;
        pair->seq = frame->seq;
        return end_round(pair);
    }
    if (frame->kind == TT_SERVER_STATUS_UPDATE && frame->has_delivered) {
        pair->delivered = tt_seq_max(pair->delivered, frame->cursor.delivered);
        return end_round(pair);
    }
    return true;
}

bool tt_bench_end_read(struct tt_bench_end *end)
{
    struct tt_slice text;
    for (;;) {
        enum tt_client_outcome outcome = tt_client_receive(end->client, 0, &text);
        if (outcome == TT_CLIENT_NOTHING)
            return true;
        struct tt_received frame;
        if (outcome == TT_CLIENT_GONE || !tt_is_ok(tt_client_read_frame(text, &frame)))
            return fail(end->pair, "the server closed a connection");
        if (!take(end, &frame))
            return false;
    }
}
