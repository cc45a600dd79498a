#include "adapter/account/pool.h"

#include <errno.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"

#define BUCKETS     65536
#define THREADS_MAX 16
#define NICE        5
#define PAUSE_MS    1000 /* for who comes while all are busy */
#define IDLE_MS     5000 /* then the memory of a thread's hashes is given back */

struct tt_account_pool {
    struct tt_account_pool_options options;
    pthread_t threads[THREADS_MAX];
    pthread_mutex_t lock; /* guards the rest */
    pthread_cond_t changed;
    struct tt_limiter *limiter;
    struct tt_account_ask *first;
    struct tt_account_ask *last;
    uint32_t queued;
    bool stopping;
};

struct try_key {
    char bytes[1 + TT_ID_SIZE_MAX];
    size_t size;
};

static struct try_key key_of(char kind, const void *bytes, size_t size)
{
    struct try_key key = {.size = 1 + size};
    key.bytes[0] = kind;
    memcpy(key.bytes + 1, bytes, size);
    return key;
}

static struct tt_slice slice_of(const struct try_key *key)
{
    return tt_slice(key->bytes, key->size);
}

static tt_mono now(const struct tt_account_pool *pool)
{
    return pool->options.clock.mono(pool->options.clock.self);
}

static struct try_key account_key(const struct tt_account_ask *ask)
{
    return key_of('a', ask->user.bytes, ask->user.size);
}

/* The keys and rules by which the ask is limited; their count. */
static size_t limits_of(const struct tt_account_pool *pool, const struct tt_account_ask *ask,
                        struct try_key keys[2], const struct tt_limiter_rule *rules[2])
{
    bool registers = ask->kind == TT_ASK_REGISTER;
    keys[0] = key_of(registers ? 'r' : 'o', ask->origin, sizeof(ask->origin));
    rules[0] = registers ? &pool->options.registrations : &pool->options.by_address;
    if (registers)
        return 1;
    keys[1] = account_key(ask);
    rules[1] = &pool->options.by_account;
    return 2;
}

static bool may_try(struct tt_account_pool *pool, struct tt_account_ask *ask)
{
    struct try_key keys[2];
    const struct tt_limiter_rule *rules[2];
    size_t count = limits_of(pool, ask, keys, rules);
    for (size_t i = 0; i < count; i++) {
        uint32_t wait = tt_limiter_wait_ms(pool->limiter, rules[i], slice_of(&keys[i]), now(pool));
        if (wait > ask->retry_after_ms)
            ask->retry_after_ms = wait;
    }
    if (ask->retry_after_ms != 0) {
        ask->err = TT_FAIL(RATE_LIMITED);
        return false;
    }
    if (pool->queued >= pool->options.queue_max || pool->stopping) {
        ask->err = TT_FAIL(OVERLOADED);
        ask->retry_after_ms = PAUSE_MS;
        return false;
    }
    for (size_t i = 0; i < count; i++)
        tt_limiter_take(pool->limiter, rules[i], slice_of(&keys[i]), now(pool));
    return true;
}

bool tt_account_pool_ask(struct tt_account_pool *pool, struct tt_account_ask *ask)
{
    ask->next = NULL;
    pthread_mutex_lock(&pool->lock);
    bool taken = may_try(pool, ask);
    if (taken) {
        *(pool->first == NULL ? &pool->first : &pool->last->next) = ask;
        pool->last = ask;
        pool->queued++;
        pthread_cond_signal(&pool->changed);
    }
    pthread_mutex_unlock(&pool->lock);
    return taken;
}

/* The thread keeps its room as long as there is something to do. */
static void wait_for_ask(struct tt_account_pool *pool, struct tt_room *room)
{
    const uint64_t until = tt_mono_after(now(pool), IDLE_MS).ms;
    const struct timespec at = {(time_t)(until / 1000), (long)(until % 1000) * 1000000};
    int result = 0;
    while (pool->first == NULL && !pool->stopping) {
        if (room->bytes == NULL)
            result = pthread_cond_wait(&pool->changed, &pool->lock);
        else
            result = pthread_cond_timedwait(&pool->changed, &pool->lock, &at);
        if (result == ETIMEDOUT && pool->first == NULL)
            tt_room_leave(room);
    }
}

