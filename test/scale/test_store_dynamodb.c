#include "adapter/clock_os.h"
#include "adapter/dynamodb/api_client.h"
#include "adapter/dynamodb/init.h"
#include "adapter/dynamodb/store.h"
#include "adapter/entropy_os.h"
#include "base/memory.h"
#include "contract/store_contract.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

/* The store contract over the DynamoDB API: dynalite through the proxy that checks each signature,
 * from a machine whose clock is late, so that the client signs by the service's; and the double. */
#define NODES   2
#define LATE_MS (2 * 3600 * 1000)

struct rig {
    struct tt_loop *loop;
    struct tt_ddb_client *clients[NODES];
    struct tt_ddb_store *stores[NODES];
    struct tt_ddb_client_options options;
    char prefix[32];
    uint64_t incarnation;
    size_t under_way;
    struct tt_entropy_os entropy;
    bool submitting;
    bool complained;
};

static void on_turn_end(void *context)
{
    struct rig *rig = context;
    if (rig->under_way == 0)
        tt_loop_stop(rig->loop);
}

static void done(void *context, struct tt_store_op *op)
{
    struct rig *rig = context;
    (void)op;
    assert_false(rig->submitting);
    rig->under_way--;
}

static bool get_credentials(void *self, struct tt_aws_credentials *credentials,
                            uint64_t *generation)
{
    (void)self;
    *generation = 1;
    *credentials = (struct tt_aws_credentials){
        .access_key = TT_SLICE_LITERAL("AKIDEXAMPLE"),
        .secret = TT_SLICE_LITERAL("secret/of+example"),
        .session_token = TT_SLICE_LITERAL("to/ken=="),
    };
    return true;
}

static tt_time late_wall(void *self)
{
    (void)self;
    return TT_TIME(tt_clock_os_wall().ms - LATE_MS);
}

static void expired(void *self)
{
    (void)self;
    fail_msg("%s", "the credentials are said to have expired");
}

static void complain(void *context, struct tt_slice what)
{
    struct rig *rig = context;
    rig->complained = true;
    print_error("%.*s\n", (int)what.size, what.data);
}

static uint16_t port(void)
{
    const char *text = getenv("TWOTICKS_TEST_DYNAMODB_PORT");
    uint16_t number = 0;
    assert_non_null(text);
    for (; *text >= '0' && *text <= '9'; text++)
        number = (uint16_t)(number * 10 + (*text - '0'));
    return number;
}

static void open_stores(struct rig *rig)
{
    rig->incarnation++;
    for (uint32_t i = 0; i < NODES; i++) {
        rig->clients[i] = tt_ddb_client_create(rig->loop, &rig->options);
        struct tt_ddb_store_options options = {
            .tables = tt_ddb_client_tables(rig->clients[i]),
            .place = {tt_id_of("ws_server_1"), rig->incarnation, i},
            .clock = tt_clock_os(),
            .entropy = tt_entropy_os(&rig->entropy),
            .op_ms_max = 60000,
            .lease_ms = 15000,
            .cache_entries = 64,
        };
        rig->stores[i] =
            tt_ddb_store_create(rig->loop, &options, (struct tt_store_sink){rig, done});
    }
}

static void close_stores(struct rig *rig)
{
    for (uint32_t i = 0; i < NODES; i++) {
        tt_ddb_client_destroy(&rig->clients[i]);
        tt_ddb_store_destroy(&rig->stores[i]);
    }
}

static void say(void *context, struct tt_slice line)
{
    (void)context;
    (void)line;
}

static const struct tt_loop_events loop_events = {.turn_end = on_turn_end};

static void *create(void *context)
{
    unsigned *number = context;
    struct rig *rig = tt_alloc(sizeof(*rig));
    expect_ok(tt_loop_create(&loop_events, rig, &rig->loop));
    int size = snprintf(rig->prefix, sizeof(rig->prefix), "case%u_", (*number)++);
    rig->options = (struct tt_ddb_client_options){
        .remote = {.host = "127.0.0.1", .port = port()},
        .region = "eu-west-1",
        .prefix = tt_slice(rig->prefix, (size_t)size),
        .connections_max = 16,
        .try_ms_max = 30000,
        .source = {NULL, get_credentials, expired},
        .clock = {NULL, late_wall, tt_clock_os().mono},
        .entropy = tt_entropy_os(&rig->entropy),
        .complain = complain,
        .complain_context = rig,
    };
    struct tt_ddb_init_options init = {.client = rig->options, .say = say};
    rig->under_way = 1; /* so that the loop runs until init stops it */
    expect_ok(tt_ddb_init(rig->loop, &init));
    init.look_only = true;
    if (*number == 2) /* once is enough */
        expect_ok(tt_ddb_init(rig->loop, &init));
    rig->under_way = 0;
    open_stores(rig);
    return rig;
}

static void destroy(void *store)
{
    struct rig *rig = store;
    close_stores(rig);
    tt_loop_destroy(&rig->loop);
    assert_false(rig->complained);
    tt_free(rig);
}

static void submit(void *store, unsigned node, struct tt_store_op *const *ops, size_t count)
{
    struct rig *rig = store;
    struct tt_store_port store_port = tt_ddb_store_port(rig->stores[node]);
    rig->under_way += count;
    rig->submitting = true;
    store_port.submit(store_port.self, ops, count);
    rig->submitting = false;
}

static void wait_for_all(void *store)
{
    struct rig *rig = store;
    if (rig->under_way > 0)
        tt_loop_run(rig->loop);
}

static void reopen(void *store)
{
    struct rig *rig = store;
    close_stores(rig);
    open_stores(rig);
}

int main(void)
{
    unsigned number = 1;
    const struct tt_store_subject subject = {
        .name = "store contract: DynamoDB",
        .context = &number,
        .create = create,
        .destroy = destroy,
        .submit = submit,
        .wait = wait_for_all,
        .reopen = reopen,
    };
    return tt_store_contract_run(&subject);
}
