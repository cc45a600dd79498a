/*
 * sim: runs seeds, shows one, and shows that it finds what is planted.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "sim/run.h"

#define TRACE_BYTES (64 * 1024)

static int usage(FILE *out)
{
    (void)fprintf(out,
                  "usage: sim --seed N [--trace] [--mutant NAME]   one run\n"
                  "       sim run --seeds N [--from K] [--mutant NAME]   many, until one fails\n"
                  "       sim repeat --seeds N [--from K]   the same seed, twice, is the same run\n"
                  "       sim mutants [--seeds N]   every planted bug must be found\n");
    return out == stdout ? 0 : 2;
}

struct arguments {
    uint64_t seed;
    uint64_t seeds;
    uint64_t from;
    bool trace;
    bool help;
    enum tt_mutant mutant;
};

static bool parse_number(const char *text, uint64_t *number)
{
    *number = 0;
    for (; *text >= '0' && *text <= '9'; text++)
        *number = *number * 10 + (uint64_t)(*text - '0');
    return *text == '\0';
}

static bool parse(int count, char **texts, struct arguments *arguments)
{
    for (int i = 0; i < count; i++) {
        struct tt_slice name = tt_slice_text(texts[i]);
        const char *value = i + 1 < count ? texts[i + 1] : "x";
        if (tt_slice_eq(name, tt_slice_text("--trace"))) {
            arguments->trace = true;
            continue;
        }
        if (tt_slice_eq(name, tt_slice_text("--help"))) {
            arguments->help = true;
            continue;
        }
        bool is_good = false;
        if (tt_slice_eq(name, tt_slice_text("--seed")))
            is_good = parse_number(value, &arguments->seed);
        else if (tt_slice_eq(name, tt_slice_text("--seeds")))
            is_good = parse_number(value, &arguments->seeds);
        else if (tt_slice_eq(name, tt_slice_text("--from")))
            is_good = parse_number(value, &arguments->from);
        else if (tt_slice_eq(name, tt_slice_text("--mutant")))
            is_good = tt_mutant_find(tt_slice_text(value), &arguments->mutant);
        if (!is_good)
            return false;
        i++;
    }
    return true;
}

static void print_failure(uint64_t seed, enum tt_mutant mutant)
{
    struct tt_run_result result;
    struct tt_buffer trace = {0};
    tt_run_seed(seed, mutant, &trace, TRACE_BYTES, &result);
    struct tt_slice lines = tt_buffer_slice(&trace);
    if (lines.size > TRACE_BYTES / 8)
        lines = tt_slice_from(lines, lines.size - TRACE_BYTES / 8);
    (void)printf("%.*s\nsim --seed %llu%s%s: %s\n", (int)lines.size, lines.data,
                 (unsigned long long)seed, mutant == TT_MUTANT_NONE ? "" : " --mutant ",
                 mutant == TT_MUTANT_NONE ? "" : tt_mutant_name(mutant), result.failure);
    tt_buffer_deinit(&trace);
}

static int run_one(const struct arguments *arguments)
{
    struct tt_run_result result;
    struct tt_buffer trace = {0};
    struct tt_swarm swarm;
    tt_swarm_draw(&swarm, arguments->seed, arguments->mutant);
    struct tt_buffer line = {0};
    tt_swarm_describe(&swarm, &line);
    (void)printf("%.*s\n", (int)line.size, line.data);
    tt_buffer_deinit(&line);
    tt_run_seed(arguments->seed, arguments->mutant, arguments->trace ? &trace : NULL, 0, &result);
    if (trace.size > 0)
        (void)fwrite(trace.data, 1, trace.size, stdout);
    tt_buffer_deinit(&trace);
    (void)printf("seed %llu: hash %016llx, %llu steps, %llu simulated s: %s\n",
                 (unsigned long long)arguments->seed, (unsigned long long)result.hash,
                 (unsigned long long)result.steps,
                 (unsigned long long)(result.simulated_us / TT_US_PER_S),
                 result.failure[0] == '\0' ? "nothing found" : result.failure);
    return result.failure[0] == '\0' ? 0 : 1;
}

/* How long the program itself took: the only real time here, and it only goes into the report. */
static double cpu_seconds(void)
{
    return (double)clock() / CLOCKS_PER_SEC;
}

