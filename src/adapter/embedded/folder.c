#include "adapter/embedded/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define FORMAT_TITLE   "twoticks embedded store\nversion "
#define FORMAT_VERSION 1
#define FORMAT_SIZE    64
#define WALK_FDS       16

struct place {
    const struct tt_folder *folder;
    char *sentence;
    size_t sentence_size;
};

static tt_err io_failed(const struct place *place, const char *what)
{
    snprintf(place->sentence, place->sentence_size,
             "%s in %s failed: %s; check the folder's owner, rights and disk", what,
             place->folder->dir, strerror(errno));
    return TT_FAIL(IO);
}

static bool path_of(const struct tt_folder *folder, const char *name, char path[PATH_MAX])
{
    int size = snprintf(path, PATH_MAX, "%s/%s", folder->dir, name);
    if (size > 0 && size < PATH_MAX)
        return true;
    errno = ENAMETOOLONG;
    return false;
}

/* Who only looks makes no lock file: where there is none, no server has had the folder. */
static tt_err lock(struct tt_folder *folder, const struct place *place, bool may_create)
{
    char path[PATH_MAX];
    if (may_create && mkdir(folder->dir, 0700) != 0 && errno != EEXIST)
        return io_failed(place, "making the data folder");
    if (!path_of(folder, "store.lock", path))
        return io_failed(place, "locking");
    int flags = may_create ? O_RDWR | O_CREAT : O_RDONLY;
    folder->lock_fd = open(path, flags | O_CLOEXEC, 0600);
    if (folder->lock_fd < 0 && !may_create && errno == ENOENT && access(folder->dir, F_OK) == 0)
        return TT_OK;
    if (folder->lock_fd < 0)
        return io_failed(place, "opening store.lock");
    if (flock(folder->lock_fd, LOCK_EX | LOCK_NB) == 0)
        return TT_OK;
    if (errno != EWOULDBLOCK)
        return io_failed(place, "locking");
    snprintf(place->sentence, place->sentence_size,
             "another twoticks has %s open; stop it first, or use another data folder",
             folder->dir);
    return TT_FAIL(CONFLICT);
}

static tt_err foreign(const struct place *place)
{
    snprintf(place->sentence, place->sentence_size,
             "%s/store is no twoticks store (its FORMAT file is missing or says otherwise); use "
             "another data folder, or restore this one from a backup",
             place->folder->dir);
    return TT_FAIL(INVALID);
}

static tt_err check_format(const struct tt_folder *folder, const struct place *place)
{
    char path[PATH_MAX];
    char text[FORMAT_SIZE + 1];
    if (!path_of(folder, "store/FORMAT", path))
        return io_failed(place, "reading store/FORMAT");
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT || errno == ENOTDIR ? foreign(place)
                                                   : io_failed(place, "reading store/FORMAT");
    ssize_t size = read(fd, text, FORMAT_SIZE);
    close(fd);
    text[size < 0 ? 0 : size] = '\0';
    const char *at = text + strlen(FORMAT_TITLE);
    if (strncmp(text, FORMAT_TITLE, strlen(FORMAT_TITLE)) != 0)
        return foreign(place);
    unsigned version = 0;
    for (; *at >= '0' && *at <= '9' && version < 1000; at++)
        version = version * 10 + (unsigned)(*at - '0');
    if (strcmp(at, "\n") != 0 || version == 0)
        return foreign(place);
    if (version == FORMAT_VERSION)
        return TT_OK;
    snprintf(place->sentence, place->sentence_size,
             "%s/store has format %u, and this twoticks knows format %d; run the newer twoticks "
             "that wrote it",
             folder->dir, version, FORMAT_VERSION);
    return TT_FAIL(INVALID);
}

static int remove_entry(const char *path, const struct stat *stat, int type, struct FTW *where)
{
    (void)stat;
    (void)type;
    (void)where;
    return remove(path);
}

static bool write_format(const char *path)
{
    char text[FORMAT_SIZE];
    int size = snprintf(text, sizeof(text), "%s%d\n", FORMAT_TITLE, FORMAT_VERSION);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return false;
    bool written = write(fd, text, (size_t)size) == size && fsync(fd) == 0;
    return close(fd) == 0 && written;
}

