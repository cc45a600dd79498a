#include "adapter/push/apns.h"

#include "adapter/clock_os.h"
#include "adapter/push/apns_request.h"
#include "adapter/push/token_file.h"
#include "base/memory.h"
#include "net/http2_client.h"

#define CONNECT_MS       10000
#define BACKOFF_MS       500
#define BACKOFF_MS_MAX   60000
#define WAIT_MS          10000  /* in the queue; then the core decides whether it still matters */
#define TROUBLE_WAIT_MS  1000   /* the same while APNs cannot be reached */
#define CONFIGURATION_MS 300000 /* somebody has to look at it first */
#define REFUSED_MAX      20
#define MANY_WAITING     2000 /* for one more connection */
#define PATH             "/3/device/"

struct link {
    struct tt_apns *apns;
    struct tt_http2_client *http; /* NULL: this place is free */
    bool was_ready;
    bool has_accepted; /* something: more than one stream may be open */
    bool is_going_away;
    bool is_pinging;
    tt_mono used_at;
};

struct tt_apns {
    struct tt_apns_options options;
    struct tt_bells queue;
    struct link links[TT_APNS_CONNECTIONS_MAX];
    struct tt_buffer path; /* of the push that is just being sent, as the next two */
    struct tt_buffer expiration;
    struct tt_buffer payload;
    size_t under_way;
    uint32_t failures;  /* of connecting, in a row */
    tt_mono connect_at; /* not before */
    tt_mono pause_until;
    const char *trouble; /* why nothing gets through at the moment; NULL: it does */
    bool is_pumping;
};

static tt_mono now_of(const struct tt_apns *apns)
{
    return tt_loop_now(apns->options.loop);
}

/* Half of it for sure, the rest by chance: the bits of the clock will do, and need no entropy. */
static uint64_t backoff_ms(uint32_t failures)
{
    uint64_t ms = BACKOFF_MS;
    for (uint32_t i = 1; i < failures && ms < BACKOFF_MS_MAX; i++)
        ms *= 2;
    if (ms > BACKOFF_MS_MAX)
        ms = BACKOFF_MS_MAX;
    return ms / 2 + tt_clock_os_nanoseconds() / 1000 % (ms / 2 + 1);
}

static void send_again(struct tt_apns *apns, struct tt_bell *bell)
{
    atomic_fetch_add_explicit(&bell->counts->resent, 1, memory_order_relaxed);
    tt_bells_add_front(&apns->queue, bell);
}

static void complain(struct tt_apns *apns, const char *what, struct tt_slice reason)
{
    if (apns->options.log != NULL)
        TT_LOG(apns->options.log, WARN, what, tt_log_slice("host", apns->options.host),
               tt_log_slice("reason", reason));
}

static void configuration_is_wrong(struct tt_apns *apns, struct tt_bell *bell,
                                   struct tt_slice reason)
{
    complain(apns,
             "APNs refuses this server; check --apns-key, --apns-key-id, --apns-team and "
             "--apns-topic",
             reason);
    tt_bell_put_off(bell, reason, CONFIGURATION_MS);
}

/* Apple is in trouble, or wants less: all wait a little, not only this one. */
static void slow_down(struct tt_apns *apns, int status, uint32_t asked_ms)
{
    if (status == 429 || now_of(apns).ms < apns->pause_until.ms) /* a burst is one failure */
        return;
    apns->failures++;
    uint64_t ms = backoff_ms(apns->failures);
    apns->pause_until = tt_mono_after(now_of(apns), asked_ms > ms ? asked_ms : ms);
}

static void token_expired(struct tt_apns *apns, struct tt_bell *bell, struct tt_slice reason)
{
    if (!bell->has_fresh_token && tt_provider_token_expired(apns->options.token, now_of(apns))) {
        bell->has_fresh_token = true;
        send_again(apns, bell);
    } else {
        tt_bell_put_off(bell, reason, 0);
    }
}

static void keep_token(struct tt_apns *apns)
{
    struct tt_provider_token *token = apns->options.token;
    if (token->is_kept || apns->options.token_file == NULL)
        return;
    token->is_kept = true;
    tt_token_file_write(apns->options.token_file, token);
}

static void on_answered(void *context, void *request, const struct tt_http2_answer *answer)
{
    struct link *link = context;
    struct tt_apns *apns = link->apns;
    struct tt_bell *bell = request;
    struct tt_apns_answer meaning = tt_apns_understand(answer->status, answer->body);
    uint32_t retry_ms = tt_retry_after_ms(tt_http2_answer_field(answer, "retry-after"));
    apns->under_way--;
    link->used_at = now_of(apns);
    switch (meaning.verdict) {
    case TT_APNS_ACCEPTED:
        link->has_accepted = true;
        apns->failures = 0;
        apns->trouble = NULL;
        keep_token(apns);
        tt_bell_accepted(bell, tt_http2_answer_field(answer, "apns-id"));
        return;
    case TT_APNS_DROP:
        link->has_accepted = true;
        complain(apns, "APNs refuses a notification", meaning.reason);
        tt_bell_failed(bell, meaning.reason);
        return;
    case TT_APNS_DEAD:
        link->has_accepted = true;
        tt_bell_gone(bell, meaning.reason, meaning.dead_since);
        return;
    case TT_APNS_TOKEN_EXPIRED:
        token_expired(apns, bell, meaning.reason);
        return;
    case TT_APNS_CONFIGURATION:
        configuration_is_wrong(apns, bell, meaning.reason);
        return;
    case TT_APNS_LATER:
        slow_down(apns, answer->status, retry_ms);
        tt_bell_put_off(bell, meaning.reason, retry_ms);
        return;
    }
}

