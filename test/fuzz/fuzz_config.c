#include "fuzz.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "app/config.h"

/* A configuration file. What is taken keeps the bounds that the table names. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    char data_option[] = "--data=/nowhere";
    struct tt_config config;
    struct tt_arena arena = {0};
    int fd = memfd_create("config", 0);
    TT_ASSERT(fd >= 0);
    ssize_t written = write(fd, data, size);
    TT_ASSERT(written == (ssize_t)size);
    snprintf(path, sizeof(path), "--config=/proc/self/fd/%d", fd);
    char *argv[] = {path, data_option};
    memset(&config, 0, sizeof(config));
    if (tt_config_read(2, argv, &config, &arena) == TT_OPTIONS_READ)
        TT_ASSERT(config.nodes <= 64 && config.refresh_ms_min <= config.refresh_ms_max);
    tt_arena_deinit(&arena);
    close(fd);
    return 0;
}
