/*
 * words: commands as Redis' protocol (RESP) has them.
 */
#ifndef TT_ADAPTER_REDIS_WORDS_H
#define TT_ADAPTER_REDIS_WORDS_H

#include "adapter/redis/connection.h"
#include "base/buffer.h"

void tt_redis_add_command(struct tt_buffer *out, const struct tt_slice *words, size_t count);

/* AUTH, where there is a password; how many answers that makes. */
size_t tt_redis_add_auth(struct tt_buffer *out, const struct tt_redis_options *options);

#endif
