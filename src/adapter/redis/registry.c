#include "adapter/redis/registry.h"

#include <hiredis/hiredis.h>
#include <stdio.h>

#include "adapter/redis/place_text.h"
#include "adapter/redis/script.h"
#include "base/memory.h"
#include "net/alarm.h"

#define WORDS_MAX   8
#define SHA_SIZE    40
#define MARKER_SIZE 17

/* One user of an op. */
struct question {
    struct tt_redis_registry *registry;
    struct tt_registry_op *op;
    size_t index;
};

struct known_server {
    tt_id id;
    uint64_t incarnation;
};

struct tt_redis_registry {
    struct tt_loop *loop;
    struct tt_redis_registry_options options;
    struct tt_registry_sink sink;
    struct tt_redis *redis;
    struct tt_alarm *alarm;
    char sha[SHA_SIZE];
    char known_marker[MARKER_SIZE];
    struct known_server *servers;
    size_t server_count;
    tt_mono renew_at;
    bool has_script;
    bool ready;
    bool was_ready;
    bool refused; /* an op while it was not ready: its node must hear of it */
    bool superseded;
    struct tt_registry_op *under_way; /* all of them, the oldest first: it is answered first */
    struct tt_registry_op *under_way_last;
};

/* Before the script is there Redis does not know the words, and says so: UNAVAILABLE. */
static void command(struct tt_redis_registry *registry, const struct tt_slice *words, size_t count,
                    tt_redis_answer answer, void *context)
{
    struct tt_slice all[WORDS_MAX] = {TT_SLICE_LITERAL("EVALSHA"),
                                      tt_slice(registry->sha, SHA_SIZE), TT_SLICE_LITERAL("0")};
    TT_ASSERT(count + 3 <= WORDS_MAX);
    memcpy(all + 3, words, count * sizeof(*words));
    tt_redis_command(registry->redis, all, count + 3, answer, context);
}

static struct tt_slice text_of(const struct redisReply *reply)
{
    bool is_text = reply->type == REDIS_REPLY_STRING || reply->type == REDIS_REPLY_STATUS;
    return is_text ? tt_slice(reply->str, reply->len) : TT_SLICE_EMPTY;
}

static uint64_t number_of(const struct redisReply *reply)
{
    uint64_t number = 0;
    if (reply->type == REDIS_REPLY_INTEGER)
        return reply->integer < 0 ? 0 : (uint64_t)reply->integer;
    return tt_digits_parse(text_of(reply), &number) ? number : 0;
}

/* What `look` of the script answers. */
static bool read_whereabouts(const struct redisReply *reply, const tt_id *user,
                             struct tt_arena *arena, struct tt_whereabouts *found)
{
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements < 3)
        return false;
    size_t device_count = (size_t)number_of(reply->element[2]);
    if (device_count > (reply->elements - 3) / 3)
        return false;
    size_t watchers_at = 3 + 3 * device_count;
    struct tt_registered_device *devices = tt_arena_array(arena, device_count, sizeof(*devices));
    struct tt_place *watchers =
        tt_arena_array(arena, reply->elements - watchers_at, sizeof(*watchers));
    *found = (struct tt_whereabouts){.user = *user, .version = number_of(reply->element[0])};
    struct tt_slice seen = text_of(reply->element[1]);
    if (seen.size > 0 && !tt_is_ok(tt_time_parse(seen, &found->last_seen)))
        return false;
    for (size_t i = 0; i < device_count; i++) {
        struct redisReply *const *at = reply->element + 3 + 3 * i;
        if (!tt_is_ok(tt_id_parse(text_of(at[0]), &devices[i].device)) ||
            !tt_place_parse(text_of(at[1]), &devices[i].place))
            return false;
        devices[i].epoch = number_of(at[2]);
    }
    for (size_t i = watchers_at; i < reply->elements; i++)
        if (!tt_place_parse(text_of(reply->element[i]), &watchers[i - watchers_at]))
            return false;
    found->devices = devices;
    found->device_count = device_count;
    found->watchers = watchers;
    found->watcher_count = reply->elements - watchers_at;
    return true;
}

static void finish(struct tt_redis_registry *registry, struct tt_registry_op *op)
{
    struct tt_registry_op **at = &registry->under_way;
    struct tt_registry_op *before = NULL;
    while (*at != op) {
        before = *at;
        at = &before->next;
    }
    *at = op->next;
    if (registry->under_way_last == op)
        registry->under_way_last = before;
    op->next = NULL;
    registry->sink.done(registry->sink.context, op);
}

