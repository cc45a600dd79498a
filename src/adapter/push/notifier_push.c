#include "adapter/push/notifier_push.h"

#include <pthread.h>
#include <stdio.h>

#include "adapter/clock_os.h"
#include "adapter/push/apns.h"
#include "adapter/push/fcm.h"
#include "adapter/push/push_setup.h"
#include "adapter/push/token_file.h"
#include "adapter/push/webpush.h"
#include "base/memory.h"

#define OUTBOX_MAX 16384 /* notifications held; the rest goes back */
#define TICK_MS    250
#define NODES_MAX  256

struct attached {
    struct tt_notifier_push *notifier;
    struct tt_notifier_sink sink;
};

struct tt_notifier_push {
    struct tt_push_setup setup;
    struct tt_loop *loop;
    struct tt_apns *apns; /* NULL: not used */
    struct tt_apns *apns_sandbox;
    struct tt_fcm *fcm;
    struct tt_webpush *webpush;
    struct tt_provider_token token;
    struct tt_push_counts counts[TT_PUSH_WEBPUSH + 1];
    struct attached nodes[NODES_MAX];
    size_t node_count;
    pthread_t thread;
    size_t held;           /* by the services */
    atomic_size_t waiting; /* there, and taken from the inbox */
    atomic_bool stopping;
    pthread_mutex_t lock; /* guards the rest */
    struct tt_bells inbox;
};

static struct tt_apns *apns_of(const struct tt_notifier_push *notifier,
                               const struct tt_push_address *address)
{
    if (address->provider != TT_PUSH_APNS)
        return NULL;
    return address->sandbox ? notifier->apns_sandbox : notifier->apns;
}

static void ring(struct tt_notifier_push *notifier, struct tt_bell *bell)
{
    const struct tt_push_address *address = &bell->notification.address;
    struct tt_apns *apns = apns_of(notifier, address);
    bell->counts = &notifier->counts[address->provider];
    if (notifier->held++ >= OUTBOX_MAX)
        tt_bell_put_off(bell, TT_SLICE_LITERAL("too many notifications wait"), 0);
    else if (apns != NULL)
        tt_apns_ring(apns, bell);
    else if (address->provider == TT_PUSH_FCM && notifier->fcm != NULL)
        tt_fcm_ring(notifier->fcm, bell);
    else if (address->provider == TT_PUSH_WEBPUSH && notifier->webpush != NULL)
        tt_webpush_ring(notifier->webpush, bell);
    else
        tt_bell_failed(bell, TT_SLICE_LITERAL("this server is not configured for that service"));
}

static void take_inbox(struct tt_notifier_push *notifier)
{
    pthread_mutex_lock(&notifier->lock);
    struct tt_bells inbox = notifier->inbox;
    notifier->inbox = (struct tt_bells){NULL, NULL, 0};
    atomic_store(&notifier->waiting, notifier->held + inbox.count);
    pthread_mutex_unlock(&notifier->lock);
    for (struct tt_bell *bell = tt_bells_take(&inbox); bell != NULL; bell = tt_bells_take(&inbox))
        ring(notifier, bell);
}

static size_t turn(struct tt_notifier_push *notifier)
{
    size_t waiting = 0;
    if (notifier->apns != NULL) {
        tt_apns_turn(notifier->apns);
        tt_apns_turn(notifier->apns_sandbox);
        waiting += tt_apns_waiting(notifier->apns) + tt_apns_waiting(notifier->apns_sandbox);
    }
    if (notifier->fcm != NULL) {
        tt_fcm_turn(notifier->fcm);
        waiting += tt_fcm_waiting(notifier->fcm);
    }
    if (notifier->webpush != NULL) {
        tt_webpush_turn(notifier->webpush);
        waiting += tt_webpush_waiting(notifier->webpush);
    }
    return waiting;
}

static void on_turn_end(void *context)
{
    struct tt_notifier_push *notifier = context;
    take_inbox(notifier);
    notifier->held = turn(notifier);
    atomic_store(&notifier->waiting, notifier->held);
    tt_loop_set_deadline(notifier->loop, tt_mono_after(tt_loop_now(notifier->loop), TICK_MS));
    if (atomic_load(&notifier->stopping))
        tt_loop_stop(notifier->loop);
}

