#include "sim/shrink.h"

#include <stdio.h>
#include <string.h>

#include "sim/knob.h"

#define OTHER_DRAWS 6

struct search {
    struct tt_shrunk *found;
    uint32_t runs_max;
    char wanted[512];
};

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == ' ' || c == ':' || c == '/';
}

/* The sentence without names and numbers, which differ from run to run: its first words, and if it
 * names a promise, that. */
bool tt_failures_are_alike(const char *a, const char *b)
{
    static const char promise[] = "promise ";
    size_t start = strlen(promise);
    if (strncmp(a, promise, start) == 0) {
        size_t end = start;
        while (a[end] != ':' && a[end] != ',' && a[end] != '\0')
            end++;
        return strncmp(a, b, end + 1) == 0;
    }
    size_t at = 0;
    while (a[at] != '\0' && a[at] == b[at] && is_word(a[at]))
        at++;
    return at >= 5;
}

/* Runs the order; whether it fails in the wanted way, and then it is the new smallest. */
static bool try_order(struct search *search, const struct tt_run_order *order,
                      const struct tt_choices *only)
{
    struct tt_shrunk *found = search->found;
    if (found->runs >= search->runs_max)
        return false;
    found->runs++;
    struct tt_choices done = {0};
    struct tt_run_order copy = *order;
    copy.choice = (struct tt_choice){only, &done};
    struct tt_run_result result;
    tt_run(&copy, &result);
    if (result.failure[0] == '\0' || !tt_failures_are_alike(search->wanted, result.failure)) {
        tt_choices_deinit(&done);
        return false;
    }
    tt_choices_sort(&done);
    tt_choices_deinit(&found->only);
    found->only = done;
    found->order = copy;
    found->order.choice = (struct tt_choice){NULL, NULL};
    found->steps = result.steps;
    (void)snprintf(found->failure, sizeof(found->failure), "%s", result.failure);
    return true;
}

static bool try_value(struct search *search, size_t knob, int64_t value)
{
    struct tt_run_order order = search->found->order;
    uint64_t seed = order.swarm.world.seed;
    tt_knob_set(&order.swarm, knob, value);
    tt_swarm_fit(&order.swarm);
    if (tt_knob_get(&order.swarm, knob) == tt_knob_get(&search->found->order.swarm, knob))
        return false;
    for (uint32_t i = 0; i < OTHER_DRAWS; i++) {
        order.swarm.world.seed = seed + i;
        if (try_order(search, &order, NULL))
            return true;
    }
    return false;
}

/* One parameter: as plain as can be, or at least nearer to it. */
static bool simplify(struct search *search, size_t knob)
{
    int64_t plain = tt_knob_plain(knob);
    int64_t value = tt_knob_get(&search->found->order.swarm, knob);
    if (value == plain)
        return false;
    if (try_value(search, knob, plain))
        return true;
    int64_t between = plain + (value - plain) / 2;
    return tt_knob_is_number(knob) && between != plain && between != value &&
           try_value(search, knob, between);
}

static void simplify_world(struct search *search)
{
    bool changed = true;
    while (changed && search->found->runs < search->runs_max) {
        changed = false;
        for (size_t knob = 0; knob < tt_knob_count(); knob++)
            changed = simplify(search, knob) || changed;
    }
}

/* What is left if [from, to) is taken out. */
static struct tt_choices without(const struct tt_choices *all, size_t from, size_t to)
{
    struct tt_choices rest = {0};
    for (size_t i = 0; i < all->count; i++)
        if (i < from || i >= to)
            tt_choices_add(&rest, all->items[i]);
    return rest;
}

/* Delta debugging (Zeller and Hildebrandt 2002), its half that takes pieces out: larger pieces
 * first, then smaller ones, down to single things. */
static void drop_items(struct search *search)
{
    size_t piece = (search->found->only.count + 1) / 2;
    while (piece > 0 && search->found->runs < search->runs_max) {
        bool dropped = false;
        for (size_t from = 0; from < search->found->only.count;) {
            struct tt_choices rest = without(&search->found->only, from, from + piece);
            struct tt_run_order order = search->found->order;
            if (try_order(search, &order, &rest))
                dropped = true;
            else
                from += piece;
            tt_choices_deinit(&rest);
        }
        if (!dropped || piece > 1)
            piece = piece > 1 ? (piece + 1) / 2 : 0;
    }
}

void tt_shrink(const struct tt_run_order *order, const char *failure, uint32_t runs_max,
               struct tt_shrunk *shrunk)
{
    struct search search = {.found = shrunk, .runs_max = runs_max};
    *shrunk = (struct tt_shrunk){.order = *order};
    shrunk->order.trace = NULL;
    (void)snprintf(search.wanted, sizeof(search.wanted), "%s", failure);
    (void)snprintf(shrunk->failure, sizeof(shrunk->failure), "%s", failure);
    struct tt_run_order first = shrunk->order;
    if (!try_order(&search, &first, order->choice.only))
        return;
    simplify_world(&search);
    drop_items(&search);
}

void tt_shrunk_deinit(struct tt_shrunk *shrunk)
{
    tt_choices_deinit(&shrunk->only);
}
