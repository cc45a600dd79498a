#include "unit.h"

#include <stdio.h>

#include "adapter/embedded/sent.h"

static struct tt_slice key_of(unsigned number, char key[32])
{
    return tt_slice(key, (size_t)snprintf(key, 32, "client-%u", number));
}

static void nothing_is_known_of_what_was_not_read(void **unused)
{
    (void)unused;
    char key[32];
    struct tt_sent sent = {0};
    assert_false(tt_sent_has_not(&sent, key_of(1, key)));
    tt_sent_add(&sent, key_of(1, key));
    assert_false(tt_sent_has_not(&sent, key_of(2, key)));
    tt_sent_deinit(&sent);
}

/* Never is it said of one that was added; of others, nearly always. */
static void what_was_added_may_be_there(void **unused)
{
    (void)unused;
    enum { ADDED = 4000 };
    char key[32];
    struct tt_sent sent;
    unsigned certain = 0;
    tt_sent_begin(&sent);
    assert_true(tt_sent_has_not(&sent, key_of(0, key)));
    for (unsigned i = 0; i < ADDED; i++) {
        tt_sent_add(&sent, key_of(i, key));
        tt_sent_add(&sent, key_of(i, key)); /* which changes nothing */
        assert_false(tt_sent_has_not(&sent, key_of(i, key)));
        assert_false(tt_sent_has_not(&sent, key_of(i / 2, key)));
    }
    for (unsigned i = ADDED; i < 2 * ADDED; i++)
        certain += tt_sent_has_not(&sent, key_of(i, key)) ? 1 : 0;
    assert_true(certain > ADDED - 8);
    for (unsigned i = 0; i < ADDED; i++)
        assert_false(tt_sent_has_not(&sent, key_of(i, key)));
    tt_sent_deinit(&sent);
}

static void of_very_many_nothing_is_kept(void **unused)
{
    (void)unused;
    char key[32];
    struct tt_sent sent;
    tt_sent_begin(&sent);
    for (unsigned i = 0; i < 20000; i++) {
        tt_sent_add(&sent, key_of(i, key));
        assert_false(tt_sent_has_not(&sent, key_of(i, key)));
        assert_true(tt_sent_size(&sent) <= 32768);
    }
    assert_false(tt_sent_has_not(&sent, key_of(20001, key)));
    assert_int_equal(tt_sent_size(&sent), 0);
    for (unsigned i = 0; i < 20000; i++)
        assert_false(tt_sent_is_worth_reading(&sent, 1));
    tt_sent_deinit(&sent);
}

/* Nobody's rows are read the first time; more of them when it was asked more often. */
static void reading_has_to_pay(void **unused)
{
    (void)unused;
    struct tt_sent few = {0};
    struct tt_sent some = {0};
    struct tt_sent many = {0};
    unsigned looks = 1;
    assert_false(tt_sent_is_worth_reading(&few, 0));
    while (!tt_sent_is_worth_reading(&few, 3))
        looks++;
    assert_true(looks > 2 && looks < 20);
    looks = 1;
    while (!tt_sent_is_worth_reading(&some, 1000))
        looks++;
    assert_true(looks > 50 && looks < 500);
    for (unsigned i = 0; i < 100000; i++)
        assert_false(tt_sent_is_worth_reading(&many, 100000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_known_of_what_was_not_read),
        cmocka_unit_test(what_was_added_may_be_there),
        cmocka_unit_test(of_very_many_nothing_is_kept),
        cmocka_unit_test(reading_has_to_pay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
