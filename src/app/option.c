#include "app/option.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/buffer.h"

#define FILE_BYTES_MAX (1024 * 1024)
#define PIECE_BYTES    4096
#define ENVIRONMENT    "TWOTICKS_"

struct unit {
    const char *name;
    uint64_t factor;
};

/* The largest first: the help shows a value in the largest unit that divides it. */
static const struct unit size_units[] = {
    {"GiB", 1024 * 1024 * 1024}, {"MiB", 1024 * 1024}, {"KiB", 1024}, {"", 1}};
static const struct unit duration_units[] = {
    {"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}};
static const struct unit number_units[] = {{"", 1}};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct reading {
    const struct tt_command_spec *spec;
    char *values;
    struct tt_arena *arena;
};

void tt_option_complain(const struct tt_command_spec *spec, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "twoticks %s: ", spec->name);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
}

static bool parse_units(const char *text, const struct unit *units, size_t unit_count,
                        uint64_t *number)
{
    uint64_t sum = 0;
    const char *at = text;
    for (; *at >= '0' && *at <= '9'; at++) {
        uint64_t digit = (uint64_t)(*at - '0');
        if (sum > (UINT64_MAX - digit) / 10)
            return false;
        sum = sum * 10 + digit;
    }
    if (at == text)
        return false;
    if (sum == 0 && *at == '\0') {
        *number = 0;
        return true;
    }
    for (size_t i = 0; i < unit_count; i++) {
        if (strcmp(at, units[i].name) != 0)
            continue;
        if (sum > UINT64_MAX / units[i].factor)
            return false;
        *number = sum * units[i].factor;
        return true;
    }
    return false;
}

bool tt_option_parse_number(const char *text, uint64_t *number)
{
    return parse_units(text, number_units, COUNT(number_units), number);
}

bool tt_option_parse_size(const char *text, uint64_t *bytes)
{
    return parse_units(text, size_units, COUNT(size_units), bytes);
}

bool tt_option_parse_duration(const char *text, uint64_t *ms)
{
    return parse_units(text, duration_units, COUNT(duration_units), ms);
}

static const struct unit *units_of(enum tt_option_kind kind, size_t *count)
{
    if (kind == TT_OPTION_SIZE) {
        *count = COUNT(size_units);
        return size_units;
    }
    if (kind == TT_OPTION_DURATION) {
        *count = COUNT(duration_units);
        return duration_units;
    }
    *count = COUNT(number_units);
    return number_units;
}

static void format_number(const struct tt_option *option, uint64_t number, char *text, size_t size)
{
    size_t count;
    const struct unit *units = units_of(option->kind, &count);
    size_t i = 0;
    while (i + 1 < count && (number == 0 || number % units[i].factor != 0))
        i++;
    if (number == 0)
        snprintf(text, size, "0");
    else
        snprintf(text, size, "%llu%s", (unsigned long long)(number / units[i].factor),
                 units[i].name);
}

static const char *describe_kind(enum tt_option_kind kind)
{
    if (kind == TT_OPTION_SIZE)
        return "a size like 512, 64KiB or 1MiB";
    if (kind == TT_OPTION_DURATION)
        return "a duration like 500ms, 3s, 10m or 24h";
    return "a number";
}

static bool is_choice(const char *choices, const char *text)
{
    size_t size = strlen(text);
    for (const char *at = choices; at != NULL;) {
        const char *end = strchr(at, '|');
        size_t length = end == NULL ? strlen(at) : (size_t)(end - at);
        if (length == size && memcmp(at, text, size) == 0)
            return true;
        at = end == NULL ? NULL : end + 1;
    }
    return false;
}

/* An empty one is somebody's variable that was not set: files would be made in /, and no issuer
 * would be asked for. Only where that is the default it may be said. */
static bool set_text(struct reading *reading, const struct tt_option *option, const char *where,
                     const char *text)
{
    bool may_be_empty = option->text != NULL && option->text[0] == '\0';
    if (text[0] == '\0' && !may_be_empty) {
        tt_option_complain(reading->spec, "%s is empty; give its %s, or leave it out", where,
                           option->value);
        return false;
    }
    memcpy(reading->values + option->offset, &text, sizeof(text));
    return true;
}

static bool set_list(struct reading *reading, struct tt_option_list *list, const char *where,
                     const char *text)
{
    while (*text != '\0') {
        text += strspn(text, " \t");
        size_t size = strcspn(text, ",");
        size_t next = size;
        while (size > 0 && isspace((unsigned char)text[size - 1]))
            size--;
        if (size > 0 && list->count == TT_OPTION_LIST_MAX) {
            tt_option_complain(reading->spec, "%s has more than %d values; leave some out", where,
                               TT_OPTION_LIST_MAX);
            return false;
        }
        if (size > 0) {
            char *item = tt_arena_alloc(reading->arena, size + 1);
            memcpy(item, text, size);
            list->items[list->count++] = item;
        }
        text += next;
        text += *text == ',';
    }
    return true;
}

static bool set_number(struct reading *reading, const struct tt_option *option, const char *where,
                       const char *text)
{
    size_t count;
    const struct unit *units = units_of(option->kind, &count);
    uint64_t number;
    if (!parse_units(text, units, count, &number)) {
        tt_option_complain(reading->spec, "%s is \"%s\", but must be %s", where, text,
                           describe_kind(option->kind));
        return false;
    }
    if (number < option->min || number > option->max) {
        char min[32];
        char max[32];
        format_number(option, option->min, min, sizeof(min));
        format_number(option, option->max, max, sizeof(max));
        tt_option_complain(reading->spec, "%s is %s, but must be between %s and %s", where, text,
                           min, max);
        return false;
    }
    memcpy(reading->values + option->offset, &number, sizeof(number));
    return true;
}

static bool set_flag(struct reading *reading, const struct tt_option *option, const char *where,
                     const char *text)
{
    bool on = strcmp(text, "true") == 0 || strcmp(text, "1") == 0 || strcmp(text, "yes") == 0;
    if (!on && strcmp(text, "false") != 0 && strcmp(text, "0") != 0 && strcmp(text, "no") != 0) {
        tt_option_complain(reading->spec, "%s is \"%s\", but must be true or false", where, text);
        return false;
    }
    memcpy(reading->values + option->offset, &on, sizeof(on));
    return true;
}

/* `where` names the option as the operator gave it: --nodes, TWOTICKS_NODES, or a file's line. */
static bool set(struct reading *reading, const struct tt_option *option, const char *where,
                const char *text)
{
    switch (option->kind) {
    case TT_OPTION_CHOICE:
        if (!is_choice(option->choices, text)) {
            tt_option_complain(reading->spec, "%s is \"%s\", but must be one of %s", where, text,
                               option->choices);
            return false;
        }
        memcpy(reading->values + option->offset, &text, sizeof(text));
        return true;
    case TT_OPTION_TEXT:
        return set_text(reading, option, where, text);
    case TT_OPTION_LIST: {
        void *list = reading->values + option->offset;
        return set_list(reading, list, where, text);
    }
    case TT_OPTION_FLAG:
        return set_flag(reading, option, where, text);
    case TT_OPTION_NUMBER:
    case TT_OPTION_SIZE:
    case TT_OPTION_DURATION:
        return set_number(reading, option, where, text);
    case TT_OPTION_HEADING:
        return false;
    }
    return false;
}

static void clear_list(struct reading *reading, const struct tt_option *option)
{
    if (option->kind == TT_OPTION_LIST)
        memset(reading->values + option->offset, 0, sizeof(struct tt_option_list));
}

static bool is_number(const struct tt_option *option)
{
    return option->kind == TT_OPTION_NUMBER || option->kind == TT_OPTION_SIZE ||
           option->kind == TT_OPTION_DURATION;
}

static void set_defaults(struct reading *reading)
{
    for (size_t i = 0; i < reading->spec->option_count; i++) {
        const struct tt_option *option = &reading->spec->options[i];
        char *at = reading->values + option->offset;
        if (option->kind == TT_OPTION_TEXT || option->kind == TT_OPTION_CHOICE)
            memcpy(at, &option->text, sizeof(option->text));
        else if (is_number(option))
            memcpy(at, &option->number, sizeof(option->number));
    }
}

static const struct tt_option *find(const struct tt_command_spec *spec, const char *name,
                                    size_t size)
{
    for (size_t i = 0; i < spec->option_count; i++)
        if (size > 0 && strlen(spec->options[i].name) == size &&
            memcmp(spec->options[i].name, name, size) == 0)
            return &spec->options[i];
    return NULL;
}

static void environment_name(const struct tt_option *option, char *text, size_t size)
{
    int at = snprintf(text, size, ENVIRONMENT "%s", option->name);
    TT_ASSERT(at > 0 && (size_t)at < size);
    for (; *text != '\0'; text++)
        *text = (char)(*text == '-' ? '_' : toupper((unsigned char)*text));
}

static bool set_from_environment(struct reading *reading)
{
    for (size_t i = 0; i < reading->spec->option_count; i++) {
        const struct tt_option *option = &reading->spec->options[i];
        if (option->kind == TT_OPTION_HEADING)
            continue;
        char name[64];
        environment_name(option, name, sizeof(name));
        const char *text = getenv(name);
        if (text == NULL || text[0] == '\0')
            continue;
        clear_list(reading, option);
        if (!set(reading, option, name, text))
            return false;
    }
    return true;
}

static char *trim(char *text)
{
    while (isspace((unsigned char)*text))
        text++;
    size_t size = strlen(text);
    while (size > 0 && isspace((unsigned char)text[size - 1]))
        text[--size] = '\0';
    return text;
}

static bool set_from_line(struct reading *reading, const char *path, int number, char *line)
{
    line = trim(line);
    if (line[0] == '\0' || line[0] == '#' || line[0] == ';' || line[0] == '[')
        return true;
    char *equals = strchr(line, '=');
    if (equals == NULL) {
        tt_option_complain(reading->spec, "%s:%d: write key = value", path, number);
        return false;
    }
    *equals = '\0';
    char *key = trim(line);
    const struct tt_option *option = find(reading->spec, key, strlen(key));
    if (option == NULL || option->offset == reading->spec->config_offset) {
        tt_option_complain(reading->spec,
                           "%s:%d: unknown key \"%s\"; the keys are the options of "
                           "`twoticks %s --help` without the dashes",
                           path, number, key, reading->spec->name);
        return false;
    }
    char where[512];
    snprintf(where, sizeof(where), "%s:%d: %s", path, number, key);
    return set(reading, option, where, trim(equals + 1));
}

static char *read_file(struct reading *reading, const char *path)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        tt_option_complain(reading->spec, "cannot read the configuration file %s: %s", path,
                           strerror(errno));
        return NULL;
    }
    struct tt_buffer text = {0};
    size_t size;
    while (text.size < FILE_BYTES_MAX &&
           (size = fread(tt_buffer_reserve(&text, PIECE_BYTES), 1, PIECE_BYTES, file)) > 0)
        tt_buffer_grow_by(&text, size);
    bool failed = ferror(file) != 0 || !feof(file);
    fclose(file);
    tt_buffer_add_byte(&text, '\0');
    char *copy = NULL;
    if (failed || strlen(text.data) + 1 != text.size) {
        tt_option_complain(reading->spec, "%s is no configuration file; write lines of key = value",
                           path);
    } else {
        copy = tt_arena_alloc(reading->arena, text.size);
        memcpy(copy, text.data, text.size);
    }
    tt_buffer_deinit(&text);
    return copy;
}