static const struct tt_loop_events loop_events = {.turn_end = on_turn_end};

static void *run(void *context)
{
    struct tt_notifier_push *notifier = context;
    tt_loop_run(notifier->loop);
    return NULL;
}

static void notify(void *self, const struct tt_notification *notification)
{
    struct attached *node = self;
    struct tt_notifier_push *notifier = node->notifier;
    struct tt_bell *bell = tt_bell_create(notification, &node->sink);
    pthread_mutex_lock(&notifier->lock);
    bool was_empty = notifier->inbox.first == NULL;
    tt_bells_add(&notifier->inbox, bell);
    if (was_empty)
        tt_loop_wake(notifier->loop);
    pthread_mutex_unlock(&notifier->lock);
}

struct tt_notifier_port tt_notifier_push_attach(struct tt_notifier_push *notifier,
                                                struct tt_notifier_sink sink)
{
    TT_ASSERT(notifier->node_count < NODES_MAX);
    struct attached *node = &notifier->nodes[notifier->node_count++];
    *node = (struct attached){notifier, sink};
    return (struct tt_notifier_port){.self = node, .notify = notify};
}

struct tt_push_times tt_push_times_default(void)
{
    return (struct tt_push_times){.apns_idle_ms = 10 * 60 * 1000,
                                  .apns_ping_ms = 10 * 1000,
                                  .apns_silence_ms = 30 * 1000,
                                  .apns_token_ms = TT_PROVIDER_TOKEN_MS,
                                  .apns_token_ms_min = TT_PROVIDER_TOKEN_MS_MIN,
                                  .fcm_answer_ms = 15 * 1000,
                                  .webpush_answer_ms = 10 * 1000};
}

static void create_apns(struct tt_notifier_push *notifier, const struct tt_push_times *times)
{
    struct tt_push_setup *setup = &notifier->setup;
    notifier->token = (struct tt_provider_token){.key = setup->apns_key,
                                                 .key_id = setup->apns_key_id,
                                                 .team_id = setup->apns_team,
                                                 .lives_ms = times->apns_token_ms,
                                                 .lives_ms_min = times->apns_token_ms_min};
    if (setup->apns_token_file != NULL)
        tt_token_file_read(setup->apns_token_file, &notifier->token, tt_loop_now(notifier->loop),
                           tt_clock_os_wall());
    struct tt_apns_options options = {
        .loop = notifier->loop,
        .trust = setup->trust,
        .log = setup->log,
        .counts = &notifier->counts[TT_PUSH_APNS],
        .token = &notifier->token,
        .token_file = setup->apns_token_file,
        .host = setup->apns_host.host,
        .port = setup->apns_host.port,
        .topic = setup->apns_topic,
        .idle_ms = times->apns_idle_ms,
        .ping_ms = times->apns_ping_ms,
        .silence_ms = times->apns_silence_ms,
    };
    notifier->apns = tt_apns_create(&options);
    options.host = setup->apns_sandbox_host.host;
    options.port = setup->apns_sandbox_host.port;
    notifier->apns_sandbox = tt_apns_create(&options);
}

static tt_err create_services(struct tt_notifier_push *notifier, const struct tt_push_times *times,
                              char *sentence)
{
    struct tt_push_setup *setup = &notifier->setup;
    if (setup->apns_key != NULL)
        create_apns(notifier, times);
    if (setup->account.key != NULL) {
        struct tt_fcm_options options = {.loop = notifier->loop,
                                         .trust = setup->trust,
                                         .log = setup->log,
                                         .counts = &notifier->counts[TT_PUSH_FCM],
                                         .account = &setup->account,
                                         .host = setup->fcm_host.host,
                                         .port = setup->fcm_host.port,
                                         .answer_ms = times->fcm_answer_ms};
        tt_err err = tt_fcm_create(&options, &notifier->fcm);
        if (!tt_is_ok(err)) {
            (void)snprintf(sentence, TT_PUSH_SENTENCE_SIZE,
                           "the token_uri in --fcm-service-account is no https URL");
            return err;
        }
    }
    if (setup->vapid != NULL) {
        struct tt_webpush_options options = {.loop = notifier->loop,
                                             .trust = setup->trust,
                                             .counts = &notifier->counts[TT_PUSH_WEBPUSH],
                                             .vapid = setup->vapid,
                                             .subject = setup->vapid_subject,
                                             .allows_private_addresses =
                                                 setup->webpush_allows_private,
                                             .answer_ms = times->webpush_answer_ms};
        notifier->webpush = tt_webpush_create(&options);
    }
    return TT_OK;
}

