#include "unit.h"

#include <pthread.h>
#include <stdio.h>

#include "adapter/registry_local.h"

#define THREADS       4
#define ROUNDS        2000
#define ROUND_DEVICES 3

struct walker {
    struct tt_registry_local *registry;
    uint32_t number;
    size_t done;
};

static void count_done(void *context, struct tt_registry_op *op)
{
    struct walker *walker = context;
    walker->done++;
    tt_registry_op_destroy(&op);
}

static struct tt_registry_op *make(const struct walker *walker, enum tt_registry_op_kind kind,
                                   const char *device, uint64_t epoch)
{
    struct tt_registry_op *op = tt_registry_op_create(kind);
    if (kind == TT_REGISTRY_REGISTER) {
        op->reg.user = tt_id_of("bob");
        op->reg.device = (struct tt_registered_device){
            tt_id_of(device), epoch, {tt_id_of("ws_server_1"), 1, walker->number}};
    } else {
        op->unreg.user = tt_id_of("bob");
        op->unreg.device = tt_id_of(device);
        op->unreg.epoch = epoch;
        op->unreg.at = TT_TIME((int64_t)epoch);
    }
    return op;
}

static void *walk(void *given)
{
    struct walker *walker = given;
    struct tt_registry_sink sink = {walker, count_done, NULL, NULL};
    struct tt_registry_local_node *node = tt_registry_local_attach(walker->registry, &sink);
    struct tt_registry_port port = tt_registry_local_port(node);
    static const char *const devices[ROUND_DEVICES] = {"phone", "laptop", "tablet"};
    for (uint64_t i = 1; i <= ROUNDS; i++) {
        const char *device = devices[i % ROUND_DEVICES];
        uint64_t epoch = i * THREADS + walker->number;
        struct tt_registry_op *ops[] = {make(walker, TT_REGISTRY_REGISTER, device, epoch),
                                        make(walker, TT_REGISTRY_UNREGISTER, device, epoch)};
        port.submit(port.self, ops, 2);
        tt_registry_local_complete(node);
    }
    tt_registry_local_detach(&node);
    return NULL;
}

/* Four nodes come and go as the same user: each op is answered once, and nobody is left. */
static void threads_share_the_table(void **unused)
{
    (void)unused;
    struct tt_registry_local *registry = tt_registry_local_create(1);
    pthread_t threads[THREADS];
    struct walker walkers[THREADS];
    for (uint32_t i = 0; i < THREADS; i++) {
        walkers[i] = (struct walker){registry, i, 0};
        assert_int_equal(pthread_create(&threads[i], NULL, walk, &walkers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(walkers[i].done, 2 * ROUNDS);
    }
    assert_int_equal(tt_registry_local_users(registry), 1);
    tt_registry_local_destroy(&registry);
}

struct keeper {
    struct tt_registry_op *last;
};

static void keep_done(void *context, struct tt_registry_op *op)
{
    struct keeper *keeper = context;
    if (keeper->last != NULL)
        tt_registry_op_destroy(&keeper->last);
    keeper->last = op;
}

static void come(struct tt_registry_local_node *node, int number)
{
    char name[16];
    snprintf(name, sizeof(name), "user%d", number);
    struct tt_registry_op *op = tt_registry_op_create(TT_REGISTRY_REGISTER);
    op->reg.user = tt_id_of(name);
    op->reg.device =
        (struct tt_registered_device){tt_id_of("phone"), 1, {tt_id_of("ws_server_1"), 1, 0}};
    struct tt_registry_port port = tt_registry_local_port(node);
    port.submit(port.self, &op, 1);
    tt_registry_local_complete(node);
}

static void go(struct tt_registry_local_node *node, int number)
{
    char name[16];
    snprintf(name, sizeof(name), "user%d", number);
    struct tt_registry_op *op = tt_registry_op_create(TT_REGISTRY_UNREGISTER);
    op->unreg.user = tt_id_of(name);
    op->unreg.device = tt_id_of("phone");
    op->unreg.epoch = 1;
    op->unreg.at = TT_TIME(1000 + number);
    struct tt_registry_port port = tt_registry_local_port(node);
    port.submit(port.self, &op, 1);
    tt_registry_local_complete(node);
}

static struct tt_whereabouts find(struct tt_registry_local_node *node, struct keeper *keeper,
                                  const char *name)
{
    struct tt_registry_op *op = tt_registry_op_create(TT_REGISTRY_LOOKUP);
    tt_id *users = tt_arena_array(&op->arena, 1, sizeof(*users));
    users[0] = tt_id_of(name);
    op->about.users = users;
    op->about.user_count = 1;
    struct tt_registry_port port = tt_registry_local_port(node);
    port.submit(port.self, &op, 1);
    tt_registry_local_complete(node);
    return keeper->last->about.found[0];
}

/* The one who left first is forgotten, but never with a version older than what was told of him. */
static void the_table_is_bounded(void **unused)
{
    (void)unused;
    struct tt_registry_local *registry = tt_registry_local_create(1);
    struct keeper keeper = {NULL};
    struct tt_registry_sink sink = {&keeper, keep_done, NULL, NULL};
    struct tt_registry_local_node *node = tt_registry_local_attach(registry, &sink);
    come(node, 0);
    go(node, 0);
    uint64_t told = find(node, &keeper, "user0").version;
    for (int i = 1; i <= TT_REGISTRY_LOCAL_GONE_MAX; i++) {
        come(node, i);
        go(node, i);
    }
    assert_int_equal(tt_registry_local_users(registry), TT_REGISTRY_LOCAL_GONE_MAX);
    assert_int_equal(find(node, &keeper, "user0").last_seen.ms, 0);
    assert_true(find(node, &keeper, "user0").version >= told);
    assert_int_equal(find(node, &keeper, "user1").last_seen.ms, 1001);

    tt_registry_op_destroy(&keeper.last);
    tt_registry_local_detach(&node);
    tt_registry_local_destroy(&registry);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_share_the_table),
        cmocka_unit_test(the_table_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
