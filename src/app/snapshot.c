#include "app/snapshot.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adapter/clock_os.h"
#include "app/tree.h"

#define NAME      "snapshot-"
#define COUNT_MAX 1000

#define ABANDONED_MS 60000

int tt_snapshot_hold(const char *path)
{
    char name[PATH_MAX];
    if (snprintf(name, sizeof(name), "%s/store.lock", path) >= (int)sizeof(name))
        return -1;
    int fd = open(name, O_RDWR | O_CLOEXEC);
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

/* Made in part, or by hand: there is nothing by which somebody could hold it. */
static bool has_no_lock(const char *path)
{
    char name[PATH_MAX];
    return snprintf(name, sizeof(name), "%s/store.lock", path) < (int)sizeof(name) &&
           access(name, F_OK) != 0 && errno == ENOENT;
}

static void sweep_one(const char *dir, const char *name, int64_t older_than_ms)
{
    char path[PATH_MAX];
    struct stat status;
    if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path))
        return;
    if (lstat(path, &status) != 0 ||
        tt_clock_os_wall().ms - (int64_t)status.st_mtim.tv_sec * 1000 < older_than_ms)
        return;
    int held = tt_snapshot_hold(path);
    if (held < 0 && !has_no_lock(path))
        return;
    (void)tt_tree_remove(path);
    if (held >= 0)
        close(held);
}

void tt_snapshot_sweep(const char *dir, int64_t older_than_ms)
{
    DIR *entries = opendir(dir);
    const struct dirent *entry;
    while (entries != NULL && (entry = readdir(entries)) != NULL)
        if (strncmp(entry->d_name, NAME, strlen(NAME)) == 0)
            sweep_one(dir, entry->d_name, older_than_ms);
    if (entries != NULL)
        closedir(entries);
}

bool tt_snapshot_make(struct tt_embedded_store *store, const char *dir, char path[PATH_MAX],
                      char sentence[TT_SNAPSHOT_SENTENCE])
{
    tt_snapshot_sweep(dir, ABANDONED_MS);
    for (int number = 1; number <= COUNT_MAX; number++) {
        if (snprintf(path, PATH_MAX, "%s/" NAME "%d", dir, number) >= PATH_MAX)
            break;
        if (mkdir(path, 0700) != 0)
            continue;
        if (tt_is_ok(tt_embedded_store_backup(store, path, sentence)))
            return true;
        (void)tt_tree_remove(path);
        return false;
    }
    snprintf(sentence, TT_SNAPSHOT_SENTENCE, "no snapshot can be made in %.300s", dir);
    return false;
}
