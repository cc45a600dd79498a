#include "adapter/embedded/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "adapter/embedded/journal_form.h"
#include "adapter/embedded/journal_newest.h"
#include "base/buffer.h"
#include "base/crc32c.h"
#include "base/memory.h"

/* A fresh file is zeroed this far ahead of the writing, because writing into a hole costs the file
 * system a second write at each sync. */
#define ZERO_AHEAD     (1024 * 1024)
#define BATCH_KEPT_MAX (4 * 1024 * 1024)
#define SPARE_NAME     "spare"

struct tt_journal {
    struct tt_journal_options options;
    struct tt_journal_segment *segments; /* ascending; the last one is open */
    size_t segment_count;
    bool has_spare; /* a released segment waits under SPARE_NAME for its next life */
    int fd;         /* of the open segment */
    uint64_t tail;
    uint64_t synced;
    uint64_t zeroed;
    struct tt_buffer batch; /* room for a frame, then the payload */
    uint32_t batch_count;
};

static struct tt_journal_segment *open_segment(const struct tt_journal *journal)
{
    return &journal->segments[journal->segment_count - 1];
}

static tt_err write_at(int fd, struct tt_slice bytes, uint64_t at)
{
    while (bytes.size > 0) {
        ssize_t written = pwrite(fd, bytes.data, bytes.size, (off_t)at);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return TT_FAIL(IO);
        bytes = tt_slice_from(bytes, (size_t)written);
        at += (uint64_t)written;
    }
    return TT_OK;
}

static tt_err sync_file(struct tt_journal *journal)
{
    int failed = journal->options.sync(journal->options.sync_context, journal->fd);
    return failed == 0 ? TT_OK : TT_FAIL(IO);
}

static void reset_batch(struct tt_journal *journal)
{
    if (journal->batch.capacity > BATCH_KEPT_MAX)
        tt_buffer_deinit(&journal->batch);
    journal->batch.size = 0;
    tt_buffer_reserve(&journal->batch, TT_JOURNAL_FRAME_SIZE);
    tt_buffer_grow_by(&journal->batch, TT_JOURNAL_FRAME_SIZE);
    journal->batch_count = 0;
}

