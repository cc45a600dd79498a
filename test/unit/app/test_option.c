#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "app/option.h"

struct values {
    const char *data;
    const char *config;
    const char *kind;
    const char *prefix;
    struct tt_option_list origins;
    bool json;
    uint64_t nodes;
    uint64_t bytes;
    uint64_t delay_ms;
};

#define AT(field) offsetof(struct values, field)

static const struct tt_option options[] = {
    TT_TEXT_ROW(AT(data), "test-data", "DIR", NULL, "a folder"),
    TT_TEXT_ROW(AT(config), "test-config", "FILE", NULL, "a file"),
    TT_HEADING_ROW("More"),
    TT_CHOICE_ROW(AT(kind), "test-kind", "KIND", "text", "text|json", "a kind"),
    TT_TEXT_ROW(AT(prefix), "test-prefix", "TEXT", "", "a text that may be empty"),
    TT_LIST_ROW(AT(origins), "test-origin", "ORIGIN", "origins"),
    TT_FLAG_ROW(AT(json), "test-json", "a flag"),
    TT_NUMBER_ROW(AT(nodes), "test-nodes", 4, 1, 64, "nodes"),
    TT_SIZE_ROW(AT(bytes), "test-bytes", 65536, 1, 1024 * 1024, "bytes"),
    TT_DURATION_ROW(AT(delay_ms), "test-delay", 3000, 10, 60000, "a delay"),
};

static const struct tt_command_spec spec = {
    .name = "test",
    .usage = "twoticks test",
    .about = "A test.",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
    .positional_max = 1,
    .config_offset = AT(config),
};

struct fixture {
    struct values values;
    struct tt_positionals positionals;
    struct tt_arena arena;
};

static enum tt_option_outcome read_words(struct fixture *fixture, const char *a, const char *b,
                                         const char *c, const char *d)
{
    char words[4][256];
    const char *given[4] = {a, b, c, d};
    char *argv[4];
    int argc = 0;
    for (; argc < 4 && given[argc] != NULL; argc++) {
        snprintf(words[argc], sizeof(words[argc]), "%s", given[argc]);
        argv[argc] = tt_arena_alloc(&fixture->arena, sizeof(words[argc]));
        memcpy(argv[argc], words[argc], sizeof(words[argc]));
    }
    memset(&fixture->values, 0, sizeof(fixture->values));
    return tt_options_read(&spec, argc, argv, &fixture->values, &fixture->positionals,
                           &fixture->arena);
}

static int setup(void **state)
{
    *state = test_calloc(1, sizeof(struct fixture));
    unsetenv("TWOTICKS_TEST_NODES");
    unsetenv("TWOTICKS_TEST_ORIGIN");
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    tt_arena_deinit(&fixture->arena);
    test_free(fixture);
    return 0;
}

static void defaults_stand_where_nothing_is_said(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(read_words(fixture, NULL, NULL, NULL, NULL), TT_OPTIONS_READ);
    assert_null(fixture->values.data);
    assert_string_equal(fixture->values.kind, "text");
    assert_int_equal(fixture->values.nodes, 4);
    assert_int_equal(fixture->values.bytes, 65536);
    assert_int_equal(fixture->values.delay_ms, 3000);
    assert_false(fixture->values.json);
}

static void flags_are_read_in_both_forms(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(read_words(fixture, "--test-nodes", "7", "--test-bytes=2KiB", "word"),
                     TT_OPTIONS_READ);
    assert_int_equal(fixture->values.nodes, 7);
    assert_int_equal(fixture->values.bytes, 2048);
    assert_int_equal(fixture->positionals.count, 1);
    assert_string_equal(fixture->positionals.items[0], "word");
    assert_int_equal(read_words(fixture, "--test-json", "--test-origin=a,b", "--test-origin", "c"),
                     TT_OPTIONS_READ);
    assert_true(fixture->values.json);
    assert_int_equal(fixture->values.origins.count, 3);
    assert_string_equal(fixture->values.origins.items[2], "c");
}

