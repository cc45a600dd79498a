/*
 * notifier_push: the notifier that rings real phones, on a thread of its own: APNs, FCM and Web
 * Push behind the port of port/notifier.h. What it holds is bounded; what does not fit goes back to
 * the core at once, to be asked for again.
 */
#ifndef TT_ADAPTER_PUSH_NOTIFIER_PUSH_H
#define TT_ADAPTER_PUSH_NOTIFIER_PUSH_H

#include "base/err.h"
#include "base/log.h"
#include "port/notifier.h"

/* How long things take; tests shorten them. */
struct tt_push_times {
    uint32_t apns_idle_ms;      /* without a word: then a PING */
    uint32_t apns_ping_ms;      /* for its answer */
    uint32_t apns_silence_ms;   /* for the answer to a push */
    uint32_t apns_token_ms;     /* a provider token is renewed when it is so old */
    uint32_t apns_token_ms_min; /* and never before it is so old */
    uint32_t fcm_answer_ms;
    uint32_t webpush_answer_ms;
};

struct tt_push_times tt_push_times_default(void);

/* NULL or empty: that service is not used. Files are read once. */
struct tt_push_config {
    const char *apns_key; /* the .p8 file of Apple's developer pages */
    const char *apns_key_id;
    const char *apns_team;
    const char *apns_topic;
    const char *apns_token_file;   /* keeps Apple's trust over a restart; NULL: nothing does */
    const char *apns_host;         /* "api.push.apple.com:443" */
    const char *apns_sandbox_host; /* "api.sandbox.push.apple.com:443" */
    const char *fcm_service_account;
    const char *fcm_host;              /* "fcm.googleapis.com:443" */
    struct tt_slice vapid_key;         /* PEM; made at the first start where none is given */
    const char *vapid_subject;         /* "mailto:..." */
    const char *ca_file;               /* more certificate authorities; for tests */
    bool webpush_allows_private;       /* for tests */
    const struct tt_log *log;          /* may be NULL */
    const struct tt_push_times *times; /* NULL: the default ones */
};

#define TT_PUSH_SENTENCE_SIZE 512

struct tt_notifier_push;

/* Reads and checks the configuration and starts the thread. Fails with INVALID; `sentence` says
 * which option is wrong and what to do. The config's texts are borrowed while it lives. */
TT_MUST_CHECK tt_err tt_notifier_push_create(const struct tt_push_config *config,
                                             struct tt_notifier_push **notifier,
                                             char sentence[TT_PUSH_SENTENCE_SIZE]);

/* Ends the thread; what waits is forgotten (it is still armed in the store). No sink is called any
 * more afterwards; ports may still be called, for nothing. */
void tt_notifier_push_stop(struct tt_notifier_push *notifier);

/* Stops it, if it was not. */
void tt_notifier_push_destroy(struct tt_notifier_push **take_notifier);

/* A port for one more node. It lives as long as the notifier; outcomes come on its thread. */
struct tt_notifier_port tt_notifier_push_attach(struct tt_notifier_push *notifier,
                                                struct tt_notifier_sink sink);

/* The public half of the VAPID key in base64url, as browsers want it; 87 letters. */
struct tt_slice tt_notifier_push_vapid(const struct tt_notifier_push *notifier);

/* What it has done, by provider (enum tt_push_provider). */
struct tt_push_report {
    uint64_t accepted;
    uint64_t failed;
    uint64_t gone;
    uint64_t put_off;
    uint64_t resent;
    uint64_t connections;
};

void tt_notifier_push_report(struct tt_notifier_push *notifier, enum tt_push_provider provider,
                             struct tt_push_report *report);

/* What waits to be sent or answered. */
uint64_t tt_notifier_push_waiting(struct tt_notifier_push *notifier);

#endif
