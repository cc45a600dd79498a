/*
 * planted: bugs that are planted in the core on purpose, to show that the simulator finds them.
 * They are compiled into the simulator's second copy of the core only (sim/sim_planted); in every
 * other build TT_IS_PLANTED is the constant false, and nothing of this is there.
 */
#ifndef TT_CORE_PLANTED_H
#define TT_CORE_PLANTED_H

/* name, what the simulator calls it, what is wrong */
#define TT_BUG_MAP(X)                                                                              \
    X(KICK_ANY, "kick-any", "a device's newest socket heeds the kick that is meant for an older")  \
    X(LATE_REGISTER, "late-register", "who could be registered only later reads nothing again")    \
    X(REGISTER_LAST, "register-last", "what waits is read before the device is registered")        \
    X(SENT_AHEAD, "sent-ahead-dropped", "a message answered with sent early is handed out too")    \
    X(NO_ACK_LIMIT, "no-ack-limit", "a device may ack what it was not handed")                     \
    X(NO_MEMBERSHIP, "no-membership", "who is no member is served as if he were")                  \
    X(STREAM_JUMPS, "stream-jumps", "a message that comes early is handed out, with a gap")        \
    X(NO_FIRST_STATUS, "no-first-status", "the first tick on a socket is not shown")               \
    X(DELIVERED_ON_WRITE, "delivered-on-write", "handing out counts as delivered")                 \
    X(NO_NODE_GONE, "no-node-gone", "nobody looks again when a server is gone")                    \
    X(NO_FORGOTTEN, "no-forgotten", "nobody registers again when the registry has forgotten")      \
    X(LEAVES_OFFLINE, "leaves-offline", "when one of two devices leaves, the user is offline")     \
    X(NO_PUSH_REPAIR, "no-push-repair", "the push timer tells nobody again")                       \
    X(OWN_LEFT_OUT, "own-left-out", "the sender's other devices are not told")                     \
    X(NO_GENERATION, "no-generation", "an old handle finds whoever has its place now")             \
    X(TICK_GOES_BACK, "tick-goes-back", "a late hint is shown as it is")                           \
    X(OLD_POSITION, "old-position", "a row of a replay is believed though its stream was dropped") \
    X(NO_CLAMP, "no-clamp", "last seen is shown as it is, in the future too")                      \
    X(UNKNOWN_LEFT, "unknown-left", "nobody looks what an append of unknown outcome has stored")   \
    X(ACK_LEFT, "ack-left", "an ack of unknown outcome is not tried again")                        \
    X(NO_SLOW_CLOSE, "no-slow-close", "a socket that takes nothing in is kept, and fills up")      \
    X(SCREEN_STAYS, "screen-stays", "closing a chat leaves it on the screen")                      \
    X(NO_REASSERT, "no-reassert", "nobody checks whether he is still registered")                  \
    X(CUT_ANY, "cut-any", "a late word of an unlinking cuts the socket of the next link")          \
    X(NO_LINKED_AT, "no-linked-at", "a hello does not say which link of the device it is")         \
    X(LATE_MARK, "late-mark", "a late mark of a GET overrides what was opened since")              \
    X(GONE_SOMETIME, "gone-sometime", "the word that somebody has gone does not say since when")   \
    X(TOLD_TWICE, "told-twice", "who was told of a message twice is told no more")                 \
    X(ACK_LEFT_LATER, "ack-left-later", "an ack of unknown outcome is tried again once only")      \
    X(SEEN_BLIND, "seen-blind", "of last seen an open chat believes the registry alone")           \
    X(SEEN_BACK, "seen-back", "an earlier last seen overwrites a later one on a screen")           \
    X(TASK_LEFT, "task-left", "who types leaves something behind")                                 \
    X(WATCHER_LEFT, "watcher-left", "nobody tells the registry that he watches no more")           \
    X(INFO_LEAKS, "info-leaks", "message info, why and the timeline answer who is no member")      \
    X(STRANGER_TOLD, "stranger-told", "who is no member is told that he may not, not not_found")   \
    X(RESENT_AS_NEW, "resent-as-new", "what is sent again is told with what it says now")          \
    X(CREATED_AGAIN, "created-again", "a message that is sent again over HTTP is answered as new") \
    X(RECEIPT_MIXED_UP, "receipt-mixed-up", "of a message's receipts, all show the same member's") \
    X(TIMELINE_LEAKS, "timeline-leaks", "the timeline tells when somebody hidden was there")       \
    X(ADDED_SHORT, "added-short", "conversation_added leaves out a member")

enum tt_bug {
    TT_BUG_NONE,
#define X(name, text, what) TT_BUG_##name,
    TT_BUG_MAP(X)
#undef X
};

#ifdef TT_PLANTED
/* Which one is there. A global: one process runs one simulator, and nothing of it is shipped. */
extern enum tt_bug tt_planted;
#define TT_IS_PLANTED(bug) (tt_planted == TT_BUG_##bug)
#else
#define TT_IS_PLANTED(bug) false
#endif

#endif
