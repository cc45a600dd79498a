/*
 * fsync_log: how fast this disk makes messages durable at all: one file that only grows, the
 * records of --batch senders in one write and one fdatasync, then the next.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "adapter/clock_os.h"
#include "bare.h"

#define SEGMENT (64 * 1024 * 1024)

int main(int argc, char **argv)
{
    uint64_t batch = bare_option(argc, argv, "--batch", 1000);
    uint64_t record = bare_option(argc, argv, "--bytes", 250);
    uint64_t seconds = bare_option(argc, argv, "--seconds", 5);
    const char *folder = getenv("TMPDIR");
    char path[4096];
    snprintf(path, sizeof(path), "%s/twoticks-fsync-XXXXXX", folder == NULL ? "/tmp" : folder);
    int fd = mkstemp(path);
    if (fd < 0)
        bare_die("mkstemp");
    unlink(path);
    size_t size = (size_t)(batch * record);
    char *bytes = malloc(size);
    struct bare_times times = {0};
    if (bytes == NULL)
        bare_die("memory");
    memset(bytes, 'x', size);

    uint64_t end = 0;
    uint64_t allocated = 0;
    uint64_t from = tt_clock_os_nanoseconds();
    while (tt_clock_os_nanoseconds() < from + seconds * 1000000000U) {
        if (end + size > allocated) {
            if (posix_fallocate(fd, (off_t)allocated, SEGMENT) != 0)
                bare_die("posix_fallocate");
            allocated += SEGMENT;
        }
        uint64_t began_at = tt_clock_os_nanoseconds();
        if (pwrite(fd, bytes, size, (off_t)end) != (ssize_t)size || fdatasync(fd) != 0)
            bare_die("write");
        end += size;
        bare_count(&times, began_at);
    }
    double took = (double)(tt_clock_os_nanoseconds() - from) / 1e9;
    printf("{\"bench\":\"fsync_log\",\"batch\":%llu,\"bytes\":%llu,\"seconds\":%.2f,"
           "\"messages_per_second\":%.1f,\"syncs_per_second\":%.1f,\"p50_ms\":%.3f,"
           "\"p99_ms\":%.3f}\n",
           (unsigned long long)batch, (unsigned long long)record, took,
           (double)(times.count * batch) / took, (double)times.count / took,
           bare_percentile(&times, 0.5), bare_percentile(&times, 0.99));
    bare_forget(&times);
    free(bytes);
    close(fd);
    return 0;
}