static bool read_registered(const struct redisReply *reply, struct tt_registry_op *op)
{
    struct tt_register *reg = &op->reg;
    reg->previous = (struct tt_registered_device){.epoch = 0};
    if (reply->elements == 0) {
        op->err = TT_FAIL(FENCED);
        return true;
    }
    struct tt_slice before = text_of(reply->element[0]);
    if (before.size > 0) {
        if (!tt_place_parse(before, &reg->previous.place))
            return false;
        reg->previous.device = reg->device.device;
        reg->previous.epoch = number_of(reply->element[1]);
    }
    return read_whereabouts(reply->element[2], &reg->user, &op->arena, &reg->user_now);
}

static bool read_answer(const struct redisReply *reply, struct question *question)
{
    struct tt_registry_op *op = question->op;
    if (reply->type != REDIS_REPLY_ARRAY ||
        (reply->elements != 3 && (reply->elements != 0 || op->kind != TT_REGISTRY_REGISTER)))
        return false;
    switch (op->kind) {
    case TT_REGISTRY_REGISTER:
        return read_registered(reply, op);
    case TT_REGISTRY_UNREGISTER:
        op->unreg.removed = text_of(reply->element[0]).size > 0;
        return read_whereabouts(reply->element[2], &op->unreg.user, &op->arena,
                                &op->unreg.user_now);
    case TT_REGISTRY_LOOKUP:
    case TT_REGISTRY_WATCH: {
        struct tt_whereabouts found;
        if (!read_whereabouts(reply->element[2], &op->about.users[question->index], &op->arena,
                              &found))
            return false;
        union {
            const struct tt_whereabouts *answer;
            struct tt_whereabouts *ours;
        } array = {op->about.found};
        array.ours[question->index] = found;
        return true;
    }
    case TT_REGISTRY_UNWATCH:
        return true;
    }
    return false;
}

/* Answers come in the order of the commands, so the last user's is the op's last. */
static void on_op_answer(void *context, const struct redisReply *reply)
{
    struct question *question = context;
    struct tt_registry_op *op = question->op;
    bool is_last = op->kind == TT_REGISTRY_REGISTER || op->kind == TT_REGISTRY_UNREGISTER ||
                   question->index + 1 >= op->about.user_count;
    if (reply == NULL || !read_answer(reply, question)) {
        op->err = TT_FAIL(UNAVAILABLE);
        question->registry->refused = true;
    }
    if (is_last)
        finish(question->registry, op);
}

/* Those of the try before, so that an op takes no more memory however often it is asked again. */
static struct question *questions_of(struct tt_registry_op *op, size_t count)
{
    if (op->asked == NULL)
        op->asked = tt_arena_array(&op->arena, count, sizeof(struct question));
    return op->asked;
}

static void ask(struct tt_redis_registry *registry, struct tt_registry_op *op, size_t index,
                const struct tt_slice *words, size_t count)
{
    bool is_about_users = op->kind != TT_REGISTRY_REGISTER && op->kind != TT_REGISTRY_UNREGISTER;
    size_t question_count = is_about_users ? op->about.user_count : 1;
    struct question *question = &questions_of(op, question_count)[index];
    *question = (struct question){registry, op, index};
    command(registry, words, count, on_op_answer, question);
}

static struct tt_slice number_text(uint64_t number, char text[24])
{
    return tt_slice(text, (size_t)snprintf(text, 24, "%llu", (unsigned long long)number));
}

static void ask_about(struct tt_redis_registry *registry, struct tt_registry_op *op)
{
    struct tt_about_users *about = &op->about;
    const char *verb = op->kind == TT_REGISTRY_LOOKUP  ? "lookup"
                       : op->kind == TT_REGISTRY_WATCH ? "watch"
                                                       : "unwatch";
    char place[TT_PLACE_TEXT_SIZE];
    struct tt_slice watcher = TT_SLICE_EMPTY;
    if (op->kind != TT_REGISTRY_LOOKUP)
        watcher = tt_place_format(&about->watcher, place);
    if (about->found == NULL)
        about->found = tt_arena_array(&op->arena, about->user_count, sizeof(*about->found));
    for (size_t i = 0; i < about->user_count; i++) {
        struct tt_slice words[] = {tt_slice_text(verb), tt_id_slice(&about->users[i]), watcher};
        ask(registry, op, i, words, 3);
    }
}

/* An op about nobody is answered when its turn comes. */
static void on_nobody(void *context, const struct redisReply *reply)
{
    struct question *question = context;
    if (reply == NULL)
        question->op->err = TT_FAIL(UNAVAILABLE);
    finish(question->registry, question->op);
}

