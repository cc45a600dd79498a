#include "adapter/push/fcm.h"

#include "adapter/clock_os.h"
#include "adapter/push/push_pool.h"
#include "adapter/push/webpush_request.h"
#include "base/memory.h"

#define CONNECTIONS_MAX 16
#define CONNECT_MS      10000
#define IDLE_MS         60000
#define WAIT_MS         10000 /* in the queue; then the core decides whether it still matters */
#define TROUBLE_WAIT_MS 1000  /* the same where there is no token to be had */
#define RENEW_EARLY_S   300
#define RENEW_RETRY_MS  2000
#define PAUSE_MS        1000
#define QUOTA_PAUSE_MS  60000 /* what Google asks for where it does not say */

struct tt_fcm {
    struct tt_fcm_options options;
    struct tt_push_pool *pool;
    struct tt_bells queue;
    struct tt_webpush_endpoint token_uri;
    struct tt_buffer target;        /* /v1/projects/P/messages:send */
    struct tt_buffer authorization; /* a header field; empty: no token yet */
    tt_mono renew_at;
    tt_mono fetch_at; /* not before */
    tt_mono pause_until;
    bool is_fetching;
    struct tt_buffer trouble; /* why no token could be had */
};

static tt_mono now_of(const struct tt_fcm *fcm)
{
    return tt_loop_now(fcm->options.loop);
}

static void complain(struct tt_fcm *fcm, const char *what, struct tt_slice reason)
{
    if (fcm->options.log != NULL)
        TT_LOG(fcm->options.log, WARN, what, tt_log_slice("reason", reason));
}

static void token_failed(struct tt_fcm *fcm, struct tt_slice reason)
{
    complain(fcm, "no access token from Google; check --fcm-service-account", reason);
    fcm->trouble.size = 0;
    tt_buffer_add_text(&fcm->trouble, "no access token: ");
    tt_buffer_add(&fcm->trouble, reason);
    fcm->fetch_at = tt_mono_after(now_of(fcm), RENEW_RETRY_MS);
}

static void token_came(struct tt_fcm *fcm, const struct tt_http1_response *response,
                       const struct tt_push_failure *failure)
{
    struct tt_slice token;
    uint64_t lives_s;
    fcm->is_fetching = false;
    if (response == NULL) {
        token_failed(fcm, tt_slice_text(failure->reason));
        return;
    }
    if (response->status != 200 ||
        !tt_is_ok(tt_fcm_token_answer(response->body, &token, &lives_s))) {
        token_failed(fcm, TT_SLICE_LITERAL("the token endpoint refuses the service account"));
        return;
    }
    struct tt_buffer value = {0};
    tt_buffer_add_text(&value, "Bearer ");
    tt_buffer_add(&value, token);
    fcm->authorization.size = 0;
    tt_http1_add_field(&fcm->authorization, "Authorization", tt_buffer_slice(&value));
    tt_buffer_deinit(&value);
    uint64_t early_s = lives_s > (uint64_t)2 * RENEW_EARLY_S ? RENEW_EARLY_S : lives_s / 2;
    fcm->renew_at = tt_mono_after(now_of(fcm), (lives_s - early_s) * 1000);
    fcm->trouble.size = 0;
}

static void understand(struct tt_fcm *fcm, struct tt_bell *bell,
                       const struct tt_http1_response *response)
{
    struct tt_fcm_answer answer = tt_fcm_understand(response->status, response->body);
    uint32_t retry_ms = tt_retry_after_ms(tt_http1_response_header(response, "retry-after"));
    switch (answer.verdict) {
    case TT_FCM_ACCEPTED:
        tt_bell_accepted(bell, answer.detail);
        return;
    case TT_FCM_DROP:
        complain(fcm, "FCM refuses a notification", answer.detail);
        tt_bell_failed(bell, answer.detail);
        return;
    case TT_FCM_DEAD:
        tt_bell_gone(bell, answer.detail, TT_TIME(0));
        return;
    case TT_FCM_UNAUTHORIZED:
        if (bell->has_fresh_token) {
            complain(fcm, "FCM refuses this server; check --fcm-service-account", answer.detail);
            tt_bell_put_off(bell, answer.detail, QUOTA_PAUSE_MS);
            return;
        }
        bell->has_fresh_token = true;
        fcm->renew_at = now_of(fcm);
        fcm->authorization.size = 0;
        tt_bells_add_front(&fcm->queue, bell);
        return;
    case TT_FCM_LATER:
        if (response->status == 429 && retry_ms == 0)
            retry_ms = QUOTA_PAUSE_MS;
        fcm->pause_until = tt_mono_after(now_of(fcm), retry_ms > PAUSE_MS ? retry_ms : PAUSE_MS);
        tt_bell_put_off(bell, answer.detail, retry_ms);
        return;
    }
}

static void on_answered(void *context, void *request, const struct tt_http1_response *response,
                        const struct tt_push_failure *failure)
{
    struct tt_fcm *fcm = context;
    struct tt_bell *bell = request;
    if (request == fcm) {
        token_came(fcm, response, failure);
        return;
    }
    if (response != NULL) {
        understand(fcm, bell, response);
        return;
    }
    if (failure->was_sent && bell->unknown++ == 0) {
        atomic_fetch_add_explicit(&bell->counts->resent, 1, memory_order_relaxed);
        tt_bells_add_front(&fcm->queue, bell);
    } else {
        tt_bell_put_off(bell, tt_slice_text(failure->reason), 0);
    }
}

