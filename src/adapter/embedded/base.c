#include "adapter/embedded/base.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "adapter/embedded/access.h"
#include "adapter/embedded/recover.h"

#define MIB                 (1024ULL * 1024)
#define SEGMENT_SIZE        (64 * MIB)
#define SEGMENT_ALIGNMENT   4096ULL
#define SEGMENTS_PER_FREE   32
#define MEMTABLE_SIZE       (64 * MIB)
#define MEMTABLE_SIZE_MIN   (MIB / 2)
#define MEMTABLES_PER_DISK  64
#define CACHE_SIZE          (64 * MIB)
#define WATERMARK           (512 * MIB)
#define WATERMARKS_PER_DISK 20
#define READERS             2
#define SEGMENTS_KEPT_FREE  3
#define MEMTABLES_KEPT_FREE 12
#define MEMTABLES_TO_START  2

static uint64_t clamp(uint64_t number, uint64_t least, uint64_t most)
{
    if (number < least)
        return least;
    return number > most ? most : number;
}

/* Sizes follow the file system, so that a small one works too. What the store itself may need to
 * go on with acks, and to compact, stays free in any case. */
static void fill_in(struct tt_embedded_options *options, uint64_t free_bytes, uint64_t total_bytes)
{
    uint64_t segment_size =
        options->segment_size == 0
            ? clamp(free_bytes / SEGMENTS_PER_FREE, TT_JOURNAL_SEGMENT_MIN, SEGMENT_SIZE)
            : clamp(options->segment_size, TT_JOURNAL_SEGMENT_MIN, TT_JOURNAL_SEGMENT_MAX);
    options->segment_size = segment_size & ~(SEGMENT_ALIGNMENT - 1);
    if (options->memtable_size == 0)
        options->memtable_size =
            clamp(total_bytes / MEMTABLES_PER_DISK, MEMTABLE_SIZE_MIN, MEMTABLE_SIZE);
    if (options->cache_size == 0)
        options->cache_size = CACHE_SIZE;
    if (options->low_watermark == 0)
        options->low_watermark = clamp(total_bytes / WATERMARKS_PER_DISK, 0, WATERMARK);
    uint64_t own_need = clamp(SEGMENTS_KEPT_FREE * options->segment_size +
                                  MEMTABLES_KEPT_FREE * options->memtable_size,
                              0, WATERMARK);
    if (options->low_watermark < own_need)
        options->low_watermark = own_need;
    if (options->reader_threads == 0)
        options->reader_threads = READERS;
}

tt_err tt_embedded_base_size_up(struct tt_embedded_base *base,
                                char sentence[TT_EMBEDDED_SENTENCE_SIZE])
{
    struct tt_embedded_options *options = &base->options;
    uint64_t free_bytes = SEGMENT_SIZE * SEGMENTS_PER_FREE;
    uint64_t total_bytes = MEMTABLE_SIZE * MEMTABLES_PER_DISK;
    struct tt_embedded_disk *disk = &options->disk;
    if (disk->space == NULL)
        disk->space = tt_folder_space;
    if (disk->sync == NULL)
        disk->sync = tt_folder_sync;
    bool known = disk->space(disk->context, options->dir, &free_bytes, &total_bytes);
    fill_in(options, free_bytes, total_bytes);
    uint64_t needed = options->segment_size + MEMTABLES_TO_START * options->memtable_size;
    if (!known || options->offline || free_bytes >= needed)
        return TT_OK;
    snprintf(sentence, TT_EMBEDDED_SENTENCE_SIZE,
             "the disk of %s is full: %llu MiB are free and %llu are needed to start; make room "
             "and start again, everything acknowledged is there",
             options->dir, (unsigned long long)(free_bytes / MIB),
             (unsigned long long)(needed / MIB + 1));
    return TT_FAIL(DISK_LOW);
}

/* A new store gets its journal's first segment before it gets its name. */
static tt_err make_new(struct tt_embedded_base *base, char *sentence)
{
    struct tt_journal *journal;
    tt_err err = tt_embedded_base_begin(base, &journal);
    if (!tt_is_ok(err)) {
        snprintf(sentence, TT_EMBEDDED_SENTENCE_SIZE,
                 "making the journal in %s failed: %s; make room or check the disk",
                 base->options.dir, strerror(errno));
        return err;
    }
    tt_journal_destroy(&journal);
    return tt_folder_finish(&base->folder, sentence, TT_EMBEDDED_SENTENCE_SIZE);
}

