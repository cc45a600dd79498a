#include "adapter/push/webpush.h"

#include "adapter/clock_os.h"
#include "adapter/push/push_pool.h"
#include "adapter/push/webpush_request.h"
#include "base/memory.h"
#include "net/address_scope.h"

#define CONNECTIONS_MAX 32
#define PER_HOST_MAX    8
#define PASSED_OVER_MAX 64 /* bells whose host is busy, before the others have to wait too */
#define CONNECT_MS      10000
#define IDLE_MS         30000
#define WAIT_MS         15000
#define KEPT_MAX        16 /* authorizations, by origin */
#define KEPT_MS         (6ULL * 3600 * 1000)

/* One for each push service: making one costs a signature. */
struct authorization {
    struct tt_buffer origin;
    struct tt_buffer value;
    tt_mono made_at;
};

struct tt_webpush {
    struct tt_webpush_options options;
    struct tt_push_pool *pool;
    struct tt_bells queue;
    struct authorization kept[KEPT_MAX];
};

static tt_mono now_of(const struct tt_webpush *webpush)
{
    return tt_loop_now(webpush->options.loop);
}

static tt_err authorize(struct tt_webpush *webpush, struct tt_slice origin, struct tt_slice *value)
{
    tt_mono now = now_of(webpush);
    struct authorization *place = &webpush->kept[0];
    for (size_t i = 0; i < KEPT_MAX; i++) {
        struct authorization *kept = &webpush->kept[i];
        if (kept->value.size > 0 && tt_slice_eq(tt_buffer_slice(&kept->origin), origin) &&
            now.ms - kept->made_at.ms < KEPT_MS) {
            *value = tt_buffer_slice(&kept->value);
            return TT_OK;
        }
        if (kept->made_at.ms < place->made_at.ms)
            place = kept;
    }
    place->origin.size = 0;
    place->value.size = 0;
    tt_buffer_add(&place->origin, origin);
    place->made_at = now;
    TT_TRY(tt_vapid_authorization(webpush->options.vapid, origin, webpush->options.subject,
                                  tt_clock_os_wall(), &place->value));
    *value = tt_buffer_slice(&place->value);
    return TT_OK;
}

static void understand(struct tt_bell *bell, const struct tt_http1_response *response)
{
    char reason[] = "HTTP 000";
    int status = response->status;
    for (size_t i = 7; i >= 5; i--, status /= 10)
        reason[i] = (char)('0' + status % 10);
    struct tt_slice text = tt_slice_text(reason);
    status = response->status;
    if (status == 201 || status == 200 || status == 202)
        tt_bell_accepted(bell, tt_http1_response_header(response, "location"));
    else if (status == 404 || status == 410)
        tt_bell_gone(bell, text, TT_TIME(0));
    else if (status == 429 || status >= 500)
        tt_bell_put_off(bell, text,
                        tt_retry_after_ms(tt_http1_response_header(response, "retry-after")));
    else
        tt_bell_failed(bell, text);
}

static void on_answered(void *context, void *request, const struct tt_http1_response *response,
                        const struct tt_push_failure *failure)
{
    struct tt_webpush *webpush = context;
    struct tt_bell *bell = request;
    if (response != NULL) {
        understand(bell, response);
    } else if (failure->end == TT_TLS_FORBIDDEN || failure->end == TT_TLS_UNTRUSTED) {
        tt_bell_failed(bell, tt_slice_text(failure->reason));
    } else if (failure->was_sent && bell->unknown++ == 0) {
        atomic_fetch_add_explicit(&bell->counts->resent, 1, memory_order_relaxed);
        tt_bells_add_front(&webpush->queue, bell);
    } else {
        tt_bell_put_off(bell, tt_slice_text(failure->reason), 0);
    }
}

static tt_err write_fields(struct tt_webpush *webpush, const struct tt_bell *bell,
                           struct tt_slice origin, struct tt_buffer *fields)
{
    struct tt_slice authorization;
    struct tt_buffer topic = {0};
    TT_TRY(authorize(webpush, origin, &authorization));
    TT_TRY(tt_webpush_topic(&bell->notification.conversation, &topic));
    tt_http1_add_field(fields, "Authorization", authorization);
    tt_http1_add_field(fields, "Content-Encoding", TT_SLICE_LITERAL("aes128gcm"));
    tt_http1_add_field(fields, "Content-Type", TT_SLICE_LITERAL("application/octet-stream"));
    tt_http1_add_field(fields, "TTL", TT_SLICE_LITERAL("2419200"));
    tt_http1_add_field(fields, "Urgency", TT_SLICE_LITERAL("high"));
    tt_http1_add_field(fields, "Topic", tt_buffer_slice(&topic));
    tt_buffer_deinit(&topic);
    return TT_OK;
}

