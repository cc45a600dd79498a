#include "adapter/embedded/transfer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adapter/embedded/transfer_parts.h"
#include "base/memory.h"

#define MARK_SIZE_MAX 1024
#define MIB           (1024ULL * 1024)

static tt_err failed(struct tt_embedded_transfer *transfer, const char *what)
{
    snprintf(transfer->sentence, sizeof(transfer->sentence),
             "%s %.300s failed: %s; make room or check the disk, and run the same command again: "
             "it goes on where it was",
             what, transfer->base.options.dir, strerror(errno));
    return TT_FAIL(IO);
}

static tt_err index_failed(struct tt_embedded_transfer *transfer, tt_err err)
{
    snprintf(transfer->sentence, sizeof(transfer->sentence),
             "writing to %.200s failed (%.200s); make room or check the disk, and run the same "
             "command again: it goes on where it was",
             transfer->base.options.dir, tt_index_complaint(transfer->base.index));
    return err;
}

static bool write_file(const char *path, struct tt_slice text)
{
    char part[PATH_MAX + 8];
    snprintf(part, sizeof(part), "%s.new", path);
    int fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return false;
    bool written = write(fd, text.data, text.size) == (ssize_t)text.size && fsync(fd) == 0;
    return close(fd) == 0 && written && rename(part, path) == 0;
}

static tt_err save(void *self, struct tt_slice progress)
{
    struct tt_embedded_transfer *transfer = self;
    TT_ASSERT(progress.size < MARK_SIZE_MAX);
    if (transfer->fills) {
        tt_err err = tt_index_flush(transfer->base.index, true);
        if (!tt_is_ok(err))
            return index_failed(transfer, err);
    }
    bool kept = progress.size > 0 ? write_file(transfer->mark_path, progress)
                                  : unlink(transfer->mark_path) == 0 || errno == ENOENT;
    if (!kept || !tt_folder_sync_entries(transfer->base.options.dir))
        return failed(transfer, "noting the progress in");
    return TT_OK;
}

