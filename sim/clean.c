#include "sim/phone.h"

#include "base/memory.h"

/*
 * Loops that repair what was lost would hide that something is lost without any fault, so in this
 * phase everything has a bound: what is stored is on every connected device, and what moved is on
 * every screen, within WITHIN_US.
 */
#define WITHIN_US    (4 * TT_US_PER_S)
#define CONNECTED_US (3 * TT_US_PER_S) /* a device that has just come is still catching up */
#define CAUGHT_UP_US (5 * TT_US_PER_S)
#define LOOK_US      (TT_US_PER_S / 2)
#define OVERTAKES_US (2 * TT_US_PER_S) /* a refresh may tell of what is still on its way */

/* Where pages hold one message each and the store is slow, a long backlog takes its time. */
#define BACKLOG_MAX 10

#define NAME(id)   (id).size, (id).bytes
#define NUMBER(it) ((unsigned long long)(it))

struct expectation {
    struct tt_run *run;
    tt_id conversation;
    tt_id user; /* whose cursor moved; none: a message was stored */
    tt_seq seq;
    uint64_t at_us;
};

static void drop(void *payload)
{
    tt_free(payload);
}

static bool is_clear(const struct tt_link *link)
{
    return !link->is_cut && !link->is_stuck && link->bytes_per_ms == 0;
}

/* Whether the device was there all the time and nothing stood in its way. */
static bool was_there(const struct tt_sim_device *device, uint64_t at_us)
{
    return device->honest && tt_device_is_online(device) && device->caught_up &&
           is_clear(device->link) && device->link->opened_us + CONNECTED_US <= at_us;
}

/* Also what was there before the device was linked, which it is never sent. */
static bool has(const struct tt_run *run, const struct tt_sim_device *device,
                const struct tt_chat *chat, uint64_t seq)
{
    return seq == 0 || (chat->holds && chat->held >= seq) ||
           tt_oracle_is_by(run->oracle, &chat->is->id, seq, &device->user, &device->id) ||
           tt_oracle_position(run->oracle, &chat->is->id, &device->user, &device->id).n >= seq;
}

static void check_stored(struct tt_run *run, const struct expectation *expected,
                         struct tt_sim_device *device, const struct tt_chat *chat)
{
    if (!has(run, device, chat, expected->seq.n))
        tt_oracle_fail(run->oracle,
                       "time: %.*s/%.*s does not have %.*s seq %llu, %u s after it was stored",
                       NAME(device->user), NAME(device->id), NAME(expected->conversation),
                       NUMBER(expected->seq.n), (unsigned)(WITHIN_US / TT_US_PER_S));
}

static void check_due(void *context, void *payload)
{
    struct tt_run *run = context;
    struct expectation *expected = payload;
    for (uint32_t i = 0; i < run->device_count && run->is_clean; i++) {
        struct tt_sim_device *device = run->devices[i];
        struct tt_chat *chat = tt_device_chat(device, &expected->conversation);
        if (!was_there(device, expected->at_us) || chat == NULL || !chat->is_member)
            continue;
        if (tt_id_is_none(&expected->user))
            check_stored(run, expected, device, chat);
    }
    drop(expected);
}

/* A device that has just connected, and what was stored by then. */
struct arrival {
    struct tt_run *run;
    const struct tt_sim_device *device;
    const struct tt_link *link;
    uint64_t heads[TT_ORACLE_CONVERSATIONS_MAX];
};

static void check_arrival(void *context, void *payload)
{
    struct tt_run *run = context;
    const struct arrival *arrival = payload;
    const struct tt_sim_device *device = arrival->device;
    bool is_there = run->is_clean && device->link == arrival->link && is_clear(device->link);
    if (is_there && !device->caught_up)
        tt_oracle_fail(run->oracle, "time: %.*s/%.*s has not caught up, %u s after it connected",
                       NAME(device->user), NAME(device->id),
                       (unsigned)(CAUGHT_UP_US / TT_US_PER_S));
    for (uint32_t i = 0; is_there && i < device->chat_count; i++)
        if (!has(run, device, &device->chats[i], arrival->heads[i]))
            tt_oracle_fail(run->oracle,
                           "time: %.*s/%.*s does not have %.*s seq %llu, %u s after it connected",
                           NAME(device->user), NAME(device->id), NAME(device->chats[i].is->id),
                           NUMBER(arrival->heads[i]), (unsigned)(CAUGHT_UP_US / TT_US_PER_S));
    drop(payload);
}

static uint64_t backlog_of(const struct arrival *arrival)
{
    const struct tt_sim_device *device = arrival->device;
    uint64_t backlog = 0;
    for (uint32_t i = 0; i < device->chat_count; i++) {
        uint64_t position = tt_oracle_position(arrival->run->oracle, &device->chats[i].is->id,
                                               &device->user, &device->id)
                                .n;
        backlog += arrival->heads[i] > position ? arrival->heads[i] - position : 0;
    }
    return backlog;
}

