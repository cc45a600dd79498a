#include "app/command.h"

#include <stdio.h>

#include "adapter/embedded/store.h"
#include "app/option.h"

struct verify_values {
    const char *data;
};

static const struct tt_option options[] = {
    TT_TEXT_ROW(offsetof(struct verify_values, data), "data", "DIR", NULL,
                "the data folder; its server must be stopped"),
};

static const struct tt_command_spec spec = {
    .name = "verify",
    .usage = "twoticks verify --data DIR",
    .about =
        "Checks every promise which stored data can show: seqs are 1..n, no client_id is there\n"
        "twice, read <= delivered <= head, what is pending covers what is undelivered, and\n"
        "more. Changes nothing in DIR: what a crash left there and the next start mends is noted,\n"
        "and is not wrong. Exits 0, or lists what is wrong and exits 1.",
    .examples = "  twoticks verify --data ./data",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
};

static void print_problem(void *context, const char *sentence)
{
    (void)context;
    printf("wrong: %s\n", sentence);
}

static void print_note(void *context, const char *sentence)
{
    (void)context;
    printf("note: %s\n", sentence);
}

static int verify(const char *data)
{
    struct tt_embedded_counts counts = {0};
    char sentence[TT_EMBEDDED_SENTENCE_SIZE];
    struct tt_embedded_options store = {.dir = data, .offline = true};
    const struct tt_embedded_findings findings = {.problem = print_problem, .note = print_note};
    tt_err err = tt_embedded_verify(&store, &findings, &counts, sentence);
    if (!tt_is_ok(err)) {
        tt_option_complain(&spec, "%s", sentence);
        return TT_EXIT_FAIL;
    }
    printf("%llu conversations, %llu messages, %llu users, %llu pending rows, %llu journal "
           "records: %llu problems\n",
           (unsigned long long)counts.conversations, (unsigned long long)counts.messages,
           (unsigned long long)counts.users, (unsigned long long)counts.pending_rows,
           (unsigned long long)counts.journal_records, (unsigned long long)counts.problems);
    return counts.problems == 0 ? TT_EXIT_OK : TT_EXIT_FAIL;
}

int tt_command_verify(int argc, char **argv)
{
    struct verify_values values = {0};
    struct tt_positionals positionals;
    struct tt_arena arena = {0};
    enum tt_option_outcome outcome =
        tt_options_read(&spec, argc, argv, &values, &positionals, &arena);
    tt_arena_deinit(&arena);
    if (outcome == TT_OPTIONS_HELP_SHOWN)
        return TT_EXIT_OK;
    if (outcome == TT_OPTIONS_BAD)
        return TT_EXIT_USAGE;
    if (values.data == NULL) {
        tt_option_complain(&spec, "--data DIR is missing: say which data folder to check");
        return TT_EXIT_USAGE;
    }
    return verify(values.data);
}
