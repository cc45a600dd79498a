/*
 * `bench pairs`: pairs of people who write to each other, each with one message in flight. A round
 * is all that the product promises: send -> sent (durable), message -> delivered -> status_update.
 * Closed loop, so the rate and the latency are two sides of one number.
 */
#include "app/command.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "adapter/clock_os.h"
#include "adapter/entropy_os.h"
#include "app/bench_pair.h"
#include "app/option.h"
#include "app/private_server.h"
#include "app/signer.h"
#include "base/memory.h"

#define EVENTS  256
#define WARM_UP 4 /* a quarter of the time is not counted */

struct bench_values {
    const char *url;
    const char *data;
    uint64_t pairs;
    uint64_t seconds;
    uint64_t bytes;
    bool json;
};

#define AT(field) offsetof(struct bench_values, field)

static const struct tt_option options[] = {
    TT_NUMBER_ROW(AT(pairs), "pairs", 1000, 1, 100000, "pairs of people"),
    TT_NUMBER_ROW(AT(seconds), "seconds", 5, 1, 3600, "how long, a fifth of it to warm up"),
    TT_NUMBER_ROW(AT(bytes), "bytes", 60, 1, 60000, "content of a message"),
    TT_TEXT_ROW(AT(url), "url", "URL", NULL,
                "a running server; without it a private one is started"),
    TT_TEXT_ROW(AT(data), "data", "DIR", NULL,
                "with --url: the server's data folder, to sign tokens with"),
    TT_FLAG_ROW(AT(json), "json", "print the result as one JSON object"),
};

static const struct tt_command_spec spec = {
    .name = "bench",
    .usage = "twoticks bench pairs [--pairs 1000] [--seconds 5] [--url URL --data DIR]",
    .about =
        "Measures full rounds: Alice sends, the server stores and answers `sent`, Bob gets the\n"
        "message and acks it, Alice gets her `status_update`; then she sends the next one. Each\n"
        "pair has one message in flight. The latency is that of the whole round.\n\n"
        "The private server runs without rate limits. For a server of your own, lift them:\n"
        "  twoticks serve --data ./data --sends-per-second 0 --frames-per-second 0",
    .examples = "  twoticks bench pairs\n"
                "  twoticks bench pairs --pairs 100 --seconds 10 --json",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
    .positional_min = 1,
    .positional_max = 1,
};

struct bench {
    const struct bench_values *values;
    struct tt_private_server server;
    struct tt_endpoint endpoint;
    const char *data;
    struct tt_bench_pair *pairs;
    struct tt_bench_load load;
    int epoll;
};

static bool give_up(const char *why)
{
    fprintf(stderr, "twoticks bench: %s\n", why);
    return false;
}

static bool find_server(struct bench *bench)
{
    static const char *const unlimited[] = {"--sends-per-second", "0", "--frames-per-second", "0",
                                            NULL};
    const struct bench_values *values = bench->values;
    if (values->url == NULL) {
        if (!tt_private_server_open(&bench->server, unlimited))
            return false;
        bench->endpoint = bench->server.endpoint;
        bench->data = bench->server.data;
        return true;
    }
    const char *problem;
    if (values->data == NULL)
        return give_up("with --url, --data DIR is needed too: its secret signs the tokens");
    if (!tt_endpoint_parse(values->url, &bench->endpoint, &problem))
        return give_up(problem);
    bench->data = values->data;
    return true;
}

static bool raise_limit(uint64_t pairs)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return true;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_max >= 2 * pairs + 64)
        return true;
    fprintf(stderr, "twoticks bench: %llu pairs need %llu open files, but only %llu are allowed\n",
            (unsigned long long)pairs, (unsigned long long)(2 * pairs + 64),
            (unsigned long long)limit.rlim_max);
    return false;
}

static bool watch(struct bench *bench, struct tt_bench_end *end)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = end};
    int fd = tt_bench_end_fd(end);
    return epoll_ctl(bench->epoll, EPOLL_CTL_ADD, fd, &event) == 0 ||
           give_up("epoll_ctl does not work");
}

static bool open_pairs(struct bench *bench)
{
    struct tt_secret secret;
    char sentence[TT_SECRET_SENTENCE];
    if (!tt_secret_read(bench->data, &secret, sentence))
        return give_up(sentence);
    uint32_t run;
    tt_entropy_os_fill(&run, sizeof(run));
    for (uint64_t i = 0; i < bench->values->pairs; i++) {
        struct tt_bench_pair *pair = &bench->pairs[i];
        if (!tt_bench_pair_open(pair, &bench->load, &bench->endpoint, &secret, run, (uint32_t)i,
                                sentence))
            return give_up(sentence);
        if (!watch(bench, &pair->alice) || !watch(bench, &pair->bob))
            return false;
    }
    return true;
}

