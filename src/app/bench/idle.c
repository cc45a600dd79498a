/*
 * idle: connects as many devices as asked for and holds them, answering the server's pings; with
 * --chat some of them write to each other, too. Says how fast they came in, whether all stayed,
 * and, of a private server, what each cost in memory and what all of them cost in CPU.
 *
 * A server that misses the answer to a ping closes the socket, so a socket that is lost is what is
 * counted. Whoever is turned away before all are there comes again, as people do. The private
 * server's caches of what was stored are small, since they have nothing to do with the sockets that
 * there are now.
 */
#include "app/bench/rig.h"

#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "adapter/clock_os.h"
#include "base/memory.h"

#define NANOSECONDS 1000000000ULL
#define PATIENCE_NS (120 * NANOSECONDS)
#define WRITE_NS    NANOSECONDS /* each pair that chats writes so often */
#define AT_ONCE     64          /* connects between looks at what has been answered */
#define ABREAST     1000        /* that connect: all at once is what `storm` measures */
#define WARM_COUNT  100         /* sockets that are there before the memory is looked at */
#define QUIET_PART  5           /* of the time, nobody chats */
#define AWAY_TIMES  10          /* so often each is turned away before it is given up */
#define LOOK_NS     (NANOSECONDS / 20)

struct crowd;

/* Two devices that write to each other. */
struct talk {
    tt_id conversation;
    struct tt_bench_end *alice;
    uint64_t sent;
};

struct crowd {
    struct tt_bench *bench;
    struct tt_bench_end *ends;
    uint64_t count;
    struct talk *talks; /* of the ends 0 and 1, 2 and 3, ... */
    uint64_t talk_count;
    bool *connecting; /* of each end: and not `caught_up` yet */
    uint64_t connecting_count;
    uint64_t connecting_max;
    bool done; /* no more than that are */
    bool holding;
    uint64_t turned_away; /* before all were there, and came again */
    uint64_t rounds;
};

struct result {
    double connects_per_second;
    uint64_t bytes_before; /* when the first were there */
    double bytes;          /* of each of the others */
    double quiet_cpu;      /* of one core, in percent */
    double cpu;
    uint64_t pings;
};

static struct crowd *crowd_of(const struct tt_bench_end *end)
{
    return end->bench->owner;
}

static void stop_connecting(struct tt_bench_end *end)
{
    struct crowd *crowd = crowd_of(end);
    bool *connecting = &crowd->connecting[end - crowd->ends];
    crowd->connecting_count -= *connecting;
    *connecting = false;
    crowd->done = crowd->connecting_count <= crowd->connecting_max;
}

static void gone(struct tt_bench_end *end)
{
    struct crowd *crowd = crowd_of(end);
    if (!crowd->holding)
        stop_connecting(end);
}

static bool take(struct tt_bench_end *end, const struct tt_received *frame)
{
    struct crowd *crowd = crowd_of(end);
    const struct talk *talk = end->owner;
    if (frame->kind == TT_SERVER_CAUGHT_UP)
        stop_connecting(end);
    if (frame->kind == TT_SERVER_STATUS_UPDATE && frame->has_delivered)
        crowd->rounds++;
    /* A connection that is gone is one of the lost when it is read next. */
    if (frame->kind == TT_SERVER_MESSAGE && talk != NULL)
        (void)tt_bench_delivered(end, &talk->conversation, frame->seq);
    return true;
}

/* A number of the private server's line in /proc: the one behind so many blanks after the last
 * `mark`, or after the first blank where `mark` is 0. 0: it is somebody else's, or not known. */
static uint64_t look(const struct tt_bench *bench, const char *name, char mark, int blanks)
{
    char path[64];
    char line[1024] = {0};
    if (bench->server.pid == 0)
        return 0;
    snprintf(path, sizeof(path), "/proc/%d/%s", (int)bench->server.pid, name);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return 0;
    bool any = fgets(line, sizeof(line), file) != NULL;
    fclose(file);
    const char *at = !any ? NULL : mark == 0 ? line : strrchr(line, mark);
    for (int i = 0; at != NULL && i < blanks; i++)
        at = strchr(at + 1, ' ');
    uint64_t number = 0;
    for (at = at == NULL ? "" : at + 1; *at >= '0' && *at <= '9'; at++)
        number = number * 10 + (uint64_t)(*at - '0');
    return number;
}

