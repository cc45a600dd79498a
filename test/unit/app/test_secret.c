#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/secret.h"

struct fixture {
    char dir[64];
    char file[80];
    char sentence[TT_SECRET_SENTENCE];
};

static int setup(void **state)
{
    struct fixture *fixture = test_calloc(1, sizeof(*fixture));
    snprintf(fixture->dir, sizeof(fixture->dir), "/tmp/twoticks-test-XXXXXX");
    if (mkdtemp(fixture->dir) == NULL)
        return -1;
    snprintf(fixture->file, sizeof(fixture->file), "%s/secret", fixture->dir);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    unlink(fixture->file);
    rmdir(fixture->dir);
    test_free(fixture);
    return 0;
}

static void the_first_start_makes_it_and_the_next_finds_it(void **state)
{
    struct fixture *fixture = *state;
    struct tt_secret made;
    struct tt_secret found;
    assert_false(tt_secret_read(fixture->dir, &found, fixture->sentence));
    assert_non_null(strstr(fixture->sentence, "twoticks serve"));
    assert_true(tt_secret_read_or_make(fixture->dir, &made, fixture->sentence));
    assert_int_equal(made.size, 64);
    assert_true(tt_secret_read_or_make(fixture->dir, &found, fixture->sentence));
    assert_true(tt_slice_eq(tt_secret_slice(&made), tt_secret_slice(&found)));

    struct stat stat_now;
    assert_int_equal(stat(fixture->file, &stat_now), 0);
    assert_int_equal(stat_now.st_mode & 0777, 0600);
}

static void one_that_others_may_read_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct tt_secret secret;
    assert_true(tt_secret_read_or_make(fixture->dir, &secret, fixture->sentence));
    static const mode_t modes[] = {0640, 0604, 0660, 0620};
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        assert_int_equal(chmod(fixture->file, modes[i]), 0);
        assert_false(tt_secret_read_or_make(fixture->dir, &secret, fixture->sentence));
        assert_non_null(strstr(fixture->sentence, "chmod 600"));
    }
}

static void a_short_one_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct tt_secret secret;
    FILE *file = fopen(fixture->file, "w");
    assert_non_null(file);
    fputs("0123456789012345678901234567890\n", file);
    fclose(file);
    assert_int_equal(chmod(fixture->file, 0600), 0);
    assert_false(tt_secret_read(fixture->dir, &secret, fixture->sentence));
    assert_non_null(strstr(fixture->sentence, "shorter"));
}

static void a_file_in_the_place_of_the_folder_is_refused(void **state)
{
    struct fixture *fixture = *state;
    FILE *file = fopen(fixture->file, "w");
    assert_non_null(file);
    fclose(file);
    assert_false(tt_secret_make_folder(fixture->file, fixture->sentence));
    assert_non_null(strstr(fixture->sentence, "choose another"));
}

static void a_folder_of_other_things_is_refused_untouched(void **state)
{
    struct fixture *fixture = *state;
    char other[80];
    snprintf(other, sizeof(other), "%s/photo", fixture->dir);
    FILE *file = fopen(other, "w");
    assert_non_null(file);
    fclose(file);
    assert_false(tt_secret_make_folder(fixture->dir, fixture->sentence));
    assert_non_null(strstr(fixture->sentence, "empty folder"));

    struct tt_secret secret; /* it becomes ours with a secret in it */
    assert_true(tt_secret_read_or_make(fixture->dir, &secret, fixture->sentence));
    assert_true(tt_secret_make_folder(fixture->dir, fixture->sentence));
    unlink(other);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(the_first_start_makes_it_and_the_next_finds_it),
        TEST(one_that_others_may_read_is_refused),
        TEST(a_short_one_is_refused),
        TEST(a_file_in_the_place_of_the_folder_is_refused),
        TEST(a_folder_of_other_things_is_refused_untouched),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
