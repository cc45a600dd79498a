#include "adapter/embedded/journal_newest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include "adapter/embedded/journal_form.h"

#define PART_NAME TT_JOURNAL_NEWEST_NAME ".part"

static bool write_part(int dir_fd, uint64_t number)
{
    char bytes[TT_JOURNAL_NEWEST_SIZE];
    tt_journal_newest_put(number, bytes);
    int fd = openat(dir_fd, PART_NAME, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return false;
    size_t done = 0;
    while (done < sizeof(bytes)) {
        ssize_t size = write(fd, bytes + done, sizeof(bytes) - done);
        if (size < 0 && errno == EINTR)
            continue;
        if (size <= 0)
            break;
        done += (size_t)size;
    }
    bool synced = done == sizeof(bytes) && fdatasync(fd) == 0;
    int saved = errno;
    close(fd);
    errno = saved;
    return synced;
}

tt_err tt_journal_newest_write(int dir_fd, uint64_t number)
{
    if (!write_part(dir_fd, number) ||
        renameat(dir_fd, PART_NAME, dir_fd, TT_JOURNAL_NEWEST_NAME) != 0 || fsync(dir_fd) != 0)
        return TT_FAIL(IO);
    return TT_OK;
}

tt_err tt_journal_newest_read(int dir_fd, uint64_t *number)
{
    char bytes[TT_JOURNAL_NEWEST_SIZE + 1];
    *number = 0;
    int fd = openat(dir_fd, TT_JOURNAL_NEWEST_NAME, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? TT_OK : TT_FAIL(IO);
    ssize_t size = read(fd, bytes, sizeof(bytes));
    int saved = errno;
    close(fd);
    errno = saved;
    if (size < 0)
        return TT_FAIL(IO);
    return tt_journal_newest_get(tt_slice(bytes, (size_t)size), number) ? TT_OK : TT_FAIL(CORRUPT);
}
