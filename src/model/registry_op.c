#include "model/registry_op.h"

#include "base/assert.h"
#include "base/memory.h"

struct tt_registry_op *tt_registry_op_create(enum tt_registry_op_kind kind)
{
    struct tt_registry_op *op = tt_alloc(sizeof(*op));
    op->kind = kind;
    return op;
}

void tt_registry_op_destroy(struct tt_registry_op **op)
{
    tt_arena_deinit(&(*op)->arena);
    tt_free(*op);
    *op = NULL;
}

const char *tt_registry_op_name(enum tt_registry_op_kind kind)
{
    static const char *const names[] = {
#define X(name) [TT_REGISTRY_##name] = #name,
        TT_REGISTRY_OP_MAP(X)
#undef X
    };
    TT_ASSERT(kind < sizeof(names) / sizeof(names[0]));
    return names[kind];
}
