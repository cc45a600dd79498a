#include "unit.h"

#include <stdlib.h>

#include "app/config.h"
#include "base/limits.h"

static enum tt_option_outcome read_config(struct tt_config *config, const char *const *words)
{
    static struct tt_arena arena; /* for the whole run; what a config points at lives in it */
    char *argv[16];
    int argc = 0;
    for (; words[argc] != NULL; argc++) {
        argv[argc] = tt_arena_alloc(&arena, strlen(words[argc]) + 1);
        memcpy(argv[argc], words[argc], strlen(words[argc]));
    }
    memset(config, 0, sizeof(*config));
    return tt_config_read(argc, argv, config, &arena);
}

static void the_defaults_are_those_of_limits_h(void **unused)
{
    (void)unused;
    struct tt_config config;
    const char *words[] = {"--data", "./data", NULL};
    assert_int_equal(read_config(&config, words), TT_OPTIONS_READ);
    assert_int_equal(tt_address_port(&config.listen_address), 8080);
    assert_int_equal(tt_address_port(&config.admin_address), 9090);
    assert_int_equal(config.content_bytes, TT_LIMIT_CONTENT_BYTES);
    struct tt_core_options given = tt_config_core_options(&config);
    struct tt_core_options plain = tt_core_options_default();
    assert_int_equal(given.push_delay_ms, plain.push_delay_ms);
    assert_int_equal(given.sends_per_s, plain.sends_per_s);
    assert_int_equal(given.frames_per_s, plain.frames_per_s);
    assert_int_equal(given.members_max, plain.members_max);
    assert_int_equal(given.conversations_max, plain.conversations_max);
    assert_int_equal(given.devices_max, plain.devices_max);
    assert_int_equal(given.device_silent_ms_max, plain.device_silent_ms_max);
    assert_int_equal(given.undrained_bytes_max, plain.undrained_bytes_max);
    assert_int_equal(given.slow_bytes_max, plain.slow_bytes_max);
    assert_int_equal(given.refresh_ms_max, plain.refresh_ms_max);
}

static void what_is_set_reaches_the_core(void **unused)
{
    (void)unused;
    struct tt_config config;
    const char *words[] = {"--data",
                           "./data",
                           "--push-delay",
                           "100ms",
                           "--devices",
                           "3",
                           "--sends-per-second",
                           "0",
                           "--device-retention",
                           "1d",
                           NULL};
    assert_int_equal(read_config(&config, words), TT_OPTIONS_READ);
    struct tt_core_options core = tt_config_core_options(&config);
    assert_int_equal(core.push_delay_ms, 100);
    assert_int_equal(core.devices_max, 3);
    assert_int_equal(core.sends_per_s, 0);
    assert_int_equal(core.device_silent_ms_max, 86400000);
}

static void origins_may_stand_in_a_list_with_blanks(void **unused)
{
    (void)unused;
    struct tt_config config;
    const char *words[] = {"--data", "d", "--allow-origin", " https://a.example , http://b:81",
                           NULL};
    assert_int_equal(read_config(&config, words), TT_OPTIONS_READ);
    assert_int_equal(config.allow_origin.count, 2);
    assert_string_equal(config.allow_origin.items[0], "https://a.example");
    assert_string_equal(config.allow_origin.items[1], "http://b:81");
}

static void what_does_not_fit_is_refused(void **unused)
{
    (void)unused;
    static const char *const bad[][6] = {
        {"--nodes", "1", NULL},
        {"--data", "d", "--listen", "8080", NULL},
        {"--data", "d", "--listen", "127.0.0.1:70000", NULL},
        {"--data", "d", "--admin-listen", "", NULL},
        {"--data", "d", "--server-id", "a b", NULL},
        {"--data", "d", "--store", "dynamo", NULL},
        {"--data", "d", "--refresh-min", "2m", NULL},
        {"--data", "d", "--jwt-key=a", "--jwks=b", NULL},
        {"--data", "d", "--members", "1", NULL},
        {"--data", "d", "--allow-origin", "https://chat.example.com/", NULL},
        {"--data", "d", "--allow-origin", "https://chat.example.com,*", NULL},
    };
    struct tt_config config;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(read_config(&config, bad[i]), TT_OPTIONS_BAD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_defaults_are_those_of_limits_h),
        cmocka_unit_test(what_is_set_reaches_the_core),
        cmocka_unit_test(origins_may_stand_in_a_list_with_blanks),
        cmocka_unit_test(what_does_not_fit_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
