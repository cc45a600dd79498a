/* One run: shown, or made small. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/chart.h"
#include "sim/command.h"
#include "sim/knob.h"
#include "sim/shrink.h"

#define CHART_LINES 160

static void print(const struct tt_buffer *text)
{
    (void)fwrite(text->data, 1, text->size, stdout);
}

/* "0:17,3:4,w:2": the 17th thought of the first device, and so on; w: the weather. */
static bool parse_items(const char *text, struct tt_choices *items)
{
    while (*text != '\0') {
        uint32_t parts[2] = {0, 0};
        for (int part = 0; part < 2; part++) {
            if (*text == 'w' && part == 0)
                parts[0] = TT_CHOICE_WEATHER, text++;
            for (; *text >= '0' && *text <= '9'; text++)
                parts[part] = parts[part] * 10 + (uint32_t)(*text - '0');
            if (*text++ != (part == 0 ? ':' : ',')) {
                if (part == 0 || text[-1] != '\0')
                    return false;
                text--;
            }
        }
        tt_choices_add(items, parts[0] << TT_CHOICE_WHO_SHIFT | parts[1]);
    }
    tt_choices_sort(items);
    return true;
}

static void print_items(const struct tt_choices *items)
{
    for (size_t i = 0; i < items->count; i++) {
        uint32_t who = items->items[i] >> TT_CHOICE_WHO_SHIFT;
        uint32_t number = items->items[i] & ((1U << TT_CHOICE_WHO_SHIFT) - 1);
        (void)printf("%s", i > 0 ? "," : "");
        if (who == TT_CHOICE_WEATHER)
            (void)printf("w:%u", number);
        else
            (void)printf("%u:%u", who, number);
    }
}

/* The order that the arguments ask for; false: they make no sense, and it was said. */
static bool make_order(const struct tt_sim_arguments *arguments, struct tt_run_order *order,
                       struct tt_choices *items)
{
    *order = (struct tt_run_order){.trace = NULL};
    tt_swarm_draw(&order->swarm, arguments->seed, arguments->mutant);
    if (arguments->draws > 0)
        order->swarm.world.seed = arguments->draws;
    if (arguments->set != NULL && !tt_knobs_parse(&order->swarm, arguments->set)) {
        (void)fprintf(stderr, "sim: --set wants name=value,name=value; the names are:");
        for (size_t i = 0; i < tt_knob_count(); i++)
            (void)fprintf(stderr, " %s", tt_knob_name(i));
        (void)fprintf(stderr, "\n");
        return false;
    }
    tt_swarm_fit(&order->swarm);
    if (arguments->items == NULL)
        return true;
    if (!parse_items(arguments->items, items)) {
        (void)fprintf(stderr, "sim: --items wants who:number,who:number as `sim shrink` prints\n");
        return false;
    }
    order->choice.only = items;
    return true;
}

static void print_swarm(const struct tt_swarm *swarm)
{
    struct tt_buffer line = {0};
    tt_swarm_describe(swarm, &line);
    tt_buffer_add_text(&line, "\n");
    print(&line);
    tt_buffer_deinit(&line);
}

static void run_and_show(const struct tt_sim_arguments *arguments, struct tt_run_order *order,
                         struct tt_run_result *result)
{
    struct tt_buffer trace = {0};
    bool is_shown = arguments->trace || arguments->chart;
    order->trace = is_shown ? &trace : NULL;
    tt_run(order, result);
    if (arguments->chart) {
        struct tt_buffer chart = {0};
        tt_chart_draw(tt_buffer_slice(&trace), SIZE_MAX, &chart);
        print(&chart);
        tt_buffer_deinit(&chart);
    } else if (arguments->trace) {
        print(&trace);
    }
    order->trace = NULL;
    tt_buffer_deinit(&trace);
}

int tt_sim_one(const struct tt_sim_arguments *arguments)
{
    struct tt_run_order order;
    struct tt_choices items = {0};
    struct tt_run_result result;
    if (!make_order(arguments, &order, &items)) {
        tt_choices_deinit(&items);
        return 2;
    }
    print_swarm(&order.swarm);
    run_and_show(arguments, &order, &result);
    tt_choices_deinit(&items);
    (void)printf("seed %llu: hash %016llx, %llu steps, %llu simulated s: %s\n",
                 (unsigned long long)arguments->seed, (unsigned long long)result.hash,
                 (unsigned long long)result.steps,
                 (unsigned long long)(result.simulated_us / TT_US_PER_S),
                 result.failure[0] == '\0' ? "nothing found" : result.failure);
    return result.failure[0] == '\0' ? 0 : 1;
}

static void print_command(const struct tt_shrunk *shrunk, uint64_t seed)
{
    const struct tt_swarm *swarm = &shrunk->order.swarm;
    struct tt_swarm drawn;
    struct tt_buffer set = {0};
    tt_swarm_draw(&drawn, seed, swarm->world.mutant);
    tt_knobs_describe(swarm, &drawn, &set);
    (void)printf("sim --seed %llu", (unsigned long long)seed);
    if (swarm->world.mutant != TT_MUTANT_NONE)
        (void)printf(" --mutant %s", tt_mutant_name(swarm->world.mutant));
    if (swarm->world.seed != seed)
        (void)printf(" --draws %llu", (unsigned long long)swarm->world.seed);
    if (set.size > 0)
        (void)printf(" --set %.*s", (int)set.size, set.data);
    if (shrunk->only.count > 0) {
        (void)printf(" --items ");
        print_items(&shrunk->only);
    }
    (void)printf(" --chart\n");
    tt_buffer_deinit(&set);
}

static void print_chart(const struct tt_shrunk *shrunk)
{
    struct tt_run_order order = shrunk->order;
    struct tt_run_result result;
    struct tt_buffer trace = {0};
    struct tt_buffer chart = {0};
    order.choice.only = &shrunk->only;
    order.trace = &trace;
    tt_run(&order, &result);
    tt_chart_draw(tt_buffer_slice(&trace), CHART_LINES, &chart);
    print(&chart);
    tt_buffer_deinit(&chart);
    tt_buffer_deinit(&trace);
}

void tt_sim_print_shrunk(const struct tt_run_order *order, const char *failure, uint32_t runs_max)
{
    struct tt_shrunk shrunk;
    uint64_t seed = order->swarm.world.seed;
    tt_shrink(order, failure, runs_max, &shrunk);
    (void)printf("shrunk in %u runs to %zu things that happen, %llu steps: %s\n", shrunk.runs,
                 shrunk.only.count, (unsigned long long)shrunk.steps, shrunk.failure);
    print_swarm(&shrunk.order.swarm);
    print_chart(&shrunk);
    print_command(&shrunk, seed);
    tt_shrunk_deinit(&shrunk);
}

int tt_sim_shrink(const struct tt_sim_arguments *arguments)
{
    struct tt_run_order order;
    struct tt_choices items = {0};
    struct tt_run_result result;
    if (!make_order(arguments, &order, &items)) {
        tt_choices_deinit(&items);
        return 2;
    }
    tt_run(&order, &result);
    if (result.failure[0] == '\0') {
        (void)printf("seed %llu: nothing found, so there is nothing to shrink\n",
                     (unsigned long long)arguments->seed);
        tt_choices_deinit(&items);
        return 2;
    }
    (void)printf("seed %llu: %s\n", (unsigned long long)arguments->seed, result.failure);
    tt_sim_print_shrunk(&order, result.failure, (uint32_t)arguments->runs);
    tt_choices_deinit(&items);
    return 1;
}