static void what_cannot_be_understood_is_refused(void **state)
{
    struct fixture *fixture = *state;
    static const char *const bad[][2] = {
        {"--unknown", NULL},
        {"--test-nodes", NULL},
        {"--test-nodes", "x"},
        {"--test-nodes", "0"},
        {"--test-nodes", "65"},
        {"--test-nodes", "-1"},
        {"--test-nodes", "4x"},
        {"--test-kind", "xml"},
        {"--test-json=maybe", NULL},
        {"--test-bytes", "2MiB"},
        {"--test-delay", "3"},
        {"--test-delay", "9m"},
        {"one", "two"},
        {"-n", NULL},
        {"--", NULL},
        {"--test-nodes", "99999999999999999999"},
        {"--More", NULL},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(read_words(fixture, bad[i][0], bad[i][1], NULL, NULL), TT_OPTIONS_BAD);
}

static void make_file(char path[64], const char *text)
{
    snprintf(path, 64, "/tmp/twoticks-test-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

static void an_empty_text_is_refused_unless_it_is_the_default(void **state)
{
    struct fixture *fixture = *state;
    char path[64];
    assert_int_equal(read_words(fixture, "--test-data", "", NULL, NULL), TT_OPTIONS_BAD);
    assert_int_equal(read_words(fixture, "--test-data=", NULL, NULL, NULL), TT_OPTIONS_BAD);
    assert_int_equal(read_words(fixture, "--test-config", "", NULL, NULL), TT_OPTIONS_BAD);
    make_file(path, "test-data =\n");
    assert_int_equal(read_words(fixture, "--test-config", path, NULL, NULL), TT_OPTIONS_BAD);
    unlink(path);
    assert_int_equal(read_words(fixture, "--test-prefix", "", NULL, NULL), TT_OPTIONS_READ);
    assert_string_equal(fixture->values.prefix, "");
}

static void flag_wins_over_environment_over_file(void **state)
{
    struct fixture *fixture = *state;
    char path[64];
    make_file(path, "# a comment\n[section]\ntest-nodes = 5\n test-delay=1s \ntest-origin = x,y\n");
    assert_int_equal(read_words(fixture, "--test-config", path, NULL, NULL), TT_OPTIONS_READ);
    assert_int_equal(fixture->values.nodes, 5);
    assert_int_equal(fixture->values.delay_ms, 1000);
    assert_int_equal(fixture->values.origins.count, 2);

    setenv("TWOTICKS_TEST_NODES", "6", 1);
    setenv("TWOTICKS_TEST_ORIGIN", "z", 1);
    assert_int_equal(read_words(fixture, "--test-config", path, NULL, NULL), TT_OPTIONS_READ);
    assert_int_equal(fixture->values.nodes, 6);
    assert_int_equal(fixture->values.origins.count, 1);
    assert_string_equal(fixture->values.origins.items[0], "z");

    assert_int_equal(read_words(fixture, "--test-config", path, "--test-nodes", "7"),
                     TT_OPTIONS_READ);
    assert_int_equal(fixture->values.nodes, 7);
    unlink(path);
}

static void a_bad_file_is_refused(void **state)
{
    struct fixture *fixture = *state;
    static const char *const bad[] = {"nodes 5\n", "unknown = 5\n", "test-nodes = many\n",
                                      "test-config = other\n"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char path[64];
        make_file(path, bad[i]);
        assert_int_equal(read_words(fixture, "--test-config", path, NULL, NULL), TT_OPTIONS_BAD);
        unlink(path);
    }
    assert_int_equal(read_words(fixture, "--test-config", "/nowhere/at/all", NULL, NULL),
                     TT_OPTIONS_BAD);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(defaults_stand_where_nothing_is_said),
        TEST(flags_are_read_in_both_forms),
        TEST(what_cannot_be_understood_is_refused),
        TEST(an_empty_text_is_refused_unless_it_is_the_default),
        TEST(flag_wins_over_environment_over_file),
        TEST(a_bad_file_is_refused),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