static void fetch_token(struct tt_fcm *fcm)
{
    struct tt_buffer body = {0};
    struct tt_buffer fields = {0};
    tt_http1_add_field(&fields, "Content-Type",
                       TT_SLICE_LITERAL("application/x-www-form-urlencoded"));
    if (tt_is_ok(tt_fcm_token_request(fcm->options.account, tt_clock_os_wall(), &body))) {
        struct tt_http1_request_out out = {.method = "POST",
                                           .authority = fcm->token_uri.authority,
                                           .target = fcm->token_uri.target,
                                           .fields = tt_buffer_slice(&fields),
                                           .body = tt_buffer_slice(&body),
                                           .answer_ms = fcm->options.answer_ms};
        fcm->is_fetching =
            tt_push_pool_ask(fcm->pool, fcm->token_uri.host, fcm->token_uri.port, &out, fcm);
    }
    tt_buffer_deinit(&body);
    tt_buffer_deinit(&fields);
}

static bool send_bell(struct tt_fcm *fcm, struct tt_bell *bell)
{
    struct tt_buffer body = {0};
    struct tt_buffer fields = {0};
    tt_http1_add_field(&fields, "Content-Type", TT_SLICE_LITERAL("application/json"));
    tt_buffer_add(&fields, tt_buffer_slice(&fcm->authorization));
    tt_fcm_message(&bell->notification, &body);
    struct tt_http1_request_out out = {.method = "POST",
                                       .authority = fcm->options.host,
                                       .target = tt_buffer_slice(&fcm->target),
                                       .fields = tt_buffer_slice(&fields),
                                       .body = tt_buffer_slice(&body),
                                       .answer_ms = fcm->options.answer_ms};
    bool asked = tt_push_pool_ask(fcm->pool, fcm->options.host, fcm->options.port, &out, bell);
    tt_buffer_deinit(&body);
    tt_buffer_deinit(&fields);
    return asked;
}

static void put_off_old(struct tt_fcm *fcm)
{
    tt_mono now = now_of(fcm);
    uint64_t most = fcm->trouble.size > 0 ? TROUBLE_WAIT_MS : WAIT_MS;
    struct tt_slice reason =
        fcm->trouble.size > 0 ? tt_buffer_slice(&fcm->trouble) : TT_SLICE_LITERAL("FCM is slow");
    while (fcm->queue.first != NULL && now.ms - fcm->queue.first->queued_at.ms >= most)
        tt_bell_put_off(tt_bells_take(&fcm->queue), reason, 0);
}

void tt_fcm_turn(struct tt_fcm *fcm)
{
    tt_mono now = now_of(fcm);
    bool has_token = fcm->authorization.size > 0;
    bool is_wanted = fcm->queue.first != NULL;
    if (is_wanted && !fcm->is_fetching && now.ms >= fcm->fetch_at.ms &&
        (!has_token || now.ms >= fcm->renew_at.ms))
        fetch_token(fcm);
    while (has_token && now.ms >= fcm->pause_until.ms && fcm->queue.first != NULL) {
        struct tt_bell *bell = tt_bells_take(&fcm->queue);
        if (send_bell(fcm, bell))
            continue;
        tt_bells_add_front(&fcm->queue, bell);
        break;
    }
    put_off_old(fcm);
    tt_push_pool_turn(fcm->pool);
}

void tt_fcm_ring(struct tt_fcm *fcm, struct tt_bell *bell)
{
    bell->counts = fcm->options.counts;
    bell->queued_at = now_of(fcm);
    if (!tt_fcm_token_is_valid(bell->notification.address.token))
        tt_bell_gone(bell, TT_SLICE_LITERAL("INVALID_ARGUMENT"), TT_TIME(0));
    else
        tt_bells_add(&fcm->queue, bell);
}

size_t tt_fcm_waiting(const struct tt_fcm *fcm)
{
    return fcm->queue.count + tt_push_pool_under_way(fcm->pool);
}

tt_err tt_fcm_create(const struct tt_fcm_options *options, struct tt_fcm **created)
{
    struct tt_webpush_endpoint token_uri;
    TT_TRY(tt_webpush_endpoint(options->account->token_uri, &token_uri));
    struct tt_fcm *fcm = tt_alloc(sizeof(*fcm));
    struct tt_push_pool_options pool = {.loop = options->loop,
                                        .trust = options->trust,
                                        .connections_max = CONNECTIONS_MAX,
                                        .per_host_max = CONNECTIONS_MAX,
                                        .connect_ms = CONNECT_MS,
                                        .idle_ms = IDLE_MS};
    fcm->options = *options;
    fcm->token_uri = token_uri;
    fcm->pool = tt_push_pool_create(&pool, on_answered, fcm);
    tt_buffer_add_text(&fcm->target, "/v1/projects/");
    tt_buffer_add(&fcm->target, options->account->project_id);
    tt_buffer_add_text(&fcm->target, "/messages:send");
    *created = fcm;
    return TT_OK;
}

static void forget(void *context, void *request)
{
    if (request != context) /* the fetching of a token is no bell */
        tt_bell_destroy(request);
}

void tt_fcm_destroy(struct tt_fcm **take_fcm)
{
    struct tt_fcm *fcm = *take_fcm;
    *take_fcm = NULL;
    tt_push_pool_destroy(&fcm->pool, forget, fcm);
    for (struct tt_bell *bell = tt_bells_take(&fcm->queue); bell != NULL;
         bell = tt_bells_take(&fcm->queue))
        tt_bell_destroy(bell);
    tt_buffer_deinit(&fcm->target);
    tt_buffer_deinit(&fcm->authorization);
    tt_buffer_deinit(&fcm->trouble);
    tt_free(fcm);
}
