/*
 * sent: by their hashes, all the client ids that were ever sent in one conversation, so that nearly
 * every message is known to be new without a look into the files. A conversation that was made here
 * is known from its beginning; of an older one the rows are read once it has been written to so
 * often that it pays. Of one with very many messages nothing is kept.
 *
 * For the committing thread.
 */
#ifndef TT_ADAPTER_EMBEDDED_SENT_H
#define TT_ADAPTER_EMBEDDED_SENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "adapter/embedded/index.h"

enum tt_sent_state { TT_SENT_UNKNOWN, TT_SENT_KNOWN, TT_SENT_TOO_MANY };

/* Zeroed: nothing is known. */
struct tt_sent {
    uint32_t *slots; /* 0: free */
    uint32_t capacity;
    uint32_t count;
    uint32_t looks; /* while UNKNOWN: how often it was asked */
    uint8_t state;  /* enum tt_sent_state */
};

/* Of a conversation in which nothing was sent yet. */
void tt_sent_begin(struct tt_sent *sent);
void tt_sent_deinit(struct tt_sent *sent);

/* From now on nothing is kept of it. */
void tt_sent_give_up(struct tt_sent *sent);

/* Bytes that it takes. */
size_t tt_sent_size(const struct tt_sent *sent);

/* Whether a row of that key is certainly not there. */
bool tt_sent_has_not(const struct tt_sent *sent, struct tt_slice key);

/* The row of that key is there from now on. */
void tt_sent_add(struct tt_sent *sent, struct tt_slice key);

/* Whether it pays to read the rows, of which there are no more than `messages`; once for each time
 * that somebody asked. */
bool tt_sent_is_worth_reading(struct tt_sent *sent, uint64_t messages);

/* Reads the rows that begin with `prefix`; no other ones may be on their way. CORRUPT or IO. */
TT_MUST_CHECK tt_err tt_sent_read(struct tt_sent *sent, const struct tt_view *view,
                                  struct tt_slice prefix);

#endif
