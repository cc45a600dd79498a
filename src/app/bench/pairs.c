/*
 * pairs and rate: pairs of people who write to each other. A round is all that the product
 * promises: send -> sent (durable), message -> delivered -> status_update.
 *
 * `pairs` is a closed loop: each pair has `window` messages in flight, so the rate and the latency
 * are two sides of one number. `rate` is an open loop: messages are sent when their time has come,
 * whatever happened to those before, and the latency counts from that time, so that a server that
 * stops for a second shows it in every message of that second (no coordinated omission).
 */
#include "app/bench/rig.h"

#include <stdio.h>

#include "adapter/clock_os.h"
#include "base/memory.h"

#define NANOSECONDS   1000000000ULL
#define IN_FLIGHT_MAX 4096 /* of one pair: whoever is further behind will not catch up */

struct flight {
    uint64_t began_at;
    tt_seq seq; /* 0: `sent` has not come */
};

struct load;

struct pair {
    struct load *load;
    struct tt_bench_end alice;
    struct tt_bench_end bob;
    tt_id conversation;
    uint64_t number;        /* of the last message */
    struct flight *flights; /* a ring; oldest first */
    uint32_t capacity;
    uint32_t first;
    uint32_t count;
    uint32_t unsent; /* of them, the youngest, that wait for `sent` */
    tt_seq delivered;
};

struct load {
    struct tt_bench *bench;
    struct pair *pairs;
    uint64_t pair_count;
    bool is_open; /* sends by the clock, and not when a round ends */
    uint64_t rounds;
    uint64_t behind; /* sends that found their pair's flights full */
    struct tt_histogram stored;
    struct tt_histogram round;
};

static struct flight *flight_at(const struct pair *pair, uint32_t index)
{
    return &pair->flights[(pair->first + index) % pair->capacity];
}

static bool send_next(struct pair *pair, uint64_t began_at)
{
    *flight_at(pair, pair->count++) = (struct flight){.began_at = began_at};
    pair->unsent++;
    return tt_bench_send(&pair->alice, &pair->conversation, ++pair->number);
}

static bool end_rounds(struct pair *pair)
{
    struct load *load = pair->load;
    while (pair->count > pair->unsent) {
        const struct flight *oldest = flight_at(pair, 0);
        if (oldest->seq.n > pair->delivered.n)
            break;
        uint64_t now = tt_clock_os_nanoseconds();
        tt_histogram_add(&load->round, now - oldest->began_at);
        load->rounds++;
        pair->first = (pair->first + 1) % pair->capacity;
        pair->count--;
        if (!load->is_open && !send_next(pair, now))
            return false;
    }
    return true;
}

static bool alice_takes(struct tt_bench_end *end, const struct tt_received *frame)
{
    struct pair *pair = end->owner;
    if (frame->kind == TT_SERVER_SENT && pair->unsent > 0) {
        struct flight *flight = flight_at(pair, pair->count - pair->unsent--);
        flight->seq = frame->seq;
        tt_histogram_add(&pair->load->stored, tt_clock_os_nanoseconds() - flight->began_at);
        return end_rounds(pair);
    }
    if (frame->kind == TT_SERVER_STATUS_UPDATE && frame->has_delivered) {
        pair->delivered = tt_seq_max(pair->delivered, frame->cursor.delivered);
        return end_rounds(pair);
    }
    return true;
}

static bool bob_takes(struct tt_bench_end *end, const struct tt_received *frame)
{
    const struct pair *pair = end->owner;
    return frame->kind != TT_SERVER_MESSAGE ||
           tt_bench_delivered(end, &pair->conversation, frame->seq);
}

static bool open_pair(struct load *load, uint64_t number, uint32_t capacity)
{
    struct pair *pair = &load->pairs[number];
    struct tt_bench *bench = load->bench;
    tt_id both[] = {tt_bench_name(bench, "bench_a", number),
                    tt_bench_name(bench, "bench_b", number)};
    pair->load = load;
    pair->capacity = capacity;
    pair->flights = tt_alloc(capacity * sizeof(*pair->flights));
    pair->conversation = tt_bench_name(bench, "bench", number);
    pair->alice = (struct tt_bench_end){.bench = bench, .owner = pair, .take = alice_takes};
    pair->bob = (struct tt_bench_end){.bench = bench, .owner = pair, .take = bob_takes};
    return tt_bench_create(bench, &pair->conversation, both, 2) &&
           tt_bench_connect(&pair->alice, &both[0]) && tt_bench_connect(&pair->bob, &both[1]);
}

static bool open_load(struct load *load, struct tt_bench *bench, uint32_t capacity)
{
    load->bench = bench;
    load->pair_count = bench->values->pairs;
    load->pairs = tt_alloc((size_t)load->pair_count * sizeof(*load->pairs));
    bench->counted = &load->rounds;
    for (uint64_t i = 0; i < load->pair_count; i++)
        if (!open_pair(load, i, capacity))
            return false;
    return true;
}

static void close_load(struct load *load)
{
    for (uint64_t i = 0; i < load->pair_count; i++) {
        tt_bench_disconnect(&load->pairs[i].alice);
        tt_bench_disconnect(&load->pairs[i].bob);
        tt_free(load->pairs[i].flights);
    }
    tt_free(load->pairs);
    load->bench->counted = NULL;
}

static void forget_warm_up(struct load *load)
{
    load->rounds = 0;
    load->behind = 0;
    load->stored = (struct tt_histogram){.count = 0};
    load->round = (struct tt_histogram){.count = 0};
}

