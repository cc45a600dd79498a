/*
 * fcm_request: a notification as Google wants it (FCM HTTP v1), the service account that signs for
 * an access token (OAuth 2, RFC 7523), and what the answers mean.
 *
 * Google's rules: values of `data` are strings; a message has at most 4096 bytes; ttl is at most 28
 * days; HIGH priority is for what people see. The newest message of a collapse_key replaces older
 * ones that wait for a phone, the newest of a tag what a phone shows.
 */
#ifndef TT_ADAPTER_PUSH_FCM_REQUEST_H
#define TT_ADAPTER_PUSH_FCM_REQUEST_H

#include "adapter/push/push_key.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/time.h"
#include "model/notification.h"

#define TT_FCM_MESSAGE_SIZE_MAX 4096
#define TT_FCM_TOKEN_SIZE_MAX   1024

/* The file that Google's console hands out. */
struct tt_service_account {
    struct tt_slice project_id;
    struct tt_slice client_email;
    struct tt_slice key_id;
    struct tt_slice token_uri;
    struct tt_push_key *key; /* owned */
};

/* Reads the JSON; the texts go to the arena. Fails with INVALID; `*problem` says what is wrong. */
TT_MUST_CHECK tt_err tt_service_account_read(struct tt_slice json, struct tt_arena *arena,
                                             struct tt_service_account *account,
                                             const char **problem);

/* Appends the body of the POST to token_uri. Fails with INTERNAL. */
TT_MUST_CHECK tt_err tt_fcm_token_request(const struct tt_service_account *account, tt_time wall,
                                          struct tt_buffer *body);

/* Reads the answer to it: what goes behind "Bearer ", and for how long. Fails with INVALID. */
TT_MUST_CHECK tt_err tt_fcm_token_answer(struct tt_slice body, struct tt_slice *access_token,
                                         uint64_t *lives_s);

/* Whether it can be the token of an app: URL-safe letters and colons. */
bool tt_fcm_token_is_valid(struct tt_slice token);

/* Appends the body of POST /v1/projects/{project}/messages:send. */
void tt_fcm_message(const struct tt_notification *notification, struct tt_buffer *message);

enum tt_fcm_verdict {
    TT_FCM_ACCEPTED,
    TT_FCM_DROP,
    TT_FCM_DEAD,
    TT_FCM_UNAUTHORIZED, /* get a fresh access token once and send again */
    TT_FCM_LATER,
};

struct tt_fcm_answer {
    enum tt_fcm_verdict verdict;
    struct tt_slice detail; /* ACCEPTED: the message's name; else the error's code */
};

struct tt_fcm_answer tt_fcm_understand(int status, struct tt_slice body);

#endif
