/*
 * apns_request: a notification as Apple wants it: the header fields and the JSON payload of one
 * POST, and what its answer means. Apple's rules, each of which the double in test/push enforces:
 *
 *   path              /3/device/<token in hex>
 *   apns-topic        the app's bundle id
 *   apns-push-type    "alert", or "background" for a silent update; must match the payload
 *   apns-priority     10; 5 for background
 *   apns-expiration   when Apple may forget it, in seconds since 1970: 28 days on
 *   apns-collapse-id  the conversation, at most 64 bytes: a newer one replaces the older
 *   payload           at most 4096 bytes; a background one has content-available and neither
 *                     alert nor badge nor sound
 */
#ifndef TT_ADAPTER_PUSH_APNS_REQUEST_H
#define TT_ADAPTER_PUSH_APNS_REQUEST_H

#include "base/buffer.h"
#include "base/err.h"
#include "base/time.h"
#include "model/notification.h"

#define TT_APNS_PAYLOAD_SIZE_MAX 4096
#define TT_APNS_TOKEN_HEX_MAX    200
#define TT_APNS_COLLAPSE_MAX     64

/* How long a push service keeps what a dead phone cannot take. */
#define TT_PUSH_KEEP_S (28 * 24 * 3600)

/* Whether it is the hex of a device token. */
bool tt_apns_token_is_valid(struct tt_slice token);

/* Appends the payload. */
void tt_apns_payload(const struct tt_notification *notification, struct tt_buffer *payload);

/* What an answer asks for. */
enum tt_apns_verdict {
    TT_APNS_ACCEPTED,
    TT_APNS_DROP,          /* this one will never be taken */
    TT_APNS_DEAD,          /* nor any other for this token */
    TT_APNS_TOKEN_EXPIRED, /* the provider token is too old: renew it once and send again */
    TT_APNS_CONFIGURATION, /* key, team or topic are wrong: somebody has to look at it */
    TT_APNS_LATER,         /* too many, or Apple is in trouble: back off */
};

struct tt_apns_answer {
    enum tt_apns_verdict verdict;
    struct tt_slice reason; /* of Apple's JSON, or made from the status; lives as the body does */
    tt_time dead_since;     /* DEAD by 410: when Apple last knew; 0 else */
};

/* Understands an answer; its body may be empty or no JSON at all. */
struct tt_apns_answer tt_apns_understand(int status, struct tt_slice body);

#endif
