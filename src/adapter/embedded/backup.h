/*
 * backup: a second data folder beside a store that goes on. Written between two batches: the index
 * is brought to disk and its files, which never change, are linked; a journal begins anew behind
 * it. So whatever was acknowledged before is in it, and nothing of what was not.
 */
#ifndef TT_ADAPTER_EMBEDDED_BACKUP_H
#define TT_ADAPTER_EMBEDDED_BACKUP_H

#include "adapter/embedded/committer.h"
#include "base/err.h"

/* On the committing thread; as tt_embedded_store_backup. */
TT_MUST_CHECK tt_err tt_backup_write(struct tt_committer *committer, const char *dir,
                                     char *sentence);

#endif