static uint64_t resident_bytes(const struct tt_bench *bench)
{
    return look(bench, "statm", 0, 1) * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* utime and stime are the 12th and 13th behind the name, which ends with the last bracket. */
static double cpu_seconds(const struct tt_bench *bench)
{
    return (double)(look(bench, "stat", ')', 12) + look(bench, "stat", ')', 13)) /
           (double)sysconf(_SC_CLK_TCK);
}

static bool open_talks(struct crowd *crowd)
{
    for (uint64_t i = 0; i < crowd->talk_count; i++) {
        struct talk *talk = &crowd->talks[i];
        struct tt_bench_end *ends = &crowd->ends[2 * i];
        const tt_id members[] = {tt_bench_name(crowd->bench, "bench_i", 2 * i),
                                 tt_bench_name(crowd->bench, "bench_i", 2 * i + 1)};
        *talk = (struct talk){.conversation = tt_bench_name(crowd->bench, "bench_t", i),
                              .alice = &ends[0]};
        ends[0].owner = talk;
        ends[1].owner = talk;
        if (!tt_bench_create(crowd->bench, &talk->conversation, members, 2))
            return false;
    }
    return true;
}

static bool wait_until_connecting(struct crowd *crowd, uint64_t connecting_max)
{
    crowd->connecting_max = connecting_max;
    crowd->done = crowd->connecting_count <= connecting_max;
    return tt_bench_read_until(crowd->bench, tt_clock_os_nanoseconds() + PATIENCE_NS, &crowd->done);
}

static bool connect_some(struct crowd *crowd, uint64_t from, uint64_t to)
{
    struct tt_bench *bench = crowd->bench;
    for (uint64_t i = from; i < to; i++) {
        if (crowd->ends[i].client != NULL)
            continue;
        struct tt_buffer token = {0};
        tt_id user = tt_bench_name(bench, "bench_i", i);
        tt_bench_sign(bench, &user, &token);
        bool begun = tt_bench_begin_connect(&crowd->ends[i], tt_buffer_slice(&token));
        tt_buffer_deinit(&token);
        if (!begun)
            return false;
        crowd->connecting[i] = true;
        crowd->connecting_count++;
        if (!wait_until_connecting(crowd, ABREAST))
            return false;
        if (i % AT_ONCE == AT_ONCE - 1 &&
            !tt_bench_read_until(bench, tt_clock_os_nanoseconds() + 1, NULL))
            return false;
    }
    return wait_until_connecting(crowd, 0);
}

static uint64_t warm_count(const struct crowd *crowd)
{
    return crowd->count / 2 < WARM_COUNT ? crowd->count / 2 : WARM_COUNT;
}

static bool connect_all(struct crowd *crowd, struct result *result)
{
    struct tt_bench *bench = crowd->bench;
    uint64_t warm = warm_count(crowd);
    bench->counts_losses = true;
    if (!connect_some(crowd, 0, warm))
        return false;
    result->bytes_before = resident_bytes(bench);
    uint64_t start = tt_clock_os_nanoseconds();
    uint64_t lost;
    do { /* whoever is turned away comes again, as people do */
        lost = bench->lost;
        if (!connect_some(crowd, 0, crowd->count))
            return false;
        if (bench->lost > AWAY_TIMES * crowd->count)
            return tt_bench_fail(bench, "the server turns devices away again and again");
    } while (bench->lost > lost);
    crowd->turned_away = bench->lost;
    crowd->holding = true;
    bench->lost = 0;
    double seconds = (double)(tt_clock_os_nanoseconds() - start) / (double)NANOSECONDS;
    result->connects_per_second = (double)(crowd->count - warm) / seconds;
    return true;
}

/* So that several of these begin together. The end of the input is as good as a line. */
static bool await_line(struct crowd *crowd)
{
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    char byte = 0;
    printf("connected: %llu sockets, and waiting for a line\n", (unsigned long long)crowd->count);
    do {
        while (poll(&input, 1, 0) == 0)
            if (!tt_bench_read_until(crowd->bench, tt_clock_os_nanoseconds() + LOOK_NS, NULL))
                return false;
    } while (read(STDIN_FILENO, &byte, 1) == 1 && byte != '\n');
    return true;
}

static void write_all(struct crowd *crowd)
{
    for (uint64_t i = 0; i < crowd->talk_count; i++) {
        struct talk *talk = &crowd->talks[i];
        if (talk->alice->client != NULL)
            (void)tt_bench_send(talk->alice, &talk->conversation, ++talk->sent);
    }
}

/* For so long; its CPU is the percentage of one core meanwhile. */
static bool pass(struct crowd *crowd, uint64_t nanoseconds, bool chats, double *cpu)
{
    uint64_t start = tt_clock_os_nanoseconds();
    uint64_t until = start + nanoseconds;
    if (nanoseconds == 0)
        return true;
    double before = cpu_seconds(crowd->bench);
    for (uint64_t now = start; now < until; now = tt_clock_os_nanoseconds()) {
        uint64_t next = chats && until - now > WRITE_NS ? now + WRITE_NS : until;
        if (chats)
            write_all(crowd);
        if (!tt_bench_read_until(crowd->bench, next, NULL))
            return false;
    }
    double seconds = (double)(tt_clock_os_nanoseconds() - start) / (double)NANOSECONDS;
    *cpu = 100 * (cpu_seconds(crowd->bench) - before) / seconds;
    return true;
}

static void show(const struct crowd *crowd, const struct result *result)
{
    const struct tt_bench *bench = crowd->bench;
    unsigned long long count = crowd->count;
    unsigned long long seconds = bench->values->seconds;
    unsigned long long chatting = 2 * crowd->talk_count;
    unsigned long long rounds = crowd->rounds;
    unsigned long long pings = result->pings;
    unsigned long long lost = bench->lost;
    unsigned long long away = crowd->turned_away;
    unsigned long long refused = bench->refused;
    if (bench->values->json)
        printf("{\"bench\":\"idle\",\"sockets\":%llu,\"seconds\":%llu,"
               "\"connects_per_second\":%.1f,\"turned_away\":%llu,\"refused\":%llu,"
               "\"bytes_per_socket\":%.1f,\"pings_answered\":%llu,"
               "\"sockets_lost\":%llu,\"quiet_cpu_percent\":%.2f,\"chatting\":%llu,"
               "\"rounds\":%llu,\"cpu_percent\":%.2f}\n",
               count, seconds, result->connects_per_second, away, refused, result->bytes, pings,
               lost, result->quiet_cpu, chatting, rounds, result->cpu);
    else
        printf(
            "idle: %llu sockets came in at %.0f/s and stayed %llu s, %llu of them were lost, %llu "
            "pings were answered, %llu came again after a refusal; %.0f bytes of the server's "
            "memory each; %.2f %% of one core "
            "while nobody wrote, %.2f %% while %llu of them chatted (%llu rounds)\n",
            count, result->connects_per_second, seconds, lost, pings, away, result->bytes,
            result->quiet_cpu, result->cpu, chatting, rounds);
}

static bool hold(struct crowd *crowd)
{
    struct tt_bench *bench = crowd->bench;
    uint64_t all = bench->values->seconds * NANOSECONDS;
    uint64_t quiet = crowd->talk_count == 0 ? all : all / QUIET_PART;
    struct result result = {.bytes = 0};
    if (!open_talks(crowd) || !connect_all(crowd, &result))
        return false;
    if (bench->values->wait && !await_line(crowd))
        return false;
    if (!pass(crowd, quiet, false, &result.quiet_cpu))
        return false;
    uint64_t bytes = resident_bytes(bench);
    if (bytes > result.bytes_before)
        result.bytes =
            (double)(bytes - result.bytes_before) / (double)(crowd->count - warm_count(crowd));
    if (!pass(crowd, all - quiet, true, &result.cpu))
        return false;
    for (uint64_t i = 0; i < crowd->count; i++)
        if (crowd->ends[i].client != NULL)
            result.pings += tt_client_pings(crowd->ends[i].client);
    show(crowd, &result);
    return bench->lost == 0 || tt_bench_fail(bench, "the server closed some of the sockets");
}

bool tt_bench_idle(struct tt_bench *bench)
{
    struct crowd crowd = {.bench = bench, .count = bench->values->sockets};
    crowd.talk_count = crowd.count * bench->values->chat / 100 / 2;
    crowd.talks = tt_alloc((size_t)(crowd.talk_count + 1) * sizeof(*crowd.talks));
    crowd.connecting = tt_alloc((size_t)crowd.count);
    crowd.ends = tt_alloc((size_t)crowd.count * sizeof(*crowd.ends));
    bench->owner = &crowd;
    for (uint64_t i = 0; i < crowd.count; i++)
        crowd.ends[i] = (struct tt_bench_end){.bench = bench, .take = take, .gone = gone};
    bool held = hold(&crowd);
    for (uint64_t i = 0; i < crowd.count; i++)
        tt_bench_disconnect(&crowd.ends[i]);
    tt_free(crowd.ends);
    tt_free(crowd.connecting);
    tt_free(crowd.talks);
    return held;
}
