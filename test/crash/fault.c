/*
 * A library to be preloaded (LD_PRELOAD) that lets the calls which write to one folder fail. It is
 * told by the environment:
 *
 *   FAULT_UNDER   only files below this folder
 *   FAULT_CALL    write, sync, open, move (rename, unlink, mkdir), room (fallocate) or any
 *   FAULT_AT      the number of the first call that fails, of all threads together, from 1
 *   FAULT_KIND    kill, torn, after: the process is gone before the call, after half of the call's
 *                 bytes, or after the call, with exit code 137; short: half of the bytes, with
 *                 every write from then on; or an errno: EIO, ENOSPC
 *   FAULT_STAYS   1: all later calls fail, too
 *   FAULT_REPORT  a file; the path is appended that the first call is about when it fails
 */
/* Both the plain names and those with 64 are defined here, and on this machine mean the same. */
#undef _FILE_OFFSET_BITS

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define EXIT_CODE 137 /* of a process that SIGKILL ended, in a shell's words */

#define SHOWN __attribute__((visibility("default")))

enum call { WRITE, SYNC, OPEN, MOVE, ROOM, CALLS };
enum kind { KILL, TORN, AFTER, SHORT, ERROR };

static const char *const call_names[CALLS] = {"write", "sync", "open", "move", "room"};

static struct {
    const char *under;
    int call; /* CALLS: any */
    enum kind kind;
    int error;
    long at;
    bool stays;
    int report_fd;
    bool ready;
    atomic_long count;
} fault;

static enum kind kind_named(const char *name)
{
    fault.error = strcmp(name, "ENOSPC") == 0 ? ENOSPC : EIO;
    return strcmp(name, "kill") == 0    ? KILL
           : strcmp(name, "torn") == 0  ? TORN
           : strcmp(name, "after") == 0 ? AFTER
           : strcmp(name, "short") == 0 ? SHORT
                                        : ERROR;
}

static long number_of(const char *text)
{
    long number = 0;
    for (; *text >= '0' && *text <= '9'; text++)
        number = number * 10 + (*text - '0');
    return number;
}

__attribute__((constructor)) static void prepare(void)
{
    const char *call = getenv("FAULT_CALL");
    const char *report = getenv("FAULT_REPORT");
    fault.under = getenv("FAULT_UNDER");
    if (fault.under == NULL || call == NULL || report == NULL)
        return;
    while (fault.call < CALLS && strcmp(call_names[fault.call], call) != 0)
        fault.call++;
    fault.kind = kind_named(getenv("FAULT_KIND"));
    fault.at = number_of(getenv("FAULT_AT"));
    fault.stays = strcmp(getenv("FAULT_STAYS"), "1") == 0;
    fault.report_fd =
        (int)syscall(SYS_openat, AT_FDCWD, report, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    fault.ready = true;
}

/* Whether this call is one that fails. */
static bool strikes(enum call call, const char *path)
{
    if (!fault.ready || (fault.call != CALLS && fault.call != (int)call) ||
        (fault.kind == SHORT && call != WRITE) ||
        strncmp(path, fault.under, strlen(fault.under)) != 0)
        return false;
    long number = atomic_fetch_add(&fault.count, 1) + 1;
    if (number == fault.at)
        (void)!syscall(SYS_write, fault.report_fd, path, strlen(path));
    return number == fault.at ||
           (number > fault.at && (fault.stays || fault.kind == SHORT || fault.kind <= AFTER));
}

static bool strikes_fd(enum call call, int fd)
{
    char link[64];
    char path[PATH_MAX];
    int saved = errno;
    if (!fault.ready)
        return false;
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t size = readlink(link, path, sizeof(path) - 1);
    path[size < 0 ? 0 : size] = '\0';
    errno = saved;
    return strikes(call, path);
}

static bool strikes_at(enum call call, int dir_fd, const char *path)
{
    return path[0] == '/' || dir_fd == AT_FDCWD ? strikes(call, path) : strikes_fd(call, dir_fd);
}

/* As a SIGKILL would, which the program may not send: all threads are gone before anything else is
 * done. */
static void end(void)
{
    syscall(SYS_exit_group, EXIT_CODE);
}

/* A call without bytes: true if it is to be carried out. */
static bool goes_on(void)
{
    if (fault.kind == KILL || fault.kind == TORN)
        end();
    if (fault.kind == ERROR)
        errno = fault.error;
    return fault.kind != ERROR;
}

static void came_back(bool struck)
{
    if (struck && fault.kind == AFTER)
        end();
}

static ssize_t put(int fd, const void *data, size_t size, off_t at, bool has_at)
{
    return has_at ? syscall(SYS_pwrite64, fd, data, size, at) : syscall(SYS_write, fd, data, size);
}

static ssize_t put_or_fail(int fd, const void *data, size_t size, off_t at, bool has_at)
{
    if (!strikes_fd(WRITE, fd))
        return put(fd, data, size, at, has_at);
    size_t half = size > 1 ? size / 2 : size;
    if (fault.kind == SHORT)
        return put(fd, data, half, at, has_at);
    if (fault.kind == TORN)
        (void)put(fd, data, half, at, has_at);
    if (!goes_on())
        return -1;
    ssize_t done = put(fd, data, size, at, has_at);
    came_back(true);
    return done;
}

SHOWN ssize_t write(int fd, const void *data, size_t size)
{
    return put_or_fail(fd, data, size, 0, false);
}

SHOWN ssize_t pwrite(int fd, const void *data, size_t size, off_t at)
{
    return put_or_fail(fd, data, size, at, true);
}

SHOWN ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at)
{
    return put_or_fail(fd, data, size, at, true);
}