static void free_all(struct tt_notifier_push *notifier)
{
    for (struct tt_bell *bell = tt_bells_take(&notifier->inbox); bell != NULL;
         bell = tt_bells_take(&notifier->inbox))
        tt_bell_destroy(bell);
    if (notifier->apns != NULL) {
        tt_apns_destroy(&notifier->apns);
        tt_apns_destroy(&notifier->apns_sandbox);
    }
    if (notifier->fcm != NULL)
        tt_fcm_destroy(&notifier->fcm);
    if (notifier->webpush != NULL)
        tt_webpush_destroy(&notifier->webpush);
    if (notifier->loop != NULL)
        tt_loop_destroy(&notifier->loop);
    tt_provider_token_deinit(&notifier->token);
    tt_push_setup_deinit(&notifier->setup);
    pthread_mutex_destroy(&notifier->lock);
    tt_free(notifier);
}

tt_err tt_notifier_push_create(const struct tt_push_config *config,
                               struct tt_notifier_push **created,
                               char sentence[TT_PUSH_SENTENCE_SIZE])
{
    struct tt_notifier_push *notifier = tt_alloc(sizeof(*notifier));
    struct tt_push_times times = tt_push_times_default();
    int failed = pthread_mutex_init(&notifier->lock, NULL);
    TT_ASSERT(failed == 0);
    tt_err err = tt_push_setup_read(config, &notifier->setup, sentence);
    if (tt_is_ok(err)) {
        err = tt_loop_create(&loop_events, notifier, &notifier->loop);
        (void)snprintf(sentence, TT_PUSH_SENTENCE_SIZE, "cannot make an event loop for push");
    }
    if (tt_is_ok(err))
        err = create_services(notifier, config->times != NULL ? config->times : &times, sentence);
    if (!tt_is_ok(err)) {
        free_all(notifier);
        return err;
    }
    failed = pthread_create(&notifier->thread, NULL, run, notifier);
    TT_ASSERT(failed == 0);
    *created = notifier;
    return TT_OK;
}

void tt_notifier_push_stop(struct tt_notifier_push *notifier)
{
    if (atomic_exchange(&notifier->stopping, true))
        return;
    tt_loop_wake(notifier->loop);
    pthread_join(notifier->thread, NULL);
}

void tt_notifier_push_destroy(struct tt_notifier_push **take_notifier)
{
    struct tt_notifier_push *notifier = *take_notifier;
    *take_notifier = NULL;
    tt_notifier_push_stop(notifier);
    free_all(notifier);
}

struct tt_slice tt_notifier_push_vapid(const struct tt_notifier_push *notifier)
{
    return tt_buffer_slice(&notifier->setup.vapid_public);
}

void tt_notifier_push_report(struct tt_notifier_push *notifier, enum tt_push_provider provider,
                             struct tt_push_report *report)
{
    struct tt_push_counts *counts = &notifier->counts[provider];
    report->accepted = atomic_load(&counts->accepted);
    report->failed = atomic_load(&counts->failed);
    report->gone = atomic_load(&counts->gone);
    report->put_off = atomic_load(&counts->put_off);
    report->resent = atomic_load(&counts->resent);
    report->connections = atomic_load(&counts->connections);
}

uint64_t tt_notifier_push_waiting(struct tt_notifier_push *notifier)
{
    pthread_mutex_lock(&notifier->lock);
    uint64_t waiting = atomic_load(&notifier->waiting) + notifier->inbox.count;
    pthread_mutex_unlock(&notifier->lock);
    return waiting;
}
