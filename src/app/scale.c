#include "app/scale.h"

#include <stdio.h>
#include <stdlib.h>

#include "adapter/clock_os.h"
#include "adapter/dynamodb/credential_chain.h"
#include "adapter/dynamodb/init.h"
#include "adapter/entropy_os.h"
#include "app/mover.h"
#include "base/memory.h"
#include "net/tls_client.h"

#define CONNECTIONS_MAX     128
#define TRY_MS              3000
#define OP_MS               10000
#define STORE_LEASE_MS      15000 /* longer than the registry's: the store's word comes last */
#define CACHE_ENTRIES       65536
#define GUEST_CACHE_ENTRIES 16
#define REDIS_ANSWER_MS     2000
#define CHECK_MS            15000
#define TRANSFER_CALL_MS    60000

struct tt_scale {
    struct tt_entropy_os entropy;
    const struct tt_log *log;
    struct tt_tls_trust *trust;
    struct tt_aws_chain *chain;
    struct tt_ddb_client *client;
    struct tt_ddb_store *store;
    struct tt_ddb_store *guest; /* or NULL */
    struct tt_redis_registry *registry;
    struct tt_redis_bus *bus;
};

static const char *variable(void *context, const char *name)
{
    (void)context;
    return getenv(name);
}

static struct tt_aws_chain *open_chain(struct tt_loop *loop, const struct tt_scale_config *scale,
                                       struct tt_tls_trust *trust, struct tt_entropy_os *entropy)
{
    struct tt_aws_chain_options options = {
        .variable = variable,
        .region = scale->region,
        .trust = trust,
        .clock = tt_clock_os(),
        .entropy = tt_entropy_os(entropy),
    };
    return tt_aws_chain_create(loop, &options);
}

static struct tt_ddb_client_options client_options(const struct tt_config *config,
                                                   const struct tt_scale_config *scale,
                                                   struct tt_aws_chain *chain,
                                                   struct tt_tls_trust *trust,
                                                   struct tt_entropy_os *entropy)
{
    struct tt_ddb_client_options options = {
        .remote = scale->dynamodb,
        .prefix = tt_slice_text(config->table_prefix),
        .connections_max = CONNECTIONS_MAX,
        .try_ms_max = TRY_MS,
        .source = tt_aws_chain_source(chain),
        .clock = tt_clock_os(),
        .entropy = tt_entropy_os(entropy),
    };
    memcpy(options.region, scale->region, sizeof(options.region));
    options.remote.trust = trust;
    return options;
}

/* The system's authorities, and those of AWS_CA_BUNDLE. */
static struct tt_tls_trust *open_trust(const char **problem)
{
    struct tt_tls_trust *trust = NULL;
    const char *bundle = getenv("AWS_CA_BUNDLE");
    if (bundle != NULL && bundle[0] == '\0')
        bundle = NULL;
    return tt_is_ok(tt_tls_trust_create(bundle, &trust, problem)) ? trust : NULL;
}

bool tt_scale_read(const struct tt_config *config, struct tt_scale_config *scale,
                   char sentence[TT_AWS_SENTENCE])
{
    const char *problem = "";
    *scale = (struct tt_scale_config){.redis = {.answer_ms_max = REDIS_ANSWER_MS}};
    if (!tt_aws_read_endpoint(&scale->dynamodb, scale->region, sentence))
        return false;
    scale->has_redis = strcmp(config->registry, "local") != 0;
    if (scale->has_redis &&
        !tt_is_ok(tt_redis_parse(tt_slice_text(config->registry), &scale->redis, &problem))) {
        snprintf(sentence, TT_AWS_SENTENCE, "--registry is \"%.200s\"; %s", config->registry,
                 problem);
        return false;
    }
    return true;
}

/* What a loop needs that runs only until something is known. */
struct checking {
    struct tt_loop *loop;
    struct tt_redis *redis;
    bool up;
    struct tt_tls_trust *trust;
    char *sentence;
};

static void on_check_up(void *context)
{
    struct checking *checking = context;
    checking->up = true;
    tt_loop_stop(checking->loop);
}

static void ignore(void *context)
{
    (void)context;
}

static void on_check_late(void *context)
{
    struct checking *checking = context;
    tt_loop_stop(checking->loop);
}

static void on_check_line(void *context, struct tt_slice line)
{
    struct checking *checking = context;
    snprintf(checking->sentence, TT_AWS_SENTENCE,
             "%.*s; `twoticks store init` makes the tables, with the rights that it prints",
             (int)(line.size < 300 ? line.size : 300), line.data);
}

