/*
 * rig: what the measurements of `twoticks bench` have in common: a server (a private one, unless
 * --url names another), people who are connected to it, and one loop that reads what they get.
 */
#ifndef TT_APP_BENCH_RIG_H
#define TT_APP_BENCH_RIG_H

#include "app/bench/histogram.h"
#include "app/client.h"
#include "app/option.h"
#include "app/private_server.h"
#include "app/secret.h"
#include "base/id.h"
#include "edge/client_codec.h"

struct tt_bench_values {
    struct tt_option_list urls;
    const char *data;
    uint64_t seconds;
    uint64_t bytes;
    uint64_t pairs;
    uint64_t window;
    uint64_t rate;
    uint64_t messages;
    uint64_t away;
    uint64_t sockets;
    uint64_t members;
    uint64_t pending;
    uint64_t waves;
    uint64_t chat;
    bool wait;
    bool json;
};

struct tt_bench {
    const struct tt_bench_values *values;
    struct tt_private_server server;
    struct tt_endpoint endpoints[TT_OPTION_LIST_MAX]; /* WebSockets take turns in them */
    size_t endpoint_count;
    struct tt_secret secret;
    uint32_t run; /* part of every name, so that runs do not meet */
    int epoll;
    uint32_t connections; /* that were begun */
    uint64_t sends;
    char *letters;           /* what messages consist of: like texts, they hardly compress */
    char *bytes;             /* what connections that were begun are read into */
    const uint64_t *counted; /* what the progress line shows the rate of */
    bool counts_losses;      /* a connection that the server closes is one of `lost`, and no end */
    uint64_t lost;
    uint64_t refused; /* with counts_losses: what was answered with an error */
    void *owner;      /* the measurement's own */
    char problem[TT_CLIENT_SENTENCE];
};

/* One connection. `take` is given every frame; false: bench->problem says why it cannot go on. */
struct tt_bench_end {
    struct tt_bench *bench;
    struct tt_client *client;
    void *owner;
    bool (*take)(struct tt_bench_end *end, const struct tt_received *frame);
    void (*gone)(struct tt_bench_end *end); /* NULL, or hears of a loss that is counted */
};

/* All that return bool: false means that bench->problem says why. */
/* `files`: how many it opens. A private server is given `serving`, ended by NULL. */
bool tt_bench_open(struct tt_bench *bench, const struct tt_bench_values *values, uint64_t files,
                   const char *const *serving);
bool tt_bench_close(struct tt_bench *bench);

bool tt_bench_fail(struct tt_bench *bench, const char *problem);

/* "NAME_RUN_NUMBER" */
tt_id tt_bench_name(const struct tt_bench *bench, const char *name, uint64_t number);

/* A token for the user's device "bench". To be deinitialized. */
void tt_bench_sign(const struct tt_bench *bench, const tt_id *user, struct tt_buffer *token);

bool tt_bench_create(struct tt_bench *bench, const tt_id *conversation, const tt_id *members,
                     size_t count);

/* Connects, waits for `caught_up`, and has the loop read it from then on. */
bool tt_bench_connect(struct tt_bench_end *end, const tt_id *user);

/* Connects without waiting for anything: the loop reads what comes. */
bool tt_bench_begin_connect(struct tt_bench_end *end, struct tt_slice token);
void tt_bench_disconnect(struct tt_bench_end *end);

bool tt_bench_write(struct tt_bench_end *end, const struct tt_client_frame *frame);
bool tt_bench_send(struct tt_bench_end *end, const tt_id *conversation, uint64_t number);
bool tt_bench_delivered(struct tt_bench_end *end, const tt_id *conversation, tt_seq seq);

/* Reads until this time (nanoseconds, tt_clock_os_nanoseconds), or until *done. */
bool tt_bench_read_until(struct tt_bench *bench, uint64_t until, const bool *done);

/* The first fifth of --seconds is not counted. */
struct tt_bench_phases {
    uint64_t warm;
    uint64_t counted;
};
struct tt_bench_phases tt_bench_phases(const struct tt_bench *bench);

/* The measurements. */
bool tt_bench_pairs(struct tt_bench *bench);
bool tt_bench_rate(struct tt_bench *bench);
bool tt_bench_idle(struct tt_bench *bench);
bool tt_bench_storm(struct tt_bench *bench);
bool tt_bench_chat_open(struct tt_bench *bench);
bool tt_bench_fanout(struct tt_bench *bench);
bool tt_bench_fill(struct tt_bench *bench);

#endif