static void on_failed(void *context, void *request, bool may_be_done, const char *reason)
{
    struct link *link = context;
    struct tt_apns *apns = link->apns;
    struct tt_bell *bell = request;
    apns->under_way--;
    bool again = may_be_done ? bell->unknown++ == 0 : bell->refused++ < REFUSED_MAX;
    if (again)
        send_again(apns, bell);
    else
        tt_bell_put_off(bell, tt_slice_text(reason), 0);
}

static void on_going_away(void *context, uint32_t error, struct tt_slice debug)
{
    struct link *link = context;
    link->is_going_away = true;
    if (error != 0)
        complain(link->apns, "APNs closes a connection", debug);
}

static void on_ended(void *context, enum tt_tls_end end, const char *reason)
{
    struct link *link = context;
    struct tt_apns *apns = link->apns;
    bool was_fine = link->has_accepted;
    (void)end;
    if (!was_fine) {
        apns->failures++;
        apns->connect_at = tt_mono_after(now_of(apns), backoff_ms(apns->failures));
        apns->trouble =
            link->was_ready ? "APNs closes connections at once" : "APNs cannot be reached";
        complain(apns, "the connection to APNs failed", tt_slice_text(reason));
    }
    tt_http2_client_destroy(&link->http);
    *link = (struct link){.apns = apns};
}

static void on_room(void *context)
{
    struct link *link = context;
    link->was_ready = true;
}

static const struct tt_http2_client_events http_events = {
    .room = on_room,
    .answered = on_answered,
    .failed = on_failed,
    .going_away = on_going_away,
    .ended = on_ended,
};

static void open_link(struct tt_apns *apns, struct link *link)
{
    const struct tt_apns_options *options = &apns->options;
    struct tt_tls_options tls = {.trust = options->trust,
                                 .host = options->host,
                                 .port = options->port,
                                 .alpn = "h2",
                                 .connect_ms = CONNECT_MS};
    atomic_fetch_add_explicit(&options->counts->connections, 1, memory_order_relaxed);
    *link = (struct link){.apns = apns, .used_at = now_of(apns)};
    link->http = tt_http2_client_create(options->loop, &tls, &http_events, link);
}

static size_t room_of(const struct link *link)
{
    if (link->http == NULL || link->is_going_away)
        return 0;
    size_t room = tt_http2_client_room(link->http);
    if (link->has_accepted)
        return room;
    return room > 0 && tt_http2_client_open(link->http) == 0 ? 1 : 0;
}

/* The one with most room, so that the load is spread. */
static struct link *find_room(struct tt_apns *apns)
{
    struct link *best = NULL;
    size_t most = 0;
    for (size_t i = 0; i < TT_APNS_CONNECTIONS_MAX; i++) {
        size_t room = room_of(&apns->links[i]);
        if (room > most) {
            most = room;
            best = &apns->links[i];
        }
    }
    return best;
}

static void open_if_needed(struct tt_apns *apns)
{
    struct link *free_link = NULL;
    size_t fresh = 0;
    size_t working = 0;
    for (size_t i = 0; i < TT_APNS_CONNECTIONS_MAX; i++) {
        struct link *link = &apns->links[i];
        if (link->http == NULL)
            free_link = link;
        else if (link->has_accepted && !link->is_going_away)
            working++;
        else if (!link->is_going_away)
            fresh++;
    }
    bool wanted = working == 0 || apns->queue.count > MANY_WAITING * working;
    if (fresh == 0 && wanted && free_link != NULL && now_of(apns).ms >= apns->connect_at.ms)
        open_link(apns, free_link);
}

static struct tt_http2_field field(const char *name, struct tt_slice value, bool is_unique)
{
    return (struct tt_http2_field){tt_slice_text(name), value, is_unique};
}

