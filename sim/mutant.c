#include "sim/mutant.h"

static const enum tt_bug bugs[] = {
#define X(name, text, what) TT_BUG_##name,
    TT_BUG_MAP(X)
#undef X
};

static const struct {
    const char *name;
    const char *what;
} mutants[] = {
#define X(name, text, what) {text, what},
    TT_MUTANT_MAP(X) TT_BUG_MAP(X)
#undef X
};

enum tt_bug tt_mutant_bug(enum tt_mutant mutant)
{
    int first = TT_MUTANT_END - (int)(sizeof(bugs) / sizeof(bugs[0]));
    return (int)mutant < first ? TT_BUG_NONE : bugs[(int)mutant - first];
}

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