/* Until this time, in nanoseconds. */
static bool run_until(struct bench *bench, uint64_t until)
{
    struct epoll_event events[EVENTS];
    for (;;) {
        uint64_t now = tt_clock_os_nanoseconds();
        if (now >= until)
            return true;
        int count = epoll_wait(bench->epoll, events, EVENTS, (int)((until - now) / 1000000U) + 1);
        if (count < 0 && errno != EINTR)
            return give_up("epoll_wait does not work");
        for (int i = 0; i < count; i++)
            if (!tt_bench_end_read(events[i].data.ptr))
                return give_up(bench->load.problem);
    }
}

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static double percentile_ms(const struct tt_bench_load *load, double part)
{
    if (load->count == 0)
        return 0;
    size_t at = (size_t)((double)(load->count - 1) * part);
    return (double)load->latencies_us[at] / 1000;
}

static void report(struct bench *bench, double seconds)
{
    struct tt_bench_load *load = &bench->load;
    qsort(load->latencies_us, load->count, sizeof(load->latencies_us[0]), compare);
    double rate = (double)load->rounds / seconds;
    double p50 = percentile_ms(load, 0.5);
    double p99 = percentile_ms(load, 0.99);
    if (bench->values->json) {
        printf("{\"bench\":\"pairs\",\"pairs\":%llu,\"seconds\":%.2f,\"messages\":%llu,"
               "\"messages_per_second\":%.1f,\"p50_ms\":%.3f,\"p99_ms\":%.3f}\n",
               (unsigned long long)bench->values->pairs, seconds, (unsigned long long)load->rounds,
               rate, p50, p99);
        return;
    }
    printf("%llu pairs, one message in flight each, %.1f s: %.0f messages/s, round p50 %.1f ms, "
           "p99 %.1f ms\n",
           (unsigned long long)bench->values->pairs, seconds, rate, p50, p99);
}

static bool measure(struct bench *bench)
{
    uint64_t warm = bench->values->seconds * 1000000000U / (WARM_UP + 1);
    uint64_t start = tt_clock_os_nanoseconds();
    for (uint64_t i = 0; i < bench->values->pairs; i++)
        if (!tt_bench_pair_start(&bench->pairs[i]))
            return give_up(bench->load.problem);
    if (!run_until(bench, start + warm))
        return false;
    bench->load.rounds = 0;
    bench->load.count = 0;
    uint64_t from = tt_clock_os_nanoseconds();
    if (!run_until(bench, from + WARM_UP * warm))
        return false;
    report(bench, (double)(tt_clock_os_nanoseconds() - from) / 1e9);
    return bench->load.rounds > 0 || give_up("not a single round was finished");
}

static int bench_pairs(const struct bench_values *values)
{
    struct bench bench = {.values = values, .load = {.bytes = (size_t)values->bytes}};
    if (!raise_limit(values->pairs) || !find_server(&bench))
        return TT_EXIT_FAIL;
    bench.epoll = epoll_create1(EPOLL_CLOEXEC);
    bench.pairs = tt_alloc((size_t)values->pairs * sizeof(bench.pairs[0]));
    bool measured = open_pairs(&bench) && measure(&bench);
    for (uint64_t i = 0; i < values->pairs; i++)
        tt_bench_pair_close(&bench.pairs[i]);
    tt_free(bench.pairs);
    tt_free(bench.load.latencies_us);
    close(bench.epoll);
    if (values->url == NULL && !tt_private_server_close(&bench.server))
        measured = give_up("the private server did not end well");
    return measured ? TT_EXIT_OK : TT_EXIT_FAIL;
}

int tt_command_bench(int argc, char **argv)
{
    struct bench_values values = {0};
    struct tt_positionals positionals;
    struct tt_arena arena = {0};
    enum tt_option_outcome outcome =
        tt_options_read(&spec, argc, argv, &values, &positionals, &arena);
    tt_arena_deinit(&arena);
    if (outcome == TT_OPTIONS_HELP_SHOWN)
        return TT_EXIT_OK;
    if (outcome == TT_OPTIONS_BAD)
        return TT_EXIT_USAGE;
    if (strcmp(positionals.items[0], "pairs") != 0) {
        tt_option_complain(&spec, "there is no measurement \"%s\"; the one there is: pairs",
                           positionals.items[0]);
        return TT_EXIT_USAGE;
    }
    return bench_pairs(&values);
}
