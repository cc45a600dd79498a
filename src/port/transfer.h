/*
 * transfer: a whole store, read out or filled up while it serves nobody, for `twoticks move`.
 *
 * Unlike the store port it blocks, and belongs to the one who moves. Reading changes nothing.
 * Writing the same again changes nothing, either, so whoever was interrupted does the last part
 * once more. Everything that is answered lives in the arena that was given.
 *
 * list: ids of users or conversations in an order of the store's own, those behind `after` (empty:
 *   from the first), some at a time. `next` is the `after` of the next call; empty: these were the
 *   last. Users may be listed of whom nothing is known; none is listed twice.
 * read: fills in the dossiers whose ids are given (`user`, `is.id`), settled. NOT_FOUND: there is
 *   no such conversation.
 * read_messages: from that seq on, some at a time, without gaps; none: there are no more.
 * write: all but `messages` may be written in any order.
 * write_messages: of a conversation that was written.
 * save: returns when all that was written is on stable storage; `progress`, a line, is found by
 *   `load` then, and only then; an empty one takes back what was saved. `load` is for who goes on;
 *   empty: nothing was saved.
 * count: how much there is, as far as that is known without reading it all; 0: unknown.
 *
 * Errors: UNAVAILABLE (trying again may help), DISK_LOW, IO, CORRUPT; `sentence` says of the last
 * one what is wrong and what to do.
 */
#ifndef TT_PORT_TRANSFER_H
#define TT_PORT_TRANSFER_H

#include "model/dossier.h"

struct tt_transfer_page {
    tt_id *ids;
    size_t count;
    struct tt_slice next; /* without blanks */
};

struct tt_transfer_counts {
    uint64_t users;
    uint64_t conversations;
    uint64_t messages;
};

struct tt_transfer_port {
    void *self;
    tt_err (*list)(void *self, enum tt_dossier_kind kind, struct tt_slice after,
                   struct tt_arena *arena, struct tt_transfer_page *page);
    tt_err (*read)(void *self, struct tt_dossiers *dossiers, struct tt_arena *arena);
    tt_err (*read_messages)(void *self, const tt_id *conversation, tt_seq from,
                            struct tt_arena *arena, struct tt_message **messages, size_t *count);
    tt_err (*write)(void *self, const struct tt_dossiers *dossiers);
    tt_err (*write_messages)(void *self, const tt_id *conversation,
                             const struct tt_message *messages, size_t count);
    tt_err (*save)(void *self, struct tt_slice progress);
    tt_err (*load)(void *self, struct tt_arena *arena, struct tt_slice *progress);
    tt_err (*count)(void *self, struct tt_transfer_counts *counts);
    const char *(*sentence)(void *self);
};

#endif
