/*
 * store: the embedded store, which keeps everything of one server in one folder.
 *
 * A journal is the truth and the only thing that is synced; a RocksDB index behind it answers the
 * reads and may lag on disk (docs/storage.md). Ops that change something run on one committing
 * thread. A small read of what lies in memory is answered on the node's own thread; the others run
 * on a few reader threads. Each op that was submitted goes back through the sink of the node that
 * it came from, from whichever thread finished it.
 *
 * Whoever opens a store attaches its nodes, and detaches none: a port lives as long as the store.
 * All ops must have come back before the store is closed.
 */
#ifndef TT_ADAPTER_EMBEDDED_STORE_H
#define TT_ADAPTER_EMBEDDED_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "port/store.h"

/* With what a process ends whose disk failed, unless `fatal` says otherwise (EX_IOERR). */
#define TT_EMBEDDED_EXIT_CODE 74

#define TT_EMBEDDED_NODES_MAX     256
#define TT_EMBEDDED_SENTENCE_SIZE 512

/* The disk, as far as tests and crash drills want to play with it. NULL members: the real one. */
struct tt_embedded_disk {
    void *context;
    /* Free and total bytes of the file system that holds `dir`; false: unknown. */
    bool (*space)(void *context, const char *dir, uint64_t *free_bytes, uint64_t *total_bytes);
    /* Like fdatasync: 0, or -1 and errno. */
    int (*sync)(void *context, int fd);
};

/* 0, NULL or false: the default. */
struct tt_embedded_options {
    const char *dir;         /* the data folder; the store lives in DIR/store */
    uint64_t segment_size;   /* of the journal: 64 MiB, less on a small file system */
    uint64_t memtable_size;  /* of the index: 64 MiB, less on a small file system */
    uint64_t cache_size;     /* what is decoded, index blocks: 64 MiB each; client ids: a quarter */
    uint64_t low_watermark;  /* APPEND is refused below it: 512 MiB or 5 %, the smaller one */
    uint32_t reader_threads; /* 2 */
    bool offline;            /* only to look: nothing in the folder is changed */
    bool moves;              /* also while it is being moved, or after it was */
    struct tt_embedded_disk disk;
    /* Called once, from a store thread, when a write or a sync failed: nothing is acknowledged
     * any more and every further op ends in UNAVAILABLE. NULL: prints the sentence to stderr and
     * ends the process with TT_EMBEDDED_EXIT_CODE. */
    void (*fatal)(void *context, const char *sentence);
    void *fatal_context;
};

struct tt_embedded_store;

/* What a server shows of its store. */
struct tt_embedded_stats {
    uint64_t batches;      /* that were synced since the start */
    uint64_t records;      /* in them */
    uint64_t journal_size; /* bytes of the segments that are kept */
    uint64_t free_bytes;   /* on the file system, when last looked */
    bool disk_low;
};

/* Opens the store in `dir`, creating both if there is nothing yet; replays the journal. On failure
 * `sentence` says what is wrong and what to do: CONFLICT (another process has it open), INVALID
 * (a foreign folder, or a newer format), CORRUPT, DISK_LOW or IO. */
TT_MUST_CHECK tt_err tt_embedded_store_open(const struct tt_embedded_options *options,
                                            struct tt_embedded_store **store,
                                            char sentence[TT_EMBEDDED_SENTENCE_SIZE]);

/* The port of one more node. Asserts that there are at most TT_EMBEDDED_NODES_MAX. */
struct tt_store_port tt_embedded_store_attach(struct tt_embedded_store *store,
                                              struct tt_store_sink sink);

struct tt_embedded_stats tt_embedded_store_stats(struct tt_embedded_store *store);

/* From any thread but the store's own, while it is open: makes DIR, on the same file system, a data
 * folder with everything that is acknowledged by now, as a store that can be opened; the files of
 * the index are linked and not copied. Changes wait meanwhile: for the index to be written out,
 * which is a memtable at most. DISK_LOW (there is no room for that; nothing was written), IO,
 * UNAVAILABLE (the store has failed), with a sentence. */
TT_MUST_CHECK tt_err tt_embedded_store_backup(struct tt_embedded_store *store, const char *dir,
                                              char sentence[TT_EMBEDDED_SENTENCE_SIZE]);

/* Writes out the index, so that the next start has nothing to replay. Sets *store to NULL. */
void tt_embedded_store_close(struct tt_embedded_store **closed);

struct tt_embedded_counts {
    uint64_t conversations;
    uint64_t messages;
    uint64_t users;
    uint64_t pending_rows;
    uint64_t journal_records; /* that the kept segments hold */
    uint64_t problems;
};

/* Who is told what `verify` finds, a sentence at a time. */
struct tt_embedded_findings {
    void *context;
    void (*problem)(void *context, const char *sentence); /* it is wrong */
    /* NULL, or of what a crash left and the next start mends. */
    void (*note)(void *context, const char *sentence);
};

/* Checks everything that stored data can show, with the server stopped, and changes nothing. OK:
 * everything was looked at, counts.problems says how it went. Otherwise the store could not be
 * opened, as above. */
TT_MUST_CHECK tt_err tt_embedded_verify(const struct tt_embedded_options *options,
                                        const struct tt_embedded_findings *findings,
                                        struct tt_embedded_counts *counts,
                                        char sentence[TT_EMBEDDED_SENTENCE_SIZE]);

#endif
