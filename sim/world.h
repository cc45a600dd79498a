/*
 * world: servers, their nodes (each the production driver and core), and the network between them
 * and the devices; all in virtual time. The owner of the devices is someone else: a script (the
 * golden traces) or the swarm (sim/device.h).
 *
 * A server is a process: all its nodes die together, between any two effects, and come back with
 * empty memory and a new incarnation.
 */
#ifndef TT_SIM_WORLD_H
#define TT_SIM_WORLD_H

#include "driver/driver.h"
#include "sim/agenda.h"
#include "sim/fake_bus.h"
#include "sim/fake_notifier.h"
#include "sim/fake_registry.h"
#include "sim/fake_store.h"
#include "sim/prng.h"
#include "sim/sometimes.h"
#include "sim/trace.h"

#define TT_WORLD_SERVERS_MAX 5
#define TT_WORLD_NODES_MAX   4
#define TT_PACE_TRUE         1000U /* how fast a monotonic clock runs, in thousandths */

struct tt_oracle;
struct tt_node;
struct tt_link;
struct tt_call;

struct tt_world_options {
    uint64_t seed;
    uint32_t servers;
    uint32_t nodes; /* of each server */
    bool embedded;  /* one server with its own registry and bus, which die with it */
    bool keeps_order;
    bool through_codec; /* frames become JSON on their way, and frames again */
    enum tt_mutant mutant;
    tt_time epoch_wall; /* wall time at virtual time 0 */
    uint64_t epoch_us;  /* virtual time at the start */
    uint32_t turn_us;   /* a loop turn begins up to so long after something happened */
    uint32_t store_latency_us;
    uint32_t registry_latency_us;
    uint32_t bus_latency_us;
    int32_t skew_ms[TT_WORLD_SERVERS_MAX];
    uint32_t pace[TT_WORLD_SERVERS_MAX]; /* of the monotonic clocks; 0: true */
    struct tt_core_options core;
};

struct tt_server {
    tt_id id;
    uint64_t incarnation;
    bool is_up;
    bool is_draining;
    bool is_dying;                /* nothing that it still does has an effect */
    uint64_t effects_until_crash; /* 0: no crash is planned */
    uint64_t paused_until_us;
    int64_t skew_ms;     /* of its wall clock */
    int64_t skew_low_ms; /* what it was before, while what was answered then may not be told yet */
    int64_t skew_high_ms;
    uint64_t skew_past_us; /* until when that may be */
    uint32_t pace;
    struct tt_node *nodes[TT_WORLD_NODES_MAX];
};

/* Hears of what the refreshes of open chats bring. */
struct tt_refresh_watch {
    void *context;
    void (*told)(void *context, const struct tt_link *link, const struct tt_server_frame *frame);
    /* nothing was told yet: the conversation has a newer message than was known */
    void (*found)(void *context, const tt_id *conversation, uint64_t at_us);
};

struct tt_world {
    struct tt_world_options options;
    struct tt_agenda agenda;
    struct tt_trace trace;
    struct tt_fake_store *store;
    struct tt_fake_registry *registry;
    struct tt_fake_bus *bus;
    struct tt_fake_notifier notifier;
    struct tt_oracle *oracle; /* may be NULL */
    struct tt_refresh_watch refresh_watch;
    struct tt_prng network;
    struct tt_prng turn;
    struct tt_prng entropy;
    struct tt_server servers[TT_WORLD_SERVERS_MAX];
    struct tt_node *all_nodes; /* the dead ones too */
    struct tt_link *all_links;
    struct tt_call *all_calls;
    struct tt_core_counters past; /* counters of nodes that have died */
    tt_time highest_wall;         /* that a clock said before it was set */
    struct tt_sometimes sometimes;
    uint32_t link_count;
    uint64_t steps;
};

/* What a device hears on its connection; never from within a call that it makes itself. */
struct tt_link_owner {
    void *context;
    void (*opened)(void *context, struct tt_link *link);
    void (*heard)(void *context, struct tt_link *link, const struct tt_server_frame *frame);
    void (*pinged)(void *context, struct tt_link *link);
    /* `code` 0: the connection broke; `err`: why the upgrade was refused, else OK */
    void (*closed)(void *context, struct tt_link *link, uint32_t code, tt_err err);
};

