#include "app/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"

#define BLOCK_SIZE ((size_t)64 * 1024)
#define WALK_FDS   16

static bool fail(char *sentence, const char *what, const char *path)
{
    snprintf(sentence, TT_TREE_SENTENCE, "%s %.400s: %s", what, path, strerror(errno));
    return false;
}

static bool is_zero(const char *block, size_t size)
{
    return size == 0 || (block[0] == 0 && memcmp(block, block + 1, size - 1) == 0);
}

/* 1: something was written, 0: the end, -1: errno. */
static int copy_block(int from, int to, char *block, uint64_t *bytes)
{
    ssize_t size = read(from, block, BLOCK_SIZE);
    if (size <= 0)
        return (int)size;
    *bytes += (uint64_t)size;
    if (is_zero(block, (size_t)size))
        return lseek(to, size, SEEK_CUR) < 0 ? -1 : 1;
    for (ssize_t at = 0; at < size;) {
        ssize_t put = write(to, block + at, (size_t)(size - at));
        if (put <= 0)
            return -1;
        at += put;
    }
    return 1;
}

static bool copy_open(int from, int to, uint64_t *bytes)
{
    char *block = tt_alloc(BLOCK_SIZE);
    int result;
    do {
        result = copy_block(from, to, block, bytes);
    } while (result > 0);
    tt_free(block);
    off_t end = lseek(to, 0, SEEK_CUR);
    return result == 0 && end >= 0 && ftruncate(to, end) == 0 && fsync(to) == 0;
}

bool tt_tree_copy_file(const char *from, const char *to, uint64_t *bytes,
                       char sentence[TT_TREE_SENTENCE])
{
    int in = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (in < 0)
        return fail(sentence, "cannot read", from);
    int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool copied = out >= 0 && copy_open(in, out, bytes);
    if (!copied)
        fail(sentence, "cannot copy to", to);
    if (out >= 0)
        close(out);
    close(in);
    return copied;
}

bool tt_tree_sync(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool synced = fsync(fd) == 0;
    close(fd);
    return synced;
}

static bool join(char path[PATH_MAX], const char *folder, const char *name, char *sentence)
{
    if (snprintf(path, PATH_MAX, "%s/%s", folder, name) < PATH_MAX)
        return true;
    errno = ENAMETOOLONG;
    return fail(sentence, "cannot copy", folder);
}

static bool copy_entry(const char *from, const char *to, const char *name, uint64_t *bytes,
                       char *sentence)
{
    char source[PATH_MAX];
    char target[PATH_MAX];
    struct stat status;
    if (!join(source, from, name, sentence) || !join(target, to, name, sentence))
        return false;
    if (lstat(source, &status) != 0)
        return fail(sentence, "cannot read", source);
    if (S_ISDIR(status.st_mode))
        return tt_tree_copy(source, target, bytes, sentence);
    if (S_ISREG(status.st_mode))
        return tt_tree_copy_file(source, target, bytes, sentence);
    errno = EINVAL;
    return fail(sentence, "this is neither a file nor a folder:", source);
}

bool tt_tree_copy(const char *from, const char *to, uint64_t *bytes,
                  char sentence[TT_TREE_SENTENCE])
{
    DIR *entries = opendir(from);
    if (entries == NULL)
        return fail(sentence, "cannot read the folder", from);
    bool copied = mkdir(to, 0700) == 0;
    if (!copied)
        fail(sentence, "cannot make the folder", to);
    const struct dirent *entry;
    while (copied && (entry = readdir(entries)) != NULL) {
        const char *name = entry->d_name;
        if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0)
            copied = copy_entry(from, to, name, bytes, sentence);
    }
    closedir(entries);
    if (copied && !tt_tree_sync(to))
        return fail(sentence, "cannot sync", to);
    return copied;
}

/* By open folders, since who has the folder may exchange names in it meanwhile. */
static bool give_at(int dir_fd, const char *name, uid_t user, gid_t group)
{
    if (fchownat(dir_fd, name, user, group, AT_SYMLINK_NOFOLLOW) != 0)
        return false;
    int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOTDIR || errno == ELOOP;
    DIR *entries = fdopendir(fd);
    bool given = entries != NULL;
    const struct dirent *entry;
    while (given && (entry = readdir(entries)) != NULL)
        given = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
                give_at(fd, entry->d_name, user, group);
    if (entries != NULL)
        closedir(entries);
    else
        close(fd);
    return given;
}

bool tt_tree_give(const char *path, uid_t user, gid_t group)
{
    return give_at(AT_FDCWD, path, user, group);
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *where)
{
    (void)status;
    (void)type;
    (void)where;
    return remove(path);
}

bool tt_tree_remove(const char *path)
{
    return nftw(path, remove_entry, WALK_FDS, FTW_DEPTH | FTW_PHYS) == 0 || errno == ENOENT;
}
