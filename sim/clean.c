#include "sim/phone.h"

#include "base/memory.h"

/*
 * Loops that repair what was lost would hide that something is lost without any fault, so in this
 * phase everything has a bound: what is stored is on every connected device, and what moved is on
 * every screen, within WITHIN_US.
 */
#define WITHIN_US    (4 * TT_US_PER_S)
#define CONNECTED_US (3 * TT_US_PER_S) /* a device that has just come is still catching up */

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

/* Whether the device was there all the time and nothing stood in its way. */
static bool was_there(const struct tt_sim_device *device, uint64_t at_us)
{
    return device->honest && tt_device_is_online(device) && device->caught_up &&
           !device->link->is_cut && !device->link->is_stuck && device->link->bytes_per_ms == 0 &&
           device->link->opened_us + CONNECTED_US <= at_us;
}

static void check_stored(struct tt_run *run, const struct expectation *expected,
                         struct tt_sim_device *device, const struct tt_chat *chat)
{
    bool has_it = tt_oracle_is_by(run->oracle, &expected->conversation, expected->seq.n,
                                  &device->user, &device->id) ||
                  (chat->holds && chat->held >= expected->seq.n);
    if (!has_it)
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

static void stored(void *context, const tt_id *conversation, tt_seq seq, const tt_id *sender)
{
    (void)sender;
    struct tt_run *run = context;
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
}

void tt_clean_end(struct tt_run *run)
{
    run->is_clean = false;
    tt_oracle_set_watch(run->oracle, (struct tt_oracle_watch){0});
    struct tt_core_counters after = tt_world_counters(run->world);
    uint64_t repairs = after.repairs_push_timer - run->before_clean.repairs_push_timer;
    if (repairs > 0 && !run->had_ghost)
        tt_oracle_fail(run->oracle, "time: %llu things had to be repaired though nothing was lost",
                       NUMBER(repairs));
}
