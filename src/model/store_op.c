#include "model/store_op.h"

#include "base/assert.h"
#include "base/memory.h"

struct tt_store_op *tt_store_op_create(enum tt_store_op_kind kind)
{
    struct tt_store_op *op = tt_alloc(sizeof(*op));
    op->kind = kind;
    return op;
}

void tt_store_op_destroy(struct tt_store_op **op)
{
    tt_arena_deinit(&(*op)->arena);
    tt_free(*op);
    *op = NULL;
}

const char *tt_store_op_name(enum tt_store_op_kind kind)
{
    static const char *const names[] = {
#define X(name) [TT_STORE_##name] = #name,
        TT_STORE_OP_MAP(X)
#undef X
    };
    TT_ASSERT(kind < sizeof(names) / sizeof(names[0]));
    return names[kind];
}
