#include "index_bench.h"

#include <stdio.h>
#include <string.h>

uint32_t draw(struct bench *bench, uint32_t below)
{
    bench->random = bench->random * 6364136223846793005ULL + 1442695040888963407ULL;
    return (uint32_t)(bench->random >> 33) % below;
}

struct tt_slice key_of(size_t number, char key[16])
{
    static const char *const ids[] = {"a", "a-", "ab", "b"};
    char table = number < KEYS / 2 ? 'm' : 'p';
    size_t in_table = number % (KEYS / 2);
    const char *id = ids[in_table / 20];
    int size = snprintf(key, 16, "%c%s.%02zu", table, id, in_table % 20);
    key[1 + strlen(id)] = '\0';
    return tt_slice(key, (size_t)size);
}

struct tt_slice value_of(uint32_t value, char bytes[VALUE_SIZE])
{
    return tt_slice(bytes, (size_t)snprintf(bytes, VALUE_SIZE, "value %u", (unsigned)value));
}

void open_as(struct bench *bench, bool only_reads)
{
    char path[TT_EMBEDDED_DIR_SIZE + 8];
    char sentence[256];
    snprintf(path, sizeof(path), "%s/index", bench->dir);
    struct tt_index_options options = {.path = path,
                                       .memtable_size = 1024 * 1024,
                                       .block_cache_size = 1024 * 1024,
                                       .only_reads = only_reads};
    expect_ok(tt_index_open(&options, &bench->index, sentence, sizeof(sentence)));
}

void open_index(struct bench *bench)
{
    open_as(bench, false);
}

void set_up(struct bench *bench, uint64_t seed)
{
    *bench = (struct bench){.random = seed};
    tt_embedded_make_dir(bench->dir);
    open_index(bench);
}

void tear_down(struct bench *bench)
{
    tt_index_close(&bench->index);
    tt_embedded_remove_dir(bench->dir);
}

void set(struct bench *bench, size_t number, uint32_t value)
{
    char key[16];
    char bytes[VALUE_SIZE];
    if (value == 0)
        tt_index_delete(bench->index, key_of(number, key));
    else
        tt_index_put(bench->index, key_of(number, key), value_of(value, bytes));
    bench->now.values[number] = value;
}

void expect_row(struct tt_slice key, struct tt_slice value, size_t number,
                const struct state *state)
{
    char wanted[16];
    char bytes[VALUE_SIZE];
    assert_true(tt_slice_eq(key, key_of(number, wanted)));
    assert_true(tt_slice_eq(value, value_of(state->values[number], bytes)));
}

void expect_keys(const struct tt_view *view, const struct state *state)
{
    struct tt_buffer value = {0};
    for (size_t i = 0; i < KEYS; i++) {
        char key[16];
        tt_err err = tt_view_get(view, key_of(i, key), &value);
        if (state->values[i] == 0) {
            assert_true(tt_err_is(err, TT_ERR_NOT_FOUND));
            continue;
        }
        expect_ok(err);
        expect_row(key_of(i, key), tt_buffer_slice(&value), i, state);
    }
    tt_buffer_deinit(&value);
}

void write_some(struct bench *bench)
{
    for (uint32_t i = draw(bench, 6) + 1; i > 0; i--) {
        uint32_t key = draw(bench, KEYS);
        set(bench, key, draw(bench, 4) == 0 ? 0 : draw(bench, 100000) + 1);
    }
    expect_ok(tt_index_write(bench->index));
}