static const struct tt_redis_events check_events = {.up = on_check_up, .down = ignore};
static const struct tt_loop_events check_loop_events = {.deadline = on_check_late};

static bool check_redis(struct checking *checking, const struct tt_scale_config *scale,
                        struct tt_entropy_os *entropy)
{
    struct tt_redis_options options = scale->redis;
    options.entropy = tt_entropy_os(entropy);
    options.remote.trust = checking->trust;
    checking->redis = tt_redis_create(checking->loop, &options, &check_events, checking);
    tt_loop_set_deadline(checking->loop, tt_mono_after(tt_loop_now(checking->loop), CHECK_MS));
    tt_loop_run(checking->loop);
    tt_redis_destroy(&checking->redis);
    if (!checking->up)
        snprintf(checking->sentence, TT_AWS_SENTENCE,
                 "the registry %.200s:%u does not answer: is Redis running there, and is the "
                 "password right?",
                 scale->redis.remote.host, (unsigned)scale->redis.remote.port);
    return checking->up;
}

static bool run_init(struct tt_loop *loop, const struct tt_config *config,
                     const struct tt_scale_config *scale, struct tt_tls_trust *trust,
                     struct tt_entropy_os *entropy, const struct tt_ddb_init_options *wanted)
{
    struct tt_aws_chain *chain = open_chain(loop, scale, trust, entropy);
    struct tt_ddb_init_options options = *wanted;
    options.client = client_options(config, scale, chain, trust, entropy);
    bool done = tt_is_ok(tt_ddb_init(loop, &options));
    tt_aws_chain_destroy(&chain);
    return done;
}

static bool look_for_tables(struct checking *checking, const struct tt_config *config,
                            const struct tt_scale_config *scale, struct tt_entropy_os *entropy)
{
    struct tt_ddb_init_options look = {
        .look_only = true, .say = on_check_line, .context = checking};
    snprintf(checking->sentence, TT_AWS_SENTENCE, "the tables cannot be looked for");
    return run_init(checking->loop, config, scale, checking->trust, entropy, &look);
}

static bool begin_checking(struct checking *checking)
{
    const char *problem = "";
    checking->trust = open_trust(&problem);
    snprintf(checking->sentence, TT_AWS_SENTENCE, "AWS_CA_BUNDLE: %s", problem);
    if (checking->trust == NULL)
        return false;
    if (tt_is_ok(tt_loop_create(&check_loop_events, checking, &checking->loop)))
        return true;
    snprintf(checking->sentence, TT_AWS_SENTENCE, "there are too few files or too little memory");
    tt_tls_trust_destroy(&checking->trust);
    return false;
}

static void end_checking(struct checking *checking)
{
    tt_loop_destroy(&checking->loop);
    tt_tls_trust_destroy(&checking->trust);
}

/* Tables that are being moved serve nobody. */
static bool check_mark(const struct tt_config *config, const struct tt_scale_config *scale,
                       uint64_t incarnation, char sentence[TT_AWS_SENTENCE])
{
    struct tt_arena arena = {0};
    char reason[TT_MOVER_SENTENCE];
    struct tt_slice mark;
    struct tt_scale_tables *tables = tt_scale_open_tables(config, scale, sentence);
    if (tables == NULL)
        return false;
    struct tt_transfer_port port = tt_ddb_transfer_port(tt_scale_transfer(tables));
    struct tt_place place = {.server = config->server, .incarnation = incarnation};
    bool read = tt_is_ok(tt_ddb_transfer_announce(tt_scale_transfer(tables), &place)) &&
                tt_is_ok(port.load(port.self, &arena, &mark));
    if (!read)
        snprintf(reason, sizeof(reason), "the table servers cannot be used: %.300s",
                 tt_scale_complaint(tables));
    bool fine = read && tt_mover_may_serve(mark, reason);
    if (!fine)
        snprintf(sentence, TT_AWS_SENTENCE, "%.*s", TT_AWS_SENTENCE - 1, reason);
    tt_arena_deinit(&arena);
    tt_scale_close_tables(&tables);
    return fine;
}

bool tt_scale_check(const struct tt_config *config, const struct tt_scale_config *scale,
                    uint64_t incarnation, char sentence[TT_AWS_SENTENCE])
{
    struct tt_entropy_os entropy = {.left = 0};
    struct checking checking = {.sentence = sentence};
    if (!begin_checking(&checking))
        return false;
    bool fine = look_for_tables(&checking, config, scale, &entropy) &&
                (!scale->has_redis || check_redis(&checking, scale, &entropy));
    end_checking(&checking);
    return fine && check_mark(config, scale, incarnation, sentence);
}

