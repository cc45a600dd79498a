/*
 * fsync_log: how fast this disk makes messages durable at all: one file that only grows, the
 * records of --batch senders in one write and one fdatasync, then the next.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "adapter/clock_os.h"
#include "app/option.h"

#define SEGMENT (64 * 1024 * 1024)

static void die(const char *what)
{
    fprintf(stderr, "fsync_log: %s: %s\n", what, strerror(errno));
    exit(1);
}

static uint64_t number_after(int argc, char **argv, const char *name, uint64_t otherwise)
{
    uint64_t number;
    for (int i = 1; i + 1 < argc; i++)
        if (strcmp(argv[i], name) == 0 && tt_option_parse_number(argv[i + 1], &number))
            return number;
    return otherwise;
}

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

int main(int argc, char **argv)
{
    uint64_t batch = number_after(argc, argv, "--batch", 1000);
    uint64_t record = number_after(argc, argv, "--bytes", 250);
    uint64_t seconds = number_after(argc, argv, "--seconds", 5);
    const char *folder = getenv("TMPDIR");
    char path[4096];
    snprintf(path, sizeof(path), "%s/twoticks-fsync-XXXXXX", folder == NULL ? "/tmp" : folder);
    int fd = mkstemp(path);
    if (fd < 0)
        die("mkstemp");
    unlink(path);
    size_t size = (size_t)(batch * record);
    char *bytes = malloc(size);
    uint32_t *latencies = calloc(16 * 1024 * 1024, sizeof(*latencies));
    if (bytes == NULL || latencies == NULL)
        die("memory");
    memset(bytes, 'x', size);

    uint64_t end = 0;
    uint64_t allocated = 0;
    size_t syncs = 0;
    uint64_t from = tt_clock_os_nanoseconds();
    while (tt_clock_os_nanoseconds() < from + seconds * 1000000000U && syncs < 16 * 1024 * 1024) {
        if (end + size > allocated) {
            if (posix_fallocate(fd, (off_t)allocated, SEGMENT) != 0)
                die("posix_fallocate");
            allocated += SEGMENT;
        }
        uint64_t began_at = tt_clock_os_nanoseconds();
        if (pwrite(fd, bytes, size, (off_t)end) != (ssize_t)size || fdatasync(fd) != 0)
            die("write");
        end += size;
        latencies[syncs++] = (uint32_t)((tt_clock_os_nanoseconds() - began_at) / 1000U);
    }
    double took = (double)(tt_clock_os_nanoseconds() - from) / 1e9;
    qsort(latencies, syncs, sizeof(latencies[0]), compare);
    printf("{\"bench\":\"fsync_log\",\"batch\":%llu,\"bytes\":%llu,\"seconds\":%.2f,"
           "\"messages_per_second\":%.1f,\"syncs_per_second\":%.1f,\"p50_ms\":%.3f,"
           "\"p99_ms\":%.3f}\n",
           (unsigned long long)batch, (unsigned long long)record, took,
           (double)(syncs * batch) / took, (double)syncs / took,
           (double)latencies[syncs / 2] / 1000, (double)latencies[syncs * 99 / 100] / 1000);
    free(latencies);
    free(bytes);
    close(fd);
    return 0;
}
