/* The commands `backup` and `restore`. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adapter/embedded/folder.h"
#include "adapter/embedded/store.h"
#include "app/command.h"
#include "app/control.h"
#include "app/option.h"
#include "app/snapshot.h"
#include "app/tree.h"
#include "base/json.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define AT(field)    offsetof(struct values, field)
#define MIB          (1024.0 * 1024.0)

struct values {
    const char *data;
    const char *other; /* --to or --from */
};

static const struct tt_option backup_options[] = {
    TT_TEXT_ROW(AT(data), "data", "DIR", NULL, "the server's data folder"),
    TT_TEXT_ROW(AT(other), "to", "DIR", NULL, "the backup's folder, which is made"),
};

static const struct tt_command_spec backup_spec = {
    .name = "backup",
    .usage = "twoticks backup --data DIR --to DIR",
    .about =
        "Copies everything that a server keeps, while it runs or not: all that was acknowledged\n"
        "before is in the copy, which is then verified. Sends wait for a moment, nothing else\n"
        "does. Run it as the server's user or as root. The copy holds messages and the secret\n"
        "that signs tokens: keep it as safe as the data folder.",
    .examples = "  twoticks backup --data /var/lib/twoticks --to /backup/twoticks-monday",
    .options = backup_options,
    .option_count = COUNT(backup_options),
};

static const struct tt_option restore_options[] = {
    TT_TEXT_ROW(AT(other), "from", "DIR", NULL, "the backup's folder; it stays as it is"),
    TT_TEXT_ROW(AT(data), "data", "DIR", NULL, "the data folder to make; empty or not there"),
};

static const struct tt_command_spec restore_spec = {
    .name = "restore",
    .usage = "twoticks restore --from DIR --data DIR",
    .about = "Makes a data folder from a backup, and verifies it. What was sent after the backup\n"
             "is not in it. If DIR is there and empty, what is made belongs to its owner.",
    .examples = "  twoticks restore --from /backup/twoticks-monday --data /var/lib/twoticks",
    .options = restore_options,
    .option_count = COUNT(restore_options),
};

/* Beside the store; what is not there is not copied. */
static const char *const files[] = {"secret", "vapid.pem"};

static bool complain(const struct tt_command_spec *spec, const char *sentence)
{
    tt_option_complain(spec, "%s", sentence);
    return false;
}

static bool join(const struct tt_command_spec *spec, char path[PATH_MAX], const char *folder,
                 const char *more)
{
    if (snprintf(path, PATH_MAX, "%s%s", folder, more) < PATH_MAX)
        return true;
    return complain(spec, "the folder's name is too long");
}

static bool copy_part(const struct tt_command_spec *spec, const char *from, const char *to,
                      const char *name, uint64_t *bytes)
{
    char source[PATH_MAX];
    char target[PATH_MAX];
    char sentence[TT_TREE_SENTENCE];
    struct stat status;
    if (!join(spec, source, from, name) || !join(spec, target, to, name))
        return false;
    if (lstat(source, &status) != 0 && errno == ENOENT)
        return true;
    bool copied = S_ISDIR(status.st_mode) ? tt_tree_copy(source, target, bytes, sentence)
                                          : tt_tree_copy_file(source, target, bytes, sentence);
    return copied || complain(spec, sentence);
}

/* The store of one folder and the files of another. */
static bool copy_all(const struct tt_command_spec *spec, const char *store, const char *rest,
                     const char *to, uint64_t *bytes)
{
    char name[32];
    if (!copy_part(spec, store, to, "/store", bytes))
        return false;
    for (size_t i = 0; i < COUNT(files); i++) {
        snprintf(name, sizeof(name), "/%s", files[i]);
        if (!copy_part(spec, rest, to, name, bytes))
            return false;
    }
    return true;
}

static void print_problem(void *context, const char *sentence)
{
    (void)context;
    fprintf(stderr, "wrong: %s\n", sentence);
}

static bool verify(const struct tt_command_spec *spec, const char *dir,
                   struct tt_embedded_counts *counts)
{
    char sentence[TT_EMBEDDED_SENTENCE_SIZE];
    const struct tt_embedded_options options = {.dir = dir, .offline = true};
    const struct tt_embedded_findings findings = {.problem = print_problem};
    if (!tt_is_ok(tt_embedded_verify(&options, &findings, counts, sentence)))
        return complain(spec, sentence);
    if (counts->problems > 0)
        return complain(spec, "the copy is not whole; it is left there to be looked at");
    return true;
}

