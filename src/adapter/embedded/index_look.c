#include "adapter/embedded/index_look.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adapter/embedded/index_mend.h"
#include "base/memory.h"

#define SHADOW_NAME "/twoticks-index-XXXXXX"
#define WALK_FDS    16

/* RocksDB makes this folder for its log, and as it cannot, does without one. */
#define NO_FOLDER "/dev/null"

static bool join(char path[PATH_MAX], const char *folder, const char *name)
{
    return snprintf(path, PATH_MAX, "%s/%s", folder, name) < PATH_MAX;
}

static bool is_missing(const char *folder)
{
    char path[PATH_MAX];
    return join(path, folder, "CURRENT") && access(path, F_OK) != 0 &&
           (errno == ENOENT || errno == ENOTDIR);
}

static bool copy_all(int from, int to)
{
    ssize_t size;
    do {
        size = sendfile(to, from, NULL, SIZE_MAX / 4);
    } while (size > 0);
    return size == 0;
}

static bool copy_file(const char *from, const char *to)
{
    int in = open(from, O_RDONLY | O_CLOEXEC);
    int out = in < 0 ? -1 : open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool copied = out >= 0 && copy_all(in, out);
    if (in >= 0)
        close(in);
    return out >= 0 && close(out) == 0 && copied;
}

/* Tables never change, and are linked; what is mended is small. */
static bool shade(const char *folder, const char *shadow, const char *name)
{
    char from[PATH_MAX];
    char to[PATH_MAX];
    struct stat stat_now;
    if (!join(from, folder, name) || !join(to, shadow, name) || lstat(from, &stat_now) != 0)
        return false;
    if (!S_ISREG(stat_now.st_mode))
        return true;
    size_t size = strlen(name);
    bool is_table = size > 4 && strcmp(name + size - 4, ".sst") == 0;
    return is_table ? symlink(from, to) == 0 : copy_file(from, to);
}

static bool shade_all(const char *folder, const char *shadow)
{
    char whole[PATH_MAX];
    DIR *entries = realpath(folder, whole) == NULL ? NULL : opendir(whole);
    bool shaded = entries != NULL;
    const struct dirent *entry;
    while (shaded && (entry = readdir(entries)) != NULL)
        shaded = shade(whole, shadow, entry->d_name);
    if (entries != NULL)
        closedir(entries);
    return shaded;
}

static int remove_entry(const char *path, const struct stat *stat_now, int type, struct FTW *where)
{
    (void)stat_now;
    (void)type;
    (void)where;
    return remove(path);
}

static void remove_shadow(struct tt_index_look *look)
{
    if (look->shadow != NULL)
        (void)nftw(look->shadow, remove_entry, WALK_FDS, FTW_DEPTH | FTW_PHYS);
    tt_free(look->shadow);
    look->shadow = NULL;
}

static bool make_shadow(struct tt_index_look *look, const char *folder)
{
    const char *parent = getenv("TMPDIR");
    if (parent == NULL || parent[0] != '/')
        parent = P_tmpdir;
    size_t size = strlen(parent) + sizeof(SHADOW_NAME);
    look->shadow = tt_alloc(size);
    snprintf(look->shadow, size, "%s" SHADOW_NAME, parent);
    if (mkdtemp(look->shadow) != NULL && shade_all(folder, look->shadow))
        return true;
    remove_shadow(look);
    return false;
}

static rocksdb_t *open_shadow(struct tt_index_look *look, rocksdb_options_t *options,
                              const char *folder, const char *incoming, char **error)
{
    char path[PATH_MAX];
    if (!make_shadow(look, folder))
        return NULL;
    if (!join(path, look->shadow, incoming) || !tt_index_mend(look->shadow, path, *error)) {
        remove_shadow(look);
        return NULL;
    }
    rocksdb_free(*error);
    *error = NULL;
    look->due = "store/index is as a crash may leave it; the next start mends it";
    return rocksdb_open_for_read_only(options, look->shadow, 0, error);
}

rocksdb_t *tt_index_look_open(struct tt_index_look *look, rocksdb_options_t *options,
                              const char *folder, const char *incoming, char **error)
{
    *look = (struct tt_index_look){.env = NULL};
    if (is_missing(folder)) {
        look->env = rocksdb_create_mem_env();
        look->due = "store/index is not there; the next start makes it anew from the journal";
        rocksdb_options_set_env(options, look->env);
        return rocksdb_open(options, folder, error);
    }
    rocksdb_options_set_db_log_dir(options, NO_FOLDER);
    rocksdb_t *db = rocksdb_open_for_read_only(options, folder, 0, error);
    return *error == NULL ? db : open_shadow(look, options, folder, incoming, error);
}

void tt_index_look_close(struct tt_index_look *look)
{
    if (look->env != NULL)
        rocksdb_env_destroy(look->env);
    look->env = NULL;
    remove_shadow(look);
}
