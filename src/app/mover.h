/*
 * mover: carries everything from one store to another by the transfer port, and compares both.
 *
 * Each store keeps a mark, a line "ID STATE REST", by which a move that was cut short at any moment
 * is gone on with, by which two moves do not get mixed up, and by which nobody serves from a store
 * that is not, or no more, the true one:
 *
 *   source   leaving WHERE-TO    it is being copied
 *            left WHERE-TO       all of it is in the other one
 *   target   users CURSOR        users up to there are written, or written again without harm
 *            conversations CURSOR
 *            checking            all is written
 *            whole WHERE-FROM    all is compared
 *
 * The source's mark is set first in each step, so there is no moment at which both could serve.
 */
#ifndef TT_APP_MOVER_H
#define TT_APP_MOVER_H

#include "port/clock.h"
#include "port/transfer.h"

#define TT_MOVER_SENTENCE 768

enum tt_mover_phase { TT_MOVER_USERS, TT_MOVER_CONVERSATIONS, TT_MOVER_CHECKING };

struct tt_mover {
    struct tt_transfer_port source;
    struct tt_transfer_port target;
    const char *from; /* where the stores are, in words */
    const char *to;
    uint64_t made_up; /* the id of a new move */
    struct tt_clock_port clock;
    /* Whether a new move into the target may begin; CONFLICT, with a sentence. */
    tt_err (*may_begin)(void *context, char sentence[TT_MOVER_SENTENCE]);
    /* Returns when no server runs on either; CONFLICT if one does. The marks are set by then. */
    tt_err (*await_silence)(void *context, char sentence[TT_MOVER_SENTENCE]);
    void (*tell)(void *context, const struct tt_mover *mover); /* after each step */
    void *context;

    /* Filled in. */
    enum tt_mover_phase phase;
    bool goes_on;                      /* with what was begun before */
    bool was_done;                     /* before, all of it */
    struct tt_transfer_counts total;   /* of the source; 0: unknown */
    struct tt_transfer_counts done;    /* in this phase and run */
    struct tt_transfer_counts checked; /* at the end */
    uint64_t rows;                     /* compared */
    tt_mono saved_at;
    struct tt_slice id;
    char sentence[TT_MOVER_SENTENCE];
};

/* CONFLICT: this must not be moved there; else as the port's errors. `sentence` says what is wrong
 * and what to do. */
TT_MUST_CHECK tt_err tt_mover_run(struct tt_mover *mover);

/* Whether a store with that mark may serve; if not, `sentence` says why, and what to do. */
bool tt_mover_may_serve(struct tt_slice mark, char sentence[TT_MOVER_SENTENCE]);

/* Whether the mark says that the store is being copied, or was. */
bool tt_mover_is_leaving(struct tt_slice mark);

#endif
