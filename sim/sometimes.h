/*
 * sometimes: what must have happened now and then over a sweep of seeds. A fault that never comes,
 * or a way that is never gone, proves nothing; the hunt counts them all, and one that stays at zero
 * is an error.
 */
#ifndef TT_SIM_SOMETIMES_H
#define TT_SIM_SOMETIMES_H

#include <stdint.h>

/* name, what it says in the report */
#define TT_SOMETIMES_MAP(X)                                                                        \
    X(crashed, "a server crashed between two turns")                                               \
    X(crashed_amid_effects, "a server crashed between two effects of a step")                      \
    X(batch_cut, "a crash let part of what was under way through")                                 \
    X(batch_lost, "a crash lost something that was not acknowledged")                              \
    X(stood_still, "a server stood still")                                                         \
    X(drained, "a server was drained")                                                             \
    X(store_failed_before, "a store op failed without effect")                                     \
    X(store_failed_after, "a store op took effect and failed")                                     \
    X(store_failed_late, "a store op took effect long after it had failed")                        \
    X(store_away_from_one, "one server's ops at the store failed, the others' did not")            \
    X(store_stalled_for_one, "one server's ops at the store stood still, the others' did not")     \
    X(disk_was_low, "a write was refused because the disk is almost full")                         \
    X(unknown_resolved, "a send of unknown outcome turned out to be stored")                       \
    X(dedupe_hit, "a client_id was known already")                                                 \
    X(registry_failed, "a registry op failed")                                                     \
    X(registry_forgot, "the registry forgot everything")                                           \
    X(registry_fell_back, "the registry failed over to an older state")                            \
    X(registry_split, "a server could not reach the registry")                                     \
    X(lease_ended_early, "a lease ended though its server lives")                                  \
    X(node_gone_told, "a server's end was told to the others")                                     \
    X(fenced, "an older connection was refused by its epoch")                                      \
    X(replaced, "a device's older socket was closed for its newer one")                            \
    X(hint_lost, "a hint was lost")                                                                \
    X(hint_cut_off, "a hint was lost between two servers that could not reach each other")         \
    X(hint_cut_off_one_way, "a server could not reach another one, which could reach it")          \
    X(hint_doubled, "a hint came twice")                                                           \
    X(hint_overtaken, "a hint was overtaken by a later one")                                       \
    X(hint_stale, "a message came that had been handed out already")                               \
    X(gap_filled, "a gap was noticed by its seq and read")                                         \
    X(repaired_by_push_timer, "a lost hint was made good by the push timer")                       \
    X(repaired_by_refresh, "a lost hint was made good by the refresh of an open chat")             \
    X(page_two, "a replay had a second page")                                                      \
    X(pending_page_two, "the pending rows had a second page")                                      \
    X(hello_anew, "a device started anew")                                                         \
    X(hello_resumed, "a device resumed")                                                           \
    X(slow_consumer_closed, "a socket that takes nothing in was closed")                           \
    X(heartbeat_missed, "a dead socket was noticed by its heartbeat")                              \
    X(half_open_at_server, "a connection was half-open, and the server did not know")              \
    X(half_open_at_device, "a connection was half-open, and the device did not know")              \
    X(ack_refused, "an ack of what was not handed out was refused")                                \
    X(rate_limited, "somebody was too fast")                                                       \
    X(lied, "a device lied")                                                                       \
    X(pried, "somebody was refused an answer about a chat that is not his")                        \
    X(said_anew, "a client_id came again with another content")                                    \
    X(said_elsewhere, "a client_id came again from another device")                                \
    X(id_shared, "a client_id was used in two conversations")                                      \
    X(history_told, "message info, `why` or the timeline was told")                                \
    X(added_told, "a conversation was announced to a socket")                                      \
    X(clock_jumped, "a server's wall clock jumped")                                                \
    X(last_seen_shown, "a last seen was shown")                                                    \
    X(seen_of_crash, "a last seen was shown that a crash had left")                                \
    X(last_seen_in_time, "a last seen was shown of somebody who had just left")                    \
    X(presence_shown, "somebody was shown online")                                                 \
    X(hidden, "somebody who does not share was looked at")                                         \
    X(unlinked, "a device was unlinked")                                                           \
    X(created, "a conversation was created by a client")                                           \
    X(sent_over_http, "a message was sent over HTTP")                                              \
    X(read_synced, "a read mark went to another device of its user")                               \
    X(tick_of_group, "a tick of a group moved")                                                    \
    X(adopted, "what a GET had put on the screen was shown")                                       \
    X(typing_shown, "somebody was shown typing")                                                   \
    X(rang, "a phone rang")                                                                        \
    X(days_away, "a device was away for more than a day")

struct tt_sometimes {
#define X(name, what) uint64_t name;
    TT_SOMETIMES_MAP(X)
#undef X
};

/* Counts it; `pointer` may be NULL. */
#define TT_SOMETIMES(pointer, name) ((pointer) == NULL ? (void)0 : (void)(pointer)->name++)

#endif
