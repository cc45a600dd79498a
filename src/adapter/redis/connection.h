/*
 * connection: one connection to Redis or Valkey that comes back by itself.
 *
 * Commands are written as they are given and leave together at the end of the loop's turn; answers
 * come in their order. A command that is given while there is no connection, or is under way when
 * it breaks, is answered with NULL: nobody knows whether it was carried out. hiredis reads the
 * protocol; the transport is ours, since its own glue for libuv loses errors.
 *
 * With sentinels the master is asked for before each connection, and a server that does not call
 * itself one, or refuses a write as a replica, is left at once.
 */
#ifndef TT_ADAPTER_REDIS_CONNECTION_H
#define TT_ADAPTER_REDIS_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/slice.h"
#include "net/outgoing.h"
#include "port/entropy.h"

struct tt_redis;
struct redisReply;

#define TT_REDIS_SENTINELS_MAX 8

struct tt_redis_sentinel {
    char host[TT_HOST_SIZE_MAX + 1];
    uint16_t port;
};

struct tt_redis_options {
    struct tt_remote remote; /* with sentinels: of them only `tls` and `trust` count */
    char user[64];           /* empty: none */
    char password[256];      /* empty: none */
    uint32_t database;
    struct tt_redis_sentinel sentinels[TT_REDIS_SENTINELS_MAX];
    size_t sentinel_count;  /* 0: `remote` is the master */
    char master[64];        /* what the sentinels call it */
    uint32_t answer_ms_max; /* so long without one, while some are due, and the connection breaks */
    struct tt_entropy_port entropy;
};

struct tt_redis_events {
    void (*up)(void *context);   /* it stands (again); no command was given since the last one */
    void (*down)(void *context); /* it broke, or could not be made; tried again by itself */
    void (*message)(void *context, struct tt_slice channel, struct tt_slice payload);
};

/* NULL: unavailable. Borrowed for the call. An error that Redis answers is a reply too. */
typedef void (*tt_redis_answer)(void *context, const struct redisReply *reply);

/* Reads redis://[user:password@]host[:port][/database], or
 * redis+sentinel://[user:password@]host[:port],host[:port]/master[/database]; rediss:// for TLS.
 * Fails with INVALID; `*problem` says what to write instead. */
TT_MUST_CHECK tt_err tt_redis_parse(struct tt_slice url, struct tt_redis_options *options,
                                    const char **problem);

/* Begins to connect. `events` is borrowed. */
struct tt_redis *tt_redis_create(struct tt_loop *loop, const struct tt_redis_options *options,
                                 const struct tt_redis_events *events, void *context);

/* Sets *redis to NULL. What is under way is not answered any more. */
void tt_redis_destroy(struct tt_redis **redis);

bool tt_redis_is_up(const struct tt_redis *redis);

/* What was written and is not with the kernel yet. */
size_t tt_redis_buffered(const struct tt_redis *redis);

/* Never answered from within. `answer` may be NULL. */
void tt_redis_command(struct tt_redis *redis, const struct tt_slice *words, size_t count,
                      tt_redis_answer answer, void *context);

#endif
