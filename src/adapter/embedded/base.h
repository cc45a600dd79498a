/*
 * base: a store that is open and recovered, but serves nobody yet: what the server and `verify`
 * have in common.
 */
#ifndef TT_ADAPTER_EMBEDDED_BASE_H
#define TT_ADAPTER_EMBEDDED_BASE_H

#include "adapter/embedded/folder.h"
#include "adapter/embedded/index.h"
#include "adapter/embedded/journal.h"
#include "adapter/embedded/store.h"
#include "adapter/embedded/working.h"

/* An epoch is the number of the start and, below, how many connections came before in it. */
#define TT_EPOCH_SHIFT 32

struct tt_embedded_base {
    struct tt_embedded_options options; /* all filled in */
    struct tt_folder folder;
    struct tt_index *index;
    struct tt_working *working;
    struct tt_journal_map map;
};

/* Locks, checks, opens and recovers. As tt_embedded_store_open. */
TT_MUST_CHECK tt_err tt_embedded_base_open(const struct tt_embedded_options *options,
                                           struct tt_embedded_base *base,
                                           char sentence[TT_EMBEDDED_SENTENCE_SIZE]);
void tt_embedded_base_close(struct tt_embedded_base *base);

/* Fills in the options that were left open. DISK_LOW: there is no room to begin. */
TT_MUST_CHECK tt_err tt_embedded_base_size_up(struct tt_embedded_base *base,
                                              char sentence[TT_EMBEDDED_SENTENCE_SIZE]);

/* Begins the journal's next segment behind what was found. */
TT_MUST_CHECK tt_err tt_embedded_base_begin(struct tt_embedded_base *base,
                                            struct tt_journal **journal);

#endif
