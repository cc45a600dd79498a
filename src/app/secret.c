#include "app/secret.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adapter/entropy_os.h"

#define KEY_BYTES 32

static void say(char *sentence, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void say(char *sentence, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, TT_SECRET_SENTENCE, format, arguments);
    va_end(arguments);
}

static bool path_of(const char *dir, const char *name, char path[PATH_MAX], char *sentence)
{
    int size = snprintf(path, PATH_MAX, "%s/%s", dir, name);
    if (size > 0 && size < PATH_MAX)
        return true;
    say(sentence, "the name of the data folder is too long");
    return false;
}

static bool is_there(const char *path)
{
    return access(path, F_OK) == 0 || errno != ENOENT;
}

/* What a first start leaves that did not come to its end, and what file systems have. */
static bool is_neutral(const char *name)
{
    static const char *const names[] = {"store.lock", "store.new", "secret.new", "lost+found"};
    bool neutral = name[0] == '.';
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        neutral = neutral || strcmp(name, names[i]) == 0;
    return neutral;
}

/* A folder that holds somebody's holiday pictures was named by mistake. */
static bool is_ours_or_empty(const char *dir, char *sentence)
{
    DIR *entries = opendir(dir);
    if (entries == NULL) {
        say(sentence, "cannot read the data folder %s: %s; check the folder's owner and rights",
            dir, strerror(errno));
        return false;
    }
    bool ours = false;
    bool foreign = false;
    const struct dirent *entry;
    while (!ours && (entry = readdir(entries)) != NULL) {
        const char *name = entry->d_name;
        ours = strcmp(name, "store") == 0 || strcmp(name, "secret") == 0;
        foreign = foreign || !is_neutral(name);
    }
    closedir(entries);
    if (ours || !foreign)
        return true;
    say(sentence, "%s holds other things than a twoticks server's; choose an empty folder", dir);
    return false;
}

bool tt_secret_make_folder(const char *dir, char sentence[TT_SECRET_SENTENCE])
{
    if (mkdir(dir, 0700) == 0)
        return true;
    struct stat stat_now;
    if (errno == EEXIST && stat(dir, &stat_now) == 0 && S_ISDIR(stat_now.st_mode))
        return is_ours_or_empty(dir, sentence);
    say(sentence, "cannot make the data folder %s: %s; make room, or choose another place", dir,
        errno == EEXIST ? "there is a file of that name" : strerror(errno));
    return false;
}

bool tt_secret_look_at_folder(const char *dir, char sentence[TT_SECRET_SENTENCE])
{
    return !is_there(dir) || tt_secret_make_folder(dir, sentence);
}

static bool check_open(int fd, const char *path, char *sentence)
{
    struct stat stat_now;
    if (fstat(fd, &stat_now) != 0 || !S_ISREG(stat_now.st_mode)) {
        say(sentence, "%s is no regular file; remove it", path);
        return false;
    }
    if ((stat_now.st_mode & 077) == 0)
        return true;
    say(sentence,
        "%s may be read by others than its owner; run `chmod 600 %s` (and, if somebody may "
        "have read it, delete it for a new one)",
        path, path);
    return false;
}

static bool read_open(int fd, const char *path, struct tt_secret *secret, char *sentence)
{
    ssize_t got = read(fd, secret->bytes, sizeof(secret->bytes));
    if (got < 0) {
        say(sentence, "cannot read %s: %s; check its owner and rights", path, strerror(errno));
        return false;
    }
    secret->size = (size_t)got;
    while (secret->size > 0 &&
           (secret->bytes[secret->size - 1] == '\n' || secret->bytes[secret->size - 1] == '\r'))
        secret->size--;
    secret->whole = secret->size;
    const char *end = memchr(secret->bytes, '\n', secret->size);
    if (end != NULL)
        secret->size = (size_t)(end - secret->bytes);
    if (secret->size > 0 && secret->bytes[secret->size - 1] == '\r')
        secret->size--;
    if (secret->size >= TT_SECRET_SIZE_MIN)
        return true;
    say(sentence, "%s is shorter than %d bytes; delete it, and the next start makes a good one",
        path, TT_SECRET_SIZE_MIN);
    return false;
}

bool tt_secret_next_older(const struct tt_secret *secret, size_t *at, struct tt_slice *line)
{
    struct tt_slice rest = tt_slice(secret->bytes, secret->whole);
    if (*at == 0)
        *at = secret->size;
    rest = tt_slice_from(rest, *at);
    while (rest.size > 0 && (rest.data[0] == '\n' || rest.data[0] == '\r'))
        rest = tt_slice_from(rest, 1);
    const char *end = rest.size > 0 ? memchr(rest.data, '\n', rest.size) : NULL;
    *line = tt_slice(rest.data, end == NULL ? rest.size : (size_t)(end - rest.data));
    *at = (size_t)(rest.data - secret->bytes) + line->size;
    if (line->size > 0 && line->data[line->size - 1] == '\r')
        line->size--;
    return line->size > 0;
}

bool tt_secret_read(const char *dir, struct tt_secret *secret, char sentence[TT_SECRET_SENTENCE])
{
    char path[PATH_MAX];
    if (!path_of(dir, "secret", path, sentence))
        return false;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        if (errno == ENOENT)
            say(sentence, "there is no %s; `twoticks serve --data %s` makes it at its first start",
                path, dir);
        else
            say(sentence, "cannot read %s: %s; check its owner and rights", path, strerror(errno));
        return false;
    }
    bool fine = check_open(fd, path, sentence) && read_open(fd, path, secret, sentence);
    close(fd);
    return fine;
}

static bool sync_folder(const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool synced = fsync(fd) == 0;
    close(fd);
    return synced;
}

static bool write_new(const char *path)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char key[KEY_BYTES];
    char line[2 * KEY_BYTES + 1];
    tt_entropy_os_fill(key, sizeof(key));
    for (size_t i = 0; i < KEY_BYTES; i++) {
        line[2 * i] = digits[key[i] >> 4];
        line[2 * i + 1] = digits[key[i] & 15];
    }
    line[2 * KEY_BYTES] = '\n';
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return false;
    bool written = fchmod(fd, 0600) == 0 &&
                   write(fd, line, sizeof(line)) == (ssize_t)sizeof(line) && fsync(fd) == 0;
    close(fd);
    return written;
}

/* Under another name first, so that a crash leaves no half a secret. */
bool tt_secret_read_or_make(const char *dir, struct tt_secret *secret,
                            char sentence[TT_SECRET_SENTENCE])
{
    char path[PATH_MAX];
    char fresh[PATH_MAX];
    if (!path_of(dir, "secret", path, sentence) || !path_of(dir, "secret.new", fresh, sentence))
        return false;
    if (is_there(path))
        return tt_secret_read(dir, secret, sentence);
    if (!write_new(fresh) || rename(fresh, path) != 0 || !sync_folder(dir)) {
        say(sentence, "cannot write %s: %s; make room, or check the folder's owner and rights",
            path, strerror(errno));
        return false;
    }
    return tt_secret_read(dir, secret, sentence);
}

bool tt_secret_look(const char *dir, struct tt_secret *secret, char sentence[TT_SECRET_SENTENCE])
{
    char path[PATH_MAX];
    secret->size = 0;
    secret->whole = 0;
    if (!path_of(dir, "secret", path, sentence))
        return false;
    return !is_there(path) || tt_secret_read(dir, secret, sentence);
}
