/* Every planted bug must be found. */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim/command.h"
#include "sim/knob.h"

#ifdef TT_PLANTED

bool tt_sim_plant(enum tt_mutant mutant)
{
    tt_planted = tt_mutant_bug(mutant);
    return true;
}

#else

bool tt_sim_plant(enum tt_mutant mutant)
{
    return tt_mutant_bug(mutant) == TT_BUG_NONE;
}

#endif

/* What a child found, where its parent can see it. */
struct finding {
    uint64_t seeds;
    char failure[512];
};

/* What needs a rare coincidence is looked for where that is less rare. */
static const struct {
    enum tt_mutant mutant;
    const char *set;
} nests[] = {
    {TT_MUTANT_CORE_OLD_POSITION, "streams_kept=1,store_tail=300,forgets=1,bus_gap=100,unlinks=0,"
                                  "marks=0,leave=20,slow=0,pending_count=100"},
    {TT_MUTANT_UNRUNG_EMPTY, "crashes=1,leave=300,store_before=0,store_after=0,registry_tail=0"},
    {TT_MUTANT_CORE_KICK_ANY,
     "leave=400,bus_tail=300,bus_double=300,bus_lose=0,marks=0,store_before=0,store_after=0"},
    {TT_MUTANT_UNREGISTER_BLIND,
     "leave=400,half_open=0,registry_tail=600,registry_latency_us=60000,delay_us=500"},
    {TT_MUTANT_CORE_CUT_ANY, "unlinks=1,bus_double=300,bus_tail=300,bus_lose=0,marks=0"},
    {TT_MUTANT_CORE_NO_LINKED_AT, "unlinks=1,store_after=300,leave=300,bus_lose=0"},
    {TT_MUTANT_ACK_ANY_LINK, "unlinks=1,store_late=200,store_before=0,store_after=0,leave=20"},
    {TT_MUTANT_ANSWER_WINS, "marks=900,delay_us=500,chaos_us=1000000,store_latency_us=60000"},
    {TT_MUTANT_CORE_UNKNOWN_LEFT,
     "store_after=600,leave=500,half_open=0,crashes=0,marks=0,unlinks=0"},
    {TT_MUTANT_CORE_TOLD_TWICE, "cuts=1,bus_lose=0,leave=20"},
    {TT_MUTANT_CORE_RESENT_AS_NEW, "liar=1,lie=600,bus_lose=300"},
    {TT_MUTANT_LAST_SEEN_LATE, "servers=4,settings=0,clocks=0"},
    {TT_MUTANT_CORE_ACK_LEFT_LATER, "strands=1,leave=20"},
};

#define SEEDS_MAX 1000 /* within so many each must be found */
#define FEW       6

/* How many seeds those took that needed more than FEW, as in docs/testing.md. */
static const struct {
    enum tt_mutant mutant;
    uint64_t seeds;
} rare[] = {
    {TT_MUTANT_DEDUPE_NEW_CONTENT, 7},   {TT_MUTANT_PENDING_STAYS, 7},
    {TT_MUTANT_LAST_SEEN_BACK, 9},       {TT_MUTANT_CORE_NO_SLOW_CLOSE, 10},
    {TT_MUTANT_CORE_TIMELINE_LEAKS, 10}, {TT_MUTANT_CORE_NO_REASSERT, 13},
    {TT_MUTANT_UNREGISTER_BLIND, 14},    {TT_MUTANT_CORE_ACK_LEFT, 15},
    {TT_MUTANT_LAST_SEEN_LATE, 16},      {TT_MUTANT_CORE_TOLD_TWICE, 16},
    {TT_MUTANT_ACK_ANY_LINK, 27},        {TT_MUTANT_RING_DOUBLED, 27},
    {TT_MUTANT_CORE_KICK_ANY, 29},       {TT_MUTANT_CORE_NO_NODE_GONE, 35},
    {TT_MUTANT_CORE_NO_LINKED_AT, 83},   {TT_MUTANT_CORE_ACK_LEFT_LATER, 91},
    {TT_MUTANT_CORE_LATE_REGISTER, 121}, {TT_MUTANT_CORE_NO_PUSH_REPAIR, 132},
    {TT_MUTANT_CORE_UNKNOWN_LEFT, 170},  {TT_MUTANT_UNRUNG_EMPTY, 210},
    {TT_MUTANT_CORE_LATE_MARK, 418},     {TT_MUTANT_CORE_OLD_POSITION, 442},
    {TT_MUTANT_ANSWER_WINS, 443},        {TT_MUTANT_PUSHED_BLIND, 544},
};

