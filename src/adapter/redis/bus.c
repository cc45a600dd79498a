#include "adapter/redis/bus.h"

#include <hiredis/hiredis.h>

#include "adapter/redis/place_text.h"
#include "base/buffer.h"
#include "base/limits.h"
#include "base/map.h"
#include "base/memory.h"
#include "net/alarm.h"

#define CHANNEL_SIZE  (TT_PLACE_TEXT_SIZE + 4)
#define TARGETS_MAX   65536
#define PING_MS       5000
#define MESSAGE_BYTES ((size_t)1024 * 1024) /* what is more than that goes out at once */

struct target {
    struct tt_redis_bus *bus;
    struct target *next; /* among those with something to send */
    struct tt_buffer hints;
    bool queued;
    bool lost; /* something for it could not be sent */
    size_t channel_size;
    char channel[CHANNEL_SIZE];
};

struct tt_redis_bus {
    struct tt_loop *loop;
    struct tt_redis_bus_options options;
    struct tt_bus_sink sink;
    struct tt_redis *subscription;
    struct tt_alarm *alarm;
    struct tt_map targets;
    struct target *queue;
    char channel[CHANNEL_SIZE];
    size_t channel_size;
    bool subscribed;
    bool was_subscribed;
};

static struct tt_slice key_of(const void *value)
{
    const struct target *target = value;
    return tt_slice(target->channel, target->channel_size);
}

static size_t write_channel(const struct tt_place *place, char channel[CHANNEL_SIZE])
{
    memcpy(channel, "bus:", 4);
    return 4 + tt_place_format(place, channel + 4).size;
}

static struct target *find_target(struct tt_redis_bus *bus, const struct tt_place *to)
{
    char channel[CHANNEL_SIZE];
    size_t size = write_channel(to, channel);
    struct target *target = tt_map_get(&bus->targets, tt_slice(channel, size));
    if (target != NULL || bus->targets.count >= TARGETS_MAX)
        return target;
    target = tt_alloc(sizeof(*target));
    target->bus = bus;
    target->channel_size = size;
    memcpy(target->channel, channel, size);
    tt_map_add(&bus->targets, target);
    return target;
}

static void enqueue(struct tt_redis_bus *bus, struct target *target)
{
    if (target->queued)
        return;
    target->queued = true;
    target->next = bus->queue;
    bus->queue = target;
}

static void forget_target(struct target *target)
{
    tt_map_remove(&target->bus->targets, key_of(target));
    tt_buffer_deinit(&target->hints);
    tt_free(target);
}

/* If nobody is subscribed there, the node has gone, or will tell itself when it is back. */
static void on_published(void *context, const struct redisReply *reply)
{
    struct target *target = context;
    if (reply != NULL)
        return;
    target->lost = true;
    enqueue(target->bus, target);
}

static void publish(struct target *target)
{
    struct tt_redis *commands = target->bus->options.commands;
    if (!tt_redis_is_up(commands) || tt_redis_buffered(commands) > TT_LIMIT_HINT_QUEUE_BYTES) {
        target->hints.size = 0;
        target->lost = true;
        return;
    }
    struct tt_slice words[3] = {TT_SLICE_LITERAL("PUBLISH"), key_of(target), TT_SLICE_EMPTY};
    if (target->lost)
        tt_redis_command(commands, words, 3, on_published, target);
    target->lost = false;
    words[2] = tt_buffer_slice(&target->hints);
    if (words[2].size > 0)
        tt_redis_command(commands, words, 3, on_published, target);
    tt_buffer_deinit(&target->hints);
}

static void add_hint(struct tt_buffer *out, struct tt_slice bytes)
{
    unsigned char size[4];
    for (size_t i = 0; i < 4; i++)
        size[i] = (unsigned char)(bytes.size >> (8 * i));
    tt_buffer_add(out, tt_slice(size, sizeof(size)));
    tt_buffer_add(out, bytes);
}

static bool is_local(const struct tt_redis_bus *bus, const struct tt_place *to)
{
    const struct tt_place *here = &bus->options.place;
    return bus->options.local.send != NULL && to->incarnation == here->incarnation &&
           tt_id_eq(&to->server, &here->server);
}

static void send_hint(void *self, const struct tt_place *to, struct tt_slice bytes)
{
    struct tt_redis_bus *bus = self;
    if (is_local(bus, to)) {
        bus->options.local.send(bus->options.local.self, to, bytes);
        return;
    }
    struct target *target = find_target(bus, to);
    if (target == NULL)
        return;
    add_hint(&target->hints, bytes);
    enqueue(bus, target);
    if (target->hints.size >= MESSAGE_BYTES)
        publish(target);
}

