/* Many runs: until one fails, and what they have gone through. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sim/command.h"

#define PROGRESS_S 20

struct sum {
    struct tt_run_result result;
    uint64_t seeds;
};

/* How long the program itself took: the only real time here, and it only goes into the report. */
static double cpu_seconds(void)
{
    return (double)clock() / CLOCKS_PER_SEC;
}

static void add_result(struct sum *sum, const struct tt_run_result *result)
{
    struct tt_run_result *all = &sum->result;
    sum->seeds++;
    all->steps += result->steps;
    all->simulated_us += result->simulated_us;
    all->rung += result->rung;
#define X(name) all->counters.name += result->counters.name;
    TT_CORE_COUNTER_MAP(X)
#undef X
#define X(name, what) all->sometimes.name += result->sometimes.name;
    TT_SOMETIMES_MAP(X)
#undef X
}

static void print_speed(const struct sum *sum, double seconds)
{
    double hours = (double)sum->result.simulated_us / 3.6e9;
    if (seconds < 0.001)
        seconds = 0.001;
    (void)printf("%llu seeds in %.1f s: %.1f seeds/s, %.0f simulated hours, %.1f per second, "
                 "%.2f M steps/s\n",
                 (unsigned long long)sum->seeds, seconds, (double)sum->seeds / seconds, hours,
                 hours / seconds, (double)sum->result.steps / 1e6 / seconds);
}

static void print_counters(const struct sum *sum)
{
#define X(name)                                                                                    \
    (void)printf("  %-24s %llu\n", #name, (unsigned long long)sum->result.counters.name);
    TT_CORE_COUNTER_MAP(X)
#undef X
    (void)printf("  %-24s %llu\n", "rung", (unsigned long long)sum->result.rung);
}

static void print_sometimes(const struct sum *sum)
{
    const struct tt_sometimes *counts = &sum->result.sometimes;
#define X(name, what) (void)printf("  %12llu  %s\n", (unsigned long long)counts->name, what);
    TT_SOMETIMES_MAP(X)
#undef X
}

/* How many things that should have happened never did; each is named. */
static int count_never(const struct sum *sum)
{
    int never = 0;
    const struct tt_sometimes *counts = &sum->result.sometimes;
#define X(name, what)                                                                              \
    if (counts->name == 0) {                                                                       \
        (void)printf("never in %llu seeds: %s\n", (unsigned long long)sum->seeds, what);           \
        never++;                                                                                   \
    }
    TT_SOMETIMES_MAP(X)
#undef X
    return never;
}

static void print_failure(uint64_t seed, enum tt_mutant mutant, const char *failure)
{
    (void)printf("sim --seed %llu%s%s: %s\n", (unsigned long long)seed,
                 mutant == TT_MUTANT_NONE ? "" : " --mutant ",
                 mutant == TT_MUTANT_NONE ? "" : tt_mutant_name(mutant), failure);
}

static void shrink(uint64_t seed, enum tt_mutant mutant, const char *failure, uint64_t runs)
{
    struct tt_run_order order = {.trace = NULL};
    tt_swarm_draw(&order.swarm, seed, mutant);
    tt_sim_print_shrunk(&order, failure, (uint32_t)runs);
}

int tt_sim_run(const struct tt_sim_arguments *arguments)
{
    struct sum sum = {.seeds = 0};
    double start = cpu_seconds();
    for (uint64_t i = 0; i < arguments->seeds; i++) {
        struct tt_run_result result;
        tt_run_seed(arguments->from + i, arguments->mutant, NULL, 0, &result);
        add_result(&sum, &result);
        if (result.failure[0] != '\0') {
            print_failure(arguments->from + i, arguments->mutant, result.failure);
            return 1;
        }
    }
    print_speed(&sum, cpu_seconds() - start);
    print_counters(&sum);
    return 0;
}

/* `under_way`: where a seed stands before it is run. */
static int hunt(const struct tt_sim_arguments *arguments, uint64_t *under_way)
{
    struct sum sum = {.seeds = 0};
    double start = cpu_seconds();
    double told = start;
    double end = start + (double)arguments->minutes * 60;
    uint64_t seed = arguments->from;
    for (;; seed++) {
        bool is_over = arguments->seeds_given ? sum.seeds >= arguments->seeds : cpu_seconds() > end;
        if (is_over)
            break;
        struct tt_run_result result;
        *under_way = seed;
        tt_run_seed(seed, arguments->mutant, NULL, 0, &result);
        add_result(&sum, &result);
        if (result.failure[0] != '\0') {
            print_speed(&sum, cpu_seconds() - start);
            print_failure(seed, arguments->mutant, result.failure);
            shrink(seed, arguments->mutant, result.failure, arguments->runs);
            return 1;
        }
        if (cpu_seconds() - told > PROGRESS_S) {
            told = cpu_seconds();
            (void)printf("seed %llu; ", (unsigned long long)seed);
            print_speed(&sum, told - start);
        }
    }
    print_sometimes(&sum);
    int never = count_never(&sum);
    print_speed(&sum, cpu_seconds() - start);
    (void)printf("nothing found; the next seed is %llu\n", (unsigned long long)seed);
    return never == 0 ? 0 : 1;
}

/* In a process of its own: an assertion ends it, and then it must be known which seed it was. */
int tt_sim_hunt(const struct tt_sim_arguments *arguments)
{
    void *shared =
        mmap(NULL, sizeof(uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) {
        (void)fprintf(stderr, "sim: no memory to share with a child\n");
        return 2;
    }
    uint64_t *under_way = shared;
    int status = 0;
    (void)fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        int code = hunt(arguments, under_way);
        exit(code);
    }
    bool is_over = child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status);
    if (!is_over)
        print_failure(*under_way, arguments->mutant, "the program ended, by an assertion perhaps");
    (void)munmap(shared, sizeof(uint64_t));
    return is_over ? WEXITSTATUS(status) : 1;
}

int tt_sim_repeat(const struct tt_sim_arguments *arguments)
{
    for (uint64_t i = 0; i < arguments->seeds; i++) {
        uint64_t seed = arguments->from + i;
        struct tt_run_result first;
        struct tt_run_result second;
        struct tt_buffer trace = {0};
        tt_run_seed(seed, arguments->mutant, NULL, 0, &first);
        tt_run_seed(seed, arguments->mutant, &trace, 65536, &second);
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