static void ask_about_nobody(struct tt_redis_registry *registry, struct tt_registry_op *op)
{
    struct question *question = questions_of(op, 1);
    struct tt_slice ping = TT_SLICE_LITERAL("PING");
    *question = (struct question){registry, op, 0};
    tt_redis_command(registry->redis, &ping, 1, on_nobody, question);
}

static void carry_out(struct tt_redis_registry *registry, struct tt_registry_op *op)
{
    char place[TT_PLACE_TEXT_SIZE];
    char epoch[24];
    char at[TT_TIME_TEXT_SIZE];
    op->err = TT_OK;
    switch (op->kind) {
    case TT_REGISTRY_REGISTER: {
        struct tt_slice words[] = {TT_SLICE_LITERAL("register"), tt_id_slice(&op->reg.user),
                                   tt_id_slice(&op->reg.device.device),
                                   number_text(op->reg.device.epoch, epoch),
                                   tt_place_format(&op->reg.device.place, place)};
        ask(registry, op, 0, words, 5);
        return;
    }
    case TT_REGISTRY_UNREGISTER: {
        tt_time_format(op->unreg.at, at);
        struct tt_slice words[] = {TT_SLICE_LITERAL("unregister"), tt_id_slice(&op->unreg.user),
                                   tt_id_slice(&op->unreg.device),
                                   number_text(op->unreg.epoch, epoch), tt_slice(at, sizeof(at))};
        ask(registry, op, 0, words, 5);
        return;
    }
    case TT_REGISTRY_LOOKUP:
    case TT_REGISTRY_WATCH:
    case TT_REGISTRY_UNWATCH:
        if (op->about.user_count == 0)
            ask_about_nobody(registry, op);
        else
            ask_about(registry, op);
        return;
    }
}

static void submit(void *self, struct tt_registry_op *const *ops, size_t count)
{
    struct tt_redis_registry *registry = self;
    for (size_t i = 0; i < count; i++) {
        struct tt_registry_op *last = registry->under_way_last;
        ops[i]->next = NULL;
        *(last != NULL ? &last->next : &registry->under_way) = ops[i];
        registry->under_way_last = ops[i];
        carry_out(registry, ops[i]);
    }
}

static bool is_known(const struct known_server *servers, size_t count,
                     const struct known_server *server)
{
    for (size_t i = 0; i < count; i++)
        if (tt_id_eq(&servers[i].id, &server->id) && servers[i].incarnation == server->incarnation)
            return true;
    return false;
}

static bool read_servers(const struct redisReply *reply, struct known_server *servers)
{
    for (size_t i = 0; i < (reply->elements - 1) / 2; i++) {
        if (!tt_is_ok(tt_id_parse(text_of(reply->element[1 + 2 * i]), &servers[i].id)))
            return false;
        servers[i].incarnation = number_of(reply->element[2 + 2 * i]);
    }
    return true;
}

static void take_servers(struct tt_redis_registry *registry, struct known_server *servers,
                         size_t count)
{
    bool gone = false;
    for (size_t i = 0; i < registry->server_count; i++)
        gone = gone || !is_known(servers, count, &registry->servers[i]);
    tt_free(registry->servers);
    registry->servers = servers;
    registry->server_count = count;
    if (gone)
        registry->sink.node_gone(registry->sink.context);
}

static void load_script(struct tt_redis_registry *registry);

/* The first poll after the connection has come (back) decides whether ops may begin. */
static void on_poll_answer(void *context, const struct redisReply *reply)
{
    struct tt_redis_registry *registry = context;
    if (reply != NULL && reply->type == REDIS_REPLY_ERROR)
        load_script(registry);
    if (reply == NULL || reply->type != REDIS_REPLY_ARRAY || reply->elements % 2 != 1)
        return;
    struct tt_slice marker = text_of(reply->element[0]);
    if (marker.size + 1 > MARKER_SIZE)
        return;
    size_t count = (reply->elements - 1) / 2;
    struct known_server *servers = tt_alloc((count + 1) * sizeof(*servers));
    if (!read_servers(reply, servers)) {
        tt_free(servers);
        return;
    }
    bool forgot = registry->was_ready &&
                  (!registry->ready || !tt_slice_eq(marker, tt_slice_text(registry->known_marker)));
    if (marker.size > 0)
        memcpy(registry->known_marker, marker.data, marker.size);
    registry->known_marker[marker.size] = '\0';
    registry->ready = true;
    registry->was_ready = true;
    registry->refused = false;
    take_servers(registry, servers, count);
    if (forgot)
        registry->sink.forgotten(registry->sink.context);
}

static void on_renew_answer(void *context, const struct redisReply *reply)
{
    struct tt_redis_registry *registry = context;
    if (reply != NULL && reply->type == REDIS_REPLY_INTEGER)
        registry->superseded = reply->integer == 0;
}

