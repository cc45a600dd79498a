#include "adapter/dynamodb/api_client.h"

#include <stdio.h>
#include <zlib.h>

#include "adapter/dynamodb/codec.h"
#include "adapter/dynamodb/sigv4.h"
#include "base/memory.h"
#include "net/alarm.h"

#define BODY_SIZE_MAX   ((size_t)32 * 1024 * 1024)
#define IDLE_MS_MAX     20000 /* AWS closes what is idle for longer */
#define PAUSE_MS        25    /* before the first further try, at most; doubled each time */
#define PAUSE_MS_MAX    2000
#define BUDGET_MAX      500 /* a further try costs TRY_COST, an answer gives one back */
#define TRY_COST        5   /* nothing, where the one before was not sent: it is no further load */
#define CONTENT_TYPE    "application/x-amz-json-1.0"
#define HEADERS_MAX     5
#define PAUSE_DOUBLINGS 10
#define SKEW_MS         ((int64_t)60 * 1000) /* AWS bears five minutes */

struct call {
    struct tt_ddb_client *client;
    struct call *next;  /* among those that pause */
    struct call *newer; /* among all */
    struct call *older;
    const struct tt_ddb_request *request;
    struct tt_arena *arena;
    struct tt_ddb_answer *answer;
    void (*done)(void *context);
    void *context;
    tt_mono deadline;
    tt_mono again_at;
    uint32_t tries;
    int64_t skew_ms; /* of the client when it was signed */
};

/* A request of another kind. */
struct plain {
    struct plain *next;
    struct tt_ddb_client *client;
    const char *target;
    struct tt_buffer body;
    int64_t skew_ms;
    tt_http_answer answer;
    void *context;
};

struct tt_ddb_client {
    struct tt_loop *loop;
    struct plain *plains;
    struct tt_ddb_client_options options;
    struct tt_http_pool *http;
    struct tt_sigv4_signer signer;
    uint64_t generation; /* of the credentials that the signer's key is for */
    struct call *newest;
    struct call *pausing;
    struct tt_alarm *alarm;
    uint32_t budget;
    char host[TT_HOST_SIZE_MAX + 10];
    int64_t skew_ms; /* what the service's clock is ahead of ours, where it complained */
    struct tt_ddb_client_stats stats;
};

/* The whole HTTP request. False: there are no credentials. */
static bool make_request(struct tt_ddb_client *client, const char *target, struct tt_slice body,
                         struct tt_buffer *out)
{
    struct tt_aws_credentials credentials;
    uint64_t generation = 0;
    if (!client->options.source.get(client->options.source.self, &credentials, &generation))
        return false;
    if (generation != client->generation)
        tt_sigv4_forget_key(&client->signer);
    client->generation = generation;
    char time[TT_SIGV4_TIME_SIZE];
    tt_time now = client->options.clock.wall(client->options.clock.self);
    tt_sigv4_format_time(TT_TIME(now.ms + client->skew_ms), time);
    struct tt_sigv4_header headers[HEADERS_MAX] = {
        {TT_SLICE_LITERAL("content-type"), TT_SLICE_LITERAL(CONTENT_TYPE)},
        {TT_SLICE_LITERAL("host"), tt_slice_text(client->host)},
        {TT_SLICE_LITERAL("x-amz-date"), tt_slice(time, TT_SIGV4_TIME_SIZE)},
    };
    size_t count = 3;
    if (credentials.session_token.size > 0)
        headers[count++] = (struct tt_sigv4_header){TT_SLICE_LITERAL("x-amz-security-token"),
                                                    credentials.session_token};
    headers[count++] =
        (struct tt_sigv4_header){TT_SLICE_LITERAL("x-amz-target"), tt_slice_text(target)};
    struct tt_sigv4_request request = {
        .method = "POST",
        .path = TT_SLICE_LITERAL("/"),
        .headers = headers,
        .header_count = count,
        .body = body,
    };
    tt_buffer_add_text(out, "POST / HTTP/1.1\r\n");
    for (size_t i = 0; i < count; i++) {
        tt_buffer_add(out, headers[i].name);
        tt_buffer_add_text(out, ": ");
        tt_buffer_add(out, headers[i].value);
        tt_buffer_add_text(out, "\r\n");
    }
    tt_buffer_add_text(out, "authorization: ");
    tt_sigv4_sign(&client->signer, credentials.access_key, credentials.secret, &request, time, out);
    tt_buffer_add_text(out, "\r\ncontent-length: ");
    tt_buffer_add_u64(out, body.size);
    tt_buffer_add_text(out, "\r\n\r\n");
    tt_buffer_add(out, body);
    return true;
}

