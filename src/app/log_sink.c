#include "app/log_sink.h"

#include <string.h>
#include <unistd.h>

#include "adapter/clock_os.h"

static tt_time now(void *context)
{
    (void)context;
    return tt_clock_os_wall();
}

/* A log that cannot be written must not stop the server. */
static void write_line(void *context, struct tt_slice line)
{
    (void)context;
    ssize_t written = write(STDERR_FILENO, line.data, line.size);
    (void)written;
}

static enum tt_log_level level_of(const char *name)
{
    if (strcmp(name, "error") == 0)
        return TT_LOG_ERROR;
    if (strcmp(name, "warn") == 0)
        return TT_LOG_WARN;
    return strcmp(name, "debug") == 0 ? TT_LOG_DEBUG : TT_LOG_INFO;
}

struct tt_log tt_log_to_stderr(const struct tt_config *config)
{
    return (struct tt_log){
        .level = level_of(config->log_level),
        .format = strcmp(config->log_format, "json") == 0 ? TT_LOG_JSON : TT_LOG_TEXT,
        .now = now,
        .sink = write_line,
    };
}
