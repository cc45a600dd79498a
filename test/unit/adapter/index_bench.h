/*
 * index_bench: an index in a folder of its own beside a model of what must be in it.
 */
#ifndef TT_TEST_UNIT_ADAPTER_INDEX_BENCH_H
#define TT_TEST_UNIT_ADAPTER_INDEX_BENCH_H

#include "unit.h"

#include "adapter/embedded/index.h"
#include "contract/embedded_subject.h"

#define KEYS       160
#define VALUE_SIZE 24

struct state {
    uint32_t values[KEYS]; /* 0: no row */
};

struct bench {
    char dir[TT_EMBEDDED_DIR_SIZE];
    struct tt_index *index;
    struct state now;
    uint64_t random;
};

uint32_t draw(struct bench *bench, uint32_t below);

/* Keys of two tables, of ids that are prefixes of each other, and of several rows each; in order.
 */
struct tt_slice key_of(size_t number, char key[16]);
struct tt_slice value_of(uint32_t value, char bytes[VALUE_SIZE]);

void open_as(struct bench *bench, bool only_reads);
void open_index(struct bench *bench);
void set_up(struct bench *bench, uint64_t seed);
void tear_down(struct bench *bench);

/* Puts the row, or with 0 deletes it, in the model and in the next batch. */
void set(struct bench *bench, size_t number, uint32_t value);
void write_some(struct bench *bench);

void expect_row(struct tt_slice key, struct tt_slice value, size_t number,
                const struct state *state);
void expect_keys(const struct tt_view *view, const struct state *state);

#endif
