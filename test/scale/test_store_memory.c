#include "adapter/dynamodb/store.h"
#include "base/memory.h"
#include "contract/contract.h"
#include "contract/store_contract.h"
#include "scale/memory_tables.h"

/* The store contract over tables in memory, whose requests happen in random order; the order
 * changes with the case, so each run of the suite is one of many. */
#define NODES 2

struct rig {
    struct tt_memory_tables *tables;
    struct tt_ddb_store *stores[NODES];
    uint64_t incarnation;
    uint64_t wall_ms;
    size_t under_way;
};

static tt_time wall(void *self)
{
    const struct rig *rig = self;
    return TT_TIME((int64_t)rig->wall_ms);
}

static tt_mono mono(void *self)
{
    (void)self;
    return TT_MONO(1);
}

static uint64_t entropy(void *self)
{
    struct rig *rig = self;
    return tt_memory_tables_random(rig->tables);
}

static void done(void *context, struct tt_store_op *op)
{
    struct rig *rig = context;
    (void)op;
    rig->under_way--;
}

static void open_stores(struct rig *rig)
{
    rig->incarnation++;
    for (uint32_t i = 0; i < NODES; i++) {
        struct tt_ddb_store_options options = {
            .tables = tt_memory_tables_open(rig->tables, i),
            .place = {tt_id_of("ws_server_1"), rig->incarnation, i},
            .clock = {rig, wall, mono},
            .entropy = {rig, entropy},
            .op_ms_max = 10000,
            .lease_ms = 15000,
            .cache_entries = 64,
        };
        rig->stores[i] = tt_ddb_store_create(NULL, &options, (struct tt_store_sink){rig, done});
    }
}

static void close_stores(struct rig *rig)
{
    for (uint32_t i = 0; i < NODES; i++) {
        tt_memory_tables_cut(rig->tables, i);
        tt_ddb_store_destroy(&rig->stores[i]);
    }
}

static void *create(void *context)
{
    uint64_t *seed = context;
    struct rig *rig = tt_alloc(sizeof(*rig));
    rig->tables = tt_memory_tables_create((*seed)++);
    rig->wall_ms = 1705312800000;
    open_stores(rig);
    return rig;
}

static void destroy(void *store)
{
    struct rig *rig = store;
    close_stores(rig);
    tt_memory_tables_destroy(&rig->tables);
    tt_free(rig);
}

static void submit(void *store, unsigned node, struct tt_store_op *const *ops, size_t count)
{
    struct rig *rig = store;
    rig->under_way += count;
    struct tt_store_port port = tt_ddb_store_port(rig->stores[node]);
    size_t before = rig->under_way;
    port.submit(port.self, ops, count);
    assert_int_equal(rig->under_way, before); /* nothing is completed from within */
}

static void wait_for_all(void *store)
{
    struct rig *rig = store;
    while (rig->under_way > 0) {
        for (uint32_t i = 0; i < NODES; i++)
            tt_ddb_store_turn(rig->stores[i]);
        if (rig->under_way > 0)
            assert_true(tt_memory_tables_step(rig->tables));
    }
}

static void reopen(void *store)
{
    struct rig *rig = store;
    close_stores(rig);
    open_stores(rig);
}

int main(void)
{
    uint64_t seed = 1;
    const struct tt_store_subject subject = {
        .name = "store contract: DynamoDB, tables in memory",
        .context = &seed,
        .create = create,
        .destroy = destroy,
        .submit = submit,
        .wait = wait_for_all,
        .reopen = reopen,
    };
    return tt_store_contract_run(&subject);
}
