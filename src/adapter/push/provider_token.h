/*
 * provider_token: the token that Apple knows this server by. One token serves all connections;
 * Apple refuses one that is older than an hour, and a server that makes new ones more often than
 * every 20 minutes. So it is renewed every 50 minutes, by monotonic time, and early only when Apple
 * calls it expired and it is old enough.
 */
#ifndef TT_ADAPTER_PUSH_PROVIDER_TOKEN_H
#define TT_ADAPTER_PUSH_PROVIDER_TOKEN_H

#include "adapter/push/push_key.h"
#include "base/time.h"

/* Apple believes one for an hour, and wants none replaced that is younger than 20 minutes. */
#define TT_PROVIDER_TOKEN_MS     (50U * 60 * 1000)
#define TT_PROVIDER_TOKEN_MS_MIN (20U * 60 * 1000)

struct tt_provider_token {
    const struct tt_push_key *key; /* borrowed */
    struct tt_slice key_id;
    struct tt_slice team_id;
    uint32_t lives_ms; /* then it is renewed; not before lives_ms_min, whatever Apple says */
    uint32_t lives_ms_min;
    struct tt_buffer text; /* "bearer ..."; empty: none made yet */
    tt_mono made_at;
    uint64_t age_ms; /* that it had then: it was made by an earlier process */
    tt_time made_at_wall;
    bool is_kept; /* in a file, see token_file.h */
};

/* The value of the authorization field, made or renewed if it is time; it lives until the next
 * call. Fails with INTERNAL. */
TT_MUST_CHECK tt_err tt_provider_token_get(struct tt_provider_token *token, tt_mono now,
                                           tt_time wall, struct tt_slice *text);

/* Apple called it expired. Whether another one is made at the next get. */
bool tt_provider_token_expired(struct tt_provider_token *token, tt_mono now);

void tt_provider_token_deinit(struct tt_provider_token *token);

#endif