bool tt_folder_sync_entries(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool synced = fsync(fd) == 0;
    close(fd);
    return synced;
}

/* The parts of a store but for its index. */
static tt_err make_parts(const struct tt_folder *folder, const struct place *place)
{
    char path[PATH_MAX];
    char part[PATH_MAX];
    if (!path_of(folder, folder->made_as, path) || mkdir(path, 0700) != 0)
        return io_failed(place, "making a store");
    if (snprintf(part, sizeof(part), "%s/journal", path) >= (int)sizeof(part) ||
        mkdir(part, 0700) != 0)
        return io_failed(place, "making a journal");
    if (snprintf(part, sizeof(part), "%s/FORMAT", path) >= (int)sizeof(part) || !write_format(part))
        return io_failed(place, "writing FORMAT");
    return TT_OK;
}

static tt_err remove_made(const struct tt_folder *folder, const struct place *place)
{
    char path[PATH_MAX];
    if (!path_of(folder, folder->made_as, path))
        return io_failed(place, "making a store");
    if (nftw(path, remove_entry, WALK_FDS, FTW_DEPTH | FTW_PHYS) != 0 && errno != ENOENT)
        return io_failed(place, "removing an unfinished store");
    return TT_OK;
}

static tt_err begin_new(struct tt_folder *folder, const struct place *place)
{
    folder->made_as = "store.new";
    TT_TRY(remove_made(folder, place));
    return make_parts(folder, place);
}

static tt_err open_journal(struct tt_folder *folder, const struct place *place, const char *store)
{
    char path[PATH_MAX];
    int size = snprintf(path, sizeof(path), "%s/%s/journal", folder->dir, store);
    if (size > 0 && size < (int)sizeof(path))
        folder->journal_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return folder->journal_fd >= 0 ? TT_OK : io_failed(place, "opening the journal");
}

static tt_err find(struct tt_folder *folder, const struct place *place, bool may_create)
{
    char path[PATH_MAX];
    struct stat stat;
    if (!path_of(folder, "store", path))
        return io_failed(place, "looking for the store");
    folder->is_new = lstat(path, &stat) != 0 && errno == ENOENT;
    if (folder->is_new && !may_create) {
        snprintf(place->sentence, place->sentence_size,
                 "there is no store in %s; give the data folder that the server uses", folder->dir);
        return TT_FAIL(INVALID);
    }
    if (folder->is_new)
        TT_TRY(begin_new(folder, place));
    else
        TT_TRY(check_format(folder, place));
    TT_TRY(open_journal(folder, place, folder->is_new ? folder->made_as : "store"));
    return path_of(folder, "store/index", folder->index_path)
               ? TT_OK
               : io_failed(place, "opening the index");
}

tt_err tt_folder_open(const char *dir, bool may_create, struct tt_folder *folder, char *sentence,
                      size_t sentence_size)
{
    *folder = (struct tt_folder){.dir = dir, .lock_fd = -1, .journal_fd = -1};
    struct place place = {folder, sentence, sentence_size};
    tt_err err = lock(folder, &place, may_create);
    if (tt_is_ok(err))
        err = find(folder, &place, may_create);
    if (!tt_is_ok(err))
        tt_folder_close(folder);
    return err;
}

static tt_err find_moving(struct tt_folder *folder, const struct place *place)
{
    char path[PATH_MAX];
    struct stat stat;
    if (!path_of(folder, "store", path))
        return io_failed(place, "looking for the store");
    if (lstat(path, &stat) == 0) {
        snprintf(place->sentence, place->sentence_size,
                 "%s holds a store already: if it came by a move that is finished, serve it; else "
                 "give a folder without one",
                 folder->dir);
        return TT_FAIL(CONFLICT);
    }
    /* The format is what is written last: without it, making it was cut short. */
    folder->made_as = TT_FOLDER_MOVING;
    folder->is_new = true;
    if (!path_of(folder, TT_FOLDER_MOVING "/FORMAT", path))
        return io_failed(place, "looking for " TT_FOLDER_MOVING);
    if (lstat(path, &stat) != 0 || stat.st_size == 0) {
        TT_TRY(remove_made(folder, place));
        TT_TRY(make_parts(folder, place));
    }
    TT_TRY(open_journal(folder, place, TT_FOLDER_MOVING));
    return path_of(folder, TT_FOLDER_MOVING "/index", folder->index_path)
               ? TT_OK
               : io_failed(place, "opening the index");
}

