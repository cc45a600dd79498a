#include "unit.h"

#include "base/map.h"

#define KEYS 500

struct entry {
    char key[2];
    bool in;
};

static struct tt_slice key_of(const void *value)
{
    const struct entry *entry = value;
    return tt_slice(entry->key, sizeof(entry->key));
}

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525U + 1013904223U;
    return *state >> 8;
}

/* Random adds and removes of 500 keys, beside a table of flags. */
static void agrees_with_a_table_of_flags(void **unused)
{
    (void)unused;
    static struct entry entries[KEYS];
    for (size_t i = 0; i < KEYS; i++)
        entries[i] = (struct entry){.key = {(char)(i & 0xff), (char)(i >> 8)}};

    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct tt_map map;
        tt_map_init(&map, key_of, seed);
        uint32_t random = (uint32_t)seed;
        size_t count = 0;
        for (int round = 0; round < 100000; round++) {
            struct entry *entry = &entries[next_random(&random) % KEYS];
            bool shrinking = round / 10000 % 2 == 1;
            if (!entry->in && (!shrinking || next_random(&random) % 4 == 0)) {
                tt_map_add(&map, entry);
                entry->in = true;
                count++;
            } else if (entry->in) {
                assert_ptr_equal(tt_map_remove(&map, key_of(entry)), entry);
                entry->in = false;
                count--;
            }
            struct entry *probe = &entries[next_random(&random) % KEYS];
            assert_ptr_equal(tt_map_get(&map, key_of(probe)), probe->in ? probe : NULL);
            assert_int_equal(map.count, count);
        }
        size_t at = 0;
        size_t seen = 0;
        for (struct entry *entry = tt_map_next(&map, &at); entry; entry = tt_map_next(&map, &at)) {
            assert_true(entry->in);
            entry->in = false;
            seen++;
        }
        assert_int_equal(seen, count);
        tt_map_deinit(&map);
    }
}

/* Each byte of a key counts, and its length does, whatever that is. */
static void every_byte_counts(void **unused)
{
    (void)unused;
    char bytes[80] = {0};
    for (size_t size = 0; size < sizeof(bytes); size++) {
        uint64_t hash = tt_hash(tt_slice(bytes, size), 1);
        assert_int_not_equal(hash, tt_hash(tt_slice(bytes, size + 1), 1));
        assert_int_not_equal(hash, tt_hash(tt_slice(bytes, size), 2));
        for (size_t i = 0; i < size; i++) {
            bytes[i] = 1;
            assert_int_not_equal(hash, tt_hash(tt_slice(bytes, size), 1));
            bytes[i] = 0;
        }
    }
}

static void guesses_and_forgets(void **unused)
{
    (void)unused;
    struct entry entries[] = {{.key = "a"}, {.key = "b"}};
    struct tt_map map;
    tt_map_init(&map, key_of, 1);
    uint64_t hash = tt_map_hash(&map, key_of(&entries[0]));
    tt_map_expect(&map, hash);
    assert_null(tt_map_guess(&map, hash));
    for (int round = 0; round < 2; round++) {
        tt_map_add(&map, &entries[0]);
        tt_map_expect(&map, hash);
        assert_ptr_equal(tt_map_guess(&map, hash), &entries[0]);
        assert_null(tt_map_guess(&map, tt_map_hash(&map, key_of(&entries[1]))));
        tt_map_clear(&map);
        assert_int_equal(map.count, 0);
        assert_null(tt_map_get(&map, key_of(&entries[0])));
    }
    tt_map_deinit(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_a_table_of_flags),
        cmocka_unit_test(every_byte_counts),
        cmocka_unit_test(guesses_and_forgets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