static void end_call(struct call *call)
{
    if (call->newer != NULL)
        call->newer->older = call->older;
    else
        call->client->newest = call->older;
    if (call->older != NULL)
        call->older->newer = call->newer;
    void (*done)(void *) = call->done;
    void *context = call->context;
    tt_free(call);
    done(context);
}

static void give_up(struct call *call)
{
    call->client->stats.given_up++;
    call->answer->outcome = TT_DDB_UNKNOWN;
    end_call(call);
}

static void complain(struct tt_ddb_client *client, const struct tt_ddb_request *request, int status,
                     struct tt_slice body)
{
    if (client->options.complain == NULL)
        return;
    struct tt_buffer text = {0};
    tt_buffer_add_text(&text, tt_ddb_target(request->verb));
    tt_buffer_add_text(&text, " on ");
    tt_buffer_add_text(&text, tt_ddb_table_form(request->table)->name);
    tt_buffer_add_text(&text, " was refused with HTTP ");
    tt_buffer_add_u64(&text, (uint64_t)status);
    tt_buffer_add_text(&text, ": ");
    tt_buffer_add(&text, tt_slice(body.data, body.size < 512 ? body.size : 512));
    client->options.complain(client->options.complain_context, tt_buffer_slice(&text));
    tt_buffer_deinit(&text);
}

static void arm(struct tt_ddb_client *client)
{
    tt_mono at = TT_MONO(0);
    for (struct call *call = client->pausing; call != NULL; call = call->next)
        if (at.ms == 0 || call->again_at.ms < at.ms)
            at = call->again_at;
    tt_alarm_set(client->alarm, at);
}

static void pause_before_try(struct tt_ddb_client *client, struct call *call, uint64_t pause_ms)
{
    call->again_at = tt_mono_after(tt_loop_now(client->loop), pause_ms);
    call->next = client->pausing;
    client->pausing = call;
    arm(client);
}

/* "Full jitter": anything from nothing to the whole pause, so that those who were refused together
 * do not come back together. */
static void try_later(struct call *call, uint32_t cost)
{
    struct tt_ddb_client *client = call->client;
    uint32_t doublings = call->tries < PAUSE_DOUBLINGS ? call->tries : PAUSE_DOUBLINGS;
    uint64_t pause_ms = (uint64_t)PAUSE_MS << doublings;
    if (pause_ms > PAUSE_MS_MAX)
        pause_ms = PAUSE_MS_MAX;
    pause_ms = client->options.entropy.next(client->options.entropy.self) % (pause_ms + 1);
    if (client->budget < cost || tt_loop_now(client->loop).ms + pause_ms >= call->deadline.ms) {
        give_up(call);
        return;
    }
    client->budget -= cost;
    client->stats.retries++;
    pause_before_try(client, call, pause_ms);
}

/* A body that is not what the service sent is no answer. */
static bool is_damaged(const struct tt_http_result *result)
{
    return result->outcome == TT_HTTP_ANSWERED && result->has_crc32 &&
           crc32(0, (const unsigned char *)result->body.data, (uInt)result->body.size) !=
               result->crc32;
}

/* Signs by the service's clock from now on. `signed_ms`: by which skew the refused request was
 * signed. False: that was right, so it is not what is wrong. */
static bool correct_clock(struct tt_ddb_client *client, tt_time date, int64_t signed_ms)
{
    if (date.ms == 0)
        return false;
    int64_t skew_ms = date.ms - client->options.clock.wall(client->options.clock.self).ms;
    int64_t change_ms = skew_ms - signed_ms;
    if (change_ms < SKEW_MS && change_ms > -SKEW_MS)
        return false;
    client->skew_ms = skew_ms;
    client->stats.clock_corrections++;
    return true;
}

