#include <stdio.h>
#include <string.h>

#include "adapter/dynamodb/init.h"
#include "app/command.h"
#include "app/scale.h"

#define AT(field) offsetof(struct store_options, field)

struct store_options {
    const char *prefix;
    bool dry_run;
    bool no_backups;
};

static const struct tt_option options[] = {
    TT_TEXT_ROW(AT(prefix), "table-prefix", "TEXT", "", "stands before each table's name"),
    TT_FLAG_ROW(AT(dry_run), "dry-run", "prints what would be made, and makes nothing"),
    TT_FLAG_ROW(AT(no_backups), "no-backups", "does not ask for point-in-time recovery"),
};

static const struct tt_command_spec spec = {
    .name = "store",
    .usage = "twoticks store init [--dry-run]",
    .about = "Makes the tables of the scale-out mode, on demand and with point-in-time recovery\n"
             "where the service knows it, and prints the least rights that `serve` needs.\n"
             "Doing it again changes nothing. Where they are made is said by AWS_REGION or\n"
             "AWS_ENDPOINT_URL_DYNAMODB, with whose rights by the usual AWS credentials.",
    .examples = "  AWS_REGION=eu-west-1 twoticks store init --dry-run\n"
                "  AWS_ENDPOINT_URL_DYNAMODB=http://127.0.0.1:8000 twoticks store init",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
    .positional_min = 1,
    .positional_max = 1,
};

static void print_line(void *context, struct tt_slice line)
{
    (void)context;
    printf("%.*s\n", (int)line.size, line.data);
}

static void print_policy(const struct tt_config *config, const char *region)
{
    struct tt_buffer policy = {0};
    tt_ddb_write_policy(tt_slice_text(config->table_prefix), region, &policy);
    printf("the least rights that `twoticks serve` needs, as an IAM policy:\n%.*s\n",
           (int)policy.size, policy.data);
    tt_buffer_deinit(&policy);
}

static void print_plan(const struct tt_config *config, const struct tt_scale_config *scale)
{
    printf("would make these tables at %s:%u\n", scale->dynamodb.host,
           (unsigned)scale->dynamodb.port);
    for (enum tt_ddb_table table = 0; table < TT_DDB_TABLE_COUNT; table++) {
        struct tt_buffer body = {0};
        tt_ddb_write_table(table, tt_slice_text(config->table_prefix), &body);
        printf("%.*s\n", (int)body.size, body.data);
        tt_buffer_deinit(&body);
    }
}

int tt_command_store(int argc, char **argv)
{
    struct store_options values = {.prefix = NULL};
    struct tt_positionals positionals;
    struct tt_arena arena = {0};
    char sentence[TT_AWS_SENTENCE];
    struct tt_scale_config scale;
    int status = TT_EXIT_USAGE;
    enum tt_option_outcome outcome =
        tt_options_read(&spec, argc, argv, &values, &positionals, &arena);
    struct tt_config config = {.table_prefix = values.prefix, .registry = "local"};
    if (outcome == TT_OPTIONS_HELP_SHOWN)
        status = TT_EXIT_OK;
    if (outcome != TT_OPTIONS_READ) {
        tt_arena_deinit(&arena);
        return status;
    }
    if (strcmp(positionals.items[0], "init") != 0) {
        tt_option_complain(&spec, "there is no \"%s\"; try `twoticks store init`",
                           positionals.items[0]);
    } else if (!tt_scale_read(&config, &scale, sentence)) {
        tt_option_complain(&spec, "%s", sentence);
    } else if (values.dry_run) {
        print_plan(&config, &scale);
        print_policy(&config, scale.region);
        status = TT_EXIT_OK;
    } else {
        bool made = tt_scale_init(&config, &scale, !values.no_backups, print_line);
        if (made)
            print_policy(&config, scale.region);
        status = made ? TT_EXIT_OK : TT_EXIT_FAIL;
    }
    tt_arena_deinit(&arena);
    return status;
}
