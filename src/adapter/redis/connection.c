#include "adapter/redis/connection.h"

#include <hiredis/hiredis.h>

#include "adapter/redis/sentinel.h"
#include "adapter/redis/words.h"
#include "base/buffer.h"
#include "base/memory.h"
#include "net/alarm.h"

#define PAUSE_MS_MIN 50
#define PAUSE_MS_MAX 1000
#define CONNECT_MS   3000

struct waiting {
    struct waiting *next;
    tt_redis_answer answer;
    void *context;
    tt_mono until;
};

struct tt_redis {
    struct tt_loop *loop;
    struct tt_redis_options options;
    const struct tt_redis_events *events;
    void *context;
    struct tt_remote master; /* where to connect to */
    struct tt_redis_search *search;
    struct tt_outgoing *outgoing;
    struct redisReader *reader;
    struct tt_alarm *alarm; /* the oldest answer is late, or it is time to connect */
    struct waiting *first;
    struct waiting *last;
    struct waiting *refused; /* were given while there was no connection */
    struct tt_alarm *refusal;
    uint32_t greetings; /* answers to AUTH and SELECT that are still to come */
    uint64_t pause_ms;
    bool up;
};

static void arm(struct tt_redis *redis)
{
    if (redis->outgoing != NULL)
        tt_alarm_set(redis->alarm, redis->first != NULL ? redis->first->until : TT_MONO(0));
}

static void enqueue(struct tt_redis *redis, tt_redis_answer answer, void *context)
{
    struct waiting *waiting = tt_alloc(sizeof(*waiting));
    waiting->answer = answer;
    waiting->context = context;
    waiting->until = tt_mono_after(tt_loop_now(redis->loop), redis->options.answer_ms_max);
    *(redis->last != NULL ? &redis->last->next : &redis->first) = waiting;
    redis->last = waiting;
    if (redis->first == waiting)
        arm(redis);
}

/* The list is taken away first: who is told may give the next command at once. */
static void refuse_all(struct waiting *list)
{
    while (list != NULL) {
        struct waiting *next = list->next;
        if (list->answer != NULL)
            list->answer(list->context, NULL);
        tt_free(list);
        list = next;
    }
}

static void plan_connect(struct tt_redis *redis)
{
    uint64_t jitter = redis->options.entropy.next(redis->options.entropy.self);
    uint64_t pause = redis->pause_ms / 2 + jitter % (redis->pause_ms / 2 + 1);
    redis->pause_ms = redis->pause_ms * 2 < PAUSE_MS_MAX ? redis->pause_ms * 2 : PAUSE_MS_MAX;
    tt_alarm_set(redis->alarm, tt_mono_after(tt_loop_now(redis->loop), pause));
}

static void drop(struct tt_redis *redis)
{
    struct waiting *list = redis->first;
    redis->first = redis->last = NULL;
    tt_outgoing_destroy(&redis->outgoing);
    redisReaderFree(redis->reader);
    redis->reader = NULL;
    redis->up = false;
    redis->greetings = 0;
    plan_connect(redis);
    redis->events->down(redis->context);
    refuse_all(list);
}

static bool is_word(const struct redisReply *reply, const char *word)
{
    return reply->type == REDIS_REPLY_STRING && strlen(word) == reply->len &&
           memcmp(reply->str, word, reply->len) == 0;
}

/* True if it was a message of a subscription and no answer. */
static bool take_message(struct tt_redis *redis, const struct redisReply *reply)
{
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 3 ||
        !is_word(reply->element[0], "message"))
        return false;
    const struct redisReply *channel = reply->element[1];
    const struct redisReply *payload = reply->element[2];
    if (redis->events->message != NULL && channel->type == REDIS_REPLY_STRING &&
        payload->type == REDIS_REPLY_STRING)
        redis->events->message(redis->context, tt_slice(channel->str, channel->len),
                               tt_slice(payload->str, payload->len));
    return true;
}

/* What ROLE answers, where there are sentinels; else any answer will do. */
static bool is_master(const struct tt_redis *redis, const struct redisReply *reply)
{
    return redis->options.sentinel_count == 0 ||
           (reply->type == REDIS_REPLY_ARRAY && reply->elements > 0 &&
            is_word(reply->element[0], "master"));
}

/* A master that was made a replica behind our back. */
static bool is_from_replica(const struct redisReply *reply)
{
    return reply->type == REDIS_REPLY_ERROR && reply->len > 8 &&
           memcmp(reply->str, "READONLY", 8) == 0;
}

/* False: the connection is gone. */
static bool take_reply(struct tt_redis *redis, const struct redisReply *reply)
{
    if (take_message(redis, reply))
        return redis->outgoing != NULL;
    struct waiting *waiting = redis->first;
    bool is_last_greeting = redis->greetings == 1;
    if (waiting == NULL || (redis->greetings > 0 && reply->type == REDIS_REPLY_ERROR) ||
        (is_last_greeting && !is_master(redis, reply)) || is_from_replica(reply)) {
        drop(redis);
        return false;
    }
    redis->first = waiting->next;
    if (redis->first == NULL)
        redis->last = NULL;
    else /* whoever answers all the time is alive, however many others ask it */
        redis->first->until = tt_mono_after(tt_loop_now(redis->loop), redis->options.answer_ms_max);
    arm(redis);
    if (redis->greetings > 0 && --redis->greetings == 0) {
        redis->up = true;
        redis->pause_ms = PAUSE_MS_MIN;
        redis->events->up(redis->context);
    } else if (waiting->answer != NULL) {
        waiting->answer(waiting->context, reply);
    }
    tt_free(waiting);
    return redis->outgoing != NULL;
}

