/*
 * transfer: the transfer port (port/transfer.h) on a data folder.
 *
 * To be read, the folder's store is started once, as a server would, so that whoever was connected
 * when it crashed is not any more; then it is only looked at. What `save` keeps is DIR/moved, and
 * while that is there the store does not open to serve (base.c): a folder that was moved away must
 * not go on by itself.
 *
 * To be filled, a store is made as DIR/store.moving, beside what `save` keeps, and gets its name
 * when it is whole.
 */
#ifndef TT_ADAPTER_EMBEDDED_TRANSFER_H
#define TT_ADAPTER_EMBEDDED_TRANSFER_H

#include "adapter/embedded/store.h"
#include "port/transfer.h"

struct tt_embedded_transfer;

/* Opens the store in options->dir to be read. As tt_embedded_store_open; INVALID: there is none. */
TT_MUST_CHECK tt_err tt_embedded_transfer_open(const struct tt_embedded_options *options,
                                               struct tt_embedded_transfer **transfer,
                                               char sentence[TT_EMBEDDED_SENTENCE_SIZE]);

/* Begins a store in options->dir, which must hold none, or goes on with one that was begun.
 * CONFLICT: there is a store, or another process has it; INVALID or IO. */
TT_MUST_CHECK tt_err tt_embedded_transfer_begin(const struct tt_embedded_options *options,
                                                struct tt_embedded_transfer **transfer,
                                                char sentence[TT_EMBEDDED_SENTENCE_SIZE]);

struct tt_transfer_port tt_embedded_transfer_port(struct tt_embedded_transfer *transfer);

/* What was written becomes the folder's store. IO. */
TT_MUST_CHECK tt_err tt_embedded_transfer_finish(struct tt_embedded_transfer *transfer);

/* Sets *transfer to NULL. */
void tt_embedded_transfer_close(struct tt_embedded_transfer **closed);

#endif
