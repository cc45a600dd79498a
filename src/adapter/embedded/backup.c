#include "adapter/embedded/backup.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "adapter/embedded/folder.h"

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

tt_err tt_backup_write(struct tt_committer *committer, const char *dir, char *sentence)
{
    struct tt_folder folder;
    if (atomic_load(&committer->failed)) {
        snprintf(sentence, TT_EMBEDDED_SENTENCE_SIZE, "the store has failed; see the log");
        return TT_FAIL(UNAVAILABLE);
    }
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
