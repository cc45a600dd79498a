#include "sim/choice.h"

#include <stdlib.h>

#include "base/memory.h"

void tt_choices_add(struct tt_choices *choices, uint32_t item)
{
    if (choices->count == choices->capacity) {
        choices->capacity = choices->capacity * 2 + 64;
        choices->items = tt_grow(choices->items, choices->capacity, sizeof(choices->items[0]));
    }
    choices->items[choices->count++] = item;
}

static int order(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a;
    uint32_t right = *(const uint32_t *)b;
    return left < right ? -1 : left > right;
}

void tt_choices_sort(struct tt_choices *choices)
{
    if (choices->count > 1)
        qsort(choices->items, choices->count, sizeof(choices->items[0]), order);
}

void tt_choices_deinit(struct tt_choices *choices)
{
    tt_free(choices->items);
    *choices = (struct tt_choices){0};
}

bool tt_choice_take(const struct tt_choice *choice, uint32_t who, uint32_t number)
{
    uint32_t item = who << TT_CHOICE_WHO_SHIFT | number;
    const struct tt_choices *only = choice->only;
    bool happens = only == NULL || (only->count > 0 && bsearch(&item, only->items, only->count,
                                                               sizeof(item), order) != NULL);
    if (happens && choice->done != NULL)
        tt_choices_add(choice->done, item);
    return happens;
}