tt_err tt_folder_begin_moving(const char *dir, struct tt_folder *folder, char *sentence,
                              size_t sentence_size)
{
    *folder = (struct tt_folder){.dir = dir, .lock_fd = -1, .journal_fd = -1};
    struct place place = {folder, sentence, sentence_size};
    tt_err err = lock(folder, &place, true);
    if (tt_is_ok(err))
        err = find_moving(folder, &place);
    if (!tt_is_ok(err))
        tt_folder_close(folder);
    return err;
}

tt_err tt_folder_clear_journal(struct tt_folder *folder, char *sentence, size_t sentence_size)
{
    struct place place = {folder, sentence, sentence_size};
    char path[PATH_MAX];
    int size = snprintf(path, sizeof(path), "%s/%s/journal", folder->dir, folder->made_as);
    close(folder->journal_fd);
    folder->journal_fd = -1;
    if (size < 0 || size >= (int)sizeof(path) ||
        (nftw(path, remove_entry, WALK_FDS, FTW_DEPTH | FTW_PHYS) != 0 && errno != ENOENT) ||
        mkdir(path, 0700) != 0)
        return io_failed(&place, "making the journal anew");
    return open_journal(folder, &place, folder->made_as);
}

tt_err tt_folder_check_moved(const struct tt_folder *folder, char *sentence, size_t sentence_size)
{
    struct place place = {folder, sentence, sentence_size};
    char path[PATH_MAX];
    struct stat stat;
    if (!path_of(folder, TT_FOLDER_MOVED, path))
        return io_failed(&place, "looking for " TT_FOLDER_MOVED);
    if (lstat(path, &stat) == 0) {
        snprintf(sentence, sentence_size,
                 "%s was moved to DynamoDB, or is just being moved (see %s): serve from there with "
                 "--store dynamodb, or finish by `twoticks move`; to go on from this folder after "
                 "all, remove that file: what was sent from there on is not in it",
                 folder->dir, path);
        return TT_FAIL(INVALID);
    }
    if (!path_of(folder, TT_FOLDER_MOVING "/progress", path))
        return io_failed(&place, "looking for " TT_FOLDER_MOVING);
    if (!folder->is_new || lstat(path, &stat) != 0)
        return TT_OK;
    snprintf(sentence, sentence_size,
             "a store is being moved into %s, and is not whole yet: run `twoticks move` again to "
             "finish, or remove the folder " TT_FOLDER_MOVING " in it",
             folder->dir);
    return TT_FAIL(INVALID);
}

tt_err tt_folder_finish(struct tt_folder *folder, char *sentence, size_t sentence_size)
{
    struct place place = {folder, sentence, sentence_size};
    char made[PATH_MAX];
    char path[PATH_MAX];
    if (!path_of(folder, folder->made_as, made) || !path_of(folder, "store", path) ||
        !tt_folder_sync_entries(made) || rename(made, path) != 0 ||
        !tt_folder_sync_entries(folder->dir))
        return io_failed(&place, "making the store");
    folder->is_new = false;
    return TT_OK;
}

void tt_folder_close(struct tt_folder *folder)
{
    if (folder->journal_fd >= 0)
        close(folder->journal_fd);
    if (folder->lock_fd >= 0)
        close(folder->lock_fd);
    folder->journal_fd = folder->lock_fd = -1;
}

bool tt_folder_space(void *context, const char *dir, uint64_t *free_bytes, uint64_t *total_bytes)
{
    struct statvfs stat;
    (void)context;
    if (statvfs(dir, &stat) != 0)
        return false;
    *free_bytes = (uint64_t)stat.f_bavail * stat.f_frsize;
    *total_bytes = (uint64_t)stat.f_blocks * stat.f_frsize;
    return true;
}

int tt_folder_sync(void *context, int fd)
{
    (void)context;
    return fdatasync(fd);
}
