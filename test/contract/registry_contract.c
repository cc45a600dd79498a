#include "registry_contract.h"

#include "unit.h"

#define OPS_MAX 16

struct node {
    struct tt_place place;
    struct tt_registry_port port;
    struct tt_registry_op *done[OPS_MAX];
    size_t done_count;
    bool submitting;
};

struct world {
    const struct tt_registry_factory *factory;
    void *inner;
    struct node nodes[2];
};

static void done(void *context, struct tt_registry_op *op)
{
    struct node *node = context;
    assert_false(node->submitting);
    assert_true(node->done_count < OPS_MAX);
    node->done[node->done_count++] = op;
}

static void ignore(void *context)
{
    (void)context;
}

static int setup(void **state)
{
    const struct tt_registry_factory *factory = *state;
    struct world *world = test_calloc(1, sizeof(*world));
    world->factory = factory;
    world->inner = factory->create();
    for (uint32_t i = 0; i < 2; i++) {
        struct node *node = &world->nodes[i];
        node->place = (struct tt_place){tt_id_of("ws_server_1"), 7, i};
        struct tt_registry_sink sink = {node, done, ignore, ignore};
        node->port = factory->attach(world->inner, &node->place, &sink);
    }
    *state = world;
    return 0;
}

static void forget_done(struct node *node)
{
    for (size_t i = 0; i < node->done_count; i++)
        tt_registry_op_destroy(&node->done[i]);
    node->done_count = 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    forget_done(&world->nodes[0]);
    forget_done(&world->nodes[1]);
    world->factory->destroy(world->inner);
    test_free(world);
    return 0;
}

static struct tt_registry_op *run(struct world *world, struct node *node, struct tt_registry_op *op)
{
    op->tag.purpose = 17;
    op->tag.owner = (tt_handle){3, 4};
    forget_done(node);
    node->submitting = true;
    node->port.submit(node->port.self, &op, 1);
    node->submitting = false;
    world->factory->settle(world->inner);
    assert_int_equal(node->done_count, 1);
    assert_ptr_equal(node->done[0], op);
    assert_int_equal(op->tag.purpose, 17);
    assert_true(tt_handle_eq(op->tag.owner, (tt_handle){3, 4}));
    return op;
}

static struct tt_registry_op *new_register(struct node *node, const char *user, const char *device,
                                           uint64_t epoch)
{
    struct tt_registry_op *op = tt_registry_op_create(TT_REGISTRY_REGISTER);
    op->reg.user = tt_id_of(user);
    op->reg.device = (struct tt_registered_device){tt_id_of(device), epoch, node->place};
    return op;
}

static struct tt_registry_op *add(struct world *world, int node, const char *user,
                                  const char *device, uint64_t epoch)
{
    return run(world, &world->nodes[node], new_register(&world->nodes[node], user, device, epoch));
}

static struct tt_registry_op *drop(struct world *world, int node, const char *user,
                                   const char *device, uint64_t epoch, int64_t at)
{
    struct tt_registry_op *op = tt_registry_op_create(TT_REGISTRY_UNREGISTER);
    op->unreg.user = tt_id_of(user);
    op->unreg.device = tt_id_of(device);
    op->unreg.epoch = epoch;
    op->unreg.at = TT_TIME(at);
    return run(world, &world->nodes[node], op);
}

static struct tt_registry_op *about(struct world *world, int node, enum tt_registry_op_kind kind,
                                    const char *first, const char *second)
{
    struct tt_registry_op *op = tt_registry_op_create(kind);
    tt_id *users = tt_arena_array(&op->arena, 2, sizeof(*users));
    users[0] = tt_id_of(first);
    if (second != NULL)
        users[1] = tt_id_of(second);
    op->about.users = users;
    op->about.user_count = second != NULL ? 2 : 1;
    op->about.watcher = world->nodes[node].place;
    run(world, &world->nodes[node], op);
    expect_ok(op->err);
    return op;
}

