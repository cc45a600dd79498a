/*
 * fanout: one person writes to a group of which everybody is connected and acknowledges. The next
 * message goes out when the one before has reached all of them and the sender's `status_update`
 * says so.
 */
#include "app/bench/rig.h"

#include <stdio.h>

#include "adapter/clock_os.h"
#include "base/memory.h"

#define NANOSECONDS 1000000000.0

struct fanout {
    struct tt_bench *bench;
    struct tt_bench_end sender;
    struct tt_bench_end *members;
    uint64_t member_count; /* without the sender */
    tt_id conversation;
    uint64_t number;
    uint64_t began_at;
    uint64_t arrived; /* of the message in flight */
    bool is_shown;    /* its status_update came */
    tt_seq head;
    uint64_t deliveries;
    uint64_t rounds;
    struct tt_histogram delivery;
    struct tt_histogram round;
};

static bool send_next(struct fanout *fanout)
{
    fanout->arrived = 0;
    fanout->is_shown = false;
    fanout->began_at = tt_clock_os_nanoseconds();
    return tt_bench_send(&fanout->sender, &fanout->conversation, ++fanout->number);
}

static bool end_round(struct fanout *fanout)
{
    if (fanout->arrived < fanout->member_count || !fanout->is_shown)
        return true;
    fanout->rounds++;
    tt_histogram_add(&fanout->round, tt_clock_os_nanoseconds() - fanout->began_at);
    return send_next(fanout);
}

static bool sender_takes(struct tt_bench_end *end, const struct tt_received *frame)
{
    struct fanout *fanout = end->owner;
    if (frame->kind != TT_SERVER_STATUS_UPDATE || !frame->has_delivered ||
        frame->cursor.delivered.n < fanout->number)
        return true;
    fanout->is_shown = true;
    return end_round(fanout);
}

static bool member_takes(struct tt_bench_end *end, const struct tt_received *frame)
{
    struct fanout *fanout = end->owner;
    if (frame->kind != TT_SERVER_MESSAGE)
        return true;
    fanout->arrived++;
    fanout->deliveries++;
    tt_histogram_add(&fanout->delivery, tt_clock_os_nanoseconds() - fanout->began_at);
    return tt_bench_delivered(end, &fanout->conversation, frame->seq) && end_round(fanout);
}

static bool open_group(struct fanout *fanout)
{
    struct tt_bench *bench = fanout->bench;
    size_t count = (size_t)fanout->member_count + 1;
    tt_id *ids = tt_alloc(count * sizeof(*ids));
    for (size_t i = 0; i < count; i++)
        ids[i] = tt_bench_name(bench, "bench_f", i);
    fanout->conversation = tt_bench_name(bench, "bench_fanout", 0);
    fanout->sender = (struct tt_bench_end){.bench = bench, .owner = fanout, .take = sender_takes};
    bool opened = tt_bench_create(bench, &fanout->conversation, ids, count) &&
                  tt_bench_connect(&fanout->sender, &ids[0]);
    for (size_t i = 0; opened && i < fanout->member_count; i++) {
        fanout->members[i] =
            (struct tt_bench_end){.bench = bench, .owner = fanout, .take = member_takes};
        opened = tt_bench_connect(&fanout->members[i], &ids[i + 1]);
    }
    tt_free(ids);
    return opened;
}

static bool run(struct fanout *fanout)
{
    struct tt_bench_phases phases = tt_bench_phases(fanout->bench);
    uint64_t start = tt_clock_os_nanoseconds();
    if (!send_next(fanout) || !tt_bench_read_until(fanout->bench, start + phases.warm, NULL))
        return false;
    fanout->deliveries = 0;
    fanout->rounds = 0;
    fanout->delivery = (struct tt_histogram){.count = 0};
    fanout->round = (struct tt_histogram){.count = 0};
    uint64_t from = tt_clock_os_nanoseconds();
    if (!tt_bench_read_until(fanout->bench, from + phases.counted, NULL))
        return false;
    double seconds = (double)(tt_clock_os_nanoseconds() - from) / NANOSECONDS;
    if (fanout->rounds == 0)
        return tt_bench_fail(fanout->bench, "not a single message reached the whole group");
    if (fanout->bench->values->json)
        printf("{\"bench\":\"fanout\",\"members\":%llu,\"seconds\":%.2f,"
               "\"deliveries_per_second\":%.1f,\"delivery_p50_ms\":%.3f,\"delivery_p99_ms\":%.3f,"
               "\"p50_ms\":%.3f,\"p99_ms\":%.3f}\n",
               (unsigned long long)fanout->member_count, seconds,
               (double)fanout->deliveries / seconds, tt_histogram_ms(&fanout->delivery, 0.5),
               tt_histogram_ms(&fanout->delivery, 0.99), tt_histogram_ms(&fanout->round, 0.5),
               tt_histogram_ms(&fanout->round, 0.99));
    else
        printf("fanout: %llu members besides the sender: %.0f deliveries/s, a member has it after "
               "p50 %.2f ms, p99 %.2f; all ticks are true after p50 %.2f ms, p99 %.2f\n",
               (unsigned long long)fanout->member_count, (double)fanout->deliveries / seconds,
               tt_histogram_ms(&fanout->delivery, 0.5), tt_histogram_ms(&fanout->delivery, 0.99),
               tt_histogram_ms(&fanout->round, 0.5), tt_histogram_ms(&fanout->round, 0.99));
    return true;
}

bool tt_bench_fanout(struct tt_bench *bench)
{
    struct fanout fanout = {.bench = bench, .member_count = bench->values->members};
    fanout.members = tt_alloc((size_t)fanout.member_count * sizeof(*fanout.members));
    bench->counted = &fanout.deliveries;
    bool measured = open_group(&fanout) && run(&fanout);
    bench->counted = NULL;
    tt_bench_disconnect(&fanout.sender);
    for (uint64_t i = 0; i < fanout.member_count; i++)
        tt_bench_disconnect(&fanout.members[i]);
    tt_free(fanout.members);
    return measured;
}
