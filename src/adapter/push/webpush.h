/*
 * webpush: the push services of browsers. Each subscription names its own; what a user names is
 * connected to only over https, at a public address, at exactly the address that was looked at, and
 * without following where it sends us (see net/address_scope.h).
 */
#ifndef TT_ADAPTER_PUSH_WEBPUSH_H
#define TT_ADAPTER_PUSH_WEBPUSH_H

#include "adapter/push/bell.h"
#include "adapter/push/push_key.h"
#include "net/loop.h"
#include "net/tls_client.h"

struct tt_webpush;

struct tt_webpush_options {
    struct tt_loop *loop;
    struct tt_tls_trust *trust;
    struct tt_push_counts *counts;
    const struct tt_push_key *vapid;
    struct tt_slice subject;       /* "mailto:..." or "https:...": whom a push service may ask */
    bool allows_private_addresses; /* for tests */
    uint32_t answer_ms;
};

/* Pointers and texts of the options are borrowed. */
struct tt_webpush *tt_webpush_create(const struct tt_webpush_options *options);
void tt_webpush_destroy(struct tt_webpush **take_webpush);

void tt_webpush_ring(struct tt_webpush *webpush, struct tt_bell *bell);
void tt_webpush_turn(struct tt_webpush *webpush);
size_t tt_webpush_waiting(const struct tt_webpush *webpush);

#endif
