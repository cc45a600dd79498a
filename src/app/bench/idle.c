/*
 * idle: connects as many devices as asked for and holds them, answering the server's pings. Says
 * how fast they came in, whether all stayed, and what each cost a private server in memory.
 */
#include "app/bench/rig.h"

#include <stdio.h>
#include <unistd.h>

#include "adapter/clock_os.h"
#include "base/memory.h"

#define NANOSECONDS 1000000000.0
#define PATIENCE_NS 120000000000ULL
#define AT_ONCE     64 /* connects between looks at what has been answered */

struct crowd {
    uint64_t waiting; /* for so many `caught_up` */
    bool done;
};

static bool take(struct tt_bench_end *end, const struct tt_received *frame)
{
    struct crowd *crowd = end->owner;
    if (frame->kind == TT_SERVER_CAUGHT_UP)
        crowd->done = --crowd->waiting == 0;
    return true;
}

/* Resident memory of the private server, in bytes; 0: it is somebody else's, or not known. */
static uint64_t resident(const struct tt_bench *bench)
{
    char text[128] = {0};
    if (bench->server.pid == 0)
        return 0;
    snprintf(text, sizeof(text), "/proc/%d/statm", (int)bench->server.pid);
    FILE *file = fopen(text, "r");
    if (file == NULL)
        return 0;
    bool any = fgets(text, sizeof(text), file) != NULL;
    fclose(file);
    const char *second = any ? strchr(text, ' ') : NULL;
    uint64_t pages = 0;
    for (second = second == NULL ? "" : second + 1; *second >= '0' && *second <= '9'; second++)
        pages = pages * 10 + (uint64_t)(*second - '0');
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static bool connect_all(struct tt_bench *bench, struct tt_bench_end *ends)
{
    struct crowd *crowd = ends[0].owner;
    crowd->waiting = bench->values->sockets;
    for (uint64_t i = 0; i < bench->values->sockets; i++) {
        struct tt_buffer token = {0};
        tt_id user = tt_bench_name(bench, "bench_i", i);
        tt_bench_sign(bench, &user, &token);
        bool begun = tt_bench_begin_connect(&ends[i], tt_buffer_slice(&token));
        tt_buffer_deinit(&token);
        if (!begun)
            return false;
        if (i % AT_ONCE == AT_ONCE - 1 &&
            !tt_bench_read_until(bench, tt_clock_os_nanoseconds() + 1, NULL))
            return false;
    }
    return tt_bench_read_until(bench, tt_clock_os_nanoseconds() + PATIENCE_NS, &crowd->done);
}

static bool hold(struct tt_bench *bench, struct tt_bench_end *ends)
{
    uint64_t count = bench->values->sockets;
    uint64_t before = resident(bench);
    uint64_t start = tt_clock_os_nanoseconds();
    if (!connect_all(bench, ends))
        return false;
    double seconds = (double)(tt_clock_os_nanoseconds() - start) / NANOSECONDS;
    uint64_t until = tt_clock_os_nanoseconds() + bench->values->seconds * 1000000000ULL;
    if (!tt_bench_read_until(bench, until, NULL))
        return false;
    uint64_t after = resident(bench);
    double bytes = after > before ? (double)(after - before) / (double)count : 0;
    if (bench->values->json)
        printf("{\"bench\":\"idle\",\"sockets\":%llu,\"seconds\":%llu,\"connects_per_second\":%.1f,"
               "\"bytes_per_socket\":%.1f}\n",
               (unsigned long long)count, (unsigned long long)bench->values->seconds,
               (double)count / seconds, bytes);
    else
        printf("idle: %llu sockets came in at %.0f/s and stayed %llu s; %.0f bytes of the server's "
               "memory each\n",
               (unsigned long long)count, (double)count / seconds,
               (unsigned long long)bench->values->seconds, bytes);
    return true;
}

bool tt_bench_idle(struct tt_bench *bench)
{
    struct crowd crowd = {.done = false};
    struct tt_bench_end *ends = tt_alloc((size_t)bench->values->sockets * sizeof(*ends));
    for (uint64_t i = 0; i < bench->values->sockets; i++)
        ends[i] = (struct tt_bench_end){.bench = bench, .owner = &crowd, .take = take};
    bool held = hold(bench, ends);
    for (uint64_t i = 0; i < bench->values->sockets; i++)
        tt_bench_disconnect(&ends[i]);
    tt_free(ends);
    return held;
}