/* A file of that name: a spare one renamed, whose old frames carry another number, or a new one. */
static tt_err make_file(struct tt_journal *journal, const char *name)
{
    int dir_fd = journal->options.dir_fd;
    if (journal->has_spare) {
        if (renameat(dir_fd, SPARE_NAME, dir_fd, name) != 0)
            return TT_FAIL(IO);
        journal->has_spare = false;
        journal->fd = openat(dir_fd, name, O_RDWR | O_CLOEXEC);
        journal->zeroed = journal->options.segment_size;
        return journal->fd < 0 ? TT_FAIL(IO) : TT_OK;
    }
    journal->fd = openat(dir_fd, name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (journal->fd < 0)
        return TT_FAIL(IO);
    int failed = posix_fallocate(journal->fd, 0, (off_t)journal->options.segment_size);
    if (failed != 0) {
        unlinkat(dir_fd, name, 0);
        errno = failed;
        return TT_FAIL(IO);
    }
    journal->zeroed = 0;
    return TT_OK;
}

static void add_segment(struct tt_journal *journal, uint64_t number, uint64_t first_record)
{
    size_t count = journal->segment_count + 1;
    journal->segments = tt_grow(journal->segments, count, sizeof(*journal->segments));
    journal->segments[count - 1] = (struct tt_journal_segment){
        .number = number,
        .first_record = first_record,
        .next_record = first_record,
        .size = journal->options.segment_size,
    };
    journal->segment_count = count;
}

static tt_err zero_ahead(struct tt_journal *journal, uint64_t end)
{
    uint64_t size = journal->options.segment_size;
    if (end <= journal->zeroed)
        return TT_OK;
    uint64_t target = end + ZERO_AHEAD < size ? end + ZERO_AHEAD : size;
    size_t room = (size_t)(target - journal->zeroed);
    char *zeros = tt_alloc(room);
    tt_err err = write_at(journal->fd, tt_slice(zeros, room), journal->zeroed);
    tt_free(zeros);
    TT_TRY(err);
    journal->zeroed = target;
    return TT_OK;
}

/* The header is synced before any frame is written behind it, and then is the newest one. */
static tt_err begin_segment(struct tt_journal *journal, uint64_t number, uint64_t first_record,
                            uint64_t synced_before)
{
    char name[TT_JOURNAL_NAME_SIZE];
    char bytes[TT_JOURNAL_HEADER_SIZE];
    struct tt_journal_header header = {
        .number = number,
        .first_record = first_record,
        .size = journal->options.segment_size,
        .synced_before = synced_before,
    };
    if (journal->fd >= 0)
        close(journal->fd);
    journal->fd = -1;
    tt_journal_name(number, name);
    TT_TRY(make_file(journal, name));
    TT_TRY(zero_ahead(journal, TT_JOURNAL_HEADER_SIZE));
    tt_journal_header_put(&header, bytes);
    TT_TRY(write_at(journal->fd, tt_slice(bytes, sizeof(bytes)), 0));
    TT_TRY(sync_file(journal));
    if (fsync(journal->options.dir_fd) != 0)
        return TT_FAIL(IO);
    TT_TRY(tt_journal_newest_write(journal->options.dir_fd, number));
    add_segment(journal, number, first_record);
    journal->tail = journal->synced = TT_JOURNAL_HEADER_SIZE;
    return TT_OK;
}

static void remove_unbegun(int dir_fd, uint64_t number)
{
    char name[TT_JOURNAL_NAME_SIZE];
    if (number == 0)
        return;
    tt_journal_name(number, name);
    unlinkat(dir_fd, name, 0);
}

tt_err tt_journal_create(const struct tt_journal_options *options, struct tt_journal_map *map,
                         struct tt_journal **created)
{
    unlinkat(options->dir_fd, SPARE_NAME, 0);
    remove_unbegun(options->dir_fd, map->unbegun);
    struct tt_journal *journal = tt_alloc(sizeof(*journal));
    journal->options = *options;
    journal->fd = -1;
    journal->segments = map->segments;
    journal->segment_count = map->segment_count;
    uint64_t number =
        map->segment_count == 0 ? 1 : map->segments[map->segment_count - 1].number + 1;
    uint64_t next_record = map->next_record;
    uint64_t synced = map->end;
    *map = (struct tt_journal_map){0};
    reset_batch(journal);
    tt_err err = begin_segment(journal, number, next_record, synced);
    if (!tt_is_ok(err)) {
        tt_journal_destroy(&journal);
        return err;
    }
    *created = journal;
    return TT_OK;
}

void tt_journal_destroy(struct tt_journal **journal)
{
    if ((*journal)->fd >= 0)
        close((*journal)->fd);
    tt_buffer_deinit(&(*journal)->batch);
    tt_free((*journal)->segments);
    tt_free(*journal);
    *journal = NULL;
}

bool tt_journal_fits(const struct tt_journal *journal, size_t record_size)
{
    uint64_t room = journal->options.segment_size - TT_JOURNAL_HEADER_SIZE;
    return tt_journal_frame_room(record_size + 4) + TT_JOURNAL_FRAME_SIZE <= room;
}

void tt_journal_add(struct tt_journal *journal, const struct tt_record *record)
{
    size_t start = journal->batch.size;
    tt_buffer_add(&journal->batch, TT_SLICE_LITERAL("\0\0\0\0"));
    tt_record_encode(record, &journal->batch);
    size_t size = journal->batch.size - start - 4;
    TT_ASSERT(size <= UINT32_MAX);
    tt_journal_put_u32(journal->batch.data + start, (uint32_t)size);
    journal->batch_count++;
}

size_t tt_journal_batch_size(const struct tt_journal *journal)
{
    return journal->batch.size - TT_JOURNAL_FRAME_SIZE;
}

uint32_t tt_journal_batch_count(const struct tt_journal *journal)
{
    return journal->batch_count;
}

static void put_frame(const struct tt_journal *journal, struct tt_slice payload, uint32_t count,
                      char *at)
{
    const struct tt_journal_segment *segment = open_segment(journal);
    struct tt_journal_frame frame = {
        .payload_size = (uint32_t)payload.size,
        .segment = segment->number,
        .first_record = segment->next_record,
        .record_count = count,
        .synced = (uint32_t)journal->synced,
        .payload_crc = tt_crc32c(0, payload),
    };
    tt_journal_frame_put(&frame, at);
}

/* From here on damage to the batch before it is no torn tail. Lost in a power cut, it proves
 * nothing and is not missed. */
static tt_err write_marker(struct tt_journal *journal)
{
    char bytes[TT_JOURNAL_FRAME_SIZE];
    put_frame(journal, TT_SLICE_EMPTY, 0, bytes);
    TT_TRY(write_at(journal->fd, tt_slice(bytes, sizeof(bytes)), journal->tail));
    journal->tail += sizeof(bytes);
    return TT_OK;
}

tt_err tt_journal_commit(struct tt_journal *journal)
{
    struct tt_slice payload =
        tt_slice_from(tt_buffer_slice(&journal->batch), TT_JOURNAL_FRAME_SIZE);
    uint64_t room = tt_journal_frame_room(payload.size) + TT_JOURNAL_FRAME_SIZE;
    TT_ASSERT(journal->batch_count > 0);
    TT_ASSERT(TT_JOURNAL_HEADER_SIZE + room <= journal->options.segment_size);
    if (journal->tail + room > journal->options.segment_size) {
        const struct tt_journal_segment *full = open_segment(journal);
        TT_TRY(begin_segment(journal, full->number + 1, full->next_record, journal->synced));
    }
    TT_TRY(zero_ahead(journal, journal->tail + room));
    put_frame(journal, payload, journal->batch_count, journal->batch.data);
    TT_TRY(write_at(journal->fd, tt_buffer_slice(&journal->batch), journal->tail));
    TT_TRY(sync_file(journal));
    journal->tail += tt_journal_frame_room(payload.size);
    journal->synced = journal->tail;
    open_segment(journal)->next_record += journal->batch_count;
    reset_batch(journal);
    return write_marker(journal);
}

uint64_t tt_journal_next_record(const struct tt_journal *journal)
{
    return open_segment(journal)->next_record;
}

size_t tt_journal_segment_count(const struct tt_journal *journal)
{
    return journal->segment_count;
}

uint64_t tt_journal_disk_size(const struct tt_journal *journal)
{
    uint64_t size = journal->has_spare ? journal->options.segment_size : 0;
    for (size_t i = 0; i < journal->segment_count; i++)
        size += journal->segments[i].size;
    return size;
}

/* Failing does no harm: the index has got past what the file holds. */
static void retire(struct tt_journal *journal, const struct tt_journal_segment *segment)
{
    int dir_fd = journal->options.dir_fd;
    char name[TT_JOURNAL_NAME_SIZE];
    tt_journal_name(segment->number, name);
    if (!journal->has_spare && segment->size == journal->options.segment_size)
        journal->has_spare = renameat(dir_fd, name, dir_fd, SPARE_NAME) == 0;
    else
        unlinkat(dir_fd, name, 0);
}

void tt_journal_release(struct tt_journal *journal, uint64_t next_needed)
{
    size_t gone = 0;
    while (gone + 1 < journal->segment_count && journal->segments[gone].next_record <= next_needed)
        retire(journal, &journal->segments[gone++]);
    journal->segment_count -= gone;
    memmove(journal->segments, journal->segments + gone,
            journal->segment_count * sizeof(*journal->segments));
}