static void look_for_arrivals(void *context, void *payload)
{
    (void)payload;
    struct tt_run *run = context;
    uint64_t now_us = run->world->agenda.now_us;
    for (uint32_t i = 0; i < run->device_count && run->is_clean; i++) {
        const struct tt_sim_device *device = run->devices[i];
        if (!device->honest || !device->is_open || device->link->opened_us + LOOK_US <= now_us)
            continue;
        struct arrival *arrival = tt_alloc(sizeof(*arrival));
        *arrival = (struct arrival){.run = run, .device = device, .link = device->link};
        for (uint32_t c = 0; c < device->chat_count; c++)
            if (tt_oracle_is_member(run->oracle, &device->chats[c].is->id, &device->user))
                arrival->heads[c] = tt_oracle_head(run->oracle, &device->chats[c].is->id).n;
        if (backlog_of(arrival) <= BACKLOG_MAX)
            tt_agenda_after(&run->world->agenda, CAUGHT_UP_US, check_arrival, run, arrival, drop);
        else
            drop(arrival);
    }
    if (run->is_clean)
        tt_agenda_after(&run->world->agenda, LOOK_US, look_for_arrivals, run, NULL, NULL);
}

/* What one device should show is noted at once, because the others' cursors move on. */
struct shown_expectation {
    struct tt_run *run;
    struct tt_sim_device *device;
    struct tt_link *link;
    struct tt_chat *chat;
    struct tt_cursor truth;
};

/* A message of one's own carries one's cursors along, and nobody is told of that. */
static bool is_late(const struct tt_run *run, const struct shown_expectation *expected,
                    tt_seq shown, tt_seq truth)
{
    const tt_id *conversation = &expected->chat->is->id;
    const tt_id *user = &expected->device->user;
    return tt_oracle_last_by(run->oracle, conversation, shown.n, user) <
           tt_oracle_last_by(run->oracle, conversation, truth.n, user);
}

static void check_shown(void *context, void *payload)
{
    struct tt_run *run = context;
    struct shown_expectation *expected = payload;
    struct tt_sim_device *device = expected->device;
    struct tt_cursor shown = expected->chat->shown;
    bool is_there = run->is_clean && device->link == expected->link && !device->link->is_cut;
    if (is_there && (is_late(run, expected, shown.delivered, expected->truth.delivered) ||
                     is_late(run, expected, shown.read, expected->truth.read)))
        tt_oracle_fail(
            run->oracle,
            "time: %.*s/%.*s shows %.*s %llu/%llu; for %u s the truth has been %llu/%llu",
            NAME(device->user), NAME(device->id), NAME(expected->chat->is->id),
            NUMBER(shown.delivered.n), NUMBER(shown.read.n), (unsigned)(WITHIN_US / TT_US_PER_S),
            NUMBER(expected->truth.delivered.n), NUMBER(expected->truth.read.n));
    drop(expected);
}

/*
 * Repairs. A lost hint is made good by the push timer, or by the refresh of an open chat. The core
 * counts what a refresh has brought, but a refresh may also overtake a hint that is under way, tell
 * of somebody who has gone before the grace is over, and tell of cursors that were carried along by
 * a message of their owner's, of which nobody is told. So what was told is looked at one by one.
 */

static uint32_t number_of(const struct tt_run *run, const tt_id *conversation)
{
    const struct tt_cast *cast = &run->swarm.cast;
    uint32_t number = 0;
    while (number < cast->conversation_count &&
           !tt_id_eq(&cast->conversations[number].id, conversation))
        number++;
    return number;
}

static bool was_just(const struct tt_run *run, uint64_t at_us)
{
    return at_us + OVERTAKES_US >= run->world->agenda.now_us;
}

static void check_tick_refreshed(struct tt_run *run, const struct tt_sim_device *device,
                                 const struct tt_chat *chat, const struct tt_server_frame *frame)
{
    const tt_id *id = &chat->is->id;
    bool is_news =
        tt_oracle_last_by(run->oracle, id, chat->shown.delivered.n, &device->user) <
            tt_oracle_last_by(run->oracle, id, frame->status.delivered.n, &device->user) ||
        tt_oracle_last_by(run->oracle, id, chat->shown.read.n, &device->user) <
            tt_oracle_last_by(run->oracle, id, frame->status.read.n, &device->user);
    if (is_news && !was_just(run, run->moved_us[number_of(run, id)]))
        tt_oracle_fail(run->oracle,
                       "time: only a refresh tells %.*s/%.*s that %.*s is at %llu/%llu, though "
                       "nothing was lost",
                       NAME(device->user), NAME(device->id), NAME(*id),
                       NUMBER(frame->status.delivered.n), NUMBER(frame->status.read.n));
}

