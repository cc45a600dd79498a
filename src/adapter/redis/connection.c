#include "adapter/redis/connection.h"

#include <hiredis/hiredis.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "net/alarm.h"

#define DEFAULT_PORT  6379
#define PAUSE_MS_MIN  50
#define PAUSE_MS_MAX  1000
#define CONNECT_MS    3000
#define WORDS_MAX     4
#define DATABASE_SIZE 16

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

/* Up to the mark, which is taken off too; all where there is none and `*found` false. */
static struct tt_slice take_until(struct tt_slice *rest, char mark, bool *found)
{
    const char *at = rest->size == 0 ? NULL : memchr(rest->data, mark, rest->size);
    *found = at != NULL;
    if (at == NULL)
        return TT_SLICE_EMPTY;
    struct tt_slice taken = tt_slice(rest->data, (size_t)(at - rest->data));
    *rest = tt_slice_from(*rest, taken.size + 1);
    return taken;
}

static bool copy_text(struct tt_slice text, char *out, size_t size)
{
    if (text.size >= size)
        return false;
    if (text.size > 0)
        memcpy(out, text.data, text.size);
    out[text.size] = '\0';
    return true;
}

static bool read_number(struct tt_slice text, uint32_t max, uint32_t *number)
{
    uint64_t sum = 0;
    if (text.size == 0 || text.size > 9)
        return false;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        sum = sum * 10 + (uint64_t)(text.data[i] - '0');
    }
    *number = (uint32_t)sum;
    return sum <= max;
}

static bool starts_with(struct tt_slice text, const char *start)
{
    size_t size = strlen(start);
    return text.size >= size && memcmp(text.data, start, size) == 0;
}

static bool read_place(struct tt_slice text, struct tt_redis_options *options)
{
    bool bracketed = text.size > 0 && text.data[0] == '[';
    struct tt_slice rest = bracketed ? tt_slice_from(text, 1) : text;
    bool found;
    struct tt_slice host = take_until(&rest, bracketed ? ']' : ':', &found);
    uint32_t port = DEFAULT_PORT;
    if (bracketed) {
        if (!found || (rest.size > 0 && rest.data[0] != ':'))
            return false;
        rest = rest.size > 0 ? tt_slice_from(rest, 1) : rest;
        found = rest.size > 0;
    } else if (!found) {
        host = text;
    }
    if (host.size == 0 || !copy_text(host, options->remote.host, sizeof(options->remote.host)))
        return false;
    if (found && (!read_number(rest, UINT16_MAX, &port) || port == 0))
        return false;
    options->remote.port = (uint16_t)port;
    return true;
}

tt_err tt_redis_parse(struct tt_slice url, struct tt_redis_options *options, const char **problem)
{
    static const char *const sentence =
        "a registry is local or redis://[user:password@]host[:port][/database]";
    struct tt_slice rest = url;
    bool found;
    *problem = sentence;
    options->remote.tls = starts_with(rest, "rediss://");
    if (options->remote.tls)
        rest = tt_slice_from(rest, strlen("rediss://"));
    else if (starts_with(rest, "redis://"))
        rest = tt_slice_from(rest, strlen("redis://"));
    else
        return TT_FAIL(INVALID);
    struct tt_slice account = take_until(&rest, '@', &found);
    if (found) {
        struct tt_slice user = take_until(&account, ':', &found);
        if (!copy_text(found ? user : TT_SLICE_EMPTY, options->user, sizeof(options->user)) ||
            !copy_text(account, options->password, sizeof(options->password)))
            return TT_FAIL(INVALID);
    }
    struct tt_slice place = take_until(&rest, '/', &found);
    options->database = 0;
    if (!found)
        place = rest;
    else if (rest.size > 0 && !read_number(rest, UINT16_MAX, &options->database))
        return TT_FAIL(INVALID);
    return read_place(place, options) ? TT_OK : TT_FAIL(INVALID);
}

static void add_command(struct tt_buffer *out, const struct tt_slice *words, size_t count)
{
    tt_buffer_add_byte(out, '*');
    tt_buffer_add_u64(out, count);
    tt_buffer_add_text(out, "\r\n");
    for (size_t i = 0; i < count; i++) {
        tt_buffer_add_byte(out, '$');
        tt_buffer_add_u64(out, words[i].size);
        tt_buffer_add_text(out, "\r\n");
        tt_buffer_add(out, words[i]);
        tt_buffer_add_text(out, "\r\n");
    }
}

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

/* False: the connection is gone. */
static bool take_reply(struct tt_redis *redis, const struct redisReply *reply)
{
    if (take_message(redis, reply))
        return redis->outgoing != NULL;
    struct waiting *waiting = redis->first;
    if (waiting == NULL || (redis->greetings > 0 && reply->type == REDIS_REPLY_ERROR)) {
        drop(redis);
        return false;
    }
    redis->first = waiting->next;
    if (redis->first == NULL)
        redis->last = NULL;
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

/* Always ends with a PING, so that there is an answer by which to know that it stands. */
static void greet(struct tt_redis *redis)
{
    struct tt_buffer *out = tt_outgoing_output(redis->outgoing);
    const struct tt_redis_options *options = &redis->options;
    if (options->password[0] != '\0') {
        struct tt_slice words[3] = {TT_SLICE_LITERAL("AUTH"), tt_slice_text(options->user),
                                    tt_slice_text(options->password)};
        if (options->user[0] == '\0')
            words[1] = words[2];
        add_command(out, words, options->user[0] == '\0' ? 2 : 3);
        redis->greetings++;
        enqueue(redis, NULL, NULL);
    }
    if (options->database != 0) {
        struct tt_buffer number = {0};
        tt_buffer_add_u64(&number, options->database);
        struct tt_slice words[] = {TT_SLICE_LITERAL("SELECT"), tt_buffer_slice(&number)};
        add_command(out, words, 2);
        tt_buffer_deinit(&number);
        redis->greetings++;
        enqueue(redis, NULL, NULL);
    }
    struct tt_slice ping = TT_SLICE_LITERAL("PING");
    add_command(out, &ping, 1);
    redis->greetings++;
    enqueue(redis, NULL, NULL);
}

static void on_alarm(void *context)
{
    struct tt_redis *redis = context;
    if (redis->outgoing != NULL) {
        drop(redis);
        return;
    }
    redis->reader = redisReaderCreate();
    TT_ASSERT(redis->reader != NULL);
    redis->outgoing =
        tt_outgoing_connect(redis->loop, &redis->options.remote, &outgoing_events, redis);
    greet(redis);
    tt_alarm_set(redis->alarm, tt_mono_after(tt_loop_now(redis->loop), CONNECT_MS));
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
        add_command(tt_outgoing_output(redis->outgoing), words, count);
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