/* The folder in which `path` lies. */
static void parent_of(const char *path, char parent[PATH_MAX])
{
    snprintf(parent, PATH_MAX, "%s", path);
    size_t size = strlen(parent);
    while (size > 1 && parent[size - 1] == '/')
        parent[--size] = '\0';
    char *slash = strrchr(parent, '/');
    if (slash == NULL)
        snprintf(parent, PATH_MAX, ".");
    else
        slash[slash == parent ? 1 : 0] = '\0';
}

static bool put_in_place(const struct tt_command_spec *spec, const char *part, const char *to)
{
    char parent[PATH_MAX];
    parent_of(to, parent);
    if (tt_tree_sync(part) && rename(part, to) == 0 && tt_tree_sync(parent))
        return true;
    tt_option_complain(spec, "cannot give %s its name %s: %s", part, to, strerror(errno));
    return false;
}

static void report(const char *what, const char *dir, const struct tt_embedded_counts *counts,
                   uint64_t bytes)
{
    printf("%s %s: %llu conversations, %llu messages, %llu users; %.1f MiB, verified\n", what, dir,
           (unsigned long long)counts->conversations, (unsigned long long)counts->messages,
           (unsigned long long)counts->users, (double)bytes / MIB);
}

/* A fresh DIR.part to work in. */
static bool make_part(const struct tt_command_spec *spec, const char *to, char part[PATH_MAX])
{
    char plain[PATH_MAX];
    snprintf(plain, sizeof(plain), "%s", to);
    for (size_t size = strlen(plain); size > 1 && plain[size - 1] == '/';)
        plain[--size] = '\0';
    if (!join(spec, part, plain, ".part"))
        return false;
    if (mkdir(part, 0700) == 0)
        return true;
    if (errno == EEXIST)
        tt_option_complain(spec,
                           "%s is left from one that was cut short, or is under way; remove "
                           "it first",
                           part);
    else
        tt_option_complain(spec, "cannot make %s: %s", part, strerror(errno));
    return false;
}

static bool fill(const struct tt_command_spec *spec, const char *store, const char *rest,
                 const char *part, struct tt_embedded_counts *counts, uint64_t *bytes)
{
    return copy_all(spec, store, rest, part, bytes) && verify(spec, part, counts);
}

/* Whether the server has answered with the path of a snapshot. */
static bool read_answer(struct tt_slice answer, char path[PATH_MAX])
{
    static const char *const keys[] = {"path", "error"};
    struct tt_json values[COUNT(keys)];
    if (!tt_is_ok(tt_json_read_object(answer, keys, COUNT(keys), values)))
        return complain(&backup_spec, "the server's answer makes no sense; is it of this version?");
    bool done = values[0].kind == TT_JSON_STRING;
    struct tt_buffer text = {0};
    if (done || values[1].kind == TT_JSON_STRING)
        tt_json_unescape(values[done ? 0 : 1].text, &text);
    tt_buffer_add_byte(&text, '\0');
    snprintf(path, PATH_MAX, "%s", text.data);
    tt_buffer_deinit(&text);
    return done || complain(&backup_spec, path);
}

static bool back_up_running(const char *data, struct tt_slice answer, const char *part,
                            struct tt_embedded_counts *counts, uint64_t *bytes)
{
    char name[PATH_MAX];
    char path[PATH_MAX];
    if (!read_answer(answer, name) || !join(&backup_spec, path, data, name))
        return false;
    int held = tt_snapshot_hold(path);
    if (held < 0)
        return complain(&backup_spec, "the server's snapshot is gone; try again");
    bool filled = fill(&backup_spec, path, data, part, counts, bytes);
    (void)tt_tree_remove(path);
    close(held);
    return filled;
}

static bool back_up_stopped(const char *data, const char *part, struct tt_embedded_counts *counts,
                            uint64_t *bytes)
{
    char sentence[TT_EMBEDDED_SENTENCE_SIZE];
    struct tt_folder folder;
    if (!tt_is_ok(tt_folder_open(data, false, &folder, sentence, sizeof(sentence))))
        return complain(&backup_spec, sentence);
    bool filled = fill(&backup_spec, data, data, part, counts, bytes);
    tt_folder_close(&folder);
    return filled;
}