bool tt_scale_init(const struct tt_config *config, const struct tt_scale_config *scale,
                   bool keep_backups, void (*say)(void *context, struct tt_slice line))
{
    static const struct tt_loop_events events = {.wake = NULL};
    struct tt_entropy_os entropy = {.left = 0};
    struct tt_loop *loop;
    const char *problem = "";
    struct tt_tls_trust *trust = open_trust(&problem);
    if (trust == NULL) {
        say(NULL, tt_slice_text(problem));
        return false;
    }
    bool done = tt_is_ok(tt_loop_create(&events, NULL, &loop));
    if (done) {
        struct tt_ddb_init_options options = {.keep_backups = keep_backups, .say = say};
        done = run_init(loop, config, scale, trust, &entropy, &options);
        tt_loop_destroy(&loop);
    }
    tt_tls_trust_destroy(&trust);
    return done;
}

struct tt_scale_tables {
    struct checking base;
    struct tt_entropy_os entropy;
    struct tt_aws_chain *chain;
    struct tt_ddb_client *client;
    struct tt_ddb_transfer *transfer;
    char complaint[TT_AWS_SENTENCE];
};

static void keep_complaint(void *context, struct tt_slice what)
{
    struct tt_scale_tables *tables = context;
    snprintf(tables->complaint, sizeof(tables->complaint), "%.*s", (int)what.size, what.data);
}

static void turn(void *context)
{
    const struct tt_scale_tables *tables = context;
    tt_loop_run(tables->base.loop);
}

static void stop(void *context)
{
    const struct tt_scale_tables *tables = context;
    tt_loop_stop(tables->base.loop);
}

struct tt_scale_tables *tt_scale_open_tables(const struct tt_config *config,
                                             const struct tt_scale_config *scale,
                                             char sentence[TT_AWS_SENTENCE])
{
    struct tt_scale_tables *tables = tt_alloc(sizeof(*tables));
    tables->base.sentence = sentence;
    if (!begin_checking(&tables->base)) {
        tt_free(tables);
        return NULL;
    }
    if (!look_for_tables(&tables->base, config, scale, &tables->entropy)) {
        end_checking(&tables->base);
        tt_free(tables);
        return NULL;
    }
    tables->chain = open_chain(tables->base.loop, scale, tables->base.trust, &tables->entropy);
    struct tt_ddb_client_options client =
        client_options(config, scale, tables->chain, tables->base.trust, &tables->entropy);
    client.complain = keep_complaint;
    client.complain_context = tables;
    tables->client = tt_ddb_client_create(tables->base.loop, &client);
    struct tt_ddb_transfer_options transfer = {
        .tables = tt_ddb_client_tables(tables->client),
        .clock = tt_clock_os(),
        .entropy = tt_entropy_os(&tables->entropy),
        .call_ms_max = TRANSFER_CALL_MS,
        .lease_ms = STORE_LEASE_MS,
        .context = tables,
        .turn = turn,
        .stop = stop,
    };
    tables->transfer = tt_ddb_transfer_create(&transfer);
    return tables;
}

void tt_scale_close_tables(struct tt_scale_tables **take_tables)
{
    struct tt_scale_tables *tables = *take_tables;
    *take_tables = NULL;
    tt_ddb_client_destroy(&tables->client);
    tt_ddb_transfer_destroy(&tables->transfer);
    tt_aws_chain_destroy(&tables->chain);
    end_checking(&tables->base);
    tt_free(tables);
}

struct tt_ddb_transfer *tt_scale_transfer(struct tt_scale_tables *tables)
{
    return tables->transfer;
}

const char *tt_scale_complaint(const struct tt_scale_tables *tables)
{
    return tables->complaint;
}

static void complain(void *context, struct tt_slice what)
{
    const struct tt_scale *scale = context;
    TT_LOG(scale->log, ERROR, "the tables refuse a request", tt_log_slice("why", what));
}