static const struct tt_whereabouts *lookup(struct world *world, const char *user)
{
    return &about(world, 1, TT_REGISTRY_LOOKUP, user, NULL)->about.found[0];
}

static void a_stranger_is_nowhere(void **state)
{
    const struct tt_whereabouts *bob = lookup(*state, "bob");
    assert_true(tt_id_eq(&bob->user, &(tt_id){3, "bob"}));
    assert_int_equal(bob->device_count, 0);
    assert_int_equal(bob->watcher_count, 0);
    assert_int_equal(bob->last_seen.ms, 0);
}

static void whoever_registers_is_found_from_another_node(void **state)
{
    struct world *world = *state;
    struct tt_registry_op *op = add(world, 0, "bob", "phone", 5);
    expect_ok(op->err);
    assert_true(tt_id_is_none(&op->reg.previous.device));
    assert_int_equal(op->reg.user_now.device_count, 1);

    const struct tt_whereabouts *bob = lookup(world, "bob");
    assert_int_equal(bob->device_count, 1);
    assert_int_equal(bob->devices[0].epoch, 5);
    assert_true(tt_place_eq(&bob->devices[0].place, &world->nodes[0].place));
}

static void a_newer_connection_replaces_and_tells_the_older(void **state)
{
    struct world *world = *state;
    add(world, 0, "bob", "phone", 5);
    struct tt_registry_op *op = add(world, 1, "bob", "phone", 6);
    expect_ok(op->err);
    assert_int_equal(op->reg.previous.epoch, 5);
    assert_true(tt_place_eq(&op->reg.previous.place, &world->nodes[0].place));
    assert_int_equal(op->reg.user_now.device_count, 1);
    assert_true(tt_place_eq(&op->reg.user_now.devices[0].place, &world->nodes[1].place));
}

static void an_older_connection_is_fenced(void **state)
{
    struct world *world = *state;
    add(world, 0, "bob", "phone", 6);
    struct tt_registry_op *op = add(world, 1, "bob", "phone", 5);
    assert_true(tt_err_is(op->err, TT_ERR_FENCED));
    assert_int_equal(lookup(world, "bob")->devices[0].epoch, 6);
}

static void leaving_is_fenced_by_the_epoch(void **state)
{
    struct world *world = *state;
    add(world, 0, "bob", "phone", 5);
    add(world, 1, "bob", "phone", 6);
    struct tt_registry_op *op = drop(world, 0, "bob", "phone", 5, 1000);
    expect_ok(op->err);
    assert_false(op->unreg.removed);
    assert_int_equal(op->unreg.user_now.device_count, 1);
    assert_int_equal(lookup(world, "bob")->last_seen.ms, 0);

    op = drop(world, 1, "bob", "phone", 6, 2000);
    assert_true(op->unreg.removed);
    assert_int_equal(op->unreg.user_now.device_count, 0);
    assert_int_equal(op->unreg.user_now.last_seen.ms, 2000);
    assert_false(drop(world, 1, "bob", "phone", 6, 3000)->unreg.removed);
}

static void last_seen_is_of_the_last_device_and_never_goes_back(void **state)
{
    struct world *world = *state;
    add(world, 0, "bob", "phone", 1);
    add(world, 1, "bob", "laptop", 2);
    drop(world, 0, "bob", "phone", 1, 1000);
    assert_int_equal(lookup(world, "bob")->last_seen.ms, 0);
    drop(world, 1, "bob", "laptop", 2, 2000);
    assert_int_equal(lookup(world, "bob")->last_seen.ms, 2000);
    add(world, 0, "bob", "phone", 3);
    drop(world, 0, "bob", "phone", 3, 1500);
    assert_int_equal(lookup(world, "bob")->last_seen.ms, 2000);
}

static void the_version_grows_whenever_somebody_comes_or_goes(void **state)
{
    struct world *world = *state;
    uint64_t before = lookup(world, "bob")->version;
    uint64_t came = add(world, 0, "bob", "phone", 1)->reg.user_now.version;
    assert_true(came > before);
    assert_int_equal(lookup(world, "bob")->version, came);
    uint64_t went = drop(world, 0, "bob", "phone", 1, 1000)->unreg.user_now.version;
    assert_true(went > came);
    assert_int_equal(lookup(world, "bob")->version, went);
    assert_true(add(world, 1, "bob", "phone", 2)->reg.user_now.version > went);
}

