#include "adapter/redis/sentinel.h"

#include <hiredis/hiredis.h>

#include "adapter/redis/place_text.h"
#include "adapter/redis/words.h"
#include "base/memory.h"
#include "net/alarm.h"

#define ANSWER_MS 1000

struct tt_redis_search {
    struct tt_loop *loop;
    const struct tt_redis_options *options;
    void (*found)(void *context, const struct tt_remote *master);
    void *context;
    size_t asked; /* sentinels, the current one included */
    size_t first;
    struct tt_remote remote; /* of the current one */
    struct tt_outgoing *outgoing;
    struct redisReader *reader;
    size_t greetings; /* answers that are not yet the wanted one */
    struct tt_alarm *alarm;
};

static void close_current(struct tt_redis_search *search)
{
    if (search->outgoing != NULL)
        tt_outgoing_destroy(&search->outgoing);
    if (search->reader != NULL)
        redisReaderFree(search->reader);
    search->reader = NULL;
}

static void ask_next(struct tt_redis_search *search);

static bool read_master(const struct redisReply *reply, struct tt_remote *master)
{
    uint64_t port;
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
        reply->element[0]->type != REDIS_REPLY_STRING ||
        reply->element[1]->type != REDIS_REPLY_STRING || reply->element[0]->len == 0 ||
        reply->element[0]->len > TT_HOST_SIZE_MAX)
        return false;
    struct tt_slice digits = tt_slice(reply->element[1]->str, reply->element[1]->len);
    if (!tt_digits_parse(digits, &port) || port == 0 || port > UINT16_MAX)
        return false;
    memcpy(master->host, reply->element[0]->str, reply->element[0]->len);
    master->host[reply->element[0]->len] = '\0';
    master->port = (uint16_t)port;
    return true;
}

/* A sentinel that wants no password says so, and answers what is asked next. */
static void take_reply(struct tt_redis_search *search, const struct redisReply *reply)
{
    struct tt_remote master = search->remote;
    if (search->greetings > 0) {
        search->greetings--;
        return;
    }
    close_current(search);
    if (read_master(reply, &master)) {
        tt_alarm_set(search->alarm, TT_MONO(0));
        search->found(search->context, &master);
        return;
    }
    ask_next(search);
}

static void on_read(void *context, struct tt_input *input)
{
    struct tt_redis_search *search = context;
    void *reply = NULL;
    bool failed = redisReaderFeed(search->reader, input->data, input->size) != REDIS_OK;
    tt_input_take(input, input->size);
    while (!failed && search->reader != NULL) {
        failed = redisReaderGetReply(search->reader, &reply) != REDIS_OK;
        if (failed || reply == NULL)
            break;
        bool is_last = search->greetings == 0;
        take_reply(search, reply);
        freeReplyObject(reply);
        if (is_last) /* the search may be gone */
            return;
    }
    if (failed) {
        close_current(search);
        ask_next(search);
    }
}

static void on_ended(void *context, enum tt_socket_end end)
{
    struct tt_redis_search *search = context;
    (void)end;
    close_current(search);
    ask_next(search);
}

static const struct tt_socket_events events = {.read = on_read, .ended = on_ended};

static void ask_next(struct tt_redis_search *search)
{
    const struct tt_redis_options *options = search->options;
    if (search->asked == options->sentinel_count) {
        tt_alarm_set(search->alarm, TT_MONO(0));
        search->found(search->context, NULL);
        return;
    }
    size_t at = (search->first + search->asked++) % options->sentinel_count;
    const struct tt_redis_sentinel *sentinel = &options->sentinels[at];
    search->remote = options->remote;
    memcpy(search->remote.host, sentinel->host, sizeof(sentinel->host));
    search->remote.port = sentinel->port;
    search->reader = redisReaderCreate();
    TT_ASSERT(search->reader != NULL);
    search->outgoing = tt_outgoing_connect(search->loop, &search->remote, &events, search);
    struct tt_buffer *out = tt_outgoing_output(search->outgoing);
    search->greetings = tt_redis_add_auth(out, options);
    struct tt_slice words[] = {TT_SLICE_LITERAL("SENTINEL"),
                               TT_SLICE_LITERAL("get-master-addr-by-name"),
                               tt_slice_text(options->master)};
    tt_redis_add_command(out, words, 3);
    tt_alarm_set(search->alarm, tt_mono_after(tt_loop_now(search->loop), ANSWER_MS));
}

/* The current one is late; at the beginning: it is time to ask the first one. */
static void on_alarm(void *context)
{
    struct tt_redis_search *search = context;
    close_current(search);
    ask_next(search);
}

struct tt_redis_search *
tt_redis_search_create(struct tt_loop *loop, const struct tt_redis_options *options,
                       void (*found)(void *context, const struct tt_remote *master), void *context)
{
    struct tt_redis_search *search = tt_alloc(sizeof(*search));
    search->loop = loop;
    search->options = options;
    search->found = found;
    search->context = context;
    search->first = (size_t)options->entropy.next(options->entropy.self);
    search->first %= options->sentinel_count;
    search->alarm = tt_alarm_create(loop, on_alarm, search);
    tt_alarm_set(search->alarm, tt_loop_now(loop));
    return search;
}

void tt_redis_search_destroy(struct tt_redis_search **take_search)
{
    struct tt_redis_search *search = *take_search;
    *take_search = NULL;
    close_current(search);
    tt_alarm_destroy(&search->alarm);
    tt_free(search);
}
