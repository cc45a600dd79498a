/*
 * fill: messages that are stored and wait, so that what grows with them, or with the people they
 * are for, can be measured afterwards. One of each conversation writes, the others are away.
 */
#include "app/bench/rig.h"

#include <stdio.h>

#include "adapter/clock_os.h"
#include "base/memory.h"

#define PATIENCE_NS 120000000000ULL /* without a single answer */
#define NANOSECONDS 1000000000.0

struct filling {
    struct tt_bench *bench;
    struct writer *writers;
    uint64_t writer_count;
    uint64_t begun;  /* messages */
    uint64_t stored; /* of them */
    bool done;
};

struct writer {
    struct filling *filling;
    struct tt_bench_end end;
    tt_id conversation;
    uint64_t number; /* of the last message */
};

static bool write_next(struct writer *writer)
{
    struct filling *filling = writer->filling;
    if (filling->begun == filling->bench->values->messages)
        return true;
    filling->begun++;
    return tt_bench_send(&writer->end, &writer->conversation, ++writer->number);
}

static bool writer_takes(struct tt_bench_end *end, const struct tt_received *frame)
{
    struct writer *writer = end->owner;
    struct filling *filling = writer->filling;
    if (frame->kind != TT_SERVER_SENT)
        return true;
    filling->stored++;
    filling->done = filling->stored == filling->bench->values->messages;
    return write_next(writer);
}

static bool open_writer(struct filling *filling, uint64_t number)
{
    struct writer *writer = &filling->writers[number];
    struct tt_bench *bench = filling->bench;
    uint64_t away = bench->values->away;
    tt_id *members = tt_alloc((size_t)(away + 1) * sizeof(*members));
    members[0] = tt_bench_name(bench, "bench_f", number);
    for (uint64_t i = 0; i < away; i++)
        members[i + 1] = tt_bench_name(bench, "bench_w", number * away + i);
    writer->filling = filling;
    writer->conversation = tt_bench_name(bench, "bench_fill", number);
    writer->end = (struct tt_bench_end){.bench = bench, .owner = writer, .take = writer_takes};
    bool opened = tt_bench_create(bench, &writer->conversation, members, (size_t)away + 1) &&
                  tt_bench_connect(&writer->end, &members[0]);
    tt_free(members);
    return opened;
}

/* It takes as long as it takes, if only it goes on. */
static bool await_all(struct filling *filling)
{
    while (!filling->done) {
        uint64_t before = filling->stored;
        uint64_t now = tt_clock_os_nanoseconds();
        if (!tt_bench_read_until(filling->bench, now + PATIENCE_NS, &filling->done) &&
            filling->stored == before)
            return false;
    }
    return true;
}

static bool fill(struct filling *filling)
{
    uint64_t window = filling->bench->values->window;
    for (uint64_t i = 0; i < filling->writer_count; i++)
        if (!open_writer(filling, i))
            return false;
    for (uint64_t i = 0; i < filling->writer_count * window; i++)
        if (!write_next(&filling->writers[i % filling->writer_count]))
            return false;
    return await_all(filling);
}

static void report(const struct filling *filling, double seconds)
{
    double rate = (double)filling->stored / seconds;
    if (filling->bench->values->json)
        printf("{\"bench\":\"fill\",\"pairs\":%llu,\"messages\":%llu,\"seconds\":%.2f,"
               "\"messages_per_second\":%.1f}\n",
               (unsigned long long)filling->writer_count, (unsigned long long)filling->stored,
               seconds, rate);
    else
        printf("fill: %llu messages in %llu conversations, %.1f s: %.0f messages/s, all durable\n",
               (unsigned long long)filling->stored, (unsigned long long)filling->writer_count,
               seconds, rate);
}

bool tt_bench_fill(struct tt_bench *bench)
{
    struct filling filling = {.bench = bench, .writer_count = bench->values->pairs};
    filling.writers = tt_alloc((size_t)filling.writer_count * sizeof(*filling.writers));
    bench->counted = &filling.stored;
    uint64_t start = tt_clock_os_nanoseconds();
    bool filled = fill(&filling);
    if (filled)
        report(&filling, (double)(tt_clock_os_nanoseconds() - start) / NANOSECONDS);
    for (uint64_t i = 0; i < filling.writer_count; i++)
        tt_bench_disconnect(&filling.writers[i].end);
    tt_free(filling.writers);
    bench->counted = NULL;
    return filled;
}
