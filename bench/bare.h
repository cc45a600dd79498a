/*
 * bare: what the reference programs have in common. They do the sockets' or the disk's part of a
 * piece of work and nothing else, so a failure of theirs just ends them.
 */
#ifndef TT_BENCH_BARE_H
#define TT_BENCH_BARE_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

/* Ends the process, with `what` and errno. */
_Noreturn void bare_die(const char *what);

/* The number after --NAME among the arguments. */
uint64_t bare_option(int argc, char **argv, const char *name, uint64_t otherwise);

/* A second process serves `count` connections of this one at *address; on the core of
 * --server-core, if that is among the arguments. */
typedef void (*bare_server)(int listener, uint32_t count);
void bare_fork(int argc, char **argv, bare_server serve, uint32_t count,
               struct sockaddr_in *address);

/* Connections of either end, without Nagle's delay. */
int bare_accept(int listener);
int bare_connect(const struct sockaddr_in *address);
void bare_watch(int epoll, int fd, void *end);

struct bare_times {
    uint32_t *us;
    size_t count;
    size_t capacity;
};

/* Since a time of tt_clock_os_nanoseconds. */
void bare_count(struct bare_times *times, uint64_t began_at);

/* The value that `part` of 1 are not above; milliseconds. Sorts them. */
double bare_percentile(struct bare_times *times, double part);
void bare_forget(struct bare_times *times);

#endif
