/*
 * mutant: bugs that are planted on purpose, to show that the oracle finds them. Some are a wrong
 * fake or a wrong wire beside a core that is right, the others are in the core (core/planted.h) and
 * only there where it was built with them.
 */
#ifndef TT_SIM_MUTANT_H
#define TT_SIM_MUTANT_H

#include "base/slice.h"
#include "core/planted.h"

/* name, what is wrong */
#define TT_MUTANT_MAP(X)                                                                           \
    X(NONE, "none", "nothing is wrong")                                                            \
    X(NO_DEDUPE, "no-dedupe", "the store does not know a client_id again")                         \
    X(DEDUPE_NO_SENDER, "dedupe-without-sender", "two users may not use the same client_id")       \
    X(EARLY_APPEND, "early-append", "an append completes before it is durable")                    \
    X(EARLY_ADVANCE, "early-advance", "an ack completes before it is durable")                     \
    X(PENDING_NOT_ARMED, "pending-not-armed", "a message is stored, its pending row is not")       \
    X(PENDING_DROPPED, "pending-dropped", "the first device's ack removes the pending row")        \
    X(CURSOR_BLIND, "cursor-blind", "a cursor is assigned and not maximized")                      \
    X(CARRY_ALWAYS, "carry-always", "sending counts as having read")                               \
    X(LINK_AT_HEAD, "link-at-head", "a device that is new starts at the head")                     \
    X(STALE_MEMBERS, "stale-members", "an ack is answered with cursors read before it")            \
    X(EPOCH_STUCK, "epoch-stuck", "every connection of a device has the same epoch")               \
    X(UNKNOWN_IS_FAILED, "unknown-is-failed", "an unknown outcome is reported as a refusal")       \
    X(REPLAY_ONE_PAGE, "replay-one-page", "no read reaches beyond its first page")                 \
    X(UNREGISTER_BLIND, "unregister-blind", "an old socket's end removes the new one's entry")     \
    X(WATCHERS_LOST, "watchers-lost", "the registry tells nobody who watches")                     \
    X(BUS_DEAD, "bus-dead", "no hint arrives, and nobody is told")                                 \
    X(BUS_MIXED_UP, "bus-mixed-up", "one hint in a hundred carries a wrong seq")                   \
    X(UNRUNG_EMPTY, "unrung-empty", "the store knows of nothing that has not rung")                \
    X(PUSHED_BLIND, "pushed-blind", "what was armed counts as rung for")                           \
    X(RING_SWALLOWED, "ring-swallowed", "one ring in twenty is answered and makes no sound")       \
    X(RING_DOUBLED, "ring-doubled", "one ring in a hundred is rung twice")                         \
    X(WRONG_SOCKET, "wrong-socket", "one frame in a thousand goes to another socket")              \
    X(SEQ_REUSED, "seq-reused", "one append in thirty gets the seq of the one before")             \
    X(PUSHED_IS_DELIVERED, "pushed-is-delivered", "ringing removes the pending row")               \
    X(ACK_ANY_LINK, "ack-any-link", "an ack moves the position of a later link of its device")     \
    X(PENDING_BEHIND, "pending-behind", "a pending row goes though a newer message is armed")      \
    X(ANSWER_WINS, "answer-wins", "a client believes a GET more than what its socket said since")  \
    X(LAST_SEEN_LOST, "last-seen-lost", "a crash leaves no last seen of who was connected")        \
    X(LAST_SEEN_BACK, "last-seen-back", "an earlier last seen overwrites a later one")             \
    X(LAST_SEEN_LATE, "last-seen-late", "who was on a dead server was seen when it is noticed")    \
    X(PENDING_STAYS, "pending-stays", "one pending row in twenty stays though all have all")       \
    X(DEDUPE_NO_CHAT, "dedupe-without-conversation", "a client_id is good for one conversation")   \
    X(DEDUPE_NEW_CONTENT, "dedupe-new-content", "what is sent again overwrites what is stored")    \
    X(LIST_STALE, "list-stale", "the list shows the last message but one")                         \
    X(LIST_LATE, "list-late", "the list shows a conversation as it was a message ago")             \
    X(LIST_SHORT, "list-short", "the list leaves out its last conversation")                       \
    X(LIST_TICKS, "list-ticks", "the list shows ticks as they were a message ago")                 \
    X(SNAPSHOT_LATE, "snapshot-late", "a chat that is opened lacks its last message")              \
    X(UNREAD_OWN, "unread-own", "one's own messages count as unread")                              \
    X(HISTORY_SHORT, "history-short", "the timeline leaves out what happened first")

enum tt_mutant {
#define X(name, text, what) TT_MUTANT_##name,
    TT_MUTANT_MAP(X)
#undef X
#define X(name, text, what) TT_MUTANT_CORE_##name,
        TT_BUG_MAP(X)
#undef X
            TT_MUTANT_END
};

#define TT_MUTANT_COUNT ((size_t)TT_MUTANT_END)

/* The bug in the core that it is; TT_BUG_NONE: it is beside the core. */
enum tt_bug tt_mutant_bug(enum tt_mutant mutant);

const char *tt_mutant_name(enum tt_mutant mutant);
const char *tt_mutant_what(enum tt_mutant mutant);

/* Whether there is a mutant of that name. */
bool tt_mutant_find(struct tt_slice name, enum tt_mutant *mutant);

#endif