static tt_err write_body(const struct tt_bell *bell, struct tt_buffer *body)
{
    struct tt_buffer text = {0};
    tt_webpush_text(&bell->notification, &text);
    tt_err err = tt_webpush_encrypt(&bell->notification.address, tt_buffer_slice(&text), body);
    tt_buffer_deinit(&text);
    return err;
}

/* False: no connection is free, and the bell still belongs to the caller. */
static bool send_bell(struct tt_webpush *webpush, struct tt_bell *bell)
{
    struct tt_webpush_endpoint endpoint;
    struct tt_buffer fields = {0};
    struct tt_buffer body = {0};
    tt_err err = tt_webpush_endpoint(bell->notification.address.token, &endpoint);
    if (tt_is_ok(err))
        err = write_fields(webpush, bell, endpoint.origin, &fields);
    if (tt_is_ok(err))
        err = write_body(bell, &body);
    bool taken = true;
    if (tt_is_ok(err)) {
        struct tt_http1_request_out out = {.method = "POST",
                                           .authority = endpoint.authority,
                                           .target = endpoint.target,
                                           .fields = tt_buffer_slice(&fields),
                                           .body = tt_buffer_slice(&body),
                                           .answer_ms = webpush->options.answer_ms};
        taken = tt_push_pool_ask(webpush->pool, endpoint.host, endpoint.port, &out, bell);
    } else if (tt_err_is(err, TT_ERR_INVALID)) {
        tt_bell_gone(bell, TT_SLICE_LITERAL("the subscription is none"), TT_TIME(0));
    } else {
        tt_bell_put_off(bell, TT_SLICE_LITERAL("it cannot be encrypted"), 0);
    }
    tt_buffer_deinit(&fields);
    tt_buffer_deinit(&body);
    return taken;
}

/* In front, in their order. */
static void put_back(struct tt_webpush *webpush, struct tt_bells *bells)
{
    if (bells->first == NULL)
        return;
    bells->last->next = webpush->queue.first;
    webpush->queue.first = bells->first;
    if (webpush->queue.last == NULL)
        webpush->queue.last = bells->last;
    webpush->queue.count += bells->count;
}

void tt_webpush_turn(struct tt_webpush *webpush)
{
    tt_mono now = now_of(webpush);
    struct tt_bells passed_over = {NULL, NULL, 0};
    while (webpush->queue.first != NULL && passed_over.count < PASSED_OVER_MAX) {
        struct tt_bell *bell = tt_bells_take(&webpush->queue);
        if (!send_bell(webpush, bell))
            tt_bells_add(&passed_over, bell);
    }
    put_back(webpush, &passed_over);
    while (webpush->queue.first != NULL && now.ms - webpush->queue.first->queued_at.ms >= WAIT_MS)
        tt_bell_put_off(tt_bells_take(&webpush->queue),
                        TT_SLICE_LITERAL("the push services are slow"), 0);
    tt_push_pool_turn(webpush->pool);
}

void tt_webpush_ring(struct tt_webpush *webpush, struct tt_bell *bell)
{
    bell->counts = webpush->options.counts;
    bell->queued_at = now_of(webpush);
    tt_bells_add(&webpush->queue, bell);
}

size_t tt_webpush_waiting(const struct tt_webpush *webpush)
{
    return webpush->queue.count + tt_push_pool_under_way(webpush->pool);
}

struct tt_webpush *tt_webpush_create(const struct tt_webpush_options *options)
{
    struct tt_webpush *webpush = tt_alloc(sizeof(*webpush));
    struct tt_push_pool_options pool = {
        .loop = options->loop,
        .trust = options->trust,
        .is_allowed = options->allows_private_addresses ? NULL : tt_address_is_public,
        .connections_max = CONNECTIONS_MAX,
        .per_host_max = PER_HOST_MAX,
        .connect_ms = CONNECT_MS,
        .idle_ms = IDLE_MS};
    webpush->options = *options;
    webpush->pool = tt_push_pool_create(&pool, on_answered, webpush);
    return webpush;
}

static void forget(void *context, void *request)
{
    (void)context;
    tt_bell_destroy(request);
}

void tt_webpush_destroy(struct tt_webpush **take_webpush)
{
    struct tt_webpush *webpush = *take_webpush;
    *take_webpush = NULL;
    tt_push_pool_destroy(&webpush->pool, forget, NULL);
    for (struct tt_bell *bell = tt_bells_take(&webpush->queue); bell != NULL;
         bell = tt_bells_take(&webpush->queue))
        tt_bell_destroy(bell);
    for (size_t i = 0; i < KEPT_MAX; i++) {
        tt_buffer_deinit(&webpush->kept[i].origin);
        tt_buffer_deinit(&webpush->kept[i].value);
    }
    tt_free(webpush);
}