static void watchers_are_told_to_whoever_comes_and_goes(void **state)
{
    struct world *world = *state;
    about(world, 1, TT_REGISTRY_WATCH, "bob", "carol");
    about(world, 1, TT_REGISTRY_WATCH, "bob", NULL);
    struct tt_registry_op *op = add(world, 0, "bob", "phone", 1);
    assert_int_equal(op->reg.user_now.watcher_count, 1);
    assert_true(tt_place_eq(&op->reg.user_now.watchers[0], &world->nodes[1].place));

    about(world, 0, TT_REGISTRY_WATCH, "bob", NULL);
    op = drop(world, 0, "bob", "phone", 1, 1000);
    assert_int_equal(op->unreg.user_now.watcher_count, 2);

    about(world, 1, TT_REGISTRY_UNWATCH, "bob", NULL);
    op = add(world, 0, "bob", "phone", 2);
    assert_int_equal(op->reg.user_now.watcher_count, 1);
    assert_true(tt_place_eq(&op->reg.user_now.watchers[0], &world->nodes[0].place));
    assert_int_equal(lookup(world, "carol")->watcher_count, 1);
}

static void watching_answers_what_is_true_after_it(void **state)
{
    struct world *world = *state;
    add(world, 0, "carol", "phone", 1);
    struct tt_registry_op *op = about(world, 1, TT_REGISTRY_WATCH, "bob", "carol");
    assert_int_equal(op->about.found[0].device_count, 0);
    assert_int_equal(op->about.found[1].device_count, 1);
    assert_int_equal(op->about.found[1].watcher_count, 1);
}

static void ops_of_one_submit_are_carried_out_in_order(void **state)
{
    struct world *world = *state;
    struct node *node = &world->nodes[0];
    struct tt_registry_op *unregister = tt_registry_op_create(TT_REGISTRY_UNREGISTER);
    unregister->unreg.user = tt_id_of("bob");
    unregister->unreg.device = tt_id_of("phone");
    unregister->unreg.epoch = 1;
    unregister->unreg.at = TT_TIME(1000);
    struct tt_registry_op *ops[] = {new_register(node, "bob", "phone", 1), unregister,
                                    new_register(node, "bob", "phone", 2)};
    node->port.submit(node->port.self, ops, 3);
    world->factory->settle(world->inner);
    assert_int_equal(node->done_count, 3);
    const struct tt_whereabouts *bob = lookup(world, "bob");
    assert_int_equal(bob->device_count, 1);
    assert_int_equal(bob->devices[0].epoch, 2);
    assert_int_equal(bob->last_seen.ms, 1000);
}

int tt_registry_contract_run(const struct tt_registry_factory *factory)
{
    union {
        const void *given;
        void *state;
    } prestate = {factory}; /* cmocka wants it without const; nobody writes there */
#define TEST(function)                                                                             \
    {                                                                                              \
#function, function, setup, teardown, prestate.state                                       \
    }
    const struct CMUnitTest tests[] = {
        TEST(a_stranger_is_nowhere),
        TEST(whoever_registers_is_found_from_another_node),
        TEST(a_newer_connection_replaces_and_tells_the_older),
        TEST(an_older_connection_is_fenced),
        TEST(leaving_is_fenced_by_the_epoch),
        TEST(last_seen_is_of_the_last_device_and_never_goes_back),
        TEST(the_version_grows_whenever_somebody_comes_or_goes),
        TEST(watchers_are_told_to_whoever_comes_and_goes),
        TEST(watching_answers_what_is_true_after_it),
        TEST(ops_of_one_submit_are_carried_out_in_order),
    };
#undef TEST
    return cmocka_run_group_tests_name(factory->name, tests, NULL, NULL);
}
