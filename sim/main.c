/*
 * sim: runs seeds, shows one, hunts, makes a failing one small, and shows that it finds what is
 * planted.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/command.h"

static int usage(FILE *out)
{
    (void)fputs(
        "usage: sim --seed N [--trace | --chart]   one run\n"
        "       sim hunt --minutes M [--from K]    many, for so long on one processor; what it "
        "finds\n"
        "                                          is made small; --seeds N: so many\n"
        "       sim shrink --seed N [--runs R]     makes a failing run small\n"
        "       sim run --seeds N [--from K]       many, until one fails\n"
        "       sim repeat --seeds N [--from K]    the same seed, twice, is the same run\n"
        "       sim mutants [--seeds N | --brief]  every planted bug must be found; or those that\n"
        "                                          need few seeds, each of them in few\n"
        "with all: --mutant NAME (plants a bug)\n"
        "with one: --set NAME=VALUE,... --items WHO:N,... --draws N, as `shrink` prints them\n",
        out);
    return out == stdout ? 0 : 2;
}

static bool parse_number(const char *text, uint64_t *number)
{
    *number = 0;
    if (*text == '\0')
        return false;
    for (; *text >= '0' && *text <= '9'; text++)
        *number = *number * 10 + (uint64_t)(*text - '0');
    return *text == '\0';
}

static bool parse_flag(struct tt_slice name, struct tt_sim_arguments *arguments)
{
    bool *flag = NULL;
    if (tt_slice_eq(name, tt_slice_text("--trace")))
        flag = &arguments->trace;
    else if (tt_slice_eq(name, tt_slice_text("--chart")))
        flag = &arguments->chart;
    else if (tt_slice_eq(name, tt_slice_text("--brief")))
        flag = &arguments->brief;
    else if (tt_slice_eq(name, tt_slice_text("--help")))
        flag = &arguments->help;
    if (flag != NULL)
        *flag = true;
    return flag != NULL;
}

static bool parse_value(struct tt_slice name, const char *value, struct tt_sim_arguments *arguments)
{
    const struct {
        const char *name;
        uint64_t *number;
    } numbers[] = {
        {"--seed", &arguments->seed}, {"--seeds", &arguments->seeds},
        {"--from", &arguments->from}, {"--minutes", &arguments->minutes},
        {"--runs", &arguments->runs}, {"--draws", &arguments->draws},
    };
    if (value == NULL)
        return false;
    if (tt_slice_eq(name, tt_slice_text("--seeds")))
        arguments->seeds_given = true;
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        if (tt_slice_eq(name, tt_slice_text(numbers[i].name)))
            return parse_number(value, numbers[i].number);
    if (tt_slice_eq(name, tt_slice_text("--mutant")))
        return tt_mutant_find(tt_slice_text(value), &arguments->mutant);
    if (tt_slice_eq(name, tt_slice_text("--set")))
        arguments->set = value;
    else if (tt_slice_eq(name, tt_slice_text("--items")))
        arguments->items = value;
    else
        return false;
    return true;
}

static bool parse(int count, char **texts, struct tt_sim_arguments *arguments)
{
    for (int i = 0; i < count; i++) {
        struct tt_slice name = tt_slice_text(texts[i]);
        if (parse_flag(name, arguments))
            continue;
        const char *value = i + 1 < count ? texts[i + 1] : NULL;
        if (!parse_value(name, value, arguments)) {
            (void)fprintf(stderr, "sim: %s is no option, or what follows it makes no sense\n",
                          texts[i]);
            return false;
        }
        i++;
    }
    return true;
}

/* Bugs in the core are in the copy of this program that stands beside it. */
static int run_planted(const char *program, char **texts)
{
    char path[4096];
    int size = snprintf(path, sizeof(path), "%s_planted", program);
    if (size > 0 && (size_t)size < sizeof(path))
        (void)execv(path, texts);
    (void)fprintf(stderr, "sim: %s is not there; ninja builds it beside this program\n", path);
    return 2;
}

static int run_command(const char *name, const struct tt_sim_arguments *arguments)
{
    static const struct {
        const char *name;
        int (*run)(const struct tt_sim_arguments *arguments);
    } commands[] = {
        {"run", tt_sim_run},       {"hunt", tt_sim_hunt},       {"shrink", tt_sim_shrink},
        {"repeat", tt_sim_repeat}, {"mutants", tt_sim_mutants},
    };
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        if (tt_slice_eq(tt_slice_text(name), tt_slice_text(commands[i].name)))
            return commands[i].run(arguments);
    (void)fprintf(stderr, "sim: there is no command %s\n", name);
    return usage(stderr);
}

int main(int count, char **texts)
{
    struct tt_sim_arguments arguments = {
        .seeds = 300, .from = 1, .minutes = 1, .runs = 2000, .program = texts[0]};
    bool is_command = count > 1 && texts[1][0] != '-';
    int skipped = is_command ? 2 : 1;
    if (count < 2 || !parse(count - skipped, texts + skipped, &arguments))
        return usage(stderr);
    if (arguments.help)
        return usage(stdout);
    bool is_mutants = is_command && tt_slice_eq(tt_slice_text(texts[1]), tt_slice_text("mutants"));
    bool has_plants = tt_sim_plant((enum tt_mutant)(TT_MUTANT_COUNT - 1));
    if (is_mutants && !has_plants)
        return run_planted(texts[0], texts);
    if (!tt_sim_plant(arguments.mutant))
        return run_planted(texts[0], texts);
    (void)setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    return is_command ? run_command(texts[1], &arguments) : tt_sim_one(&arguments);
}
