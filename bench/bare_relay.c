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
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "adapter/clock_os.h"
#include "bare.h"

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

/* So many frames, each of which begins with its size. */
static void put(int fd, uint8_t size, uint32_t count)
{
    uint8_t bytes[WINDOW_MAX * 256];
    for (uint32_t i = 0; i < count; i++)
        bytes[i * size] = size;
    if (send(fd, bytes, (size_t)size * count, MSG_NOSIGNAL) != (ssize_t)size * count)
        bare_die("send");
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
        bare_die("calloc");
    for (uint32_t i = 0; i < count; i++) {
        ends[i] = (struct end){.fd = bare_accept(listener), .number = i};
        bare_watch(epoll, ends[i].fd, &ends[i]);
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
    struct bare_times times;
    uint32_t window;
};

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
        bare_die("the relay is gone");
    if (end->number % 2 != 0) {
        uint32_t count = whole(end, got, MESSAGE_BYTES);
        if (count > 0)
            put(end->fd, ACK_BYTES, count);
        return;
    }
    uint32_t count = ended(end, bytes, got);
    for (uint32_t i = 0; i < count; i++) {
        bare_count(&run->times, end->began_at[end->next]);
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

static void measure(const struct sockaddr_in *address, uint32_t count, uint32_t window,
                    uint64_t seconds)
{
    int epoll = epoll_create1(0);
    struct end *ends = calloc(count, sizeof(*ends));
    uint64_t *began_at = calloc((size_t)count * window, sizeof(*began_at));
    if (ends == NULL || began_at == NULL)
        bare_die("calloc");
    for (uint32_t i = 0; i < count; i++) {
        ends[i] = (struct end){.fd = bare_connect(address), .number = i};
        ends[i].began_at = began_at + (size_t)i * window;
        bare_watch(epoll, ends[i].fd, &ends[i]);
    }
    struct run run = {.window = window};
    for (uint32_t i = 0; i < count; i += 2)
        begin(&ends[i], window, window);
    uint64_t part = seconds * 1000000000U / 5;
    run_until(epoll, &run, tt_clock_os_nanoseconds() + part);
    run.times.count = 0;
    uint64_t from = tt_clock_os_nanoseconds();
    run_until(epoll, &run, from + 4 * part);
    double took = (double)(tt_clock_os_nanoseconds() - from) / 1e9;
    printf("{\"bench\":\"bare_relay\",\"pairs\":%u,\"window\":%u,\"seconds\":%.2f,"
           "\"messages_per_second\":%.1f,\"p50_ms\":%.3f,\"p99_ms\":%.3f}\n",
           count / 2, window, took, (double)run.times.count / took,
           bare_percentile(&run.times, 0.5), bare_percentile(&run.times, 0.99));
    bare_forget(&run.times);
    free(began_at);
    free(ends);
}

int main(int argc, char **argv)
{
    uint32_t count = 2 * (uint32_t)bare_option(argc, argv, "--pairs", 1000);
    uint32_t window = (uint32_t)bare_option(argc, argv, "--window", 1);
    uint64_t seconds = bare_option(argc, argv, "--seconds", 5);
    if (window == 0 || window > WINDOW_MAX) {
        fprintf(stderr, "bare_relay: --window must be between 1 and %d\n", WINDOW_MAX);
        return 2;
    }
    struct sockaddr_in address;
    bare_fork(argc, argv, serve, count, &address);
    measure(&address, count, window, seconds);
    return 0;
}
