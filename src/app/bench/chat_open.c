/*
 * open: chat-opens, one after the other on each of `sockets` kept HTTP connections: the snapshot
 * with the last messages, the cursors and the other's status.
 */
#include "app/bench/rig.h"

#include <errno.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "adapter/clock_os.h"
#include "app/line.h"
#include "base/memory.h"
#include "net/http1_response.h"

#define NANOSECONDS    1000000000.0
#define EVENTS         64
#define READ_BYTES     65536
#define ANSWER_MAX     (1024 * 1024)
#define MESSAGES       5
#define MESSAGES_TEXT  "5"
#define CONNECTION_MAX 4096

struct caller {
    struct tt_line line;
    struct tt_http1_response_reader *reader;
    struct tt_buffer request;
    uint64_t began_at;
};

struct opening {
    struct tt_bench *bench;
    struct caller *callers;
    uint64_t count;
    uint64_t answers;
    uint64_t bytes;
    uint64_t stored; /* of the messages that the chats begin with */
    bool done;
    struct tt_histogram times;
};

static bool sender_takes(struct tt_bench_end *end, const struct tt_received *frame)
{
    struct opening *opening = end->owner;
    opening->stored += frame->kind == TT_SERVER_SENT ? 1 : 0;
    opening->done = opening->stored == MESSAGES;
    return true;
}

/* A direct conversation with a few messages. */
static bool fill(struct opening *opening, const tt_id *conversation, const tt_id *both)
{
    struct tt_bench *bench = opening->bench;
    struct tt_bench_end sender = {.bench = bench, .owner = opening, .take = sender_takes};
    bool filled = tt_bench_create(bench, conversation, both, 2) && tt_bench_connect(&sender, both);
    opening->stored = 0;
    opening->done = false;
    for (uint64_t i = 1; filled && i <= MESSAGES; i++)
        filled = tt_bench_send(&sender, conversation, i);
    filled = filled && tt_bench_read_until(bench, UINT64_MAX, &opening->done);
    tt_bench_disconnect(&sender);
    return filled;
}

static void write_request(const struct tt_bench *bench, const tt_id *conversation,
                          const tt_id *user, struct tt_buffer *request)
{
    struct tt_buffer value = {0};
    struct tt_buffer fields = {0};
    struct tt_buffer target = {0};
    tt_buffer_add_text(&value, "Bearer ");
    tt_bench_sign(bench, user, &value);
    tt_http1_add_field(&fields, "Authorization", tt_buffer_slice(&value));
    tt_buffer_add_text(&target, "/conversation/");
    tt_buffer_add(&target, tt_id_slice(conversation));
    tt_buffer_add_text(&target, "?limit=" MESSAGES_TEXT);
    tt_http1_write_request("GET", tt_slice_text(bench->endpoints[0].host), tt_buffer_slice(&target),
                           tt_buffer_slice(&fields), TT_SLICE_EMPTY, request);
    tt_buffer_deinit(&value);
    tt_buffer_deinit(&fields);
    tt_buffer_deinit(&target);
}

static bool ask(struct opening *opening, struct caller *caller)
{
    caller->began_at = tt_clock_os_nanoseconds();
    return tt_line_send(&caller->line, tt_buffer_slice(&caller->request)) ||
           tt_bench_fail(opening->bench, "the server closed a connection");
}

static bool open_caller(struct opening *opening, uint64_t number)
{
    struct tt_bench *bench = opening->bench;
    struct caller *caller = &opening->callers[number];
    tt_id both[] = {tt_bench_name(bench, "bench_o", number),
                    tt_bench_name(bench, "bench_p", number)};
    tt_id conversation = tt_bench_name(bench, "bench_open", number);
    if (!fill(opening, &conversation, both))
        return false;
    write_request(bench, &conversation, &both[1], &caller->request);
    caller->reader = tt_http1_response_reader_create(ANSWER_MAX);
    if (tt_line_open(&bench->endpoints[0], &caller->line, bench->problem))
        return true;
    caller->line.fd = -1;
    return false;
}

static bool take_bytes(struct opening *opening, struct caller *caller, char *bytes, size_t size)
{
    struct tt_input input = {bytes, size};
    const struct tt_http1_response *response = NULL;
    if (size == 0 || !tt_is_ok(tt_http1_response_next(caller->reader, &input, false, &response)))
        return tt_bench_fail(opening->bench, "the server closed a connection");
    opening->bytes += size;
    if (response == NULL)
        return true;
    if (response->status != 200)
        return tt_bench_fail(opening->bench, "a chat-open was refused");
    opening->answers++;
    tt_histogram_add(&opening->times, tt_clock_os_nanoseconds() - caller->began_at);
    return ask(opening, caller);
}