/* A device's connection. Lives as long as the world. */
struct tt_link {
    struct tt_world *world;
    struct tt_node *node; /* NULL: nobody was there */
    struct tt_link *next;
    struct tt_link_owner owner;
    uint32_t id;
    tt_id user;
    tt_id device;
    tt_handle handle;
    bool server_open; /* the node holds the handle */
    uint64_t epoch;   /* as the store gave it; 0: not yet */
    bool accepted;
    bool device_open; /* the device has not heard that it is over */
    bool is_cut;      /* nothing passes any more, and nobody is told */
    uint32_t delay_us;
    uint32_t bytes_per_ms; /* how fast the device reads; 0: at once */
    bool is_stuck;         /* it reads nothing at all */
    uint64_t up_us;        /* when the last thing on its way arrives */
    uint64_t down_us;
    uint64_t drained_us;  /* when all that was sent has left the process */
    size_t queued_bytes;  /* that have not */
    size_t queued_before; /* this turn */
    uint64_t turn_us;
    uint64_t opened_us;
    uint64_t ended_us; /* for the server; 0: not yet */
    void *oracle;      /* what the oracle notes about it */
};

/* Somebody's HTTP request. Lives as long as the world. */
struct tt_call {
    struct tt_world *world;
    struct tt_node *node;
    struct tt_call *next;
    tt_handle handle;
    bool server_open;
    uint64_t made_us;
    struct tt_arena arena;
    struct tt_request request;
    void *context;
    /* reply NULL: the connection broke, or nobody was there */
    void (*replied)(void *context, struct tt_call *call, const struct tt_reply *reply);
    void *oracle;
};

struct tt_world *tt_world_create(const struct tt_world_options *options);
void tt_world_destroy(struct tt_world **pointer);

/* Of the server with that number, from 0. */
void tt_world_start(struct tt_world *world, uint32_t number);
void tt_world_crash(struct tt_world *world, uint32_t number);

/* Crashes it right before its n-th effect from now. */
void tt_world_crash_in(struct tt_world *world, uint32_t server, uint64_t effects);

/* Asks the server to close every session and to finish. */
void tt_world_drain(struct tt_world *world, uint32_t number);

/* Nothing happens on the server until then; afterwards, everything that piled up. */
void tt_world_pause(struct tt_world *world, uint32_t number, uint64_t until_us);

/* Its wall clock is set to so much more than the truth; 0: as in the options. */
void tt_world_set_clock(struct tt_world *world, uint32_t number, int64_t ahead_ms);

/* The server cannot reach the registry until then, and its lease ends. */
void tt_world_split(struct tt_world *world, uint32_t number, uint64_t until_us);

/* Its lease ends for a while, and it does not notice. */
void tt_world_end_lease(struct tt_world *world, uint32_t number, uint64_t until_us);

/* Until then no hint of the one server reaches the other; with `both`, nor the other way. */
void tt_world_cut(struct tt_world *world, uint32_t from, uint32_t to, uint64_t until_us, bool both);

/* Only this server's way to the store is bad, as `way` says. */
void tt_world_strand(struct tt_world *world, uint32_t number, const struct tt_fake_store_way *way);

/* Every server reaches the others and the store. */
void tt_world_rejoin(struct tt_world *world);

/* The one that serves it. */
const struct tt_server *tt_link_server(const struct tt_link *link);

/* What time the node that serves it thinks it is. What it says may have been made a moment ago,
 * when its clock was not yet set. */
struct tt_clock_span {
    tt_time earliest;
    tt_time latest;
};
struct tt_clock_span tt_link_clock(const struct tt_link *link);
struct tt_clock_span tt_call_clock(const struct tt_call *call);

/* The latest that any clock has ever said: a server's, or the registry's, which is right. */
tt_time tt_world_highest_wall(const struct tt_world *world);

tt_time tt_world_wall(const struct tt_world *world);

/* The sum over all nodes that ever were. */
struct tt_core_counters tt_world_counters(const struct tt_world *world);

/* link.c */

struct tt_link *tt_link_connect(struct tt_world *world, uint32_t server, uint32_t node,
                                const tt_id *user, const tt_id *device,
                                const struct tt_link_owner *owner, uint32_t delay_us);
void tt_link_send(struct tt_link *link, const struct tt_client_frame *frame);

/* The device closes it; the node hears in time, and the device hears nothing more. */
void tt_link_close(struct tt_link *link);

/* The connection breaks; each side hears after its delay, or never (UINT64_MAX). */
void tt_link_break(struct tt_link *link, uint64_t device_us, uint64_t server_us);

struct tt_call *tt_call_make(struct tt_world *world, uint32_t server, uint32_t node,
                             const struct tt_request *request, void *context,
                             void (*replied)(void *, struct tt_call *, const struct tt_reply *));

/* The device stops waiting. */
void tt_call_give_up(struct tt_call *call);

#endif
