/*
 * fcm: Google's push service (HTTP v1). An access token is fetched with the service account's key,
 * kept, and renewed before it ends; a message that is refused for it (401) is sent once more with a
 * fresh one.
 */
#ifndef TT_ADAPTER_PUSH_FCM_H
#define TT_ADAPTER_PUSH_FCM_H

#include "adapter/push/bell.h"
#include "adapter/push/fcm_request.h"
#include "base/log.h"
#include "net/loop.h"
#include "net/tls_client.h"

struct tt_fcm;

struct tt_fcm_options {
    struct tt_loop *loop;
    struct tt_tls_trust *trust;
    const struct tt_log *log; /* may be NULL */
    struct tt_push_counts *counts;
    const struct tt_service_account *account;
    struct tt_slice host;
    uint16_t port;
    uint32_t answer_ms;
};

/* Fails with INVALID if the account's token_uri is no https URL. Pointers and texts of the options
 * are borrowed. */
TT_MUST_CHECK tt_err tt_fcm_create(const struct tt_fcm_options *options, struct tt_fcm **fcm);
void tt_fcm_destroy(struct tt_fcm **take_fcm);

void tt_fcm_ring(struct tt_fcm *fcm, struct tt_bell *bell);
void tt_fcm_turn(struct tt_fcm *fcm);
size_t tt_fcm_waiting(const struct tt_fcm *fcm);

#endif
