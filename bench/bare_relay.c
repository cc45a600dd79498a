/*
 * bare_relay: how fast this machine moves the bytes of a round at all: sockets, epoll, fixed pairs,
 * no frames, no parsing, no store. What `twoticks bench pairs` is held against.
 *
 * A round is the same five socket operations of the server as there: it reads a message (158
 * bytes) from A, answers A (as `sent` does) and hands it to B; B acks (81 bytes), A hears of it.
 * One send per peer and read, also of several messages with --window. Server and clients are two
 * processes.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "adapter/clock_os.h"
#include "app/option.h"

#define SEND_BYTES    158 /* A to the server */
#define SENT_BYTES    110 /* the server to A */
#define MESSAGE_BYTES 181 /* the server to B */
#define ACK_BYTES     81  /* B to the server */
#define STATUS_BYTES  96  /* the server to A */
#define EVENTS        512
#define READ_BYTES    16384

#define WINDOW_MAX 32

struct end {
    int fd;
    uint32_t number; /* even: an A, odd: its B */
    uint32_t part;   /* bytes of a frame whose end has not come yet */
    uint32_t next;   /* A: of began_at, for the oldest message under way */
    uint64_t *began_at;
};

static void die(const char *what)
{
    fprintf(stderr, "bare_relay: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void no_delay(int fd)
{
    int on = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

/* So many frames, each of which begins with its size. */
static void put(int fd, uint8_t size, uint32_t count)
{
    uint8_t bytes[WINDOW_MAX * 256];
    for (uint32_t i = 0; i < count; i++)
        bytes[i * size] = size;
    if (send(fd, bytes, (size_t)size * count, MSG_NOSIGNAL) != (ssize_t)size * count)
        die("send");
}

/* How many bytes came; 0: the peer is gone; UINT32_MAX: nothing. */
static uint32_t take(int fd, uint8_t bytes[READ_BYTES])
{
    ssize_t got = recv(fd, bytes, READ_BYTES, MSG_DONTWAIT);
    if (got < 0 && errno == EAGAIN)
        return UINT32_MAX;
    return got <= 0 ? 0 : (uint32_t)got;
}

/* How many frames of this size have come whole, where all are of one size. */
static uint32_t whole(struct end *end, uint32_t got, uint32_t size)
{
    uint32_t all = end->part + got;
    end->part = all % size;
    return all / size;
}

static void watch(int epoll, struct end *end)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = end};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, end->fd, &event) != 0)
        die("epoll_ctl");
}

static void pass_on(struct end *ends, struct end *end, uint32_t got)
{
    bool is_a = end->number % 2 == 0;
    struct end *peer = &ends[end->number ^ 1];
    uint32_t count = whole(end, got, is_a ? SEND_BYTES : ACK_BYTES);
    if (count == 0)
        return;
    if (is_a) {
        put(end->fd, SENT_BYTES, count);
        put(peer->fd, MESSAGE_BYTES, count);
    } else
        put(peer->fd, STATUS_BYTES, count);
}

static void serve(int listener, uint32_t count)
{
    int epoll = epoll_create1(0);
    struct end *ends = calloc(count, sizeof(*ends));
    if (ends == NULL)
        die("calloc");
    for (uint32_t i = 0; i < count; i++) {
        ends[i] = (struct end){.fd = accept(listener, NULL, NULL), .number = i};
        if (ends[i].fd < 0)
            die("accept");
        no_delay(ends[i].fd);
        watch(epoll, &ends[i]);
    }
    struct epoll_event events[EVENTS];
    uint8_t bytes[READ_BYTES];
    for (;;) {
        int ready = epoll_wait(epoll, events, EVENTS, -1);
        for (int i = 0; i < ready; i++) {
            struct end *end = events[i].data.ptr;
            uint32_t got = take(end->fd, bytes);
            if (got == 0)
                _exit(0);
            if (got != UINT32_MAX)
                pass_on(ends, end, got);
        }
    }
}

struct run {
    uint32_t *latencies_us;
    size_t count;
    size_t capacity;
    uint32_t window;
};

static void count_round(struct run *run, uint64_t began_at)
{
    if (run->count == run->capacity) {
        run->capacity = run->capacity == 0 ? 65536 : run->capacity * 2;
        run->latencies_us = realloc(run->latencies_us, run->capacity * sizeof(uint32_t));
        if (run->latencies_us == NULL)
            die("realloc");
    }
    run->latencies_us[run->count++] = (uint32_t)((tt_clock_os_nanoseconds() - began_at) / 1000U);
}

static void begin(struct end *end, uint32_t count, uint32_t window)
{
    uint64_t now = tt_clock_os_nanoseconds();
    for (uint32_t i = 0; i < count; i++)
        end->began_at[(end->next + window - count + i) % window] = now;
    put(end->fd, SEND_BYTES, count);
}