static void on_answer(void *context, const struct tt_http_result *result)
{
    struct call *call = context;
    struct tt_ddb_client *client = call->client;
    if (result->outcome != TT_HTTP_ANSWERED || is_damaged(result)) {
        client->stats.lost++;
        bool sent = result->outcome != TT_HTTP_NOT_SENT;
        call->answer->retried = call->answer->retried || sent;
        try_later(call, sent ? TRY_COST : 0);
        return;
    }
    struct tt_slice body = tt_arena_copy(call->arena, result->body);
    switch (tt_ddb_decode(call->request, result->status, body, call->arena, call->answer)) {
    case TT_DDB_ANSWERED:
        if (client->budget < BUDGET_MAX)
            client->budget++;
        end_call(call);
        return;
    case TT_DDB_AGAIN:
        client->stats.throttled++;
        call->answer->retried = call->answer->retried || result->status >= 500;
        try_later(call, TRY_COST);
        return;
    case TT_DDB_SKEWED:
        if (correct_clock(client, result->date, call->skew_ms)) {
            try_later(call, TRY_COST);
            return;
        }
        complain(client, call->request, result->status, body);
        give_up(call);
        return;
    case TT_DDB_EXPIRED:
        client->options.source.expired(client->options.source.self);
        try_later(call, TRY_COST);
        return;
    case TT_DDB_WRONG:
        complain(client, call->request, result->status, body);
        give_up(call);
        return;
    }
}

static void try_now(struct call *call)
{
    struct tt_ddb_client *client = call->client;
    struct tt_buffer body = {0};
    struct tt_buffer request = {0};
    call->tries++;
    call->skew_ms = client->skew_ms;
    tt_ddb_encode(call->request, client->options.prefix, &body);
    bool made =
        make_request(client, tt_ddb_target(call->request->verb), tt_buffer_slice(&body), &request);
    tt_buffer_deinit(&body);
    if (!made) {
        tt_buffer_deinit(&request);
        try_later(call, TRY_COST);
        return;
    }
    client->stats.requests[call->request->verb]++;
    tt_mono until = tt_mono_after(tt_loop_now(client->loop), client->options.try_ms_max);
    tt_http_pool_send(client->http, &request, until.ms < call->deadline.ms ? until : call->deadline,
                      on_answer, call);
}

static void on_alarm(void *context)
{
    struct tt_ddb_client *client = context;
    tt_mono now = tt_loop_now(client->loop);
    struct call *due = NULL;
    struct call **at = &client->pausing;
    while (*at != NULL) {
        struct call *call = *at;
        if (call->again_at.ms > now.ms) {
            at = &call->next;
            continue;
        }
        *at = call->next;
        call->next = due;
        due = call;
    }
    while (due != NULL) {
        struct call *call = due;
        due = call->next;
        try_now(call);
    }
    arm(client);
}

static void carry_out(void *self, const struct tt_ddb_request *request, tt_mono deadline,
                      struct tt_arena *arena, struct tt_ddb_answer *answer,
                      void (*done)(void *context), void *context)
{
    struct tt_ddb_client *client = self;
    struct call *call = tt_alloc(sizeof(*call));
    *answer = (struct tt_ddb_answer){.outcome = TT_DDB_UNKNOWN};
    *call = (struct call){
        .client = client,
        .request = request,
        .arena = arena,
        .answer = answer,
        .done = done,
        .context = context,
        .deadline = deadline,
        .older = client->newest,
    };
    if (client->newest != NULL)
        client->newest->newer = call;
    client->newest = call;
    if (tt_loop_now(client->loop).ms >= deadline.ms) /* it must not be answered from within */
        call->deadline = tt_mono_after(tt_loop_now(client->loop), 1);
    struct tt_aws_credentials unused;
    uint64_t generation;
    if (client->options.source.get(client->options.source.self, &unused, &generation))
        try_now(call);
    else
        pause_before_try(client, call, 1);
}

