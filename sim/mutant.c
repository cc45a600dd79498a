#include "sim/mutant.h"

static const struct {
    const char *name;
    const char *what;
} mutants[] = {
#define X(name, text, what) {text, what},
    TT_MUTANT_MAP(X)
#undef X
};

const char *tt_mutant_name(enum tt_mutant mutant)
{
    return mutants[mutant].name;
}

const char *tt_mutant_what(enum tt_mutant mutant)
{
    return mutants[mutant].what;
}

bool tt_mutant_find(struct tt_slice name, enum tt_mutant *mutant)
{
    for (size_t i = 0; i < TT_MUTANT_COUNT; i++) {
        if (tt_slice_eq(name, tt_slice_text(mutants[i].name))) {
            *mutant = (enum tt_mutant)i;
            return true;
        }
    }
    return false;
}