static void on_read(void *context, struct tt_input *input)
{
    struct tt_redis *redis = context;
    bool failed = redisReaderFeed(redis->reader, input->data, input->size) != REDIS_OK;
    tt_input_take(input, input->size);
    while (!failed) {
        void *reply = NULL;
        failed = redisReaderGetReply(redis->reader, &reply) != REDIS_OK;
        if (failed || reply == NULL)
            break;
        bool alive = take_reply(redis, reply);
        freeReplyObject(reply);
        if (!alive)
            return;
    }
    if (failed)
        drop(redis);
}

static void on_ended(void *context, enum tt_socket_end end)
{
    (void)end;
    drop(context);
}

static const struct tt_socket_events outgoing_events = {.read = on_read, .ended = on_ended};

/* Always ends with a question, so that there is an answer by which to know that it stands. */
static void greet(struct tt_redis *redis)
{
    struct tt_buffer *out = tt_outgoing_output(redis->outgoing);
    const struct tt_redis_options *options = &redis->options;
    redis->greetings = (uint32_t)tt_redis_add_auth(out, options);
    if (options->database != 0) {
        struct tt_buffer number = {0};
        tt_buffer_add_u64(&number, options->database);
        struct tt_slice words[] = {TT_SLICE_LITERAL("SELECT"), tt_buffer_slice(&number)};
        tt_redis_add_command(out, words, 2);
        tt_buffer_deinit(&number);
        redis->greetings++;
    }
    struct tt_slice last =
        options->sentinel_count > 0 ? TT_SLICE_LITERAL("ROLE") : TT_SLICE_LITERAL("PING");
    tt_redis_add_command(out, &last, 1);
    redis->greetings++;
    for (uint32_t i = 0; i < redis->greetings; i++)
        enqueue(redis, NULL, NULL);
}

static void open_connection(struct tt_redis *redis)
{
    redis->reader = redisReaderCreate();
    TT_ASSERT(redis->reader != NULL);
    redis->outgoing = tt_outgoing_connect(redis->loop, &redis->master, &outgoing_events, redis);
    greet(redis);
    tt_alarm_set(redis->alarm, tt_mono_after(tt_loop_now(redis->loop), CONNECT_MS));
}

static void on_found(void *context, const struct tt_remote *master)
{
    struct tt_redis *redis = context;
    tt_redis_search_destroy(&redis->search);
    if (master == NULL) {
        plan_connect(redis);
        redis->events->down(redis->context);
        return;
    }
    redis->master = *master;
    open_connection(redis);
}

static void on_alarm(void *context)
{
    struct tt_redis *redis = context;
    if (redis->outgoing != NULL)
        drop(redis);
    else if (redis->options.sentinel_count == 0)
        open_connection(redis);
    else
        redis->search = tt_redis_search_create(redis->loop, &redis->options, on_found, redis);
}

static void on_refusal(void *context)
{
    struct tt_redis *redis = context;
    struct waiting *list = redis->refused;
    struct waiting *in_order = NULL;
    redis->refused = NULL;
    while (list != NULL) {
        struct waiting *next = list->next;
        list->next = in_order;
        in_order = list;
        list = next;
    }
    refuse_all(in_order);
}

struct tt_redis *tt_redis_create(struct tt_loop *loop, const struct tt_redis_options *options,
                                 const struct tt_redis_events *events, void *context)
{
    struct tt_redis *redis = tt_alloc(sizeof(*redis));
    redis->loop = loop;
    redis->options = *options;
    redis->events = events;
    redis->context = context;
    redis->pause_ms = PAUSE_MS_MIN;
    redis->master = options->remote;
    redis->alarm = tt_alarm_create(loop, on_alarm, redis);
    redis->refusal = tt_alarm_create(loop, on_refusal, redis);
    tt_alarm_set(redis->alarm, tt_loop_now(loop));
    return redis;
}

static void free_list(struct waiting *list)
{
    while (list != NULL) {
        struct waiting *next = list->next;
        tt_free(list);
        list = next;
    }
}

void tt_redis_destroy(struct tt_redis **take_redis)
{
    struct tt_redis *redis = *take_redis;
    *take_redis = NULL;
    if (redis->search != NULL)
        tt_redis_search_destroy(&redis->search);
    if (redis->outgoing != NULL)
        tt_outgoing_destroy(&redis->outgoing);
    if (redis->reader != NULL)
        redisReaderFree(redis->reader);
    free_list(redis->first);
    free_list(redis->refused);
    tt_alarm_destroy(&redis->alarm);
    tt_alarm_destroy(&redis->refusal);
    tt_free(redis);
}

bool tt_redis_is_up(const struct tt_redis *redis)
{
    return redis->up;
}

size_t tt_redis_buffered(const struct tt_redis *redis)
{
    return redis->outgoing == NULL ? 0 : tt_outgoing_buffered(redis->outgoing);
}

void tt_redis_command(struct tt_redis *redis, const struct tt_slice *words, size_t count,
                      tt_redis_answer answer, void *context)
{
    if (redis->up) {
        tt_redis_add_command(tt_outgoing_output(redis->outgoing), words, count);
        enqueue(redis, answer, context);
        return;
    }
    struct waiting *waiting = tt_alloc(sizeof(*waiting));
    waiting->answer = answer;
    waiting->context = context;
    waiting->next = redis->refused;
    redis->refused = waiting;
    tt_alarm_set(redis->refusal, tt_loop_now(redis->loop));
}