static bool back_up(const struct values *values)
{
    char part[PATH_MAX];
    char sentence[TT_CONTROL_SENTENCE];
    struct tt_buffer answer = {0};
    struct tt_embedded_counts counts = {0};
    uint64_t bytes = 0;
    bool reached = false;
    if (access(values->other, F_OK) == 0) {
        tt_option_complain(&backup_spec, "%s is there already; name a folder that is not",
                           values->other);
        return false;
    }
    if (access(values->data, R_OK | X_OK) != 0) {
        tt_option_complain(&backup_spec, "cannot read %s: %s", values->data, strerror(errno));
        return false;
    }
    if (!make_part(&backup_spec, values->other, part))
        return false;
    bool asked = tt_control_ask(values->data, TT_SLICE_LITERAL("{\"do\":\"backup\"}"), &answer,
                                &reached, sentence);
    bool made = reached && !asked ? complain(&backup_spec, sentence)
                : reached
                    ? back_up_running(values->data, tt_buffer_slice(&answer), part, &counts, &bytes)
                    : back_up_stopped(values->data, part, &counts, &bytes);
    tt_buffer_deinit(&answer);
    if (!made && counts.problems == 0)
        (void)tt_tree_remove(part);
    if (!made || !put_in_place(&backup_spec, part, values->other))
        return false;
    report("backed up to", values->other, &counts, bytes);
    return true;
}

static bool is_empty(const char *path)
{
    DIR *entries = opendir(path);
    bool empty = entries != NULL;
    const struct dirent *entry;
    while (empty && (entry = readdir(entries)) != NULL)
        empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
    if (entries != NULL)
        closedir(entries);
    return empty;
}

static bool restore(const struct values *values)
{
    char part[PATH_MAX];
    struct stat status;
    struct tt_embedded_counts counts = {0};
    uint64_t bytes = 0;
    bool is_there = lstat(values->data, &status) == 0;
    if (is_there && !(S_ISDIR(status.st_mode) && is_empty(values->data))) {
        tt_option_complain(&restore_spec,
                           "%s is not empty, and nothing is ever overwritten; move it away first",
                           values->data);
        return false;
    }
    if (!make_part(&restore_spec, values->data, part))
        return false;
    char store[PATH_MAX];
    bool found = join(&restore_spec, store, values->other, "/store") && access(store, R_OK) == 0;
    if (!found)
        tt_option_complain(&restore_spec, "%s is no backup that can be read: it has no store",
                           values->other);
    bool made = found && fill(&restore_spec, values->other, values->other, part, &counts, &bytes);
    if (made && is_there && geteuid() == 0)
        made = tt_tree_give(part, status.st_uid, status.st_gid) ||
               complain(&restore_spec, "the files cannot be given to the folder's owner");
    if (!made) {
        (void)tt_tree_remove(part);
        return false;
    }
    if (!put_in_place(&restore_spec, part, values->data))
        return false;
    report("restored", values->data, &counts, bytes);
    return true;
}

static int run(const struct tt_command_spec *spec, int argc, char **argv,
               bool (*carry_out)(const struct values *values))
{
    struct values values = {0};
    struct tt_positionals positionals;
    struct tt_arena arena = {0};
    enum tt_option_outcome outcome =
        tt_options_read(spec, argc, argv, &values, &positionals, &arena);
    int status = outcome == TT_OPTIONS_BAD ? TT_EXIT_USAGE : TT_EXIT_OK;
    if (outcome == TT_OPTIONS_READ && (values.data == NULL || values.other == NULL)) {
        tt_option_complain(spec, "two folders are needed: %s", spec->usage);
        status = TT_EXIT_USAGE;
    } else if (outcome == TT_OPTIONS_READ) {
        umask(S_IRWXG | S_IRWXO);
        status = carry_out(&values) ? TT_EXIT_OK : TT_EXIT_FAIL;
    }
    tt_arena_deinit(&arena);
    return status;
}

int tt_command_backup(int argc, char **argv)
{
    return run(&backup_spec, argc, argv, back_up);
}

int tt_command_restore(int argc, char **argv)
{
    return run(&restore_spec, argc, argv, restore);
}
