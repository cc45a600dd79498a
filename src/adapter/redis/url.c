#include "adapter/redis/connection.h"

#include "adapter/redis/place_text.h"

#define REDIS_PORT    6379
#define SENTINEL_PORT 26379
#define DATABASE_MAX  65535

/* Up to the mark, which is taken off too; all where there is none and `*found` false. */
static struct tt_slice take_until(struct tt_slice *rest, char mark, bool *found)
{
    const char *at = rest->size == 0 ? NULL : memchr(rest->data, mark, rest->size);
    *found = at != NULL;
    struct tt_slice taken = *found ? tt_slice(rest->data, (size_t)(at - rest->data)) : *rest;
    *rest = tt_slice_from(*rest, *found ? taken.size + 1 : taken.size);
    return taken;
}

static int hex_value(char digit)
{
    static const char digits[] = "0123456789abcdefABCDEF";
    const char *at = digit == '\0' ? NULL : strchr(digits, digit);
    int value = at == NULL ? -1 : (int)(at - digits);
    return value < 16 ? value : value - 6;
}

/* With %40 and its like decoded, since a password may have any character. */
static bool copy_text(struct tt_slice text, char *out, size_t size)
{
    size_t used = 0;
    for (size_t i = 0; i < text.size; i++) {
        char byte = text.data[i];
        if (byte == '%') {
            int high = i + 2 < text.size ? hex_value(text.data[i + 1]) : -1;
            int low = i + 2 < text.size ? hex_value(text.data[i + 2]) : -1;
            if (high < 0 || low < 0 || high + low == 0)
                return false;
            byte = (char)(high * 16 + low);
            i += 2;
        }
        if (used + 1 >= size)
            return false;
        out[used++] = byte;
    }
    out[used] = '\0';
    return true;
}

static bool read_number(struct tt_slice text, uint64_t max, uint64_t *number)
{
    return tt_digits_parse(text, number) && *number <= max;
}

static bool read_place(struct tt_slice text, uint16_t usual_port, char *host, size_t host_size,
                       uint16_t *port)
{
    bool bracketed = text.size > 0 && text.data[0] == '[';
    struct tt_slice rest = bracketed ? tt_slice_from(text, 1) : text;
    bool found;
    struct tt_slice name = take_until(&rest, bracketed ? ']' : ':', &found);
    uint64_t number = usual_port;
    if (bracketed) {
        if (!found || (rest.size > 0 && rest.data[0] != ':'))
            return false;
        found = rest.size > 0;
        rest = found ? tt_slice_from(rest, 1) : rest;
    }
    if (name.size == 0 || memchr(name.data, ',', name.size) != NULL ||
        !copy_text(name, host, host_size))
        return false;
    if (found && (!read_number(rest, UINT16_MAX, &number) || number == 0))
        return false;
    *port = (uint16_t)number;
    return true;
}

static bool take_start(struct tt_slice *rest, const char *start)
{
    size_t size = strlen(start);
    bool starts = rest->size >= size && memcmp(rest->data, start, size) == 0;
    if (starts)
        *rest = tt_slice_from(*rest, size);
    return starts;
}

/* The first sentinel stands in `remote` too, for whoever says where the registry is. */
static bool read_sentinels(struct tt_slice places, struct tt_slice *rest,
                           struct tt_redis_options *options)
{
    bool found = true;
    while (found) {
        struct tt_redis_sentinel *one = &options->sentinels[options->sentinel_count];
        struct tt_slice place = take_until(&places, ',', &found);
        if (options->sentinel_count++ == TT_REDIS_SENTINELS_MAX ||
            !read_place(place, SENTINEL_PORT, one->host, sizeof(one->host), &one->port))
            return false;
    }
    memcpy(options->remote.host, options->sentinels[0].host, sizeof(options->sentinels[0].host));
    options->remote.port = options->sentinels[0].port;
    struct tt_slice master = take_until(rest, '/', &found);
    return master.size > 0 && copy_text(master, options->master, sizeof(options->master));
}

static bool read_account(struct tt_slice account, struct tt_redis_options *options)
{
    bool found;
    struct tt_slice password = account;
    struct tt_slice user = take_until(&password, ':', &found);
    if (!found) {
        password = user;
        user = TT_SLICE_EMPTY;
    }
    return copy_text(user, options->user, sizeof(options->user)) &&
           copy_text(password, options->password, sizeof(options->password));
}

tt_err tt_redis_parse(struct tt_slice url, struct tt_redis_options *options, const char **problem)
{
    struct tt_slice rest = url;
    uint64_t database = 0;
    bool found;
    bool sentinels = false;
    *problem = "a registry is local, redis://[user:password@]host[:port][/database] or "
               "redis+sentinel://[user:password@]host[:port],host[:port]/master[/database]; "
               "rediss:// and rediss+sentinel:// with TLS";
    options->remote.tls = take_start(&rest, "rediss");
    if (!options->remote.tls && !take_start(&rest, "redis"))
        return TT_FAIL(INVALID);
    sentinels = take_start(&rest, "+sentinel");
    if (!take_start(&rest, "://"))
        return TT_FAIL(INVALID);
    struct tt_slice after = rest;
    struct tt_slice account = take_until(&after, '@', &found);
    if (found && !read_account(account, options))
        return TT_FAIL(INVALID);
    rest = found ? after : rest;
    struct tt_slice places = take_until(&rest, '/', &found);
    options->sentinel_count = 0;
    bool read = sentinels ? read_sentinels(places, &rest, options)
                          : read_place(places, REDIS_PORT, options->remote.host,
                                       sizeof(options->remote.host), &options->remote.port);
    if (!read || (rest.size > 0 && !read_number(rest, DATABASE_MAX, &database)))
        return TT_FAIL(INVALID);
    options->database = (uint32_t)database;
    return TT_OK;
}