static tt_err load(void *self, struct tt_arena *arena, struct tt_slice *progress)
{
    struct tt_embedded_transfer *transfer = self;
    char *text = tt_arena_alloc(arena, MARK_SIZE_MAX);
    *progress = TT_SLICE_EMPTY;
    int fd = open(transfer->mark_path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? TT_OK : failed(transfer, "reading the progress in");
    ssize_t size = read(fd, text, MARK_SIZE_MAX - 1);
    close(fd);
    if (size < 0)
        return failed(transfer, "reading the progress in");
    *progress = tt_slice(text, (size_t)size);
    return TT_OK;
}

static const char *sentence(void *self)
{
    const struct tt_embedded_transfer *transfer = self;
    return transfer->sentence;
}

static tt_err checked(struct tt_embedded_transfer *transfer, tt_err err)
{
    if (tt_err_is(err, TT_ERR_CORRUPT))
        snprintf(transfer->sentence, sizeof(transfer->sentence),
                 "%.300s is damaged; `twoticks verify` says where", transfer->base.options.dir);
    else if (!tt_is_ok(err))
        (void)tt_is_ok(index_failed(transfer, err));
    return err;
}

static tt_err list(void *self, enum tt_dossier_kind kind, struct tt_slice after,
                   struct tt_arena *arena, struct tt_transfer_page *page)
{
    return checked(self, tt_transfer_list(self, kind, after, arena, page));
}

static tt_err read_dossiers(void *self, struct tt_dossiers *dossiers, struct tt_arena *arena)
{
    return checked(self, tt_transfer_read(self, dossiers, arena));
}

static tt_err read_messages(void *self, const tt_id *conversation, tt_seq from,
                            struct tt_arena *arena, struct tt_message **messages, size_t *count)
{
    return checked(self,
                   tt_transfer_read_messages(self, conversation, from, arena, messages, count));
}

/* What is written goes through memory to disk, so that the disk is looked at beforehand. */
static tt_err check_room(struct tt_embedded_transfer *transfer)
{
    const struct tt_embedded_options *options = &transfer->base.options;
    uint64_t free_bytes;
    uint64_t total_bytes;
    if (!options->disk.space(options->disk.context, options->dir, &free_bytes, &total_bytes) ||
        free_bytes >= options->low_watermark)
        return TT_OK;
    snprintf(transfer->sentence, sizeof(transfer->sentence),
             "the disk of %.300s is nearly full: %llu MiB are free, and %llu must stay so; make "
             "room, and run the same command again: it goes on where it was",
             options->dir, (unsigned long long)(free_bytes / MIB),
             (unsigned long long)(options->low_watermark / MIB + 1));
    return TT_FAIL(DISK_LOW);
}

static tt_err write_dossiers(void *self, const struct tt_dossiers *dossiers)
{
    TT_TRY(check_room(self));
    return checked(self, tt_transfer_write(self, dossiers));
}

static tt_err write_messages(void *self, const tt_id *conversation,
                             const struct tt_message *messages, size_t count)
{
    TT_TRY(check_room(self));
    return checked(self, tt_transfer_write_messages(self, conversation, messages, count));
}

struct tt_transfer_port tt_embedded_transfer_port(struct tt_embedded_transfer *transfer)
{
    return (struct tt_transfer_port){
        .self = transfer,
        .list = list,
        .read = read_dossiers,
        .read_messages = read_messages,
        .write = write_dossiers,
        .write_messages = write_messages,
        .save = save,
        .load = load,
        .count = tt_transfer_count,
        .sentence = sentence,
    };
}

tt_err tt_embedded_transfer_open(const struct tt_embedded_options *options,
                                 struct tt_embedded_transfer **opened,
                                 char sentence[TT_EMBEDDED_SENTENCE_SIZE])
{
    struct tt_embedded_options wanted = *options;
    struct tt_embedded_store *store;
    wanted.moves = true;
    wanted.offline = true; /* makes none where there is none */
    struct tt_embedded_transfer *transfer = tt_alloc(sizeof(*transfer));
    tt_err err = tt_embedded_base_open(&wanted, &transfer->base, sentence);
    if (tt_is_ok(err)) {
        tt_embedded_base_close(&transfer->base);
        wanted.offline = false;
        err = tt_embedded_store_open(&wanted, &store, sentence);
    }
    if (tt_is_ok(err)) {
        tt_embedded_store_close(&store);
        wanted.offline = true;
        err = tt_embedded_base_open(&wanted, &transfer->base, sentence);
    }
    if (!tt_is_ok(err)) {
        tt_free(transfer);
        return err;
    }
    transfer->start = tt_working_position(transfer->base.working)->start;
    snprintf(transfer->mark_path, sizeof(transfer->mark_path), "%s/" TT_FOLDER_MOVED, options->dir);
    *opened = transfer;
    return TT_OK;
}

static tt_err open_index(struct tt_embedded_transfer *transfer)
{
    struct tt_embedded_base *base = &transfer->base;
    char complaint[TT_EMBEDDED_SENTENCE_SIZE / 2] = "";
    struct tt_index_options options = {
        .path = base->folder.index_path,
        .memtable_size = base->options.memtable_size,
        .block_cache_size = base->options.cache_size,
    };
    tt_err err = tt_index_open(&options, &base->index, complaint, sizeof(complaint));
    if (!tt_is_ok(err)) {
        snprintf(transfer->sentence, sizeof(transfer->sentence),
                 "%.200s/store.moving cannot be opened (%.200s); remove it and begin again",
                 base->options.dir, complaint);
        return err;
    }
    struct tt_key key = tt_key_of_position();
    struct tt_position_row row = {0};
    err = tt_view_get(tt_index_latest(base->index), tt_key_slice(&key), &transfer->value);
    if (tt_is_ok(err))
        err = tt_row_unpack_position(tt_buffer_slice(&transfer->value), &row);
    transfer->start = row.start;
    return tt_err_is(err, TT_ERR_NOT_FOUND) ? tt_transfer_write_position(transfer)
                                            : checked(transfer, err);
}

static tt_err begin(struct tt_embedded_transfer *transfer)
{
    struct tt_embedded_base *base = &transfer->base;
    TT_TRY(tt_folder_begin_moving(base->options.dir, &base->folder, transfer->sentence,
                                  sizeof(transfer->sentence)));
    TT_TRY(tt_embedded_base_size_up(base, transfer->sentence));
    snprintf(transfer->mark_path, sizeof(transfer->mark_path), "%s/" TT_FOLDER_MOVING "/progress",
             base->options.dir);
    return open_index(transfer);
}

tt_err tt_embedded_transfer_begin(const struct tt_embedded_options *options,
                                  struct tt_embedded_transfer **begun,
                                  char sentence[TT_EMBEDDED_SENTENCE_SIZE])
{
    struct tt_embedded_transfer *transfer = tt_alloc(sizeof(*transfer));
    transfer->fills = true;
    transfer->base.options = *options;
    transfer->base.folder.lock_fd = transfer->base.folder.journal_fd = -1;
    tt_err err = begin(transfer);
    if (!tt_is_ok(err)) {
        memcpy(sentence, transfer->sentence, TT_EMBEDDED_SENTENCE_SIZE);
        tt_embedded_transfer_close(&transfer);
        return err;
    }
    *begun = transfer;
    return TT_OK;
}

tt_err tt_embedded_transfer_finish(struct tt_embedded_transfer *transfer)
{
    struct tt_embedded_base *base = &transfer->base;
    struct tt_journal *journal;
    tt_err err = tt_index_flush(base->index, true);
    if (!tt_is_ok(err))
        return index_failed(transfer, err);
    tt_index_close(&base->index);
    TT_TRY(tt_folder_clear_journal(&base->folder, transfer->sentence, sizeof(transfer->sentence)));
    err = tt_embedded_base_begin(base, &journal);
    if (!tt_is_ok(err))
        return failed(transfer, "making the journal in");
    tt_journal_destroy(&journal);
    TT_TRY(tt_folder_finish(&base->folder, transfer->sentence, sizeof(transfer->sentence)));
    char path[PATH_MAX];
    if (snprintf(path, sizeof(path), "%s/store/progress", base->options.dir) < (int)sizeof(path))
        (void)unlink(path); /* means nothing to anybody any more */
    return TT_OK;
}

void tt_embedded_transfer_close(struct tt_embedded_transfer **closed)
{
    struct tt_embedded_transfer *transfer = *closed;
    *closed = NULL;
    tt_buffer_deinit(&transfer->value);
    tt_buffer_deinit(&transfer->packed);
    tt_embedded_base_close(&transfer->base);
    tt_free(transfer);
}
