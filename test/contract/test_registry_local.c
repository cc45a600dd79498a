#include "registry_contract.h"

#include "unit.h"

#include "adapter/registry_local.h"

#define NODES_MAX 8

struct world {
    struct tt_registry_local *registry;
    struct tt_registry_local_node *nodes[NODES_MAX];
    size_t node_count;
};

static void *create(void)
{
    struct world *world = test_calloc(1, sizeof(*world));
    world->registry = tt_registry_local_create(1);
    return world;
}

static void destroy(void *given)
{
    struct world *world = given;
    for (size_t i = 0; i < world->node_count; i++)
        tt_registry_local_detach(&world->nodes[i]);
    tt_registry_local_destroy(&world->registry);
    test_free(world);
}

static struct tt_registry_port attach(void *given, const struct tt_place *place,
                                      const struct tt_registry_sink *sink)
{
    (void)place;
    struct world *world = given;
    struct tt_registry_local_node *node = tt_registry_local_attach(world->registry, sink);
    world->nodes[world->node_count++] = node;
    return tt_registry_local_port(node);
}

static void settle(void *given)
{
    struct world *world = given;
    for (size_t i = 0; i < world->node_count; i++)
        tt_registry_local_complete(world->nodes[i]);
}

int main(void)
{
    const struct tt_registry_factory factory = {"local", create, destroy, attach, settle};
    return tt_registry_contract_run(&factory);
}