static bool set_from_file(struct reading *reading, const char *path)
{
    char *line = read_file(reading, path);
    if (line == NULL)
        return false;
    for (int number = 1; line != NULL; number++) {
        char *end = strchr(line, '\n');
        if (end != NULL)
            *end = '\0';
        if (!set_from_line(reading, path, number, line))
            return false;
        line = end == NULL ? NULL : end + 1;
    }
    return true;
}

/* One argument; *at is the index of the last one that was used. */
static bool set_from_argument(struct reading *reading, int argc, char **argv, int *at)
{
    const char *name = argv[*at] + 2;
    const char *equals = strchr(name, '=');
    size_t size = equals == NULL ? strlen(name) : (size_t)(equals - name);
    const struct tt_option *option = find(reading->spec, name, size);
    if (option == NULL) {
        tt_option_complain(reading->spec, "unknown option --%.*s; see `twoticks %s --help`",
                           (int)size, name, reading->spec->name);
        return false;
    }
    char where[64];
    snprintf(where, sizeof(where), "--%s", option->name);
    if (equals != NULL)
        return set(reading, option, where, equals + 1);
    if (option->kind == TT_OPTION_FLAG)
        return set(reading, option, where, "true");
    if (*at + 1 >= argc) {
        tt_option_complain(reading->spec, "--%s needs a value: --%s %s", option->name, option->name,
                           option->value);
        return false;
    }
    return set(reading, option, where, argv[++*at]);
}