static int sync_or_fail(int fd, long number)
{
    bool struck = strikes_fd(SYNC, fd);
    if (struck && !goes_on())
        return -1;
    int failed = (int)syscall(number, fd);
    came_back(struck);
    return failed;
}

SHOWN int fdatasync(int fd)
{
    return sync_or_fail(fd, SYS_fdatasync);
}

SHOWN int fsync(int fd)
{
    return sync_or_fail(fd, SYS_fsync);
}

static int open_or_fail(int dir_fd, const char *path, int flags, mode_t mode)
{
    bool struck = strikes_at(OPEN, dir_fd, path);
    if (struck && !goes_on())
        return -1;
    int fd = (int)syscall(SYS_openat, dir_fd, path, flags, mode);
    came_back(struck);
    return fd;
}

static mode_t mode_in(int flags, va_list args)
{
    return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(args, mode_t) : 0;
}

#define OPEN_LIKE(name)                                                                            \
    SHOWN int name(const char *path, int flags, ...)                                               \
    {                                                                                              \
        va_list args;                                                                              \
        va_start(args, flags);                                                                     \
        mode_t mode = mode_in(flags, args);                                                        \
        va_end(args);                                                                              \
        return open_or_fail(AT_FDCWD, path, flags, mode);                                          \
    }

#define OPENAT_LIKE(name)                                                                          \
    SHOWN int name(int dir_fd, const char *path, int flags, ...)                                   \
    {                                                                                              \
        va_list args;                                                                              \
        va_start(args, flags);                                                                     \
        mode_t mode = mode_in(flags, args);                                                        \
        va_end(args);                                                                              \
        return open_or_fail(dir_fd, path, flags, mode);                                            \
    }

OPEN_LIKE(open)
OPEN_LIKE(open64)
OPENAT_LIKE(openat)
OPENAT_LIKE(openat64)

static int move_or_fail(int dir_fd, const char *path, long number, long a, long b, long c, long d)
{
    bool struck = strikes_at(MOVE, dir_fd, path);
    if (struck && !goes_on())
        return -1;
    int failed = (int)syscall(number, a, b, c, d);
    came_back(struck);
    return failed;
}

SHOWN int rename(const char *from, const char *to)
{
    return move_or_fail(AT_FDCWD, from, SYS_rename, (long)from, (long)to, 0, 0);
}

SHOWN int renameat(int from_fd, const char *from, int to_fd, const char *to)
{
    return move_or_fail(from_fd, from, SYS_renameat, from_fd, (long)from, to_fd, (long)to);
}

SHOWN int unlink(const char *path)
{
    return move_or_fail(AT_FDCWD, path, SYS_unlink, (long)path, 0, 0, 0);
}

SHOWN int unlinkat(int dir_fd, const char *path, int flags)
{
    return move_or_fail(dir_fd, path, SYS_unlinkat, dir_fd, (long)path, flags, 0);
}

SHOWN int mkdir(const char *path, mode_t mode)
{
    return move_or_fail(AT_FDCWD, path, SYS_mkdir, (long)path, mode, 0, 0);
}

SHOWN int posix_fallocate(int fd, off_t at, off_t size)
{
    bool struck = strikes_fd(ROOM, fd);
    if (struck && !goes_on())
        return fault.error;
    int failed = (int)syscall(SYS_fallocate, fd, 0, at, size);
    came_back(struck);
    return failed == 0 ? 0 : errno;
}

SHOWN int fallocate(int fd, int mode, off_t at, off_t size)
{
    bool struck = strikes_fd(ROOM, fd);
    if (struck && !goes_on())
        return -1;
    int failed = (int)syscall(SYS_fallocate, fd, mode, at, size);
    came_back(struck);
    return failed;
}

SHOWN int posix_fallocate64(int fd, off64_t at, off64_t size)
{
    return posix_fallocate(fd, at, size);
}

SHOWN int fallocate64(int fd, int mode, off64_t at, off64_t size)
{
    return fallocate(fd, mode, at, size);
}