/* Targets that could not be told stay in the queue until they can. */
static void flush(void *self)
{
    struct tt_redis_bus *bus = self;
    struct target *target = bus->queue;
    bus->queue = NULL;
    while (target != NULL) {
        struct target *next = target->next;
        target->queued = false;
        target->next = NULL;
        publish(target);
        if (target->lost)
            enqueue(bus, target);
        target = next;
    }
    if (bus->options.local.send != NULL)
        bus->options.local.flush(bus->options.local.self);
}

static bool read_hints(struct tt_redis_bus *bus, struct tt_slice payload)
{
    while (payload.size >= 4) {
        size_t size = 0;
        for (size_t i = 0; i < 4; i++)
            size |= (size_t)(unsigned char)payload.data[i] << (8 * i);
        payload = tt_slice_from(payload, 4);
        if (size > payload.size)
            return false;
        bus->sink.hint(bus->sink.context, tt_slice(payload.data, size));
        payload = tt_slice_from(payload, size);
    }
    return payload.size == 0;
}

static void on_message(void *context, struct tt_slice channel, struct tt_slice payload)
{
    struct tt_redis_bus *bus = context;
    (void)channel;
    if (payload.size == 0 || !read_hints(bus, payload))
        bus->sink.gap(bus->sink.context);
}

static void on_subscribed(void *context, const struct redisReply *reply)
{
    struct tt_redis_bus *bus = context;
    if (reply == NULL || reply->type != REDIS_REPLY_ARRAY)
        return;
    bus->subscribed = true;
    if (bus->was_subscribed)
        bus->sink.gap(bus->sink.context);
    bus->was_subscribed = true;
    tt_alarm_set(bus->alarm, tt_mono_after(tt_loop_now(bus->loop), PING_MS));
}

static void on_up(void *context)
{
    struct tt_redis_bus *bus = context;
    struct tt_slice words[] = {TT_SLICE_LITERAL("SUBSCRIBE"),
                               tt_slice(bus->channel, bus->channel_size)};
    tt_redis_command(bus->subscription, words, 2, on_subscribed, bus);
}

static void on_down(void *context)
{
    struct tt_redis_bus *bus = context;
    bus->subscribed = false;
    tt_mono next = tt_mono_after(tt_loop_now(bus->loop), bus->options.gap_ms);
    tt_mono set = tt_alarm_at(bus->alarm);
    if (set.ms == 0 || set.ms > next.ms)
        tt_alarm_set(bus->alarm, next);
}

/* While subscribed a PING shows that the connection is not half open; while not, the node reads
 * what it would have been told. */
static void on_alarm(void *context)
{
    struct tt_redis_bus *bus = context;
    struct tt_slice ping = TT_SLICE_LITERAL("PING");
    if (bus->subscribed)
        tt_redis_command(bus->subscription, &ping, 1, NULL, NULL);
    else if (bus->was_subscribed)
        bus->sink.gap(bus->sink.context);
    uint32_t pause_ms = bus->subscribed ? PING_MS : bus->options.gap_ms;
    tt_alarm_set(bus->alarm, tt_mono_after(tt_loop_now(bus->loop), pause_ms));
}

static const struct tt_redis_events subscription_events = {
    .up = on_up,
    .down = on_down,
    .message = on_message,
};

struct tt_redis_bus *tt_redis_bus_create(struct tt_loop *loop,
                                         const struct tt_redis_bus_options *options,
                                         const struct tt_bus_sink *sink)
{
    struct tt_redis_bus *bus = tt_alloc(sizeof(*bus));
    const struct tt_entropy_port *entropy = &options->redis.entropy;
    bus->loop = loop;
    bus->options = *options;
    bus->sink = *sink;
    bus->channel_size = write_channel(&options->place, bus->channel);
    tt_map_init(&bus->targets, key_of, entropy->next(entropy->self));
    bus->alarm = tt_alarm_create(loop, on_alarm, bus);
    bus->subscription = tt_redis_create(loop, &options->redis, &subscription_events, bus);
    return bus;
}

/* Answers to what was published may still come by the commands' connection, so that goes first:
 * see the order in which a node is taken down. */
void tt_redis_bus_destroy(struct tt_redis_bus **take_bus)
{
    struct tt_redis_bus *bus = *take_bus;
    *take_bus = NULL;
    tt_redis_destroy(&bus->subscription);
    size_t at = 0;
    for (struct target *target; (target = tt_map_next(&bus->targets, &at)) != NULL; at = 0)
        forget_target(target);
    tt_map_deinit(&bus->targets);
    tt_alarm_destroy(&bus->alarm);
    tt_free(bus);
}

struct tt_bus_port tt_redis_bus_port(struct tt_redis_bus *bus)
{
    return (struct tt_bus_port){.self = bus, .send = send_hint, .flush = flush};
}

bool tt_redis_bus_is_up(const struct tt_redis_bus *bus)
{
    return bus->subscribed;
}
