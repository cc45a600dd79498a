/*
 * deadline: how long a connection may stay where it is, without a timer for each.
 *
 * There are few kinds of waiting, each with one fixed time, so of each kind a list in the order of
 * arrival is in the order of its ends, too: adding, leaving and looking for the next end all take
 * constant time.
 */
#ifndef TT_EDGE_DEADLINE_H
#define TT_EDGE_DEADLINE_H

#include "base/time.h"

enum tt_deadline_kind {
    TT_DEADLINE_NONE,
    TT_DEADLINE_HEAD,   /* the head of a request must have come */
    TT_DEADLINE_BODY,   /* its body */
    TT_DEADLINE_ANSWER, /* the core's answer */
    TT_DEADLINE_IDLE,   /* the next request */
    TT_DEADLINE_PAUSE,  /* frames that came too fast are read on */
    TT_DEADLINE_KINDS
};

struct tt_deadline {
    struct tt_deadline *next;
    struct tt_deadline *previous;
    tt_mono at;
    enum tt_deadline_kind kind;
};

struct tt_deadlines {
    struct tt_deadline lists[TT_DEADLINE_KINDS]; /* heads of rings */
    uint64_t ms[TT_DEADLINE_KINDS];
};

/* `ms` has a time for each kind; that of NONE does not matter. */
void tt_deadlines_init(struct tt_deadlines *deadlines, const uint64_t ms[TT_DEADLINE_KINDS]);

/* Begins to wait for this kind of end, instead of what was waited for before; NONE: for nothing. A
 * deadline begins zeroed. `now` must not go back. */
void tt_deadline_set(struct tt_deadlines *deadlines, struct tt_deadline *deadline,
                     enum tt_deadline_kind kind, tt_mono now);

/* The earliest end; 0 if nothing waits. */
tt_mono tt_deadlines_next(const struct tt_deadlines *deadlines);

/* One whose end has come, still waiting (set another one); NULL if there is none. */
struct tt_deadline *tt_deadlines_due(struct tt_deadlines *deadlines, tt_mono now);

#endif