/* In brief, who needed no more than so many is looked for, in more: which seed finds it changes
 * with the code, by chance, but what was found in ten and is not in two hundred is not found any
 * more. */
#define BRIEF_MAX   40
#define BRIEF_TRIES 200

static uint64_t seeds_of(enum tt_mutant mutant)
{
    for (size_t i = 0; i < sizeof(rare) / sizeof(rare[0]); i++)
        if (rare[i].mutant == mutant)
            return rare[i].seeds;
    return FEW;
}

/* How many to try; 0: it is not asked for. */
static uint64_t seeds_to_try(enum tt_mutant mutant, const struct tt_sim_arguments *arguments)
{
    if (arguments->mutant != TT_MUTANT_NONE && arguments->mutant != mutant)
        return 0;
    if (arguments->brief)
        return seeds_of(mutant) <= BRIEF_MAX ? BRIEF_TRIES : 0;
    return arguments->seeds_given ? arguments->seeds : SEEDS_MAX;
}

static void draw(struct tt_run_order *order, uint64_t seed, enum tt_mutant mutant)
{
    *order = (struct tt_run_order){.trace = NULL};
    tt_swarm_draw(&order->swarm, seed, mutant);
    for (size_t i = 0; i < sizeof(nests) / sizeof(nests[0]); i++)
        if (nests[i].mutant == mutant && !tt_knobs_parse(&order->swarm, nests[i].set))
            (void)printf("sim: the nest of %s makes no sense\n", tt_mutant_name(mutant));
    tt_swarm_fit(&order->swarm);
}

static void look_for(enum tt_mutant mutant, uint64_t from, uint64_t seeds, struct finding *finding)
{
    struct tt_run_result result = {.steps = 0};
    struct tt_run_order order;
    for (uint64_t i = 0; i < seeds && result.failure[0] == '\0'; i++) {
        finding->seeds = i + 1;
        draw(&order, from + i, mutant);
        tt_run(&order, &result);
    }
    (void)snprintf(finding->failure, sizeof(finding->failure), "%s", result.failure);
}

/* In a process of its own, since some bugs run into an assertion of the core. */
static void look_apart(enum tt_mutant mutant, uint64_t from, uint64_t seeds,
                       struct finding *finding)
{
    int status = 0;
    *finding = (struct finding){.seeds = 0};
    pid_t child = fork();
    if (child == 0) {
        (void)close(STDERR_FILENO);
        look_for(mutant, from, seeds, finding);
        _exit(0);
    }
    if (child < 0 || waitpid(child, &status, 0) != child)
        return;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        (void)snprintf(finding->failure, sizeof(finding->failure), "an assertion of the core");
}

int tt_sim_mutants(const struct tt_sim_arguments *arguments)
{
    void *shared = mmap(NULL, sizeof(struct finding), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) {
        (void)fprintf(stderr, "sim: no memory to share with children\n");
        return 2;
    }
    struct finding *finding = shared;
    int missed = 0;
    int found = 0;
    for (size_t i = 1; i < TT_MUTANT_COUNT; i++) {
        enum tt_mutant mutant = (enum tt_mutant)i;
        uint64_t seeds = seeds_to_try(mutant, arguments);
        if (seeds == 0 || !tt_sim_plant(mutant))
            continue;
        look_apart(mutant, arguments->from, seeds, finding);
        bool is_found = finding->failure[0] != '\0';
        missed += !is_found;
        found += is_found;
        (void)printf("%-22s %s %llu seed(s): %s\n", tt_mutant_name(mutant),
                     is_found ? "found after" : "NOT FOUND in", (unsigned long long)finding->seeds,
                     is_found ? finding->failure : tt_mutant_what(mutant));
    }
    (void)munmap(shared, sizeof(*finding));
    (void)printf("%d found, %d not found\n", found, missed);
    return missed == 0 ? 0 : 1;
}
