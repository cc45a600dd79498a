/*
 * log: one line per event, as key=value or as JSON. An event is a fixed text, what varies are its
 * fields; values are escaped, so that no outside text can look like another line or another field,
 * and cut where they are long. Never log a token, a content or a password.
 *
 * A log may be used from any thread, if its sink and its clock may.
 */
#ifndef TT_BASE_LOG_H
#define TT_BASE_LOG_H

#include <stdint.h>

#include "base/slice.h"
#include "base/time.h"

#define TT_LOG_VALUE_BYTES_MAX 512

enum tt_log_level { TT_LOG_ERROR, TT_LOG_WARN, TT_LOG_INFO, TT_LOG_DEBUG };
enum tt_log_format { TT_LOG_TEXT, TT_LOG_JSON };

struct tt_log {
    enum tt_log_level level; /* lines of a later level are not written */
    enum tt_log_format format;
    tt_time (*now)(void *context);
    void (*sink)(void *context, struct tt_slice line); /* ends in a line feed; borrowed */
    void *context;
};

struct tt_log_field {
    const char *key; /* NULL ends the list */
    struct tt_slice text;
    uint64_t number;
    bool is_number;
};

#define TT_LOG_END ((struct tt_log_field){NULL, TT_SLICE_EMPTY, 0, false})

static inline struct tt_log_field tt_log_slice(const char *key, struct tt_slice text)
{
    return (struct tt_log_field){key, text, 0, false};
}

static inline struct tt_log_field tt_log_text(const char *key, const char *text)
{
    return tt_log_slice(key, tt_slice_text(text));
}

static inline struct tt_log_field tt_log_number(const char *key, uint64_t number)
{
    return (struct tt_log_field){key, TT_SLICE_EMPTY, number, true};
}

/* TT_LOG(&log, INFO, "store opened", tt_log_number("ms", ms)); */
#define TT_LOG(log, level, ...) TT_LOG_FIELDS(log, level, __VA_ARGS__, TT_LOG_END)
#define TT_LOG_FIELDS(log, level, event, ...)                                                      \
    tt_log_write((log), TT_LOG_##level, (event), (const struct tt_log_field[]){__VA_ARGS__})

void tt_log_write(const struct tt_log *log, enum tt_log_level level, const char *event,
                  const struct tt_log_field *fields);

#endif