static bool run_closed(struct load *load, double *seconds)
{
    struct tt_bench_phases phases = tt_bench_phases(load->bench);
    uint64_t window = load->bench->values->window;
    uint64_t start = tt_clock_os_nanoseconds();
    for (uint64_t i = 0; i < load->pair_count * window; i++)
        if (!send_next(&load->pairs[i % load->pair_count], tt_clock_os_nanoseconds()))
            return false;
    if (!tt_bench_read_until(load->bench, start + phases.warm, NULL))
        return false;
    forget_warm_up(load);
    uint64_t from = tt_clock_os_nanoseconds();
    if (!tt_bench_read_until(load->bench, from + phases.counted, NULL))
        return false;
    *seconds = (double)(tt_clock_os_nanoseconds() - from) / NANOSECONDS;
    return load->rounds > 0 || tt_bench_fail(load->bench, "not a single round was finished");
}

static void print_times(const struct load *load)
{
    printf("  %-22s p50 %8.2f ms   p90 %8.2f   p99 %8.2f   p99.9 %8.2f\n", "send -> sent",
           tt_histogram_ms(&load->stored, 0.5), tt_histogram_ms(&load->stored, 0.9),
           tt_histogram_ms(&load->stored, 0.99), tt_histogram_ms(&load->stored, 0.999));
    printf("  %-22s p50 %8.2f ms   p90 %8.2f   p99 %8.2f   p99.9 %8.2f\n", "send -> status_update",
           tt_histogram_ms(&load->round, 0.5), tt_histogram_ms(&load->round, 0.9),
           tt_histogram_ms(&load->round, 0.99), tt_histogram_ms(&load->round, 0.999));
}

static void report(const struct load *load, const char *name, double seconds)
{
    const struct tt_bench_values *values = load->bench->values;
    double rate = (double)load->rounds / seconds;
    if (values->json) {
        printf("{\"bench\":\"%s\",\"pairs\":%llu,\"window\":%llu,\"seconds\":%.2f,"
               "\"messages\":%llu,\"behind\":%llu,\"messages_per_second\":%.1f,"
               "\"sent_p50_ms\":%.3f,\"sent_p99_ms\":%.3f,\"p50_ms\":%.3f,\"p99_ms\":%.3f}\n",
               name, (unsigned long long)values->pairs, (unsigned long long)values->window, seconds,
               (unsigned long long)load->rounds, (unsigned long long)load->behind, rate,
               tt_histogram_ms(&load->stored, 0.5), tt_histogram_ms(&load->stored, 0.99),
               tt_histogram_ms(&load->round, 0.5), tt_histogram_ms(&load->round, 0.99));
        return;
    }
    printf("%s: %llu pairs, %.1f s: %.0f messages/s, all durable\n", name,
           (unsigned long long)values->pairs, seconds, rate);
    print_times(load);
    if (load->behind > 0)
        printf("  the server was behind: %llu messages were not sent in time\n",
               (unsigned long long)load->behind);
}

bool tt_bench_pairs(struct tt_bench *bench)
{
    struct load load = {.is_open = false};
    double seconds = 0;
    bool measured =
        open_load(&load, bench, (uint32_t)bench->values->window) && run_closed(&load, &seconds);
    if (measured)
        report(&load, "pairs", seconds);
    close_load(&load);
    return measured;
}

static uint64_t due_of(const struct load *load, uint64_t start, uint64_t number)
{
    uint64_t rate = load->bench->values->rate;
    return start + number / rate * NANOSECONDS + number % rate * NANOSECONDS / rate;
}

/* Sends what is due, in turns; *next is the number of the next message. */
static bool send_due(struct load *load, uint64_t start, uint64_t now, uint64_t *next)
{
    for (;; (*next)++) {
        uint64_t due = due_of(load, start, *next);
        if (due > now)
            return true;
        struct pair *pair = &load->pairs[*next % load->pair_count];
        if (pair->count == pair->capacity)
            load->behind++;
        else if (!send_next(pair, due))
            return false;
    }
}

static bool send_until(struct load *load, uint64_t start, uint64_t until, uint64_t *next)
{
    for (uint64_t now = tt_clock_os_nanoseconds(); now < until; now = tt_clock_os_nanoseconds())
        if (!send_due(load, start, now, next) ||
            !tt_bench_read_until(load->bench, due_of(load, start, *next), NULL))
            return false;
    return true;
}

static bool run_open(struct load *load, double *seconds)
{
    struct tt_bench_phases phases = tt_bench_phases(load->bench);
    uint64_t start = tt_clock_os_nanoseconds();
    uint64_t next = 0;
    if (!send_until(load, start, start + phases.warm, &next))
        return false;
    forget_warm_up(load);
    uint64_t from = tt_clock_os_nanoseconds();
    if (!send_until(load, start, from + phases.counted, &next))
        return false;
    *seconds = (double)(tt_clock_os_nanoseconds() - from) / NANOSECONDS;
    return load->rounds > 0 || tt_bench_fail(load->bench, "not a single round was finished");
}

bool tt_bench_rate(struct tt_bench *bench)
{
    struct load load = {.is_open = true};
    double seconds = 0;
    bool measured = open_load(&load, bench, IN_FLIGHT_MAX) && run_open(&load, &seconds);
    if (measured)
        report(&load, "rate", seconds);
    close_load(&load);
    return measured;
}
