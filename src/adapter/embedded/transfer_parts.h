/*
 * transfer_parts: what the files of transfer share, and nobody else.
 */
#ifndef TT_ADAPTER_EMBEDDED_TRANSFER_PARTS_H
#define TT_ADAPTER_EMBEDDED_TRANSFER_PARTS_H

#include "adapter/embedded/base.h"
#include "adapter/embedded/read_parts.h"
#include "adapter/embedded/transfer.h"

struct tt_embedded_transfer {
    struct tt_embedded_base base; /* reading: all of it; filling: options, folder and index */
    bool fills;
    char mark_path[PATH_MAX];
    uint64_t start; /* number of the latest start, as the position row has it */
    struct tt_buffer value;
    struct tt_buffer packed;
    char sentence[TT_EMBEDDED_SENTENCE_SIZE];
};

/* A look at what is there now; valid until something is written. */
struct tt_reading tt_transfer_reading(struct tt_embedded_transfer *transfer,
                                      struct tt_arena *arena);

/* How the functions of the port are called. */
tt_err tt_transfer_list(void *self, enum tt_dossier_kind kind, struct tt_slice after,
                        struct tt_arena *arena, struct tt_transfer_page *page);
tt_err tt_transfer_read(void *self, struct tt_dossiers *dossiers, struct tt_arena *arena);
tt_err tt_transfer_read_messages(void *self, const tt_id *conversation, tt_seq from,
                                 struct tt_arena *arena, struct tt_message **messages,
                                 size_t *count);
tt_err tt_transfer_count(void *self, struct tt_transfer_counts *counts);
tt_err tt_transfer_write(void *self, const struct tt_dossiers *dossiers);
tt_err tt_transfer_write_messages(void *self, const tt_id *conversation,
                                  const struct tt_message *messages, size_t count);

/* Begins the rows of a new index. */
TT_MUST_CHECK tt_err tt_transfer_write_position(struct tt_embedded_transfer *transfer);

#endif
