#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adapter/embedded/journal.h"
#include "adapter/embedded/journal_form.h"
#include "adapter/embedded/journal_newest.h"
#include "base/crc32c.h"
#include "base/memory.h"

#define SENTENCE_SIZE 256

struct scan {
    int dir_fd;
    tt_journal_visit visit;
    void *visit_context;
    struct tt_journal_map *map;
    char *sentence;
    size_t sentence_size;
    uint64_t newest; /* the number of a segment that has been there; 0: unknown */
};

/* One segment's file in memory. */
struct image {
    uint64_t number;
    struct tt_slice bytes;
    struct tt_journal_header header;
    bool has_header;
};

static tt_err damaged(const struct scan *scan, uint64_t segment, uint64_t at, const char *what)
{
    char name[TT_JOURNAL_NAME_SIZE];
    tt_journal_name(segment, name);
    snprintf(scan->sentence, scan->sentence_size,
             "store/journal/%s is damaged at byte %llu (%s); nothing was changed: restore the data "
             "folder from a backup, or keep a copy and ask for help",
             name, (unsigned long long)at, what);
    return TT_FAIL(CORRUPT);
}

static tt_err unreadable(const struct scan *scan, const char *name)
{
    snprintf(scan->sentence, scan->sentence_size,
             "store/journal/%s cannot be read: %s; make the file readable and start again", name,
             strerror(errno));
    return TT_FAIL(IO);
}

static int compare_numbers(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;
    return left < right ? -1 : left > right;
}

/* The numbers of all segment files, ascending; to be freed. */
static tt_err list_numbers(const struct scan *scan, uint64_t **numbers, size_t *count)
{
    *numbers = NULL;
    *count = 0;
    int fd = openat(scan->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (dir == NULL) {
        if (fd >= 0)
            close(fd);
        return unreadable(scan, "");
    }
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        uint64_t number;
        if (!tt_journal_name_parse(entry->d_name, &number) || *count == TT_JOURNAL_SEGMENTS_MAX)
            continue;
        *numbers = tt_grow(*numbers, *count + 1, sizeof(**numbers));
        (*numbers)[(*count)++] = number;
    }
    closedir(dir);
    if (*count > 0)
        qsort(*numbers, *count, sizeof(**numbers), compare_numbers);
    return TT_OK;
}

