/*
 * signer: how the commands get a token: signed with the secret of a data folder, or given.
 */
#ifndef TT_APP_SIGNER_H
#define TT_APP_SIGNER_H

#include "app/secret.h"
#include "base/buffer.h"
#include "base/id.h"
#include "edge/jwt.h"

/* Appends a token of this user and device that lives for ttl_ms from now on. */
void tt_signer_sign(const struct tt_secret *secret, const tt_id *user, const tt_id *device,
                    uint64_t ttl_ms, const struct tt_jwt_policy *policy, struct tt_buffer *token);

/* Like the above with names from a command line and a day to live. False: `sentence`. */
bool tt_signer_sign_for(const char *data, const char *user, const char *device,
                        struct tt_buffer *token, char sentence[TT_SECRET_SENTENCE]);

#endif
