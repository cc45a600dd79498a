#include "adapter/embedded/index_mend.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/crc32c.h"

#define NAME_SIZE     64
#define DIGITS_MAX    20
#define LIST_SIZE_MAX (64 * 1024 * 1024)
#define TORN_SIZE_MAX (64 * 1024)
#define TORN_NAME     "torn-end"

/*
 * RocksDB's log format, in blocks of 32 KiB; what is left of a block and too short for a header is
 * filled with zeros:
 *
 *   0  4  masked CRC32C of the type and the payload
 *   4  2  size of the payload
 *   6  1  type: 1 whole, 2 first, 3 middle, 4 last part of an entry
 *   7  .  payload
 */
#define BLOCK_SIZE  32768
#define HEADER_SIZE 7
#define MASK_DELTA  0xa282ead8U

enum part { WHOLE = 1, FIRST = 2, MIDDLE = 3, LAST = 4 };

static bool join(const char *folder, const char *name, struct tt_buffer *path)
{
    tt_buffer_add_text(path, folder);
    tt_buffer_add_text(path, "/");
    tt_buffer_add(path, tt_slice(name, strlen(name) + 1));
    return true;
}

/* The name of the file that RocksDB, as it says, wants and does not find; false: it says something
 * else. It looks for NUMBER.sst, and then for NUMBER.ldb. */
static bool missing_file(const char *error, char name[NAME_SIZE])
{
    const char *end = strstr(error, ".ldb: No such file");
    if (end == NULL)
        end = strstr(error, ".sst: No such file");
    if (end == NULL)
        return false;
    const char *digits = end;
    while (digits > error && digits[-1] >= '0' && digits[-1] <= '9')
        digits--;
    if (digits == end || end - digits > DIGITS_MAX)
        return false;
    snprintf(name, NAME_SIZE, "%.*s.sst", (int)(end - digits), digits);
    return true;
}

static bool give_name_back(const char *folder, const char *incoming, const char *error)
{
    char name[NAME_SIZE];
    struct tt_buffer path = {0};
    bool given =
        missing_file(error, name) && join(folder, name, &path) && link(incoming, path.data) == 0;
    tt_buffer_deinit(&path);
    return given;
}

static uint32_t number_at(const char *at, int size)
{
    uint32_t number = 0;
    for (int i = 0; i < size; i++)
        number |= (uint32_t)(unsigned char)at[i] << (8 * i);
    return number;
}

/* The type of the good part at `at`, and its size with the header; 0: there is none. */
static int part_at(struct tt_slice list, size_t at, size_t *size)
{
    if (at % BLOCK_SIZE + HEADER_SIZE > BLOCK_SIZE || at + HEADER_SIZE > list.size)
        return 0;
    const char *header = list.data + at;
    size_t payload = number_at(header + 4, 2);
    int type = (unsigned char)header[6];
    *size = HEADER_SIZE + payload;
    if (type < WHOLE || type > LAST || at % BLOCK_SIZE + *size > BLOCK_SIZE ||
        at + *size > list.size)
        return 0;
    uint32_t crc = tt_crc32c(0, tt_slice(header + 6, payload + 1));
    uint32_t masked = ((crc >> 15) | (crc << 17)) + MASK_DELTA;
    return masked == number_at(header, 4) ? type : 0;
}

static size_t past_filling(size_t at)
{
    size_t left = BLOCK_SIZE - at % BLOCK_SIZE;
    return left < HEADER_SIZE ? at + left : at;
}

/* Where the last whole entry of an unbroken row of them ends. */
static size_t good_end(struct tt_slice list)
{
    size_t end = 0;
    size_t size;
    for (size_t at = 0;; at += size) {
        at = past_filling(at);
        int type = part_at(list, at, &size);
        if (type == 0)
            return end;
        if (type == WHOLE || type == LAST)
            end = at + size;
    }
}

/* Whether a good part lies anywhere behind: then what is before it was no end. */
static bool goes_on_behind(struct tt_slice list, size_t from)
{
    size_t size;
    for (size_t at = from; at < list.size; at++)
        if (part_at(list, at, &size) != 0 && size > HEADER_SIZE)
            return true;
    return false;
}

static bool read_file(int fd, struct tt_buffer *bytes)
{
    struct stat stat;
    if (fstat(fd, &stat) != 0 || stat.st_size <= 0 || stat.st_size > LIST_SIZE_MAX)
        return false;
    size_t size = (size_t)stat.st_size;
    tt_buffer_reserve(bytes, size);
    ssize_t got = pread(fd, bytes->data, size, 0);
    if (got != stat.st_size)
        return false;
    tt_buffer_grow_by(bytes, size);
    return true;
}

static int open_in(const char *folder, const char *name, int flags)
{
    struct tt_buffer path = {0};
    (void)join(folder, name, &path);
    int fd = open(path.data, flags | O_CLOEXEC, 0600);
    tt_buffer_deinit(&path);
    return fd;
}

/* So that whoever looks by hand has it all. */
static bool keep(const char *folder, struct tt_slice bytes)
{
    int fd = open_in(folder, TORN_NAME, O_WRONLY | O_CREAT | O_TRUNC);
    if (fd < 0)
        return false;
    bool kept = write(fd, bytes.data, bytes.size) == (ssize_t)bytes.size && fsync(fd) == 0;
    return close(fd) == 0 && kept;
}

static bool cut_torn_end(const char *folder, int fd)
{
    struct tt_buffer bytes = {0};
    bool cut = false;
    if (read_file(fd, &bytes)) {
        struct tt_slice list = tt_buffer_slice(&bytes);
        size_t end = good_end(list);
        cut = end > 0 && end < list.size && list.size - end <= TORN_SIZE_MAX &&
              !goes_on_behind(list, end + 1) && keep(folder, tt_slice_from(list, end)) &&
              ftruncate(fd, (off_t)end) == 0 && fsync(fd) == 0;
    }
    tt_buffer_deinit(&bytes);
    return cut;
}

/* The list is the file that CURRENT names. */
static bool mend_list(const char *folder)
{
    char name[NAME_SIZE];
    int fd = open_in(folder, "CURRENT", O_RDONLY);
    if (fd < 0)
        return false;
    ssize_t size = read(fd, name, sizeof(name) - 1);
    close(fd);
    if (size < 1 || name[size - 1] != '\n')
        return false;
    name[size - 1] = '\0';
    if (strncmp(name, "MANIFEST-", strlen("MANIFEST-")) != 0 || strchr(name, '/') != NULL)
        return false;
    fd = open_in(folder, name, O_RDWR);
    if (fd < 0)
        return false;
    bool mended = cut_torn_end(folder, fd);
    close(fd);
    return mended;
}

bool tt_index_mend(const char *folder, const char *incoming, const char *error)
{
    if (give_name_back(folder, incoming, error))
        return true;
    return strstr(error, "Corruption") != NULL && strstr(error, "MANIFEST") != NULL &&
           mend_list(folder);
}