static void open_redis(struct tt_scale *scale, struct tt_loop *loop,
                       const struct tt_scale_config *shared, const struct tt_place *place,
                       struct tt_bus_port local, const struct tt_scale_sinks *sinks)
{
    struct tt_redis_registry_options registry = {
        .redis = shared->redis,
        .place = *place,
        .clock = tt_clock_os(),
        .lease_ms = TT_REDIS_LEASE_MS,
        .renew_ms = TT_REDIS_RENEW_MS,
        .poll_ms = TT_REDIS_POLL_MS,
    };
    registry.redis.entropy = tt_entropy_os(&scale->entropy);
    registry.redis.remote.trust = scale->trust;
    scale->registry = tt_redis_registry_create(loop, &registry, &sinks->registry);
    struct tt_redis_bus_options bus = {
        .redis = registry.redis,
        .place = *place,
        .commands = tt_redis_registry_commands(scale->registry),
        .local = local,
        .gap_ms = TT_REDIS_GAP_MS,
    };
    scale->bus = tt_redis_bus_create(loop, &bus, &sinks->bus);
}

static struct tt_ddb_store *open_store(struct tt_scale *scale, struct tt_loop *loop,
                                       const struct tt_place *place, size_t cache_entries,
                                       struct tt_store_sink sink)
{
    struct tt_ddb_store_options store = {
        .tables = tt_ddb_client_tables(scale->client),
        .place = *place,
        .clock = tt_clock_os(),
        .entropy = tt_entropy_os(&scale->entropy),
        .op_ms_max = OP_MS,
        .lease_ms = STORE_LEASE_MS,
        .cache_entries = cache_entries,
    };
    return tt_ddb_store_create(loop, &store, sink);
}

struct tt_scale *tt_scale_create(struct tt_loop *loop, const struct tt_config *config,
                                 const struct tt_scale_config *shared, const struct tt_place *place,
                                 const struct tt_log *log, struct tt_bus_port local,
                                 const struct tt_scale_sinks *sinks)
{
    struct tt_scale *scale = tt_alloc(sizeof(*scale));
    scale->log = log;
    const char *problem;
    scale->trust = open_trust(&problem); /* was good when the tables were looked for */
    scale->chain = open_chain(loop, shared, scale->trust, &scale->entropy);
    struct tt_ddb_client_options client =
        client_options(config, shared, scale->chain, scale->trust, &scale->entropy);
    client.complain = complain;
    client.complain_context = scale;
    scale->client = tt_ddb_client_create(loop, &client);
    scale->store = open_store(scale, loop, place, CACHE_ENTRIES, sinks->store);
    if (shared->has_redis)
        open_redis(scale, loop, shared, place, local, sinks);
    return scale;
}

void tt_scale_destroy(struct tt_scale **take_scale)
{
    struct tt_scale *scale = *take_scale;
    *take_scale = NULL;
    tt_ddb_client_destroy(&scale->client);
    tt_ddb_store_destroy(&scale->store);
    tt_scale_end_guest(scale);
    tt_aws_chain_destroy(&scale->chain);
    if (scale->registry != NULL) {
        tt_redis_registry_destroy(&scale->registry);
        tt_redis_bus_destroy(&scale->bus);
    }
    if (scale->trust != NULL)
        tt_tls_trust_destroy(&scale->trust);
    tt_free(scale);
}

struct tt_store_port tt_scale_store(struct tt_scale *scale)
{
    return tt_ddb_store_port(scale->store);
}

struct tt_store_port tt_scale_guest(struct tt_scale *scale, struct tt_loop *loop,
                                    const struct tt_place *place, struct tt_store_sink sink)
{
    scale->guest = open_store(scale, loop, place, GUEST_CACHE_ENTRIES, sink);
    return tt_ddb_store_port(scale->guest);
}

void tt_scale_end_guest(struct tt_scale *scale)
{
    if (scale->guest != NULL)
        tt_ddb_store_destroy(&scale->guest);
}

struct tt_registry_port tt_scale_registry(struct tt_scale *scale)
{
    if (scale->registry == NULL)
        return (struct tt_registry_port){.submit = NULL};
    return tt_redis_registry_port(scale->registry);
}

struct tt_bus_port tt_scale_bus(struct tt_scale *scale)
{
    if (scale->bus == NULL)
        return (struct tt_bus_port){.send = NULL};
    return tt_redis_bus_port(scale->bus);
}

bool tt_scale_is_superseded(const struct tt_scale *scale)
{
    return scale->registry != NULL && tt_redis_registry_is_superseded(scale->registry);
}

struct tt_scale_report tt_scale_report(const struct tt_scale *scale)
{
    return (struct tt_scale_report){
        .requests = *tt_ddb_client_stats(scale->client),
        .ops_under_way = tt_ddb_store_under_way(scale->store),
        .registry_is_up = scale->registry == NULL || tt_redis_registry_is_up(scale->registry),
    };
}