/* How many rounds have ended: how many frames of status there are among those of sent. */
static uint32_t ended(struct end *end, const uint8_t *bytes, uint32_t got)
{
    uint32_t count = 0;
    uint32_t at = end->part; /* bytes that the frame under way still needs */
    while (at < got) {
        count += bytes[at] == STATUS_BYTES;
        at += bytes[at];
    }
    end->part = at - got;
    return count;
}

static void client_turn(struct end *end, struct run *run)
{
    uint8_t bytes[READ_BYTES];
    uint32_t got = take(end->fd, bytes);
    if (got == UINT32_MAX)
        return;
    if (got == 0)
        die("the relay is gone");
    if (end->number % 2 != 0) {
        uint32_t count = whole(end, got, MESSAGE_BYTES);
        if (count > 0)
            put(end->fd, ACK_BYTES, count);
        return;
    }
    uint32_t count = ended(end, bytes, got);
    for (uint32_t i = 0; i < count; i++) {
        count_round(run, end->began_at[end->next]);
        end->next = (end->next + 1) % run->window;
    }
    if (count > 0)
        begin(end, count, run->window);
}

static void run_until(int epoll, struct run *run, uint64_t until)
{
    struct epoll_event events[EVENTS];
    while (tt_clock_os_nanoseconds() < until) {
        int ready = epoll_wait(epoll, events, EVENTS, 10);
        for (int i = 0; i < ready; i++)
            client_turn(events[i].data.ptr, run);
    }
}

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static void measure(const struct sockaddr_in *address, uint32_t count, uint32_t window,
                    uint64_t seconds)
{
    int epoll = epoll_create1(0);
    struct end *ends = calloc(count, sizeof(*ends));
    if (ends == NULL)
        die("calloc");
    for (uint32_t i = 0; i < count; i++) {
        ends[i] = (struct end){.fd = socket(AF_INET, SOCK_STREAM, 0), .number = i};
        const void *any = address;
        if (ends[i].fd < 0 || connect(ends[i].fd, any, sizeof(*address)) != 0)
            die("connect");
        no_delay(ends[i].fd);
        watch(epoll, &ends[i]);
    }
    struct run run = {.window = window};
    for (uint32_t i = 0; i < count; i += 2) {
        ends[i].began_at = calloc(window, sizeof(uint64_t));
        if (ends[i].began_at == NULL)
            die("calloc");
        begin(&ends[i], window, window);
    }
    uint64_t part = seconds * 1000000000U / 5;
    run_until(epoll, &run, tt_clock_os_nanoseconds() + part);
    run.count = 0;
    uint64_t from = tt_clock_os_nanoseconds();
    run_until(epoll, &run, from + 4 * part);
    double took = (double)(tt_clock_os_nanoseconds() - from) / 1e9;
    if (run.count == 0)
        die("no round was finished");
    qsort(run.latencies_us, run.count, sizeof(run.latencies_us[0]), compare);
    printf("{\"bench\":\"bare_relay\",\"pairs\":%u,\"window\":%u,\"seconds\":%.2f,\"messages_per_"
           "second\":%.1f,"
           "\"p50_ms\":%.3f,\"p99_ms\":%.3f}\n",
           count / 2, window, took, (double)run.count / took,
           (double)run.latencies_us[run.count / 2] / 1000,
           (double)run.latencies_us[run.count * 99 / 100] / 1000);
    free(run.latencies_us);
    for (uint32_t i = 0; i < count; i += 2)
        free(ends[i].began_at);
    free(ends);
}

static uint64_t number_after(int argc, char **argv, const char *name, uint64_t otherwise)
{
    uint64_t number;
    for (int i = 1; i + 1 < argc; i++)
        if (strcmp(argv[i], name) == 0 && tt_option_parse_number(argv[i + 1], &number))
            return number;
    return otherwise;
}

int main(int argc, char **argv)
{
    uint32_t count = 2 * (uint32_t)number_after(argc, argv, "--pairs", 1000);
    uint32_t window = (uint32_t)number_after(argc, argv, "--window", 1);
    uint64_t seconds = number_after(argc, argv, "--seconds", 5);
    if (window == 0 || window > WINDOW_MAX) {
        fprintf(stderr, "bare_relay: --window must be between 1 and %d\n", WINDOW_MAX);
        return 2;
    }
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof(address);
    void *any = &address;
    if (bind(listener, any, size) != 0 || listen(listener, 1024) != 0 ||
        getsockname(listener, any, &size) != 0)
        die("listen");
    pid_t server = fork();
    if (server < 0)
        die("fork");
    if (server == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        serve(listener, count);
    }
    close(listener);
    measure(&address, count, window, seconds);
    kill(server, SIGKILL);
    waitpid(server, NULL, 0);
    return 0;
}
