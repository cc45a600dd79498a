/*
 * bench_pair: two people on two connections, and the round that they repeat.
 */
#ifndef TT_APP_BENCH_PAIR_H
#define TT_APP_BENCH_PAIR_H

#include "app/client.h"
#include "app/secret.h"
#include "base/id.h"
#include "base/seq.h"

struct tt_bench_load {
    size_t bytes; /* content of a message */
    uint64_t rounds;
    uint32_t *latencies_us;
    size_t count;
    size_t capacity;
    char problem[TT_CLIENT_SENTENCE];
};

struct tt_bench_pair;

struct tt_bench_end {
    struct tt_client *client;
    struct tt_bench_pair *pair;
};

struct tt_bench_pair {
    struct tt_bench_load *load;
    struct tt_bench_end alice;
    struct tt_bench_end bob;
    tt_id conversation;
    uint64_t number;   /* of the message in flight */
    uint64_t began_at; /* nanoseconds */
    bool stored;       /* `sent` came */
    tt_seq seq;        /* of it */
    tt_seq delivered;  /* what status_updates told */
};

/* Makes the conversation and connects both. False: `sentence`. */
bool tt_bench_pair_open(struct tt_bench_pair *pair, struct tt_bench_load *load,
                        const struct tt_endpoint *endpoint, const struct tt_secret *secret,
                        uint32_t run, uint32_t number, char sentence[TT_CLIENT_SENTENCE]);
void tt_bench_pair_close(struct tt_bench_pair *pair);

/* Sends the first message. False: load->problem. */
bool tt_bench_pair_start(struct tt_bench_pair *pair);

int tt_bench_end_fd(const struct tt_bench_end *end);

/* Reads what has come and does what follows from it. False: load->problem. */
bool tt_bench_end_read(struct tt_bench_end *end);

#endif
