/*
 * core: the deterministic middle of one node. Events in, effects out, nothing else.
 *
 * tt_core_step handles one event and leaves its effects in a list that lives until the next step.
 * The same events with the same times and entropy give the same effects, whatever the machine.
 * The core asks nobody: it emits an op, and goes on when the op comes back as an event.
 *
 * Invariants, checked by assertions: read <= delivered <= handed out, per device; a seq is handed
 * to a session at most once and in order; an op is owned by exactly one side.
 */
#ifndef TT_CORE_CORE_H
#define TT_CORE_CORE_H

#include <stddef.h>

#include "core/effect.h"
#include "core/event.h"

struct tt_core;

struct tt_core_options {
    struct tt_place place;
    uint64_t hash_seed;
    bool store_keeps_order; /* several appends of one device and conversation may be under way */
    uint32_t push_delay_ms;
    bool hides_previews; /* phones are shown no text, whatever their users chose */
    uint32_t heartbeat_ms;
    uint32_t pong_ms;
    uint32_t offline_grace_ms;
    uint32_t refresh_ms_min;
    uint32_t refresh_ms_max;
    uint32_t sends_per_s; /* 0: no limit */
    uint32_t frames_per_s;
    uint32_t members_max;
    uint32_t conversations_max;
    uint32_t devices_max;
    int64_t device_silent_ms_max;
    uint32_t streams_kept;
    uint32_t conversations_kept;
    uint32_t replay_count; /* messages of one replay read */
    uint32_t replay_bytes;
    uint32_t pending_count;
    uint32_t push_timers_max;
    uint32_t unrung_max; /* of them found in the pending rows: the others are found later */
    size_t undrained_bytes_max;
    size_t slow_bytes_max;
    uint32_t reassert_ms; /* a session checks its registration about that often; 0: never */
    bool reports_alive;   /* this node tells the store that the process lives (one per process) */
    bool is_only_node;    /* whoever is connected is connected here: nobody else has to be asked */
};

/* The defaults of base/limits.h; the place stays to be filled in. */
struct tt_core_options tt_core_options_default(void);

/* Counters since the start: what /metrics shows and the simulator asks for. `repairs_refresh` is
 * what the refreshes of open chats have brought, also where a hint of it was still on its way. */
#define TT_CORE_COUNTER_MAP(X)                                                                     \
    X(sessions_opened)                                                                             \
    X(sessions_closed)                                                                             \
    X(messages_stored)                                                                             \
    X(messages_duplicate)                                                                          \
    X(messages_handed_out)                                                                         \
    X(acks)                                                                                        \
    X(acks_moved)                                                                                  \
    X(acks_ahead)                                                                                  \
    X(status_updates)                                                                              \
    X(presence_told)                                                                               \
    X(hints_sent)                                                                                  \
    X(hints_heard)                                                                                 \
    X(hints_stale)                                                                                 \
    X(gaps_filled)                                                                                 \
    X(repairs_push_timer)                                                                          \
    X(repairs_refresh)                                                                             \
    X(notifications)                                                                               \
    X(notifications_accepted)                                                                      \
    X(notifications_failed)                                                                        \
    X(notifications_put_off)                                                                       \
    X(notifications_cleared)                                                                       \
    X(rate_limited)                                                                                \
    X(slow_consumers)                                                                              \
    X(heartbeats_missed)                                                                           \
    X(replaced)                                                                                    \
    X(fenced)                                                                                      \
    X(store_errors)                                                                                \
    X(replay_pages)                                                                                \
    X(errors_sent)

struct tt_core_counters {
#define X(name) uint64_t name;
    TT_CORE_COUNTER_MAP(X)
#undef X
    uint64_t sessions; /* gauges from here on */
    uint64_t requests;
    uint64_t conversations_cached;
    uint64_t push_timers;
};

struct tt_core *tt_core_create(const struct tt_core_options *options);

/* Sets *pointer to NULL. Ops still under way must be destroyed by whoever holds them. */
void tt_core_destroy(struct tt_core **pointer);

/* Handles one event. The effects of the step before are gone. */
void tt_core_step(struct tt_core *core, const struct tt_now *now, const struct tt_event *event);

/* The effects of the last step, in the order in which they must be carried out. */
const struct tt_effect *tt_core_effects(const struct tt_core *core, size_t *count);

/* When the next TICK is due; 0: no timer runs. */
tt_mono tt_core_deadline(const struct tt_core *core);

/* Whether no session, request or op is left: what a draining process waits for. */
bool tt_core_is_idle(const struct tt_core *core);

/* What it holds on to; all zero when everybody has gone. `ops` are also those that wait to be tried
 * again; `timers` are not those that a node has by itself. */
#define TT_CORE_HELD_MAP(X)                                                                        \
    X(sessions)                                                                                    \
    X(requests)                                                                                    \
    X(ops)                                                                                         \
    X(tasks)                                                                                       \
    X(users)                                                                                       \
    X(watched)                                                                                     \
    X(pushes)                                                                                      \
    X(clears)                                                                                      \
    X(pins)                                                                                        \
    X(timers)

struct tt_core_held {
#define X(name) uint64_t name;
    TT_CORE_HELD_MAP(X)
#undef X
};

struct tt_core_held tt_core_held(const struct tt_core *core);

const struct tt_core_counters *tt_core_counters(const struct tt_core *core);

#endif
