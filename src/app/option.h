/*
 * option: what a command can be told, from one table: each option is a flag (--push-delay 3s), an
 * environment variable (TWOTICKS_PUSH_DELAY) and, for a command that has --config, a key of its
 * file (push-delay = 3s). The flag wins over the environment over the file over the default. The
 * same table makes the --help.
 *
 * Whatever cannot be understood ends in one sentence on stderr which says what to do.
 */
#ifndef TT_APP_OPTION_H
#define TT_APP_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/slice.h"

#define TT_OPTION_LIST_MAX       32
#define TT_OPTION_POSITIONAL_MAX 4

#define TT_EXIT_OK    0
#define TT_EXIT_FAIL  1
#define TT_EXIT_USAGE 2

enum tt_option_kind {
    TT_OPTION_TEXT,     /* const char *, never empty but where that is the default */
    TT_OPTION_CHOICE,   /* const char *, one of `choices` */
    TT_OPTION_LIST,     /* struct tt_option_list: given several times, or with commas */
    TT_OPTION_FLAG,     /* bool */
    TT_OPTION_NUMBER,   /* uint64_t */
    TT_OPTION_SIZE,     /* uint64_t, bytes: 512, 64KiB, 1MiB, 2GiB */
    TT_OPTION_DURATION, /* uint64_t, milliseconds: 500ms, 3s, 10m, 24h, 30d */
    TT_OPTION_HEADING,  /* no option: a line of the help */
};

struct tt_option_list {
    const char *items[TT_OPTION_LIST_MAX];
    size_t count;
};

struct tt_option {
    const char *name;
    enum tt_option_kind kind;
    size_t offset;     /* of the value in the command's own struct */
    const char *value; /* how the help calls the value: DIR; NULL for a FLAG */
    const char *help;
    const char *text;    /* the default of TEXT and CHOICE; NULL: none */
    const char *choices; /* CHOICE: "embedded|dynamodb" */
    uint64_t number;     /* the default of NUMBER, SIZE and DURATION */
    uint64_t min;
    uint64_t max;
};

/* Rows of a table; `at` is the offset. */
#define TT_OPTION_ROW(kind_, at, name_, value_, help_, ...)                                        \
    {                                                                                              \
        .name = (name_), .kind = (kind_), .offset = (at), .value = (value_), .help = (help_),      \
        __VA_ARGS__                                                                                \
    }
#define TT_TEXT_ROW(at, name, value, initial, help)                                                \
    TT_OPTION_ROW(TT_OPTION_TEXT, at, name, value, help, .text = (initial))
#define TT_CHOICE_ROW(at, name, value, initial, all, help)                                         \
    TT_OPTION_ROW(TT_OPTION_CHOICE, at, name, value, help, .text = (initial), .choices = (all))
#define TT_LIST_ROW(at, name, value, help)                                                         \
    TT_OPTION_ROW(TT_OPTION_LIST, at, name, value, help, .number = 0)
#define TT_FLAG_ROW(at, name, help) TT_OPTION_ROW(TT_OPTION_FLAG, at, name, NULL, help, .number = 0)
#define TT_NUMBER_ROW(at, name, initial, least, most, help)                                        \
    TT_OPTION_ROW(TT_OPTION_NUMBER, at, name, "N", help, .number = (initial), .min = (least),      \
                  .max = (most))
#define TT_SIZE_ROW(at, name, initial, least, most, help)                                          \
    TT_OPTION_ROW(TT_OPTION_SIZE, at, name, "SIZE", help, .number = (initial), .min = (least),     \
                  .max = (most))
#define TT_DURATION_ROW(at, name, initial, least, most, help)                                      \
    TT_OPTION_ROW(TT_OPTION_DURATION, at, name, "TIME", help, .number = (initial), .min = (least), \
                  .max = (most))
#define TT_HEADING_ROW(text) TT_OPTION_ROW(TT_OPTION_HEADING, 0, "", NULL, text, .number = 0)

struct tt_command_spec {
    const char *name;
    const char *usage;    /* "twoticks serve --data DIR" */
    const char *about;    /* what it is for */
    const char *examples; /* lines, indented by two */
    const struct tt_option *options;
    size_t option_count;
    size_t positional_min;
    size_t positional_max;
    size_t config_offset; /* of the TEXT option which names the configuration file; 0: none */
};

enum tt_option_outcome { TT_OPTIONS_READ, TT_OPTIONS_HELP_SHOWN, TT_OPTIONS_BAD };

struct tt_positionals {
    const char *items[TT_OPTION_POSITIONAL_MAX];
    size_t count;
};

/* Fills `values` (the command's struct, zeroed) from all four places. What is read from a file
 * lives in the arena, the rest as long as argv and the environment. */
enum tt_option_outcome tt_options_read(const struct tt_command_spec *spec, int argc, char **argv,
                                       void *values, struct tt_positionals *positionals,
                                       struct tt_arena *arena);

/* "128", "64KiB", "24h": false if it is none or does not fit. */
bool tt_option_parse_number(const char *text, uint64_t *number);
bool tt_option_parse_size(const char *text, uint64_t *bytes);
bool tt_option_parse_duration(const char *text, uint64_t *ms);

/* For bad values that only the command can see: "twoticks NAME: SENTENCE" on stderr. */
void tt_option_complain(const struct tt_command_spec *spec, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