struct tt_ddb_client *tt_ddb_client_create(struct tt_loop *loop,
                                           const struct tt_ddb_client_options *options)
{
    struct tt_ddb_client *client = tt_alloc(sizeof(*client));
    client->loop = loop;
    client->options = *options;
    client->budget = BUDGET_MAX;
    client->signer.region = tt_slice_text(client->options.region);
    client->signer.service = TT_SLICE_LITERAL("dynamodb");
    tt_http_pool_host(&client->options.remote, client->host);
    struct tt_http_pool_options http = {
        .remote = client->options.remote,
        .connections_max = options->connections_max,
        .body_size_max = BODY_SIZE_MAX,
        .idle_ms_max = IDLE_MS_MAX,
    };
    client->http = tt_http_pool_create(loop, &http);
    client->alarm = tt_alarm_create(loop, on_alarm, client);
    return client;
}

static void free_plain(struct plain *plain)
{
    struct plain **at = &plain->client->plains;
    while (*at != plain)
        at = &(*at)->next;
    *at = plain->next;
    tt_buffer_deinit(&plain->body);
    tt_free(plain);
}

void tt_ddb_client_destroy(struct tt_ddb_client **client)
{
    struct tt_ddb_client *dying = *client;
    *client = NULL;
    tt_http_pool_destroy(&dying->http);
    tt_alarm_destroy(&dying->alarm);
    while (dying->newest != NULL) {
        struct call *call = dying->newest;
        dying->newest = call->older;
        tt_free(call);
    }
    while (dying->plains != NULL)
        free_plain(dying->plains);
    tt_sigv4_forget_key(&dying->signer);
    tt_free(dying);
}

struct tt_ddb_tables tt_ddb_client_tables(struct tt_ddb_client *client)
{
    return (struct tt_ddb_tables){.self = client, .send = carry_out};
}

static void send_plain(struct plain *plain);

static void on_plain_answer(void *context, const struct tt_http_result *result)
{
    struct plain *plain = context;
    struct tt_ddb_answer unused = {.outcome = TT_DDB_UNKNOWN};
    struct tt_ddb_request request = {.verb = TT_DDB_PUT};
    bool skewed =
        result->outcome == TT_HTTP_ANSWERED && result->status != 200 &&
        tt_ddb_decode(&request, result->status, result->body, NULL, &unused) == TT_DDB_SKEWED;
    if (skewed && correct_clock(plain->client, result->date, plain->skew_ms)) {
        send_plain(plain);
        return;
    }
    tt_http_answer answer = plain->answer;
    void *answer_context = plain->context;
    free_plain(plain);
    answer(answer_context, result);
}

static void send_plain(struct plain *plain)
{
    struct tt_ddb_client *client = plain->client;
    struct tt_buffer request = {0};
    plain->skew_ms = client->skew_ms;
    if (!make_request(client, plain->target, tt_buffer_slice(&plain->body), &request)) {
        tt_buffer_deinit(&request);
        on_plain_answer(plain, &(struct tt_http_result){.outcome = TT_HTTP_NOT_SENT});
        return;
    }
    tt_mono until = tt_mono_after(tt_loop_now(client->loop), client->options.try_ms_max);
    tt_http_pool_send(client->http, &request, until, on_plain_answer, plain);
}

void tt_ddb_client_call(struct tt_ddb_client *client, const char *target, struct tt_slice body,
                        tt_http_answer answer, void *context)
{
    struct plain *plain = tt_alloc(sizeof(*plain));
    plain->next = client->plains;
    plain->client = client;
    plain->target = target;
    plain->answer = answer;
    plain->context = context;
    tt_buffer_add(&plain->body, body);
    client->plains = plain;
    send_plain(plain);
}

const struct tt_ddb_client_stats *tt_ddb_client_stats(const struct tt_ddb_client *client)
{
    return &client->stats;
}

const struct tt_http_pool_stats *tt_ddb_client_http(const struct tt_ddb_client *client)
{
    return tt_http_pool_stats(client->http);
}
