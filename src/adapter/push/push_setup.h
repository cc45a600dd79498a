/*
 * push_setup: the configuration of push, read and checked: files become keys, HOST:PORT its parts,
 * and whatever is missing or wrong a sentence that names the option.
 */
#ifndef TT_ADAPTER_PUSH_PUSH_SETUP_H
#define TT_ADAPTER_PUSH_PUSH_SETUP_H

#include "adapter/push/fcm_request.h"
#include "adapter/push/notifier_push.h"
#include "net/tls_client.h"

struct tt_push_host {
    struct tt_slice host;
    uint16_t port;
};

struct tt_push_setup {
    const struct tt_log *log;
    struct tt_tls_trust *trust;
    struct tt_push_key *apns_key; /* NULL: APNs is not used */
    struct tt_slice apns_key_id;
    struct tt_slice apns_team;
    struct tt_slice apns_topic;
    const char *apns_token_file;
    struct tt_push_host apns_host;
    struct tt_push_host apns_sandbox_host;
    struct tt_service_account account; /* key NULL: FCM is not used */
    struct tt_push_host fcm_host;
    struct tt_push_key *vapid; /* NULL: Web Push is not used */
    struct tt_buffer vapid_public;
    struct tt_slice vapid_subject;
    bool webpush_allows_private;
    struct tt_arena arena;
};

/* Fails with INVALID and a sentence. Deinit in any case. */
TT_MUST_CHECK tt_err tt_push_setup_read(const struct tt_push_config *config,
                                        struct tt_push_setup *setup,
                                        char sentence[TT_PUSH_SENTENCE_SIZE]);
void tt_push_setup_deinit(struct tt_push_setup *setup);

#endif