static void renew(struct tt_redis_registry *registry)
{
    const struct tt_redis_registry_options *options = &registry->options;
    char incarnation[24];
    char at[TT_TIME_TEXT_SIZE];
    char lease[24];
    tt_time_format(options->clock.wall(options->clock.self), at);
    struct tt_slice words[] = {TT_SLICE_LITERAL("renew"), tt_id_slice(&options->place.server),
                               number_text(options->place.incarnation, incarnation),
                               tt_slice(at, sizeof(at)), number_text(options->lease_ms, lease)};
    command(registry, words, 5, on_renew_answer, registry);
    registry->renew_at = tt_mono_after(tt_loop_now(registry->loop), options->renew_ms);
}

static void poll(struct tt_redis_registry *registry)
{
    const struct tt_entropy_port *entropy = &registry->options.redis.entropy;
    char marker[MARKER_SIZE]; /* a new one each time: the same again would hide an emptied Redis */
    snprintf(marker, sizeof(marker), "%016llx", (unsigned long long)entropy->next(entropy->self));
    struct tt_slice words[] = {TT_SLICE_LITERAL("poll"), tt_slice_text(marker)};
    command(registry, words, 2, on_poll_answer, registry);
}

static void on_alarm(void *context)
{
    struct tt_redis_registry *registry = context;
    tt_mono now = tt_loop_now(registry->loop);
    if (registry->has_script) {
        if (registry->renew_at.ms <= now.ms)
            renew(registry);
        poll(registry);
    }
    tt_alarm_set(registry->alarm, tt_mono_after(now, registry->options.poll_ms));
}

static void on_script(void *context, const struct redisReply *reply)
{
    struct tt_redis_registry *registry = context;
    if (reply == NULL || reply->type != REDIS_REPLY_STRING || reply->len != SHA_SIZE)
        return;
    memcpy(registry->sha, reply->str, SHA_SIZE);
    registry->has_script = true;
    renew(registry);
    poll(registry);
    tt_alarm_set(registry->alarm,
                 tt_mono_after(tt_loop_now(registry->loop), registry->options.poll_ms));
}

static void load_script(struct tt_redis_registry *registry)
{
    struct tt_buffer script = {0};
    tt_buffer_add_text(&script, tt_redis_script_shared);
    tt_buffer_add_text(&script, tt_redis_script_ops);
    struct tt_slice words[] = {TT_SLICE_LITERAL("SCRIPT"), TT_SLICE_LITERAL("LOAD"),
                               tt_buffer_slice(&script)};
    tt_redis_command(registry->redis, words, 3, on_script, registry);
    tt_buffer_deinit(&script);
}

static void on_up(void *context)
{
    load_script(context);
}

static void on_down(void *context)
{
    struct tt_redis_registry *registry = context;
    registry->has_script = false;
    registry->ready = false;
    tt_alarm_set(registry->alarm, TT_MONO(0));
}

static const struct tt_redis_events redis_events = {.up = on_up, .down = on_down};

struct tt_redis_registry *tt_redis_registry_create(struct tt_loop *loop,
                                                   const struct tt_redis_registry_options *options,
                                                   const struct tt_registry_sink *sink)
{
    struct tt_redis_registry *registry = tt_alloc(sizeof(*registry));
    registry->loop = loop;
    registry->options = *options;
    registry->sink = *sink;
    registry->alarm = tt_alarm_create(loop, on_alarm, registry);
    registry->redis = tt_redis_create(loop, &options->redis, &redis_events, registry);
    return registry;
}

void tt_redis_registry_destroy(struct tt_redis_registry **take_registry)
{
    struct tt_redis_registry *registry = *take_registry;
    *take_registry = NULL;
    tt_redis_destroy(&registry->redis);
    while (registry->under_way != NULL) {
        registry->under_way->err = TT_FAIL(UNAVAILABLE);
        finish(registry, registry->under_way);
    }
    tt_alarm_destroy(&registry->alarm);
    tt_free(registry->servers);
    tt_free(registry);
}

struct tt_registry_port tt_redis_registry_port(struct tt_redis_registry *registry)
{
    return (struct tt_registry_port){.self = registry, .submit = submit};
}

bool tt_redis_registry_is_up(const struct tt_redis_registry *registry)
{
    return registry->ready;
}

bool tt_redis_registry_is_superseded(const struct tt_redis_registry *registry)
{
    return registry->superseded;
}

struct tt_redis *tt_redis_registry_commands(struct tt_redis_registry *registry)
{
    return registry->redis;
}