static bool take_answer(struct opening *opening, struct caller *caller, char *bytes)
{
    do {
        ssize_t got = tt_line_receive(&caller->line, bytes, READ_BYTES);
        if (got < 0 && (errno == EAGAIN || errno == EINTR))
            return true;
        if (!take_bytes(opening, caller, bytes, got < 0 ? 0 : (size_t)got))
            return false;
    } while (tt_line_has_more(&caller->line));
    return true;
}

static bool answer_until(struct opening *opening, int epoll, uint64_t until)
{
    struct epoll_event events[EVENTS];
    char *bytes = tt_alloc(READ_BYTES);
    bool goes_on = true;
    while (goes_on && tt_clock_os_nanoseconds() < until) {
        int count = epoll_wait(epoll, events, EVENTS, 10);
        for (int i = 0; goes_on && i < count; i++)
            goes_on = take_answer(opening, events[i].data.ptr, bytes);
    }
    tt_free(bytes);
    return goes_on;
}

static bool begin(struct opening *opening, int epoll)
{
    for (uint64_t i = 0; i < opening->count; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &opening->callers[i]};
        if (!open_caller(opening, i))
            return false;
        if (epoll_ctl(epoll, EPOLL_CTL_ADD, opening->callers[i].line.fd, &event) != 0)
            return tt_bench_fail(opening->bench, "epoll_ctl does not work");
    }
    for (uint64_t i = 0; i < opening->count; i++)
        if (!ask(opening, &opening->callers[i]))
            return false;
    return true;
}

static bool run(struct opening *opening, int epoll)
{
    struct tt_bench_phases phases = tt_bench_phases(opening->bench);
    if (!begin(opening, epoll) ||
        !answer_until(opening, epoll, tt_clock_os_nanoseconds() + phases.warm))
        return false;
    opening->answers = 0;
    opening->bytes = 0;
    opening->times = (struct tt_histogram){.count = 0};
    uint64_t from = tt_clock_os_nanoseconds();
    if (!answer_until(opening, epoll, from + phases.counted))
        return false;
    double seconds = (double)(tt_clock_os_nanoseconds() - from) / NANOSECONDS;
    if (opening->answers == 0)
        return tt_bench_fail(opening->bench, "not a single chat-open was answered");
    double rate = (double)opening->answers / seconds;
    uint64_t size = opening->bytes / opening->answers;
    double p50 = tt_histogram_ms(&opening->times, 0.5);
    double p99 = tt_histogram_ms(&opening->times, 0.99);
    if (opening->bench->values->json)
        printf("{\"bench\":\"open\",\"connections\":%llu,\"seconds\":%.2f,\"answer_bytes\":%llu,"
               "\"answers_per_second\":%.1f,\"p50_ms\":%.3f,\"p99_ms\":%.3f}\n",
               (unsigned long long)opening->count, seconds, (unsigned long long)size, rate, p50,
               p99);
    else
        printf("open: %llu connections, %.0f chat-opens/s of %llu bytes each, p50 %.2f ms, p99 "
               "%.2f\n",
               (unsigned long long)opening->count, rate, (unsigned long long)size, p50, p99);
    return true;
}

bool tt_bench_chat_open(struct tt_bench *bench)
{
    struct opening opening = {.bench = bench, .count = bench->values->sockets};
    if (opening.count > CONNECTION_MAX)
        return tt_bench_fail(bench, "open takes at most 4096 --sockets");
    opening.callers = tt_alloc((size_t)opening.count * sizeof(*opening.callers));
    for (uint64_t i = 0; i < opening.count; i++)
        opening.callers[i].line.fd = -1;
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    bool measured = run(&opening, epoll);
    for (uint64_t i = 0; i < opening.count; i++) {
        if (opening.callers[i].line.fd >= 0)
            tt_line_close(&opening.callers[i].line);
        if (opening.callers[i].reader != NULL)
            tt_http1_response_reader_destroy(&opening.callers[i].reader);
        tt_buffer_deinit(&opening.callers[i].request);
    }
    tt_free(opening.callers);
    close(epoll);
    return measured;
}
