/*
 * journal: the truth. What is synced here is stored; the index follows from it.
 *
 * A folder of segments, files of one preallocated size named journal-0000000001 and so on. A
 * segment is a header and then frames, each aligned to 8 bytes; a frame is one group commit: one
 * write and one sync. All numbers are little-endian; `crc` is the CRC32C of the bytes before it.
 *
 *   header   0  8  magic "\xffT\xfeJSEG1"
 *            8  8  number of the segment, as in its name
 *           16  8  number of the first record in it
 *           24  8  size of the segment
 *           32  8  how far the segment before it was synced, in bytes
 *           40  4  crc of bytes 0 to 39
 *
 *   frame    0  4  magic "\xffT\xfeJ"
 *            4  4  size of the payload
 *            8  8  number of the segment
 *           16  8  number of the first record in the frame
 *           24  4  count of records; 0: a marker
 *           28  4  everything of this segment before here was synced when the frame was written
 *           32  4  CRC32C of the payload
 *           36  4  crc of bytes 0 to 35
 *           40  .  payload: records, each as its size (4 bytes) and its bytes (record.h)
 *
 * Only what was never acknowledged can be torn, and it is at the very end. So a frame that does not
 * check is the torn tail, and cut off, unless something later proves that this place had been
 * synced: then it is damage, and the store does not start. The proof is the synced-up-to number
 * in any later frame or header; so that the last batch has one too, each batch is followed by a
 * marker, written before the batch is acknowledged and not synced. Content is UTF-8 and holds no
 * 0xff, so no message looks like a frame. Frames of an earlier life of a recycled file have
 * another segment number. Each start begins a new segment, so nothing is ever written after a tear.
 *
 * That the last segment is there at all is known from a file beside it (journal_newest.h).
 *
 * A segment is given up for recycling once the index, on disk, has got past its last record.
 */
#ifndef TT_ADAPTER_EMBEDDED_JOURNAL_H
#define TT_ADAPTER_EMBEDDED_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "adapter/embedded/record.h"
#include "base/err.h"

#define TT_JOURNAL_HEADER_SIZE  64
#define TT_JOURNAL_FRAME_SIZE   40
#define TT_JOURNAL_SEGMENT_MIN  (1024 * 1024)
#define TT_JOURNAL_SEGMENT_MAX  (1024 * 1024 * 1024)
#define TT_JOURNAL_SEGMENTS_MAX 4096

struct tt_journal_segment {
    uint64_t number;
    uint64_t first_record;
    uint64_t next_record; /* the number after its last one; the open segment's grows */
    uint64_t size;
};

/* What is there, as found by tt_journal_scan. */
struct tt_journal_map {
    struct tt_journal_segment *segments; /* ascending */
    size_t segment_count;
    uint64_t next_record;
    uint64_t torn_size; /* bytes of frames at the end that were cut off, as far as they tell */
    uint64_t end;       /* of the last segment's last good frame, in bytes */
    uint64_t unbegun;   /* the number of a last file that is no segment yet; 0: there is none */
};

/* Told of every record, in order; what it returns other than OK ends the scan. */
typedef tt_err (*tt_journal_visit)(void *context, uint64_t number, struct tt_slice bytes);

/* Reads all segments in the folder, checks every frame, and visits all records; changes nothing.
 * CORRUPT: damage that is no torn tail; IO: could not be read; or what `visit` said; `sentence`
 * then says what is wrong, unless `visit` did. */
TT_MUST_CHECK tt_err tt_journal_scan(int dir_fd, tt_journal_visit visit, void *context,
                                     struct tt_journal_map *map, char *sentence,
                                     size_t sentence_size);

void tt_journal_map_deinit(struct tt_journal_map *map);

struct tt_journal;

struct tt_journal_options {
    int dir_fd; /* borrowed */
    uint64_t segment_size;
    int (*sync)(void *context, int fd);
    void *sync_context;
};

/* Syncs all segments in the folder: what is found there may not have been synced before a crash,
 * and what builds on it, a segment or an index on disk, must not be there first. IO; errno says
 * why. */
TT_MUST_CHECK tt_err tt_journal_sync_all(const struct tt_journal_options *options);

/* Begins a new segment behind what was found, and removes a file that never was begun; takes the
 * map if it succeeds. IO. */
TT_MUST_CHECK tt_err tt_journal_create(const struct tt_journal_options *options,
                                       struct tt_journal_map *map, struct tt_journal **journal);
void tt_journal_destroy(struct tt_journal **journal);

/* Whether a record of this many encoded bytes fits at all. */
bool tt_journal_fits(const struct tt_journal *journal, size_t record_size);

/* Adds a record to the batch. It must fit (asserted at the commit). */
void tt_journal_add(struct tt_journal *journal, const struct tt_record *record);

/* Bytes and records of the batch so far. */
size_t tt_journal_batch_size(const struct tt_journal *journal);
uint32_t tt_journal_batch_count(const struct tt_journal *journal);

/* Writes and syncs the batch. IO: nobody knows what is stored; the journal must not be used again.
 * errno says why. */
TT_MUST_CHECK tt_err tt_journal_commit(struct tt_journal *journal);

/* The number of the next record: how many there have ever been. */
uint64_t tt_journal_next_record(const struct tt_journal *journal);

/* Segments in use, the open one too. */
size_t tt_journal_segment_count(const struct tt_journal *journal);
uint64_t tt_journal_disk_size(const struct tt_journal *journal);

/* All records below `next_needed` are in the index for good: recycles or removes what held only
 * such. */
void tt_journal_release(struct tt_journal *journal, uint64_t next_needed);

#endif