static tt_err open_index(struct tt_embedded_base *base, char *sentence)
{
    char complaint[TT_EMBEDDED_SENTENCE_SIZE / 2] = "its position is damaged";
    struct tt_index_options options = {
        .path = base->folder.index_path,
        .memtable_size = base->options.memtable_size,
        .block_cache_size = base->options.cache_size,
        .only_reads = base->options.offline,
    };
    tt_err err = tt_index_open(&options, &base->index, complaint, sizeof(complaint));
    if (tt_is_ok(err))
        err = tt_working_create(base->index, base->options.cache_size, &base->working);
    if (tt_is_ok(err))
        return TT_OK;
    if (tt_err_is(err, TT_ERR_CONFLICT)) {
        snprintf(sentence, TT_EMBEDDED_SENTENCE_SIZE,
                 "%.64s has %.300s/store/index open, by the name of another data folder; stop it "
                 "first, or use another data folder",
                 complaint, base->options.dir);
        return err;
    }
    snprintf(sentence, TT_EMBEDDED_SENTENCE_SIZE,
             "store/index cannot be opened (%s); restore the data folder from a backup, or keep a "
             "copy and ask for help",
             complaint);
    return err;
}

static struct tt_journal_options journal_options(const struct tt_embedded_base *base)
{
    return (struct tt_journal_options){
        .dir_fd = base->folder.journal_fd,
        .segment_size = base->options.segment_size,
        .sync = base->options.disk.sync,
        .sync_context = base->options.disk.context,
    };
}

/* Else a power cut after recovery could leave an index that is ahead of the journal. */
static tt_err sync_before_index(const struct tt_embedded_base *base, char *sentence)
{
    struct tt_journal_options options = journal_options(base);
    tt_err err = tt_journal_sync_all(&options);
    if (!tt_is_ok(err))
        snprintf(sentence, TT_EMBEDDED_SENTENCE_SIZE,
                 "syncing the journal in %s failed: %s; check the disk", base->options.dir,
                 strerror(errno));
    return err;
}

static tt_err open_all(struct tt_embedded_base *base, char *sentence)
{
    TT_TRY(tt_folder_open(base->options.dir, !base->options.offline, &base->folder, sentence,
                          TT_EMBEDDED_SENTENCE_SIZE));
    if (!base->options.offline && !base->options.moves)
        TT_TRY(tt_folder_check_moved(&base->folder, sentence, TT_EMBEDDED_SENTENCE_SIZE));
    TT_TRY(tt_embedded_base_size_up(base, sentence));
    if (base->folder.is_new)
        TT_TRY(make_new(base, sentence));
    TT_TRY(open_index(base, sentence));
    if (!base->options.offline)
        TT_TRY(sync_before_index(base, sentence));
    return tt_recover(base->folder.journal_fd, base->working, &base->map, sentence,
                      TT_EMBEDDED_SENTENCE_SIZE);
}

tt_err tt_embedded_base_open(const struct tt_embedded_options *options,
                             struct tt_embedded_base *base,
                             char sentence[TT_EMBEDDED_SENTENCE_SIZE])
{
    *base = (struct tt_embedded_base){.options = *options};
    base->folder.lock_fd = base->folder.journal_fd = -1;
    sentence[0] = '\0';
    tt_err err = open_all(base, sentence);
    if (tt_err_is(err, TT_ERR_IO))
        (void)tt_access_explain(options->dir, options->offline, sentence,
                                TT_EMBEDDED_SENTENCE_SIZE);
    if (!tt_is_ok(err))
        tt_embedded_base_close(base);
    return err;
}

void tt_embedded_base_close(struct tt_embedded_base *base)
{
    tt_journal_map_deinit(&base->map);
    if (base->working != NULL)
        tt_working_destroy(&base->working);
    if (base->index != NULL)
        tt_index_close(&base->index);
    tt_folder_close(&base->folder);
}

tt_err tt_embedded_base_begin(struct tt_embedded_base *base, struct tt_journal **journal)
{
    struct tt_journal_options options = journal_options(base);
    return tt_journal_create(&options, &base->map, journal);
}
