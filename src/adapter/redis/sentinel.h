/*
 * sentinel: asks Redis' sentinels, one after the other, who the master is.
 *
 * What a sentinel says may be out of date by the time it is heard: whoever connects there asks for
 * the ROLE before he believes it.
 */
#ifndef TT_ADAPTER_REDIS_SENTINEL_H
#define TT_ADAPTER_REDIS_SENTINEL_H

#include "adapter/redis/connection.h"

struct tt_redis_search;

/* `found` is told once, never from within; NULL: no sentinel knows. `options` is borrowed. The
 * search has then ended, and has to be destroyed. */
struct tt_redis_search *
tt_redis_search_create(struct tt_loop *loop, const struct tt_redis_options *options,
                       void (*found)(void *context, const struct tt_remote *master), void *context);

/* Sets *search to NULL. From `found` too. */
void tt_redis_search_destroy(struct tt_redis_search **search);

#endif
