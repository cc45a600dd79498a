#include "adapter/embedded/backup.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "adapter/embedded/folder.h"

#define MIB         (1024ULL * 1024)
#define SMALL_FILES MIB /* the list of files and its like */
#define TABLE_SHARE 8   /* what a table takes beside its rows, as a part of them, at most */

static tt_err failed(const char *what, const char *why, char *sentence)
{
    snprintf(sentence, TT_EMBEDDED_SENTENCE_SIZE, "%s failed: %s", what, why);
    return TT_FAIL(IO);
}

/* A journal without records, which begins where the index ends. */
static tt_err begin_journal(const struct tt_committer *committer, const struct tt_folder *folder,
                            char *sentence)
{
    const struct tt_journal_options options = {
        .dir_fd = folder->journal_fd,
        .segment_size = TT_JOURNAL_SEGMENT_MIN,
        .sync = committer->options.disk.sync,
        .sync_context = committer->options.disk.context,
    };
    struct tt_journal_map map = {.next_record = tt_working_position(committer->working)->applied};
    struct tt_journal *journal;
    if (!tt_is_ok(tt_journal_create(&options, &map, &journal)))
        return failed("making the backup's journal", strerror(errno), sentence);
    tt_journal_destroy(&journal);
    return TT_OK;
}

static tt_err link_index(const struct tt_committer *committer, const struct tt_folder *folder,
                         char *sentence)
{
    char path[PATH_MAX];
    char complaint[TT_EMBEDDED_SENTENCE_SIZE / 2] = "";
    if (snprintf(path, sizeof(path), "%s/store.new/index", folder->dir) >= (int)sizeof(path))
        return failed("naming the backup", strerror(ENAMETOOLONG), sentence);
    if (!tt_is_ok(tt_index_link(committer->index, path, complaint, sizeof(complaint))))
        return failed("linking the index", complaint, sentence);
    return TT_OK;
}

/* A disk that runs full under the index ends the server, so what is written here, and the journal's
 * next segment, must fit beforehand. That also lets merges wait that would begin now. */
static tt_err check_room(struct tt_committer *committer, char *sentence)
{
    const struct tt_embedded_options *options = &committer->options;
    uint64_t free_bytes;
    uint64_t total_bytes;
    uint64_t rows = tt_index_unflushed(committer->index);
    uint64_t needed =
        rows + rows / TABLE_SHARE + TT_JOURNAL_SEGMENT_MIN + SMALL_FILES + options->segment_size;
    tt_committer_check_disk(committer);
    if (!options->disk.space(options->disk.context, options->dir, &free_bytes, &total_bytes) ||
        free_bytes >= needed)
        return TT_OK;
    snprintf(sentence, TT_EMBEDDED_SENTENCE_SIZE,
             "the disk of %.300s is full: %llu MiB are free there, and a backup first needs %llu; "
             "make room and try again, the server goes on",
             options->dir, (unsigned long long)(free_bytes / MIB),
             (unsigned long long)(needed / MIB + 1));
    return TT_FAIL(DISK_LOW);
}

tt_err tt_backup_write(struct tt_committer *committer, const char *dir, char *sentence)
{
    struct tt_folder folder;
    if (atomic_load(&committer->failed)) {
        snprintf(sentence, TT_EMBEDDED_SENTENCE_SIZE, "the store has failed; see the log");
        return TT_FAIL(UNAVAILABLE);
    }
    TT_TRY(check_room(committer, sentence));
    if (!tt_is_ok(tt_index_flush(committer->index, true)))
        return failed("writing the index", tt_index_complaint(committer->index), sentence);
    TT_TRY(tt_folder_open(dir, true, &folder, sentence, TT_EMBEDDED_SENTENCE_SIZE));
    tt_err err = begin_journal(committer, &folder, sentence);
    if (tt_is_ok(err))
        err = link_index(committer, &folder, sentence);
    if (tt_is_ok(err))
        err = tt_folder_finish(&folder, sentence, TT_EMBEDDED_SENTENCE_SIZE);
    tt_folder_close(&folder);
    return err;
}