static struct tt_account_ask *next_ask(struct tt_account_pool *pool, struct tt_room *room)
{
    pthread_mutex_lock(&pool->lock);
    wait_for_ask(pool, room);
    struct tt_account_ask *ask = pool->stopping ? NULL : pool->first;
    if (ask != NULL) {
        pool->first = ask->next;
        pool->queued--;
    }
    pthread_mutex_unlock(&pool->lock);
    return ask;
}

static void forgive(struct tt_account_pool *pool, const struct tt_account_ask *ask)
{
    struct try_key key = account_key(ask);
    pthread_mutex_lock(&pool->lock);
    tt_limiter_give_back(pool->limiter, &pool->options.by_account, slice_of(&key));
    pthread_mutex_unlock(&pool->lock);
}

static void answer(struct tt_account_pool *pool, struct tt_room *room, struct tt_account_ask *ask)
{
    struct tt_desk *desk = pool->options.desk;
    struct tt_slice password = tt_slice(ask->password, ask->password_size);
    tt_time at = pool->options.clock.wall(pool->options.clock.self);
    bool registers = ask->kind == TT_ASK_REGISTER;
    ask->err = TT_OK;
    if (registers)
        ask->err = tt_desk_add(desk, room, &ask->user, password, ask->by_stranger, at);
    if (tt_is_ok(ask->err))
        ask->err = tt_desk_log_in(desk, room, &ask->user, password, at, &ask->device, &ask->login);
    if (!registers && tt_is_ok(ask->err))
        forgive(pool, ask);
    explicit_bzero(ask->password, sizeof(ask->password));
    pool->options.done(ask);
}

static void *run(void *context)
{
    struct tt_account_pool *pool = context;
    struct tt_room room = {0};
    struct tt_account_ask *ask;
    (void)setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), NICE); /* of this thread only */
    while ((ask = next_ask(pool, &room)) != NULL)
        answer(pool, &room, ask);
    tt_room_leave(&room);
    return NULL;
}

struct tt_account_pool *tt_account_pool_create(const struct tt_account_pool_options *options)
{
    struct tt_account_pool *pool = tt_alloc(sizeof(*pool));
    TT_ASSERT(options->thread_count > 0 && options->thread_count <= THREADS_MAX);
    pool->options = *options;
    pool->limiter = tt_limiter_create(BUCKETS, options->hash_seed);
    pthread_condattr_t monotonic;
    int failed = pthread_mutex_init(&pool->lock, NULL);
    failed |= pthread_condattr_init(&monotonic);
    failed |= pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    failed |= pthread_cond_init(&pool->changed, &monotonic);
    failed |= pthread_condattr_destroy(&monotonic);
    for (uint32_t i = 0; i < options->thread_count; i++)
        failed |= pthread_create(&pool->threads[i], NULL, run, pool);
    TT_ASSERT(failed == 0);
    return pool;
}

void tt_account_pool_destroy(struct tt_account_pool **take_pool)
{
    struct tt_account_pool *pool = *take_pool;
    *take_pool = NULL;
    pthread_mutex_lock(&pool->lock);
    pool->stopping = true;
    pthread_cond_broadcast(&pool->changed);
    pthread_mutex_unlock(&pool->lock);
    for (uint32_t i = 0; i < pool->options.thread_count; i++)
        pthread_join(pool->threads[i], NULL);
    while (pool->first != NULL) {
        struct tt_account_ask *ask = pool->first;
        pool->first = ask->next;
        ask->err = TT_FAIL(DRAINING);
        pool->options.done(ask);
    }
    tt_limiter_destroy(&pool->limiter);
    pthread_mutex_destroy(&pool->lock);
    pthread_cond_destroy(&pool->changed);
    tt_free(pool);
}