static void add_result(struct tt_run_result *sum, const struct tt_run_result *result)
{
    sum->steps += result->steps;
    sum->simulated_us += result->simulated_us;
    sum->rung += result->rung;
#define X(name) sum->counters.name += result->counters.name;
    TT_CORE_COUNTER_MAP(X)
#undef X
}

static void print_sum(uint64_t seeds, const struct tt_run_result *sum, double seconds)
{
    if (seconds < 0.001)
        seconds = 0.001;
    (void)printf("%llu seeds in %.1f s: %.1f seeds/s, %.1f simulated hours per second, %.2f M "
                 "steps/s\n",
                 (unsigned long long)seeds, seconds, (double)seeds / seconds,
                 (double)sum->simulated_us / 3.6e9 / seconds, (double)sum->steps / 1e6 / seconds);
#define X(name) (void)printf("  %-20s %llu\n", #name, (unsigned long long)sum->counters.name);
    TT_CORE_COUNTER_MAP(X)
#undef X
    (void)printf("  %-20s %llu\n", "rung", (unsigned long long)sum->rung);
}

static int run_many(const struct arguments *arguments)
{
    struct tt_run_result sum = {0};
    double start = cpu_seconds();
    for (uint64_t i = 0; i < arguments->seeds; i++) {
        struct tt_run_result result;
        tt_run_seed(arguments->from + i, arguments->mutant, NULL, 0, &result);
        add_result(&sum, &result);
        if (result.failure[0] != '\0') {
            print_failure(arguments->from + i, arguments->mutant);
            return 1;
        }
    }
    print_sum(arguments->seeds, &sum, cpu_seconds() - start);
    return 0;
}

static int run_repeat(const struct arguments *arguments)
{
    for (uint64_t i = 0; i < arguments->seeds; i++) {
        uint64_t seed = arguments->from + i;
        struct tt_run_result first;
        struct tt_run_result second;
        struct tt_buffer trace = {0};
        tt_run_seed(seed, arguments->mutant, NULL, 0, &first);
        tt_run_seed(seed, arguments->mutant, &trace, TRACE_BYTES, &second);
        tt_buffer_deinit(&trace);
        (void)printf("seed %llu: hash %016llx\n", (unsigned long long)seed,
                     (unsigned long long)first.hash);
        if (first.hash != second.hash || first.steps != second.steps) {
            (void)printf("seed %llu: the second time hash %016llx\n", (unsigned long long)seed,
                         (unsigned long long)second.hash);
            return 1;
        }
    }
    return 0;
}

static int run_mutants(const struct arguments *arguments)
{
    int missed = 0;
    for (size_t i = 1; i < TT_MUTANT_COUNT; i++) {
        enum tt_mutant mutant = (enum tt_mutant)i;
        struct tt_run_result result = {0};
        uint64_t seed = arguments->from;
        for (; seed < arguments->from + arguments->seeds; seed++) {
            tt_run_seed(seed, mutant, NULL, 0, &result);
            if (result.failure[0] != '\0')
                break;
        }
        bool found = result.failure[0] != '\0';
        missed += !found;
        (void)printf("%-24s %s %llu seed(s): %s\n", tt_mutant_name(mutant),
                     found ? "found after" : "NOT FOUND in",
                     (unsigned long long)(seed - arguments->from + found),
                     found ? result.failure : tt_mutant_what(mutant));
    }
    return missed == 0 ? 0 : 1;
}

int main(int count, char **texts)
{
    struct arguments arguments = {.seeds = 100, .from = 1};
    bool is_command = count > 1 && texts[1][0] != '-';
    int skipped = is_command ? 2 : 1;
    if (count < 2 || !parse(count - skipped, texts + skipped, &arguments))
        return usage(stderr);
    if (arguments.help)
        return usage(stdout);
    (void)setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    if (!is_command)
        return run_one(&arguments);
    if (tt_slice_eq(tt_slice_text(texts[1]), tt_slice_text("run")))
        return run_many(&arguments);
    if (tt_slice_eq(tt_slice_text(texts[1]), tt_slice_text("repeat")))
        return run_repeat(&arguments);
    if (tt_slice_eq(tt_slice_text(texts[1]), tt_slice_text("mutants")))
        return run_mutants(&arguments);
    return usage(stderr);
}
