/*
 * push_address: where a device can be made to ring while it has no socket. It was given by the
 * device and is only ever used for it; the service may declare it dead at any time.
 */
#ifndef TT_MODEL_PUSH_ADDRESS_H
#define TT_MODEL_PUSH_ADDRESS_H

#include <stdbool.h>

#include "base/id.h"
#include "base/slice.h"
#include "base/time.h"

enum tt_push_provider { TT_PUSH_NONE, TT_PUSH_APNS, TT_PUSH_FCM, TT_PUSH_WEBPUSH };

/* Without an end; of the token or the endpoint. */
#define TT_PUSH_TOKEN_SIZE_MAX 2048

/* What RFC 8291 calls p256dh (an uncompressed point) and auth. */
#define TT_PUSH_P256DH_SIZE 65
#define TT_PUSH_AUTH_SIZE   16

struct tt_push_address {
    enum tt_push_provider provider; /* NONE: no address */
    bool sandbox;                   /* APNS: Apple's environment for development */
    struct tt_slice token;          /* APNS, FCM: the token; WEBPUSH: the endpoint */
    struct tt_slice p256dh;         /* WEBPUSH: TT_PUSH_P256DH_SIZE bytes */
    struct tt_slice auth;           /* WEBPUSH: TT_PUSH_AUTH_SIZE bytes */
    tt_time registered_at;
};

struct tt_device_address {
    tt_id device;
    struct tt_push_address address;
};

/* "apns", "fcm", "webpush"; "none". */
const char *tt_push_provider_name(enum tt_push_provider provider);

#endif
