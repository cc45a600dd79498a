#include "adapter/push/push_pool.h"

#include "base/memory.h"

#define HOST_MAX        253
#define ANSWER_SIZE_MAX 16384

struct line {
    struct tt_push_pool *pool;
    struct tt_http1_client *http; /* NULL: this place is free */
    void *request;                /* NULL: it is idle */
    char host[HOST_MAX];
    size_t host_size;
    uint16_t port;
    tt_mono used_at;
};

struct tt_push_pool {
    struct tt_push_pool_options options;
    tt_push_answered answered;
    void *context;
    struct line *lines;
    size_t under_way;
    uint64_t connections;
};

static void hang_up(struct line *line)
{
    tt_http1_client_destroy(&line->http);
    line->request = NULL;
}

static void on_answered(void *context, const struct tt_http1_response *response)
{
    struct line *line = context;
    struct tt_push_pool *pool = line->pool;
    void *request = line->request;
    line->request = NULL;
    line->used_at = tt_loop_now(pool->options.loop);
    pool->under_way--;
    pool->answered(pool->context, request, response, NULL);
    if (!response->keep_alive && line->http != NULL && line->request == NULL)
        hang_up(line);
}

static void on_ended(void *context, enum tt_tls_end end, bool was_sent, const char *reason)
{
    struct line *line = context;
    struct tt_push_pool *pool = line->pool;
    void *request = line->request;
    struct tt_push_failure failure = {end, was_sent, reason};
    if (request != NULL) {
        pool->under_way--;
        line->request = NULL;
        pool->answered(pool->context, request, NULL, &failure);
    }
    hang_up(line);
}

static const struct tt_http1_client_events http_events = {.answered = on_answered,
                                                          .ended = on_ended};

struct tt_push_pool *tt_push_pool_create(const struct tt_push_pool_options *options,
                                         tt_push_answered answered, void *context)
{
    struct tt_push_pool *pool = tt_alloc(sizeof(*pool));
    pool->options = *options;
    pool->answered = answered;
    pool->context = context;
    pool->lines = tt_alloc(options->connections_max * sizeof(pool->lines[0]));
    for (size_t i = 0; i < options->connections_max; i++)
        pool->lines[i].pool = pool;
    return pool;
}

void tt_push_pool_destroy(struct tt_push_pool **take_pool,
                          void (*forget)(void *context, void *request), void *context)
{
    struct tt_push_pool *pool = *take_pool;
    *take_pool = NULL;
    for (size_t i = 0; i < pool->options.connections_max; i++) {
        if (pool->lines[i].request != NULL)
            forget(context, pool->lines[i].request);
        if (pool->lines[i].http != NULL)
            hang_up(&pool->lines[i]);
    }
    tt_free(pool->lines);
    tt_free(pool);
}

static bool leads_to(const struct line *line, struct tt_slice host, uint16_t port)
{
    return line->http != NULL && line->port == port &&
           tt_slice_eq(tt_slice(line->host, line->host_size), host);
}

/* An idle one to this host, else a free place, else the place of the one that is idle longest. */
static struct line *find_line(struct tt_push_pool *pool, struct tt_slice host, uint16_t port)
{
    struct line *best = NULL;
    size_t to_host = 0;
    for (size_t i = 0; i < pool->options.connections_max; i++) {
        struct line *line = &pool->lines[i];
        if (line->http != NULL && !tt_http1_client_is_idle(line->http)) {
            to_host += leads_to(line, host, port);
            continue;
        }
        if (leads_to(line, host, port))
            return line;
        if (best == NULL || line->http == NULL ||
            (best->http != NULL && line->used_at.ms < best->used_at.ms))
            best = line;
    }
    return to_host < pool->options.per_host_max ? best : NULL;
}

static void dial(struct line *line, struct tt_slice host, uint16_t port)
{
    struct tt_push_pool *pool = line->pool;
    struct tt_tls_options tls = {.trust = pool->options.trust,
                                 .host = host,
                                 .port = port,
                                 .alpn = pool->options.trust == NULL ? NULL : "http/1.1",
                                 .is_allowed = pool->options.is_allowed,
                                 .connect_ms = pool->options.connect_ms};
    if (line->http != NULL)
        hang_up(line);
    memcpy(line->host, host.data, host.size);
    line->host_size = host.size;
    line->port = port;
    pool->connections++;
    line->http =
        tt_http1_client_create(pool->options.loop, &tls, ANSWER_SIZE_MAX, &http_events, line);
}

bool tt_push_pool_ask(struct tt_push_pool *pool, struct tt_slice host, uint16_t port,
                      const struct tt_http1_request_out *out, void *request)
{
    struct line *line = find_line(pool, host, port);
    if (line == NULL)
        return false;
    if (!leads_to(line, host, port))
        dial(line, host, port);
    line->request = request;
    pool->under_way++;
    tt_http1_client_send(line->http, out);
    return true;
}

void tt_push_pool_turn(struct tt_push_pool *pool)
{
    tt_mono now = tt_loop_now(pool->options.loop);
    for (size_t i = 0; i < pool->options.connections_max; i++) {
        struct line *line = &pool->lines[i];
        if (line->http != NULL && line->request == NULL &&
            now.ms - line->used_at.ms >= pool->options.idle_ms)
            hang_up(line);
    }
}

size_t tt_push_pool_under_way(const struct tt_push_pool *pool)
{
    return pool->under_way;
}

uint64_t tt_push_pool_connections(const struct tt_push_pool *pool)
{
    return pool->connections;
}
