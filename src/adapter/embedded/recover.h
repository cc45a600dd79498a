/*
 * recover: brings the index to where the journal is, after a crash or a clean stop alike.
 */
#ifndef TT_ADAPTER_EMBEDDED_RECOVER_H
#define TT_ADAPTER_EMBEDDED_RECOVER_H

#include <stddef.h>
#include <stdint.h>

#include "adapter/embedded/journal.h"
#include "adapter/embedded/working.h"
#include "base/err.h"

/* Checks the whole journal and applies what the index does not yet reflect; `map` is then what was
 * found. CORRUPT or IO, with a sentence. */
TT_MUST_CHECK tt_err tt_recover(int journal_fd, struct tt_working *working,
                                struct tt_journal_map *map, char *sentence, size_t sentence_size);

#endif