static void check_presence_refreshed(struct tt_run *run, const struct tt_sim_device *device,
                                     const struct tt_chat *chat,
                                     const struct tt_server_frame *frame)
{
    uint64_t grace_us = run->swarm.world.core.offline_grace_ms * TT_US_PER_MS;
    bool is_known = device->marking > 0; /* the answer that says it may be on its way */
    for (uint32_t i = 0; i < chat->is->member_count; i++)
        is_known = is_known ||
                   (tt_id_eq(&chat->is->members[i], &frame->user) && chat->status_is_known[i] &&
                    chat->status[i].online == frame->presence.status.online &&
                    chat->status[i].last_seen.ms == frame->presence.status.last_seen.ms);
    if (!is_known && !was_just(run, tt_oracle_sessions_us(run->oracle, &frame->user) + grace_us) &&
        !was_just(run, tt_oracle_settings_us(run->oracle, &frame->user)) &&
        !was_just(run, tt_oracle_settings_us(run->oracle, &device->user)))
        tt_oracle_fail(run->oracle,
                       "time: only a refresh tells %.*s/%.*s that %.*s is %s, though nothing was "
                       "lost",
                       NAME(device->user), NAME(device->id), NAME(frame->user),
                       frame->presence.status.online ? "online" : "offline");
}

static void refresh_told(void *context, const struct tt_link *link,
                         const struct tt_server_frame *frame)
{
    struct tt_run *run = context;
    for (uint32_t i = 0; i < run->device_count && !run->had_ghost; i++) {
        struct tt_sim_device *device = run->devices[i];
        const struct tt_chat *chat = tt_device_chat(device, &frame->conversation);
        if (device->link != link || chat == NULL || !device->honest || !is_clear(link))
            continue;
        if (frame->kind == TT_SERVER_PRESENCE)
            check_presence_refreshed(run, device, chat, frame);
        else
            check_tick_refreshed(run, device, chat, frame);
    }
}

/* What was stored before all was well may be new to a socket only if it is the device's own, sent
 * over HTTP: the rest was looked at then. */
static void refresh_found(void *context, const tt_id *conversation, uint64_t at_us)
{
    struct tt_run *run = context;
    uint64_t stored_us = run->stored_us[number_of(run, conversation)];
    if (stored_us > 0 && stored_us + OVERTAKES_US < at_us && !run->had_ghost)
        tt_oracle_fail(run->oracle,
                       "time: only a refresh finds what is new in %.*s, though nothing was lost",
                       NAME(*conversation));
}

static void stored(void *context, const tt_id *conversation, tt_seq seq, const tt_id *sender)
{
    (void)sender;
    struct tt_run *run = context;
    run->stored_us[number_of(run, conversation)] = run->world->agenda.now_us;
    struct expectation *expected = tt_alloc(sizeof(*expected));
    *expected = (struct expectation){
        .run = run,
        .conversation = *conversation,
        .seq = seq,
        .at_us = run->world->agenda.now_us,
    };
    tt_agenda_after(&run->world->agenda, WITHIN_US, check_due, run, expected, drop);
    tt_phones_stored(run->phones, conversation, seq);
}

static void moved(void *context, const tt_id *conversation, const tt_id *user)
{
    struct tt_run *run = context;
    run->moved_us[number_of(run, conversation)] = run->world->agenda.now_us;
    for (uint32_t i = 0; i < run->device_count; i++) {
        struct tt_sim_device *device = run->devices[i];
        struct tt_chat *chat = tt_device_chat(device, conversation);
        if (!was_there(device, run->world->agenda.now_us) || chat == NULL || !chat->is_member ||
            tt_id_eq(&device->user, user))
            continue;
        struct shown_expectation *expected = tt_alloc(sizeof(*expected));
        *expected = (struct shown_expectation){
            .run = run,
            .device = device,
            .link = device->link,
            .chat = chat,
            .truth = tt_oracle_others(run->oracle, conversation, &device->user),
        };
        tt_agenda_after(&run->world->agenda, WITHIN_US, check_shown, run, expected, drop);
    }
}

/* A liar holds on to a socket that was replaced when the hint of it was lost. The registry knows
 * the newer one only, so what is told to the other is told by the way, and has gaps. */
static bool has_ghost(const struct tt_world *world)
{
    for (const struct tt_link *link = world->all_links; link != NULL; link = link->next)
        for (const struct tt_link *other = link->next; other != NULL; other = other->next)
            if (link->server_open && other->server_open && tt_id_eq(&link->user, &other->user) &&
                tt_id_eq(&link->device, &other->device))
                return true;
    return false;
}

void tt_clean_begin(struct tt_run *run)
{
    run->is_clean = true;
    run->had_ghost = has_ghost(run->world);
    run->before_clean = tt_world_counters(run->world);
    tt_oracle_set_watch(run->oracle, (struct tt_oracle_watch){run, stored, moved});
    run->world->refresh_watch = (struct tt_refresh_watch){run, refresh_told, refresh_found};
    look_for_arrivals(run, NULL);
}

void tt_clean_end(struct tt_run *run)
{
    run->is_clean = false;
    tt_oracle_set_watch(run->oracle, (struct tt_oracle_watch){0});
    run->world->refresh_watch = (struct tt_refresh_watch){0};
    struct tt_core_counters after = tt_world_counters(run->world);
    uint64_t repairs = after.repairs_push_timer - run->before_clean.repairs_push_timer;
    if (repairs > 0 && !run->had_ghost)
        tt_oracle_fail(run->oracle, "time: %llu things had to be repaired though nothing was lost",
                       NUMBER(repairs));
}
