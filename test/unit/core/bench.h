/*
 * bench: one core on a table, with a store and a registry in memory. What the core emits is carried
 * out at once and in order, except for what a test holds back; what it says is kept as lines of
 * text. Time passes only where a test lets it.
 */
#ifndef TT_TEST_BENCH_H
#define TT_TEST_BENCH_H

#include "base/buffer.h"
#include "core/core.h"
#include "sim/store_tables.h"

#define BENCH_QUEUE   2048
#define BENCH_ENTRIES 256

struct bench_entry {
    tt_id user;
    struct tt_registered_device device;
};

struct bench_watcher {
    tt_id user;
    struct tt_place place;
};

struct bench {
    struct tt_core *core;
    struct tt_now now;
    struct tt_store_tables tables;
    struct tt_store_op *ops[BENCH_QUEUE]; /* done, their answers not yet given */
    size_t op_count;
    struct tt_registry_op *lookups[BENCH_QUEUE];
    size_t lookup_count;
    uint64_t held;    /* a bit per kind of store op */
    uint64_t refused; /* likewise: the store does none of these */
    bool holds_registry;
    uint64_t registry_refused; /* a bit per kind of registry op: it does none of these */
    tt_time left_at;           /* of the last one who was taken out of the registry */
    struct bench_entry entries[BENCH_ENTRIES];
    size_t entry_count;
    struct bench_watcher watchers[BENCH_ENTRIES];
    size_t watcher_count;
    uint64_t version;
    uint32_t generations;
    struct tt_hint hint; /* the last one that was sent */
    struct tt_buffer lines;
    char names[64][2 * TT_ID_SIZE_MAX + 2]; /* of connections, by index */
};

/* A core with its defaults, but for what `change` makes of them (may be NULL), and a direct
 * conversation `c` of alice and bob. */
struct bench *bench_create(void (*change)(struct tt_core_options *options));
void bench_destroy(struct bench **bench);

void bench_step(struct bench *bench, const struct tt_event *event);

/* A socket of the device; its handle. */
tt_handle bench_connect(struct bench *bench, const char *user, const char *device);
void bench_hang_up(struct bench *bench, tt_handle socket);
void bench_say(struct bench *bench, tt_handle socket, enum tt_client_frame_kind kind,
               const char *conversation, uint64_t seq);
void bench_send(struct bench *bench, tt_handle socket, const char *conversation, const char *id);
void bench_ask(struct bench *bench, struct tt_request request, const char *user,
               const char *device);
void bench_hear(struct bench *bench, const struct tt_hint *hint);

/* An op on the store, beside the core. */
void bench_store(struct bench *bench, struct tt_store_op *op);
/* A message that another node stores: nobody here hears of it. */
void bench_store_message(struct bench *bench, const char *conversation, const char *sender,
                         const char *client_id);
void bench_make(struct bench *bench, const char *conversation, enum tt_conversation_kind kind,
                const char *a, const char *b);

/* The device is registered on another node. */
struct tt_place bench_elsewhere(void);
void bench_register(struct bench *bench, const char *user, const char *device, uint64_t epoch);
void bench_unregister(struct bench *bench, const char *user, const char *device);

/* Ops of that kind take effect at once, and are answered when they are let go: all of them, with
 * that error where it is none of OK. */
void bench_hold(struct bench *bench, enum tt_store_op_kind kind);
/* From now on the store does none of these, and says UNAVAILABLE. */
void bench_refuse(struct bench *bench, enum tt_store_op_kind kind);
void bench_refuse_registry(struct bench *bench, enum tt_registry_op_kind kind);
void bench_let_go(struct bench *bench, enum tt_store_op_kind kind, tt_err err);
void bench_let_registry_go(struct bench *bench, tt_err err);

void bench_pass_ms(struct bench *bench, uint64_t ms);

/* How many of the lines so far hold that text; forgets them all. */
size_t bench_count(const struct bench *bench, const char *text);
void bench_forget(struct bench *bench);

#define expect_said(bench, text)                                                                   \
    do {                                                                                           \
        if (bench_count(bench, text) == 0)                                                         \
            print_error("\"%s\" is not in:\n%s\n", text, bench_lines(bench));                      \
        assert_true(bench_count(bench, text) > 0);                                                 \
    } while (0)
#define expect_unsaid(bench, text)                                                                 \
    do {                                                                                           \
        if (bench_count(bench, text) > 0)                                                          \
            print_error("\"%s\" is in:\n%s\n", text, bench_lines(bench));                          \
        assert_int_equal(bench_count(bench, text), 0);                                             \
    } while (0)

const char *bench_lines(const struct bench *bench);

#endif