static void send_bell(struct tt_apns *apns, struct link *link, struct tt_bell *bell)
{
    const struct tt_notification *notification = &bell->notification;
    bool rings = notification->kind == TT_NOTIFY_RING;
    struct tt_slice token;
    tt_time wall = tt_clock_os_wall();
    if (!tt_is_ok(tt_provider_token_get(apns->options.token, now_of(apns), wall, &token))) {
        tt_bell_put_off(bell, TT_SLICE_LITERAL("the provider token cannot be signed"), 0);
        return;
    }
    struct tt_buffer *path = &apns->path;
    struct tt_buffer *expiration = &apns->expiration;
    struct tt_buffer *payload = &apns->payload;
    path->size = expiration->size = payload->size = 0;
    tt_buffer_add_text(path, PATH);
    tt_buffer_add(path, notification->address.token);
    tt_buffer_add_u64(expiration, (uint64_t)(wall.ms / 1000) + TT_PUSH_KEEP_S);
    tt_apns_payload(notification, payload);
    const struct tt_http2_field fields[] = {
        field(":method", TT_SLICE_LITERAL("POST"), false),
        field(":scheme", TT_SLICE_LITERAL("https"), false),
        field(":authority", apns->options.host, false),
        field(":path", tt_buffer_slice(path), true),
        field("authorization", token, false),
        field("apns-topic", apns->options.topic, false),
        field("apns-push-type", tt_slice_text(rings ? "alert" : "background"), false),
        field("apns-priority", tt_slice_text(rings ? "10" : "5"), false),
        field("apns-expiration", tt_buffer_slice(expiration), true),
        field("apns-collapse-id", tt_id_slice(&notification->conversation), true),
    };
    tt_http2_client_send(link->http, fields, sizeof(fields) / sizeof(fields[0]),
                         tt_buffer_slice(payload), bell);
    apns->under_way++;
    link->used_at = now_of(apns);
}

/* What has waited for too long goes back: whether it still matters is not known here. */
static void put_off_old(struct tt_apns *apns)
{
    tt_mono now = now_of(apns);
    uint64_t most = apns->trouble == NULL ? WAIT_MS : TROUBLE_WAIT_MS;
    while (apns->queue.first != NULL && now.ms - apns->queue.first->queued_at.ms >= most)
        tt_bell_put_off(tt_bells_take(&apns->queue),
                        tt_slice_text(apns->trouble == NULL ? "APNs is slow" : apns->trouble), 0);
}

static void keep_alive(struct tt_apns *apns, struct link *link)
{
    tt_mono now = now_of(apns);
    if (link->http == NULL || !tt_http2_client_is_usable(link->http))
        return;
    if (tt_http2_client_open(link->http) > 0) {
        tt_http2_client_expect_by(link->http, tt_mono_after(now, apns->options.silence_ms));
        return;
    }
    if (now.ms - link->used_at.ms < apns->options.idle_ms)
        return;
    link->used_at = now;
    tt_http2_client_ping(link->http);
    tt_http2_client_expect_by(link->http, tt_mono_after(now, apns->options.ping_ms));
}

void tt_apns_turn(struct tt_apns *apns)
{
    if (now_of(apns).ms >= apns->pause_until.ms) {
        struct link *link;
        while (apns->queue.first != NULL && (link = find_room(apns)) != NULL)
            send_bell(apns, link, tt_bells_take(&apns->queue));
    }
    if (apns->queue.first != NULL)
        open_if_needed(apns);
    put_off_old(apns);
    for (size_t i = 0; i < TT_APNS_CONNECTIONS_MAX; i++) {
        keep_alive(apns, &apns->links[i]);
        if (apns->links[i].http != NULL)
            tt_http2_client_flush(apns->links[i].http);
    }
}

void tt_apns_ring(struct tt_apns *apns, struct tt_bell *bell)
{
    bell->counts = apns->options.counts;
    bell->queued_at = now_of(apns);
    if (!tt_apns_token_is_valid(bell->notification.address.token))
        tt_bell_gone(bell, TT_SLICE_LITERAL("BadDeviceToken"), TT_TIME(0));
    else
        tt_bells_add(&apns->queue, bell);
}

size_t tt_apns_waiting(const struct tt_apns *apns)
{
    return apns->queue.count + apns->under_way;
}

struct tt_apns *tt_apns_create(const struct tt_apns_options *options)
{
    struct tt_apns *apns = tt_alloc(sizeof(*apns));
    apns->options = *options;
    return apns;
}

static void forget(void *context, void *request)
{
    (void)context;
    tt_bell_destroy(request);
}

void tt_apns_destroy(struct tt_apns **take_apns)
{
    struct tt_apns *apns = *take_apns;
    *take_apns = NULL;
    for (size_t i = 0; i < TT_APNS_CONNECTIONS_MAX; i++)
        if (apns->links[i].http != NULL) {
            tt_http2_client_forget(apns->links[i].http, forget, NULL);
            tt_http2_client_destroy(&apns->links[i].http);
        }
    for (struct tt_bell *bell = tt_bells_take(&apns->queue); bell != NULL;
         bell = tt_bells_take(&apns->queue))
        tt_bell_destroy(bell);
    tt_buffer_deinit(&apns->path);
    tt_buffer_deinit(&apns->expiration);
    tt_buffer_deinit(&apns->payload);
    tt_free(apns);
}
