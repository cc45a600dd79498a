#include "bare.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "adapter/clock_os.h"
#include "app/option.h"

_Noreturn void bare_die(const char *what)
{
    fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, strerror(errno));
    exit(1);
}

uint64_t bare_option(int argc, char **argv, const char *name, uint64_t otherwise)
{
    uint64_t number;
    for (int i = 1; i + 1 < argc; i++)
        if (strcmp(argv[i], name) == 0 && tt_option_parse_number(argv[i + 1], &number))
            return number;
    return otherwise;
}

static void go_to_core(uint64_t core)
{
    cpu_set_t cores;
    CPU_ZERO(&cores);
    CPU_SET(core, &cores);
    if (sched_setaffinity(0, sizeof(cores), &cores) != 0)
        bare_die("--server-core");
}

void bare_fork(int argc, char **argv, bare_server serve, uint32_t count,
               struct sockaddr_in *address)
{
    uint64_t core = bare_option(argc, argv, "--server-core", UINT64_MAX);
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    *address =
        (struct sockaddr_in){.sin_family = AF_INET, .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof(*address);
    void *any = address;
    if (bind(listener, any, size) != 0 || listen(listener, 1024) != 0 ||
        getsockname(listener, any, &size) != 0)
        bare_die("listen");
    pid_t parent = getpid();
    pid_t server = fork();
    if (server < 0)
        bare_die("fork");
    if (server == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (core < CPU_SETSIZE)
            go_to_core(core);
        if (getppid() == parent)
            serve(listener, count);
        _exit(0);
    }
    close(listener);
}

static int no_delay(int fd, const char *what)
{
    int on = 1;
    if (fd < 0)
        bare_die(what);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return fd;
}

int bare_accept(int listener)
{
    return no_delay(accept(listener, NULL, NULL), "accept");
}

int bare_connect(const struct sockaddr_in *address)
{
    int fd = no_delay(socket(AF_INET, SOCK_STREAM, 0), "socket");
    const void *any = address;
    if (connect(fd, any, sizeof(*address)) != 0)
        bare_die("connect");
    return fd;
}

void bare_watch(int epoll, int fd, void *end)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = end};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0)
        bare_die("epoll_ctl");
}

void bare_count(struct bare_times *times, uint64_t began_at)
{
    if (times->count == times->capacity) {
        times->capacity = times->capacity == 0 ? 65536 : times->capacity * 2;
        times->us = realloc(times->us, times->capacity * sizeof(*times->us));
        if (times->us == NULL)
            bare_die("realloc");
    }
    times->us[times->count++] = (uint32_t)((tt_clock_os_nanoseconds() - began_at) / 1000U);
}

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

double bare_percentile(struct bare_times *times, double part)
{
    if (times->count == 0)
        return 0;
    qsort(times->us, times->count, sizeof(times->us[0]), compare);
    return (double)times->us[(size_t)((double)(times->count - 1) * part)] / 1000;
}

void bare_forget(struct bare_times *times)
{
    free(times->us);
    *times = (struct bare_times){0};
}
