/*
 * bare_http: how many answers of HTTP/1.1 this machine's sockets carry at all: each request is
 * read, its end is looked for, and one and the same answer of --bytes is sent. What `twoticks bench
 * open` is held against. Server and clients are two processes.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "adapter/clock_os.h"
#include "bare.h"

#define EVENTS       512
#define READ_BYTES   65536
#define ANSWER_MAX   (32 * 1024)
#define REQUEST_SIZE 400 /* as with a token */

struct end {
    int fd;
    size_t got;
    uint64_t began_at;
};

/* Before the server is forked: both processes know them. */
static struct {
    char answer[ANSWER_MAX + 256];
    size_t answer_size;
    char request[REQUEST_SIZE + 1];
} both;

static void write_both(size_t bytes)
{
    int head = snprintf(both.answer, sizeof(both.answer),
                        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                        "Content-Length: %zu\r\nCache-Control: no-store\r\n\r\n",
                        bytes);
    both.answer_size = (size_t)head + bytes;
    memset(both.answer + head, 'x', bytes);
    int size = snprintf(both.request, sizeof(both.request),
                        "GET /conversation/bench HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                        "Authorization: Bearer ");
    memset(both.request + size, 'x', REQUEST_SIZE - 4 - (size_t)size);
    memcpy(both.request + REQUEST_SIZE - 4, "\r\n\r\n", 4);
}

static void put(int fd, const char *bytes, size_t size)
{
    if (send(fd, bytes, size, MSG_NOSIGNAL) != (ssize_t)size)
        bare_die("send");
}

static void serve(int listener, uint32_t count)
{
    static char bytes[READ_BYTES];
    int epoll = epoll_create1(0);
    struct end *ends = calloc(count, sizeof(*ends));
    if (ends == NULL)
        bare_die("calloc");
    for (uint32_t i = 0; i < count; i++) {
        ends[i].fd = bare_accept(listener);
        bare_watch(epoll, ends[i].fd, &ends[i]);
    }
    struct epoll_event events[EVENTS];
    for (;;) {
        int ready = epoll_wait(epoll, events, EVENTS, -1);
        for (int i = 0; i < ready; i++) {
            struct end *end = events[i].data.ptr;
            ssize_t got = recv(end->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
            if (got == 0)
                _exit(0);
            if (got >= 4 && memcmp(bytes + got - 4, "\r\n\r\n", 4) == 0)
                put(end->fd, both.answer, both.answer_size);
        }
    }
}

static void ask(struct end *end)
{
    end->got = 0;
    end->began_at = tt_clock_os_nanoseconds();
    put(end->fd, both.request, REQUEST_SIZE);
}

static void run_until(int epoll, struct bare_times *times, uint64_t until)
{
    static char bytes[READ_BYTES];
    struct epoll_event events[EVENTS];
    while (tt_clock_os_nanoseconds() < until) {
        int ready = epoll_wait(epoll, events, EVENTS, 10);
        for (int i = 0; i < ready; i++) {
            struct end *end = events[i].data.ptr;
            ssize_t got = recv(end->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
            if (got <= 0 && errno != EAGAIN)
                bare_die("recv");
            end->got += got > 0 ? (size_t)got : 0;
            if (end->got < both.answer_size)
                continue;
            bare_count(times, end->began_at);
            ask(end);
        }
    }
}

int main(int argc, char **argv)
{
    uint32_t count = (uint32_t)bare_option(argc, argv, "--sockets", 100);
    uint64_t seconds = bare_option(argc, argv, "--seconds", 5);
    uint64_t size = bare_option(argc, argv, "--bytes", 1024);
    if (size > ANSWER_MAX) {
        fprintf(stderr, "bare_http: --bytes must be at most %d\n", ANSWER_MAX);
        return 2;
    }
    write_both((size_t)size);
    struct sockaddr_in address;
    bare_fork(argc, argv, serve, count, &address);
    int epoll = epoll_create1(0);
    struct end *ends = calloc(count, sizeof(*ends));
    if (ends == NULL)
        bare_die("calloc");
    for (uint32_t i = 0; i < count; i++) {
        ends[i].fd = bare_connect(&address);
        bare_watch(epoll, ends[i].fd, &ends[i]);
    }
    for (uint32_t i = 0; i < count; i++)
        ask(&ends[i]);
    struct bare_times times = {0};
    uint64_t part = seconds * 1000000000U / 5;
    run_until(epoll, &times, tt_clock_os_nanoseconds() + part);
    times.count = 0;
    uint64_t from = tt_clock_os_nanoseconds();
    run_until(epoll, &times, from + 4 * part);
    double took = (double)(tt_clock_os_nanoseconds() - from) / 1e9;
    printf("{\"bench\":\"bare_http\",\"connections\":%u,\"seconds\":%.2f,\"answer_bytes\":%llu,"
           "\"answers_per_second\":%.1f,\"p50_ms\":%.3f,\"p99_ms\":%.3f}\n",
           count, took, (unsigned long long)size, (double)times.count / took,
           bare_percentile(&times, 0.5), bare_percentile(&times, 0.99));
    bare_forget(&times);
    free(ends);
    return 0;
}