static bool set_from_arguments(struct reading *reading, int argc, char **argv,
                               struct tt_positionals *positionals)
{
    bool cleared[256] = {false};
    for (int i = 0; i < argc; i++) {
        if (strncmp(argv[i], "--", 2) != 0) {
            if (positionals->count == reading->spec->positional_max || argv[i][0] == '-') {
                tt_option_complain(reading->spec, "what is \"%s\"? usage: %s", argv[i],
                                   reading->spec->usage);
                return false;
            }
            positionals->items[positionals->count++] = argv[i];
            continue;
        }
        const char *name = argv[i] + 2;
        const struct tt_option *option = find(reading->spec, name, strcspn(name, "="));
        size_t number = option == NULL ? 0 : (size_t)(option - reading->spec->options);
        if (option != NULL && number < COUNT(cleared) && !cleared[number]) {
            cleared[number] = true;
            clear_list(reading, option);
        }
        if (!set_from_argument(reading, argc, argv, &i))
            return false;
    }
    if (positionals->count < reading->spec->positional_min) {
        tt_option_complain(reading->spec, "something is missing; usage: %s", reading->spec->usage);
        return false;
    }
    return true;
}

static void print_option(const struct tt_option *option)
{
    if (option->kind == TT_OPTION_HEADING) {
        printf("\n%s:\n", option->help);
        return;
    }
    char left[64];
    snprintf(left, sizeof(left), "--%s%s%s", option->name, option->value == NULL ? "" : " ",
             option->value == NULL ? "" : option->value);
    printf("  %-28s %s", left, option->help);
    if ((option->kind == TT_OPTION_TEXT || option->kind == TT_OPTION_CHOICE) &&
        option->text != NULL)
        printf(" (default %s)", option->text);
    if (is_number(option) && option->number != 0) {
        char text[32];
        format_number(option, option->number, text, sizeof(text));
        printf(" (default %s)", text);
    }
    if (option->kind == TT_OPTION_CHOICE)
        printf(" [%s]", option->choices);
    putchar('\n');
}

