/*
 * `twoticks bench`: a load generator, of the kind of pgbench or wrk, for this server or another of
 * its kind. One measurement a run; each has a file of its own.
 */
#include "app/command.h"

#include <stdio.h>

#include "app/bench/rig.h"
#include "app/option.h"

#define AT(field) offsetof(struct tt_bench_values, field)

#define GROUP_MAX 1023 /* the largest group, without the sender */

static const struct tt_option options[] = {
    TT_NUMBER_ROW(AT(seconds), "seconds", 5, 1, 86400, "how long, a fifth of it to warm up"),
    TT_NUMBER_ROW(AT(bytes), "bytes", 150, 1, 60000, "content of a message"),
    TT_NUMBER_ROW(AT(pairs), "pairs", 1000, 1, 100000, "pairs, rate, fill: pairs of people"),
    TT_NUMBER_ROW(AT(window), "window", 1, 1, 1000, "pairs, fill: messages in flight of each pair"),
    TT_NUMBER_ROW(AT(messages), "messages", 100000, 1, 1000000000, "fill: messages in all"),
    TT_NUMBER_ROW(AT(away), "away", 1, 1, GROUP_MAX,
                  "fill: of each conversation, besides the writer"),
    TT_NUMBER_ROW(AT(rate), "rate", 1000, 1, 10000000, "rate: messages a second, of all pairs"),
    TT_NUMBER_ROW(AT(sockets), "sockets", 100, 1, 1000000,
                  "idle, storm: devices; open: HTTP connections"),
    TT_NUMBER_ROW(AT(pending), "pending", 5, 0, 1000000,
                  "storm: messages that wait for each device"),
    TT_NUMBER_ROW(AT(waves), "waves", 3, 1, 1000, "storm: how often everybody comes back"),
    TT_NUMBER_ROW(AT(chat), "chat", 0, 0, 100,
                  "idle: percent of the devices that chat, after a fifth of the time"),
    TT_NUMBER_ROW(AT(members), "members", 100, 1, GROUP_MAX,
                  "fanout: of the group, besides the sender"),
    TT_FLAG_ROW(AT(wait), "wait",
                "idle: say when all are connected, then wait for a line on the standard input"),
    TT_LIST_ROW(AT(urls), "url", "URL",
                "a running server, or several of one system, which the devices connect to in turn; "
                "without it a private one is started"),
    TT_TEXT_ROW(AT(data), "data", "DIR", NULL,
                "with --url: the server's data folder, to sign tokens with"),
    TT_FLAG_ROW(AT(json), "json", "print each result as one JSON object"),
};

static const struct tt_command_spec spec = {
    .name = "bench",
    .usage =
        "twoticks bench pairs|rate|idle|storm|open|fanout|fill [options] [--url URL --data DIR]",
    .about =
        "Measures a server. A round is all that it promises: Alice sends, the server stores and\n"
        "answers `sent`, Bob gets the message and acks it, Alice gets her `status_update`.\n\n"
        "  pairs    each pair has --window messages in flight: the most rounds a second\n"
        "  rate     --rate messages a second, come what may; a message's time counts from when\n"
        "           it was due, so that a server that pauses shows it\n"
        "  idle     --sockets devices connect and stay for --seconds, --chat percent of them\n"
        "           writing to each other\n"
        "  storm    --sockets devices connect at once, each with --pending messages waiting\n"
        "  open     chat-opens on --sockets HTTP connections, one after the other on each\n"
        "  fanout   one person writes to a group of --members connected devices\n"
        "  fill     --messages messages to people who are away: before a measurement of what "
        "grows\n"
        "           with them\n\n"
        "The private server runs without rate limits. For a server of your own, lift them:\n"
        "  twoticks serve --data ./data --sends-per-second 0 --frames-per-second 0",
    .examples = "  twoticks bench pairs --window 16\n"
                "  twoticks bench rate --rate 5000 --seconds 30 --json\n"
                "  twoticks bench storm --sockets 10000 --pending 5 --waves 6",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
    .positional_min = 1,
    .positional_max = 1,
};

struct measurement {
    const char *name;
    bool (*run)(struct tt_bench *bench);
    uint64_t (*files)(const struct tt_bench_values *values); /* that it opens */
    const char *const *serving;
};

static uint64_t files_of_pairs(const struct tt_bench_values *values)
{
    return 2 * values->pairs;
}

static uint64_t files_of_sockets(const struct tt_bench_values *values)
{
    return values->sockets + values->sockets / 1000;
}

static uint64_t files_of_members(const struct tt_bench_values *values)
{
    return values->members + 1;
}

static const char *const unlimited[] = {"--sends-per-second", "0", "--frames-per-second", "0",
                                        NULL};

/* For how much each socket takes: what was stored last is a cache, and soon full. */
static const char *const little_stored[] = {"--sends-per-second",
                                            "0",
                                            "--frames-per-second",
                                            "0",
                                            "--cache-bytes",
                                            "1MiB",
                                            "--memtable-bytes",
                                            "1MiB",
                                            NULL};

static const struct measurement measurements[] = {
    {"pairs", tt_bench_pairs, files_of_pairs, unlimited},
    {"rate", tt_bench_rate, files_of_pairs, unlimited},
    {"idle", tt_bench_idle, files_of_sockets, little_stored},
    {"storm", tt_bench_storm, files_of_sockets, unlimited},
    {"open", tt_bench_chat_open, files_of_sockets, unlimited},
    {"fanout", tt_bench_fanout, files_of_members, unlimited},
    {"fill", tt_bench_fill, files_of_pairs, unlimited},
};

static const struct measurement *find(const char *name)
{
    for (size_t i = 0; i < sizeof(measurements) / sizeof(measurements[0]); i++)
        if (strcmp(measurements[i].name, name) == 0)
            return &measurements[i];
    return NULL;
}

static int run(const struct measurement *measurement, const struct tt_bench_values *values)
{
    struct tt_bench bench;
    bool measured = tt_bench_open(&bench, values, measurement->files(values), measurement->serving);
    measured = measured && measurement->run(&bench);
    if (!measured)
        fprintf(stderr, "twoticks bench: %s\n", bench.problem);
    if (!tt_bench_close(&bench)) {
        fprintf(stderr, "twoticks bench: %s\n", bench.problem);
        measured = false;
    }
    return measured ? TT_EXIT_OK : TT_EXIT_FAIL;
}

static int measure(const char *name, const struct tt_bench_values *values)
{
    const struct measurement *measurement = find(name);
    if (measurement != NULL)
        return run(measurement, values);
    tt_option_complain(&spec,
                       "there is no measurement \"%s\"; there are pairs, rate, idle, storm, open, "
                       "fanout and fill",
                       name);
    return TT_EXIT_USAGE;
}

int tt_command_bench(int argc, char **argv)
{
    struct tt_bench_values values = {0};
    struct tt_positionals positionals;
    struct tt_arena arena = {0}; /* lists of values lie there */
    enum tt_option_outcome outcome =
        tt_options_read(&spec, argc, argv, &values, &positionals, &arena);
    int code = outcome == TT_OPTIONS_HELP_SHOWN ? TT_EXIT_OK : TT_EXIT_USAGE;
    (void)setvbuf(stdout, NULL, _IOLBF, 0); /* a line of a wave is seen when it is over */
    if (outcome != TT_OPTIONS_HELP_SHOWN && outcome != TT_OPTIONS_BAD)
        code = measure(positionals.items[0], &values);
    tt_arena_deinit(&arena);
    return code;
}
