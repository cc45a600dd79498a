/*
 * token_file: a provider token that outlives the process. Apple refuses a server that comes with a
 * new one more often than every 20 minutes (TooManyProviderTokenUpdates), and a restart must not be
 * counted as that. Only a token that Apple has accepted is kept. The file is the owner's alone.
 *
 *   KEY-ID TEAM-ID MADE-AT(milliseconds, wall time) TOKEN
 */
#ifndef TT_ADAPTER_PUSH_TOKEN_FILE_H
#define TT_ADAPTER_PUSH_TOKEN_FILE_H

#include "adapter/push/provider_token.h"

/* Takes over what is kept there, if it is for the same key and team and of an age that serves; a
 * file that is missing or means nothing is as none. */
void tt_token_file_read(const char *path, struct tt_provider_token *token, tt_mono now,
                        tt_time wall);

/* Keeps the token; what cannot be written is not kept. */
void tt_token_file_write(const char *path, const struct tt_provider_token *token);

#endif