static tt_err read_all(int fd, char *bytes, size_t size, size_t *done)
{
    *done = 0;
    while (*done < size) {
        ssize_t got = pread(fd, bytes + *done, size - *done, (off_t)*done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return TT_FAIL(IO);
        if (got == 0)
            break;
        *done += (size_t)got;
    }
    return TT_OK;
}

static tt_err load(const struct scan *scan, uint64_t number, struct image *image)
{
    char name[TT_JOURNAL_NAME_SIZE];
    struct stat stat;
    tt_journal_name(number, name);
    *image = (struct image){.number = number};
    int fd = openat(scan->dir_fd, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return unreadable(scan, name);
    if (fstat(fd, &stat) != 0 || stat.st_size > TT_JOURNAL_SEGMENT_MAX) {
        close(fd);
        return unreadable(scan, name);
    }
    size_t size = (size_t)stat.st_size;
    size_t done = 0;
    char *bytes = tt_alloc(size + 1);
    tt_err err = read_all(fd, bytes, size, &done);
    close(fd);
    image->bytes = tt_slice(bytes, done);
    if (!tt_is_ok(err)) {
        tt_free(bytes);
        image->bytes = TT_SLICE_EMPTY;
        return unreadable(scan, name);
    }
    image->has_header = tt_journal_header_get(image->bytes, &image->header);
    return TT_OK;
}

static void unload(struct image *image)
{
    union {
        const char *borrowed;
        char *owned;
    } bytes = {image->bytes.data};
    tt_free(bytes.owned);
    image->bytes = TT_SLICE_EMPTY;
}

/* The furthest place that a frame of this segment anywhere behind `from` proves to have been
 * synced; 0: there is no such frame. */
static uint64_t proof_behind(const struct image *image, uint64_t from)
{
    uint64_t proven = 0;
    for (uint64_t at = (from + 7) & ~7ULL; at + TT_JOURNAL_FRAME_SIZE <= image->bytes.size;
         at += 8) {
        struct tt_journal_frame frame;
        if (image->bytes.data[at] != '\xff' ||
            !tt_journal_frame_get(tt_slice_from(image->bytes, (size_t)at), &frame))
            continue;
        if (frame.segment == image->number && frame.synced > proven)
            proven = frame.synced;
    }
    return proven;
}

/* The good frame at `at`, with its payload, if there is one. */
static bool frame_at(const struct image *image, uint64_t at, uint64_t next_record,
                     struct tt_journal_frame *frame, struct tt_slice *payload)
{
    if (at > image->bytes.size ||
        !tt_journal_frame_get(tt_slice_from(image->bytes, (size_t)at), frame))
        return false;
    if (frame->segment != image->number || frame->first_record != next_record)
        return false;
    struct tt_slice rest = tt_slice_from(image->bytes, (size_t)at + TT_JOURNAL_FRAME_SIZE);
    if (rest.size < frame->payload_size)
        return false;
    *payload = tt_slice(rest.data, frame->payload_size);
    return tt_crc32c(0, *payload) == frame->payload_crc;
}

static tt_err visit_records(const struct scan *scan, const struct image *image, uint64_t at,
                            const struct tt_journal_frame *frame, struct tt_slice payload)
{
    for (uint32_t i = 0; i < frame->record_count; i++) {
        uint32_t size = payload.size < 4 ? UINT32_MAX : tt_journal_get_u32(payload.data);
        if (payload.size < 4 || size > payload.size - 4)
            return damaged(scan, image->number, at, "a record is cut short");
        TT_TRY(scan->visit(scan->visit_context, frame->first_record + i,
                           tt_slice(payload.data + 4, size)));
        payload = tt_slice_from(payload, size + 4);
    }
    return payload.size == 0 ? TT_OK : damaged(scan, image->number, at, "bytes are left over");
}

/* A file that is shorter than it was made, with nothing but good frames up to its end, may have
 * lost some: then nobody can say that the last batch was the last. */
static bool may_be_cut(const struct image *image, uint64_t end)
{
    if (image->bytes.size >= image->header.size)
        return false;
    struct tt_slice rest =
        end >= image->bytes.size ? TT_SLICE_EMPTY : tt_slice_from(image->bytes, (size_t)end);
    return rest.size < TT_JOURNAL_FRAME_SIZE || rest.data[0] == '\xff';
}

static void count_torn(struct tt_journal_map *map, const struct image *image, uint64_t end)
{
    struct tt_journal_frame frame;
    if (end < image->bytes.size &&
        tt_journal_frame_get(tt_slice_from(image->bytes, (size_t)end), &frame) &&
        frame.segment == image->number)
        map->torn_size = tt_journal_frame_room(frame.payload_size);
}

/* Visits all good frames and finds out whether what follows them is a torn tail. `synced` is what
 * the next segment's header proves of this one; 0: this is the last one. */
static tt_err scan_frames(const struct scan *scan, const struct image *image, uint64_t synced)
{
    struct tt_journal_segment *segment = &scan->map->segments[scan->map->segment_count - 1];
    struct tt_journal_frame frame;
    struct tt_slice payload;
    uint64_t at = TT_JOURNAL_HEADER_SIZE;
    while (frame_at(image, at, segment->next_record, &frame, &payload)) {
        TT_TRY(visit_records(scan, image, at, &frame, payload));
        segment->next_record += frame.record_count;
        at += tt_journal_frame_room(payload.size);
    }
    uint64_t proven = proof_behind(image, at);
    if (synced > proven)
        proven = synced;
    if (proven > at)
        return damaged(scan, image->number, at, "a stored batch does not check");
    if (synced == 0 && may_be_cut(image, at))
        return damaged(scan, image->number, image->bytes.size, "the file was cut short");
    scan->map->next_record = segment->next_record;
    scan->map->end = at;
    count_torn(scan->map, image, at);
    return TT_OK;
}

static void add_segment(struct tt_journal_map *map, const struct tt_journal_header *header)
{
    map->segments = tt_grow(map->segments, map->segment_count + 1, sizeof(*map->segments));
    map->segments[map->segment_count++] = (struct tt_journal_segment){
        .number = header->number,
        .first_record = header->first_record,
        .next_record = header->first_record,
        .size = header->size,
    };
}

/* A file whose header was never synced holds no frame of that number, and where the header goes are
 * zeros, or that of the file's earlier life, or part of its own: it was being made when the power
 * went. Otherwise it is damaged. */
static bool was_begun(const struct scan *scan, const struct image *image)
{
    if (proof_behind(image, TT_JOURNAL_HEADER_SIZE) > 0)
        return true;
    if (scan->newest > 0 && image->number > scan->newest && tt_journal_header_is_part(image->bytes))
        return false;
    if (image->has_header)
        return image->header.number >= image->number;
    for (size_t i = 0; i < image->bytes.size && i < TT_JOURNAL_HEADER_SIZE; i++)
        if (image->bytes.data[i] != 0)
            return true;
    return false;
}

static tt_err scan_segment(const struct scan *scan, const struct image *image,
                           const struct image *next)
{
    const struct tt_journal_map *map = scan->map;
    const struct tt_journal_header *header = &image->header;
    if (!image->has_header || header->number != image->number ||
        header->size > TT_JOURNAL_SEGMENT_MAX || header->size < TT_JOURNAL_HEADER_SIZE)
        return damaged(scan, image->number, 0, "its header does not check");
    if (map->segment_count > 0 && header->first_record != map->next_record)
        return damaged(scan, image->number, 0, "records before it are missing");
    add_segment(scan->map, header);
    scan->map->next_record = header->first_record;
    return scan_frames(scan, image, next == NULL ? 0 : next->header.synced_before);
}

/* Loads the segment after; a last one that never was begun is none. */
static tt_err load_next(const struct scan *scan, const uint64_t *numbers, size_t *count,
                        size_t index, struct image *next)
{
    *next = (struct image){0};
    if (index >= *count)
        return TT_OK;
    TT_TRY(load(scan, numbers[index], next));
    bool usable = next->has_header && next->header.number == next->number;
    if (!usable && index + 1 == *count && next->number > scan->newest && !was_begun(scan, next)) {
        scan->map->unbegun = next->number;
        unload(next);
        (*count)--;
        *next = (struct image){0};
    }
    return TT_OK;
}

static tt_err scan_all(const struct scan *scan, const uint64_t *numbers, size_t count)
{
    struct image image = {0};
    struct image next = {0};
    tt_err err = load_next(scan, numbers, &count, 0, &next);
    for (size_t i = 0; tt_is_ok(err) && i < count; i++) {
        unload(&image);
        image = next;
        err = load_next(scan, numbers, &count, i + 1, &next);
        if (tt_is_ok(err))
            err = scan_segment(scan, &image, i + 1 < count ? &next : NULL);
    }
    unload(&image);
    unload(&next);
    return err;
}

static tt_err read_newest(struct scan *scan)
{
    tt_err err = tt_journal_newest_read(scan->dir_fd, &scan->newest);
    if (tt_err_is(err, TT_ERR_IO))
        return unreadable(scan, TT_JOURNAL_NEWEST_NAME);
    if (!tt_is_ok(err))
        snprintf(scan->sentence, scan->sentence_size,
                 "store/journal/%s is damaged; nothing was changed: restore the data folder from a "
                 "backup, or keep a copy and ask for help",
                 TT_JOURNAL_NEWEST_NAME);
    return err;
}

/* The last segment has none behind it that would miss it. */
static tt_err check_newest(const struct scan *scan, const uint64_t *numbers, size_t count)
{
    char name[TT_JOURNAL_NAME_SIZE];
    if (scan->newest <= (count == 0 ? 0 : numbers[count - 1]))
        return TT_OK;
    tt_journal_name(scan->newest, name);
    snprintf(scan->sentence, scan->sentence_size,
             "store/journal/%s is missing; nothing was changed: put it back, restore the data "
             "folder from a backup, or keep a copy and ask for help",
             name);
    return TT_FAIL(CORRUPT);
}

static tt_err sync_one(const struct tt_journal_options *options, uint64_t number)
{
    char name[TT_JOURNAL_NAME_SIZE];
    tt_journal_name(number, name);
    int fd = openat(options->dir_fd, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return TT_FAIL(IO);
    int failed = options->sync(options->sync_context, fd);
    close(fd);
    return failed == 0 ? TT_OK : TT_FAIL(IO);
}

tt_err tt_journal_sync_all(const struct tt_journal_options *options)
{
    char sentence[SENTENCE_SIZE];
    struct scan scan = {
        .dir_fd = options->dir_fd, .sentence = sentence, .sentence_size = sizeof(sentence)};
    uint64_t *numbers;
    size_t count;
    TT_TRY(list_numbers(&scan, &numbers, &count));
    tt_err err = TT_OK;
    for (size_t i = 0; i < count && tt_is_ok(err); i++)
        err = sync_one(options, numbers[i]);
    tt_free(numbers);
    return err;
}

tt_err tt_journal_scan(int dir_fd, tt_journal_visit visit, void *context,
                       struct tt_journal_map *map, char *sentence, size_t sentence_size)
{
    struct scan scan = {dir_fd, visit, context, map, sentence, sentence_size, 0};
    uint64_t *numbers;
    size_t count;
    *map = (struct tt_journal_map){0};
    TT_TRY(read_newest(&scan));
    TT_TRY(list_numbers(&scan, &numbers, &count));
    tt_err err = check_newest(&scan, numbers, count);
    if (tt_is_ok(err))
        err = scan_all(&scan, numbers, count);
    tt_free(numbers);
    if (!tt_is_ok(err))
        tt_journal_map_deinit(map);
    return err;
}

void tt_journal_map_deinit(struct tt_journal_map *map)
{
    tt_free(map->segments);
    *map = (struct tt_journal_map){0};
}
