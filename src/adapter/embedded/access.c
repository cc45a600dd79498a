#include "adapter/embedded/access.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEPTH_MAX 3 /* store, index, and what is in there */
#define NAME_SIZE 32

struct closed {
    char path[PATH_MAX];
    struct stat status;
};

static bool is_closed(const char *path, int rights, struct closed *closed)
{
    if (stat(path, &closed->status) != 0)
        return false;
    if (S_ISDIR(closed->status.st_mode))
        rights |= X_OK;
    if (faccessat(AT_FDCWD, path, rights, AT_EACCESS) == 0 || errno != EACCES)
        return false;
    snprintf(closed->path, sizeof(closed->path), "%s", path);
    return true;
}

static bool find_closed(const char *path, int rights, int depth, struct closed *closed)
{
    char below[PATH_MAX];
    if (is_closed(path, rights, closed))
        return true;
    DIR *entries = depth == 0 ? NULL : opendir(path);
    bool found = false;
    const struct dirent *entry;
    while (entries != NULL && !found && (entry = readdir(entries)) != NULL) {
        const char *name = entry->d_name;
        if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0 &&
            snprintf(below, sizeof(below), "%s/%s", path, name) < (int)sizeof(below))
            found = find_closed(below, rights, depth - 1, closed);
    }
    if (entries != NULL)
        closedir(entries);
    return found;
}

/* The folder itself, its lock and its store; whatever else lies there is not ours to judge. */
static bool find_in(const char *dir, int rights, struct closed *closed)
{
    static const char *const names[] = {"", "/store.lock", "/store"};
    char path[PATH_MAX];
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (snprintf(path, sizeof(path), "%s%s", dir, names[i]) < (int)sizeof(path) &&
            find_closed(path, rights, i == 2 ? DEPTH_MAX : 0, closed))
            return true;
    return false;
}

static const char *name_of(uid_t user, char name[NAME_SIZE])
{
    snprintf(name, NAME_SIZE, user == 0 ? "root" : "user %lu", (unsigned long)user);
    return name;
}

bool tt_access_explain(const char *dir, bool only_reads, char *sentence, size_t sentence_size)
{
    struct closed closed;
    struct stat folder;
    char owner[NAME_SIZE];
    char self[NAME_SIZE];
    char wanted[NAME_SIZE];
    if (!find_in(dir, only_reads ? R_OK : R_OK | W_OK, &closed) || stat(dir, &folder) != 0)
        return false;
    name_of(closed.status.st_uid, owner);
    name_of(geteuid(), self);
    if (closed.status.st_uid == geteuid())
        snprintf(sentence, sentence_size,
                 "%.300s is closed even to %s, whose it is (mode %03o); run: chmod -R u+rwX %.100s",
                 closed.path, owner, (unsigned)(closed.status.st_mode & 0777), dir);
    else if (folder.st_uid == geteuid())
        snprintf(sentence, sentence_size,
                 "%.300s belongs to %s, and this runs as %s; as root, run: chown -R %lu:%lu %.100s",
                 closed.path, owner, self, (unsigned long)folder.st_uid,
                 (unsigned long)folder.st_gid, dir);
    else
        snprintf(sentence, sentence_size,
                 "%.300s belongs to %s, and this runs as %s; run it as %s, whose data folder it is",
                 closed.path, owner, self, name_of(folder.st_uid, wanted));
    return true;
}
