/*
 * webpush_request: a notification as browsers' push services want it: RFC 8030 for the request, RFC
 * 8291 (over RFC 8188, aes128gcm) for the encryption that only the browser can undo, RFC 8292
 * (VAPID) for who is asking. The endpoint is a URL that a user gave us: see tt_webpush_endpoint.
 *
 * The body of RFC 8188 with one record, in bytes:
 *
 *   0   salt            16
 *   16  record size     4, big-endian
 *   20  size of keyid   1, 65
 *   21  keyid           65, our public point of this one message
 *   86  ciphertext      text, a 2 that ends the last record, and a tag of 16
 */
#ifndef TT_ADAPTER_PUSH_WEBPUSH_REQUEST_H
#define TT_ADAPTER_PUSH_WEBPUSH_REQUEST_H

#include "adapter/push/push_key.h"
#include "base/err.h"
#include "base/time.h"
#include "model/notification.h"

/* What every push service takes (RFC 8030, section 7.2), and what remains of it for the text. */
#define TT_WEBPUSH_BODY_SIZE_MAX 4096
#define TT_WEBPUSH_TEXT_SIZE_MAX (TT_WEBPUSH_BODY_SIZE_MAX - 86 - 1 - 16)

#define TT_WEBPUSH_SALT_SIZE 16

/* "https://" HOST [":" PORT] PATH, in its parts. */
struct tt_webpush_endpoint {
    struct tt_slice origin; /* "https://host:port": the audience of RFC 8292 */
    struct tt_slice authority;
    struct tt_slice host; /* without brackets */
    uint16_t port;
    struct tt_slice target; /* the path and the query; at least "/" */
};

/* Fails with INVALID unless it is an https URL without user, fragment, spaces or controls. */
TT_MUST_CHECK tt_err tt_webpush_endpoint(struct tt_slice url, struct tt_webpush_endpoint *endpoint);

/* Appends the text that the browser's service worker gets. */
void tt_webpush_text(const struct tt_notification *notification, struct tt_buffer *text);

/* 32 letters that are the same for the same conversation, and say nothing about it. */
#define TT_WEBPUSH_TOPIC_SIZE 32
TT_MUST_CHECK tt_err tt_webpush_topic(const tt_id *conversation, struct tt_buffer *topic);

/* Encrypts for the owner of p256dh and auth, with a fresh key and salt. Fails with INVALID if
 * p256dh is no point of the curve, else with INTERNAL. */
TT_MUST_CHECK tt_err tt_webpush_encrypt(const struct tt_push_address *address, struct tt_slice text,
                                        struct tt_buffer *body);

/* The same with a given key and salt: for the vector of RFC 8291. */
TT_MUST_CHECK tt_err tt_webpush_encrypt_with(const struct tt_push_address *address,
                                             struct tt_slice text, const struct tt_push_key *key,
                                             const unsigned char salt[TT_WEBPUSH_SALT_SIZE],
                                             struct tt_buffer *body);

/* How long a VAPID token is good for; it may be 24 hours at most. */
#define TT_VAPID_S (12 * 3600)

/* Appends "vapid t=..., k=...", the value of the authorization field for one origin. */
TT_MUST_CHECK tt_err tt_vapid_authorization(const struct tt_push_key *key, struct tt_slice origin,
                                            struct tt_slice subject, tt_time wall,
                                            struct tt_buffer *value);

#endif
