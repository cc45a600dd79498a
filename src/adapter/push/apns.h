/*
 * apns: Apple's push service, one environment of it. One connection lives as long as Apple lets it,
 * more are opened under load. A new connection carries one stream until Apple has accepted
 * something on it (until then it may not believe the token), then as many as its SETTINGS allow.
 *
 * What was surely not processed (refused, or above GOAWAY's last stream) is sent again at once.
 * What was cut off without a word is sent again once: the collapse id hides a double. All else that
 * may work later goes back to the core.
 */
#ifndef TT_ADAPTER_PUSH_APNS_H
#define TT_ADAPTER_PUSH_APNS_H

#include "adapter/push/bell.h"
#include "adapter/push/provider_token.h"
#include "base/log.h"
#include "net/tls_client.h"

#define TT_APNS_CONNECTIONS_MAX 8

struct tt_apns;

struct tt_apns_options {
    struct tt_loop *loop;
    struct tt_tls_trust *trust;
    const struct tt_log *log; /* may be NULL */
    struct tt_push_counts *counts;
    struct tt_provider_token *token; /* shared by the environments */
    const char *token_file;          /* where it is kept; NULL: nowhere */
    struct tt_slice host;
    uint16_t port;
    struct tt_slice topic;
    uint32_t idle_ms;    /* a PING after so long without a word */
    uint32_t ping_ms;    /* the connection is given up if that takes longer */
    uint32_t silence_ms; /* the same for the answer to a push */
};

/* The options' pointers and texts are borrowed. */
struct tt_apns *tt_apns_create(const struct tt_apns_options *options);

/* Frees what waits without telling. */
void tt_apns_destroy(struct tt_apns **take_apns);

/* Takes the bell. */
void tt_apns_ring(struct tt_apns *apns, struct tt_bell *bell);

/* At the end of each turn, and at least every second while anything waits. */
void tt_apns_turn(struct tt_apns *apns);

size_t tt_apns_waiting(const struct tt_apns *apns); /* queued, and on their way */

#endif