static void print_help(const struct tt_command_spec *spec)
{
    printf("usage: %s\n\n%s\n", spec->usage, spec->about);
    if (spec->examples != NULL)
        printf("\nExamples:\n%s\n", spec->examples);
    if (spec->option_count > 0)
        printf("\nOptions:\n");
    for (size_t i = 0; i < spec->option_count; i++) {
        print_option(&spec->options[i]);
    }
    if (spec->config_offset != 0)
        printf("\nEach option is also an environment variable (--push-delay: "
               "TWOTICKS_PUSH_DELAY)\nand a key of the --config file (push-delay = 3s); the flag "
               "wins over the\nenvironment over the file over the default.\n");
}

static const char *config_path(const struct reading *reading)
{
    const char *path;
    memcpy(&path, reading->values + reading->spec->config_offset, sizeof(path));
    return path;
}

/* The file's name may come from a flag, so flags are read before the file, and again after it. */
static bool read_all(struct reading *reading, int argc, char **argv,
                     struct tt_positionals *positionals)
{
    set_defaults(reading);
    struct tt_positionals first = {.count = 0};
    if (!set_from_environment(reading) || !set_from_arguments(reading, argc, argv, &first))
        return false;
    if (reading->spec->config_offset == 0 || config_path(reading) == NULL) {
        *positionals = first;
        return true;
    }
    const char *path = config_path(reading);
    for (size_t i = 0; i < reading->spec->option_count; i++)
        clear_list(reading, &reading->spec->options[i]);
    set_defaults(reading);
    return set_from_file(reading, path) && set_from_environment(reading) &&
           set_from_arguments(reading, argc, argv, positionals);
}

enum tt_option_outcome tt_options_read(const struct tt_command_spec *spec, int argc, char **argv,
                                       void *values, struct tt_positionals *positionals,
                                       struct tt_arena *arena)
{
    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            print_help(spec);
            return TT_OPTIONS_HELP_SHOWN;
        }
    }
    struct reading reading = {spec, values, arena};
    *positionals = (struct tt_positionals){.count = 0};
    return read_all(&reading, argc, argv, positionals) ? TT_OPTIONS_READ : TT_OPTIONS_BAD;
}
